//! The text of a drill: what it says, every part with its place, and its variants merged.

use indexmap::IndexMap;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::{SourceId, Sources, Span};
use crate::inventory::Inventory;
use crate::lab::{HostSpec, Kit, Spec};
use crate::template::Value;
use crate::text::{self, Sp, Tree};

use super::expect::Expect;
use super::fault::Moment;
use super::fields::{Fields, LabFields};

/// The name by which the file's own drill is asked for, where its variants have names of their own.
pub const MAIN: &str = "main";

/// A drill file.
#[derive(Clone, Debug)]
pub struct Drill {
    /// `area/name`.
    pub name: Sp<String>,
    /// The runbook that recovers.
    pub runbook: Sp<String>,
    /// The file's own drill, and after it its variants.
    pub cases: Vec<Case>,
}

/// One outage.
#[derive(Clone, Debug)]
pub struct Case {
    /// The variant's name; [`MAIN`] for the file's own.
    pub name: Sp<String>,
    /// One line for people.
    pub title: Option<String>,
    /// The params of the run.
    pub params: IndexMap<Sp<String>, Tree>,
    /// What is typed at the gates, by step.
    pub answers: IndexMap<Sp<String>, Sp<String>>,
    /// The lab, when it could be understood.
    pub lab: Option<Spec>,
    /// The name of its kit.
    pub kit: String,
    /// What is done in the lab before anything is broken.
    pub setup: Vec<Tree>,
    /// What is broken, in order.
    pub faults: Vec<Moment>,
    /// What must hold in the lab afterwards.
    pub verify: Vec<Tree>,
    /// How the run must end.
    pub expect: Expect,
}

impl Drill {
    /// Reads a drill. `None`: nothing can be made of it; with `Some` there may be recorded mistakes as well.
    pub fn parse(source: SourceId, sources: &Sources, diags: &Diagnostics) -> Option<Self> {
        let tree = text::parse(source, &sources.get(source).text, diags)?;
        let fields: Fields = text::decode(&tree, diags)?;
        for name in [&fields.drill, &fields.runbook] {
            if !name.span.is_nowhere() && !name.value.split('/').all(text::is_kebab) {
                diags.push(
                    Diagnostic::error("name", name.span, format!("`{}` is no name of a drill or runbook", name.value))
                        .help("names are kebab-case with slashes, such as `consul/quorum-loss`"),
                );
            }
        }
        let moments = |trees: &[Tree]| trees.iter().filter_map(|tree| Moment::decode(tree, diags)).collect::<Vec<_>>();
        let expect = |tree: &Option<Tree>| tree.as_ref().and_then(|tree| Expect::decode(tree, diags));
        let main = Case {
            name: Sp::new(MAIN.to_owned(), fields.drill.span),
            title: fields.title,
            params: fields.params,
            answers: fields.answers,
            lab: fields.lab.value.spec(&fields.drill.value, fields.lab.span, diags),
            kit: fields.lab.value.kit.value.clone(),
            setup: fields.setup,
            faults: moments(&fields.faults),
            verify: fields.verify,
            expect: expect(&fields.expect).unwrap_or_default(),
        };
        let mut cases = vec![main.clone()];
        for variant in fields.variants {
            if let Some(before) = cases.iter().find(|case| case.name.value == variant.name.value) {
                let message = format!("`{}` is the name of another variant", variant.name.value);
                let what = if before.name.value == MAIN { "the file's own drill is called so" } else { "the other" };
                diags.push(Diagnostic::error("same-variant", variant.name.span, message).and(before.name.span, what));
            }
            let mut case = main.clone();
            case.title = None;
            merge(&mut case.params, variant.params);
            merge(&mut case.answers, variant.answers);
            if let Some(lab) = &variant.lab {
                case.lab = lab.value.spec(&fields.drill.value, lab.span, diags);
                case.kit.clone_from(&lab.value.kit.value);
            }
            if let Some(setup) = variant.setup {
                case.setup = setup;
            }
            if let Some(faults) = variant.faults {
                case.faults = moments(&faults);
            }
            if let Some(verify) = variant.verify {
                case.verify = verify;
            }
            if let Some(expected) = expect(&variant.expect) {
                case.expect = expected;
            }
            case.name = variant.name;
            cases.push(case);
        }
        Some(Self { name: fields.drill, runbook: fields.runbook, cases })
    }
}

/// Entries of the same name are replaced.
fn merge<T>(into: &mut IndexMap<Sp<String>, T>, more: IndexMap<Sp<String>, T>) {
    for (name, value) in more {
        into.retain(|known, _| known.value != name.value);
        into.insert(name, value);
    }
}

