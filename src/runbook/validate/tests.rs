//! Names and selectors in whole runbooks: what may be used where, and that one mistake is one finding.

use super::*;
use crate::base::diag::{Diagnostic, Severity};
use crate::runbook::parse;

const INVENTORY: &str = "inventory: t\nhosts:\n  web-[1:3]:\n  db-1:\ngroups:\n  web: { hosts: \"web-[1:3]\" }\n";

/// Each mistake as "code @text under the caret".
fn findings(head: &str, steps: &str) -> Vec<String> {
    all("destructive", head, steps, Severity::Error)
}

/// Each warning, likewise.
fn warnings(risk: &str, head: &str, steps: &str) -> Vec<String> {
    all(risk, head, steps, Severity::Warning)
}

fn all(risk: &str, head: &str, steps: &str, severity: Severity) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("inventory.yaml");
    std::fs::write(&path, INVENTORY).expect("written");
    let (mut sources, diags) = (Sources::default(), Diagnostics::new());
    let inventory = Inventory::load(&[path], &mut sources, &diags).expect("an inventory");
    let yaml = format!("runbook: a/b\nrisk: {risk}\n{head}steps:\n{steps}");
    let source = sources.add("runbook", yaml);
    if let Some(runbook) = parse(source, &sources, &diags) {
        validate(&runbook, &sources, &Templates::new(), Some(&inventory), &diags);
    }
    let shown = |d: Diagnostic| format!("{} @{}", d.code, d.span.map(|span| sources.slice(span)).unwrap_or_default());
    diags.into_sorted().into_iter().filter(|d| d.severity == severity).map(shown).collect()
}

#[test]
fn a_pick_is_a_target_from_then_on() {
    let pick = "  - id: choose\n    pick:\n      best: { from: web, reachable: true }\n      one: { from: best, exactly: 1 }\n";
    let after = "  - id: act\n    hosts: \"web:!best\"\n    run: echo {{targets.one.one.name}} {{join targets.best}}\n";
    assert_eq!(findings("", &format!("{pick}{after}")), [""; 0]);
    // before it there is none: as a selector and as a value
    assert_eq!(
        findings("", &format!("{after}{pick}")),
        ["unknown-hosts @best", "unknown-name @targets.one.one.name", "unknown-name @targets.best"]
    );
}

#[test]
fn entries_of_a_pick_are_in_order_and_have_names_of_their_own() {
    let pick = |entries: &str| format!("  - id: choose\n    pick: {{ {entries} }}\n");
    assert_eq!(findings("", &pick("b: { from: a }, a: { from: web }")), ["unknown-hosts @a"]);
    assert_eq!(findings("", &pick("web: { from: all }")), ["two-meanings @web"]);
    assert_eq!(findings("", &pick("Best: { from: web }")), ["case @Best"]);
    assert_eq!(findings("targets: { t: web }\n", &pick("t: { from: all }")), ["two-meanings @t"]);
    assert_eq!(findings("", &pick("a: { from: \"web[7]\" }")), ["no-such-position @web[7]"]);
    assert_eq!(findings("", &pick("a: { from: web, where: eq vars.x 1 }")), ["unknown-name @vars.x"]);
}

#[test]
fn what_could_not_be_understood_is_not_unknown_as_well() {
    // a param, a target, a pick, a step: each is broken where it stands, and its uses are silent
    let uses = "  - id: act\n    hosts: lost\n    run: echo {{join targets.t}} {{params.p}} {{join targets.best}} {{outputs.see.x}}\n";
    let head = "params: { lost: 5, p: { type: sting } }\ntargets: { t: [] }\n";
    let steps = "  - id: see\n    hosts: web\n    gather: { x: { raed: /x } }\n  - id: choose\n    pick: { best: 7 }\n";
    assert_eq!(
        findings(head, &format!("{steps}{uses}")),
        ["wrong-type @5", "unknown-value @sting", "bad-selector @[]", "unknown-key @raed", "wrong-type @7"]
    );
}

#[test]
fn what_touches_a_host_says_which() {
    assert_eq!(findings("", "  - id: a\n    run: ls\n"), ["no-hosts @a"]);
    assert_eq!(findings("", "  - id: a\n    host: web\n    run: ls\n"), ["unknown-key @host"], "one slip, one finding");
    assert_eq!(findings("", "  - id: a\n    require: { port: 80 }\n"), ["no-hosts @a"]);
    assert_eq!(findings("", "  - id: a\n    require: { every: { hosts: web, port: 80 } }\n"), [""; 0]);
    assert_eq!(findings("", "  - id: g\n    hosts: web\n    steps:\n      - id: a\n        run: ls\n"), [""; 0]);
}

