//! How many bytes a codec makes of a tensor.

use super::{Codec, Form, Stage};
use crate::graph::{ElementType, Tensor};
use crate::units::Bytes;

impl Codec {
    /// Returns the encoded size of `tensor` without framing, or `None` when the codec cannot carry
    /// it or its size depends on the data.
    ///
    /// Whether a tensor is an eight-bit image ([`Codec::U8`]) is for the caller to know.
    pub fn payload(self, tensor: &Tensor) -> Option<Bytes> {
        if self.stage != Stage::Plain {
            return None;
        }
        self.form_payload(tensor)
    }

    /// Returns the encoded size before any compression; `None` as for [`Codec::payload`].
    pub fn form_payload(self, tensor: &Tensor) -> Option<Bytes> {
        if tensor.uncuttable.is_some() {
            return None;
        }
        let elements = tensor.elements();
        match self.form {
            Form::Own => Some(tensor.bytes),
            _ if tensor.dtype != ElementType::Float32 => None,
            Form::F16 => Some(Bytes(elements.saturating_mul(2))),
            // one byte each, a four-byte scale and a one-byte zero point
            Form::Dynamic8 => Some(Bytes(elements.saturating_add(5))),
            // the bounds are constants of both halves
            Form::Affine { bits, .. } => {
                Some(Bytes(elements.div_ceil(u64::from(8 / bits.count()))))
            }
            Form::U8 => Some(Bytes(elements)),
            Form::Png | Form::Jpeg(_) | Form::Named(_) => None,
        }
    }
}
