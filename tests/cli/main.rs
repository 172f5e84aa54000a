//! The program, run as a user runs it.

// helpers of tests may fail as loudly as tests
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod accuracy_cli;
mod accuracy_maps;
mod annotate_cli;
mod browser_support;
mod cli_models;
mod cli_output;
mod cli_plan;
mod cli_profile;
mod dataset_shapes;
mod demo;
mod docs_commands;
mod explain_cli;
mod models_cli;
mod page_browser;
mod plan_accuracy;
mod plan_cli;
mod plan_measure;
mod plan_refine;
mod plan_spread;
mod profile_by_hand;
mod profile_exchange;
mod replay_cli;
mod report_cli;
mod report_compare;
mod report_model_cli;
mod report_tables;
mod runtime_library;
mod sandbox;
mod split_cli;
mod sweep_over_cli;
mod test_dir;
