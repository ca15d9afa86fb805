//! What [`Look`] can say about ports, files and folders: short texts for any POSIX shell with coreutils or busybox.

use std::time::Duration;

use super::LinkError;
use super::look::{Answer, Ask, Dialed, Kind, Look, Port, Stat};
use crate::base::digest::Digest;

/// Why a look has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LookError {
    /// The link did not answer.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The host did, and it was a refusal: a missing permission, an I/O error.
    #[error("{what}: {reason}")]
    Refused {
        /// What was looked at.
        what: String,
        /// In the host's words.
        reason: String,
    },
}

impl dyn Look + '_ {
    /// The state of a port as seen from the host.
    pub async fn port(&self, address: &str, timeout: Duration) -> Result<Port, LookError> {
        match self.dial(address, timeout).await? {
            Dialed::Open(_) => Ok(Port::Open),
            Dialed::Refused => Ok(Port::Refused),
            Dialed::Silent => Ok(Port::Silent),
            Dialed::Failed(reason) => Err(LookError::Refused { what: address.to_owned(), reason }),
        }
    }

    /// What a path is; `None` when there is nothing. A link is not followed.
    pub async fn stat(&self, path: &str, user: Option<&str>) -> Result<Option<Stat>, LookError> {
        let script = "stat -c '%f %s %Y %i %u %g %U %G' -- \"$1\"\nif [ -L \"$1\" ]; then readlink -- \"$1\"; fi";
        let Some(answer) = look(self, script, path, user).await? else { return Ok(None) };
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        let (line, target) = text.split_once('\n').unwrap_or((&text, ""));
        let stat = parse(line, target);
        stat.map(Some).ok_or_else(|| refused(path, format!("stat says {line:?}")))
    }

    /// A file's content; `None` when there is none.
    pub async fn read(&self, path: &str, user: Option<&str>) -> Result<Option<Vec<u8>>, LookError> {
        match look(self, "cat -- \"$1\"", path, user).await? {
            None => Ok(None),
            Some(answer) if answer.truncated => Err(refused(path, "the file is too large".to_owned())),
            Some(answer) => Ok(Some(answer.stdout)),
        }
    }

    /// The names in a folder, sorted; `None` when there is no such folder.
    pub async fn list(&self, path: &str, user: Option<&str>) -> Result<Option<Vec<String>>, LookError> {
        let script = "ls -d -- \"$1/.\" >/dev/null; cd -- \"$1\"
            if [ ! -r . ]; then echo 'Permission denied' >&2; exit 1; fi
            for f in .[!.]* ..?* *; do if [ -e \"$f\" ] || [ -L \"$f\" ]; then printf '%s\\0' \"$f\"; fi; done";
        let Some(answer) = look(self, script, path, user).await? else { return Ok(None) };
        let names = answer.stdout.split(|b| *b == 0).filter(|name| !name.is_empty());
        let mut names: Vec<String> = names.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        names.sort();
        Ok(Some(names))
    }

    /// A file's digest; `None` when there is none.
    pub async fn sha256(&self, path: &str, user: Option<&str>) -> Result<Option<Digest>, LookError> {
        let Some(answer) = look(self, "sha256sum -- \"$1\"", path, user).await? else { return Ok(None) };
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        // A backslash in front says that the name is escaped.
        let digest = text.trim_start_matches('\\').get(..64).and_then(|hex| hex.parse().ok());
        digest.map(Some).ok_or_else(|| refused(path, format!("sha256sum says {:?}", text.trim())))
    }
}

/// The answer about a path; `None` when there is no such path.
async fn look(look: &dyn Look, script: &str, path: &str, user: Option<&str>) -> Result<Option<Answer>, LookError> {
    let ask = Ask {
        script: format!("LC_ALL=C; export LC_ALL\n{script}"),
        argv: Some(vec![path.to_owned()]),
        user: user.map(str::to_owned),
        ..Ask::default()
    };
    let answer = look.ask(&ask).await?;
    if answer.timed_out {
        return Err(refused(path, format!("no answer within {} s", ask.timeout.as_secs())));
    }
    if answer.exit == 0 {
        return Ok(Some(answer));
    }
    let reason = String::from_utf8_lossy(&answer.stderr).trim().to_owned();
    if reason.contains("No such file or directory") || reason.contains("Not a directory") {
        return Ok(None);
    }
    Err(refused(path, reason))
}

fn refused(what: &str, reason: String) -> LookError {
    LookError::Refused { what: what.to_owned(), reason }
}

fn parse(line: &str, target: &str) -> Option<Stat> {
    let words: Vec<&str> = line.split(' ').collect();
    let [mode, size, modified, inode, uid, gid, owner, group] = words.as_slice() else { return None };
    let mode = u32::from_str_radix(mode, 16).ok()?;
    let kind = match mode & 0o170_000 {
        0o100_000 => Kind::File,
        0o040_000 => Kind::Folder,
        0o120_000 => Kind::Link,
        _ => Kind::Other,
    };
    let name = |name: &str, number: &str| if name == "UNKNOWN" { number.to_owned() } else { name.to_owned() };
    Some(Stat {
        kind,
        mode: mode & 0o7777,
        owner: name(owner, uid),
        group: name(group, gid),
        size: size.parse().ok()?,
        modified: modified.parse().ok()?,
        inode: inode.parse().ok()?,
        target: (kind == Kind::Link).then(|| target.trim_end_matches('\n').to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stat_prints() {
        let stat = parse("81a4 12 1700000000 77 0 12345 root UNKNOWN", "").expect("a stat");
        assert_eq!(
            (stat.kind, stat.mode, stat.owner.as_str(), stat.group.as_str()),
            (Kind::File, 0o644, "root", "12345")
        );
        assert_eq!((stat.size, stat.modified, stat.inode, stat.target), (12, 1_700_000_000, 77, None));
        let link = parse("a1ff 4 1 2 0 0 root root", "/etc\n").expect("a stat");
        assert_eq!((link.kind, link.target.as_deref()), (Kind::Link, Some("/etc")));
        assert_eq!(parse("stat: what", ""), None);
    }
}
