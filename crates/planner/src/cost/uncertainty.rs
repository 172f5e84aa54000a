//! How times, payloads and the rate vary.

use std::sync::Arc;

use super::percentile::Spreads;
use super::tables::Tables;
use crate::scenario::Scenario;
use cutpoint_core::profile::TimeSpread;

/// Cells of the rate's distribution.
const CELLS: usize = 400;

/// What varies, and how.
#[derive(Debug)]
pub(crate) struct Uncertainty {
    /// With medians and means, whatever percentile is planned for.
    pub(crate) usual: Arc<Tables>,
    /// Equally likely ones, in bit/s; empty for the link's own.
    pub(crate) rates: Vec<f64>,
    /// Relative standard deviations of the times of edge and server.
    pub(crate) edge: f64,
    pub(crate) server: f64,
}

impl Uncertainty {
    /// `None` when the scenario asks for no percentile and says nothing of the rate's spread.
    pub(crate) fn of(
        usual: &Arc<Tables>,
        spreads: Spreads,
        scenario: &Scenario,
    ) -> Option<Uncertainty> {
        if scenario.percentile.is_none() && scenario.rate_model.is_none() {
            return None;
        }
        let middle = |cell: usize| (cell as f64 + 0.5) / CELLS as f64;
        let rates = scenario.rate_model.iter();
        let rates = rates.flat_map(|model| (0..CELLS).map(|cell| model.quantile(middle(cell))));
        let deviation = |spread: Option<TimeSpread>| spread.map_or(0.0, TimeSpread::deviation);
        Some(Uncertainty {
            usual: Arc::clone(usual),
            rates: rates.collect(),
            edge: deviation(spreads.edge),
            server: deviation(spreads.server),
        })
    }
}
