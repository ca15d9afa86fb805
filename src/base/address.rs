//! An address and a port in one word.

/// `host:port`; an IPv6 address goes into brackets, so that its last group is not taken for the port.
#[must_use]
pub fn with_port(address: &str, port: impl std::fmt::Display) -> String {
    let bare = address.contains(':') && !address.starts_with('[');
    if bare { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::with_port;

    #[test]
    fn an_address_with_colons_goes_into_brackets() {
        for (address, wanted) in [
            ("10.0.0.1", "10.0.0.1:8300"),
            ("consul-1.example", "consul-1.example:8300"),
            ("fd00::1", "[fd00::1]:8300"),
            ("[fd00::1]", "[fd00::1]:8300"),
            ("fe80::1%eth0", "[fe80::1%eth0]:8300"),
        ] {
            assert_eq!(with_port(address, 8300), wanted);
        }
        let port = |address: &str| with_port(address, 1).parse::<std::net::SocketAddr>().map(|at| at.port()).ok();
        assert_eq!((port("::1"), port("127.0.0.1")), (Some(1), Some(1)));
    }
}
