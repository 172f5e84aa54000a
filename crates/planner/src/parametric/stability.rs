//! How far the rate and the machines' times may move before another plan wins.
//!
//! Along the rate the ends are those of a sweep's segment, exact to the bit per second. Along the
//! times each end is found by bisection, with fresh solves of the problem whose times are scaled;
//! where the objective is a sum of times and no limit is one, the factors at which a plan is best
//! are an interval, so that there is one end to find. With limits on time, a model may drop out as
//! times grow, and the end found need not be the nearest.

use super::sweep::{are_lines, sweep_models};
use crate::planning::Selection;
use crate::problem::with_times_by;
use crate::problem::{Codecs, Problem, ProblemError};
use crate::scenario::RateRange;
use crate::solve::ModelProblem;
use crate::solve::{Options, SolveError};
use cutpoint_core::graph::LayerSet;
use cutpoint_core::plan::{Interval, Stability};
use cutpoint_core::units::{BitRate, MAX_BIT_S};

/// The factor up to which the search looks, up and down.
const WITHIN: f64 = 100.0;

/// Ends are found up to this factor.
const PRECISION: f64 = 1.01;

/// The plan whose range is looked for.
struct Chosen {
    model: usize,
    edge: LayerSet,
    codecs: Codecs,
}

/// What may move, and by which factor.
#[derive(Debug, Clone, Copy)]
enum Move {
    Rate(f64),
    Edge(f64),
    Server(f64),
}

impl Move {
    fn apply(self, problem: &Problem) -> Result<Problem, ProblemError> {
        match self {
            Move::Rate(factor) => Ok(problem.with_rate(moved(problem.link().rate, factor))),
            Move::Edge(factor) => with_times_by(problem, factor, 1.0),
            Move::Server(factor) => with_times_by(problem, 1.0, factor),
        }
    }
}

/// A rate times a factor, as far as there are such rates.
fn moved(rate: BitRate, factor: f64) -> BitRate {
    let bit_s = (rate.bit_s() as f64 * factor).clamp(1.0, MAX_BIT_S);
    BitRate::from_bit_s(bit_s.round() as u64).unwrap_or(BitRate::SLOWEST)
}

/// How far things may move, one at a time, before another plan than the best of all `models` wins;
/// `None` when there is no plan.
///
/// # Errors
/// [`SolveError::Stopped`].
pub fn stability(
    models: &[ModelProblem<'_>],
    options: &Options,
) -> Result<Option<Stability>, SolveError> {
    let Some((model, best)) = selection(models, options)?.winner() else {
        return Ok(None);
    };
    let chosen = Chosen {
        model,
        edge: best.edge,
        codecs: best.cost.crossing,
    };
    let rate = models[model].problem.link().rate;
    let ends = |of: fn(f64) -> Move| -> Result<Interval<f64>, SolveError> {
        let end = |up: bool| chosen.end(models, of, up, options);
        Ok(Interval {
            from: end(false)?,
            to: end(true)?,
        })
    };
    let exact = are_lines(models);
    let rate_bit_s = if exact {
        segment(models, rate, options)?
    } else {
        let factors = ends(Move::Rate)?;
        let bit_s = |factor: f64| moved(rate, factor).bit_s();
        Interval {
            from: factors.from.map(bit_s),
            to: factors.to.map(bit_s),
        }
    };
    Ok(Some(Stability {
        within: WITHIN,
        rate_bit_s,
        rate_to_1_percent: !exact,
        edge_times: ends(Move::Edge)?,
        server_times: ends(Move::Server)?,
    }))
}

fn selection<'a>(
    models: &'a [ModelProblem<'a>],
    options: &'a Options,
) -> Result<Selection<'a>, SolveError> {
    let best = |model: &ModelProblem<'_>| model.best_at(model.problem.time_per_bit(), options);
    Ok(Selection {
        solved: models.iter().map(best).collect::<Result<_, _>>()?,
        models,
        options,
    })
}

/// The rates at which the plan for `rate` is the best one.
fn segment(
    models: &[ModelProblem<'_>],
    rate: BitRate,
    options: &Options,
) -> Result<Interval<u64>, SolveError> {
    let rates = RateRange {
        from: moved(rate, 1.0 / WITHIN),
        to: moved(rate, WITHIN),
    };
    let (sweep, _) = sweep_models(models, rates, options)?;
    let bit_s = rate.bit_s();
    let at = sweep.segments.iter();
    let Some(own) = at.rev().find(|segment| segment.from_bit_s <= bit_s) else {
        return Ok(Interval::default());
    };
    Ok(Interval {
        from: Some(own.from_bit_s).filter(|from| *from > rates.from.bit_s()),
        // the next segment begins where another plan wins
        to: Some(own.to_bit_s)
            .filter(|to| *to < rates.to.bit_s())
            .map(|to| to - 1),
    })
}

impl Chosen {
    /// The last factor, up or down, at which this plan is found to be the best one.
    fn end(
        &self,
        models: &[ModelProblem<'_>],
        of: fn(f64) -> Move,
        up: bool,
        options: &Options,
    ) -> Result<Option<f64>, SolveError> {
        let factor = |ln: f64| if up { ln.exp() } else { (-ln).exp() };
        let holds = |ln: f64| self.is_best(models, of(factor(ln)), options);
        let (mut holds_at, mut fails_at) = (0.0, WITHIN.ln());
        if holds(fails_at)? {
            return Ok(None);
        }
        while fails_at - holds_at > PRECISION.ln() {
            let middle = 0.5 * (holds_at + fails_at);
            if holds(middle)? {
                holds_at = middle
            } else {
                fails_at = middle
            }
        }
        Ok(Some(factor(holds_at)))
    }

    fn is_best(
        &self,
        models: &[ModelProblem<'_>],
        by: Move,
        options: &Options,
    ) -> Result<bool, SolveError> {
        let problems: Result<Vec<Problem>, ProblemError> =
            models.iter().map(|model| by.apply(model.problem)).collect();
        let problems = problems.map_err(|error| SolveError::Stopped(error.to_string()))?;
        let models: Vec<ModelProblem<'_>> = models
            .iter()
            .zip(&problems)
            .map(|(model, problem)| ModelProblem { problem, ..*model })
            .collect();
        let own = &problems[self.model];
        let Ok(cost) = own.evaluate(&self.edge, &self.codecs) else {
            return Ok(false);
        };
        let rank = own.rank(&self.edge, &cost, own.time_per_bit());
        let best = selection(&models, options)?.winner();
        Ok(best.is_none_or(|(_, best)| rank <= best.rank))
    }
}
