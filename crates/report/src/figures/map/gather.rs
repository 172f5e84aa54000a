//! From problems and plans to the data of the figure.

use super::{MapData, MapPlan, MapRow, MapSegment};
use crate::wording::{named, side};
use crate::{Origin, ReportError};
use cutpoint_core::plan::DelayMap;

/// Data of the map of rates and delays.
///
/// # Errors
/// [`ReportError::Nothing`] for a map without plans.
pub fn gather(map: &DelayMap, edge: Origin, server: Origin) -> Result<MapData, ReportError> {
    let Some(first) = map.plans.first() else {
        return Err(ReportError::Nothing {
            figure: "map",
            why: "no plan meets the limits at any rate and delay".to_owned(),
        });
    };
    let segments = map.rows.iter().flat_map(|row| &row.segments);
    let mut lines = segments.map(|segment| segment.latency);
    if lines.any(|line| line.fixed_ms <= 0.0 && line.wire_bits == 0) {
        return Err(ReportError::Nothing {
            figure: "map",
            why: "a plan takes no time; measure again with `cutpoint profile`".to_owned(),
        });
    }
    let position = |number: usize| {
        let found = map.plans.iter().position(|plan| plan.number == number);
        // out of range, which the figure refuses
        found.unwrap_or(map.plans.len())
    };
    let rows = map.rows.iter().map(|row| MapRow {
        delay_us: row.delay_ns as f64 / 1e3,
        segments: row
            .segments
            .iter()
            .map(|segment| MapSegment {
                from_bit_s: segment.from_bit_s as f64,
                to_bit_s: segment.to_bit_s as f64,
                plan: position(segment.plan),
            })
            .collect(),
    });
    Ok(MapData {
        model: first.plan.model.file.clone(),
        edge,
        server,
        wanted: format!("results wanted: {}", first.plan.setting.results),
        resolution: map.resolution.clone(),
        from_bit_s: map.from_bit_s as f64,
        to_bit_s: map.to_bit_s as f64,
        rows: rows.collect(),
        plans: map
            .plans
            .iter()
            .map(|plan| MapPlan {
                name: named(&plan.plan),
                side: side(&plan.plan),
            })
            .collect(),
    })
}

/// Delays of a map in nanoseconds, 100 µs to 200 ms, by a common factor.
const DELAYS_NS: [u64; 2] = [100_000, 200_000_000];
/// How many.
const ROWS: u32 = 19;

/// Returns the delays of a map that is solved for the figure, in nanoseconds.
pub(crate) fn delays() -> Vec<u64> {
    let [first, last] = DELAYS_NS.map(|ns| ns as f64);
    let delay = |row: u32| {
        let share = f64::from(row) / f64::from(ROWS - 1);
        (first * (last / first).powf(share)).round() as u64
    };
    (0..ROWS).map(delay).collect()
}
