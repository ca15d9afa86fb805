//! Nothing is done that nobody agreed to, or that nobody can have meant.

use std::fs;

use super::Outage;
use crate::recovery::desk::Desk;

/// Wrong words: no run is even made.
pub(super) fn mistakes(outage: &Outage<'_>) {
    let (desk, subject) = (&outage.desk, outage.subject());
    let before = outage.state();
    let runs = |desk: &Desk<'_>| desk.refloat(&["runs", "--output", "json"]).out;
    let made = runs(desk);
    let wrong = |name, args: &[&str], code, text: &str| {
        let said = desk.refloat(&[&["run"], args].concat());
        assert_eq!(said.code, Some(code), "{name}: {said:?}");
        assert!(said.err.contains(text), "{name}: {said:?}");
        outage.met(name);
        said
    };
    let plan = ["--confirm", "dc1@0123456789"];
    let text = "--confirm is for plan 0123456789, and this is plan";
    wrong("confirmed for another plan", &[&subject[..], &plan].concat(), 4, text);
    wrong("confirmed for no plan", &[&subject[..], &["--confirm", "dc1"]].concat(), 2, "");
    let stranger = [&outage.runbook, "-i", &outage.inventory, "-p", "lost=consul-9", "-p", outage.key];
    wrong("an unknown host", &stranger, 3, "consul-9");
    wrong("an unknown param", &[&subject[..], &["-p", "datacentre=dc1"]].concat(), 3, "datacentre");
    let text = fs::read_to_string(&outage.runbook).expect("the runbook").replace("still:", "stil:");
    let file = desk.write("wrong.yaml", &text);
    let said = wrong("a mistake in the runbook", &[&[&*file], &subject[1..]].concat(), 3, "`stil`");
    assert_eq!(said.err.matches("`stil`").count(), 2, "both mistakes: {said:?}");
    assert_eq!((runs(desk), outage.state()), (made, before), "a run was made");
}

pub(super) fn confirmations(outage: &Outage<'_>) {
    let (desk, subject) = (&outage.desk, outage.subject());
    let before = outage.state();
    let ran = desk.run(&subject);
    let give = format!("give --confirm 'dc1@{}'", &desk.plan(&subject)[..8]);
    outage.unchanged("nobody confirms", &ran, &before, "agree", &give);
    let yes = desk.run(&[&subject[..], &["--yes"]].concat());
    outage.unchanged("--yes is no answer", &yes, &before, "agree", "there is no terminal to ask at");
    let wrong = desk.run(&[&subject[..], &["--confirm", &outage.confirm("dc2")]].concat());
    outage.unchanged("confirmed with another word", &wrong, &before, "agree", "`dc1` was to be typed, and `dc2` was");
    let answered = wrong.events("answered").next().expect("an answer");
    assert_eq!((&answered["answer"], &answered["text"]), (&"refused".into(), &"dc2".into()));

    // while it asks, it holds the lock
    let confirm = outage.confirm("dc1");
    let second = || {
        let said = desk.refloat(&[&["run"], &subject[..], &["--confirm", &confirm]].concat());
        assert_eq!(said.code, Some(4), "{said:?}");
        assert!(said.err.contains("`consul-dc1` is locked by run"), "{said:?}");
        outage.met("another run holds the lock");
    };
    let said = desk.at_a_terminal(&[&["run"][..], &subject].concat(), second, "no\n");
    let typed = desk.ran(said);
    outage.unchanged("typed another word", &typed, &before, "agree", "`dc1` was to be typed, and `no` was");
}
