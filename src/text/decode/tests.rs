//! Decoding: all mistakes in one go, each at its place.

use indexmap::IndexMap;
use proptest::prelude::*;
use serde::{Deserialize, Deserializer};

use super::*;
use crate::base::span::SourceId;
use crate::text::{Dur, Mode, Node, OneOrMany, Shape, Shaped, Sp, parse, shaped};

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Model {
    name: Sp<String>,
    #[serde(default)]
    count: Option<u16>,
    #[serde(default)]
    big: u64,
    #[serde(default, rename = "type")]
    kind: Option<Sp<Choice>>,
    #[serde(default)]
    steps: Vec<Step>,
    #[serde(default)]
    vars: IndexMap<Sp<String>, Tree>,
    #[serde(default)]
    hosts: OneOrMany<Sp<String>>,
    #[serde(default)]
    within: Option<Dur>,
    #[serde(default)]
    mode: Option<Mode>,
    #[serde(default)]
    sudo: bool,
    #[serde(default)]
    pair: Option<(u8, u8)>,
    #[serde(default)]
    inner: Option<Box<Model>>,
    #[serde(default)]
    ports: IndexMap<u16, Choice>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Choice {
    Stop,
    ReadOnly,
    Ask(u8),
    Http { url: String },
}

#[derive(Debug, Deserialize, PartialEq)]
struct Step {
    id: String,
    run: Run,
}

#[derive(Debug, PartialEq)]
enum Run {
    Line(Sp<String>),
    Words(Vec<String>),
    Full(Full),
}

#[derive(Debug, Deserialize, PartialEq)]
struct Full {
    command: Sp<String>,
    #[serde(default)]
    stdin: Option<String>,
}

impl Shaped for Run {
    fn from_shape<'de, D: Deserializer<'de>>(shape: &Shape, form: D) -> Result<Self, D::Error> {
        if shape.is_map() {
            Full::deserialize(form).map(Self::Full)
        } else if shape.is_list() {
            Vec::deserialize(form).map(Self::Words)
        } else {
            Sp::deserialize(form).map(Self::Line)
        }
    }
}

impl<'de> Deserialize<'de> for Run {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shaped(deserializer)
    }
}

/// The value, and each finding as "code @text under the caret: message; help".
fn decoded<T: DeserializeOwned>(text: &str) -> (Option<T>, Vec<String>) {
    let diags = Diagnostics::new();
    let tree = parse(SourceId(0), text, &diags).unwrap_or_else(|| panic!("{:?}", diags.sorted()));
    let value = decode(&tree, &diags);
    let shown = |d: crate::base::diag::Diagnostic| {
        let under = text[d.span.unwrap().range()].lines().next().unwrap_or_default().to_owned();
        let help = d.help.map(|h| format!("; {h}")).unwrap_or_default();
        format!("{} @{under}: {}{help}", d.code, d.message)
    };
    (value, diags.into_sorted().into_iter().map(shown).collect())
}

#[track_caller]
fn findings(text: &str, expected: &[&str]) -> Option<Model> {
    let (value, found) = decoded::<Model>(text);
    assert_eq!(found, expected);
    value
}

#[test]
fn everything_right_decodes_with_its_places() {
    let text = "name: ü\ncount: 3\nbig: 18446744073709551615\ntype: read-only\nsteps:\n  - id: a\n    run: ls\n  - { id: b, run: [ls, -l] }\n  \
                - id: c\n    run: { command: cat, stdin: x }\nvars: { a: [1, {b: ~}] }\nhosts: web\nwithin: 1m30s\nmode: \"0640\"\n\
                pair: [1, 2]\ninner: { name: x }\nports: { 8300: stop, 80: { ask: 3 }, 81: { http: { url: u } } }\n";
    let model = findings(text, &[]).unwrap();
    assert_eq!(model.name.value, "ü");
    assert_eq!(&text[model.name.span.range()], "ü");
    assert_eq!(model.big, u64::MAX);
    assert_eq!(model.kind.as_ref().map(|k| &k.value), Some(&Choice::ReadOnly));
    assert_eq!(&text[model.kind.unwrap().span.range()], "read-only");
    let Run::Line(line) = &model.steps[0].run else { panic!() };
    assert_eq!(&text[line.span.range()], "ls");
    assert_eq!(model.steps[1].run, Run::Words(vec!["ls".into(), "-l".into()]));
    let Run::Full(full) = &model.steps[2].run else { panic!() };
    assert_eq!(&text[full.command.span.range()], "cat");
    let (key, value) = model.vars.get_index(0).unwrap();
    assert_eq!((&text[key.span.range()], &text[value.span.range()]), ("a", "[1, {b: ~}]"));
    assert_eq!(model.hosts[0].value, "web");
    assert_eq!(model.within, Some("90s".parse().unwrap()));
    assert_eq!(model.ports[&80], Choice::Ask(3));
    assert_eq!(model.ports[&81], Choice::Http { url: "u".into() });
    assert_eq!(model.pair, Some((1, 2)));
}

