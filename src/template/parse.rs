//! From words to an expression: arity, names of helpers and literal paths are checked here, and every path that is read
//! is noted with what it starts from.

use std::ops::Range;

use super::ast::{BlockKind, Call, Ex, ExKind, Local, PathBase, PathEx};
use super::helpers::{self, Helper, plain_regex_error};
use super::infix::prefix_form;
use super::problem::Problem;
use super::reference::{RefBase, Reference};
use super::token::{Token, TokenKind};
use super::value::Value;

/// Deeper nesting than this is refused.
const MAX_DEPTH: usize = 32;

/// What a scope of a block stands for, as far as the text tells.
#[derive(Clone, Debug)]
pub(super) enum Meaning {
    /// The names of the language.
    Root,
    /// A host of this path.
    HostOf(Vec<String>),
    /// What this path leads to (`#with outputs.see`).
    Under(Vec<String>),
    /// An element of some list.
    Element,
}

/// A scope: the root, or a block's.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub meaning: Meaning,
    pub each: bool,
    pub params: Vec<String>,
}

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
        let infix_word = |t: &Token| matches!(&t.kind, TokenKind::Name(w) if w == "and" || w == "or");
        if tokens.len() > 2 && !is_helper(&tokens[0]) && tokens[1..].iter().any(infix_word) {
            let problem = self.operator("and", &tokens[1], tokens, whole);
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
        self.compared_with_null(helper, &args, before);
        let regex = self.literal_arguments(helper, &args)?;
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

    /// A comparison with `null` deals with null.
    fn compared_with_null(&mut self, helper: &Helper, args: &[Ex], first: usize) {
        let null = |ex: &Ex| matches!(ex.kind, ExKind::Literal(Value::Null));
        if matches!(helper.name, "eq" | "ne") && args.iter().any(null) {
            for arg in args {
                for reference in &mut self.references[first..] {
                    reference.allows_null |= reference.range == arg.range;
                }
            }
        }
    }

    /// Literal paths are references; literal patterns are compiled.
    fn literal_arguments(&mut self, helper: &Helper, args: &[Ex]) -> Option<Option<regex::Regex>> {
        if helpers::takes_path(helper.name) {
            let ExKind::Literal(Value::Str(path)) = &args[1].kind else {
                self.fail(
                    Problem::error("path-not-literal", args[1].range.clone(), "the path must be a text between quotes")
                        .help(format!("write `{} {}`", helper.name, helper.usage)),
                );
                return None;
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
            self.references.push(Reference { path, base, range, allows_null });
        }
        if helper.name == "matches"
            && let ExKind::Literal(Value::Str(pattern)) = &args[1].kind
        {
            return match regex::Regex::new(pattern) {
                Ok(regex) => Some(Some(regex)),
                Err(error) => {
                    self.fail(Problem::error("bad-regex", args[1].range.clone(), plain_regex_error(&error)));
                    None
                }
            };
        }
        Some(None)
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
        if let Some(helper) = helpers::find(written) {
            if self.find_param(written).is_none() {
                let problem = Problem::error(
                    "helper-arguments",
                    range,
                    format!("`{written}` is a helper, and here without arguments"),
                );
                let this = if self.frames.len() > 1 {
                    format!("; a field of that name is `this.{written}`")
                } else {
                    String::new()
                };
                return self.fail(problem.help(format!("write `{written} {}`{this}", helper.usage)));
            }
        }
        let Some((base, segments)) = self.resolve(written) else {
            let problem = Problem::error("template-syntax", range, format!("`{written}` is not a path"));
            return self.fail(match written.contains("..") {
                true => problem.help("`../` leads out of a block with a scope of its own, and there is none here"),
                false => problem.help("names are joined by points: `outputs.see.node_id`"),
            });
        };
        self.note(base, &segments, &range, lenient);
        Some(Ex { kind: ExKind::Path(PathEx { base, segments }), range })
    }

    fn resolve(&self, written: &str) -> Option<(PathBase, Vec<String>)> {
        let depth = self.frames.len() - 1;
        if let Some(rest) = written.strip_prefix("@root") {
            let segments = segments(rest.trim_start_matches(['.', '/']))?;
            return (!segments.is_empty()).then_some((PathBase::Frame(0), segments));
        }
        if let Some(local) = written.strip_prefix('@') {
            let (ups, name) = ups(local);
            // The element that is meant is that of an `#each`, counted from here.
            let frame = depth.checked_sub(ups).filter(|f| self.frames[*f].each)?;
            let name = match name {
                "index" => Local::Index,
                "first" => Local::First,
                "last" => Local::Last,
                "key" => Local::Key,
                _ => return None,
            };
            return Some((PathBase::Local { frame, name }, Vec::new()));
        }
        let (ups, rest) = ups(written);
        if ups == 0
            && let Some((first, _)) = split_first(rest)
            && let Some((frame, second)) = self.find_param(first)
        {
            let mut segments = segments(rest)?;
            segments.remove(0);
            return Some((PathBase::Param { frame, second }, segments));
        }
        let frame = depth.checked_sub(ups)?;
        let this = rest.strip_prefix("this").filter(|r| r.is_empty() || r.starts_with(['.', '/']));
        let here = this.or_else(|| rest.strip_prefix("./"));
        let segments = segments(here.map_or(rest, |r| r.trim_start_matches(['.', '/'])))?;
        // The root itself, and a bare `..`, are no values.
        (!segments.is_empty() || frame > 0 && here.is_some()).then_some((PathBase::Frame(frame), segments))
    }

    fn find_param(&self, name: &str) -> Option<(usize, bool)> {
        let name = split_first(name).map_or(name, |(first, _)| first);
        self.frames
            .iter()
            .enumerate()
            .rev()
            .find_map(|(i, frame)| frame.params.iter().position(|p| p == name).map(|at| (i, at == 1)))
    }

    fn note(&mut self, base: PathBase, segments: &[String], range: &Range<usize>, allows_null: bool) {
        let frame = match base {
            PathBase::Frame(frame) | PathBase::Param { frame, second: false } => frame,
            PathBase::Param { .. } | PathBase::Local { .. } => return,
        };
        let mut path = segments.to_vec();
        let base = match &self.frames[frame].meaning {
            Meaning::Root => RefBase::Root,
            Meaning::HostOf(hosts) => RefBase::HostsOf(hosts.clone()),
            Meaning::Under(above) => {
                path = above.iter().cloned().chain(path).collect();
                RefBase::Root
            }
            Meaning::Element => RefBase::Local,
        };
        if !path.is_empty() {
            self.references.push(Reference { path, base, range: range.clone(), allows_null });
        }
    }

    /// If an expression gives hosts of a target: its path, and whether it is one host rather than a list.
    fn hosts_in(&self, ex: &Ex) -> Option<(Vec<String>, bool)> {
        match &ex.kind {
            ExKind::Path(PathEx { base: PathBase::Frame(0), segments }) if segments.first()? == "targets" => {
                match segments.len() {
                    2 => Some((segments.clone(), false)),
                    3 if segments[2] == "one" || segments[2].parse::<usize>().is_ok() => {
                        Some((segments[..2].to_vec(), true))
                    }
                    _ => None,
                }
            }
            ExKind::Path(PathEx {
                base: PathBase::Frame(f) | PathBase::Param { frame: f, second: false },
                segments,
            }) if segments.is_empty() => {
                if let Meaning::HostOf(hosts) = &self.frames[*f].meaning {
                    Some((hosts.clone(), true))
                } else {
                    None
                }
            }
            ExKind::Call(call) => {
                let from = |at: usize| call.args.get(at).and_then(|arg| self.hosts_in(arg));
                match call.helper.name {
                    "minus" | "union" | "unique" | "sort" | "where" | "default" => from(0),
                    "cond" => from(1),
                    "first" | "last" | "find" => from(0).map(|(hosts, _)| (hosts, true)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The scope that a block opens.
    pub(super) fn frame_of(&self, kind: BlockKind, arg: &Ex, params: Vec<String>) -> Frame {
        let each = kind == BlockKind::Each;
        let meaning = match (self.hosts_in(arg), &arg.kind) {
            (Some((hosts, one)), _) if one != each => Meaning::HostOf(hosts),
            (_, ExKind::Path(PathEx { base: PathBase::Frame(frame), segments })) if !each => {
                match &self.frames[*frame].meaning {
                    Meaning::Root => Meaning::Under(segments.clone()),
                    Meaning::Under(above) => Meaning::Under(above.iter().chain(segments).cloned().collect()),
                    _ => Meaning::Element,
                }
            }
            _ => Meaning::Element,
        };
        Frame { meaning, each, params }
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

fn ups(path: &str) -> (usize, &str) {
    let mut rest = path;
    let mut count = 0;
    while let Some(up) = rest.strip_prefix("../") {
        rest = up;
        count += 1;
    }
    (count, rest)
}

fn split_first(path: &str) -> Option<(&str, &str)> {
    let end = path.find(['.', '/']).unwrap_or(path.len());
    (end > 0).then(|| path.split_at(end))
}

/// The segments of a path; `[…]` is taken as it is. `None` when one is missing.
fn segments(path: &str) -> Option<Vec<String>> {
    let mut segments = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (segment, after) = if let Some(raw) = rest.strip_prefix('[') {
            let (segment, after) = raw.split_once(']')?;
            (segment, after)
        } else {
            split_first(rest)?
        };
        if segment.contains('@') || segment == "this" && !segments.is_empty() {
            return None;
        }
        segments.push(segment.to_owned());
        match after.strip_prefix(['.', '/']) {
            Some("") => return None,
            Some(more) => rest = more,
            None if after.is_empty() => rest = after,
            None => return None,
        }
    }
    Some(segments)
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
