//! URLs: what is inserted into path or query is percent-encoded, what is inserted as host is validated, and a scheme is
//! never inserted but with a whole URL.

use std::ops::Range;

use super::Escape;
use super::machine::Machine;
use crate::template::problem::Problem;

/// Where a URL is.
#[derive(Clone, Debug)]
pub(super) struct Url {
    part: Part,
    /// The text so far, while the scheme is read.
    scheme: String,
    /// The URL is one expression and nothing else.
    alone: bool,
    /// Hexadecimal digits that still belong to the last `%`.
    open: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Scheme,
    /// Right behind a value that is a URL.
    Base,
    /// Right behind `//`.
    Authority,
    /// Inside of the host.
    Host,
    /// Behind a value that is a host, or a host and port.
    AfterHost,
    Port,
    Path,
    Query,
}

impl Url {
    pub(super) fn new(alone: bool) -> Self {
        Self { part: Part::Scheme, scheme: String::new(), alone, open: 0 }
    }

    fn step(&mut self, c: char) -> Result<(), &'static str> {
        self.part = match (self.part, c) {
            (Part::Base | Part::Authority | Part::Host | Part::AfterHost | Part::Port, '/') => Part::Path,
            (Part::Scheme, _) => {
                self.scheme.push(c);
                if self.scheme.ends_with("://") { Part::Authority } else { Part::Scheme }
            }
            (_, '?' | '#') => Part::Query,
            (part @ (Part::Path | Part::Query), _) => part,
            (Part::Base, ':') => {
                return Err(
                    "a scheme cannot be inserted, and a port follows a host: write `http://{{host.address}}:80`",
                );
            }
            (Part::Base, _) => return Err("a URL that was inserted goes on with `/` or `?`"),
            (Part::Host | Part::AfterHost, ':') => Part::Port,
            (Part::Authority | Part::Host | Part::AfterHost | Part::Port, '@') => Part::Authority,
            (Part::Authority | Part::Host | Part::AfterHost, _) => Part::Host,
            (Part::Port, _) => Part::Port,
        };
        Ok(())
    }
}

impl Machine for Url {
    fn text(&mut self, text: &str, at: usize, problems: &mut Vec<Problem>) {
        for (i, c) in text.char_indices() {
            self.open = if c == '%' { 2 } else { self.open.saturating_sub(1) };
            if let Err(reason) = self.step(c) {
                let place = at + i..at + i + c.len_utf8();
                problems.push(Problem::error("unsafe-place", place, "this cannot follow the value").help(reason));
                self.part = Part::Path;
            }
        }
    }

    fn insert(&mut self, range: &Range<usize>, helper: Option<&'static str>) -> Result<Escape, Box<Problem>> {
        let refuse = |message: &str, help: &str| {
            Err(Box::new(Problem::error("unsafe-place", range.clone(), message).help(help)))
        };
        // What `url` has encoded is not encoded again.
        let encoded = helper == Some("url");
        if std::mem::take(&mut self.open) > 0 {
            return refuse(
                "a value inside of a character that is percent-encoded",
                "write the value alone: it is encoded",
            );
        }
        match self.part {
            Part::Scheme if self.scheme.is_empty() => {
                self.part = Part::Base;
                Ok(Escape::UrlBase { alone: self.alone })
            }
            Part::Scheme => refuse("a value before `://`", "write `http://` or `https://`"),
            Part::Base => refuse("a value right behind a URL", "put a `/` or `?` between them"),
            Part::Authority => {
                self.part = Part::AfterHost;
                Ok(Escape::UrlHost)
            }
            Part::Host => Ok(Escape::UrlHostPart),
            Part::AfterHost => refuse("a value right behind a host", "put a `.`, `:` or `/` between them"),
            Part::Port => Ok(Escape::UrlPort),
            Part::Path if encoded => Ok(Escape::UrlEncodedPath),
            Part::Query if encoded => Ok(Escape::Plain),
            Part::Path => Ok(Escape::UrlPath),
            Part::Query => Ok(Escape::UrlQuery),
        }
    }

    fn join(&mut self, other: &Self) -> bool {
        self.part == other.part && self.open == other.open && (self.part != Part::Scheme || self.scheme == other.scheme)
    }

    fn place(&self) -> &'static str {
        match self.part {
            Part::Scheme => "before `://`",
            Part::Base => "behind a whole URL",
            Part::Authority | Part::Host | Part::AfterHost => "in the host",
            Part::Port => "in the port",
            Part::Path => "in the path",
            Part::Query => "in the query",
        }
    }
}
