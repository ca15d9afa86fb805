//! The helpers of the language, one table. Type-strict: what is not asked for is an error that names both kinds.

mod compare;
mod lists;
mod logic;
mod maps;
mod numbers;
mod output;
mod text;

use std::cmp::Ordering;

use super::error::EvalError;
use super::order::TypeMismatch;
use super::scope::Scope;
use super::value::Value;
use crate::base::nearest::nearest;

pub(super) use logic::{Lazy, Truth, is_empty};
pub(super) use output::percent;
pub use text::plain_regex_error;

/// A helper.
pub(super) struct Helper {
    pub name: &'static str,
    /// Its arguments, for messages: `list "path" value`.
    pub usage: &'static str,
    pub min: usize,
    pub max: usize,
    pub run: Run,
    pub unknown: Unknown,
}

impl std::fmt::Debug for Helper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// How a helper is evaluated.
#[derive(Clone, Copy)]
pub(super) enum Run {
    /// Its arguments first.
    Values(fn(&Cx<'_>, &[Value]) -> Result<Value, Fault>),
    /// It decides which of its arguments are evaluated.
    Lazy(Lazy),
}

/// What a value that is not known yet means to a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Anywhere in an argument: the result is not known either.
    Deep,
    /// Only an argument as a whole: it looks at lists without looking at their elements.
    Shallow,
    /// It deals with them itself.
    Own,
}

/// What helpers may use besides their arguments.
pub(super) struct Cx<'a> {
    pub scope: &'a dyn Scope,
    /// Follows a literal path from a value; the flag makes missing keys null.
    pub walk: &'a dyn Fn(&Value, &str, bool) -> Result<Value, EvalError>,
    /// The compiled pattern, when it is a literal.
    pub regex: Option<&'a regex::Regex>,
}

