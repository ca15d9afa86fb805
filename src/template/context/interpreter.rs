//! Values inside of what another interpreter will parse: `sh -c`, `ssh`, `awk`, `psql -c`. Quoting for our shell says
//! nothing there, so such a value is refused, with the way that is safe.

use std::ops::Range;

use crate::template::context::Plain;
use crate::template::problem::Problem;
use crate::template::text::Text;

/// Stands for a value in the text of a word. A private character: texts do not have it.
pub(super) const HOLE: char = '\u{f8ff}';

/// One word of a command.
#[derive(Clone, Debug, Default)]
pub(super) struct Word {
    /// Its text, values as [`HOLE`].
    pub text: String,
    pub holes: Vec<usize>,
    pub quoted: bool,
    /// Where it begins, in bytes of the source.
    pub at: usize,
}

impl Word {
    /// Whether it sets a variable for the command: `X=1`.
    pub(super) fn is_assignment(&self) -> bool {
        self.text.split_once('=').is_some_and(|(name, _)| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    }

    pub(super) fn program(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or(&self.text)
    }
}

/// A value that another interpreter would parse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    program: String,
    help: &'static str,
}

impl Finding {
    pub(super) fn problem(&self, range: Range<usize>) -> Problem {
        Problem::error(
            "nested-interpreter",
            range,
            format!("`{}` would parse this value as a part of its program", self.program),
        )
        .help(self.help)
    }
}

/// How an interpreter takes its program.
enum Takes {
    /// Behind a short option (or a long one): letters of it, its long form, letters of options with an argument.
    Option { code: &'static str, long: &'static [&'static str], with_argument: &'static str },
    /// The first word that is no option, unless an option of these gives it.
    /// `parsed`: letters of options whose argument is no program, and is parsed as well.
    First {
        code: &'static str,
        long: &'static [&'static str],
        with_argument: &'static str,
        file: &'static str,
        parsed: &'static str,
    },
    /// Every word behind the first that is no option.
    Behind { with_argument: &'static str },
    /// Every word.
    All,
}

struct Interpreter {
    names: &'static [&'static str],
    takes: Takes,
    help: &'static str,
}

const SHELL_HELP: &str = "pass the value as an argument: sh -c 'echo \"$1\"' _ {{x}}; or by `env:`";

static INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        names: &["sh", "bash", "dash", "ash", "zsh", "ksh", "fish"],
        takes: Takes::Option { code: "c", long: &["--command"], with_argument: "oO" },
        help: SHELL_HELP,
    },
    Interpreter {
        names: &["su", "runuser"],
        takes: Takes::Option { code: "c", long: &["--command", "--session-command"], with_argument: "gGsTw" },
        help: "write `sudo: USER` on the step instead of su",
    },
    Interpreter {
        names: &["flock", "script"],
        takes: Takes::Option { code: "c", long: &["--command"], with_argument: "BEIOTmwW" },
        help: SHELL_HELP,
    },
    Interpreter {
        names: &["clickhouse-client", "clickhouse-local"],
        takes: Takes::Option { code: "q", long: &["--query"], with_argument: "hud" },
        help: "write --param_x={{x}} and use {x:String} in the query",
    },
    Interpreter {
        names: &["cqlsh"],
        takes: Takes::Option { code: "e", long: &["--execute"], with_argument: "upk" },
        help: "give the statement by `stdin:`, with `{{sql x}}`",
    },
    Interpreter {
        names: &["python", "python2", "python3"],
        takes: Takes::Option { code: "c", long: &[], with_argument: "mWXQ" },
        help: "pass the value as an argument and read sys.argv[1], or by `env:`",
    },
    Interpreter {
        names: &["perl", "ruby"],
        takes: Takes::Option { code: "eE", long: &[], with_argument: "IMmCr" },
        help: "pass the value as an argument and read it from ARGV, or by `env:`",
    },
    Interpreter {
        names: &["node", "php", "lua"],
        takes: Takes::Option { code: "epr", long: &["--eval", "--print", "--run"], with_argument: "" },
        help: "pass the value as an argument, or by `env:`",
    },
    Interpreter {
        names: &["psql"],
        takes: Takes::Option { code: "c", long: &["--command"], with_argument: "dfFhLopPRTUv" },
        help: "write psql -v name={{x}} and use :'name' in `stdin:`",
    },
    Interpreter {
        names: &["mysql", "mariadb"],
        takes: Takes::Option { code: "e", long: &["--execute", "--init-command"], with_argument: "DhPSu" },
        help: "give the statement by `stdin:`, with `{{sql x}}`",
    },
    Interpreter {
        names: &["mongosh", "mongo"],
        takes: Takes::Option { code: "", long: &["--eval"], with_argument: "up" },
        help: "give the value by `env:`",
    },
    Interpreter {
        names: &["awk", "gawk", "mawk", "nawk"],
        // `-v x=…` expands backslashes
        takes: Takes::First { code: "e", long: &["--source"], with_argument: "F", file: "f", parsed: "v" },
        help: "give the value by `env:` and read ENVIRON[\"X\"]",
    },
    Interpreter {
        names: &["sed"],
        takes: Takes::First { code: "e", long: &["--expression"], with_argument: "l", file: "f", parsed: "" },
        help: "write the file with a `file` step, or give the value by `env:` to a program that needs no sed",
    },
    Interpreter {
        names: &["jq"],
        takes: Takes::First { code: "", long: &[], with_argument: "L", file: "f", parsed: "" },
        help: "write jq --arg x {{x}} and use $x",
    },
    Interpreter {
        names: &["sqlite3"],
        takes: Takes::Behind { with_argument: "" },
        help: "give the statement by `stdin:`, with `{{sql x}}`",
    },
    Interpreter {
        names: &["ssh"],
        takes: Takes::Behind { with_argument: "bcDEeFIiJLlmOopQRSWwB" },
        help: "write `run_on:` or `hosts:` on the step instead of ssh, or give the value by `stdin:`",
    },
    Interpreter {
        names: &["eval", "trap", "watch", "let", "parallel"],
        takes: Takes::All,
        help: "say what is meant without it",
    },
];

/// Programs that run another, which then is not the first word.
const WRAPPERS: [&str; 20] = [
    "sudo",
    "doas",
    "env",
    "nohup",
    "timeout",
    "xargs",
    "exec",
    "command",
    "builtin",
    "nice",
    "ionice",
    "setsid",
    "time",
    "chroot",
    "stdbuf",
    "find",
    "flock",
    "busybox",
    "nsenter",
    "systemd-run",
];

/// The values of a command that another interpreter would parse. `piped`: the values in what it reads.
pub(super) fn check(words: &[Word], piped: &[usize]) -> Vec<(usize, Finding)> {
    let first = words.iter().position(|w| !w.is_assignment()).unwrap_or(words.len());
    let words = &words[first..];
    let Some(command) = words.first() else { return Vec::new() };
    let mut found = Vec::new();
    let wrapped = WRAPPERS.contains(&command.program());
    for (i, word) in words.iter().enumerate() {
        let behind = i > 0 && matches!(words[i - 1].text.as_str(), "--" | "-exec" | "-execdir");
        for interpreter in INTERPRETERS.iter().filter(|p| named(p, word.program())) {
            // An option such as `-c` gives it away anywhere; a name alone may be an argument.
            let sure = matches!(interpreter.takes, Takes::Option { .. });
            if sure || i == 0 || wrapped || behind {
                let finding = Finding { program: shown(interpreter, word.program()), help: interpreter.help };
                found.extend(program_holes(&interpreter.takes, &words[i + 1..]).map(|hole| (hole, finding.clone())));
            }
        }
    }
    // What runs is not known: take it for a shell.
    if command.program().contains(HOLE) || command.program().starts_with('$') {
        let finding = Finding { program: "a program of unknown name".to_owned(), help: SHELL_HELP };
        found.extend(program_holes(&INTERPRETERS[0].takes, &words[1..]).map(|hole| (hole, finding.clone())));
    }
    bash_conditions(words, &mut found);
    if let Some(finding) = reads_program(words, wrapped) {
        found.extend(piped.iter().map(|hole| (*hole, finding.clone())));
    }
    found.sort_by_key(|(hole, _)| *hole);
    found.dedup_by_key(|(hole, _)| *hole);
    found
}

