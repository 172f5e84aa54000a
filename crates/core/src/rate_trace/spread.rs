//! How likely a rate is: counted in a trace, or a mean with a spread.

use std::fmt;
use std::str::FromStr;

use statrs::distribution::{ContinuousCDF, Normal};

use super::Step;
use crate::units::{BitRate, ParseUnitError, Share};

/// How the time of a trace is distributed over rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateQuantiles {
    /// Rates in increasing order, each with the time at rates up to it in nanoseconds.
    until: Vec<(u64, u64)>,
    total_ns: u64,
}

impl RateQuantiles {
    pub(super) fn of(steps: impl Iterator<Item = Step>) -> RateQuantiles {
        let mut until: Vec<(u64, u64)> = steps.map(|s| (s.bit_s, s.hold_ns)).collect();
        until.sort_unstable();
        let mut total_ns = 0_u64;
        for (_, ns) in &mut until {
            total_ns = total_ns.saturating_add(*ns);
            *ns = total_ns;
        }
        RateQuantiles { until, total_ns }
    }

    /// Returns the slowest rate of the trace, in bit/s, such that at least the share `p` of the
    /// time is at that rate or a slower one; `p` is taken to lie between 0 and 1. Zero during
    /// outages.
    pub fn quantile(&self, p: f64) -> u64 {
        // a share of whole nanoseconds is whole but for rounding
        let wanted = (p.clamp(0.0, 1.0) * self.total_ns as f64 * (1.0 - 1e-15)).ceil() as u64;
        let index = self.until.partition_point(|(_, ns)| *ns < wanted);
        let rate = self.until.get(index).or(self.until.last());
        rate.map_or(0, |(rate, _)| *rate)
    }

    /// Returns the share of the time at this rate or a slower one.
    pub fn at_most(&self, bit_s: u64) -> f64 {
        let index = self.until.partition_point(|(rate, _)| *rate <= bit_s);
        match index.checked_sub(1).and_then(|last| self.until.get(last)) {
            Some((_, ns)) => *ns as f64 / self.total_ns as f64,
            None => 0.0,
        }
    }
}

/// A rate that varies: log-normal with this mean and this relative standard deviation.
///
/// Log-normal because a rate is positive and what moves it (distance, load, interference)
/// multiplies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSpread {
    /// The mean.
    pub mean: BitRate,
    /// Standard deviation over the mean.
    pub spread: Share,
}

/// Text that is no rate with a spread.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRateSpread {
    /// No sign between the two.
    #[error("`{0}` has no spread: write it as `10Mbit/s±30%`, or `10Mbit/s+-30%`")]
    NoSpread(String),
    /// One of the two cannot be read.
    #[error(transparent)]
    Part(#[from] ParseUnitError),
}

impl RateSpread {
    /// Returns the rate in bit/s below which the link is for a share `p` of the time; `p` is taken
    /// to lie between 0 and 1, where the rate is zero and without end, unless the spread is zero.
    pub fn quantile(&self, p: f64) -> f64 {
        let Some((mu, sigma)) = self.logarithm() else {
            return self.mean.bit_s() as f64;
        };
        match p.clamp(0.0, 1.0) {
            0.0 => 0.0,
            1.0 => f64::INFINITY,
            p => (mu + sigma * Normal::standard().inverse_cdf(p)).exp(),
        }
    }

    /// Returns the share of the time at this rate, in bit/s, or a slower one.
    pub fn at_most(&self, bit_s: f64) -> f64 {
        match self.logarithm() {
            Some(_) if bit_s <= 0.0 => 0.0,
            Some((mu, sigma)) => Normal::standard().cdf((bit_s.ln() - mu) / sigma),
            None if bit_s < self.mean.bit_s() as f64 => 0.0,
            None => 1.0,
        }
    }

