//! What a half of the network holds in memory.

use fixedbitset::FixedBitSet;

use super::{Graph, LayerId, LayerSet};
use crate::units::Bytes;

impl Graph {
    /// Returns the size of the distinct weights that `layers` read.
    pub fn weight_bytes(&self, layers: &LayerSet) -> Bytes {
        let mut read = FixedBitSet::with_capacity(self.weights.len());
        for id in layers.iter() {
            read.extend(self.layer(id).weights.iter().map(|w| w.index()));
        }
        read.ones().map(|w| self.weights[w].bytes).sum()
    }

    /// Returns most bytes of tensors alive at once; see [`Graph::live_bytes`].
    pub fn peak_live_bytes(&self, layers: &LayerSet) -> Bytes {
        Bytes(self.live_bytes(layers).into_iter().max().unwrap_or(0))
    }

    /// Returns the bytes of tensors alive while each of `layers` runs, in execution order, as a
    /// half of its own: what the half reads is alive from the start, each tensor until its last
    /// reader in the half, and what others read or the model delivers until the end.
    pub fn live_bytes(&self, layers: &LayerSet) -> Vec<u64> {
        let mut delivered = FixedBitSet::with_capacity(self.tensors.len());
        delivered.extend(self.outputs.iter().map(|t| t.index()));
        // per layer: bytes born before it runs and freed after the one before
        let end = self.layers.len();
        let mut change = vec![0_i128; end + 1];
        for tensor in self.tensor_ids() {
            let home = self.producer(tensor).filter(|p| layers.contains(*p));
            let readers = self.consumers(tensor);
            let last_reader = readers.iter().rfind(|c| layers.contains(**c));
            if home.is_none() && last_reader.is_none() {
                continue;
            }
            let leaves = home.is_some()
                && (delivered.contains(tensor.index())
                    || readers.iter().any(|c| !layers.contains(*c)));
            let birth = home.map_or(0, LayerId::index);
            let death = match last_reader {
                _ if leaves => end,
                Some(reader) => reader.index() + 1,
                None => birth + 1,
            };
            let bytes = i128::from(self.tensor(tensor).bytes.0);
            change[birth] += bytes;
            change[death] -= bytes;
        }
        let mut live = 0_i128;
        let mut alive = Vec::with_capacity(layers.len());
        for (layer, delta) in self.layer_ids().zip(change) {
            live += delta;
            if layers.contains(layer) {
                alive.push(u64::try_from(live).unwrap_or(u64::MAX));
            }
        }
        alive
    }
}
