//! What an author writes of a probe, decoded.

use std::time::Duration;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::check::Observes;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::Span;
use crate::inventory::Selector;
use crate::template::{AnyText, Expr, Plain, Regex, Shell, Text, Url, Value};
use crate::text::{self, Dur, Node, Sp, Tree};

use super::parse::Parse;

/// How long a probe may take when `timeout` is not written.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The keys that belong to a probe wherever one may stand.
pub const PROBE_KEYS: &[&str] = &[
    "command", "read", "path", "http", "port", "service", "process", "disk", "parse", "value", "matches", "optional",
    "timeout", "from",
];

/// The keys that say which kind of probe it is.
pub(in crate::action) const KINDS: &[&str] = &["command", "read", "path", "http", "port", "service", "process", "disk"];

/// A read-only question.
#[derive(Debug)]
pub struct Probe {
    /// Where it stands.
    pub span: Span,
    /// What is asked.
    pub kind: Kind,
    /// How the text of the answer is understood.
    pub parse: Option<Parse>,
    /// What of `result` is meant.
    pub value: Option<Expr>,
    /// What the text of the answer must match.
    pub matches: Option<Text<Regex>>,
    /// Whether "could not be asked" is an answer.
    pub optional: bool,
    /// How long it may take.
    pub timeout: Duration,
    /// Asked from there instead of on the host itself.
    pub from: Option<Selector>,
    /// Whether a part could not be understood: then nothing is known of its result.
    pub broken: bool,
    /// Further kinds that stand beside it: a mistake that was reported, and their texts are checked too.
    pub also: Vec<Kind>,
}

/// The kinds of probe.
#[derive(Debug)]
pub enum Kind {
    /// A command or an argument vector.
    Command(Command),
    /// The text of a file.
    Read(Text<Plain>),
    /// What is known of a path.
    Path(Text<Plain>),
    /// A GET request.
    Http(Request),
    /// Whether a TCP port answers.
    Port(Text<Plain>),
    /// The state of a service.
    Service(Text<Plain>),
    /// Whether a process of that name runs.
    Process(Text<Plain>),
    /// Space on the file system of a path.
    Disk(Text<Plain>),
}

/// `command:` as text or as a map.
#[derive(Debug)]
pub enum Command {
    /// Shell text.
    Shell {
        /// The text.
        text: Text<Shell>,
        /// What it reads.
        stdin: Option<Text<Plain>>,
        /// The shell; the host's own when not written.
        shell: Option<Text<Plain>>,
    },
    /// A program and its arguments, no shell involved.
    Argv {
        /// Program and arguments.
        argv: Vec<Text<Plain>>,
        /// What it reads.
        stdin: Option<Text<Plain>>,
    },
}

/// `http:` as text or as a map.
#[derive(Debug)]
pub struct Request {
    /// Where.
    pub url: Text<Url>,
    /// Additional headers; one whose value is null is left out.
    pub headers: IndexMap<String, Text<Plain>>,
    /// For `https`: the file on the host with the authorities to trust. Null or none: those that the host trusts.
    pub ca: Option<Text<Plain>>,
}

/// A question to a host; it changes nothing.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "probe", deny_unknown_fields)]
pub(in crate::action) struct Fields {
    /// A command: it holds when it ends with 0.
    #[schemars(with = "Option<crate::action::schema::ProbeCommand>")]
    command: Option<Tree>,
    /// The text of a file.
    read: Option<Text<Plain>>,
    /// What is known of a path.
    path: Option<Text<Plain>>,
    /// A GET request from the host.
    #[schemars(with = "Option<crate::action::schema::ProbeHttp>")]
    http: Option<Tree>,
    /// A TCP port, of the host or `address:port`.
    #[schemars(with = "Option<crate::action::schema::Port>")]
    port: Option<Tree>,
    /// The state of a service.
    service: Option<Text<Plain>>,
    /// Whether processes of this name run.
    process: Option<Text<Plain>>,
    /// The room on the file system of a path.
    disk: Option<Text<Plain>>,
    /// How the answer becomes a value.
    #[schemars(with = "Option<crate::action::schema::ParseForm>")]
    parse: Option<Tree>,
    /// The part of `result` that is meant.
    value: Option<Expr>,
    /// A pattern that the answer must match.
    matches: Option<Text<Regex>>,
    /// Whether "could not be asked" is an answer: then its fields are null.
    #[serde(default)]
    optional: bool,
    /// How long it may take; 10s by default.
    timeout: Option<Sp<Dur>>,
    /// From where it is asked instead of on the host.
    #[schemars(with = "Option<crate::inventory::Selector>")]
    from: Option<Tree>,
}

