//! What is measured, and how it is told that it was done.

/// One workload.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Short, for the command line and the JSON.
    pub name: &'static str,
    /// For the table.
    pub title: &'static str,
    /// How many hosts take part.
    pub hosts: usize,
    /// What is done.
    pub kind: Kind,
}

/// What is done on every host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Steps that append a line, with a barrier after each. The first one takes three seconds on one host if so wanted.
    Steps { steps: usize, straggler: bool },
    /// Steps that only look.
    Looks { steps: usize },
    /// One step that prints so many bytes.
    Output { bytes: usize },
    /// One file put there and verified.
    File,
    /// The same where it is there already.
    FileAgain,
    /// A dry run of the recovery of a Consul datacenter that has lost half of its servers; of the floor only the connections.
    Check,
}

/// The content of the file of [`Kind::File`].
pub const CONTENT: &str = "one = 1\ntwo = 2\nthree = 3\n";

const ALL: &[Workload] = &[
    steps("w1-100", "one cold command", 100, 1),
    steps("w2-10", "20 steps with barriers", 10, 20),
    steps("w2-50", "20 steps with barriers", 50, 20),
    steps("w2-100", "20 steps with barriers", 100, 20),
    Workload { name: "looks-50", title: "20 read-only steps", hosts: 50, kind: Kind::Looks { steps: 20 } },
    Workload { name: "looks-100", title: "20 read-only steps", hosts: 100, kind: Kind::Looks { steps: 20 } },
    Workload { name: "w3a-50", title: "a file put there and verified", hosts: 50, kind: Kind::File },
    Workload { name: "w3b-50", title: "the same again, no change", hosts: 50, kind: Kind::FileAgain },
    Workload { name: "w4-20", title: "5 MB of output each", hosts: 20, kind: Kind::Output { bytes: 5_000_000 } },
    Workload { name: "w4-20-50mb", title: "50 MB of output each", hosts: 20, kind: Kind::Output { bytes: 50_000_000 } },
    Workload {
        name: "w5-50",
        title: "one host takes 3 s in the first of 6 steps",
        hosts: 50,
        kind: Kind::Steps { steps: 6, straggler: true },
    },
    Workload { name: "check-10", title: "a dry run of quorum-loss; floor: connecting", hosts: 10, kind: Kind::Check },
    Workload { name: "check-50", title: "a dry run of quorum-loss; floor: connecting", hosts: 50, kind: Kind::Check },
];

const fn steps(name: &'static str, title: &'static str, hosts: usize, steps: usize) -> Workload {
    Workload { name, title, hosts, kind: Kind::Steps { steps, straggler: false } }
}

/// The workloads of these names; all when none is named.
pub fn chosen(names: &[String]) -> Vec<Workload> {
    for name in names {
        assert!(ALL.iter().any(|work| work.name == name), "no workload `{name}`; there are: {}", known());
    }
    ALL.iter().filter(|work| names.is_empty() || names.iter().any(|name| name == work.name)).cloned().collect()
}

fn known() -> String {
    ALL.iter().map(|work| work.name).collect::<Vec<_>>().join(", ")
}

impl Workload {
    /// The shell text of each step, the same for every contender that runs commands.
    pub fn texts(&self) -> Vec<String> {
        match self.kind {
            Kind::Steps { steps, straggler } => (0..steps)
                .map(|n| match n {
                    0 if straggler => format!("case $(hostname) in *-1) sleep 3;; esac; echo {n} >>{STEPS}"),
                    _ => format!("echo {n} >>{STEPS}"),
                })
                .collect(),
            Kind::Looks { steps } => vec!["true".to_owned(); steps],
            Kind::Output { bytes } => vec![format!("head -c {bytes} /dev/zero | tr '\\0' x")],
            // what an engine cannot avoid: one look, one write, one look
            Kind::File => vec![
                format!("sha256sum {FILE} 2>/dev/null || true"),
                format!("cat >{FILE}.new <<'E'\n{CONTENT}E\nchmod 640 {FILE}.new && mv {FILE}.new {FILE}"),
                format!("sha256sum {FILE}"),
            ],
            Kind::Check => vec!["true".to_owned()],
            Kind::FileAgain => vec![format!("sha256sum {FILE} 2>/dev/null || true"), format!("sha256sum {FILE}")],
        }
    }

    /// What stands in [`STEPS`] afterwards.
    pub fn written(&self) -> String {
        match self.kind {
            Kind::Steps { steps, .. } => (0..steps).fold(String::new(), |text, n| text + &n.to_string() + "\n"),
            _ => String::new(),
        }
    }

    /// What stands in [`FILE`] afterwards.
    pub fn file(&self) -> &'static str {
        if matches!(self.kind, Kind::File | Kind::FileAgain) { CONTENT } else { "" }
    }

    /// How many steps there are, for a share of them.
    pub fn steps(&self) -> usize {
        self.texts().len()
    }
}

/// Where steps leave their line, on a host.
pub const STEPS: &str = "/home/ops/steps";

/// The file of [`Kind::File`], on a host.
pub const FILE: &str = "/home/ops/app.conf";
