//! The tests of `cutpoint-onnx`, one program.

// helpers of tests may fail as loudly as tests
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod onnx_cut;
mod onnx_external;
mod onnx_load;
mod onnx_read;
mod plan_cut;
