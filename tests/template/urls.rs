//! What a parser of URLs makes of an inserted value: the value, in its part, and no other part changes. The reference is the
//! expression of RFC 3986, appendix B, with its dot segments (5.2.4) and percent-decoding; what it takes apart must be a URL
//! to `http::Uri`, too. A value that cannot stand in a place is refused, never bent.

use std::sync::LazyLock;

use refloat::template::{Text, Url, Value};
use regex::Regex;

use super::World;
use super::shells::{HOSTILE, Random};

#[derive(Debug, PartialEq)]
struct Parts {
    scheme: String,
    userinfo: Option<String>,
    host: String,
    port: Option<String>,
    /// Decoded, dot segments taken away.
    path: Vec<String>,
    query: Option<Vec<String>>,
    fragment: Option<String>,
}

/// As the URL standard says it: a percent sign that no two digits follow is itself.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let digits = more.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &more[2..];
            }
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| panic!("{text}"))
}

static PARSER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?s)^(([^:/?#]+):)?(//([^/?#]*))?([^?#]*)(\?([^#]*))?(#(.*))?$").expect("a pattern"));

fn take_apart(url: &str) -> Parts {
    let parts = PARSER.captures(url).unwrap_or_else(|| panic!("{url}"));
    let text = |n: usize| parts.get(n).map(|part| part.as_str().to_owned());
    let authority = text(4).unwrap_or_default();
    let (userinfo, host) = authority.rsplit_once('@').map_or((None, &*authority), |(user, host)| (Some(user), host));
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.to_owned())),
        _ => (host, None),
    };
    let mut path = Vec::new();
    for segment in text(5).unwrap_or_default().split('/').skip(1) {
        match decode(segment).as_str() {
            "." => {}
            ".." => drop(path.pop()),
            segment => path.push(segment.to_owned()),
        }
    }
    Parts {
        scheme: text(2).unwrap_or_default().to_ascii_lowercase(),
        userinfo: userinfo.map(str::to_owned),
        host: host.to_owned(),
        port,
        path,
        query: text(7).map(|query| query.split('&').map(decode).collect()),
        fragment: text(9).map(|fragment| decode(&fragment)),
    }
}

/// Nothing but what may stand in a URL, and a URL to others.
fn well_formed(url: &str) -> bool {
    url.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b)) && url.parse::<hyper::Uri>().is_ok()
}

fn render(source: &str, value: &str) -> Option<String> {
    let text = Text::<Url>::from(source);
    assert!(text.problems().is_empty(), "{source}: {:?}", text.problems());
    text.render(&World::new().with("x", Value::from(value))).ok().map(|rendered| rendered.text)
}

fn http(path: &[&str]) -> Parts {
    Parts {
        scheme: "http".to_owned(),
        userinfo: None,
        host: "h".to_owned(),
        port: Some("1".to_owned()),
        path: path.iter().map(|segment| (*segment).to_owned()).collect(),
        query: None,
        fragment: None,
    }
}

/// A place, and what the reference must read there. Only `.` and `..` cannot stand in a path.
type Place = (&'static str, fn(&str) -> Parts);

const PLACES: &[Place] = &[
    ("http://h:1/{{x}}", |v| http(&[v])),
    ("http://h:1/{{url x}}", |v| http(&[v])),
    ("http://h:1/a/{{x}}/b", |v| http(&["a", v, "b"])),
    ("http://h:1/a/b{{x}}c/d", |v| http(&["a", &format!("b{v}c"), "d"])),
    ("http://h:1/{{x}}-{{x}}", |v| http(&[&format!("{v}-{v}")])),
    ("http://h:1/p?a={{x}}&b=1", |v| Parts { query: Some(vec![format!("a={v}"), "b=1".to_owned()]), ..http(&["p"]) }),
    ("http://h:1/?{{x}}", |v| Parts { query: Some(vec![v.to_owned()]), ..http(&[""]) }),
    ("http://h:1?q={{url x}}", |v| Parts { query: Some(vec![format!("q={v}")]), ..http(&[]) }),
    ("http://h:1/p#{{x}}", |v| Parts { fragment: Some(v.to_owned()), ..http(&["p"]) }),
    ("http://h:1/p?a#b{{x}}", |v| Parts {
        query: Some(vec!["a".to_owned()]),
        fragment: Some(format!("b{v}")),
        ..http(&["p"])
    }),
];

#[test]
fn a_value_in_a_path_query_or_fragment_is_the_value_to_a_parser() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    let mut values: Vec<String> = (0..2_000).map(|_| random.text()).collect();
    values.extend(HOSTILE.map(str::to_owned));
    values.extend(
        ["..", ".", "...", "..%2f", "%2e%2e", "%", "%41", "a/../b", "//evil", "?x#y", "@", "&b=2", "+"]
            .map(str::to_owned),
    );
    for value in &values {
        for (source, want) in PLACES {
            let Some(url) = render(source, value) else {
                assert!(source.starts_with("http://h:1/") && matches!(&**value, "." | ".."), "{source}: {value:?}");
                continue;
            };
            assert!(well_formed(&url), "{source}: {value:?}: {url}");
            assert_eq!(take_apart(&url), want(value), "{source}: {value:?}: {url}");
        }
    }
    for (source, value) in [("http://h/{{x}}", "."), ("http://h/a/{{x}}/b", ".."), ("http://h/{{url x}}", "..")] {
        assert_eq!(render(source, value), None, "{source}: {value} leads elsewhere");
    }
}

