//! Every line of this runbook but those for readers is changed once, and so is what it reads.

use super::*;
use crate::base::span::Sources;
use crate::inventory::Inventory;
use crate::plan::{Given, build, restore};
use crate::runbook::{self, Templates};

const BOOK: &str = r#"
runbook: test/deeds
title: Deeds
risk: reversible
owner: me
lock: "deeds-{{params.word}}"
params:
  word: { type: string, default: plain, description: a word }
  names: { type: list, default: [ x, y ] }
  limit: { type: int, default: 7 }
  idle: { type: string, default: idle }
  token: { type: secret, env: TOKEN }
  lost: { type: hosts, default: web-3 }
vars:
  place: { type: path, default: "/srv/{{host.name}}" }
  port: { type: int, default: 80 }
  lag: { type: int, default: 5 }
  of_all: { type: string, default: everywhere }
  idle: { type: string, default: idle }
targets:
  rest: "web:!lost"
defaults: { cwd: "/tmp/{{vars.of_all}}", timeout: 4m }
steps:
  - id: see
    title: Look
    hosts: rest
    gather:
      load: { command: "cat {{vars.place}}/load", parse: int, timeout: 3s }
      now: { read: /proc/uptime, value: result.size_bytes, from: web-1 }
  - id: safe
    why: it matters
    require:
      - every: { hosts: web, port: "{{vars.port}}" }
        message: &said a message for readers
      - count: { hosts: rest, that: lt outputs.see.load params.limit, at_least: 1 }
      - every: { hosts: rest, that: lt outputs.see.load vars.lag }
        message: a message for readers only
  - id: choose
    pick:
      best: { from: rest, lowest: outputs.see.load }
  - id: agree
    confirm: { message: "go on with {{join targets.rest}}?", type: "{{params.word}}" }
  - id: write
    hosts: rest
    when: eq params.word "plain"
    file:
      path: "{{vars.place}}/x"
      template: x.hbs
      mode: "0640"
  - id: send
    hosts: best
    env: { TOKEN: "{{params.token}}", WORD: "{{params.word}}" }
    for_each: params.names
    run: "echo {{item}} {{vars.place}}"
    done_when: { path: "/tmp/{{item}}" }
    verify: { command: "test -e {{vars.place}}" }
    undo: [ { run: "rm -f {{vars.place}}/y" } ]
  - { id: said, hosts: web-1, run: *said }
  - { id: hide, hosts: web-1, file: { path: /tmp/hide, content: "of {{params.token}}", mode: "0600" } }
  - { id: quick, hosts: web-1, run: "true; test\n" }
  - id: both
    on_failure: undo
    hosts: web
    rolling: 2
    steps:
      - id: one
        sudo: true
        retry: { attempts: 2 }
        service: { name: "s-{{params.limit}}", state: started }
      - id: two
        still: [ safe ]
        hosts: "lost"
        link: { path: /tmp/link, to: "{{vars.place}}" }
    always:
      - { id: every, for_each: targets.rest, note: "{{item.name}} {{item.vars.port}}" }
      - { id: last, hosts: controller, note: "done with {{params.word}}" }
outputs: { word: params.word }
"#;

const TEMPLATE: &str =
    "{{!-- for readers --}}{{#each targets.rest}}{{name}} {{vars.port}}\n{{/each}}load {{outputs.see.load}}\n";

const INVENTORY: &str = r#"
inventory: here
connect: { user: ops }
vars: { idle: nothing }
hosts:
  web-1: { address: 10.0.0.1, vars: { port: 81 } }
  web-2: { address: 10.0.0.2 }
  web-3: { address: 10.0.0.3, vars: { lag: 9 } }
  other: { address: 10.0.0.9, vars: { port: 99 } }
groups: { web: { hosts: "web-*" } }
"#;

const FILES: [&str; 3] = [BOOK, INVENTORY, TEMPLATE];

