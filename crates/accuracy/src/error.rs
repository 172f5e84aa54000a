//! Errors of measuring accuracy.

use crate::dataset::DataError;
use cutpoint_core::codec_accuracy::CodecAccuracyError;
use cutpoint_core::graph::GraphError;
use cutpoint_onnx::OnnxError;
use cutpoint_planner::problem::ProblemError;
use cutpoint_runtime::RunError;

/// Why accuracy cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum AccuracyError {
    /// The data set, or what describes it for the model.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model does not run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The model cannot be cut.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// A name that the model does not have.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The profile or the server cannot be used.
    #[error(transparent)]
    Problem(#[from] ProblemError),
    /// An accuracy file.
    #[error(transparent)]
    File(#[from] CodecAccuracyError),
    /// Model and data do not fit, or not what was asked of them.
    #[error("{0}")]
    Misfit(String),
    /// The caller asked to stop; what was measured is saved.
    #[error("interrupted")]
    Interrupted,
}
