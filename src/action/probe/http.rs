//! `http:` a GET request, and the way of every request: sent from the host over a channel of its connection, so that nothing need be installed there
//! and `127.0.0.1` is the host's own. HTTP itself is hyper's, TLS is in [`super::tls`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use indexmap::IndexMap;

use crate::action::words::{clip, known, visible};
use crate::base::address::with_port;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::template::{Plain, Scope, Text, Value};
use crate::transport::{Dialed, Look, Stream};

use super::model::{Probe, Request};
use super::tls::Trust;
use super::{Found, Parse, ProbeError};
use crate::action::Login;

/// The largest answer that is read.
const LIMIT: usize = 4 * 1024 * 1024;

pub(super) async fn ask(
    request: &Request,
    probe: &Probe,
    look: &dyn Look,
    login: &Login,
    scope: &dyn Scope,
) -> Result<Found, ProbeError> {
    let url = request.url.render(scope).and_then(visible).and_then(super::fits::url)?;
    let mut headers = Vec::new();
    for (name, text) in &request.headers {
        if let Some(text) = text.render_unless_null(scope)? {
            headers.push((name.clone(), known(text)?));
        }
    }
    let ca = match &request.ca {
        Some(file) => file.render_unless_null(scope)?.map(visible).transpose()?,
        None => None,
    };
    let sending = Sending { method: "GET", url, headers, body: None, ca };
    let answer = send(&sending, look, login, probe.timeout).await.map_err(|unanswered| unanswered.error)?;
    let (url, Exchange { status, headers, body }) = (sending.url, answer);
    let success = (200..300).contains(&status);
    if success {
        super::check_match(probe, &body, scope)?;
    }
    let parsed = probe.parse.as_ref().unwrap_or(&Parse::Text).apply(&body);
    let value = match parsed {
        Ok(value) => value,
        // an error page need not be what the author expected of a good answer
        Err(_) if !success => Value::str(&*body),
        Err(error) => return Err(ProbeError::Unparsable(format!("{url}: {error}"))),
    };
    Ok(Found {
        success,
        seen: format!("{url}: {status} {}", clip(body.trim())),
        result: Value::map([
            ("status".to_owned(), Value::Int(status.into())),
            ("headers".to_owned(), Value::map(headers.into_iter().map(|(k, v)| (k, Value::str(v))))),
            ("body".to_owned(), value),
        ]),
    })
}

/// Says which headers no request can have: by their names, and by values that are written out.
pub(in crate::action) fn check_headers(headers: &IndexMap<String, Text<Plain>>, diags: &Diagnostics) {
    for (name, text) in headers {
        let why = if name.parse::<hyper::header::HeaderName>().is_err() {
            format!("`{name}` is no name of a header")
        } else if text.is_literal() && text.source().parse::<hyper::header::HeaderValue>().is_err() {
            format!("this cannot be the value of the header `{name}`")
        } else {
            continue;
        };
        diags.push(Diagnostic::error("wrong-value", text.source().span, why));
    }
}

/// A request, every text rendered. Headers and body may hold secrets.
pub(in crate::action) struct Sending {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
    /// The file on the host with the authorities to trust.
    pub ca: Option<String>,
}

impl Sending {
    /// Whether the URL is one that a request can be sent to.
    pub fn can_go(url: &str) -> bool {
        Target::parse(url).is_some()
    }
}

impl std::fmt::Debug for Sending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// A request that was not answered.
#[derive(Debug)]
pub(in crate::action) struct Unanswered {
    /// Whether it may have left.
    pub sent: bool,
    /// Why.
    pub error: ProbeError,
}

/// Sends a request from the host and waits for the whole answer.
pub(in crate::action) async fn send(
    sending: &Sending,
    look: &dyn Look,
    login: &Login,
    timeout: Duration,
) -> Result<Exchange, Unanswered> {
    let sent = AtomicBool::new(false);
    let url = &sending.url;
    let failed = |why: String| ProbeError::NotAsked(format!("{url}: {why}"));
    let whole = tokio::time::timeout(timeout, async {
        let target = Target::parse(url).ok_or_else(|| failed("not a URL that can be asked".to_owned()))?;
        let ca = sending.ca.as_deref();
        let trust = if target.tls { Some(Trust::read(ca, look, login, timeout).await?) } else { None };
        let mut stream = match look.dial(&target.address, timeout).await? {
            Dialed::Open(stream) => stream,
            Dialed::Refused => return Err(not_asked(&target.address, "connection refused")),
            Dialed::Silent => return Err(not_asked(&target.address, "no answer")),
            Dialed::Failed(why) => return Err(not_asked(&target.address, &why)),
        };
        if let Some(trust) = &trust {
            stream = trust.wrap(stream, &target.name).await.map_err(failed)?;
        }
        exchange(stream, &target, sending, &sent).await.map_err(|error| {
            failed(trust.map_or_else(|| error.to_string(), |trust| trust.words(&*error, &target.name)))
        })
    });
    let answer =
        whole.await.unwrap_or_else(|_| Err(failed(format!("no answer within {}", crate::action::seconds(timeout)))));
    answer.map_err(|error| Unanswered { sent: sent.load(Ordering::Relaxed), error })
}

