//! `port:` whether a TCP port answers, seen from the host (`8300`) or at an address (`10.0.0.1:8300`). A bare number is
//! the host's own port: asked `from` elsewhere, it is that port at the host's address.

use crate::action::words::visible;
use crate::base::address::with_port;
use crate::base::span::Span;
use crate::template::{Expr, Plain, Scope, Text, Value};
use crate::text::Sp;
use crate::transport::{Dialed, Look};

use super::model::Probe;
use super::{Found, ProbeError};

pub(super) async fn ask(
    address: &Text<Plain>,
    probe: &Probe,
    look: &dyn Look,
    scope: &dyn Scope,
) -> Result<Found, ProbeError> {
    let text = address.render(scope).and_then(visible).and_then(super::fits::port)?;
    let address = match (text.bytes().all(|b| b.is_ascii_digit()), &probe.from) {
        (false, _) => text,
        (true, None) => format!("127.0.0.1:{text}"),
        (true, Some(_)) => {
            let address = Expr::new(Sp::new("host.address".to_owned(), Span::NOWHERE)).eval(scope)?;
            match address {
                Value::Str(address) => with_port(&address, text),
                other => return Err(ProbeError::NotAsked(format!("the host's address is {}", other.kind()))),
            }
        }
    };
    let (open, error) = match look.dial(&address, probe.timeout).await? {
        Dialed::Open(_) => (true, None),
        Dialed::Refused => (false, Some("refused".to_owned())),
        Dialed::Silent => (false, Some("no answer".to_owned())),
        Dialed::Failed(why) => (false, Some(why)),
    };
    Ok(Found {
        success: open,
        seen: format!("{address}: {}", error.as_deref().unwrap_or("open")),
        result: Value::map([
            ("open".to_owned(), Value::Bool(open)),
            ("error".to_owned(), error.map_or(Value::Null, Value::str)),
        ]),
    })
}
