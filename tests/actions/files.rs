//! What a `file` holds: a value as JSON or YAML, or a file that is sent as it is.

use std::fs;

use super::Bench;

const VALUES: &str = r#"
  - id: see
    hosts: controller
    gather:
      raft: { command: "printf '{\"id\": 18446744073709551615, \"names\": [\"a: b\", \"no\"]}'", parse: json }
      conf: { command: "printf 'level: 3\nlist:\n  - x\n'", parse: yaml }
  - id: json
    hosts: controller
    file:
      path: OUT/a.conf
      json: { "{{upper \"key\"}}": "{{outputs.see.raft.names}}", id: "{{outputs.see.raft.id}}", text: "x {{host.name}}", n: [ 1, 2.5, null, true ] }
      mode: "0600"
  - id: yaml
    hosts: controller
    file: { path: OUT/b.conf, validate: yaml, yaml: { from: "{{outputs.see.conf}}", names: "{{outputs.see.raft.names}}", quote: "a \"b\"\n'c'" } }
  - id: read
    hosts: controller
    require:
      - { read: OUT/a.conf, parse: json, that: eq result.value.id outputs.see.raft.id }
      - { read: OUT/b.conf, parse: yaml, that: [ eq result.value.names outputs.see.raft.names, eq result.value.from.level 3 ] }
"#;

#[test]
fn a_value_is_written_as_json_or_yaml_whatever_is_in_it() {
    let bench = Bench::new();
    let ran = bench.run(VALUES);
    ran.well(&["ok", "changed", "changed", "ok"]);
    assert_eq!(
        fs::read_to_string(bench.out("a.conf")).expect("a file"),
        "{\n  \"KEY\": [\n    \"a: b\",\n    \"no\"\n  ],\n  \"id\": 18446744073709551615,\n  \"text\": \"x controller\",\n  \
         \"n\": [\n    1,\n    2.5,\n    null,\n    true\n  ]\n}\n"
    );
    assert_eq!(
        fs::read_to_string(bench.out("b.conf")).expect("a file"),
        "from:\n  level: 3\n  list:\n    - x\nnames:\n  - \"a: b\"\n  - \"no\"\nquote: \"a \\\"b\\\"\\n'c'\"\n"
    );
    bench.run(VALUES).well(&["ok", "ok", "ok", "ok"]);
}

#[test]
fn a_file_beside_the_runbook_is_sent_byte_for_byte() {
    let bench = Bench::new();
    let bytes: Vec<u8> = (0..=255_u8).cycle().take(700_000).collect();
    fs::create_dir(bench.beside("parts")).expect("a folder");
    fs::write(bench.beside("parts/blob.bin"), &bytes).expect("a file");
    let step = "  - id: it\n    hosts: controller\n    file: { path: OUT/blob, upload: parts/blob.bin }\n";
    assert!(bench.plan(step).contains("/out/blob (700000 bytes)"));
    bench.run(step).well(&["changed"]);
    assert!(fs::read(bench.out("blob")).expect("a file") == bytes);
    bench.run(step).well(&["ok"]);
    // another content is another plan
    let digest = |bench: &Bench| bench.plan(step).lines().find(|line| line.contains("plan")).map(str::to_owned);
    let before = digest(&bench);
    fs::write(bench.beside("parts/blob.bin"), "b").expect("a file");
    assert_ne!(digest(&bench), before);
    fs::write(bench.beside("parts/blob.bin"), vec![b'x'; (4 << 20) + 1]).expect("a file");
    let output = bench.refloat(&["plan", "book.yaml", "-i", "inventory.yaml"], step);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("larger than 4 MiB"), "{output:?}");
    let json = "  - { id: it, hosts: controller, file: { path: OUT/x, upload: parts/blob.bin, validate: json } }\n";
    fs::write(bench.beside("parts/blob.bin"), "{").expect("a file");
    bench.run(json).failed("the content is not JSON");
}
