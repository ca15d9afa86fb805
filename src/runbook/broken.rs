//! The names of what an author wrote and we could not understand.

use std::collections::{HashMap, HashSet};

/// What is there and could not be understood: that was reported, so references to it are not reported again.
#[derive(Debug, Default)]
pub struct Broken {
    /// Sections of which nothing could be understood: `params`, `vars`, `targets`.
    pub sections: HashSet<&'static str>,
    /// Params.
    pub params: HashSet<String>,
    /// Vars.
    pub vars: HashSet<String>,
    /// Targets and picks.
    pub targets: HashSet<String>,
    /// Steps whose body is not known: anything may be an output of theirs.
    pub steps: HashSet<String>,
    /// Further outputs of steps.
    pub outputs: HashMap<String, HashSet<String>>,
}
