//! Groups of nodes that the runtime executes as one.
//!
//! The runtime rewrites the graph before it runs: it fuses nodes, drops them and inserts layout
//! changes. A cut inside a fused group would undo the fusion, so such a group is ONE layer of the
//! profile. The rewritten graph names its nodes after the tensors or nodes they came from; a layer
//! that no kernel is named after has *vanished*, and belongs to the kernel that absorbed it:
//!
//! - the one layer that reads it (`Conv` before a fused `Relu`), or
//! - when several read it, or when a kernel reads a tensor that its own layer does not (a residual
//!   `Add` fused into a `Conv`), the layer that feeds it.

use std::collections::{BTreeSet, HashMap};

use cutpoint_core::graph::{Graph, GraphError, LayerId, LayerSet};
use cutpoint_onnx::Kernel;

/// Layers joined into groups.
#[derive(Debug, Clone)]
pub struct Grouping {
    /// The contracted graph: one layer per group.
    pub graph: Graph,
    /// Group of each layer of the original graph.
    pub group_of: Vec<LayerId>,
    /// Group that each kernel's time belongs to.
    pub kernels: HashMap<String, LayerId>,
}

impl Grouping {
    /// Returns the original layers behind a set of groups.
    pub fn expand(&self, groups: &LayerSet) -> LayerSet {
        let mut layers = LayerSet::empty(self.group_of.len());
        for (index, group) in self.group_of.iter().enumerate() {
            if groups.contains(*group) {
                layers.insert(LayerId::new(index));
            }
        }
        layers
    }
}

/// Joins the layers of `graph` by the kernels of its rewritten form; `node_names[i]` is the name
/// that layer `i`'s node had when the runtime read it.
///
/// # Errors
/// Never for a graph that was read from a model; the type is [`Graph::new`]'s.
pub fn group(
    graph: &Graph,
    node_names: &[String],
    kernels: &[Kernel],
) -> Result<Grouping, GraphError> {
    let mut work = Fusion::new(graph, node_names, kernels);
    if work.named.iter().all(Option::is_none) {
        // nothing is known of what runs: every layer stands for itself
        work.owner = graph.layer_ids().map(Some).collect();
    }
    work.absorb_forwards();
    work.assign_vanished();
    let (group_of, graph) = graph.joined(&work.owner)?;
    let kernels = kernels
        .iter()
        .enumerate()
        .filter_map(|(i, k)| {
            let layer = work.origin_of_kernel(i)?;
            Some((k.name.clone(), group_of[work.owner[layer.index()]?.index()]))
        })
        .collect();
    Ok(Grouping {
        graph,
        group_of,
        kernels,
    })
}

struct Fusion<'a> {
    graph: &'a Graph,
    kernels: &'a [Kernel],
    /// The layer each kernel is named after.
    named: Vec<Option<LayerId>>,
    /// Kernel that produces each tensor of the rewritten graph.
    producer: HashMap<&'a str, usize>,
    /// The surviving layer whose kernel executes each layer; `None` while unknown.
    owner: Vec<Option<LayerId>>,
}

