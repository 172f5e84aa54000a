//! Every optimal plan over a range of whole positions, from where limits are tightest to where they
//! are loosest.
//!
//! The objective is, for each plan, a line in something that grows or falls with the position, or
//! does not depend on it. So where no limit depends on it the best is the lower envelope of lines:
//! a plan that is best at both ends of a range is best between them, else the two ends' lines meet
//! and both sides are looked at in turn (Eisner and Severance, JACM 1976). Limits only get looser:
//! the plans that meet them at a position are among those that meet them at any later one. So the
//! best plan at the loose end of a range is compared, at the tightest position where it still meets
//! the limits, with the best of all that meet them at the loose end: where nothing beats it there,
//! nothing does between. Where no plan meets the limits, none does at any tighter position. All of
//! it in whole numbers, hence exact.

use std::cell::RefCell;
use std::collections::HashMap;

use super::bisection::{Stretch, by_guesses};
use crate::engines::Solution;
use crate::planning::Selection;
use crate::problem::{Cost, Problem, Rank, TimePerBit};
use crate::solve::ModelProblem;
use crate::solve::{Options, SolveError};
use cutpoint_core::graph::LayerSet;
use cutpoint_core::plan::Plan;

/// What a position means.
pub(crate) trait Axis {
    /// A model's problem with limits as at one position and objectives as at another.
    fn problem(&self, model: usize, limits: u64, objectives: u64) -> Result<Problem, SolveError>;

    /// The time per bit at which objectives are weighed at a position, in such a problem.
    fn time_per_bit(&self, problem: &Problem, _objectives: u64) -> TimePerBit {
        problem.time_per_bit()
    }

    /// The positions on both sides of each at which the largest of the lines of an objective can
    /// change, for a cost in such a problem; they may lie outside the axis.
    fn turns(&self, _problem: &Problem, _cost: &Cost) -> Vec<u64> {
        Vec::new()
    }

    /// A model's problem as it is at a position.
    fn problem_at(&self, model: usize, at: u64) -> Result<Problem, SolveError> {
        self.problem(model, at, at)
    }

    /// What a placement costs in [`Axis::problem_at`].
    fn cost_at(&self, _problem: &Problem, found: &Solution) -> Option<Cost> {
        Some(found.cost.clone())
    }

    /// Whether limits depend on the position.
    fn limits_vary(&self) -> bool;

    /// Whether objectives depend on the position.
    fn objectives_vary(&self) -> bool;
}

/// Candidates along an axis.
pub(crate) struct Envelope<'a> {
    pub(crate) models: &'a [ModelProblem<'a>],
    pub(crate) axis: &'a dyn Axis,
    options: &'a Options,
    /// The best plans known, by the positions of limits and of objectives.
    known: RefCell<HashMap<(u64, u64), Option<Found>>>,
}

/// A plan, and the position of its problem.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) model: usize,
    pub(crate) best: Solution,
}

/// Layers on the edge, and what that costs.
pub(crate) type Placed<'a> = (&'a LayerSet, &'a Cost);

impl Found {
    pub(crate) fn placed(&self) -> Placed<'_> {
        (&self.best.edge, &self.best.cost)
    }

    pub(crate) fn is_same(&self, other: &Found) -> bool {
        let (own, other_best) = (&self.best, &other.best);
        self.model == other.model
            && own.cost.crossing == other_best.cost.crossing
            && own.edge == other_best.edge
            && own.cost.timing == other_best.cost.timing
    }
}

/// A plan and the first and the last position at which it is best.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) found: Found,
}

