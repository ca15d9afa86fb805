//! Versions as programs print them: numbers between points, an optional pre-release, build metadata that does not
//! count (`v1.10.2-rc1+ent`).

use std::cmp::Ordering;
use std::fmt;

/// A version. Equal and ordered by its numbers and pre-release, not by its spelling.
#[derive(Clone, Debug)]
pub struct Version {
    text: String,
    numbers: Vec<u64>,
    pre: Option<Vec<Part>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

impl Version {
    /// Reads a version; `None` when the text is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let body = text.strip_prefix('v').unwrap_or(text);
        let body = body.split_once('+').map_or(body, |(before, _)| before);
        let (numbers, pre) = body.split_once('-').map_or((body, None), |(n, p)| (n, Some(p)));
        let mut numbers = numbers.split('.').map(|n| n.parse().ok()).collect::<Option<Vec<u64>>>()?;
        // 1.2 and 1.2.0 are the same version.
        while numbers.len() > 1 && numbers.last() == Some(&0) {
            numbers.pop();
        }
        let part = |p: &str| p.parse().map_or_else(|_| Part::Word(p.to_owned()), Part::Number);
        let pre = pre.map(|p| p.split(['.', '-']).map(part).collect());
        Some(Self { text: text.to_owned(), numbers, pre })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (&self.pre, &other.pre) {
            (None, None) => Ordering::Equal,
            // A pre-release comes before its release.
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => a.cmp(b),
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_are_ordered_by_number_and_pre_release() {
        let sorted = ["1.2.3-beta1", "1.2.3-rc1", "1.2.3", "1.2.10", "1.10.0", "2"];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                let (a, b) = (Version::parse(a).expect("a version"), Version::parse(b).expect("a version"));
                assert_eq!(a.cmp(&b), i.cmp(&j), "{a} {b}");
            }
        }
        assert_eq!(Version::parse("v1.17.0+ent"), Version::parse("1.17"));
        for no in ["", "x", "1.x", "1..2", "-1"] {
            assert!(Version::parse(no).is_none(), "{no}");
        }
    }
}
