//! In which order the edge computes what it keeps.
//!
//! Under [`Schedule::Overlap`] the edge first computes what is sent. The tasks that it keeps wait
//! for one another in the order of their deadlines: the first few may run before anything is sent,
//! the rest run as a part of their own while link and server work. Every number of tasks to run
//! before is a candidate; with all of them it is the sequential schedule.

use crate::cost::completion::{Completion, Timing};
use crate::cost::model::CostModel;
use crate::scenario::Schedule;
use cutpoint_core::graph::{LayerSet, TensorId};

/// The orders in which the edge may work; at least one.
pub(crate) fn timings(
    model: &CostModel,
    schedule: Schedule,
    edge: &LayerSet,
    crossing: &[TensorId],
) -> Vec<Timing> {
    let done = model.done_when_sequential(edge);
    let none = LayerSet::empty(model.graph().layers().len());
    let mut timings = Vec::new();
    if schedule == Schedule::Overlap && !crossing.is_empty() {
        timings = overlapped(model, edge, crossing, &done);
    }
    timings.push(Timing { done, local: none });
    timings
}

fn overlapped(
    model: &CostModel,
    edge: &LayerSet,
    crossing: &[TensorId],
    done: &[Completion],
) -> Vec<Timing> {
    let mut before = model.graph().ancestors(crossing);
    let mut kept = Vec::new();
    for (task, needs) in model.needs().iter().enumerate() {
        match done[task] {
            Completion::Here => kept.push(task),
            // the part of it that is here
            _ => before.union_with(needs),
        }
    }
    before.intersect_with(edge);
    kept.sort_by_key(|task| (model.tables.deadlines[*task].unwrap_or(u64::MAX), *task));
    let mut timings: Vec<Timing> = Vec::new();
    for first in 0..kept.len() {
        let mut timing = Timing {
            done: done.to_vec(),
            local: LayerSet::empty(model.graph().layers().len()),
        };
        for task in &kept[first..] {
            let mut own = model.needs()[*task].clone();
            own.subtract(&before);
            if !own.is_empty() {
                timing.done[*task] = Completion::Local;
                timing.local.union_with(&own);
            }
        }
        if !timing.local.is_empty() && timings.last() != Some(&timing) {
            timings.push(timing);
        }
        before.union_with(&model.needs()[kept[first]]);
    }
    timings
}