impl<'a> Fusion<'a> {
    fn new(graph: &'a Graph, node_names: &[String], kernels: &'a [Kernel]) -> Fusion<'a> {
        let nodes: HashMap<&str, LayerId> = node_names
            .iter()
            .enumerate()
            .map(|(i, n)| (n.as_str(), LayerId::new(i)))
            .collect();
        let named: Vec<Option<LayerId>> = kernels
            .iter()
            .map(|kernel| named_after(graph, &nodes, kernel))
            .collect();
        let mut owner = vec![None; graph.layers().len()];
        for layer in named.iter().flatten() {
            owner[layer.index()] = Some(*layer);
        }
        let producer = kernels
            .iter()
            .enumerate()
            .flat_map(|(i, k)| k.outputs.iter().map(move |o| (o.as_str(), i)))
            .collect();
        Fusion {
            graph,
            kernels,
            named,
            producer,
            owner,
        }
    }

    /// The named layer behind a tensor of the rewritten graph, looking through layout changes.
    fn origin(&self, tensor: &str) -> Option<LayerId> {
        let mut tensor = tensor;
        // a chain of inserted nodes is never longer than the graph
        for _ in 0..=self.kernels.len() {
            let kernel = *self.producer.get(tensor)?;
            if let Some(layer) = self.named[kernel] {
                return Some(layer);
            }
            tensor = self.kernels[kernel].inputs.first()?;
        }
        None
    }

    /// The layer that pays for a kernel: its own, or for an inserted layout change the one that
    /// asked for it.
    fn origin_of_kernel(&self, kernel: usize) -> Option<LayerId> {
        if self.named[kernel].is_some() {
            return self.named[kernel];
        }
        let outputs = &self.kernels[kernel].outputs;
        let reader = self
            .kernels
            .iter()
            .position(|k| k.inputs.iter().any(|input| outputs.contains(input)))
            .and_then(|reader| self.named[reader]);
        reader.or_else(|| self.origin(self.kernels[kernel].inputs.first()?))
    }

    /// Surviving layers (and layers already absorbed by others) that feed `layer` through vanished
    /// ones.
    fn frontier(&self, layer: LayerId) -> BTreeSet<LayerId> {
        let mut frontier = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![layer];
        while let Some(at) = open.pop() {
            for producer in self.graph.producers(at) {
                match self.owner[producer.index()] {
                    Some(owner) => {
                        frontier.insert(owner);
                    }
                    None if seen.insert(producer) => open.push(producer),
                    None => {}
                }
            }
        }
        frontier
    }

    /// Gives each kernel the layers after its own that it executes too: those that read a tensor
    /// which the kernel reads and its own layer does not, and its fused activation.
    fn absorb_forwards(&mut self) {
        for index in 0..self.kernels.len() {
            let Some(layer) = self.named[index] else {
                continue;
            };
            let kernel = &self.kernels[index];
            let reads: BTreeSet<LayerId> = kernel
                .inputs
                .iter()
                .filter_map(|t| self.origin(t))
                .collect();
            let mut known = self.frontier(layer);
            known.insert(layer);
            let mut tail = layer;
            while let Some(extra) = reads.iter().find(|r| !known.contains(*r)).copied() {
                let next = self.vanished_readers(tail).into_iter().find(|v| {
                    let feeds = self.frontier(*v);
                    feeds.contains(&extra)
                });
                let Some(next) = next else { break };
                self.owner[next.index()] = Some(layer);
                known.extend(self.frontier(next));
                tail = next;
            }
            if let Some(activation) = &kernel.activation {
                self.absorb_activation(layer, tail, activation);
            }
        }
    }

    fn absorb_activation(&mut self, layer: LayerId, tail: LayerId, activation: &str) {
        let graph = self.graph;
        let has = |of: LayerId| graph.layer(of).op == activation;
        let inside = self.frontier_members(layer).into_iter().any(has) || has(tail);
        if inside {
            return;
        }
        let readers = self.vanished_readers(tail);
        if let [only] = readers.as_slice()
            && has(*only)
        {
            self.owner[only.index()] = Some(layer);
        }
    }

    /// The layer itself and the vanished layers that lead to it.
    fn frontier_members(&self, layer: LayerId) -> BTreeSet<LayerId> {
        let mut members = BTreeSet::from([layer]);
        let mut open = vec![layer];
        while let Some(at) = open.pop() {
            for producer in self.graph.producers(at) {
                if self.owner[producer.index()].is_none() && members.insert(producer) {
                    open.push(producer);
                }
            }
        }
        members
    }

    fn vanished_readers(&self, layer: LayerId) -> Vec<LayerId> {
        let outputs = &self.graph.layer(layer).outputs;
        let readers: BTreeSet<LayerId> = outputs
            .iter()
            .flat_map(|t| self.graph.consumers(*t))
            .copied()
            .collect();
        readers
            .into_iter()
            .filter(|r| self.owner[r.index()].is_none())
            .collect()
    }

    /// Gives every layer that is still unowned to its only reader, else to its latest feeder, else
    /// to itself.
    fn assign_vanished(&mut self) {
        for layer in self.graph.layer_ids().rev() {
            if self.owner[layer.index()].is_some() || self.is_output(layer) {
                continue;
            }
            let outputs = &self.graph.layer(layer).outputs;
            let readers: BTreeSet<Option<LayerId>> = outputs
                .iter()
                .flat_map(|t| self.graph.consumers(*t))
                .map(|reader| self.owner[reader.index()])
                .collect();
            if let (1, Some(Some(only))) = (readers.len(), readers.first()) {
                self.owner[layer.index()] = Some(*only);
            }
        }
        for layer in self.graph.layer_ids() {
            if self.owner[layer.index()].is_none() {
                let feeder = self.graph.producers(layer).max();
                let owner = feeder.and_then(|f| self.owner[f.index()]).unwrap_or(layer);
                self.owner[layer.index()] = Some(owner);
            }
        }
    }

    fn is_output(&self, layer: LayerId) -> bool {
        let outputs = &self.graph.layer(layer).outputs;
        outputs.iter().any(|t| self.graph.outputs().contains(t))
    }
}

