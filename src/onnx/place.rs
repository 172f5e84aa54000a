//! From what a person or a plan names to the layers on the edge.

use super::error::OnnxError;
use super::reading::Reading;
use crate::graph::{LayerSet, TensorId};

impl Reading {
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
}
