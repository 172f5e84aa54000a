//! Every optimal plan over a range of rates, with exact switching rates.
//!
//! What is made small is a line in the pace (one over the rate), so where no limit depends on the
//! rate the best is the lower envelope of lines: a plan that is best at both ends of a range is best
//! between them, else the two ends' lines meet and both sides are looked at in turn (Eisner and
//! Severance, JACM 1976). Limits that depend on the rate (deadlines, energy, what the link carries)
//! all get tighter as it falls: the plans that meet them at a rate are among those that meet them at
//! any faster one. So the best plan at the fast end of a range is compared, at the slowest rate where
//! it still meets the limits, with the best of all that meet them at the fast end: where nothing
//! beats it there, nothing does between. All of it in whole bits per second, hence exact.

use super::choose::{Contest, Rival};
use super::optimum::Optimum;
use super::{Options, SolveError};
use crate::plan::{Baseline, FORMAT, Plan, Segment, Sweep};
use crate::problem::{Pace, Problem, Rank};
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
    let envelope = Envelope { rivals, options };
    let from = envelope.slowest(rates)?;
    let mut pieces: Vec<Piece> = Vec::new();
    envelope.cover(from, rates.to.bit_s(), &mut pieces)?;
    let slowest = at_rate(rivals, rates.from);
    let rivals = &with_problems(rivals, &slowest);
    let mut segments: Vec<Segment> = Vec::new();
    let mut winners = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let to_bit_s = pieces
            .get(index + 1)
            .map_or(rates.to.bit_s(), |next| next.from);
        if let Some(rate) = BitRate::from_bit_s(piece.from) {
            winners.push(piece.found.rival);
            segments.push(Segment {
                from_bit_s: piece.from,
                to_bit_s,
                latency: piece.found.best.cost.latency_line(),
                plan: envelope.describe(&piece.found, rate)?,
            });
        }
    }
    let sweep = Sweep {
        format: FORMAT,
        no_plan_below_bit_s: (from > rates.from.bit_s()).then_some(from),
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

impl Found {
    fn is_same(&self, other: &Found) -> bool {
        let key = |found: &Found| (found.rival, found.best.cost.crossing.clone());
        key(self) == key(other)
            && self.best.edge == other.best.edge
            && self.best.cost.timing == other.best.cost.timing
    }
}

/// A plan and the slowest rate at which it is best, up to the next piece's.
#[derive(Debug)]
struct Piece {
    from: u64,
    found: Found,
}

impl Envelope<'_> {
    /// The slowest rate of the range at which any plan meets the limits.
    fn slowest(&self, rates: RateRange) -> Result<u64, SolveError> {
        let (from, to) = (rates.from.bit_s(), rates.to.bit_s());
        let none = match self.best(from, from) {
            Err(SolveError::Infeasible(none)) => none,
            other => return other.map(|_| from),
        };
        if !self
            .rivals
            .iter()
            .any(|rival| rival.problem.depends_on_rate())
        {
            return Err(SolveError::Infeasible(none));
        }
        match self.best(to, to) {
            Err(SolveError::Infeasible(_)) => return Err(SolveError::Infeasible(none)),
            other => other?,
        };
        let (mut without, mut with) = (from, to);
        while with - without > 1 {
            let middle = without + (with - without) / 2;
            match self.best(middle, middle) {
                Ok(_) => with = middle,
                Err(SolveError::Infeasible(_)) => without = middle,
                Err(other) => return Err(other),
            }
        }
        Ok(with)
    }

    /// Adds the plans that are best from rate `from` to rate `to`, in order.
    fn cover(&self, from: u64, to: u64, pieces: &mut Vec<Piece>) -> Result<(), SolveError> {
        let fast = self.best(to, to)?;
        self.check_line(&fast)?;
        let low = self.slowest_of(&fast, from, to);
        let rival = self.best(to, low)?;
        self.check_line(&rival)?;
        let beats = |rate: u64| self.rank(&fast, rate) <= self.rank(&rival, rate);
        if beats(low) {
            if low > from {
                self.cover(from, low - 1, pieces)?;
            }
            let is_new = pieces.last().is_none_or(|last| !last.found.is_same(&fast));
            if is_new {
                pieces.push(Piece {
                    from: low,
                    found: fast,
                });
            }
            return Ok(());
        }
        // the slowest rate at which the fast end's plan beats the other
        let (mut loses, mut wins) = (low, to);
        while wins - loses > 1 {
            let middle = loses + (wins - loses) / 2;
            match beats(middle) {
                true => wins = middle,
                false => loses = middle,
            }
        }
        self.cover(from, wins - 1, pieces)?;
        self.cover(wins, to, pieces)
    }

    /// The slowest rate from `from` on at which a plan that meets the limits at `to` does.
    fn slowest_of(&self, found: &Found, from: u64, to: u64) -> u64 {
        let problem = self.rivals[found.rival].problem;
        let meets = |rate: u64| {
            BitRate::from_bit_s(rate).is_some_and(|rate| {
                let problem = problem.with_rate(rate);
                problem.check(&found.best.edge, &found.best.cost).is_ok()
            })
        };
        if !problem.depends_on_rate() || meets(from) {
            return from;
        }
        let (mut breaks, mut holds) = (from, to);
        while holds - breaks > 1 {
            let middle = breaks + (holds - breaks) / 2;
            match meets(middle) {
                true => holds = middle,
                false => breaks = middle,
            }
        }
        holds
    }

    /// What decides about a plan at a rate.
    fn rank(&self, found: &Found, rate: u64) -> (Rank, usize) {
        let pace = BitRate::from_bit_s(rate).map_or(Pace::fraction(1, 1), Pace::of);
        let problem = self.rivals[found.rival].problem;
        let rank = problem.rank(&found.best.edge, &found.best.cost, pace);
        (rank, found.rival)
    }

    /// Refuses plans whose worth is no line in the pace.
    fn check_line(&self, found: &Found) -> Result<(), SolveError> {
        let problem = self.rivals[found.rival].problem;
        let done = &found.best.cost.timing.done;
        let mut aims = problem.aims().iter();
        match problem.overlaps() || aims.any(|aim| problem.aim_sums(aim, done).len() > 1) {
            true => Err(SolveError::NoLine),
            false => Ok(()),
        }
    }

    /// The best plan of those that the limits allow at rate `limits`, at the pace of `rate`.
    fn best(&self, limits: u64, rate: u64) -> Result<Found, SolveError> {
        let (Some(limits), Some(rate)) = (BitRate::from_bit_s(limits), BitRate::from_bit_s(rate))
        else {
            return Err(SolveError::Stopped("a rate of zero".to_owned()));
        };
        let problems = at_rate(self.rivals, limits);
        let rivals = with_problems(self.rivals, &problems);
        let pace = Pace::of(rate);
        let solved = rivals.iter().map(|rival| rival.best_at(pace, self.options));
        let solved: Vec<Option<Optimum>> = solved.collect::<Result<_, _>>()?;
        let contest = Contest {
            rivals: &rivals,
            solved,
            options: self.options,
        };
        match contest.winner() {
            Some((rival, best)) => Ok(Found { rival, best }),
            None => Err(SolveError::Infeasible(Box::new(contest.no_plan()?))),
        }
    }

    /// A plan with its numbers at a rate.
    fn describe(&self, found: &Found, rate: BitRate) -> Result<Plan, SolveError> {
        let problems = at_rate(self.rivals, rate);
        let rivals = with_problems(self.rivals, &problems);
        let solved = rivals.iter().enumerate().map(|(index, rival)| {
            if index == found.rival {
                let mut best = found.best.clone();
                best.rank = rival
                    .problem
                    .rank(&best.edge, &best.cost, rival.problem.pace());
                best.bound = best.rank.aims[0];
                return Ok(Some(best));
            }
            rival.best_at(rival.problem.pace(), self.options)
        });
        let contest = Contest {
            rivals: &rivals,
            solved: solved.collect::<Result<_, _>>()?,
            options: self.options,
        };
        contest.plan(found.rival)
    }
}
