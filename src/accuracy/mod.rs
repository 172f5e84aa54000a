//! What codecs cost in accuracy, measured on data: the file `<model>.accuracy.toml`.

mod error;
pub mod estimate;
mod evaluation;
mod meter;
mod parallel;
mod samples;

pub use error::AccuracyError;
pub use evaluation::{Evaluation, Subject};
pub use samples::{Choice, Samples};
