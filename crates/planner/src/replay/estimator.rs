//! What a run-time knows of the rate when a frame starts.

use std::fmt;
use std::str::FromStr;

use cutpoint_core::rate_trace::RateTrace;

/// How the rate is estimated from the past. Observed is what the link could carry between the
/// starts of a frame and of the one before, divided by the time; the first frame, which has no
/// past, is told the rate at its start.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub enum Estimator {
    /// What was observed last.
    #[default]
    Last,
    /// An exponentially weighted moving average: this weight on what was observed last, the rest
    /// on the estimate before.
    Ewma(f64),
}

/// Text that names no estimator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a way to estimate the rate: write `last`, or `ewma:0.3` with the weight of the \
     latest rate, above 0 and at most 1"
)]
pub struct BadEstimator(String);

impl Estimator {
    /// The rate known at each of these times, in whole bits per second.
    pub(super) fn rates(self, trace: &RateTrace, starts: &[u64]) -> Vec<u64> {
        let mut before = None;
        let mut estimate = 0.0;
        let known = starts.iter().map(|start| {
            estimate = match (before, self) {
                (None, _) => trace.bit_s_at(*start) as f64,
                (Some(before), Estimator::Last) => trace.mean_between(before, *start),
                (Some(before), Estimator::Ewma(weight)) => {
                    let seen = trace.mean_between(before, *start);
                    weight * seen + (1.0 - weight) * estimate
                }
            };
            before = Some(*start);
            estimate.round() as u64
        });
        known.collect()
    }
}

impl fmt::Display for Estimator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Estimator::Last => f.pad("last"),
            Estimator::Ewma(weight) => f.pad(&format!("ewma:{weight}")),
        }
    }
}

impl FromStr for Estimator {
    type Err = BadEstimator;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadEstimator(text.to_owned());
        if text == "last" {
            return Ok(Estimator::Last);
        }
        let weight = text.strip_prefix("ewma:").ok_or_else(bad)?;
        let weight: f64 = weight.parse().map_err(|_| bad())?;
        if weight > 0.0 && weight <= 1.0 {
            Ok(Estimator::Ewma(weight))
        } else {
            Err(bad())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cutpoint_core::rate_trace::Step;

    #[test]
    fn only_the_past_is_known() {
        let steps = [(4, 100), (4, 20), (4, 0), (4, 60)];
        let steps = steps.map(|(hold_ns, bit_s)| Step { hold_ns, bit_s });
        let trace = RateTrace::new(steps).unwrap();
        let starts: Vec<u64> = (0..8).map(|frame| frame * 2).collect();
        let known = Estimator::Last.rates(&trace, &starts);
        assert_eq!(known, [100, 100, 100, 20, 20, 0, 0, 60]);
        // 0.5 on the latest, to whole bits per second only where it is told
        let known = Estimator::Ewma(0.5).rates(&trace, &starts);
        assert_eq!(known, [100, 100, 100, 60, 40, 20, 10, 35]);
        // a frame that spans several steps sees their mean
        let known = Estimator::Last.rates(&trace, &[0, 6, 14]);
        assert_eq!(known, [100, 73, 20]);
    }

    #[test]
    fn names_read_back() {
        for text in ["last", "ewma:0.3", "ewma:1"] {
            assert_eq!(text.parse::<Estimator>().unwrap().to_string(), text);
        }
        for text in [
            "", "first", "ewma", "ewma:", "ewma:0", "ewma:1.1", "ewma:nan", "ewma:-1",
        ] {
            assert!(text.parse::<Estimator>().is_err(), "{text}");
        }
    }
}
