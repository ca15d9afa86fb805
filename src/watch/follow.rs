//! Brings the lines of a log from a cursor on, over a channel of its own.
//!
//! A file is followed through renames, copies that are emptied, rotated files that are packed, and files that are not
//! there yet. What was read counts only when the host has said afterwards that the file was still the same, so lines
//! come in order and once. Lines that may have been lost are never passed over in silence: they are a
//! [`super::Followed::Gap`].
//!
//! Limits: a file that was empty at the cursor, then copied and emptied before the follower began, is not noticed; nor is
//! one that was rewritten with the same first and last bytes up to where it had been read; nor a rotated file that has the
//! number and the first 256 bytes of one from before the cursor. Of a container's log, what its engine has not handed on
//! half a second after it was written is not said yet.
//!
//! A container's log is followed on the controller, by its engine's own command; that ends with the container, and is
//! started again.

use crate::base::ids;
use crate::transport::{Ask, Bulk, Cursor, Link, LinkError, LogSource, log::Place};

use super::lines::{Followed, Lines};

const FOLLOW: &str = include_str!("assets/follow.sh");
const CONTAINER: &str = include_str!("assets/container.sh");

/// What the journal is followed with: entries with their cursors, and a word every half second that all is well. Where the
/// entry of the cursor was vacuumed, journalctl goes on with the oldest one that there is, without a word.
const JOURNAL: &str = "if [ -n \"$3\" ]; then
  h=$(journalctl -q --no-pager -o cat --show-cursor -n 1 --cursor \"$3\" 2>/dev/null) || :
  case $h in
  *\"-- cursor: $3\") ;;
  *) printf '\\n%s gap the journal no longer has the place where it was left\\n' \"$2\";;
  esac
fi
journalctl -q -f --no-pager -a -o json --output-fields=MESSAGE -n all -u \"$1\" \
    ${3:+--after-cursor \"$3\"} & j=$!
while kill -0 $j 2>/dev/null; do
  read -r t _ </proc/uptime; printf '\\n%s ok 0 0:0 %s\\n' \"$2\" \"${t%.*}${t#*.}0\"; sleep 0.5 2>/dev/null || sleep 1
done
wait $j";

/// A log that is being followed. Dropped, it ends on the host.
pub struct Follower {
    bulk: Box<dyn Bulk>,
    lines: Lines,
}

impl Follower {
    /// Follows a log from a cursor on, as a user that may read it.
    pub async fn start(link: &dyn Link, user: Option<&str>, cursor: &Cursor) -> Result<Self, LinkError> {
        let mark = ids::nonce();
        let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        let (script, argv) = match (&cursor.source, &cursor.at) {
            (LogSource::File(path), Place::File { inode, size, fingerprint }) => {
                let (sum, len) = fingerprint.split_once(':').unwrap_or((fingerprint, "0"));
                (FOLLOW, words(&[path, &mark, &inode.to_string(), &size.to_string(), sum, len]))
            }
            (LogSource::File(path), _) => (FOLLOW, words(&[path, &mark, "0", "0", "0", "0"])),
            (LogSource::Journal(unit), at) => {
                let from = if let Place::Journal(cursor) = at { cursor.as_str() } else { "" };
                (JOURNAL, words(&[unit, &mark, from]))
            }
            (LogSource::Container(command), at) => {
                let from = if let Place::Container(timestamp) = at { timestamp.as_str() } else { "" };
                (CONTAINER, Some(command.argv(&mark, from)))
            }
        };
        let script = script.to_owned();
        let ask = Ask { script, argv, user: user.map(str::to_owned), ..Ask::default() };
        Ok(Self { bulk: link.bulk(&ask).await?, lines: Lines::new(&mark, cursor.clone()) })
    }

    /// The next line or gap. Cancel-safe. An error means that nothing more is coming; [`Follower::cursor`] is where to
    /// go on over another link.
    pub async fn next(&mut self) -> Result<Followed, LinkError> {
        loop {
            if let Some(next) = self.lines.ready.pop_front() {
                return Ok(next);
            }
            let bytes = self.bulk.next().await?;
            if bytes.is_empty() {
                return Err(LinkError::Lost { reason: "the follower on the host has ended".to_owned() });
            }
            self.lines.feed(&bytes);
        }
    }

    /// Whether nothing more is coming because it is to be started again, and not because the link was lost.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.lines.ended
    }

    /// The place behind the last line that was confirmed. All lines before it must have been taken by
    /// [`Follower::next`].
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.lines.cursor.clone()
    }
}
