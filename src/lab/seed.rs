//! What is on a host's disk when it first starts: users, sshd, the service manager, the kit.
//!
//! Everything is decided here and written as files below `seed/` (all hosts) and `seed.NAME/` (one host); the lab's
//! scripts only copy. `/usr` is this machine's, read-only; nothing else of the machine is visible.

use std::fmt::Write as _;
use std::path::Path;

use super::error::LabError;
use super::files::{folder, link, read, write};
use super::kit::{ConsulKit, Kit};
use super::record::Record;
use super::secure;
use super::spec::{Class, HostSpec, Mode, Spec};
use super::web;

const PATH: &str = "/opt/lab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Writes all seeds and the lists that the scripts read.
pub(super) fn write_seeds(dir: &Path, record: &Record) -> Result<(), LabError> {
    let spec = &record.spec;
    let seed = dir.join("seed");
    base(&seed, record)?;
    login(dir, &seed, record.mode)?;
    match spec.class {
        Class::Runit => runit(&seed, spec, record.mode)?,
        Class::Systemd => systemd(&seed, spec)?,
    }
    for host in &spec.hosts {
        one_host(dir, host, record)?;
    }
    lists(dir, record)
}

fn lists(dir: &Path, record: &Record) -> Result<(), LabError> {
    let (mut hosts, mut disks, mut owners) = (String::new(), String::new(), String::new());
    for host in &record.spec.hosts {
        let _ = writeln!(hosts, "{} {}", host.name, host.address);
        let _ = writeln!(disks, "{} / 1024m", host.name);
        for disk in &record.spec.disks {
            let _ = writeln!(disks, "{} {} {}m", host.name, disk.path, disk.mib);
        }
    }
    if record.mode == Mode::Root {
        owners.push_str("1000:1000 /home/ops\n");
        if matches!(record.spec.kit, Kit::Consul(_)) {
            owners.push_str("101:101 /var/lib/consul\n101:101 /etc/consul.d\n");
        }
    }
    write(&dir.join("hosts.list"), 0o644, &hosts)?;
    write(&dir.join("disks.list"), 0o644, &disks)?;
    write(&dir.join("owners.list"), 0o644, &owners)
}

fn base(seed: &Path, record: &Record) -> Result<(), LabError> {
    for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
        if let Ok(target) = std::fs::read_link(Path::new("/").join(name)) {
            link(&target.to_string_lossy(), &seed.join(name))?;
        }
    }
    for (path, mode) in [
        ("usr", 0o755),
        ("proc", 0o755),
        ("sys", 0o755),
        ("dev", 0o755),
        ("run", 0o755),
        ("srv", 0o755),
        ("tmp", 0o1777),
        ("var/tmp", 0o1777),
        ("var/log", 0o755),
        ("var/lib", 0o755),
        ("root", 0o700),
        ("opt/lab/bin", 0o755),
    ] {
        folder(&seed.join(path), mode)?;
    }
    link("../run", &seed.join("var/run"))?;
    let etc = seed.join("etc");
    let (ops, consul) = (1000, if record.mode == Mode::Root { 101 } else { 1000 });
    let passwd = format!(
        "root:x:0:0:root:/root:/bin/bash\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n\
         ops:x:{ops}:{ops}::/home/ops:/bin/bash\nconsul:x:{consul}:{consul}::/var/lib/consul:/usr/sbin/nologin\n\
         messagebus:x:102:102::/nonexistent:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    );
    let group = format!(
        "root:x:0:\nadm:x:4:ops\ntty:x:5:\nutmp:x:43:\nsystemd-journal:x:99:ops\nmessagebus:x:102:\n\
         ops:x:{ops}:\nconsul:x:{consul}:\nnogroup:x:65534:\n"
    );
    let shadow: String = ["root", "sshd", "ops", "consul", "messagebus"]
        .iter()
        .fold(String::new(), |text, name| text + name + ":*:19000:0:99999:7:::\n");
    write(&etc.join("passwd"), 0o644, &passwd)?;
    write(&etc.join("group"), 0o644, &group)?;
    write(&etc.join("shadow"), 0o600, &shadow)?;
    // `files` only: other sources would ask services that a host does not have, and lock the accounts
    write(&etc.join("nsswitch.conf"), 0o644, "passwd: files\ngroup: files\nshadow: files\nhosts: files\n")?;
    write(&etc.join("refloat-drill"), 0o644, "A host of a refloat lab: it may be broken.\n")?;
    let mut hosts = String::from("127.0.0.1 localhost\n");
    for host in &record.spec.hosts {
        let _ = writeln!(hosts, "{} {}", host.address, host.name);
    }
    write(&etc.join("hosts"), 0o644, &hosts)
}

