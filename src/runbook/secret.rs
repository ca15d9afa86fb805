//! `from`: where a secret comes from when nobody gives it, on the controller.

use serde::Deserialize;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::text::{self, Node, OneOrMany, Sp, Tree};

use super::params::Kind;

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretFrom {
    /// A variable of the environment.
    Env(String),
    /// A file, without its final newline.
    File(String),
    /// What a program says, without the final newline. Not started by what only looks.
    Command(Vec<String>),
}

#[derive(Deserialize)]
struct Fields {
    env: Option<Sp<String>>,
    file: Option<Sp<String>>,
    command: Option<OneOrMany<Sp<String>>>,
}

impl SecretFrom {
    pub(super) fn decode(tree: &Tree, kind: &Sp<Kind>, diags: &Diagnostics) -> Option<Self> {
        if kind.value != Kind::Secret {
            let message = format!("`from` belongs to secrets, and this is of type {}", kind.value.word());
            let help = "write `type: secret`; other values have `env` and `default`";
            diags.push(Diagnostic::error("from", tree.span, message).and(kind.span, "declared here").help(help));
            return None;
        }
        let fields: Fields = text::decode(tree, diags)?;
        let text = tree.get("command").is_some_and(|command| matches!(command.value, Node::Str(_)));
        let shell: &[&str] = if text { &["sh", "-c"] } else { &[] };
        let command = fields.command.map(|words| {
            let words = words.0.into_iter().map(|word| word.value);
            shell.iter().map(|&word| word.to_owned()).chain(words).collect::<Vec<_>>()
        });
        let all = [
            fields.env.map(|name| Self::Env(name.value)),
            fields.file.as_ref().map(|file| Self::File(file.value.clone())),
            command.filter(|words| !words.is_empty()).map(Self::Command),
        ];
        let mut all = all.into_iter().flatten();
        let one = all.next();
        if (one.is_none() || all.next().is_some()) && !diags.has_errors_within(tree.span) {
            let message = "`from` is one of `env`, `file` and `command`";
            diags.push(
                Diagnostic::error("from", tree.span, message).help("write for example `from: { file: /run/key }`"),
            );
            return None;
        }
        if let (Some(Self::File(path)), Some(file)) = (&one, &fields.file)
            && !path.starts_with('/')
            && !path.starts_with("~/")
        {
            let message = format!("`{path}` depends on where refloat is started");
            diags.push(Diagnostic::error("from", file.span, message).help("write a path from `/` or `~/` on"));
        }
        one
    }
}
