//! What a file on a host must be after a run.

use serde::Deserialize;

use crate::base::diag::Diagnostics;
use crate::template::Value;
use crate::text::{self, Node, Tree};

/// What a file must be.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Absent,
    Text(String),
    Json(serde_json::Value),
}

#[derive(Deserialize)]
struct Json {
    json: Tree,
}

impl Content {
    pub(super) fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        match &tree.value {
            Node::Null => Some(Self::Absent),
            Node::Str(text) => Some(Self::Text(text.clone())),
            _ => text::decode::<Json>(tree, diags).map(|form| Self::Json(Value::from_tree(&form.json).to_json())),
        }
    }

    pub(super) fn unmet(&self, seen: Option<String>) -> Option<String> {
        match (self, seen) {
            (Self::Absent, None) => None,
            (Self::Absent, Some(_)) => Some("no such file was expected, and there is one".to_owned()),
            (_, None) => Some("a file was expected, and there is none".to_owned()),
            (Self::Text(wanted), Some(seen)) => {
                (*wanted != seen).then(|| format!("{wanted:?} was expected, and it is {seen:?}"))
            }
            (Self::Json(wanted), Some(seen)) => match serde_json::from_str::<serde_json::Value>(&seen) {
                Ok(value) if value == *wanted => None,
                Ok(value) => Some(format!("{wanted} was expected, and it is {value}")),
                Err(_) => Some(format!("JSON was expected, and it is {seen:?}")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_expected_is_told_with_what_was_seen() {
        let json = Content::Json(serde_json::json!([{ "id": 1 }]));
        for (content, seen, unmet) in [
            (&Content::Absent, None, None),
            (&Content::Absent, Some("x"), Some("there is one")),
            (&Content::Text("a".to_owned()), Some("a"), None),
            (&Content::Text("a".to_owned()), Some("b"), Some("it is \"b\"")),
            (&Content::Text("a".to_owned()), None, Some("there is none")),
            (&json, Some("[ { \"id\": 1 } ]"), None),
            (&json, Some("[]"), Some("it is []")),
            (&json, Some("["), Some("JSON was expected")),
        ] {
            let said = content.unmet(seen.map(str::to_owned));
            assert_eq!(said.is_some(), unmet.is_some(), "{content:?} {seen:?}");
            assert!(said.unwrap_or_default().contains(unmet.unwrap_or_default()), "{content:?} {seen:?}");
        }
    }
}
