//! Plans that are missed between positions at which the best plans are known, where the objective
//! is the largest of several lines along an axis.
//!
//! The difference of two such plans is linear between the positions at which the largest line of
//! either changes. So a plan that is better than another anywhere in a range, at both ends of which
//! it is not, is better beside one of those positions, or at the tightest at which it meets the
//! limits, which only get looser along the axis.

use std::collections::BTreeSet;

use super::envelope::{Envelope, Piece, Placed};
use crate::engines::enumerate::each_placement;
use crate::presolve::{self, Reduced, Scope, Stage};
use crate::problem::{Codecs, Problem, Rank, TimePerBit};
use crate::solve::SolveError;
use cutpoint_core::graph::LayerSet;

/// More placements than this are too many.
const MOST_PLACEMENTS: usize = 20_000;
/// More plans than this are too many: a placement is as many as it has choices of codecs and orders
/// of work.
const MOST_PLANS: usize = 100_000;
/// More choices of codecs than this in one placement are too many.
const MOST_CHOICES: usize = 1_000;
/// So many positions are enough to look again.
const ENOUGH: usize = 32;

/// How often to look for plans that were missed.
const ROUNDS: usize = 20;

/// What may be missing where there are too many plans to look at.
const RESOLUTION: &str = "switches are exact, between plans solved for on both sides; a plan that is \
    the best only between two of the 33 points first looked at, with the same other plan at both, is \
    missing";

/// The best plans of the positions from `from` to `to`, the tightest first, and what may be
/// missing. Those before the first piece have none.
///
/// # Errors
/// As [`Envelope::pieces`].
pub(crate) fn pieces_between(
    envelope: &Envelope<'_>,
    from: u64,
    to: u64,
) -> Result<(Vec<Piece>, Option<String>), SolveError> {
    let mut also: Vec<u64> = Vec::new();
    let mut pieces = envelope.pieces_by_bisection(from, to, &also)?;
    for _ in 0..ROUNDS {
        let between = Between {
            envelope,
            pieces: &pieces,
            from,
            to,
        };
        match between.missed()? {
            Some(missed) if missed.is_empty() => return Ok((pieces, None)),
            Some(missed) => also.extend(missed),
            None => break,
        }
        pieces = envelope.pieces_by_bisection(from, to, &also)?;
    }
    Ok((pieces, Some(RESOLUTION.to_owned())))
}

/// A position at which the largest line of a known plan changes, and what a plan is to be compared
/// with there.
struct Turn {
    at: u64,
    problem: Problem,
    time_per_bit: TimePerBit,
    known: Option<(Rank, usize)>,
}

/// Positions, and the best plans known there.
struct Between<'a> {
    envelope: &'a Envelope<'a>,
    pieces: &'a [Piece],
    from: u64,
    to: u64,
}

