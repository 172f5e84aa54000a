//! Fetches the official wheel of ONNX Runtime through the user's own pip, and unpacks one file.
//!
//! pip brings what a downloader of our own would lack: the user's mirrors, proxies, certificates
//! and credentials. The platform tags are given explicitly, so the version of Python does not
//! matter: the shared library in all wheels of a platform is the same file.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::error::{LibraryError, LibraryEvent, VERSION, cache_error, sha256};
use cutpoint_core::temporary::Registered;

/// A published wheel, pinned by hash.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wheel {
    /// The machine in the platform tag.
    pub(super) machine: &'static str,
    pub(super) sha256: &'static str,
    pub(super) library_sha256: &'static str,
    pub(super) library_bytes: u64,
}

pub(super) const WHEELS: [Wheel; 2] = [
    Wheel {
        machine: "x86_64",
        sha256: "1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536",
        library_sha256: "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3",
        library_bytes: 29_352_200,
    },
    Wheel {
        machine: "aarch64",
        sha256: "0b9a492176886992e0e875f06bc0367e333f5fff11711a2d642e18b02f3009cc",
        library_sha256: "8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467",
        library_bytes: 25_265_040,
    },
];

/// Oldest glibc the wheels load with.
const GLIBC: (u32, u32) = (2, 28);

/// Prints such as `glibc 2.36`, or nothing where the question makes no sense.
const GLIBC_SCRIPT: &str = "
import os
try:
    print(os.confstr('CS_GNU_LIBC_VERSION') or '')
except (AttributeError, ValueError, OSError):
    pass
";

/// Copies one member of an archive to a path of our choice, so no name in it can lead elsewhere.
const UNPACK_SCRIPT: &str = "
import shutil, sys, zipfile
archive, member, target = sys.argv[1:]
with zipfile.ZipFile(archive) as wheel, wheel.open(member) as source, open(target, 'wb') as out:
    shutil.copyfileobj(source, out, 1 << 20)
";

/// Returns the wheel for the machine this program was built for.
pub(super) fn wheel() -> Option<&'static Wheel> {
    let linux = cfg!(all(target_os = "linux", target_env = "gnu"));
    WHEELS
        .iter()
        .find(|wheel| linux && wheel.machine == std::env::consts::ARCH)
}

