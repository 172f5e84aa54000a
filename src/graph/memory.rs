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

    /// Most bytes of tensors alive at once while `layers` run in execution order, as a half of its
    /// own: what the half reads is alive from the start, each tensor until its last reader in the
    /// half, and what others read or the model delivers until the end.
    pub fn peak_live_bytes(&self, layers: &LayerSet) -> Bytes {
        let steps: Vec<LayerId> = layers.iter().collect();
        let step_of = |layer: LayerId| steps.partition_point(|s| *s < layer);
        // bytes born and freed around each step; step 0 is before the first layer
        let mut change = vec![0_i128; steps.len() + 2];
        for tensor in self.tensor_ids() {
            let home = self.producer(tensor).filter(|p| layers.contains(*p));
            let mut readers = self
                .consumers(tensor)
                .iter()
                .filter(|c| layers.contains(**c));
            let last_reader = readers.next_back().copied();
            if home.is_none() && last_reader.is_none() {
                continue;
            }
            let leaves = home.is_some()
                && (self.outputs.contains(&tensor)
                    || self.consumers(tensor).iter().any(|c| !layers.contains(*c)));
            let birth = home.map_or(0, |p| step_of(p) + 1);
            let death = match last_reader {
                _ if leaves => steps.len() + 1,
                Some(reader) => step_of(reader) + 2,
                None => birth + 1,
            };
            let bytes = i128::from(self.tensor(tensor).bytes.0);
            change[birth] += bytes;
            change[death.min(steps.len() + 1)] -= bytes;
        }
        let mut live = 0_i128;
        let mut peak = 0_i128;
        for delta in change {
            live += delta;
            peak = peak.max(live);
        }
        Bytes(u64::try_from(peak).unwrap_or(u64::MAX))
    }
}
