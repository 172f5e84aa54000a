//! What codecs cost in accuracy, measured on data: the file `<model>.accuracy.toml`.
//!
//! Internal, no stability promise: use the crate `cutpoint`.
//!
//! A [`dataset::DataSet`] and the [`dataset::Preprocessing`] beside a model give [`Samples`].
//! [`Evaluation::open`] runs the whole model on them. [`measure`] then takes single tensors out,
//! encodes and decodes them with the operators of the real halves, and finds what that costs each
//! task. Racing decides where samples are spent: on codecs that a plan might choose and whose drop
//! is still in doubt. [`Evaluation::measure_whole_plan`] measures a plan as a whole, and [`refine`]
//! measures plans before they are believed.

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
pub mod refine;
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