fn planned([book, inventory, template]: [&str; 3], token: &str) -> Option<Arc<Plan>> {
    let (mut sources, diags) = (Sources::default(), Diagnostics::new());
    let source = sources.add("book.yaml", book);
    let runbook = runbook::parse(source, &sources, &diags)?;
    let mut templates = Templates::new();
    templates.texts.insert("x.hbs".to_owned(), sources.add("x.hbs", template));
    let inventory = sources.add("inventory.yaml", inventory);
    let inventory = Inventory::from_sources(&[(inventory, "/etc".into())], &sources, &diags)?;
    runbook::validate(&runbook, &sources, &templates, Some(&inventory), &diags);
    let env = |name: &str| (name == "TOKEN").then(|| token.to_owned());
    let given = Given { params: &[], written: None, env: &env, secrets: &|_| Ok(None) };
    let plan =
        if diags.has_errors() { None } else { build(runbook, inventory, &templates, &given, &mut sources, &diags) };
    plan.map(Arc::new)
}

fn plan() -> Arc<Plan> {
    planned(FILES, "s3cret").expect("a plan")
}

/// What differs from a plan once a text is another one; none: nothing can be planned then.
fn after(then: &Arc<Plan>, file: usize, from: &str, to: &str) -> Option<Vec<Drift>> {
    let mut files = FILES;
    assert_eq!(files[file].matches(from).count(), 1, "{from}");
    let changed = files[file].replace(from, to);
    files[file] = &changed;
    Some(differences(then, &planned(files, "s3cret")?))
}

/// What is told to differ, in a few words; a plan that cannot be made is told as such.
fn told(then: &Arc<Plan>, file: usize, from: &str, to: &str) -> Vec<String> {
    match after(then, file, from, to) {
        Some(all) => all.into_iter().map(|one| one.what).collect(),
        None => vec!["no plan".to_owned()],
    }
}

