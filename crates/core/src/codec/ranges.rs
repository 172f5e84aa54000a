//! Bounds of affine quantisation.

use serde::{Deserialize, Serialize};

use super::Form;
use crate::graph::Tensor;

/// The numbers that the lowest and the highest code stand for: one pair for the tensor, or one for
/// each channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipRange {
    /// What code 0 stands for.
    pub low: Vec<f32>,
    /// What the highest code stands for, above `low`.
    pub high: Vec<f32>,
}

impl ClipRange {
    /// Returns what is wrong with the bounds, if anything.
    ///
    /// # Errors
    /// Bounds that are not finite, not in order or not in pairs.
    pub fn check(&self) -> Result<(), String> {
        if self.low.is_empty() || self.low.len() != self.high.len() {
            return Err("`low` and `high` must have the same number of values".to_owned());
        }
        let fits = |(low, high): (&f32, &f32)| {
            low.is_finite() && high.is_finite() && low < high && (high - low).is_finite()
        };
        if self.low.iter().zip(&self.high).all(fits) {
            Ok(())
        } else {
            Err("`low` must be below `high`, both finite".to_owned())
        }
    }
}

impl Form {
    /// Returns how many pairs of bounds this form needs for `tensor`: one for each channel (the
    /// second dimension) where it asks for that and there is such a dimension, otherwise one.
    pub fn bounds(self, tensor: &Tensor) -> usize {
        match (self, tensor.shape.get(1)) {
            (
                Form::Affine {
                    per_channel: true, ..
                },
                Some(channels),
            ) => usize::try_from(*channels).unwrap_or(usize::MAX).max(1),
            _ => 1,
        }
    }
}
