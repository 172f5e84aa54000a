//! Graphs, units, codecs, links, tasks, and the profile and plan formats of cutpoint.
//!
//! Internal, no stability promise: use the crate `cutpoint`.
//!
//! A [`graph::Graph`] is a model as layers and the tensors between them; [`cuts`] are the places
//! where it can be split, and a [`task::Task`] names the outputs that belong together. A
//! [`codec::Codec`] says how a tensor is sent over a [`link::Link`], and
//! [`codec_accuracy::CodecAccuracy`] what that costs each task. A [`profile::Profile`] holds the times
//! of a graph on one board; a planner turns two of them into a [`plan::Plan`]. All of it is data with
//! its own file formats; sizes, rates and times are the newtypes of [`units`]. Nothing here solves,
//! measures or runs a model.

pub mod codec;
pub mod codec_accuracy;
pub mod contents;
pub mod cuts;
pub mod file_kind;
pub mod graph;
pub mod link;
pub mod plan;
pub mod profile;
pub mod quantity;
pub mod rate_trace;
pub mod server_ref;
pub mod syntax;
pub mod task;
pub mod temporary;
pub mod units;
