//! What plans are compared by, as weighted sums of a placement's parts.
//!
//! What a task waits for depends on where it is done, so the sums of some objectives depend on
//! which tasks the edge keeps; given that, all of them are linear.

use crate::constraints::{Constraints, Limit, Rated};
use crate::cost::completion::Completion;
use crate::cost::model::CostModel;
use crate::cost::parts::{LinearCost, Part, repeat_delays};
use crate::cost::placement::Cost;
use crate::cost::power::{busy, energy};
use crate::cost::time_per_bit::TimePerBit;
use crate::scenario::{Objective, Scenario};
use cutpoint_core::graph::LayerSet;

/// What a problem minimises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectiveFunction {
    /// What the scenario asks for.
    Scenario(Objective),
    /// What is used of a limit.
    LimitUse(Limit),
    /// What latency is never below, whatever runs beside link and server: the edge's own work, and
    /// everything but that.
    LeastLatency,
}

impl ObjectiveFunction {
    /// A value of this objective in the unit of human-readable output: milliseconds, millijoules or
    /// bytes; in the unit of the limit for what is used of one.
    pub fn readable(&self, value: i128, time_per_bit: TimePerBit) -> f64 {
        match self {
            ObjectiveFunction::Scenario(Objective::Uplink) | ObjectiveFunction::LimitUse(_) => {
                value as f64
            }
            ObjectiveFunction::Scenario(Objective::Weighted) => time_per_bit.ns(value) / 1e9,
            // femtojoules
            ObjectiveFunction::Scenario(Objective::Energy) => time_per_bit.ns(value) / 1e12,
            ObjectiveFunction::LeastLatency
            | ObjectiveFunction::Scenario(
                Objective::Latency
                | Objective::Lateness
                | Objective::Throughput
                | Objective::EdgeTime,
            ) => time_per_bit.ns(value) / 1e6,
        }
    }
}

/// What plans are compared by, the first first.
#[derive(Debug, Clone)]
pub(crate) struct Objectives {
    pub(crate) functions: Vec<ObjectiveFunction>,
    /// How often a delay counts.
    pub(crate) delays: i64,
}

impl Objectives {
    /// The objectives of a scenario.
    pub(crate) fn of(scenario: &Scenario) -> Objectives {
        let objectives = [Some(scenario.objective), scenario.then].into_iter();
        Objectives {
            functions: objectives
                .flatten()
                .map(ObjectiveFunction::Scenario)
                .collect(),
            delays: 1,
        }
    }

    /// Whether what plans are compared by depends on which tasks the edge keeps.
    pub(crate) fn depend_on_tasks(&self) -> bool {
        self.functions.iter().any(|objective| match objective {
            ObjectiveFunction::Scenario(objective) => {
                matches!(objective, Objective::Weighted | Objective::Lateness)
            }
            ObjectiveFunction::LimitUse(of) => matches!(of, Limit::Deadline { .. }),
            ObjectiveFunction::LeastLatency => false,
        })
    }

    /// What the first objective never is below, in its unit: times and amounts are not negative.
    pub(crate) fn least_possible(&self, model: &CostModel, time_per_bit: TimePerBit) -> i128 {
        match self.functions.first() {
            Some(ObjectiveFunction::Scenario(Objective::Lateness)) => {
                let latest = model.tables.deadlines.iter().flatten().max();
                let latest = latest.map_or(0, |ns| i128::from(*ns));
                time_per_bit.scaled_signed(-latest, 0)
            }
            _ => 0,
        }
    }

    /// What an objective comes to.
    pub(crate) fn value(
        &self,
        (rated, constraints): (Rated<'_>, &Constraints),
        objective: &ObjectiveFunction,
        (edge, cost): (&LayerSet, &Cost),
        time_per_bit: TimePerBit,
    ) -> i128 {
        let sums = self.sums((rated.0, constraints), objective, &cost.timing.done);
        match (objective, sums.as_slice()) {
            (ObjectiveFunction::LimitUse(limit), []) => {
                let used = constraints.used(rated, limit, edge, cost);
                used.map_or(i128::from(i64::MAX), i128::from)
            }
            (_, sums) => cost.largest(sums, time_per_bit),
        }
    }

    /// Sums of which an objective is the largest, given where each task is done. Empty for
    /// objectives that are no sums of times and bytes.
    pub(crate) fn sums(
        &self,
        (model, constraints): (&CostModel, &Constraints),
        objective: &ObjectiveFunction,
        done: &[Completion],
    ) -> Vec<LinearCost> {
        match objective {
            ObjectiveFunction::Scenario(objective) => {
                repeat_delays(sums_of_objective(model, *objective, done), self.delays)
            }
            ObjectiveFunction::LimitUse(limit) => constraints.sums(model, limit, done),
            ObjectiveFunction::LeastLatency => {
                let mut elsewhere = Completion::Back.time();
                elsewhere.add(Part::Edge, -1);
                repeat_delays(vec![Completion::Here.time(), elsewhere], self.delays)
            }
        }
    }
}

fn sums_of_objective(
    model: &CostModel,
    objective: Objective,
    done: &[Completion],
) -> Vec<LinearCost> {
    match objective {
        Objective::Latency => latency(done),
        Objective::Weighted => {
            let mut sum = LinearCost::default();
            for (done, weight) in done.iter().zip(&model.tables.weights) {
                sum.add_sum(&done.time(), i64::from(*weight));
            }
            vec![sum]
        }
        Objective::Lateness => {
            let due = model.tables.deadlines.iter().zip(done);
            let late = due.filter_map(|(most, done)| {
                let mut sum = done.time();
                sum.more_ns = -i64::try_from((*most)?).unwrap_or(i64::MAX);
                Some(sum)
            });
            // without tasks there is nothing to be late
            match distinct(late.collect()) {
                sums if sums.is_empty() => vec![LinearCost::default()],
                sums => sums,
            }
        }
        Objective::Energy => energy(model, done),
        Objective::Throughput => busy(),
        Objective::Uplink => vec![LinearCost::of_uplink_bytes()],
        Objective::EdgeTime => vec![Completion::Local.time()],
    }
}

fn latency(done: &[Completion]) -> Vec<LinearCost> {
    let mut sums = vec![Completion::Back.time()];
    sums.extend(
        done.contains(&Completion::Local)
            .then(|| Completion::Local.time()),
    );
    sums
}

/// Of sums that differ in what is added only, the largest.
fn distinct(sums: Vec<LinearCost>) -> Vec<LinearCost> {
    let mut kept: Vec<LinearCost> = Vec::new();
    for sum in sums {
        let alike = |other: &&mut LinearCost| other.same_weights(&sum);
        match kept.iter_mut().find(alike) {
            Some(other) => other.more_ns = other.more_ns.max(sum.more_ns),
            None => kept.push(sum),
        }
    }
    kept
}