/// Where a value is a host, a part of one, a port, what logs in, or a whole URL, it is that or refused.
#[test]
fn a_value_in_the_authority_is_what_it_is_or_is_refused() {
    let mut random = Random(0xfedc_ba98_7654_3210);
    let mut values: Vec<String> = (0..2_000).map(|_| random.text()).collect();
    values.extend(HOSTILE.map(str::to_owned));
    let more = [
        "web-1",
        "10.0.0.1",
        "fd00::1",
        "[fd00::1]",
        "[fd00::1]:80",
        "h:8300",
        "h:",
        ":80",
        "a@b",
        "a:b@c",
        "b/../c",
        "b?",
        "b#c",
        "80",
        "0",
        "65536",
        "-1",
        "+80",
        "a.b.c",
        "xn--a",
        "é",
        "http://h/",
        "http://h/a?b=c#d",
        "https://u:p@h",
        "javascript:x",
        "file:///etc",
        "//h",
        "http://",
        "http:///a",
        "http://h:99999/",
        "HTTP://H/",
        "http://h/..",
        "http://h/%zz",
        "http://h\\@e",
    ];
    values.extend(more.map(str::to_owned));
    let mut accepted = 0;
    for value in &values {
        let mut seen = |source: &str, check: &dyn Fn(&str, &Parts) -> bool| {
            let Some(url) = render(source, value) else { return };
            accepted += 1;
            let parts = take_apart(&url);
            assert!(well_formed(&url) && check(&url, &parts), "{source}: {value:?}: {url}: {parts:?}");
        };
        let path = |parts: &Parts, segments: &[&str]| {
            parts.path == segments && parts.query.is_none() && parts.fragment.is_none() && parts.scheme == "http"
        };
        let plain = value.trim_start_matches('[').replace(']', "");
        seen("http://{{x}}/p", &|_, parts| {
            let port = parts.port.as_ref().map(|port| format!(":{port}")).unwrap_or_default();
            let host = parts.host.trim_start_matches('[').replace(']', "");
            path(parts, &["p"]) && parts.userinfo.is_none() && format!("{host}{port}") == plain
        });
        seen("http://a-{{x}}.dc1:1/p", &|_, parts| {
            path(parts, &["p"]) && parts.host == format!("a-{value}.dc1") && parts.userinfo.is_none()
        });
        seen("http://h:{{x}}/p", &|_, parts| {
            path(parts, &["p"]) && parts.host == "h" && parts.port.as_ref() == Some(value)
        });
        seen("http://{{x}}@h/p", &|_, parts| path(parts, &["p"]) && parts.host == "h" && parts.port.is_none());
        seen("{{x}}/p", &|url, parts| {
            url.starts_with(&**value) && parts.path.last().is_some_and(|last| last == "p") && parts.query.is_none()
        });
        seen("{{x}}", &|url, parts| {
            url == value && matches!(&*parts.scheme, "http" | "https") && !parts.host.is_empty()
        });
    }
    assert!(accepted > 20, "{accepted}");
}