/// Whether a command takes what it reads for its program: `… | sh`, `… | sudo -u postgres psql`.
fn reads_program(words: &[Word], wrapped: bool) -> Option<Finding> {
    // of these every other word that is no option names what it works on; of all others, the file with the program
    const CLIENTS: [&str; 8] =
        ["psql", "mysql", "mariadb", "sqlite3", "mongosh", "mongo", "clickhouse-client", "cqlsh"];
    let readers = ["sh", "python", "perl", "ruby", "node", "php", "lua"];
    for (i, word) in words.iter().enumerate().filter(|(i, _)| *i == 0 || wrapped) {
        let interpreter = INTERPRETERS.iter().find(|p| named(p, word.program()));
        let Some(interpreter) = interpreter else { continue };
        let client = CLIENTS.contains(&word.program());
        if !client && !interpreter.names.iter().any(|name| readers.contains(name)) {
            continue;
        }
        let (code, long) = match &interpreter.takes {
            Takes::Option { code, long, .. } => (*code, *long),
            _ => ("", &[][..]),
        };
        let gives = |w: &Word| {
            let short = w.text.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
            short.is_some_and(|rest| rest.contains(|c| code.contains(c) || client && c == 'f'))
                || long.iter().any(|l| w.text.starts_with(l))
        };
        let args = &words[i + 1..];
        let shell = interpreter.names.contains(&"sh");
        if shell && args.iter().any(|w| w.text == "-s")
            || !args.iter().any(gives) && (client || args.iter().all(|w| w.text.starts_with('-')))
        {
            return Some(Finding { program: word.program().to_owned(), help: interpreter.help });
        }
    }
    None
}

/// `[[ x -eq y ]]` evaluates both sides as arithmetic, and so commands in subscripts.
fn bash_conditions(words: &[Word], found: &mut Vec<(usize, Finding)>) {
    const ARITHMETIC: [&str; 6] = ["-eq", "-ne", "-lt", "-le", "-gt", "-ge"];
    if words.first().is_some_and(|w| w.text == "[[") && words.iter().any(|w| ARITHMETIC.contains(&w.text.as_str())) {
        let finding =
            Finding { program: "[[ -eq ]]".to_owned(), help: "write `[ … -eq … ]`, or compare in `when`" };
        found.extend(words.iter().flat_map(|w| &w.holes).map(|hole| (*hole, finding.clone())));
    }
}

fn named(interpreter: &Interpreter, program: &str) -> bool {
    // python3.11
    let base = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    interpreter.names.iter().any(|n| *n == program || base == "python" && *n == "python")
}

fn shown(interpreter: &Interpreter, program: &str) -> String {
    match &interpreter.takes {
        Takes::Option { code, long, .. } => match code.chars().next() {
            Some(c) => format!("{program} -{c}"),
            None => format!("{program} {}", long.first().unwrap_or(&"")),
        },
        _ => program.to_owned(),
    }
}

