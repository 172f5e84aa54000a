//! The program, run as a user runs it.

// helpers of tests may fail as loudly as tests
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod accuracy;
mod accuracy_maps;
mod annotate;
mod bad_models;
mod bad_profiles;
mod browser;
mod dataset;
mod demo;
mod deploy;
mod docs_commands;
mod explain;
mod interrupt;
mod output;
mod plan;
mod plan_accuracy;
mod plan_measure;
mod plan_models;
mod plan_refine;
mod plan_spread;
mod profile;
mod profile_by_hand;
mod profile_exchange;
mod replay;
mod report;
mod report_compare;
mod report_model;
mod report_page;
mod report_tables;
mod run_files;
mod runtime;
mod sandbox;
mod shell;
mod soak;
mod split;
mod sweep_limit;
mod test_dir;
mod wrong_files;
