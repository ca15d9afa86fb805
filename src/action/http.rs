//! `http`: a request that changes something, sent from the host over a channel of its connection, as the probe's is. GET
//! and HEAD only read. Redirects are not followed: they are answers that are not wanted, unless `ok_status` says so.
//!
//! The host claims the unit before the request leaves, and its record of it never says "done": who goes on with a run
//! that was cut off is told to look. A request that left and was not answered is `unknown`, never failed. A person who
//! ends the run waits for the answer or the timeout.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::probe::{Sending, Unanswered, check_headers, send};
use crate::action::words::{clip, invalid, known, visible};
use crate::base::BoxFuture;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::digest::Digest;
use crate::template::{AnyText, Data, EvalError, Plain, Text, Url, Value};
use crate::text::{self, OneOrMany, Sp, Tree};
use crate::transport::{Hands, LinkError, Look, Work};

use super::check::Verdict;
use super::registry::{Decode, Entry};
use super::{Action, ActionError, Applied, Cx, Effect, Login, Logs, Printed, Ready, Told, written};

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// A request and which answers are good.
#[derive(Debug)]
pub struct Http {
    url: Text<Url>,
    method: &'static str,
    headers: IndexMap<String, Text<Plain>>,
    body: Body,
    ca: Option<Text<Plain>>,
    /// Empty: 200 to 299.
    ok_status: Vec<u16>,
}

#[derive(Debug)]
enum Body {
    None,
    Text(Text<Plain>),
    Json(Data),
}

/// A request from the host.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "http", deny_unknown_fields)]
struct Fields {
    /// The URL, as the host sees it.
    url: Text<Url>,
    /// GET by default; anything but GET and HEAD changes something.
    method: Option<Sp<String>>,
    /// Headers; a null leaves one out.
    #[serde(default)]
    headers: IndexMap<String, Text<Plain>>,
    /// What is sent.
    body: Option<Text<Plain>>,
    /// A value that is sent as JSON.
    json: Option<Tree>,
    /// A file on the host with the certificate authority.
    ca: Option<Text<Plain>>,
    /// The answers that are fine; 200 to 299 by default.
    ok_status: Option<OneOrMany<Sp<u16>>>,
}

pub(super) const ENTRY: Entry = Entry {
    key: "http",
    about: "A request from the host, over the connection that is there already.",
    effect: "GET and HEAD read; anything else has its effect each time",
    example: "id: leave\nhosts: web\nhttp: { url: \"http://127.0.0.1:8080/leave\", method: PUT }\nundo: none\nwhy: the next start joins again\n",
    schema: |g| g.subschema_for::<Fields>(),
    decode: Decode::Action(decode),
};

fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Box<dyn Action>> {
    let Fields { url, method, headers, body, json, ca, ok_status } = text::decode(tree, diags)?;
    let word = method.as_ref().map_or("GET", |method| method.value.as_str());
    let found = METHODS.iter().find(|known| **known == word);
    if let (None, Some(method)) = (found, &method) {
        let message = format!("`{word}` is no method: expected one of {}", METHODS.join(", "));
        diags.push(Diagnostic::error("unknown-value", method.span, message));
    }
    for (key, other) in [("body", "json"), ("json", "body")] {
        let Some(span) = text::key_span(tree, key) else { continue };
        if matches!(found, Some(&"GET" | &"HEAD")) {
            diags.push(
                Diagnostic::error("not-together", span, format!("a {word} request has no `{key}`"))
                    .help("write `method: PUT`, `POST`, `PATCH` or `DELETE`"),
            );
        }
        if key == "json" && text::key_span(tree, other).is_some() {
            diags.push(Diagnostic::error("not-together", span, "`json` beside `body`: a request has one body"));
        }
    }
    let ok_status: Vec<Sp<u16>> = ok_status.map(|many| many.0).unwrap_or_default();
    for status in ok_status.iter().filter(|status| !(200..600).contains(&status.value)) {
        let message = format!("no answer has the status {}: they are 200 to 599", status.value);
        diags.push(Diagnostic::error("wrong-value", status.span, message));
    }
    check_headers(&headers, diags);
    if let Some(text) = &body {
        unquoted(text, &headers, diags);
    }
    let body = match (body, json) {
        (Some(text), _) => Body::Text(text),
        (None, Some(tree)) => Body::Json(Data::from_tree(&tree)),
        (None, None) => Body::None,
    };
    let ok_status = ok_status.into_iter().map(|status| status.value).collect();
    Some(Box::new(Http { url, method: found.unwrap_or(&"GET"), headers, body, ca, ok_status }))
}

