//! Checks one text or expression: its own problems, and every path that it reads.

use std::ops::Range;

use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::span::{SourceId, Sources, Span};
use crate::template::{AnyText, Compiled, Context, EvalErrorKind, Expr, Problem, RefBase, Reference, Value};
use crate::text::{self, Sp};

use super::kinds;
use super::names::{Known, Place, Wrong};
use crate::runbook::params::Kind;

pub(super) struct Texts<'a> {
    pub(super) sources: &'a Sources,
    pub(super) diags: &'a Diagnostics,
}

impl Texts<'_> {
    /// A text or expression of the runbook.
    pub(super) fn check(&self, text: &dyn AnyText, known: &Known<'_>, place: &Place) {
        let source = text.source();
        if source.span.is_nowhere() {
            return;
        }
        self.all(text.problems(), text.references(), text.context(), known, place, |range| self.locate(source, range));
        // what is wrong already would only be found again
        if !self.diags.has_errors_within(source.span) {
            self.try_out(text, known, place);
        }
        if text.context() == Some(Context::Regex) && text.problems().is_empty() {
            self.regex(source);
        }
    }

    /// What shows when a text is tried out on values of its kinds.
    fn try_out(&self, text: &dyn AnyText, known: &Known<'_>, place: &Place) {
        let source = text.source();
        if let Err(error) = kinds::try_out(text, known, place) {
            let secret = matches!(&*error.kind, EvalErrorKind::Secret { .. });
            let code = if secret { "secret-in-command" } else { "wrong-kind" };
            let at = self.locate(source, error.range.clone());
            self.diags.push(Diagnostic::error(code, at, error.to_string()));
        } else if let Some((range, written)) = kinds::null_of_nothing(text, known, place) {
            let message = format!("`{written}` is null where there is nothing, and null is no text");
            self.diags.push(
                Diagnostic::warning("maybe-null", self.locate(source, range), message)
                    .help(format!("write `default ({written}) \"…\"`")),
            );
        }
    }

    /// An expression that decides something: it is true or false.
    pub(super) fn truth(&self, expression: &Expr, known: &Known<'_>, place: &Place) {
        let fits = |value: &Value| matches!(value, Value::Bool(_));
        let help = "compare it: `eq a b`, `gt a 0`, `not (empty a)`";
        self.wanted(expression, known, place, fits, ("true or false", help));
    }

    /// An expression whose items are gone over.
    pub(super) fn list(&self, expression: &Expr, known: &Known<'_>, place: &Place) {
        let fits = |value: &Value| matches!(value, Value::List(_));
        self.wanted(expression, known, place, fits, ("a list", "of a text, `split` makes one"));
    }

    fn wanted(
        &self,
        expression: &Expr,
        known: &Known<'_>,
        place: &Place,
        fits: impl Fn(&Value) -> bool,
        (what, help): (&str, &str),
    ) {
        self.check(expression, known, place);
        let source = expression.source();
        let well = !self.diags.has_errors_within(source.span);
        let came_to = if well { kinds::try_out(expression, known, place) } else { Ok(None) };
        if let Ok(Some(value)) = came_to
            && !matches!(value, Value::Unknown(_) | Value::Null)
            && !fits(&value)
        {
            let message = format!("`{}` is {}, not {what}", source.value.trim(), value.kind());
            self.diags.push(Diagnostic::error("wrong-kind", source.span, message).help(help));
        }
    }

    /// A word of a command that no shell reads: everybody on the host can read it all the same.
    pub(super) fn check_word(&self, text: &dyn AnyText, known: &Known<'_>) {
        for reference in text.references() {
            if let Err(wrong) = no_secret(reference, Some(Context::Shell), known) {
                self.push(wrong, self.locate(text.source(), reference.range.clone()));
            }
        }
    }

    /// A pattern, in which any value may stand for the insertions: values are escaped.
    fn regex(&self, source: &Sp<String>) {
        let mut pattern = String::new();
        let mut rest = source.value.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            pattern.push_str(before);
            pattern.push('x');
            rest = after.split_once("}}").map_or("", |(_, behind)| behind);
        }
        pattern.push_str(rest);
        if let Err(error) = regex::Regex::new(&pattern) {
            self.diags.push(Diagnostic::error("bad-regex", source.span, crate::template::regex_words(&error)));
        }
    }

    fn push(&self, Wrong { code, message, help }: Wrong, at: Span) {
        self.diags.push(Diagnostic::error(code, at, message).maybe_help(help));
    }

    /// A template that is written in place.
    pub(super) fn check_compiled(&self, source: &Sp<String>, compiled: &Compiled, known: &Known<'_>, place: &Place) {
        let context = Some(compiled.context());
        self.all(compiled.problems(), compiled.references(), context, known, place, |range| self.locate(source, range));
    }

    /// A template file.
    pub(super) fn check_file(&self, source: SourceId, context: Context, known: &Known<'_>, place: &Place) {
        text::allowances(source, &self.sources.get(source).text, self.diags);
        let compiled = Compiled::new(&self.sources.get(source).text, context);
        let locate = |range| Span::new(source, range);
        self.all(compiled.problems(), compiled.references(), Some(context), known, place, locate);
    }

    fn locate(&self, source: &Sp<String>, range: Range<usize>) -> Span {
        text::place(&self.sources.get(source.span.source).text, source.span, &source.value, range)
    }

    fn all(
        &self,
        problems: &[Problem],
        references: &[Reference],
        context: Option<Context>,
        known: &Known<'_>,
        place: &Place,
        locate: impl Fn(Range<usize>) -> Span,
    ) {
        for problem in problems {
            self.diags.push(problem.locate(&locate));
        }
        for reference in references {
            let checked = match &reference.base {
                RefBase::Root => known
                    .check(&reference.path, place)
                    .and_then(|()| no_secret(reference, context, known))
                    .and_then(|()| same_kind(reference, known)),
                RefBase::HostsOf(list) if list.first().is_some_and(|root| root == "targets") => {
                    known.check_at_host(&reference.path)
                }
                RefBase::HostsOf(_) | RefBase::Local => Ok(()),
            };
            if let Err(wrong) = checked {
                self.push(wrong, locate(reference.range.clone()));
            }
        }
    }
}

