//! Secrets and redaction. Redaction happens in one function, [`Redactor::redact`], where an event or a blob is made; the
//! journal accepts only [`Redacted`] text.

use std::fmt;
use std::sync::{Arc, RwLock};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

/// What stands in the place of a secret.
pub const MASK: &str = "[secret]";

/// What stands where a text was cut before it came here: a secret may be cut in two with it.
const CUT: char = '…';

/// The fewest bytes at which a piece of a secret is taken for one.
const PIECE: usize = 4;

/// Text that has been through the redactor. The only text that the journal takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Redacted(String);

impl Redacted {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A text of our own source code, which cannot hold a secret.
    #[must_use]
    pub fn fixed(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A JSON value whose texts have been through the redactor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedactedJson(serde_json::Value);

impl RedactedJson {
    /// The value.
    #[must_use]
    pub fn as_value(&self) -> &serde_json::Value {
        &self.0
    }

    /// Whether there is nothing in it: null, or an empty map.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_null() || self.0.as_object().is_some_and(serde_json::Map::is_empty)
    }
}

/// Knows the secrets of a run and replaces them, in their plain, shell-quoted, URL and base64 forms.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Vec<SecretString>>>);

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// Learns a secret. Secrets of fewer than four bytes are refused by the parameter check: they would mask ordinary
    /// words.
    pub fn learn(&self, secret: &SecretString) {
        let plain = secret.expose_secret();
        if plain.is_empty() {
            return;
        }
        let mut forms = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for form in forms_of(plain) {
            forms.push(SecretString::from(form));
        }
        forms.sort_by_key(|form| std::cmp::Reverse(form.expose_secret().len()));
    }

    /// The text without the secrets.
    #[must_use]
    pub fn redact(&self, text: impl Into<String>) -> Redacted {
        let forms = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut text = text.into();
        for form in forms.iter() {
            if text.contains(form.expose_secret()) {
                text = text.replace(form.expose_secret(), MASK);
            }
        }
        if text.contains(CUT) {
            text = without_beginnings(&text, &forms);
        }
        Redacted(text)
    }

    /// The value with all of its texts, keys included, without the secrets. Numbers are left as they are.
    #[must_use]
    pub fn redact_json(&self, value: serde_json::Value) -> RedactedJson {
        RedactedJson(self.redact_value(value))
    }

    fn redact_value(&self, value: serde_json::Value) -> serde_json::Value {
        use serde_json::Value;
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
            Value::String(text) => Value::String(self.redact(text).0),
            Value::Array(items) => items.into_iter().map(|item| self.redact_value(item)).collect(),
            Value::Object(map) => {
                map.into_iter().map(|(key, value)| (self.redact(key).0, self.redact_value(value))).collect()
            }
        }
    }

    /// The bytes without the secrets, for output that need not be text. A whole output is handed over at once, so that
    /// no secret lies across two pieces.
    #[must_use]
    pub fn redact_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let forms = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut bytes = bytes.to_vec();
        for form in forms.iter() {
            bytes = replace(&bytes, form.expose_secret().as_bytes());
        }
        bytes
    }
}

/// The text without beginnings of secrets that end where the text was cut.
fn without_beginnings(text: &str, forms: &[SecretString]) -> String {
    let pieces: Vec<&str> = text.split(CUT).collect();
    let last = pieces.len() - 1;
    let masked = pieces.into_iter().enumerate().map(|(n, piece)| {
        let longest = forms.iter().filter(|_| n < last).map(|form| overlap(piece, form.expose_secret())).max();
        match longest {
            Some(bytes) if bytes >= PIECE => format!("{}{MASK}", &piece[..piece.len() - bytes]),
            _ => piece.to_owned(),
        }
    });
    masked.collect::<Vec<_>>().join(&CUT.to_string())
}

/// How many bytes at the end of `text` are the beginning of `secret`.
fn overlap(text: &str, secret: &str) -> usize {
    let ends = secret.char_indices().map(|(at, _)| at).rev();
    ends.into_iter().find(|&at| text.ends_with(&secret[..at])).unwrap_or(0)
}

/// How a secret may look. A secret of several lines is seldom shown as one text, so each of its lines is one too.
fn forms_of(plain: &str) -> Vec<String> {
    let lines = plain.lines().map(str::trim).filter(|line| line.len() >= 2 * PIECE && *line != plain);
    lines.chain([plain]).flat_map(forms_of_one).collect()
}

fn forms_of_one(plain: &str) -> Vec<String> {
    let url: String = plain
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    let mut forms = vec![plain.to_owned(), plain.replace('\'', r"'\''"), url];
    // as a part of something longer it begins at any place of a group of three
    forms
        .extend((0..3).map(|at| base64(plain.as_bytes().get(at..).unwrap_or_default())).filter(|form| form.len() >= 4));
    let hex = |digit: fn(u8) -> String| plain.bytes().map(digit).collect::<String>();
    forms.extend([hex(|byte| format!("{byte:02x}")), hex(|byte| format!("{byte:02X}"))]);
    if let Ok(json) = serde_json::to_string(plain) {
        forms.push(json.trim_matches('"').to_owned());
    }
    forms.sort();
    forms.dedup();
    forms
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // The last group depends on what follows the secret, so the mask covers whole groups only; padding is left off.
    bytes
        .chunks_exact(3)
        .flat_map(|c| [c[0] >> 2, (c[0] & 3) << 4 | c[1] >> 4, (c[1] & 15) << 2 | c[2] >> 6, c[2] & 63])
        .map(|sextet| char::from(LETTERS[usize::from(sextet)]))
        .collect()
}

fn replace(text: &[u8], word: &[u8]) -> Vec<u8> {
    if word.is_empty() {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        if rest.starts_with(word) {
            out.extend_from_slice(MASK.as_bytes());
            rest = &rest[word.len()..];
        } else {
            out.push(rest[0]);
            rest = &rest[1..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_secret_is_masked() {
        let redactor = Redactor::default();
        redactor.learn(&SecretString::from("it's a \"pass\" word"));
        for text in [
            "it's a \"pass\" word",
            r#"it'\''s a "pass" word"#,
            "it%27s%20a%20%22pass%22%20word",
            r#"it's a \"pass\" word"#,
            "aXQncyBhICJwYXNzIiB3b3Jk",
        ] {
            assert_eq!(redactor.redact(format!("<{text}>")).as_str(), format!("<{MASK}>"), "{text}");
            assert_eq!(redactor.redact_bytes(text.as_bytes()), MASK.as_bytes(), "{text}");
        }
    }

    #[test]
    fn a_secret_that_was_cut_in_two_is_masked() {
        let redactor = Redactor::default();
        redactor.learn(&SecretString::from("hunter2é's"));
        for (text, masked) in [
            ("said: hunter2é…", "said: [secret]…"),
            ("said: hunt… and hunter2é'\\''…", "said: [secret]… and [secret]…"),
            ("the hun… of hunter2", "the hun… of hunter2"),
            ("…", "…"),
        ] {
            assert_eq!(redactor.redact(text).as_str(), masked, "{text}");
        }
    }

    #[test]
    fn each_line_of_a_long_secret_is_masked() {
        let redactor = Redactor::default();
        redactor.learn(&SecretString::from("-----BEGIN KEY-----\n  MIIEvQIBADANBg\nab\n"));
        assert_eq!(redactor.redact("ab / MIIEvQIBADANBg / -----BEGIN KEY-----").as_str(), "ab / [secret] / [secret]");
    }
}
