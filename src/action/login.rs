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
        let Script { text, args } = Script::new(script, args);
        let ask = Ask { script: text, argv: Some(args), timeout, ..self.ask() };
        look.ask(&ask).await
    }
}

/// One of our scripts with its positional parameters. Values are parameters, so they are never part of a shell text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The text.
    pub text: String,
    /// `"$@"`.
    pub args: Vec<String>,
}

impl Script {
    /// A script with parameters.
    #[must_use]
    pub fn new(text: impl Into<String>, args: &[&str]) -> Self {
        Self { text: text.into(), args: args.iter().map(|arg| (*arg).to_owned()).collect() }
    }

    /// As a question in the surroundings of some work.
    #[must_use]
    pub fn ask(self, work: &Work) -> Ask {
        Ask {
            script: self.text,
            argv: Some(self.args),
            stdin: Vec::new(),
            user: work.user.clone(),
            env: work.env.clone(),
            cwd: work.cwd.clone(),
            shell: work.shell.clone(),
            timeout: work.timeout,
        }
    }

    /// As work in the surroundings of other work.
    #[must_use]
    pub fn work(self, work: &Work) -> Work {
        Work { script: self.text, argv: Some(self.args), ..work.clone() }
    }
}
