//! Limits on sums: what the layers on the edge and the encodings of crossing tensors use together.
//!
//! The drop of a task's accuracy and named capacities are of this kind, in whole numbers, so that
//! every engine adds up the same. Times and bytes are [`crate::cost::parts::LinearCost`]s.

use super::limit::Limit;
use cutpoint_core::codec::Codec;
use cutpoint_core::graph::{Graph, LayerId, LayerSet, TensorId};

/// A sum that must not exceed what a limit allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knapsack {
    /// The limit that is broken when the sum exceeds `allows`; several knapsacks may share it.
    pub limit: Limit,
    /// The largest sum; below zero nothing fits.
    pub allows: i64,
    /// Per layer: what it uses on the edge. Empty when layers use nothing.
    layers: Vec<i64>,
    /// Per tensor: what the codecs use that use anything; `None` is unknown and never fits. Empty
    /// when crossing uses nothing.
    codecs: Vec<Vec<(Codec, Option<i64>)>>,
    /// A crossing tensor counts only when one of these layers reads it on the server; `None` counts
    /// all that cross.
    readers: Option<LayerSet>,
}

/// When a crossing tensor counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Whenever it crosses.
    Always,
    /// Only with some of the placements in which it crosses.
    Sometimes,
    /// Never.
    Never,
}

impl Knapsack {
    /// A knapsack of the layers on the edge.
    pub(crate) fn of_layers(limit: Limit, allows: i64, layers: Vec<i64>) -> Knapsack {
        Knapsack {
            limit,
            allows,
            layers,
            codecs: Vec::new(),
            readers: None,
        }
    }

    /// A knapsack of what crosses, per tensor; with `readers`, of what they read on the server.
    pub(crate) fn of_crossings(
        limit: Limit,
        allows: i64,
        codecs: Vec<Vec<(Codec, Option<i64>)>>,
        readers: Option<LayerSet>,
    ) -> Knapsack {
        Knapsack {
            limit,
            allows,
            layers: Vec::new(),
            codecs,
            readers,
        }
    }

    pub(crate) fn set_codecs(&mut self, codecs: Vec<Vec<(Codec, Option<i64>)>>) {
        self.codecs = codecs;
    }

    /// The same knapsack with room for all that any placement uses, as far as it is known.
    #[must_use]
    pub fn loosened(&self) -> Knapsack {
        Knapsack {
            allows: self.total(),
            ..self.clone()
        }
    }

    /// Whether layers use anything.
    pub fn has_layers(&self) -> bool {
        !self.layers.is_empty()
    }

    /// What a layer uses on the edge.
    pub fn layer(&self, layer: LayerId) -> i64 {
        self.layers.get(layer.index()).copied().unwrap_or(0)
    }

    /// What a set of layers on the edge uses.
    pub fn layers(&self, edge: &LayerSet) -> i64 {
        if self.has_layers() {
            edge.iter().map(|layer| self.layer(layer)).sum()
        } else {
            0
        }
    }

    /// What a tensor uses in a codec, when it counts; `None` is unknown and never fits.
    pub fn codec(&self, tensor: TensorId, codec: Codec) -> Option<i64> {
        let mut codecs = self.codecs.get(tensor.index()).into_iter().flatten();
        codecs
            .find(|(c, _)| *c == codec)
            .map_or(Some(0), |(_, uses)| *uses)
    }

    /// Whether a tensor that crosses counts with `edge` on the edge.
    pub fn counts(&self, graph: &Graph, tensor: TensorId, edge: &LayerSet) -> bool {
        let reads = |readers: &LayerSet| {
            let mut there = graph
                .consumers(tensor)
                .iter()
                .filter(|c| !edge.contains(**c));
            there.any(|c| readers.contains(*c))
        };
        self.readers.as_ref().is_none_or(reads)
    }

    /// When a tensor that crosses counts.
    pub fn when(&self, graph: &Graph, tensor: TensorId) -> Counts {
        let Some(readers) = &self.readers else {
            return Counts::Always;
        };
        let consumers = graph.consumers(tensor);
        match consumers.iter().filter(|c| readers.contains(**c)).count() {
            0 => Counts::Never,
            some if some == consumers.len() => Counts::Always,
            _ => Counts::Sometimes,
        }
    }

    /// Those of a tensor's readers that make it count.
    pub fn counting_readers(&self, graph: &Graph, tensor: TensorId) -> Vec<LayerId> {
        let counts = |c: &LayerId| self.readers.as_ref().is_none_or(|r| r.contains(*c));
        graph
            .consumers(tensor)
            .iter()
            .copied()
            .filter(counts)
            .collect()
    }

    /// At least as much as any placement uses, without what is unknown.
    pub fn total(&self) -> i64 {
        let largest = |codecs: &Vec<(Codec, Option<i64>)>| {
            codecs
                .iter()
                .filter_map(|(_, uses)| *uses)
                .max()
                .unwrap_or(0)
        };
        let crossing: i64 = self.codecs.iter().map(largest).sum();
        crossing + self.layers.iter().sum::<i64>()
    }
}
