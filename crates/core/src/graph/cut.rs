//! From the tensors that are to cross to the layers on the edge.

use std::collections::HashSet;

use super::{Graph, GraphError, LayerId, LayerSet, TensorId};

impl Graph {
    /// Returns the layers on the edge when exactly `tensors` and the local inputs are read by the
    /// server: all that they need, and whatever must follow for nothing else to cross, such as
    /// heads that branch off earlier. A model output among them that no layer of the server reads
    /// keeps the layers it needs on the edge.
    ///
    /// # Errors
    /// [`GraphError::CrossesMore`] and [`GraphError::NobodyReads`].
    pub fn edge_of_cut(
        &self,
        tensors: &[TensorId],
        local_inputs: &[TensorId],
    ) -> Result<LayerSet, GraphError> {
        let sent: HashSet<TensorId> = tensors.iter().chain(local_inputs).copied().collect();
        let needs = self.ancestors(tensors);
        let crosses =
            |edge: &LayerSet| -> HashSet<TensorId> { self.crossing(edge).into_iter().collect() };
        let name = |t: TensorId| self.tensor(t).name.clone();
        let first = crosses(&needs);
        let idle = |t: &TensorId| !first.contains(t) && !self.outputs().contains(t);
        let idle: Vec<String> = tensors.iter().copied().filter(idle).map(name).collect();
        if !idle.is_empty() {
            return Err(GraphError::NobodyReads(idle));
        }
        let more = |t: &TensorId| first.contains(t) && !sent.contains(t);
        let more: Vec<String> = self.tensor_ids().filter(more).map(name).collect();
        if more.is_empty() {
            return Ok(needs);
        }
        let edge = self.keep_readers(needs, &sent);
        let last = crosses(&edge);
        let wanted = tensors.iter().filter(|t| first.contains(t));
        if wanted.clone().count() > 0 && wanted.clone().all(|t| last.contains(t)) {
            return Ok(edge);
        }
        Err(GraphError::CrossesMore(more))
    }

    /// The smallest closed set with these layers from which only `sent` crosses.
    fn keep_readers(&self, mut edge: LayerSet, sent: &HashSet<TensorId>) -> LayerSet {
        let mut open: Vec<LayerId> = edge.iter().collect();
        let inputs = self.inputs().iter().filter(|t| !sent.contains(t));
        open.extend(inputs.flat_map(|t| self.consumers(*t)));
        for layer in &open {
            edge.insert(*layer);
        }
        while let Some(layer) = open.pop() {
            let layer = self.layer(layer);
            let before = layer.inputs.iter().filter_map(|t| self.producer(*t));
            let outputs = layer.outputs.iter().filter(|t| !sent.contains(t));
            let after = outputs.flat_map(|t| self.consumers(*t)).copied();
            for near in before.chain(after) {
                if !edge.contains(near) {
                    edge.insert(near);
                    open.push(near);
                }
            }
        }
        edge
    }
}
