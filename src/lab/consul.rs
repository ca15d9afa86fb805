//! Where a lab gets Consul from: the operator's word, the search path, or once from the last release that packaged it,
//! Debian's bullseye or Ubuntu's jammy, by this machine's own apt configuration.
//!
//! The cache holds one folder `consul`; it appears by a rename, so two labs that fetch at once do not disturb each other.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::base::process;

use super::needs;

/// What the lab takes from the environment, decided by the command line.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The search path for programs.
    pub path: OsString,
    /// Where a fetched Consul is kept.
    pub cache: PathBuf,
    /// A Consul that the operator named (`REFLOAT_CONSUL`).
    pub consul: Option<PathBuf>,
}

/// Why there is no Consul.
#[derive(Debug, thiserror::Error)]
pub enum ConsulError {
    /// The named one is not a program.
    #[error("REFLOAT_CONSUL names {}, which is not a program", .0.display())]
    NotAProgram(PathBuf),
    /// No apt.
    #[error(
        "`consul` is not on the PATH and this machine has no apt to fetch it with; set REFLOAT_CONSUL to a Consul 1.8 or newer"
    )]
    NoApt,
    /// apt has no source with a mirror of Debian.
    #[error(
        "`consul` is not on the PATH and apt has no source to fetch it from; set REFLOAT_CONSUL to a Consul 1.8 or newer"
    )]
    NoSource,
    /// apt failed.
    #[error(
        "`consul` is not on the PATH and apt could not fetch it from {release} ({what}: {said}); set REFLOAT_CONSUL to a Consul 1.8 or newer"
    )]
    Fetch {
        /// The release that has it.
        release: &'static str,
        /// The step that failed.
        what: &'static str,
        /// What it said.
        said: String,
    },
    /// The cache cannot be used.
    #[error("{}", path.display())]
    Cache {
        /// Which path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The path of a Consul, fetching one when there is no other.
pub fn obtain(machine: &Machine, progress: &mut dyn FnMut(&str)) -> Result<PathBuf, ConsulError> {
    if let Some(named) = &machine.consul {
        let (folder, name) = (named.parent().unwrap_or(Path::new("/")), named.file_name().unwrap_or_default());
        let found = process::find(&name.to_string_lossy(), folder.as_os_str());
        return found.and_then(|p| p.canonicalize().ok()).ok_or_else(|| ConsulError::NotAProgram(named.clone()));
    }
    if let Some(found) = process::find("consul", &machine.path) {
        return Ok(found.canonicalize().unwrap_or(found));
    }
    let cached = machine.cache.join("consul/usr/bin/consul");
    if cached.is_file() {
        return Ok(cached);
    }
    fetch(machine, &cached, progress)?;
    Ok(cached)
}

fn fetch(machine: &Machine, cached: &Path, progress: &mut dyn FnMut(&str)) -> Result<(), ConsulError> {
    let path = needs::with_sbin(&machine.path);
    if process::find("apt-get", &path).is_none() || process::find("dpkg", &path).is_none() {
        return Err(ConsulError::NoApt);
    }
    let release = release(Path::new("/etc/os-release"));
    let source = apt_source(Path::new("/etc/apt"), release).ok_or(ConsulError::NoSource)?;
    progress(&format!("fetching Consul from {} (about 15 MB, once)", release.name));
    let said = |what, command: &mut std::process::Command| said(release.name, what, command);
    fs::create_dir_all(&machine.cache).map_err(cache(&machine.cache))?;
    let work = tempfile::Builder::new().prefix(".fetch-").tempdir_in(&machine.cache).map_err(cache(&machine.cache))?;
    let work = work.path();
    for folder in ["lists/partial", "cache/archives/partial", "deb"] {
        fs::create_dir_all(work.join(folder)).map_err(cache(work))?;
    }
    let list = work.join("bullseye.list");
    fs::write(&list, source).map_err(cache(&list))?;
    let apt = |what: &'static str, words: &[&str]| {
        let mut command = process::blocking("apt-get");
        command.current_dir(work.join("deb"));
        for (key, value) in [
            ("Dir::Etc::SourceList", list.clone()),
            ("Dir::Etc::SourceParts", "/dev/null".into()),
            ("Dir::State::Lists", work.join("lists")),
            ("Dir::Cache", work.join("cache")),
            ("APT::Sandbox::User", "".into()),
        ] {
            command.arg("-o").arg(format!("{key}={}", value.display()));
        }
        said(what, command.args(["-o", "Acquire::Retries=2", "-qq"]).args(words))
    };
    apt("update", &["update"])?;
    apt("download", &["download", "consul"])?;
    let deb = fs::read_dir(work.join("deb")).map_err(cache(work))?.find_map(|e| e.ok().map(|e| e.path()));
    let deb = deb.ok_or_else(|| ConsulError::Fetch {
        release: release.name,
        what: "download",
        said: "it left no file".to_owned(),
    })?;
    let root = work.join("root");
    said("unpack", process::blocking("dpkg").arg("-x").arg(&deb).arg(&root))?;
    said("first start", process::blocking(root.join("usr/bin/consul")).arg("version"))?;
    match fs::rename(&root, machine.cache.join("consul")) {
        // another lab was faster
        Err(_) if cached.is_file() => Ok(()),
        other => other.map_err(cache(cached)),
    }
}

