//! Paths: what they start from, inside of blocks and out, and what a block's scope stands for.

use std::ops::Range;

use super::ast::{BlockKind, Ex, ExKind, Local, PathBase, PathEx};
use super::parse::Parser;
use super::reference::{RefBase, Reference};

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

impl Parser<'_> {
    pub(super) fn resolve(&self, written: &str) -> Option<(PathBase, Vec<String>)> {
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

    pub(super) fn find_param(&self, name: &str) -> Option<(usize, bool)> {
        let name = split_first(name).map_or(name, |(first, _)| first);
        self.frames
            .iter()
            .enumerate()
            .rev()
            .find_map(|(i, frame)| frame.params.iter().position(|p| p == name).map(|at| (i, at == 1)))
    }

    pub(super) fn note(&mut self, base: PathBase, segments: &[String], range: &Range<usize>, allows_null: bool) {
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
            self.references.push(Reference { path, base, range: range.clone(), allows_null, compared: None });
        }
    }

    /// If an expression gives hosts of a target: its path, and whether it is one host rather than a list.
    pub(super) fn hosts_in(&self, ex: &Ex) -> Option<(Vec<String>, bool)> {
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
