//! What the halves of the placement looked at take of memory.

use super::DfsState;
use crate::problem::{Limit, ObjectiveFunction};
use cutpoint_core::graph::LayerSet;

impl DfsState<'_, '_> {
    /// Whether this placement, or a larger one, can meet the limits on what is on the edge.
    pub(crate) fn can_grow(&self) -> bool {
        let problem = self.reduced.problem;
        let limit = problem.constraints.edge_memory_limit();
        let limit = limit.filter(|_| self.has_edge_half());
        let fits = |limit| problem.model.edge_memory(self.weight_bytes, 0) <= limit;
        limit.is_none_or(fits) && self.knapsack_use.layers_fit()
    }

    /// The objective, when it is what is used of a limit that is no sum of times and bytes; at
    /// least this without what is alive at once, which takes long to find out.
    pub(super) fn special(&self, with_live: bool) -> Option<[i128; 2]> {
        let problem = self.reduced.problem;
        let Some(ObjectiveFunction::LimitUse(limit)) = problem.objectives.functions.first() else {
            return None;
        };
        let live = |layers: &LayerSet| {
            if with_live {
                problem.graph().peak_live_bytes(layers).0
            } else {
                0
            }
        };
        let used = match limit {
            Limit::EdgeMemory(_) if !self.has_edge_half() => 0,
            Limit::ServerMemory(_) if !self.has_server_half() => 0,
            Limit::EdgeMemory(_) => {
                let live = live(&self.edge);
                problem.model.edge_memory(self.weight_bytes, live).0
            }
            Limit::ServerMemory(_) => {
                let live = live(&self.edge.complement());
                problem
                    .model
                    .server_memory(self.server_weight_bytes, live)
                    .0
            }
            _ => return None,
        };
        Some([i128::from(used), 0])
    }

    /// Whether the edge computes or sends anything.
    fn has_edge_half(&self) -> bool {
        self.edge_layers > 0 || !self.crossing.is_empty()
    }

    /// Whether the server computes anything.
    pub(super) fn has_server_half(&self) -> bool {
        self.edge_layers < self.missing.len()
    }

    pub(super) fn fits_memory(&self) -> bool {
        let problem = self.reduced.problem;
        let graph = problem.graph();
        let edge_limit = problem.constraints.edge_memory_limit();
        let edge = edge_limit
            .filter(|_| self.has_edge_half())
            .is_none_or(|limit| {
                let peak = graph.peak_live_bytes(&self.edge);
                problem.model.edge_memory(self.weight_bytes, peak.0) <= limit
            });
        let server = || {
            problem
                .constraints
                .server_memory_limit()
                .filter(|_| self.has_server_half())
                .is_none_or(|limit| {
                    let peak = graph.peak_live_bytes(&self.edge.complement());
                    problem
                        .model
                        .server_memory(self.server_weight_bytes, peak.0)
                        <= limit
                })
        };
        edge && server()
    }
}