/// Values in a body of a form that has its own quoting, which a text has not.
fn unquoted(body: &Text<Plain>, headers: &IndexMap<String, Text<Plain>>, diags: &Diagnostics) {
    let Sp { value, span } = body.source();
    let says = |word: &str| {
        let of_kind = |(name, text): (&String, &Text<Plain>)| {
            name.eq_ignore_ascii_case("content-type") && text.source().to_ascii_lowercase().contains(word)
        };
        headers.iter().any(of_kind)
    };
    let bare = body.insertions().into_iter().filter_map(|range| value.get(range)).any(|tag| {
        let helper = tag.trim_start_matches('{').split_whitespace().next().unwrap_or_default();
        !matches!(helper, "json" | "url" | "raw")
    });
    let help = match value.trim_start().chars().next() {
        _ if !bare => return,
        Some('{' | '[') => "write the document below `json:`: values are quoted there, and the header is set",
        _ if says("json") => "write the document below `json:`: values are quoted there, and the header is set",
        _ if says("urlencoded") => "write `{{url x}}` for each value",
        _ => return,
    };
    let message = "a value in this body is not quoted for what the body is";
    diags.push(Diagnostic::error("body-unquoted", *span, message).help(help));
}

impl Action for Http {
    fn key(&self) -> &'static str {
        "http"
    }

    fn effect(&self) -> Effect {
        if matches!(self.method, "GET" | "HEAD") { Effect::Reads } else { Effect::Once }
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["status", "headers", "body", "value", "changed"]
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        visit(&self.url);
        self.headers.values().chain(&self.ca).for_each(|text| visit(text));
        match &self.body {
            Body::None => {}
            Body::Text(text) => visit(text),
            Body::Json(data) => data.texts(visit),
        }
    }

    fn told(&self) -> Told {
        let Self { url, method, .. } = self;
        let what = format!("sends {method} {}", written(url));
        match &self.body {
            Body::Text(text) => Told::with(format!("{what} with this"), text.source()),
            Body::Json(_) => Told::new(format!("{what} with a JSON document")),
            Body::None => Told::new(what),
        }
    }

    fn prepare(&self, cx: &Cx<'_>) -> Result<Box<dyn Ready>, EvalError> {
        let mut headers = Vec::new();
        for (name, text) in &self.headers {
            if let Some(text) = text.render_unless_null(cx.scope)? {
                headers.push((name.clone(), known(text)?));
            }
        }
        let body = match &self.body {
            Body::None => None,
            Body::Text(text) => Some(cx.render_hidden(text)?),
            Body::Json(data) => {
                if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                    headers.push(("content-type".to_owned(), "application/json".to_owned()));
                }
                Some(data.known(cx.scope)?.json_text()?)
            }
        };
        let url = cx.render(&self.url)?;
        if !Sending::can_go(&url) {
            return Err(invalid(format!("not a URL that can be asked: {url}")));
        }
        let ca = match &self.ca {
            Some(file) => file.render_unless_null(cx.scope)?.map(visible).transpose()?,
            None => None,
        };
        Ok(Box::new(Request {
            sending: Sending { method: self.method, url, headers, body, ca },
            reads: self.effect() == Effect::Reads,
            ok_status: self.ok_status.clone(),
            login: cx.login.clone(),
            // the claim is the login user's own
            work: Work { timeout: cx.timeout, ..Work::default() },
        }))
    }
}