fn said(release: &'static str, what: &'static str, command: &mut std::process::Command) -> Result<(), ConsulError> {
    let output = command.output().map_err(|e| ConsulError::Fetch { release, what, said: e.to_string() })?;
    if output.status.success() {
        return Ok(());
    }
    Err(ConsulError::Fetch { release, what, said: super::files::tail(&output.stderr) })
}

fn cache(path: &Path) -> impl FnOnce(std::io::Error) -> ConsulError + use<> {
    let path = path.to_owned();
    move |source| ConsulError::Cache { path, source }
}

/// The last release of a distribution that packaged Consul.
#[derive(Clone, Copy)]
struct Release {
    name: &'static str,
    suite: &'static str,
    component: &'static str,
    /// How the addresses of the distribution's mirrors mostly end.
    mirrors: &'static [&'static str],
}

const DEBIAN: Release =
    Release { name: "Debian's bullseye", suite: "bullseye", component: "main", mirrors: &["/debian"] };
const UBUNTU: Release =
    Release { name: "Ubuntu's jammy", suite: "jammy", component: "universe", mirrors: &["/ubuntu", "/ubuntu-ports"] };

/// Ubuntu has mirrors and keys of its own, and so do those that are made of it.
fn release(os_release: &Path) -> Release {
    let text = fs::read_to_string(os_release).unwrap_or_default();
    let mut values = text.lines().filter_map(|l| l.strip_prefix("ID=").or_else(|| l.strip_prefix("ID_LIKE=")));
    let ubuntu = values.any(|v| v.trim_matches('"').split(' ').any(|word| word == "ubuntu"));
    if ubuntu { UBUNTU } else { DEBIAN }
}

/// A line for that release from the first mirror that this machine's apt uses, in either of apt's two forms.
fn apt_source(etc: &Path, release: Release) -> Option<String> {
    let mut files = vec![etc.join("sources.list")];
    let parts = fs::read_dir(etc.join("sources.list.d"));
    let mut parts: Vec<PathBuf> = parts.into_iter().flatten().filter_map(|e| Some(e.ok()?.path())).collect();
    parts.sort();
    files.extend(parts);
    let mut sources = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        match file.extension().and_then(|e| e.to_str()) {
            Some("list") => sources.extend(text.lines().filter_map(one_line)),
            Some("sources") => sources.extend(text.split("\n\n").filter_map(stanza)),
            _ => {}
        }
    }
    // a mirror of the distribution itself has the component main, and its address mostly ends in its name
    sources.sort_by_key(|s| !release.mirrors.iter().any(|end| s.uri.trim_end_matches('/').ends_with(end)));
    let Source { uri, signed_by } = sources.into_iter().next()?;
    let signed = signed_by.map_or_else(String::new, |key| format!("[signed-by={key}] "));
    Some(format!("deb {signed}{uri} {} {}\n", release.suite, release.component))
}

struct Source {
    uri: String,
    signed_by: Option<String>,
}

fn source(uri: &str, suites: &[&str], components: &[&str], signed_by: Option<&str>) -> Option<Source> {
    let fits = components.contains(&"main") && !suites.iter().all(|s| s.contains("security"));
    let signed_by = signed_by.filter(|key| key.starts_with('/')).map(str::to_owned);
    fits.then(|| Source { uri: uri.to_owned(), signed_by })
}

