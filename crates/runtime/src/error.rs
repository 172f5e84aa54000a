//! Errors of running a model.

use std::path::PathBuf;

use cutpoint_core::graph::GraphError;
use cutpoint_onnx::OnnxError;
use cutpoint_onnx::wire::WireError;

/// Why a model cannot be run or measured.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The runtime refuses the model.
    #[error("ONNX Runtime refuses the model: {message}; `cutpoint runtime` shows its version")]
    Session {
        /// The runtime's own message, first line.
        message: String,
    },
    /// A run failed.
    #[error("ONNX Runtime failed while running the model: {message}")]
    Run {
        /// The runtime's own message, first line.
        message: String,
    },
    /// The runtime's trace cannot be read.
    #[error("the runtime's trace is not understood: {message}")]
    Trace {
        /// The cause.
        message: String,
    },
    /// A model input cannot be made up.
    #[error("input `{name}`: {message}")]
    Input {
        /// Name of the input.
        name: String,
        /// The cause and the remedy.
        message: String,
    },
    /// The model leaves dimensions of its inputs open.
    #[error("{inputs}: state every open dimension, such as with {flags}")]
    OpenShapes {
        /// The inputs and their declared shapes.
        inputs: String,
        /// Flags that would fix them, to be copied.
        flags: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: std::io::Error,
    },
    /// The model is bad.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// A message cannot be made or undone.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Tables that contradict one another.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The two halves do not give what the whole gives.
    #[error("{0}")]
    Mismatch(String),
    /// The user asked to stop; what was measured is saved.
    #[error("interrupted")]
    Interrupted,
}
