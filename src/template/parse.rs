//! From words to an expression: arity, names of helpers and literal paths are checked here, and every path that is read
//! is noted with what it starts from.

use std::ops::Range;

use super::ast::{Call, Ex, ExKind, PathEx};
use super::helpers::{self, Helper, plain_regex_error};
use super::infix::prefix_form;
use super::paths::{Frame, Meaning};
use super::problem::Problem;
use super::reference::{RefBase, Reference};
use super::token::{Token, TokenKind};
use super::value::Value;

/// Deeper nesting than this is refused.
const MAX_DEPTH: usize = 32;

/// Parses expressions and collects what they read and what is wrong with them.
pub(super) struct Parser<'a> {
    pub source: &'a str,
    pub frames: Vec<Frame>,
    pub problems: Vec<Problem>,
    pub references: Vec<Reference>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let root = Frame { meaning: Meaning::Root, each: false, params: Vec::new() };
        Self { source, frames: vec![root], problems: Vec::new(), references: Vec::new() }
    }

    fn fail(&mut self, problem: Problem) -> Option<Ex> {
        self.problems.push(problem);
        None
    }

    fn text(&self, range: &Range<usize>) -> &'a str {
        &self.source[range.clone()]
    }

    /// A whole expression: `gt a 0`, `a.b`, `(not x)`, `"text"`. `whole` is where it stands.
    pub(super) fn expression(&mut self, tokens: &[Token], whole: Range<usize>, lenient: bool) -> Option<Ex> {
        if tokens.is_empty() {
            return self.fail(Problem::error("template-syntax", whole, "an expression is missing"));
        }
        if !self.well_formed(tokens, &whole) {
            return None;
        }
        let mut cursor = Cursor { tokens, at: 0 };
        let ex = if tokens.len() > 1 && matches!(tokens[0].kind, TokenKind::Name(_)) {
            self.call(&mut cursor, whole.clone(), 0)?
        } else {
            self.atom(&mut cursor, 0, lenient)?
        };
        if let Some(extra) = cursor.peek() {
            let range = extra.range.start..tokens[tokens.len() - 1].range.end;
            return self.fail(
                Problem::error("template-syntax", range, "this is one expression too many")
                    .help("helpers come first: `helper a b`; parentheses go round a helper and its arguments"),
            );
        }
        Some(ex)
    }

    /// What no grammar would take: operators of other languages, parentheses that do not match.
    fn well_formed(&mut self, tokens: &[Token], whole: &Range<usize>) -> bool {
        let mut depth = 0_usize;
        for token in tokens {
            match &token.kind {
                TokenKind::Operator(op) => {
                    let problem = self.operator(op, token, tokens, whole);
                    self.problems.push(problem);
                    return false;
                }
                TokenKind::Open => depth += 1,
                TokenKind::Close if depth == 0 => {
                    self.fail(Problem::error("template-syntax", token.range.clone(), "`)` closes nothing"));
                    return false;
                }
                TokenKind::Close => depth -= 1,
                _ => {}
            }
            if depth > MAX_DEPTH {
                self.fail(Problem::error("template-syntax", token.range.clone(), "nested too deeply"));
                return false;
            }
        }
        // behind `(` such a word is a helper
        let infix = tokens.windows(2).find_map(|pair| match &pair[1].kind {
            TokenKind::Name(word) if matches!(word.as_str(), "and" | "or") && pair[0].kind != TokenKind::Open => {
                Some((word, &pair[1]))
            }
            _ => None,
        });
        if let Some((word, token)) = infix.filter(|_| tokens.len() > 2 && !is_helper(&tokens[0])) {
            let problem = self.operator(word, token, tokens, whole);
            self.problems.push(problem);
            return false;
        }
        if depth > 0 {
            let open =
                tokens.iter().rev().find(|t| t.kind == TokenKind::Open).map_or(whole.clone(), |t| t.range.clone());
            self.fail(Problem::error("template-syntax", open, "`(` is not closed"));
            return false;
        }
        true
    }

    fn operator(&self, op: &str, token: &Token, tokens: &[Token], whole: &Range<usize>) -> Problem {
        let named = op == "="
            && is_helper(&tokens[0])
            && tokens.iter().any(|t| t.range.end == token.range.start)
            && tokens.iter().any(|t| t.range.start == token.range.end);
        if named {
            return Problem::error("template-syntax", token.range.clone(), "helpers take no named arguments")
                .help("write the arguments one after the other");
        }
        let problem = Problem::error("infix-expression", token.range.clone(), format!("`{op}` is not used here"))
            .label("an operator");
        match prefix_form(self.source, tokens) {
            Some(prefix) if self.text(whole).starts_with("{{") => problem.help(format!("write `{{{{{prefix}}}}}`")),
            Some(prefix) => problem.help(format!("write `{prefix}`")),
            None => problem.help("helpers come first: `eq a b`, `and (gt a 1) (not b)`"),
        }
    }

    /// A helper and its arguments.
    fn call(&mut self, cursor: &mut Cursor<'_>, range: Range<usize>, depth: usize) -> Option<Ex> {
        let name_token = cursor.next()?;
        let TokenKind::Name(name) = &name_token.kind else {
            return self.fail(
                Problem::error("template-syntax", name_token.range.clone(), "a helper is expected here")
                    .help("helpers come first: `helper a b`"),
            );
        };
        let helper = helpers::find(name);
        if helper.is_none() {
            let mut problem =
                Problem::error("unknown-helper", name_token.range.clone(), format!("there is no helper `{name}`"));
            if let Some(near) = helpers::near(name) {
                problem = problem.help(format!("did you mean `{near}`?"));
            } else if name.contains('.') {
                problem = problem.help("a value takes no arguments; helpers come first: `eq a b`");
            }
            self.problems.push(problem);
        }
        let before = self.references.len();
        let mut args = Vec::new();
        let mut whole = true;
        while cursor.peek().is_some_and(|t| t.kind != TokenKind::Close) {
            let lenient = helper.is_some_and(|h| deals_with_null(h.name, args.len()));
            match self.atom(cursor, depth + 1, lenient) {
                Some(arg) => args.push(arg),
                // The problem is known; the other arguments are still read, for theirs.
                None if cursor.failed() => return None,
                None => whole = false,
            }
        }
        let helper = helper.filter(|_| whole)?;
        self.arity(helper, &args, name_token)?;
        self.compared(helper, &args, before);
        self.literal_path(helper, &args);
        let regex = self.literal_regex(helper, &args);
        Some(Ex { kind: ExKind::Call(Call { helper, args, regex }), range })
    }

    fn arity(&mut self, helper: &Helper, args: &[Ex], name: &Token) -> Option<()> {
        if (helper.min..=helper.max).contains(&args.len()) {
            return Some(());
        }
        let needs = match (helper.min, helper.max) {
            (1, 1) => "1 argument".to_owned(),
            (min, max) if min == max => format!("{min} arguments"),
            (min, usize::MAX) => format!("at least {min} arguments"),
            (min, max) => format!("{min} or {max} arguments"),
        };
        self.fail(
            Problem::error(
                "helper-arguments",
                name.range.clone(),
                format!("`{}` needs {needs}, and there are {}", helper.name, args.len()),
            )
            .help(format!("write `{} {}`", helper.name, helper.usage)),
        );
        None
    }

    /// A comparison with `null` deals with null, and one with another literal tells of what kind the path must be.
    fn compared(&mut self, helper: &Helper, args: &[Ex], first: usize) {
        if !matches!(helper.name, "eq" | "ne" | "gt" | "gte" | "lt" | "lte") {
            return;
        }
        let literal = args.iter().find_map(|ex| match &ex.kind {
            ExKind::Literal(value) => Some(value),
            _ => None,
        });
        let Some(literal) = literal else { return };
        for reference in &mut self.references[first..] {
            if args.iter().any(|arg| reference.range == arg.range) {
                match literal {
                    Value::Null => reference.allows_null |= matches!(helper.name, "eq" | "ne"),
                    other => reference.compared = Some(other.kind()),
                }
            }
        }
    }

    /// Literal paths are references.
    fn literal_path(&mut self, helper: &Helper, args: &[Ex]) {
        if !helpers::takes_path(helper.name) {
            return;
        }
        let ExKind::Literal(Value::Str(path)) = &args[1].kind else {
            self.fail(
                Problem::error("path-not-literal", args[1].range.clone(), "the path must be a text between quotes")
                    .help(format!("write `{} {}`", helper.name, helper.usage)),
            );
            return;
        };
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        let single = helper.name == "get";
        let base = match self.hosts_in(&args[0]) {
            Some((hosts, one)) if one == single => RefBase::HostsOf(hosts),
            _ => RefBase::Local,
        };
        // Its place is what is between the quotes.
        let range = args[1].range.start + 1..args[1].range.end - 1;
        let allows_null = helper.name != "pluck";
        self.references.push(Reference { path, base, range, allows_null, compared: None });
    }

    /// Literal patterns are compiled.
    fn literal_regex(&mut self, helper: &Helper, args: &[Ex]) -> Option<regex::Regex> {
        let ExKind::Literal(Value::Str(pattern)) = &args.get(1)?.kind else { return None };
        if helper.name != "matches" {
            return None;
        }
        let regex = regex::Regex::new(pattern);
        regex.map_err(|e| self.fail(Problem::error("bad-regex", args[1].range.clone(), plain_regex_error(&e)))).ok()
    }

    /// A literal, a path, or something in parentheses.
    fn atom(&mut self, cursor: &mut Cursor<'_>, depth: usize, lenient: bool) -> Option<Ex> {
        let token = cursor.next()?;
        let range = token.range.clone();
        let literal = |value: Value| Some(Ex { kind: ExKind::Literal(value), range: range.clone() });
        match &token.kind {
            TokenKind::Str(s) => literal(s.as_str().into()),
            TokenKind::Int(n) => literal((*n).into()),
            TokenKind::Float(f) => literal((*f).into()),
            TokenKind::Name(name) => match name.as_str() {
                "true" => literal(true.into()),
                "false" => literal(false.into()),
                "null" => literal(Value::Null),
                _ => self.path(name, range, lenient),
            },
            TokenKind::Open => {
                let start = token.range.start;
                let inner = self.parenthesized(cursor, start, depth, lenient);
                cursor.leave(depth_of(cursor.tokens, start));
                inner
            }
            TokenKind::Pipe => self.fail(
                Problem::error("template-syntax", range, "`|` is not used here").help("`as |x|` belongs to `#each`"),
            ),
            // `well_formed` has seen to these.
            TokenKind::Close | TokenKind::Operator(_) => {
                cursor.fail();
                self.fail(Problem::error("template-syntax", range, "an expression is missing here"))
            }
        }
    }

    fn parenthesized(&mut self, cursor: &mut Cursor<'_>, start: usize, depth: usize, lenient: bool) -> Option<Ex> {
        let end = depth_of(cursor.tokens, start);
        let close = cursor.tokens[end].range.end;
        let range = start..close;
        match end - cursor.at {
            0 => self.fail(Problem::error("template-syntax", range, "nothing between the parentheses")),
            1 => self.atom(cursor, depth + 1, lenient),
            _ if cursor.peek().is_some_and(|t| t.kind == TokenKind::Open) => {
                let inner = self.atom(cursor, depth + 1, lenient);
                if cursor.at < end {
                    let extra = cursor.tokens[cursor.at].range.start..close - 1;
                    return self.fail(
                        Problem::error("template-syntax", extra, "this is one expression too many")
                            .help("helpers come first: `helper a b`"),
                    );
                }
                inner
            }
            _ => {
                let mut within = Cursor { tokens: &cursor.tokens[..end], at: cursor.at };
                self.call(&mut within, range, depth + 1)
            }
        }
    }

    /// A path: what it starts from is resolved, and it is noted.
    fn path(&mut self, written: &str, range: Range<usize>, lenient: bool) -> Option<Ex> {
        if let Some(helper) = helpers::find(written)
            && self.find_param(written).is_none()
        {
            let this = match self.frames.len() {
                1 => String::new(),
                _ => format!("; a field of that name is `this.{written}`"),
            };
            let message = format!("`{written}` is a helper, and here without arguments");
            return self.fail(
                Problem::error("helper-arguments", range, message)
                    .help(format!("write `{written} {}`{this}", helper.usage)),
            );
        }
        let Some((base, segments)) = self.resolve(written) else {
            let help = if written.contains("..") {
                "`../` leads out of a block with a scope of its own, and there is none here"
            } else {
                "names are joined by points: `outputs.see.node_id`"
            };
            let message = format!("`{written}` is not a path");
            return self.fail(Problem::error("template-syntax", range, message).help(help));
        };
        self.note(base, &segments, &range, lenient);
        Some(Ex { kind: ExKind::Path(PathEx { base, segments }), range })
    }
}

fn is_helper(token: &Token) -> bool {
    matches!(&token.kind, TokenKind::Name(name) if helpers::find(name).is_some())
}

/// Whether a helper can do with null in this argument.
fn deals_with_null(helper: &str, position: usize) -> bool {
    matches!((helper, position), ("default" | "empty" | "get", 0))
}

/// Where the parenthesis that opens at byte `start` is closed.
fn depth_of(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0_usize;
    let from = tokens.iter().position(|t| t.range.start == start).unwrap_or(0);
    for (i, token) in tokens.iter().enumerate().skip(from) {
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return i;
        }
    }
    // `well_formed` counted them.
    tokens.len() - 1
}

struct Cursor<'t> {
    tokens: &'t [Token],
    at: usize,
}

impl<'t> Cursor<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'t Token> {
        let token = self.tokens.get(self.at);
        self.at += 1;
        token
    }

    /// Goes on behind a closing parenthesis.
    fn leave(&mut self, close: usize) {
        self.at = close + 1;
    }

    fn fail(&mut self) {
        self.at = usize::MAX;
    }

    fn failed(&self) -> bool {
        self.at == usize::MAX
    }
}
