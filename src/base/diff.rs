//! The difference between two texts, line by line, as people know it: what goes with `-`, what comes with `+`, a few lines
//! around.

use std::fmt::Write as _;

/// Lines that stay, shown around what does not.
const AROUND: usize = 3;

/// The most lines that differ for which the shortest difference is looked for; of more, all go and all come.
const MOST: usize = 2_000;

/// The most lines that are shown.
const SHOWN: usize = 400;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Stays,
    Goes,
    Comes,
}

/// The lines that go and come between two texts; empty: none.
#[must_use]
pub fn diff(before: &str, after: &str) -> String {
    let (old, new) = (lines(before), lines(after));
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (gone, come) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut all: Vec<(Way, &str)> = old[..head].iter().map(|line| (Way::Stays, *line)).collect();
    all.extend(middle(gone, come));
    all.extend(old[old.len() - tail..].iter().map(|line| (Way::Stays, *line)));
    shown(&all)
}

/// Each line with its end, so that a last one without is another one.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// The longest common part stays.
fn middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(Way, &'a str)> {
    let every = |way: Way, lines: &[&'a str]| lines.iter().map(|line| (way, *line)).collect::<Vec<_>>();
    if old.len().max(new.len()) > MOST {
        return [every(Way::Goes, old), every(Way::Comes, new)].concat();
    }
    // how much two ends have in common, from behind
    let width = new.len() + 1;
    let mut common = vec![0_u16; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut all) = (0, 0, Vec::new());
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            all.push((Way::Stays, old[i]));
            (i, j) = (i + 1, j + 1);
        } else if common[(i + 1) * width + j] >= common[i * width + j + 1] {
            all.push((Way::Goes, old[i]));
            i += 1;
        } else {
            all.push((Way::Comes, new[j]));
            j += 1;
        }
    }
    all.extend(every(Way::Goes, &old[i..]));
    all.extend(every(Way::Comes, &new[j..]));
    all
}

fn shown(all: &[(Way, &str)]) -> String {
    let differs: Vec<usize> = (0..all.len()).filter(|n| all[*n].0 != Way::Stays).collect();
    let near = |n: usize| {
        let next = differs.partition_point(|differs| *differs + AROUND < n);
        differs.get(next).is_some_and(|differs| *differs <= n + AROUND)
    };
    let (mut out, mut last, mut count) = (String::new(), None, 0);
    for n in (0..all.len()).filter(|n| near(*n)) {
        if count == SHOWN {
            let _ = writeln!(out, "… and more");
            break;
        }
        count += 1;
        if last.is_some_and(|last| last + 1 < n) {
            out.push_str("…\n");
        }
        last = Some(n);
        let (way, line) = all[n];
        let sign = match way {
            Way::Stays => ' ',
            Way::Goes => '-',
            Way::Comes => '+',
        };
        let end = if line.ends_with('\n') { "" } else { " (no line end)\n" };
        let _ = write!(out, "{sign}{line}{end}");
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_difference_has_a_few_lines_around_it() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
        assert_eq!(diff(before, before), "");
        assert_eq!(diff(before, &before.replace("e\n", "E\nE2\n")), " b\n c\n d\n-e\n+E\n+E2\n f\n g\n h\n");
        assert_eq!(diff("", "x\n"), "+x\n");
        assert_eq!(diff("x\n", "x"), "-x\n+x (no line end)\n");
        let far = before.replace("a\n", "A\n").replace("j\n", "J\n");
        assert_eq!(diff(before, &far), "-a\n+A\n b\n c\n d\n…\n g\n h\n i\n-j\n+J\n");
    }

    proptest! {
        /// What stays and goes is the text before, what stays and comes the one after.
        #[test]
        fn both_texts_are_in_their_difference(old in "([abc]\n){0,9}", new in "([abc]\n){0,9}") {
            let all = middle(&lines(&old), &lines(&new));
            let side = |without: Way| all.iter().filter(|(way, _)| *way != without).map(|(_, line)| *line).collect::<String>();
            prop_assert_eq!(side(Way::Comes), old.clone());
            prop_assert_eq!(side(Way::Goes), new.clone());
        }
    }
}
