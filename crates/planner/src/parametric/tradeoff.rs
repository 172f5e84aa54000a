//! Every plan that is best for some limit on the drop in accuracy, at one rate.
//!
//! The fastest plan under a limit loses so much; the next one loses less: the epsilon-constraint
//! method (Haimes, Lasdon and Wismer, IEEE SMC 1971), exact because drops are whole numbers.

use crate::engines::solve_at;
use crate::planning::write;
use crate::problem::Problem;
use crate::problem::varied::with_drops_up_to;
use crate::solve::{Options, SolveError};
use cutpoint_core::plan::Plan;

/// Larger than any drop that a plan is worth, in millionths.
const ANY_DROP: i64 = 1_000_000_000;
/// Plans after which the rest, those that lose least, are left out.
const MOST_PLANS: usize = 200;

/// The plans that no other beats both in latency and in the drop of the task that loses most, from
/// the least drop to the least latency. Limits on accuracy are set aside, all others hold. Empty
/// when no plan meets those.
///
/// # Errors
/// [`SolveError::Stopped`].
pub fn tradeoff(problem: &Problem, options: &Options) -> Result<Vec<Plan>, SolveError> {
    let time_per_bit = problem.time_per_bit();
    let mut plans: Vec<(i128, Plan)> = Vec::new();
    let mut allowed = ANY_DROP;
    while plans.len() < MOST_PLANS {
        let limited = with_drops_up_to(problem, allowed);
        let Some(best) = solve_at(&limited, time_per_bit, options)? else {
            break;
        };
        let tasks = 0..limited.tasks().len();
        let drop = |task| limited.model.drop(task, &best.edge, &best.cost.crossing);
        let worst = tasks.filter_map(drop).map(|drop| drop.worst).max();
        let latency = best.rank.objectives[0];
        // as fast and loses less
        if plans.last().is_some_and(|(before, _)| *before == latency) {
            plans.pop();
        }
        plans.push((latency, write(&limited, best, options)?));
        match worst {
            Some(worst) if worst > 0 => allowed = worst - 1,
            _ => break,
        }
    }
    Ok(plans.into_iter().rev().map(|(_, plan)| plan).collect())
}