/// Why a helper fails; the evaluator adds its name and place.
pub(super) enum Fault {
    /// An argument, from 0, is not of this kind.
    Argument(usize, &'static str),
    /// An argument has the right kind and is no good.
    Bad(String),
    Compare(TypeMismatch),
    Eval(EvalError),
}

impl From<TypeMismatch> for Fault {
    fn from(mismatch: TypeMismatch) -> Self {
        Self::Compare(mismatch)
    }
}

impl From<EvalError> for Fault {
    fn from(error: EvalError) -> Self {
        Self::Eval(error)
    }
}

type Values = fn(&Cx<'_>, &[Value]) -> Result<Value, Fault>;

const fn helper(name: &'static str, usage: &'static str, min: usize, max: usize, run: Values) -> Helper {
    Helper { name, usage, min, max, run: Run::Values(run), unknown: Unknown::Deep }
}

const fn looks_at_lists(name: &'static str, usage: &'static str, min: usize, max: usize, run: Values) -> Helper {
    Helper { name, usage, min, max, run: Run::Values(run), unknown: Unknown::Shallow }
}

const fn kleene(name: &'static str, usage: &'static str, run: Values) -> Helper {
    Helper { name, usage, min: 2, max: 2, run: Run::Values(run), unknown: Unknown::Own }
}

const fn lazy(name: &'static str, usage: &'static str, min: usize, max: usize, run: Lazy) -> Helper {
    Helper { name, usage, min, max, run: Run::Lazy(run), unknown: Unknown::Own }
}

const ANY: usize = usize::MAX;

static HELPERS: &[Helper] = &[
    kleene("eq", "a b", compare::eq),
    kleene("ne", "a b", compare::ne),
    kleene("gt", "a b", compare::gt),
    kleene("gte", "a b", compare::gte),
    kleene("lt", "a b", compare::lt),
    kleene("lte", "a b", compare::lte),
    helper("version", "text", 1, 1, compare::version),
    lazy("and", "a b …", 1, ANY, Lazy::And),
    lazy("or", "a b …", 1, ANY, Lazy::Or),
    lazy("not", "a", 1, 1, Lazy::Not),
    lazy("cond", "test a b", 3, 3, Lazy::Cond),
    lazy("default", "value fallback", 2, 2, Lazy::Default),
    lazy("empty", "value", 1, 1, Lazy::Empty),
    helper("concat", "a b …", 1, ANY, text::concat),
    helper("lower", "text", 1, 1, text::lower),
    helper("upper", "text", 1, 1, text::upper),
    helper("trim", "text", 1, 1, text::trim),
    helper("replace", "text from to", 3, 3, text::replace),
    helper("snake", "text", 1, 1, text::snake),
    helper("split", "text separator", 2, 2, text::split),
    helper("starts_with", "text beginning", 2, 2, text::starts_with),
    helper("contains", "text_or_list part", 2, 2, text::contains),
    helper("matches", "text regex", 2, 2, text::matches),
    helper("sha256", "text", 1, 1, text::sha256),
    helper("basename", "path", 1, 1, text::basename),
    helper("dirname", "path", 1, 1, text::dirname),
    looks_at_lists("len", "list_text_or_map", 1, 1, lists::len),
    looks_at_lists("first", "list", 1, 1, lists::first),
    looks_at_lists("last", "list", 1, 1, lists::last),
    helper("sort", "list", 1, 1, lists::sort),
    helper("unique", "list", 1, 1, lists::unique),
    helper("in", "element list", 2, 2, lists::is_in),
    helper("join", "list separator", 1, 2, lists::join),
    looks_at_lists("pluck", "list \"path\"", 2, 2, lists::pluck),
    looks_at_lists("find", "list \"path\" value", 3, 3, lists::find),
    looks_at_lists("where", "list \"path\" value", 3, 3, lists::filter),
    helper("minus", "list list", 2, 2, lists::minus),
    helper("union", "list list …", 1, ANY, lists::union),
    helper("subset", "list list", 2, 2, lists::subset),
    helper("same_set", "list list", 2, 2, lists::same_set),
    helper("min", "list", 1, 1, lists::min),
    helper("max", "list", 1, 1, lists::max),
    helper("sum", "list", 1, 1, lists::sum),
    looks_at_lists("get", "map \"path\"", 2, 2, maps::get),
    helper("int", "value", 1, 1, numbers::int),
    helper("float", "value", 1, 1, numbers::float),
    helper("add", "a b", 2, 2, numbers::add),
    helper("sub", "a b", 2, 2, numbers::sub),
    helper("mul", "a b", 2, 2, numbers::mul),
    helper("div", "a b", 2, 2, numbers::div),
    helper("mod", "a b", 2, 2, numbers::modulo),
    helper("round", "number digits", 1, 2, numbers::round),
    helper("duration", "text", 1, 1, numbers::duration),
    helper("size", "text", 1, 1, numbers::size),
    helper("ago", "time", 1, 1, numbers::ago),
    looks_at_lists("majority", "number_or_list", 1, 1, numbers::majority),
    helper("words", "list", 1, 1, output::words),
    helper("json", "value", 1, 1, output::json),
    helper("sql", "value", 1, 1, output::sql),
    helper("url", "text", 1, 1, output::url),
    helper("raw", "value", 1, 1, output::raw),
];

/// A helper by its name.
pub(super) fn find(name: &str) -> Option<&'static Helper> {
    HELPERS.iter().find(|h| h.name == name)
}

/// The helper whose name is nearest.
pub(super) fn near(name: &str) -> Option<&'static str> {
    nearest(name, HELPERS.iter().map(|h| h.name))
}

/// Whether the second argument is a path, which must be a literal.
pub(super) fn takes_path(name: &str) -> bool {
    matches!(name, "pluck" | "find" | "where" | "get")
}

fn text_arg(args: &[Value], position: usize) -> Result<&str, Fault> {
    args[position].as_str().ok_or(Fault::Argument(position, "a text"))
}

fn list_arg(args: &[Value], position: usize) -> Result<&[Value], Fault> {
    args[position].as_list().ok_or(Fault::Argument(position, "a list"))
}

/// Whether an element is in a list: strictly typed, so that a list of numbers is not asked for a text.
fn has(list: &[Value], element: &Value) -> Result<bool, Fault> {
    for candidate in list {
        if candidate.equals(element)? == Some(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The order of two known values.
fn order(a: &Value, b: &Value) -> Result<Ordering, Fault> {
    // Unknown values were sorted out before; equal is as good as any order for them.
    Ok(a.compare(b)?.unwrap_or(Ordering::Equal))
}
