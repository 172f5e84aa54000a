//! The trade between latency and what a limit is about, at one rate.
//!
//! The fastest plan uses so much; the next one must use less: the epsilon-constraint method
//! (Haimes, Lasdon and Wismer, IEEE SMC 1971), exact because what limits are about is whole
//! numbers.

use std::mem::discriminant;

use crate::engines::solve_at;
use crate::problem::varied::with_objective;
use crate::problem::{Cost, Limit, ObjectiveFunction, Problem};
use crate::scenario::Objective;
use crate::solve::{Options, SolveError};
use cutpoint_core::graph::LayerSet;

/// Plans after which the rest, those that use least, are left out.
const MOST_PLANS: usize = 60;

/// The placements that no other beats both in latency and in what is used of a limit.
#[derive(Debug, Clone)]
pub struct ParetoFront {
    /// From the least use to the least latency.
    pub steps: Vec<ParetoPoint>,
    /// Whether slower ones that use less are missing.
    pub is_cut_short: bool,
    /// Whether no better placements exist; else these are the best that were found.
    pub is_proven: bool,
}

impl ParetoFront {
    /// The placements with what they cost.
    pub fn placements(&self) -> Vec<(&LayerSet, &Cost)> {
        let steps = self.steps.iter();
        steps.map(|step| (&step.edge, &step.cost)).collect()
    }
}

/// A placement of a [`ParetoFront`].
#[derive(Debug, Clone)]
pub struct ParetoPoint {
    /// Layers on the edge.
    pub edge: LayerSet,
    /// What that costs.
    pub cost: Cost,
    /// Of the limit, in the unit of [`Limit::allows`].
    pub used: i64,
}

/// All placements that meet the limits and that no other of them beats both in latency and in what
/// is used of `of`, a limit of which there is one at most (not a deadline or a drop), and whose own
/// amount does not count. Empty when no plan meets the limits.
///
/// # Errors
/// [`SolveError::Stopped`].
pub fn pareto_front(
    problem: &Problem,
    of: &Limit,
    options: &Options,
) -> Result<ParetoFront, SolveError> {
    let time_per_bit = problem.time_per_bit();
    let mut steps: Vec<ParetoPoint> = Vec::new();
    let mut allowed = None;
    let (mut is_cut_short, mut is_proven) = (true, true);
    while steps.len() < MOST_PLANS {
        let tighter = allowed.map(|most| of.allowing(most));
        // the scenario's own limit allows more
        let replaced =
            |limit: &&Limit| tighter.is_some() && discriminant(*limit) == discriminant(of);
        let others = problem.limits().iter().filter(|limit| !replaced(limit));
        let limits = others.cloned().chain(tighter.clone()).collect();
        let limited = with_objective(
            &problem.with_limits(limits),
            ObjectiveFunction::Scenario(Objective::Latency),
        );
        let found = solve_at(&limited, time_per_bit, options)?;
        let used = found.and_then(|best| {
            let used = limited.used(of, &best.edge, &best.cost)?;
            Some((best, used))
        });
        let Some((best, used)) = used else {
            is_cut_short = false;
            break;
        };
        is_proven &= best.is_proven();
        // as fast and uses less; faster even, where what was found before is not proven
        let latency = best.cost.scaled(time_per_bit);
        let beaten = |step: &ParetoPoint| step.cost.scaled(time_per_bit) >= latency;
        while steps.last().is_some_and(beaten) {
            steps.pop();
        }
        steps.push(ParetoPoint {
            edge: best.edge,
            cost: best.cost,
            used,
        });
        if used <= 0 {
            is_cut_short = false;
            break;
        }
        allowed = Some(used - 1);
    }
    steps.reverse();
    Ok(ParetoFront {
        steps,
        is_cut_short,
        is_proven,
    })
}
