//! HTTPS of a probe. TLS is spoken here, over the bytes of the host's connection; what is trusted is a file on the host,
//! as it would be for a program there.
//!
//! Limits: the names of the certificate must hold the host of the URL; a certificate of the client is not given.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{AlertDescription, CertificateError, ClientConfig, Error as Tls, RootCertStore};

use crate::action::Login;
use crate::transport::{Look, Stream};

use super::ProbeError;

/// Where the authorities stand that a host trusts by itself: Debian's, Red Hat's, SUSE's, Alpine's and BSD's.
const OF_THE_HOST: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Prints the first of its arguments that there is, or says why the last cannot be read.
const READ: &str = "for file; do [ ! -e \"$file\" ] || break; done; cat -- \"$file\"";

/// What a host trusts.
pub(super) struct Trust {
    /// The file on the host, for people.
    place: String,
    roots: RootCertStore,
}

impl Trust {
    /// Reads a host's file of authorities; without one, those that the host trusts by itself.
    pub(super) async fn read(
        file: Option<&str>,
        look: &dyn Look,
        login: &Login,
        timeout: Duration,
    ) -> Result<Self, ProbeError> {
        let files = file.map_or(OF_THE_HOST.to_vec(), |file| vec![file]);
        let place = file.map_or("what the host trusts by itself", |file| file);
        let answer = login.script(look, timeout, READ, &files).await?;
        if answer.exit != 0 {
            return Err(ProbeError::NotAsked(match file {
                Some(file) => format!("`ca`: {}", super::refusal(&answer, file)),
                None => "the host has no authorities of its own; name a file of them there with `ca`".to_owned(),
            }));
        }
        Self::of(place, &answer.stdout).map_err(ProbeError::NotAsked)
    }

    fn of(place: &str, pem: &[u8]) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| format!("`ca`: {place}: {error}"))?;
            // an old authority of a form that is not known any more makes the others no worse
            let _ = roots.add(certificate);
        }
        if roots.is_empty() {
            return Err(format!("`ca`: there is no authority's certificate in {place}"));
        }
        Ok(Self { place: place.to_owned(), roots })
    }

    /// The stream with TLS on it. The other end has shown that it is `host`.
    pub(super) async fn wrap(&self, stream: Box<dyn Stream>, host: &str) -> Result<Box<dyn Stream>, String> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(|_| format!("`{host}` is no name of a host"))?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(self.words(&error, host)),
        }
    }

    /// Why an exchange over this trust failed, and what can be done.
    pub(super) fn words(&self, error: &(dyn StdError + 'static), host: &str) -> String {
        let place = &self.place;
        match tls_in(error) {
            None => error.to_string(),
            Some(Tls::InvalidCertificate(why)) => match why {
                CertificateError::Expired => "its certificate has expired: renew it".to_owned(),
                CertificateError::ExpiredContext { not_after, .. } => {
                    format!("its certificate expired at {}: renew it", time(*not_after))
                }
                CertificateError::NotValidYet => "its certificate is not valid yet: look at the clocks".to_owned(),
                CertificateError::NotValidYetContext { not_before, .. } => {
                    format!("its certificate is not valid before {}: look at the clocks", time(*not_before))
                }
                CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
                    "no authority in {place} has signed its certificate: name the file of its authority on the host with `ca`"
                ),
                CertificateError::NotValidForName => {
                    format!("its certificate is not for {host}: ask for a name that it is for")
                }
                CertificateError::NotValidForNameContext { presented, .. } => {
                    let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
                    format!("its certificate is for {}, not for {host}: ask for one of these names", names.join(", "))
                }
                other => format!("its certificate is not accepted: {other}"),
            },
            Some(Tls::InvalidMessage(_)) => "it does not answer with TLS: is it plain `http`?".to_owned(),
            Some(Tls::AlertReceived(
                AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::NoCertificate,
            )) => {
                "it wants a certificate of the client, and a probe has none: ask by a `command` that has one".to_owned()
            }
            Some(other) => other.to_string(),
        }
    }
}

