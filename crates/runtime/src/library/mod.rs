//! Finds the shared library of ONNX Runtime, or fetches it once.
//!
//! Looked for in this order: the file named by `ORT_DYLIB_PATH`, the user's cache, and at last the
//! official wheel, through pip. A variable that names no file is an error and never passed over.

use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

mod error;
mod fetch;

pub use error::{LibraryError, LibraryEvent, VARIABLE, VERSION};
use error::{cache_error, sha256};
use fetch::Wheel;

/// A shared library of ONNX Runtime on this machine, not loaded yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// Absolute path of the file.
    pub path: PathBuf,
    /// Such as `1.31.1`; `unknown` when the file does not say.
    pub version: String,
    /// How it came to be here.
    pub origin: LibraryOrigin,
}

/// How a library came to be here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LibraryOrigin {
    /// `ORT_DYLIB_PATH` names it.
    Env,
    /// Fetched by an earlier process.
    Cache,
    /// Fetched by this call.
    Fetched,
}

impl LibraryOrigin {
    /// Returns the name in machine-readable output.
    pub fn name(self) -> &'static str {
        match self {
            LibraryOrigin::Env => "environment",
            LibraryOrigin::Cache => "cache",
            LibraryOrigin::Fetched => "fetched",
        }
    }
}

/// Returns the library that is here already: the one `ORT_DYLIB_PATH` names, or a whole one in the
/// cache.
///
/// # Errors
/// [`LibraryError::Variable`] when the variable names no file.
pub fn find() -> Result<Option<Library>, LibraryError> {
    if let Some(library) = from_variable()? {
        return Ok(Some(library));
    }
    let (Some(wheel), Ok(cache)) = (fetch::wheel(), cache_directory()) else {
        return Ok(None);
    };
    Ok(cached(&cache, wheel, LibraryOrigin::Cache))
}

/// Returns the library that is here, or else the official one, fetched into the user's cache.
///
/// Processes that start at once fetch once: the others wait and use the result. `notify` is told
/// before anything that takes long.
///
/// # Errors
/// See [`LibraryError`].
pub fn find_or_fetch(notify: &mut dyn FnMut(LibraryEvent)) -> Result<Library, LibraryError> {
    if let Some(library) = from_variable()? {
        return Ok(library);
    }
    let wheel = fetch::wheel().ok_or_else(|| LibraryError::Unsupported {
        platform: fetch::platform(),
    })?;
    let cache = cache_directory()?;
    if let Some(library) = cached(&cache, wheel, LibraryOrigin::Cache) {
        return Ok(library);
    }
    std::fs::create_dir_all(&cache).map_err(cache_error(&cache))?;
    let _lock = lock(&cache, wheel, notify)?;
    // whoever held the lock before may have fetched it
    if let Some(library) = cached(&cache, wheel, LibraryOrigin::Cache) {
        return Ok(library);
    }
    let path = wheel.path_in(&cache);
    if path.exists() {
        notify(LibraryEvent::Damaged(path));
    }
    fetch::into_cache(wheel, &cache, notify)?;
    cached(&cache, wheel, LibraryOrigin::Fetched).ok_or_else(|| LibraryError::WrongHash {
        what: "the library in the wheel".to_owned(),
    })
}

impl Library {
    /// Returns the size of the file in bytes.
    ///
    /// # Errors
    /// [`LibraryError::Cache`] when the file is gone.
    pub fn bytes(&self) -> Result<u64, LibraryError> {
        let metadata = std::fs::metadata(&self.path).map_err(cache_error(&self.path))?;
        Ok(metadata.len())
    }

    /// Reads the whole file and returns its SHA-256 in hexadecimal. Finding a library compares
    /// only sizes, because this takes a good part of a second on a small board.
    ///
    /// # Errors
    /// [`LibraryError::Altered`] when a fetched library is not the pinned one any more.
    pub fn verify(&self) -> Result<String, LibraryError> {
        let hash = sha256(&self.path).map_err(cache_error(&self.path))?;
        let pinned = fetch::wheel().map(|wheel| wheel.library_sha256);
        if self.origin != LibraryOrigin::Env && pinned != Some(hash.as_str()) {
            return Err(LibraryError::Altered {
                path: self.path.clone(),
            });
        }
        Ok(hash)
    }
}

