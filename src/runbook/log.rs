//! What a log is called in a runbook: a path, `journal:UNIT`, or `container:`.

use std::str::FromStr;

use crate::transport::{LogCommand, LogSource};

/// A log, as an author names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogName {
    /// A file, by its absolute path.
    File(String),
    /// What a systemd unit writes to the journal.
    Journal(String),
    /// What the container writes that the host is.
    Container,
}

impl FromStr for LogName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("journal", unit)) if is_unit(unit) => Ok(Self::Journal(unit.to_owned())),
            Some(("container", "")) => Ok(Self::Container),
            Some(("container", _)) => {
                Err("nothing stands behind `container:`: it is the container that the host is".to_owned())
            }
            _ if text.starts_with('/') => Ok(Self::File(text.to_owned())),
            _ => Err(format!("`{text}` is no log: a path, `journal:UNIT` or `container:` is")),
        }
    }
}

impl LogName {
    /// What stands for the log of the container that the host is.
    pub const CONTAINER: &str = "container:";

    /// Where it is read. `enter` is the command that enters the host; none is needed for what is not a container.
    pub fn source(self, enter: &[String]) -> Result<LogSource, String> {
        Ok(match self {
            Self::File(path) => LogSource::File(path),
            Self::Journal(unit) => LogSource::Journal(unit),
            Self::Container if enter.is_empty() => {
                return Err("`container:` is the log of a host that is `via: exec`, and this one is not".to_owned());
            }
            Self::Container => LogSource::Container(LogCommand::beside(enter)?),
        })
    }

    /// As an author writes it.
    #[must_use]
    pub fn written(source: &LogSource) -> String {
        match source {
            LogSource::File(path) => path.clone(),
            LogSource::Journal(unit) => format!("journal:{unit}"),
            LogSource::Container(_) => Self::CONTAINER.to_owned(),
        }
    }
}

/// The name of one unit: journalctl would take a pattern for many.
fn is_unit(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.@:\\".contains(&b);
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(plain)
}
