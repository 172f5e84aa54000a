//! Cuts a model into an edge half and a server half and, for heads on the edge that are overlapped
//! with transfer and server, a third part.
//!
//! The halves are cut by layers: each takes its nodes, the constants they need, and the model's
//! functions, operator sets and metadata. What crosses is an output of the edge half and an input
//! of the server half under its own name, unless a codec renames it. Model outputs are delivered
//! by the half that computes them; those that are constants or model inputs by the edge half. The
//! third part begins with plain outputs of the edge half and with model inputs.
//! Shapes are fixed to those that were observed.

mod check;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::build::{constant, int64s, value};
use super::codecs::{CodecData, Fragment, Scale, fragment};
use super::error::{OnnxError, show};
use super::model::{Model, bare, run_time_inputs};
use super::proto::{GraphProto, ModelProto, NodeProto, ValueInfoProto};
use super::reading::Reading;
use super::{ops, scope, tensor, visit};
use crate::wire;
use cutpoint_core::codec::{ClipRange, Codec};
use cutpoint_core::graph::{Graph, GraphError, LayerId, LayerSet, TensorId};

/// A cut to be made.
#[derive(Debug, Clone)]
pub struct CutRequest {
    /// Layers on the edge.
    pub edge: LayerSet,
    /// Those of them that are overlapped with transfer and server, as a model of their own: nothing
    /// outside reads their results.
    pub overlapped: LayerSet,
    /// Every tensor that crosses, with its codec. A model output that only the edge computes may
    /// be among them: the server is to have it too.
    pub crossing: Vec<(TensorId, Codec)>,
    /// For [`Codec::U8`] and image formats, how the model input was made from an 8-bit image.
    pub u8_scales: HashMap<TensorId, Scale>,
    /// For codecs with calibrated bounds.
    pub ranges: HashMap<TensorId, ClipRange>,
    /// Model inputs that the server has too: its half takes them itself, and they do not cross.
    pub local_inputs: Vec<TensorId>,
}

impl Default for CutRequest {
    fn default() -> CutRequest {
        CutRequest {
            edge: LayerSet::empty(0),
            overlapped: LayerSet::empty(0),
            crossing: Vec::new(),
            u8_scales: HashMap::new(),
            ranges: HashMap::new(),
            local_inputs: Vec::new(),
        }
    }
}

impl CutRequest {
    /// Returns the cut at `tensors`: the edge computes them and whatever else must be there for
    /// nothing more to cross. A model output that no layer on the server reads keeps its head on
    /// the edge; it is sent only in another codec than [`Codec::F32`].
    ///
    /// # Errors
    /// See [`Graph::edge_of_cut`].
    pub fn at(
        graph: &Graph,
        tensors: &[(TensorId, Codec)],
        local_inputs: Vec<TensorId>,
    ) -> Result<CutRequest, GraphError> {
        let named: Vec<TensorId> = tensors.iter().map(|(tensor, _)| *tensor).collect();
        let edge = graph.edge_of_cut(&named, &local_inputs)?;
        let read = graph.crossing(&edge);
        let is_sent =
            |(tensor, codec): &&(TensorId, Codec)| read.contains(tensor) || *codec != Codec::F32;
        Ok(CutRequest {
            crossing: tensors.iter().filter(is_sent).copied().collect(),
            edge,
            local_inputs,
            ..CutRequest::default()
        })
    }
}

/// The halves of a model. A half that would neither compute nor pass on anything is absent.
#[derive(Debug, Clone)]
pub struct Halves {
    /// Has the model's inputs; ends with what crosses and with what `local` reads.
    pub edge: Option<Model>,
    /// The heads on the edge that are overlapped with transfer and server.
    pub local: Option<Model>,
    /// Begins with what crosses.
    pub server: Option<Model>,
}

/// Cuts `model`, which was read as `reading`.
///
/// # Errors
/// [`OnnxError::Cut`] with the reason.
pub fn cut(model: &Model, reading: &Reading, request: &CutRequest) -> Result<Halves, OnnxError> {
    check::check(reading, request)?;
    let cutter = Cutter {
        model,
        reading,
        request,
        fragments: fragments(model, reading, request)?,
    };
    Ok(Halves {
        edge: cutter.edge(),
        local: cutter.local(),
        server: cutter.server(),
    })
}

