//! cutpoint finds where a multi-task neural network should be cut between an edge board and a
//! server.
//!
//! ```text
//! model.onnx --Model--> Graph --runtime: measure--> Profile (edge, server)
//! Profile x 2 + Scenario --> Problem --best_plan--> Plan --cut--> edge.onnx + server.onnx
//! Profile, Plan, Sweep --report--> SVG
//! ```
//!
//! # Example
//!
//! A plan from a profile, as in `examples/plan.rs`:
//!
//! ```
//! use cutpoint::{Link, Options, Outcome, Problem, Profile, Scenario, Server, best_plan};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let edge = Profile::load("profiles/examples/ladon.toml".as_ref())?;
//! let server = Server::faster(8.0);
//! let link = Link { rate: "20Mbit/s".parse()?, delay: "5ms".parse()?, down_rate: None };
//! let problem = Problem::new(&edge, &server, &Scenario::over(link))?;
//! let Outcome::Plan(plan) = best_plan(&problem, &Options::default())? else {
//!     panic!("there are no limits to break");
//! };
//! let crossing: Vec<&str> = plan.crossing.iter().map(|c| c.tensor.as_str()).collect();
//! println!("cut at {}: {:.1} ms", crossing.join(", "), plan.latency_ms);
//! # assert_eq!(crossing, ["bottleneck"]);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! Planning needs none of them.
//!
//! - `onnx`: reading and cutting ONNX models.
//! - `runtime`: measuring them with ONNX Runtime; has `onnx`.
//! - `accuracy`: what codecs cost in accuracy, measured on data; has `runtime`.
//! - `report`: figures and tables.
//! - `deploy`: running the halves over a network; has `runtime`.
//! - `cli`: the program `cutpoint`; has all the others but `deploy`, without which it lacks the commands that run
//!   a split.
//!
//! # Stability
//!
//! The names at the root are for use. The modules are the crates that cutpoint is made of, whole;
//! they change without notice.

pub use cutpoint_core::codec::Codec;
pub use cutpoint_core::link::Link;
pub use cutpoint_core::plan::{Plan, Sweep};
pub use cutpoint_core::profile::Profile;
pub use cutpoint_core::units::{BitRate, Delay};
pub use cutpoint_planner::parametric::sweep;
pub use cutpoint_planner::planning::{Outcome, best_plan};
pub use cutpoint_planner::problem::Problem;
pub use cutpoint_planner::scenario::{RateRange, Scenario};
pub use cutpoint_planner::server::Server;
pub use cutpoint_planner::solve::Options;

#[cfg(feature = "onnx")]
pub use cutpoint_onnx::{CutRequest, Halves, Model, cut};

#[cfg(feature = "accuracy")]
pub use cutpoint_accuracy as accuracy;
pub use cutpoint_core as core;
#[cfg(feature = "deploy")]
pub use cutpoint_deploy as deploy;
#[cfg(feature = "onnx")]
pub use cutpoint_onnx as onnx;
pub use cutpoint_planner as planner;
#[cfg(feature = "report")]
pub use cutpoint_report as report;
#[cfg(feature = "runtime")]
pub use cutpoint_runtime as runtime;
