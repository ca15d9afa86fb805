//! What `check` says of one action on one host.

/// The verdict of a dry run for one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The state is there: applying would change nothing.
    Holds(String),
    /// Applying would change this.
    WouldChange(String),
    /// It would be carried out; it has no state to compare.
    WouldRun(String),
    /// It could not be carried out, and why.
    Blocked(String),
}
