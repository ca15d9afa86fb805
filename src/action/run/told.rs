//! The words of `run`, as they are written.

use crate::action::{Told, written};
use crate::template::{Plain, Text};

use super::{Run, What};

/// Words as a person reads them; what a shell would split is in quotes.
fn line(words: &[Text<Plain>]) -> String {
    let word = |text: &Text<Plain>| {
        let word = &text.source().value;
        let plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c == '"');
        if plain { word.clone() } else { format!("{word:?}") }
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

impl What {
    /// The words of its command line, as far as they are plain.
    pub(super) fn words(&self) -> Vec<String> {
        match self {
            Self::Shell(text) => crate::action::command::plain_words(text),
            Self::Argv(list) => list.iter().map(|word| word.source().value.clone()).collect(),
            Self::Script(..) => Vec::new(),
        }
    }
}

impl Run {
    /// The command, the program or the script.
    pub(super) fn in_words(&self) -> Told {
        let stdin = self.stdin.as_ref().map_or("", |_| ", with a text on its standard input");
        match &self.what {
            What::Shell(text) => {
                let shell = self.shell.as_ref().map_or_else(|| "a shell".to_owned(), |shell| written(shell));
                Told::with(format!("runs this in {shell}{stdin}"), text.source())
            }
            What::Argv(words) => Told::with(format!("runs this program, no shell reads it{stdin}"), &line(words)),
            What::Script(name, args) => {
                let with = if args.is_empty() { String::new() } else { format!(" with `{}`", line(args)) };
                Told::new(format!("runs the script `{}`, which lies beside the runbook{with}{stdin}", name.value))
            }
        }
    }
}