/// A command in its long form.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "probe-command", deny_unknown_fields)]
pub(in crate::action) struct CommandFields {
    /// A shell text.
    command: Option<Text<Shell>>,
    /// A program and its arguments; no shell reads them.
    argv: Option<Vec<Text<Plain>>>,
    /// What it reads.
    stdin: Option<Text<Plain>>,
    /// Another shell, such as `bash`.
    shell: Option<Text<Plain>>,
}

/// A request in its long form.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "probe-request", deny_unknown_fields)]
pub(in crate::action) struct RequestFields {
    /// The URL, as the host sees it.
    url: Text<Url>,
    /// GET: a probe only reads.
    method: Option<Sp<String>>,
    /// Headers; a null leaves one out.
    #[serde(default)]
    headers: IndexMap<String, Text<Plain>>,
    /// A file on the host with the certificate authority.
    ca: Option<Text<Plain>>,
}

impl Probe {
    /// Whether a map says which probe it is.
    #[must_use]
    pub fn is_one(tree: &Tree) -> bool {
        KINDS.iter().any(|key| tree.get(key).is_some())
    }

    /// Decodes the probe keys of a map; other keys are the caller's. `None` when a mistake was recorded.
    pub fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        let (own, _) = text::split(tree, PROBE_KEYS);
        let named: Vec<_> = KINDS.iter().filter_map(|key| text::key_span(tree, key).map(|span| (*key, span))).collect();
        match named.as_slice() {
            [] => {
                if !diags.has_errors_within(tree.span) {
                    diags.push(
                        Diagnostic::error("no-probe", tree.span, "nothing is asked here")
                            .label("no probe")
                            .help(format!("write one of {}", KINDS.join(", "))),
                    );
                }
            }
            [_] => {}
            [(first, one), (second, two), ..] => {
                diags.push(
                    Diagnostic::error(
                        "two-probes",
                        *two,
                        format!("`{second}` beside `{first}`: one probe asks one thing"),
                    )
                    .label("the second probe")
                    .and(*one, "the first probe"),
                );
            }
        }
        let fields: Fields = text::decode(&own, diags)?;
        let kinds = fields.kinds(diags);
        for kind in &kinds {
            super::fits::check(kind, diags);
        }
        let mut kinds = kinds.into_iter();
        let (kind, broken) = match kinds.next() {
            Some(kind) => (kind, named.len() > 1),
            None => (Kind::Read(Text::new(Sp::new(String::new(), Span::NOWHERE))), true),
        };
        Some(Self {
            span: tree.span,
            kind,
            parse: fields.parse.as_ref().and_then(|tree| Parse::decode(tree, diags)),
            value: fields.value,
            matches: fields.matches,
            optional: fields.optional,
            timeout: fields.timeout.map_or(DEFAULT_TIMEOUT, |d| d.value.0),
            from: fields.from.as_ref().map(|tree| Selector::decode_anyway(tree, diags)),
            broken,
            also: kinds.collect(),
        })
    }

    /// The fields of its result; `None`: nothing is known of it.
    #[must_use]
    pub fn fields(&self) -> Option<&'static [&'static str]> {
        (!self.broken).then(|| self.kind.fields())
    }

    /// Decodes a map that is nothing but a probe.
    pub fn decode_whole(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        #[derive(Deserialize)]
        struct Nothing {}
        let (_, rest) = text::split(tree, PROBE_KEYS);
        text::decode_beside::<Nothing>(&rest, PROBE_KEYS, diags);
        Self::decode(tree, diags)
    }

    /// The words of its command line, if it has one: everybody on the host can read them.
    pub fn argv(&self) -> impl Iterator<Item = &Text<Plain>> {
        std::iter::once(&self.kind).chain(&self.also).flat_map(|kind| match kind {
            Kind::Command(Command::Argv { argv, .. }) => argv.as_slice(),
            _ => &[],
        })
    }

    /// Every text that is rendered before the question; `value` sees the answer and is not among them.
    pub fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        for kind in std::iter::once(&self.kind).chain(&self.also) {
            kind.texts(visit);
        }
        self.matches.iter().for_each(|e| visit(e));
    }
}

impl Kind {
    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        match self {
            Self::Command(Command::Shell { text, stdin, shell }) => {
                visit(text);
                stdin.iter().chain(shell).for_each(|text| visit(text));
            }
            Self::Command(Command::Argv { argv, stdin }) => {
                for text in argv.iter().chain(stdin) {
                    visit(text);
                }
            }
            Self::Http(request) => {
                visit(&request.url);
                request.headers.values().chain(&request.ca).for_each(|text| visit(text));
            }
            Self::Read(text)
            | Self::Path(text)
            | Self::Port(text)
            | Self::Service(text)
            | Self::Process(text)
            | Self::Disk(text) => visit(text),
        }
    }
}

