//! What every placement costs, whatever the limits and the objective.

use std::sync::Arc;

use super::accuracy::Drop;
use super::completion::{Completion, Timing};
use super::parts::{CostParts, Part};
use super::placement::{Codecs, Cost, Misplaced};
use super::tables::Tables;
use super::times::{LayerTime, SplitTime, TensorTime};
use crate::scenario::Results;
use cutpoint_core::codec::Codec;
use cutpoint_core::graph::{Graph, LayerId, LayerSet, TensorId};
use cutpoint_core::profile::MemoryModel;
use cutpoint_core::task::Task;
use cutpoint_core::units::Bytes;

/// A model on two machines: the tables of its layers and tensors, and the cost of a placement.
#[derive(Debug, Clone)]
pub struct CostModel {
    pub(crate) tables: Arc<Tables>,
    /// One way.
    pub(crate) delay_ns: u64,
}

impl CostModel {
    /// The model's graph.
    pub fn graph(&self) -> &Graph {
        &self.tables.graph
    }

    /// The layers that a layer needs, directly or through others, without itself.
    pub fn needed_by(&self, layer: LayerId) -> &LayerSet {
        let sets = &self.tables.needed_by;
        &sets.get_or_init(|| self.graph().all_needed())[layer.index()]
    }

    /// The model's tasks.
    pub fn tasks(&self) -> &[Task] {
        &self.tables.tasks
    }

    /// What a person should know about how the times were found.
    pub fn notes(&self) -> &[String] {
        &self.tables.notes
    }

    /// Times of a layer on either side.
    pub fn layer(&self, layer: LayerId) -> LayerTime {
        self.tables.layers[layer.index()]
    }

    /// What it costs when a tensor crosses, whatever the codec.
    pub fn tensor(&self, tensor: TensorId) -> &TensorTime {
        &self.tables.tensors[tensor.index()]
    }

    /// What it costs when anything runs on the server.
    pub fn split(&self) -> SplitTime {
        SplitTime {
            delay_ns: self.delay_ns,
            ..self.tables.split
        }
    }

    /// Whether a tensor is a model input that the server has, too.
    pub fn is_local(&self, tensor: TensorId) -> bool {
        self.tensor(tensor).local
    }

    /// Whether a tensor is a result wanted on the server, so that it crosses when computed on the
    /// edge.
    pub fn goes_to_server(&self, tensor: TensorId) -> bool {
        self.graph().producer(tensor).is_some()
            && self.tensor(tensor).wanted == Some(Results::Server)
    }

    /// Whether a tensor is a result wanted on the edge, so that it comes back when computed on the
    /// server.
    pub fn comes_back(&self, tensor: TensorId) -> bool {
        self.tensor(tensor).wanted == Some(Results::Edge)
    }

    /// The least number of layers on a way to a tensor from a model input that only the edge has.
    pub fn depth(&self, tensor: TensorId) -> u32 {
        self.tables.depths[tensor.index()]
    }

    /// The layers that each task needs.
    pub fn needs(&self) -> &[LayerSet] {
        &self.tables.needs
    }

    /// Where a task is done, by its position, when heads that the edge keeps run before anything is
    /// sent; `kept` says whether all layers that it needs are on the edge.
    pub fn done(&self, task: usize, kept: bool) -> Completion {
        match self.tables.wanted[task] {
            Results::Server => Completion::There,
            _ if kept => Completion::Here,
            Results::Edge => Completion::Back,
            Results::Anywhere => Completion::There,
        }
    }

    /// Where each task is done when everything on the edge runs before anything is sent.
    pub fn done_when_sequential(&self, edge: &LayerSet) -> Vec<Completion> {
        let needs = self.needs().iter().enumerate();
        needs
            .map(|(task, needs)| self.done(task, needs.is_subset(edge)))
            .collect()
    }

