//! Small runbooks that have every kind of step between them, on three hosts that are folders of this machine.

/// One play, to be interrupted anywhere.
pub struct Scene {
    pub name: &'static str,
    /// Its runbook first, then those that it uses.
    pub books: &'static [(&'static str, &'static str)],
    /// How a run that nobody interrupts ends.
    pub exit: i32,
    /// How many words it goes through.
    pub words: usize,
}

/// A loop in a runbook of its own.
const INNER: &str = r#"
runbook: play/inner
risk: destructive
params: { place: { type: path }, words: { type: list }, hosts: { type: hosts } }
steps:
  - id: group
    hosts: hosts
    for_each: params.words
    steps:
      - id: found
        gather: { n: { command: "echo {{index}}", value: result.stdout } }
      - id: did
        run: echo did-{{item}}-{{outputs.found.n}} >>{{params.place}}/{{host.name}}
  - id: tell
    set: { told: "done" }
outputs: { told: outputs.tell.told }
"#;

/// All of them together have far more than 600 points.
pub const SCENES: &[Scene] = &[
    Scene {
        name: "straight",
        exit: 0,
        words: 3,
        books: &[(
            "straight.yaml",
            r#"
runbook: play/straight
risk: destructive
params: { place: { type: path }, words: { type: list } }
steps:
  - id: sick
    hosts: "a:b:c"
    symptom: { read: /proc/uptime, that: "true" }
  - id: safe
    hosts: "a:b:c"
    require: { path: "{{params.place}}/forbidden", that: "not result.exists" }
  - id: look
    hosts: "a:b:c"
    gather: { rank: { command: "echo {{host.name}}", value: result.stdout } }
  - id: choose
    pick: { first: { from: "a:b:c", lowest: outputs.look.rank } }
  - id: mark
    hosts: first
    still: [safe]
    run: echo mark-{{host.name}} >>{{params.place}}/{{host.name}}; echo 7
    parse: int
    outputs: { number: result.value }
  - id: sum
    set: { twice: "{{outputs.mark.number}}{{outputs.mark.number}}" }
  - id: say
    note: "the number is {{outputs.sum.twice}}"
  - id: each
    hosts: "a:b"
    for_each: params.words
    run: echo each-{{item}}-{{outputs.sum.twice}} >>{{params.place}}/{{host.name}}
  - id: write
    hosts: "a:c"
    file: { path: "{{params.place}}/{{host.name}}.conf", content: "written for {{host.name}}\n" }
    verify: { read: "{{params.place}}/{{host.name}}.conf", that: "true" }
  - id: there
    hosts: "a:c"
    wait: { until: { path: "{{params.place}}/{{host.name}}.conf", that: result.exists }, within: 20s, every: 100ms }
  - id: not-wanted
    hosts: b
    when: eq outputs.mark.number 8
    run: echo never >>{{params.place}}/{{host.name}}
  - id: done
    hosts: c
    done_when: { path: "{{params.place}}/c.done", that: result.exists }
    run: echo done >>{{params.place}}/c; echo x >>{{params.place}}/c.done
outputs: { twice: outputs.sum.twice }
"#,
        )],
    },
    Scene {
        name: "gates",
        exit: 0,
        words: 3,
        books: &[(
            "gates.yaml",
            r#"
runbook: play/gates
risk: reversible
params: { place: { type: path }, words: { type: list } }
steps:
  - id: agreed
    confirm: { message: "Go on?" }
  - id: how
    ask: { message: "How many?", type: int, default: 3 }
  - id: short
    pause: 10ms
  - id: use-it
    hosts: a
    undo: none
    why: it only counts
    run: echo asked-{{outputs.how.answer}} >>{{params.place}}/a
  - id: by-hand
    hosts: a
    manual: { instructions: "make it so" }
    done_when: { path: "{{params.place}}/a", that: result.exists }
  - id: batches
    hosts: "a:b:c"
    rolling: { batches: [1, 2], pause: 10ms, confirm_after: 1 }
    steps:
      - id: in-batch
        undo: none
        why: it only counts
        run: echo batch-{{outputs.how.answer}} >>{{params.place}}/{{host.name}}
      - id: said
        note: "{{outputs.how.answer}}"
"#,
        )],
    },
    Scene {
        name: "loops",
        exit: 0,
        words: 3,
        books: &[
            (
                "loops.yaml",
                r#"
runbook: play/loops
risk: destructive
params: { place: { type: path }, words: { type: list } }
steps:
  - id: around
    steps:
      - id: each
        hosts: "a:b:c"
        use: { runbook: play/inner, params: { place: "{{params.place}}", words: "{{params.words}}" } }
      - id: after
        hosts: a
        run: echo after-{{outputs.each.told}} >>{{params.place}}/a
"#,
            ),
            ("play/inner.yaml", INNER),
        ],
    },
    Scene {
        name: "leaving",
        exit: 0,
        words: 3,
        books: &[(
            "leaving.yaml",
            r#"
runbook: play/leaving
risk: destructive
params: { place: { type: path }, words: { type: list } }
steps:
  - id: batches
    hosts: "a:b:c"
    rolling: 1
    tolerate: 1
    on_failure: undo
    steps:
      - id: first
        run: echo first >>{{params.place}}/{{host.name}}
        undo: [ { run: "echo unfirst >>{{params.place}}/{{host.name}}" } ]
      - id: keep
        file: { path: "{{params.place}}/{{host.name}}.kept", content: "new\n" }
      - id: second
        run: echo second >>{{params.place}}/{{host.name}}; test {{host.name}} != b
        undo: [ { run: "echo unsecond >>{{params.place}}/{{host.name}}" } ]
      - id: third
        run: echo third >>{{params.place}}/{{host.name}}
        undo: none
        why: it is the last
    always:
      - id: at-last
        run: echo last >>{{params.place}}/{{host.name}}
  - id: after
    hosts: "a:c"
    run: echo after >>{{params.place}}/{{host.name}}
"#,
        )],
    },
    Scene {
        name: "undoing",
        exit: 1,
        words: 3,
        books: &[(
            "undoing.yaml",
            r#"
runbook: play/undoing
risk: destructive
params: { place: { type: path }, words: { type: list } }
steps:
  - id: before
    hosts: a
    run: echo before >>{{params.place}}/a
  - id: all
    on_failure: undo
    steps:
      - id: one
        hosts: "a:b"
        run: echo one >>{{params.place}}/{{host.name}}
        undo:
          - run: echo unone >>{{params.place}}/{{host.name}}
          - run: echo unone2 >>{{params.place}}/{{host.name}}
      - id: each
        hosts: a
        for_each: params.words
        run: echo each-{{item}} >>{{params.place}}/a
        undo: [ { run: "echo uneach-{{item}} >>{{params.place}}/a" } ]
      - id: file
        hosts: b
        file: { path: "{{params.place}}/b.conf", content: "x\n" }
      - id: fails
        hosts: c
        run: echo fails >>{{params.place}}/c; exit 3
        undo: none
        why: nothing is there
"#,
        )],
    },
    Scene {
        name: "again",
        exit: 1,
        words: 3,
        books: &[(
            "again.yaml",
            r#"
runbook: play/again
risk: destructive
params: { place: { type: path }, words: { type: list } }
steps:
  - id: flaky
    hosts: "a:b"
    retry: { attempts: 4, delay: 10ms }
    run:
      command: echo try >>{{params.place}}/{{host.name}}; test $(wc -l <{{params.place}}/{{host.name}}) -ge 3
      idempotent: true
  - id: goes-on
    hosts: c
    on_failure: continue
    run: echo bad >>{{params.place}}/c; exit 4
  - id: behind
    hosts: c
    run: echo behind >>{{params.place}}/c
"#,
        )],
    },
    Scene {
        name: "watches",
        exit: 0,
        words: 3,
        books: &[(
            "watches.yaml",
            r#"
runbook: play/watches
risk: destructive
params: { place: { type: path }, words: { type: list } }
steps:
  - id: logs
    hosts: "a:b"
    run: echo old >>{{params.place}}/{{host.name}}.log; echo logs >>{{params.place}}/{{host.name}}
  - id: speak
    hosts: "a:b"
    run: echo speak >>{{params.place}}/{{host.name}}; echo "ready at 42" >>{{params.place}}/{{host.name}}.log
    watch:
      log: "{{params.place}}/{{host.name}}.log"
      within: 30s
      settle: 50ms
      expect: [ { matches: "ready at (?P<place>[0-9]+)" } ]
  - id: later
    hosts: a
    run: echo later >>{{params.place}}/a; echo "later came" >>{{params.place}}/a.log
  - id: heard
    hosts: a
    watch:
      log: "{{params.place}}/a.log"
      since: later
      within: 30s
      expect: [ { line: later came } ]
  - id: place
    hosts: "a:b"
    run: echo at-{{outputs.speak.place}} >>{{params.place}}/{{host.name}}
"#,
        )],
    },
    Scene {
        name: "kinds",
        exit: 0,
        words: 3,
        books: &[(
            "kinds.yaml",
            r#"
runbook: play/kinds
risk: destructive
params: { place: { type: path }, words: { type: list } }
steps:
  - id: folder
    hosts: "a:b"
    directory: { path: "{{params.place}}/{{host.name}}.d", mode: "0700" }
  - id: content
    hosts: "a:b"
    run: echo content-{{host.name}} >>{{params.place}}/{{host.name}}.d/data
  - id: current
    hosts: "a:b"
    link: { path: "{{params.place}}/{{host.name}}.current", to: "{{params.place}}/{{host.name}}.d" }
  - id: aside
    hosts: a
    move: { from: "{{params.place}}/a.d/data", to: "{{params.place}}/a.d/moved" }
  - id: keep
    hosts: "a:b"
    download: { path: "/proc/sys/kernel/ostype", as: kind.txt }
  - id: elsewhere
    hosts: "a:b"
    run_on: c
    run: echo for-{{host.name}} >>{{params.place}}/c-{{host.name}}
  - id: gone
    hosts: b
    file: { path: "{{params.place}}/b.d/data", state: absent }
"#,
        )],
    },
];

/// A loop of fifty items on five hosts, in a group of a runbook that a group uses.
pub const MANY: &[Scene] = &[Scene {
    name: "many",
    exit: 0,
    words: 50,
    books: &[
        (
            "many.yaml",
            r#"
runbook: play/many
risk: destructive
params: { place: { type: path }, words: { type: list } }
steps:
  - id: around
    steps:
      - id: each
        hosts: "a:b:c:d:e"
        use: { runbook: play/inner, params: { place: "{{params.place}}", words: "{{params.words}}" } }
"#,
        ),
        ("play/inner.yaml", INNER),
    ],
}];
