//! When an answer has to be there.

use std::time::{Duration, Instant};

/// What is said of an answer that was not finished in time.
pub(crate) const LATE: &str = "the time is over";

/// The moment by which the whole answer has to be there, if there is one. Whatever takes part in the
/// answer gets the same.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// No such moment.
    pub const NEVER: Deadline = Deadline(None);

    /// So long after now; never where that cannot be told.
    pub fn after(time: Duration) -> Deadline {
        Deadline(Instant::now().checked_add(time))
    }

    /// The time that is left.
    pub fn left(self) -> Duration {
        match self.0 {
            Some(at) => at.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        }
    }

    /// Whether no time is left.
    pub fn is_over(self) -> bool {
        self.0.is_some_and(|at| Instant::now() >= at)
    }

    /// Whether there is no such moment.
    pub fn is_never(self) -> bool {
        self.0.is_none()
    }

    /// The earlier of two.
    #[must_use]
    pub fn or_sooner(self, other: Deadline) -> Deadline {
        match (self.0, other.0) {
            (Some(own), Some(other)) => Deadline(Some(own.min(other))),
            (own, other) => Deadline(own.or(other)),
        }
    }
}
