//! Scenarios, the cost model and the exact solvers of cutpoint.
//!
//! Internal, no stability promise: use the crate `cutpoint`.

pub mod problem;
pub mod replay;
pub mod scenario;
pub mod select;
pub mod server;
pub mod solve;
