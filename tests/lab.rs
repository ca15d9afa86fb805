//! The lab, for real.
use refloat::lab::{Lab, Machine, Spec};

#[test]
fn a_consul_lab_comes_up_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let machine = Machine { path: std::env::var_os("PATH").unwrap(), cache: dir.path().join("cache"), consul: None };
    let folder = dir.path().join("lab");
    let lab = Lab::up(&folder, Spec::consul(3), &machine, &mut |_| {}).unwrap();
    let peers = lab.exec("consul-1", &["consul", "operator", "raft", "list-peers"]).unwrap();
    assert_eq!(String::from_utf8_lossy(&peers.stdout).matches("true").count(), 3);
    lab.down().unwrap();
    assert!(!folder.exists());
}
