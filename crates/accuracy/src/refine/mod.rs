//! Measured refinement: plans that are measured before they are believed.
//!
//! A plan rests on two models: that the drops of several tensors add up, and that the times of
//! layers add up to those of halves. [`Refinement`] measures what a plan really costs in accuracy,
//! so that one that misses a limit is ruled out and the next best can be planned.
//! [`LatencyTrials`] times the real halves of all plans that the prediction cannot tell from the
//! best, and chooses among them.

mod drops;
mod latency;
mod record;

use std::path::PathBuf;

use super::AccuracyError;
use cutpoint_onnx::plan::PlanError;
use cutpoint_onnx::show;
use cutpoint_planner::solve::SolveError;
use cutpoint_runtime::RunError;

pub use drops::{MeasuredPart, Refinement, RunnableModel, input_of};
pub use latency::{LatencyTrials, MOST_PLANS};

/// Why plans cannot be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefineError {
    /// A model cannot be evaluated on the data.
    #[error("{error}")]
    Evaluation {
        /// The model's file.
        path: PathBuf,
        /// The cause.
        error: Box<AccuracyError>,
    },
    /// A model, or one of its halves, does not run.
    #[error("{error}")]
    Run {
        /// The model's file.
        path: PathBuf,
        /// The cause.
        error: Box<RunError>,
    },
    /// A plan does not fit the model.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The solver gave up.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// A task that the model does not have.
    #[error(transparent)]
    Task(#[from] cutpoint_core::graph::GraphError),
    /// There is no place to keep what a plan of this model costs as a whole.
    #[error("there is no accuracy file for {name}")]
    NoAccuracy {
        /// The model's name among the inputs.
        name: String,
    },
    /// A plan is for a model that was not given.
    #[error("the plan is for {}, which was not given", show(file))]
    NoModel {
        /// The model's file name.
        file: String,
    },
    /// The data are not those that the accuracy file was measured on.
    #[error(
        "{}: the accuracy of {} was measured on other samples ({samples} of {}): measure it on \
         these with `cutpoint accuracy`",
        data.display(),
        path.display(),
        show(source_name)
    )]
    OtherSamples {
        /// The data set.
        data: PathBuf,
        /// The model's file.
        path: PathBuf,
        /// Samples that it was measured on.
        samples: u64,
        /// The data set that they were from.
        source_name: String,
    },
}
