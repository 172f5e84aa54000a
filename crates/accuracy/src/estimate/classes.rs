//! Top-1 and macro-F1 from the classes that were found.

use std::collections::BTreeMap;

use super::{Estimate, excess};
use cutpoint_core::codec_accuracy::Metric;

/// Returns the metric of `found` against `labels`.
pub(super) fn value(metric: Metric, labels: &[u32], found: &[u32]) -> Estimate {
    let n = labels.len().min(found.len());
    let (labels, found) = (&labels[..n], &found[..n]);
    if n < 2 {
        return Estimate::UNKNOWN;
    }
    let right = labels.iter().zip(found).filter(|(l, f)| l == f).count() as f64;
    let size = n as f64;
    if metric == Metric::Top1 {
        // the error of Agresti & Coull (Am. Stat. 52:119, 1998): two of each kind are added
        let (right_too, size_too) = (right + 2.0, size + 4.0);
        let share = right_too / size_too;
        return Estimate {
            mean: right / size,
            std_error: (share * (1.0 - share) / size_too).sqrt(),
        };
    }
    let mut cells: BTreeMap<(u32, u32), f64> = BTreeMap::new();
    for (label, found) in labels.iter().zip(found) {
        *cells.entry((*label, *found)).or_default() += 1.0;
    }
    let mut counts = Counts::new(labels, &[found]);
    for ((label, found), times) in &cells {
        counts.add(*label, *found, *times);
    }
    let mean = counts.macro_f1();
    let without: Vec<(f64, f64)> = cells
        .iter()
        .map(|((label, found), times)| {
            counts.add(*label, *found, -1.0);
            let left = counts.macro_f1();
            counts.add(*label, *found, 1.0);
            (left, *times)
        })
        .collect();
    Estimate {
        mean,
        std_error: jackknife(&without, size).sqrt(),
    }
}

/// Returns the drop from `whole` to `coded`.
pub(super) fn drop(metric: Metric, labels: &[u32], whole: &[u32], coded: &[u32]) -> Estimate {
    let n = labels.len().min(whole.len()).min(coded.len());
    if n < 2 {
        return Estimate::UNKNOWN;
    }
    let mut cells: BTreeMap<(u32, u32, u32), f64> = BTreeMap::new();
    for i in 0..n {
        *cells.entry((labels[i], whole[i], coded[i])).or_default() += 1.0;
    }
    let count = |was_right: bool, is_right: bool| -> f64 {
        let fits = |(l, w, c): &(u32, u32, u32)| (l == w) == was_right && (l == c) == is_right;
        let cells = cells.iter().filter(|(cell, _)| fits(cell));
        cells.map(|(_, times)| times).sum()
    };
    let (lost, gained, size) = (count(true, false), count(false, true), n as f64);
    if metric == Metric::Top1 {
        let mean = (lost - gained) / size;
        let variance = lost + gained - size * mean * mean + excess(lost);
        return Estimate {
            mean,
            std_error: variance.sqrt() / size,
        };
    }
    let mut pair = [
        Counts::new(labels, &[whole, coded]),
        Counts::new(labels, &[whole, coded]),
    ];
    for ((label, whole, coded), times) in &cells {
        pair[0].add(*label, *whole, *times);
        pair[1].add(*label, *coded, *times);
    }
    let mean = pair[0].macro_f1() - pair[1].macro_f1();
    let mut without = Vec::with_capacity(cells.len());
    for ((label, whole, coded), times) in &cells {
        pair[0].add(*label, *whole, -1.0);
        pair[1].add(*label, *coded, -1.0);
        without.push((pair[0].macro_f1() - pair[1].macro_f1(), *times));
        pair[0].add(*label, *whole, 1.0);
        pair[1].add(*label, *coded, 1.0);
    }
    let unit = squared_flip(&mut pair[1]);
    Estimate {
        mean,
        std_error: (jackknife(&without, size) + unit * excess(lost)).sqrt(),
    }
}

/// Variance of a statistic from its values without each sample in turn, with how many samples give
/// each value.
fn jackknife(without: &[(f64, f64)], size: f64) -> f64 {
    let mean = without.iter().map(|(v, times)| v * times).sum::<f64>() / size;
    let squares = without.iter().map(|(v, times)| (v - mean).powi(2) * times);
    squares.sum::<f64>() * (size - 1.0) / size
}

