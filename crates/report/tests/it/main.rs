//! The tests of `cutpoint-report`, one program.

// helpers of tests may fail as loudly as tests
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod figures;
mod report_boards;
mod report_codecs;
mod report_cumulative;
mod report_cuts;
mod report_halves;
mod report_layers;
mod report_map;
mod report_network;
mod report_over;
mod report_page;
mod report_pareto;
mod report_rate;
mod report_roofline;
mod report_timeline;
mod report_tradeoff;
