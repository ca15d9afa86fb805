//! Contexts: what a text is, and so how a value is inserted into it. A value can never become syntax.

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Data or words for people: values are inserted as they are.
    Plain,
    /// POSIX shell.
    Shell,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// A URL.
    Url,
    /// A regular expression.
    Regex,
}

impl Context {
    /// The context of a file by the ending of its destination (or of its template, less `.hbs`).
    #[must_use]
    pub fn of_file(path: &str) -> Self {
        let path = path.strip_suffix(".hbs").unwrap_or(path);
        match path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("json") => Self::Json,
            Some("yaml" | "yml") => Self::Yaml,
            _ => Self::Plain,
        }
    }
}

/// A context as a type: `Text<Shell>`.
pub trait InContext: 'static {
    /// The context.
    const CONTEXT: Context;
}

macro_rules! markers {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;
        impl InContext for $name {
            const CONTEXT: Context = Context::$name;
        }
    )*};
}

markers! {
    /// Marks plain text.
    Plain,
    /// Marks a shell text.
    Shell,
    /// Marks JSON.
    Json,
    /// Marks YAML.
    Yaml,
    /// Marks a URL.
    Url,
    /// Marks a regular expression.
    Regex,
}
