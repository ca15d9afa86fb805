//! The files that others read: for continuous integration, for alarms.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::super::show;
use super::Checked;
use super::args::CheckArgs;
use crate::base::exit::Exit;
use crate::report;

/// Writes the files that others read. One that cannot be written is an error of the call.
pub(super) fn write(args: &CheckArgs, checked: &[Checked]) -> Result<(), Exit> {
    let name = |one: &Checked| match &one.state {
        Some(state) => state.header().runbook.clone(),
        None => one.runbook.display().to_string(),
    };
    let names: Vec<String> = checked.iter().map(name).collect();
    // two files may have runbooks of the same name
    let twice = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
    let told = |(one, name): (&Checked, &String)| {
        if twice(name) { format!("{name} ({})", one.runbook.display()) } else { name.clone() }
    };
    let names: Vec<String> = checked.iter().zip(&names).map(told).collect();
    let books = checked.iter().zip(&names).map(|(one, name)| report::CheckedBook { name, state: one.state.as_ref() });
    let books: Vec<_> = books.collect();
    let wanted = [(&args.textfile, report::prometheus(&books)), (&args.junit, report::junit(&books))];
    for (path, text) in wanted.into_iter().filter_map(|(path, text)| Some((path.as_ref()?, text))) {
        replace(path, &text).map_err(|error| {
            show::error(format!("cannot write {}: {error}", path.display()));
            Exit::Unreachable
        })?;
    }
    Ok(())
}

/// Who reads it meanwhile sees the old one or the new one.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    // for the eyes of collectors, which are other users
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}
