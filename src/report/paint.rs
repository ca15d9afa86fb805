//! How things look: colours, symbols, columns, times.

use anstyle::{AnsiColor, Style};

use crate::base::clock::Timestamp;
use crate::event::{Forecast, GuardVerdict, Outcome, StepOutcome};

/// What a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whether colours are wanted.
    pub colour: bool,
    /// Columns.
    pub width: usize,
    /// Lines.
    pub height: usize,
}

impl Look {
    /// No colours, a page of ordinary width.
    pub const PLAIN: Self = Self { colour: false, width: 120, height: 40 };

    /// The terminal behind standard output.
    #[must_use]
    pub fn of_stdout() -> Self {
        let out = std::io::stdout();
        let colour = anstream::AutoStream::choice(&out) != anstream::ColorChoice::Never;
        let size = rustix::termios::tcgetwinsize(&out).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
        let (width, height) = size.map_or((80, 24), |size| (size.ws_col.into(), size.ws_row.into()));
        Self { colour, width, height }
    }

    /// The text in a style, when colours are wanted.
    pub(super) fn paint(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();

/// What kind of thing a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Not known, or to be looked at.
    Doubt,
    /// Not wanted.
    Skip,
    /// A person is asked, or answers.
    Ask,
    /// Something begins.
    Start,
    /// For the record.
    Fact,
}

impl Mark {
    pub(super) fn symbol(self) -> char {
        match self {
            Self::Good => '✓',
            Self::Bad => '✗',
            Self::Doubt => '!',
            Self::Skip => '-',
            Self::Ask => '?',
            Self::Start => '▸',
            Self::Fact => '·',
        }
    }

    pub(super) fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Doubt => AnsiColor::Yellow.on_default().bold(),
            Self::Ask => AnsiColor::Cyan.on_default().bold(),
            Self::Start => BOLD,
            Self::Skip | Self::Fact => DIM,
        }
    }

    pub(super) fn of_outcome(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Ok | Outcome::Changed => Self::Good,
            Outcome::Skipped { .. } => Self::Skip,
            Outcome::Failed { .. } | Outcome::TimedOut { .. } | Outcome::Unreachable { .. } => Self::Bad,
            Outcome::Cancelled { .. } | Outcome::Unknown { .. } => Self::Doubt,
        }
    }

    pub(super) fn of_step(outcome: &StepOutcome) -> Self {
        match outcome {
            StepOutcome::Ok | StepOutcome::Changed => Self::Good,
            StepOutcome::Skipped { .. } => Self::Skip,
            StepOutcome::Refused { .. } | StepOutcome::Failed { .. } => Self::Bad,
            StepOutcome::Cancelled { .. } | StepOutcome::Unknown { .. } => Self::Doubt,
        }
    }

    pub(super) fn of_guard(verdict: GuardVerdict) -> Self {
        match verdict {
            GuardVerdict::Holds => Self::Good,
            GuardVerdict::Fails => Self::Bad,
            GuardVerdict::Unknown => Self::Doubt,
        }
    }

    pub(super) fn of_forecast(forecast: &Forecast) -> Self {
        match forecast {
            Forecast::Holds | Forecast::Absent { .. } => Self::Good,
            Forecast::Known { .. } => Self::Fact,
            Forecast::WouldChange { .. } | Forecast::WouldRun { .. } => Self::Start,
            Forecast::WouldAsk { .. } => Self::Ask,
            Forecast::Blocked { .. } => Self::Bad,
            Forecast::Skipped { .. } => Self::Skip,
            Forecast::UnknownUntil { .. } => Self::Doubt,
        }
    }
}

/// The words for an outcome: as its name, with a space.
pub(super) fn outcome_words(outcome: &Outcome) -> String {
    outcome.name().replace('_', " ")
}

/// How long something took.
pub(super) fn took(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..10 => format!("{seconds}.{} s", millis % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// How long between two moments.
pub(super) fn between(from: Timestamp, to: Timestamp) -> String {
    took(u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX))
}

/// The time of day, `14:08:47.835Z`.
pub(super) fn time_of_day(at: Timestamp) -> String {
    let full = at.rfc3339();
    full.split_once('T').map_or_else(|| full.clone(), |(_, time)| time.to_owned())
}

/// The text padded to a width, in characters.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}

/// How many columns a terminal gives a character; combining ones are counted as well, so this is never too small.
fn columns(c: char) -> usize {
    let wide = matches!(u32::from(c),
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60
        | 0xffe0..=0xffe6 | 0x1_f300..=0x1_faff | 0x2_0000..=0x3_fffd);
    if wide { 2 } else { 1 }
}

/// The text cut to a width in columns, with a sign that it was cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().map(columns).sum::<usize>() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |c: &char| {
        let wide = columns(*c);
        let fits = wide <= left;
        left = left.saturating_sub(wide);
        fits
    };
    let mut short: String = text.chars().take_while(fits).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_fine_as_they_are_short() {
        let table = [
            (0, "0.0 s"),
            (1299, "1.2 s"),
            (9999, "9.9 s"),
            (10_000, "10 s"),
            (61_000, "1 min 01 s"),
            (3_720_000, "1 h 02 min"),
        ];
        for (millis, words) in table {
            assert_eq!(took(millis), words);
        }
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
    }
}
