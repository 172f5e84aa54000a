//! The tables at a percentile of times and payloads.

use super::error::ProblemError;
use super::tables::Tables;
use super::times::Encoding;
use crate::scenario::Percentile;
use crate::server::Server;
use cutpoint_core::link::wire;
use cutpoint_core::profile::{Profile, TimeSpread};
use cutpoint_core::units::Bytes;

/// The quantile of the standard normal distribution at 95 %.
pub(crate) const Z95: f64 = 1.644_853_626_951_472_7;

/// How the times of the two machines vary; `None` where a profile does not say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spreads {
    pub(crate) edge: Option<TimeSpread>,
    pub(crate) server: Option<TimeSpread>,
}

impl Spreads {
    pub(crate) fn of(edge: &Profile, server: &Server) -> Spreads {
        Spreads {
            edge: edge.whole.spread(),
            server: server.spread(edge),
        }
    }

    /// Says whose times are taken not to vary.
    pub(crate) fn note(self) -> Option<String> {
        let whose = match (self.edge.is_none(), self.server.is_none()) {
            (false, false) => return None,
            (true, false) => "the edge's profile states no spread of its times, which are",
            (false, true) => "the server's profile states no spread of its times, which are",
            (true, true) => "the profiles state no spread of their times, which are",
        };
        Some(format!(
            "{whose} taken to be the same in every run: measure with `cutpoint profile`, or add \
             p90_us and p99_us to [whole]"
        ))
    }
}

impl Tables {
    /// With every time, and every payload that depends on the data, at a percentile.
    ///
    /// A machine's times are all multiplied by the factor of [`TimeSpread::factor`]; a payload is
    /// taken to be normal with its mean and 95th percentile. A sum of percentiles is the percentile
    /// of the sum when all parts are large at once (comonotone); where they vary on their own it is
    /// usually above it, so that the plan errs on the safe side. For odd distributions it can fall
    /// below: quantiles are not subadditive (Embrechts, McNeil and Straumann, 2002).
    ///
    /// # Errors
    /// Sums beyond the range of exact arithmetic.
    pub(crate) fn at(
        &self,
        percentile: Percentile,
        spreads: Spreads,
    ) -> Result<Tables, ProblemError> {
        let z = percentile.z();
        let factor = |spread: Option<TimeSpread>| spread.map_or(1.0, |spread| spread.factor(z));
        let mut tables = self.clone();
        tables.scale_by(factor(spreads.edge), factor(spreads.server))?;
        for encoding in tables.tensors.iter_mut().flat_map(|t| &mut t.encodings) {
            encoding.payload = encoding.payload_at(z);
            encoding.wire_bits = wire(encoding.payload).0.saturating_mul(8);
        }
        tables.setting.percentile = Some(percentile.percent());
        tables.check_range()?;
        Ok(tables)
    }
}

impl Encoding {
    /// The payload at a quantile `z >= 0` of the standard normal distribution; `payload` itself is
    /// the mean.
    fn payload_at(&self, z: f64) -> Bytes {
        let beyond = |p95: Bytes| p95.0.saturating_sub(self.payload.0) as f64 * z / Z95;
        let beyond = self.payload_p95.map_or(0.0, beyond);
        Bytes(self.payload.0.saturating_add(beyond.round() as u64))
    }

    /// Standard deviation of what is on the wire, in bits.
    pub(crate) fn wire_deviation(&self) -> f64 {
        let bits = |p95: Bytes| wire(p95).0.saturating_mul(8);
        let beyond = |p95: Bytes| bits(p95).saturating_sub(self.wire_bits) as f64 / Z95;
        self.payload_p95.map_or(0.0, beyond)
    }
}
