//! What a run would send to a host, in words.

use std::fmt::Write as _;

/// The body of an action as people read it: as whom, where, and the text or the program with its arguments. `own`:
/// refloat's own texts, where the author wrote none. What goes to standard input, and the values of variables, are not in
/// it.
pub(super) fn words(body: &str, own: &[String]) -> String {
    let Ok(serde_json::Value::Object(body)) = serde_json::from_str(body) else { return body.to_owned() };
    let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str).filter(|text| !text.is_empty());
    let list = |name: &str| {
        let all = body.get(name).and_then(serde_json::Value::as_array).into_iter().flatten();
        let all: Vec<&str> = all.filter_map(serde_json::Value::as_str).collect();
        shlex::try_join(all).unwrap_or_default()
    };
    let Some(script) = text("script").or(Some("")).filter(|_| body.contains_key("script")) else {
        return serde_json::Value::Object(body.clone()).to_string();
    };
    let mut how = String::new();
    for (word, name) in [("as", "user"), ("in", "cwd"), ("by", "shell")] {
        if let Some(value) = text(name) {
            let _ = write!(how, "{word} {value} ");
        }
    }
    let variables = body.get("env").and_then(serde_json::Value::as_array).into_iter().flatten();
    let variables: Vec<&str> = variables.filter_map(|one| one.get(0)?.as_str()).collect();
    if !variables.is_empty() {
        let _ = write!(how, "with {} ", variables.join(", "));
    }
    let arguments =
        [list("argv"), list("more")].into_iter().filter(|all| !all.is_empty()).collect::<Vec<_>>().join(" ");
    let own = own.iter().map(|text| text.trim()).collect::<Vec<_>>().join("\n… and then\n");
    let script = if script.is_empty() { own.as_str() } else { script.trim() };
    match (script, arguments.as_str()) {
        ("", arguments) => format!("{how}{arguments}"),
        (script, "") => format!("{how}{script}"),
        (script, arguments) => format!("{how}{script}\n  … with {arguments}"),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_body_in_words() {
        let body = r#"{"script":"echo \"$1\"","argv":["a b"],"more":[],"stdin":"x","user":"root","env":[["A","d"]],"cwd":null}"#;
        assert_eq!(words(body, &[]), "as root with A echo \"$1\"\n  … with 'a b'");
        assert_eq!(words(r#"{"script":"","argv":["ls","-l"],"user":null}"#, &[]), "ls -l");
        let own = r#"{"script":"","argv":null,"more":["/x","0644"],"user":"root"}"#;
        let texts = ["stage\n", "commit\n"].map(str::to_owned);
        assert_eq!(words(own, &texts), "as root stage\n… and then\ncommit\n  … with /x 0644");
        assert_eq!(words("POST http://x/", &[]), "POST http://x/");
    }
}
