//! `disk:` space and inodes of the file system that holds a path.

use crate::action::words::clip;
use crate::template::{Plain, Scope, Text, Value};
use crate::transport::Look;

use super::model::Probe;
use super::{Found, ProbeError};
use crate::action::Login;

/// A path that is not there yet belongs to its nearest folder.
const SCRIPT: &str = r#"
p=$1
while [ ! -e "$p" ] && [ "$p" != / ] && [ "$p" != . ]; do p=$(dirname -- "$p"); done
df -Pk -- "$p" | tail -n 1
df -Pi -- "$p" 2>/dev/null | tail -n 1
"#;

pub(super) async fn ask(
    path: &Text<Plain>,
    probe: &Probe,
    look: &dyn Look,
    login: &Login,
    scope: &dyn Scope,
) -> Result<Found, ProbeError> {
    let (path, text) = super::about(path, super::fits::path, SCRIPT, probe, look, login, scope).await?;
    let mut lines = text.lines();
    let (free_kib, percent) = lines
        .next()
        .and_then(columns)
        .ok_or_else(|| ProbeError::Unparsable(format!("`df {path}` said: {}", clip(&text))))?;
    let inodes = lines.next().and_then(columns).map_or(Value::Null, |(_, percent)| Value::Int(percent));
    Ok(Found {
        success: true,
        seen: format!("{path}: {} MiB free ({percent} %)", free_kib / 1024),
        result: Value::map([
            ("free_bytes".to_owned(), Value::Int(free_kib * 1024)),
            ("free_percent".to_owned(), Value::Int(percent)),
            ("free_inodes_percent".to_owned(), inodes),
        ]),
    })
}

/// Available units and free percent of a `df -P` line. File systems without a fixed number of inodes print `-`.
fn columns(line: &str) -> Option<(i128, i128)> {
    let cells: Vec<&str> = line.split_whitespace().collect();
    let used = cells.iter().rposition(|cell| cell.ends_with('%'))?;
    let percent: i128 = cells[used].trim_end_matches('%').parse().ok()?;
    Some((cells.get(used.checked_sub(1)?)?.parse().ok()?, 100 - percent))
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn df_lines() {
        assert_eq!(columns("/dev/vda 263174212 10943532 83860680 12% /"), Some((83_860_680, 88)));
        assert_eq!(columns("tmpfs 0 0 0 - /x"), None);
    }
}
