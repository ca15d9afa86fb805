//! How the text of an answer becomes a value: `parse:` (LANGUAGE section 5).

use indexmap::IndexMap;
use regex::Regex;

use crate::action::words::list;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::base::span::SourceId;
use crate::template::Value;
use crate::text::{self, Node, Tree};

/// The ways to understand a text.
#[derive(Clone, Debug)]
pub enum Parse {
    /// As it is, one final newline removed.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// `true` or `false`.
    Bool,
    /// JSON; whole numbers stay exact.
    Json,
    /// YAML, one document; whole numbers stay exact.
    Yaml,
    /// A list of lines.
    Lines,
    /// `key = value`, `key: value` or `key=value`, one a line.
    Kv,
    /// Columns; the first line names them, a leading `#` is dropped.
    Table,
    /// Named groups of a pattern.
    Regex(Regex),
}

pub(in crate::action) const WORDS: &[&str] = &["text", "int", "float", "bool", "json", "yaml", "lines", "kv", "table"];

impl Parse {
    /// Decodes the value of a `parse` key.
    pub fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        match &tree.value {
            Node::Str(word) => match word.as_str() {
                "text" => Some(Self::Text),
                "int" => Some(Self::Int),
                "float" => Some(Self::Float),
                "bool" => Some(Self::Bool),
                "json" => Some(Self::Json),
                "yaml" => Some(Self::Yaml),
                "lines" => Some(Self::Lines),
                "kv" => Some(Self::Kv),
                "table" => Some(Self::Table),
                other => {
                    let help = nearest(other, WORDS.iter().copied()).map_or_else(
                        || format!("write one of {}, or {{regex: …}}", WORDS.join(", ")),
                        |name| format!("did you mean `{name}`?"),
                    );
                    diags.push(
                        Diagnostic::error("unknown-parse", tree.span, format!("`{other}` is no way to parse"))
                            .help(help),
                    );
                    None
                }
            },
            Node::Map(entries) if entries.len() == 1 && entries[0].0.value == "regex" => {
                let (_, pattern) = &entries[0];
                let Node::Str(text) = &pattern.value else {
                    diags.push(Diagnostic::error("wrong-type", pattern.span, "the pattern of `regex` is a text"));
                    return None;
                };
                match Regex::new(text) {
                    Ok(regex) => Some(Self::Regex(regex)),
                    Err(error) => {
                        let words = crate::template::regex_words(&error);
                        diags.push(Diagnostic::error("bad-regex", pattern.span, words));
                        None
                    }
                }
            }
            other => {
                diags.push(Diagnostic::error(
                    "wrong-type",
                    tree.span,
                    format!("`parse` is a word or {{regex: …}}, found {}", other.kind()),
                ));
                None
            }
        }
    }

    /// Applies it. The error says what does not fit, with the beginning of the text.
    pub fn apply(&self, text: &str) -> Result<Value, String> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        match self {
            Self::Text => Ok(Value::str(line)),
            Self::Int => line.trim().parse().map(Value::Int).map_err(|_| misfit("a whole number", line)),
            Self::Float => line.trim().parse().map(Value::Float).map_err(|_| misfit("a number", line)),
            Self::Bool => line.trim().parse().map(Value::Bool).map_err(|_| misfit("`true` or `false`", line)),
            Self::Json => serde_json::from_str::<serde_json::Value>(text)
                .map(|json| Value::from_json(&json))
                .map_err(|error| format!("{} ({error})", misfit("JSON", line))),
            Self::Yaml => yaml(text).map_err(|why| format!("{} ({why})", misfit("YAML", line))),
            Self::Lines => Ok(list(line.lines().map(Value::str))),
            Self::Kv => Ok(Value::map(line.lines().filter_map(pair))),
            Self::Table => Ok(table(line)),
            Self::Regex(regex) => {
                let found = regex.captures(text).ok_or_else(|| misfit(&format!("a match of /{regex}/"), line))?;
                Ok(Value::map(regex.capture_names().flatten().map(|name| {
                    let value = found.name(name).map_or(Value::Null, |m| Value::str(m.as_str()));
                    (name.to_owned(), value)
                })))
            }
        }
    }
}

