//! `download`: a file of a host becomes an artifact of the run, kept beside the journal. It only reads the host.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::words::{absolute, clip, invalid};
use crate::base::BoxFuture;
use crate::base::diag::Diagnostics;
use crate::template::{AnyText, EvalError, Plain, Text, Value};
use crate::text::{self, Tree};
use crate::transport::{Answer, Hands, LinkError, Look, Work};

use super::check::Verdict;
use super::registry::{Decode, Entry};
use super::{Action, ActionError, Applied, Cx, Effect, Logs, Printed, Ready, Script, Told, written};

/// Where it lies, and as what it is kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "download", deny_unknown_fields)]
pub struct Download {
    /// The file on the host.
    path: Text<Plain>,
    /// Its name among the artifacts of the run.
    r#as: Text<Plain>,
}

/// The largest file that is fetched.
const LIMIT: u64 = 256 * 1024 * 1024;

/// So many times a transfer is begun again after the link was lost in its middle.
const TRIES: u32 = 5;

pub(super) const ENTRY: Entry = Entry {
    key: "download",
    about: "Fetches a file of a host and keeps it with the run.",
    effect: "reads",
    example: "id: keep\nhosts: web\ndownload: { path: /etc/web.conf, as: web.conf }\n",
    schema: |g| g.subschema_for::<Download>(),
    decode: Decode::Action(decode),
};

fn decode(tree: &Tree, diags: &Diagnostics) -> Option<Box<dyn Action>> {
    let action = text::decode::<Download>(tree, diags)?;
    absolute([&action.path], diags);
    Some(Box::new(action))
}

impl Action for Download {
    fn key(&self) -> &'static str {
        "download"
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["size_bytes", "sha256", "artifact", "changed"]
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn AnyText)) {
        visit(&self.path);
        visit(&self.r#as);
    }

    fn told(&self) -> Told {
        let (path, name) = (written(&self.path), written(&self.r#as));
        Told::new(format!("fetches {path} and keeps it with the run as {name}"))
    }

    fn prepare(&self, cx: &Cx<'_>) -> Result<Box<dyn Ready>, EvalError> {
        let name = cx.render(&self.r#as)?;
        if name.is_empty() || name.starts_with('.') || name.contains(|c: char| c == '/' || c.is_control()) {
            return Err(invalid(format!("`{name}` cannot be the name of an artifact: no `/`, no leading dot")));
        }
        Ok(Box::new(Fetch { path: cx.path(&self.path)?, name, work: cx.login.work(cx.timeout) }))
    }
}

/// A rendered download.
#[derive(Debug)]
struct Fetch {
    path: String,
    name: String,
    work: Work,
}

impl Ready for Fetch {
    fn summary(&self) -> String {
        format!("{} as {}", self.path, self.name)
    }

    fn body(&self) -> String {
        super::body(&self.work, &[self.path.clone(), self.name.clone()])
    }

    fn check<'a>(&'a self, look: &'a dyn Look) -> BoxFuture<'a, Result<Verdict, ActionError>> {
        Box::pin(async move {
            let script = Script::new("[ ! -d \"$1\" ] || exit 3; [ -r \"$1\" ]", &[&self.path]);
            let answer = look.ask(&script.ask(&self.work)).await?;
            Ok(match answer.exit {
                0 => Verdict::WouldRun(self.summary()),
                3 => Verdict::Blocked(format!("{} is a folder", self.path)),
                _ => Verdict::Blocked(format!("{} cannot be read", self.path)),
            })
        })
    }

    fn apply<'a>(&'a self, hands: &'a Hands<'a>, _logs: Logs) -> BoxFuture<'a, Result<Applied, ActionError>> {
        Box::pin(async move {
            let mut tries = TRIES;
            let (bytes, answer) = loop {
                match self.transfer(hands).await {
                    // nothing is changed by reading it once more, over the link that is made anew
                    Err(ActionError::Link(LinkError::Lost { .. } | LinkError::Channel { .. })) if tries > 0 => {
                        tries -= 1;
                    }
                    ended => break ended?,
                }
            };
            if answer.exit != 0 {
                return Err(ActionError::failed(clip(&String::from_utf8_lossy(&answer.stderr))));
            }
            let (content, digest) = apart(&bytes).ok_or_else(|| ActionError::failed("the transfer was cut off"))?;
            let size = content.len();
            Ok(Applied {
                changed: false,
                result: Value::map([
                    ("size_bytes".to_owned(), Value::Int(i128::try_from(size).unwrap_or(i128::MAX))),
                    ("sha256".to_owned(), Value::str(digest)),
                    ("artifact".to_owned(), Value::str(&*self.name)),
                ]),
                printed: Printed::default(),
                artifact: Some((self.name.clone(), content)),
            })
        })
    }
}

impl Fetch {
    /// All that the host sends, and how it ended.
    async fn transfer(&self, hands: &Hands<'_>) -> Result<(Vec<u8>, Answer), ActionError> {
        // the digest comes after the content and of the same file, so that a torn transfer is noticed
        let script = Script::new("cat -- \"$1\"; printf '\\n'; sha256sum <\"$1\"", &[&self.path]);
        let mut bulk = hands.bulk(&script.ask(&self.work)).await?;
        let mut bytes = Vec::new();
        loop {
            let piece = bulk.next().await?;
            if piece.is_empty() {
                return Ok((bytes, bulk.end().await?));
            }
            bytes.extend_from_slice(&piece);
            if bytes.len() as u64 > LIMIT {
                return Err(ActionError::failed(format!("{} is larger than {LIMIT} bytes", self.path)));
            }
        }
    }
}

/// Content and digest, if they belong together.
fn apart(bytes: &[u8]) -> Option<(Vec<u8>, String)> {
    let tail = bytes.strip_suffix(b"\n")?;
    let at = tail.iter().rposition(|b| *b == b'\n')?;
    let said = String::from_utf8_lossy(&tail[at + 1..]).split_whitespace().next()?.to_owned();
    let content = tail[..at].to_vec();
    (crate::base::digest::Digest::of(&content).to_string() == said).then_some((content, said))
}

#[cfg(test)]
mod tests {
    use super::apart;
    use crate::base::digest::Digest;

    #[test]
    fn a_cut_transfer_is_noticed() {
        let mut whole = b"a\nb".to_vec();
        whole.extend(format!("\n{}  -\n", Digest::of("a\nb")).bytes());
        assert_eq!(apart(&whole).expect("whole").0, b"a\nb");
        for end in 0..whole.len() {
            assert_eq!(apart(&whole[..end]), None, "cut at {end}");
        }
    }
}
