//! Do the intervals of measured drops hold what they promise? Simulations whose truth is known.

use cutpoint_accuracy::estimate::{Outcomes, drop};
use cutpoint_core::codec_accuracy::Metric;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// Simulated data sets per case.
const REPEATS: u32 = 1000;

/// Share of simulated data sets whose pessimistic end at `confidence` is not below the truth.
fn coverage(
    truth: f64,
    confidence: f64,
    seed: u64,
    mut simulate: impl FnMut(&mut SmallRng) -> (f64, f64),
) -> f64 {
    let mut rng = SmallRng::seed_from_u64(seed);
    let quantiles = [(0.9, 1.2816), (0.95, 1.6449), (0.99, 2.3263)];
    let (_, z) = *quantiles
        .iter()
        .find(|(share, _)| *share == confidence)
        .unwrap();
    let mut held = 0;
    for _ in 0..REPEATS {
        let (mean, std_error) = simulate(&mut rng);
        held += u32::from(mean + z * std_error >= truth);
    }
    f64::from(held) / f64::from(REPEATS)
}

/// Four classes; a share of the samples is right in the whole and then lost, another is gained.
fn classes(
    rng: &mut SmallRng,
    n: usize,
    lost: f64,
    gained: f64,
    classes: u32,
) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let mut table = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n {
        let label = rng.random_range(0..classes);
        let wrong = (label + rng.random_range(1..classes)) % classes;
        let u: f64 = rng.random();
        let (whole, coded) = if u < lost {
            (label, wrong)
        } else if u < lost + gained {
            (wrong, label)
        } else if u < 0.85 {
            (label, label)
        } else {
            (wrong, wrong)
        };
        table.0.push(label);
        table.1.push(whole);
        table.2.push(coded);
    }
    table
}

#[test]
fn pessimistic_ends_of_shares_hold_even_for_small_counts() {
    for metric in [Metric::Top1, Metric::MacroF1] {
        for n in [64, 250, 1000] {
            for (lost, gained) in [
                (0.003, 0.0),
                (0.01, 0.0),
                (0.01, 0.01),
                (0.03, 0.01),
                (0.1, 0.05),
            ] {
                for confidence in [0.9, 0.95, 0.99] {
                    // classes alike and mistakes alike: macro-F1 and top-1 drop by the same
                    let held = coverage(lost - gained, confidence, n as u64, |rng| {
                        let (labels, whole, coded) = classes(rng, n, lost, gained, 4);
                        let (whole, coded) = (Outcomes::Classes(whole), Outcomes::Classes(coded));
                        let drop = drop(metric, &labels, &whole, &coded);
                        (drop.mean, drop.std_error)
                    });
                    assert!(
                        held >= confidence - 0.015,
                        "{metric:?}, {n} samples, {lost} lost, {gained} gained: {held} at {confidence}"
                    );
                }
            }
        }
    }
}

#[test]
fn with_many_samples_errors_are_those_of_the_textbook() {
    let (mut rng, n) = (SmallRng::seed_from_u64(7), 20_000);
    let (labels, whole, coded) = classes(&mut rng, n, 0.04, 0.02, 4);
    let textbook = ((0.06 - 0.02_f64.powi(2)) / n as f64).sqrt();
    let (whole, coded) = (Outcomes::Classes(whole), Outcomes::Classes(coded));
    for metric in [Metric::Top1, Metric::MacroF1] {
        let drop = drop(metric, &labels, &whole, &coded);
        assert!((drop.mean - 0.02).abs() < 4.0 * textbook);
        let ratio = drop.std_error / textbook;
        assert!((0.97..1.1).contains(&ratio), "{metric:?}: {ratio}");
    }
}

#[test]
fn pessimistic_ends_of_errors_hold_for_skewed_contributions() {
    let exponential = |rng: &mut SmallRng| -(1.0 - rng.random::<f64>()).ln();
    for metric in [Metric::Mae, Metric::Rmse, Metric::Score] {
        for n in [64, 250, 1000] {
            for share in [0.05, 0.3, 1.0] {
                // a share of the samples gets a larger error, with a long tail
                let sample = |rng: &mut SmallRng| {
                    let whole = exponential(rng);
                    let more = if rng.random::<f64>() < share {
                        exponential(rng)
                    } else {
                        0.0
                    };
                    (whole, whole + more)
                };
                let truth = match metric {
                    Metric::Mae => share,
                    // E (w + m)^2 = 2 + 2 share + 2 share
                    Metric::Rmse => ((2.0 + 4.0 * share) / 2.0_f64).sqrt() - 1.0,
                    _ => share,
                };
                let held = coverage(truth, 0.95, n as u64, |rng| {
                    let (mut whole, mut coded) = (Vec::new(), Vec::new());
                    for _ in 0..n {
                        let (w, c) = sample(rng);
                        match metric {
                            Metric::Mae => {
                                whole.push(vec![w, 1.0]);
                                coded.push(vec![c, 1.0]);
                            }
                            Metric::Rmse => {
                                whole.push(vec![w * w, 1.0]);
                                coded.push(vec![c * c, 1.0]);
                            }
                            _ => {
                                whole.push(vec![0.0, w]);
                                coded.push(vec![c - w, w]);
                            }
                        }
                    }
                    let drop = drop(metric, &[], &Outcomes::Sums(whole), &Outcomes::Sums(coded));
                    (drop.mean, drop.std_error)
                });
                // one sample in twenty with a long tail: three of 64 cannot tell
                let least = match share * n as f64 {
                    ..4.0 => 0.7,
                    ..13.0 => 0.86,
                    _ => 0.91,
                };
                assert!(
                    held >= least,
                    "{metric:?}, {n} samples, share {share}: {held}"
                );
            }
        }
    }
}
