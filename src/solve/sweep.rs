//! Every optimal plan over a range of rates, with exact switching rates.
//!
//! What is made small is a line in the pace (one over the rate), and limits that depend on the rate
//! (deadlines, energy, what the link carries) all get tighter as it falls: see [`Envelope`]. What is
//! the largest of several lines (the lateness of several tasks, throughput, heads that run beside
//! the link) is solved for at single rates, see [`super::by_bisection`], until no plan is missed
//! between them, see [`Between`].

use std::collections::BTreeSet;

use super::between::{Between, turning_rates};
use super::choose::Rival;
use super::envelope::{Axis, Envelope, Piece};
use super::{Options, SolveError};
use crate::plan::{Baseline, FORMAT, Segment, Sweep};
use crate::problem::{Aim, Pace, Problem};
use crate::scenario::{Objective, RateRange};
use crate::units::BitRate;

/// The best plan at every rate of a range.
///
/// # Errors
/// [`SolveError::Infeasible`] when no plan meets the limits at any rate of the range;
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
    let axis = Rates { rivals };
    let envelope = Envelope {
        rivals,
        axis: &axis,
        options,
    };
    let (pieces, resolution) = pieces(&envelope, rates)?;
    let mut segments: Vec<Segment> = Vec::new();
    for (piece, to_bit_s) in pieces.iter().zip(ends(&pieces, rates)) {
        segments.push(Segment {
            from_bit_s: piece.from,
            to_bit_s,
            latency: piece.found.best.cost.latency_line(),
            plan: envelope.describe(&piece.found, piece.from)?,
        });
    }
    let sweep = Sweep {
        format: FORMAT,
        no_plan_below_bit_s: no_plan_below(&pieces, rates),
        resolution,
        baselines: baselines(rivals, rates),
        segments,
    };
    let winners = pieces.iter().map(|piece| piece.found.rival);
    Ok((sweep, winners.collect()))
}

/// What may be missing where plans were solved for at single points.
pub(super) const RESOLUTION: &str = "switches are exact, between plans solved for on both sides; a \
    plan that is the best only between two of the 33 points first looked at, with the same other plan \
    at both, is missing";

/// How often to look for plans that were missed.
const ROUNDS: usize = 20;

/// The best plans of a range, the slowest rate first, and what may be missing; of rates without one
/// there is no piece.
///
/// # Errors
/// As [`sweep`].
pub(super) fn pieces(
    envelope: &Envelope<'_>,
    rates: RateRange,
) -> Result<(Vec<Piece>, Option<String>), SolveError> {
    let (from, to) = (rates.from.bit_s(), rates.to.bit_s());
    if are_lines(envelope.rivals) {
        return Ok((envelope.pieces(from, to)?, None));
    }
    let mut also: Vec<u64> = Vec::new();
    let mut pieces = envelope.pieces_by_bisection(from, to, &also)?;
    for _ in 0..ROUNDS {
        match missed(envelope, &pieces, rates) {
            Some(missed) if missed.is_empty() => return Ok((pieces, None)),
            Some(missed) => also.extend(missed),
            None => break,
        }
        pieces = envelope.pieces_by_bisection(from, to, &also)?;
    }
    Ok((pieces, Some(RESOLUTION.to_owned())))
}

/// Rates at which another plan is better than the piece's; `None` when nobody knows.
fn missed(envelope: &Envelope<'_>, pieces: &[Piece], rates: RateRange) -> Option<Vec<u64>> {
    let known = |bit_s: u64| {
        let piece = pieces.iter().rev().find(|piece| piece.from <= bit_s)?;
        envelope.rank(&piece.found, bit_s).ok()
    };
    let turns = pieces.iter().flat_map(|piece| {
        let problem = envelope.rivals[piece.found.rival].problem;
        turning_rates(problem, &piece.found.best.cost, rates)
    });
    let turns: BTreeSet<u64> = turns.collect();
    let between = Between {
        rivals: envelope.rivals,
        rates,
        known: &known,
    };
    between.missed(&turns)
}

/// Whether what is made small is a line in the pace for every plan.
pub(super) fn are_lines(rivals: &[Rival<'_>]) -> bool {
    rivals.iter().all(|rival| {
        let problem = rival.problem;
        let busy = Aim::Wanted(Objective::Throughput);
        !problem.overlaps() && !problem.aims().contains(&busy) && !is_late_of_several(problem)
    })
}

/// The first rate of the next piece; of the last one, the end of the range.
pub(super) fn ends(pieces: &[Piece], rates: RateRange) -> impl Iterator<Item = u64> {
    let next = pieces.iter().skip(1).map(|piece| piece.from);
    next.chain([rates.to.bit_s()])
}

/// The slowest rate with a plan, when there is none at slower ones.
pub(super) fn no_plan_below(pieces: &[Piece], rates: RateRange) -> Option<u64> {
    let first = pieces.first().map(|piece| piece.from);
    first.filter(|from| *from > rates.from.bit_s())
}

fn baselines(rivals: &[Rival<'_>], rates: RateRange) -> Vec<Baseline> {
    let mut all = Vec::new();
    for rival in rivals {
        let problem = rival.problem.with_rate(rates.from);
        let lines = problem.baseline_lines(Pace::of(rates.from)).into_iter();
        all.extend(lines.map(|line| Baseline {
            name: match rivals.len() {
                1 => line.name,
                _ => format!("{}, {}", rival.name, line.name),
            },
            ..line
        }));
    }
    all
}

/// Whole bits per second.
pub(super) struct Rates<'a> {
    pub(super) rivals: &'a [Rival<'a>],
}

/// Whether the largest of several tasks' lateness is what is made small.
pub(super) fn is_late_of_several(problem: &Problem) -> bool {
    let late = Aim::Wanted(Objective::Lateness);
    problem.aims().contains(&late) && problem.tasks().len() > 1
}

impl Axis for Rates<'_> {
    fn problem(&self, rival: usize, limits: u64, _aims: u64) -> Result<Problem, SolveError> {
        let rate = BitRate::from_bit_s(limits).unwrap_or(BitRate::SLOWEST);
        Ok(self.rivals[rival].problem.with_rate(rate))
    }

    fn pace(&self, _problem: &Problem, aims: u64) -> Pace {
        Pace::of(BitRate::from_bit_s(aims).unwrap_or(BitRate::SLOWEST))
    }

    fn limits_vary(&self) -> bool {
        let mut rivals = self.rivals.iter();
        rivals.any(|rival| rival.problem.depends_on_rate())
    }

    fn aims_vary(&self) -> bool {
        true
    }
}
