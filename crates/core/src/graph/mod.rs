//! The network as the planner sees it: layers, the tensors between them, and their weights.
//!
//! A [`Graph`] is pure structure. It never holds a time or a weight's value: measurements are side
//! tables keyed by [`LayerId`] and [`TensorId`] (see [`crate::profile`]). Layers are stored in
//! execution order, so every producer precedes its consumers.

mod cut;
mod element;
mod join;
mod memory;
mod names;
mod set;

use std::collections::HashMap;

use fixedbitset::FixedBitSet;

use crate::units::Bytes;

pub use element::ElementType;
pub use names::nearest;
pub use set::LayerSet;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// Returns the id of the `index`-th element of its table.
            pub fn new(index: usize) -> Self {
                // A graph of four thousand million layers does not fit in memory.
                $name(u32::try_from(index).unwrap_or(u32::MAX))
            }
            /// Returns the position in its table.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}
id!(
    /// Index of a layer, in execution order.
    LayerId
);
id!(
    /// Index of a run-time tensor.
    TensorId
);
id!(
    /// Index of a weight (a constant that layers read).
    WeightId
);

/// A value that exists only while the network runs: a model input or the output of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Name in the model, unique.
    pub name: String,
    /// Type of one element.
    pub dtype: ElementType,
    /// Size of each dimension; empty for a scalar.
    pub shape: Vec<u64>,
    /// Size in its own type.
    pub bytes: Bytes,
    /// Why this tensor may not cross from edge to server; `None` when it may.
    pub uncuttable: Option<String>,
}

impl Tensor {
    /// Returns the number of elements, saturating.
    pub fn elements(&self) -> u64 {
        self.shape.iter().copied().fold(1, u64::saturating_mul)
    }

    /// Floats named `t`, for tests.
    #[cfg(test)]
    pub(crate) fn floats(shape: &[u64]) -> Tensor {
        Tensor {
            name: "t".into(),
            dtype: ElementType::Float32,
            shape: shape.to_vec(),
            bytes: Bytes(4 * shape.iter().product::<u64>()),
            uncuttable: None,
        }
    }
}

/// A constant read by layers; needed on every side that runs one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Weight {
    /// Name in the model, unique.
    pub name: String,
    /// Size in its own type.
    pub bytes: Bytes,
}

/// One ONNX node, or a group of nodes that the runtime executes as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Name of the layer's first output tensor (of a group: of its last node); unique.
    pub id: String,
    /// Name of the node in the model; may be empty.
    pub name: String,
    /// Operator, such as `Conv`; a group joins the operators with `+`.
    pub op: String,
    /// Ids of the nodes in this group, in order; one for a plain layer.
    pub members: Vec<String>,
    /// Run-time tensors read, each once, those captured by inner graphs included.
    pub inputs: Vec<TensorId>,
    /// Tensors produced.
    pub outputs: Vec<TensorId>,
    /// Constants read, each once.
    pub weights: Vec<WeightId>,
    /// Floating-point operations of one inference; a multiply-add counts as two.
    pub flops: u64,
}

/// Why tables of layers and tensors are no graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two layers or two tensors share a name.
    #[error("the name `{0}` is used twice")]
    Duplicate(String),
    /// A layer reads a tensor before any layer produced it.
    #[error(
        "layer `{layer}` reads `{tensor}` before it is produced: layers must be in execution order"
    )]
    NotInOrder {
        /// The reading layer.
        layer: String,
        /// The tensor read.
        tensor: String,
    },
    /// A name does not exist in this graph.
    #[error("no {what} is named `{name}`{}", names::hint(.near))]
    Unknown {
        /// "layer", "tensor" or "output".
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The nearest existing names.
        near: Vec<String>,
    },
    /// Two tasks of one name, or with one output.
    #[error("two tasks have the {what} `{name}`: each needs a name and outputs of its own")]
    TwoTasks {
        /// "name" or "output".
        what: &'static str,
        /// What they share.
        name: String,
    },
    /// A cut where more crosses than was named.
    #[error(
        "this cut is impossible: the server would need {} as well: name all tensors that cross",
        names::list(.0)
    )]
    CrossesMore(Vec<String>),
    /// A cut at tensors that only layers before it read.
    #[error("this cut is impossible: nothing on the server reads {}: leave it out", names::list(.0))]
    NobodyReads(Vec<String>),
    /// A tensor is neither a model input nor produced by a layer.
    #[error("tensor `{0}` has no producer and is not a model input")]
    Orphan(String),
}

