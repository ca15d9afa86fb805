//! `params` and `vars`: typed values. A param is one for the whole run, a var is one of each host.

use std::str::FromStr as _;

use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use super::secret::SecretFrom;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::inventory::Selector;
use crate::template::{AnyText, Plain, Text, Value};
use crate::text::{self, Dur, Node, Size, Sp, Tree};

/// The type of a param or var.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "value-type")]
pub enum Kind {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// `true` or `false`.
    Bool,
    /// `30s`, `5m`.
    Duration,
    /// `10MiB`.
    Size,
    /// An absolute path.
    Path,
    /// A list of texts.
    List,
    /// Kept out of command lines, journals and reports.
    Secret,
    /// One host; a target of its name.
    Host,
    /// Hosts; a target of its name.
    Hosts,
    /// A path, `journal:UNIT` or `container:`.
    Log,
}

impl Kind {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::String,
        Self::Int,
        Self::Float,
        Self::Bool,
        Self::Duration,
        Self::Size,
        Self::Path,
        Self::List,
        Self::Secret,
        Self::Host,
        Self::Hosts,
        Self::Log,
    ];

    /// The word that authors write.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Duration => "duration",
            Self::Size => "size",
            Self::Path => "path",
            Self::List => "list",
            Self::Secret => "secret",
            Self::Host => "host",
            Self::Hosts => "hosts",
            Self::Log => "log",
        }
    }

    /// Whether it is a target rather than a value.
    #[must_use]
    pub fn is_target(self) -> bool {
        matches!(self, Self::Host | Self::Hosts)
    }
}

/// What a value of either may be.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The type.
    pub kind: Sp<Kind>,
    /// The closed list of values.
    pub values: Option<Vec<Value>>,
    /// The smallest number, or the fewest hosts.
    pub min: Option<f64>,
    /// The largest number, or the most hosts.
    pub max: Option<f64>,
    /// What a text must match.
    pub pattern: Option<Regex>,
    /// Whether nobody need give one: then it is null.
    pub optional: bool,
}

/// A value for the whole run.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: Sp<String>,
    /// What it may be.
    pub limits: Limits,
    /// When nobody gives one. For targets, a selector's text.
    pub default: Option<Tree>,
    /// The superset of hosts.
    pub of: Option<Selector>,
    /// The variable of the environment that gives it when the command line does not.
    pub env: Option<String>,
    /// Where a secret comes from then.
    pub from: Option<SecretFrom>,
    /// For people.
    pub description: Option<String>,
    /// A value as it may be, for people.
    pub example: Option<String>,
}

/// A value of each host.
#[derive(Debug)]
pub struct Var {
    /// Its name.
    pub name: Sp<String>,
    /// What it may be.
    pub limits: Limits,
    /// When the inventory gives none; a text may use `host` and other vars.
    pub default: Option<Sp<VarDefault>>,
    /// The variable of the environment that gives it when the inventory does not.
    pub env: Option<String>,
    /// Where a secret comes from then.
    pub from: Option<SecretFrom>,
    /// For people.
    pub description: Option<String>,
}

/// A var's default.
#[derive(Debug)]
pub enum VarDefault {
    /// A text with expressions.
    Text(Text<Plain>),
    /// A value.
    Value(Value),
}

/// What a value may be.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "limits", deny_unknown_fields)]
pub(super) struct Fields {
    /// Its type.
    r#type: Sp<Kind>,
    /// The value when none is given.
    default: Option<Tree>,
    /// The only values.
    values: Option<Sp<Vec<Tree>>>,
    /// The smallest.
    min: Option<Sp<f64>>,
    /// The largest.
    max: Option<Sp<f64>>,
    /// What it must match.
    pattern: Option<Sp<String>>,
    /// Whether it may be missing: then it is null.
    optional: Option<Sp<bool>>,
    /// Hosts of which it must be a part.
    #[schemars(with = "Option<crate::inventory::Selector>")]
    of: Option<Tree>,
    /// The environment variable that it is taken from.
    env: Option<String>,
    /// Where a secret comes from: `{env}`, `{file}` or `{command}`.
    from: Option<Tree>,
    /// For people.
    description: Option<String>,
    /// A value as it may be, for people.
    example: Option<Tree>,
}

