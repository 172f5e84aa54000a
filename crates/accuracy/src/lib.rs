//! What codecs cost in accuracy, measured on data: the file `<model>.accuracy.toml`.
//!
//! [`Evaluation::open`] runs the whole model on the samples. [`measure`] then takes single tensors
//! out, encodes and decodes them by the operators of the real halves, and finds what that costs
//! each task; [`Evaluation::joint`] measures a plan as a whole.

mod calibrate;
mod campaign;
mod candidates;
mod contests;
pub mod dataset;
mod error;
pub mod estimate;
mod evaluation;
mod joint;
mod meter;
mod parallel;
mod samples;
mod tap;
mod tried;
mod verdict;

pub use campaign::{Observer, Progress, Report, Request, measure};
pub use candidates::{all_codecs, tensors};
pub use contests::Priority;
pub use error::AccuracyError;
pub use evaluation::{Evaluation, Subject};
pub use joint::JointRequest;
pub use samples::{Choice, Samples};
pub use tried::Partial;
