//! What can be wrong with a profile.

use std::path::PathBuf;

/// What can be wrong with a profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read or written.
    #[error("{path}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: std::io::Error,
    },
    /// The text is not TOML of this format.
    #[error("{path}: not a profile: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The cause, with line and column.
        message: String,
    },
    /// The tables contradict one another.
    #[error("{path}: {message}; measure again with `cutpoint profile`")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, naming the entry.
        message: String,
    },
    /// A profile written by hand lacks or contradicts something.
    #[error("{path}: {message}")]
    ByHand {
        /// The file.
        path: PathBuf,
        /// What is wrong, naming the place.
        message: String,
    },
}