/// `deb [signed-by=FILE] URI SUITE COMPONENT...`
fn one_line(line: &str) -> Option<Source> {
    let rest = line.trim().strip_prefix("deb")?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => ("", rest),
    };
    let words: Vec<&str> = rest.split('#').next()?.split_ascii_whitespace().collect();
    let [uri, suite, components @ ..] = words.as_slice() else { return None };
    let key = options.split_ascii_whitespace().find_map(|o| o.strip_prefix("signed-by="));
    source(uri, &[suite], components, key)
}

/// A paragraph of deb822: `Types:`, `URIs:`, `Suites:`, `Components:`, `Signed-By:`.
fn stanza(text: &str) -> Option<Source> {
    let field = |name: &str| {
        let line = text.lines().find(|l| l.to_ascii_lowercase().starts_with(name))?;
        Some(line[name.len()..].split_ascii_whitespace().collect::<Vec<_>>())
    };
    let disabled = field("enabled:").is_some_and(|v| v == ["no"]);
    if disabled || !field("types:")?.contains(&"deb") {
        return None;
    }
    let key = field("signed-by:").and_then(|v| v.first().copied());
    source(field("uris:")?.first()?, &field("suites:")?, &field("components:")?, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn etc(files: &[(&str, &str)]) -> Option<String> {
        etc_of(DEBIAN, files)
    }

    fn etc_of(release: Release, files: &[(&str, &str)]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sources.list.d")).unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        apt_source(folder.path(), release)
    }

    #[test]
    fn deb822() {
        let text = "Types: deb\n# http://comment.invalid/x\nURIs: http://mirror.invalid/debian\nSuites: bookworm bookworm-updates\n\
                    Components: main\nSigned-By: /usr/share/keyrings/k.gpg\n\nTypes: deb\nURIs: http://other.invalid/debian-security\n\
                    Suites: bookworm-security\nComponents: main\n";
        let line = etc(&[("sources.list.d/debian.sources", text)]);
        assert_eq!(
            line.unwrap(),
            "deb [signed-by=/usr/share/keyrings/k.gpg] http://mirror.invalid/debian bullseye main\n"
        );
    }

    #[test]
    fn classic() {
        let text = "# deb http://no.invalid/debian x main\ndeb-src http://no.invalid/debian bookworm main\n\
                    deb http://no.invalid/debian-security bookworm-security main\ndeb [arch=amd64] http://mirror.invalid/debian/ bookworm main contrib\n";
        assert_eq!(etc(&[("sources.list", text)]).unwrap(), "deb http://mirror.invalid/debian/ bullseye main\n");
    }

    #[test]
    fn debian_goes_before_others() {
        let line = etc(&[
            ("sources.list.d/a.list", "deb http://vendor.invalid/apt stable main\n"),
            (
                "sources.list.d/b.sources",
                "Types: deb\nURIs: http://mirror.invalid/debian\nSuites: trixie\nComponents: main\n",
            ),
        ]);
        assert_eq!(line.unwrap(), "deb http://mirror.invalid/debian bullseye main\n");
    }

    #[test]
    fn ubuntu_has_its_own() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, name) in [
            ("NAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE=debian\n", "Ubuntu's jammy"),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "Ubuntu's jammy"),
            ("ID=debian\n", "Debian's bullseye"),
            ("", "Debian's bullseye"),
        ] {
            fs::write(file.path(), text).unwrap();
            assert_eq!(release(file.path()).name, name, "{text}");
        }
        let text = "Types: deb\nURIs: http://mirror.invalid/ubuntu/\nSuites: noble noble-updates\nComponents: main universe\n\
                    Signed-By: /usr/share/keyrings/k.gpg\n";
        assert_eq!(
            etc_of(UBUNTU, &[("sources.list.d/ubuntu.sources", text)]).unwrap(),
            "deb [signed-by=/usr/share/keyrings/k.gpg] http://mirror.invalid/ubuntu/ jammy universe\n"
        );
    }

    #[test]
    fn nothing_is_said_so() {
        assert_eq!(etc(&[("sources.list", "# empty\n")]), None);
    }

    #[test]
    fn a_named_consul_must_be_a_program() {
        let plain = tempfile::NamedTempFile::new().unwrap();
        let machine = Machine { path: "".into(), cache: "/nonexistent".into(), consul: Some(plain.path().to_owned()) };
        let error = obtain(&machine, &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("not a program"), "{error}");
    }
}
