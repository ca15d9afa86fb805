//! Ranges of names: `consul-[1:5]`, `web-[01:40]`. Both ends are included; leading zeros set the width.

/// The most names that one range may stand for.
const MAX_NAMES: u64 = 10_000;

/// `prefix[from:to]suffix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    prefix: String,
    suffix: String,
    from: u64,
    to: u64,
    width: usize,
}

/// Why a text with brackets is not a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RangeError {
    #[error("a range is written [1:5]")]
    Form,
    #[error("a name can hold one range")]
    Several,
    #[error("the range ends before it begins")]
    Backwards,
    #[error("a range can stand for at most {MAX_NAMES} names")]
    Large,
}

impl Range {
    /// The range in a name, if there are brackets in it.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, RangeError> {
        if !text.contains(['[', ']']) {
            return Ok(None);
        }
        let (prefix, rest) = text.split_once('[').ok_or(RangeError::Form)?;
        let (inside, suffix) = rest.split_once(']').ok_or(RangeError::Form)?;
        if suffix.contains('[') {
            return Err(RangeError::Several);
        }
        let (from, to) = inside.split_once(':').ok_or(RangeError::Form)?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse::<u64>().ok()).flatten().ok_or(RangeError::Form)
        };
        let width = if from.starts_with('0') { from.len() } else { 0 };
        let range = Self { prefix: prefix.into(), suffix: suffix.into(), from: number(from)?, to: number(to)?, width };
        if prefix.contains(']') || suffix.contains(']') {
            return Err(RangeError::Form);
        }
        if range.to < range.from {
            return Err(RangeError::Backwards);
        }
        if range.to - range.from >= MAX_NAMES {
            return Err(RangeError::Large);
        }
        Ok(Some(range))
    }

    /// Each name with its number.
    pub(super) fn names(&self) -> impl Iterator<Item = (String, u64)> + '_ {
        (self.from..=self.to).map(|n| (self.name(n), n))
    }

    fn name(&self, n: u64) -> String {
        format!("{}{n:0width$}{}", self.prefix, self.suffix, width = self.width)
    }
}

/// For people: `consul-1 to consul-5`.
impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", self.name(self.from), self.name(self.to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        Range::parse(text).unwrap().unwrap().names().map(|(name, _)| name).collect()
    }

    #[test]
    fn both_ends_are_included_and_zeros_set_the_width() {
        assert_eq!(names("consul-[1:3]"), ["consul-1", "consul-2", "consul-3"]);
        assert_eq!(names("web-[09:11].eu"), ["web-09.eu", "web-10.eu", "web-11.eu"]);
        assert_eq!(names("a[0:1]"), ["a0", "a1"]);
        assert_eq!(names("a[7:7]"), ["a7"]);
        assert_eq!(names("web-[01:40]").len(), 40);
        assert_eq!(Range::parse("web-1"), Ok(None));
    }

    #[test]
    fn what_is_no_range_says_why() {
        for (text, error) in [
            ("a[1:2", RangeError::Form),
            ("a]1:2[", RangeError::Form),
            ("a[1]", RangeError::Form),
            ("a[x:y]", RangeError::Form),
            ("a[:2]", RangeError::Form),
            ("a[+1:2]", RangeError::Form),
            ("a[99999999999999999999:2]", RangeError::Form),
            ("a[1:2]b[1:2]", RangeError::Several),
            ("a[3:2]", RangeError::Backwards),
            ("a[1:10001]", RangeError::Large),
        ] {
            assert_eq!(Range::parse(text), Err(error), "{text}");
        }
    }
}
