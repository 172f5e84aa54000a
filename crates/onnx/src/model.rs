//! A model in memory: loaded, checked, complete, its nodes in execution order.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use prost::Message;
use sha2::{Digest, Sha256};

use super::error::OnnxError;
use super::proto::tensor_shape_proto::{Dimension, dimension};
use super::proto::{DataType, GraphProto, ModelProto, NodeProto, ValueInfoProto, type_proto};
use super::visit::bodies_mut;
use super::{check, external, scope, tensor, visit};
use cutpoint_core::contents::Contents;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::graph::ElementType;

/// Real types and shapes of run-time tensors, by name, as observed in a run.
pub type ValueFacts = HashMap<String, (ElementType, Vec<u64>)>;

/// An ONNX model, checked and without references to other files.
#[derive(Debug, Clone)]
pub struct Model {
    path: PathBuf,
    /// Files with its data, relative to the folder of `path`.
    data: Vec<String>,
    sha256: OnceLock<String>,
    pub(super) proto: ModelProto,
}

/// A model input that must be fed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputDecl {
    /// Its name.
    pub name: String,
    /// Type of one element; [`ElementType::Other`] when it is not a tensor.
    pub dtype: ElementType,
    /// Its dimensions, none for a scalar; `None` when the model does not say how many.
    pub dims: Option<Vec<Dim>>,
}

/// A dimension as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    /// Always this size.
    Fixed(u64),
    /// A size known by name only, the same wherever the name appears.
    Symbol(String),
    /// Any size.
    Unknown,
}

/// A node of a model as the runtime names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// Name.
    pub name: String,
    /// Tensors read, constants and those captured by bodies included.
    pub inputs: Vec<String>,
    /// Tensors produced.
    pub outputs: Vec<String>,
    /// Operator of an activation fused into it.
    pub activation: Option<String>,
}

impl Model {
    /// Reads and checks a model, with the data it keeps in other files.
    ///
    /// # Errors
    /// Everything in [`OnnxError`] but [`OnnxError::Cut`].
    pub fn load(path: &Path) -> Result<Model, OnnxError> {
        let io = |cause| OnnxError::Io {
            path: path.to_owned(),
            cause,
        };
        if !path.metadata().map_err(io)?.is_file() {
            let cause = std::io::Error::other("not a plain file; name the .onnx file");
            return Err(io(cause));
        }
        let bytes = Bytes::from(std::fs::read(path).map_err(io)?);
        let mut proto = decode(path, bytes.clone())?;
        let files = external::inline(&mut proto, path)?;
        check::check(&mut proto, path)?;
        fix_constants(&mut proto);
        let mut hash = Sha256::new();
        hash.update(&bytes);
        files.values().for_each(|file| hash.update(file));
        Ok(Model {
            path: path.to_owned(),
            data: files.into_keys().collect(),
            sha256: OnceLock::from(hex(&hash.finalize())),
            proto,
        })
    }

    /// Returns a model made here, which is known to keep the rules.
    pub(super) fn made(path: PathBuf, proto: ModelProto) -> Model {
        Model {
            path,
            data: Vec::new(),
            sha256: OnceLock::new(),
            proto,
        }
    }

    /// Returns the file it was read from, or the name it should have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the other files that data of it was read from.
    pub fn data_files(&self) -> impl Iterator<Item = PathBuf> {
        self.data.iter().map(|name| self.path.with_file_name(name))
    }

