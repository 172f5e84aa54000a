//! Small models built node by node, written to files so that loading is what is tested.

#![allow(dead_code, unreachable_pub)] // every test file uses its own part

use std::collections::HashMap;
use std::path::PathBuf;

use cutpoint_core::graph::{ElementType, TensorId};
use cutpoint_onnx::build::{self, value};
use cutpoint_onnx::proto::{
    AttributeProto, AttributeType, DataType, FunctionProto, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, ValueInfoProto,
};
use cutpoint_onnx::{Model, OnnxError, Reading, ValueFacts};
use prost::Message;

/// Shape of every run-time tensor of these models, unless a test says otherwise.
pub const SHAPE: [u64; 2] = [2, 3];

/// A float input or output of the usual shape.
pub fn port(name: &str) -> ValueInfoProto {
    value(name, DataType::Float, Some(&SHAPE))
}

/// A value without a type, as the results of bodies may be.
pub fn bare(name: &str) -> ValueInfoProto {
    ValueInfoProto {
        name: Some(name.to_owned()),
        ..ValueInfoProto::default()
    }
}

pub fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    build::node(op, inputs, outputs)
}

/// `tensor` under a name, as an initializer.
pub fn named(name: &str, mut tensor: TensorProto) -> TensorProto {
    tensor.name = Some(name.to_owned());
    tensor
}

/// A float initializer of the usual shape.
pub fn weight(name: &str) -> TensorProto {
    named(name, build::floats(&[2, 3], &[0.5; 6]))
}

pub fn body(name: &str, graph: GraphProto) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(AttributeType::Graph as i32),
        g: Some(graph),
        ..AttributeProto::default()
    }
}

/// A graph of these nodes and ports.
pub fn graph(nodes: Vec<NodeProto>, inputs: &[&str], outputs: &[&str]) -> GraphProto {
    GraphProto {
        name: Some("test".to_owned()),
        node: nodes,
        input: inputs.iter().map(|n| port(n)).collect(),
        output: outputs.iter().map(|n| bare(n)).collect(),
        ..GraphProto::default()
    }
}

/// A model of today around a graph.
pub fn model(graph: GraphProto) -> ModelProto {
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto {
            domain: None,
            version: Some(17),
        }],
        graph: Some(graph),
        ..ModelProto::default()
    }
}

/// A model whose nodes form a chain or whatever else `nodes` says.
pub fn simple(nodes: Vec<NodeProto>, inputs: &[&str], outputs: &[&str]) -> ModelProto {
    model(graph(nodes, inputs, outputs))
}

pub fn function(
    name: &str,
    inputs: &[&str],
    outputs: &[&str],
    nodes: Vec<NodeProto>,
) -> FunctionProto {
    let own = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    FunctionProto {
        name: Some(name.to_owned()),
        domain: Some("own".to_owned()),
        input: own(inputs),
        output: own(outputs),
        node: nodes,
        opset_import: vec![OperatorSetIdProto {
            domain: None,
            version: Some(17),
        }],
        ..FunctionProto::default()
    }
}

/// A call of a function of [`function`].
pub fn call(name: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        domain: Some("own".to_owned()),
        ..node(name, inputs, outputs)
    }
}

/// A temporary folder with a model file in it.
pub struct Folder {
    pub dir: tempfile::TempDir,
}

impl Folder {
    pub fn new() -> Folder {
        Folder {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, model: &ModelProto) -> PathBuf {
        let path = self.path("model.onnx");
        std::fs::write(&path, model.encode_to_vec()).unwrap();
        path
    }

    pub fn load(&self, model: &ModelProto) -> Result<Model, OnnxError> {
        Model::load(&self.write(model))
    }
}

/// Loads a model that must be fine.
pub fn load(model: &ModelProto) -> Model {
    Folder::new().load(model).unwrap()
}

/// The message of a model that must be refused.
pub fn refusal(model: &ModelProto) -> String {
    Folder::new().load(model).unwrap_err().to_string()
}

/// Facts in which every named tensor is a float of the usual shape.
pub fn facts(names: &[&str]) -> ValueFacts {
    let fact = |name: &&str| ((*name).to_owned(), (ElementType::Float32, SHAPE.to_vec()));
    names.iter().map(fact).collect()
}

/// Facts for everything in the main graph that is computed or fed.
pub fn all_facts(model: &ModelProto) -> ValueFacts {
    let graph = model.graph.as_ref().unwrap();
    let made = graph
        .node
        .iter()
        .flat_map(|n| &n.output)
        .map(String::as_str);
    let fed = graph.input.iter().map(|i| i.name());
    let names: Vec<&str> = made.chain(fed).filter(|n| !n.is_empty()).collect();
    facts(&names)
}

/// Loads and reads a model that must be fine.
pub fn read(model: &ModelProto) -> (Model, Reading) {
    let loaded = load(model);
    let reading = loaded.graph(&all_facts(model)).unwrap();
    (loaded, reading)
}

pub fn layer_ids(reading: &Reading) -> Vec<&str> {
    reading
        .graph
        .layers()
        .iter()
        .map(|l| l.id.as_str())
        .collect()
}

pub fn tensor(reading: &Reading, name: &str) -> TensorId {
    reading.graph.find_tensor(name).unwrap()
}

/// Names of the tensors a layer reads.
pub fn inputs_of<'a>(reading: &'a Reading, layer: &str) -> Vec<&'a str> {
    let id = reading.graph.find_layer(layer).unwrap();
    let inputs = &reading.graph.layer(id).inputs;
    inputs
        .iter()
        .map(|t| reading.graph.tensor(*t).name.as_str())
        .collect()
}

/// Names and sizes of the weights a layer reads.
pub fn weights_of<'a>(reading: &'a Reading, layer: &str) -> HashMap<&'a str, u64> {
    let id = reading.graph.find_layer(layer).unwrap();
    let weights = &reading.graph.layer(id).weights;
    let weight = |w: &cutpoint_core::graph::WeightId| &reading.graph.weights()[w.index()];
    weights
        .iter()
        .map(weight)
        .map(|w| (w.name.as_str(), w.bytes.0))
        .collect()
}
