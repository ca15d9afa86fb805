//! `path:` what is known of a path, without opening it (its digest excepted, which only regular files have).

use std::sync::Arc;

use crate::action::words::clip;
use crate::template::{Plain, Scope, Text, Value};
use crate::transport::Look;

use super::model::Probe;
use super::{Found, ProbeError};
use crate::action::Login;

/// `stat -c` of coreutils and busybox agree on these letters. The path itself is not followed; its target is told.
const SCRIPT: &str = r#"
if [ ! -e "$1" ] && [ ! -L "$1" ]; then
  # "does not exist" is an answer only where the folder can be searched
  d=$(dirname -- "$1")
  if [ -e "$d" ] && [ ! -x "$d" ]; then echo "permission denied: $d" >&2; exit 1; fi
  echo absent; exit 0
fi
stat -c '%F|%s|%a|%U|%G|%Y' -- "$1"
date +%s
readlink -- "$1" || echo
if [ -f "$1" ] && [ ! -L "$1" ] && [ -r "$1" ]; then sha256sum <"$1"; else echo; fi
"#;

pub(super) async fn ask(
    path: &Text<Plain>,
    probe: &Probe,
    look: &dyn Look,
    login: &Login,
    scope: &dyn Scope,
) -> Result<Found, ProbeError> {
    let (path, text) = super::about(path, super::fits::path, SCRIPT, probe, look, login, scope).await?;
    if text.trim() == "absent" {
        let Value::Map(mut fields) = probe.kind.nulls() else { unreachable!("the result of every probe is a map") };
        Arc::make_mut(&mut fields).insert("exists".to_owned(), Value::Bool(false));
        return Ok(Found { success: false, seen: format!("{path} does not exist"), result: Value::Map(fields) });
    }
    understand(&path, &text).ok_or_else(|| ProbeError::Unparsable(format!("`stat {path}` said: {}", clip(&text))))
}

fn understand(path: &str, text: &str) -> Option<Found> {
    let mut lines = text.lines();
    let stat: Vec<&str> = lines.next()?.split('|').collect();
    let [kind, size, mode, owner, group, changed] = stat.as_slice() else { return None };
    let now: i128 = lines.next()?.trim().parse().ok()?;
    let target = lines.next().unwrap_or_default();
    let digest = lines.next().and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    let kind = if kind.starts_with("regular") {
        "file"
    } else if kind.starts_with("symbolic") {
        "link"
    } else {
        kind
    };
    let text_or_null = |text: &str| if text.is_empty() { Value::Null } else { Value::str(text) };
    let size: i128 = size.parse().ok()?;
    Some(Found {
        success: true,
        seen: format!("{path}: {kind}, {size} bytes, mode {mode}, {owner}:{group}"),
        result: Value::map([
            ("exists".to_owned(), Value::Bool(true)),
            ("kind".to_owned(), Value::str(kind)),
            ("size_bytes".to_owned(), Value::Int(size)),
            ("mode".to_owned(), Value::str(format!("{mode:0>4}"))),
            ("owner".to_owned(), Value::str(*owner)),
            ("group".to_owned(), Value::str(*group)),
            ("age_seconds".to_owned(), Value::Int(now - changed.parse::<i128>().ok()?)),
            ("target".to_owned(), text_or_null(target)),
            ("sha256".to_owned(), text_or_null(digest)),
        ]),
    })
}

#[cfg(test)]
mod tests {
    use super::understand;

    #[test]
    fn what_stat_says() {
        let text = "regular file|36|600|consul|consul|1000\n1060\n\ne3b0  -\n";
        let found = understand("/x", text).expect("a file");
        let json = found.result.to_json();
        assert_eq!(json["kind"], "file");
        assert_eq!(json["mode"], "0600");
        assert_eq!(json["age_seconds"], 60);
        assert_eq!(json["sha256"], "e3b0");
        assert_eq!(json["target"], serde_json::Value::Null);
    }
}