/// Values of two kinds are never compared: what would always be an error of the run is one now.
fn same_kind(reference: &Reference, known: &Known<'_>) -> Result<(), Wrong> {
    let ([root, name], Some(with)) = (reference.path.as_slice(), reference.compared) else { return Ok(()) };
    let (kind, like) = match known.kind(root, name) {
        Some(Kind::String | Kind::Path) => ("a text", &["a text"][..]),
        Some(Kind::Int) => ("a whole number", &["a whole number", "a number"][..]),
        Some(Kind::Float) => ("a number", &["a whole number", "a number"][..]),
        Some(Kind::Bool) => ("a boolean", &["a boolean"][..]),
        _ => return Ok(()),
    };
    if like.contains(&with) {
        return Ok(());
    }
    Err(Wrong {
        code: "kinds-differ",
        message: format!("`{root}.{name}` is {kind}, and is compared with {with}"),
        help: Some(match kind {
            "a text" => format!("write the other value in quotes, or `(int {root}.{name})` where it is a number"),
            "a boolean" => format!("`{root}.{name}` by itself is the condition, `not {root}.{name}` its contrary"),
            _ => "write the other value without quotes".to_owned(),
        }),
    })
}

/// A command line is visible to everybody on a host.
fn no_secret(reference: &Reference, context: Option<Context>, known: &Known<'_>) -> Result<(), Wrong> {
    let [root, name, ..] = reference.path.as_slice() else { return Ok(()) };
    if context == Some(Context::Shell) && known.kind(root, name) == Some(Kind::Secret) {
        return Err(Wrong {
            code: "secret-in-command",
            message: format!("`{root}.{name}` is a secret, and everybody on a host can read command lines"),
            help: Some(format!(
                "give it by the environment: `env: {{ NAME: \"{{{{{root}.{name}}}}}\" }}` and `\"$NAME\"` in the command"
            )),
        });
    }
    Ok(())
}
