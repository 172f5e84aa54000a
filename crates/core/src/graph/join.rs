//! Several layers as one.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use petgraph::graph::{DiGraph, NodeIndex};

use super::{Graph, GraphError, Layer, LayerId, TensorId};

impl Graph {
    /// Returns the graph with one layer for all layers of the same owner, and for owners on a
    /// common cycle; a layer without an owner is its own. Also says which of the new layers each
    /// old one is in.
    ///
    /// # Errors
    /// Never for a graph whose layers are in execution order; the type is [`Graph::new`]'s.
    pub fn joined(&self, owner: &[Option<LayerId>]) -> Result<(Vec<LayerId>, Graph), GraphError> {
        let graph = self;
        let owner_of = |layer: LayerId| owner[layer.index()].unwrap_or(layer).index();
        let mut owners = DiGraph::<(), ()>::with_capacity(owner.len(), owner.len());
        for _ in owner {
            owners.add_node(());
        }
        for layer in graph.layer_ids() {
            for producer in graph.producers(layer) {
                let (from, to) = (owner_of(producer), owner_of(layer));
                if from != to {
                    owners.update_edge(NodeIndex::new(from), NodeIndex::new(to), ());
                }
            }
        }
        let mut component = vec![0; owner.len()];
        for (index, members) in petgraph::algo::tarjan_scc(&owners).iter().enumerate() {
            for member in members {
                component[member.index()] = index;
            }
        }
        let mut members: HashMap<usize, Vec<LayerId>> = HashMap::new();
        for layer in graph.layer_ids() {
            members
                .entry(component[owner_of(layer)])
                .or_default()
                .push(layer);
        }
        let order = execution_order(graph, &members, |layer| component[owner_of(layer)]);
        let mut group_of = vec![LayerId::new(0); owner.len()];
        for (index, component) in order.iter().enumerate() {
            for layer in &members[component] {
                group_of[layer.index()] = LayerId::new(index);
            }
        }
        let groups: Vec<&[LayerId]> = order.iter().map(|c| members[c].as_slice()).collect();
        Ok((
            group_of.clone(),
            contracted_graph(graph, &groups, &group_of)?,
        ))
    }
}

/// Groups so that every producer precedes its consumers, otherwise by their last member.
fn execution_order(
    graph: &Graph,
    members: &HashMap<usize, Vec<LayerId>>,
    group_of: impl Fn(LayerId) -> usize,
) -> Vec<usize> {
    let mut waiting: HashMap<usize, BTreeSet<usize>> = HashMap::new();
    let mut readers: HashMap<usize, BTreeSet<usize>> = HashMap::new();
    for (group, layers) in members {
        for layer in layers {
            for producer in graph.producers(*layer) {
                let from = group_of(producer);
                if from != *group {
                    waiting.entry(*group).or_default().insert(from);
                    readers.entry(from).or_default().insert(*group);
                }
            }
        }
    }
    let last = |group: usize| members[&group].last().copied();
    let mut ready: BinaryHeap<_> = members
        .keys()
        .filter(|group| !waiting.contains_key(group))
        .map(|group| Reverse((last(*group), *group)))
        .collect();
    let mut order = Vec::with_capacity(members.len());
    while let Some(Reverse((_, group))) = ready.pop() {
        order.push(group);
        for reader in readers.remove(&group).unwrap_or_default() {
            if let Some(open) = waiting.get_mut(&reader) {
                open.remove(&group);
                if open.is_empty() {
                    waiting.remove(&reader);
                    ready.push(Reverse((last(reader), reader)));
                }
            }
        }
    }
    order
}

fn contracted_graph(
    graph: &Graph,
    groups: &[&[LayerId]],
    group_of: &[LayerId],
) -> Result<Graph, GraphError> {
    let is_visible = |tensor: TensorId| match graph.producer(tensor) {
        None => true,
        Some(producer) => {
            let home = group_of[producer.index()];
            let readers = graph.consumers(tensor);
            graph.outputs().contains(&tensor) || readers.iter().any(|r| group_of[r.index()] != home)
        }
    };
    let visible: Vec<TensorId> = graph.tensor_ids().filter(|t| is_visible(*t)).collect();
    let renumbered: HashMap<TensorId, TensorId> = visible
        .iter()
        .enumerate()
        .map(|(i, t)| (*t, TensorId::new(i)))
        .collect();
    let layers = groups
        .iter()
        .enumerate()
        .map(|(index, members)| joined(graph, members, LayerId::new(index), group_of, &renumbered))
        .collect();
    let renumber = |tensors: &[TensorId]| -> Vec<TensorId> {
        tensors
            .iter()
            .filter_map(|t| renumbered.get(t).copied())
            .collect()
    };
    Graph::new(
        layers,
        visible.iter().map(|t| graph.tensor(*t).clone()).collect(),
        graph.weights().to_vec(),
        renumber(graph.inputs()),
        renumber(graph.outputs()),
    )
}

fn joined(
    graph: &Graph,
    members: &[LayerId],
    group: LayerId,
    group_of: &[LayerId],
    renumbered: &HashMap<TensorId, TensorId>,
) -> Layer {
    let layers = || members.iter().map(|m| graph.layer(*m));
    let outside = |t: &TensorId| {
        graph
            .producer(*t)
            .is_none_or(|p| group_of[p.index()] != group)
    };
    let distinct = |ids: Vec<TensorId>| -> Vec<TensorId> {
        let mut seen = BTreeSet::new();
        ids.into_iter()
            .filter(|t| seen.insert(*t))
            .filter_map(|t| renumbered.get(&t).copied())
            .collect()
    };
    let inputs = layers()
        .flat_map(|l| l.inputs.iter().copied())
        .filter(outside)
        .collect();
    let outputs = layers().flat_map(|l| l.outputs.iter().copied()).collect();
    let weights: BTreeSet<_> = layers().flat_map(|l| l.weights.iter().copied()).collect();
    let last = members.last().map(|m| graph.layer(*m));
    Layer {
        id: last.map(|l| l.id.clone()).unwrap_or_default(),
        name: last.map(|l| l.name.clone()).unwrap_or_default(),
        op: layers()
            .map(|l| l.op.as_str())
            .collect::<Vec<_>>()
            .join("+"),
        members: layers().map(|l| l.id.clone()).collect(),
        inputs: distinct(inputs),
        outputs: distinct(outputs),
        weights: weights.into_iter().collect(),
        flops: layers().map(|l| l.flops).fold(0, u64::saturating_add),
    }
}
