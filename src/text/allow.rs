//! Warnings that an author allows in place: `# refloat: allow(NAME) why`, at the end of a line or on a line of its own
//! before it. It counts for that line and what is indented below it, so above `run: |` for the whole script.

use crate::base::codes;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::base::span::{SourceId, Span};

const WORDS: &str = "refloat: allow(";

/// Reads the allowances of a text: from now on what they allow is not recorded.
pub fn allowances(source: SourceId, text: &str, diags: &Diagnostics) {
    if !text.contains(WORDS) {
        return;
    }
    let mut starts: Vec<usize> = vec![0];
    starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
    let line = |n: usize| -> &str {
        let end = starts.get(n + 1).map_or(text.len(), |next| next - 1);
        &text[starts[n]..end]
    };
    for n in 0..starts.len() {
        let Some(comment) = comment(line(n)) else { continue };
        let at = starts[n] + comment;
        let (names, reason, names_at) = parts(&text[at..starts[n] + line(n).len()]);
        let whole = Span::new(source, at..starts[n] + line(n).trim_end().len());
        if reason.is_empty() {
            diags.push(
                Diagnostic::error("allow-without-reason", whole, "a warning is allowed without a reason")
                    .help("write after it why that is right: `# refloat: allow(NAME) reason`"),
            );
        }
        let alone = is_comment(line(n));
        let first = if alone { (n + 1..starts.len()).find(|n| !is_comment(line(*n))) } else { Some(n) };
        let place = first.map(|first| {
            let deep = indent(line(first));
            let below = |n: &usize| line(*n).trim().is_empty() || indent(line(*n)) > deep;
            let last = (first + 1..starts.len()).take_while(below).last().unwrap_or(first);
            Span::new(source, starts[first]..starts[last] + line(last).len())
        });
        let mut name_at = at + names_at;
        for name in names.split(',') {
            let start = name_at + (name.len() - name.trim_start().len());
            name_at += name.len() + 1;
            let name = name.trim();
            match (codes::warnings().find(|known| *known == name), place) {
                (Some(code), Some(place)) => diags.allow(code, place),
                (Some(_), None) => {}
                (None, _) => diags.push(unknown(name, Span::new(source, start..start + name.len()))),
            }
        }
    }
}

fn unknown(name: &str, at: Span) -> Diagnostic {
    if codes::find(name).is_some() {
        return Diagnostic::error("unknown-warning", at, format!("`{name}` is an error, and errors cannot be allowed"));
    }
    let help = nearest(name, codes::warnings()).map_or_else(
        || format!("the warnings are: {}", codes::warnings().collect::<Vec<_>>().join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    Diagnostic::error("unknown-warning", at, format!("there is no warning `{name}`")).help(help)
}

/// Where the words begin, if the line has them in a comment.
fn comment(line: &str) -> Option<usize> {
    let at = line.find(WORDS)?;
    let before = line[..at].trim_end();
    let (rest, sign) = ["#", "{{!", "{{!--"].iter().find_map(|sign| Some((before.strip_suffix(sign)?, sign)))?;
    (rest.is_empty() || rest.ends_with([' ', '\t']) || sign.starts_with('{')).then_some(at)
}

/// The names, the reason, and where the names begin.
fn parts(words: &str) -> (&str, &str, usize) {
    let names = &words[WORDS.len()..];
    let (names, reason) = names.split_once(')').unwrap_or((names, ""));
    (names, reason.trim_end().trim_end_matches("}}").trim_matches(['-', ' ', ':', '\t']), WORDS.len())
}

fn is_comment(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#') || line.starts_with("{{!")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a text, and whether `sudo-in-run` is allowed at the word `HERE`.
    fn read(text: &str) -> (Vec<&'static str>, bool) {
        let diags = Diagnostics::new();
        allowances(SourceId(0), text, &diags);
        let said = diags.sorted().iter().map(|d| d.code).collect();
        let at = text.find("HERE").expect("a place");
        let before = diags.sorted().len();
        diags.push(Diagnostic::warning("sudo-in-run", Span::new(SourceId(0), at..at + 4), "x"));
        (said, diags.sorted().len() == before)
    }

    #[test]
    fn an_allowance_counts_for_its_line_and_what_is_below_it() {
        for (text, allowed) in [
            ("a: HERE # refloat: allow(sudo-in-run) a box without PAM", true),
            ("# refloat: allow(sudo-in-run) why\na: HERE", true),
            ("# refloat: allow(sudo-in-run, raw-value) why\n\n# more\na: HERE", true),
            ("# refloat: allow(raw-value) why\na: HERE", false),
            ("# refloat: allow(sudo-in-run) why\nb: 1\na: HERE", false),
            ("# refloat: allow(sudo-in-run) why\nrun: |\n  one\n\n  HERE\nb: 1", true),
            ("- run: | # refloat: allow(sudo-in-run) why\n    HERE", true),
            ("- run: a # refloat: allow(sudo-in-run) why\n- run: HERE", false),
            ("{{!-- refloat: allow(sudo-in-run) why --}}\nHERE", true),
            ("x# refloat: allow(sudo-in-run) why\n HERE", false),
        ] {
            assert_eq!(read(text), (vec![], allowed), "{text}");
        }
    }

    #[test]
    fn unknown_names_and_missing_reasons_are_errors() {
        assert_eq!(read("a: HERE # refloat: allow(sudo-in-runs) why"), (vec!["unknown-warning"], false));
        assert_eq!(read("a: HERE # refloat: allow(wrong-type) why"), (vec!["unknown-warning"], false));
        assert_eq!(read("a: HERE # refloat: allow(sudo-in-run)"), (vec!["allow-without-reason"], true));
        assert_eq!(read("{{! refloat: allow(sudo-in-run) }}\nHERE"), (vec!["allow-without-reason"], true));
    }
}
