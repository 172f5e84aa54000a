//! Bounds that make quantisation err least on data.
//!
//! Values are counted in a histogram of fixed size per channel, so that memory does not grow with
//! the data, and both bounds are then searched for the least mean squared error of what is decoded.
//! That clipping pays at few bits is known from Banner et al., "Post training 4-bit quantization of
//! convolutional networks for rapid-deployment" (2019), and for features sent by a split network
//! from Cohen et al., "Lightweight compression of neural network feature tensors" (2021). The
//! search here needs no assumption about the distribution.

mod histogram;
mod search;

use super::{Bits, ClipRange, Form};
use crate::graph::Tensor;
use histogram::Histogram;
use search::Search;

/// What a tensor's values were on calibration data.
#[derive(Debug, Clone)]
pub struct Calibration {
    /// One for each channel.
    channels: Vec<Histogram>,
    /// Elements of the tensor.
    elements: usize,
    /// Neighbouring elements of the same channel.
    run: usize,
}

/// Why bounds cannot be found.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// The values are not those of whole tensors.
    #[error("{found} values are not those of tensors of {expected} elements")]
    Elements {
        /// How many were given.
        found: usize,
        /// Elements of the tensor.
        expected: usize,
    },
    /// A value is NaN or infinite.
    #[error("its element {index} is {value}: no bounds hold such a number")]
    NotFinite {
        /// Place in the flattened tensor.
        index: usize,
        /// The value.
        value: f32,
    },
    /// Nothing was added.
    #[error("there are no values to calibrate on")]
    Empty,
    /// The values are too large for `f32` arithmetic between bounds.
    #[error("its values from {low} to {high} are too far apart")]
    TooWide {
        /// The least.
        low: f32,
        /// The largest.
        high: f32,
    },
}

impl Calibration {
    /// Nothing known yet about a tensor of this shape.
    pub fn new(tensor: &Tensor) -> Calibration {
        let form = Form::Affine {
            bits: Bits::Four,
            per_channel: true,
        };
        let channels = form.bounds(tensor);
        let elements = usize::try_from(tensor.elements()).unwrap_or(usize::MAX);
        let outer = match channels {
            1 => 1,
            channels => channels.saturating_mul(tensor.shape[0] as usize),
        };
        Calibration {
            channels: vec![Histogram::default(); channels],
            elements,
            run: (elements / outer.max(1)).max(1),
        }
    }

    /// Adds one or several tensors, one after another. None is counted when one is refused.
    ///
    /// # Errors
    /// [`CalibrationError::Elements`], [`CalibrationError::NotFinite`] or
    /// [`CalibrationError::TooWide`].
    pub fn add(&mut self, values: &[f32]) -> Result<(), CalibrationError> {
        if self.elements == 0 || !values.len().is_multiple_of(self.elements) {
            return Err(CalibrationError::Elements {
                found: values.len(),
                expected: self.elements,
            });
        }
        let mut both = self.channels.iter().flat_map(Histogram::ends).fold(
            (f32::INFINITY, f32::NEG_INFINITY),
            |(low, high), (least, most)| (low.min(least), high.max(most)),
        );
        for (at, value) in values.iter().enumerate() {
            if !value.is_finite() {
                return Err(CalibrationError::NotFinite {
                    index: at % self.elements,
                    value: *value,
                });
            }
            both = (both.0.min(*value), both.1.max(*value));
        }
        if (both.1 - both.0).is_infinite() {
            let (low, high) = both;
            return Err(CalibrationError::TooWide { low, high });
        }
        for (at, run) in values.chunks(self.run).enumerate() {
            let channel = at % self.channels.len();
            self.channels[channel].add(run);
        }
        Ok(())
    }

    /// Returns the bounds with the least mean squared error, for the tensor or for each channel.
    ///
    /// Of values that are never negative but sometimes zero, as behind a `ReLU`, the lower bound is
    /// zero, which is then exact. A channel with one value throughout gets bounds above it, as wide
    /// as the whole tensor's values.
    ///
    /// # Errors
    /// [`CalibrationError::Empty`].
    pub fn range(&self, bits: Bits, per_channel: bool) -> Result<ClipRange, CalibrationError> {
        let whole = Histogram::merged(&self.channels);
        let (least, most) = whole.ends().ok_or(CalibrationError::Empty)?;
        let width = if most > least {
            most - least
        } else {
            least.abs().max(1.0)
        };
        let histograms = if per_channel {
            self.channels.as_slice()
        } else {
            std::slice::from_ref(&whole)
        };
        let bounds = histograms.iter().map(|histogram| {
            let found = Search::new(histogram, bits).best();
            found.unwrap_or_else(|| above(histogram.ends().map_or(least, |ends| ends.0), width))
        });
        let (low, high) = bounds.unzip();
        Ok(ClipRange { low, high })
    }
}

