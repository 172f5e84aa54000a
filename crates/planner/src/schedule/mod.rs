//! In which order the edge computes what it keeps.
//!
//! Under [`Schedule::Overlap`] the edge first computes what is sent. The tasks that it keeps wait
//! for one another in the order of their deadlines: the first few may run before anything is sent,
//! the rest run as a part of their own while link and server work. Every number of tasks to run
//! before is a candidate; with all of them it is the sequential schedule.

mod kept_sets;

use crate::objective::Completion;
use crate::problem::Problem;
use crate::scenario::Schedule;
use cutpoint_core::graph::{LayerSet, TensorId};

/// One order of work on the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// Where each task is done.
    pub done: Vec<Completion>,
    /// Layers that run while link and server work.
    pub local: LayerSet,
}

impl Problem {
    /// Whether heads that stay may run while link and server work.
    pub fn overlaps(&self) -> bool {
        self.schedule == Schedule::Overlap
    }

    /// Where each task is done when everything on the edge runs before anything is sent.
    pub fn done_when_sequential(&self, edge: &LayerSet) -> Vec<Completion> {
        let needs = self.needs().iter().enumerate();
        needs
            .map(|(task, needs)| self.done(task, needs.is_subset(edge)))
            .collect()
    }

    /// The orders in which the edge may work; at least one.
    pub fn timings(&self, edge: &LayerSet, crossing: &[TensorId]) -> Vec<Timing> {
        let done = self.done_when_sequential(edge);
        let none = LayerSet::empty(self.graph().layers().len());
        let mut timings = Vec::new();
        if self.overlaps() && !crossing.is_empty() {
            timings = self.overlapped(edge, crossing, &done);
        }
        timings.push(Timing { done, local: none });
        timings
    }

    fn overlapped(
        &self,
        edge: &LayerSet,
        crossing: &[TensorId],
        done: &[Completion],
    ) -> Vec<Timing> {
        let mut before = self.graph().ancestors(crossing);
        let mut kept = Vec::new();
        for (task, needs) in self.needs().iter().enumerate() {
            match done[task] {
                Completion::Here => kept.push(task),
                // the part of it that is here
                _ => before.union_with(needs),
            }
        }
        before.intersect_with(edge);
        kept.sort_by_key(|task| (self.tables.deadlines[*task].unwrap_or(u64::MAX), *task));
        let mut timings: Vec<Timing> = Vec::new();
        for first in 0..kept.len() {
            let mut timing = Timing {
                done: done.to_vec(),
                local: LayerSet::empty(self.graph().layers().len()),
            };
            for task in &kept[first..] {
                let mut own = self.needs()[*task].clone();
                own.subtract(&before);
                if !own.is_empty() {
                    timing.done[*task] = Completion::Local;
                    timing.local.union_with(&own);
                }
            }
            if !timing.local.is_empty() && timings.last() != Some(&timing) {
                timings.push(timing);
            }
            before.union_with(&self.needs()[kept[first]]);
        }
        timings
    }
}
