//! Every diagnostic code: one line each. A code that is not here cannot be used (debug builds stop at it), and
//! `tests/corpus.rs` fails for one without a wrong text that shows it.

use super::diag::Severity;

/// A kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Kebab-case, stable: what is searched for, and what a warning is allowed by.
    pub name: &'static str,
    /// Whether the text can be used all the same.
    pub severity: Severity,
    /// What is wrong, in one line, for people who meet the code without its text.
    pub meaning: &'static str,
}

/// The code of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Code> {
    CODES.binary_search_by(|code| code.name.cmp(name)).ok().map(|at| &CODES[at])
}

/// The names of all warnings.
pub fn warnings() -> impl Iterator<Item = &'static str> {
    CODES.iter().filter(|code| code.severity == Severity::Warning).map(|code| code.name)
}

const fn error(name: &'static str, meaning: &'static str) -> Code {
    Code { name, severity: Severity::Error, meaning }
}

const fn warning(name: &'static str, meaning: &'static str) -> Code {
    Code { name, severity: Severity::Warning, meaning }
}

/// All of them, by name.
pub const CODES: &[Code] = &[
    error("allow-without-reason", "a warning is allowed in place without saying why"),
    error("ambiguous-name", "a name means a host and a group"),
    error("around-nothing", "guards around a step stand where there is no action to be around"),
    error("ask-type", "nobody can be asked for a value of this type"),
    error("ask-values", "the values of a question cannot be chosen from"),
    error("bad-address", "no machine can have this address"),
    error("bad-command", "a connect command cannot be taken apart into words"),
    error("bad-glob", "a pattern of names cannot be read"),
    error("bad-name", "a host or group cannot have this name"),
    error("bad-range", "a range of names or positions cannot be read"),
    error("bad-regex", "a regular expression cannot be read"),
    error("bad-selector", "a selector cannot be read"),
    error("block-in-shell", "a block helper stands in a shell text"),
    error("body-unquoted", "a value in the body of a request is not quoted for its form"),
    error("braces-in-expression", "an expression field has braces"),
    error("branches-differ", "the branches of a block leave the text in different places, such as inside a quote"),
    error("case", "an id is not kebab-case, or a variable not snake_case"),
    warning("destructive-unguarded", "a step of a destructive runbook changes hosts before anybody was asked"),
    error("done-and-outputs", "outputs beside done_when would be missing when it is done already"),
    error("duplicate-host", "a host is defined twice"),
    error("duplicate-key", "a key is written twice"),
    error("empty-text", "there is nothing in the text"),
    error("env-name", "an environment variable cannot have this name"),
    error("for-each-inside", "a `for_each` stands inside another one"),
    error("from", "a secret says where it comes from in a way that nothing can be read from"),
    error("group-circle", "groups are inside each other"),
    error("group-conflict", "two groups say different things of one host"),
    error("helper-arguments", "a helper has the wrong number or kinds of arguments"),
    warning("hidden-exit-code", "only the last command of a pipe decides whether a command failed"),
    error("home-path", "a path begins with ~"),
    error("infix-expression", "an operator stands between its operands"),
    error("invalid-value", "a value cannot be read"),
    error("inventory-unreadable", "the inventory cannot be read from disk"),
    error("kinds-differ", "values of two kinds are compared"),
    error("lab", "a lab cannot be made like this"),
    error("later-step", "a step is read before it has run"),
    error("list-field", "a field is asked of a list of hosts"),
    warning("maybe-null", "a value that may be null stands in a text"),
    error("missing-key", "a required key is missing"),
    error("missing-param", "a param or var has no value"),
    error("name", "a runbook or drill cannot have this name"),
    error("needs-host", "a name that belongs to a host is used where there is none"),
    error("nested-interpreter", "a value stands in the program text of a second interpreter"),
    error("no-action", "a step does nothing"),
    error("no-amount", "count needs an amount"),
    error("no-command", "there is no command, or more than one"),
    error("no-content", "a file has no content"),
    error("no-drill", "no drill was found"),
    error("no-effect", "what is written would have no effect"),
    error("no-entry", "a watch watches for nothing"),
    error("no-env", "env.X does not exist"),
    error("no-fault", "a fault breaks nothing"),
    error("no-file", "a file beside the runbook is not there"),
    error("no-guard", "a guard states nothing"),
    error("no-hosts", "a step touches hosts and does not say which"),
    error("no-item", "item and index are used without for_each"),
    error("no-line", "an entry of a watch names no line"),
    error("no-match", "no host fits a pattern"),
    error("no-number", "{{n}} is used by a host that is not of a range"),
    error("no-outcome", "a group is asked for the outcome that its steps have"),
    error("no-ports", "a guard about ports names none"),
    error("no-probe", "nothing is asked"),
    error("no-question", "an answer is for a step that asks nothing"),
    error("no-result", "result is used where there is none"),
    error("no-runbook", "no runbook was found"),
    error("no-secret", "a secret cannot be had from where it comes from"),
    error("no-settle", "what a later line can change needs settle"),
    error("no-state", "nothing is wanted of a service"),
    error("no-such-fault", "a lab cannot break this"),
    error("no-such-position", "a list of hosts is shorter than that"),
    error("no-target", "a part is used without the hosts that it is about"),
    error("no-template", "a template file is not there"),
    error("no-undo", "undo is asked for and is not possible"),
    error("not-a-runbook", "a text of another kind stands where a runbook is read"),
    error("not-in-the-lab", "a drill speaks of a host that its lab does not have"),
    error("not-on-group", "a field of one step stands on a group"),
    error("not-on-this", "a field stands beside something that it means nothing for"),
    warning("not-passed-on", "a field of a group does not reach into a part that is used in it"),
    error("not-renderable", "a step cannot be carried out with these values"),
    error("not-snake-case", "a var cannot have this name"),
    error("not-together", "two keys exclude each other"),
    error("not-yet", "a part of the language that this version does not carry out"),
    error("nothing-here", "a list or map says nothing"),
    error("nothing-set", "set sets nothing"),
    error("only-in-check", "a drill expects what only check says"),
    error("only-on-group", "a field of groups stands on a step that is none"),
    error("optional", "optional is said where it means nothing"),
    error("out-of-range", "a number is too small or too large"),
    error("output-helper-inside", "raw or words stand inside of another helper"),
    error("param-of", "of is said of a param that is no hosts"),
    error("param-type", "a param cannot have this type"),
    error("path-not-literal", "a path that is given to a helper is computed"),
    error("probe-changes", "a probe would change something"),
    warning("raw-value", "a value is inserted unescaped"),
    error("relative-path", "a path does not begin with `/`"),
    error("reserved-name", "a name has a meaning of its own"),
    error("retry-once", "a step is tried again though a second time may be a second effect"),
    warning("reversible-no-undo", "a step of a reversible runbook does not say how it is undone"),
    error("risk", "a step may do more than the runbook's risk says"),
    error("same-id", "two steps have one id"),
    error("same-machine", "two hosts are one machine"),
    error("same-variant", "two variants of a drill have one name"),
    error("script", "a script file cannot be run"),
    error("secret-default", "a secret stands in the text"),
    error("secret-in-command", "a secret stands in a command line, which everybody on a host can read"),
    error("shell-syntax", "a shell text cannot be read"),
    error("since-beside-action", "since is said of a watch around an action"),
    error("still-no-guard", "still names a step without guards"),
    warning("still-old-outputs", "still names a step that looks only at what was read before"),
    error("stored-plan", "the plan that is kept with a run cannot be read by this version"),
    warning("sudo-in-run", "sudo stands inside a command"),
    error("sudo-method", "another user is to be reached by other means than sudo"),
    error("target-param", "a param of hosts is used as a value"),
    error("template-syntax", "a template cannot be read"),
    error("text-too-large", "a text is larger, deeper or has more values than is read"),
    error("too-many-mistakes", "the rest of the text was not looked at"),
    error("two-actions", "a step does two things"),
    error("two-amounts", "two amounts are given"),
    error("two-contents", "a file has two contents"),
    error("two-faults", "one fault breaks two things"),
    error("two-guards", "one entry is two guards"),
    error("two-meanings", "a name means two things"),
    error("two-probes", "one probe asks two things"),
    error("two-rankings", "highest and lowest are both given"),
    error("two-times", "a fault has two times"),
    error("undo-why", "undo: none in a reversible runbook needs why"),
    error("unknown-block", "there is no such block helper"),
    error("unknown-group", "there is no such group"),
    error("unknown-helper", "there is no such helper"),
    error("unknown-host", "there is no such host"),
    error("unknown-hosts", "there is no such target, group or host"),
    error("unknown-key", "there is no such key"),
    error("unknown-kit", "there is no such lab kit"),
    error("unknown-name", "there is no such name"),
    error("unknown-param", "there is no such param"),
    error("unknown-parse", "there is no such way to parse"),
    error("unknown-step", "there is no such step"),
    error("unknown-value", "a word is none of those that can stand here"),
    error("unknown-warning", "there is no warning of the name that is allowed"),
    error("unquoted-template", "{{ begins a map in YAML, so the text must be quoted"),
    error("unreadable", "a file cannot be read"),
    error("unsafe-place", "a value cannot be made safe where it stands"),
    error("unused-command", "a connect command that nothing uses"),
    error("use-circle", "runbooks use each other in a circle"),
    error("var-circle", "vars are made of each other in a circle"),
    error("var-type", "a var cannot have this type"),
    error("watch-without-action", "watch is around something that is no action"),
    error("which-host", "what each host has for itself is read where there is no host"),
    error("words-glued", "words stands inside of a word"),
    error("words-outside-shell", "words stands outside of a shell text"),
    error("wrong-hosts", "the hosts that are given do not fit the param"),
    error("wrong-kind", "a value is of a kind that nothing can be done with here"),
    error("wrong-scope", "a name is looked up in the wrong place"),
    error("wrong-type", "a value is of another kind than is wanted"),
    error("wrong-undo", "an undo list holds what cannot be undone by"),
    error("wrong-value", "a value is not allowed here"),
    error("yaml-sign", "a sign that means something to YAML begins a text"),
    error("yaml-syntax", "the text is no YAML"),
    error("yaml-tab", "a tab indents a line"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_unique_and_explained() {
        assert!(CODES.is_sorted_by(|one, two| one.name < two.name));
        for code in CODES {
            assert!(code.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", code.name);
            assert!(code.meaning.len() > 10 && !code.meaning.ends_with('.'), "{}", code.name);
            assert_eq!(find(code.name), Some(code));
        }
        assert_eq!(find("unknown-kex"), None);
    }
}
