//! Places in logs: taken in the same request as a step's start, so that nothing is missed between the two.

use serde::{Deserialize, Serialize};

use super::LinkError;
use super::container::LogCommand;
use super::look::{Ask, Look};

/// A log on a host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogSource {
    /// A file, by its absolute path.
    File(String),
    /// What a systemd unit writes to the journal.
    Journal(String),
    /// What a container writes, by its engine. Asked at the controller.
    Container(LogCommand),
}

/// A place in a log: what lies before it never counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// The log.
    pub source: LogSource,
    /// Where in it.
    pub at: Place,
}

/// Where in a log a [`Cursor`] stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In a file.
    File {
        /// Its inode.
        inode: u64,
        /// Its size at that moment: the offset from which lines count.
        size: u64,
        /// A checksum of its first bytes, at most 256, and their number: `CKSUM:N`.
        fingerprint: String,
    },
    /// A file that did not exist: all of it will count.
    Absent,
    /// journald's own cursor; empty when the journal was empty.
    Journal(String),
    /// The timestamp that a container's engine gave to the last line; empty when there was none.
    Container(String),
}

/// Where logs stand now, as a user that may read them. Where a step is started, [`super::Work::cursors`] takes them in the
/// same request; that of a container is asked at the controller before.
pub async fn cursors(look: &dyn Look, user: Option<&str>, sources: &[LogSource]) -> Result<Vec<Cursor>, LinkError> {
    if let [source @ LogSource::Container(command)] = sources {
        let at = Place::Container(command.last(look).await?);
        return Ok(vec![Cursor { source: source.clone(), at }]);
    }
    // what only looks runs in a part of the runner, which has the functions
    let script = "_C=$1 _cur=; rf_cursors; printf '%s' \"$_cur\"".to_owned();
    let lines = sources.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    let argv = Some(vec![lines.join("\n")]);
    let answer = look.ask(&Ask { script, argv, user: user.map(str::to_owned), ..Ask::default() }).await?;
    let cursors = parse(sources, &String::from_utf8_lossy(&answer.stdout));
    cursors.ok_or_else(|| LinkError::lost("the host answered something that is no cursor"))
}

/// How the runner is told of a log.
pub(super) fn line(source: &LogSource) -> Result<String, LinkError> {
    let (kind, text) = match source {
        LogSource::File(path) => ('F', path),
        LogSource::Journal(unit) => ('J', unit),
        LogSource::Container(_) => {
            return Err(LinkError::NotStarted {
                reason: "the log of a container is asked at the controller".to_owned(),
            });
        }
    };
    let whole = kind == 'J' || text.starts_with('/');
    if whole && !text.is_empty() && !text.contains(['\n', '\0']) {
        Ok(format!("{kind} {text}"))
    } else {
        Err(LinkError::NotStarted { reason: format!("{text:?} is not an absolute path") })
    }
}

/// The cursors as the runner writes them, one line for each source.
pub(super) fn parse(sources: &[LogSource], text: &str) -> Option<Vec<Cursor>> {
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() != sources.len() {
        return None;
    }
    sources.iter().zip(lines).map(|(source, line)| Some(Cursor { source: source.clone(), at: place(line)? })).collect()
}

fn place(line: &str) -> Option<Place> {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["A"] => Some(Place::Absent),
        ["F", inode, size, fingerprint] => Some(Place::File {
            inode: inode.parse().ok()?,
            size: size.parse().ok()?,
            fingerprint: (*fingerprint).to_owned(),
        }),
        ["J", cursor] => Some(Place::Journal((*cursor).to_owned())),
        _ => None,
    }
}
