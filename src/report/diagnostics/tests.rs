//! Diagnostics as people and programs see them.

use super::*;

const SEVERAL: &str = r#"  × unknown key `hots` [unknown-key]
   ╭─[quorum-loss.yaml:3:5]
 2 │ steps:
 3 │   - hots: "ü web"
   ·     ────
 4 │     timeout: 5
   ╰────
  help: did you mean `hosts`?

  ⚠ no such group [other]
   ╭─[quorum-loss.yaml:3:14]
 1 │ runbook: a/b
   ·          ─┬─
   ·           ╰── used by
 2 │ steps:
 3 │   - hots: "ü web"
   ·              ─┬─
   ·               ╰── not in the inventory
 4 │     timeout: 5
   ╰────

  × no inventory was given [no-inventory]

2 errors, 1 warning in quorum-loss.yaml
"#;
const ELSEWHERE: &str = r"  × two values [conflict]
   ╭─[a.yaml:1:4]
 1 │ x: 1
   ·    ─
   ╰────
  ☞ the other value
   ╭─[b.yaml:1:4]
 1 │ y: 2
   ·    ─
   ╰────

1 error in a.yaml
";

fn span(text: &str, part: &str) -> Span {
    let start = text.find(part).unwrap();
    Span::new(SourceId(0), start..start + part.len())
}

fn one(text: &str, diagnostic: &Diagnostic) -> String {
    let mut sources = Sources::default();
    sources.add("quorum-loss.yaml", text);
    render(&sources, std::slice::from_ref(diagnostic), 100, false)
}

#[test]
fn several_findings_with_carets_under_their_words() {
    let text = "runbook: a/b\nsteps:\n  - hots: \"ü web\"\n    timeout: 5\n";
    let mut sources = Sources::default();
    sources.add("quorum-loss.yaml", text);
    let found = [
        Diagnostic::error("unknown-key", span(text, "hots"), "unknown key `hots`").help("did you mean `hosts`?"),
        Diagnostic::warning("other", span(text, "web"), "no such group")
            .label("not in the inventory")
            .and(span(text, "a/b"), "used by"),
        Diagnostic::placeless("no-inventory", "no inventory was given"),
    ];
    assert_eq!(render(&sources, &found, 100, false), SEVERAL);
}

#[test]
fn places_in_other_texts_have_their_own_snippet() {
    let mut sources = Sources::default();
    sources.add("a.yaml", "x: 1\n");
    let second = sources.add("b.yaml", "y: 2\n");
    let found = Diagnostic::error("conflict", Span::new(SourceId(0), 3..4), "two values")
        .and(Span::new(second, 3..4), "the other value");
    assert_eq!(render(&sources, &[found], 100, false), ELSEWHERE);
}

#[test]
fn odd_places_are_drawn_all_the_same() {
    for text in ["", "a", "a\n", "a\r\nb", "\ta: b", "é\n\n"] {
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            for end in (at..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                let shown =
                    one(text, &Diagnostic::error("code", Span::new(SourceId(0), at..end), "words").help("help"));
                assert!(
                    shown.contains("quorum-loss.yaml:") && shown.contains("words") && shown.contains("help"),
                    "{text:?} {at}..{end}\n{shown}"
                );
            }
        }
    }
}

#[test]
fn a_span_over_several_lines_is_shown_by_its_first() {
    let text = "steps:\n  - a\n  - b\n";
    let shown = one(text, &Diagnostic::error("code", span(text, "- a\n  - b"), "words"));
    assert!(shown.contains("- a") && shown.contains("───"), "{shown}");
}

#[test]
fn texts_cannot_write_to_the_terminal() {
    let text = "a: \u{1b}[31mred \u{9b}x \u{202e}y\n";
    let shown = one(text, &Diagnostic::error("code", span(text, "y"), "words \u{1b}[2J").label("\u{7}"));
    assert!(shown.contains("?[31mred"), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7}']));
}

#[test]
fn colour_only_when_asked() {
    let mut sources = Sources::default();
    sources.add("a.yaml", "x: 1\n");
    let found = [Diagnostic::error("code", Span::new(SourceId(0), 0..1), "words")];
    assert!(!render(&sources, &found, 80, false).contains('\u{1b}'));
    assert!(render(&sources, &found, 80, true).contains("\u{1b}["));
}

#[test]
fn the_summary_counts() {
    let mut sources = Sources::default();
    let ids = [sources.add("a", ""), sources.add("b", ""), sources.add("c", "")];
    let at = |n: usize| Span::new(ids[n], 0..0);
    let error = |n| Diagnostic::error("c", at(n), "m");
    assert_eq!(
        summary(&sources, &[error(0), error(0), Diagnostic::warning("c", at(0), "m")]),
        "2 errors, 1 warning in a"
    );
    assert_eq!(summary(&sources, &[error(0), error(1)]), "2 errors in a and b");
    assert_eq!(summary(&sources, &[error(0), error(1), error(2)]), "3 errors in 3 files");
    assert_eq!(summary(&sources, &[Diagnostic::placeless("c", "m")]), "1 error");
}

#[test]
fn json_has_places_in_characters() {
    let mut sources = Sources::default();
    sources.add("a.yaml", "é: ü\n");
    let found = Diagnostic::error("code", Span::new(SourceId(0), 4..6), "words")
        .and(Span::new(SourceId(0), 0..2), "key")
        .help("h");
    let value = json(&sources, &[found]);
    assert_eq!(value["errors"], 1);
    let first = &value["diagnostics"][0];
    assert_eq!(
        first["place"],
        json!({ "file": "a.yaml", "line": 1, "column": 4, "end_line": 1, "end_column": 5, "start": 4, "end": 6 })
    );
    assert_eq!(first["others"][0]["place"]["column"], 1);
    assert_eq!(first["help"], "h");
}
