//! Evaluates expressions and renders texts: one pass, values are data and never looked at again.

use std::ops::Range;

use indexmap::IndexSet;

use super::ast::{Block, BlockKind, Call, Ex, ExKind, Local, Node, PathBase, PathEx};
use super::context::{Escape, apply};
use super::error::{EvalError, EvalErrorKind as Kind};
use super::helpers::{Cx, Fault, Lazy, Run, Truth, Unknown, is_empty};
use super::scope::{Base, Read, ReadError, Scope};
use super::text::{Hole, Rendered};
use super::value::{Value, hole};

/// More than this is not a text that anyone meant.
const MAX_RENDERED: usize = 16 << 20;

/// One evaluation.
pub(super) struct Evaluator<'a> {
    scope: &'a dyn Scope,
    source: &'a str,
    frames: Vec<Element>,
    reads: IndexSet<String>,
    out: Rendered,
}

/// What a block's scope stands for while its body is rendered. Frame 0 is the root and has no value.
struct Element {
    value: Value,
    index: usize,
    last: bool,
    key: Option<String>,
}

type Evaluated = Result<Value, EvalError>;

impl<'a> Evaluator<'a> {
    pub(super) fn new(scope: &'a dyn Scope, source: &'a str) -> Self {
        let root = Element { value: Value::Null, index: 0, last: true, key: None };
        Self { scope, source, frames: vec![root], reads: IndexSet::new(), out: Rendered::default() }
    }

    pub(super) fn reads(self) -> Vec<String> {
        self.reads.into_iter().collect()
    }

    pub(super) fn render(mut self, nodes: &[Node]) -> Result<Rendered, EvalError> {
        self.nodes(nodes)?;
        self.out.reads = self.reads.into_iter().collect();
        Ok(self.out)
    }

    fn written(&self, range: &Range<usize>) -> String {
        self.source.get(range.clone()).unwrap_or_default().to_owned()
    }

    // ---- texts

    fn nodes(&mut self, nodes: &[Node]) -> Result<(), EvalError> {
        for node in nodes {
            match node {
                Node::Text { text, .. } => self.out.text.push_str(text),
                Node::Insert { ex, escape, range } => self.insert(ex, escape, range)?,
                Node::Block(block) => self.block(block)?,
            }
            if self.out.text.len() > MAX_RENDERED {
                let range = if let Node::Insert { range, .. } = node { range.clone() } else { 0..self.source.len() };
                return Err(EvalError::new(range, Kind::TooLarge { limit: MAX_RENDERED }));
            }
        }
        Ok(())
    }

    fn insert(&mut self, ex: &Ex, escape: &Escape, range: &Range<usize>) -> Result<(), EvalError> {
        let value = self.eval(ex, false)?;
        if let Some(step) = value.waits_for() {
            let start = self.out.text.len();
            self.out.text.push_str(&hole(&step));
            self.out.unknown.push(Hole { step, range: start..self.out.text.len() });
            return Ok(());
        }
        let text =
            apply(escape, &value, &self.written(&ex.range)).map_err(|kind| EvalError::new(range.clone(), kind))?;
        self.out.secret |= value.holds_secret();
        self.out.text.push_str(&text);
        Ok(())
    }

