//! Small words with a meaning: durations, sizes, file modes, amounts, identifiers.
//!
//! Each is a type with `FromStr` (exact errors that say what to write) and `Deserialize`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// Why a word is not what was expected; complete enough to be a diagnostic's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScalarError {
    /// A number without unit.
    #[error("`{0}` has no unit: write `{0}s` for seconds, `{0}m` for minutes")]
    NoUnit(String),
    /// Not a duration.
    #[error("`{0}` is not a duration such as `30s`, `5m`, `1h30m`, `500ms` or `2d`")]
    Duration(String),
    /// Not a size.
    #[error("`{0}` is not a size such as `512`, `10MiB` or `1G`")]
    Size(String),
    /// Not a mode.
    #[error("`{0}` is not a file mode: write it in quotes, such as \"0640\"")]
    Mode(String),
    /// Not an amount.
    #[error("`{0}` is not an amount: write a number of hosts, or a share such as \"25%\"")]
    Amount(String),
}

/// A span of time, written `30s`, `5m`, `1h30m`, `500ms`, `2d` (a day is 24 hours).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dur(pub Duration);

impl Dur {
    /// So many seconds.
    #[must_use]
    pub const fn secs(n: u64) -> Self {
        Self(Duration::from_secs(n))
    }
}

impl From<Dur> for Duration {
    fn from(dur: Dur) -> Self {
        dur.0
    }
}

/// The milliseconds of each unit, largest first.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl FromStr for Dur {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let bad = || ScalarError::Duration(text.to_owned());
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return if text == "0" { Ok(Self::default()) } else { Err(ScalarError::NoUnit(text.to_owned())) };
        }
        let (mut rest, mut total, mut largest) = (text, 0_u64, u64::MAX);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number: u64 = rest[..digits].parse().map_err(|_| bad())?;
            let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
            let word = &rest[digits..digits + letters];
            let (_, unit) = UNITS.iter().find(|(name, _)| *name == word).ok_or_else(bad)?;
            if *unit >= largest {
                return Err(bad());
            }
            largest = *unit;
            total = number.checked_mul(*unit).and_then(|n| total.checked_add(n)).ok_or_else(bad)?;
            rest = &rest[digits + letters..];
        }
        if largest == u64::MAX { Err(bad()) } else { Ok(Self(Duration::from_millis(total))) }
    }
}

impl fmt::Display for Dur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (name, unit) in UNITS {
            // days are read but not shown: "36h" is plainer than "1d12h"
            if name != "d" && rest >= unit {
                write!(f, "{}{name}", rest / unit)?;
                rest %= unit;
            }
        }
        Ok(())
    }
}

/// A number of bytes, written `512`, `10MiB`, `64K`, `1G` (K, M, G, T are 1024-based, as `KiB`…; `KB`, `MB`… are decimal).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let bad = || ScalarError::Size(text.to_owned());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = text[..digits].parse().map_err(|_| bad())?;
        let unit: u64 = match text[digits..].trim_start() {
            "" | "B" => 1,
            "K" | "KiB" => 1 << 10,
            "M" | "MiB" => 1 << 20,
            "G" | "GiB" => 1 << 30,
            "T" | "TiB" => 1 << 40,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            _ => return Err(bad()),
        };
        number.checked_mul(unit).map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, unit) in [("TiB", 1_u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
            if self.0 >= unit && self.0.is_multiple_of(unit) {
                return write!(f, "{}{name}", self.0 / unit);
            }
        }
        write!(f, "{}", self.0)
    }
}

/// The permission bits of a file, written `"0640"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mode(pub u32);

impl FromStr for Mode {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let bad = || ScalarError::Mode(text.to_owned());
        let octal = text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        if !octal || !(3..=5).contains(&text.len()) || (text.len() == 5 && !text.starts_with('0')) {
            return Err(bad());
        }
        u32::from_str_radix(text, 8).map(Self).map_err(|_| bad())
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// So many hosts, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Amount {
    /// A number of hosts.
    Number(u32),
    /// A share, 0 to 100.
    Percent(u8),
}

impl Amount {
    /// How many of `all` this is, a share rounded down.
    #[must_use]
    pub fn of(self, all: usize) -> usize {
        match self {
            Self::Number(n) => n as usize,
            Self::Percent(p) => all * usize::from(p) / 100,
        }
    }

    /// How many of `all` this is, a share rounded up: for "at least".
    #[must_use]
    pub fn of_rounded_up(self, all: usize) -> usize {
        match self {
            Self::Number(n) => n as usize,
            Self::Percent(p) => (all * usize::from(p)).div_ceil(100),
        }
    }
}

impl FromStr for Amount {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let bad = || ScalarError::Amount(text.to_owned());
        let plain = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        match text.strip_suffix('%') {
            Some(share) if plain(share) => share.parse().ok().filter(|p| *p <= 100).map(Self::Percent).ok_or_else(bad),
            None if plain(text) => text.parse().map(Self::Number).map_err(|_| bad()),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => write!(f, "{n}"),
            Self::Percent(p) => write!(f, "{p}%"),
        }
    }
}

