//! A model read as a graph of layers: one layer per node that runs and is needed.

use std::collections::{HashMap, HashSet};

use super::check::called;
use super::constants::Constants;
use super::error::OnnxError;
use super::flow::{self, Kind};
use super::model::{Model, ValueFacts, run_time_inputs};
use super::proto::{AttributeProto, FunctionProto, GraphProto, NodeProto, type_proto};
use super::visit::{self, bodies};
use super::{flops, scope, tensor};
use cutpoint_core::graph::{ElementType, Graph, Layer, Tensor, TensorId, Weight, WeightId};
use cutpoint_core::units::Bytes;

/// A model's graph, and how it hangs together with the model's nodes.
///
/// Constants are neither layers nor tensors; nodes that no output needs are left out.
#[derive(Debug, Clone)]
pub struct Reading {
    /// One layer per node.
    pub graph: Graph,
    /// Index in the model of each layer's node.
    pub nodes: Vec<usize>,
    pub(super) constants: Constants,
}

impl Model {
    /// Reads the model as a graph; `facts` are the types and shapes that a run really had.
    ///
    /// # Errors
    /// No node depends on the inputs.
    pub fn graph(&self, facts: &ValueFacts) -> Result<Reading, OnnxError> {
        let graph = self.graph_proto();
        let kinds = flow::kinds(&self.proto, graph, &|name| facts.contains_key(name));
        let constants = Constants::find(graph, &kinds, facts);
        let declared = declared_types(graph);
        let reader = Reader {
            model: self,
            graph,
            facts,
            kinds,
            constants,
            declared,
        };
        reader.read()
    }
}

struct Reader<'a> {
    model: &'a Model,
    graph: &'a GraphProto,
    facts: &'a ValueFacts,
    kinds: HashMap<&'a str, Kind>,
    constants: Constants,
    declared: HashMap<&'a str, ElementType>,
}

/// Element types that the model states.
fn declared_types(graph: &GraphProto) -> HashMap<&str, ElementType> {
    let stated = graph
        .value_info
        .iter()
        .chain(&graph.input)
        .chain(&graph.output);
    let typed = stated.filter_map(|info| match info.r#type.as_ref()?.value.as_ref()? {
        type_proto::Value::TensorType(t) => {
            Some((info.name(), tensor::element_type(t.elem_type())))
        }
        _ => None,
    });
    typed
        .filter(|(_, kind)| *kind != ElementType::Other)
        .collect()
}

impl<'a> Reader<'a> {
    fn read(self) -> Result<Reading, OnnxError> {
        let nodes = self.live();
        if nodes.is_empty() {
            return Err(OnnxError::NothingToCut {
                path: self.model.path().to_owned(),
            });
        }
        let mut tensors: Vec<Tensor> = Vec::new();
        let mut ids: HashMap<&str, TensorId> = HashMap::new();
        let inputs: Vec<&str> = run_time_inputs(self.graph)
            .map(|input| input.name())
            .collect();
        let made = nodes
            .iter()
            .flat_map(|i| scope::outputs(&self.graph.node[*i]));
        for name in inputs.iter().copied().chain(made) {
            ids.insert(name, TensorId::new(tensors.len()));
            tensors.push(self.tensor(name));
        }
        let inputs = inputs
            .iter()
            .filter_map(|name| ids.get(name).copied())
            .collect();
        let mut outputs: Vec<TensorId> = Vec::new();
        for output in self
            .graph
            .output
            .iter()
            .filter_map(|o| ids.get(o.name()).copied())
        {
            if !outputs.contains(&output) {
                outputs.push(output);
            }
        }
        let mut weights = Weights::default();
        let layers = nodes
            .iter()
            .map(|i| self.layer(&self.graph.node[*i], &ids, &mut weights));
        let layers = layers.collect();
        let graph = Graph::new(layers, tensors, weights.list, inputs, outputs)?;
        Ok(Reading {
            graph,
            nodes,
            constants: self.constants,
        })
    }

    /// Indices of the nodes that run and that an output needs.
    fn live(&self) -> Vec<usize> {
        let mut needed: HashSet<&str> = self.graph.output.iter().map(|o| o.name()).collect();
        let mut live = Vec::new();
        for (index, node) in self.graph.node.iter().enumerate().rev() {
            let runs = |name: &str| needed.contains(name) && !self.constants.contains(name);
            if scope::outputs(node).any(runs) {
                live.push(index);
                needed.extend(scope::reads(node));
            }
        }
        live.reverse();
        live
    }

