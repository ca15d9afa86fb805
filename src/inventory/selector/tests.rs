//! Selectors: forms, order, mistakes.

use proptest::prelude::*;

use super::*;
use crate::base::span::SourceId;
use crate::inventory::HostName;

/// `web` is a group of three, `lost` a target, `twice` a target and a group, `none` an empty pick.
struct World;

pub(super) const HOSTS: [&str; 10] =
    ["web-1", "web-2", "web-3", "consul-1", "consul-2", "consul-3", "consul-4", "consul-5", "db1", "db2"];

impl Names for World {
    fn look_up(&self, wanted: &str) -> Vec<Name> {
        let one = |kind, names: &[&str]| Name { kind, hosts: names.iter().map(|n| HostName::from(*n)).collect() };
        match wanted {
            "web" => vec![one("group", &HOSTS[..3])],
            "servers" => vec![one("group", &HOSTS[3..8])],
            "lost" => vec![one("target", &["consul-4", "consul-2"])],
            "none" => vec![one("pick", &[])],
            "twice" => vec![one("target", &["db1"]), one("group", &["db2"])],
            host if HOSTS.contains(&host) => vec![one("host", &[host])],
            _ => Vec::new(),
        }
    }

    fn known(&self) -> Vec<String> {
        ["web", "servers", "lost", "none", "twice"].iter().chain(&HOSTS).map(|n| (*n).to_owned()).collect()
    }

    fn all_hosts(&self) -> Vec<HostName> {
        HOSTS.iter().map(|n| HostName::from(*n)).collect()
    }
}

fn sp(text: &str) -> Sp<String> {
    Sp::new(text.to_owned(), Span::new(SourceId(0), 10..10 + text.len()))
}

fn parsed(texts: &[&str]) -> Selector {
    let diags = Diagnostics::new();
    let texts: Vec<_> = texts.iter().map(|text| sp(text)).collect();
    Selector::parse_list(&texts, &diags).unwrap_or_else(|| panic!("{:?}", diags.sorted()))
}

pub(super) fn hosts(text: &str) -> String {
    let hosts = parsed(&[text]).resolve(&World).unwrap_or_else(|d| panic!("{d:?}"));
    hosts.iter().map(HostName::as_str).collect::<Vec<_>>().join(" ")
}

/// Code, message with help, and the text under the caret.
fn refused(text: &str) -> (&'static str, String, String) {
    let diags = Diagnostics::new();
    let found = match Selector::parse(&sp(text), &diags) {
        Some(selector) => selector.resolve(&World).expect_err(text),
        None => diags.into_sorted().remove(0),
    };
    let range = found.span.unwrap().range();
    let under = text[range.start - 10..range.end - 10].to_owned();
    (found.code, format!("{}; {}", found.message, found.help.unwrap_or_default()), under)
}

#[test]
fn every_form_gives_its_hosts_in_order() {
    assert_eq!(hosts("web"), "web-1 web-2 web-3");
    assert_eq!(hosts("db2:web-3:web"), "db2 web-3 web-1 web-2");
    assert_eq!(hosts("servers:!lost"), "consul-1 consul-3 consul-5");
    assert_eq!(hosts("lost:&servers"), "consul-4 consul-2");
    assert_eq!(hosts("servers:&lost"), "consul-2 consul-4");
    assert_eq!(hosts("servers:!lost:db1:&servers:web"), "consul-1 consul-3 consul-5 web-1 web-2 web-3");
    assert_eq!(hosts("web-*"), "web-1 web-2 web-3");
    assert_eq!(hosts("?b1"), "db1");
    assert_eq!(hosts("consul-[2:3]"), "consul-2 consul-3");
    assert_eq!(hosts("db[1:2]"), "db1 db2");
    assert_eq!(hosts("web[0]"), "web-1");
    assert_eq!(hosts("web[-1]"), "web-3");
    assert_eq!(hosts("servers[-2:-1]"), "consul-4 consul-5");
    assert_eq!(hosts("lost[0]"), "consul-4");
    assert_eq!(hosts("servers[1:3]:!lost"), "consul-3");
    assert_eq!(hosts("controller"), "controller");
    assert_eq!(hosts("all:!servers:!web-*"), "db1 db2");
    assert_eq!(hosts("none"), "");
    assert_eq!(hosts("web:!web"), "");
}

