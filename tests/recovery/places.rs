//! The places of a runbook where a value can be written, as texts of a runbook.

use std::fmt::Write as _;

/// Where a value comes from.
pub const SOURCES: [&str; 3] = ["params.v", "vars.v", "outputs.see.v"];

/// What a place must have made of a value.
#[derive(Clone, Copy)]
pub enum Makes {
    /// The file `OUT/NAME` holds this.
    File(fn(&str) -> Vec<u8>),
    /// The file `OUT/NAME` is JSON or YAML of this.
    Read(fn(&str) -> serde_json::Value),
    /// The link `OUT/NAME` leads there.
    Link(fn(&str) -> String),
    /// There is such a path below `OUT`.
    Path(fn(&str) -> String),
}

/// A place that takes every value.
pub struct Place {
    pub name: &'static str,
    /// The step below its `id` and `hosts`; `@` is the expression, `OUT` the folder, `NAME` the place and the source.
    pub step: &'static str,
    pub makes: Makes,
    /// Whether a value with a line break is taken as well.
    pub lines: bool,
}

fn same(v: &str) -> Vec<u8> {
    v.into()
}

fn between(v: &str) -> Vec<u8> {
    format!("a{v}b").into()
}

const fn place(name: &'static str, step: &'static str, makes: fn(&str) -> Vec<u8>) -> Place {
    Place { name, step, makes: Makes::File(makes), lines: true }
}

