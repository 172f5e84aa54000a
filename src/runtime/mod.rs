//! Measuring with ONNX Runtime.

pub mod calibrate;
