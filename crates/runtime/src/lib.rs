//! ONNX Runtime: where its library is, the one environment it runs in, the machine it runs on, and
//! how long models take there.

pub mod anchors;
pub mod board;
pub mod calibrate;
pub mod clock;
mod codecs;
pub mod compare_plans;
mod environment;
mod error;
mod fetch;
pub mod groups;
pub mod halves;
pub mod library;
pub mod measure;
pub mod memory;
pub mod probe;
mod proc;
pub mod profiler;
mod records;
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
