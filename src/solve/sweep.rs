//! Every optimal plan over a range of rates, with exact switching rates.
//!
//! A plan's latency is a line in the pace (one over the rate), so the best latency is the lower
//! envelope of lines. Where the lines of the plans at two paces meet, solve again: either nothing
//! beats them there and this is where they switch, or a third plan does and both halves are looked
//! at in turn (Eisner and Severance, JACM 1976). m plans take 2 m - 1 solutions. The limits must
//! not depend on the rate, and those of [`Problem`] do not.

use super::optimum::{Optimum, optimum};
use super::{Options, SolveError, describe, explain};
use crate::plan::{FORMAT, Segment, Sweep};
use crate::problem::{Pace, Problem};
use crate::scenario::RateRange;
use crate::units::BitRate;

/// The best plan at every rate of a range.
///
/// # Errors
/// [`SolveError::Infeasible`] when no plan meets the limits, which does not depend on the rate;
/// [`SolveError::Stopped`].
pub fn sweep(problem: &Problem, rates: RateRange, options: &Options) -> Result<Sweep, SolveError> {
    let problem = problem.with_rate(rates.from);
    let plans = Envelope {
        problem: &problem,
        options,
    }
    .plans(rates)?;
    let mut segments: Vec<Segment> = Vec::new();
    let mut from = rates.from.bit_s();
    for (index, plan) in plans.iter().enumerate() {
        let to = match plans.get(index + 1) {
            Some(next) => switch(plan, next).clamp(from, rates.to.bit_s()),
            None => rates.to.bit_s(),
        };
        let last = index + 1 == plans.len();
        if let (true, Some(rate)) = (to > from || last, BitRate::from_bit_s(from)) {
            let there = problem.with_rate(rate);
            let mut best = plan.clone();
            best.bound = best.cost.scaled(there.pace());
            segments.push(Segment {
                from_bit_s: from,
                to_bit_s: to,
                latency: best.cost.line(),
                plan: describe(&there, best, options)?,
            });
        }
        from = to;
    }
    Ok(Sweep {
        format: FORMAT,
        baselines: problem.baseline_lines(problem.pace()),
        segments,
    })
}

struct Envelope<'a> {
    problem: &'a Problem,
    options: &'a Options,
}

impl Envelope<'_> {
    /// The plans on the envelope, slowest rate first.
    fn plans(&self, rates: RateRange) -> Result<Vec<Optimum>, SolveError> {
        let first = self.best(Pace::of(rates.from))?;
        let last = self.best(Pace::of(rates.to))?;
        let mut plans = vec![first.clone()];
        self.between(&first, &last, &mut plans)?;
        Ok(plans)
    }

    /// Adds the plans after `slow` up to and with `fast`.
    fn between(
        &self,
        slow: &Optimum,
        fast: &Optimum,
        plans: &mut Vec<Optimum>,
    ) -> Result<(), SolveError> {
        let Some(pace) = meeting(slow, fast) else {
            return Ok(());
        };
        let there = self.best(pace)?;
        if there.cost.scaled(pace) < slow.cost.scaled(pace) {
            self.between(slow, &there, plans)?;
            self.between(&there, fast, plans)
        } else {
            plans.push(fast.clone());
            Ok(())
        }
    }

    fn best(&self, pace: Pace) -> Result<Optimum, SolveError> {
        match optimum(self.problem, pace, self.options)? {
            Some(best) => Ok(best),
            None => {
                let none = explain::no_plan(self.problem, self.options)?;
                Err(SolveError::Infeasible(Box::new(none)))
            }
        }
    }
}

/// The pace at which two plans are equally fast; `None` when they are at all paces, or when the
/// second is not the one for faster links.
fn meeting(slow: &Optimum, fast: &Optimum) -> Option<Pace> {
    let saved_ns = i128::from(slow.cost.fixed_ns()) - i128::from(fast.cost.fixed_ns());
    let more_bits = i128::from(fast.cost.wire_bits()) - i128::from(slow.cost.wire_bits());
    (saved_ns > 0 && more_bits > 0).then(|| Pace::fraction(saved_ns, more_bits))
}

/// The slowest whole rate at which `fast` beats `slow`.
fn switch(slow: &Optimum, fast: &Optimum) -> u64 {
    let Some(pace) = meeting(slow, fast) else {
        return 0;
    };
    let floor = pace.floor_bit_s();
    let beats = |rate: u64| {
        BitRate::from_bit_s(rate).is_some_and(|rate| {
            let pace = Pace::of(rate);
            fast.cost.rank(pace) < slow.cost.rank(pace)
        })
    };
    if beats(floor) {
        floor
    } else {
        floor.saturating_add(1)
    }
}
