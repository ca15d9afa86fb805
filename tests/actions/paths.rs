//! `directory` and `link`: the second time changes nothing, and what is not theirs is left alone.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::Bench;

fn step(action: &str) -> String {
    format!("  - id: it\n    hosts: controller\n    {action}\n")
}

fn mode(bench: &Bench, name: &str) -> u32 {
    fs::symlink_metadata(bench.out(name)).expect("it is there").permissions().mode() & 0o7777
}

#[test]
fn a_folder_is_made_changed_and_taken_away() {
    let bench = Bench::new();
    let wanted = step("directory: { path: OUT/d, mode: \"2750\" }");
    assert!(bench.plan(&wanted).contains("/out/d (mode 2750)"));
    bench.run(&wanted).well(&["changed"]);
    assert_eq!(mode(&bench, "d"), 0o2750);
    bench.run(&wanted).well(&["ok"]);
    let plain = step("directory: { path: OUT/d, mode: \"0711\" }");
    bench.run(&plain).well(&["changed"]);
    assert_eq!(mode(&bench, "d"), 0o711, "the group bit goes as well");
    bench.run(&step("directory: { path: OUT/d/ }")).well(&["ok"]);
    let absent = step("directory: { path: OUT/d, state: absent }");
    fs::write(bench.out("d/kept"), "x").expect("a file");
    bench.run(&absent).failed("/out/d is not empty (kept)");
    assert!(bench.out("d/kept").exists());
    fs::remove_file(bench.out("d/kept")).expect("a file");
    bench.run(&absent).well(&["changed"]);
    assert!(!bench.out("d").exists());
    bench.run(&absent).well(&["ok"]);
}

#[test]
fn a_folder_is_not_made_out_of_something_else() {
    let bench = Bench::new();
    fs::write(bench.out("file"), "x").expect("a file");
    symlink(bench.out("."), bench.out("link")).expect("a link");
    fs::create_dir(bench.out("open")).expect("a folder");
    fs::set_permissions(bench.out("open"), fs::Permissions::from_mode(0o777)).expect("a mode");
    for (action, why) in [
        ("directory: { path: OUT/file }", "exists and is no folder"),
        ("directory: { path: OUT/file, state: absent }", "exists and is no folder"),
        ("directory: { path: OUT/link }", "is a symbolic link"),
        ("directory: { path: OUT/link/, state: absent }", "is a symbolic link"),
        ("directory: { path: OUT/none/deep }", "is not a folder; make it by a step of its own"),
        ("directory: { path: OUT/open/d }", "others can write in"),
        ("directory: { path: OUT/d, owner: nobody-here }", "no such user: nobody-here"),
        ("directory: { path: OUT/d, group: nobody-here }", "no such group: nobody-here"),
        ("directory: { path: relative }", "is not an absolute path"),
        ("directory: { path: / }", "the root folder is always there"),
    ] {
        bench.run(&step(action)).failed(why);
        assert!(!bench.out("d").exists(), "{action}");
    }
}

#[test]
fn a_link_is_replaced_in_one_rename() {
    let bench = Bench::new();
    fs::create_dir(bench.out("r1")).expect("a folder");
    let wanted = step("link: { path: OUT/current, to: r1 }");
    assert!(bench.plan(&wanted).contains("/out/current → r1"));
    bench.run(&wanted).well(&["changed"]);
    bench.run(&wanted).well(&["ok"]);
    // a link to a folder is replaced, not entered
    let steps =
        step("link: { path: OUT/current, to: \"OUT/r 2\\n\" }") + "  - { id: told, note: '{{outputs.it.before}}' }\n";
    let ran = bench.run(&steps);
    ran.well(&["changed", "ok"]);
    assert_eq!(ran.notes(), ["r1"]);
    assert_eq!(fs::read_link(bench.out("current")).expect("a link"), bench.out("r 2\n"));
    assert_eq!(fs::read_dir(bench.out("r1")).expect("a folder").count(), 0);
    bench.run(&steps).well(&["ok", "ok"]);
    let names: Vec<_> =
        fs::read_dir(bench.out("")).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left beside it: {names:?}");
}

#[test]
fn only_links_in_folders_of_ones_own_are_replaced() {
    let bench = Bench::new();
    for name in ["folder", "open", "real"] {
        fs::create_dir(bench.out(name)).expect("a folder");
    }
    fs::write(bench.out("file"), "x").expect("a file");
    symlink("real", bench.out("through")).expect("a link");
    fs::set_permissions(bench.out("open"), fs::Permissions::from_mode(0o1777)).expect("a mode");
    for (path, why) in [
        ("file", "exists and is no link"),
        ("folder", "exists and is no link"),
        ("none/x", "is not a folder"),
        ("through/x", "is a symbolic link; write follow: true"),
        ("open/x", "others can write in"),
        ("x/", "ends with a slash"),
    ] {
        bench.run(&step(&format!("link: {{ path: OUT/{path}, to: /etc }}"))).failed(why);
    }
    bench.run(&step("link: { path: OUT/x, to: '' }")).failed("is nowhere that a link can lead");
    bench.run(&step("link: { path: OUT/through/x, to: /etc, follow: true }")).well(&["changed"]);
    assert_eq!(fs::read_link(bench.out("real/x")).expect("a link").to_str(), Some("/etc"));
}