impl LabFields {
    /// The lab that is meant; every mistake in it is reported.
    fn spec(&self, drill: &str, span: Span, diags: &Diagnostics) -> Option<Spec> {
        let kit = kit(&self.kit, diags);
        let hosts = self.hosts.iter().map(|(name, host)| (name.clone(), host.clone().unwrap_or_default())).collect();
        let mine = Diagnostics::new();
        let inventory = Inventory::simple(drill, &hosts, &mine);
        let wrong = mine.has_errors();
        mine.into_sorted().into_iter().for_each(|finding| diags.push(finding));
        if wrong {
            return None;
        }
        let mut all = Vec::new();
        for (n, host) in inventory.hosts().enumerate() {
            let given = host.address != host.name.as_str();
            let last = u8::try_from(n + 11).unwrap_or(u8::MAX);
            let address = if given { host.address.parse().ok() } else { Some([10, 66, 0, last].into()) };
            let Some(address) = address else {
                let message = format!("`{}` is not an IPv4 address", host.address);
                diags.push(
                    Diagnostic::error("lab", host.span, message).help("leave it out, or write one in 10.66.0.0/24"),
                );
                return None;
            };
            let vars = host.vars.iter().map(|(name, tree)| (name.clone(), Value::from_tree(tree).to_json())).collect();
            all.push(HostSpec { name: host.name.to_string(), address, groups: host.groups.clone(), vars });
        }
        let spec = Spec { hosts: all, kit: kit?, ..Spec::consul(1) };
        match spec.check() {
            Ok(()) => Some(spec),
            Err(why) => {
                diags.push(Diagnostic::error("lab", span, why.to_string()));
                None
            }
        }
    }
}

fn kit(name: &Sp<String>, diags: &Diagnostics) -> Option<Kit> {
    let kit = Kit::named(&name.value);
    if kit.is_none() && !name.span.is_nowhere() {
        let near = crate::base::nearest::nearest(&name.value, Kit::ALL.iter().map(|(name, _)| *name));
        let known: Vec<&str> = Kit::ALL.iter().map(|(name, _)| *name).collect();
        let help = near.map_or_else(|| format!("kits are: {}", known.join(", ")), |n| format!("did you mean `{n}`?"));
        diags.push(Diagnostic::error("unknown-kit", name.span, format!("there is no kit `{}`", name.value)).help(help));
    }
    kit
}

#[cfg(test)]
mod tests {
    use super::super::fault::When;
    use super::*;

    const TEXT: &str = "
drill: a/b
runbook: a/c
params: { one: 1, two: 2 }
answers: { gate: \"yes\" }
lab: { kit: bare, hosts: { \"web-[1:2]\": { groups: [ web ], vars: { port: 80 } }, db: { address: 10.66.0.9 } } }
setup: [ { note: x } ]
faults: [ { power_off: web-1 } ]
verify: [ { note: y } ]
variants:
  - name: other
    params: { two: 3, three: 4 }
    lab: { kit: consul, hosts: { c: { groups: [ consul_servers ] } } }
    faults: [ { kill: { hosts: c, process: consul, keep_down: true }, after: start } ]
    verify: []
";

    fn parse(text: &str) -> (Option<Drill>, Vec<String>) {
        let (mut sources, diags) = (Sources::default(), Diagnostics::new());
        let source = sources.add("drill", text);
        let drill = Drill::parse(source, &sources, &diags);
        (drill, diags.into_sorted().into_iter().map(|finding| finding.message).collect())
    }

    #[test]
    fn a_variant_merges_params_and_answers_and_replaces_the_rest() {
        let (drill, findings) = parse(TEXT);
        assert_eq!(findings, [""; 0]);
        let drill = drill.unwrap();
        let [main, other] = drill.cases.as_slice() else { panic!("{drill:#?}") };
        let params = |case: &Case| {
            let text =
                |(name, tree): (&Sp<String>, &Tree)| format!("{}={}", name.value, Value::from_tree(tree).to_json());
            case.params.iter().map(text).collect::<Vec<_>>()
        };
        assert_eq!(
            (params(main), params(other)),
            (vec!["one=1".into(), "two=2".into()], vec!["one=1".into(), "two=3".into(), "three=4".into()])
        );
        assert_eq!((main.name.value.as_str(), other.answers.len(), other.setup.len()), (MAIN, 1, 1));
        assert_eq!((main.verify.len(), other.verify.len()), (1, 0));
        assert_eq!(main.faults[0].when, When::First);
        assert!(matches!(&other.faults[0].when, When::After(step) if step.value == "start"));
        assert_eq!(other.faults[0].words, "kill c consul, kept down");
    }

    #[test]
    fn hosts_have_addresses_in_their_order_unless_they_say_so() {
        let spec = parse(TEXT).0.unwrap().cases[0].lab.clone().unwrap();
        let hosts: Vec<_> = spec.hosts.iter().map(|host| format!("{} {}", host.name, host.address)).collect();
        assert_eq!(hosts, ["web-1 10.66.0.11", "web-2 10.66.0.12", "db 10.66.0.9"]);
        assert_eq!((&spec.hosts[0].groups, &spec.hosts[0].vars["port"]), (&vec!["web".to_owned()], &80.into()));
    }

    #[test]
    fn a_lab_that_cannot_be_is_refused_where_it_stands() {
        for (lab, why) in [
            ("{ kit: consul, hosts: { a: } }", "needs hosts in the group consul_servers"),
            ("{ kit: bare, hosts: { a: { address: nowhere } } }", "not an IPv4 address"),
            ("{ kit: bare, hosts: { A: } }", "not a host name"),
            ("{ kit: bare, hosts: {} }", "1 to 600 hosts"),
        ] {
            let (_, findings) = parse(&format!("drill: a\nrunbook: b\nlab: {lab}\nfaults: []\n"));
            assert!(findings.len() == 1 && findings[0].contains(why), "{lab}: {findings:?}");
        }
    }
}
