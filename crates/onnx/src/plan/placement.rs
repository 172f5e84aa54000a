//! The layers on either side of a plan, in terms of a model read node by node.

use super::super::error::OnnxError;
use super::super::reading::Reading;
use cutpoint_core::graph::{LayerSet, TensorId};

impl Reading {
    /// Returns the layers on the edge of a plan, whose layers may be groups of this reading's
    /// layers: a group goes by the id of its last layer. A layer that neither side needs stays on
    /// the edge when nothing has to be sent for it.
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

    /// Returns the layers of a plan's edge that are overlapped with transfer and server: those of
    /// `local`, and of `edge`, which is from [`Reading::edge_of_plan`] and whose ids are `kept`,
    /// what rests on them. A layer that no list names runs where its results are first needed, or,
    /// where nothing needs them, as early as possible.
    ///
    /// # Errors
    /// An id that no layer has.
    pub fn overlapped_of_plan(
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
        let mut overlapped = LayerSet::empty(graph.layers().len());
        for id in local {
            overlapped.insert(graph.find_layer(id)?);
        }
        let named = overlapped.clone();
        graph.close_backwards(&mut overlapped);
        overlapped.subtract(&before);
        // one that is needed before, too, is for the cut to refuse
        overlapped.union_with(&named);
        for id in edge.iter().filter(|id| !before.contains(*id)) {
            if graph.producers(id).any(|p| overlapped.contains(p)) {
                overlapped.insert(id);
            }
        }
        Ok(overlapped)
    }
}
