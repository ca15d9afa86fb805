//! The portrait of a runbook as text for a terminal, and as markdown.

use std::fmt::Write as _;

use super::past::Past;
use crate::plan::{Line, Named, Portrait, PortraitStep};
use crate::report::{escape, escape_lines, in_markdown};

/// Columns of a line.
const WIDTH: usize = 100;

/// What stands under one heading.
struct Section {
    title: &'static str,
    lines: Vec<Line>,
}

fn named(all: &[Named]) -> impl Iterator<Item = Line> {
    all.iter().map(|one| Line::Point(format!("{}: {}", one.name, one.words)))
}

/// Everything but the head and the steps.
fn sections(portrait: &Portrait, past: &Past) -> Vec<Section> {
    let say = |lines: &[String]| lines.iter().cloned().map(Line::Say).collect::<Vec<_>>();
    let mut touched = say(&portrait.reach_words);
    if !portrait.reach.looks_at.is_empty() {
        let only = if portrait.reach.changes.is_empty() { "Looks at" } else { "Only looks at" };
        touched.push(Line::Say(format!("{only} {}.", portrait.reach.looks_at.words())));
    }
    if !portrait.hosts.is_empty() {
        touched.push(Line::Say("Its names for hosts:".to_owned()));
        touched.extend(named(&portrait.hosts));
    }
    let locks = portrait.locks.iter().map(|lock| Line::Say(format!("At most one run at a time holds `{lock}`.")));
    touched.extend(locks);
    let mut asked: Vec<Line> = named(&portrait.values).collect();
    if !portrait.people.is_empty() {
        asked.push(Line::Say("On the way:".to_owned()));
        asked.extend(named(&portrait.people));
    }
    if asked.is_empty() {
        asked.push(Line::Say("Nothing.".to_owned()));
    }
    let outputs = named(&portrait.outputs).collect();
    let all = [
        ("Who is touched", touched),
        ("What is asked", asked),
        ("What can be undone", say(&portrait.undo)),
        ("What it gives", outputs),
        ("Until now, here", say(&past.lines)),
    ];
    all.into_iter().filter(|(_, lines)| !lines.is_empty()).map(|(title, lines)| Section { title, lines }).collect()
}

/// For a terminal.
pub fn text(portrait: &Portrait, past: &Past) -> String {
    let mut out = String::new();
    let title = portrait.title.as_deref().unwrap_or(&portrait.runbook);
    wrapped(&mut out, title, "", "");
    let owner = portrait.owner.as_ref().map(|owner| format!(", owned by {owner}")).unwrap_or_default();
    wrapped(&mut out, &format!("{}{owner}", portrait.runbook), "", "");
    wrapped(&mut out, &format!("Risk {}: {}.", portrait.risk, portrait.risk_words), "", "");
    if let Some(about) = &portrait.description {
        out.push('\n');
        for words in paragraphs(about) {
            wrapped(&mut out, &words, "  ", "  ");
        }
    }
    for Section { title, lines } in sections(portrait, past) {
        let _ = writeln!(out, "\n{title}");
        for line in &lines {
            text_line(&mut out, line, "  ");
        }
    }
    let _ = writeln!(out, "\nStep by step");
    for step in &portrait.steps {
        let indent = "  ".repeat(step.number.matches('.').count() + 1);
        wrapped(&mut out, &heading(step), &indent, &format!("{indent}   "));
        let inner = format!("{indent}   ");
        if let Some(why) = &step.why {
            wrapped(&mut out, &format!("Why: {}", why.trim()), &inner, &inner);
        }
        for line in &step.lines {
            text_line(&mut out, line, &inner);
        }
    }
    out
}

/// Lines that stand together are one paragraph.
fn paragraphs(text: &str) -> Vec<String> {
    let blocks = text.split("\n\n").map(|block| block.split_whitespace().collect::<Vec<_>>().join(" "));
    blocks.filter(|block| !block.is_empty()).collect()
}

fn heading(step: &PortraitStep) -> String {
    let id = step.step.rsplit('/').next().unwrap_or(&step.step);
    let title = if step.title == id { String::new() } else { format!(" {}", step.title) };
    format!("{}. [{id}]{title}", step.number)
}