    /// Returns the name of the file without folders.
    pub fn file_name(&self) -> String {
        self.path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// SHA-256, lower-case hex, of the file followed by its external data files in the order of
    /// their names; of the encoded model when it was made here.
    pub fn sha256(&self) -> &str {
        self.sha256
            .get_or_init(|| hex(&Sha256::digest(self.encode())))
    }

    /// Version of the default operator set; zero when the model imports none.
    pub fn opset(&self) -> i64 {
        let imports = &self.proto.opset_import;
        let default = imports
            .iter()
            .find(|o| matches!(o.domain(), "" | "ai.onnx"));
        default.map_or(0, |o| o.version())
    }

    pub(super) fn graph_proto(&self) -> &GraphProto {
        static EMPTY: OnceLock<GraphProto> = OnceLock::new();
        // a checked model has a graph
        self.proto
            .graph
            .as_ref()
            .unwrap_or_else(|| EMPTY.get_or_init(GraphProto::default))
    }

    /// Returns the inputs that must be fed: constants listed as inputs are left out.
    pub fn inputs(&self) -> Vec<InputDecl> {
        run_time_inputs(self.graph_proto())
            .map(declaration)
            .collect()
    }

    /// Returns the names of the outputs, in the model's order.
    pub fn output_names(&self) -> Vec<String> {
        self.graph_proto()
            .output
            .iter()
            .map(|o| o.name().to_owned())
            .collect()
    }

    /// Returns the number of nodes of the main graph, those that make constants included.
    pub fn node_count(&self) -> usize {
        self.graph_proto().node.len()
    }

    /// Returns whether half-precision values may occur. A runtime without kernels for them
    /// computes, and reports, in single precision.
    pub fn has_half_floats(&self) -> bool {
        let half = [DataType::Float16 as i32, DataType::Bfloat16 as i32];
        let graph = self.graph_proto();
        let mut found = self
            .inputs()
            .iter()
            .any(|input| matches!(input.dtype, ElementType::Float16 | ElementType::BFloat16));
        found |= graph
            .initializer
            .iter()
            .any(|t| half.contains(&t.data_type()));
        let functions = self.proto.functions.iter().flat_map(|f| &f.node);
        for node in graph.node.iter().chain(functions) {
            visit::nodes(std::slice::from_ref(node), &mut |node| {
                found |= node.attribute.iter().any(|a| {
                    let cast = i32::try_from(a.i()).is_ok_and(|to| half.contains(&to));
                    cast && a.name() == "to"
                        || a.t.as_ref().is_some_and(|t| half.contains(&t.data_type()))
                });
            });
        }
        found
    }

    /// Returns the file format's bytes; equal models give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        self.proto.encode_to_vec()
    }

    /// Returns the encoded model with every node named `n0`, `n1`, ... by its place in execution
    /// order, so that what a runtime says about a node can be traced back; nodes of bodies are
    /// `n3.0`, ...
    pub fn renamed(&self) -> Vec<u8> {
        let mut proto = self.proto.clone();
        let nodes = proto.graph.iter_mut().flat_map(|g| &mut g.node);
        for (index, node) in nodes.enumerate() {
            let name = node_name(index);
            rename_bodies(node, &name, &mut 0);
            node.name = Some(name);
        }
        proto.encode_to_vec()
    }

    /// Returns every node's name in [`Model::renamed`] with the names of its outputs; an empty name
    /// is an output left out.
    pub fn node_outputs(&self) -> impl Iterator<Item = (String, &[String])> {
        let nodes = self.graph_proto().node.iter().enumerate();
        nodes.map(|(index, node)| (node_name(index), node.output.as_slice()))
    }

    /// Returns the same model with more of its tensors as outputs.
    pub fn with_extra_outputs(&self, names: &[&str]) -> Model {
        let mut proto = self.proto.clone();
        if let Some(graph) = &mut proto.graph {
            let have: HashSet<String> = graph.output.iter().map(|o| o.name().to_owned()).collect();
            let new = names.iter().filter(|n| !have.contains(**n));
            graph.output.extend(new.map(|n| bare(n)));
        }
        Model::made(self.path.clone(), proto)
    }

    /// Returns the nodes as they are, for reading a model that the runtime has rewritten.
    pub fn kernels(&self) -> Vec<Kernel> {
        let own = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        let kernel = |node: &NodeProto| Kernel {
            name: node.name().to_owned(),
            inputs: own(scope::reads(node)),
            outputs: own(scope::outputs(node).collect()),
            activation: check::attribute(node, "activation")
                .and_then(|a| Some(String::from_utf8_lossy(a.s.as_deref()?).into_owned()))
                .filter(|name| !name.is_empty()),
        };
        self.graph_proto().node.iter().map(kernel).collect()
    }
}

