//! Writing results: to a temporary name first, so that nothing half-written is ever seen.

use std::io::Write;
use std::path::Path;

use anyhow::Context;

use super::Kind;

/// Creates the folder a file is to be written to.
pub(crate) fn create_parent(path: &Path) -> anyhow::Result<()> {
    let parent = parent(path);
    std::fs::create_dir_all(parent)
        .with_context(|| format!("{}: cannot create the folder", parent.display()))
        .map_err(|error| Kind::Other.of(error))
}

/// Writes a file whose folder exists, by renaming a temporary one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_atomically(path, bytes)
        .with_context(|| format!("{}: cannot write", path.display()))
        .map_err(|error| Kind::Other.of(error))
}

/// As [`write`], with the bare error.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".cutpoint-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // as any other new file: the umask takes away what the user does not want
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(parent(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
