//! Why solving ends without an answer.

use crate::problem::ProblemError;
use crate::scenario::Key;
use cutpoint_core::plan::NoPlan;
use cutpoint_core::quantity::Quantity;

/// Why there is neither a plan nor a proof that there is none.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SolveError {
    /// The solver gave up before it found a plan.
    #[error("no plan found: {0}; allow more time, or relax a limit")]
    Stopped(String),
    /// A sweep over deadlines that decide about the order of work, too.
    #[error(
        "deadlines decide in which order heads run under {schedule} overlap, so they cannot be \
         swept over: plan at single deadlines instead, or leave {schedule} out",
        schedule = Key::SCHEDULE
    )]
    OrderVaries,
    /// A sweep over deadlines that are goals.
    #[error(
        "under lateness as an objective deadlines are goals, not limits, so they cannot be swept \
         over: choose another {key}, such as latency",
        key = Key::OBJECTIVE
    )]
    Goals,
    /// A sweep over the deadlines of no task.
    #[error(
        "no task is without a deadline of its own: name one, as in {} {}:TASK=A..B",
        Key::OVER,
        Quantity::Deadline
    )]
    NoTask,
    /// Limits that cannot be resolved at an amount.
    #[error(transparent)]
    Problem(std::sync::Arc<ProblemError>),
    /// No plan meets the limits at any rate.
    #[error("no plan meets the limits")]
    Infeasible(Box<NoPlan>),
}
