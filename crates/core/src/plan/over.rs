//! Every optimal plan over a range of amounts of a limit, of delays or of speeds, and over rates and
//! delays at once. Data only.

use serde::{Deserialize, Serialize};

use super::{LatencyLine, Plan};
use crate::file_kind::FileKind;

/// Every optimal plan over a range of amounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverSweep {
    /// [`super::FORMAT`].
    pub format: u32,
    /// What the file holds.
    #[serde(default = "FileKind::limit_sweep")]
    pub kind: FileKind,
    /// What is varied, as typed: `edge-memory`, `deadline:det`, `delay`.
    pub over: String,
    /// Unit of the amounts: `B`, `ns`, `nJ`, `uW`, `1e-6` (of a share or a metric), `1e-3/s`
    /// (frames), `1e-3` (of a speed) or `1` (of a capacity).
    pub unit: String,
    /// The least amount with a plan, when no plan meets the limits at smaller ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_plan_below: Option<u64>,
    /// The largest amount with a plan, when no plan meets the limits at larger ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_plan_above: Option<u64>,
    /// How exact the ends are; absent when they are exact and no plan is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// Least amount first. An amount belongs to the segment with `from <= amount <= to`.
    pub segments: Vec<OverSegment>,
}

/// A range of amounts with one optimal plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverSegment {
    /// The least amount at which the plan is optimal.
    pub from: u64,
    /// The largest amount at which the plan is optimal.
    pub to: u64,
    /// `from` with its unit, so that it can be typed again.
    pub from_typed: String,
    /// `to` with its unit, so that it can be typed again.
    pub to_typed: String,
    /// Its latency as a function of the delay, when that is what is varied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<DelayLine>,
    /// The plan, with its numbers at `from`.
    pub plan: Plan,
}

/// Latency as a function of the delay: `fixed_ms + delays * delay`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelayLine {
    /// The part that does not depend on the delay.
    pub fixed_ms: f64,
    /// How many delays, each one way, it waits for.
    pub delays: u64,
}

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

impl OverSweep {
    /// The segment that holds at an amount; `None` where there is no plan.
    pub fn at(&self, amount: u64) -> Option<&OverSegment> {
        let holds = |segment: &&OverSegment| (segment.from..=segment.to).contains(&amount);
        self.segments.iter().find(holds)
    }
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
