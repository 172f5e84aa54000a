//! Every optimal plan over rates and delays at once. Data only.

use serde::{Deserialize, Serialize};

use super::{LatencyLine, Plan};
use crate::file_kind::FileKind;

/// The best plans of a range of rates at several delays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelayMap {
    /// [`super::FORMAT`].
    pub format: u32,
    /// What the file holds.
    #[serde(default = "FileKind::map")]
    pub kind: FileKind,
    /// The slowest rate.
    pub from_bit_s: u64,
    /// The fastest rate.
    pub to_bit_s: u64,
    /// Shortest delay first.
    pub rows: Vec<MapRow>,
    /// Each distinct plan once.
    pub plans: Vec<MapPlan>,
    /// As for a sweep over rates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
}

/// The best plans at one delay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapRow {
    /// One way.
    pub delay_ns: u64,
    /// The delay with its unit, so that it can be typed again.
    pub delay: String,
    /// The slowest rate with a plan, when no plan meets the limits at slower ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_plan_below_bit_s: Option<u64>,
    /// Slowest rate first; empty when no plan meets the limits at any rate.
    pub segments: Vec<MapSegment>,
}

/// A range of rates with one optimal plan, at one delay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapSegment {
    /// The slowest rate at which the plan is optimal.
    pub from_bit_s: u64,
    /// The first rate at which the next plan is optimal; of the last segment, the end of the
    /// range, where this plan still is.
    pub to_bit_s: u64,
    /// Number of the plan.
    pub plan: usize,
    /// Its latency as a function of the rate, at this delay.
    pub latency: LatencyLine,
}

/// A plan of a map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapPlan {
    /// From one on.
    pub number: usize,
    /// The plan, with its numbers where it is first met: at the shortest delay, and there at the
    /// slowest rate.
    pub plan: Plan,
}

impl DelayMap {
    /// The number of the plan that is the best at a rate in one of the rows; `None` where there is
    /// none.
    pub fn at(&self, row: usize, bit_s: u64) -> Option<usize> {
        let holds =
            |segment: &&MapSegment| segment.from_bit_s <= bit_s && bit_s <= segment.to_bit_s;
        let found = self.rows.get(row)?.segments.iter().rev().find(holds);
        found.map(|segment| segment.plan)
    }
}
