//! A value never changes the structure of what it stands in: texts put together at random, whatever compiles, rendered
//! with a hostile and with a harmless value, must read back the same but for the value.

use refloat::template::{Compiled, Context, Value};
use serde_json::Value as Json;

use super::World;
use super::shells::Random;

/// No other text has it, so that a value can be told from what the author wrote.
const HARMLESS: &str = "zq";

const HOSTILE: [&str; 16] = [
    "\", \"a\": \"b",
    "\\",
    "\n- x",
    "\nk: v",
    ": ",
    " #",
    "a: b",
    "{a: b}",
    "[",
    "'",
    "''",
    "|",
    "- a",
    "\u{2028}k: v",
    "*a",
    "!!int ",
];

const YAML: [&str; 31] = [
    "a: x\n",
    "b: \"Q\"\n",
    "c: 'Q'\n",
    "d: [x, \"Q\", x]\n",
    "e: { f: x, 'Q': x }\n",
    "g:\n  - x\n  - h: x\n",
    "i: |\n  Q\n  Q\n",
    "j:\n  k: |-\n    Q\n\n    Q\n  l: x\n",
    "m: >\n  Q x\n",
    "x: n\n",
    "  o: x\n",
    "- x\n",
    "p: # note\n  x\n",
    "q: Q\n",
    "r:\n",
    "  Q\n",
    "s: |\n\n",
    "{{#if @root.t}}\nu: x\n{{else}}\nw: \"Q\"\n{{/if}}\n",
    "{{#each @root.l}}\n  - x\n{{/each}}\n",
    "y: \"{{#if @root.t}}Q{{/if}}\"\n",
    "- z: |\n    Q\n  aa: x\n",
    "ab: \"a\n  Q\"\n",
    "ac: [\n  x,\n  Q ]\n",
    "---\n",
    "ad: {{#if @root.t}}x{{else}}'Q'{{/if}}\n",
    "# Q\n",
    "ae: &f\n  - ag: |\n      Q\n    ah: x\n",
    "ai: &j !!seq\n  - ak: |\n      Q\n    al: x\n",
    "am: n\n  n n # Q\n",
    "- - an: |\n      Q\n    ao: x\n",
    "...\n",
];
const JSON: [&str; 10] = [
    "{\"a\": x, \"Q\": [J, J]}",
    "[J, J]",
    "x",
    "\"Q\"",
    "{ x: J }",
    "[{{#each @root.l}}J{{#unless @last}}, {{/unless}}{{/each}}]",
    "{{#if @root.t}}x{{else}}\"Q\"{{/if}}",
    "[{{#if @root.t}}J,{{/if}} J]",
    "\"{{#if @root.t}}Q{{/if}}\"",
    "[Q, J]",
];
const QUOTED: [&str; 8] = ["x", "x", "a", "ax", "x b", " ", "QQ", "\\\\"];

fn generate(random: &mut Random, form: &str, depth: usize, out: &mut String) {
    let mut rest = form;
    while let Some(c) = rest.chars().next() {
        let forms: &[&str] = match c {
            '{' if rest.starts_with("{{") => {
                let end = rest.find("}}").map_or(rest.len(), |n| n + 2);
                out.push_str(&rest[..end]);
                rest = &rest[end..];
                continue;
            }
            'x' => &[],
            'Q' => &QUOTED,
            'J' => &JSON,
            _ => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
        };
        rest = &rest[1..];
        if forms.is_empty() || depth == 0 {
            out.push_str("{{@root.x}}");
        } else {
            let form = forms[random.below(forms.len())];
            generate(random, form, depth - 1, out);
        }
    }
}

/// With the value as it was given replaced by the harmless one, wherever it stands.
fn tamed(json: Json, value: &str) -> Json {
    let text = |s: String| s.replace(value, HARMLESS);
    match json {
        Json::String(s) => Json::String(text(s)),
        Json::Array(list) => Json::Array(list.into_iter().map(|v| tamed(v, value)).collect()),
        Json::Object(map) => Json::Object(map.into_iter().map(|(k, v)| (text(k), tamed(v, value))).collect()),
        other => other,
    }
}

