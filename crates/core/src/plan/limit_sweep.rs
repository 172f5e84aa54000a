//! Every optimal plan over a range of amounts of a limit, of delays or of speeds. Data only.

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::file_kind::FileKind;

/// Every optimal plan over a range of amounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSweep {
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
    pub segments: Vec<LimitSegment>,
}

/// A range of amounts with one optimal plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSegment {
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

impl LimitSweep {
    /// The segment that holds at an amount; `None` where there is no plan.
    pub fn at(&self, amount: u64) -> Option<&LimitSegment> {
        let holds = |segment: &&LimitSegment| (segment.from..=segment.to).contains(&amount);
        self.segments.iter().find(holds)
    }
}
