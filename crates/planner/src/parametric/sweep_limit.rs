//! Every optimal plan over a range of amounts of a limit, or of delays, with exact ends.
//!
//! A limit's amount changes nothing but which plans are allowed: the best plan at an amount is the
//! best down to what it uses, and the next one is looked for one unit below (the
//! epsilon-constraint method; Haimes, Lasdon and Wismer, IEEE SMC 1971). The objective is, for
//! each plan, a line in the delay, and limits get tighter as it grows. Both are cases of
//! [`Envelope`], on whole units and whole nanoseconds.

use std::sync::Arc;
use std::time::Duration;

use super::envelope::{Axis, Envelope};
use super::missed_breakpoints::{meeting_points, pieces_between};
use super::sweep::is_late_of_several;
use crate::engines::Solution;
use crate::problem::sums::objective_sums;
use crate::problem::swept::{limits_on, with_amount};
use crate::problem::varied::with_delays_apart;
use crate::problem::{Cost, Limit, ObjectiveFunction, Part, Problem};
use crate::scenario::{Objective, ParameterRange, Scenario};
use crate::solve::ModelProblem;
use crate::solve::{Options, SolveError};
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::plan::{DelayLine, FORMAT, LimitSegment, LimitSweep, Plan};
use cutpoint_core::quantity::Quantity;
use cutpoint_core::units::Delay;

/// The best plan at every amount of a range, and the position of the problem of each segment. The
/// problems are made of `scenario`, with what is varied at its loosest.
///
/// # Errors
/// [`SolveError::Infeasible`] when there is no plan at any amount; what cannot be swept over;
/// [`SolveError::Stopped`].
pub fn sweep_limit(
    models: &[ModelProblem<'_>],
    over: &ParameterRange,
    scenario: &Scenario,
    options: &Options,
) -> Result<(LimitSweep, Vec<usize>), SolveError> {
    let amounts = Amounts {
        models,
        over,
        scenario,
    };
    let delays = Delays { models, over };
    let axis: &dyn Axis = match over.parameter.quantity {
        Quantity::Delay => &delays,
        _ => {
            amounts.check()?;
            &amounts
        }
    };
    let envelope = Envelope::new(models, axis, options);
    let lines = over.parameter.quantity != Quantity::Delay || delays.are_lines();
    let (pieces, resolution) = if lines {
        (envelope.pieces(0, over.steps())?, None)
    } else {
        pieces_between(&envelope, 0, over.steps())?
    };
    let mut segments = Vec::new();
    for piece in &pieces {
        let (one, other) = (over.amount(piece.from), over.amount(piece.to));
        let (from, to) = (one.min(other), one.max(other));
        let at = if over.parameter.tightens_upwards() {
            piece.to
        } else {
            piece.from
        };
        let plan = envelope.describe(&piece.found, at)?;
        let is_line = over.parameter.quantity == Quantity::Delay && lines;
        let latency = is_line.then(|| line(&piece.found.best.cost, &plan));
        segments.push((piece.found.model, segment(over, (from, to), latency, plan)));
    }
    // the least amount first
    if over.parameter.tightens_upwards() {
        segments.reverse();
    }
    let (winners, segments): (Vec<usize>, Vec<LimitSegment>) = segments.into_iter().unzip();
    let file = LimitSweep {
        resolution,
        ..limit_sweep_file(over, segments)
    };
    Ok((file, winners))
}

fn segment(
    over: &ParameterRange,
    (from, to): (u64, u64),
    latency: Option<DelayLine>,
    plan: Plan,
) -> LimitSegment {
    LimitSegment {
        from,
        to,
        from_typed: over.parameter.typed(from),
        to_typed: over.parameter.typed(to),
        latency,
        plan,
    }
}

/// A latency as a line in the delay, from a cost that counts a delay as one nanosecond.
fn line(cost: &Cost, plan: &Plan) -> DelayLine {
    let delays = cost.parts.ns(Part::Delay) + cost.parts.ns(Part::BackDelay);
    DelayLine {
        fixed_ms: plan.latency_ms - delays as f64 * plan.setting.delay_ms,
        delays,
    }
}

/// Segments, the least amount first, as a file.
pub fn limit_sweep_file(over: &ParameterRange, segments: Vec<LimitSegment>) -> LimitSweep {
    let least = segments.first().map(|segment| segment.from);
    let most = segments.last().map(|segment| segment.to);
    LimitSweep {
        format: FORMAT,
        kind: FileKind::LimitSweep,
        over: over.parameter.to_string(),
        unit: over.parameter.unit().symbol().to_owned(),
        no_plan_below: least.filter(|least| *least > over.from),
        no_plan_above: most.filter(|most| *most < over.to),
        resolution: None,
        segments,
    }
}

/// Amounts of a limit, in steps from the tightest.
struct Amounts<'a> {
    models: &'a [ModelProblem<'a>],
    over: &'a ParameterRange,
    scenario: &'a Scenario,
}

