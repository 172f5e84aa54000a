//! Every optimal plan over a range of rates. Data only.

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::file_kind::FileKind;

/// Every optimal plan over a range of rates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// [`super::FORMAT`].
    pub format: u32,
    /// What the file holds.
    #[serde(default = "FileKind::sweep")]
    pub kind: FileKind,
    /// The slowest rate of the range with a plan, when no plan meets the limits at slower ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_plan_below_bit_s: Option<u64>,
    /// Slowest rate first; `to_bit_s` of one is `from_bit_s` of the next.
    pub segments: Vec<Segment>,
    /// What may be missing, when there were too many plans to compare between the rates solved for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// Plans to compare with, at every rate.
    pub baselines: Vec<Baseline>,
}

/// A range of rates with one optimal plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The slowest rate at which the plan is optimal.
    pub from_bit_s: u64,
    /// The first rate at which the next plan is optimal; of the last segment, the end of the
    /// range, where this plan still is.
    pub to_bit_s: u64,
    /// Its latency as a function of the rate.
    pub latency: LatencyLine,
    /// The plan, with its numbers at `from_bit_s`.
    pub plan: Plan,
}

/// A plan to compare with, over a range of rates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// See [`super::Alternative::name`].
    pub name: String,
    /// Its latency as a function of the rate.
    pub latency: LatencyLine,
    /// The limit it breaks; absent when it meets them all.
    pub breaks: Option<String>,
}

/// Latency as a function of the rate: `fixed_ms + wire_bits / rate`, or `at_least_ms` if that is more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencyLine {
    /// The part that does not depend on the rate.
    pub fixed_ms: f64,
    /// Bits on the wire, framing included.
    pub wire_bits: u64,
    /// When heads that the edge keeps, beside link and server, are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least_ms: Option<f64>,
}

impl LatencyLine {
    /// The latency at a rate, in milliseconds.
    pub fn at_bit_s(&self, rate_bit_s: f64) -> f64 {
        let line_ms = self.fixed_ms + self.wire_bits as f64 * 1e3 / rate_bit_s;
        self.at_least_ms.map_or(line_ms, |least| line_ms.max(least))
    }
}

impl Sweep {
    /// The segment that holds at a rate; `None` outside the range.
    pub fn at(&self, rate_bit_s: u64) -> Option<&Segment> {
        let inside = |s: &&Segment| s.from_bit_s <= rate_bit_s && rate_bit_s <= s.to_bit_s;
        self.segments.iter().rev().find(inside)
    }
}
