//! Every optimal plan over a range of rates, with exact switching rates.
//!
//! A plan's latency is a line in the pace (one over the rate), so the best latency is the lower
//! envelope of lines. Where the lines of the plans at two paces meet, solve again: either nothing
//! beats them there and this is where they switch, or a third plan does and both halves are looked
//! at in turn (Eisner and Severance, JACM 1976). m plans take 2 m - 1 solutions. The limits must
//! not depend on the rate, and those of [`Problem`] do not.

use super::choose::{Contest, Rival};
use super::optimum::Optimum;
use super::{Options, SolveError};
use crate::plan::{Baseline, FORMAT, Plan, Segment, Sweep};
use crate::problem::{Pace, Problem};
use crate::scenario::RateRange;
use crate::units::BitRate;

/// The best plan at every rate of a range.
///
/// # Errors
/// [`SolveError::Infeasible`] when no plan meets the limits, which does not depend on the rate;
/// [`SolveError::Stopped`].
pub fn sweep(problem: &Problem, rates: RateRange, options: &Options) -> Result<Sweep, SolveError> {
    let alone = Rival {
        name: "",
        problem,
        barred: None,
    };
    sweep_models(&[alone], rates, options).map(|(sweep, _)| sweep)
}

/// The best plan of several problems at every rate of a range, and the position of the problem of
/// each segment.
///
/// # Errors
/// As [`sweep`].
pub fn sweep_models(
    rivals: &[Rival<'_>],
    rates: RateRange,
    options: &Options,
) -> Result<(Sweep, Vec<usize>), SolveError> {
    let slowest = at_rate(rivals, rates.from);
    let rivals = &with_problems(rivals, &slowest);
    let envelope = Envelope { rivals, options };
    let plans = envelope.plans(rates)?;
    let mut segments: Vec<Segment> = Vec::new();
    let mut winners = Vec::new();
    let mut from = rates.from.bit_s();
    for (index, plan) in plans.iter().enumerate() {
        let to = match plans.get(index + 1) {
            Some(next) => switch(&plan.best, &next.best).clamp(from, rates.to.bit_s()),
            None => rates.to.bit_s(),
        };
        let last = index + 1 == plans.len();
        if let (true, Some(rate)) = (to > from || last, BitRate::from_bit_s(from)) {
            winners.push(plan.rival);
            segments.push(Segment {
                from_bit_s: from,
                to_bit_s: to,
                latency: plan.best.cost.line(),
                plan: envelope.describe(plan, rate)?,
            });
        }
        from = to;
    }
    let sweep = Sweep {
        format: FORMAT,
        baselines: rivals.iter().flat_map(|r| r.lines(rates, rivals)).collect(),
        segments,
    };
    Ok((sweep, winners))
}

impl Rival<'_> {
    fn lines(&self, rates: RateRange, all: &[Rival<'_>]) -> Vec<Baseline> {
        let lines = self
            .problem
            .baseline_lines(Pace::of(rates.from))
            .into_iter();
        let named = lines.map(|line| Baseline {
            name: match all.len() {
                1 => line.name,
                _ => format!("{}, {}", self.name, line.name),
            },
            ..line
        });
        named.collect()
    }
}

fn at_rate(rivals: &[Rival<'_>], rate: BitRate) -> Vec<Problem> {
    rivals
        .iter()
        .map(|rival| rival.problem.with_rate(rate))
        .collect()
}

fn with_problems<'a>(rivals: &[Rival<'a>], problems: &'a [Problem]) -> Vec<Rival<'a>> {
    let with = |(rival, problem): (&Rival<'a>, &'a Problem)| Rival { problem, ..*rival };
    rivals.iter().zip(problems).map(with).collect()
}

struct Envelope<'a> {
    rivals: &'a [Rival<'a>],
    options: &'a Options,
}

/// A plan, and the position of its problem.
#[derive(Debug, Clone)]
struct Found {
    rival: usize,
    best: Optimum,
}

impl Envelope<'_> {
    /// The plans on the envelope, slowest rate first.
    fn plans(&self, rates: RateRange) -> Result<Vec<Found>, SolveError> {
        let first = self.best(Pace::of(rates.from))?;
        let last = self.best(Pace::of(rates.to))?;
        let mut plans = vec![first.clone()];
        self.between(&first, &last, &mut plans)?;
        Ok(plans)
    }

    /// Adds the plans after `slow` up to and with `fast`.
    fn between(
        &self,
        slow: &Found,
        fast: &Found,
        plans: &mut Vec<Found>,
    ) -> Result<(), SolveError> {
        let Some(pace) = meeting(&slow.best, &fast.best) else {
            return Ok(());
        };
        let there = self.best(pace)?;
        if there.best.cost.scaled(pace) < slow.best.cost.scaled(pace) {
            self.between(slow, &there, plans)?;
            self.between(&there, fast, plans)
        } else {
            plans.push(fast.clone());
            Ok(())
        }
    }

    fn best(&self, pace: Pace) -> Result<Found, SolveError> {
        let solved = self
            .rivals
            .iter()
            .map(|rival| rival.best_at(pace, self.options));
        let solved: Vec<Option<Optimum>> = solved.collect::<Result<_, _>>()?;
        let contest = self.contest(solved);
        match contest.winner(pace) {
            Some((rival, best)) => Ok(Found { rival, best }),
            None => Err(SolveError::Infeasible(Box::new(contest.no_plan()?))),
        }
    }

    /// A plan with its numbers at a rate.
    fn describe(&self, found: &Found, rate: BitRate) -> Result<Plan, SolveError> {
        let problems = at_rate(self.rivals, rate);
        let rivals = with_problems(self.rivals, &problems);
        let envelope = Envelope {
            rivals: &rivals,
            options: self.options,
        };
        let solved = rivals.iter().enumerate().map(|(index, rival)| {
            if index == found.rival {
                let mut best = found.best.clone();
                best.bound = best.cost.scaled(rival.problem.pace());
                return Ok(Some(best));
            }
            rival.best_at(rival.problem.pace(), self.options)
        });
        let solved: Vec<Option<Optimum>> = solved.collect::<Result<_, _>>()?;
        envelope.contest(solved).plan(found.rival)
    }

    fn contest(&self, solved: Vec<Option<Optimum>>) -> Contest<'_> {
        Contest {
            rivals: self.rivals,
            solved,
            options: self.options,
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