/// Posts a document from where `look` looks, and gives the status of the answer.
pub async fn post(
    url: &str,
    headers: Vec<(String, String)>,
    body: String,
    look: &dyn Look,
    timeout: Duration,
) -> Result<u16, String> {
    let sending = Sending { method: "POST", url: url.to_owned(), headers, body: Some(body), ca: None };
    let answer = send(&sending, look, &Login::default(), timeout).await;
    answer.map(|exchange| exchange.status).map_err(|unanswered| unanswered.error.to_string())
}

fn not_asked(address: &str, why: &str) -> ProbeError {
    ProbeError::NotAsked(format!("{address}: {why}"))
}

/// An answer.
pub(in crate::action) struct Exchange {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

async fn exchange(
    stream: Box<dyn Stream>,
    target: &Target,
    sending: &Sending,
    sent: &AtomicBool,
) -> Result<Exchange, Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let mut request = hyper::Request::builder()
        .method(sending.method)
        .uri(&target.path)
        .header("host", &target.host)
        .header("accept", "*/*")
        .header("connection", "close")
        .header("user-agent", concat!("refloat/", env!("CARGO_PKG_VERSION")));
    for (name, value) in &sending.headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::from(sending.body.clone().unwrap_or_default())))?;
    sent.store(true, Ordering::Relaxed);
    let work = async {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
            .collect();
        let body = Limited::new(response.into_body(), LIMIT).collect().await?.to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Exchange { status, headers, body })
    };
    tokio::pin!(work, connection);
    tokio::select! {
        answer = &mut work => answer,
        // an answer that has come is one, however the connection ends
        ended = &mut connection => match (work.await, ended) {
            (Err(_), Err(why)) => Err(why.into()),
            (answer, _) => answer,
        },
    }
}

/// A URL, taken apart.
struct Target {
    /// Whether it is `https`.
    tls: bool,
    /// The name that its certificate must be for.
    name: String,
    /// `host:port` to connect to.
    address: String,
    /// The `Host` header.
    host: String,
    /// Path and query.
    path: String,
}

impl Target {
    fn parse(url: &str) -> Option<Self> {
        let uri: hyper::Uri = url.parse().ok()?;
        let (tls, port) = match uri.scheme_str()? {
            "http" => (false, 80),
            "https" => (true, 443),
            _ => return None,
        };
        let authority = uri.authority()?;
        // a port that is none is not the usual one
        let place = authority.as_str().rsplit('@').next().unwrap_or_default();
        let written = place.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        if authority.host().is_empty() || written && authority.port_u16().is_none_or(|port| port == 0) {
            return None;
        }
        let address = with_port(authority.host(), authority.port_u16().unwrap_or(port));
        let path = uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        Some(Self { tls, name: authority.host().to_owned(), address, host: authority.to_string(), path })
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn urls() {
        let target = Target::parse("http://127.0.0.1:8500/v1/status/leader?stale").expect("a url");
        assert_eq!(target.address, "127.0.0.1:8500");
        assert_eq!(target.path, "/v1/status/leader?stale");
        assert_eq!(Target::parse("http://h").expect("a url").address, "h:80");
        let target = Target::parse("https://h/").expect("a url");
        assert_eq!((target.address.as_str(), target.tls), ("h:443", true));
        assert_eq!(Target::parse("http://[fd00::1]:8500/").expect("a url").address, "[fd00::1]:8500");
        assert_eq!(Target::parse("http://[fd00::1]/").expect("a url").address, "[fd00::1]:80");
        for wrong in ["ftp://h/", "h", "http:///x", "http://h:99999/", "http://h:0/", "http://h:/"] {
            assert!(Target::parse(wrong).is_none(), "{wrong}");
        }
    }
}
