//! What users see, byte for byte.
//!
//! The program runs as a child in a folder of its own, and its exit code, its output and the files
//! it writes are compared with those in `snapshots/`. Nothing there depends on the machine: what is
//! planned, drawn and listed comes from the examples, and from profiles of the two bundled models
//! that were measured once and are kept in `profiles/`. Only the time a solver took is left out.
//!
//! A difference is reviewed and accepted with `INSTA_UPDATE=always cargo test --test golden`, then
//! `git diff`; with `CI` set, nothing is written.

// helpers of tests may fail as loudly as tests
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod annotate;

mod errors;
mod exchange;
mod explain;
mod help;
mod limits;
mod models;
mod plan;
mod replay;
mod report;
mod settings;
mod sweep;
mod test_dir;
