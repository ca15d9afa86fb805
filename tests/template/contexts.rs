//! What each context does with a value, and what it refuses.

use refloat::template::{
    Compiled, Context, InContext, Json, Plain, Regex, Shell, Text, Url, Value, Yaml, check_argv, check_words,
};

use super::World;

const HOSTILE: &str = "x\"; touch /tmp/pwn; $(id)";

fn problems(context: Context, source: &str) -> Vec<String> {
    let compiled = Compiled::new(source, context);
    for problem in compiled.problems() {
        assert!(source.get(problem.range.clone()).is_some(), "{source}: {problem:?}");
    }
    compiled.problems().iter().map(|p| format!("{} | {}", p.message, p.help.as_deref().unwrap_or_default())).collect()
}

fn refused(context: Context, cases: &[(&str, &str)]) {
    for (source, part) in cases {
        let found = problems(context, source);
        assert!(found.iter().any(|p| p.contains(part)), "{source}: {found:?}");
    }
}

fn render<C: InContext>(source: &str, value: impl Into<Value>) -> Result<String, String> {
    let text = Text::<C>::from(source);
    assert!(text.problems().iter().all(|p| !p.is_error()), "{source}: {:?}", text.problems());
    text.render(&World::new().with("x", value)).map(|r| r.text).map_err(|e| e.to_string())
}

fn ok<C: InContext>(source: &str, value: impl Into<Value>) -> String {
    render::<C>(source, value).unwrap_or_else(|e| panic!("{source}: {e}"))
}