impl Between<'_> {
    /// Positions at which another plan is better than the known one. `None` when there are too many
    /// plans to look at.
    ///
    /// # Errors
    /// Those of the axis.
    fn missed(&self) -> Result<Option<Vec<u64>>, SolveError> {
        let axis = self.envelope.axis;
        let mut turns = BTreeSet::new();
        for piece in self.pieces {
            let problem = axis.problem(piece.found.model, self.to, self.to)?;
            turns.extend(axis.turns(&problem, &piece.found.best.cost));
        }
        turns.retain(|at| self.holds(*at));
        let mut missed = BTreeSet::new();
        for (index, model) in self.envelope.models.iter().enumerate() {
            if model.barred.is_some() {
                continue;
            }
            match self.missed_of(index, &turns)? {
                Some(positions) => missed.extend(positions),
                None => return Ok(None),
            }
        }
        Ok(Some(missed.into_iter().collect()))
    }

    fn holds(&self, at: u64) -> bool {
        (self.from..=self.to).contains(&at)
    }

    fn missed_of(
        &self,
        model: usize,
        turns: &BTreeSet<u64>,
    ) -> Result<Option<BTreeSet<u64>>, SolveError> {
        let axis = self.envelope.axis;
        let problem = axis.problem(model, self.to, self.to)?;
        let mut missed = BTreeSet::new();
        let ends = [self.from, self.to].map(|at| axis.time_per_bit(&problem, at));
        let scope = Scope {
            objectives_at: &ends,
            limits_at: &ends,
            done: None,
        };
        let reduced = presolve::reduce_for(&problem, &scope)
            .and_then(|reduced| presolve::apply(Stage::Dominance, reduced, &scope));
        let Ok(reduced) = reduced else {
            return Ok(Some(missed));
        };
        let turns = self.turns_of(model, turns)?;
        let mut failed = None;
        let mut plans = 0;
        let mut look = |edge: &LayerSet| {
            if missed.len() >= ENOUGH {
                return Some(());
            }
            let choices = codec_choices(&reduced, edge)?;
            let Some(first) = choices.first() else {
                return Some(());
            };
            // those that cannot be are no plans
            let costs = problem.costs(edge, first).unwrap_or_default();
            plans += costs.len() * choices.len();
            if plans > MOST_PLANS {
                return None;
            }
            for cost in &costs {
                for cost in choices
                    .iter()
                    .filter_map(|c| problem.model.recoded(cost, c))
                {
                    match self.better(model, &problem, (edge, &cost), &turns) {
                        Ok(positions) => missed.extend(positions),
                        Err(error) => failed = Some(error),
                    }
                }
            }
            failed.is_none().then_some(())
        };
        let all = each_placement(&reduced, MOST_PLACEMENTS, &mut look);
        match failed {
            Some(error) => Err(error),
            None => Ok(all.map(|_| missed)),
        }
    }

    /// What a plan of a model is to be compared with at these positions.
    fn turns_of(&self, model: usize, turns: &BTreeSet<u64>) -> Result<Vec<Turn>, SolveError> {
        let axis = self.envelope.axis;
        let turn = |at: &u64| {
            let problem = axis.problem(model, *at, *at)?;
            Ok(Turn {
                at: *at,
                time_per_bit: axis.time_per_bit(&problem, *at),
                known: self.known(*at)?,
                problem,
            })
        };
        turns.iter().map(turn).collect()
    }

    /// Positions, of those that decide, at which a plan is better than the known one; `loosest` is
    /// its problem at the end of the range.
    fn better(
        &self,
        model: usize,
        loosest: &Problem,
        plan: Placed<'_>,
        turns: &[Turn],
    ) -> Result<Vec<u64>, SolveError> {
        let (edge, cost) = plan;
        if loosest.check(edge, cost).is_err() {
            return Ok(Vec::new());
        }
        let tightest = self.envelope.tightest(model, plan, (self.from, self.to))?;
        let beats = |rank: Rank, known: Option<(Rank, usize)>| {
            known.is_none_or(|known| (rank, model) < known)
        };
        let met = turns.iter().filter(|turn| turn.at >= tightest);
        let rank = |turn: &Turn| turn.problem.rank(edge, cost, turn.time_per_bit);
        let better = met.filter(|turn| beats(rank(turn), turn.known));
        let mut better: Vec<u64> = better.map(|turn| turn.at).collect();
        let own = self.envelope.axis.turns(loosest, cost).into_iter();
        for at in own.chain([tightest]) {
            if self.holds(at) && at >= tightest {
                let rank = self.envelope.rank(model, plan, at)?;
                better.extend(beats(rank, self.known(at)?).then_some(at));
            }
        }
        Ok(better)
    }

    /// The rank of the plan known for a position, and the position of its problem; `None` where no
    /// plan meets the limits.
    fn known(&self, at: u64) -> Result<Option<(Rank, usize)>, SolveError> {
        let piece = self.pieces.iter().rev().find(|piece| piece.from <= at);
        let rank = piece.map(|piece| self.envelope.standing(&piece.found, at));
        rank.transpose()
    }
}

/// Where the largest of several lines `a + b u` can change, for `u` of zero or more, as fractions
/// of whole numbers.
pub(crate) fn meeting_points(lines: &[(i128, i128)]) -> Vec<(i128, i128)> {
    let mut points = Vec::new();
    for (index, (start, slope)) in lines.iter().enumerate() {
        for (other_start, other_slope) in &lines[..index] {
            let (rise, gap) = (slope - other_slope, other_start - start);
            if rise != 0 && (gap == 0 || (gap > 0) == (rise > 0)) {
                points.push((gap.abs(), rise.abs()));
            }
        }
    }
    points
}

/// Every choice of codecs for what crosses; `None` when there are too many.
fn codec_choices(reduced: &Reduced<'_>, edge: &LayerSet) -> Option<Vec<Codecs>> {
    let mut all: Vec<Codecs> = vec![Vec::new()];
    for tensor in reduced.problem.model.crossing(edge) {
        let with = |sent: &Codecs| {
            let encodings = reduced.encodings[tensor.index()].iter();
            let longer = encodings
                .map(|choice| [sent.as_slice(), &[(tensor, choice.encoding.codec)]].concat());
            longer.collect::<Vec<Codecs>>()
        };
        all = all.iter().flat_map(with).collect();
        if all.len() > MOST_CHOICES {
            return None;
        }
    }
    Some(all)
}