fn limits(fields: &Fields, diags: &Diagnostics) -> Limits {
    let pattern = match &fields.pattern {
        None => None,
        Some(text) => match Regex::new(&format!("^(?:{})$", text.value)) {
            Ok(regex) => Some(regex),
            Err(error) => {
                diags.push(Diagnostic::error("bad-regex", text.span, crate::template::regex_words(&error)));
                None
            }
        },
    };
    let optional = fields.optional.is_some_and(|optional| optional.value);
    if let (Some(at), true) = (fields.optional, fields.r#type.value.is_target()) {
        diags
            .push(Diagnostic::error("optional", at.span, "hosts are never null").help("write a selector as `default`"));
    } else if let (Some(at), Some(default), true) = (fields.optional, &fields.default, optional) {
        diags.push(
            Diagnostic::error(
                "optional",
                at.span,
                "`optional` beside `default`: it is null only where nothing is given",
            )
            .and(default.span, "this is given")
            .help("take one of them away"),
        );
    }
    bounds(fields, diags);
    let number = |bound: &Option<Sp<f64>>| bound.as_ref().map(|bound| bound.value);
    let (min, max) = (number(&fields.min), number(&fields.max));
    let mut limits = Limits { kind: fields.r#type, values: None, min, max, pattern, optional };
    if let Some(values) = &fields.values {
        let typed: Vec<_> = values.value.iter().map(|tree| limits.typed_or_say(tree, diags)).collect();
        limits.values = typed.into_iter().collect();
    }
    limits
}

/// Bounds that a value of this type cannot meet or break: whoever wrote them relies on them.
fn bounds(fields: &Fields, diags: &Diagnostics) {
    let kind = &fields.r#type;
    if kind.span.is_nowhere() {
        return;
    }
    let refuse = |key: &str, at: Span, help: &str| {
        let message = format!("`{key}` says nothing of a value of type {}", kind.value.word());
        diags.push(Diagnostic::error("not-on-this", at, message).and(kind.span, "declared here").help(help));
    };
    let counted = matches!(kind.value, Kind::Int | Kind::Float | Kind::Size | Kind::Hosts);
    for (key, bound) in [("min", &fields.min), ("max", &fields.max)] {
        if let (Some(bound), false) = (bound, counted) {
            refuse(
                key,
                bound.span,
                "it is of `int`, `float` and `size`, and of the number of `hosts`; a text has `pattern`",
            );
        }
    }
    let text = matches!(kind.value, Kind::String | Kind::Path | Kind::Secret | Kind::Duration | Kind::Log);
    if let (Some(pattern), false) = (&fields.pattern, text) {
        refuse("pattern", pattern.span, "it is of texts; a number has `min` and `max`, and every value `values`");
    }
    if let (Some(values), true) = (&fields.values, kind.value.is_target()) {
        refuse("values", values.span, "write `of:`, the hosts of which it must be a part");
    }
    if let (Some(min), Some(max)) = (&fields.min, &fields.max)
        && min.value > max.value
    {
        diags.push(
            Diagnostic::error(
                "out-of-range",
                max.span,
                format!("no value is at least {} and at most {}", min.value, max.value),
            )
            .and(min.span, "the smallest")
            .help("exchange the two"),
        );
    }
}

/// Whether it is written as a map; a bare word is often meant as the type.
fn is_map(name: &Sp<String>, tree: &Tree, diags: &Diagnostics) -> bool {
    if matches!(tree.value, Node::Map(_) | Node::Null) {
        return true;
    }
    let help = match &tree.value {
        Node::Str(word) if ["string", "int", "float", "bool", "path", "list"].contains(&word.as_str()) => {
            format!("write `{}: {{ type: {word} }}`", name.value)
        }
        _ => format!("write `{}: {{ type: string }}`, and its value as `default`", name.value),
    };
    let message = format!("a declaration is a map, found {}", tree.value.kind());
    diags.push(Diagnostic::error("wrong-type", tree.span, message).help(help));
    false
}

/// A text that is stored with every run holds no secret.
/// The default of a param is a value as it is.
fn no_template(default: &Tree, diags: &Diagnostics) {
    if let Node::Str(text) = &default.value
        && text.contains("{{")
    {
        let message = "the default of a param is no template: the braces would stand in its value";
        let help = "put the value together where it is used, or with a `set` step";
        diags.push(Diagnostic::error("wrong-value", default.span, message).help(help));
    }
}

fn no_secret_default(fields: &Fields, limits: &Limits, help: &str, diags: &Diagnostics) {
    if let Some(Sp { value: Node::Str(text), span }) = &fields.default
        && limits.kind.value == Kind::Secret
        && !text.contains("{{")
    {
        let message = "the default of a secret would be kept in the runbook, and with each of its runs";
        diags.push(Diagnostic::error("secret-default", *span, message).help(help));
    }
}

impl Param {
    pub(super) fn decode(name: Sp<String>, tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        if !is_map(&name, tree, diags) {
            return None;
        }
        let fields: Fields = text::decode(tree, diags)?;
        let limits = limits(&fields, diags);
        if limits.kind.value == Kind::Log {
            diags.push(
                Diagnostic::error("param-type", limits.kind.span, "a log belongs to a host: it is a var, not a param")
                    .help("declare it under `vars`"),
            );
        }
        let from = fields.from.as_ref().and_then(|from| SecretFrom::decode(from, &limits.kind, diags));
        no_secret_default(&fields, &limits, "give it by `env` or `from`", diags);
        match &fields.default {
            Some(default) if limits.kind.is_target() => {
                Selector::decode(default, diags);
            }
            Some(default) => {
                no_template(default, diags);
                limits.typed_or_say(default, diags);
            }
            None => {}
        }
        let of = match &fields.of {
            Some(tree) if limits.kind.is_target() => Some(Selector::decode_anyway(tree, diags)),
            Some(tree) => {
                diags.push(
                    Diagnostic::error("param-of", tree.span, "`of` belongs to params of type host or hosts")
                        .help("write `type: hosts`, or the only values as `values:`"),
                );
                None
            }
            None => None,
        };
        let example = example(&fields, &limits, diags);
        let Fields { default, env, description, .. } = fields;
        Some(Self { name, limits, default, of, env, from, description, example })
    }
}

/// An example is a value that could be given, as one would type it.
fn example(fields: &Fields, limits: &Limits, diags: &Diagnostics) -> Option<String> {
    let tree = fields.example.as_ref()?;
    match (&tree.value, limits.kind.is_target()) {
        (Node::Str(text), true) => Some(text.clone()),
        (_, true) => {
            diags.push(Diagnostic::error("wrong-value", tree.span, "an example of hosts is a selector, as a text"));
            None
        }
        (_, false) => match limits.typed_or_say(tree, diags)? {
            Value::Str(text) => Some(text.to_string()),
            Value::Secret(_) => None,
            other => Some(other.to_json().to_string()),
        },
    }
}

impl Param {
    /// Whether something besides its default and whoever runs it may give a value.
    #[must_use]
    pub fn is_given_elsewhere(&self) -> bool {
        self.env.is_some() || self.from.is_some()
    }
}

impl Var {
    pub(super) fn decode(name: Sp<String>, tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        if !is_map(&name, tree, diags) {
            return None;
        }
        let fields: Fields = text::decode(tree, diags)?;
        let limits = limits(&fields, diags);
        if limits.kind.is_target() {
            diags.push(
                Diagnostic::error("var-type", limits.kind.span, "hosts are a param or a target, not a var")
                    .help("declare it under `params` or `targets`"),
            );
        }
        // of a var it is for those who read the runbook only, and is checked all the same
        let _ = example(&fields, &limits, diags);
        let from = fields.from.as_ref().and_then(|from| SecretFrom::decode(from, &limits.kind, diags));
        no_secret_default(&fields, &limits, "write it in the inventory, or where it comes from: `from`", diags);
        if let Some(of) = &fields.of {
            diags.push(
                Diagnostic::error(
                    "param-of",
                    of.span,
                    "`of` belongs to params of type host or hosts, and this is a var",
                )
                .help("declare hosts under `params` or `targets`; of a value, write the only ones as `values:`"),
            );
        }
        let default = match &fields.default {
            None => None,
            Some(Sp { value: Node::Str(text), span }) if text.contains("{{") => {
                Some(Sp::new(VarDefault::Text(Text::new(Sp::new(text.clone(), *span))), *span))
            }
            Some(tree) => limits.typed_or_say(tree, diags).map(|value| Sp::new(VarDefault::Value(value), tree.span)),
        };
        let Fields { env, description, .. } = fields;
        Some(Self { name, limits, default, env, from, description })
    }

    /// The default's text, for the reference check.
    pub fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        if let Some(Sp { value: VarDefault::Text(text), .. }) = &self.default {
            visit(text);
        }
    }
}