    /// What crosses when `edge` is on the edge, in order of the tensors; model inputs that the
    /// server has, too, do not.
    pub fn crossing(&self, edge: &LayerSet) -> Vec<TensorId> {
        let graph = self.graph();
        let on_edge = |t: &TensorId| graph.producer(*t).is_none_or(|p| edge.contains(p));
        let wanted = |t: &TensorId| {
            self.goes_to_server(*t) || graph.consumers(*t).iter().any(|c| !edge.contains(*c))
        };
        let tensors = graph.tensor_ids().filter(|t| !self.is_local(*t));
        tensors.filter(|t| on_edge(t) && wanted(t)).collect()
    }

    /// What a placement costs when everything on the edge runs before anything is sent.
    ///
    /// # Errors
    /// The placement is not closed, or `codecs` does not fit what crosses.
    pub fn evaluate(
        &self,
        edge: &LayerSet,
        codecs: &[(TensorId, Codec)],
    ) -> Result<Cost, Misplaced> {
        let graph = self.graph();
        if let Some(layer) = self.graph().first_open(edge) {
            let layer = self.graph().layer(layer).id.clone();
            return Err(Misplaced::NotClosed(layer));
        }
        let server = edge.complement();
        let mut parts = CostParts::default();
        for layer in graph.layer_ids() {
            let time = self.layer(layer);
            if edge.contains(layer) {
                *parts.ns_mut(Part::Edge) += time.edge_ns;
            } else {
                *parts.ns_mut(Part::Server) += time.server_ns;
            }
        }
        let crossing = self.add_crossing(edge, codecs, &mut parts)?;
        if !server.is_empty() || !crossing.is_empty() {
            let split = self.split();
            *parts.ns_mut(Part::Edge) += split.edge_ns;
            *parts.ns_mut(Part::Server) += split.server_ns;
            *parts.ns_mut(Part::Delay) += split.delay_ns;
        }
        self.add_results(&server, &mut parts);
        let memory = |model: &MemoryModel, layers: &LayerSet| {
            let weights = graph.weight_bytes(layers).0;
            memory_bytes(model, weights, graph.peak_live_bytes(layers).0)
        };
        let edge_memory = if edge.is_empty() && crossing.is_empty() {
            Bytes(0)
        } else {
            memory(&self.tables.edge_memory, edge)
        };
        let server_memory = if server.is_empty() {
            Bytes(0)
        } else {
            memory(&self.tables.server_memory, &server)
        };
        Ok(Cost {
            edge_layers: edge.len(),
            edge_memory,
            server_memory,
            timing: Timing {
                done: self.done_when_sequential(edge),
                local: LayerSet::empty(graph.layers().len()),
            },
            parts,
            crossing,
        })
    }

    /// The same parts when these layers run beside link and server. What being split costs the edge
    /// is paid once more for them: they are a model of their own.
    pub fn with_local(&self, parts: &CostParts, local: &LayerSet) -> CostParts {
        let mut parts = *parts;
        if !local.is_empty() {
            let time: u64 = local.iter().map(|layer| self.layer(layer).edge_ns).sum();
            *parts.ns_mut(Part::Edge) -= time;
            *parts.ns_mut(Part::Local) = time + self.split().edge_ns;
        }
        parts
    }

    /// The cost of the same placement with other codecs for what crosses, in the same order; `None`
    /// when one does not apply.
    pub(crate) fn recoded(&self, cost: &Cost, codecs: &[(TensorId, Codec)]) -> Option<Cost> {
        let encoding = |(tensor, codec): &(TensorId, Codec)| {
            let mut encodings = self.tensor(*tensor).encodings.iter();
            encodings.find(|encoding| encoding.codec == *codec)
        };
        let mut parts = cost.parts;
        for (old, new) in cost.crossing.iter().zip(codecs) {
            if old != new {
                parts.remove_encoding(encoding(old)?);
                parts.add_encoding(encoding(new)?);
            }
        }
        Some(Cost {
            parts,
            crossing: codecs.to_vec(),
            ..cost.clone()
        })
    }