/// The values in the program of an interpreter, given the words behind its name.
fn program_holes<'w>(takes: &Takes, args: &'w [Word]) -> impl Iterator<Item = usize> + use<'w> {
    let mut code: Vec<&'w Word> = Vec::new();
    let mut at = 0;
    let (letters, long, with_argument, file, parsed) = match takes {
        Takes::Option { code, long, with_argument } => (*code, *long, *with_argument, "", ""),
        Takes::First { code, long, with_argument, file, parsed } => (*code, *long, *with_argument, *file, *parsed),
        Takes::Behind { with_argument } => ("", &[][..], *with_argument, "", ""),
        Takes::All => ("", &[][..], "", "", ""),
    };
    let mut given = false;
    let mut options = true;
    while let Some(word) = args.get(at) {
        at += 1;
        let text = word.text.as_str();
        if matches!(takes, Takes::All) {
            code.push(word);
        } else if options && text == "--" {
            options = false;
        } else if let Some(option) = long.iter().find(|l| options && text.starts_with(**l)) {
            given = true;
            code.push(word);
            if text == *option {
                code.extend(args.get(at));
                at += 1;
            }
        } else if options && (text == "--arg" || text == "--argjson") {
            at += 2;
        } else if options && text.starts_with("--") {
            // A long option; its argument, if it stands alone, is no program.
        } else if let Some(cluster) = text.strip_prefix('-').filter(|c| options && !c.is_empty()) {
            let taking = cluster
                .char_indices()
                .find(|(_, c)| [letters, with_argument, file, parsed].iter().any(|set| set.contains(*c)) || *c == HOLE);
            if let Some((i, letter)) = taking {
                let rest = &cluster[i + letter.len_utf8()..];
                if letters.contains(letter) {
                    given = true;
                    // Shells take the next word even if more letters follow; the others the rest of this one.
                    code.push(word);
                    if rest.is_empty() || rest.chars().all(|c| c.is_ascii_alphabetic()) {
                        // `sh -c -- PROGRAM`
                        at += usize::from(args.get(at).is_some_and(|word| word.text == "--"));
                        code.extend(args.get(at));
                        at += 1;
                    }
                } else if letter == HOLE {
                    code.push(word);
                } else if parsed.contains(letter) {
                    code.push(word);
                    code.extend(args.get(at).filter(|_| rest.is_empty()));
                    at += usize::from(rest.is_empty());
                } else {
                    given |= file.contains(letter);
                    if rest.is_empty() {
                        // `ssh -o ProxyCommand=…` runs a command, too.
                        if with_argument.contains('o') && letter == 'o' && matches!(takes, Takes::Behind { .. }) {
                            code.extend(args.get(at));
                        }
                        at += 1;
                    }
                }
            }
        } else {
            match takes {
                Takes::First { .. } if !given => {
                    code.push(word);
                    given = true;
                }
                Takes::Behind { .. } => {
                    code.extend(&args[at..]);
                    at = args.len();
                }
                // The words behind the program are its arguments: the safe way in.
                Takes::Option { .. } if given => break,
                _ => {}
            }
        }
    }
    code.into_iter().flat_map(|w| w.holes.iter().copied())
}

/// What is wrong with a command given as a list of words: values that another interpreter would parse. The places are
/// bytes of the word; [`check_words`] says which.
#[must_use]
pub fn check_argv(words: &[&Text<Plain>]) -> Vec<Problem> {
    check_words(words).into_iter().map(|(_, problem)| problem).collect()
}

/// As [`check_argv`], each with the index of its word.
#[must_use]
pub fn check_words(words: &[&Text<Plain>]) -> Vec<(usize, Problem)> {
    let mut owners: Vec<(usize, Range<usize>)> = Vec::new();
    let command: Vec<Word> = words
        .iter()
        .enumerate()
        .map(|(i, word)| {
            let mut text = String::new();
            let mut holes = Vec::new();
            let mut end = 0;
            for range in word.insertions() {
                text.push_str(word.source().get(end..range.start).unwrap_or_default());
                text.push(HOLE);
                end = range.end;
                holes.push(owners.len());
                owners.push((i, range));
            }
            text.push_str(word.source().get(end..).unwrap_or_default());
            Word { text, holes, quoted: true, at: 0 }
        })
        .collect();
    check(&command, &[])
        .into_iter()
        .map(|(hole, finding)| (owners[hole].0, finding.problem(owners[hole].1.clone())))
        .collect()
}

/// What is wrong with what a command reads: values in the program of an interpreter that takes it from there.
#[must_use]
pub fn check_stdin(words: &[String], stdin: &Text<Plain>) -> Vec<Problem> {
    let words: Vec<Word> = words.iter().map(|text| Word { text: text.clone(), ..Word::default() }).collect();
    let first = words.iter().position(|w| !w.is_assignment()).unwrap_or(words.len());
    let wrapped = words.get(first).is_some_and(|w| WRAPPERS.contains(&w.program()));
    let Some(finding) = reads_program(&words[first..], wrapped) else { return Vec::new() };
    let bare = |range: &Range<usize>| {
        let tag = stdin.source().get(range.clone()).unwrap_or_default().trim_start_matches('{');
        // a statement is what `sql` quotes for
        !matches!(tag.split_whitespace().next(), Some("sql" | "raw"))
    };
    stdin.insertions().into_iter().filter(bare).map(|range| finding.problem(range)).collect()
}