#[test]
fn programs_of_other_interpreters_are_seen_wherever_they_stand() {
    let seen: &[(&str, &str)] = &[
        ("sh -c -- \"echo {{x}}\"", "`sh -c`"),
        ("bash -ec -- \"echo {{x}}\"", "`bash -c`"),
        ("awk -- \"/{{x}}/\" /etc/passwd", "`awk`"),
        ("awk -v x={{x}} '{ print x }' /f", "`awk`"),
        ("awk -vx={{x}} '{ print x }' /f", "`awk`"),
        ("flock /run/l -c \"echo {{x}}\"", "`flock -c`"),
        ("script -qc \"echo {{x}}\" /dev/null", "`script -c`"),
        ("parallel \"echo {{x}}\" ::: 1 2", "`parallel`"),
        ("echo \"select {{x}}\" | psql -d a", "`psql`"),
        ("echo \"select {{x}}\" | sudo -u postgres psql", "`psql`"),
        ("echo {{x}} | tr a b | sh -e", "`sh`"),
        ("echo {{x}} | python3 -", "`python3`"),
        ("clickhouse-client --query \"select {{x}}\"", "`clickhouse-client -q`"),
    ];
    refused(Context::Shell, seen);
    for fine in [
        "pg_dump -d {{x}} | psql -d {{x}}",
        "echo {{x}} | psql -c 'copy a from stdin'",
        "echo {{x}} | python3 /opt/read.py",
        "sh -c 'echo \"$1\"' _ {{x}}",
        "flock /run/l echo {{x}}",
        "X={{x}} awk -v n=1 '{ print ENVIRON[\"X\"] }' {{x}}",
    ] {
        assert_eq!(problems(Context::Shell, fine), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn shell_refuses_what_cannot_be_made_safe() {
    refused(
        Context::Shell,
        &[
            ("cat <<EOF\n{{x}}\nEOF", "here-document"),
            ("cat <<'EOF'\n{{x}}\nEOF", "a line of the value could end it"),
            ("echo `id {{x}}`", "write `$( … )`"),
            ("echo $((1 + {{x}}))", "{{add (int x) 1}}"),
            ("echo ${y:-{{x}}}", "assign it first"),
            ("echo \"${y:-{{x}}}\"", "assign it first"),
            ("echo \\\\{{x}}", "right behind a backslash"),
            ("echo ${{x}}", "right behind `$`"),
            ("echo \"${{x}}\"", "right behind `$`"),
            ("echo \"$a{{x}}\"", "write `${name}`"),
            ("echo $'a{{x}}'", "`$'…'` is not of POSIX sh"),
            ("a[{{x}}]=1", "subscript"),
            ("((a > {{x}}))", "for arithmetic"),
            ("[[ $a =~ x{{x}} ]]", "grep -E"),
            ("[[ 1 -eq {{x}} ]]", "`[ … -eq … ]`"),
            ("cat <<< {{x}}", "printf"),
            ("echo \"$(case a in a) echo \"{{x}}\";; esac)\"", "move `case` out"),
            ("{{#if x}}a{{/if}}", "blocks are not used in shell texts"),
            ("echo a{{words x}}", "put blanks round it"),
            ("echo \"{{words x}}\"", "put blanks round it"),
            ("echo '{{x}}", "is not closed"),
            ("echo {{raw x}}", "the value is inserted as it is"),
            ("echo {{upper (raw x)}}", "must be outermost"),
        ],
    );
}

#[test]
fn shell_refuses_values_that_another_interpreter_parses() {
    refused(
        Context::Shell,
        &[
            ("sh -c \"echo {{x}}\"", "`sh -c` would parse this value"),
            ("bash -ec 'echo {{x}}'", "bash -c"),
            ("sudo -u a sh -c 'echo {{x}}'", "sh -c"),
            ("docker exec c sh -c 'echo {{x}}'", "sh -c"),
            ("su - postgres -c \"psql {{x}}\"", "`sudo: USER`"),
            ("ssh host \"rm {{x}}\"", "`run_on:`"),
            ("ssh -p 22 host rm {{x}}", "`run_on:`"),
            ("eval {{x}}", "eval"),
            ("ls | xargs sh -c 'echo {{x}}'", "sh -c"),
            ("awk '/{{x}}/' f", "ENVIRON"),
            ("awk -F: '/{{x}}/' f", "ENVIRON"),
            ("cat f | sudo awk '/{{x}}/'", "ENVIRON"),
            ("sed -i 's/a/{{x}}/' f", "sed"),
            ("sed -n -e 's/a/{{x}}/' f", "sed"),
            ("perl -pe 's/a/{{x}}/' f", "ARGV"),
            ("python3 -c 'print(\"{{x}}\")'", "sys.argv"),
            ("psql -XAtc \"select '{{x}}'\"", "psql -v"),
            ("psql --command=\"select '{{x}}'\"", "psql -v"),
            ("mysql -e \"select '{{x}}'\"", "sql x"),
            ("A=1 sh -c \"$(echo {{x}})\"", "sh -c"),
            ("{{x}} -c \"{{x}}\"", "a program of unknown name"),
            ("echo {{x}} | sh", "sh"),
            ("jq \".a == \\\"{{x}}\\\"\" f", "--arg"),
            ("if true; then eval {{x}}; fi", "eval"),
        ],
    );
    for fine in [
        "sh -c 'echo \"$1\"' _ {{x}}",
        "psql -v name={{x}} -f file",
        "ssh {{x}} uptime",
        "systemctl restart ssh {{x}}",
        "sed 's/a/b/' {{x}}",
        "jq --arg x {{x}} '.a == $x' f",
        "python3 -c 'import sys; print(sys.argv[1])' {{x}}",
        "bash {{x}}",
        "echo {{x}} | socat stdio /x",
        "sudo -u {{x}} true",
        "echo -c {{x}}",
    ] {
        assert_eq!(problems(Context::Shell, fine), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn argv_is_checked_like_a_command() {
    let words = |list: &[&str]| list.iter().map(|w| Text::<Plain>::from(*w)).collect::<Vec<_>>();
    let argv = words(&["psql", "-X", "-c", "select '{{x}}'"]);
    let found = check_words(&argv.iter().collect::<Vec<_>>());
    assert_eq!(found.len(), 1);
    assert_eq!(check_argv(&argv.iter().collect::<Vec<_>>()), [found[0].1.clone()]);
    assert_eq!((found[0].0, found[0].1.range.clone()), (3, 8..13));
    let argv = words(&["psql", "-X", "-v", "ON_ERROR_STOP=1", "-v", "slot={{snake host.name}}"]);
    assert_eq!(check_words(&argv.iter().collect::<Vec<_>>()), []);
    let argv = words(&["sh", "-c", "echo \"$1\"", "_", "{{x}}"]);
    assert_eq!(check_words(&argv.iter().collect::<Vec<_>>()), []);
}

#[test]
fn shell_values_are_checked_when_they_are_inserted() {
    assert!(render::<Shell>("echo {{x}}", "a\0b").expect_err("NUL").contains("NUL"));
    let error = render::<Shell>("echo \"{{x}}\"", Value::secret("hunter22")).expect_err("a secret");
    assert!(error.contains("`env`") && !error.contains("hunter22"), "{error}");
    assert!(render::<Shell>("echo {{x}}", Value::Null).expect_err("null").contains("default x"));
    assert!(render::<Shell>("echo {{x}}", vec![Value::from("a")]).expect_err("a list").contains("words"));
    assert_eq!(ok::<Shell>("echo {{x}} >f", HOSTILE), "echo 'x\"; touch /tmp/pwn; $(id)' >f");
    // Harmless values stay readable, but never where they could be more than a word.
    assert_eq!(ok::<Shell>("echo {{x}} a/{{x}}; {{x}} {{x}}>f", "if"), "echo if a/if; 'if' 'if'>f");
    assert_eq!(ok::<Shell>("echo {a,{{x}}} $a{{x}} [{{x}}", "b,c"), "echo {a,'b,c'} $a'b,c' ['b,c'");
    let unknown = Text::<Shell>::from("echo {{outputs.later.x}}").render(&World::new()).expect("renders");
    assert_eq!(unknown.text, "echo ⟨unknown until start⟩");
    assert_eq!(unknown.unknown[0].step.as_ref(), "start");
    assert_eq!(&unknown.text[unknown.unknown[0].range.clone()], "⟨unknown until start⟩");
}

#[test]
fn a_comma_between_elements_is_one_wherever_the_lines_break() {
    let list: Value = vec![Value::str("a\"b"), Value::Int(2)].into();
    for source in [
        "[{{#each x}}{{this}}{{#unless @last}},{{/unless}}{{/each}}]",
        "[ {{#each x}} {{this}}{{#unless @last}}, {{/unless}} {{/each}} ]",
        "[{{#each x}}{{#if @last}}{{this}}{{else}}{{this}},{{/if}}{{/each}}]",
    ] {
        let text = ok::<Json>(source, list.clone());
        let read: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{source}: {text}: {e}"));
        assert_eq!(read, serde_json::json!(["a\"b", 2]), "{source}");
    }
    refused(
        Context::Json,
        &[
            ("[{{#each x}}{{this}}{{/each}}]", "glued"),
            ("[{{#each x}}{{this}}{{#unless @first}},{{/unless}}{{/each}}]", "glued"),
        ],
    );
}

#[test]
fn json_reads_back_equal() {
    for value in [HOSTILE, "\\", "\u{1}\n\u{2028}é\u{1f600}", "{{run.id}}"] {
        let text = ok::<Json>("{\"a\": {{x}}, \"b\": \"<{{x}}>\", {{x}}: [{{x}}]}", value);
        let read: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(read, serde_json::json!({"a": value, "b": format!("<{value}>"), value: [value]}));
    }
    assert_eq!(ok::<Json>("[{{x}}]", u64::MAX), format!("[{}]", u64::MAX));
    let map = Value::map([("k\"", Value::from(vec![Value::Null, true.into()]))]);
    assert_eq!(ok::<Json>("{{x}}", map), r#"{"k\"": [null, true]}"#);
    refused(
        Context::Json,
        &[
            ("{\"a\": 1{{x}}}", "glued"),
            ("{\"a\": {{x}}1}", "glued"),
            ("{\"a\": {{x}}{{x}}}", "glued"),
            ("\"\\\\{{x}}\"", "backslash"),
            ("[{{#if x}}\"{{/if}}1]", "the branches of `#if` end in different places"),
            ("{{#each x}}\"{{/each}}", "the branches of `#each`"),
        ],
    );
    assert!(render::<Json>("[{{x}}]", Value::Null).expect_err("null").contains("default"));
}

#[test]
fn yaml_reads_back_equal() {
    let source = "a: {{x}}\nb: \"<{{x}}>\"\nc: [ {{x}}, '{{x}}' ]\n? {{x}}\n: d\nf:\n  - {{x}}\n  - k: {{x}} # note\n";
    let source = source.replace("? {{x}}\n: d\n", "{{#each l}}\n\"{{this}}\": 1\n{{/each}}\n");
    for value in [HOSTILE, "- a: b #c", "no", "*x", "'", "1", "~", "|", "a: b", "é\u{1f600}"] {
        let world = World::new().with("x", value).with("l", vec![Value::from(value)]);
        let text = Text::<Yaml>::from(source.as_str());
        assert_eq!(text.problems(), [], "{source}");
        let text = text.render(&world).expect("renders").text;
        let read: serde_json::Value = serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let want = serde_json::json!({"a": value, "b": format!("<{value}>"), "c": [value, value], value: 1, "f": [value, {"k": value}]});
        assert_eq!(read, want, "{text}");
    }
    for value in ["\n", "a\u{1}b", "\u{85}\u{2028}x"] {
        let text = ok::<Yaml>("a: {{x}}\nb: \"{{x}}\"\n", value);
        let read: serde_json::Value = serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        assert_eq!(read, serde_json::json!({"a": value, "b": value}), "{text}");
        assert!(render::<Yaml>("a: '{{x}}'", value).expect_err("several lines").contains("cannot be inserted"));
        assert!(render::<Yaml>("a: |\n  {{x}}\n", value).expect_err("several lines").contains("cannot be inserted"));
    }
    assert_eq!(
        ok::<Yaml>("a:\n  b: |\n    x {{x}}\n    {{x}}\n  c: {{x}}\n", "v: #"),
        "a:\n  b: |\n    x v: #\n    v: #\n  c: \"v: #\"\n"
    );
    assert_eq!(ok::<Yaml>("- k: |\n    {{x}}\n  o: {{x}}\n", "v"), "- k: |\n    v\n  o: \"v\"\n");
    assert!(render::<Yaml>("a: |\n  {{x}}\n", " v").expect_err("a blank").contains("indentation"));
    refused(
        Context::Yaml,
        &[
            ("a: web-{{x}}", "glued"),
            ("a: {{x}}-web", "glued"),
            ("a: {{x}} {{x}}", "two values"),
            ("a: b\n  {{x}}", "behind a complete value"),
            ("# {{x}}", "comment"),
            ("a: |{{x}}\n b", "behind `|`"),
            ("a: \"{{#if x}}\"{{/if}}", "the branches of `#if`"),
        ],
    );
}

#[test]
fn urls_keep_their_parts() {
    assert_eq!(
        ok::<Url>("http://h/v1/{{x}}?q={{x}}", "a/b?&#ü %"),
        "http://h/v1/a%2Fb%3F%26%23%C3%BC%20%25?q=a%2Fb%3F%26%23%C3%BC%20%25"
    );
    assert_eq!(ok::<Url>("http://{{x}}:8080/healthz", "10.0.0.1"), "http://10.0.0.1:8080/healthz");
    assert_eq!(ok::<Url>("http://{{x}}:8080/", "fd00::1"), "http://[fd00::1]:8080/");
    assert_eq!(ok::<Url>("http://{{x}}/", "h:8300"), "http://h:8300/");
    assert_eq!(ok::<Url>("http://web-{{x}}.dc1:{{x}}/", 7), "http://web-7.dc1:7/");
    assert_eq!(ok::<Url>("{{x}}", "http://h:1/a?b=c#d"), "http://h:1/a?b=c#d");
    assert_eq!(ok::<Url>("{{x}}/v1", "https://h"), "https://h/v1");
    assert_eq!(ok::<Url>("http://h/{{url x}}", "a b"), "http://h/a%20b");
    for (source, value) in [
        ("http://{{x}}/", "evil.example/x"),
        ("http://{{x}}/", "a@b"),
        ("http://{{x}}:80/", HOSTILE),
        ("http://{{x}}/", ""),
        ("http://h:{{x}}/", "80/x"),
        ("http://h/{{x}}", ".."),
        ("http://h/{{url x}}", ".."),
        ("{{x}}", "javascript:alert(1)"),
        ("{{x}}", "http://a b/"),
        ("{{x}}", "file:///etc"),
        ("{{x}}/y", "http://h/?a"),
        ("{{x}}", HOSTILE),
    ] {
        let error = render::<Url>(source, value).expect_err(source);
        assert!(error.contains("cannot be inserted here"), "{source} {value}: {error}");
    }
    refused(
        Context::Url,
        &[
            ("{{x}}://h/", "a scheme cannot be inserted"),
            ("{{x}}evil", "goes on with `/`"),
            ("{{x}}{{x}}", "right behind a URL"),
            ("ht{{x}}://h", "before `://`"),
            ("http://{{x}}{{x}}/", "right behind a host"),
            ("http://h/%{{x}}", "percent-encoded"),
            ("http://h/?a=%2{{x}}", "percent-encoded"),
        ],
    );
}

#[test]
fn regexes_match_values_literally() {
    for value in [HOSTILE, "a.b", "^$", "\\d", "a b\n#", "]", "-z", "(?i)"] {
        for source in ["^{{x}}$", "(?x)^ {{x}} $", "^(?:[{{x}}]|.)*$"] {
            let pattern = ok::<Regex>(source, value);
            let regex = regex::Regex::new(&pattern).unwrap_or_else(|e| panic!("{e}"));
            assert!(regex.is_match(value) || source.contains("[{{x}}]"), "{pattern} {value}");
        }
    }
    assert!(!regex::Regex::new(&ok::<Regex>("^{{x}}$", "a.b")).expect("a regex").is_match("axb"));
    refused(Context::Regex, &[("\\\\{{x}}", "backslash")]);
}

#[test]
fn plain_text_and_blocks() {
    assert_eq!(
        ok::<Plain>("{{x}} {{params.n}} {{params.ratio}} {{params.flag}}", HOSTILE),
        format!("{HOSTILE} 5 1.5 true")
    );
    assert_eq!(ok::<Plain>("{{x}}", "{{run.id}} \u{1}"), "{{run.id}} \u{1}", "values are data");
    assert_eq!(ok::<Plain>("\\{{.Names}} {{!-- note --}} {{~x~}}  .", "v"), "{{.Names}} v.");
    assert_eq!(
        ok::<Plain>(
            "{{#each x as |e i|}}{{i}}={{e}}{{#unless @last}},{{/unless}}{{else}}none{{/each}}",
            vec![Value::from("a"), "b".into()]
        ),
        "0=a,1=b"
    );
    assert_eq!(ok::<Plain>("{{#each x}}{{this}}{{else}}none{{/each}}", Vec::new()), "none");
    assert_eq!(
        ok::<Plain>("{{#each x}}{{@key}}:{{this}} {{/each}}", Value::map([("a", Value::from(1)), ("b", 2.into())])),
        "a:1 b:2 "
    );
    assert_eq!(ok::<Plain>("{{#with x}}{{a}}{{../params.n}}{{/with}}", Value::map([("a", Value::from(1))])), "15");
    let chain = "{{#if (eq x 1)}}one{{else if (eq x 2)}}two{{else}}more{{/if}}";
    for (value, want) in [(1, "one"), (2, "two"), (3, "more")] {
        assert_eq!(ok::<Plain>(chain, value), want);
    }
    let nested = "{{#each targets.survivors as |h|}}{{#each ../params.list}}{{h.name}}{{@index}}{{@../index}} {{/each}}{{/each}}";
    assert_eq!(ok::<Plain>(nested, 1), "consul-100 consul-110 consul-201 consul-211 ");
    for (source, part) in [
        ("{{outputs.see.down}}", "is null; write `default outputs.see.down"),
        ("{{params.list}}", "is a list and cannot stand in text"),
        ("{{params.map}}", "is a map"),
        ("{{#if params.n}}a{{/if}}", "`#if` needs a boolean"),
        ("{{#each params.n}}a{{/each}}", "`#each` needs a list or a map"),
        ("{{#each targets.survivors}}{{params.n}}{{/each}}", "does not exist"),
    ] {
        let error = render::<Plain>(source, 1).expect_err(source);
        assert!(error.contains(part), "{source}: {error}");
    }
    let both = Text::<Plain>::from("{{#if outputs.later.x}}a{{else}}b{{/if}} {{#each outputs.later.l}}x{{/each}}");
    let both = both.render(&World::new()).expect("renders");
    assert_eq!(both.text, "⟨unknown until start: a | b⟩ ⟨unknown until start⟩");
    assert_eq!(both.unknown.len(), 2);
}

#[test]
fn a_text_with_a_secret_says_so_and_does_not_show_it() {
    let rendered = Text::<Plain>::from("token={{secret}}").render(&World::new()).expect("renders");
    assert!(rendered.secret);
    assert_eq!(rendered.text, "token=s3cret-word");
    assert!(!format!("{rendered:?}").contains("s3cret-word"));
}

#[test]
fn all_mistakes_come_at_once() {
    let source = "{{eqq 1}} {{params.}} {{#if}}a{{/if}} {{lenn x}}";
    let text = Text::<Plain>::from(source);
    assert_eq!(text.problems().len(), 4, "{:#?}", text.problems());
    assert!(text.render(&World::new()).expect_err("is invalid").to_string().contains("not valid"));
}
