//! cutpoint finds where a multi-task neural network should be cut between an edge board and a
//! server.
//!
//! ```text
//! model.onnx --onnx--> Graph --runtime: measure--> Profile (edge, server)
//! Profile x 2 + Scenario --> Problem --solve--> Plan --onnx: cut--> edge.onnx + server.onnx
//! Profile, Plan, sweep --report--> SVG
//! sweep + Trace --replay--> what each way of choosing plans costs while the rate changes
//! ```
//!
//! # Architecture invariants
//!
//! - Imports point downwards: `units < syntax, graph < codec, link, task, trace < cuts, profile,
//!   plan, sensitivity, wire < scenario, server, replay < problem < candidates < onnx, runtime,
//!   dataset, solve, report < accuracy < cli`; of `onnx` to `report`, only `runtime` sees another: `onnx`.
//! - A [`graph::Graph`] never holds a time and a [`profile::Profile`] never holds a weight's value;
//!   they meet in `problem::Problem::new`, which checks the model's hash.
//! - One cost model: the solver's coefficients and `evaluate` come from the same tables, and
//!   [`solve`] returns only what `evaluate` confirms.
//! - A tensor that crosses is paid once, however many server layers read it. Nothing flows back to
//!   the edge but task results.
//! - The library never prints and never panics on input. The same inputs give the same bytes.

pub mod accuracy;
pub mod candidates;
pub mod codec;
pub mod cuts;
pub mod dataset;
pub mod graph;
pub mod link;
pub mod onnx;
pub mod plan;
pub mod problem;
pub mod profile;
pub mod replay;
pub mod report;
pub mod runtime;
pub mod scenario;
pub mod sensitivity;
pub mod server;
pub mod solve;
pub mod syntax;
pub mod task;
pub mod trace;
pub mod units;
pub mod wire;
