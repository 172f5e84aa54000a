//! Locks of files that take long to make.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use cutpoint_core::temporary::Registered;

use super::Kind;

/// Attempts at a lock whose file goes away just then.
const ATTEMPTS: usize = 16;

/// A file that this process alone may write; released when it is dropped, or when the process ends
/// in any way.
#[derive(Debug)]
pub(crate) struct FileLock {
    // held for its lock, and removed before that is released
    held: Option<(File, PathBuf, Registered)>,
}

impl FileLock {
    /// Takes the lock of `target`, whose folder exists. Where the file system has no locks, nobody
    /// is kept out.
    ///
    /// # Errors
    /// Another process has it; `remedy` says what to do instead of waiting.
    pub(crate) fn take(target: &Path, remedy: &str) -> anyhow::Result<FileLock> {
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(".lock");
        let path = target.with_file_name(name);
        for _ in 0..ATTEMPTS {
            // whether the folder can be written is for the result to say
            let Ok(mut file) = open(&path) else { break };
            match file.try_lock() {
                Ok(()) if is_there(&file, &path) => {
                    let registered = Registered::new(&path);
                    let id = std::process::id().to_string();
                    let _ = file.set_len(0).and_then(|()| file.write_all(id.as_bytes()));
                    let held = Some((file, path, registered));
                    return Ok(FileLock { held });
                }
                // who had it removed it just now
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(taken(target, &mut file, remedy)),
                Err(TryLockError::Error(_)) => break,
            }
        }
        Ok(FileLock { held: None })
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        if let Some((_, path, _)) = &self.held {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    // a link is nothing of ours
    if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
        return Err(std::io::ErrorKind::AlreadyExists.into());
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}

/// Whether the name still stands for the file that was opened.
fn is_there(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let id = |found: std::fs::Metadata| (found.dev(), found.ino());
        let (opened, named) = (file.metadata().map(id), path.metadata().map(id));
        matches!((opened, named), (Ok(a), Ok(b)) if a == b)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

fn taken(target: &Path, file: &mut File, remedy: &str) -> anyhow::Error {
    let mut id = String::new();
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut id));
    let number: Option<u32> = id.trim().parse().ok();
    let process = number.map_or_else(String::new, |number| format!(" (process {number})"));
    Kind::Other.of(anyhow::anyhow!(
        "{}: another run{process} is measuring for this file: wait until it is done, or {remedy}",
        target.display()
    ))
}
