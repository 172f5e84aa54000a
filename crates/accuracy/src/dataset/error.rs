//! What can be wrong with a data set.

use std::io::Error;
use std::path::{Path, PathBuf};

/// Why a data set cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file cannot be read.
    #[error("{}: cannot read ({cause})", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: Error,
    },
    /// A file or folder cannot be written.
    #[error("{}: cannot write ({cause}): choose another place, or make room", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: Error,
    },
    /// A data set would be overwritten.
    #[error(
        "{} exists already: choose another folder, or add --force to replace the data set there",
        path.display()
    )]
    Exists {
        /// The first file that would be lost.
        path: PathBuf,
    },
    /// A file holds what it must not.
    #[error("{}{}: {problem}", path.display(), after_comma(place))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Row, column or key; may be empty.
        place: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// An image does not fit.
    #[error("{origin}: {problem}")]
    Image {
        /// Its file, or the array's with the row.
        origin: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A request that makes no sense.
    #[error("{0}")]
    Request(String),
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl DataError {
    /// For `map_err` on reading.
    pub(super) fn read(path: &Path) -> impl Fn(Error) -> DataError + '_ {
        move |cause| DataError::Read {
            path: path.to_owned(),
            cause,
        }
    }

    /// Returns the error for what a file holds.
    pub(super) fn invalid(path: &Path, place: &str, problem: impl Into<String>) -> DataError {
        DataError::Invalid {
            path: path.to_owned(),
            place: place.to_owned(),
            problem: problem.into(),
        }
    }

    /// For `map_err` on writing.
    pub(super) fn write(path: &Path) -> impl Fn(Error) -> DataError + '_ {
        move |cause| DataError::Write {
            path: path.to_owned(),
            cause,
        }
    }
}

fn after_comma(place: &str) -> String {
    match place {
        "" => String::new(),
        place => format!(", {place}"),
    }
}
