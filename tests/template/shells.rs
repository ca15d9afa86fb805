//! What a shell makes of an inserted value: the value, byte by byte, in every place, in dash, bash and busybox.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;

use refloat::template::{Shell, Text, Value};

use super::World;

/// A place, and what `p` must print there for a value.
struct Place {
    source: &'static str,
    prints: fn(&str) -> Vec<String>,
}

const PLACES: [Place; 31] = [
    Place { source: "p {{x}}", prints: |v| vec![v.to_owned()] },
    Place { source: "p a{{x}}b", prints: |v| vec![format!("a{v}b")] },
    Place { source: "p 'a{{x}}b'", prints: |v| vec![format!("a{v}b")] },
    Place { source: "p \"a{{x}}b\"", prints: |v| vec![format!("a{v}b")] },
    Place { source: "p \"{{x}}\"", prints: |v| vec![v.to_owned()] },
    // The dot keeps final newlines, which `$( )` removes.
    Place { source: "p \"$(printf '%s.' {{x}})\"", prints: |v| vec![format!("{v}.")] },
    Place { source: "p \"$(printf '%s.' \"a{{x}}\")\"", prints: |v| vec![format!("a{v}.")] },
    Place { source: "p \"$(printf '%s.' 'a{{x}}')\"", prints: |v| vec![format!("a{v}.")] },
    Place { source: "X={{x}}; p \"$X\"", prints: |v| vec![v.to_owned()] },
    Place { source: "X=a\"{{x}}\" Y='{{x}}'; p \"$X$Y\"", prints: |v| vec![format!("a{v}{v}")] },
    Place { source: "p {{x}}{{x}} {{x}} # {{x}}", prints: |v| vec![format!("{v}{v}")] },
    Place { source: "p \"x\"{{x}}'y'", prints: |v| vec![format!("x{v}y")] },
    Place { source: "p $UNSET{{x}}${UNSET}", prints: |v| vec![v.to_owned()] },
    Place { source: "p \"$(p2 \"${UNSET:-\"b\"}\" '' {{x}})\"", prints: |v| vec![format!("{v}.")] },
    Place { source: "for i in {{words l}}; do p \"$i\"; done", prints: |v| vec![v.to_owned(), "a b".to_owned()] },
    Place { source: "case {{x}} in {{x}}) p ok ;; *) p no ;; esac", prints: |_| vec!["ok".to_owned()] },
    Place { source: "[ {{x}} = \"{{x}}\" ] && p ok", prints: |_| vec!["ok".to_owned()] },
    Place { source: "export X={{x}}; p \"$X\"", prints: |v| vec![v.to_owned()] },
    Place { source: "f() { p {{x}}; }; f", prints: |v| vec![v.to_owned()] },
    Place {
        source: "if :; then p {{x}}; fi; while :; do p '{{x}}'; break; done",
        prints: |v| vec![v.to_owned(), v.to_owned()],
    },
    Place { source: "printf '%s\\0' {{x}} | cat", prints: |v| vec![v.to_owned()] },
    Place { source: "p \"$(printf '%s.' \"$(printf '%s.' {{x}}\"{{x}}\")\")\"", prints: |v| vec![format!("{v}{v}..")] },
    Place { source: "cat <<'E'\nit's\nE\np {{x}} </dev/null 2>&1", prints: |v| vec![format!("it's\n{v}")] },
    Place { source: "# {{x}}\n(p {{x}} >/dev/null && { p ok; }) # it's", prints: |_| vec!["ok".to_owned()] },
    Place { source: "case a{{x}}b in a{{x}}*) p ok ;; *) p no ;; esac", prints: |_| vec!["ok".to_owned()] },
    Place { source: "[ \"a{{x}}\" = a{{x}} ] && p 'a{{x}}'", prints: |v| vec![format!("a{v}")] },
    Place { source: "(: <{{x}}) 2>/dev/null || :; p ok", prints: |_| vec!["ok".to_owned()] },
    Place { source: "(: <\"{{x}}/a\") 2>/dev/null || :; p ok", prints: |_| vec!["ok".to_owned()] },
    Place { source: "f() { p {{x}}; }; f", prints: |v| vec![v.to_owned()] },
    Place { source: "export X={{x}} && if [ \"$X\" = {{x}} ]; then (p \"$X\"); fi", prints: |v| vec![v.to_owned()] },
    Place { source: "set -- {{x}} 'b'; p \"$1\"", prints: |v| vec![v.to_owned()] },
];

pub const HOSTILE: [&str; 24] = [
    "x\"; touch /tmp/pwn; $(id)",
    "",
    " ",
    "\n",
    "\n\n",
    "'",
    "\\",
    "\\'",
    "'\\''",
    "$(id)",
    "`id`",
    "${HOME}",
    "$HOME",
    "*",
    "~",
    "~root",
    "-n",
    "#",
    "a=b",
    "if",
    "2",
    "esac",
    "!!",
    "\r\n\t\u{1b}[31m\u{7f}\u{81}é漢\u{1f600}\u{feff}",
];