/// Such as `macos on x86_64`, for messages.
pub(super) fn platform() -> String {
    let musl = if cfg!(target_env = "musl") {
        " (musl)"
    } else {
        ""
    };
    format!(
        "{}{musl} on {}",
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

impl Wheel {
    /// Returns the name of everything in the cache that belongs to this wheel.
    pub(super) fn name(&self) -> String {
        format!("onnxruntime-{VERSION}-{}", self.machine)
    }

    /// Path of the library in the cache.
    pub(super) fn path_in(&self, cache: &Path) -> PathBuf {
        cache
            .join(self.name())
            .join(format!("libonnxruntime.so.{VERSION}"))
    }
}

/// Fetches the library of `wheel` to its place under `cache`. The caller holds the lock.
pub(super) fn into_cache(
    wheel: &Wheel,
    cache: &Path,
    notify: &mut dyn FnMut(LibraryEvent),
) -> Result<(), LibraryError> {
    let prefix = format!("{}.part-", wheel.name());
    remove_leftovers(cache, &prefix);
    let work = tempfile::Builder::new()
        .prefix(&prefix)
        .tempdir_in(cache)
        .map_err(cache_error(cache))?;
    let work = work.path();
    let _registered = Registered::new(work);
    check_glibc(work)?;
    notify(LibraryEvent::Fetching {
        bytes: wheel.library_bytes,
    });
    let archive = download(wheel, work)?;
    let unpacked = unpack(&archive, work)?;
    if sha256(&unpacked).map_err(cache_error(&unpacked))? != wheel.library_sha256 {
        return Err(LibraryError::WrongHash {
            what: "the library in the wheel".to_owned(),
        });
    }
    publish(&unpacked, &wheel.path_in(cache))
}

/// Directories of processes that were killed; nobody else fetches while we hold the lock.
fn remove_leftovers(cache: &Path, prefix: &str) {
    let entries = std::fs::read_dir(cache).into_iter().flatten().flatten();
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            // what cannot be removed only takes space
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn check_glibc(work: &Path) -> Result<(), LibraryError> {
    let output = python(work, ["-c", GLIBC_SCRIPT])?;
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match glibc_version(&found) {
        Some(version) if version < GLIBC => Err(LibraryError::OldGlibc { found }),
        _ => Ok(()),
    }
}

fn glibc_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("glibc ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn download(wheel: &Wheel, work: &Path) -> Result<PathBuf, LibraryError> {
    let requirements = work.join("requirements.txt");
    let line = format!("onnxruntime=={VERSION} --hash=sha256:{}\n", wheel.sha256);
    std::fs::write(&requirements, line).map_err(cache_error(&requirements))?;
    let platform = format!("manylinux_2_28_{}", wheel.machine);
    #[rustfmt::skip]
    let arguments = [
        "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check",
        "--no-deps", "--only-binary=:all:", "--python-version", "3.12",
        "--implementation", "cp", "--abi", "cp312", "--platform", &platform,
        "--require-hashes", "-r", "requirements.txt", "-d", ".",
    ];
    let output = python(work, arguments)?;
    if !output.status.success() {
        return Err(explain(&String::from_utf8_lossy(&output.stderr)));
    }
    let archive = work.join(format!("onnxruntime-{VERSION}-cp312-cp312-{platform}.whl"));
    if archive.is_file() {
        return Ok(archive);
    }
    Err(LibraryError::Pip {
        detail: "pip reported success but left no wheel".to_owned(),
    })
}

fn unpack(archive: &Path, work: &Path) -> Result<PathBuf, LibraryError> {
    let member = format!("onnxruntime/capi/libonnxruntime.so.{VERSION}");
    let target = work.join("library");
    let arguments = [
        OsStr::new("-c"),
        UNPACK_SCRIPT.as_ref(),
        archive.as_os_str(),
        member.as_ref(),
        target.as_os_str(),
    ];
    let output = python(work, arguments)?;
    if output.status.success() {
        return Ok(target);
    }
    Err(LibraryError::Pip {
        detail: last_line(&String::from_utf8_lossy(&output.stderr)),
    })
}

/// Moves the finished file to where others look, in one step. It is on the disk before it has its
/// name, so that a power cut leaves no empty file of the right length.
fn publish(file: &Path, target: &Path) -> Result<(), LibraryError> {
    let error = cache_error(target);
    let steps = || -> io::Result<()> {
        File::open(file)?.sync_all()?;
        if let Some(directory) = target.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::rename(file, target)
    };
    steps().map_err(error)
}

/// Runs Python in `work`, so that no module of the user's directory is imported by accident.
fn python<S: AsRef<OsStr>>(
    work: &Path,
    arguments: impl IntoIterator<Item = S>,
) -> Result<Output, LibraryError> {
    Command::new("python3")
        .args(arguments)
        .current_dir(work)
        .stdin(Stdio::null())
        .output()
        .map_err(|cause| LibraryError::NoPython { cause })
}

/// Turns what pip printed into an error with a remedy.
fn explain(stderr: &str) -> LibraryError {
    // the most telling first; without a retry, pip does not say why an index gave nothing
    const UNREACHABLE: [&str; 9] = [
        "NewConnectionError",
        "NameResolutionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ProxyError",
        "SSLError",
        "ProtocolError",
        "Connection broken",
        "No matching distribution found",
    ];
    if stderr.contains("No module named pip") {
        return LibraryError::NoPip;
    }
    if stderr.contains("DO NOT MATCH THE HASHES") {
        return LibraryError::WrongHash {
            what: "the wheel pip was given".to_owned(),
        };
    }
    if let Some(detail) = UNREACHABLE.iter().find(|name| stderr.contains(**name)) {
        return LibraryError::Offline {
            detail: (*detail).to_owned(),
        };
    }
    LibraryError::Pip {
        detail: last_line(stderr),
    }
}

fn last_line(text: &str) -> String {
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.map_or("it said nothing", |line| {
        line.trim().trim_start_matches("ERROR: ")
    })
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pip_says_becomes_a_remedy() {
        let offline = "WARNING: Retrying (Retry(total=0)) after connection broken by \
            'NewConnectionError('<...>: Failed to establish a new connection')'\n\
            ERROR: Could not find a version that satisfies the requirement\n";
        assert!(matches!(explain(offline), LibraryError::Offline { .. }));
        assert!(matches!(
            explain("/usr/bin/python3: No module named pip\n"),
            LibraryError::NoPip
        ));
        assert!(matches!(
            explain("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."),
            LibraryError::WrongHash { .. }
        ));
        assert!(matches!(
            explain("ERROR: No matching distribution found for onnxruntime==1.31.1\n"),
            LibraryError::Offline { .. }
        ));
        let other = explain("WARNING: x\nERROR: [Errno 28] No space left on device\n\n");
        let message = other.to_string();
        assert!(
            message.contains(": [Errno 28] No space left on device; "),
            "{message}"
        );
    }

    #[test]
    fn glibc_versions_compare_as_numbers() {
        assert_eq!(glibc_version("glibc 2.36"), Some((2, 36)));
        assert!(glibc_version("glibc 2.9").unwrap() < GLIBC);
        assert!(glibc_version("glibc 2.28").unwrap() >= GLIBC);
        assert_eq!(glibc_version(""), None);
        assert_eq!(glibc_version("musl 1.2"), None);
    }
}