/// Layers in execution order, and the tensors between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    layers: Vec<Layer>,
    tensors: Vec<Tensor>,
    weights: Vec<Weight>,
    inputs: Vec<TensorId>,
    outputs: Vec<TensorId>,
    producers: Vec<Option<LayerId>>,
    consumers: Vec<Vec<LayerId>>,
    layer_names: HashMap<String, LayerId>,
    tensor_names: HashMap<String, TensorId>,
}

impl Graph {
    /// Builds a graph from tables whose ids refer to one another.
    ///
    /// # Errors
    /// Duplicate names, layers out of execution order, tensors nobody produces.
    pub fn new(
        layers: Vec<Layer>,
        tensors: Vec<Tensor>,
        weights: Vec<Weight>,
        inputs: Vec<TensorId>,
        outputs: Vec<TensorId>,
    ) -> Result<Graph, GraphError> {
        let mut tensor_names = HashMap::with_capacity(tensors.len());
        for (index, tensor) in tensors.iter().enumerate() {
            if tensor_names
                .insert(tensor.name.clone(), TensorId::new(index))
                .is_some()
            {
                return Err(GraphError::Duplicate(tensor.name.clone()));
            }
        }
        let mut known = FixedBitSet::with_capacity(tensors.len());
        for input in &inputs {
            known.insert(input.index());
        }
        let mut producers = vec![None; tensors.len()];
        let mut consumers = vec![Vec::new(); tensors.len()];
        let mut layer_names = HashMap::with_capacity(layers.len());
        for (index, layer) in layers.iter().enumerate() {
            let id = LayerId::new(index);
            if layer_names.insert(layer.id.clone(), id).is_some() {
                return Err(GraphError::Duplicate(layer.id.clone()));
            }
            for input in &layer.inputs {
                if !known.contains(input.index()) {
                    return Err(GraphError::NotInOrder {
                        layer: layer.id.clone(),
                        tensor: tensors[input.index()].name.clone(),
                    });
                }
                consumers[input.index()].push(id);
            }
            for output in &layer.outputs {
                if known.put(output.index()) {
                    return Err(GraphError::Duplicate(tensors[output.index()].name.clone()));
                }
                producers[output.index()] = Some(id);
            }
        }
        if let Some(orphan) = known.zeroes().next() {
            return Err(GraphError::Orphan(tensors[orphan].name.clone()));
        }
        Ok(Graph {
            layers,
            tensors,
            weights,
            inputs,
            outputs,
            producers,
            consumers,
            layer_names,
            tensor_names,
        })
    }

    /// Returns the layers in execution order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Returns all run-time tensors, model inputs and outputs included.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Returns all constants.
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    /// Returns the model's run-time inputs.
    pub fn inputs(&self) -> &[TensorId] {
        &self.inputs
    }

    /// Returns the model's outputs that are computed at run time.
    pub fn outputs(&self) -> &[TensorId] {
        &self.outputs
    }

    /// Returns the ids of all layers in execution order.
    pub fn layer_ids(&self) -> impl DoubleEndedIterator<Item = LayerId> + use<> {
        (0..self.layers.len()).map(LayerId::new)
    }

    /// Returns the ids of all tensors.
    pub fn tensor_ids(&self) -> impl DoubleEndedIterator<Item = TensorId> + use<> {
        (0..self.tensors.len()).map(TensorId::new)
    }