impl Amounts<'_> {
    fn check(&self) -> Result<(), SolveError> {
        if self.over.parameter.quantity != Quantity::Deadline {
            return Ok(());
        }
        let any = |holds: &dyn Fn(&Problem) -> bool| self.models.iter().any(|r| holds(r.problem));
        let late = ObjectiveFunction::Scenario(Objective::Lateness);
        if any(&|problem| problem.objectives.functions.contains(&late)) {
            Err(SolveError::Goals)
        } else if any(&Problem::overlaps) {
            Err(SolveError::OrderVaries)
        } else if any(&|problem| {
            limits_on(problem, self.over, self.scenario)
                .next()
                .is_none()
        }) {
            Err(SolveError::NoTask)
        } else {
            Ok(())
        }
    }
}

impl Axis for Amounts<'_> {
    fn problem(&self, model: usize, limits: u64, _aims: u64) -> Result<Problem, SolveError> {
        let ModelProblem {
            problem, barred, ..
        } = self.models[model];
        if barred.is_some() {
            return Ok(problem.clone());
        }
        let amount = self.over.amount(limits);
        let problem = with_amount(problem, self.over, amount, self.scenario);
        problem.map_err(|error| SolveError::Problem(Arc::new(error)))
    }

    fn limits_vary(&self) -> bool {
        true
    }

    fn objectives_vary(&self) -> bool {
        false
    }
}

/// Delays in whole nanoseconds, in steps from the longest.
pub(crate) struct Delays<'a> {
    pub(crate) models: &'a [ModelProblem<'a>],
    pub(crate) over: &'a ParameterRange,
}

impl Delays<'_> {
    /// Whether the objective is a line in the delay for every plan.
    fn are_lines(&self) -> bool {
        let mut problems = self.models.iter().map(|model| model.problem);
        problems.all(|problem| !problem.overlaps() && !is_late_of_several(problem))
    }
}

impl Axis for Delays<'_> {
    fn problem(&self, model: usize, limits: u64, objectives: u64) -> Result<Problem, SolveError> {
        let (limits, objectives) = (self.over.amount(limits), self.over.amount(objectives));
        let problem = self.models[model].problem;
        Ok(with_delays_apart(problem, limits, objectives))
    }

    fn problem_at(&self, model: usize, at: u64) -> Result<Problem, SolveError> {
        let delay = Delay(Duration::from_nanos(self.over.amount(at)));
        Ok(self.models[model].problem.with_delay(delay))
    }

    fn cost_at(&self, problem: &Problem, found: &Solution) -> Option<Cost> {
        let costs = problem.costs(&found.edge, &found.cost.crossing).ok()?;
        let mut costs = costs.into_iter();
        costs.find(|cost| cost.timing == found.cost.timing)
    }

    fn turns(&self, problem: &Problem, cost: &Cost) -> Vec<u64> {
        let (none, one) = (
            with_delays_apart(problem, 0, 0),
            with_delays_apart(problem, 1, 1),
        );
        let values = |problem: &Problem, objective: &ObjectiveFunction| {
            let sums = objective_sums(problem, objective, &cost.timing.done).into_iter();
            let values = sums.map(|sum| sum.value(&cost.parts, problem.time_per_bit()));
            values.collect::<Vec<i128>>()
        };
        let points = problem.objectives.functions.iter().flat_map(|objective| {
            let pairs = values(&none, objective)
                .into_iter()
                .zip(values(&one, objective));
            meeting_points(
                &pairs
                    .map(|(at_none, at_one)| (at_none, at_one - at_none))
                    .collect::<Vec<_>>(),
            )
        });
        let delays = points.filter_map(|(gap, rise)| u64::try_from(gap / rise).ok());
        let delays = delays.flat_map(|delay| [delay, delay.saturating_add(1)]);
        let longest = self.over.to;
        delays
            .filter_map(|delay| longest.checked_sub(delay))
            .collect()
    }

    fn limits_vary(&self) -> bool {
        let timed = |limit: &Limit| matches!(limit, Limit::Deadline { .. } | Limit::MaxEnergy(_));
        let mut models = self.models.iter();
        models.any(|model| model.problem.limits().iter().any(timed))
    }

    fn objectives_vary(&self) -> bool {
        true
    }
}
