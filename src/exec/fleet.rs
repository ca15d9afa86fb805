//! The run as guards and picks see it.

use std::sync::Arc;

use secrecy::SecretString;

use crate::action::Login;
use crate::action::fleet::{Fleet, Spot};
use crate::inventory::{HostName, Selector};
use crate::plan::View;
use crate::runbook::{Step, Sudo};
use crate::template::{EvalError, Scope, Value};
use crate::transport::Link;

use super::run::Run;

/// The port of ssh when nobody says another.
const SSH_PORT: u16 = 22;

/// A run with the surroundings of one step.
pub(super) struct Surface<'a> {
    pub(super) run: &'a Run,
    pub(super) step: &'a Step,
}

impl Surface<'_> {
    /// Renders the surroundings of a spot: texts in the eyes of the host it is about, what the inventory says of the one
    /// on which it happens.
    pub(super) fn surroundings(&self, spot: &Spot) -> Result<Login, EvalError> {
        let view = View::new(&self.run.world, Some(&spot.about), None);
        let text = |text: &crate::template::Text| crate::action::known(text.render(&view)?);
        let written = &self.step.surroundings;
        let user = match &written.sudo {
            Some(Sudo::User(user)) => Some(text(user)?),
            Some(Sudo::No) | None => None,
        };
        let mut login = Login { user, ..Login::default() };
        for (name, value) in &written.env {
            if let Some(value) = value.render_unless_null(&view)? {
                login.env.insert(name.clone(), SecretString::from(crate::action::known(value)?));
            }
        }
        login.cwd = written.cwd.as_ref().map(text).transpose()?;
        if let Some(host) = self.run.plan.inventory.host(&spot.on) {
            login.shell.clone_from(&host.connect.shell);
            login.service_manager.clone_from(&host.connect.service_manager);
        }
        Ok(login)
    }
}

impl Fleet for Surface<'_> {
    fn resolve(&self, selector: &Selector) -> Result<Vec<String>, String> {
        self.run.world.resolve(selector)
    }

    fn scope<'a>(&'a self, host: Option<&'a str>, result: Option<Value>) -> Box<dyn Scope + Send + Sync + 'a> {
        Box::new(View::new(&self.run.world, host, result))
    }

    fn link(&self, host: &str) -> Result<Arc<dyn Link>, String> {
        match self.run.links.get(host) {
            Some(Ok(link)) => Ok(Arc::clone(link)),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("was not connected to at the start of the run".to_owned()),
        }
    }

    fn login(&self, spot: &Spot) -> Result<Login, String> {
        self.surroundings(spot).map_err(|error| error.to_string())
    }

    fn address(&self, host: &str) -> (String, u16) {
        match self.run.plan.inventory.host(host) {
            Some(host) => (host.address.clone(), host.port.or(host.connect.port).unwrap_or(SSH_PORT)),
            None => ("127.0.0.1".to_owned(), SSH_PORT),
        }
    }

    fn inventory(&self) -> Vec<String> {
        let hosts = self.run.plan.inventory.hosts().map(|host| host.name.to_string());
        hosts.filter(|name| name != HostName::CONTROLLER).collect()
    }
}