    fn block(&mut self, block: &Block) -> Result<(), EvalError> {
        let conditional = matches!(block.kind, BlockKind::If | BlockKind::Unless);
        let value = self.eval(&block.arg, conditional)?;
        if let Value::Unknown(step) = &value {
            return self.unknown_block(block, step, conditional);
        }
        match block.kind {
            BlockKind::If | BlockKind::Unless => {
                let holds = match &value {
                    Value::Null => false,
                    Value::Bool(b) => *b,
                    _ => return Err(self.refuse(block, &value, "a boolean: `not (empty …)`, `eq …`")),
                };
                if holds == (block.kind == BlockKind::If) { self.nodes(&block.body) } else { self.inverse(block) }
            }
            BlockKind::With if is_empty(&value) => self.inverse(block),
            BlockKind::With => self.element(block, value, 0, true, None),
            BlockKind::Each => match &value {
                Value::Null => self.inverse(block),
                Value::List(list) if list.is_empty() => self.inverse(block),
                Value::Map(map) if map.is_empty() => self.inverse(block),
                Value::List(list) => {
                    for (i, element) in list.iter().enumerate() {
                        self.element(block, element.clone(), i, i + 1 == list.len(), None)?;
                    }
                    Ok(())
                }
                Value::Map(map) => {
                    for (i, (key, element)) in map.iter().enumerate() {
                        self.element(block, element.clone(), i, i + 1 == map.len(), Some(key.clone()))?;
                    }
                    Ok(())
                }
                _ => Err(self.refuse(block, &value, "a list or a map")),
            },
        }
    }

    fn refuse(&self, block: &Block, value: &Value, needed: &'static str) -> EvalError {
        let written = self.written(&block.arg.range);
        EvalError::new(
            block.arg.range.clone(),
            Kind::Block { block: block.kind.name(), needed, found: value.kind(), written },
        )
    }

    fn element(
        &mut self,
        block: &Block,
        value: Value,
        index: usize,
        last: bool,
        key: Option<String>,
    ) -> Result<(), EvalError> {
        self.frames.push(Element { value, index, last, key });
        let rendered = self.nodes(&block.body);
        self.frames.pop();
        rendered
    }

    fn inverse(&mut self, block: &Block) -> Result<(), EvalError> {
        block.inverse.as_ref().map_or(Ok(()), |(_, nodes)| self.nodes(nodes))
    }

    /// Both branches of a condition are shown; of a list nothing can be.
    fn unknown_block(&mut self, block: &Block, step: &std::sync::Arc<str>, conditional: bool) -> Result<(), EvalError> {
        let start = self.out.text.len();
        if conditional {
            self.out.text.push_str("⟨unknown until ");
            self.out.text.push_str(step);
            self.out.text.push_str(": ");
            self.nodes(&block.body)?;
            if block.inverse.is_some() {
                self.out.text.push_str(" | ");
                self.inverse(block)?;
            }
            self.out.text.push('⟩');
        } else {
            self.out.text.push_str(&hole(step));
        }
        self.out.unknown.push(Hole { step: step.clone(), range: start..self.out.text.len() });
        Ok(())
    }

    // ---- expressions

    /// Evaluates an expression. `lenient`: a path that leads through null is null.
    pub(super) fn eval(&mut self, ex: &Ex, lenient: bool) -> Evaluated {
        match &ex.kind {
            ExKind::Literal(value) => Ok(value.clone()),
            ExKind::Path(path) => self.path(path, &ex.range, lenient),
            ExKind::Call(call) => self.call(call, &ex.range),
        }
    }

    fn path(&mut self, path: &PathEx, range: &Range<usize>, lenient: bool) -> Evaluated {
        let walk = Walk { scope: self.scope, range, lenient, missing_is_null: false };
        match path.base {
            PathBase::Frame(0) => {
                let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
                self.reads.insert(segments.join("."));
                let read =
                    self.scope.read(Base::Root, &segments).map_err(|e| EvalError::new(range.clone(), e.into()))?;
                walk.rest(read, &segments, "")
            }
            PathBase::Frame(frame) | PathBase::Param { frame, second: false } => {
                let value = self.frames[frame].value.clone();
                self.follow(&walk, &value, &path.segments.iter().map(String::as_str).collect::<Vec<_>>())
            }
            PathBase::Param { frame, .. } => {
                let element = &self.frames[frame];
                Ok(element.key.as_ref().map_or_else(|| element.index.into(), |k| k.as_str().into()))
            }
            PathBase::Local { frame, name } => {
                let element = &self.frames[frame];
                Ok(match name {
                    Local::Index => element.index.into(),
                    Local::First => (element.index == 0).into(),
                    Local::Last => element.last.into(),
                    Local::Key => element.key.as_deref().map_or(Value::Null, Value::from),
                })
            }
        }
    }

