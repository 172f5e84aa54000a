//! How much times vary from run to run.

use super::Whole;

/// Quantiles of the standard normal distribution.
const Z90: f64 = 1.281_551_565_544_600_4;
const Z99: f64 = 2.326_347_874_040_840_8;

/// Standard deviation of a normal distribution over its median absolute deviation.
const PER_MAD: f64 = 1.482_602_218_505_602;

/// How times vary, relative to their median.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TimeSpread {
    /// As measured.
    Measured {
        /// Relative standard deviation.
        deviation: f64,
        /// Logarithm of the 90th percentile over the median.
        ln_p90: f64,
        /// Logarithm of the 99th percentile over the median.
        ln_p99: f64,
    },
    /// Normal with this relative standard deviation.
    Normal(f64),
}

impl Whole {
    /// Returns how the time of the whole model varies; `None` when the profile does not say.
    ///
    /// With a 90th percentile, the deviation is the larger of those that it and the median absolute
    /// deviation stand for in a normal distribution; with the latter only, the distribution is
    /// taken to be normal.
    pub fn spread(&self) -> Option<TimeSpread> {
        if self.median_us <= 0.0 {
            return None;
        }
        let of_mad = PER_MAD * self.mad_us / self.median_us;
        if self.p90_us <= self.median_us {
            return (of_mad > 0.0).then_some(TimeSpread::Normal(of_mad));
        }
        let p90 = self.p90_us / self.median_us;
        // without a 99th percentile, as far on as the 90th points
        let ln_p99 = if self.p99_us >= self.p90_us {
            (self.p99_us / self.median_us).ln()
        } else {
            p90.ln() * Z99 / Z90
        };
        Some(TimeSpread::Measured {
            deviation: of_mad.max((p90 - 1.0) / Z90),
            ln_p90: p90.ln(),
            ln_p99,
        })
    }
}

impl TimeSpread {
    /// Relative standard deviation.
    pub fn deviation(self) -> f64 {
        match self {
            TimeSpread::Measured { deviation, .. } | TimeSpread::Normal(deviation) => deviation,
        }
    }

    /// Returns what a percentile is of the median, by its quantile `z >= 0` of the standard normal
    /// distribution. Between the measured percentiles 50, 90 and 99 its logarithm is linear in z,
    /// which is a log-normal piece by piece, and beyond 99 it goes on as between 90 and 99.
    pub fn factor(self, z: f64) -> f64 {
        match self {
            TimeSpread::Normal(deviation) => 1.0 + deviation * z,
            TimeSpread::Measured { ln_p90, .. } if z <= Z90 => (ln_p90 * z / Z90).exp(),
            TimeSpread::Measured { ln_p90, ln_p99, .. } => {
                let slope = (ln_p99 - ln_p90) / (Z99 - Z90);
                (ln_p90 + slope * (z - Z90)).exp()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(mad_us: f64, p90_us: f64, p99_us: f64) -> Whole {
        Whole {
            median_us: 100.0,
            mad_us,
            p90_us,
            p99_us,
            runs: 9,
        }
    }

    #[test]
    fn factors_go_through_the_measured_percentiles() {
        let spread = whole(2.0, 120.0, 150.0).spread().unwrap();
        for (z, factor) in [
            (0.0, 1.0),
            (Z90 / 2.0, 1.2_f64.sqrt()),
            (Z90, 1.2),
            // half way, the geometric mean of 1.2 and 1.5
            ((Z90 + Z99) / 2.0, 1.8_f64.sqrt()),
            (Z99, 1.5),
            // as far beyond: 1.5 * 1.5 / 1.2
            (2.0 * Z99 - Z90, 1.875),
        ] {
            assert!((spread.factor(z) - factor).abs() < 1e-12, "{z}");
        }
        assert!((spread.deviation() - 0.2 / Z90).abs() < 1e-12);
        // the median absolute deviation says more
        let spread = whole(20.0, 101.0, 0.0).spread().unwrap();
        assert!((spread.deviation() - 0.296_520_443_701_120_4).abs() < 1e-12);
        // without a 99th percentile, on the same line
        assert!((spread.factor(2.0 * Z90) - 1.01_f64.powi(2)).abs() < 1e-12);
    }

    #[test]
    fn without_percentiles_times_are_normal_or_fixed() {
        let spread = whole(10.0, 0.0, 0.0).spread().unwrap();
        assert!((spread.factor(2.0) - (1.0 + 2.0 * 0.148_260_221_850_560_2)).abs() < 1e-12);
        assert_eq!(whole(0.0, 0.0, 0.0).spread(), None);
        assert_eq!(whole(0.0, 100.0, 100.0).spread(), None);
        assert_eq!(Whole::default().spread(), None);
    }
}