impl Limits {
    /// The value of a node, of this type and within the limits; a mistake is recorded.
    pub fn typed_or_say(&self, tree: &Tree, diags: &Diagnostics) -> Option<Value> {
        match self.typed(&Value::from_tree(tree)) {
            Ok(value) => Some(value),
            Err(why) => {
                diags.push(Diagnostic::error("wrong-value", tree.span, why).and(self.kind.span, "declared here"));
                None
            }
        }
    }

    /// A value, of this type and within the limits. Text is understood where it has a form of its own, since the
    /// command line and the inventory have nothing else. The error says what is wrong.
    pub fn typed(&self, value: &Value) -> Result<Value, String> {
        if self.optional && value.is_null() {
            return Ok(Value::Null);
        }
        let text = value.as_str().map(str::to_owned);
        let wrong = || format!("{} is wanted, found {}", self.wanted(), shown(value));
        let typed = match self.kind.value {
            Kind::Log => match &text {
                Some(log) => log.parse::<super::LogName>().map(|_| value.clone())?,
                None => return Err(wrong()),
            },
            Kind::String | Kind::Host | Kind::Hosts => match value {
                Value::Str(_) => value.clone(),
                // YAML takes a bare number for one; a name may well be digits
                Value::Int(n) => Value::from(n.to_string()),
                _ => return Err(wrong()),
            },
            Kind::Path => match &text {
                Some(path) if path.starts_with('/') => value.clone(),
                _ => return Err(wrong()),
            },
            Kind::Int => match (value, text.as_deref().map(str::parse::<i128>)) {
                (Value::Int(_), _) => value.clone(),
                (_, Some(Ok(n))) => Value::Int(n),
                _ => return Err(wrong()),
            },
            Kind::Float => match (value, text.as_deref().map(str::parse::<f64>)) {
                (Value::Int(_) | Value::Float(_), _) => value.clone(),
                (_, Some(Ok(n))) => Value::from(n),
                _ => return Err(wrong()),
            },
            Kind::Bool => match (value, text.as_deref().map(str::parse::<bool>)) {
                (Value::Bool(_), _) => value.clone(),
                (_, Some(Ok(b))) => Value::Bool(b),
                _ => return Err(wrong()),
            },
            Kind::Duration => {
                let text = text.ok_or_else(wrong)?;
                Dur::from_str(&text).map_err(|error| error.to_string())?;
                value.clone()
            }
            Kind::Size => match (value, &text) {
                (Value::Int(_), _) => value.clone(),
                (_, Some(text)) => {
                    let Size(bytes) = Size::from_str(text).map_err(|error| error.to_string())?;
                    Value::Int(bytes.into())
                }
                _ => return Err(wrong()),
            },
            Kind::List => match (value, text) {
                (Value::List(_), _) => value.clone(),
                (_, Some(text)) => crate::template::Value::from(
                    text.split(',').map(|item| Value::str(item.trim())).collect::<Vec<_>>(),
                ),
                _ => return Err(wrong()),
            },
            Kind::Secret => match (value, text) {
                (Value::Secret(_), _) => value.clone(),
                (_, Some(text)) if text.len() >= 4 => Value::secret(text),
                (_, Some(_)) => {
                    return Err("a secret has at least 4 characters: a shorter one cannot be masked".to_owned());
                }
                _ => return Err("a secret is a text".to_owned()),
            },
        };
        self.within(&typed)?;
        Ok(typed)
    }

