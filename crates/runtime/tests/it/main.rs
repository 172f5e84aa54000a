//! The tests of `cutpoint-runtime`, one program.

// helpers of tests may fail as loudly as tests
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod codecs;
mod environment;
mod halves;
mod quantised;
