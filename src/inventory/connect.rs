//! The engine's settings of one host, put together from the layers.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::file::ConnectEntry;
use super::layers::Words;
use super::model::{ConnectSettings, Via};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::text::Sp;

/// Settings by name. Paths are resolved against the folder of the file that gives them.
pub(super) fn settings(entry: &ConnectEntry, folder: &Path, diags: &Diagnostics) -> IndexMap<String, Words> {
    let mut all = IndexMap::new();
    let mut put = |name: &str, words: Sp<Vec<String>>| {
        all.insert(name.to_owned(), Words(words));
    };
    if let Some(via) = &entry.via {
        put("via", via.map(|via| vec![via_name(via).to_owned()]));
    }
    check_user(entry.user.as_ref(), diags);
    if let Some(manager) = entry.service_manager.as_ref().filter(|m| !matches!(m.as_str(), "systemd" | "runit")) {
        let message = format!("`{}` is no service manager that is known: systemd and runit are", manager.value);
        diags.push(Diagnostic::error("wrong-value", manager.span, message));
    }
    check_port(entry.port.as_ref(), diags);
    if let Some(port) = &entry.port {
        put("port", port.map(|port| vec![port.to_string()]));
    }
    if let Some(drill) = &entry.drill {
        put("drill", drill.map(|drill| vec![drill.to_string()]));
    }
    let texts = [
        ("user", &entry.user),
        ("service_manager", &entry.service_manager),
        ("path", &entry.path),
        ("shell", &entry.shell),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            put(name, text.clone().map(|text| vec![text]));
        }
    }
    if let Some(file) = &entry.ssh_config {
        if file.starts_with('~') {
            diags.push(
                Diagnostic::error("home-path", file.span, "`~` is not known here")
                    .help("write the whole path, or one that is relative to this file"),
            );
        }
        put("ssh_config", file.clone().map(|file| vec![folder.join(file).display().to_string()]));
    }
    if let Some(command) = &entry.command {
        match command.value.0.as_slice() {
            [line] => match shlex::split(line) {
                Some(words) if !words.is_empty() => put("command", Sp::new(words, command.span)),
                _ => {
                    let message = "this is not a command: a quote is open";
                    diags.push(Diagnostic::error("bad-command", command.span, message));
                    put("command", Sp::new(vec![line.value.clone()], command.span));
                }
            },
            words => put("command", Sp::new(words.iter().map(|word| word.value.clone()).collect(), command.span)),
        }
    }
    all
}

/// A login goes into ssh's command line.
pub(super) fn check_user(user: Option<&Sp<String>>, diags: &Diagnostics) {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.@+-\\".contains(&b);
    let right =
        |user: &str| user.contains("{{") || !user.is_empty() && !user.starts_with('-') && user.bytes().all(plain);
    if let Some(user) = user.filter(|user| !right(user)) {
        diags.push(Diagnostic::error("wrong-value", user.span, format!("`{}` is not the name of a user", user.value)));
    }
}

/// Nothing listens on port 0.
pub(super) fn check_port(port: Option<&Sp<u16>>, diags: &Diagnostics) {
    if let Some(port) = port.filter(|port| port.value == 0) {
        let message = "expected a whole number from 1 to 65535, found 0";
        diags.push(Diagnostic::error("out-of-range", port.span, message));
    }
}

const fn via_name(via: Via) -> &'static str {
    match via {
        Via::Ssh => "ssh",
        Via::Local => "local",
        Via::Exec => "exec",
    }
}

/// The typed form. The words were typed before they were layered.
pub(super) fn typed(settings: &IndexMap<String, Words>, fill: impl Fn(&Sp<String>) -> String) -> ConnectSettings {
    let words = |name: &str| settings.get(name).map(|words| &words.0);
    let one = |name: &str| words(name).and_then(|w| w.value.first().map(|text| fill(&Sp::new(text.clone(), w.span))));
    ConnectSettings {
        via: match one("via").as_deref() {
            Some("local") => Via::Local,
            Some("exec") => Via::Exec,
            _ => Via::Ssh,
        },
        command: words("command")
            .map_or_else(Vec::new, |w| w.value.iter().map(|word| fill(&Sp::new(word.clone(), w.span))).collect()),
        port: one("port").and_then(|port| port.parse().ok()),
        user: one("user"),
        ssh_config: one("ssh_config").map(PathBuf::from),
        service_manager: one("service_manager"),
        path: one("path"),
        shell: one("shell"),
        drill: one("drill").as_deref() == Some("true"),
    }
}
