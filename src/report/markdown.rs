//! A run as markdown: the draft of a post-mortem.

use std::fmt::Write as _;

use super::escape::escape;
use super::paint::{time_of_day, took};
use super::timeline::Report;

impl Report<'_> {
    /// As markdown. Text from outside can neither become markup nor leave its cell.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        let header = self.state.header();
        let mut line = |text: &str| {
            let _ = writeln!(out, "{text}");
        };
        line(&format!("# {}", in_markdown(header.title.as_str())));
        line("");
        line(&format!("Run `{}` of {}", header.run, in_markdown(&header.runbook)));
        line("");
        for (name, value) in self.facts() {
            line(&format!("- {name}: {}", in_markdown(&value)));
        }
        line("");
        let verdict = self.verdict();
        if let Some((first, rest)) = verdict.split_first() {
            line(&format!("**{}**", in_markdown(first)));
            line("");
            for text in rest {
                line(&format!("- {}", in_markdown(text.trim())));
            }
        }
        for (title, rows) in self.sections() {
            line("");
            line(&format!("## {title}"));
            line("");
            if rows.is_empty() {
                line("nothing");
                continue;
            }
            line("| step | host | outcome | took | |");
            line("|---|---|---|---|---|");
            for row in rows {
                let time = row.millis.map_or_else(String::new, took);
                let outcome = in_markdown(&row.outcome.replace('_', " "));
                let (step, host, note) = (in_markdown(&row.step), in_markdown(&row.host), in_markdown(&row.note));
                line(&format!("| {step} | {host} | {outcome} | {time} | {note} |"));
            }
        }
        let evidence = self.evidence();
        if !evidence.is_empty() {
            line("");
            line("## evidence");
            line("");
            for text in evidence {
                line(&format!("- {}", in_markdown(&text)));
            }
        }
        line("");
        line("## timeline");
        line("");
        for (event, (symbol, text)) in self.timeline() {
            line(&format!("- {} {symbol} {}", time_of_day(event.at), in_markdown(&text)));
        }
        if let Some(head) = self.head {
            line("");
            line(&format!("Journal `{}` after {} events", head.digest, head.seq));
        }
        out
    }
}

/// Text from outside as markdown that means only itself.
#[must_use]
pub fn in_markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in escape(text).chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}
