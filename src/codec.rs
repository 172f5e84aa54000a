//! How a tensor is encoded for the link.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::graph::{ElementType, Tensor};
use crate::units::Bytes;

/// Encoding of a crossing tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// The tensor's bytes in its own type, whatever that is; lossless.
    F32,
    /// Half-precision floats.
    F16,
    /// Eight-bit affine quantisation with a scale and a zero point found per tensor at run time
    /// (ONNX `DynamicQuantizeLinear`).
    Q8,
    /// The eight-bit image that a float model input was made from; lossless for such an input.
    U8,
}

impl Codec {
    /// Every codec, the lossless one first.
    pub const ALL: [Codec; 4] = [Codec::F32, Codec::F16, Codec::Q8, Codec::U8];

    /// Name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Codec::F32 => "f32",
            Codec::F16 => "f16",
            Codec::Q8 => "q8",
            Codec::U8 => "u8",
        }
    }

    /// Encoded size of `tensor` without framing, or `None` when the codec cannot carry it.
    ///
    /// Whether a tensor is an eight-bit image ([`Codec::U8`]) is for the caller to know.
    pub fn payload(self, tensor: &Tensor) -> Option<Bytes> {
        if tensor.uncuttable.is_some() {
            return None;
        }
        let elements = tensor.elements();
        match self {
            Codec::F32 => Some(tensor.bytes),
            _ if tensor.dtype != ElementType::Float32 => None,
            Codec::F16 => Some(Bytes(elements.saturating_mul(2))),
            // one byte each, a four-byte scale and a one-byte zero point
            Codec::Q8 => Some(Bytes(elements.saturating_add(5))),
            Codec::U8 => Some(Bytes(elements)),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Codec {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names: Vec<_> = Codec::ALL.iter().map(|c| c.name()).collect();
        Codec::ALL
            .into_iter()
            .find(|c| c.name() == text)
            .ok_or_else(|| format!("`{text}` is not a codec: use one of {}", names.join(", ")))
    }
}
