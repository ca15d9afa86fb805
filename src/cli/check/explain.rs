//! What `--explain` shows: every request that looks, as it is sent.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::digest::Digest;
use crate::report::{escape, escape_lines};
use crate::transport::overheard::{Hear, Request};

/// Shows requests on standard output.
pub fn hear() -> Hear {
    let shown = Mutex::new(HashSet::new());
    Arc::new(move |host: &str, request: Request<'_>| heard(host, request, &shown))
}

/// Shows requests. Secrets are in none: they go by standard input and variables. A long text stands there once.
fn heard(host: &str, request: Request<'_>, shown: &Mutex<HashSet<Digest>>) {
    let (user, text) = match request {
        Request::Dial(address) => (None, format!("a connection to {address}")),
        Request::Ask(ask) => {
            let words = ask.argv.iter().flatten().map(String::as_str);
            let words = shlex::try_join(words).unwrap_or_default();
            let script = ask.script.trim();
            let is_new = shown.lock().unwrap_or_else(PoisonError::into_inner).insert(Digest::of(script));
            let script = if is_new || script.lines().count() < 4 { script } else { "the same text as above" };
            let text = [script, &words].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
            (ask.user.as_ref(), text.join("\n… with "))
        }
    };
    let user = user.map(|user| format!(" as {}", escape(user))).unwrap_or_default();
    outln!("    asks {}{user}: {}", escape(host), escape_lines(&text).join("\n      "));
}
