//! What a Consul datacenter has that trusts nobody: an authority with a certificate for each server, made by Consul's own
//! `consul tls`, and a token that may do everything.
//!
//! On the lab's side the token is the file `token`, and the authority's certificate `tls/ca.pem`. On the hosts all is in
//! `/etc/consul.d`, where Consul and root can read it; the authority's own key is on none of them.

use std::fs;
use std::path::Path;

use crate::base::{ids, process};

use super::error::LabError;
use super::files::{self, at};
use super::kit::ConsulKit;
use super::spec::HostSpec;

/// What the inventory says of such hosts.
pub(super) const VARS: &[(&str, &str)] = &[("http_addr", API), ("ca", CA)];

const API: &str = "https://127.0.0.1:8501";
const CA: &str = "/etc/consul.d/ca.pem";

/// The variable by which Consul's tools and the runbooks get the token.
pub(super) const TOKEN_VARIABLE: &str = "CONSUL_HTTP_TOKEN";

/// Makes the authority, the certificates and the token.
pub(super) fn make(dir: &Path, consul: &Path, servers: &[&HostSpec]) -> Result<(), LabError> {
    let tls = dir.join("tls");
    files::folder(&tls, 0o700)?;
    let run = |args: &[&str]| files::run(process::blocking(consul).current_dir(&tls).arg("tls").args(args)).map(drop);
    let rename = |from: &str, to: &str| fs::rename(tls.join(from), tls.join(to)).map_err(at(&tls.join(from)));
    run(&["ca", "create"])?;
    for host in servers {
        let (name, address) = (format!("-additional-dnsname={}", host.name), host.address.to_string());
        let address = format!("-additional-ipaddress={address}");
        run(&["cert", "create", "-server", "-dc=dc1", &name, &address])?;
        rename("dc1-server-consul-0.pem", &format!("{}.pem", host.name))?;
        rename("dc1-server-consul-0-key.pem", &format!("{}.key", host.name))?;
    }
    rename("consul-agent-ca.pem", "ca.pem")?;
    files::write(&dir.join("token"), 0o600, &token_text())
}

/// Consul wants the form of a UUID.
fn token_text() -> String {
    let random = ids::nonce();
    format!("{}-{}-{}-{}-{}", &random[..8], &random[8..12], &random[12..16], &random[16..20], &random[20..32])
}

/// The token of a lab.
pub(super) fn token(dir: &Path) -> Result<String, LabError> {
    files::read(&dir.join("token")).map(|text| text.trim().to_owned())
}

/// What a server's configuration has more than that of one that trusts everybody, and the files that it names.
pub(super) fn seed(dir: &Path, etc: &Path, host: &HostSpec) -> Result<(), LabError> {
    let tls = dir.join("tls");
    let token = token(dir)?;
    let config = format!(
        "ports {{\n  http = -1\n  https = 8501\n}}\nca_file = \"{CA}\"\ncert_file = \"/etc/consul.d/server.pem\"\n\
         key_file = \"/etc/consul.d/server.key\"\nverify_incoming_rpc = true\nverify_outgoing = true\n\
         verify_server_hostname = true\nacl {{\n  enabled = true\n  default_policy = \"deny\"\n  tokens {{\n    \
         master = \"{token}\"\n    agent = \"{token}\"\n  }}\n}}\n"
    );
    let folder = etc.join("consul.d");
    files::write(&folder.join("20-secure.hcl"), 0o600, &config)?;
    files::write(&folder.join("ca.pem"), 0o644, &files::read(&tls.join("ca.pem"))?)?;
    files::write(&folder.join("server.pem"), 0o644, &files::read(&tls.join(format!("{}.pem", host.name)))?)?;
    files::write(&folder.join("server.key"), 0o600, &files::read(&tls.join(format!("{}.key", host.name)))?)?;
    files::write(&folder.join("token"), 0o600, &token)
}

/// `consul-admin`: Consul's command line with all that it needs to be let in, the same words for every kit.
pub(super) fn admin(kit: &ConsulKit) -> String {
    let secure = format!(
        "export CONSUL_HTTP_ADDR={API} CONSUL_CACERT={CA} {TOKEN_VARIABLE}=\n\
         {TOKEN_VARIABLE}=$(sudo -n cat /etc/consul.d/token)\n"
    );
    format!("#!/bin/sh\n{}exec consul \"$@\"\n", if kit.secure { &secure } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_form_of_a_uuid() {
        let token = token_text();
        let lengths: Vec<usize> = token.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{token}");
        assert_ne!(token, token_text());
    }
}
