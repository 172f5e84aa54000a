//! Affine quantisation between given bounds: the definition that the ONNX operators follow.
//!
//! With `scale = top / (high - low)` and `step = (high - low) / top`, both rounded to `f32`:
//!
//! ```text
//! code = clip(floor((x - low) * scale + 0.5), 0, top)        x ~ code * step + low
//! ```
//!
//! every operation rounded to `f32`, ties upwards. Zero is exact when `low` is 0. NaN has no code.
//!
//! Codes of eight bits are sent in the tensor's order. Of fewer bits, the flattened tensor is cut
//! into as many parts of equal length as codes fit into a byte, the last one filled up with zeros;
//! byte `i` holds the codes at place `i` of every part, the first part's in its highest bits.

use super::{Bits, ClipRange, Form};
use crate::graph::Tensor;

/// Quantiser of one tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Affine {
    bits: Bits,
    /// One value for the tensor or one for each channel, as the next two.
    low: Vec<f32>,
    scale: Vec<f32>,
    step: Vec<f32>,
    /// Elements of the tensor.
    elements: usize,
    /// Neighbouring elements of the same channel.
    run: usize,
}

/// Why a tensor cannot be quantised between some bounds.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AffineError {
    /// The codec is of another kind.
    #[error("it has no bounds")]
    Form,
    /// The tensor has no elements, or too many.
    #[error("it has {0} elements")]
    Elements(u64),
    /// The bounds are no bounds.
    #[error("{0}")]
    Bounds(String),
    /// The bounds are of another tensor.
    #[error("it needs {expected} pairs of bounds, not {found}")]
    Count {
        /// What is there.
        found: usize,
        /// What the shape asks for.
        expected: usize,
    },
    /// A step between them is no normal `f32`.
    #[error("the bounds {low} and {high} are too close or too far apart")]
    Step {
        /// The lower bound.
        low: f32,
        /// The upper bound.
        high: f32,
    },
}

impl Affine {
    /// Returns the quantiser of `tensor` in an affine `form`.
    ///
    /// # Errors
    /// See [`AffineError`].
    pub fn new(form: Form, tensor: &Tensor, range: &ClipRange) -> Result<Affine, AffineError> {
        let Form::Affine { bits, .. } = form else {
            return Err(AffineError::Form);
        };
        let count = tensor.elements();
        let elements = usize::try_from(count).ok().filter(|n| *n > 0);
        let elements = elements.ok_or(AffineError::Elements(count))?;
        range.check().map_err(AffineError::Bounds)?;
        let (found, expected) = (range.low.len(), form.bounds(tensor));
        if found != expected {
            return Err(AffineError::Count { found, expected });
        }
        let top = f32::from(bits.top());
        let (mut scale, mut step) = (Vec::new(), Vec::new());
        for (&low, &high) in range.low.iter().zip(&range.high) {
            let (up, down) = (top / (high - low), (high - low) / top);
            if !up.is_normal() || !down.is_normal() {
                return Err(AffineError::Step { low, high });
            }
            scale.push(up);
            step.push(down);
        }
        let outer: u64 = match expected {
            1 => 1,
            channels => tensor.shape[0] * channels as u64,
        };
        Ok(Affine {
            bits,
            low: range.low.clone(),
            scale,
            step,
            elements,
            run: elements / usize::try_from(outer).unwrap_or(1).max(1),
        })
    }

    /// Returns the bits of an element.
    pub fn bits(&self) -> Bits {
        self.bits
    }

    /// Returns what code 0 stands for, for the tensor or for each channel.
    pub fn low(&self) -> &[f32] {
        &self.low
    }

    /// Returns the codes per unit, likewise.
    pub fn scale(&self) -> &[f32] {
        &self.scale
    }

    /// Returns the units per code, likewise.
    pub fn step(&self) -> &[f32] {
        &self.step
    }

    /// Returns the codes that share a byte.
    pub fn parts(&self) -> usize {
        8 / self.bits.count() as usize
    }

    /// Returns the bytes of an encoded tensor.
    pub fn bytes(&self) -> usize {
        self.elements.div_ceil(self.parts())
    }

