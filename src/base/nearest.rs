//! "Did you mean": the nearest of the known names.

/// So many names are compared with a wrong one, at most: a text with thousands of names may have thousands of mistakes.
const COMPARED: usize = 200;

/// The known name that is nearest to `wrong`, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (length, letters) = shape(wrong);
    // cheap to see: too many letters more or less, or other ones
    let may_be_meant = |name: &&str| {
        let (other, others) = shape(name);
        let most = slips(length.min(other));
        length.abs_diff(other) <= most && (letters ^ others).count_ones() as usize <= 2 * most
    };
    known
        .into_iter()
        .filter(may_be_meant)
        .take(COMPARED)
        .map(|name| (distance(wrong, name), name))
        .filter(|(d, name)| *d <= slips(name.chars().count().min(length)))
        .min_by_key(|(d, _)| *d)
        .map(|(_, name)| name)
}

/// How long a word is and which letters are in it; letters may share a bit.
fn shape(word: &str) -> (usize, u64) {
    word.chars().fold((0, 0), |(length, letters), c| (length + 1, letters | 1 << (u32::from(c) % 64)))
}

/// How many slips a word of this length may have and still be meant: a single letter is as near to any other.
fn slips(length: usize) -> usize {
    if length < 2 { 0 } else { 1 + length / 5 }
}

/// Edits (insert, delete, replace, swap of neighbours) between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_found_and_a_stranger_is_not() {
        let known = ["hosts", "service", "timeout", "file"];
        assert_eq!(nearest("host", known), Some("hosts"));
        assert_eq!(nearest("timeuot", known), Some("timeout"));
        assert_eq!(nearest("servcie", known), Some("service"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("a", ["b", "x"]), None);
        assert_eq!(nearest("code", ["body"]), None, "half of a short word is another word");
    }

    #[test]
    fn what_is_not_compared_could_not_have_been_meant() {
        let known: Vec<String> = (0..3000).map(|n| format!("quite-another-{n}")).chain(["hosts".to_owned()]).collect();
        assert_eq!(nearest("hsots", known.iter().map(String::as_str)), Some("hosts"));
        for (wrong, right) in [("éà", "éá"), ("ab", "ba"), ("stpo", "stop"), ("lost-quorun", "lost-quorum")] {
            assert_eq!(nearest(wrong, [right]), Some(right));
        }
    }
}
