//! Every helper, with what it refuses.

use refloat::template::{Expr, Value};
use serde_json::json;

use super::World;

fn eval(source: &str) -> Result<Value, String> {
    let expr = Expr::from(source);
    if let Some(problem) = expr.problems().first() {
        return Err(format!(
            "{}{}",
            problem.message,
            problem.help.as_deref().map(|h| format!(" | {h}")).unwrap_or_default()
        ));
    }
    expr.eval(&World::new()).map_err(|e| e.to_string())
}

fn holds(cases: &[(&str, serde_json::Value)]) {
    for (source, want) in cases {
        match eval(source) {
            Ok(value) => assert_eq!(value.to_json(), *want, "{source}"),
            Err(error) => panic!("{source}: {error}"),
        }
    }
}

fn refuses(cases: &[(&str, &str)]) {
    for (source, part) in cases {
        let error = eval(source).map(|v| v.to_json()).expect_err(source);
        assert!(error.contains(part), "{source}: {error}");
    }
}

#[test]
fn literals_and_paths() {
    holds(&[
        ("\"text\"", json!("text")),
        ("'te\"xt'", json!("te\"xt")),
        ("3", json!(3)),
        ("-1.5", json!(-1.5)),
        ("true", json!(true)),
        ("null", json!(null)),
        ("params.big", json!(u64::MAX)),
        ("18446744073709551615", json!(u64::MAX)),
        ("(params.n)", json!(5)),
        ("params.map.b-c.d", json!("deep")),
        ("outputs.see.raft.1.ID", json!("id-2")),
        ("targets.newest.one.name", json!("consul-2")),
        ("targets.servers.0.vars.rpc_address", json!("10.0.0.1:8300")),
    ]);
    refuses(&[
        ("params.mpa", "did you mean `map`?"),
        ("params.map.x", "`params.map.x` does not exist; there are: a, b-c"),
        ("params.n.x", "`params.n` is a whole number and has no `x`"),
        ("outputs.see.raft.7", "has 2 elements; there is no 7"),
        ("outputs.see.down.x", "`outputs.see.down` is null and has no `x`"),
        ("parms.n", "did you mean `params`?"),
        ("targets.survivors.one", "needs exactly one host, and there are 2"),
        ("../params.n", "not a path"),
        ("", "an expression is missing"),
    ]);
}

#[test]
fn compare() {
    holds(&[
        ("eq params.n 5", json!(true)),
        ("eq params.n 5.0", json!(true)),
        ("eq outputs.see.down null", json!(true)),
        ("ne params.name null", json!(true)),
        ("eq params.list (split \"a b|c'd\" \"|\")", json!(true)),
        ("gt 2 1", json!(true)),
        ("gte 2 2", json!(true)),
        ("lt \"a\" \"b\"", json!(true)),
        ("lte 18446744073709551615 18446744073709551614", json!(false)),
        ("gte (version \"1.10.2\") (version \"1.9\")", json!(true)),
        ("eq outputs.later.x 1", json!("⟨unknown until start⟩")),
    ]);
    refuses(&[
        ("eq params.n \"5\"", "`eq`: a whole number cannot be compared with a text"),
        ("gt params.name 1", "a text cannot be compared with a whole number"),
        ("gt null 1", "null cannot be compared"),
        ("eq targets.newest.one \"consul-2\"", "a host cannot be compared with a text"),
        ("version \"x\"", "not a version"),
        ("version 1", "`version` needs a text first, and `1` is a whole number"),
    ]);
}

#[test]
fn logic() {
    holds(&[
        ("and true (not false) true", json!(true)),
        ("or false params.flag", json!(true)),
        ("and false (eq 1 \"x\")", json!(false)),
        ("and outputs.later.x false", json!(false)),
        ("and outputs.later.x true", json!("⟨unknown until start⟩")),
        ("or outputs.later.x true", json!(true)),
        ("and outputs.later.x (eq 1 \"x\")", json!("⟨unknown until start⟩")),
        ("not outputs.later.x", json!("⟨unknown until start⟩")),
        ("cond params.flag 1 (eq 1 \"x\")", json!(1)),
        ("cond outputs.later.x 1 2", json!("⟨unknown until start⟩")),
        ("default outputs.see.down 0", json!(0)),
        ("default outputs.see.down.deeper 0", json!(0)),
        ("default params.n 0", json!(5)),
        ("empty outputs.see.down", json!(true)),
        ("empty params.empty", json!(true)),
        ("empty \"\"", json!(true)),
        ("not (empty params.n)", json!(true)),
        ("empty params.map", json!(false)),
    ]);
    refuses(&[
        ("and true 1", "`and` needs a boolean second, and `1` is a whole number"),
        ("not null", "`not` needs a boolean first"),
        ("cond 1 2 3", "`cond` needs a boolean first"),
        ("default params.gone 1", "does not exist"),
    ]);
}

