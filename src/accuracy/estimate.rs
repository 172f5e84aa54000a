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
//! Mean IoU, MAE, RMSE and relative errors: jackknife, widened for the skewness of the samples'
//! contributions (Johnson, J. Am. Stat. Assoc. 73:536, 1978) and for the few samples that the
//! variance itself comes from (Student's t to first order).

mod classes;
mod sums;

use serde::{Deserialize, Serialize};

use crate::sensitivity::Metric;

/// A figure and its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub mean: f64,
    /// Its standard error; 1 when fewer than two samples leave it unknown.
    pub std_error: f64,
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

    /// Number of samples.
    pub fn len(&self) -> usize {
        match self {
            Outcomes::Classes(found) => found.len(),
            Outcomes::Sums(parts) => parts.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the samples of another; one of another kind changes nothing.
    pub fn extend(&mut self, more: Outcomes) {
        match (self, more) {
            (Outcomes::Classes(have), Outcomes::Classes(more)) => have.extend(more),
            (Outcomes::Sums(have), Outcomes::Sums(more)) => have.extend(more),
            _ => {}
        }
    }
}

/// The metric over all samples of `found`; `labels` are the true classes, where there are classes.
pub fn value(metric: Metric, labels: &[u32], found: &Outcomes) -> Estimate {
    match found {
        Outcomes::Classes(found) => classes::value(metric, labels, found),
        Outcomes::Sums(parts) => sums::value(metric, parts),
    }
}

/// How much worse the metric is for `coded` than for `whole`, over the first samples that both
/// have; in the unit of [`crate::sensitivity::TaskDrop`].
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

/// The quantile of the standard normal distribution below which lies the share `confidence`
/// (Acklam's rational approximation, relative error below 1.2e-9).
pub fn normal_quantile(confidence: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
    ];
    let polynomial = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |y, c| y * x + c);
    let tail = |p: f64| {
        let q = (-2.0 * p.ln()).sqrt();
        polynomial(&C, q) / (polynomial(&D, q) * q + 1.0)
    };
    let p = confidence.clamp(1e-12, 1.0 - 1e-12);
    if p < 0.024_25 {
        tail(p)
    } else if p > 1.0 - 0.024_25 {
        -tail(1.0 - p)
    } else {
        let q = p - 0.5;
        q * polynomial(&A, q * q) / (polynomial(&B, q * q) * q * q + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (share, z) in [
            (0.5, 0.0),
            (0.95, 1.644_853_627),
            (0.975, 1.959_963_985),
            (0.99, 2.326_347_874),
            (0.01, -2.326_347_874),
        ] {
            assert!((normal_quantile(share) - z).abs() < 1e-8, "{share}");
        }
    }
}