/// Builds the codecs' nodes for the tensors that are not sent as they are.
fn fragments(
    model: &Model,
    reading: &Reading,
    request: &CutRequest,
) -> Result<BTreeMap<TensorId, Fragment>, OnnxError> {
    let mut fragments = BTreeMap::new();
    for (id, codec) in request
        .crossing
        .iter()
        .filter(|(_, codec)| codec.in_halves() != Codec::F32)
    {
        let tensor = reading.graph.tensor(*id);
        if codec.is_image() && reading.graph.producer(*id).is_some() {
            let problem = "it is not a model input";
            let name = show(&tensor.name);
            return Err(OnnxError::Cut(format!(
                "`{name}` cannot be sent as {codec}: {problem}"
            )));
        }
        let data = CodecData {
            scale: request.u8_scales.get(id),
            range: request.ranges.get(id),
        };
        if codec.is_image() && *codec != Codec::U8 {
            wire::check(*codec, tensor).map_err(|error| OnnxError::Cut(error.to_string()))?;
        }
        fragments.insert(*id, fragment(*codec, tensor, data, model.opset())?);
    }
    let mut names = if fragments.is_empty() {
        HashSet::new()
    } else {
        all_names(model)
    };
    for (id, fragment) in &fragments {
        let added = fragment.added(&reading.graph.tensor(*id).name);
        let taken = added.into_iter().filter(|name| !names.insert(name)).min();
        if let Some(taken) = taken {
            return Err(OnnxError::Cut(format!(
                "the model has a value named `{}`, which a codec needs: use codec f32 there",
                show(taken)
            )));
        }
    }
    Ok(fragments)
}

/// Every name of a value in the main graph and in its bodies.
fn all_names(model: &Model) -> HashSet<&str> {
    let graph = model.graph_proto();
    let mut names: HashSet<&str> = graph.input.iter().map(|i| i.name()).collect();
    names.extend(scope::initializers(graph));
    visit::nodes(&graph.node, &mut |node| {
        names.extend(scope::outputs(node));
        for body in visit::bodies(node) {
            names.extend(
                body.input
                    .iter()
                    .map(|i| i.name())
                    .chain(scope::initializers(body)),
            );
        }
    });
    names
}

/// Where a layer runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Edge,
    Overlapped,
    Server,
}

struct Cutter<'a> {
    model: &'a Model,
    reading: &'a Reading,
    request: &'a CutRequest,
    fragments: BTreeMap<TensorId, Fragment>,
}

/// A half under construction.
#[derive(Default)]
struct Parts<'a> {
    /// Indices of the layers' nodes.
    layers: BTreeSet<usize>,
    inputs: Vec<ValueInfoProto>,
    before: Vec<&'a NodeProto>,
    after: Vec<&'a NodeProto>,
    outputs: Vec<ValueInfoProto>,
}

impl Parts<'_> {
    /// Adds an output unless the half has it already.
    fn deliver(&mut self, output: ValueInfoProto) {
        if !self.outputs.iter().any(|o| o.name() == output.name()) {
            self.outputs.push(output);
        }
    }
}

impl<'a> Cutter<'a> {
    fn place_of(&self, layer: LayerId) -> Place {
        match self.request.edge.contains(layer) {
            true if self.request.overlapped.contains(layer) => Place::Overlapped,
            true => Place::Edge,
            false => Place::Server,
        }
    }

    fn nodes_of(&self, place: Place) -> BTreeSet<usize> {
        let layers = self.reading.graph.layer_ids();
        let mine = layers.filter(|layer| self.place_of(*layer) == place);
        mine.filter_map(|layer| self.reading.nodes.get(layer.index()).copied())
            .collect()
    }

    /// The model's outputs, each once, that this half computes.
    fn model_outputs(&self, place: Place) -> Vec<ValueInfoProto> {
        let graph = &self.reading.graph;
        let mut seen = HashSet::new();
        let outputs = self.model.graph_proto().output.iter();
        let mine = outputs.filter(|output| {
            let tensor = graph.find_tensor(output.name()).ok();
            let producer = tensor.and_then(|t| graph.producer(t));
            producer.map_or(Place::Edge, |p| self.place_of(p)) == place
                && seen.insert(output.name())
        });
        mine.cloned().collect()
    }