    fn follow(&mut self, walk: &Walk<'_>, value: &Value, segments: &[&str]) -> Evaluated {
        if let (Value::Host(name), false) = (value, segments.is_empty()) {
            self.reads.insert(format!("{name}:{}", segments.join(".")));
        }
        walk.on(value.clone(), segments, "this".to_owned())
    }

    fn call(&mut self, call: &Call, range: &Range<usize>) -> Evaluated {
        let helper = call.helper;
        match helper.run {
            Run::Lazy(lazy) => self.lazy(lazy, call),
            Run::Values(run) => {
                let mut args = Vec::with_capacity(call.args.len());
                for (i, arg) in call.args.iter().enumerate() {
                    args.push(self.eval(arg, i == 0 && helper.name == "get")?);
                }
                let waits = match helper.unknown {
                    Unknown::Own => None,
                    Unknown::Deep => args.iter().find_map(Value::waits_for),
                    Unknown::Shallow => args.iter().find(|a| matches!(a, Value::Unknown(_))).and_then(Value::waits_for),
                };
                if let Some(step) = waits {
                    return Ok(Value::Unknown(step));
                }
                // A text that is made of a secret is a secret.
                let secret = args.iter().any(Value::holds_secret) && helper.unknown != Unknown::Shallow;
                if secret {
                    args = args.iter().map(Value::exposed).collect();
                }
                if super::helpers::takes_path(helper.name) {
                    self.note_elements(&args);
                }
                let scope = self.scope;
                let follow = |value: &Value, path: &str, missing_is_null: bool| {
                    let walk = Walk { scope, range, lenient: missing_is_null, missing_is_null };
                    walk.on(value.clone(), &path.split('.').collect::<Vec<_>>(), "element".to_owned())
                };
                let cx = Cx { scope, walk: &follow, regex: call.regex.as_ref() };
                let result = run(&cx, &args).map_err(|fault| self.fault(fault, call, &args, secret, range))?;
                Ok(if secret { result.concealed() } else { result })
            }
        }
    }

    /// What `pluck` and its kin read of hosts.
    fn note_elements(&mut self, args: &[Value]) {
        let Some(path) = args.get(1).and_then(Value::as_str) else { return };
        for host in args[0].as_list().unwrap_or(std::slice::from_ref(&args[0])) {
            if let Value::Host(name) = host {
                self.reads.insert(format!("{name}:{path}"));
            }
        }
    }

    fn lazy(&mut self, lazy: Lazy, call: &Call) -> Evaluated {
        match lazy {
            Lazy::And | Lazy::Or => {
                let truths = call.args.iter().enumerate().map(|(i, arg)| {
                    let value = self.eval(arg, false)?;
                    Truth::of(&value).ok_or_else(|| self.not_boolean(call, i, &value))
                });
                lazy.fold(truths)
            }
            Lazy::Not => match self.eval(&call.args[0], false)? {
                Value::Bool(b) => Ok(Value::Bool(!b)),
                unknown @ Value::Unknown(_) => Ok(unknown),
                other => Err(self.not_boolean(call, 0, &other)),
            },
            Lazy::Cond => match self.eval(&call.args[0], false)? {
                Value::Bool(b) => self.eval(&call.args[if b { 1 } else { 2 }], false),
                unknown @ Value::Unknown(_) => Ok(unknown),
                other => Err(self.not_boolean(call, 0, &other)),
            },
            Lazy::Default => match self.eval(&call.args[0], true)? {
                Value::Null => self.eval(&call.args[1], false),
                value => Ok(value),
            },
            Lazy::Empty => {
                let value = self.eval(&call.args[0], true)?;
                if matches!(value, Value::Unknown(_)) {
                    return Ok(value);
                }
                Ok(is_empty(&value.exposed()).into())
            }
        }
    }