pub(super) fn decode(path: &Path, bytes: Bytes) -> Result<ModelProto, OnnxError> {
    let not_onnx = |detail: String| OnnxError::NotOnnx {
        path: path.to_owned(),
        detail,
    };
    if bytes.is_empty() {
        return Err(not_onnx("the file is empty".to_owned()));
    }
    let proto = ModelProto::decode(bytes.clone()).map_err(|error| {
        if let Some(what) = told_otherwise(&bytes) {
            let path = path.to_owned();
            return OnnxError::OtherFile { path, what };
        }
        // the decoder repeats itself once per level of nesting
        let text = error.to_string();
        not_onnx(super::error::show(
            text.rsplit(": ").next().unwrap_or(&text),
        ))
    })?;
    let known = proto.graph.is_some() || proto.ir_version.is_some();
    known
        .then_some(proto)
        .ok_or_else(|| not_onnx("it has neither a version nor a graph".to_owned()))
}

/// What bytes that are no model hold, where that can be told.
fn told_otherwise(bytes: &[u8]) -> Option<String> {
    match Contents::of(bytes) {
        // it begins as a model does, and is a broken one
        Some(Contents::Onnx) => None,
        Some(contents) => Some(format!("it is {contents}")),
        None => {
            let text = std::str::from_utf8(bytes).ok()?;
            let kind = FileKind::of(text).ok().flatten()?;
            Some(format!("it holds {kind}"))
        }
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn node_name(index: usize) -> String {
    format!("n{index}")
}

fn rename_bodies(node: &mut NodeProto, prefix: &str, count: &mut usize) {
    for inner in bodies_mut(node).flat_map(|body| &mut body.node) {
        inner.name = Some(format!("{prefix}.{count}"));
        *count += 1;
        rename_bodies(inner, prefix, count);
    }
}

/// Returns a value whose type is left to the runtime to find.
pub(super) fn bare(name: &str) -> ValueInfoProto {
    ValueInfoProto {
        name: Some(name.to_owned()),
        ..ValueInfoProto::default()
    }
}

/// From IR version 4 on, a constant listed among the inputs can be replaced by whoever runs the
/// model, so a runtime may not fold or fuse it. No half ever gets such a replacement: the listing is
/// dropped, and the whole model and its halves are optimised alike.
fn fix_constants(proto: &mut ModelProto) {
    let fixed = proto.ir_version() < 4;
    if let Some(graph) = proto.graph.as_mut().filter(|_| !fixed) {
        let constants: HashSet<String> = scope::initializers(graph).map(str::to_owned).collect();
        graph
            .input
            .retain(|input| !constants.contains(input.name()));
    }
}

/// Inputs that are not constants with a name among the inputs.
pub(super) fn run_time_inputs(graph: &GraphProto) -> impl Iterator<Item = &ValueInfoProto> {
    let constants: HashSet<&str> = scope::initializers(graph).collect();
    graph
        .input
        .iter()
        .filter(move |input| !constants.contains(input.name()))
}

fn declaration(input: &ValueInfoProto) -> InputDecl {
    let name = input.name().to_owned();
    let value = input.r#type.as_ref().and_then(|t| t.value.as_ref());
    let Some(type_proto::Value::TensorType(kind)) = value else {
        return InputDecl {
            name,
            dtype: ElementType::Other,
            dims: None,
        };
    };
    let dim = |dim: &Dimension| match &dim.value {
        Some(dimension::Value::DimValue(size)) => {
            // negative sizes stand for any size in old files
            u64::try_from(*size).map_or(Dim::Unknown, Dim::Fixed)
        }
        Some(dimension::Value::DimParam(name)) if !name.is_empty() => Dim::Symbol(name.clone()),
        _ => Dim::Unknown,
    };
    InputDecl {
        name,
        dtype: tensor::element_type(kind.elem_type()),
        dims: kind.shape.as_ref().map(|s| s.dim.iter().map(dim).collect()),
    }
}
