//! When a run-time that follows a changing rate leaves one plan of a sweep for another.
//!
//! The plan in use is kept while it meets its limits and is worth at most a share less than the best
//! plan of the sweep, in the objective. Limits only get looser with the rate. What a plan is worth
//! is the largest of several lines in the time per bit, so the difference of two plans is a line
//! between the rates at which either turns, and its sign changes once there at most.

use super::missed_breakpoints::meeting_points;
use crate::plan_writer::placement;
use crate::problem::sums::{objective_sums, objective_value};
use crate::problem::{Cost, LinearCost, ObjectiveFunction, Problem, TimePerBit};
use crate::solve::{ModelProblem, SolveError};
use cutpoint_core::graph::LayerSet;
use cutpoint_core::plan::{Hysteresis, Segment, Sweep, Switches};
use cutpoint_core::units::BitRate;

/// The rates at which each plan of a sweep, once in use, is left for another; `chosen` has the
/// position of the problem of each segment, as [`super::sweep_models`] gives them.
///
/// # Errors
/// [`SolveError::Stopped`] when a plan is not one of its problem.
pub fn switches(
    models: &[ModelProblem<'_>],
    chosen: &[usize],
    sweep: &Sweep,
    hysteresis: Hysteresis,
) -> Result<Vec<Switches>, SolveError> {
    let start = sweep.segments.first().map_or(0, |first| first.from_bit_s);
    let pairs = sweep.segments.iter().zip(chosen);
    let plans: Option<Vec<InUse<'_>>> = pairs
        .map(|(segment, model)| InUse::new(models.get(*model)?.problem, segment, start))
        .collect();
    let foreign = || SolveError::Stopped("the sweep is not one of these problems".to_owned());
    let table = Table {
        plans: plans.ok_or_else(foreign)?,
        segments: &sweep.segments,
        millionths: i128::from(hysteresis.0.0),
    };
    let switches = |plan| Switches {
        down_bit_s: table.down(plan),
        up_bit_s: table.up(plan),
    };
    Ok((0..table.plans.len()).map(switches).collect())
}

/// A plan of the table.
struct InUse<'a> {
    problem: &'a Problem,
    objective: &'a ObjectiveFunction,
    edge: LayerSet,
    cost: Cost,
    /// The slowest rate of the table at which it meets the limits.
    allowed_from: u64,
}

impl<'a> InUse<'a> {
    fn new(problem: &'a Problem, segment: &Segment, start: u64) -> Option<InUse<'a>> {
        let (edge, codecs) = placement(&segment.plan, problem)?;
        let local = |cost: &Cost| {
            let id = |layer| problem.graph().layer(layer).id.as_str();
            let layers: Vec<&str> = cost.timing.local.iter().map(id).collect();
            layers == segment.plan.local
        };
        let costs = problem.costs(&edge, &codecs).ok()?;
        let mut plan = InUse {
            objective: problem.objectives.functions.first()?,
            cost: costs.into_iter().find(local)?,
            problem,
            edge,
            allowed_from: segment.from_bit_s,
        };
        plan.allowed_from = least(start, segment.from_bit_s, |rate| plan.is_allowed(rate));
        Some(plan)
    }

    fn is_allowed(&self, bit_s: u64) -> bool {
        let rated = (&self.problem.model, time_per_bit(bit_s));
        let constraints = &self.problem.constraints;
        constraints.check(rated, &self.edge, &self.cost).is_ok()
    }

    fn value(&self, bit_s: u64) -> i128 {
        let placed = (&self.edge, &self.cost);
        objective_value(self.problem, self.objective, placed, time_per_bit(bit_s))
    }

    /// The lines of which its value is the largest: at no time per bit, and per unit of it.
    fn lines(&self) -> Vec<(i128, i128)> {
        let sums = objective_sums(self.problem, self.objective, &self.cost.timing.done);
        let [fixed, slope] = [(0, 1), (1, 0)].map(|(ns, bits)| TimePerBit::fraction(ns, bits));
        let line = |sum: &LinearCost| {
            let at = |time_per_bit| sum.value(&self.cost.parts, time_per_bit);
            (at(fixed), at(slope))
        };
        sums.iter().map(line).collect()
    }

    /// The rates next to those at which another of its lines is the largest, or its value changes
    /// sign.
    fn turns(&self) -> Vec<u64> {
        const NS_PER_S: i128 = 1_000_000_000;
        let lines = [self.lines(), vec![(0, 0)]].concat();
        let points = meeting_points(&lines).into_iter();
        let rates = points.filter(|(ns, _)| *ns > 0).map(|(ns, bits)| {
            let rate = NS_PER_S.saturating_mul(bits) / ns;
            u64::try_from(rate).unwrap_or(u64::MAX)
        });
        rates
            .flat_map(|rate| [rate, rate.saturating_add(1)])
            .collect()
    }
}

/// The plans of a sweep, and how much less one may be worth than the best.
struct Table<'a> {
    plans: Vec<InUse<'a>>,
    segments: &'a [Segment],
    millionths: i128,
}

