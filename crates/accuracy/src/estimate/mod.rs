//! From what single samples contribute to a metric, its drop, and how sure that is.
//!
//! The whole model and the model with an encoded tensor see the same samples, so drops are
//! estimated from paired outcomes. Errors are meant for the *pessimistic* end, `mean + z *
//! std_error`, which a limit is tested against: they stay honest when few samples changed, where
//! the textbook error is far too small (none of 200 changed does not mean that none ever does).
//!
//! Top-1, macro-F1: jackknife variance (Efron & Stein, Ann. Statist. 9:586, 1981; for top-1 that
//! of matched proportions) plus what the upper confidence limit of a small count `b` of samples
//! that were right and became wrong needs beyond it: Gehrels (Astrophys. J. 303:336, 1986, eq. 7)
//! gives `b + 1 + sqrt(b + 3/4)`. Both are added in squares, as Zou & Donner (Stat. Med. 27:1693,
//! 2008) do for the limits of a difference.
//!
//! Mean IoU, MAE, RMSE and relative errors: jackknife variance, plus the same for the harmful
//! contributions, of unequal size, and the first-order correction of Student's t. Harm that comes
//! from very few samples can still be missed when there are few of them: no error computed from a
//! sample knows what did not occur in it.

mod classes;
mod sums;

use serde::{Deserialize, Serialize};

use cutpoint_core::codec_accuracy::Metric;

/// A figure and its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub mean: f64,
    /// Its standard error; 1 when fewer than two samples leave it unknown.
    pub std_error: f64,
}

/// What one sample contributes to a metric; see [`Outcomes`].
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Outcome {
    Class(u32),
    Sums(Vec<f64>),
    /// The model's output was no number.
    NotANumber,
}

/// What samples contribute to a metric, one entry for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcomes {
    /// The class with the highest score: for top-1 and macro-F1.
    Classes(Vec<u32>),
    /// Numbers of which only the sums over all samples matter:
    ///
    /// - MAE: sum of absolute errors, number of values;
    /// - RMSE: sum of squared errors, number of values;
    /// - relative error: sum of absolute deviations, sum of absolute values of the reference;
    /// - mean IoU: for each class the elements that are both found and labelled, then for each
    ///   class those found, then for each class those labelled.
    Sums(Vec<Vec<f64>>),
}

impl Outcomes {
    /// None yet, of the kind that `metric` is made of.
    pub fn none(metric: Metric) -> Outcomes {
        match metric {
            Metric::Top1 | Metric::MacroF1 => Outcomes::Classes(Vec::new()),
            _ => Outcomes::Sums(Vec::new()),
        }
    }

    /// Adds a sample; one of another kind changes nothing.
    pub fn push(&mut self, sample: Outcome) {
        match (self, sample) {
            (Outcomes::Classes(have), Outcome::Class(class)) => have.push(class),
            (Outcomes::Sums(have), Outcome::Sums(sums)) => have.push(sums),
            _ => {}
        }
    }

    /// Returns what a sample contributed.
    pub fn get(&self, index: usize) -> Option<Outcome> {
        match self {
            Outcomes::Classes(found) => found.get(index).copied().map(Outcome::Class),
            Outcomes::Sums(parts) => parts.get(index).cloned().map(Outcome::Sums),
        }
    }

    /// Returns the number of samples.
    pub fn len(&self) -> usize {
        match self {
            Outcomes::Classes(found) => found.len(),
            Outcomes::Sums(parts) => parts.len(),
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What Gehrels' upper limit of a count adds to its variance: `(1 + sqrt(b + 3/4))^2 - b`.
fn excess(count: f64) -> f64 {
    1.75 + 2.0 * (count + 0.75).sqrt()
}

/// Returns the metric over all samples of `found`; `labels` are the true classes, where there are
/// classes.
pub fn value(metric: Metric, labels: &[u32], found: &Outcomes) -> Estimate {
    match found {
        Outcomes::Classes(found) => classes::value(metric, labels, found),
        Outcomes::Sums(parts) => sums::value(metric, parts),
    }
}

/// Returns how much worse the metric is for `coded` than for `whole`, over the first samples that
/// both have; in the unit of [`cutpoint_core::codec_accuracy::TaskDrop`].
pub fn drop(metric: Metric, labels: &[u32], whole: &Outcomes, coded: &Outcomes) -> Estimate {
    match (whole, coded) {
        (Outcomes::Classes(whole), Outcomes::Classes(coded)) => {
            classes::drop(metric, labels, whole, coded)
        }
        (Outcomes::Sums(whole), Outcomes::Sums(coded)) => sums::drop(metric, whole, coded),
        _ => Estimate::UNKNOWN,
    }
}

impl Estimate {
    /// Nothing is known.
    const UNKNOWN: Estimate = Estimate {
        mean: 0.0,
        std_error: 1.0,
    };

    /// Exactly this.
    pub const fn exactly(mean: f64) -> Estimate {
        Estimate {
            mean,
            std_error: 0.0,
        }
    }
}

/// Rounded to six significant digits: more would only be noise.
pub(super) fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_six_digits() {
        assert_eq!(six_digits(0.000_997_007_482_539), 0.000_997_007);
        assert_eq!(six_digits(-12_345_678.0), -12_345_700.0);
        assert_eq!((six_digits(0.0), six_digits(49_152.0)), (0.0, 49_152.0));
    }
}
