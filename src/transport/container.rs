//! The log of a container: what its engine keeps of all that the container writes, read by the engine's own command on
//! the controller (`podman logs`, `docker logs`, `kubectl logs`). The command follows from the one that enters it.
//!
//! Lines carry the engine's timestamps: the one of the last line is the place in the log. It survives restarts of the
//! container, as far as its engine keeps what was before (Kubernetes does not).

use super::LinkError;
use super::look::{Ask, Look};

/// Options of an engine that stay in its log command, with a word behind them.
const PLACE: &[&str] = &["-n", "--namespace", "-c", "--container", "--context", "--kubeconfig", "--cluster"];

/// Options of `exec` with a word behind them that a log has no use for.
const ENTRY: &[&str] = &["-u", "--user", "-w", "--workdir", "-e", "--env", "--env-file", "--detach-keys"];

/// Options of `exec` without one.
const FLAGS: &[&str] =
    &["-i", "-t", "-it", "-ti", "-q", "--interactive", "--tty", "--stdin", "--quiet", "--privileged"];

/// An engine's log command.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct LogCommand {
    /// The program and its arguments, to which options can be added.
    words: Vec<String>,
    /// The container, which comes last: podman takes options behind it for more names.
    name: String,
    /// The option that names the place from which lines are wanted.
    since: String,
}

impl LogCommand {
    /// From the command that enters the container, as `podman exec -i NAME`. The error ends a sentence.
    pub fn beside(enter: &[String]) -> Result<Self, String> {
        let written = enter.join(" ");
        let unknown = |why: &str| format!("the log command does not follow from `{written}`: {why}");
        let program = |word: &String| word.rsplit('/').next().unwrap_or_default().to_owned();
        let engine = |word: &String| matches!(&*program(word), "podman" | "docker" | "nerdctl" | "kubectl" | "oc");
        let engine = enter.iter().find(|word| engine(word)).map(program);
        let Some(engine) = engine else {
            return Err(unknown("it names none of podman, docker, nerdctl, kubectl and oc"));
        };
        let Some(exec) = enter.iter().position(|word| word == "exec") else {
            return Err(unknown("it has no word `exec`"));
        };
        let mut words = enter[..exec].to_vec();
        words.push("logs".to_owned());
        let mut rest = enter[exec + 1..].iter();
        let mut name = None;
        while let Some(word) = rest.next() {
            let option = word.split_once('=').map_or(word.as_str(), |(option, _)| option);
            let behind = usize::from(option == word);
            match word.as_str() {
                "--" => break,
                _ if FLAGS.contains(&option) => {}
                _ if PLACE.contains(&option) => {
                    words.push(word.clone());
                    words.extend(rest.by_ref().take(behind).cloned());
                }
                _ if ENTRY.contains(&option) => drop(rest.by_ref().take(behind).count()),
                _ if word.starts_with('-') => return Err(unknown(&format!("`{word}` is not known"))),
                _ if name.is_some() => return Err(unknown(&format!("`{word}` stands behind the name"))),
                _ => name = Some(word.clone()),
            }
        }
        if rest.next().is_some() {
            return Err(unknown("something stands behind `--`"));
        }
        let name = name.ok_or_else(|| unknown("it names no container"))?;
        let since = if matches!(&*engine, "kubectl" | "oc") { "--since-time" } else { "--since" };
        Ok(Self { words, name, since: since.to_owned() })
    }

    /// The arguments of the script that follows it: the mark, the option with the place or nothing, the container, the command.
    #[must_use]
    pub fn argv(&self, mark: &str, from: &str) -> Vec<String> {
        let since = if from.is_empty() { String::new() } else { format!("{}={from}", self.since) };
        [mark.to_owned(), since, self.name.clone()].into_iter().chain(self.words.iter().cloned()).collect()
    }

    /// The timestamp of the log's last line; empty when there is none.
    pub(super) async fn last(&self, controller: &dyn Look) -> Result<String, LinkError> {
        let script = "n=$1; shift; exec \"$@\" --timestamps --tail=1 \"$n\" 2>&1".to_owned();
        let argv = Some([std::slice::from_ref(&self.name), &self.words[..]].concat());
        let answer = controller.ask(&Ask { script, argv, ..Ask::default() }).await?;
        let text = String::from_utf8_lossy(&answer.stdout);
        let last = text.lines().last().unwrap_or_default();
        if answer.exit != 0 {
            let reason = format!("the engine of container `{}` ended with {}: {}", self.name, answer.exit, last.trim());
            return Err(LinkError::NotStarted { reason });
        }
        Ok(last.split(' ').next().unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(enter: &str) -> Result<String, String> {
        let words: Vec<String> = enter.split(' ').map(str::to_owned).collect();
        LogCommand::beside(&words).map(|command| command.argv("M", "T").join(" "))
    }

    #[test]
    fn the_log_command_follows_from_the_one_that_enters() {
        for (enter, expected) in [
            ("podman exec -i web", "M --since=T web podman logs"),
            (
                "sudo -n /usr/bin/docker --host unix:///d exec -u root -i web",
                "M --since=T web sudo -n /usr/bin/docker --host unix:///d logs",
            ),
            (
                "kubectl --context=c exec -i -n prod consul-0 -c consul --",
                "M --since-time=T consul-0 kubectl --context=c logs -n prod -c consul",
            ),
            ("podman exec --interactive --env=A=B web", "M --since=T web podman logs"),
        ] {
            assert_eq!(logs(enter), Ok(expected.to_owned()));
        }
    }

    #[test]
    fn where_it_does_not_follow_that_is_said() {
        for (enter, why) in [
            ("chroot /srv/root", "names none of podman"),
            ("podman run -i web", "no word `exec`"),
            ("podman exec -i", "no container"),
            ("podman exec -i web sh", "`sh` stands behind"),
            ("kubectl exec -i web -- sh", "behind `--`"),
            ("podman exec --latest", "`--latest` is not known"),
        ] {
            let error = logs(enter).expect_err("no command");
            assert!(error.contains(why), "{error}");
        }
    }
}