/// Bounds that hold one value exactly, and others above it.
fn above(value: f32, width: f32) -> (f32, f32) {
    (value, value + width.max(value.abs() * 1e-3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Affine, Codec};

    fn calibrated(shape: &[u64], values: &[f32], codec: &str) -> ClipRange {
        let mut calibration = Calibration::new(&Tensor::floats(shape));
        calibration.add(values).unwrap();
        let Form::Affine { bits, per_channel } = codec.parse::<Codec>().unwrap().form else {
            panic!("{codec} has no bounds");
        };
        calibration.range(bits, per_channel).unwrap()
    }

    /// Mean squared error of one tensor between these bounds.
    fn error(values: &[f32], codec: &str, low: f32, high: f32) -> f64 {
        let form = codec.parse::<Codec>().unwrap().form;
        let range = ClipRange {
            low: vec![low],
            high: vec![high],
        };
        let tensor = Tensor::floats(&[values.len() as u64]);
        let affine = Affine::new(form, &tensor, &range).unwrap();
        let decoded = affine.decode(&affine.encode(values).unwrap()).unwrap();
        let squares = values.iter().zip(&decoded);
        let sum: f64 = squares.map(|(x, y)| f64::from(x - y).powi(2)).sum();
        sum / values.len() as f64
    }

    /// The least error over a grid of bounds within the values.
    fn exhaustive(values: &[f32], codec: &str, low_is_zero: bool) -> f64 {
        let least = values.iter().copied().fold(f32::INFINITY, f32::min);
        let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let at = |i: i32| least + (most - least) * i as f32 / 200.0;
        let lows = if low_is_zero { 0..1 } else { 0..200 };
        let pairs = lows.flat_map(|i| (i + 1..=200).map(move |j| (at(i), at(j))));
        pairs
            .map(|(low, high)| error(values, codec, low, high))
            .fold(f64::INFINITY, f64::min)
    }

    /// A small generator of sums of uniform numbers: roughly normal, with tails.
    fn normal(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        let tailed = |sum: f32| sum * (1.0 + sum.abs().powi(3) / 4.0);
        (0..count)
            .map(|_| tailed((0..6).map(|_| next()).sum()))
            .collect()
    }

    #[test]
    fn the_search_is_as_good_as_trying_everything() {
        for seed in [1, 2, 3] {
            let all = normal(400, seed);
            let shifted: Vec<f32> = all.iter().map(|x| x * 3.0 + 40.0).collect();
            let positive: Vec<f32> = all.iter().map(|x| x.max(0.0)).collect();
            for codec in ["q2", "q4"] {
                for (values, low_is_zero) in [(&all, false), (&shifted, false), (&positive, true)] {
                    let range = calibrated(&[400], values, codec);
                    let found = error(values, codec, range.low[0], range.high[0]);
                    let best = exhaustive(values, codec, low_is_zero);
                    assert!(found <= 1.03 * best, "{codec}: {found} and {best}");
                    assert!(!low_is_zero || range.low[0] == 0.0);
                }
            }
        }
    }

    #[test]
    fn eight_bits_keep_nearly_all_of_the_range() {
        let values = normal(4000, 5);
        let range = calibrated(&[4000], &values, "q8c");
        let full = error(
            &values,
            "q8c",
            values.iter().copied().fold(f32::INFINITY, f32::min),
            values.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        );
        assert!(error(&values, "q8c", range.low[0], range.high[0]) <= full);
    }

    #[test]
    fn what_comes_in_pieces_gives_the_same_bounds_and_channels_are_apart() {
        let values = normal(600, 7);
        let mut pieces = Calibration::new(&Tensor::floats(&[1, 2, 50]));
        let scaled: Vec<f32> = values
            .chunks(50)
            .enumerate()
            .flat_map(|(i, c)| {
                c.iter()
                    .map(move |x| if i % 2 == 0 { *x } else { 100.0 + 9.0 * x })
            })
            .collect();
        for piece in scaled.chunks(100) {
            pieces.add(piece).unwrap();
        }
        let range = pieces.range(Bits::Four, true).unwrap();
        assert_eq!(range, calibrated(&[1, 2, 50], &scaled, "q4c"));
        assert!(range.high[0] < 10.0 && range.low[1] > 60.0, "{range:?}");
        let whole = pieces.range(Bits::Four, false).unwrap();
        assert!(whole.low[0] < 1.0 && whole.high[0] > 100.0, "{whole:?}");
    }

    #[test]
    fn channels_of_one_value_keep_it_exactly() {
        let values = [0.0, 0.0, 1.0, 3.0, 7.5, 7.5];
        let range = calibrated(&[1, 3, 2], &values, "q4c");
        assert_eq!((range.low[0], range.high[0]), (0.0, 7.5));
        assert_eq!(range.low[2], 7.5);
        range.check().unwrap();
        let constant = calibrated(&[2], &[-3.0, -3.0], "q4");
        assert_eq!((constant.low[0], constant.high[0]), (-3.0, 0.0));
        let zeros = calibrated(&[2], &[0.0, -0.0], "q2");
        assert_eq!((zeros.low[0], zeros.high[0]), (0.0, 1.0));
    }

    #[test]
    fn what_cannot_be_bounded_is_refused_and_not_counted() {
        let mut calibration = Calibration::new(&Tensor::floats(&[3]));
        assert_eq!(
            calibration.range(Bits::Two, false),
            Err(CalibrationError::Empty)
        );
        let refused = calibration.add(&[1.0, f32::NAN, 2.0]).unwrap_err();
        assert!(refused.to_string().contains("element 1 is NaN"));
        assert!(calibration.add(&[1.0]).is_err());
        assert!(calibration.add(&[f32::MAX, f32::MIN, 0.0]).is_err());
        assert_eq!(
            calibration.range(Bits::Two, false),
            Err(CalibrationError::Empty)
        );
        calibration.add(&[1e-30, 1e30, 0.0]).unwrap();
        calibration
            .range(Bits::Two, false)
            .unwrap()
            .check()
            .unwrap();
    }
}
