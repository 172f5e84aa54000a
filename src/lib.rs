//! cutpoint finds where a multi-task neural network should be cut between an edge board and a
//! server.
//!
//! ```text
//! model.onnx --onnx--> Graph --runtime: measure--> Profile (edge, server)
//! Profile x 2 + Scenario --> Problem --solve--> Plan --onnx: cut--> edge.onnx + server.onnx
//! Profile, Plan, sweep --report--> SVG
//! sweep + RateTrace --replay--> what each way of choosing plans costs while the rate changes
//! ```
//!
//! # Crates
//!
//! `cutpoint-core` holds the nouns (graph, codec, link, task, profile, plan), `cutpoint-planner`
//! solves, `cutpoint-onnx` reads and cuts models, `cutpoint-runtime` measures them,
//! `cutpoint-accuracy` finds what codecs cost, `cutpoint-report` draws.
