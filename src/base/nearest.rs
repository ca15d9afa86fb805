//! "Did you mean": the nearest of the known names.

/// The known name that is nearest to `wrong`, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (distance(wrong, name), name))
        .filter(|(d, name)| *d <= slips(name.chars().count().min(wrong.chars().count())))
        .min_by_key(|(d, _)| *d)
        .map(|(_, name)| name)
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
}