    fn not_boolean(&self, call: &Call, position: usize, value: &Value) -> EvalError {
        self.argument(call, position, "a boolean", value.kind())
    }

    fn argument(&self, call: &Call, position: usize, needed: &'static str, found: &'static str) -> EvalError {
        let arg = &call.args[position];
        let kind =
            Kind::Argument { helper: call.helper.name, position, needed, found, written: self.written(&arg.range) };
        EvalError::new(arg.range.clone(), kind)
    }

    fn fault(&self, fault: Fault, call: &Call, args: &[Value], secret: bool, range: &Range<usize>) -> EvalError {
        let helper = call.helper.name;
        match fault {
            Fault::Argument(position, needed) => self.argument(call, position, needed, args[position].kind()),
            // The reason may quote an argument.
            Fault::Bad(_) if secret => EvalError::new(
                range.clone(),
                Kind::BadValue { helper, reason: "the secret is no good for it".to_owned() },
            ),
            Fault::Bad(reason) => EvalError::new(range.clone(), Kind::BadValue { helper, reason }),
            Fault::Compare(mismatch) => EvalError::new(range.clone(), Kind::Compare { helper, mismatch }),
            Fault::Eval(error) => error,
        }
    }
}

/// Follows a path through values.
struct Walk<'a> {
    scope: &'a dyn Scope,
    range: &'a Range<usize>,
    /// Null has every field, and each is null.
    lenient: bool,
    /// So has a map that lacks a key.
    missing_is_null: bool,
}

impl Walk<'_> {
    fn error(&self, kind: Kind) -> EvalError {
        EvalError::new(self.range.clone(), kind)
    }

    /// Goes on behind what a scope has found.
    fn rest(&self, read: Read, segments: &[&str], before: &str) -> Evaluated {
        let used = read.used.clamp(1, segments.len());
        let walked = segments[..used].join(".");
        let walked = if before.is_empty() { walked } else { format!("{before}.{walked}") };
        self.on(read.value, &segments[used..], walked)
    }

    fn on(&self, mut value: Value, segments: &[&str], mut walked: String) -> Evaluated {
        for (i, segment) in segments.iter().enumerate() {
            value = match &value {
                Value::Unknown(_) => return Ok(value),
                Value::Null if self.lenient => return Ok(Value::Null),
                Value::Host(name) => {
                    let read = self.scope.read(Base::Host(name), &segments[i..]);
                    let read = match read {
                        Err(ReadError::Missing { .. }) if self.missing_is_null => return Ok(Value::Null),
                        read => read.map_err(|e| self.error(e.into()))?,
                    };
                    return self.rest(read, &segments[i..], &walked);
                }
                Value::Map(map) => match map.get(*segment) {
                    Some(value) => value.clone(),
                    None if self.missing_is_null => return Ok(Value::Null),
                    None => {
                        let path = format!("{walked}.{segment}");
                        let known = map.keys().cloned().collect();
                        return Err(self.error(Kind::Key(ReadError::Missing { path, known })));
                    }
                },
                Value::List(list) => match segment.parse::<usize>() {
                    Ok(index) => match list.get(index) {
                        Some(value) => value.clone(),
                        None if self.missing_is_null => return Ok(Value::Null),
                        None => return Err(self.error(Kind::NoElement { path: walked, len: list.len(), index })),
                    },
                    Err(_) => return Err(self.no_fields(&value, walked, segment)),
                },
                _ => return Err(self.no_fields(&value, walked, segment)),
            };
            walked = format!("{walked}.{segment}");
        }
        Ok(value)
    }

    fn no_fields(&self, value: &Value, path: String, segment: &str) -> EvalError {
        self.error(Kind::NoFields { path, kind: value.kind(), segment: segment.to_owned() })
    }
}
