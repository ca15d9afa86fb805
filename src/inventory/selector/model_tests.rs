//! Selectors against a small reference: sets over ten hosts, left to right.

use proptest::prelude::*;

use super::tests::{HOSTS, hosts};

/// A name with what it stands for, written once more.
#[derive(Clone, Debug)]
struct Atom(String, Vec<&'static str>);

/// Names, globs, ranges, positions and spans of positions.
fn atom() -> impl Strategy<Value = Atom> {
    let named = prop::sample::select(vec![
        ("web", &HOSTS[..3]),
        ("servers", &HOSTS[3..8]),
        ("lost", &["consul-4", "consul-2"][..]),
        ("none", &[][..]),
        ("all", &HOSTS[..]),
        ("db1", &["db1"][..]),
        ("web-*", &HOSTS[..3]),
        ("*1", &["web-1", "consul-1", "db1"][..]),
        ("consul-?", &HOSTS[3..8]),
        ("consul-[2:4]", &HOSTS[4..7]),
        ("web-[3:3]", &HOSTS[2..3]),
    ]);
    let position =
        (prop::sample::select(vec![("web", &HOSTS[..3]), ("servers", &HOSTS[3..8])]), any::<(u8, u8, bool)>());
    prop_oneof![
        3 => named.prop_map(|(name, hosts)| Atom(name.to_owned(), hosts.to_vec())),
        1 => position.prop_map(|((name, hosts), (one, two, negative))| {
            let len = hosts.len();
            let (one, two) = (usize::from(one) % len, usize::from(two) % len);
            let (from, to) = (one.min(two), one.max(two));
            let write = |at: usize| if negative { format!("-{}", len - at) } else { at.to_string() };
            if from == to {
                Atom(format!("{name}[{}]", write(from)), vec![hosts[from]])
            } else {
                Atom(format!("{name}[{}:{}]", write(from), write(to)), hosts[from..=to].to_vec())
            }
        }),
    ]
}

/// Whoever was there stays in place, whoever is new comes behind.
fn model(first: &Atom, rest: &[(char, Atom)]) -> Vec<&'static str> {
    let mut all: Vec<&str> = Vec::new();
    let union = |all: &mut Vec<&'static str>, more: &[&'static str]| {
        for host in more {
            if !all.contains(host) {
                all.push(host);
            }
        }
    };
    union(&mut all, &first.1);
    for (operator, Atom(_, hosts)) in rest {
        match operator {
            '!' => all.retain(|host| !hosts.contains(host)),
            '&' => all.retain(|host| hosts.contains(host)),
            _ => union(&mut all, hosts),
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_selector_names_whom_the_reference_names(
        first in atom(),
        rest in prop::collection::vec((prop::sample::select(vec!['!', '&', ' ']), atom()), 0..5),
    ) {
        let parts = rest.iter().map(|(operator, Atom(name, _))| format!(":{}{name}", operator.to_string().trim()));
        let text = first.0.clone() + &parts.collect::<String>();
        prop_assert_eq!(hosts(&text), model(&first, &rest).join(" "), "{}", text);
    }
}