pub const PLACES: &[Place] = &[
    place("word", "run: printf %s {{@}} >OUT/NAME", same),
    place("glued", "run: printf %s a{{@}}b >OUT/NAME", between),
    place("single", "run: printf %s 'a{{@}}b' >OUT/NAME", between),
    place("double", "run: printf %s \"a{{@}}b\" >OUT/NAME", between),
    place("nested", "run: printf %s \"$(printf 'a%sb' {{@}})\" >OUT/NAME", between),
    place("nested-double", "run: printf %s \"$(printf '%s' \"a{{@}}b\")\" >OUT/NAME", between),
    place("assigned", "run: X={{@}}; printf %s \"$X\" >OUT/NAME", same),
    place("block", "run: |\n      X='{{@}}'\n      printf %s \"$X\" >OUT/NAME", same),
    place("argv", "run: [ sh, -c, 'printf %s \"$1\" >OUT/NAME', sh, '{{@}}' ]", same),
    place("argv-glued", "run: [ sh, -c, 'printf %s \"$1\" >OUT/NAME', sh, 'a{{@}}b' ]", between),
    place("stdin", "run: { command: cat >OUT/NAME, stdin: 'a{{@}}b' }", between),
    place("env", "env: { X: 'a{{@}}b' }\n    run: printf %s \"$X\" >OUT/NAME", between),
    place("content", "file: { path: OUT/NAME, content: 'a{{@}}b' }", between),
    Place {
        name: "json",
        step: "file: { path: OUT/NAME.json, content: '{\"a\": {{@}}, \"b\": \"<{{@}}>\"}' }",
        makes: Makes::Read(|v| serde_json::json!({"a": v, "b": format!("<{v}>")})),
        lines: true,
    },
    Place {
        name: "yaml",
        step: "file: { path: OUT/NAME.yaml, content: \"a: {{@}}\\nb: \\\"<{{@}}>\\\"\\n\" }",
        makes: Makes::Read(|v| serde_json::json!({"a": v, "b": format!("<{v}>")})),
        lines: true,
    },
    Place {
        name: "data-json",
        step: "file: { path: OUT/NAME.json, json: { a: '{{@}}', b: [ '<{{@}}>' ] } }",
        makes: Makes::Read(|v| serde_json::json!({"a": v, "b": [format!("<{v}>")]})),
        lines: true,
    },
    Place {
        name: "data-yaml",
        step: "file: { path: OUT/NAME.yaml, yaml: { a: '{{@}}', b: [ '<{{@}}>' ] } }",
        makes: Makes::Read(|v| serde_json::json!({"a": v, "b": [format!("<{v}>")]})),
        lines: true,
    },
    place("script-args", "run: { script: args.sh, args: [ 'a{{@}}b', OUT/NAME ] }", between),
    Place {
        name: "link",
        step: "link: { path: OUT/NAME, to: 'a{{@}}b' }",
        makes: Makes::Link(|v| format!("a{v}b")),
        lines: true,
    },
    Place {
        name: "link-path",
        step: "link: { path: 'OUT/NAME.d/{{@}}.link', to: x }",
        makes: Makes::Path(|v| format!("NAME.d/{v}.link")),
        lines: true,
    },
    Place {
        name: "cwd",
        step: "cwd: 'OUT/NAME.d/{{@}}'\n    run: touch here",
        makes: Makes::Path(|v| format!("NAME.d/{v}/here")),
        lines: true,
    },
    Place {
        name: "path",
        step: "file: { path: 'OUT/NAME.d/{{@}}.txt', content: x }",
        makes: Makes::Path(|v| format!("NAME.d/{v}.txt")),
        lines: false,
    },
    Place {
        name: "move",
        step: "move: { from: 'OUT/NAME.d/{{@}}', to: 'OUT/NAME.d/{{@}}.moved' }",
        makes: Makes::Path(|v| format!("NAME.d/{v}.moved")),
        lines: true,
    },
    Place {
        name: "probes",
        step: "when: eq run.mode \"run\"
    run: touch OUT/NAME.d/asked
    verify:
      - { command: 'printf %s {{@}}', that: eq result.stdout @ }
      - { command: { argv: [ printf, '%s', '{{@}}' ] }, that: eq result.stdout @ }
      - { read: 'OUT/NAME.d/{{@}}/file', that: eq result.value @ }
      - { path: 'OUT/NAME.d/{{@}}', that: eq result.kind \"directory\" }
      - { disk: 'OUT/NAME.d/{{@}}', that: gte result.free_bytes 0 }
      - { process: '{{@}}', optional: true, that: eq result.count 0 }
      - { that: [ eq @ params.v, eq (len @) (len params.v) ], message: '{{@}}' }",
        makes: Makes::Path(|_| "NAME.d/asked".to_owned()),
        lines: true,
    },
    Place {
        name: "watch",
        step: "run: printf '%s\\n' {{@}} >>'OUT/NAME.d/log {{@}}'
    watch:
      log: 'OUT/NAME.d/log {{@}}'
      within: 20s
      expect: [ { line: '{{@}}' }, { matches: '^{{@}}$' } ]
      never: [ { matches: 'not {{@}}' } ]",
        makes: Makes::Path(|v| format!("NAME.d/log {v}")),
        lines: false,
    },
];

/// The script beside the runbook.
pub const SCRIPT: &str = "#!/bin/sh\nprintf %s \"$1\" >\"$2\"\n";

/// A step of a place for one source.
pub fn step(place: &Place, source: usize, out: &str) -> String {
    let text = place.step.replace("NAME", &name(place, source)).replace("OUT", out).replace('@', SOURCES[source]);
    let mut step = format!("  - id: {}\n    hosts: all_hosts\n", name(place, source));
    let _ = writeln!(step, "    {text}");
    step
}

/// What the files of a place and source are called.
pub fn name(place: &Place, source: usize) -> String {
    format!("{}-{source}", place.name)
}

/// A place in which a hostile value is refused: a step, and what is said of it.
pub const REFUSING: &[(&str, &str)] = &[
    ("service: { name: '{{@}}', state: stopped }", "cannot be the name of a service"),
    ("sudo: '{{@}}'\n    run: id", "is not a user's name"),
    ("sudo: true\n    file: { path: /var/lib/owned, content: x, owner: '{{@}}' }", "no such user"),
    ("sudo: true\n    file: { path: /var/lib/owned, content: x, group: '{{@}}' }", "no such group"),
    ("file: { path: '{{@}}', content: x }", "is not an absolute path"),
    ("move: { from: '{{@}}', to: /tmp/x }", "is not an absolute path"),
    ("link: { path: '{{@}}', to: x }", "is not an absolute path"),
    ("download: { path: /etc/passwd, as: '{{@}}' }", "cannot be the name of an artifact"),
    ("require: [ { port: '127.0.0.1:{{@}}' } ]", ""),
    ("require: [ { port: '{{@}}:22' } ]", ""),
    ("require: [ { service: '{{@}}' } ]", ""),
    ("require: [ { http: 'http://{{@}}/' } ]", ""),
    ("run: 'true'\n    watch: { log: '{{@}}', within: 1s, expect: [ { line: x } ] }", "is no log"),
    ("run: 'true'\n    watch: { log: 'journal:{{@}}', within: 1s, expect: [ { line: x } ] }", ""),
];