impl Fields {
    /// What is asked: one kind, or it was reported.
    fn kinds(&self, diags: &Diagnostics) -> Vec<Kind> {
        let mut kinds = Vec::new();
        kinds.extend(self.command.as_ref().and_then(|tree| Command::decode(tree, diags)).map(Kind::Command));
        kinds.extend(self.http.as_ref().and_then(|tree| Request::decode(tree, diags)).map(Kind::Http));
        kinds.extend(self.port.as_ref().and_then(|tree| match &tree.value {
            // a bare number is the host's own port; text may carry an address
            Node::Int(n) => Some(Kind::Port(Text::new(Sp::new(n.to_string(), tree.span)))),
            _ => text::decode(tree, diags).map(Kind::Port),
        }));
        kinds.extend(self.read.clone().map(Kind::Read));
        kinds.extend(self.path.clone().map(Kind::Path));
        kinds.extend(self.service.clone().map(Kind::Service));
        kinds.extend(self.process.clone().map(Kind::Process));
        kinds.extend(self.disk.clone().map(Kind::Disk));
        kinds
    }
}

impl Command {
    /// Text, or `{command | argv, stdin, shell}`.
    pub fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        if !matches!(tree.value, Node::Map(_)) {
            let text = crate::action::command::shell_text(tree, diags)?;
            return Some(Self::Shell { text, stdin: None, shell: None });
        }
        let CommandFields { command, argv, stdin, shell } = text::decode(tree, diags)?;
        if let Some(stdin) = &stdin {
            let words = command
                .as_ref()
                .map(crate::action::command::plain_words)
                .or_else(|| argv.as_ref().map(|list| list.iter().map(|word| word.source().value.clone()).collect()));
            crate::action::command::read_as_program(&words.unwrap_or_default(), stdin, diags);
        }
        match (command, argv) {
            (Some(text), None) => Some(Self::Shell { text, stdin, shell }),
            (None, Some(argv)) => {
                crate::action::command::shell_beside_argv(tree, diags);
                Some(Self::Argv { argv: crate::action::command::argv(argv, tree.span, diags), stdin })
            }
            _ => {
                crate::action::command::no_command(tree, "`command: text`, `argv: [program, argument, …]`", diags);
                None
            }
        }
    }
}

impl Request {
    fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Self> {
        if !matches!(tree.value, Node::Map(_)) {
            return text::decode(tree, diags).map(|url| Self { url, headers: IndexMap::new(), ca: None });
        }
        let fields: RequestFields = text::decode(tree, diags)?;
        if let Some(method) = fields.method.filter(|m| m.value != "GET") {
            diags.push(
                Diagnostic::error(
                    "probe-changes",
                    method.span,
                    format!("a probe only reads: method {} is refused", method.value),
                )
                .help("a request that changes something is a step: use the action `http`"),
            );
        }
        super::http::check_headers(&fields.headers, diags);
        Some(Self { url: fields.url, headers: fields.headers, ca: fields.ca })
    }
}

impl Kind {
    /// The field that `gather` keeps when `value` is not written; `None`: the whole result.
    #[must_use]
    pub fn main_field(&self) -> Option<&'static str> {
        match self {
            Self::Command(_) | Self::Read(_) => Some("value"),
            Self::Http(_) => Some("body"),
            Self::Path(_) | Self::Port(_) | Self::Service(_) | Self::Process(_) | Self::Disk(_) => None,
        }
    }

    /// Which changes on a host it may see.
    #[must_use]
    pub fn observes(&self) -> Observes {
        match self {
            Self::Http(_) | Self::Port(_) | Self::Service(_) | Self::Process(_) => Observes::Running,
            Self::Command(_) | Self::Read(_) | Self::Path(_) | Self::Disk(_) => Observes::Anything,
        }
    }

    /// The key that says which kind it is.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Command(_) => "command",
            Self::Read(_) => "read",
            Self::Path(_) => "path",
            Self::Http(_) => "http",
            Self::Port(_) => "port",
            Self::Service(_) => "service",
            Self::Process(_) => "process",
            Self::Disk(_) => "disk",
        }
    }

    /// The names of the result's fields.
    #[must_use]
    pub fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::Command(_) => &["exit", "stdout", "stderr", "value"],
            Self::Read(_) => &["value", "size_bytes"],
            Self::Path(_) => {
                &["exists", "kind", "size_bytes", "mode", "owner", "group", "age_seconds", "target", "sha256"]
            }
            Self::Http(_) => &["status", "headers", "body"],
            Self::Port(_) => &["open", "error"],
            Self::Service(_) => &["state", "enabled", "pid"],
            Self::Process(_) => &["count", "pids"],
            Self::Disk(_) => &["free_bytes", "free_percent", "free_inodes_percent"],
        }
    }

    /// A result whose fields are all null.
    #[must_use]
    pub fn nulls(&self) -> Value {
        Value::map(self.fields().iter().map(|field| ((*field).to_owned(), Value::Null)))
    }
}