    /// A tensor with its observed type and shape.
    fn declared(&self, id: TensorId) -> ValueInfoProto {
        let tensor = self.reading.graph.tensor(id);
        match tensor::data_type(tensor.dtype) {
            Some(kind) => value(&tensor.name, kind, Some(&tensor.shape)),
            None => bare(&tensor.name),
        }
    }

    fn edge(&self) -> Option<Model> {
        let mut parts = Parts {
            layers: self.nodes_of(Place::Edge),
            outputs: self.model_outputs(Place::Edge),
            ..Parts::default()
        };
        let inputs = run_time_inputs(self.model.graph_proto());
        parts.inputs = inputs.map(|input| self.input(input)).collect();
        for (id, _) in &self.request.crossing {
            match self.fragments.get(id) {
                Some(fragment) => {
                    parts.after.extend(&fragment.encoder);
                    parts.outputs.extend(fragment.sent.iter().cloned());
                }
                None => parts.deliver(self.declared(*id)),
            }
        }
        for id in self.read_by_overlapped().filter(|id| !self.is_input(*id)) {
            parts.deliver(self.handed(id));
        }
        self.half("edge", parts)
    }

    /// A model input; sequences and the like keep their declaration.
    fn input(&self, input: &ValueInfoProto) -> ValueInfoProto {
        let graph = &self.reading.graph;
        let id = graph.find_tensor(input.name()).ok();
        let observed = id.filter(|id| tensor::data_type(graph.tensor(*id).dtype).is_some());
        observed.map_or_else(|| input.clone(), |id| self.declared(id))
    }

    fn is_input(&self, id: TensorId) -> bool {
        self.reading.graph.producer(id).is_none()
    }

    /// Returns what the overlapped heads read from outside.
    fn read_by_overlapped(&self) -> impl Iterator<Item = TensorId> {
        let graph = &self.reading.graph;
        let overlapped = self.request.overlapped.iter();
        let read: BTreeSet<TensorId> = overlapped
            .flat_map(|layer| graph.layer(layer).inputs.iter().copied())
            .filter(|t| {
                let producer = graph.producer(*t);
                producer.is_none_or(|p| !self.request.overlapped.contains(p))
            })
            .collect();
        read.into_iter()
    }

    /// A tensor that stays on the edge; its shape may depend on the data.
    fn handed(&self, id: TensorId) -> ValueInfoProto {
        let tensor = self.reading.graph.tensor(id);
        match (tensor::data_type(tensor.dtype), &tensor.uncuttable) {
            (Some(kind), Some(_)) => value(&tensor.name, kind, None),
            _ => self.declared(id),
        }
    }

    fn local(&self) -> Option<Model> {
        let read: Vec<TensorId> = self.read_by_overlapped().collect();
        let mut parts = Parts {
            layers: self.nodes_of(Place::Overlapped),
            outputs: self.model_outputs(Place::Overlapped),
            ..Parts::default()
        };
        for input in run_time_inputs(self.model.graph_proto()) {
            let id = self.reading.graph.find_tensor(input.name());
            if id.is_ok_and(|id| read.contains(&id)) {
                parts.inputs.push(self.input(input));
            }
        }
        let handed = read.into_iter().filter(|id| !self.is_input(*id));
        parts.inputs.extend(handed.map(|id| self.handed(id)));
        self.half("local", parts)
    }

    fn server(&self) -> Option<Model> {
        let graph = &self.reading.graph;
        let mut parts = Parts {
            layers: self.nodes_of(Place::Server),
            outputs: self.model_outputs(Place::Server),
            ..Parts::default()
        };
        for (id, _) in &self.request.crossing {
            let mut readers = graph.consumers(*id).iter();
            let is_read = readers.any(|reader| !self.request.edge.contains(*reader));
            match self.fragments.get(id) {
                Some(fragment) => {
                    parts.inputs.extend(fragment.sent.iter().cloned());
                    parts.before.extend(&fragment.decoder);
                    if !is_read {
                        // a result that the server is to have is decoded there
                        parts.outputs.push(self.declared(*id));
                    }
                }
                None if is_read => parts.inputs.push(self.declared(*id)),
                None => {}
            }
        }
        for id in &self.request.local_inputs {
            let mut readers = graph.consumers(*id).iter();
            if readers.any(|reader| !self.request.edge.contains(*reader)) {
                parts.inputs.push(self.declared(*id));
            }
        }
        self.half("server", parts)
    }