fn from_variable() -> Result<Option<Library>, LibraryError> {
    let Some(value) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let error = |reason: String| LibraryError::Variable {
        path: PathBuf::from(&value),
        reason,
    };
    let path = std::path::absolute(Path::new(&value)).map_err(|e| error(e.to_string()))?;
    let mut file = File::open(&path).map_err(|e| error(e.to_string()))?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(error("not a regular file".to_owned()));
    }
    let version = version_in(&mut file).map_err(|e| error(e.to_string()))?;
    Ok(Some(Library {
        path,
        version: version.unwrap_or_else(|| "unknown".to_owned()),
        origin: LibraryOrigin::Env,
    }))
}

/// `$XDG_CACHE_HOME/cutpoint`, or the same under `~/.cache`. As its specification says, a relative
/// `XDG_CACHE_HOME` is ignored.
fn cache_directory() -> Result<PathBuf, LibraryError> {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("cutpoint"))
        .ok_or(LibraryError::NoCache)
}

/// The cached library, if it is there and of the right length.
fn cached(cache: &Path, wheel: &Wheel, origin: LibraryOrigin) -> Option<Library> {
    let path = wheel.path_in(cache);
    let metadata = std::fs::metadata(&path).ok()?;
    (metadata.is_file() && metadata.len() == wheel.library_bytes).then(|| Library {
        path,
        version: VERSION.to_owned(),
        origin,
    })
}

/// Held until the returned file is dropped, by the end of the process at the latest.
fn lock(
    cache: &Path,
    wheel: &Wheel,
    notify: &mut dyn FnMut(LibraryEvent),
) -> Result<File, LibraryError> {
    let path = cache.join(format!("{}.lock", wheel.name()));
    let error = cache_error(&path);
    let file = match File::create(&path) {
        Ok(file) => file,
        Err(cause) => return Err(error(cause)),
    };
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            notify(LibraryEvent::Waiting);
            match file.lock() {
                Ok(()) => Ok(file),
                Err(cause) => Err(error(cause)),
            }
        }
        Err(TryLockError::Error(cause)) => Err(error(cause)),
    }
}

/// The version a library carries in the name of its symbol version, `VERS_1.31.1`, which every
/// Linux build of ONNX Runtime has. Reading it needs no loading, and so no foreign code runs.
fn version_in(source: &mut dyn Read) -> io::Result<Option<String>> {
    const MARK: &[u8] = b"VERS_";
    const LONGEST: usize = 32;
    let mut window = Vec::new();
    let mut chunk = vec![0; 1 << 20];
    loop {
        let n = source.read(&mut chunk)?;
        window.extend_from_slice(&chunk[..n]);
        let found = window
            .windows(MARK.len())
            .enumerate()
            .filter(|(_, bytes)| *bytes == MARK)
            .find_map(|(at, _)| version_at(&window[at + MARK.len()..]));
        if found.is_some() || n == 0 {
            return Ok(found);
        }
        // a name may lie across two chunks
        window.drain(..window.len().saturating_sub(LONGEST));
    }
}

/// `major.minor.patch` at the start of `bytes`, ended by a zero byte.
fn version_at(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    let numbers = text.split('.').collect::<Vec<_>>();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (numbers.len() == 3 && numbers.iter().all(is_number)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives out a few bytes at a time, so that names lie across reads.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(7).min(buffer.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    #[test]
    fn the_version_is_read_from_the_symbol_version() {
        for (bytes, version) in [
            (
                &b"\x7fELF..GLIBC_2.28\0VERS_1.31.1\0libc.so.6\0"[..],
                Some("1.31.1"),
            ),
            (
                b"VERS_1.x\0VERS_\0VERS_1.2\0....VERS_1.22.0\0",
                Some("1.22.0"),
            ),
            (b"VERS_1.31.1", None),
            (b"nothing of the kind", None),
            (b"", None),
        ] {
            assert_eq!(version_in(&mut &bytes[..]).unwrap().as_deref(), version);
            assert_eq!(version_in(&mut Slow(bytes)).unwrap().as_deref(), version);
        }
    }

    #[test]
    fn a_cached_file_of_another_length_is_not_used() {
        let wheel = Wheel {
            library_bytes: 3,
            ..fetch::WHEELS[0]
        };
        let cache = tempfile::tempdir().unwrap();
        let path = wheel.path_in(cache.path());
        assert_eq!(cached(cache.path(), &wheel, LibraryOrigin::Cache), None);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "ab").unwrap();
        assert_eq!(cached(cache.path(), &wheel, LibraryOrigin::Cache), None);
        std::fs::write(&path, "abc").unwrap();
        let library = cached(cache.path(), &wheel, LibraryOrigin::Cache).unwrap();
        assert_eq!(library.path, path);
        assert_eq!(library.version, VERSION);
        assert_eq!(
            sha256(&path).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