#[test]
fn whatever_is_done_otherwise_is_told_and_nothing_else() {
    let (b, i, t) = (0, 1, 2);
    let see = "step see";
    let (then, mut wrong) = (plan(), Vec::new());
    for (file, from, to, expected) in [
        // for readers, or nothing that is used
        (b, "title: Deeds", "title: Others", vec![]),
        (b, "owner: me", "# me\nowner: you", vec![]),
        (b, "title: Look", "title: Look twice # well", vec![]),
        (b, "why: it matters", "why: it does", vec![]),
        (b, "message: a message for readers only", "message: another", vec![]),
        (b, "default: idle }\n  token", "default: lazy }\n  token", vec![]),
        (b, "description: a word", "description: some word, example: x", vec![]),
        (b, "    still: [ safe ]", "    still: safe", vec![]),
        (b, "  - id: see\n", "  - id: see\n    # a comment\n\n", vec![]),
        // the same in other words
        (b, "cat {{vars.place}}/load", "cat /srv/{{host.name}}/load", vec![]),
        (b, "hosts: \"lost\"", "hosts: web-3", vec![]),
        (b, "{{join targets.rest}}?", "web-1, web-2?", vec![]),
        (i, "vars: { idle: nothing }", "vars: { idle: much, more: 1 }", vec![]),
        (
            i,
            "  other: { address: 10.0.0.9, vars: { port: 99 } }\n",
            "  other: { vars: { port: 1 } }\n  more:\n",
            vec![],
        ),
        (i, "groups: {", "groups: { new: { hosts: other },", vec![]),
        // each thing by itself
        (b, "risk: reversible", "risk: destructive", vec!["the runbook"]),
        (b, "deeds-{{", "others-{{", vec!["the runbook"]),
        (b, "timeout: 4m", "timeout: 5m", vec!["the runbook"]),
        (b, "{ word: params.word }", "{ word: params.limit }", vec!["the runbook"]),
        (b, "{{vars.place}}/load", "{{vars.place}}/loads", vec![see]),
        (b, "parse: int", "parse: float", vec![see]),
        (b, "timeout: 3s", "timeout: 4s", vec![see]),
        (b, "from: web-1", "from: web-2", vec![see]),
        (b, "result.size_bytes", "result.value", vec![see]),
        (b, "at_least: 1", "at_least: 2", vec!["step safe"]),
        (b, "that: lt outputs.see.load params", "that: gt outputs.see.load params", vec!["step safe"]),
        (b, "port: \"{{vars.port}}\"", "port: 80", vec!["step safe"]),
        (b, "lowest: outputs.see.load", "highest: outputs.see.load", vec!["step choose"]),
        (b, "best: { from: rest", "best: { from: web", vec!["step choose", "step send"]),
        (b, "go on with", "shall we go on with", vec!["step agree"]),
        (b, "eq params.word \"plain\"", "eq params.word \"rich\"", vec!["step write"]),
        (b, "place}}/x", "place}}/z", vec!["step write"]),
        (b, "0640", "0600", vec!["step write"]),
        (b, "WORD: \"{{params.word}}\"", "WORD: \"{{params.limit}}\"", vec!["step send"]),
        (b, "TOKEN: \"{{params.token}}\"", "TOKEN: \"x{{params.token}}\"", vec!["step send"]),
        (b, "for_each: params.names", "for_each: sort params.names", vec![]),
        (b, "[ x, y ]", "[ y, x ]", vec!["step send"]),
        (b, "echo {{item}}", "echo {{item}}.", vec!["step send"]),
        (b, "/tmp/{{item}}", "/tmp/a{{item}}", vec!["step send"]),
        (b, "test -e {{vars.place}}", "test -d {{vars.place}}", vec!["step send"]),
        (b, "place}}/y", "place}}/yy", vec!["step send"]),
        (b, "hosts: best", "hosts: rest", vec!["step send"]),
        (b, "rolling: 2", "rolling: 3", vec!["step both"]),
        (b, "on_failure: undo", "on_failure: stop", vec!["step both"]),
        (b, "sudo: true", "sudo: root", vec!["step both/one"]),
        (b, "attempts: 2", "attempts: 3", vec!["step both/one"]),
        (b, "state: started", "state: stopped", vec!["step both/one"]),
        (b, "        still: [ safe ]\n", "", vec!["step both/two"]),
        (b, "done with", "did", vec!["step both/last"]),
        // what is read in more than one place
        (b, "default: 7", "default: 8", vec!["step safe", "step both/one"]),
        (i, "lag: 9", "lag: 8", vec![]),
        (i, "port: 81", "port: 82", vec!["step safe", "step write", "step both/every"]),
        (b, "default: 5 }", "default: 6 }", vec!["step safe"]),
        (t, "load {{", "loads {{", vec!["step write"]),
        (t, "see.load}}\n", "see.load}}", vec!["step write"]),
        (b, "&said a message", "&said another", vec!["step said"]),
        (b, "; test\\n", "; test", vec!["step quick"]),
        (i, "10.0.0.2", "10.0.0.4", vec!["how web-2 is reached"]),
        (i, "user: ops", "user: root", vec!["how web-1 is reached", "how web-2 is reached", "how web-3 is reached"]),
        // steps that come, go and change places
        (b, "  - id: choose\n", "  - { id: new, note: x }\n  - id: choose\n", vec!["step new (it is new)"]),
        (
            b,
            "      - { id: last, hosts: controller, note: \"done with {{params.word}}\" }\n",
            "      - { id: end, note: x }\n",
            vec!["step both/last (it is gone)", "step both/end (it is new)"],
        ),
    ] {
        let told = told(&then, file, from, to);
        if told != expected {
            wrong.push(format!("{from} → {to}: {told:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn whoever_is_about_is_told_first_and_the_order_last() {
    let what = told(&plan(), 1, "hosts: \"web-*\"", "hosts: [ \"web-*\", other ]");
    assert_eq!((what[0].as_str(), what.contains(&"step safe".to_owned())), ("the hosts of rest", true), "{what:?}");
    let two = "  - id: choose\n    pick:\n      best: { from: rest, lowest: outputs.see.load }\n";
    let three =
        "  - id: agree\n    confirm: { message: \"go on with {{join targets.rest}}?\", type: \"{{params.word}}\" }\n";
    let all = after(&plan(), 0, &format!("{two}{three}"), &format!("{three}{two}")).expect("a plan");
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].what.as_str(), all[0].lines.len()), ("the order", 2), "{all:?}");
}

#[test]
fn secrets_are_neither_compared_nor_told() {
    let [then, now] = ["s3cret", "an0ther"].map(|token| planned(FILES, token).expect("a plan"));
    assert_eq!(differences(&then, &now), []);
    let all = after(&plan(), 0, "TOKEN: \"{{params.token}}\"", "TOKEN: \"{{params.token}}x\"").expect("a plan");
    assert!(!format!("{all:?}").contains("s3cret"), "{all:?}");
    assert_eq!(all[0].lines, ["- env.TOKEN: {{params.token}}", "+ env.TOKEN: {{params.token}}x"]);
}

#[test]
fn what_comes_of_the_time_is_the_same_at_another() {
    let timed = BOOK.replace("note: \"done with {{params.word}}\"", "note: \"done {{ago params.idle}}\"");
    let timed = timed.replace("default: idle }\n  token", "default: \"2020-01-01T00:00:00Z\" }\n  token");
    let [then, now] = [(); 2].map(|()| planned([&timed, INVENTORY, TEMPLATE], "s3cret").expect("a plan"));
    let lines = &Deeds::of(&then).done["step both/last"];
    assert!(lines.contains("done {{ago params.idle}}\nnote: params.idle = 2020"), "{lines}");
    assert_eq!(differences(&then, &now), []);
}

#[test]
fn a_plan_that_was_stored_does_the_same_on_the_same_hosts() {
    let inventory = "inventory: here\nhosts: { 'web-[1:4]': { address: '10.0.0.{{n}}' }, db-1: { address: 10.1.0.1, vars: { port: 99 } }, out: }\n\
        groups: { web: { hosts: 'web-*' }, canary: { hosts: web-3 }, nobody: { hosts: [] }, all_of_them: { children: [ web, canary ] } }\n";
    for (selector, hosts) in [
        ("web[1]", "web-2"),
        ("web[1:2]", "web-2, web-3"),
        ("web[-1]", "web-4"),
        ("web:!canary", "web-1, web-2, web-4"),
        ("web:!nobody", "web-1, web-2, web-3, web-4"),
        ("web-*:!web-1", "web-2, web-3, web-4"),
        ("web-[1:3]:!web-2", "web-1, web-3"),
        ("all_of_them:&canary", "web-3"),
        ("all:!web", "db-1, out"),
        ("db-1", "db-1"),
    ] {
        let book = format!(
            "runbook: test/same\nrisk: read-only\nvars: {{ port: {{ type: int, default: 80 }} }}\ntargets: {{ read: [ db-1, web-1 ] }}\n\
             steps:\n  - {{ id: one, hosts: {selector:?}, gather: {{ up: {{ port: 22 }} }} }}\n  \
             - {{ id: two, note: '{{{{join (pluck targets.read \"address\")}}}} {{{{join (pluck targets.read \"vars.port\")}}}}' }}\n"
        );
        let plan = planned([&book, inventory, ""], "s3cret").unwrap_or_else(|| panic!("{selector}"));
        let (mut sources, diags) = (Sources::default(), Diagnostics::new());
        let given = Given { params: &[], written: None, env: &|_| None, secrets: &|_| Ok(None) };
        let back = restore(&plan.stored, plan.digest, &given, &mut sources, &diags);
        let back = Arc::new(back.unwrap_or_else(|| panic!("{:?}", diags.into_sorted())));
        let deeds = Deeds::of(&back);
        assert!(deeds.done["step one"].starts_with(&format!("hosts: {hosts}\n")), "{selector}: {:?}", deeds.done);
        assert_eq!(deeds.done["step two"], "note: 10.1.0.1, 10.0.0.1 99, 80");
        assert_eq!(differences(&plan, &back), [], "{selector}");
        assert_eq!(touched(&back.runbook, &back.inventory, &back.targets).len(), hosts.split(", ").count());
    }
}
