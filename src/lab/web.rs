//! The kit `web`: nginx behind haproxy, both from this machine's own packages.
//!
//! Hosts of the group `web` serve `/srv/web/current` on port 8080, a link to one of the folders `/srv/web/releases/1`
//! and `/2`; a release is healthy when it has a file `healthz`. Hosts of the group `haproxy` send port 80 to all of them
//! and have an admin socket that the login may write to.

use std::fmt::Write as _;
use std::path::Path;

use super::error::LabError;
use super::files::{folder, link, write};
use super::spec::{HostSpec, Mode, Spec};

/// The group of the hosts that run nginx.
pub const WEB_GROUP: &str = "web";
/// The group of the hosts that run haproxy.
pub const BALANCER_GROUP: &str = "haproxy";

/// The programs that the kit needs from this machine, and the Debian packages that bring them.
pub const NEEDS: &[(&str, &str)] = &[("nginx", "nginx-light"), ("haproxy", "haproxy"), ("socat", "socat")];

/// What a host of the kit has on its disk, below its seed.
pub(super) fn seed(seed: &Path, host: &HostSpec, spec: &Spec, mode: Mode) -> Result<(), LabError> {
    let is = |group: &str| host.groups.iter().any(|own| own == group);
    if is(WEB_GROUP) {
        let site = seed.join("srv/web");
        for release in ["1", "2"] {
            let folder = site.join("releases").join(release);
            write(&folder.join("index.html"), 0o644, &format!("release {release} on {}\n", host.name))?;
            write(&folder.join("healthz"), 0o644, "ok\n")?;
        }
        link("releases/1", &site.join("current"))?;
        write(&seed.join("etc/web/nginx.conf"), 0o644, &nginx(mode))?;
        folder(&seed.join("var/log/web"), 0o755)?;
        service(seed, "web", "mkdir -p /run/web\nexec nginx -c /etc/web/nginx.conf -g 'daemon off;'\n")?;
    }
    if is(BALANCER_GROUP) {
        write(&seed.join("etc/haproxy/haproxy.cfg"), 0o644, &haproxy(spec))?;
        service(seed, "haproxy", "mkdir -p /run/haproxy\nexec haproxy -db -f /etc/haproxy/haproxy.cfg\n")?;
    }
    Ok(())
}

fn service(seed: &Path, name: &str, run: &str) -> Result<(), LabError> {
    let folder = seed.join("etc/sv").join(name);
    write(&folder.join("run"), 0o755, &format!("#!/bin/sh\nexec >>/var/log/{name}.log 2>&1\n{run}"))?;
    link(&format!("/run/runit/supervise.{name}"), &folder.join("supervise"))?;
    link(&format!("../sv/{name}"), &seed.join("etc/service").join(name))?;
    link("/usr/bin/sv", &seed.join("etc/init.d").join(name))
}

fn nginx(mode: Mode) -> String {
    // where every user of a host is one, nginx cannot become another
    let user = if mode == Mode::Root { "user nobody nogroup;\n" } else { "" };
    let mut text = format!(
        "{user}worker_processes 1;\npid /run/web/pid;\nerror_log /var/log/web/error.log;\nevents {{ worker_connections 64; }}\n\
         http {{\n  access_log off;\n  default_type text/plain;\n"
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(text, "  {kind}_temp_path /run/web/{kind};");
    }
    text + "  server {\n    listen 8080;\n    root /srv/web/current;\n  }\n}\n"
}

fn haproxy(spec: &Spec) -> String {
    let mut text = String::from(
        "global\n  maxconn 200\n  stats socket /run/haproxy/admin.sock mode 660 gid 1000 level admin\n\
         defaults\n  mode http\n  timeout connect 2s\n  timeout client 10s\n  timeout server 10s\n\
         frontend http\n  bind :80\n  default_backend web\n\
         backend web\n  balance roundrobin\n  option httpchk GET /healthz\n",
    );
    for host in spec.hosts.iter().filter(|host| host.groups.iter().any(|group| group == WEB_GROUP)) {
        let _ = writeln!(text, "  server {} {}:8080 check inter 1s", host.name, host.address);
    }
    text
}