    /// Returns the layer with this id.
    pub fn layer(&self, id: LayerId) -> &Layer {
        &self.layers[id.index()]
    }

    /// Returns the tensor with this id.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.index()]
    }

    /// Bars a tensor from crossing, unless something bars it already.
    pub fn forbid_cut(&mut self, tensor: TensorId, reason: &str) {
        let barred = &mut self.tensors[tensor.index()].uncuttable;
        barred.get_or_insert_with(|| reason.to_owned());
    }

    /// Returns the layer that computes a tensor; `None` for a model input.
    pub fn producer(&self, tensor: TensorId) -> Option<LayerId> {
        self.producers[tensor.index()]
    }

    /// Returns the layers that read a tensor, in execution order.
    pub fn consumers(&self, tensor: TensorId) -> &[LayerId] {
        &self.consumers[tensor.index()]
    }

    /// Returns the layers that `layer` reads from, once per tensor read.
    pub fn producers(&self, layer: LayerId) -> impl Iterator<Item = LayerId> + '_ {
        let inputs = self.layer(layer).inputs.iter();
        inputs.filter_map(|tensor| self.producer(*tensor))
    }

    /// Grows `set` until every layer in it finds its producers in it.
    pub fn close_backwards(&self, set: &mut LayerSet) {
        for id in self.layer_ids().rev() {
            if set.contains(id) {
                for producer in self.producers(id) {
                    set.insert(producer);
                }
            }
        }
    }

    /// Returns the layers that `tensors` need, their producers included.
    pub fn ancestors(&self, tensors: &[TensorId]) -> LayerSet {
        let mut set = LayerSet::empty(self.layers.len());
        for producer in tensors.iter().filter_map(|t| self.producer(*t)) {
            set.insert(producer);
        }
        self.close_backwards(&mut set);
        set
    }

    /// Per layer: the layers that it needs, directly or through others, without itself.
    pub fn all_needed(&self) -> Vec<LayerSet> {
        let mut sets: Vec<LayerSet> = Vec::with_capacity(self.layers.len());
        for layer in self.layer_ids() {
            let mut set = LayerSet::empty(self.layers.len());
            for producer in self.producers(layer) {
                // a set that is there already holds what that producer needs, too
                if !set.contains(producer) {
                    set.union_with(&sets[producer.index()]);
                    set.insert(producer);
                }
            }
            sets.push(set);
        }
        sets
    }

    /// Returns the layers that need `tensor`, directly or through others.
    pub fn descendants(&self, tensor: TensorId) -> LayerSet {
        let mut reached = FixedBitSet::with_capacity(self.tensors.len());
        reached.insert(tensor.index());
        let mut set = LayerSet::empty(self.layers.len());
        for id in self.layer_ids() {
            let layer = self.layer(id);
            if layer.inputs.iter().any(|t| reached.contains(t.index())) {
                set.insert(id);
                reached.extend(layer.outputs.iter().map(|t| t.index()));
            }
        }
        set
    }

    /// Returns the first layer of `edge` that reads something made outside of it.
    pub fn first_open(&self, edge: &LayerSet) -> Option<LayerId> {
        edge.iter().find(|id| {
            let mut producers = self.producers(*id);
            producers.any(|p| !edge.contains(p))
        })
    }

    /// Returns whether every layer of `edge` finds its producers in `edge`.
    pub fn is_closed(&self, edge: &LayerSet) -> bool {
        self.first_open(edge).is_none()
    }

    /// Returns the tensors that are on the edge (model inputs, outputs of `edge`) and read by the
    /// server.
    pub fn crossing(&self, edge: &LayerSet) -> Vec<TensorId> {
        self.tensor_ids()
            .filter(|t| self.producer(*t).is_none_or(|p| edge.contains(p)))
            .filter(|t| self.consumers(*t).iter().any(|c| !edge.contains(*c)))
            .collect()
    }
}