impl<'a> Envelope<'a> {
    pub(crate) fn new(
        models: &'a [ModelProblem<'a>],
        axis: &'a dyn Axis,
        options: &'a Options,
    ) -> Envelope<'a> {
        Envelope {
            models,
            axis,
            options,
            known: RefCell::default(),
        }
    }

    /// The best plans of the positions from `from` to `to`, the tightest first. Those before the
    /// first piece have none.
    ///
    /// # Errors
    /// [`SolveError::Infeasible`] when there is no plan at all; [`SolveError::Stopped`].
    pub(crate) fn pieces(&self, from: u64, to: u64) -> Result<Vec<Piece>, SolveError> {
        let mut pieces = Vec::new();
        self.cover(from, to, &mut pieces)?;
        if pieces.is_empty() {
            return Err(self.infeasible(to)?);
        }
        pieces.reverse();
        self.log(&pieces);
        Ok(pieces)
    }

    /// As [`Envelope::pieces`], for objectives that are no lines: see [`by_guesses`].
    pub(crate) fn pieces_by_bisection(
        &self,
        from: u64,
        to: u64,
        also: &[u64],
    ) -> Result<Vec<Piece>, SolveError> {
        let at = |at| self.best(at, at);
        let change = |one: (u64, &Found), other: (u64, &Found)| self.change(one, other).map(Some);
        let stretches = by_guesses(from, to, also, at, Found::is_same, change)?;
        let piece = |stretch: Stretch<Found>| {
            Some(Piece {
                from: stretch.from,
                to: stretch.to,
                found: stretch.plan?,
            })
        };
        let pieces: Vec<Piece> = stretches.into_iter().filter_map(piece).collect();
        if pieces.is_empty() {
            return Err(self.infeasible(to)?);
        }
        self.log(&pieces);
        Ok(pieces)
    }

    fn log(&self, pieces: &[Piece]) {
        tracing::debug!(
            target: "cutpoint_planner::parametric",
            "{} plans in turn, {} problems solved",
            pieces.len(),
            self.known.borrow().len()
        );
    }

    /// A position from which on the second of two plans is better, and before which the first is,
    /// when each is where it is.
    fn change(&self, one: (u64, &Found), other: (u64, &Found)) -> Result<u64, SolveError> {
        let (mut before, mut from) = (one.0, other.0);
        while from - before > 1 {
            let middle = before + (from - before) / 2;
            if self.standing(other.1, middle)? < self.standing(one.1, middle)? {
                from = middle
            } else {
                before = middle
            }
        }
        Ok(from)
    }

    /// Why there is no plan even at the loosest position.
    fn infeasible(&self, to: u64) -> Result<SolveError, SolveError> {
        let problems = self.problems_at(to)?;
        let models = with_problems(self.models, &problems);
        let nothing = models.iter().map(|_| None).collect();
        let none = self.selection(&models, nothing).no_plan()?;
        Ok(SolveError::Infeasible(Box::new(none)))
    }

    /// Adds the plans that are best from `from` to `to`, the loosest first; whether there is one
    /// everywhere.
    fn cover(&self, from: u64, to: u64, pieces: &mut Vec<Piece>) -> Result<bool, SolveError> {
        let mut to = to;
        loop {
            let Some(loose) = self.best(to, to)? else {
                return Ok(false);
            };
            let low = self.tightest(loose.model, loose.placed(), (from, to))?;
            let rank = |found: &Found, at: u64| self.standing(found, at);
            let mut low_best = low;
            if self.axis.objectives_vary()
                && let Some(model) = self.best(to, low)?
                && rank(&model, low)? < rank(&loose, low)?
            {
                // the tightest position at which the loose end's plan is no worse than the other
                let mut loses = low;
                low_best = to;
                while low_best - loses > 1 {
                    let middle = loses + (low_best - loses) / 2;
                    if rank(&loose, middle)? <= rank(&model, middle)? {
                        low_best = middle
                    } else {
                        loses = middle
                    }
                }
                if !self.cover(low_best, to, pieces)? {
                    return Ok(false);
                }
            } else {
                match pieces.last_mut() {
                    Some(last) if last.found.is_same(&loose) => last.from = low,
                    _ => pieces.push(Piece {
                        from: low,
                        to,
                        found: loose,
                    }),
                }
            }
            if low_best <= from {
                return Ok(true);
            }
            to = low_best - 1;
        }
    }

    /// The tightest position of a range at which a plan that meets the limits at its end does.
    pub(crate) fn tightest(
        &self,
        model: usize,
        (edge, cost): Placed<'_>,
        (from, to): (u64, u64),
    ) -> Result<u64, SolveError> {
        let meets = |at: u64| -> Result<bool, SolveError> {
            let problem = self.axis.problem(model, at, to)?;
            Ok(problem.check(edge, cost).is_ok())
        };
        if !self.axis.limits_vary() || meets(from)? {
            return Ok(from);
        }
        let (mut breaks, mut holds) = (from, to);
        while holds - breaks > 1 {
            let middle = breaks + (holds - breaks) / 2;
            if meets(middle)? {
                holds = middle
            } else {
                breaks = middle
            }
        }
        Ok(holds)
    }

    /// What decides between found plans at a position.
    pub(crate) fn standing(&self, found: &Found, at: u64) -> Result<(Rank, usize), SolveError> {
        Ok((self.rank(found.model, found.placed(), at)?, found.model))
    }

    /// What decides about a plan at a position.
    pub(crate) fn rank(
        &self,
        model: usize,
        (edge, cost): Placed<'_>,
        at: u64,
    ) -> Result<Rank, SolveError> {
        let problem = self.axis.problem(model, at, at)?;
        let time_per_bit = self.axis.time_per_bit(&problem, at);
        Ok(problem.rank(edge, cost, time_per_bit))
    }

    /// The best plan of those that the limits allow at one position, with objectives as at another.
    fn best(&self, limits: u64, objectives: u64) -> Result<Option<Found>, SolveError> {
        let positions = (
            if self.axis.limits_vary() { limits } else { 0 },
            if self.axis.objectives_vary() {
                objectives
            } else {
                0
            },
        );
        if let Some(known) = self.known.borrow().get(&positions) {
            return Ok(known.clone());
        }
        let found = self.solve(limits, objectives)?;
        self.known.borrow_mut().insert(positions, found.clone());
        Ok(found)
    }

    fn solve(&self, limits: u64, objectives: u64) -> Result<Option<Found>, SolveError> {
        let problems = self.problems(limits, objectives)?;
        let (models, solved) = self.solved(&problems, objectives)?;
        let winner = self.selection(&models, solved).winner();
        Ok(winner.map(|(model, best)| Found { model, best }))
    }

    fn problems_at(&self, at: u64) -> Result<Vec<Problem>, SolveError> {
        let models = 0..self.models.len();
        models
            .map(|model| self.axis.problem_at(model, at))
            .collect()
    }

    fn problems(&self, limits: u64, objectives: u64) -> Result<Vec<Problem>, SolveError> {
        let models = 0..self.models.len();
        let problem = |model| self.axis.problem(model, limits, objectives);
        models.map(problem).collect()
    }

    fn solved<'p>(&self, problems: &'p [Problem], objectives: u64) -> Result<Solved<'p>, SolveError>
    where
        Self: 'p,
    {
        let models = with_problems(self.models, problems);
        let solved = models.iter().map(|model| {
            let time_per_bit = self.axis.time_per_bit(model.problem, objectives);
            model.best_at(time_per_bit, self.options)
        });
        let solved = solved.collect::<Result<_, _>>()?;
        Ok((models, solved))
    }

    fn selection<'c>(
        &'c self,
        models: &'c [ModelProblem<'c>],
        solved: Vec<Option<Solution>>,
    ) -> Selection<'c> {
        Selection {
            models,
            solved,
            options: self.options,
        }
    }

    /// A plan with its numbers at a position.
    pub(crate) fn describe(&self, found: &Found, at: u64) -> Result<Plan, SolveError> {
        let problems = self.problems_at(at)?;
        let models = with_problems(self.models, &problems);
        let solved = models.iter().enumerate().map(|(index, model)| {
            let problem = model.problem;
            if index != found.model {
                return model.best_at(problem.time_per_bit(), self.options);
            }
            let mut best = found.best.clone();
            if let Some(cost) = self.axis.cost_at(problem, &best) {
                best.cost = cost;
            }
            best.rank = problem.rank(&best.edge, &best.cost, problem.time_per_bit());
            best.bound = best.rank.objectives[0];
            Ok(Some(best))
        });
        let solved = solved.collect::<Result<_, _>>()?;
        self.selection(&models, solved).plan(found.model)
    }
}

type Solved<'p> = (Vec<ModelProblem<'p>>, Vec<Option<Solution>>);

/// The same models with other problems.
pub(crate) fn with_problems<'a>(
    models: &[ModelProblem<'a>],
    problems: &'a [Problem],
) -> Vec<ModelProblem<'a>> {
    let with =
        |(model, problem): (&ModelProblem<'a>, &'a Problem)| ModelProblem { problem, ..*model };
    models.iter().zip(problems).map(with).collect()
}