    fn channel(&self, element: usize) -> usize {
        element / self.run % self.low.len()
    }

    /// Encodes the elements of the tensor; `None` when their number is not the tensor's.
    pub fn encode(&self, values: &[f32]) -> Option<Vec<u8>> {
        if values.len() != self.elements {
            return None;
        }
        let (top, bytes) = (f32::from(self.bits.top()), self.bytes());
        let mut packed = vec![0_u8; bytes];
        for (at, x) in values.iter().enumerate() {
            let channel = self.channel(at);
            let code = ((x - self.low[channel]) * self.scale[channel] + 0.5).floor();
            packed[at % bytes] |= (code.clamp(0.0, top) as u8) << self.shift(at / bytes);
        }
        Some(packed)
    }

    /// Decodes a tensor; `None` when the number of bytes is not [`Affine::bytes`].
    pub fn decode(&self, packed: &[u8]) -> Option<Vec<f32>> {
        let bytes = self.bytes();
        if packed.len() != bytes {
            return None;
        }
        let value = |at: usize| {
            let code = packed[at % bytes] >> self.shift(at / bytes) & self.bits.top();
            let channel = self.channel(at);
            f32::from(code) * self.step[channel] + self.low[channel]
        };
        Some((0..self.elements).map(value).collect())
    }

    /// Where in a byte the codes of a part are.
    fn shift(&self, part: usize) -> u32 {
        self.bits.count() * (self.parts() - 1 - part) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(name: &str) -> Form {
        name.parse::<crate::codec::Codec>().unwrap().form
    }

    #[test]
    fn codes_lie_where_the_definition_says() {
        let range = ClipRange {
            low: vec![0.0],
            high: vec![15.0],
        };
        let q4 = Affine::new(form("q4"), &Tensor::floats(&[5]), &range).unwrap();
        // three bytes: (1, 9), (2, 15) and (15, nothing)
        assert_eq!(
            q4.encode(&[1.0, 2.4, 99.0, 8.5, 15.0]),
            Some(vec![0x19, 0x2f, 0xf0])
        );
        assert_eq!(
            q4.decode(&[0x19, 0x2f, 0xf0]).unwrap(),
            [1.0, 2.0, 15.0, 9.0, 15.0]
        );
        assert_eq!(q4.encode(&[1.0]), None);
        assert_eq!(q4.decode(&[1]), None);
    }

    #[test]
    fn channels_have_their_own_bounds() {
        let range = ClipRange {
            low: vec![0.0, -1.0],
            high: vec![3.0, 0.5],
        };
        let q2c = Affine::new(form("q2c"), &Tensor::floats(&[2, 2, 1]), &range).unwrap();
        let packed = q2c.encode(&[2.0, -0.5, 1.0, 9.0]).unwrap();
        assert_eq!(packed, [0b10_01_01_11]);
        assert_eq!(q2c.decode(&packed).unwrap(), [2.0, -0.5, 1.0, 0.5]);
    }

    #[test]
    fn bounds_that_do_not_fit_are_refused() {
        let range = |low: &[f32], high: &[f32]| ClipRange {
            low: low.to_vec(),
            high: high.to_vec(),
        };
        let one = range(&[0.0], &[1.0]);
        let refused = |name: &str, shape: &[u64], range: &ClipRange| {
            Affine::new(form(name), &Tensor::floats(shape), range)
                .unwrap_err()
                .to_string()
        };
        assert!(refused("q4c", &[1, 3], &one).contains("needs 3 pairs"));
        assert!(refused("q4", &[1, 0], &one).contains("0 elements"));
        assert!(refused("f16", &[1], &one).contains("no bounds"));
        assert!(refused("q4", &[1], &range(&[1.0], &[1.0])).contains("below"));
        assert!(refused("q4", &[1], &range(&[0.0], &[1e-40])).contains("too close"));
        // vectors and single channels have one pair
        assert!(Affine::new(form("q4c"), &Tensor::floats(&[7]), &one).is_ok());
        assert!(Affine::new(form("q4c"), &Tensor::floats(&[7, 1, 2]), &one).is_ok());
    }
}
