//! Scenarios, the cost model and the exact solvers of cutpoint.
//!
//! Internal, no stability promise: use the crate `cutpoint`.

mod constraints;
mod cost;
mod engines;
pub mod explain;
mod objective;
pub mod parametric;
mod plan_writer;
pub mod planning;
mod presolve;
pub mod problem;
pub mod replay;
pub mod scenario;
mod schedule;
pub mod select;
pub mod server;
pub mod solve;
