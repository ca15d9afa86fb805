//! Text from outside, made harmless for a terminal: the only way from a host, a runbook or a person to the screen.

use std::fmt::Write as _;

/// The text in one line, with everything that steers a terminal or reorders text made visible: C0 and C1 controls, ESC,
/// bidirectional and invisible characters, line and paragraph separators.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if steers(c) => {
                // Writing into a String cannot fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

/// The text line by line, each escaped; tabs become spaces, and a final newline gives no empty line.
#[must_use]
pub fn escape_lines(text: &str) -> Vec<String> {
    text.lines().map(|line| escape(&line.replace('\t', "    "))).collect()
}

/// Whether a character steers a terminal, reorders text or cannot be seen.
pub(super) fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_steers_a_terminal_is_made_visible_and_the_rest_is_left() {
        let table = [
            ("plain ünïcode 日本 ✓", "plain ünïcode 日本 ✓"),
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            ("\u{1b}[2J\u{1b}]52;c;aGk=\u{7}", "\\u{1b}[2J\\u{1b}]52;c;aGk=\\u{7}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("abc\u{202e}fed", "abc\\u{202e}fed"),
            ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
        ];
        for (text, safe) in table {
            assert_eq!(escape(text), safe);
        }
        assert_eq!(escape_lines("one\n\ttwo\n"), ["one", "    two"]);
    }

    proptest! {
        #[test]
        fn nothing_that_steers_is_left(text in any::<String>()) {
            prop_assert!(!escape(&text).chars().any(steers));
            prop_assert!(!escape_lines(&text).iter().any(|line| line.chars().any(steers)));
        }
    }
}
