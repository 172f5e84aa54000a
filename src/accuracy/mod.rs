//! What codecs cost in accuracy, measured on data: the file `<model>.accuracy.toml`.

mod error;
pub mod estimate;
mod evaluation;
mod joint;
mod meter;
mod parallel;
mod samples;
mod tap;

pub use error::AccuracyError;
pub use evaluation::{Evaluation, Subject};
pub use joint::JointRequest;
pub use samples::{Choice, Samples};
