//! Parsing: values, places, and what the causes of syntax errors are called.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn tree(text: &str) -> Tree {
    let diags = Diagnostics::new();
    let tree = parse(SourceId(0), text, &diags);
    assert_eq!(diags.sorted(), [], "{text}");
    tree.unwrap()
}

/// The one finding: code, the text under its caret, help.
fn finding(text: &str) -> (&'static str, String, String) {
    let diags = Diagnostics::new();
    parse(SourceId(0), text, &diags);
    let all = diags.sorted();
    let [one] = all.as_slice() else { panic!("{text}: {all:?}") };
    let span = one.span.unwrap();
    assert!(!one.message.contains(" at line "), "{}", one.message);
    (one.code, text[span.range()].to_owned(), format!("{}; {}", one.message, one.help.clone().unwrap_or_default()))
}

#[track_caller]
fn refused(text: &str, code: &str, under: &str, says: &str) {
    let (found_code, found_under, help) = finding(text);
    assert_eq!((found_code, found_under.as_str()), (code, under), "{text:?}: {help}");
    assert!(help.contains(says), "{text:?}: {help}");
}

#[test]
fn scalars_have_the_types_that_their_author_means() {
    let text = "n: 1\non: yes\ny: no\nold: 017\nunder: 1_0\nbig: 99999999999999999999\nmember: 10501334649042878790\n\
                inf: .inf\nyes: true\nnull_: ~\nnone:\n8300: open\nversion: 1.20\n";
    let tree = tree(text);
    let value = |key: &str| tree.get(key).unwrap_or_else(|| panic!("{key}")).value.clone();
    assert_eq!(value("n"), Node::Int(1));
    assert_eq!(value("on"), Node::Str("yes".into()));
    assert_eq!(value("y"), Node::Str("no".into()));
    assert_eq!(value("old"), Node::Str("017".into()));
    assert_eq!(value("under"), Node::Str("1_0".into()));
    assert_eq!(value("big"), Node::Int(99_999_999_999_999_999_999));
    assert_eq!(value("member"), Node::Int(10_501_334_649_042_878_790));
    assert_eq!(value("inf"), Node::Str(".inf".into()));
    assert_eq!(value("yes"), Node::Bool(true));
    assert_eq!(value("null_"), Node::Null);
    assert_eq!(value("none"), Node::Null);
    assert_eq!(value("8300"), Node::Str("open".into()));
    assert_eq!(value("version"), Node::Float(1.2));
}

#[test]
fn spans_reach_from_the_first_to_the_last_byte() {
    let text = "é: \"ü\"\nb: |\n  x\n  y\n\nc: [1, {d: e}, ]  # f\ng:\n  - h\n  - i: 1\n    j: [ ]\n";
    let tree = tree(text);
    let under = |tree: &Tree| text[tree.span.range()].to_owned();
    assert_eq!(under(&tree), text.trim_end());
    assert_eq!(under(tree.get("é").unwrap()), "\"ü\"");
    assert_eq!(under(tree.get("b").unwrap()), "x\n  y");
    assert_eq!(under(tree.get("c").unwrap()), "[1, {d: e}, ]");
    assert_eq!(under(tree.get("g").unwrap()), "- h\n  - i: 1\n    j: [ ]");
    let Node::Map(entries) = &tree.value else { panic!() };
    assert_eq!(&text[entries[0].0.span.range()], "é");
}

#[test]
fn duplicates_stay_and_aliases_point_at_their_definition() {
    let Node::Map(entries) = tree("a: 1\na: 2\n").value else { panic!() };
    assert_eq!(entries.len(), 2);

    let text = "a: &x { c: 1 }\nd: *x\ne:\n  <<: *x\n  c: 2\n";
    let tree = tree(text);
    assert_eq!(&text[tree.get("d").unwrap().span.range()], "{ c: 1 }");
    let Node::Map(merged) = &tree.get("e").unwrap().value else { panic!() };
    assert_eq!(
        merged.iter().map(|(k, v)| (k.value.as_str(), v.value.clone())).collect::<Vec<_>>(),
        [("c", Node::Int(2))]
    );
}

#[test]
fn a_template_without_quotes_is_named() {
    refused("a: {{ x }}/foo\nb: 1\n", "unquoted-template", "{{ x }}/foo", "\"{{ x }}/foo\"");
    refused("- {{x}} y\n", "unquoted-template", "{{x}} y", "quote the value");
    refused("a: { b: {{x}}, c: d }\n", "unquoted-template", "{{x}}", "\"{{x}}\"");
    refused("a: {{ x \"y\" }}\n", "unquoted-template", "{{ x \"y\" }}", "'{{ x \"y\" }}'");
}

#[test]
fn signs_that_begin_a_value_are_named() {
    refused("hosts: !web\n", "yaml-sign", "!web", "quote it: \"!web\"");
    refused("hosts: *web\n", "yaml-sign", "*web", "quote it");
    refused("hosts: &web\n", "yaml-sign", "&web", "\"&web\"");
    refused("a: @x y\n", "yaml-sign", "@x y", "cannot begin a value; quote it: \"@x y\"");
    refused("a: `ls`\n", "yaml-sign", "`ls`", "quote it");
    refused("a: %x\n", "yaml-sign", "%x", "quote it");
    refused("a: [0-9]+x\n", "yaml-syntax", "", "quote it to make it a text: \"[0-9]+x\"");
}

