//! Writing results: to a temporary name first, so that nothing half-written is ever seen.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use cutpoint_core::temporary::TemporaryFile;

use super::Kind;

/// Creates the folder a file is to be written to; `argument` names the file.
pub(crate) fn create_parent(argument: &str, path: &Path) -> anyhow::Result<()> {
    let parent = parent(path);
    std::fs::create_dir_all(parent).map_err(|error| {
        let what = format!("cannot create the folder ({error})");
        refuse(argument, parent, &what)
    })
}

/// Writes a file whose folder exists, by renaming a temporary one; `argument` names the file.
pub(crate) fn write(argument: &str, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_atomically(path, bytes)
        .map_err(|error| refuse(argument, path, &format!("cannot write ({error})")))
}

/// The error of a file that cannot be written.
pub(crate) fn refuse(argument: &str, path: &Path, what: &str) -> anyhow::Error {
    let path = path.display();
    Kind::Other.of(anyhow::anyhow!(
        "{path}: {what}: choose another place with {argument}"
    ))
}

/// As [`write`], with the bare error.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // a link stays a link; what is no plain file (`/dev/stdout`, a pipe) is written to, not replaced
    let target: PathBuf = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if target.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if target.exists() && !target.is_file() {
        return std::fs::write(&target, bytes);
    }
    let mut file = TemporaryFile::new_in(parent(&target))?;
    file.write_all(bytes)?;
    file.persist(&target)
}

/// The folder of a file.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
