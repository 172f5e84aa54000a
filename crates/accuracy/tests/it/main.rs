//! The tests of `cutpoint-accuracy`, one program.

// helpers of tests may fail as loudly as tests
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod dataset_preprocessing;
mod dataset_reading;
mod drops;
mod intervals;
