//! `sudo`, `env`, `cwd`, `timeout`: written on a step, inherited from its group, from `defaults`.

use std::time::Duration;

use indexmap::IndexMap;
use serde::Deserialize;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::template::{AnyText, Plain, Text};
use crate::text::{self, Dur, Node, Sp, Tree};

/// How long an action may take when nobody says so.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);

/// Who does something, in which surroundings.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Another user.
    pub sudo: Option<Sudo>,
    /// Variables of the environment.
    pub env: IndexMap<String, Text<Plain>>,
    /// The working folder.
    pub cwd: Option<Text<Plain>>,
    /// How long an action may take.
    pub timeout: Option<Duration>,
    /// How long a command may print nothing.
    pub idle_timeout: Option<Duration>,
}

/// `sudo: true`, `sudo: postgres`, `sudo: false` (back to the login).
#[derive(Clone, Debug)]
pub enum Sudo {
    /// The login itself.
    No,
    /// This user.
    User(Text<Plain>),
}

/// `sudo: { user: postgres, method: sudo }`.
#[derive(Deserialize)]
struct Fields {
    user: Text<Plain>,
    method: Option<Sp<String>>,
}

fn is_boolean(word: &str) -> bool {
    ["yes", "no", "on", "off", "y", "n", "true", "false"].contains(&word.to_ascii_lowercase().as_str())
}

impl Sudo {
    /// Decodes it.
    pub fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        match &tree.value {
            Node::Bool(false) => Some(Self::No),
            Node::Bool(true) => Some(Self::User(Text::new(Sp::new("root".to_owned(), tree.span)))),
            // YAML 1.1 took these for booleans, and nobody means a user of that name
            Node::Str(word) if is_boolean(word) => {
                diags.push(
                    Diagnostic::error("wrong-type", tree.span, format!("`{word}` is a text, so it would be a user"))
                        .help("write `sudo: true` for root, or `sudo: false`"),
                );
                None
            }
            Node::Str(_) => text::decode(tree, diags).map(|user| Self::of(user, diags)),
            Node::Map(_) => {
                let fields: Fields = text::decode(tree, diags)?;
                if let Some(method) = fields.method.filter(|method| method.value != "sudo") {
                    let message = format!("`{}` is no way to another user here", method.value);
                    diags.push(Diagnostic::error("sudo-method", method.span, message).help(
                        "refloat becomes another user by `sudo`; where there is none, connect as that user: \
                         `connect: { user: … }` of the inventory",
                    ));
                }
                Some(Self::of(fields.user, diags))
            }
            other => {
                diags.push(
                    Diagnostic::error(
                        "wrong-type",
                        tree.span,
                        format!("`sudo` is true or a user, found {}", other.kind()),
                    )
                    .help("write `sudo: true` for root, or `sudo: postgres`"),
                );
                None
            }
        }
    }
}

impl Sudo {
    fn of(user: Text<Plain>, diags: &Diagnostics) -> Self {
        let Sp { value, span } = user.source();
        if user.is_literal() && !crate::transport::is_user(value) {
            diags.push(Diagnostic::error("wrong-value", *span, format!("`{value}` is not the name of a user")));
        }
        Self::User(user)
    }
}

impl Surroundings {
    /// With what the outer ones say where these say nothing.
    #[must_use]
    pub fn within(mut self, outer: &Self) -> Self {
        let mut env = outer.env.clone();
        env.append(&mut self.env);
        Self {
            sudo: self.sudo.or_else(|| outer.sudo.clone()),
            env,
            cwd: self.cwd.or_else(|| outer.cwd.clone()),
            timeout: self.timeout.or(outer.timeout),
            idle_timeout: self.idle_timeout.or(outer.idle_timeout),
        }
    }

    /// How long an action may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }

    /// Every text, for the reference check.
    pub fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        if let Some(Sudo::User(user)) = &self.sudo {
            visit(user);
        }
        self.env.values().for_each(|text| visit(text));
        self.cwd.iter().for_each(|text| visit(text));
    }

    /// From the four keys, decoded.
    pub(super) fn from_fields(
        sudo: Option<&Tree>,
        env: IndexMap<Sp<String>, Text<Plain>>,
        cwd: Option<Text<Plain>>,
        timeout: Option<Sp<Dur>>,
        diags: &Diagnostics,
    ) -> Self {
        for name in env.keys() {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            if name.is_empty() || name.as_bytes()[0].is_ascii_digit() || !name.bytes().all(plain) {
                diags.push(
                    Diagnostic::error(
                        "env-name",
                        name.span,
                        format!("`{}` cannot be the name of a variable", name.value),
                    )
                    .help("letters from A to Z, digits and `_`, no digit first"),
                );
            }
        }
        crate::action::absolute(&cwd, diags);
        if let Some(zero) = timeout.as_ref().filter(|timeout| timeout.value.0.is_zero()) {
            let message = "nothing is done in no time";
            diags.push(Diagnostic::error("wrong-value", zero.span, message).help("write for example `timeout: 30s`"));
        }
        Self {
            sudo: sudo.and_then(|tree| Sudo::decode(tree, diags)),
            env: env.into_iter().map(|(name, text)| (name.value, text)).collect(),
            cwd,
            timeout: timeout.map(|t| t.value.0),
            idle_timeout: None,
        }
    }
}
