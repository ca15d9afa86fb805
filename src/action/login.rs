//! Who does something on a host, and in which surroundings: `sudo`, `env`, `cwd`, and what the inventory says of the
//! host.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;

use crate::transport::{Answer, Ask, LinkError, Look, Work};

/// The surroundings of one step on one host, rendered.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// The user that `sudo` names; `None` is the login itself.
    pub user: Option<String>,
    /// Variables of the environment. Values are treated as secrets everywhere.
    pub env: BTreeMap<String, SecretString>,
    /// The working folder; `/` when not written.
    pub cwd: Option<String>,
    /// The shell of steps; the host's `/bin/sh` when not written.
    pub shell: Option<String>,
    /// What manages services there; found out when not written.
    pub service_manager: Option<String>,
}

impl Login {
    /// A question in these surroundings, still without text.
    #[must_use]
    pub fn ask(&self) -> Ask {
        Ask {
            user: self.user.clone(),
            env: self.env.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            cwd: self.cwd.clone(),
            shell: self.shell.clone(),
            ..Ask::default()
        }
    }

    /// Work in these surroundings, still without text.
    #[must_use]
    pub fn work(&self, timeout: Duration) -> Work {
        let Ask { user, env, cwd, shell, .. } = self.ask();
        Work { user, env, cwd, shell, timeout, ..Work::default() }
    }

    /// Asks one of our own scripts. Values are positional parameters, so they are never part of a shell text.
    pub async fn script(
        &self,
        look: &dyn Look,
        timeout: Duration,
        script: &str,
        args: &[&str],
    ) -> Result<Answer, LinkError> {
        let ask = Ask { argv: Some(script_argv(script, args)), timeout, ..self.ask() };
        look.ask(&ask).await
    }
}

/// The argument vector that runs one of our scripts with positional parameters.
#[must_use]
pub fn script_argv(script: &str, args: &[&str]) -> Vec<String> {
    let mut argv = vec!["/bin/sh".to_owned(), "-ec".to_owned(), script.to_owned(), "refloat".to_owned()];
    argv.extend(args.iter().map(|arg| (*arg).to_owned()));
    argv
}
