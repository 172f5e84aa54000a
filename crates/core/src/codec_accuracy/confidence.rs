//! How sure a limit is to hold.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

/// One-sided confidence that a true value is no worse than the pessimistic end of its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Confidence(f64);

/// A number that is no confidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a confidence: write a number from 0.5 to below 1, such as 0.95")]
pub struct BadConfidence(String);

impl Confidence {
    /// Returns a share from one half, where the mean itself counts, to below one.
    ///
    /// # Errors
    /// [`BadConfidence`].
    pub fn new(share: f64) -> Result<Confidence, BadConfidence> {
        if (0.5..1.0).contains(&share) {
            Ok(Confidence(share))
        } else {
            Err(BadConfidence(share.to_string()))
        }
    }

    /// Returns the share.
    pub fn share(self) -> f64 {
        self.0
    }

    /// Standard errors between the mean and the pessimistic end: the quantile of the standard
    /// normal distribution, 1.645 at 0.95.
    pub fn z(self) -> f64 {
        // half the distribution lies below its mean, whatever the rounding of the quantile
        Normal::standard().inverse_cdf(self.0).max(0.0)
    }
}

impl Default for Confidence {
    fn default() -> Self {
        Confidence(0.95)
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

impl FromStr for Confidence {
    type Err = BadConfidence;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadConfidence(text.to_owned());
        let share: f64 = text.trim().parse().map_err(|_| bad())?;
        Confidence::new(share).map_err(|_| bad())
    }
}

impl<'de> Deserialize<'de> for Confidence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        Confidence::new(share).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (share, z) in [
            (0.5, 0.0),
            (0.9, 1.281_552),
            (0.95, 1.644_854),
            (0.999, 3.090_232),
        ] {
            assert!(
                (Confidence::new(share).unwrap().z() - z).abs() < 1e-6,
                "{share}"
            );
        }
    }

    #[test]
    fn what_is_no_confidence_is_refused() {
        for text in ["", "1", "0.49", "95", "95%", "nan", "-1"] {
            let error = text.parse::<Confidence>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")), "{error}");
        }
    }
}
