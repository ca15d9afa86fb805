//! What a `file` holds, in the ways that an author can write it.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::words::{invalid, known};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::template::{AnyText, Compiled, Context, Data, EvalError, Rendered};
use crate::text::{Sp, Tree};

use super::probe::Parse;
use super::{Cx, Holes};

/// What a file holds.
#[derive(Debug)]
pub enum Content {
    /// Written in the runbook, in the context that the destination's ending says.
    Inline(Sp<String>, Arc<Compiled>),
    /// A template file, by name.
    Template(Sp<String>),
    /// A value, as JSON.
    Json(Data),
    /// A value, as YAML.
    Yaml(Data),
    /// A file beside the runbook, byte for byte.
    Upload(Sp<String>),
    /// No file.
    Absent,
}

/// The keys of a `file` that say its content: one of them.
pub struct Forms {
    pub template: Option<Sp<String>>,
    pub content: Option<Sp<String>>,
    pub json: Option<Tree>,
    pub yaml: Option<Tree>,
    pub upload: Option<Sp<String>>,
    pub state: Option<Sp<State>>,
}

/// `state: absent`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "file-state")]
pub enum State {
    /// No file.
    Absent,
}

/// What the content must be before it goes anywhere.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "file-validate")]
pub enum Validate {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

impl Forms {
    /// The one form that is written; a content that is written in place has this context.
    pub fn only(self, context: Context, span: Span, diags: &Diagnostics) -> Option<Content> {
        let inline = |text: Sp<String>| {
            let compiled = Arc::new(Compiled::new(&text.value, context));
            Content::Inline(text, compiled)
        };
        let forms = [
            self.json.map(|tree| Content::Json(Data::from_tree(&tree))),
            self.yaml.map(|tree| Content::Yaml(Data::from_tree(&tree))),
            self.content.map(inline),
            self.template.map(Content::Template),
            self.upload.map(Content::Upload),
            self.state.map(|_| Content::Absent),
        ];
        let mut written = forms.into_iter().flatten();
        let choices = "`template`, `content`, `json`, `yaml`, `upload`, `state: absent`";
        match (written.next(), written.next()) {
            (Some(one), None) => return Some(one),
            (None, _) if diags.has_errors_within(span) => {}
            (None, _) => diags.push(
                Diagnostic::error("no-content", span, "the file has no content").help(format!("add one of {choices}")),
            ),
            (Some(first), Some(_)) => {
                diags.push(
                    Diagnostic::error("two-contents", span, "the file has more than one content")
                        .help(format!("keep one of {choices}")),
                );
                // what is wrong in it is told as well
                return Some(first);
            }
        }
        None
    }
}

impl Content {
    /// Every text of a value.
    pub fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        match self {
            Self::Json(data) | Self::Yaml(data) => data.texts(visit),
            Self::Inline(..) | Self::Template(_) | Self::Upload(_) | Self::Absent => {}
        }
    }

    /// Of what a file is made, in words that follow "writes the file", and a content that is written in place.
    pub fn told(&self) -> (String, Option<String>) {
        match self {
            Self::Inline(text, _) => ("with this content".to_owned(), Some(text.value.trim_end().to_owned())),
            Self::Template(name) => (format!("from the template `{}`", name.value), None),
            Self::Json(_) => ("with a JSON document".to_owned(), None),
            Self::Yaml(_) => ("with a YAML document".to_owned(), None),
            Self::Upload(name) => (format!("as a copy of `{}`, which lies beside the runbook", name.value), None),
            Self::Absent => (String::new(), None),
        }
    }

    /// The bytes, and whether a secret is in them; `None`: no file.
    pub fn render(&self, context: impl Fn(&str) -> Context, cx: &Cx<'_>) -> Result<Option<(Vec<u8>, bool)>, EvalError> {
        let whole = |rendered: Rendered| {
            let rendered = cx.held(rendered);
            let secret = rendered.secret;
            Ok::<_, EvalError>((known(rendered)?, secret))
        };
        let data = |data: &Data| if cx.holes == Holes::No { data.known(cx.scope) } else { data.value(cx.scope) };
        let (text, secret) = match self {
            Self::Absent => return Ok(None),
            Self::Inline(_, compiled) => whole(compiled.render(cx.scope)?)?,
            Self::Template(name) => {
                let Some(source) = (cx.template)(&name.value) else {
                    return Err(invalid(format!("there is no template `{}`", name.value)));
                };
                whole(Compiled::new(&source, context(&name.value)).render(cx.scope)?)?
            }
            Self::Json(tree) => data(tree).and_then(|value| Ok((value.json_text()?, value.holds_secret())))?,
            Self::Yaml(tree) => data(tree).and_then(|value| Ok((value.yaml_text()?, value.holds_secret())))?,
            Self::Upload(name) => return cx.file(name).map(|bytes| Some((bytes.to_vec(), false))),
        };
        Ok(Some((text.into_bytes(), secret)))
    }
}

impl Validate {
    /// The name that people know.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
        }
    }

    /// What values in a text are quoted for that must be this.
    #[must_use]
    pub fn context(self) -> Context {
        match self {
            Self::Json => Context::Json,
            Self::Yaml => Context::Yaml,
        }
    }

    /// Whether a content is what it must be.
    pub fn check(self, bytes: &[u8]) -> Result<(), EvalError> {
        let is_not = |what: &str, why: String| invalid(format!("the content is not {what}: {why}"));
        match self {
            Self::Json => serde_json::from_slice::<serde::de::IgnoredAny>(bytes)
                .map(|_| ())
                .map_err(|error| is_not("JSON", error.to_string())),
            Self::Yaml => {
                let text = std::str::from_utf8(bytes).map_err(|error| is_not("YAML", error.to_string()))?;
                Parse::Yaml.apply(text).map(|_| ()).map_err(|why| is_not("YAML", why))
            }
        }
    }
}

impl Cx<'_> {
    /// A file beside the runbook.
    pub fn file(&self, name: &Sp<String>) -> Result<Arc<[u8]>, EvalError> {
        (self.files)(&name.value).ok_or_else(|| invalid(format!("there is no file `{}`", name.value)))
    }
}
