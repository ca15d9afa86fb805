//! Reading the file of a text.

use std::fs::File;
use std::io::{Error, Read as _, Result};
use std::path::Path;

use super::MAX_BYTES;

/// The text of a regular file, which is UTF-8 and at most [`MAX_BYTES`] long. Anything else that has a path (a pipe, a
/// device) is refused unopened, since it may never end.
pub fn read(path: &Path) -> Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    // what its length says may be untrue, and may grow
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES {
        return Err(Error::other("it is larger than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|error| {
        Error::other(format!("it is not UTF-8 text, from byte {} on", error.utf8_error().valid_up_to()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_regular_text_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("x");
        for (content, says) in [
            (vec![b'x'; MAX_BYTES], None),
            (vec![b'x'; MAX_BYTES + 1], Some("it is larger than 1 MiB")),
            (b"ok\xff".to_vec(), Some("it is not UTF-8 text, from byte 2 on")),
        ] {
            std::fs::write(&file, content).expect("written");
            assert_eq!(read(&file).err().map(|error| error.to_string()).as_deref(), says);
        }
        for path in ["/dev/zero", "/"] {
            assert_eq!(read(Path::new(path)).expect_err("refused").to_string(), "it is no regular file");
        }
    }
}