    fn tensor(&self, name: &str) -> Tensor {
        let fact = self.facts.get(name);
        let (observed, shape) = fact.cloned().unwrap_or((ElementType::Other, Vec::new()));
        // a runtime without half-precision kernels computes, and reports, in single precision
        let dtype = self.declared.get(name).copied().unwrap_or(observed);
        let reason = match self.kinds.get(name) {
            _ if fact.is_none() => {
                Some("not produced as a plain tensor in the probing run".to_owned())
            }
            _ if tensor::data_type(dtype).is_none() => {
                Some(format!("{dtype} values cannot be sent"))
            }
            Some(Kind::DataDependent) => Some("its shape may depend on the data".to_owned()),
            _ => None,
        };
        let bytes = dtype.bytes(shape.iter().copied().fold(1, u64::saturating_mul));
        Tensor {
            name: name.to_owned(),
            dtype,
            shape,
            bytes,
            uncuttable: reason,
        }
    }

    fn layer(
        &self,
        node: &'a NodeProto,
        ids: &HashMap<&str, TensorId>,
        weights: &mut Weights,
    ) -> Layer {
        let reads = scope::reads(node);
        let inputs = reads
            .iter()
            .filter_map(|name| ids.get(name).copied())
            .collect();
        let outputs: Vec<&str> = scope::outputs(node).collect();
        let id = outputs.first().copied().unwrap_or_default().to_owned();
        let mut read: Vec<WeightId> = Vec::new();
        for name in reads.iter().filter(|name| self.constants.contains(name)) {
            let name = self.constants.original(&self.graph.node, name);
            read.push(weights.id(name, || self.constants.bytes(&self.graph.node, name)));
        }
        let function = self.function(node);
        let inner = inner_bytes(node);
        if inner > 0 {
            read.push(weights.id(&format!("{id} (inside)"), || inner));
        }
        if let Some(function) = function {
            let inner = function
                .node
                .iter()
                .map(|n| own_bytes(n) + inner_bytes(n))
                .sum();
            if inner > 0 {
                read.push(weights.id(&format!("{} (inside)", function.name()), || inner));
            }
        }
        let mut seen = HashSet::new();
        read.retain(|weight| seen.insert(*weight));
        Layer {
            members: vec![id.clone()],
            id,
            name: node.name().to_owned(),
            op: node.op_type().to_owned(),
            inputs,
            outputs: outputs
                .iter()
                .filter_map(|name| ids.get(name).copied())
                .collect(),
            weights: read,
            flops: flops::flops(node, function.is_some(), &|name| self.shape(name)),
        }
    }

    fn shape(&self, name: &str) -> Option<Vec<u64>> {
        let observed = self.facts.get(name).map(|(_, shape)| shape.clone());
        observed.or_else(|| self.constants.shape(name).map(<[u64]>::to_vec))
    }

    fn function(&self, node: &NodeProto) -> Option<&'a FunctionProto> {
        let functions = &self.model.proto.functions;
        functions
            .iter()
            .find(|f| (f.domain(), f.name(), f.overload()) == called(node))
    }
}

/// Weights found so far.
#[derive(Default)]
struct Weights {
    list: Vec<Weight>,
    ids: HashMap<String, WeightId>,
}

impl Weights {
    fn id(&mut self, name: &str, bytes: impl FnOnce() -> u64) -> WeightId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = WeightId::new(self.list.len());
        self.list.push(Weight {
            name: name.to_owned(),
            bytes: Bytes(bytes()),
        });
        self.ids.insert(name.to_owned(), id);
        id
    }
}

/// Bytes of the tensors among a node's own attributes.
fn own_bytes(node: &NodeProto) -> u64 {
    let of = |a: &AttributeProto| -> u64 { a.t.iter().chain(&a.tensors).map(tensor::bytes).sum() };
    node.attribute.iter().map(of).fold(0, u64::saturating_add)
}

/// Bytes of the constants in a node's bodies, at any depth.
fn inner_bytes(node: &NodeProto) -> u64 {
    let mut bytes: u64 = 0;
    for body in bodies(node) {
        bytes = bytes.saturating_add(stored_bytes(body));
        visit::nodes(&body.node, &mut |inner| {
            bytes = bytes.saturating_add(own_bytes(inner));
            for deeper in bodies(inner) {
                bytes = bytes.saturating_add(stored_bytes(deeper));
            }
        });
    }
    bytes
}

fn stored_bytes(graph: &GraphProto) -> u64 {
    let sparse = graph.sparse_initializer.iter().map(tensor::sparse_bytes);
    graph
        .initializer
        .iter()
        .map(tensor::bytes)
        .chain(sparse)
        .fold(0, u64::saturating_add)
}