impl Table<'_> {
    /// Whether a plan is worth enough at a rate at which `best` is the best one.
    fn keeps(&self, plan: usize, best: usize, bit_s: u64) -> bool {
        const WHOLE: i128 = 1_000_000;
        let best = self.plans[best].value(bit_s);
        let (wholes, rest) = (best.abs() / WHOLE, best.abs() % WHOLE);
        let more =
            wholes.saturating_mul(self.millionths) + rest.saturating_mul(self.millionths) / WHOLE;
        self.plans[plan].value(bit_s) <= best.saturating_add(more)
    }

    /// The slowest rate at which a plan is kept, unless that is the end of the table.
    fn down(&self, plan: usize) -> Option<u64> {
        let start = self.segments[0].from_bit_s;
        let allowed_from = self.plans[plan].allowed_from;
        let left = (0..plan).rev().find_map(|best| {
            let mut pieces = self.pieces(plan, best).into_iter().rev();
            pieces.find_map(|(slow, fast)| {
                let keeps = |rate| self.keeps(plan, best, rate);
                match (keeps(slow), keeps(fast)) {
                    (_, false) => Some(fast + 1),
                    (false, true) => Some(least(slow, fast, keeps)),
                    (true, true) => None,
                }
            })
        });
        left.max(Some(allowed_from).filter(|from| *from > start))
    }

    /// The fastest rate at which a plan is kept, unless that is the end of the table.
    fn up(&self, plan: usize) -> Option<u64> {
        (plan + 1..self.segments.len()).find_map(|best| {
            let mut pieces = self.pieces(plan, best).into_iter();
            pieces.find_map(|(slow, fast)| {
                let leaves = |rate| !self.keeps(plan, best, rate);
                match (leaves(slow), leaves(fast)) {
                    (true, _) => Some(slow.saturating_sub(1)),
                    (false, true) => Some(least(slow, fast, leaves) - 1),
                    (false, false) => None,
                }
            })
        })
    }

    /// The rates at which `best` is the best, slowest first, in pieces in which the difference of
    /// both plans is a line. The last segment ends with its last rate, the others before that of the
    /// next.
    fn pieces(&self, plan: usize, best: usize) -> Vec<(u64, u64)> {
        let segment = &self.segments[best];
        let is_last = best + 1 == self.segments.len();
        let (first, last) = (
            segment.from_bit_s,
            segment.to_bit_s.saturating_sub(u64::from(!is_last)),
        );
        let turns = [self.plans[plan].turns(), self.plans[best].turns()].concat();
        let inside = turns
            .into_iter()
            .filter(|rate| (first..=last).contains(rate));
        let mut ends: Vec<u64> = inside.chain([first, last]).collect();
        ends.sort_unstable();
        ends.dedup();
        match ends.as_slice() {
            [only] => vec![(*only, *only)],
            several => several.windows(2).map(|pair| (pair[0], pair[1])).collect(),
        }
    }
}

fn time_per_bit(bit_s: u64) -> TimePerBit {
    TimePerBit::of(BitRate::from_bit_s(bit_s).unwrap_or(BitRate::SLOWEST))
}

/// The least number from `first` to `last` that `holds`, which holds for `last` and from the first
/// for which it does on.
fn least(first: u64, last: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut from, mut found) = (first, last);
    while from < found {
        let middle = from + (found - from) / 2;
        if holds(middle) {
            found = middle;
        } else {
            from = middle + 1;
        }
    }
    found
}
