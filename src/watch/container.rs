//! The lines of a container's log: each begins with the timestamp that the engine gave to it. Pure.

use jiff::Timestamp;

/// The timestamp and the text of a line. `None`: it lies before the place from which lines count, since engines give the
/// line at the place again, or all of its second. The error is the engine's own word.
pub(super) fn line(line: &[u8], from: &mut Option<Timestamp>) -> Result<Option<(String, String)>, String> {
    let line = String::from_utf8_lossy(line);
    let (timestamp, text) = line.split_once(' ').unwrap_or((&line, ""));
    let Ok(moment) = timestamp.parse::<Timestamp>() else { return Err(line.into_owned()) };
    if from.is_some_and(|from| moment <= from) {
        return Ok(None);
    }
    // behind the first line that counts all do, also when the clock is set back
    *from = None;
    Ok(Some((timestamp.to_owned(), text.to_owned())))
}

/// Why lines may be missing, by the timestamp of the oldest one that there is: the one at the place is gone.
pub(super) fn gone(oldest: &str, from: Option<Timestamp>) -> Option<String> {
    let later = from.is_some_and(|from| oldest.parse().is_ok_and(|oldest: Timestamp| oldest > from));
    later.then(|| "the container's log no longer has the place where it was left".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::lines::Lines;
    use crate::transport::{Cursor, LogCommand, LogSource, log::Place};
    use crate::watch::Followed;

    #[test]
    fn lines_count_from_their_timestamp_on() {
        let command = LogCommand::beside(&["podman", "exec", "-i", "web"].map(str::to_owned)).expect("a command");
        let at = |second: u32| Place::Container(format!("2026-01-01T00:00:0{second}.5Z"));
        let mut lines = Lines::new("MARK", Cursor { source: LogSource::Container(command), at: at(2) });
        lines.feed(b"\nMARK oldest 2026-01-01T00:00:02.5Z\n2026-01-01T00:00:02.1Z old\n2026-01-01T00:00:02.5Z same\n");
        lines.feed(b"2026-01-01T01:00:03.5+01:00 new\n2026-01-01T00:00:01.5Z by a clock that was set back\n");
        lines.feed(b"Error: no such container\n\nMARK ok 0 0:0 7\n\nMARK end\n");
        let text = |text: &str| Followed::Line { text: text.to_owned(), offset: None };
        let blind = Followed::Blind { why: "Error: no such container".to_owned() };
        let seen = Followed::Seen { uptime: std::time::Duration::from_millis(7) };
        let all: Vec<Followed> = lines.ready.drain(..).collect();
        assert_eq!(all, [text("new"), text("by a clock that was set back"), blind, seen]);
        assert_eq!(lines.cursor.at, at(1));
        assert!(lines.ended);
        let mut lines = Lines::new("MARK", lines.cursor);
        lines.feed(b"\nMARK oldest 2026-01-01T00:00:04.5Z\n");
        assert!(matches!(lines.ready.make_contiguous(), [Followed::Gap { .. }]));
    }
}