/// A rendered request.
#[derive(Debug)]
struct Request {
    sending: Sending,
    reads: bool,
    ok_status: Vec<u16>,
    login: Login,
    work: Work,
}

/// What the host keeps of the unit: that it began.
const CLAIM: &str =
    "echo 'a request was sent by the controller; whether it had its effect is not known here' >&2; exit 75";

impl Request {
    /// Claims the unit on the host, and notes the ends of logs.
    async fn begin(&self, hands: &Hands<'_>, logs: Logs) -> Result<(), ActionError> {
        if self.reads && logs.sources.is_empty() {
            return Ok(());
        }
        let work = Work { script: CLAIM.to_owned(), cursors: logs.sources, ..self.work.clone() };
        let done = hands.run(&work, logs.noted).await?;
        let done = super::stopped(done, &work)?;
        if done.exit == 75 {
            return Ok(());
        }
        Err(ActionError::failed(format!("not sent: {}", clip(&String::from_utf8_lossy(&done.stderr)))))
    }

    fn is_good(&self, status: u16) -> bool {
        if self.ok_status.is_empty() { (200..300).contains(&status) } else { self.ok_status.contains(&status) }
    }
}

impl Ready for Request {
    fn summary(&self) -> String {
        let Sending { method, url, body, .. } = &self.sending;
        let size = body.as_ref().map(|body| format!(" ({} bytes)", body.len())).unwrap_or_default();
        format!("{method} {url}{size}")
    }

    fn body(&self) -> String {
        let Sending { method, url, headers, body, ca } = &self.sending;
        // headers and bodies may hold secrets
        let parts = headers.iter().flat_map(|(name, value)| [name.clone(), Digest::of(value).to_string()]);
        let body = body.as_ref().map(|body| Digest::of(body).to_string()).unwrap_or_default();
        let more = [(*method).to_owned(), url.clone(), body, ca.clone().unwrap_or_default()];
        super::body(&self.work, &more.into_iter().chain(parts).collect::<Vec<_>>())
    }

    fn check<'a>(&'a self, _look: &'a dyn Look) -> BoxFuture<'a, Result<Verdict, ActionError>> {
        Box::pin(async { Ok(Verdict::WouldRun(self.summary())) })
    }

    fn apply<'a>(&'a self, hands: &'a Hands<'a>, logs: Logs) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async move {
            self.begin(hands, logs).await?;
            let answer = match send(&self.sending, hands.look(), &self.login, self.work.timeout).await {
                Ok(answer) => answer,
                Err(Unanswered { sent: true, error }) if !self.reads => {
                    let reason = format!("{error}; the request was sent, so it may have had its effect");
                    return Err(ActionError::Link(LinkError::Lost { reason }));
                }
                Err(Unanswered { error, .. }) => return Err(ActionError::failed(error.to_string())),
            };
            let seen = format!("{}: {} {}", self.summary(), answer.status, clip(answer.body.trim()));
            if !self.is_good(answer.status) {
                let printed = Printed { stdout: answer.body.into_bytes(), ..Printed::default() };
                return Err(ActionError::Failed { reason: seen, exit: None, printed });
            }
            let headers = answer.headers.into_iter().map(|(name, value)| (name, Value::str(value)));
            Ok(Applied {
                changed: !self.reads,
                result: Value::map([
                    ("status".to_owned(), Value::Int(answer.status.into())),
                    ("headers".to_owned(), Value::map(headers)),
                    ("body".to_owned(), Value::str(&*answer.body)),
                    ("value".to_owned(), Value::str(&*answer.body)),
                ]),
                printed: Printed { stdout: answer.body.into_bytes(), ..Printed::default() },
                artifact: None,
            })
        })
    }
}
