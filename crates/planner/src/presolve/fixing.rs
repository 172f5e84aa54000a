//! Rules that fix layers to a side because the limits leave no other.

use super::reduced::{Contradiction, Reduced};
use super::{PresolveRule, Scope, Stage};
use crate::problem::Knapsack;
use cutpoint_core::graph::LayerSet;

/// Fixes the layers that the scenario pins to a side.
pub(crate) struct Pins;

/// Leaves a half without layers that needs more memory than there is even when it has nothing to
/// hold.
pub(crate) struct Halves;

/// Fixes what follows from layers that are fixed and from tensors that may not cross.
pub(crate) struct Closure;

/// Refuses a problem in which the layers that are fixed already exceed a limit.
pub(crate) struct Room;

/// Fixes layers to the server whose ancestors alone need more memory than the edge may use.
pub(crate) struct EdgeMemory;

/// Fixes layers to the server that, with all they need, use more of a capacity than there is.
pub(crate) struct Capacities;

impl PresolveRule for Pins {
    fn name(&self) -> &'static str {
        "pins"
    }

    fn stages(&self) -> &'static [Stage] {
        &[Stage::Always]
    }

    fn apply(&self, reduced: &mut Reduced<'_>, _: &Scope<'_>) -> Result<(), Contradiction> {
        (reduced.edge, reduced.server) = reduced.problem.constraints.pins(&reduced.problem.model);
        Ok(())
    }
}

impl PresolveRule for Halves {
    fn name(&self) -> &'static str {
        "halves"
    }

    fn stages(&self) -> &'static [Stage] {
        &[Stage::Always]
    }

    fn apply(&self, reduced: &mut Reduced<'_>, _: &Scope<'_>) -> Result<(), Contradiction> {
        let problem = reduced.problem;
        let (model, constraints) = (&problem.model, &problem.constraints);
        let graph = problem.graph();
        let everything = LayerSet::full(graph.layers().len());
        let edge_limit = constraints.edge_memory_limit();
        if edge_limit.is_some_and(|limit| model.edge_memory(0, 0) > limit) {
            reduced.server.union_with(&everything);
            // sending anything takes an edge half
            for input in graph.inputs().iter().filter(|t| !model.is_local(**t)) {
                reduced.encodings[input.index()].clear();
            }
        }
        let server_limit = constraints.server_memory_limit();
        if server_limit.is_some_and(|limit| model.server_memory(0, 0) > limit) {
            reduced.edge.union_with(&everything);
        }
        Ok(())
    }
}

impl PresolveRule for Closure {
    fn name(&self) -> &'static str {
        "closure"
    }

    fn stages(&self) -> &'static [Stage] {
        &[Stage::Always]
    }

    fn apply(&self, reduced: &mut Reduced<'_>, _: &Scope<'_>) -> Result<(), Contradiction> {
        reduced.propagate()
    }
}

impl PresolveRule for Room {
    fn name(&self) -> &'static str {
        "room"
    }

    fn stages(&self) -> &'static [Stage] {
        &[Stage::Always, Stage::Program]
    }

    fn apply(&self, reduced: &mut Reduced<'_>, _: &Scope<'_>) -> Result<(), Contradiction> {
        let (model, constraints) = (&reduced.problem.model, &reduced.problem.constraints);
        let weights = reduced.problem.graph().weight_bytes(&reduced.server);
        let least = || model.server_memory(weights.0, 0);
        let limit = constraints.server_memory_limit();
        if !reduced.server.is_empty() && limit.is_some_and(|limit| least() > limit) {
            return Err(Contradiction);
        }
        let least = || reduced.least_memory(&reduced.edge);
        let limit = constraints.edge_memory_limit();
        if !reduced.edge.is_empty() && limit.is_some_and(|limit| least() > limit.0) {
            return Err(Contradiction);
        }
        let full = |(knapsack, allows): (&Knapsack, &i64)| knapsack.layers(&reduced.edge) > *allows;
        if reduced.knapsacks().iter().zip(&reduced.allows).any(full) {
            Err(Contradiction)
        } else {
            Ok(())
        }
    }
}

impl PresolveRule for EdgeMemory {
    fn name(&self) -> &'static str {
        "edge memory"
    }

    fn stages(&self) -> &'static [Stage] {
        &[Stage::Program]
    }

    fn apply(&self, reduced: &mut Reduced<'_>, _: &Scope<'_>) -> Result<(), Contradiction> {
        let Some(limit) = reduced.problem.constraints.edge_memory_limit() else {
            return Ok(());
        };
        for layer in reduced.problem.graph().layer_ids() {
            if reduced.is_free(layer) {
                let mut needs = reduced.problem.model.needed_by(layer).clone();
                needs.insert(layer);
                needs.union_with(&reduced.edge);
                if reduced.least_memory(&needs) > limit.0 {
                    reduced.server.insert(layer);
                }
            }
        }
        reduced.propagate()
    }
}

impl PresolveRule for Capacities {
    fn name(&self) -> &'static str {
        "capacities"
    }

    fn stages(&self) -> &'static [Stage] {
        &[Stage::Program]
    }

    fn apply(&self, reduced: &mut Reduced<'_>, _: &Scope<'_>) -> Result<(), Contradiction> {
        for (knapsack, allows) in reduced.knapsacks().iter().zip(reduced.allows.clone()) {
            if !knapsack.has_layers() {
                continue;
            }
            for layer in reduced.problem.graph().layer_ids() {
                if reduced.is_free(layer) {
                    let mut needs = reduced.problem.model.needed_by(layer).clone();
                    needs.insert(layer);
                    needs.union_with(&reduced.edge);
                    if knapsack.layers(&needs) > allows {
                        reduced.server.insert(layer);
                    }
                }
            }
            reduced.propagate()?;
        }
        Ok(())
    }
}
