//! Carries the lexical state of a context through a tree of text and blocks.

use std::ops::Range;

use super::outermost;
use crate::template::ast::{BlockKind, Ex, ExKind, Local, Node, PathBase, PathEx};
use crate::template::context::Escape;
use crate::template::problem::Problem;

/// The lexical state of a context.
pub(super) trait Machine: Clone {
    /// Goes on over text that the author wrote.
    fn text(&mut self, text: &str, at: usize, problems: &mut Vec<Problem>);

    /// Chooses the escape for a value at this place.
    fn insert(&mut self, range: &Range<usize>, helper: Option<&'static str>) -> Result<Escape, Box<Problem>>;

    /// Joins with the state at the end of another branch: to the stricter of both. `false` when they do not agree.
    fn join(&mut self, other: &Self) -> bool;

    /// For messages: where the text is now.
    fn place(&self) -> &'static str;
}

pub(super) fn run<M: Machine>(mut machine: M, nodes: &mut [Node], problems: &mut Vec<Problem>) {
    walk(&mut machine, nodes, problems);
}

/// Goes through an element that another one follows: of `#unless @last` the body, of `#if @last` what is for the others.
fn not_last<M: Machine>(machine: &mut M, nodes: &mut [Node]) {
    let ignored = &mut Vec::new();
    for node in nodes {
        match node {
            Node::Block(block) if asks_for_last(&block.arg) && block.kind == BlockKind::Unless => {
                walk(machine, &mut block.body, ignored);
            }
            Node::Block(block) if asks_for_last(&block.arg) && block.kind == BlockKind::If => {
                if let Some((_, inverse)) = &mut block.inverse {
                    walk(machine, inverse, ignored);
                }
            }
            other => walk(machine, std::slice::from_mut(other), ignored),
        }
    }
}

fn asks_for_last(ex: &Ex) -> bool {
    matches!(&ex.kind, ExKind::Path(PathEx { base: PathBase::Local { name: Local::Last, .. }, .. }))
}

fn walk<M: Machine>(machine: &mut M, nodes: &mut [Node], problems: &mut Vec<Problem>) {
    for node in nodes {
        match node {
            Node::Text { text, at } => machine.text(text, *at, problems),
            Node::Insert { ex, range, escape } => match machine.insert(range, outermost(ex)) {
                Ok(chosen) if !matches!(escape, Escape::Raw | Escape::RawShell) => *escape = chosen,
                Ok(_) => {}
                Err(problem) => problems.push(*problem),
            },
            Node::Block(block) => {
                let start = machine.clone();
                let each = block.kind == BlockKind::Each;
                if each {
                    // The second element begins where the first ended, which was not the last.
                    let mut end = start.clone();
                    not_last(&mut end, &mut block.body);
                    machine.join(&end);
                }
                walk(machine, &mut block.body, problems);
                let mut other = start.clone();
                let mut second = block.range.clone();
                if let Some((range, inverse)) = &mut block.inverse {
                    second = range.clone();
                    walk(&mut other, inverse, problems);
                }
                let place = machine.place();
                let again = each && !machine.clone().join(&start);
                if again || !machine.join(&other) {
                    let elsewhere = if again { start.place() } else { other.place() };
                    let mut problem = Problem::error(
                        "branches-differ",
                        block.range.clone(),
                        format!("the branches of `#{}` end in different places of the text", block.kind.name()),
                    )
                    .label(format!("with this branch the text goes on {place}"))
                    .help("let every branch begin and end in the same place: quotes that are opened inside are closed inside");
                    problem = problem.and(second, format!("without it the text goes on {elsewhere}"));
                    problems.push(problem);
                }
            }
        }
    }
}
