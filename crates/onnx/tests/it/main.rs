//! The tests of `cutpoint-onnx`, one program.

// helpers of tests may fail as loudly as tests
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod cut;
mod external_data;
mod load;
mod plan_cut;
mod reading;
