//! Scenarios, the cost model and the exact solvers of cutpoint.
//!
//! Internal, no stability promise: use the crate `cutpoint`.

pub mod candidates;
pub mod problem;
pub mod replay;
pub mod scenario;
pub mod server;
pub mod solve;
