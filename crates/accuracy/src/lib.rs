//! What codecs cost in accuracy, measured on data: the file `<model>.accuracy.toml`.
//!
//! [`Evaluation::open`] runs the whole model on the samples. [`measure`] then takes single tensors
//! out, encodes and decodes them by the operators of the real halves, and finds what that costs
//! each task; [`Evaluation::measure_whole_plan`] measures a plan as a whole.

mod calibrate;
mod candidates;
pub mod dataset;
mod error;
pub mod estimate;
mod evaluation;
mod measurement;
mod metric;
mod parallel;
mod racing;
mod samples;
mod splice;
mod stopping;
mod trial;
mod whole_plan;

pub use candidates::{all_codecs, tensors};
pub use error::AccuracyError;
pub use evaluation::{Evaluation, Subject};
pub use measurement::{
    AccuracyObserver, AccuracyProgress, AccuracyReport, AccuracyRequest, measure,
};
pub use racing::Priority;
pub use samples::{SampleChoice, Samples};
pub use trial::PartialAccuracy;
pub use whole_plan::WholePlan;