#[test]
fn all_mistakes_come_in_one_go_and_the_rest_is_decoded() {
    let model = findings(
        "name: x\ncuont: 3\ncount: many\nsudo: yes\nsudo: true\nwithin: 30\nmode: 640\nsteps:\n  - id: 5\n    run: ls\n    runn: x\n  \
         - id: good\n    run: ls\n  - run: { comand: x }\nhosts: [a, 1, b]\ntype: stopp\n",
        &[
            "unknown-key @cuont: unknown key `cuont`; did you mean `count`?",
            "wrong-type @many: expected a whole number, found a text",
            "wrong-type @yes: expected a boolean, found a text; write true, without quotes",
            "duplicate-key @sudo: `sudo` is written twice",
            "invalid-value @30: `30` has no unit: write `30s` for seconds, `30m` for minutes",
            "wrong-type @640: expected a file mode in quotes, such as \"0640\", found a whole number; quote it",
            "wrong-type @5: expected a text, found a whole number; quote it: \"5\"",
            "unknown-key @runn: unknown key `runn`; did you mean `run`?",
            "missing-key @run: missing key `id`",
            "unknown-key @comand: unknown key `comand`; did you mean `command`?",
            "wrong-type @1: expected a text, found a whole number; quote it: \"1\"",
            "unknown-value @stopp: unknown value `stopp`: expected one of `stop`, `read-only`, `ask`, `http`; did you mean `stop`?",
        ],
    )
    .unwrap();
    assert_eq!(model.steps.len(), 3, "a missing or wrong id has a stand-in, and so has a missing command");
    assert_eq!(model.steps[0].id, "");
    assert_eq!(model.hosts.iter().map(|h| h.value.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn what_is_missing_is_said_where_its_map_begins() {
    let model = findings("count: 1\nbig: 2\n", &["missing-key @count: missing key `name`"]).unwrap();
    assert!(model.name.value.is_empty() && model.name.span.is_nowhere());
    findings("name: x\nsteps:\n  - id: a\n", &["missing-key @id: missing key `run`"]).unwrap();
    findings("name: x\ninner:\n  sudo: true\n", &["missing-key @sudo: missing key `name`"]).unwrap();
    assert_eq!(
        findings(
            "[a]",
            &["wrong-type @[a]: expected a map, found a list; write `key: value`, without `- ` or brackets"]
        ),
        None
    );
    findings("name:\n", &["wrong-type @: expected a text, found nothing; write \"\" for an empty text"]);
    findings("name: x\nsteps:\n", &["wrong-type @: expected a list, found nothing; write [] for an empty list"]);
}

#[test]
fn variants_speak_plainly() {
    findings(
        "name: x\ntype: 3\n",
        &["wrong-type @3: expected one of `stop`, `read-only`, `ask`, `http`, found a whole number"],
    );
    findings("name: x\ntype: ask\n", &["unknown-value @ask: `ask` needs a value: write `ask: …`"]);
    findings("name: x\ntype: { stop: 1 }\n", &["unknown-value @1: `stop` takes no value"]);
    findings("name: x\ntype: { stop: }\n", &[]);
    findings(
        "name: x\ntype: { ask: 1, stop: }\n",
        &["unknown-value @stop: only one of `ask` and `stop` can stand here"],
    );
    findings(
        "name: x\ntype: { ask: 1, x: 2 }\n",
        &["unknown-key @x: unknown key `x`; known here: `stop`, `read-only`, `ask`, `http`"],
    );
    findings("name: x\ntype: { ask: x }\n", &["wrong-type @x: expected a whole number, found a text"]);
    findings(
        "name: x\ntype: { htp: {} }\n",
        &[
            "unknown-value @htp: unknown value `htp`: expected one of `stop`, `read-only`, `ask`, `http`; did you mean `http`?",
        ],
    );
    findings(
        "name: x\ntype: {}\n",
        &["unknown-value @{}: expected one of `stop`, `read-only`, `ask`, `http`, found an empty map"],
    );
    findings(
        "name: x\ntype: { http: { url: u, port: 1 } }\n",
        &["unknown-key @port: unknown key `port`; known here: `url`"],
    );
}

#[test]
fn numbers_stay_in_their_range() {
    findings("name: x\ncount: 70000\n", &["out-of-range @70000: expected a whole number from 0 to 65535, found 70000"]);
    findings("name: x\npair: [1, 2, 3]\n", &["wrong-type @[1, 2, 3]: expected a list of 2 items, found 3 items"]);
    findings("name: x\npair: [1, b]\n", &["wrong-type @b: expected a whole number, found a text"]);
    findings(
        "name: x\nports: { web: stop, 80: stop }\n",
        &["out-of-range @web: expected a number as key, found `web`"],
    );
    findings(
        "name: x\ncount: \"3\"\n",
        &["wrong-type @\"3\": expected a whole number, found a text; write it without quotes"],
    );
}

#[test]
fn a_comma_that_broke_a_flow_map_is_named() {
    findings(
        "name: x\nsteps:\n  - { id: a, run: psql -c a, b }\n",
        &["unknown-key @b: unknown key `b`; inside `{ }` a comma ends the value: quote the text that contains it"],
    );
    findings("name: x\nbb:\n", &["unknown-key @bb: unknown key `bb`"]);
}

/// A type that looks at what it has decoded.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
struct Short(String);

impl TryFrom<String> for Short {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() < 4 { Ok(Self(text)) } else { Err(format!("`{text}` is too long")) }
    }
}

#[test]
fn a_type_that_checks_itself_fails_at_its_own_place() {
    let (value, found) = decoded::<IndexMap<String, Vec<Sp<Short>>>>("a: [abc, abcd]\nb: [x]\nc: [long, longer]\n");
    assert_eq!(
        found,
        [
            "invalid-value @abcd: `abcd` is too long",
            "invalid-value @long: `long` is too long",
            "invalid-value @longer: `longer` is too long",
        ]
    );
    assert_eq!(value.unwrap()["a"].iter().map(|s| s.0.as_str()).collect::<Vec<_>>(), ["abc"]);
}

#[test]
fn a_text_full_of_mistakes_ends() {
    let text = format!("name: x\nhosts: [{}]\n", "1, ".repeat(1000));
    let (_, found) = decoded::<Model>(&text);
    assert_eq!(found.len(), 201);
    assert!(found.last().unwrap().starts_with("too-many-mistakes"), "{:?}", found.last());
}

#[test]
fn the_deepest_model_fits_into_a_small_stack() {
    let depth = crate::text::MAX_DEPTH - 1;
    let text =
        (0..depth).fold(String::new(), |text, n| text + &" ".repeat(n) + "inner:\n") + &" ".repeat(depth) + "nam: x\n";
    let (value, found) = decoded::<Model>(&text);
    assert!(value.is_some());
    let missing = found.iter().filter(|f| f.starts_with("missing-key")).count();
    assert_eq!((missing, found.len()), (depth, depth + 1), "each misses its name, and the last has a slip");
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let key = || {
        prop::sample::select(vec![
            "name", "count", "type", "steps", "id", "run", "vars", "hosts", "inner", "ports", "ask", "x",
        ])
    };
    let leaf = prop_oneof![
        Just(Node::Null),
        any::<bool>().prop_map(Node::Bool),
        any::<i128>().prop_map(Node::Int),
        any::<f64>().prop_map(Node::Float),
        key().prop_map(|k| Node::Str(k.into())),
        "\\PC{0,6}".prop_map(Node::Str),
    ];
    let at = |node| Tree::new(node, crate::base::span::Span::default());
    leaf.prop_map(at).prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Node::List),
            prop::collection::vec((key(), inner), 0..8).prop_map(|entries| {
                Node::Map(entries.into_iter().map(|(k, v)| (Sp::new(k.to_owned(), v.span), v)).collect())
            }),
        ]
        .prop_map(at)
    })
}

proptest! {
    #[test]
    fn no_tree_makes_the_decoder_panic_and_none_is_refused_without_a_word(tree in any_tree()) {
        let diags = Diagnostics::new();
        let value = decode::<Model>(&tree, &diags);
        prop_assert!(value.is_some() || diags.has_errors());
        let diags = Diagnostics::new();
        let copy: Tree = decode(&tree, &diags).unwrap();
        // the same, but for duplicates
        if !diags.has_errors() {
            prop_assert_eq!(format!("{copy:?}"), format!("{tree:?}"));
        }
    }
}