/// The layer a kernel is named after: by an output that kept its name, by the tensor in its name,
/// or by the node in its name.
fn named_after(graph: &Graph, nodes: &HashMap<&str, LayerId>, kernel: &Kernel) -> Option<LayerId> {
    let producer = |tensor: &str| {
        graph
            .find_tensor(tensor)
            .ok()
            .and_then(|t| graph.producer(t))
    };
    if let Some(layer) = kernel.outputs.iter().filter_map(|o| producer(o)).max() {
        return Some(layer);
    }
    let mut name = kernel.name.as_str();
    loop {
        if let Some(layer) = producer(name).or_else(|| nodes.get(name).copied()) {
            return Some(layer);
        }
        // `_nchwc`, `_bn_nchwc`, `_token_3`, `/MatMulAddFusion`, ...: drop one suffix at a time
        name = &name[..name.rfind(['_', '/'])?];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cutpoint_core::graph::{ElementType, Layer, Tensor, TensorId};
    use cutpoint_core::units::Bytes;

    /// Layers as `op inputs -> output`, tensors named by their output, `x` the model input.
    fn graph(layers: &[(&str, &[&str], &str)], outputs: &[&str]) -> Graph {
        let mut names = vec!["x"];
        names.extend(layers.iter().map(|(_, _, out)| *out));
        let id = |name: &str| TensorId::new(names.iter().position(|n| *n == name).unwrap());
        let tensors = names
            .iter()
            .map(|name| Tensor {
                name: (*name).to_owned(),
                dtype: ElementType::Float32,
                shape: vec![4],
                bytes: Bytes(16),
                uncuttable: None,
            })
            .collect();
        let layers = layers
            .iter()
            .map(|(op, inputs, output)| Layer {
                id: (*output).to_owned(),
                name: String::new(),
                op: (*op).to_owned(),
                members: vec![(*output).to_owned()],
                inputs: inputs.iter().map(|i| id(i)).collect(),
                outputs: vec![id(output)],
                weights: vec![],
                flops: 1,
            })
            .collect();
        let outputs = outputs.iter().map(|o| id(o)).collect();
        Graph::new(layers, tensors, vec![], vec![id("x")], outputs).unwrap()
    }

    fn kernel(name: &str, inputs: &[&str], output: &str, activation: Option<&str>) -> Kernel {
        Kernel {
            name: name.to_owned(),
            inputs: inputs.iter().map(|i| (*i).to_owned()).collect(),
            outputs: vec![output.to_owned()],
            activation: activation.map(str::to_owned),
        }
    }

    fn groups(grouping: &Grouping) -> Vec<Vec<String>> {
        grouping
            .graph
            .layers()
            .iter()
            .map(|l| l.members.clone())
            .collect()
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|i| format!("n{i}")).collect()
    }

    #[test]
    fn a_fused_activation_joins_the_layer_before_it() {
        let graph = graph(
            &[
                ("Conv", &["x"], "a"),
                ("Relu", &["a"], "b"),
                ("Conv", &["b"], "c"),
            ],
            &["c"],
        );
        let kernels = [
            kernel("n0", &["x"], "b", Some("Relu")),
            kernel("n2", &["b"], "c", None),
        ];
        let grouping = group(&graph, &names(3), &kernels).unwrap();
        assert_eq!(groups(&grouping), [vec!["a", "b"], vec!["c"]]);
        assert_eq!(grouping.graph.layers()[0].op, "Conv+Relu");
        assert_eq!(grouping.graph.layers()[0].id, "b");
    }

    #[test]
    fn a_residual_add_and_its_relu_join_the_conv_that_reads_the_skip() {
        let graph = graph(
            &[
                ("Conv", &["x"], "s"),
                ("Conv", &["s"], "a"),
                ("Add", &["a", "s"], "b"),
                ("Relu", &["b"], "c"),
                ("Conv", &["c"], "d"),
                ("Conv", &["c"], "e"),
                ("Concat", &["d", "e"], "f"),
            ],
            &["f"],
        );
        let kernels = [
            kernel("reorder", &["x"], "t0", None),
            kernel("s_nchwc", &["t0"], "t1", None),
            kernel("a_nchwc", &["t1", "t1"], "t2", Some("Relu")),
            kernel("d_nchwc", &["t2"], "t3", None),
            kernel("e_nchwc", &["t2"], "t4", None),
            kernel("ReorderOutput", &["t3"], "d", None),
            kernel("ReorderOutput_1", &["t4"], "e", None),
            kernel("n6", &["d", "e"], "f", None),
        ];
        let grouping = group(&graph, &names(7), &kernels).unwrap();
        assert_eq!(
            groups(&grouping),
            [
                vec!["s"],
                vec!["a", "b", "c"],
                vec!["d"],
                vec!["e"],
                vec!["f"]
            ]
        );
    }

    #[test]
    fn a_dropped_identity_with_several_readers_joins_its_producer() {
        let graph = graph(
            &[
                ("Conv", &["x"], "a"),
                ("Identity", &["a"], "b"),
                ("Conv", &["b"], "c"),
                ("Conv", &["b"], "d"),
            ],
            &["c", "d"],
        );
        let kernels = [
            kernel("n0", &["x"], "a", None),
            kernel("n2", &["a"], "c", None),
            kernel("n3", &["a"], "d", None),
        ];
        let grouping = group(&graph, &names(4), &kernels).unwrap();
        assert_eq!(groups(&grouping), [vec!["a", "b"], vec!["c"], vec!["d"]]);
    }

    #[test]
    fn without_kernels_every_layer_stands_for_itself() {
        let graph = graph(&[("Conv", &["x"], "a"), ("Relu", &["a"], "b")], &["b"]);
        let grouping = group(&graph, &names(2), &[]).unwrap();
        assert_eq!(groups(&grouping), [vec!["a"], vec!["b"]]);
    }
}
