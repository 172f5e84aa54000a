//! Metrics that depend on sums over the samples.

use super::{Estimate, excess};
use cutpoint_core::codec_accuracy::Metric;

/// Student's t over the normal quantile is `1 + this / (n - 1)` to first order, at z = 1.645.
const STUDENT: f64 = 0.93;

/// Returns the metric over all samples.
pub(super) fn value(metric: Metric, parts: &[Vec<f64>]) -> Estimate {
    let total = total(parts);
    estimate(parts.len(), |left_out| {
        of(metric, &less(&total, left_out.and_then(|i| parts.get(i))))
    })
}

/// Returns the drop from `whole` to `coded`, over the first samples that both have.
pub(super) fn drop(metric: Metric, whole: &[Vec<f64>], coded: &[Vec<f64>]) -> Estimate {
    let n = whole.len().min(coded.len());
    let (whole, coded) = (&whole[..n], &coded[..n]);
    let totals = [total(whole), total(coded)];
    if n > 1 && whole == coded {
        // none of so many changed: one that does may cost what one sample is worth
        return Estimate {
            mean: 0.0,
            std_error: excess(0.0).sqrt() / n as f64,
        };
    }
    estimate(n, |left_out| {
        let of = |total: &[f64], parts: &[Vec<f64>]| {
            of(metric, &less(total, left_out.and_then(|i| parts.get(i))))
        };
        metric.drop_to(of(&totals[0], whole), of(&totals[1], coded))
    })
}

/// A statistic of `n` samples, and its jackknifed error: `statistic` is given the sample to leave
/// out.
fn estimate(n: usize, statistic: impl Fn(Option<usize>) -> f64) -> Estimate {
    if n < 2 {
        return Estimate::UNKNOWN;
    }
    let (mean, size) = (statistic(None), n as f64);
    // what each sample contributes, as if the statistic were a mean
    let pseudo = |i| size * mean - (size - 1.0) * statistic(Some(i));
    let pseudo: Vec<f64> = (0..n).map(pseudo).collect();
    let centre = pseudo.iter().sum::<f64>() / size;
    let deviations = || pseudo.iter().map(|p| p - centre);
    let variance = deviations().map(|d| d * d).sum::<f64>() * size / (size - 1.0);
    let beyond = beyond_the_variance(deviations().filter(|d| *d > 0.0));
    Estimate {
        mean,
        std_error: (variance + beyond).sqrt() / size * (1.0 + STUDENT / (size - 1.0)),
    }
}

/// What the upper limit of a sum of harmful contributions needs beyond their variance. They count
/// as `b` equal ones of size `unit`, `b` being the square of their sum over the sum of their
/// squares; and the largest may be the first of its kind.
fn beyond_the_variance(harmful: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut squares, mut largest) = (0.0, 0.0, 0.0_f64);
    for contribution in harmful {
        sum += contribution;
        squares += contribution * contribution;
        largest = largest.max(contribution);
    }
    if squares <= 0.0 {
        return 0.0;
    }
    let count = sum * sum / squares;
    let unit = sum / count;
    unit * unit * excess(count) + 1.75 * largest * largest
}

fn total(parts: &[Vec<f64>]) -> Vec<f64> {
    let mut total = vec![0.0; parts.first().map_or(0, Vec::len)];
    for part in parts {
        total.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
    }
    total
}

fn less(total: &[f64], part: Option<&Vec<f64>>) -> Vec<f64> {
    match part {
        Some(part) => total.iter().zip(part).map(|(sum, x)| sum - x).collect(),
        None => total.to_vec(),
    }
}

/// The metric from the sums, of which [`super::Outcomes::Sums`] tells the meaning.
fn of(metric: Metric, sums: &[f64]) -> f64 {
    let share = |over: f64, under: f64| if under > 0.0 { over / under } else { 0.0 };
    match (metric, sums) {
        (Metric::MeanIou, sums) => {
            let classes = sums.len() / 3;
            let union = |c: usize| sums[classes + c] + sums[2 * classes + c] - sums[c];
            // a class that is neither found nor labelled has no overlap to speak of
            let present = (0..classes).filter(|c| union(*c) > 0.0);
            let overlaps: Vec<f64> = present.map(|c| sums[c] / union(c)).collect();
            share(overlaps.iter().sum(), overlaps.len() as f64)
        }
        (Metric::Rmse, [errors, values]) => share(*errors, *values).max(0.0).sqrt(),
        (Metric::Mae, [errors, values]) => share(*errors, *values),
        (_, [deviations, values]) => 1.0 - share(*deviations, *values),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn errors_are_means_and_their_drops_shares_of_them() {
        let whole: Vec<Vec<f64>> = [1.0, 2.0, 3.0].iter().map(|e| vec![*e, 1.0]).collect();
        let coded: Vec<Vec<f64>> = [1.5, 2.0, 4.0].iter().map(|e| vec![*e, 1.0]).collect();
        let mae = value(Metric::Mae, &whole);
        assert!(near(mae.mean, 2.0));
        // errors deviate by -1, 0 and 1: the variance of their sum, and what one harmful needs beyond
        let beyond = excess(1.0) + 1.75;
        let expected = (3.0 + beyond).sqrt() / 3.0 * (1.0 + STUDENT / 2.0);
        assert!(near(mae.std_error, expected));
        assert!(near(drop(Metric::Mae, &whole, &coded).mean, 0.25));
        assert!(near(value(Metric::Rmse, &whole).mean, 2.0_f64.sqrt()));
        assert!(near(
            drop(Metric::Rmse, &whole, &coded).mean,
            (2.5_f64 / 2.0).sqrt() - 1.0
        ));
    }

    #[test]
    fn nothing_changed_is_not_certainty() {
        let parts = vec![vec![0.5, 2.0]; 100];
        let drop = drop(Metric::Score, &parts, &parts);
        assert_eq!(drop.mean, 0.0);
        assert!((0.01..0.02).contains(&drop.std_error));
    }

    #[test]
    fn overlap_is_averaged_over_the_classes_found_or_labelled() {
        // class 0: 3 shared of 3 + 4 - 3; class 1: 2 shared of 4 + 2 - 2; class 2 only found; class 3
        // neither
        let parts = vec![vec![3.0, 2.0, 0.0, 0.0, 3.0, 4.0, 1.0, 0.0, 4.0, 2.0, 0.0, 0.0]; 2];
        let found = value(Metric::MeanIou, &parts);
        assert!(near(found.mean, (3.0 / 4.0 + 2.0 / 4.0 + 0.0) / 3.0));
    }

    #[test]
    fn a_class_that_one_map_makes_up_makes_the_drop_unsure() {
        // found and labelled: 8 pixels of class 0, 8 of class 1
        let fine = vec![8.0, 8.0, 0.0, 8.0, 8.0, 0.0, 8.0, 8.0, 0.0];
        let whole = vec![fine.clone(); 40];
        let mut coded = whole.clone();
        // one pixel of class 1 is taken for class 2 in one map
        coded[7] = vec![8.0, 7.0, 0.0, 8.0, 7.0, 1.0, 8.0, 8.0, 0.0];
        let lost = drop(Metric::MeanIou, &whole, &coded);
        assert!(near(lost.mean, 1.0 - (1.0 + 319.0 / 320.0) / 3.0));
        // without that map nothing is lost
        assert!(lost.std_error > lost.mean);
    }
}
