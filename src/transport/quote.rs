//! Texts for a shell: the only place where values become shell text.

use std::fmt::Write as _;

use secrecy::{ExposeSecret as _, SecretString};

use super::LinkError;

/// The largest script: it travels in one environment string, which Linux limits to 128 KiB.
pub(super) const MAX_SCRIPT: usize = 120_000;
/// The largest standard input.
pub(super) const MAX_STDIN: usize = 4 << 20;

/// One word of a shell.
pub(super) fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Bytes in the form that `printf %b` turns back into them. Only printable ASCII stays as it is: no byte then depends on
/// how a shell treats bytes that are not text, and the whole is one line.
pub(super) fn percent_b(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + bytes.len() / 8);
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "\\0{byte:03o}");
            }
        }
    }
    out
}

/// What a script runs with.
pub(super) struct Setting<'a> {
    pub script: &'a str,
    pub argv: Option<&'a [String]>,
    pub env: &'a [(String, SecretString)],
    pub cwd: Option<&'a str>,
    pub shell: Option<&'a str>,
}

impl Setting<'_> {
    /// The whole as one text for `/bin/sh -e`.
    pub(super) fn text(&self) -> Result<String, LinkError> {
        let mut text = String::new();
        for (name, value) in self.env {
            if !is_name(name) {
                return Err(refused(format!("{name:?} is not the name of a variable")));
            }
            let _ = writeln!(text, "export {name}={}", word(value.expose_secret()));
        }
        if let Some(cwd) = self.cwd {
            let _ = writeln!(text, "cd -- {} || exit 126", word(cwd));
        }
        let words = self.argv.unwrap_or_default().iter().map(|arg| word(arg)).collect::<Vec<_>>().join(" ");
        match (self.script, self.shell) {
            ("", _) if words.is_empty() => {}
            ("", _) => {
                let _ = write!(text, "exec {words}");
            }
            (script, None) => {
                if !words.is_empty() {
                    let _ = writeln!(text, "set -- {words}");
                }
                text.push_str(script);
            }
            (script, Some(shell)) => {
                let _ = write!(
                    text,
                    "REFLOAT_S={}; export REFLOAT_S; exec {} -ec 'eval \"unset REFLOAT_S\n$REFLOAT_S\"' refloat {words}",
                    word(script),
                    word(shell)
                );
            }
        }
        if text.contains('\0') {
            return Err(refused("a script, argument, variable or folder holds a NUL byte".to_owned()));
        }
        if text.len() > MAX_SCRIPT {
            return Err(refused(format!("a script of {} bytes, {MAX_SCRIPT} are possible", text.len())));
        }
        Ok(text)
    }
}

/// Standard input as it travels.
pub(super) fn stdin(bytes: &[u8]) -> Result<String, LinkError> {
    if bytes.len() > MAX_STDIN {
        return Err(refused(format!("{} bytes of standard input, {MAX_STDIN} are possible", bytes.len())));
    }
    Ok(percent_b(bytes))
}

fn refused(reason: String) -> LinkError {
    LinkError::NotStarted { reason }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printf_gets_back_what_was_put_in() {
        assert_eq!(percent_b(b"a b\\c\n\0\x810"), "a b\\\\c\\n\\0000\\02010");
    }

    #[test]
    fn a_value_is_one_word() {
        assert_eq!(word("it's; $(rm)"), r"'it'\''s; $(rm)'");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_before_it_is_sent() {
        let env = [("A B".to_owned(), SecretString::from("x"))];
        let plain = Setting { script: "true", argv: None, env: &[], cwd: None, shell: None };
        assert_eq!(plain.text().expect("plain"), "true");
        for bad in [
            Setting { env: &env, ..plain },
            Setting { cwd: Some("a\0b"), ..plain },
            Setting { script: &"x".repeat(MAX_SCRIPT + 1), ..plain },
        ] {
            assert!(matches!(bad.text(), Err(LinkError::NotStarted { .. })));
        }
    }
}
