//! The tests of `cutpoint-deploy`, one program.

// helpers of tests may fail as loudly as tests
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod faults;
mod frames;
mod link_probe;
mod served;
mod splits;
mod verified;
