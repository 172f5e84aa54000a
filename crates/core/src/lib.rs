//! Graphs, units, codecs, links, tasks, and the profile and plan formats of cutpoint.
//!
//! Internal, no stability promise: use the crate `cutpoint`.

pub mod codec;
pub mod codec_accuracy;
pub mod cuts;
pub mod graph;
pub mod link;
pub mod plan;
pub mod profile;
pub mod rate_trace;
pub mod syntax;
pub mod task;
pub mod units;
