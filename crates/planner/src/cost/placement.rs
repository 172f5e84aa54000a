//! What one placement costs.

use super::completion::{Completion, Timing};
use super::parts::{CostParts, LinearCost, Part};
use super::time_per_bit::TimePerBit;
use cutpoint_core::codec::Codec;
use cutpoint_core::graph::TensorId;
use cutpoint_core::units::Bytes;

/// How a tensor is sent, for each that crosses.
pub type Codecs = Vec<(TensorId, Codec)>;

/// Why layers and codecs are no placement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misplaced {
    /// A layer is on the edge, a layer it needs on the server.
    #[error("layer `{0}` is on the edge but needs a layer on the server")]
    NotClosed(String),
    /// A crossing tensor has no codec, or one that cannot carry it.
    #[error("tensor `{tensor}` cannot cross: {reason}")]
    CannotCross {
        /// The tensor.
        tensor: String,
        /// Why.
        reason: String,
    },
    /// A codec is given for a tensor that does not cross.
    #[error("tensor `{0}` has a codec but does not cross")]
    DoesNotCross(String),
}

/// Everything one placement costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// Times and traffic.
    pub parts: CostParts,
    /// How each tensor crosses, in order of the tensors.
    pub crossing: Codecs,
    /// Where and when the edge computes what it keeps, and where each task is done.
    pub timing: Timing,
    /// Layers on the edge.
    pub edge_layers: usize,
    /// Peak memory of the process that runs the edge half.
    pub edge_memory: Bytes,
    /// Peak memory of the process that runs the server half.
    pub server_memory: Bytes,
}

/// What decides between two placements at one time per bit: the objective, the second objective,
/// then fewest bytes, then fewest layers on the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Rank {
    pub objectives: [i128; 2],
    pub payload: u64,
    pub edge_layers: usize,
}

impl Cost {
    /// The time until the last task is done, in the unit of [`TimePerBit::scaled`].
    pub fn scaled(&self, time_per_bit: TimePerBit) -> i128 {
        let remote = Completion::Back.time().value(&self.parts, time_per_bit);
        if self.timing.local.is_empty() {
            remote
        } else {
            remote.max(Completion::Local.time().value(&self.parts, time_per_bit))
        }
    }

    /// The largest of some sums.
    pub(crate) fn largest(&self, sums: &[LinearCost], time_per_bit: TimePerBit) -> i128 {
        let values = sums.iter().map(|sum| sum.value(&self.parts, time_per_bit));
        values.max().unwrap_or(0)
    }

    /// The latency in milliseconds.
    pub fn latency_ms(&self, time_per_bit: TimePerBit) -> f64 {
        time_per_bit.ns(self.scaled(time_per_bit)) / 1e6
    }

    /// Encoded payload to the server.
    pub fn uplink_bytes(&self) -> Bytes {
        Bytes(self.parts.uplink_bytes)
    }

    /// The part of the latency that does not depend on the rate, and the bits that take their time
    /// at the link's rate; without heads that are overlapped with the transfer.
    pub fn line(&self) -> (u64, u64) {
        let remote = Part::ALL.into_iter().filter(|part| *part != Part::Local);
        let fixed = remote.map(|part| self.parts.ns(part)).sum();
        (fixed, self.parts.uplink_bits + self.parts.downlink_bits)
    }
}
