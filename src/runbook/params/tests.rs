//! What a value of each type may look like, row by row.

use super::*;
use crate::base::span::{Sources, Span};

fn limits(yaml: &str) -> Limits {
    let mut sources = Sources::default();
    let source = sources.add("limits", yaml);
    let diags = Diagnostics::new();
    let tree = text::parse(source, yaml, &diags).expect("yaml");
    let param = Param::decode(Sp::new("x".to_owned(), Span::default()), &tree, &diags).expect("a param");
    assert!(!diags.has_errors(), "{yaml}: {:?}", diags.sorted());
    param.limits
}

/// The value as JSON, or why not.
fn typed(limits: &Limits, value: &Value) -> Result<String, String> {
    limits.typed(value).map(|value| value.to_json().to_string())
}

#[test]
fn text_of_the_command_line_takes_the_type_of_its_param() {
    let rows: &[(&str, &str, Result<&str, &str>)] = &[
        ("{ type: string }", "12", Ok("\"12\"")),
        ("{ type: int }", "9223372036854775808", Ok("9223372036854775808")),
        ("{ type: int }", "1.5", Err("a whole number is wanted, found `1.5`")),
        ("{ type: int }", "", Err("a whole number is wanted, found ``")),
        ("{ type: float }", "1.5", Ok("1.5")),
        ("{ type: bool }", "true", Ok("true")),
        ("{ type: bool }", "yes", Err("true or false is wanted, found `yes`")),
        ("{ type: duration }", "1m30s", Ok("\"1m30s\"")),
        ("{ type: duration }", "30", Err("`30` has no unit: write `30s` for seconds, `30m` for minutes")),
        ("{ type: size }", "10MiB", Ok("10485760")),
        ("{ type: path }", "/srv/größe", Ok("\"/srv/größe\"")),
        ("{ type: path }", "srv", Err("an absolute path is wanted, found `srv`")),
        ("{ type: list }", "a, b,ä", Ok("[\"a\",\"b\",\"ä\"]")),
        ("{ type: int, min: 2, max: 3 }", "1", Err("1 is less than 2")),
        ("{ type: int, min: 2, max: 3 }", "4", Err("4 is more than 3")),
        ("{ type: int, values: [2, 3] }", "3", Ok("3")),
        ("{ type: int, values: [2, 3] }", "4", Err("`4` is not one of `2`, `3`")),
        ("{ type: string, pattern: \"[a-z]+\" }", "abc", Ok("\"abc\"")),
        ("{ type: string, pattern: \"[a-z]+\" }", "abc1", Err("`abc1` does not match /^(?:[a-z]+)$/")),
        ("{ type: secret }", "abc", Err("a secret has at least 4 characters: a shorter one cannot be masked")),
    ];
    for (yaml, text, expected) in rows {
        let found = typed(&limits(yaml), &Value::str(*text));
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(found, expected, "{yaml} given {text}");
    }
}

#[test]
fn null_is_a_value_only_of_what_is_optional() {
    for kind in ["string", "path", "int", "secret"] {
        assert!(typed(&limits(&format!("{{ type: {kind} }}")), &Value::Null).is_err(), "{kind}");
        let optional = limits(&format!("{{ type: {kind}, optional: true }}"));
        assert_eq!(typed(&optional, &Value::Null), Ok("null".to_owned()), "{kind}");
    }
}

#[test]
fn values_of_a_file_are_taken_as_they_are() {
    assert_eq!(
        typed(&limits("{ type: string }"), &Value::Int(7)),
        Ok("\"7\"".to_owned()),
        "a bare number may be a name"
    );
    assert!(typed(&limits("{ type: string }"), &Value::Bool(true)).is_err());
    assert!(typed(&limits("{ type: int }"), &Value::Bool(true)).is_err());
    assert!(typed(&limits("{ type: int }"), &Value::from(1.5)).is_err());
    assert_eq!(typed(&limits("{ type: float }"), &Value::Int(2)), Ok("2".to_owned()));
    assert_eq!(typed(&limits("{ type: size }"), &Value::Int(2)), Ok("2".to_owned()));
    assert!(typed(&limits("{ type: duration }"), &Value::Int(30)).is_err(), "a duration has a unit");
    assert!(typed(&limits("{ type: list }"), &Value::Null).is_err());
}

#[test]
fn a_secret_becomes_one_and_is_not_shown() {
    let value = limits("{ type: secret }").typed(&Value::str("hunter2")).expect("long enough");
    assert!(matches!(value, Value::Secret(_)));
    assert!(!format!("{value:?}").contains("hunter2"));
}
