//! Escapes: how a value becomes text at one kind of place.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use secrecy::ExposeSecret as _;

use crate::template::error::EvalErrorKind as Kind;
use crate::template::helpers::percent;
use crate::template::value::Value;

/// A kind of place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::template) enum Escape {
    /// As it is.
    #[default]
    Plain,
    /// As it is, asked for by `raw`.
    Raw,
    /// The same in a shell text, where a secret is refused.
    RawShell,
    /// One shell word, or a part of one. `bare`: may go without quotes when it is harmless.
    ShellWord { bare: bool },
    /// Several shell words.
    ShellWords,
    /// Inside of '…'.
    ShellSingle,
    /// Inside of "…".
    ShellDouble,
    /// In a comment: no line may end here.
    ShellComment,
    /// A JSON value, or a part of a list or map.
    JsonValue,
    /// Inside of a JSON string.
    JsonString,
    /// Inside of "…" in YAML.
    YamlDouble,
    /// Inside of '…' in YAML.
    YamlSingle,
    /// In a line of a YAML block scalar; `line_start` when nothing but blanks is before it.
    YamlBlock { line_start: bool },
    /// A URL, or its beginning; `alone` when nothing follows.
    UrlBase { alone: bool },
    /// Host, or host and port.
    UrlHost,
    /// A part of a host name.
    UrlHostPart,
    /// A port.
    UrlPort,
    /// A segment, or a part of one, of a path.
    UrlPath,
    /// The same, encoded by `url`.
    UrlEncodedPath,
    /// A part of a query or fragment.
    UrlQuery,
    /// Literal in a regular expression.
    Regex,
}

/// The text of a value that is one: a text, number, boolean, host or version. Secrets are not.
pub(in crate::template) fn scalar_text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Float(f) => float_text(*f),
        Value::Str(s) | Value::Host(s) => s.to_string(),
        Value::Version(v) => v.to_string(),
        Value::Null | Value::List(_) | Value::Map(_) | Value::Unknown(_) | Value::Secret(_) => return None,
    })
}

/// The shortest text that reads back as the same number, always with a point or exponent.
fn float_text(f: f64) -> String {
    format!("{f:?}")
}

