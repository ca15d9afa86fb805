//! What is said to somebody who begins: refloat alone, the help of each verb, completions, manual pages, doctor.

use std::fs;

use super::desk::Desk;

#[test]
fn refloat_alone_shows_five_verbs_and_is_no_success() {
    let desk = Desk::new("");
    // without arguments of any kind
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_refloat")).env_clear().output().expect("it starts");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    for verb in ["show RUNBOOK", "validate", "check RUNBOOK", "run RUNBOOK", "report"] {
        assert!(said.contains(&format!("\n  refloat {verb}")), "{verb}\n{said}");
    }
    assert!(!said.contains("error") && said.lines().count() < 15, "{said}");
    assert_eq!(desk.refloat(&[]).err, said, "options alone are no verb");
    assert!(desk.ends(2, "shwo").err.contains("unrecognized subcommand"));
}

/// The verbs, as the help lists them.
fn verbs(desk: &Desk) -> Vec<String> {
    let help = desk.ends(0, "--help").out;
    let lines = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    // what is said of a verb goes on below it, further in
    let verbs = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help").map(str::to_owned).collect()
}

#[test]
fn the_help_of_each_verb_ends_with_an_example() {
    let desk = Desk::new("");
    let verbs = verbs(&desk);
    assert!(verbs.len() > 20 && verbs.contains(&"why".to_owned()), "{verbs:?}");
    for verb in verbs {
        let help = desk.ends(0, &format!("{verb} --help")).out;
        let (_, end) = help.split_once("\nOptions:").expect("options");
        assert!(end.contains(&format!("\n  refloat {verb}")), "{verb}\n{help}");
        // what may end with anything but 0 and 2 says with what
        if matches!(verb.as_str(), "run" | "check" | "show" | "why" | "hosts" | "duty" | "report" | "validate") {
            assert!(end.contains("Exit codes: "), "{verb}\n{help}");
        }
    }
}

#[test]
fn completions_and_manual_pages_know_every_verb() {
    let desk = Desk::new("");
    let verbs = verbs(&desk);
    for shell in ["bash", "zsh", "fish"] {
        let script = desk.ends(0, &format!("completions {shell}")).out;
        assert!(verbs.iter().all(|verb| script.contains(verb.as_str())), "{shell}");
    }
    assert!(desk.ends(2, "completions csh").err.contains("possible values"));
    assert!(desk.ends(0, "man").out.contains(".TH refloat 1"));
    desk.ends(0, "man pages/man1");
    for verb in verbs {
        let page = fs::read_to_string(desk.path().join(format!("pages/man1/refloat-{verb}.1"))).expect("a page");
        assert!(page.contains(&format!("refloat {verb}")), "{verb}\n{page}");
    }
    desk.write("file", "");
    assert!(desk.ends(6, "man file").err.contains("file:"));
}

#[test]
fn doctor_says_where_the_journal_lies_and_how_old_an_inventory_is() {
    let desk = Desk::new("");
    let shown = desk.refloat(&["doctor", "-i", "i.yaml", "--output", "json"]).out;
    let rows: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let found = |what: &str| {
        let row = rows.as_array().into_iter().flatten().find(|row| row["what"] == what).expect("a row");
        (row["ok"] == true, row["found"].as_str().unwrap_or_default().to_owned())
    };
    assert!(found("file system").0 && found("file system").1.contains("MiB free"), "{shown}");
    assert_eq!(found("inventory"), (true, "1 files, changed 0 days ago".to_owned()));
    assert!(found("processes").0, "{shown}");
    let old = std::time::SystemTime::now() - std::time::Duration::from_hours(24 * 200);
    let file = fs::File::options().write(true).open(desk.path().join("i.yaml")).expect("it is there");
    file.set_modified(old).expect("set");
    let old = desk.ends(1, "doctor -i i.yaml").out;
    assert!(old.contains("changed 200 days ago; are these hosts still there? type: refloat hosts -i i.yaml"), "{old}");
}
