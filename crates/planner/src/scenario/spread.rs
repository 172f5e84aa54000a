//! What varies: the share of cases that a plan is to hold in, and how likely a rate is.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::{Key, RateRange, ScenarioError};
use cutpoint_core::rate_trace::{RateQuantiles, RateSpread, RateTrace, Reading};
use cutpoint_core::units::{BitRate, Share};

/// The share of cases that times are to hold in, in percent: above 50 and below 100.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentile(f64);

/// A number that is no percentile to plan for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no percentile to plan for: write a number above 50 and below 100, such as 95")]
pub struct BadPercentile(String);

impl Percentile {
    /// Above 50, where it would be the median, and below 100, where times have no end.
    ///
    /// # Errors
    /// [`BadPercentile`].
    pub fn new(percent: f64) -> Result<Percentile, BadPercentile> {
        if percent > 50.0 && percent < 100.0 {
            Ok(Percentile(percent))
        } else {
            Err(BadPercentile(percent.to_string()))
        }
    }

    /// In percent.
    pub fn percent(self) -> f64 {
        self.0
    }

    /// The quantile of the standard normal distribution: 1.645 at 95.
    pub fn z(self) -> f64 {
        Normal::standard().inverse_cdf(self.0 / 100.0).max(0.0)
    }
}

impl fmt::Display for Percentile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Percentile {
    type Err = BadPercentile;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.trim().parse().ok();
        let found = number.and_then(|percent| Percentile::new(percent).ok());
        found.ok_or_else(|| BadPercentile(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Percentile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Percentile::new(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// How likely each rate of the link is.
#[derive(Debug, Clone, PartialEq)]
pub enum RateModel {
    /// Log-normal around a mean.
    Spread(RateSpread),
    /// As the time of a trace is distributed over rates.
    Trace {
        /// Name of the file without folders.
        file: String,
        /// Over its time.
        mean: BitRate,
        /// Its rates.
        quantiles: RateQuantiles,
    },
}

/// Ten times the mean; a larger deviation says that nothing is known of the rate.
const LARGEST_SPREAD: Share = Share(10_000_000);

impl RateModel {
    /// What was asked for; the rate asked for is the mean of a spread.
    ///
    /// # Errors
    /// Both a spread and a trace, a spread that makes no sense, either with a range of rates, a
    /// trace that cannot be used.
    pub(super) fn of(
        spread: Option<Share>,
        trace: Option<&Path>,
        asked: Option<RateRange>,
    ) -> Result<Option<RateModel>, ScenarioError> {
        let key = match (spread, trace) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => return Err(ScenarioError::SpreadAndTrace),
            (Some(_), None) => Key::RATE_SPREAD,
            (None, Some(_)) => Key::RATE_TRACE,
        };
        if asked.is_some_and(|rates| rates.single().is_none()) {
            return Err(ScenarioError::SpreadOfRange(key));
        }
        if let Some(spread) = spread {
            if spread == Share(0) || spread > LARGEST_SPREAD {
                return Err(ScenarioError::BadSpread(spread));
            }
            let of = |mean| RateModel::Spread(RateSpread { mean, spread });
            return Ok(asked.and_then(RateRange::single).map(of));
        }
        let load = |path: &Path| {
            let trace = RateTrace::load(path, Reading::default())
                .map_err(|error| ScenarioError::RateTrace(error.to_string()))?;
            let file = path.file_name().unwrap_or_default();
            Ok(RateModel::Trace {
                file: file.to_string_lossy().into_owned(),
                mean: trace.mean(),
                quantiles: trace.quantiles(),
            })
        };
        trace.map(load).transpose()
    }

    /// The mean.
    pub fn mean(&self) -> BitRate {
        match self {
            RateModel::Spread(spread) => spread.mean,
            RateModel::Trace { mean, .. } => *mean,
        }
    }

    /// The rate in bit/s below which the link is for a share `p` of the time; zero during outages.
    pub fn quantile(&self, p: f64) -> f64 {
        match self {
            RateModel::Spread(spread) => spread.quantile(p),
            RateModel::Trace { quantiles, .. } => quantiles.quantile(p) as f64,
        }
    }

    /// The rate that the link has in this share of cases, or a faster one.
    ///
    /// # Errors
    /// [`ScenarioError::DownTooOften`].
    pub(super) fn held_in(&self, percentile: Percentile) -> Result<BitRate, ScenarioError> {
        let rate = self.quantile(1.0 - percentile.percent() / 100.0);
        match self {
            RateModel::Trace { .. } if rate < 1.0 => Err(ScenarioError::DownTooOften {
                percentile: percentile.to_string(),
            }),
            _ => Ok(BitRate::from_bit_s(rate.round() as u64).unwrap_or(BitRate::SLOWEST)),
        }
    }
}

impl fmt::Display for RateModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RateModel::Spread(spread) => spread.fmt(f),
            RateModel::Trace { file, mean, .. } => write!(f, "{file}, mean {mean}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_above_the_median() {
        assert!(("95".parse::<Percentile>().unwrap().z() - 1.644_853_627).abs() < 1e-9);
        assert!(Percentile::new(50.0 + 1e-9).unwrap().z() < 1e-9);
        for text in ["50", "100", "0.95", "-95", "nan", "inf", "95%", ""] {
            assert!(text.parse::<Percentile>().is_err(), "{text}");
        }
    }
}
