//! The tests of `cutpoint-planner`, one program.

// helpers of tests may fail as loudly as tests
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod explain_exact;
mod joint_optimum;
mod models_choose;
mod plan_servers;
mod replay;
mod solver_exact;
mod solver_front;
mod solver_large;
mod solver_objectives;
mod sweep_limit;
mod time_budget;
