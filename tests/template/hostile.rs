//! Ten thousand hostile values in data formats: what a parser reads back is the value, or it was refused beforehand.

use hyper::Uri;
use refloat::template::{InContext, Json, Text, Url, Yaml};
use serde_json::Value;

use super::World;
use super::shells::Random;

const COUNT: usize = 10_000;

fn values() -> Vec<String> {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let known =
        ["", " ", "a", "null", "true", "1e3", "0x1f", "~", "- a", "a: b", "#", "&a", "*a", "!!str a", "%", "..", "."];
    let more =
        ["..%2f", "a/../b", "?", "a=b&c", "@", "h@evil.example", "h:80", "fd00::1", "\u{85}", "\u{2028}", "---", "..."];
    known.iter().chain(&more).map(ToString::to_string).chain((0..COUNT).map(|_| random.text())).collect()
}

/// The text with a value in it; `None`: it was refused.
fn rendered<C: InContext>(text: &Text<C>, value: &str) -> Option<String> {
    text.render(&World::new().with("x", value)).ok().map(|rendered| rendered.text)
}

fn compiled<C: InContext>(source: &str) -> Text<C> {
    let text = Text::<C>::from(source);
    assert_eq!(text.problems(), [], "{source}");
    text
}

#[test]
fn json_reads_back_what_was_inserted() {
    let text = compiled::<Json>(r#"{"a": {{x}}, "b": "p{{x}}s", "c": [{{x}}, "{{x}}"]}"#);
    for value in values() {
        let json = rendered(&text, &value).expect("JSON takes every text");
        let read: Value = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{e}: {json}"));
        let around = format!("p{value}s");
        assert_eq!(read, serde_json::json!({ "a": value, "b": around, "c": [value, value] }), "{json}");
    }
}

#[test]
fn yaml_reads_back_what_was_inserted() {
    // every value fits, and then only those of one line
    let every = "a: {{x}}\nb: \"{{x}}\"\nc: { d: {{x}} }\ne:\n- {{x}}\n- \"p{{x}}s\"\n";
    for (source, all) in [(every, true), ("a: '{{x}}'\nb: |-\n  p{{x}}\nc: 1\n", false)] {
        let text = compiled::<Yaml>(source);
        let mut taken = 0;
        for value in values() {
            let breaks =
                |c: char| c.is_control() && c != '\t' || "\u{2028}\u{2029}\u{feff}\u{fffe}\u{ffff}".contains(c);
            let Some(yaml) = rendered(&text, &value) else {
                assert!(!all && value.chars().any(breaks), "{source} refuses {value:?}");
                continue;
            };
            taken += 1;
            let read: Value = serde_yaml::from_str(&yaml).unwrap_or_else(|e| panic!("{e}: {yaml:?}"));
            let other: Value = serde_yaml_ng::from_str(&yaml).unwrap_or_else(|e| panic!("{e}: {yaml:?}"));
            assert_eq!(other, read, "{yaml:?}");
            let want = if all {
                serde_json::json!({ "a": value, "b": value, "c": { "d": value }, "e": [value, format!("p{value}s")] })
            } else {
                serde_json::json!({ "a": value, "b": format!("p{value}"), "c": 1 })
            };
            assert_eq!(read, want, "{yaml:?}");
        }
        assert!(taken > if all { COUNT } else { COUNT / 4 }, "{source}: {taken}");
    }
}

/// What stands for a text in a URL.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        (bytes, rest) = match (first, more) {
            (b'%', [a, b, more @ ..]) => {
                let hex = std::str::from_utf8(&[*a, *b]).map(str::to_owned).expect("ASCII");
                (([&bytes[..], &[u8::from_str_radix(&hex, 16).expect("hex")]]).concat(), more)
            }
            _ => ([&bytes[..], &[*first]].concat(), more),
        };
    }
    bytes
}

#[test]
fn a_url_reads_back_what_was_inserted() {
    let text = compiled::<Url>("http://h.example:80/v1/{{x}}/e?q={{x}}&r=1#f{{x}}");
    let mut taken = 0;
    for value in values() {
        let Some(url) = rendered(&text, &value) else {
            assert!(matches!(value.as_str(), "." | ".."), "{value:?} is refused");
            continue;
        };
        taken += 1;
        let fragment = url.split_once('#').expect("a fragment").1;
        assert_eq!(decoded(fragment), [b"f", value.as_bytes()].concat(), "{url}");
        let uri: Uri = url.parse().unwrap_or_else(|e| panic!("{e}: {url}"));
        assert_eq!(uri.authority().expect("there").as_str(), "h.example:80", "{url}");
        let segments: Vec<&str> = uri.path().split('/').collect();
        let ["", "v1", middle, "e"] = segments[..] else { panic!("{segments:?}") };
        assert_eq!(decoded(middle), value.as_bytes(), "{url}");
        let pairs: Vec<(&str, &str)> =
            uri.query().expect("there").split('&').filter_map(|p| p.split_once('=')).collect();
        let [("q", q), ("r", "1")] = pairs[..] else { panic!("{pairs:?}") };
        assert_eq!(decoded(q), value.as_bytes(), "{url}");
    }
    assert!(taken > COUNT, "{taken}");
}

/// A host, a port, what stands before `@`, and a whole URL are validated: none moves what stands behind it.
#[test]
fn no_value_moves_the_host_of_a_url() {
    let fits = ["web-1", "10.0.0.1", "h:8300", "fd00::1", "[fd00::1]:80", "80", "http://h:1/a", "https://u@h"];
    let mut values = values();
    values.extend(fits.map(str::to_owned));
    let mut taken = 0;
    for (source, host) in [
        ("http://{{x}}/p", None),
        ("http://a-{{x}}.example/p", None),
        ("http://h:{{x}}/p", Some("h")),
        ("http://{{x}}@h/p", Some("h")),
        ("http://u:{{x}}@h/p", Some("h")),
        ("{{x}}/p", None),
    ] {
        let text = compiled::<Url>(source);
        for value in &values {
            let Some(url) = rendered(&text, value) else { continue };
            taken += 1;
            let uri: Uri = url.parse().unwrap_or_else(|e| panic!("{e}: {url}"));
            assert!(uri.path().ends_with("/p") && uri.query().is_none() && !url.contains('#'), "{url}");
            if let Some(host) = host {
                assert_eq!(uri.host(), Some(host), "{url}");
            } else if source != "{{x}}/p" {
                let authority = uri.authority().expect("there").as_str();
                assert!(!authority.contains('@') && authority.contains(value.trim_matches(['[', ']'])), "{url}");
            }
        }
    }
    assert!(taken >= 12, "{taken}");
}