/// Reads a word by `FromStr`; whole numbers are given to it as their digits.
struct WordVisitor<T>(&'static str, std::marker::PhantomData<T>);

impl<T: FromStr<Err = ScalarError>> Visitor<'_> for WordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<T, E> {
        n.to_string().parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, n: i64) -> Result<T, E> {
        n.to_string().parse().map_err(E::custom)
    }

    fn visit_i128<E: de::Error>(self, n: i128) -> Result<T, E> {
        n.to_string().parse().map_err(E::custom)
    }
}

macro_rules! word {
    ($type:ty, $expected:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(WordVisitor($expected, std::marker::PhantomData))
            }
        }
    };
}

word!(Dur, "a duration such as `30s`");
word!(Size, "a size such as `10MiB`");
word!(Amount, "a number or a share such as \"25%\"");

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ModeVisitor;
        impl Visitor<'_> for ModeVisitor {
            type Value = Mode;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file mode in quotes, such as \"0640\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Mode, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(ModeVisitor)
    }
}

/// Whether a word is a `kebab-case` id: lower-case letters, digits and single dashes, a letter first.
#[must_use]
pub fn is_kebab(word: &str) -> bool {
    is_case(word, b'-')
}

/// Whether a word is a `snake_case` name: lower-case letters, digits and single underscores, a letter first.
#[must_use]
pub fn is_snake(word: &str) -> bool {
    is_case(word, b'_')
}

fn is_case(word: &str, joint: u8) -> bool {
    let joint_text = char::from(joint);
    word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == joint)
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.split(joint_text).all(|part| !part.is_empty())
}

/// The kebab-case id of a title: "Is it safe to write?" is `is-it-safe-to-write`. Empty when nothing of it is left.
#[must_use]
pub fn slug(title: &str) -> String {
    let mut id = String::new();
    for c in title.chars() {
        if c.is_ascii_alphanumeric() {
            id.push(c.to_ascii_lowercase());
        } else if !matches!(c, '\'' | '’') && !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    let id = id.trim_end_matches('-');
    let start = id.find(|c: char| c.is_ascii_lowercase()).unwrap_or(id.len());
    id[start..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Result<u128, ScalarError> {
        text.parse::<Dur>().map(|d| d.0.as_millis())
    }

    #[test]
    fn durations_are_exact_words() {
        assert_eq!(millis("30s"), Ok(30_000));
        assert_eq!(millis("1h30m"), Ok(5_400_000));
        assert_eq!(millis("500ms"), Ok(500));
        assert_eq!(millis("1m500ms"), Ok(60_500));
        assert_eq!(millis("2d"), Ok(172_800_000));
        assert_eq!(millis("0"), Ok(0));
        assert_eq!(millis("5"), Err(ScalarError::NoUnit("5".into())));
        for bad in
            ["", "s", "5x", "1m1h", "1s1s", "-5s", "1.5h", "5 s", "99999999999999999999s", "999999999999999999d", "5µs"]
        {
            assert_eq!(millis(bad), Err(ScalarError::Duration(bad.into())), "{bad}");
        }
    }

    #[test]
    fn durations_are_shown_as_they_are_read() {
        for text in ["30s", "5m", "1h30m", "500ms", "48h", "1m500ms"] {
            assert_eq!(text.parse::<Dur>().unwrap().to_string(), text);
        }
        assert_eq!(Dur::secs(0).to_string(), "0s");
    }

    #[test]
    fn sizes_modes_amounts() {
        assert_eq!("10MiB".parse(), Ok(Size(10 << 20)));
        assert_eq!("1G".parse(), Ok(Size(1 << 30)));
        assert_eq!("2 kB".parse(), Ok(Size(2000)));
        assert_eq!("512".parse(), Ok(Size(512)));
        assert!("99999999999T".parse::<Size>().is_err());
        assert!("é".parse::<Size>().is_err());
        assert_eq!(Size(10 << 20).to_string(), "10MiB");
        assert_eq!("0640".parse(), Ok(Mode(0o640)));
        assert_eq!("04755".parse(), Ok(Mode(0o4755)));
        assert_eq!(Mode(0o640).to_string(), "0640");
        assert!("0888".parse::<Mode>().is_err());
        assert!("64".parse::<Mode>().is_err());
        assert_eq!("25%".parse(), Ok(Amount::Percent(25)));
        assert_eq!("3".parse(), Ok(Amount::Number(3)));
        assert!("101%".parse::<Amount>().is_err());
        assert!("+3".parse::<Amount>().is_err());
        assert_eq!(Amount::Percent(25).of(7), 1);
        assert_eq!(Amount::Percent(25).of_rounded_up(7), 2);
    }

    #[test]
    fn identifiers() {
        assert!(is_kebab("fence-service") && is_kebab("a1"));
        assert!(!is_kebab("Fence") && !is_kebab("a--b") && !is_kebab("-a") && !is_kebab("a_b") && !is_kebab(""));
        assert!(is_snake("data_dir") && !is_snake("data-dir") && !is_snake("1a"));
        assert_eq!(slug("Is it safe to write peers.json?"), "is-it-safe-to-write-peers-json");
        assert_eq!(slug("Don't stop"), "dont-stop");
        assert_eq!(slug("3 of 5 – über"), "of-5-ber");
        assert_eq!(slug("???"), "");
        for title in ["A  b", "x.", "Ünï code"] {
            assert!(is_kebab(&slug(title)), "{title}");
        }
    }
}
