//! Files and folders under temporary names, and their removal however the process ends.
//!
//! What is being written lies beside its place under a hidden name, [`PREFIX`] and six letters or
//! digits, until it is complete. Its process holds a lock on it. What a process leaves behind that
//! was killed is told by the lock that nobody holds, and goes when something is next written to that
//! folder. A handler of signals calls [`remove_all`] before it ends the process.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use tempfile::{Builder, NamedTempFile, TempDir};

/// Begins every temporary name.
pub const PREFIX: &str = ".cutpoint-";
/// Random characters behind [`PREFIX`].
const RANDOM: usize = 6;
/// Attempts at a temporary that another process takes for a leftover before its lock is held.
const ATTEMPTS: usize = 16;

/// What exists under a temporary name now, and the folders searched for leftovers.
struct Registry {
    alive: BTreeSet<PathBuf>,
    searched: BTreeSet<PathBuf>,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    alive: BTreeSet::new(),
    searched: BTreeSet::new(),
});
/// Held for reading while several files take their places together.
static EXCHANGE: RwLock<()> = RwLock::new(());

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A path that [`remove_all`] removes while this value lives.
#[derive(Debug)]
pub struct Registered(PathBuf);

impl Registered {
    /// Registers a file or folder that exists or is about to.
    pub fn new(path: &Path) -> Registered {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        registry().alive.insert(path.clone());
        Registered(path)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        registry().alive.remove(&self.0);
    }
}

/// A file under a temporary name, removed unless it is renamed.
#[derive(Debug)]
pub struct TemporaryFile {
    // dropped before it is no longer registered
    file: NamedTempFile,
    registered: Registered,
}

impl TemporaryFile {
    /// Creates one in `folder`, with the permissions of any new file.
    ///
    /// # Errors
    /// The folder cannot be written. The error does not name the temporary file, which means
    /// nothing to a user.
    pub fn new_in(folder: &Path) -> Result<TemporaryFile> {
        let make = |builder: &mut Builder<'_, '_>| {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                // the umask takes away what the user does not want
                builder.permissions(std::fs::Permissions::from_mode(0o666));
            }
            builder.tempfile_in(folder)
        };
        let is_ours = |file: &NamedTempFile| lock(file.as_file(), file.path());
        let (file, registered) = create(folder, make, NamedTempFile::path, is_ours)?;
        Ok(TemporaryFile { file, registered })
    }

    /// Saves what was written, and gives the file its name; a file of that name is replaced.
    ///
    /// # Errors
    /// It cannot be saved or renamed.
    pub fn persist(self, path: &Path) -> Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist(path).map_err(|error| error.error)?;
        drop(self.registered);
        Ok(())
    }
}

impl Write for TemporaryFile {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.file.write(bytes).map_err(plain)
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(plain)
    }
}

/// A folder under a temporary name, removed with all that is in it.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: TempDir,
    // held, and no longer registered, until the folder is gone
    _lock: Option<File>,
    _registered: Registered,
}