/// What TLS had to say, however deep.
fn tls_in<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Tls> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref() {
            return Some(tls);
        }
        // an I/O error hides what it is made of from `source`
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// `localhost` of `DnsName("localhost")`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, rest)| rest.trim_end_matches(')'));
    inner.trim_matches('"')
}

fn time(at: UnixTime) -> String {
    let second = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(second).map_or_else(|_| format!("second {second}"), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;
    use tokio_rustls::rustls::server::WebPkiClientVerifier;

    use super::*;

    const CA: &str = include_str!("../../../tests/fixtures/tls/ca.pem");
    const OTHER: &str = include_str!("../../../tests/fixtures/tls/other.pem");
    const SERVER: &str = include_str!("../../../tests/fixtures/tls/server.pem");
    const EXPIRED: &str = include_str!("../../../tests/fixtures/tls/expired.pem");
    const KEY: &str = include_str!("../../../tests/fixtures/tls/server.key");

    /// A server that shows `certificate`, and asks its clients for one when it is told to.
    fn server(certificate: &str, of_clients: bool) -> TlsAcceptor {
        let provider = Arc::new(ring::default_provider());
        let authority = Arc::new(Trust::of("", CA.as_bytes()).unwrap().roots);
        let clients = if of_clients {
            WebPkiClientVerifier::builder_with_provider(authority, Arc::clone(&provider)).build().unwrap()
        } else {
            WebPkiClientVerifier::no_client_auth()
        };
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![certificate], PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    /// What comes of asking for `host`, trusting `ca`, from a server that shows `certificate`.
    async fn shake(ca: &str, certificate: &str, host: &str) -> Result<(), String> {
        let (near, far) = tokio::io::duplex(1 << 16);
        let trust = Trust::of("/etc/ca.pem", ca.as_bytes())?;
        let (shaken, _) = tokio::join!(trust.wrap(Box::new(near), host), server(certificate, false).accept(far));
        shaken.map(drop)
    }

    #[tokio::test]
    async fn the_right_server_is_trusted() {
        let both = format!("{OTHER}{CA}");
        for host in ["localhost", "127.0.0.1", "server.dc1.consul"] {
            shake(&both, SERVER, host).await.unwrap_or_else(|error| panic!("{host}: {error}"));
        }
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_with_what_to_do() {
        for (ca, certificate, host, words) in [
            (CA, EXPIRED, "localhost", "its certificate expired at 2001-01-01T00:00:00Z: renew it"),
            (
                OTHER,
                SERVER,
                "localhost",
                "no authority in /etc/ca.pem has signed its certificate: name the file of its authority on the host with `ca`",
            ),
            (
                CA,
                SERVER,
                "consul-1",
                "its certificate is for localhost, server.dc1.consul, 127.0.0.1, not for consul-1: ask for one of these names",
            ),
            (KEY, SERVER, "localhost", "`ca`: there is no authority's certificate in /etc/ca.pem"),
        ] {
            assert_eq!(shake(ca, certificate, host).await, Err(words.to_owned()));
        }
    }

    #[tokio::test]
    async fn a_server_without_tls_is_known() {
        use tokio::io::AsyncWriteExt as _;
        let (near, mut far) = tokio::io::duplex(1 << 16);
        far.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n").await.unwrap();
        let trust = Trust::of("/etc/ca.pem", CA.as_bytes()).unwrap();
        let error = trust.wrap(Box::new(near), "localhost").await.err().unwrap();
        assert_eq!(error, "it does not answer with TLS: is it plain `http`?");
    }

    #[tokio::test]
    async fn a_server_that_wants_a_certificate_says_so_after_the_handshake() {
        use tokio::io::AsyncReadExt as _;
        let (near, far) = tokio::io::duplex(1 << 16);
        let trust = Trust::of("/etc/ca.pem", CA.as_bytes()).unwrap();
        let (shaken, _) = tokio::join!(trust.wrap(Box::new(near), "localhost"), server(SERVER, true).accept(far));
        let error = shaken.unwrap().read(&mut [0]).await.unwrap_err();
        let words = trust.words(&error, "localhost");
        assert!(words.starts_with("it wants a certificate of the client"), "{words}");
    }
}