fn login(dir: &Path, seed: &Path, mode: Mode) -> Result<(), LabError> {
    let strict = if mode == Mode::Root { "yes" } else { "no" };
    let config = format!(
        "Port 22\nHostKey /etc/ssh/host_key\nPidFile /run/sshd.pid\nUsePAM no\nStrictModes {strict}\nAllowUsers ops\n\
         PermitRootLogin no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPrintMotd no\nPrintLastLog no\n\
         MaxStartups 200\nMaxSessions 100\nUseDNS no\nSubsystem sftp internal-sftp\nSetEnv PATH={PATH}\n"
    );
    write(&seed.join("etc/ssh/sshd_config"), 0o644, &config)?;
    folder(&seed.join("home/ops"), 0o755)?;
    folder(&seed.join("home/ops/.ssh"), 0o700)?;
    write(&seed.join("home/ops/.ssh/authorized_keys"), 0o600, &read(&dir.join("id.pub"))?)?;
    if mode != Mode::Root {
        return write(&dir.join("bin/sudo"), 0o755, include_str!("assets/sudo.sh"));
    }
    let sudoers = format!("Defaults secure_path=\"{PATH}\"\nroot ALL=(ALL:ALL) ALL\nops ALL=(ALL:ALL) NOPASSWD: ALL\n");
    write(&seed.join("etc/sudoers"), 0o440, &sudoers)?;
    // a sudo without CAP_SYS_RESOURCE may not touch its limits
    write(&seed.join("etc/sudo.conf"), 0o644, "Set disable_coredump false\n")?;
    let pam = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n";
    write(&seed.join("etc/pam.d/sudo"), 0o644, pam)?;
    write(&seed.join("etc/pam.d/other"), 0o644, pam)
}

fn consul_command(user: &str) -> String {
    format!("exec {user}/opt/lab/bin/consul agent -config-dir=/etc/consul.d -data-dir=/var/lib/consul\n")
}

fn runit(seed: &Path, spec: &Spec, mode: Mode) -> Result<(), LabError> {
    write(&seed.join("opt/lab/init"), 0o755, include_str!("assets/init.sh"))?;
    let service = |name: &str, run: &str| -> Result<(), LabError> {
        let folder = seed.join("etc/sv").join(name);
        write(&folder.join("run"), 0o755, run)?;
        // in /run, which a power-off empties
        let flat = name.replace('/', ".");
        link(&format!("/run/runit/supervise.{flat}"), &folder.join("supervise"))
    };
    service("sshd", "#!/bin/sh\nexec /usr/sbin/sshd -D -e 2>>/var/log/sshd.log\n")?;
    link("../sv/sshd", &seed.join("etc/service/sshd"))?;
    if let Kit::Consul(kit) = &spec.kit {
        let user = if mode == Mode::Root { "chpst -u consul " } else { "" };
        service("consul", &format!("#!/bin/sh\nexec 2>&1\n{}", consul_command(user)))?;
        service("consul/log", "#!/bin/sh\nexec svlogd /var/log/consul\n")?;
        link("../sv/consul", &seed.join("etc/service/consul"))?;
        if !kit.autostart {
            write(&seed.join("etc/sv/consul/down"), 0o644, "")?;
        }
        link("/usr/bin/sv", &seed.join("etc/init.d/consul"))?;
        write(&seed.join("var/log/consul/config"), 0o644, "s1000000\nn10\n")?;
        folder(&seed.join("var/log/consul"), 0o755)?;
    }
    Ok(())
}

