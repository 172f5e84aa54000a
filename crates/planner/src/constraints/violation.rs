//! What breaks limits.

use super::limit::Limit;
use crate::cost::placement::Misplaced;

/// Why a placement is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// It is no placement.
    #[error(transparent)]
    Misplaced(#[from] Misplaced),
    /// A limit with an amount is exceeded.
    #[error("{limit}: needs {}, the limit is {}", limit.amount(*needs), limit.amount(*allows))]
    Exceeds {
        /// The limit.
        limit: Limit,
        /// What the placement needs.
        needs: i64,
        /// What the limit allows.
        allows: i64,
    },
    /// What an encoding costs a task whose accuracy is limited is not known.
    #[error("{0}: what the encodings cost this task was not measured")]
    Unmeasured(Limit),
    /// Another limit is broken.
    #[error("{0} is broken")]
    Breaks(Limit),
}

impl Violation {
    /// The limit that is broken, if it is one that can be lifted.
    pub fn limit(&self) -> Option<&Limit> {
        match self {
            Violation::Exceeds { limit, .. }
            | Violation::Breaks(limit)
            | Violation::Unmeasured(limit) => Some(limit),
            _ => None,
        }
    }
}
