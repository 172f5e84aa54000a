//! Drops encodings that break a limit alone, or that another encoding of the tensor beats in every
//! respect.

use super::contribution::SumAtRate;
use super::reduced::{Contradiction, EncodingUse, Reduced};
use super::{PresolveRule, Scope, Stage};
use crate::problem::sums::{limit_room, limit_sums, objective_sums};
use crate::problem::{Completion, Counts, Encoding, LinearCost, Part, Problem, TimePerBit};
use cutpoint_core::graph::TensorId;

/// Keeps the encodings that can be part of a best plan, in the order of the objectives.
pub(crate) struct EncodingDominance;

impl PresolveRule for EncodingDominance {
    fn name(&self) -> &'static str {
        "encoding dominance"
    }

    fn stages(&self) -> &'static [Stage] {
        &[Stage::Always]
    }

    fn apply(&self, reduced: &mut Reduced<'_>, scope: &Scope<'_>) -> Result<(), Contradiction> {
        let measures = Measures::new(reduced.problem, scope);
        for tensor in reduced.problem.graph().tensor_ids() {
            let all = std::mem::take(&mut reduced.encodings[tensor.index()]);
            reduced.encodings[tensor.index()] = undominated(reduced, &measures, tensor, all);
        }
        reduced.in_order = measures.in_order;
        Ok(())
    }
}

/// What encodings are compared by.
struct Measures {
    /// In the order in which plans are compared.
    objectives: Vec<SumAtRate>,
    /// Whether an encoding that is better in the first objective in which two differ is better.
    in_order: bool,
    /// What else matters: sums that are limited, and how far where it is known.
    limits: Vec<(SumAtRate, Option<i128>)>,
}

/// An encoding in these measures: objectives, limits.
type Measured = (Vec<i128>, Vec<i128>);

impl Measures {
    fn new(problem: &Problem, scope: &Scope<'_>) -> Measures {
        let (objectives, limits) = (scope.objectives_at, scope.limits_at);
        let mut measures = Measures {
            objectives: Vec::new(),
            in_order: false,
            limits: Vec::new(),
        };
        let at = |times_per_bit: &[TimePerBit], sum| {
            times_per_bit
                .iter()
                .map(|time_per_bit| (sum, *time_per_bit))
                .collect::<Vec<_>>()
        };
        if problem.depends_on_tasks() {
            // some weights of these, whichever tasks the edge keeps
            let parts = [Part::Encode, Part::Decode, Part::Uplink].into_iter();
            measures.objectives = parts
                .flat_map(|part| at(objectives, LinearCost::of(&[part])))
                .collect();
            return measures;
        }
        // any, for it does not matter
        let done = vec![Completion::Here; problem.tasks().len()];
        let sums = problem.objectives.functions.iter();
        let sums: Vec<Vec<LinearCost>> = sums
            .map(|objective| objective_sums(problem, objective, &done))
            .collect();
        // an objective that is no sum leaves nothing to prefer
        measures.in_order = objectives.len() == 1 && sums.iter().all(|sums| sums.len() == 1);
        let sums = sums.into_iter().flatten();
        measures.objectives = sums.flat_map(|sum| at(objectives, sum)).collect();
        for limit in problem.limits() {
            let Some(room) = limit_room(problem, limit) else {
                continue;
            };
            let sums = limit_sums(problem, limit, &done).into_iter();
            for sums_at_rate in sums.flat_map(|sum| at(limits, sum)) {
                let room = Some(room).filter(|_| sums_at_rate.1 == problem.time_per_bit());
                measures.limits.push((sums_at_rate, room));
            }
        }
        measures
    }

    fn of(&self, encoding: &Encoding) -> Measured {
        let of = |(sum, time_per_bit): &SumAtRate| sum.of_encoding(encoding, *time_per_bit);
        let limits = self.limits.iter().map(|(sums_at_rate, _)| of(sums_at_rate));
        (self.objectives.iter().map(of).collect(), limits.collect())
    }

    /// Whether an encoding breaks no limit alone.
    fn fits(&self, measured: &Measured) -> bool {
        let mut pairs = measured.1.iter().zip(&self.limits);
        pairs.all(|(used, (_, room))| room.is_none_or(|room| *used <= room))
    }

    /// Whether plans with `one` instead of `other` are at least as good, as far as these measures
    /// go.
    fn beats(&self, one: (&Measured, &EncodingUse), other: (&Measured, &EncodingUse)) -> bool {
        let payload = |choice: &EncodingUse| choice.encoding.payload;
        let limits = one.0.1.iter().zip(&other.0.1).all(|(a, b)| a <= b);
        let objectives = if self.in_order {
            (&one.0.0, payload(one.1)) <= (&other.0.0, payload(other.1))
        } else {
            let mut pairs = one.0.0.iter().zip(&other.0.0);
            pairs.all(|(a, b)| a <= b) && payload(one.1) <= payload(other.1)
        };
        limits && objectives
    }
}

/// The encodings that can be part of a best plan, in the order of the objectives; of equal ones,
/// the one with the fewest bytes first.
fn undominated(
    reduced: &Reduced<'_>,
    measures: &Measures,
    tensor: TensorId,
    all: Vec<EncodingUse>,
) -> Vec<EncodingUse> {
    let graph = reduced.problem.graph();
    let knapsacks = reduced.knapsacks().iter();
    let always: Vec<bool> = knapsacks
        .map(|knapsack| knapsack.when(graph, tensor) == Counts::Always)
        .collect();
    let fits = |(measured, choice): &(Measured, EncodingUse)| {
        let mut rows = choice.uses.iter().zip(&reduced.allows).zip(&always);
        let knapsacks = rows.all(|((uses, allows), always)| !always || uses <= allows);
        knapsacks && measures.fits(measured)
    };
    let measured = all
        .into_iter()
        .map(|choice| (measures.of(&choice.encoding), choice));
    let mut choices: Vec<(Measured, EncodingUse)> = measured.filter(fits).collect();
    if choices.len() < 2 {
        return choices.into_iter().map(|(_, choice)| choice).collect();
    }
    choices.sort_by(|a, b| (&a.0.0, a.1.encoding.payload).cmp(&(&b.0.0, b.1.encoding.payload)));
    // encodings further back help only with less of something
    let mut kept: Vec<(Measured, EncodingUse)> = Vec::new();
    for (measured, choice) in choices {
        let beaten = |(of_other, other): &(Measured, EncodingUse)| {
            let uses = other.uses.iter().zip(&choice.uses).all(|(a, b)| a <= b);
            uses && measures.beats((of_other, other), (&measured, &choice))
        };
        if !kept.iter().any(beaten) {
            kept.push((measured, choice));
        }
    }
    kept.into_iter().map(|(_, choice)| choice).collect()
}
