//! ONNX Runtime: its library, its one environment, the machine it runs on, and how long models take
//! there.
//!
//! Internal, no stability promise: use the crate `cutpoint`.
//!
//! [`library::find_or_fetch`] finds the shared library, and [`environment()`] loads it, once in a
//! process. A [`session::Session`] runs a model; [`probe::observe`] runs it once and reads it with
//! the types and shapes that the run had. [`profiler::profile`] is the whole measurement of a
//! profile: [`trace_model::trace_model`] finds the layers that the runtime fuses and times each,
//! [`schedule`] times real halves of chosen cuts, [`calibrate::fit`] brings the two together, and
//! [`memory`] measures peaks in processes of their own. [`halves::Bench::time_plans`] compares plans.

pub mod anchors;
pub mod board;
pub mod calibrate;
pub mod clock;
mod codecs;
pub mod compare_plans;
mod environment;
mod error;
pub mod groups;
pub mod halves;
pub mod library;
pub mod measure;
pub mod memory;
mod partial;
pub mod port;
pub mod probe;
mod proc;
pub mod profiler;
mod records;
mod request;
pub mod schedule;
pub mod session;
pub mod stats;
mod trace;
pub mod trace_model;
pub mod values;
pub mod verify;

pub use environment::{RuntimeError, environment, providers};
pub use error::RunError;
pub use ort::environment::Environment;
