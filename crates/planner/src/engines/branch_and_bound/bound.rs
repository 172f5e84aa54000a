//! Lower bounds over all placements that can still be reached by adding layers.
//!
//! Layers are added in execution order, so a layer can only come after the last of its producers.
//! With that producer as its parent the layers are a forest, and the least that more layers add to
//! a sum over layers is a sum over the trees that are open.

use super::bounds_data::Line;
use crate::presolve::Reduced;
use cutpoint_core::graph::{Graph, LayerId, LayerSet, TensorId};

/// The layers by the last of their producers.
pub(crate) struct Forest {
    children: Vec<Vec<LayerId>>,
    /// Layers that can be added at once.
    roots: Vec<LayerId>,
    /// Per layer: whether it comes with the one before it.
    follows: Vec<bool>,
    /// Per tensor that crosses only for its readers: the first of them.
    pub(crate) first_reader: Vec<Option<LayerId>>,
}

impl Forest {
    pub(crate) fn new(reduced: &Reduced<'_>) -> Forest {
        let graph = reduced.problem.graph();
        let mut children = vec![Vec::new(); graph.layers().len()];
        let mut roots = Vec::new();
        for layer in graph.layer_ids().filter(|l| reduced.is_free(*l)) {
            let open = |producer: &LayerId| !reduced.edge.contains(*producer);
            match graph.producers(layer).filter(open).max() {
                Some(last) => children[last.index()].push(layer),
                None => roots.push(layer),
            }
        }
        let first_reader = graph.tensor_ids().map(|tensor| {
            let readers = graph.consumers(tensor);
            let for_certain = reduced.problem.model.goes_to_server(tensor)
                || readers.iter().any(|r| reduced.server.contains(*r));
            readers.iter().min().copied().filter(|_| !for_certain)
        });
        Forest {
            first_reader: first_reader.collect(),
            follows: reduced.follows(),
            children,
            roots,
        }
    }

    /// Per layer: what is gained, at most, by adding it and layers after it; zero or less, but for
    /// layers that come with the one before.
    pub(crate) fn gains<T>(&self, free: impl Fn(usize) -> bool, weights: &[T]) -> Vec<T>
    where
        T: Copy + Default + PartialOrd + std::ops::Add<Output = T>,
    {
        let mut gains = vec![T::default(); weights.len()];
        for layer in (0..weights.len()).rev().filter(|layer| free(*layer)) {
            let children = self.children[layer].iter();
            let gain = children.fold(weights[layer], |sum, child| sum + gains[child.index()]);
            if gain < T::default() || self.follows[layer] {
                gains[layer] = gain;
            }
        }
        gains
    }

    /// The layers that gain the most together.
    pub(crate) fn best<T: Default + PartialOrd>(&self, gains: &[T]) -> Vec<LayerId> {
        let mut chosen = Vec::new();
        let mut open = self.roots.clone();
        while let Some(layer) = open.pop() {
            if gains[layer.index()] < T::default() || self.follows[layer.index()] {
                chosen.push(layer);
                open.extend(&self.children[layer.index()]);
            }
        }
        chosen.sort_unstable();
        chosen
    }
}

/// Bounds of several lines, kept up to date as layers come, go and are pruned.
pub(crate) struct Bounds<'a> {
    graph: &'a Graph,
    forest: &'a Forest,
    /// Per layer, then per line.
    weights: Vec<Vec<i128>>,
    gains: Vec<Vec<i128>>,
    /// Per tensor, then per line.
    tensors: Vec<Vec<i128>>,
    /// Per tensor: layers pruned that read it while its first reader is on the edge.
    left: Vec<usize>,
    now: Vec<i128>,
}

impl<'a> Bounds<'a> {
    /// For the placement with nothing but what is fixed to the edge.
    pub(crate) fn new(reduced: &Reduced<'a>, forest: &'a Forest, data: &[Line]) -> Bounds<'a> {
        let graph = reduced.problem.graph();
        let free = |layer: usize| reduced.is_free(LayerId::new(layer));
        let gains: Vec<Vec<i128>> = data
            .iter()
            .map(|line| forest.gains(free, &line.layers))
            .collect();
        let turned = |count: usize, value: &dyn Fn(usize, usize) -> i128| -> Vec<Vec<i128>> {
            let of = |index| (0..data.len()).map(|line| value(line, index)).collect();
            (0..count).map(of).collect()
        };
        let mut bounds = Bounds {
            weights: turned(graph.layers().len(), &|line, layer| {
                data[line].layers[layer]
            }),
            gains: turned(graph.layers().len(), &|line, layer| gains[line][layer]),
            tensors: turned(graph.tensors().len(), &|line, t| data[line].tensors[t]),
            left: vec![0; graph.tensors().len()],
            now: data.iter().map(|line| line.base).collect(),
            graph,
            forest,
        };
        for layer in reduced.edge.iter() {
            add(&mut bounds.now, &bounds.weights[layer.index()], 1);
        }
        // layers that come together count for the first of them
        for layer in graph.layer_ids().rev() {
            if let Some(next) = reduced.next[layer.index()].filter(|_| reduced.is_free(layer)) {
                let weights = std::mem::take(&mut bounds.weights[next.index()]);
                add(&mut bounds.weights[layer.index()], &weights, 1);
            }
        }
        for root in &forest.roots {
            add(&mut bounds.now, &bounds.gains[root.index()], 1);
        }
        bounds
    }

    /// Per line: no placement that can be reached is below.
    pub(crate) fn now(&self) -> &[i128] {
        &self.now
    }

    /// A layer has come to the edge with those tied to it, so that others can.
    pub(crate) fn added(&mut self, layer: LayerId, opened: &[LayerId], sign: i128) {
        add(&mut self.now, &self.weights[layer.index()], sign);
        add(&mut self.now, &self.gains[layer.index()], -sign);
        for other in opened {
            add(&mut self.now, &self.gains[other.index()], sign);
        }
    }

    /// A layer that could be added will not be; `edge` holds what was added.
    pub(crate) fn passed(&mut self, layer: LayerId, edge: &LayerSet) {
        add(&mut self.now, &self.gains[layer.index()], -1);
        for tensor in self.kept_crossing(layer, edge) {
            if self.left[tensor.index()] == 0 {
                add(&mut self.now, &self.tensors[tensor.index()], 1);
            }
            self.left[tensor.index()] += 1;
        }
    }

    /// Undoes [`Bounds::passed`].
    pub(crate) fn not_passed(&mut self, layer: LayerId, edge: &LayerSet) {
        add(&mut self.now, &self.gains[layer.index()], 1);
        for tensor in self.kept_crossing(layer, edge) {
            self.left[tensor.index()] -= 1;
            if self.left[tensor.index()] == 0 {
                add(&mut self.now, &self.tensors[tensor.index()], -1);
            }
        }
    }

    /// Tensors that cross because `layer` stays on the server, though their first reader, which
    /// is decided before it, is on the edge.
    fn kept_crossing(&self, layer: LayerId, edge: &LayerSet) -> Vec<TensorId> {
        let mut inputs = self.graph.layer(layer).inputs.clone();
        inputs.sort_unstable();
        inputs.dedup();
        inputs.retain(|t| self.forest.first_reader[t.index()].is_some_and(|r| edge.contains(r)));
        inputs
    }
}

fn add(now: &mut [i128], values: &[i128], sign: i128) {
    for (now, value) in now.iter_mut().zip(values) {
        *now += sign * value;
    }
}