/// Mean square of what one more sample found wrong costs: a sample of each class in proportion to
/// its size, found to be of the next class.
fn squared_flip(counts: &mut Counts) -> f64 {
    let before = counts.macro_f1();
    let classes: Vec<u32> = counts.classes.clone();
    let (mut squares, mut samples) = (0.0, 0.0);
    for (at, class) in classes.iter().enumerate() {
        let other = classes[(at + 1) % classes.len()];
        let size = counts.labelled[*class as usize];
        // one that is found right, or else one that could have been
        let found = if other == *class { *class + 1 } else { other };
        counts.flip(*class, found, 1.0);
        squares += size * (before - counts.macro_f1()).powi(2);
        counts.flip(*class, found, -1.0);
        samples += size;
    }
    squares / samples.max(1.0)
}

/// Samples by class.
struct Counts {
    /// The classes among the labels: the average is over these.
    classes: Vec<u32>,
    right: Vec<f64>,
    found: Vec<f64>,
    labelled: Vec<f64>,
}

impl Counts {
    /// No samples yet.
    fn new(labels: &[u32], found: &[&[u32]]) -> Counts {
        let mut classes = labels.to_vec();
        classes.sort_unstable();
        classes.dedup();
        let largest = found.iter().flat_map(|f| f.iter()).chain(labels).max();
        // one more, so that even a single class can be mistaken for another
        let size = largest.map_or(0, |c| *c as usize) + 2;
        Counts {
            classes,
            right: vec![0.0; size],
            found: vec![0.0; size],
            labelled: vec![0.0; size],
        }
    }

    fn add(&mut self, label: u32, found: u32, times: f64) {
        self.labelled[label as usize] += times;
        self.found[found as usize] += times;
        if label == found {
            self.right[label as usize] += times;
        }
    }

    /// Samples of `class` that were found right are found to be of another.
    fn flip(&mut self, class: u32, other: u32, times: f64) {
        self.right[class as usize] -= times;
        self.found[class as usize] -= times;
        self.found[other as usize] += times;
    }

    /// F1 = 2 right / (found + labelled), averaged over the classes among the labels.
    fn macro_f1(&self) -> f64 {
        let f1 = |class: &u32| {
            let class = *class as usize;
            let size = self.found[class] + self.labelled[class];
            if size > 0.0 {
                2.0 * self.right[class] / size
            } else {
                0.0
            }
        };
        let sum: f64 = self.classes.iter().map(f1).sum();
        sum / self.classes.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top1_counts_what_changed() {
        let labels = [0, 0, 1, 1, 1, 0, 1, 0];
        let whole = [0, 0, 1, 1, 0, 0, 1, 0];
        let coded = [1, 0, 1, 0, 1, 0, 1, 0];
        assert_eq!(value(Metric::Top1, &labels, &whole).mean, 7.0 / 8.0);
        let drop = drop(Metric::Top1, &labels, &whole, &coded);
        assert_eq!(drop.mean, 1.0 / 8.0);
        // Gehrels' limit of two lost and the variance of one gained, less the mean's square
        let expected = ((1.0 + 2.75_f64.sqrt()).powi(2) + 1.0 - 1.0 / 8.0).sqrt() / 8.0;
        assert!((drop.std_error - expected).abs() < 1e-12);
    }

    #[test]
    fn nothing_lost_is_not_certainty() {
        let labels: Vec<u32> = (0..200).map(|i| i % 4).collect();
        for metric in [Metric::Top1, Metric::MacroF1] {
            let drop = drop(metric, &labels, &labels, &labels);
            assert_eq!(drop.mean, 0.0);
            // none of 200: at 95 % no more than 1.5 % lost (the rule of three)
            let upper = 1.645 * drop.std_error;
            assert!((0.012..0.025).contains(&upper), "{metric:?}: {upper}");
        }
    }

    #[test]
    fn macro_f1_is_the_mean_over_the_labelled_classes() {
        // class 0: 2 of 3 found, precise; class 1: found once too often; class 2 only found
        let labels = [0, 0, 0, 1, 1];
        let found = [0, 0, 1, 1, 2];
        let f1 = [4.0 / 5.0, 2.0 / 4.0];
        let mean = value(Metric::MacroF1, &labels, &found).mean;
        assert!((mean - (f1[0] + f1[1]) / 2.0).abs() < 1e-12);
        let lost = drop(Metric::MacroF1, &labels, &labels, &found);
        assert!((lost.mean - (1.0 - mean)).abs() < 1e-12);
    }

    #[test]
    fn too_few_samples_say_nothing() {
        assert_eq!(value(Metric::Top1, &[0], &[0]), Estimate::UNKNOWN);
        assert_eq!(drop(Metric::MacroF1, &[], &[], &[]), Estimate::UNKNOWN);
    }
}
