//! A secret is used and stands nowhere: not in what is shown, kept, or left on a host.

use std::path::Path;

use refloat::lab::Spec;

use super::desk::{Desk, Said};
use crate::support::lab::{TestLab, namespaces};

const SECRET: &str = "Hunter2-correct'horse \"battery\" $staple";

const USE: &str = r#"
runbook: test/secret
risk: reversible
params:
  token: { type: secret, env: TEST_TOKEN }
  fail: { type: bool, default: false }
steps:
  - id: use
    hosts: node-1
    env: { TOKEN: "{{params.token}}" }
    run: |
      printf %s "$TOKEN" | sha256sum
      echo "said: $TOKEN"
      echo "said: $TOKEN" >&2
      # where the end of the output is cut, and where a reason is
      printf '%s%0390d\n' "$TOKEN" 0
      printf '%0140d%s%0100d\n' 0 "$TOKEN" 0 >&2
      if [ "$(cat ~/fail)" = yes ]; then exit 3; fi
  - id: ask
    hosts: node-1
    env: { TOKEN: "{{params.token}}" }
    gather:
      said: { command: 'printf "%s" "$TOKEN"' }
  - id: guard
    hosts: node-1
    env: { TOKEN: "{{params.token}}" }
    require:
      - command: 'printf "%0140d%s%0100d\n" 0 "$TOKEN" 0'
  - id: watch
    hosts: node-1
    env: { TOKEN: "{{params.token}}" }
    run: 'mkdir -p ~/gone; printf "ready %s\n" "$TOKEN" >>~/gone/log'
    watch:
      log: /home/ops/gone/log
      within: 20s
      expect: [ { line: ready } ]
  - id: tidy
    hosts: node-1
    run: rm -r ~/gone
"#;

/// Pieces of the secret that are long enough to be no accident.
fn pieces(secret: &str) -> Vec<String> {
    let chars: Vec<char> = secret.chars().collect();
    chars.windows(8).map(|window| window.iter().collect()).collect()
}

pub(super) fn nowhere(secret: &str, what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for piece in pieces(secret) {
        assert!(!text.contains(&piece), "{what} holds {piece:?}");
    }
}

/// Looks into all files of a folder, and counts them.
pub(super) fn kept(secret: &str, folder: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += kept(secret, &path);
        } else {
            nowhere(secret, &path.display().to_string(), &std::fs::read(&path).unwrap());
            files += 1;
        }
    }
    files
}

pub(super) fn said(secret: &str, what: &str, said: &Said) {
    nowhere(secret, what, said.out.as_bytes());
    nowhere(secret, what, said.err.as_bytes());
}

#[test]
fn a_secret_is_used_and_stands_nowhere() {
    if !namespaces() {
        return;
    }
    let lab = TestLab::up(Spec::numbered("node", 1, "nodes"));
    let desk = Desk::at(&lab).env("TEST_TOKEN", SECRET);
    let (runbook, inventory) = (desk.write("use.yaml", USE), desk.inventory());
    let digest = refloat::base::digest::Digest::of(SECRET).to_string();
    for (fails, code) in [("no", 0), ("yes", 1)] {
        lab.say("node-1", &format!("echo {fails} >~/fail; mkdir -p ~/gone; : >~/gone/log"));
        for form in [&["run", "-vv"][..], &["run", "--output", "json"]] {
            lab.say("node-1", "mkdir -p ~/gone; : >~/gone/log");
            let run = desk.refloat(&[form, &[&runbook, "-i", &inventory]].concat());
            assert_eq!(run.code, Some(code), "{run:?}");
            said(SECRET, "the run", &run);
            let ran = desk.ran(run);
            // it was used, and shown masked
            let report = ran.report.to_string();
            assert!(report.contains("[secret]"), "{report}");
            let output = ran.events("unit_output").next().expect("output");
            assert_eq!(output["stream"], "stdout");
            let folder = desk.path("state").join("blobs").join(ran.report["run"].as_str().unwrap());
            let blob = std::fs::read_to_string(folder.join(output["blob"]["file"].as_str().unwrap())).unwrap();
            assert!(blob.contains(&digest) && blob.contains("said: [secret]"), "{blob}");
        }
        for format in ["text", "markdown", "json"] {
            said(SECRET, format, &desk.refloat(&["report", "--format", format]));
        }
        said(SECRET, "the plan", &desk.refloat(&["plan", &runbook, "-i", &inventory]));
        said(SECRET, "the plan", &desk.refloat(&["plan", "--output", "json", &runbook, "-i", &inventory]));
        lab.say("node-1", "rm -rf ~/gone");
        let find = "sudo -n grep -rlaF -e 'correct'\\''horse' -e Hunter2 / --exclude-dir=proc --exclude-dir=usr --exclude-dir=sys --exclude-dir=dev";
        assert_eq!(lab.try_say("node-1", find).1, "", "on the host");
    }
    assert!(kept(SECRET, &desk.path("state")) > 4);
    desk.nothing_is_left(&["node-1"]);
}
