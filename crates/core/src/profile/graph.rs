//! The graph that a profile measured.

use std::collections::HashMap;

use super::{Profile, TensorRecord};
use crate::graph::{ElementType, Graph, GraphError, Layer, Tensor, TensorId, Weight, WeightId};
use crate::task::Task;
use crate::units::Bytes;

impl Profile {
    /// Returns the graph this profile measured.
    ///
    /// # Errors
    /// Tables that contradict one another.
    pub fn graph(&self) -> Result<Graph, GraphError> {
        let tensors: Vec<Tensor> = self.tensors.iter().map(TensorRecord::tensor).collect();
        let weights: Vec<Weight> = self
            .weights
            .iter()
            .map(|w| Weight {
                name: w.name.clone(),
                bytes: Bytes(w.bytes),
            })
            .collect();
        let tensor_ids = index(tensors.iter().map(|t| t.name.as_str()));
        let weight_ids = index(weights.iter().map(|w| w.name.as_str()));
        let tensor = |name: &String| {
            tensor_ids
                .get(name.as_str())
                .map(|i| TensorId::new(*i))
                .ok_or_else(|| GraphError::Unknown {
                    what: "tensor",
                    name: name.clone(),
                    near: Vec::new(),
                })
        };
        let weight = |name: &String| {
            weight_ids
                .get(name.as_str())
                .map(|i| WeightId::new(*i))
                .ok_or_else(|| GraphError::Unknown {
                    what: "weight",
                    name: name.clone(),
                    near: Vec::new(),
                })
        };
        let layers = self
            .layers
            .iter()
            .map(|l| {
                Ok(Layer {
                    id: l.id.clone(),
                    name: l.name.clone(),
                    op: l.op.clone(),
                    members: l.members.clone(),
                    inputs: l.inputs.iter().map(tensor).collect::<Result<_, _>>()?,
                    outputs: l.outputs.iter().map(tensor).collect::<Result<_, _>>()?,
                    weights: l.weights.iter().map(weight).collect::<Result<_, _>>()?,
                    flops: l.flops,
                })
            })
            .collect::<Result<Vec<_>, GraphError>>()?;
        let inputs = self
            .inputs
            .iter()
            .map(|p| tensor(&p.name))
            .collect::<Result<_, _>>()?;
        let outputs = self
            .outputs
            .iter()
            .map(|p| tensor(&p.name))
            .collect::<Result<_, _>>()?;
        let graph = Graph::new(layers, tensors.clone(), weights.clone(), inputs, outputs)?;
        Task::complete(&graph, &self.tasks)?;
        Ok(graph)
    }
}

fn index<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    names.enumerate().map(|(i, name)| (name, i)).collect()
}

impl TensorRecord {
    fn tensor(&self) -> Tensor {
        Tensor {
            name: self.name.clone(),
            dtype: self.dtype.parse().unwrap_or(ElementType::Other),
            shape: self.shape.clone(),
            bytes: Bytes(self.bytes),
            uncuttable: (!self.cuttable).then(|| self.reason.clone()),
        }
    }
}