    fn half(&self, side: &str, parts: Parts<'a>) -> Option<Model>
    where
        Self: 'a,
    {
        if parts.outputs.is_empty() {
            return None;
        }
        let whole = self.model.graph_proto();
        let reads = parts
            .layers
            .iter()
            .filter_map(|i| whole.node.get(*i))
            .flat_map(scope::reads);
        let delivered = parts.outputs.iter().map(|o| o.name());
        let needed = self
            .reading
            .constants
            .needed(&whole.node, reads.chain(delivered));
        let mut nodes: Vec<NodeProto> = parts.before.into_iter().cloned().collect();
        for index in parts.layers.union(&needed.nodes) {
            match needed.known.get(index) {
                Some(values) => nodes.push(known(&whole.node[*index], values)),
                None => nodes.push(whole.node[*index].clone()),
            }
        }
        nodes.extend(parts.after.into_iter().cloned());
        let is_stored = |name: &str| needed.stored.contains(name);
        let mut inputs = parts.inputs;
        // a constant among the inputs stays there: without it, it could be folded
        inputs.extend(whole.input.iter().filter(|i| is_stored(i.name())).cloned());
        let mut graph = GraphProto {
            name: whole.name.clone(),
            doc_string: whole.doc_string.clone(),
            metadata_props: whole.metadata_props.clone(),
            initializer: kept(&whole.initializer, |t| is_stored(t.name())),
            sparse_initializer: kept(&whole.sparse_initializer, |s| {
                s.values.as_ref().is_some_and(|v| is_stored(v.name()))
            }),
            node: nodes,
            input: inputs,
            output: parts.outputs,
            ..GraphProto::default()
        };
        copy_value_infos(&mut graph, whole);
        let mut path = self.model.path().to_owned();
        path.set_file_name(format!("{side}.onnx"));
        Some(Model::made(path, shell(&self.model.proto, graph)))
    }
}

fn kept<T: Clone>(items: &[T], keep: impl Fn(&T) -> bool) -> Vec<T> {
    items.iter().filter(|item| keep(item)).cloned().collect()
}

/// Returns the constant that a node reading a shape amounts to.
fn known(node: &NodeProto, values: &[i64]) -> NodeProto {
    let dims: &[i64] = if node.op_type() == "Size" {
        &[]
    } else {
        &[values.len() as i64]
    };
    let output = scope::outputs(node).next().unwrap_or_default();
    let mut constant = constant(output, int64s(dims, values));
    constant.name.clone_from(&node.name);
    debug_assert!(ops::reads_shape(node));
    constant
}

/// Copies what the model says about values inside the half: types, shapes and quantisation.
fn copy_value_infos(half: &mut GraphProto, whole: &GraphProto) {
    let ports: HashSet<&str> = half
        .input
        .iter()
        .chain(&half.output)
        .map(|p| p.name())
        .collect();
    let inside: HashSet<&str> = half.node.iter().flat_map(scope::outputs).collect();
    let inside = |name: &str| inside.contains(name) && !ports.contains(name);
    let infos = kept(&whole.value_info, |info| inside(info.name()));
    let known: HashSet<&str> = ports
        .iter()
        .copied()
        .chain(scope::initializers(half))
        .collect();
    let annotations = kept(&whole.quantization_annotation, |a| {
        inside(a.tensor_name()) || known.contains(a.tensor_name())
    });
    half.value_info = infos;
    half.quantization_annotation = annotations;
}

/// `graph` in a file like `model`'s; what is said about training refers to nodes that are gone.
fn shell(model: &ModelProto, graph: GraphProto) -> ModelProto {
    ModelProto {
        ir_version: model.ir_version,
        producer_name: model.producer_name.clone(),
        producer_version: model.producer_version.clone(),
        domain: model.domain.clone(),
        model_version: model.model_version,
        doc_string: model.doc_string.clone(),
        graph: Some(graph),
        opset_import: model.opset_import.clone(),
        metadata_props: model.metadata_props.clone(),
        training_info: Vec::new(),
        functions: model.functions.clone(),
        configuration: model.configuration.clone(),
    }
}