#[test]
fn a_list_is_the_union() {
    let all = parsed(&["controller", "lost", "web:!web-1", "lost"]).resolve(&World).unwrap();
    assert_eq!(
        all.iter().map(HostName::as_str).collect::<Vec<_>>(),
        ["controller", "consul-4", "consul-2", "web-2", "web-3"]
    );
}

#[test]
fn mistakes_are_shown_at_their_part() {
    assert_eq!(
        refused("web:!losst"),
        ("unknown-hosts", "`losst` is no target, group or host; did you mean `lost`?".into(), "losst".into())
    );
    assert_eq!(refused("twice").0, "ambiguous-name");
    assert_eq!(refused("web:x-*"), ("no-match", "no host of the inventory fits `x-*`; ".into(), "x-*".into()));
    assert_eq!(refused("web[3]").1, "`web` is 3 hosts: there is no [3]; positions begin at 0; [-1] is the last");
    assert_eq!(refused("none[0]").1, "`none` is no host: there is no [0]; positions begin at 0; [-1] is the last");
    assert_eq!(refused("web[-4]").0, "no-such-position");
    assert_eq!(refused("web[2:1]").0, "no-such-position");
    assert_eq!(
        refused("wib[1:2]"),
        ("unknown-hosts", "`wib` is no target, group or host; did you mean `web`?".into(), "wib".into())
    );
    assert_eq!(refused("consul-[4:6]").1, "`consul-6` is no target, group or host; did you mean `consul-1`?");
    for text in [
        "",
        " ",
        "!web",
        "&web",
        "web:",
        ":web",
        "web::db1",
        "web,db1",
        "web db1",
        "{{params.lost}}",
        "web[",
        "web[x]",
        "a[b",
        "web[1:2",
        "é",
        "web]",
        "-x[3:2]",
    ] {
        let code = refused(text).0;
        assert_eq!(code, "bad-selector", "{text}");
    }
}

#[test]
fn names_are_listed_for_reference_checks() {
    let selector = parsed(&["web:!lost[0]:consul-[1:2]", "db-*", "controller"]);
    let names = selector.names();
    assert_eq!(names.iter().map(|n| n.value.as_str()).collect::<Vec<_>>(), ["web", "lost", "controller"]);
    assert_eq!(names[1].span.range(), 15..19);
    assert!(parsed(&["none[0]", "db[1:2]"]).check(&World).is_empty());
    assert_eq!(parsed(&["non[0]", "wob"]).check(&World).len(), 2);
    assert_eq!(selector.text(), "web:!lost[0]:consul-[1:2]:db-*:controller");
    assert_eq!(parsed(&["lost"]).single_name(), Some("lost"));
    assert!(parsed(&["lost[-1]"]).is_one() && parsed(&["controller"]).is_one() && !parsed(&["lost"]).is_one());
}

#[test]
fn selectors_are_decoded_with_the_place_of_each_part() {
    let text = "- web:!lost\n- [controller, 'db1']\n- a,b\n- [web, '!x']\n";
    let diags = Diagnostics::new();
    let tree = crate::text::parse(SourceId(0), text, &diags).unwrap();
    let all: Vec<Selector> = crate::text::decode(&tree, &diags).unwrap();
    let under: Vec<_> = all.iter().flat_map(Selector::names).map(|n| &text[n.span.range()]).collect();
    assert_eq!(under, ["web", "lost", "controller", "db1", "web"]);
    let found: Vec<_> = diags.sorted().iter().map(|d| text[d.span.unwrap().range()].to_owned()).collect();
    assert_eq!(found, ["a,b", "'!x'"]);
}

proptest! {
    #[test]
    fn no_selector_panics_and_none_gives_a_host_twice(text in "[a-z1-3:!&\\[\\]*?{}.,-]{0,12}|(web|lost|none|db|consul-)(\\[-?[0-9]{1,2}(:-?[0-9])?\\])?(:[!&]?(web|servers|all))?") {
        let diags = Diagnostics::new();
        match Selector::parse(&sp(&text), &diags).map(|selector| selector.resolve(&World)) {
            Some(Ok(hosts)) => {
                let mut once = hosts.clone();
                once.sort();
                once.dedup();
                prop_assert_eq!(once.len(), hosts.len());
            }
            Some(Err(_)) => {}
            None => prop_assert!(diags.has_errors()),
        }
    }
}
