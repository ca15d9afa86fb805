//! `service:` the state of a service, read back from its manager (systemd or runit).

use crate::action::words::visible;
use crate::template::{Plain, Scope, Text, Value};
use crate::transport::Look;

use super::model::Probe;
use super::{Found, ProbeError};
use crate::action::Login;
use crate::action::service_state;

pub(super) async fn ask(
    name: &Text<Plain>,
    probe: &Probe,
    look: &dyn Look,
    login: &Login,
    scope: &dyn Scope,
) -> Result<Found, ProbeError> {
    let name = name.render(scope).and_then(visible).and_then(super::fits::name)?;
    let state = service_state::read(look, login, &name, probe.timeout).await?;
    Ok(Found {
        success: state.running(),
        seen: format!("{name} is {state}"),
        result: Value::map([
            ("state".to_owned(), Value::str(state.word())),
            ("enabled".to_owned(), state.enabled.map_or(Value::Null, Value::Bool)),
            ("pid".to_owned(), state.pid.map_or(Value::Null, |pid| Value::Int(pid.into()))),
        ]),
    })
}
