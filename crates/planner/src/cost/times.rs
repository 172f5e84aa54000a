//! Times and sizes of layers, tensors and the split, in whole nanoseconds and bits.

use crate::scenario::Results;
use cutpoint_core::codec::Codec;
use cutpoint_core::units::Bytes;

/// Times of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct LayerTime {
    pub edge_ns: u64,
    pub server_ns: u64,
}

/// An encoding in which a tensor can cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// The encoding.
    pub codec: Codec,
    /// On the edge.
    pub encode_ns: u64,
    /// On the server.
    pub decode_ns: u64,
    /// Encoded, without framing.
    pub payload: Bytes,
    /// 95th percentile of the payload, when that depends on the data and was measured.
    pub payload_p95: Option<Bytes>,
    /// On the wire, framing included.
    pub wire_bits: u64,
}

/// What a tensor costs beyond the layer that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorTime {
    /// On the edge, when it crosses.
    pub send_ns: u64,
    /// On the server, when it crosses.
    pub recv_ns: u64,
    /// How it can cross; its own type first. A model input that the server has, too, "crosses"
    /// for free in one encoding.
    pub encodings: Vec<Encoding>,
    /// How many of the first encodings were not asked for with `--codec`.
    pub unasked: usize,
    /// The server has this model input, too.
    pub local: bool,
    /// Where it is wanted, when it is an output of the model.
    pub wanted: Option<Results>,
    /// When it is a result that is sent back: time at a down rate of its own.
    pub down_ns: u64,
    /// When it is a result that is sent back: bits at the rate of the link.
    pub down_bits: u64,
}

/// What it costs when anything runs on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct SplitTime {
    pub edge_ns: u64,
    /// The serving overhead of a request included.
    pub server_ns: u64,
    /// Each way.
    pub delay_ns: u64,
}

/// Whole nanoseconds; profiles are checked to be in range when read.
pub(crate) fn ns(us: f64) -> u64 {
    (us * 1e3).round() as u64
}
