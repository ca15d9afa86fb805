//! Compiled texts and expressions: everything that can be known without evaluating is known when they are made.

use std::ops::Range;

use super::ast::{Ex, ExKind, Node};
use super::context::{Context, inner_outputs, settle};
use super::error::{EvalError, EvalErrorKind};
use super::eval::Evaluator;
use super::expr::Evaluated;
use super::lower::{Lowered, lower};
use super::parse::Parser;
use super::problem::Problem;
use super::reference::Reference;
use super::scope::Scope;
use super::text::Rendered;
use super::token::tokenize;
use super::told::told;
use super::value::Value;

/// A text, ready to be rendered. Also for contexts that are known only at run time, such as a file's.
#[derive(Debug)]
pub struct Compiled {
    source: String,
    context: Context,
    nodes: Vec<Node>,
    problems: Vec<Problem>,
    references: Vec<Reference>,
}

impl Compiled {
    /// Compiles a text; what is wrong with it is in [`Compiled::problems`].
    #[must_use]
    pub fn new(source: &str, context: Context) -> Self {
        let Lowered { mut nodes, mut problems, references } = lower(source);
        // Half a tree would only give consequences.
        if !problems.iter().any(Problem::is_error) {
            settle(context, source, &mut nodes, &mut problems);
        }
        problems.sort_by_key(|p| (p.range.start, p.range.end));
        Self { source: source.to_owned(), context, nodes, problems, references }
    }

    /// As it is written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What its values are escaped for.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context
    }

    /// What is wrong with it.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// What it reads.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The places in the source where a value is inserted or a block opens.
    #[must_use]
    pub fn insertions(&self) -> Vec<Range<usize>> {
        let place = |node: &Node| match node {
            Node::Text { .. } => None,
            Node::Insert { range, .. } => Some(range.clone()),
            Node::Block(block) => Some(block.range.clone()),
        };
        self.nodes.iter().filter_map(place).collect()
    }

    /// Renders it, once: inserted values are data and never looked at again.
    pub fn render(&self, scope: &dyn Scope) -> Result<Rendered, EvalError> {
        refuse_invalid(&self.problems)?;
        Evaluator::new(scope, &self.source).render(&self.nodes)
    }

    /// Its value: of the expression, when the text is one and nothing else; else the rendered text.
    pub fn value(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        refuse_invalid(&self.problems)?;
        if let [Node::Insert { ex, .. }] = self.nodes.as_slice() {
            return Evaluator::new(scope, &self.source).eval(ex, false);
        }
        let rendered = self.render(scope)?;
        Ok(match rendered.unknown.first() {
            Some(hole) => Value::Unknown(hole.step.clone()),
            None if rendered.secret => Value::secret(rendered.text),
            None => rendered.text.into(),
        })
    }
}

/// An expression, ready to be evaluated.
#[derive(Debug)]
pub(super) struct CompiledExpr {
    source: String,
    ex: Option<Ex>,
    problems: Vec<Problem>,
    references: Vec<Reference>,
}

impl CompiledExpr {
    pub(super) fn new(source: &str) -> Self {
        let mut parser = Parser::new(source);
        let mut ex = None;
        if let Some(bare) = unbraced(source) {
            parser.problems.push(
                Problem::error("braces-in-expression", 0..source.len(), "an expression field takes no braces")
                    .help(format!("write `{bare}`")),
            );
        } else {
            let tokens = tokenize(source, 0..source.len(), &mut parser.problems);
            let start = source.len() - source.trim_start().len();
            let whole = start..source.trim_end().len().max(start);
            if parser.problems.is_empty() {
                ex = parser.expression(&tokens, whole, false);
            }
        }
        if let Some(ex) = &ex {
            inner_outputs(ex, false, &mut parser.problems);
        }
        Self { source: source.to_owned(), ex, problems: parser.problems, references: parser.references }
    }

    /// As people write it elsewhere; as it is written, where it was not understood.
    pub(super) fn words(&self) -> String {
        self.ex.as_ref().map_or_else(|| self.source.clone(), |ex| told(ex, &self.source))
    }

    pub(super) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(super) fn references(&self) -> &[Reference] {
        &self.references
    }

    pub(super) fn eval(&self, scope: &dyn Scope) -> Result<Evaluated, EvalError> {
        refuse_invalid(&self.problems)?;
        let mut evaluator = Evaluator::new(scope, &self.source);
        let value = match &self.ex {
            Some(ex) => evaluator.eval(ex, false)?,
            // Without problems there is an expression.
            None => Value::Null,
        };
        Ok(Evaluated { value, reads: evaluator.reads() })
    }
}

/// The expression less its braces, if it has some.
fn unbraced(source: &str) -> Option<String> {
    if !source.contains("{{") {
        return None;
    }
    let bare = source.replace("{{~", "").replace("~}}", "").replace("{{", "").replace("}}", "");
    let bare = bare.trim();
    // `eq {{a}} 3` is one without its braces; `a {{b}} c` is not
    let understood = CompiledExpr::new(bare);
    let called = matches!(&understood.ex, Some(Ex { kind: ExKind::Call(_), .. })) && understood.problems.is_empty();
    if let (false, Some(whole)) = (called, concat(source)) {
        return Some(whole);
    }
    // `{{a}} == {{b}}`: one mistake at a time would take two rounds.
    let tokens = tokenize(bare, 0..bare.len(), &mut Vec::new());
    Some(super::infix::prefix_form(bare, &tokens).unwrap_or_else(|| bare.to_owned()))
}

/// `a {{b}} c` as an expression: `concat "a " b " c"`. `None` when there is no text around the braces, or it may be an
/// operator.
fn concat(source: &str) -> Option<String> {
    let mut parts = Vec::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, behind) = after.split_once("}}")?;
        parts.push((true, before));
        parts.push((false, inside.trim_matches(['~', ' '])));
        rest = behind;
    }
    parts.push((true, rest));
    let texts: Vec<&str> = parts.iter().filter(|(text, _)| *text).map(|(_, part)| part.trim()).collect();
    let plain = |text: &&str| text.chars().any(char::is_alphanumeric) && !text.contains(['=', '<', '>', '&', '|', '"']);
    if !texts.iter().any(plain) || texts.iter().any(|text| !text.is_empty() && !plain(text)) {
        return None;
    }
    let words = parts.iter().filter(|(_, part)| !part.is_empty()).map(|(text, part)| match text {
        true => format!("\"{part}\""),
        false if part.contains(' ') => format!("({part})"),
        false => (*part).to_owned(),
    });
    Some(format!("concat {}", words.collect::<Vec<_>>().join(" ")))
}

fn refuse_invalid(problems: &[Problem]) -> Result<(), EvalError> {
    match problems.iter().find(|p| p.is_error()) {
        None => Ok(()),
        Some(p) => Err(EvalError::new(p.range.clone(), EvalErrorKind::Invalid { message: p.message.clone() })),
    }
}