/// A fixed sequence, so that a failure can be repeated.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).expect("small")
    }

    pub fn text(&mut self) -> String {
        const SPICE: [&str; 30] = [
            "'", "\"", "\\", "$", "`", "$(id)", "\n", "*", "?", "[a-z]", "~", "#", ";", "&", "|", "<", ">", "(", ")",
            "{", "}", "!", " ", "\t", "\r", "=", "%", "$((1))", "EOF\n", "\\\n",
        ];
        (0..self.below(12))
            .map(|_| match self.below(4) {
                0 => char::from_u32(u32::try_from(1 + self.below(0xff)).expect("small"))
                    .map(String::from)
                    .unwrap_or_default(),
                1 => char::from_u32(u32::try_from(self.below(0x11_0000)).expect("small"))
                    .filter(|c| *c != '\0')
                    .map(String::from)
                    .unwrap_or_default(),
                _ => SPICE[self.below(SPICE.len())].to_owned(),
            })
            .collect()
    }
}

fn check(shell: &[&str], batch: &[(usize, &str)], compiled: &[Text<Shell>]) {
    let mut script = "p() { printf '%s\\0' \"$1\"; }\np2() { printf '%s.' \"$3\"; }\n".to_owned();
    let mut want = Vec::new();
    for (place, value) in batch {
        let world = World::new().with("x", *value).with("l", vec![Value::from(*value), "a b".into()]);
        let text = compiled[*place].render(&world).unwrap_or_else(|e| panic!("{}: {e}", PLACES[*place].source)).text;
        writeln!(script, "{text}").expect("a string takes it");
        want.extend((PLACES[*place].prints)(value).into_iter().map(|printed| (*place, *value, printed)));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("script");
    std::fs::File::create(&path).and_then(|mut f| f.write_all(script.as_bytes())).expect("the script is written");
    let output = Command::new(shell[0])
        .args(&shell[1..])
        .arg(&path)
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("the shell starts");
    let mut printed = output.stdout.split(|b| *b == 0);
    for (place, value, text) in want {
        let got = printed.next().unwrap_or_default();
        assert!(
            got == text.as_bytes(),
            "{shell:?} {:?} with {value:?} printed {:?}\n{}",
            PLACES[place].source,
            String::from_utf8_lossy(got),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_eq!(printed.next(), Some(&[][..]), "nothing is printed beyond");
    assert_eq!(printed.next(), None, "nothing is printed beyond");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{shell:?} has nothing to say");
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder is there").count(), 1, "{shell:?} made no file");
}

#[test]
fn a_value_arrives_as_it_is_in_every_place_and_shell() {
    let compiled: Vec<Text<Shell>> = PLACES.iter().map(|p| Text::from(p.source)).collect();
    for text in &compiled {
        assert_eq!(text.problems(), [], "{}", text.source().value);
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let texts: Vec<String> = (0..10_000).map(|_| random.text()).collect();
    assert!(texts.iter().all(|text| !text.contains('\0')));
    let mut cases: Vec<(usize, &str)> =
        HOSTILE.iter().flat_map(|v| (0..PLACES.len()).map(move |place| (place, *v))).collect();
    cases.extend(texts.iter().enumerate().map(|(i, v)| (i % PLACES.len(), v.as_str())));
    for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
        for batch in cases.chunks(500) {
            check(shell, batch, &compiled);
        }
    }
}

/// A value as the name of a file that is written, appended to and read: the file has that very name.
#[test]
fn a_value_behind_a_redirection_is_the_name_of_the_file() {
    let mut random = Random(0x5851_f42d_4c95_7f2d);
    let values: Vec<String> = (0..500).map(|_| random.text().replace('/', "")).collect();
    for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut script = String::new();
        let mut want = Vec::new();
        for (n, value) in values.iter().enumerate() {
            let name = match n % 3 {
                0 => format!("{n}-{{{{x}}}}"),
                1 => format!("\"{n}-{{{{x}}}}\""),
                _ => format!("'{n}-{{{{x}}}}'"),
            };
            let text =
                Text::<Shell>::from(format!("printf a >{name}; printf b >>{name}; cat <{name} 2>/dev/null").as_str());
            assert_eq!(text.problems(), [], "{name}");
            let rendered = text.render(&World::new().with("x", value.as_str())).expect("renders").text;
            writeln!(script, "{rendered}").expect("a string takes it");
            want.push(format!("{n}-{value}").into_bytes());
        }
        let (path, work) = (folder.path().join("script"), folder.path().join("work"));
        std::fs::write(&path, script).expect("the script is written");
        std::fs::create_dir(&work).expect("a folder");
        let output = Command::new(shell[0])
            .args(&shell[1..])
            .arg(&path)
            .current_dir(&work)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("the shell starts");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{shell:?} has nothing to say");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "ab".repeat(values.len()), "{shell:?}");
        let mut names: Vec<Vec<u8>> = std::fs::read_dir(&work)
            .expect("the folder is there")
            .map(|entry| entry.expect("an entry").file_name().into_encoded_bytes())
            .collect();
        names.sort();
        want.sort();
        assert!(names == want, "{shell:?}: the files have other names");
    }
}

/// Shell texts at random: C stands for commands, W for a word, D for what stands inside of "…", T for text without
/// quotes, and x for the value. Some are well-formed, some are what people write by mistake.
const COMMANDS: [&str; 26] = [
    "echo W W",
    "echo W",
    "echo x",
    "a=W",
    "a=W echo x",
    "case W in W) C;; esac",
    "case a in\na) C;;\nb|W) C;;\nesac",
    "if :; then C; fi",
    "{ C; }",
    "( C )",
    "C | cat",
    "C; C",
    "C\nC",
    "C && C",
    "cat <<E\nD\nE\n",
    "cat <<'E'\nT\nE\nC",
    "cat <<E; C\nT\nE\nC",
    "# T\nC",
    "echo W # T\nC",
    "(( 1 << 2 ))\nC",
    "[[ a =~ (T|#) ]]\nC",
    "echo W >/dev/null; C",
    "for i in W x; do C; done",
    "f() { C; }; f W",
    "echo $(case a in a) C;; esac) W",
    "! C",
];
const WORDS: [&str; 24] = [
    "a",
    "x",
    "x",
    "'T'",
    "'x'",
    "\"D\"",
    "\"x\"",
    "WW",
    "$(C)",
    "`C`",
    "${a:-W}",
    "$a",
    "$'T'",
    "$'T\\'T'",
    "$\"D\"",
    "$((1))",
    "\\'",
    "\\\"",
    "\\\\",
    "a#b",
    "$(cat <<E\nT\nE\n)",
    "$(# T'\nC)",
    "*",
    "[T]",
];
const INSIDE: [&str; 14] =
    ["a", "x", "x", "DD", "'", "$(C)", "`C`", "${a:-D}", "${a:-'D'}", "$a", "\\\"", "\\\\", "#", "$((1))"];
const TEXTS: [&str; 8] = ["a", "x", "x", "TT", " ", "#", "(", "b"];

fn generate(random: &mut Random, form: &str, depth: usize, out: &mut String) {
    for c in form.chars() {
        let forms: &[&str] = match c {
            'C' => &COMMANDS,
            'W' => &WORDS,
            'D' => &INSIDE,
            'T' => &TEXTS,
            'x' => &[],
            _ => {
                out.push(c);
                continue;
            }
        };
        if c == 'x' {
            out.push_str("{{x}}");
        } else if depth == 0 {
            out.push_str(if c == 'C' { "echo {{x}}" } else { "{{x}}" });
        } else {
            let form = forms[random.below(forms.len())];
            generate(random, form, depth - 1, out);
        }
    }
}

const ATTACKS: [&str; 6] =
    ["$(:>pwn)`:>pwn`;:>pwn;\n:>pwn\n", "';:>pwn;'", "\";:>pwn;\"", ");:>pwn;(", "\nE\n:>pwn\n", "a[$(:>pwn)]"];

/// More rounds, and other ones: `REFLOAT_FUZZ=40000 REFLOAT_FUZZ_SEED=7 cargo test no_text_that`.
#[test]
fn no_text_that_compiles_lets_a_value_run() {
    let rounds = std::env::var("REFLOAT_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let seed = std::env::var("REFLOAT_FUZZ_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(0x2545_f491_4f6c_dd1d);
    let mut random = Random(seed);
    let mut ran = 0;
    while ran < rounds {
        let mut source = String::new();
        generate(&mut random, "C", 4, &mut source);
        let text = Text::<Shell>::from(source.as_str());
        if text.is_literal() || !text.problems().is_empty() {
            continue;
        }
        ran += 1;
        let attack = ATTACKS[random.below(ATTACKS.len())];
        let script = text.render(&World::new().with("x", attack)).expect("renders").text;
        let shell = [&["dash"][..], &["bash"], &["busybox", "sh"]][random.below(3)];
        let folder = tempfile::tempdir().expect("a folder");
        let output = Command::new(shell[0])
            .args(&shell[1..])
            .args(["-c", &script])
            .current_dir(folder.path())
            .stdin(std::process::Stdio::null())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .output()
            .expect("the shell starts");
        assert!(
            !folder.path().join("pwn").exists(),
            "{shell:?} ran the value in {source:?}:\n{script}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