    /// What fits, in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        match &self.values {
            None => self.wanted().to_owned(),
            Some(values) => format!("one of {}", values.iter().map(as_typed).collect::<Vec<_>>().join(", ")),
        }
    }

    fn wanted(&self) -> &'static str {
        match self.kind.value {
            Kind::String | Kind::Secret => "a text",
            Kind::Host | Kind::Hosts => "a selector",
            Kind::Log => "a path, `journal:UNIT` or `container:`",
            Kind::Path => "an absolute path",
            Kind::Int => "a whole number",
            Kind::Float => "a number",
            Kind::Bool => "true or false",
            Kind::Duration => "a duration such as `30s`",
            Kind::Size => "a size such as `10MiB`",
            Kind::List => "a list",
        }
    }

    fn within(&self, value: &Value) -> Result<(), String> {
        if let Some(values) = &self.values
            && !values.contains(value)
        {
            let all: Vec<String> = values.iter().map(shown).collect();
            return Err(format!("{} is not one of {}", shown(value), all.join(", ")));
        }
        let number = match value {
            #[expect(clippy::cast_precision_loss, reason = "limits are small numbers")]
            Value::Int(n) => Some(*n as f64),
            Value::Float(n) => Some(*n),
            _ => None,
        };
        if let (Some(n), Some(min)) = (number, self.min)
            && n < min
        {
            return Err(format!("{n} is less than {min}"));
        }
        if let (Some(n), Some(max)) = (number, self.max)
            && n > max
        {
            return Err(format!("{n} is more than {max}"));
        }
        if let (Some(pattern), Some(text)) = (&self.pattern, value.as_str())
            && !pattern.is_match(text)
        {
            return Err(format!("`{text}` does not match /{pattern}/"));
        }
        Ok(())
    }
}

/// A value as a person types it.
#[must_use]
pub fn as_typed(value: &Value) -> String {
    match value {
        Value::List(items) => items.iter().map(as_typed).collect::<Vec<_>>().join(","),
        other => other.as_str().map_or_else(|| other.to_json().to_string(), str::to_owned),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Str(text) => format!("`{text}`"),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => format!("`{}`", value.to_json()),
        other => other.kind().to_owned(),
    }
}

#[cfg(test)]
mod tests;
