//! A script that lies beside the runbook: a shell text. Its first line says which shell reads it, as it would on the host.
//! It travels within the request, so nothing is left on the host and nothing there needs to be executable.

/// The largest script: it travels in one environment string of the host, in quotes.
const LARGEST: usize = 100_000;

/// A script, ready to be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct ScriptFile {
    /// The text. In its first line the flags of the interpreter have become commands.
    pub text: String,
    /// The shell; `None`: the one that all steps have.
    pub shell: Option<String>,
}

/// Why a file cannot be a script.
#[derive(Debug, PartialEq, Eq)]
pub struct Unfit {
    /// What is wrong, behind the name of the file.
    pub why: String,
    /// What to do.
    pub help: &'static str,
}

impl ScriptFile {
    /// Reads the first line.
    pub fn of(content: &[u8]) -> Result<Self, Unfit> {
        let Ok(text) = std::str::from_utf8(content) else {
            return Err(Unfit {
                why: "is not UTF-8 text".to_owned(),
                help: "send a program by `file: { upload: … }` and run it where it lies then",
            });
        };
        if text.contains('\0') {
            return Err(Unfit {
                why: "holds a zero byte, so it is no text".to_owned(),
                help: "send a program by `file: { upload: … }` and run it where it lies then",
            });
        }
        if text.len() > LARGEST {
            return Err(Unfit {
                why: format!("is larger than {LARGEST} bytes"),
                help: "send it by `file: { upload: … }` and run it where it lies then",
            });
        }
        if text.trim().is_empty() {
            return Err(Unfit { why: "is empty".to_owned(), help: "write what is to be done" });
        }
        let Some(line) = text.lines().next().and_then(|line| line.strip_prefix("#!")) else {
            return Ok(Self { text: text.to_owned(), shell: None });
        };
        let mut words = line.split_whitespace().peekable();
        let first = words.next().unwrap_or_default();
        let program = if base(first) == "env" { words.next().unwrap_or_default() } else { first };
        let flags = words.next().unwrap_or("-");
        let is_shell = matches!(base(program), "sh" | "bash" | "dash" | "ash" | "ksh" | "mksh" | "zsh");
        let is_flags = flags.strip_prefix('-').is_some_and(|flags| flags.bytes().all(|b| b"euxvfaC".contains(&b)));
        if !is_shell || !is_flags || words.next().is_some() {
            return Err(Unfit {
                why: format!("is for `{}`, which is no shell", line.trim()),
                help: "send it by `file: { upload: …, mode: \"0755\" }` and run it where it lies then",
            });
        }
        let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
        let set = if flags == "-" { ":".to_owned() } else { format!("set {flags}") };
        let shell = (base(program) != "sh").then(|| program.to_owned());
        Ok(Self { text: format!("{set}\n{rest}"), shell })
    }
}

fn base(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Option<String>, String) {
        let script = ScriptFile::of(text.as_bytes()).unwrap_or_else(|unfit| panic!("{text}: {unfit:?}"));
        (script.shell, script.text.lines().next().unwrap_or_default().to_owned())
    }

    #[test]
    fn the_first_line_says_the_shell_and_its_flags() {
        let shell = |name: &str| Some(name.to_owned());
        assert_eq!(of("echo\n"), (None, "echo".to_owned()));
        assert_eq!(of("#!/bin/sh\necho\n"), (None, ":".to_owned()));
        assert_eq!(of("#! /bin/bash -eu\necho\n"), (shell("/bin/bash"), "set -eu".to_owned()));
        assert_eq!(of("#!/usr/bin/env bash\necho\n"), (shell("bash"), ":".to_owned()));
    }

    #[test]
    fn what_no_shell_reads_is_refused() {
        let long = "x".repeat(LARGEST + 1);
        for text in [
            "#!/usr/bin/python3\n",
            "#!/usr/bin/env -S bash -e\n",
            "#!/bin/bash -c x\n",
            "#!/bin/sh -i\n",
            "#!\n",
            "",
            " \n",
            &long,
        ] {
            assert!(ScriptFile::of(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(ScriptFile::of(b"\xff").is_err());
    }
}