fn text_line(out: &mut String, line: &Line, indent: &str) {
    match line {
        Line::Say(words) => wrapped(out, words, indent, indent),
        Line::Point(words) => wrapped(out, words, &format!("{indent}- "), &format!("{indent}  ")),
        // as it is: a command that is broken into lines elsewhere would be another
        Line::Text(text) => {
            for line in escape_lines(text) {
                let _ = writeln!(out, "{indent}    {line}");
            }
        }
    }
}

/// Words in lines that fit; a word that is longer than a line stands in one of its own.
fn wrapped(out: &mut String, words: &str, first: &str, rest: &str) {
    let mut line = first.to_owned();
    let mut empty = true;
    for word in words.split_whitespace().map(escape) {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(out, "{line}");
            rest.clone_into(&mut line);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(&word);
        empty = false;
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

/// For a wiki or a review. Nothing that the author wrote becomes markup.
pub fn markdown(portrait: &Portrait, past: &Past) -> String {
    let mut out = String::new();
    let title = portrait.title.as_deref().unwrap_or(&portrait.runbook);
    let _ = writeln!(out, "# {}\n", in_markdown(title));
    let owner = portrait.owner.as_ref().map(|owner| format!(", owned by {}", in_markdown(owner)));
    let _ = writeln!(out, "{}{}\n", in_markdown(&portrait.runbook), owner.unwrap_or_default());
    let _ = writeln!(out, "**Risk {}**: {}.", portrait.risk, portrait.risk_words);
    if let Some(about) = &portrait.description {
        let paragraphs: Vec<String> = paragraphs(about).iter().map(|words| spans(words)).collect();
        let _ = writeln!(out, "\n{}", paragraphs.join("\n\n"));
    }
    for Section { title, lines } in sections(portrait, past) {
        let _ = writeln!(out, "\n## {title}\n");
        markdown_lines(&mut out, &lines);
    }
    let _ = writeln!(out, "\n## Step by step");
    for step in &portrait.steps {
        let _ = writeln!(out, "\n### {}\n", in_markdown(&heading(step)));
        if let Some(why) = &step.why {
            let _ = writeln!(out, "*Why:* {}\n", in_markdown(why.trim()));
        }
        markdown_lines(&mut out, &step.lines);
    }
    out
}

fn markdown_lines(out: &mut String, lines: &[Line]) {
    let mut before: Option<&Line> = None;
    for line in lines {
        let listed = |line: &Line| matches!(line, Line::Point(_));
        if before.is_some_and(|before| !(listed(before) && listed(line))) {
            out.push('\n');
        }
        match line {
            Line::Say(words) => {
                let _ = writeln!(out, "{}", spans(words));
            }
            Line::Point(words) => {
                let _ = writeln!(out, "- {}", spans(words));
            }
            Line::Text(text) => {
                // longer than any that stands in the text
                let fence = "`".repeat(text.split(|c| c != '`').map(str::len).max().unwrap_or(0).max(2) + 1);
                let _ = writeln!(out, "{fence}\n{}\n{fence}", escape_lines(text).join("\n"));
            }
        }
        before = Some(line);
    }
}

/// A sentence whose parts between backticks stay code; where these do not pair, nothing in it is markup.
fn spans(words: &str) -> String {
    let parts: Vec<&str> = words.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return in_markdown(words);
    }
    let spans = parts.iter().enumerate().map(|(at, part)| match at % 2 {
        0 => in_markdown(part),
        _ => format!("`{}`", escape(&part.split_whitespace().collect::<Vec<_>>().join(" "))),
    });
    spans.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_words_stay_whole() {
        let mut out = String::new();
        let long = "x".repeat(120);
        wrapped(&mut out, &format!("{} {long} end", "word ".repeat(30)), "- ", "  ");
        let lines: Vec<&str> = out.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH || line.trim() == long), "{out}");
        assert_eq!(out.matches("word").count(), 30);
        assert!(lines[0].starts_with("- word") && lines[1].starts_with("  word"), "{out}");
    }

    #[test]
    fn what_an_author_writes_is_no_markup() {
        assert_eq!(spans("a `b*c` d*e"), "a `b*c` d\\*e");
        assert_eq!(spans("a ` b*c"), "a \\` b\\*c");
        let mut out = String::new();
        markdown_lines(&mut out, &[Line::Text("```\n# no".to_owned())]);
        assert_eq!(out, "````\n```\n# no\n````\n");
    }
}
