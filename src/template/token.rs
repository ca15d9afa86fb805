//! The words of an expression, with their places. The same for `{{ }}` in texts and for expression fields.

use std::ops::Range;

use super::problem::Problem;

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub kind: TokenKind,
    /// Bytes in the whole source.
    pub range: Range<usize>,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// A path or a helper's name, as written.
    Name(String),
    Str(String),
    Int(i128),
    Float(f64),
    Open,
    Close,
    /// `|` around block parameters.
    Pipe,
    /// Something of another language: `==`, `&&`, `!`.
    Operator(String),
}

/// What handlebars takes for a character of a name.
fn is_symbol(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$' | ':') || c >= '\u{80}'
}

/// Splits `source[range]` into words. What cannot be one is a problem, and left out.
pub(super) fn tokenize(source: &str, range: Range<usize>, problems: &mut Vec<Problem>) -> Vec<Token> {
    let mut lexer = Lexer { source, at: range.start, end: range.end, problems };
    let mut tokens = Vec::new();
    while let Some(c) = lexer.peek() {
        let start = lexer.at;
        let kind = match c {
            c if c.is_whitespace() => {
                lexer.bump();
                continue;
            }
            '(' => lexer.single(TokenKind::Open),
            ')' => lexer.single(TokenKind::Close),
            '"' | '\'' => match lexer.string(c) {
                Some(text) => TokenKind::Str(text),
                None => continue,
            },
            '|' if !lexer.rest().starts_with("||") => lexer.single(TokenKind::Pipe),
            c if is_symbol(c) || matches!(c, '.' | '/' | '@' | '[') => lexer.name(),
            _ => lexer.operator(),
        };
        tokens.push(Token { kind, range: start..lexer.at });
    }
    tokens
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    end: usize,
    problems: &'a mut Vec<Problem>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..self.end]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn single(&mut self, kind: TokenKind) -> TokenKind {
        self.bump();
        kind
    }

    fn operator(&mut self) -> TokenKind {
        const LONG: [&str; 8] = ["===", "!==", "==", "!=", "&&", "||", ">=", "<="];
        let text = LONG
            .into_iter()
            .find(|op| self.rest().starts_with(op))
            .map_or_else(|| self.peek().map(String::from).unwrap_or_default(), str::to_owned);
        self.at += text.len();
        TokenKind::Operator(text)
    }

    fn name(&mut self) -> TokenKind {
        let start = self.at;
        let mut bracket = false;
        while let Some(c) = self.peek() {
            match c {
                '[' => bracket = true,
                ']' if bracket => bracket = false,
                _ if bracket || is_symbol(c) || matches!(c, '.' | '/' | '@') => {}
                _ => break,
            }
            self.bump();
        }
        let text = &self.source[start..self.at];
        if let Ok(n) = text.parse::<i128>()
            && !text.starts_with('+')
        {
            return TokenKind::Int(n);
        }
        let numeric =
            text.starts_with(|c: char| c.is_ascii_digit() || c == '-') && text.contains(|c: char| c.is_ascii_digit());
        if numeric
            && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | 'e' | 'E'))
            && let Ok(f) = text.parse::<f64>()
        {
            return TokenKind::Float(f);
        }
        match text {
            "-" | "/" => TokenKind::Operator(text.to_owned()),
            _ => TokenKind::Name(text.to_owned()),
        }
    }

    fn string(&mut self, quote: char) -> Option<String> {
        let start = self.at;
        self.bump();
        let mut text = String::new();
        loop {
            let at = self.at;
            match self.bump() {
                None => {
                    self.problems.push(
                        Problem::error("template-syntax", start..self.end, "a text is not closed")
                            .help(format!("end it with {quote}")),
                    );
                    return None;
                }
                Some(c) if c == quote => return Some(text),
                Some('\\') => {
                    if let Some(c) = self.escape() {
                        text.push(c);
                    } else {
                        let end = self.at.max(at + 1);
                        self.problems.push(
                            Problem::error("template-syntax", at..end, "an escape that does not exist")
                                .help("a backslash in a text is written `\\\\`"),
                        );
                    }
                }
                Some(c) => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.bump()? {
            c @ ('"' | '\'' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let digits = self.rest().get(..4)?;
                let c = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
                self.at += 4;
                c
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::TokenKind::{Float, Int, Name, Open, Operator, Str};
    use super::*;

    #[test]
    fn words_have_kinds_and_places() {
        let mut problems = Vec::new();
        let source = r#"eq (a.b-c 18446744073709551615 -1.5 "x\"\u00e9" ../d @../index == "#;
        let tokens = tokenize(source, 0..source.len(), &mut problems);
        let kinds: Vec<_> = tokens.iter().map(|t| t.kind.clone()).collect();
        let name = |s: &str| Name(s.to_owned());
        let want = [
            name("eq"),
            Open,
            name("a.b-c"),
            Int(18_446_744_073_709_551_615),
            Float(-1.5),
            Str("x\"é".to_owned()),
            name("../d"),
            name("@../index"),
            Operator("==".to_owned()),
        ];
        assert_eq!(kinds, want);
        assert_eq!(&source[tokens[2].range.clone()], "a.b-c");
        assert!(problems.is_empty());
    }
}
