//! Small models and pieces of models made here.

use std::path::PathBuf;

use bytes::Bytes;

use super::model::{Model, bare};
use super::proto::tensor_shape_proto::{Dimension, dimension};
use super::proto::{
    AttributeProto, AttributeType, DataType, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};

/// Operator set and file format of the models made here: old enough for every runtime.
const OPSET: i64 = 13;
const IR: i64 = 7;

/// Returns a model of two cheap layers, `x -> h -> y`, all `float32` of this shape; no runtime
/// drops or fuses them.
pub fn two_layers(shape: &[u64]) -> Model {
    let nodes = vec![node("Neg", &["x"], &["h"]), node("Abs", &["h"], &["y"])];
    let input = vec![value("x", DataType::Float, Some(shape))];
    model(nodes, input, vec![bare("y")], OPSET)
}

/// Returns a model that multiplies the square `float32` matrices `a` and `b` of this edge into `c`.
pub fn matrix_product(edge: u64) -> Model {
    let square = [edge, edge];
    let input = |name| value(name, DataType::Float, Some(&square));
    let nodes = vec![node("MatMul", &["a", "b"], &["c"])];
    let inputs = vec![input("a"), input("b")];
    model(nodes, inputs, vec![bare("c")], OPSET)
}

/// Returns a model of these nodes for this version of the operator set.
pub(super) fn model(
    nodes: Vec<NodeProto>,
    inputs: Vec<ValueInfoProto>,
    outputs: Vec<ValueInfoProto>,
    opset: i64,
) -> Model {
    let graph = GraphProto {
        name: Some("made".to_owned()),
        node: nodes,
        input: inputs,
        output: outputs,
        ..GraphProto::default()
    };
    let import = OperatorSetIdProto {
        domain: None,
        version: Some(opset),
    };
    // an operator set needs the format it came with, or a newer one
    let ir = match opset {
        ..=8 => 3,
        9..=14 => IR,
        15..=18 => 8,
        19..=20 => 9,
        _ => 10,
    };
    let proto = ModelProto {
        ir_version: Some(ir),
        producer_name: Some("cutpoint".to_owned()),
        opset_import: vec![import],
        graph: Some(graph),
        ..ModelProto::default()
    };
    Model::made(PathBuf::from("made.onnx"), proto)
}

/// Returns a node of ONNX's own operator set.
pub fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let own = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    NodeProto {
        input: own(inputs),
        output: own(outputs),
        op_type: Some(op.to_owned()),
        ..NodeProto::default()
    }
}

/// Returns a node that delivers `tensor` under `name`.
pub fn constant(name: &str, tensor: TensorProto) -> NodeProto {
    let attribute = AttributeProto {
        name: Some("value".to_owned()),
        r#type: Some(AttributeType::Tensor as i32),
        t: Some(tensor),
        ..AttributeProto::default()
    };
    with(node("Constant", &[], &[name]), attribute)
}

/// `node` with one more attribute.
pub fn with(mut node: NodeProto, attribute: AttributeProto) -> NodeProto {
    node.attribute.push(attribute);
    node
}

/// Returns an integer attribute.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(AttributeType::Int as i32),
        i: Some(value),
        ..AttributeProto::default()
    }
}

/// Returns an attribute of several integers.
pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(AttributeType::Ints as i32),
        ints: values.to_vec(),
        ..AttributeProto::default()
    }
}

/// Returns a float attribute.
pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(AttributeType::Float as i32),
        f: Some(value),
        ..AttributeProto::default()
    }
}

/// Returns a `float32` tensor.
pub fn floats(dims: &[i64], values: &[f32]) -> TensorProto {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor(DataType::Float, dims, raw)
}

/// Returns an `int64` tensor.
pub fn int64s(dims: &[i64], values: &[i64]) -> TensorProto {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor(DataType::Int64, dims, raw)
}

fn tensor(kind: DataType, dims: &[i64], raw: Vec<u8>) -> TensorProto {
    TensorProto {
        dims: dims.to_vec(),
        data_type: Some(kind as i32),
        raw_data: Some(Bytes::from(raw)),
        ..TensorProto::default()
    }
}

/// Returns the declaration of a tensor; without `shape` it may have any.
pub fn value(name: &str, kind: DataType, shape: Option<&[u64]>) -> ValueInfoProto {
    let dimension = |size: &u64| Dimension {
        value: Some(dimension::Value::DimValue(
            i64::try_from(*size).unwrap_or(i64::MAX),
        )),
        denotation: None,
    };
    let shape = shape.map(|dims| TensorShapeProto {
        dim: dims.iter().map(dimension).collect(),
    });
    let tensor = type_proto::Tensor {
        elem_type: Some(kind as i32),
        shape,
    };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            denotation: None,
        }),
        ..ValueInfoProto::default()
    }
}
