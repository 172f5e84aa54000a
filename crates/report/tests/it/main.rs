//! The tests of `cutpoint-report`, one program.

// helpers of tests may fail as loudly as tests
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod boards;
mod codecs;
mod cumulative;
mod cuts;
mod figures;
mod halves;
mod layers;
mod limit_sweep;
mod map;
mod network;
mod page;
mod pareto;
mod rate;
mod roofline;
mod timeline;
mod tradeoff;
mod verification;
