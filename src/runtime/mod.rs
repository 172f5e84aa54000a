//! ONNX Runtime: where its library is, the one environment it runs in, and the machine it runs on.

pub mod board;
pub mod clock;
mod environment;
mod fetch;
pub mod library;
mod proc;

pub use environment::{RuntimeError, environment, providers};
pub use ort::environment::Environment;