fn run(context: Context, read: fn(&str) -> Option<Json>, begin: fn(&mut Random) -> String) {
    let rounds = std::env::var("REFLOAT_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut compared = 0;
    while compared < rounds {
        let mut source = String::new();
        let form = begin(&mut random);
        generate(&mut random, &form, 3, &mut source);
        let compiled = Compiled::new(&source, context);
        if !compiled.problems().is_empty() {
            continue;
        }
        let value = &format!("{}{HARMLESS}", HOSTILE[random.below(HOSTILE.len())]);
        let flag = random.below(2) == 0;
        let render = |value: &str| {
            let list: Value = vec![Value::from(1), 2.into()].into();
            let world = World::new().with("x", value).with("t", flag).with("l", list);
            compiled.render(&world)
        };
        let Some(want) = read(&render(HARMLESS).expect("renders").text) else { continue };
        // Refused for this value, at this place.
        let Ok(hostile) = render(value) else { continue };
        compared += 1;
        let got = read(&hostile.text).map(|json| tamed(json, value));
        assert_eq!(got, Some(want), "{source}\n--- with {value:?}\n{}", hostile.text);
    }
}

#[test]
fn yaml_keeps_its_structure() {
    let begin = |random: &mut Random| (0..=random.below(5)).map(|_| YAML[random.below(YAML.len())]).collect::<String>();
    run(Context::Yaml, |text| serde_yaml::from_str(text).ok(), begin);
}

#[test]
fn json_keeps_its_structure() {
    run(Context::Json, |text| serde_json::from_str(text).ok(), |_| "J".to_owned());
}

#[test]
fn no_text_makes_the_compiler_panic() {
    const PIECES: [&str; 40] = [
        "{{",
        "}}",
        "{{#if ",
        "{{/if}}",
        "{{else}}",
        "{{else if ",
        "{{#each ",
        "{{/each}}",
        "{{#with ",
        "{{/with}}",
        "{{^}}",
        "{{{",
        "}}}",
        "{{!",
        "{{!--",
        "--}}",
        "\\{{",
        "\\\\{{",
        "~",
        "(",
        ")",
        "a.b",
        " ",
        "eq ",
        "and ",
        "\"",
        "'",
        "|",
        " as |x y|",
        "@index",
        "../",
        "[",
        "]",
        "\n",
        "this",
        ".",
        "==",
        "é",
        "{{x}}",
        "1",
    ];
    let mut random = Random(0x0fed_cba9_8765_4321);
    for _ in 0..20_000 {
        let source: String = (0..random.below(9)).map(|_| PIECES[random.below(PIECES.len())]).collect();
        for context in [Context::Plain, Context::Shell, Context::Json, Context::Yaml, Context::Url, Context::Regex] {
            let compiled = Compiled::new(&source, context);
            for problem in compiled.problems() {
                assert!(source.get(problem.range.clone()).is_some(), "{source:?} {problem:?}");
            }
        }
        let expr = refloat::template::Expr::from(source.as_str());
        for problem in expr.problems() {
            assert!(source.get(problem.range.clone()).is_some(), "{source:?} {problem:?}");
        }
    }
    // Deep nesting is refused, not overflowed.
    for (open, close) in [("(not ", ")"), ("{{#if a}}", "{{/if}}"), ("{{x (not ", ")}}")] {
        let deep = format!("{}a{}", open.repeat(5_000), close.repeat(5_000));
        assert!(!Compiled::new(&format!("{{{{{deep}}}}}"), Context::Plain).problems().is_empty());
        assert!(!refloat::template::Expr::from(deep.as_str()).problems().is_empty());
    }
}