fn systemd(seed: &Path, spec: &Spec) -> Result<(), LabError> {
    let units = seed.join("etc/systemd/system");
    let target = "[Unit]\nDescription=A host of a lab\nRequires=systemd-journald.service\nAfter=systemd-journald.service\n\
                  Wants=dbus.socket\nAllowIsolate=yes\n";
    write(&units.join("lab.target"), 0o644, target)?;
    link("lab.target", &units.join("default.target"))?;
    write(&seed.join("etc/machine-id"), 0o444, "")?;
    folder(&seed.join("var/log/journal"), 0o755)?;
    let unit = |name: &str, autostart: bool, service: &str| -> Result<(), LabError> {
        let text = format!("[Unit]\nDescription={name}\n\n[Service]\n{service}\n[Install]\nWantedBy=lab.target\n");
        write(&units.join(format!("{name}.service")), 0o644, &text)?;
        if autostart {
            link(&format!("../{name}.service"), &units.join(format!("lab.target.wants/{name}.service")))?;
        }
        Ok(())
    };
    unit("ssh", true, "ExecStart=/usr/sbin/sshd -D\nKillMode=process\nRestart=on-failure\nRuntimeDirectory=sshd\n")?;
    if let Kit::Consul(kit) = &spec.kit {
        let command = consul_command("");
        let command = command.trim_start_matches("exec ");
        let service = format!("User=consul\nKillSignal=SIGINT\nRestart=on-failure\nRestartSec=1\nExecStart={command}");
        unit("consul", kit.autostart, &service)?;
    }
    Ok(())
}

fn one_host(dir: &Path, host: &HostSpec, record: &Record) -> Result<(), LabError> {
    let spec = &record.spec;
    let seed = dir.join(format!("seed.{}", host.name));
    let etc = seed.join("etc");
    write(&etc.join("hostname"), 0o644, &format!("{}\n", host.name))?;
    let key = dir.join("key").join(&host.name);
    write(&etc.join("ssh/host_key"), 0o600, &read(&key)?)?;
    write(&etc.join("ssh/host_key.pub"), 0o644, &read(&key.with_extension("pub"))?)?;
    if spec.kit == Kit::Web {
        web::seed(&seed, host, spec, record.mode)?;
    }
    if let Kit::Consul(kit) = &spec.kit {
        let servers = spec.consul_servers();
        if servers.iter().any(|s| s.name == host.name) {
            write(&etc.join("consul.d/10-server.hcl"), 0o644, &consul_config(kit, host, &servers))?;
            if kit.secure {
                secure::seed(dir, &etc, host)?;
            }
        }
        folder(&etc.join("consul.d"), 0o755)?;
        folder(&seed.join("var/lib/consul"), 0o750)?;
    }
    Ok(())
}

/// The configuration of one Consul server. Without `retry_interval` a join that loses the race waits half a minute.
fn consul_config(kit: &ConsulKit, host: &HostSpec, servers: &[&HostSpec]) -> String {
    let join: Vec<String> = servers.iter().map(|s| format!("\"{}\"", s.address)).collect();
    format!(
        "datacenter = \"dc1\"\nserver = true\nbootstrap_expect = {expect}\nnode_name = \"{name}\"\nbind_addr = \"{address}\"\n\
         client_addr = \"127.0.0.1\"\nretry_join = [{join}]\nretry_interval = \"1s\"\ndisable_update_check = true\n\
         log_level = \"info\"\nraft_protocol = {protocol}\nperformance {{\n  raft_multiplier = {multiplier}\n}}\n",
        expect = kit.bootstrap_expect.unwrap_or(servers.len()),
        name = host.name,
        address = host.address,
        join = join.join(", "),
        protocol = kit.raft_protocol,
        multiplier = kit.raft_multiplier,
    )
}