impl TemporaryFolder {
    /// Creates one in `folder`.
    ///
    /// # Errors
    /// As of [`TemporaryFile::new_in`].
    pub fn new_in(folder: &Path) -> Result<TemporaryFolder> {
        let mut held = None;
        let is_ours = |made: &TempDir| {
            held = File::open(made.path()).ok();
            held.as_ref().is_none_or(|file| lock(file, made.path()))
        };
        let make = |builder: &mut Builder<'_, '_>| builder.tempdir_in(folder);
        let (folder, registered) = create(folder, make, TempDir::path, is_ours)?;
        Ok(TemporaryFolder {
            folder,
            _lock: held,
            _registered: registered,
        })
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Makes something under a temporary name that no other process takes for a leftover.
fn create<T>(
    folder: &Path,
    make: impl Fn(&mut Builder<'_, '_>) -> Result<T>,
    path: impl Fn(&T) -> &Path,
    mut is_ours: impl FnMut(&T) -> bool,
) -> Result<(T, Registered)> {
    remove_leftovers(folder);
    for _ in 0..ATTEMPTS {
        // from here to the registration no signal ends the process
        let mut registry = registry();
        let mut builder = Builder::new();
        builder.prefix(PREFIX).rand_bytes(RANDOM);
        let made = make(&mut builder).map_err(plain)?;
        if is_ours(&made) {
            let found = path(&made);
            let found = std::path::absolute(found).unwrap_or_else(|_| found.to_owned());
            registry.alive.insert(found.clone());
            return Ok((made, Registered(found)));
        }
    }
    Err(ErrorKind::ResourceBusy.into())
}

/// Whether a lock on a new temporary is held and it is still there. Where the file system has no
/// locks, nothing is ever taken for a leftover.
fn lock(file: &File, path: &Path) -> bool {
    match file.try_lock() {
        Ok(()) => path.exists(),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => true,
    }
}

/// Removes what killed processes left in a folder, once per process.
fn remove_leftovers(folder: &Path) {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    if !registry().searched.insert(absolute) {
        return;
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let is_named = is_temporary(&entry.file_name().to_string_lossy());
        // the entry itself: a link is nothing of ours
        let Some(kind) = entry.file_type().ok().filter(|_| is_named) else {
            continue;
        };
        if !kind.is_file() && !kind.is_dir() {
            continue;
        }
        let path = entry.path();
        let Ok(left) = File::open(&path) else {
            continue;
        };
        if left.try_lock().is_ok() {
            remove(&path, kind.is_dir());
        }
    }
}

/// Whether a file's name is one of those that this module gives.
pub fn is_temporary(name: &str) -> bool {
    let random = name.strip_prefix(PREFIX);
    random.is_some_and(|r| r.len() == RANDOM && r.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn remove(path: &Path, is_folder: bool) {
    // what cannot be removed only takes space
    let _ = if is_folder {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
}

/// Says that several files are about to take their places: [`remove_all`] waits until the value
/// returned is dropped.
pub fn exchange() -> RwLockReadGuard<'static, ()> {
    EXCHANGE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Removes everything that is registered, and lets nothing new be made: the process is about to end.
pub fn remove_all() {
    let exchange = EXCHANGE.write().unwrap_or_else(PoisonError::into_inner);
    let registry = registry();
    for path in &registry.alive {
        // another thread may be about to write into a folder
        for _ in 0..3 {
            match path.symlink_metadata() {
                Ok(found) => remove(path, found.is_dir()),
                Err(_) => break,
            }
        }
    }
    std::mem::forget((exchange, registry));
}

/// An error without the path that tempfile adds.
fn plain(error: Error) -> Error {
    match error.raw_os_error() {
        Some(code) => Error::from_raw_os_error(code),
        None => Error::from(error.kind()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_complete_or_absent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let mut file = TemporaryFile::new_in(folder.path()).unwrap();
        file.write_all(b"one").unwrap();
        assert!(names(folder.path()).iter().all(|name| is_temporary(name)));
        file.persist(&path).unwrap();
        drop(TemporaryFile::new_in(folder.path()).unwrap());
        drop(TemporaryFolder::new_in(folder.path()).unwrap());
        assert_eq!(names(folder.path()), ["a.toml"]);
    }

    #[test]
    fn only_what_nobody_holds_is_a_leftover() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        std::fs::write(place(".cutpoint-abc123"), "half a file").unwrap();
        std::fs::create_dir(place(".cutpoint-Dir456")).unwrap();
        std::fs::write(place(".cutpoint-Dir456/edge.onnx"), "half").unwrap();
        std::fs::write(place(".cutpoint-locked"), "of a running process").unwrap();
        let other = File::open(place(".cutpoint-locked")).unwrap();
        other.lock().unwrap();
        for own in [".cutpoint-notes.md", ".cutpoint-", "cutpoint-abc123"] {
            std::fs::write(place(own), "of the user").unwrap();
        }
        let file = TemporaryFile::new_in(folder.path()).unwrap();
        drop(file);
        assert_eq!(
            names(folder.path()),
            [
                ".cutpoint-",
                ".cutpoint-locked",
                ".cutpoint-notes.md",
                "cutpoint-abc123"
            ]
        );
    }

    /// Where [`a_process_that_ends`] works; it does nothing without.
    const FOLDER: &str = "CUTPOINT_TEST_FOLDER";

    #[test]
    fn what_is_written_goes_before_the_process_ends() {
        let folder = tempfile::tempdir().unwrap();
        let program = std::env::current_exe().unwrap();
        let ended = std::process::Command::new(program)
            .args(["--exact", "temporary::tests::a_process_that_ends"])
            .env(FOLDER, folder.path())
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(7), "{ended:?}");
        assert_eq!(names(folder.path()), ["kept"]);
    }

    #[test]
    fn a_process_that_ends() {
        let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
            return;
        };
        let mut kept = TemporaryFile::new_in(&folder).unwrap();
        kept.write_all(b"complete").unwrap();
        kept.persist(&folder.join("kept")).unwrap();
        let _file = TemporaryFile::new_in(&folder).unwrap();
        let inner = TemporaryFolder::new_in(&folder).unwrap();
        std::fs::write(inner.path().join("half"), "of it").unwrap();
        std::fs::write(folder.join("lock"), "").unwrap();
        let _lock = Registered::new(&folder.join("lock"));
        assert_eq!(names(&folder).len(), 4);
        remove_all();
        std::process::exit(7);
    }

    #[test]
    fn the_end_waits_until_files_that_belong_together_are_in_place() {
        let together = exchange();
        assert!(EXCHANGE.try_write().is_err());
        drop(together);
    }

    #[test]
    fn an_error_does_not_name_the_temporary_file() {
        let missing = TemporaryFile::new_in(Path::new("no/such/folder")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        assert!(!missing.to_string().contains(PREFIX), "{missing}");
    }
}
