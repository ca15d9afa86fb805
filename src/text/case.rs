//! Names in the wrong case.

use super::scalar::is_snake;
use super::tree::Sp;
use crate::base::diag::Diagnostic;

/// The diagnostic for a variable's name in the wrong case.
#[must_use]
pub fn not_snake(name: &Sp<String>) -> Diagnostic {
    let mut better = String::new();
    for c in name.value.chars() {
        // dataDir is data_dir
        if c.is_uppercase() && better.ends_with(|before: char| before.is_ascii_lowercase()) {
            better.push('_');
        }
        better.push(if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    }
    let help = if is_snake(&better) {
        format!("write `{better}`")
    } else {
        "lower-case letters from a to z, digits and single underscores, a letter first".to_owned()
    };
    Diagnostic::error("case", name.span, format!("`{}` is used as a variable, so it is snake_case", name.value))
        .help(help)
}
