//! An expression as people write it elsewhere: `a > 3 and b is not empty`. For reading only; it is never parsed.

use super::ast::{Call, Ex, ExKind};

/// Loosest first: an argument that is looser than what is around it gets parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tie {
    Or,
    And,
    Compare,
    Sum,
    Product,
    Tight,
}

/// An expression in that form, from its own source.
pub(super) fn told(ex: &Ex, source: &str) -> String {
    say(ex, source).0
}

/// The helpers between their two arguments.
const BETWEEN: &[(&str, &str, Tie)] = &[
    ("eq", "is", Tie::Compare),
    ("ne", "is not", Tie::Compare),
    ("gt", ">", Tie::Compare),
    ("gte", ">=", Tie::Compare),
    ("lt", "<", Tie::Compare),
    ("lte", "<=", Tie::Compare),
    ("in", "is in", Tie::Compare),
    ("contains", "contains", Tie::Compare),
    ("starts_with", "starts with", Tie::Compare),
    ("matches", "matches", Tie::Compare),
    ("subset", "is all in", Tie::Compare),
    ("same_set", "has the same as", Tie::Compare),
    ("add", "+", Tie::Sum),
    ("sub", "-", Tie::Sum),
    ("mul", "*", Tie::Product),
    ("div", "/", Tie::Product),
];

fn say(ex: &Ex, source: &str) -> (String, Tie) {
    match &ex.kind {
        ExKind::Literal(_) | ExKind::Path(_) => {
            let written = source.get(ex.range.clone()).unwrap_or_default();
            (written.split_whitespace().collect::<Vec<_>>().join(" "), Tie::Tight)
        }
        ExKind::Call(call) => call_words(call, source),
    }
}

fn call_words(call: &Call, source: &str) -> (String, Tie) {
    let within = |ex: &Ex, tie: Tie| match say(ex, source) {
        (words, own) if own <= tie => format!("({words})"),
        (words, _) => words,
    };
    let all = |word: &str, inside| {
        let parts: Vec<String> = call.args.iter().map(|arg| within(arg, inside)).collect();
        parts.join(word)
    };
    match (call.helper.name, call.args.as_slice()) {
        ("and", [_, _, ..]) => (all(" and ", Tie::And), Tie::And),
        // parentheses for those who do not know which of the two is looser
        ("or", [_, _, ..]) => (all(" or ", Tie::And), Tie::Or),
        ("empty", [of]) => (format!("{} is empty", within(of, Tie::Compare)), Tie::Compare),
        ("not", [Ex { kind: ExKind::Call(inner), .. }]) if inner.helper.name == "empty" && inner.args.len() == 1 => {
            (format!("{} is not empty", within(&inner.args[0], Tie::Compare)), Tie::Compare)
        }
        ("not", [of]) => (format!("not {}", within(of, Tie::Product)), Tie::Compare),
        (name, [left, right]) if BETWEEN.iter().any(|(helper, ..)| *helper == name) => {
            let found = BETWEEN.iter().find(|(helper, ..)| *helper == name);
            let (word, tie) = found.map_or(("", Tie::Tight), |(_, word, tie)| (*word, *tie));
            (format!("{} {word} {}", within(left, tie), within(right, tie)), tie)
        }
        (name, args) => {
            let args: Vec<String> = args.iter().map(|arg| say(arg, source).0).collect();
            (format!("{name}({})", args.join(", ")), Tie::Tight)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::template::Expr;

    #[test]
    fn expressions_read_as_people_write_them() {
        for (written, told) in [
            ("gt result.size_bytes 0", "result.size_bytes > 0"),
            ("not (empty outputs.see.raft)", "outputs.see.raft is not empty"),
            ("or (eq a 0) (and (eq a 1) (in b c))", "a is 0 or (a is 1 and b is in c)"),
            ("gt result.free_bytes (mul outputs.see.kib 1024)", "result.free_bytes > outputs.see.kib * 1024"),
            ("not (eq a \"x y\")", "not (a is \"x y\")"),
            ("sub a (sub b c)", "a - (b - c)"),
            ("subset (pluck a \"x\") b", "pluck(a, \"x\") is all in b"),
            ("params.ready", "params.ready"),
        ] {
            assert_eq!(Expr::from(written).words(), told, "{written}");
        }
    }
}
