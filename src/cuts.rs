//! Cuts of a graph: which tensors cross when a closed set of layers stays on the edge.

use std::collections::HashSet;

use crate::graph::{Graph, GraphError, LayerSet, TensorId};
use crate::task::Task;

/// A closed set of edge layers and what crosses because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Layers on the edge.
    pub edge: LayerSet,
    /// Every tensor that the server reads from the edge, model inputs included; those the server
    /// has itself (local inputs) apart.
    pub crossing: Vec<TensorId>,
}

impl Cut {
    /// The cut that keeps `edge`, which must be closed.
    pub fn of(graph: &Graph, edge: LayerSet, local_inputs: &[TensorId]) -> Cut {
        let mut crossing = graph.crossing(&edge);
        crossing.retain(|t| !local_inputs.contains(t));
        Cut { edge, crossing }
    }

    /// Whether one tensor crosses.
    pub fn is_natural(&self) -> bool {
        self.crossing.len() == 1
    }

    /// Whether every crossing tensor may cross.
    pub fn is_allowed(&self, graph: &Graph) -> bool {
        self.crossing
            .iter()
            .all(|t| graph.tensor(*t).uncuttable.is_none())
    }
}

/// Every distinct closed cut just behind one tensor: what the tensor needs stays on the edge and
/// nothing else does, or everything that does not need the tensor stays. In order of the tensors;
/// the first is "all on the server" when the model has one input.
pub fn behind_tensors(graph: &Graph, local_inputs: &[TensorId]) -> Vec<Cut> {
    let mut seen = HashSet::new();
    let mut cuts = Vec::new();
    for tensor in graph.tensor_ids() {
        if graph.consumers(tensor).is_empty() || local_inputs.contains(&tensor) {
            continue;
        }
        let needs = graph.ancestors(&[tensor]);
        let spared = graph.descendants(tensor).complement();
        for edge in [needs, spared] {
            if edge.len() < graph.layers().len() && seen.insert(edge.clone()) {
                let cut = Cut::of(graph, edge, local_inputs);
                if cut.crossing.contains(&tensor) {
                    cuts.push(cut);
                }
            }
        }
    }
    cuts.sort_by_key(|cut| cut.edge.len());
    cuts
}

/// The natural cuts: exactly one tensor crosses, and it may.
pub fn natural(graph: &Graph, local_inputs: &[TensorId]) -> Vec<Cut> {
    let mut cuts = behind_tensors(graph, local_inputs);
    cuts.retain(|cut| cut.is_natural() && cut.is_allowed(graph));
    cuts
}

/// For each task the cut that sends only the task's private layers to the server; tasks without
/// private layers have none.
///
/// # Errors
/// A task names a tensor that does not exist.
pub fn private_heads(
    graph: &Graph,
    tasks: &[Task],
    local_inputs: &[TensorId],
) -> Result<Vec<Cut>, GraphError> {
    let needs = tasks
        .iter()
        .map(|task| Ok(graph.ancestors(&task.tensors(graph)?)))
        .collect::<Result<Vec<_>, GraphError>>()?;
    let mut cuts = Vec::new();
    for own in 0..needs.len() {
        let mut edge = LayerSet::empty(graph.layers().len());
        for (other, needs) in needs.iter().enumerate() {
            if other != own {
                edge.union_with(needs);
            }
        }
        let cut = Cut::of(graph, edge, local_inputs);
        if !cut.crossing.is_empty()
            && cut.is_allowed(graph)
            && cut.edge.len() < graph.layers().len()
        {
            cuts.push(cut);
        }
    }
    Ok(cuts)
}
