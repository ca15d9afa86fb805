//! What changes a host: a unit's work, claimed on the host under the unit's key.

use std::time::Duration;

use secrecy::SecretString;

use super::log::{Cursor, LogSource};
use crate::base::ids::UnitKey;

/// Work for one unit on one host. Sent again with the same key and part it never runs twice: it answers what the first
/// one came to.
#[derive(Clone, Debug)]
pub struct Work {
    /// Shell text, run with `-e`.
    pub script: String,
    /// With an empty script: the program to run instead, and its arguments. With a script: its `"$@"`.
    pub argv: Option<Vec<String>>,
    /// Standard input; empty: `/dev/null`.
    pub stdin: Vec<u8>,
    /// As whom, through `sudo -n -u`; none: the login user.
    pub user: Option<String>,
    /// Variables. They travel on standard input, never in an argument vector.
    pub env: Vec<(String, SecretString)>,
    /// The working folder; none: `/`.
    pub cwd: Option<String>,
    /// The shell; none: the host's.
    pub shell: Option<String>,
    /// After this the host ends the whole process group.
    pub timeout: Duration,
    /// It is ended likewise when it has printed nothing for so long.
    pub idle: Option<Duration>,
    /// `""`, or the name of a part of the unit such as `stage`: the claim is `KEY` or `KEY-part`.
    pub part: &'static str,
    /// Absolute paths that the runner removes when its standard input ends, or at the end of the run, if they exist.
    pub scratch: Vec<String>,
    /// Cursors to take in the same request, before the action.
    pub cursors: Vec<LogSource>,
    /// Units of this run and user of which the script keeps something, or reads what they kept: `$refloat_kept` is a path
    /// for the first of them that kept anything, else for the last. What is kept is removed with the run's claims. Not
    /// for programs without a script.
    pub kept: Vec<UnitKey>,
    /// From the first signal to SIGKILL, at the timeout.
    pub grace: Duration,
    /// Start it on no other boot of the host than this one; none: the one on which the link was made. On another boot the
    /// host only says what it knows.
    pub boot: Option<String>,
    /// The most bytes of each stream that are brought back; beyond it the middle is left out.
    pub cap: u64,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            script: String::new(),
            argv: None,
            stdin: Vec::new(),
            user: None,
            env: Vec::new(),
            cwd: None,
            shell: None,
            timeout: Duration::from_mins(5),
            idle: None,
            part: "",
            scratch: Vec::new(),
            cursors: Vec::new(),
            kept: Vec::new(),
            grace: Duration::from_secs(5),
            boot: None,
            cap: 1 << 20,
        }
    }
}

impl Work {
    /// A script with the defaults for all else.
    #[must_use]
    pub fn script(text: impl Into<String>) -> Self {
        Self { script: text.into(), ..Self::default() }
    }
}

/// The claim is taken and the work is about to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Started {
    /// One for each source of [`Work::cursors`], in that order.
    pub cursors: Vec<Cursor>,
}

/// What work ended with, exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own about the end")]
pub struct Done {
    /// The exit code, 128 + signal when it was killed.
    pub exit: i32,
    /// Its standard output, raw.
    pub stdout: Vec<u8>,
    /// Its standard error, raw.
    pub stderr: Vec<u8>,
    /// It was ended by its timeout.
    pub timed_out: bool,
    /// Namely since it had printed nothing for [`Work::idle`].
    pub idle: bool,
    /// It was asked to end before its time, by this process or by one before it.
    pub cancelled: bool,
    /// Some of the middle of a stream was left out.
    pub truncated: bool,
    /// How many bytes of standard output and of standard error; at least so many where the host could not count them.
    pub omitted: [u64; 2],
    /// Something that it started was still running when it ended.
    pub background: bool,
    /// How long it ran, by the host's clock.
    pub millis: u64,
}