#[test]
fn text() {
    holds(&[
        ("concat \"web/\" host.name \"-\" 1", json!("web/consul-1-1")),
        ("lower \"AbÄ\"", json!("abä")),
        ("upper \"ab\"", json!("AB")),
        ("trim \" a \"", json!("a")),
        ("replace \"a-b-c\" \"-\" \"_\"", json!("a_b_c")),
        ("snake \"Web-01.example\"", json!("web_01_example")),
        ("split \"a,b\" \",\"", json!(["a", "b"])),
        ("split \"\" \",\"", json!([])),
        ("starts_with params.name \"it\"", json!(true)),
        ("contains \"abc\" \"b\"", json!(true)),
        ("matches \"a1\" \"^[a-z]\\\\d$\"", json!(true)),
        ("matches \"a1\" (concat \"^\" \"b\")", json!(false)),
        ("sha256 \"abc\"", json!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")),
        ("basename \"/a/b/\"", json!("b")),
        ("dirname \"/a/b/\"", json!("/a")),
        ("dirname \"b\"", json!(".")),
        ("dirname \"/\"", json!("/")),
        ("dirname \"/b\"", json!("/")),
        ("concat \"x\" outputs.later.y", json!("⟨unknown until start⟩")),
    ]);
    refuses(&[
        ("upper 3", "`upper` needs a text first, and `3` is a whole number"),
        ("concat \"a\" null", "`concat` needs a text or a number second, and `null` is null"),
        ("replace \"a\" \"\" \"b\"", "is empty"),
        ("matches \"a\" \"(\"", "not a regular expression"),
        ("starts_with params.list \"a\"", "is a list"),
    ]);
}

#[test]
fn lists_and_maps() {
    holds(&[
        ("len params.list", json!(2)),
        ("len \"äb\"", json!(2)),
        ("first params.list", json!("a b")),
        ("first params.empty", json!(null)),
        ("last (split \"a,b\" \",\")", json!("b")),
        ("sort (split \"b,a\" \",\")", json!(["a", "b"])),
        ("unique (split \"b,a,b\" \",\")", json!(["b", "a"])),
        ("contains params.list \"a b\"", json!(true)),
        ("in \"x\" params.list", json!(false)),
        ("join targets.servers", json!("consul-1, consul-2, consul-3")),
        ("join (split \"a,b\" \",\") \"-\"", json!("a-b")),
        ("pluck outputs.see.raft \"Address\"", json!(["10.0.0.1:8300", "10.0.0.2:8300"])),
        ("pluck targets.survivors \"vars.rpc_address\"", json!(["10.0.0.1:8300", "10.0.0.2:8300"])),
        ("get (find outputs.see.raft \"ID\" \"id-2\") \"Address\"", json!("10.0.0.2:8300")),
        ("find outputs.see.raft \"ID\" \"id-9\"", json!(null)),
        ("get (find outputs.see.raft \"ID\" \"id-9\") \"Address\"", json!(null)),
        ("pluck (where outputs.see.raft \"Voter\" true) \"ID\"", json!(["id-1"])),
        ("minus targets.servers targets.survivors", json!(["consul-3"])),
        ("union (split \"a,b\" \",\") (split \"b,c\" \",\")", json!(["a", "b", "c"])),
        ("subset targets.survivors targets.servers", json!(true)),
        ("same_set (split \"a,b\" \",\") (split \"b,a\" \",\")", json!(true)),
        ("min (pluck outputs.see.raft \"ID\")", json!("id-1")),
        ("max (pluck outputs.see.raft \"ID\")", json!("id-2")),
        ("max params.empty", json!(null)),
        ("sum params.empty", json!(0)),
        ("len (pluck targets.survivors \"outputs.later.x\")", json!(2)),
        ("join (pluck targets.survivors \"outputs.later.x\")", json!("⟨unknown until start⟩")),
        ("find targets.survivors \"outputs.later.x\" 1", json!("⟨unknown until start⟩")),
        ("get params.map \"b-c.d\"", json!("deep")),
        ("get params.map \"gone.x\"", json!(null)),
        ("get outputs.see.down \"x\"", json!(null)),
        ("get (first outputs.see.raft) \"ID\"", json!("id-1")),
    ]);
    refuses(&[
        ("len params.n", "`len` needs a list, a map or a text first, and `params.n` is a whole number"),
        ("in 1 params.list", "cannot be compared"),
        ("join outputs.see.raft", "element 0 is a map, not a text"),
        ("pluck outputs.see.raft \"Adress\"", "did you mean `Address`?"),
        ("pluck outputs.see.raft host.name", "the path must be a text between quotes"),
        ("sum params.list", "element 0 is a text"),
        ("sort outputs.see.raft", "a map cannot be compared with a map"),
        ("get params.n \"x\"", "`get` needs a map first"),
        ("subset outputs.see.down params.list", "`subset` needs a list first, and `outputs.see.down` is null"),
    ]);
}

#[test]
fn numbers_and_output() {
    holds(&[
        ("int \" 42 \"", json!(42)),
        ("int 2.0", json!(2)),
        ("float \"1.5\"", json!(1.5)),
        ("add 18446744073709551614 1", json!(u64::MAX)),
        ("sub 1 2", json!(-1)),
        ("mul 1.5 2", json!(3.0)),
        ("div 7 2", json!(3)),
        ("div (float 7) 2", json!(3.5)),
        ("mod -1 3", json!(2)),
        ("round 2.5", json!(3)),
        ("round 2.345 2", json!(2.35)),
        ("duration \"1h30m\"", json!(5400)),
        ("duration \"500ms\"", json!(0.5)),
        ("size \"10GiB\"", json!(10_737_418_240_u64)),
        ("size \"2GB\"", json!(2_000_000_000)),
        ("size \"512M\"", json!(536_870_912)),
        ("ago 999000", json!(1000)),
        ("ago \"1970-01-12T13:46:30Z\"", json!(10)),
        ("majority targets.servers", json!(2)),
        ("majority 4", json!(3)),
        ("json params.list", json!("[\"a b\",\"c'd\"]")),
        ("sql params.name", json!("'it''s'")),
        ("sql \"a\\\\b\"", json!(" E'a\\\\b'")),
        ("sql null", json!("null")),
        ("url \"a/b ü\"", json!("a%2Fb%20%C3%BC")),
    ]);
    refuses(&[
        ("int \"x\"", "`int`: `x` is not a whole number"),
        ("int 1.5", "`round` makes it so"),
        ("int null", "`int` needs a text or a number first, and `null` is null"),
        ("add 1 \"2\"", "`add` needs a number second"),
        ("mul 170141183460469231731687303715884105727 2", "too large"),
        ("div 1 0", "division by zero"),
        ("duration \"5 parsecs\"", "not a duration"),
        ("duration 5", "needs a text"),
        ("size \"5X\"", "not a size"),
        ("ago \"yesterday\"", "not a time"),
        ("majority \"3\"", "needs a list or a whole number"),
        ("url params.list", "needs a text"),
    ]);
}

#[test]
fn mistakes_are_said_with_the_corrected_line() {
    refuses(&[
        ("a == b", "write `eq a b`"),
        ("params.n > 3 && params.flag", "write `and (gt params.n 3) params.flag`"),
        ("!params.flag", "write `not params.flag`"),
        ("{{params.flag}}", "write `params.flag`"),
        ("{{params.n}} == 3", "write `eq params.n 3`"),
        ("params.a and params.b", "write `and params.a params.b`"),
        ("eqq 1 2", "did you mean `eq`?"),
        ("gt 1", "`gt` needs 2 arguments, and there are 1 | write `gt a b`"),
        ("len", "`len` is a helper, and here without arguments"),
        ("(gt 1 2", "`(` is not closed"),
        ("gt 1 2)", "`)` closes nothing"),
        ("params.list params.n", "there is no helper `params.list`"),
        ("join params.list separator=\",\"", "helpers take no named arguments"),
        ("upper \"abc", "a text is not closed"),
        ("not (raw params.flag)", "outermost"),
    ]);
    let all = Expr::from("and (eqq 1 2) (gt 1) (lenn x)");
    assert_eq!(all.problems().len(), 3, "{:?}", all.problems());
    assert_eq!(&all.source()[all.problems()[2].range.clone()], "lenn");
}

#[test]
fn what_is_made_of_a_secret_is_one() {
    let value = eval("concat \"Bearer \" secret").expect("evaluates");
    assert!(value.holds_secret());
    assert!(matches!(eval("eq secret \"x\""), Ok(Value::Bool(false))));
    let error = eval("int secret").expect_err("not a number");
    assert!(!error.contains("s3cret-word"), "{error}");
}

#[test]
fn references_are_known_without_evaluating() {
    use refloat::template::RefBase::{HostsOf, Local, Root};
    let expr = Expr::from(
        "and (empty outputs.see.raft) (subset (pluck targets.servers \"vars.x\") (pluck params.list \"a.b\"))",
    );
    let hosts = HostsOf(vec!["targets".into(), "servers".into()]);
    let found: Vec<_> = expr.references().iter().map(|r| (r.dotted(), r.base.clone(), r.allows_null)).collect();
    let want = [
        ("outputs.see.raft", Root, true),
        ("targets.servers", Root, false),
        ("vars.x", hosts, false),
        ("params.list", Root, false),
        ("a.b", Local, false),
    ];
    assert_eq!(found, want.map(|(p, b, n)| (p.to_owned(), b, n)));
    for reference in expr.references() {
        assert_eq!(&expr.source()[reference.range.clone()], reference.dotted());
    }
    let reads = Expr::from("pluck targets.survivors \"name\"").eval_with_reads(&World::new()).expect("evaluates").reads;
    assert_eq!(reads, ["targets.survivors", "consul-1:name", "consul-2:name"]);
}
