//! What a half of the network holds in memory.

use fixedbitset::FixedBitSet;

use super::{Graph, LayerId, LayerSet};
use crate::units::Bytes;

impl Graph {
    /// Size of the distinct weights that `layers` read.
    pub fn weight_bytes(&self, layers: &LayerSet) -> Bytes {
        let mut read = FixedBitSet::with_capacity(self.weights.len());
        for id in layers.iter() {
            read.extend(self.layer(id).weights.iter().map(|w| w.index()));
        }
        read.ones().map(|w| self.weights[w].bytes).sum()
    }

    /// Most bytes of tensors alive at once; see [`Graph::live_bytes`].
    pub fn peak_live_bytes(&self, layers: &LayerSet) -> Bytes {
        Bytes(self.live_bytes(layers).into_iter().max().unwrap_or(0))
    }

    /// Bytes of tensors alive while each of `layers` runs, in execution order, as a half of its
    /// own: what the half reads is alive from the start, each tensor until its last reader in the
    /// half, and what others read or the model delivers until the end.
    pub fn live_bytes(&self, layers: &LayerSet) -> Vec<u64> {
        let steps: Vec<LayerId> = layers.iter().collect();
        let step_of = |layer: LayerId| steps.partition_point(|s| *s < layer);
        let mut delivered = FixedBitSet::with_capacity(self.tensors.len());
        delivered.extend(self.outputs.iter().map(|t| t.index()));
        // bytes born before each step and freed after the one before
        let mut change = vec![0_i128; steps.len() + 1];
        for tensor in self.tensor_ids() {
            let home = self.producer(tensor).filter(|p| layers.contains(*p));
            let mut readers = self.consumers(tensor).iter();
            let last_reader = readers.rfind(|c| layers.contains(**c)).copied();
            if home.is_none() && last_reader.is_none() {
                continue;
            }
            let leaves = home.is_some()
                && (delivered.contains(tensor.index())
                    || self.consumers(tensor).iter().any(|c| !layers.contains(*c)));
            let birth = home.map_or(0, step_of);
            let death = match last_reader {
                _ if leaves => steps.len(),
                Some(reader) => step_of(reader) + 1,
                None => birth + 1,
            };
            let bytes = i128::from(self.tensor(tensor).bytes.0);
            change[birth] += bytes;
            change[death] -= bytes;
        }
        let mut live = 0_i128;
        let steps = change.iter().take(steps.len());
        steps
            .map(|delta| {
                live += delta;
                u64::try_from(live).unwrap_or(u64::MAX)
            })
            .collect()
    }
}
