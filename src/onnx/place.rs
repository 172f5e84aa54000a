//! From what a person or a plan names to the layers on the edge.

use std::collections::HashSet;

use super::error::{OnnxError, show_list};
use super::reading::Reading;
use crate::graph::{Graph, LayerId, LayerSet, TensorId};

impl Reading {
    /// The layers on the edge when exactly `tensors` and the local inputs are read by the server:
    /// all that they need, and whatever must follow for nothing else to cross, such as heads that
    /// branch off earlier. A model output among them that no layer of the server reads keeps the
    /// layers it needs on the edge.
    ///
    /// # Errors
    /// More tensors than these would cross, or nothing on the server reads one of them.
    pub fn edge_of_cut(
        &self,
        tensors: &[TensorId],
        local_inputs: &[TensorId],
    ) -> Result<LayerSet, OnnxError> {
        let graph = &self.graph;
        let sent: HashSet<TensorId> = tensors.iter().chain(local_inputs).copied().collect();
        let needs = graph.ancestors(tensors);
        let crosses =
            |edge: &LayerSet| -> HashSet<TensorId> { graph.crossing(edge).into_iter().collect() };
        let first = crosses(&needs);
        let idle = |t: &&TensorId| !first.contains(t) && !graph.outputs().contains(t);
        let idle: Vec<&str> = tensors
            .iter()
            .filter(idle)
            .map(|t| name(graph, *t))
            .collect();
        if !idle.is_empty() {
            let idle = show_list(idle);
            return Err(OnnxError::Cut(format!(
                "nothing on the server reads {idle}: leave it out"
            )));
        }
        let more: Vec<&str> = graph
            .tensor_ids()
            .filter(|t| first.contains(t) && !sent.contains(t))
            .map(|t| name(graph, t))
            .collect();
        if more.is_empty() {
            return Ok(needs);
        }
        let edge = self.keep_readers(needs, &sent);
        let last = crosses(&edge);
        let wanted = tensors.iter().filter(|t| first.contains(t));
        if wanted.clone().count() > 0 && wanted.clone().all(|t| last.contains(t)) {
            return Ok(edge);
        }
        let more = show_list(more);
        Err(OnnxError::Cut(format!(
            "the server would need {more} as well: name all tensors that cross"
        )))
    }

    /// The smallest closed set with these layers from which only `sent` crosses.
    fn keep_readers(&self, mut edge: LayerSet, sent: &HashSet<TensorId>) -> LayerSet {
        let graph = &self.graph;
        let mut open: Vec<LayerId> = edge.iter().collect();
        let inputs = graph.inputs().iter().filter(|t| !sent.contains(t));
        open.extend(inputs.flat_map(|t| graph.consumers(*t)));
        for layer in &open {
            edge.insert(*layer);
        }
        while let Some(layer) = open.pop() {
            let layer = graph.layer(layer);
            let before = layer.inputs.iter().filter_map(|t| graph.producer(*t));
            let outputs = layer.outputs.iter().filter(|t| !sent.contains(t));
            let after = outputs.flat_map(|t| graph.consumers(*t)).copied();
            for near in before.chain(after) {
                if !edge.contains(near) {
                    edge.insert(near);
                    open.push(near);
                }
            }
        }
        edge
    }

    /// The layers on the edge of a plan, whose layers may be groups of this reading's layers: a
    /// group goes by the id of its last layer. A layer that neither side needs stays on the edge
    /// when nothing has to be sent for it.
    ///
    /// # Errors
    /// An id that no layer has.
    pub fn edge_of_plan(
        &self,
        edge: &[String],
        server: &[String],
        crossing: &[TensorId],
    ) -> Result<LayerSet, OnnxError> {
        let graph = &self.graph;
        let listed = |ids: &[String]| -> Result<LayerSet, OnnxError> {
            let mut set = LayerSet::empty(graph.layers().len());
            for id in ids {
                set.insert(graph.find_layer(id)?);
            }
            graph.close_backwards(&mut set);
            Ok(set)
        };
        let server = listed(server)?;
        let mut edge = listed(edge)?;
        edge.union_with(&graph.ancestors(crossing));
        for id in graph.layer_ids().filter(|id| !server.contains(*id)) {
            let mut producers = graph.producers(id);
            if producers.all(|p| edge.contains(p)) {
                edge.insert(id);
            }
        }
        Ok(edge)
    }

    /// The layers of a plan's edge that run while link and server work: those of `local`, and of
    /// `edge`, which is from [`Reading::edge_of_plan`] and whose ids are `kept`, what rests on
    /// them. A layer that no list names runs where its results are first
    /// needed, or, where nothing needs them, as early as possible.
    ///
    /// # Errors
    /// An id that no layer has.
    pub fn beside_of_plan(
        &self,
        edge: &LayerSet,
        kept: &[String],
        local: &[String],
        crossing: &[TensorId],
    ) -> Result<LayerSet, OnnxError> {
        let graph = &self.graph;
        let mut before = graph.ancestors(crossing);
        for id in kept.iter().filter(|id| !local.contains(id)) {
            before.insert(graph.find_layer(id)?);
        }
        graph.close_backwards(&mut before);
        let mut beside = LayerSet::empty(graph.layers().len());
        for id in local {
            beside.insert(graph.find_layer(id)?);
        }
        let named = beside.clone();
        graph.close_backwards(&mut beside);
        beside.subtract(&before);
        // one that is needed before, too, is for the cut to refuse
        beside.union_with(&named);
        for id in edge.iter().filter(|id| !before.contains(*id)) {
            if graph.producers(id).any(|p| beside.contains(p)) {
                beside.insert(id);
            }
        }
        Ok(beside)
    }
}

fn name(graph: &Graph, tensor: TensorId) -> &str {
    graph.tensor(tensor).name.as_str()
}
