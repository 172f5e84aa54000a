//! How likely a plan's times are, and how far things may move before another plan wins.

use serde::{Deserialize, Serialize};

/// How the time until the last task is done is distributed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencySpread {
    /// Half of the inferences take at most this; absent when the link is down too often for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// 95 % take at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
    /// 99 % take at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
    /// Probability that all deadlines are met, at least; absent without deadlines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_time: Option<f64>,
}

/// How far one thing may move, all else as planned, with the plan still the best one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stability {
    /// How far either way was looked: by this factor.
    pub within: f64,
    /// The rate, to the bit per second unless `rate_to_1_percent`.
    pub rate_bit_s: Interval<u64>,
    /// The objective or the schedule kept the rates from being exact.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rate_to_1_percent: bool,
    /// All times on the edge, as a factor, to 1 %.
    pub edge_times: Interval<f64>,
    /// All times on the server, as a factor, to 1 %.
    pub server_times: Interval<f64>,
}

/// The ends of an interval; an end is absent where none was found as far as was looked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval<T> {
    /// The least at which the plan is still the best.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub from: Option<T>,
    /// The most.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub to: Option<T>,
}

fn none<T>() -> Option<T> {
    None
}