    fn add_crossing(
        &self,
        edge: &LayerSet,
        codecs: &[(TensorId, Codec)],
        parts: &mut CostParts,
    ) -> Result<Codecs, Misplaced> {
        let crossing = self.crossing(edge);
        let mut sent = Codecs::new();
        let name = |tensor: TensorId| self.graph().tensor(tensor).name.as_str();
        if let Some((stray, _)) = codecs.iter().find(|(t, _)| !crossing.contains(t)) {
            return Err(Misplaced::DoesNotCross(name(*stray).to_owned()));
        }
        for tensor in crossing {
            let time = self.tensor(tensor);
            if time.encodings.is_empty() {
                return Err(self.cannot_cross(tensor));
            }
            let codec = codecs
                .iter()
                .find(|(t, _)| *t == tensor)
                .map(|(_, codec)| *codec);
            let encoding = time
                .encodings
                .iter()
                .find(|encoding| Some(encoding.codec) == codec);
            let encoding = encoding.ok_or_else(|| no_codec(name(tensor), codec))?;
            *parts.ns_mut(Part::Edge) += time.send_ns;
            *parts.ns_mut(Part::Server) += time.recv_ns;
            parts.add_encoding(encoding);
            sent.push((tensor, encoding.codec));
        }
        Ok(sent)
    }

    fn add_results(&self, server: &LayerSet, parts: &mut CostParts) {
        for output in self.graph().outputs() {
            let producer = self.graph().producer(*output);
            let computed_there = producer.is_some_and(|p| server.contains(p));
            if computed_there && self.comes_back(*output) {
                let time = self.tensor(*output);
                *parts.ns_mut(Part::BackDelay) = self.split().delay_ns;
                *parts.ns_mut(Part::Downlink) += time.down_ns;
                parts.downlink_bits += time.down_bits;
                parts.downlink_bytes += self.graph().tensor(*output).bytes.0;
            }
        }
    }

    pub(crate) fn cannot_cross(&self, tensor: TensorId) -> Misplaced {
        let tensor = self.graph().tensor(tensor);
        let reason = tensor.uncuttable.clone();
        Misplaced::CannotCross {
            tensor: tensor.name.clone(),
            reason: reason.unwrap_or_else(|| "no codec carries it".to_owned()),
        }
    }

    /// Peak memory of an edge half with these weights and live activations; there is one when it
    /// computes or sends anything.
    pub fn edge_memory(&self, weight_bytes: u64, peak_bytes: u64) -> Bytes {
        memory_bytes(&self.tables.edge_memory, weight_bytes, peak_bytes)
    }

    /// Peak memory of a server half with these weights and live activations; there is one when it
    /// computes anything.
    pub fn server_memory(&self, weight_bytes: u64, peak_bytes: u64) -> Bytes {
        memory_bytes(&self.tables.server_memory, weight_bytes, peak_bytes)
    }

    /// How the memory of a server half follows from its weights and activations.
    pub fn server_memory_model(&self) -> MemoryModel {
        self.tables.server_memory
    }

    /// How the memory of an edge half follows from its weights and activations.
    pub fn edge_memory_model(&self) -> MemoryModel {
        self.tables.edge_memory
    }

    /// What the encodings of a placement cost a task, by its position; `None` is unknown.
    pub fn drop(&self, task: usize, edge: &LayerSet, codecs: &[(TensorId, Codec)]) -> Option<Drop> {
        let accuracy = self.tables.accuracy.as_ref()?;
        accuracy.drop(self.graph(), task, edge, codecs)
    }
}

fn memory_bytes(model: &MemoryModel, weights: u64, peak: u64) -> Bytes {
    let factored = model.weight_factor * weights as f64 + model.activation_factor * peak as f64;
    Bytes(model.base_bytes.saturating_add(factored.ceil() as u64))
}

fn no_codec(tensor: &str, codec: Option<Codec>) -> Misplaced {
    let reason = match codec {
        Some(codec) => format!("codec `{codec}` does not apply to it"),
        None => "no codec is given".to_owned(),
    };
    Misplaced::CannotCross {
        tensor: tensor.to_owned(),
        reason,
    }
}
