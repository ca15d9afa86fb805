//! Recognises expressions in the infix form of other languages, only in order to print the prefix form.

use super::token::{Token, TokenKind};

/// The prefix form of words that hold infix operators; `None` when they make no sense as such either.
pub(super) fn prefix_form(source: &str, tokens: &[Token]) -> Option<String> {
    if !tokens.iter().any(|t| operator(t).is_some() || is_not(t)) {
        return None;
    }
    rewrite(source, tokens, 16)
}

/// The level of comparisons.
const COMPARISON: usize = 2;

/// Loosest first.
const LEVELS: [&[(&str, &str)]; 5] = [
    &[("||", "or"), ("or", "or")],
    &[("&&", "and"), ("and", "and")],
    &[
        ("===", "eq"),
        ("!==", "ne"),
        ("==", "eq"),
        ("!=", "ne"),
        ("=", "eq"),
        (">=", "gte"),
        ("<=", "lte"),
        (">", "gt"),
        ("<", "lt"),
    ],
    &[("+", "add"), ("-", "sub")],
    &[("*", "mul"), ("/", "div"), ("%", "mod")],
];

fn operator(token: &Token) -> Option<&str> {
    match &token.kind {
        TokenKind::Operator(op) if op != "!" => Some(op),
        TokenKind::Name(word) if matches!(word.as_str(), "and" | "or") => Some(word),
        _ => None,
    }
}

fn is_not(token: &Token) -> bool {
    matches!(&token.kind, TokenKind::Operator(op) if op == "!")
}

fn rewrite(source: &str, tokens: &[Token], depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    for (n, level) in LEVELS.into_iter().enumerate() {
        // `not a > 3` is about the comparison
        let word = matches!(&tokens.first()?.kind, TokenKind::Name(word) if word == "not");
        if n == COMPARISON && word && rightmost(&tokens[1..], level).is_some() {
            return Some(format!("not {}", group(&rewrite(source, &tokens[1..], depth)?)));
        }
        let Some((at, helper)) = rightmost(tokens, level) else { continue };
        // `1 < a < 3` means another thing in each language
        if n == COMPARISON && rightmost(&tokens[..at], level).is_some() {
            return None;
        }
        let left = rewrite(source, &tokens[..at], depth)?;
        let right = rewrite(source, &tokens[at + 1..], depth)?;
        return Some(format!("{helper} {} {}", group(&left), group(&right)));
    }
    let (first, rest) = tokens.split_first()?;
    if is_not(first) {
        return Some(format!("not {}", group(&rewrite(source, rest, depth)?)));
    }
    if first.kind == TokenKind::Open && closing(tokens) == Some(tokens.len() - 1) {
        return rewrite(source, &tokens[1..tokens.len() - 1], depth);
    }
    let mut words = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].kind == TokenKind::Open {
            let length = closing(&tokens[at..])?;
            words.push(format!("({})", rewrite(source, &tokens[at + 1..at + length], depth)?));
            at += length + 1;
        } else if operator(&tokens[at]).is_some() || is_not(&tokens[at]) {
            return None;
        } else {
            words.push(source[tokens[at].range.clone()].to_owned());
            at += 1;
        }
    }
    Some(words.join(" "))
}

/// The last operator of a level that stands between two operands and outside of parentheses.
fn rightmost(tokens: &[Token], level: &[(&str, &'static str)]) -> Option<(usize, &'static str)> {
    let mut depth = 0_usize;
    let mut found = None;
    for (i, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            _ if depth == 0 && i > 0 && i + 1 < tokens.len() => {
                if let Some((_, helper)) = level.iter().find(|(op, _)| operator(token) == Some(op)) {
                    found = Some((i, *helper));
                }
            }
            _ => {}
        }
    }
    found
}

fn closing(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0_usize;
    for (i, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}

fn group(text: &str) -> String {
    if text.contains(' ') && !(text.starts_with(['"', '\'']) && text[1..].find(&text[..1]) == Some(text.len() - 2)) {
        format!("({text})")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::token::tokenize;

    #[test]
    fn infix_is_turned_round() {
        for (infix, prefix) in [
            ("a == b", Some("eq a b")),
            ("a.b > 3 && !c", Some("and (gt a.b 3) (not c)")),
            ("(a == \"x y\") || empty z", Some("or (eq a \"x y\") (empty z)")),
            ("len x + 1 >= 2", Some("gte (add (len x) 1) 2")),
            ("a - b - c", Some("sub (sub a b) c")),
            ("x and y", Some("and x y")),
            ("eq a b", None),
            ("a ==", None),
        ] {
            let tokens = tokenize(infix, 0..infix.len(), &mut Vec::new());
            assert_eq!(prefix_form(infix, &tokens).as_deref(), prefix, "{infix}");
        }
    }
}
