//! What is said while the library is looked for, and why there may be none.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The version of ONNX Runtime that is fetched. Others are used when `ORT_DYLIB_PATH` names them.
pub const VERSION: &str = "1.31.1";

/// Name of the variable with the path of a library to use instead of the fetched one.
pub const VARIABLE: &str = "ORT_DYLIB_PATH";

/// What a person waiting for [`find_or_fetch`](super::find_or_fetch) should be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LibraryEvent {
    /// The cached file is not whole and will be replaced.
    Damaged(PathBuf),
    /// Another process is fetching; its result will be used.
    Waiting,
    /// The download begins.
    Fetching {
        /// Size of the library, unpacked.
        bytes: u64,
    },
}

impl fmt::Display for LibraryEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LibraryEvent::Damaged(path) => {
                write!(f, "{}: not whole, fetching it anew", path.display())
            }
            LibraryEvent::Waiting => {
                f.write_str("another process is fetching ONNX Runtime, waiting")
            }
            LibraryEvent::Fetching { bytes } => write!(
                f,
                "fetching ONNX Runtime {VERSION} ({}) through pip, once",
                cutpoint_core::units::Bytes(*bytes)
            ),
        }
    }
}

/// Why there is no library; each message says what to do.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum LibraryError {
    /// The variable is set to something else than a readable file.
    #[error(
        "{VARIABLE} names `{path}`, which is not a file that can be read ({reason}); \
         correct the path, or unset the variable to let cutpoint fetch ONNX Runtime itself"
    )]
    Variable { path: PathBuf, reason: String },
    /// There is no wheel for this platform.
    #[error(
        "no ONNX Runtime can be fetched for {platform}; build or install it yourself and set \
         {VARIABLE} to its shared library"
    )]
    Unsupported { platform: String },
    /// The wheel would not load here.
    #[error(
        "ONNX Runtime {VERSION} needs glibc 2.28 and this system has {found}; use a newer system, \
         or set {VARIABLE} to a library built for this one"
    )]
    OldGlibc { found: String },
    /// Neither `XDG_CACHE_HOME` nor `HOME` is set.
    #[error(
        "no place to keep ONNX Runtime: neither XDG_CACHE_HOME nor HOME is an absolute path; set \
         XDG_CACHE_HOME, or {VARIABLE} to a library you have"
    )]
    NoCache,
    /// The cache cannot be written or read.
    #[error(
        "{path}: {cause}; make the cache writable, set XDG_CACHE_HOME to a directory that is, or \
         set {VARIABLE} to a library you have"
    )]
    Cache { path: PathBuf, cause: io::Error },
    /// `python3` cannot be run.
    #[error(
        "ONNX Runtime is fetched with Python's pip, but `python3` cannot be run ({cause}); \
         install Python 3 with pip, or set {VARIABLE} to a library you have"
    )]
    NoPython { cause: io::Error },
    /// Python has no pip.
    #[error(
        "ONNX Runtime is fetched with Python's pip, which `python3` does not have; install it \
         (`apt install python3-pip` or `python3 -m ensurepip`), or set {VARIABLE} to a library \
         you have"
    )]
    NoPip,
    /// The package index cannot be reached, or is a mirror without the wheel.
    #[error(
        "ONNX Runtime {VERSION} is not on this machine, and the package index cannot be reached \
         or does not have it ({detail}); connect once and run `cutpoint runtime`, check \
         `python3 -m pip config list`, or set {VARIABLE} to a library copied from another machine"
    )]
    Offline { detail: String },
    /// The file is not the pinned one.
    #[error(
        "{what} is not the one published as ONNX Runtime {VERSION} (its SHA-256 differs) and was \
         not used; check the mirror in `python3 -m pip config list`, or set {VARIABLE} to a \
         library you trust"
    )]
    WrongHash { what: String },
    /// Anything else pip or Python stumbled over.
    #[error(
        "pip could not provide ONNX Runtime {VERSION}: {detail}; check \
         `python3 -m pip config list`, or set {VARIABLE} to a library you have"
    )]
    Pip { detail: String },
    /// The cached file changed since it was fetched.
    #[error("{path} was altered since it was fetched; delete it and run `cutpoint runtime`")]
    Altered { path: PathBuf },
}

pub(super) fn cache_error(path: &Path) -> impl Fn(io::Error) -> LibraryError {
    let path = path.to_owned();
    move |cause| LibraryError::Cache {
        path: path.clone(),
        cause,
    }
}

pub(super) fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => hash.update(&buffer[..n]),
        }
    }
    let digest = hash.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
