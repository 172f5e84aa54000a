//! Cuts of a graph: which tensors cross when a closed set of layers stays on the edge.

use std::collections::HashSet;

use crate::graph::{Graph, GraphError, LayerId, LayerSet, TensorId};
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
    /// Returns the cut that keeps `edge`, which must be closed.
    pub fn of(graph: &Graph, edge: LayerSet, local_inputs: &[TensorId]) -> Cut {
        let mut crossing = graph.crossing(&edge);
        crossing.retain(|t| !local_inputs.contains(t));
        Cut { edge, crossing }
    }

    /// Returns whether one tensor crosses.
    pub fn is_natural(&self) -> bool {
        self.crossing.len() == 1
    }

    /// Returns whether every crossing tensor may cross.
    pub fn is_allowed(&self, graph: &Graph) -> bool {
        self.crossing
            .iter()
            .all(|t| graph.tensor(*t).uncuttable.is_none())
    }
}

/// Returns every distinct closed cut just behind one tensor: only what the tensor needs stays on
/// the edge, or everything that does not need the tensor stays, or everything stays but what needs
/// nothing else than the tensor. Fewest edge layers first.
pub fn behind_tensors(graph: &Graph, local_inputs: &[TensorId]) -> Vec<Cut> {
    let mut seen = HashSet::new();
    let mut cuts = Vec::new();
    for tensor in graph.tensor_ids() {
        if graph.consumers(tensor).is_empty() || local_inputs.contains(&tensor) {
            continue;
        }
        let needs = graph.ancestors(&[tensor]);
        let spared = graph.descendants(tensor).complement();
        let fed = fed_by_one(graph, tensor, local_inputs).complement();
        for edge in [needs, spared, fed] {
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

/// The largest set of layers that can leave the edge when only `tensor` crosses: all they read is
/// that tensor or made among them, and nothing they make is read elsewhere.
fn fed_by_one(graph: &Graph, tensor: TensorId, local_inputs: &[TensorId]) -> LayerSet {
    let mut set = graph.descendants(tensor);
    let links = |id: LayerId| {
        let layer = graph.layer(id);
        let inputs = layer
            .inputs
            .iter()
            .filter(|t| **t != tensor && !local_inputs.contains(t));
        inputs
            .chain(&layer.outputs)
            .copied()
            .collect::<Vec<TensorId>>()
    };
    let mut leaving: Vec<LayerId> = set
        .iter()
        .filter(|id| {
            let outside = |p: Option<LayerId>| p.is_none_or(|p| !set.contains(p));
            links(*id).into_iter().any(|t| outside(graph.producer(t)))
        })
        .collect();
    // whoever shares a tensor with a layer that stays must stay, too
    while let Some(id) = leaving.pop() {
        set.remove(id);
        for tensor in links(id) {
            let ends = graph
                .producer(tensor)
                .into_iter()
                .chain(graph.consumers(tensor).to_vec());
            leaving.extend(ends.filter(|end| set.contains(*end)));
        }
    }
    set
}

/// Returns the natural cuts: exactly one tensor crosses, and it may.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{ElementType, Layer, Tensor};
    use crate::units::Bytes;

    /// `x -> a -> b -> c`, with `d` reading both `a` and `c` (a skip) and a second head `e` of `b`.
    fn skip_with_two_heads() -> Graph {
        let names = ["x", "a", "b", "c", "d", "e"];
        let reads: [&[usize]; 5] = [&[0], &[1], &[2], &[1, 3], &[2]];
        let tensors = names.map(|name| Tensor {
            name: name.to_owned(),
            dtype: ElementType::Float32,
            shape: vec![4],
            bytes: Bytes(16),
            uncuttable: None,
        });
        let layers = reads.iter().enumerate().map(|(i, reads)| Layer {
            id: names[i + 1].to_owned(),
            name: String::new(),
            op: "Op".to_owned(),
            members: vec![names[i + 1].to_owned()],
            inputs: reads.iter().map(|r| TensorId::new(*r)).collect(),
            outputs: vec![TensorId::new(i + 1)],
            weights: vec![],
            flops: 0,
        });
        let outputs = vec![TensorId::new(4), TensorId::new(5)];
        Graph::new(
            layers.collect(),
            tensors.into(),
            vec![],
            vec![TensorId::new(0)],
            outputs,
        )
        .unwrap()
    }

    fn crossings(graph: &Graph, cuts: &[Cut]) -> Vec<Vec<String>> {
        let names = |cut: &Cut| {
            let name = |t: &TensorId| graph.tensor(*t).name.clone();
            cut.crossing.iter().map(name).collect()
        };
        cuts.iter().map(names).collect()
    }

    #[test]
    fn natural_cuts_are_those_that_one_tensor_crosses() {
        let graph = skip_with_two_heads();
        let cuts = natural(&graph, &[]);
        // behind `b` and `c` the skip `a` crosses too; keeping head `d` leaves only `b` to send
        assert_eq!(crossings(&graph, &cuts), [vec!["x"], vec!["a"], vec!["b"]]);
        assert!(cuts.iter().all(|cut| graph.is_closed(&cut.edge)));
    }

    #[test]
    fn every_cut_behind_a_tensor_is_closed_and_listed_once() {
        let graph = skip_with_two_heads();
        let cuts = behind_tensors(&graph, &[]);
        assert!(cuts.iter().all(|cut| graph.is_closed(&cut.edge)));
        let distinct: HashSet<_> = cuts.iter().map(|cut| &cut.edge).collect();
        assert_eq!(distinct.len(), cuts.len());
        assert!(crossings(&graph, &cuts).contains(&vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn local_inputs_do_not_cross() {
        let graph = skip_with_two_heads();
        let input = graph.find_tensor("x").unwrap();
        assert!(
            behind_tensors(&graph, &[input])
                .iter()
                .all(|cut| !cut.crossing.contains(&input))
        );
    }

    #[test]
    fn a_private_head_is_what_no_other_task_needs() {
        let graph = skip_with_two_heads();
        let cuts = private_heads(&graph, &Task::per_output(&graph), &[]).unwrap();
        assert_eq!(crossings(&graph, &cuts), [vec!["a", "b"], vec!["b"]]);
    }
}