/// What is inserted for a value that is known.
pub(in crate::template) fn apply(escape: &Escape, value: &Value, written: &str) -> Result<String, Kind> {
    let shell = matches!(
        escape,
        Escape::RawShell
            | Escape::ShellWord { .. }
            | Escape::ShellWords
            | Escape::ShellSingle
            | Escape::ShellDouble
            | Escape::ShellComment
    );
    if shell && value.holds_secret() {
        return Err(Kind::Secret { written: written.to_owned() });
    }
    let unfit = |reason: &str| Kind::Unfit { written: written.to_owned(), reason: reason.to_owned() };
    match (escape, value) {
        (_, Value::Null) => return Err(Kind::Null { written: written.to_owned() }),
        (Escape::JsonValue, value) => return encoded(value).ok_or_else(|| unfit("JSON has no such number")),
        (Escape::ShellWords, Value::List(list)) => {
            let words: Result<Vec<_>, _> = list
                .iter()
                .map(|v| text_of(v, written).and_then(|t| no_nul(t, written)).map(|t| single_quoted(&t, true)))
                .collect();
            return Ok(words?.join(" "));
        }
        _ => {}
    }
    let text = text_of(value, written)?;
    let text = if shell { no_nul(text, written)? } else { text };
    if matches!(escape, Escape::UrlPath | Escape::UrlEncodedPath) && matches!(text.as_str(), "." | "..") {
        return Err(unfit("as a part of a path it leads elsewhere"));
    }
    match escape {
        Escape::Plain | Escape::Raw | Escape::RawShell | Escape::JsonValue | Escape::UrlEncodedPath => Ok(text),
        Escape::ShellWord { bare } => Ok(single_quoted(&text, *bare)),
        Escape::ShellWords => Ok(single_quoted(&text, true)),
        Escape::ShellSingle => Ok(text.replace('\'', r"'\''")),
        Escape::ShellDouble => Ok(with_backslash(&text, r#"\"$`"#)),
        Escape::ShellComment => Ok(text.replace(['\n', '\r'], " ")),
        Escape::JsonString => Ok(inside_json(&text)),
        Escape::YamlDouble => Ok(edges_kept(&inside_json(&text))),
        Escape::YamlSingle if text.contains(breaks_line) => Err(unfit("it has several lines; put it inside \"…\"")),
        Escape::YamlSingle => Ok(text.replace('\'', "''")),
        Escape::YamlBlock { line_start } => {
            if text.contains(breaks_line) {
                Err(unfit("it has several lines or control characters; put it inside \"…\""))
            } else if *line_start && text.starts_with([' ', '\t']) {
                Err(unfit("it begins with a blank, which would count as indentation; put it inside \"…\""))
            } else {
                Ok(text)
            }
        }
        Escape::UrlBase { alone } => url_base(&text, *alone).map_err(unfit).map(|()| text),
        Escape::UrlHost => host(&text).ok_or_else(|| unfit("it is not a host, or a host and a port")),
        Escape::UrlHostPart if !text.is_empty() && text.chars().all(is_host_char) => Ok(text),
        Escape::UrlHostPart => Err(unfit("a host name has letters, digits, points and dashes only")),
        Escape::UrlPort if text.parse::<u16>().is_ok() && !text.starts_with('+') => Ok(text),
        Escape::UrlPort => Err(unfit("it is not a port")),
        Escape::UrlPath | Escape::UrlQuery => Ok(percent(&text)),
        Escape::Regex => Ok(regex_literal(&text)),
    }
}

fn text_of(value: &Value, written: &str) -> Result<String, Kind> {
    let not_text = |instead| Kind::NotText { written: written.to_owned(), kind: value.kind(), instead };
    match value {
        Value::Null => Err(Kind::Null { written: written.to_owned() }),
        Value::List(_) => Err(not_text("write `join`, or `words` for several shell words")),
        Value::Map(_) => Err(not_text("write `json`, or name a key")),
        Value::Secret(secret) => Ok(secret.expose_secret().to_owned()),
        // Holes are made before it comes to this.
        Value::Unknown(step) => Err(Kind::NotKnownYet { step: step.clone() }),
        other => Ok(scalar_text(other).unwrap_or_default()),
    }
}

fn no_nul(text: String, written: &str) -> Result<String, Kind> {
    if text.contains('\0') {
        return Err(Kind::Unfit {
            written: written.to_owned(),
            reason: "it has a NUL character, which no command can hold".to_owned(),
        });
    }
    Ok(text)
}

/// In single quotes nothing is special but the quote itself. Harmless words stay readable, where that is allowed.
fn single_quoted(text: &str, bare: bool) -> String {
    if bare && !text.is_empty() && text.chars().all(is_harmless) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Characters that no shell gives a meaning inside of a word, wherever they stand in it.
pub(super) fn is_harmless(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./:,@%+-=".contains(c)
}

fn with_backslash(text: &str, special: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// JSON, and YAML of one line. Whole numbers beyond 64 bits stay numbers.
fn encoded(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => "null".to_owned(),
        Value::Float(f) if !f.is_finite() => return None,
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => scalar_text(value)?,
        Value::List(list) => format!("[{}]", list.iter().map(encoded).collect::<Option<Vec<_>>>()?.join(", ")),
        Value::Map(map) => {
            let entry = |(key, value): (&String, &Value)| Some(format!("{}: {}", json_string(key), encoded(value)?));
            format!("{{{}}}", map.iter().map(entry).collect::<Option<Vec<_>>>()?.join(", "))
        }
        Value::Secret(secret) => json_string(secret.expose_secret()),
        other => json_string(&scalar_text(other)?),
    })
}

fn json_string(text: &str) -> String {
    format!("\"{}\"", inside_json(text))
}

/// What stands between the quotes. Also right inside of "…" in YAML, which takes JSON's escapes; the characters that
/// YAML refuses or takes for line ends are written as escapes, which means the same in JSON.
fn inside_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// At the edge of a line inside of "…" YAML drops blanks.
fn edges_kept(text: &str) -> String {
    const BLANK: &str = "\\u0020";
    let (text, first) = text.strip_prefix(' ').map_or((text, ""), |rest| (rest, BLANK));
    let (text, last) = text.strip_suffix(' ').map_or((text, ""), |rest| (rest, BLANK));
    format!("{first}{text}{last}")
}

fn breaks_line(c: char) -> bool {
    c.is_control() && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn is_host_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-')
}

/// A name, an address, an IPv6 address (brackets are added), each with a port or without.
fn host(text: &str) -> Option<String> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some(format!("[{text}]"));
    }
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (None, port.strip_prefix(':').map_or((port.is_empty()).then_some(None)?, Some))
        }
        None => match text.split_once(':') {
            Some((name, port)) => (Some(name), Some(port)),
            None => (Some(text), None),
        },
    };
    let name_is_fine = name.is_none_or(|n| !n.is_empty() && n.chars().all(is_host_char));
    let port_is_fine = port.is_none_or(|p| p.bytes().all(|b| b.is_ascii_digit()) && p.parse::<u16>().is_ok());
    (name_is_fine && port_is_fine).then(|| text.to_owned())
}

fn url_base(text: &str, alone: bool) -> Result<(), &'static str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("it is not a URL such as http://host:port/path");
    };
    let scheme_is_fine = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_part = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if !scheme_is_fine || host(host_part).is_none_or(|h| h != host_part) {
        return Err("it is not a URL such as http://host:port/path");
    }
    if !rest.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c)) {
        return Err("a URL has no blanks, quotes or characters outside of ASCII; they are percent-encoded");
    }
    if !alone && rest.contains(['?', '#']) {
        return Err("more follows here, and it has a query or fragment already");
    }
    Ok(())
}

/// Literal in every mode: blanks are escaped too, since `(?x)` ignores them.
fn regex_literal(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_whitespace() && c != ' ' || c.is_control() {
            let _ = write!(out, "\\x{{{:x}}}", u32::from(c));
        } else if c == ' ' {
            out.push_str("\\x20");
        } else {
            out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
        }
    }
    out
}