#[test]
fn secrets_stay_out_of_command_lines() {
    let head = "params: { token: { type: secret } }\n";
    let step = |run: &str| format!("  - id: a\n    hosts: web\n    {run}\n");
    assert_eq!(findings(head, &step("run: curl {{params.token}}")), ["secret-in-command @params.token"]);
    assert_eq!(findings(head, &step("run: [curl, \"{{params.token}}\"]")), ["secret-in-command @params.token"]);
    let vars = "vars: { token: { type: secret } }\n";
    assert_eq!(findings(vars, &step("run: curl {{vars.token}}")), ["secret-in-command @vars.token"]);
    let probe = "gather: { x: { command: { argv: [curl, \"{{params.token}}\"] } } }";
    assert_eq!(findings(head, &step(probe)), ["secret-in-command @params.token"]);
    let fine = "run: { argv: [curl], stdin: \"{{params.token}}\" }\n    env: { TOKEN: \"{{params.token}}\" }";
    assert_eq!(findings(head, &step(fine)), [""; 0]);
}

#[test]
fn null_is_asked_for_only_where_it_can_be() {
    let head = "params: { p: { type: string, optional: true }, q: { type: string } }\n";
    let read = "  - id: r\n    hosts: web\n    gather: { x: { read: /a, optional: true }, y: { read: /b } }\n";
    let of = |step: &str| warnings("read-only", head, &format!("{read}  - id: s\n    hosts: web\n{step}"));
    let null = |path: &str| vec![format!("maybe-null @{path}")];
    assert_eq!(of("    note: \"a {{outputs.r.x}}\"\n"), null("outputs.r.x"));
    assert_eq!(of("    note: \"a {{params.p}}\"\n"), null("params.p"));
    assert_eq!(of("    gather: { z: { command: \"ls {{params.p}}\" } }\n"), null("params.p"));
    assert_eq!(of("    wait: { within: 1s, until: { command: \"{{params.p}}\" } }\n"), null("params.p"));
    for fine in [
        "    note: \"a {{outputs.r.y}} {{params.q}}\"\n",
        "    note: \"a {{default outputs.r.x 1}}\"\n",
        "    set: { z: \"{{outputs.r.x}}\" }\n",
        "    when: not (empty outputs.r.x)\n    note: \"a {{outputs.r.x}}\"\n",
        "    when: ne params.p null\n    note: \"a {{params.p}}\"\n",
    ] {
        assert_eq!(of(fine), [""; 0], "{fine}");
    }
    // what a step of the same group has read is there whenever the group's steps are
    let group = "  - id: g\n    when: eq params.q \"x\"\n    hosts: web\n    steps:\n      - id: a\n        gather: { z: { read: /c } }\n      - id: b\n        note: \"a {{outputs.a.z}}\"\n";
    assert_eq!(warnings("read-only", head, group), [""; 0]);
    let after = format!("{group}  - id: c\n    hosts: web\n    note: \"a {{{{outputs.a.z}}}}\"\n");
    assert_eq!(warnings("read-only", head, &after), null("outputs.a.z"));
}

#[test]
fn a_destructive_runbook_asks_before_its_first_change() {
    let of = |steps: &str| warnings("destructive", "", steps);
    let act = "  - id: act\n    hosts: web\n    run: rm /a\n";
    let safe = "  - id: safe\n    hosts: web\n    require: { path: /a }\n";
    assert_eq!(of(act), ["destructive-unguarded @act"]);
    assert_eq!(of(&format!("{safe}{act}")), ["destructive-unguarded @act"], "asked once, and not again");
    assert_eq!(of(&format!("  - id: ok\n    confirm: {{ message: ok }}\n{act}")), [""; 0]);
    assert_eq!(of(&format!("{safe}  - id: act\n    hosts: web\n    still: [ safe ]\n    run: rm /a\n")), [""; 0]);
    assert_eq!(of("  - id: look\n    hosts: web\n    http: { url: \"http://a\" }\n"), [""; 0], "it only reads");
}
