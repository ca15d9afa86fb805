//! What ssh says when it fails. Its exit code is 255 for everything, so the words decide; this is the only place that
//! reads them.

use super::LinkError;

/// What a failure to connect means, and whether the same may succeed a moment later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// No.
    No,
    /// The server was too busy to begin (`MaxStartups`, a restart): until the deadline.
    Busy,
    /// Nothing listens: a few times, for a server that is being restarted.
    Refused,
}

/// So many of the last lines are shown of a text that is not known here.
const SAID: usize = 8;

/// The lines of ssh's great warning, without its frame.
fn plainly(lines: &[&str]) -> String {
    let bare = lines.iter().map(|line| line.trim_matches(|c: char| c == '@' || c.is_whitespace()));
    bare.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Reads the text of a failed connection.
pub(super) fn interpret(text: &str) -> (LinkError, Again) {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let has = |words: &[&str]| lines.iter().any(|line| words.iter().any(|word| line.contains(word)));
    let last = |words: &[&str]| {
        let found = lines.iter().rev().find(|line| words.iter().any(|word| line.contains(word)));
        (*found.or(lines.last()).unwrap_or(&"ssh ended without a word")).to_owned()
    };
    if has(&["Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED", "host key is known for"]) {
        return (LinkError::HostKey { text: plainly(&lines) }, Again::No);
    }
    let auth = ["Permission denied (", "Too many authentication failures", "no such identity"];
    if has(&auth[..2]) {
        return (LinkError::Auth { reason: last(&auth) }, Again::No);
    }
    let refused = ["Connection refused"];
    if has(&refused) {
        return (LinkError::Unreachable { reason: last(&refused) }, Again::Refused);
    }
    let busy = ["kex_exchange_identification", "banner exchange: Connection", "ssh_exchange_identification"];
    let invalid = has(&["invalid format", "Invalid SSH identification string"]);
    if has(&busy) && !invalid && !has(&["timed out"]) {
        return (LinkError::Unreachable { reason: last(&busy) }, Again::Busy);
    }
    let network = [
        "Could not resolve hostname",
        "timed out",
        "No route to host",
        "Network is unreachable",
        "Connection reset",
        "Connection closed",
        "not responding",
    ];
    if has(&network) {
        return (LinkError::Unreachable { reason: last(&network) }, Again::No);
    }
    // the last line may only say that the ones before it decide
    let reason = if lines.len() < 2 { last(&[]) } else { lines[lines.len().saturating_sub(SAID)..].join("\n") };
    (LinkError::Unreachable { reason }, Again::No)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of OpenSSH 9.2 as it printed them.
    #[test]
    fn real_texts() {
        let cases: [(&str, &str, Again); 12] = [
            ("unreachable", "ssh: connect to host 127.0.0.1 port 1: Connection refused\r", Again::Refused),
            ("unreachable", "ssh: connect to host 192.0.2.1 port 22: Connection timed out", Again::No),
            ("unreachable", "ssh: connect to host 192.0.2.1 port 22: Network is unreachable", Again::No),
            ("unreachable", "ssh: Could not resolve hostname nowhere.invalid: Name or service not known", Again::No),
            (
                "unreachable",
                "kex_exchange_identification: read: Connection reset by peer\nConnection reset by 127.0.0.1 port 2222",
                Again::Busy,
            ),
            (
                "unreachable",
                "kex_exchange_identification: Connection closed by remote host\nConnection closed by 127.0.0.1 port 2222",
                Again::Busy,
            ),
            (
                "unreachable",
                "Connection timed out during banner exchange\nConnection to 127.0.0.1 port 2222 timed out",
                Again::No,
            ),
            (
                "unreachable",
                "kex_exchange_identification: banner line contains invalid characters\nbanner exchange: Connection to 127.0.0.1 port 80: invalid format",
                Again::No,
            ),
            ("login refused", "root@127.0.0.1: Permission denied (publickey).", Again::No),
            (
                "login refused",
                "Received disconnect from 127.0.0.1 port 22:2: Too many authentication failures\nDisconnected from 127.0.0.1 port 22",
                Again::No,
            ),
            (
                "host key",
                "No ED25519 host key is known for [127.0.0.1]:2222 and you have requested strict checking.\nHost key verification failed.",
                Again::No,
            ),
            (
                "host key",
                "@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nOffending ED25519 key in /tmp/known:1\nHost key verification failed.",
                Again::No,
            ),
        ];
        for (kind, text, again) in cases {
            let (error, found) = interpret(text);
            assert!(error.to_string().starts_with(kind), "{text}: {error}");
            assert_eq!(found, again, "{text}");
        }
        let (LinkError::HostKey { text }, _) = interpret(cases[11].1) else { panic!("a host key") };
        assert!(text.contains("/tmp/known:1"));
        let config =
            "/etc/c: line 2: Bad configuration option: bogus\r\n/etc/c: terminating, 1 bad configuration options\r\n";
        let (error, again) = interpret(config);
        assert_eq!(again, Again::No);
        let said = error.to_string();
        assert!(said.contains("line 2: Bad configuration option: bogus") && said.contains("terminating"), "{said}");
        assert_eq!(interpret("").0.to_string(), "unreachable: ssh ended without a word");
    }
}
