//! What texts and expressions are compiled to.

use std::ops::Range;

use super::context::Escape;
use super::helpers::Helper;
use super::value::Value;

/// An expression.
#[derive(Debug)]
pub(super) struct Ex {
    pub kind: ExKind,
    /// Bytes in the source.
    pub range: Range<usize>,
}

#[derive(Debug)]
pub(super) enum ExKind {
    Literal(Value),
    Path(PathEx),
    Call(Call),
}

/// A call of a helper.
#[derive(Debug)]
pub(super) struct Call {
    pub helper: &'static Helper,
    pub args: Vec<Ex>,
    /// For a literal pattern of `matches`.
    pub regex: Option<regex::Regex>,
}

/// A path, its start resolved.
#[derive(Debug)]
pub(super) struct PathEx {
    pub base: PathBase,
    pub segments: Vec<String>,
}

/// Where a path starts. Frames are counted from the outside; frame 0 is the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathBase {
    Frame(usize),
    /// A block parameter of a frame: the element, or (second) its index or key.
    Param {
        frame: usize,
        second: bool,
    },
    Local {
        frame: usize,
        name: Local,
    },
}

/// What `#each` knows of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Local {
    Index,
    First,
    Last,
    Key,
}

/// A piece of a text.
#[derive(Debug)]
pub(super) enum Node {
    Text {
        text: String,
        /// About where it begins in the source: white space round blocks is gone.
        at: usize,
    },
    Insert {
        ex: Ex,
        /// The whole tag.
        range: Range<usize>,
        escape: Escape,
    },
    Block(Box<Block>),
}

/// A block with its branches.
#[derive(Debug)]
pub(super) struct Block {
    pub kind: BlockKind,
    pub arg: Ex,
    /// The opening tag.
    pub range: Range<usize>,
    pub body: Vec<Node>,
    /// The tag of `{{else}}`, and what follows it.
    pub inverse: Option<(Range<usize>, Vec<Node>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    If,
    Unless,
    Each,
    With,
}

impl BlockKind {
    pub(super) const ALL: [(&'static str, Self); 4] =
        [("if", Self::If), ("unless", Self::Unless), ("each", Self::Each), ("with", Self::With)];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Whether its body has a scope of its own.
    pub(super) fn opens_frame(self) -> bool {
        matches!(self, Self::Each | Self::With)
    }
}
