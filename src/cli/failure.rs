//! Exit codes, and errors that know theirs.

use std::fmt;

/// Why the program ends without the answer; the value is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Anything without a kind of its own.
    Other = 1,
    /// Arguments that make no sense.
    Usage = 2,
    /// No plan meets the limits.
    NoPlan = 3,
    /// A bad model, profile or data set.
    BadInput = 4,
    /// Ctrl-C.
    Interrupted = 130,
}

/// An error with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    source: anyhow::Error,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.source)
    }
}

impl std::error::Error for Failure {}

impl Kind {
    /// Wraps `error` so that the program ends with this kind's code.
    pub(crate) fn of(self, error: impl Into<anyhow::Error>) -> anyhow::Error {
        anyhow::Error::new(Failure {
            kind: self,
            source: error.into(),
        })
    }

    /// The kind attached to `error`, if any.
    pub(crate) fn find(error: &anyhow::Error) -> Kind {
        error
            .chain()
            .find_map(|cause| cause.downcast_ref::<Failure>())
            .map_or(Kind::Other, |failure| failure.kind)
    }
}

/// Attaches an exit code to the error of a result.
pub(crate) trait OrFail<T> {
    fn or_fail(self, kind: Kind) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_fail(self, kind: Kind) -> anyhow::Result<T> {
        self.map_err(|error| kind.of(error))
    }
}