/// A text that is not of a runbook. The error is the first thing that is wrong with it.
fn yaml(text: &str) -> Result<Value, String> {
    let diags = Diagnostics::new();
    let tree = text::parse(SourceId(0), text, &diags);
    match (tree, diags.into_sorted().into_iter().next()) {
        (Some(tree), None) => Ok(Value::from_tree(&tree)),
        (_, Some(found)) => Err(found.message),
        (None, None) => Ok(Value::Null),
    }
}

fn misfit(wanted: &str, text: &str) -> String {
    let mut start: String = text.chars().take(60).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    format!("expected {wanted}, found `{start}`")
}

fn pair(line: &str) -> Option<(String, Value)> {
    let at = line.find(['=', ':'])?;
    let key = line[..at].trim();
    (!key.is_empty()).then(|| (key.to_owned(), Value::str(line[at + 1..].trim())))
}

fn table(text: &str) -> Value {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let names: Vec<&str> =
        lines.next().map(|line| line.trim_start_matches(['#', ' ']).split_whitespace().collect()).unwrap_or_default();
    list(lines.map(|line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let row: IndexMap<String, Value> = names
            .iter()
            .enumerate()
            .map(|(i, name)| ((*name).to_owned(), cells.get(i).map_or(Value::Null, |cell| Value::str(*cell))))
            .collect();
        Value::map(row)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: &Value) -> serde_json::Value {
        value.to_json()
    }

    #[test]
    fn consul_info_as_pairs() {
        let text = "agent:\n\tcheck_monitors = 0\nraft:\n\tlast_log_index = 14\n\tleader_addr = \n";
        let value = Parse::Kv.apply(text).expect("pairs");
        assert_eq!(json(&value)["last_log_index"], "14");
        assert_eq!(json(&value)["leader_addr"], "");
    }

    #[test]
    fn whole_numbers_of_json_stay_exact() {
        let value = Parse::Json.apply(r#"{"id": 9372538179322589801}"#).expect("json");
        assert_eq!(json(&value)["id"].to_string(), "9372538179322589801");
    }

    #[test]
    fn yaml_with_its_own_types() {
        let text = "---\nid: 9372538179322589801\nlist: [ a, 1.5, null ]\nyes: no\nmore: &m { x: \"1\" }\nsame: *m\n";
        let value = json(&Parse::Yaml.apply(text).expect("yaml"));
        assert_eq!(value["id"].to_string(), "9372538179322589801");
        assert_eq!(value["list"], serde_json::json!(["a", 1.5, null]));
        assert_eq!((&value["yes"], &value["same"]["x"]), (&"no".into(), &"1".into()));
        let error = Parse::Yaml.apply("a: [ 1").expect_err("cut off");
        assert!(error.starts_with("expected YAML, found `a: [ 1` ("), "{error}");
    }

    #[test]
    fn a_table_with_a_hash() {
        let value = Parse::Table.apply("# bkname svname\nweb web-1\nweb web-2\n").expect("table");
        assert_eq!(json(&value)[1]["svname"], "web-2");
    }

    #[test]
    fn one_final_newline_is_removed_and_no_more() {
        assert_eq!(json(&Parse::Text.apply("a\n\n").expect("text")), "a\n");
        assert_eq!(Parse::Int.apply("1 x").expect_err("no number"), "expected a whole number, found `1 x`");
    }

    #[test]
    fn named_groups() {
        let parse = Parse::Regex(Regex::new("id=(?<id>[0-9]+)").expect("a pattern"));
        assert_eq!(json(&parse.apply("x id=7").expect("a match"))["id"], "7");
        assert!(parse.apply("x").is_err());
    }
}
