//! Every optimal plan over a range of rates, with exact switching rates.
//!
//! The objective is a line in the time per bit (one over the rate), and limits that depend on the
//! rate (deadlines, energy, what the link carries) all get tighter as it falls: see [`Envelope`].
//! What is the largest of several lines (the lateness of several tasks, throughput, heads that run
//! overlapped with the transfer) is solved for at single rates, see [`super::by_bisection`], until no plan is
//! missed between them, see [`super::missed_breakpoints`].

use super::envelope::{Axis, Envelope, Piece};
use super::missed_breakpoints::{meeting_points, pieces_between};
use crate::plan_writer::PlanWriter;
use crate::problem::sums::objective_sums;
use crate::problem::{Cost, LinearCost, ObjectiveFunction, Problem, TimePerBit};
use crate::scenario::{Objective, RateRange};
use crate::solve::ModelProblem;
use crate::solve::{Options, SolveError};
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::plan::{Baseline, FORMAT, Segment, Sweep};
use cutpoint_core::units::BitRate;

/// The best plan at every rate of a range.
///
/// # Errors
/// [`SolveError::Infeasible`] when no plan meets the limits at any rate of the range;
/// [`SolveError::Stopped`].
pub fn sweep(problem: &Problem, rates: RateRange, options: &Options) -> Result<Sweep, SolveError> {
    let alone = ModelProblem {
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
    models: &[ModelProblem<'_>],
    rates: RateRange,
    options: &Options,
) -> Result<(Sweep, Vec<usize>), SolveError> {
    let axis = Rates { models };
    let envelope = Envelope::new(models, &axis, options);
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
        kind: FileKind::Sweep,
        no_plan_below_bit_s: no_plan_below(&pieces, rates),
        resolution,
        baselines: baselines(models, rates),
        segments,
    };
    let winners = pieces.iter().map(|piece| piece.found.model);
    Ok((sweep, winners.collect()))
}

/// The best plans of a range, the slowest rate first, and what may be missing; of rates without one
/// there is no piece.
///
/// # Errors
/// As [`sweep`].
pub(crate) fn pieces(
    envelope: &Envelope<'_>,
    rates: RateRange,
) -> Result<(Vec<Piece>, Option<String>), SolveError> {
    let (from, to) = (rates.from.bit_s(), rates.to.bit_s());
    if are_lines(envelope.models) {
        return Ok((envelope.pieces(from, to)?, None));
    }
    pieces_between(envelope, from, to)
}

/// Whether the objective is a line in the time per bit for every plan.
pub(crate) fn are_lines(models: &[ModelProblem<'_>]) -> bool {
    models.iter().all(|model| {
        let problem = model.problem;
        let busy = ObjectiveFunction::Scenario(Objective::Throughput);
        !problem.overlaps()
            && !problem.objectives.functions.contains(&busy)
            && !is_late_of_several(problem)
    })
}

/// The first rate of the next piece; of the last one, the end of the range.
pub(crate) fn ends(pieces: &[Piece], rates: RateRange) -> impl Iterator<Item = u64> {
    let next = pieces.iter().skip(1).map(|piece| piece.from);
    next.chain([rates.to.bit_s()])
}

/// The slowest rate with a plan, when there is none at slower ones.
pub(crate) fn no_plan_below(pieces: &[Piece], rates: RateRange) -> Option<u64> {
    let first = pieces.first().map(|piece| piece.from);
    first.filter(|from| *from > rates.from.bit_s())
}

fn baselines(models: &[ModelProblem<'_>], rates: RateRange) -> Vec<Baseline> {
    let mut all = Vec::new();
    for model in models {
        let problem = model.problem.with_rate(rates.from);
        let lines = PlanWriter::new(&problem)
            .baseline_lines(TimePerBit::of(rates.from))
            .into_iter();
        all.extend(lines.map(|line| Baseline {
            name: match models.len() {
                1 => line.name,
                _ => format!("{}, {}", model.name, line.name),
            },
            ..line
        }));
    }
    all
}

/// Whole bits per second.
pub(crate) struct Rates<'a> {
    pub(crate) models: &'a [ModelProblem<'a>],
}

/// Whether the largest of several tasks' lateness is the objective.
pub(crate) fn is_late_of_several(problem: &Problem) -> bool {
    let late = ObjectiveFunction::Scenario(Objective::Lateness);
    problem.objectives.functions.contains(&late) && problem.tasks().len() > 1
}

impl Axis for Rates<'_> {
    fn problem(&self, model: usize, limits: u64, _aims: u64) -> Result<Problem, SolveError> {
        let rate = BitRate::from_bit_s(limits).unwrap_or(BitRate::SLOWEST);
        Ok(self.models[model].problem.with_rate(rate))
    }

    fn time_per_bit(&self, _problem: &Problem, objectives: u64) -> TimePerBit {
        TimePerBit::of(BitRate::from_bit_s(objectives).unwrap_or(BitRate::SLOWEST))
    }

    fn turns(&self, problem: &Problem, cost: &Cost) -> Vec<u64> {
        const NS_PER_S: i128 = 1_000_000_000;
        let objectives = problem.objectives.functions.iter();
        let points = objectives.flat_map(|objective| {
            let sums = objective_sums(problem, objective, &cost.timing.done).into_iter();
            let at = |sum: &LinearCost, time_per_bit| sum.value(&cost.parts, time_per_bit);
            let line = |sum: LinearCost| {
                (
                    at(&sum, TimePerBit::fraction(0, 1)),
                    at(&sum, TimePerBit::fraction(1, 0)),
                )
            };
            meeting_points(&sums.map(line).collect::<Vec<_>>())
        });
        // at a time per bit of nothing the rate has no end
        let finite = points.filter(|(ns, _)| *ns > 0);
        let rates =
            finite.map(|(ns, bits)| u64::try_from(NS_PER_S * bits / ns).unwrap_or(u64::MAX));
        rates
            .flat_map(|rate| [rate, rate.saturating_add(1)])
            .collect()
    }

    fn limits_vary(&self) -> bool {
        let mut models = self.models.iter();
        models.any(|model| model.problem.constraints.depends_on_rate())
    }

    fn objectives_vary(&self) -> bool {
        true
    }
}