    /// Mean and standard deviation of the logarithm; `None` without any spread. With the relative
    /// standard deviation c, `sigma^2 = ln(1 + c^2)` and `mu = ln(mean) - sigma^2 / 2` (Johnson,
    /// Kotz and Balakrishnan, Continuous Univariate Distributions 1, chapter 14).
    fn logarithm(&self) -> Option<(f64, f64)> {
        let relative = self.spread.0 as f64 / 1e6;
        let variance = (relative * relative).ln_1p();
        let mu = (self.mean.bit_s() as f64).ln() - variance / 2.0;
        (variance > 0.0).then(|| (mu, variance.sqrt()))
    }
}

impl FromStr for RateSpread {
    type Err = BadRateSpread;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('±').or_else(|| text.split_once("+-"));
        let (mean, spread) = parts.ok_or_else(|| BadRateSpread::NoSpread(text.to_owned()))?;
        Ok(RateSpread {
            mean: mean.parse()?,
            spread: spread.parse()?,
        })
    }
}

impl fmt::Display for RateSpread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} ± {}", self.mean, self.spread))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_a_trace_are_its_rates() {
        let steps = [(50, 3), (20, 1), (20, 0), (10, 7)];
        let steps = steps.map(|(hold_ns, bit_s)| Step { hold_ns, bit_s });
        let quantiles = RateQuantiles::of(steps.into_iter());
        for (p, rate) in [
            (-1.0, 0),
            (0.0, 0),
            (0.2, 0),
            (0.2001, 1),
            (0.4, 1),
            (0.5, 3),
            (0.9, 3),
            (0.91, 7),
            (1.0, 7),
            (2.0, 7),
        ] {
            assert_eq!(quantiles.quantile(p), rate, "{p}");
        }
        for (rate, share) in [(0, 0.2), (1, 0.4), (2, 0.4), (3, 0.9), (7, 1.0), (9, 1.0)] {
            assert_eq!(quantiles.at_most(rate), share, "{rate}");
        }
    }

    #[test]
    fn a_spread_has_its_mean_and_its_deviation() {
        let rate: RateSpread = "10Mbit/s±30%".parse().unwrap();
        // moments by the midpoint rule over quantiles
        let count = 200_000;
        let at = |i: usize| rate.quantile((i as f64 + 0.5) / count as f64);
        let mean = (0..count).map(at).sum::<f64>() / count as f64;
        let square = (0..count).map(|i| (at(i) - mean).powi(2)).sum::<f64>() / count as f64;
        assert!((mean / 1e7 - 1.0).abs() < 1e-4, "{mean}");
        assert!(
            (square.sqrt() / 1e7 - 0.3).abs() < 1e-3,
            "{}",
            square.sqrt()
        );
        // its median is below its mean, at mean / sqrt(1 + c^2)
        let median = 1e7 / 1.09_f64.sqrt();
        assert!((rate.quantile(0.5) / median - 1.0).abs() < 1e-9);
        for p in [0.001, 0.05, 0.3, 0.5, 0.9, 0.999] {
            assert!((rate.at_most(rate.quantile(p)) - p).abs() < 1e-9, "{p}");
        }
        assert_eq!((rate.quantile(0.0), rate.at_most(0.0)), (0.0, 0.0));
    }

    #[test]
    fn without_a_spread_it_is_one_rate() {
        let rate: RateSpread = "2Mbit/s +- 0%".parse().unwrap();
        for p in [0.0, 0.3, 1.0] {
            assert_eq!(rate.quantile(p), 2e6);
        }
        assert_eq!((rate.at_most(1.9e6), rate.at_most(2e6)), (0.0, 1.0));
        assert_eq!(rate.to_string(), "2 Mbit/s ± 0 %");
        for text in [
            "10Mbit/s",
            "10Mbit/s±",
            "±3%",
            "10±3%",
            "10Mbit/s±-3%",
            "0bit/s±1%",
        ] {
            assert!(text.parse::<RateSpread>().is_err(), "{text}");
        }
    }
}