#[test]
fn other_slips_have_help() {
    refused("a:\n\t- b\n", "yaml-tab", "", "spaces");
    refused("a: b: c\n", "yaml-syntax", "", "must be quoted: \"b: c\"");
    refused("a: x\n b: y\n", "yaml-syntax", "", "indented more");
    refused("a: { b: x: y }\n", "yaml-syntax", "", "inside [ ] and { }");
    refused("a: [x\n", "yaml-syntax", "", "inside [ ] and { }");
    refused("a: \"\\d\"\n", "yaml-syntax", "", "single quotes");
    refused("a: \"x\" y\n", "yaml-syntax", "", "whole value");
    refused("a: - b\n", "yaml-syntax", "", "lines of its own");
    refused("a: 1\n---\nb: 2\n", "yaml-syntax", "---", "one document");
    refused("? [a]\n: b\n", "yaml-syntax", "[", "a key must be a text");
    refused("a: &x [*x]\n", "yaml-syntax", "*x", "alias");
    for empty in ["", "# only\n", "---\n", "\u{feff}"] {
        assert_eq!(finding(empty).0, "empty-text");
    }
}

#[test]
fn positions_behind_text_that_is_not_ascii_are_right() {
    refused("é: ü\nö: @ä\n", "yaml-sign", "@ä", "quote it");
    refused("ö: \"ü\" ä\n", "yaml-syntax", "", "whole value");
    let diags = Diagnostics::new();
    parse(SourceId(0), "ö: \"ü\" ä\n", &diags);
    assert_eq!(diags.sorted()[0].span.unwrap().start, 9);
}

/// Maps inside each other.
fn stairs(depth: usize) -> String {
    (0..depth).fold(String::new(), |text, n| text + &" ".repeat(n) + "inner:\n")
}

#[test]
fn the_deepest_text_that_is_allowed_can_be_parsed_and_decoded() {
    let text = stairs(MAX_DEPTH);
    let deep = tree(&text);
    let diags = Diagnostics::new();
    assert!(crate::text::decode::<Tree>(&deep, &diags).is_some());
    assert_eq!(diags.sorted(), []);
}

#[test]
fn limits_are_refused_with_a_position() {
    let deep = format!("{}1{}", "[".repeat(70), "]".repeat(70));
    assert_eq!(finding(&deep).0, "text-too-large", "{:?}", finding(&deep));
    let block = stairs(70);
    assert_eq!(finding(&block).0, "text-too-large", "{:?}", finding(&block));
    let many = format!("a: [{}]", "1,".repeat(MAX_NODES));
    assert_eq!(finding(&many).0, "text-too-large");
    let aliases = format!("a: &x 1\nb: [{}]", "*x,".repeat(MAX_ALIASES + 1));
    assert_eq!(finding(&aliases).0, "text-too-large");
    let large = format!("a: \"{}\"", "é".repeat(MAX_BYTES / 2));
    assert_eq!(finding(&large).0, "text-too-large");
    let mut laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for n in 1..9 {
        writeln!(laughs, "a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 10].join(",")).unwrap();
    }
    assert_eq!(finding(&laughs).0, "text-too-large");
}

/// Pieces that make YAML go wrong in interesting ways.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b: ",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "\t",
        "{",
        "}",
        "{{",
        "}}",
        "[",
        "]",
        ",",
        "\"",
        "'",
        "\\",
        "|\n",
        ">\n",
        "&x ",
        "*x",
        "<<: ",
        "!t ",
        "!!str ",
        "? ",
        "#",
        " #",
        "@",
        "%",
        "`",
        "---\n",
        "...\n",
        "é",
        "😀",
        "\u{feff}",
        "\r\n",
        "\0",
        "1",
        "~",
        "%YAML 1.2\n",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in soup()) {
        check_any(&text);
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_any(&String::from_utf8_lossy(&bytes));
    }
}

/// Either a tree or a reason; all places on character borders.
fn check_any(text: &str) {
    let diags = Diagnostics::new();
    let tree = parse(SourceId(0), text, &diags);
    assert!(tree.is_some() || diags.has_errors());
    for found in diags.sorted() {
        assert!(text.get(found.span.unwrap().range()).is_some(), "{text:?} {found:?}");
    }
    if let Some(tree) = tree {
        check_spans(&tree, text);
    }
}

fn check_spans(tree: &Tree, text: &str) {
    assert!(text.get(tree.span.range()).is_some(), "{text:?} {tree:?}");
    match &tree.value {
        Node::List(items) => items.iter().for_each(|item| check_spans(item, text)),
        Node::Map(entries) => entries.iter().for_each(|(key, value)| {
            assert!(text.get(key.span.range()).is_some(), "{text:?} {key:?}");
            check_spans(value, text);
        }),
        _ => {}
    }
}
