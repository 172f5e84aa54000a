//! The tests of `cutpoint-runtime`, one program.

// helpers of tests may fail as loudly as tests
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod halves;
mod onnx_codecs;
mod onnx_quantised;
mod runtime_environment;
