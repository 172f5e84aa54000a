//! What a plan is best at.

use serde::{Deserialize, Serialize};

/// What a plan is best at, other than latency.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedObjective {
    /// Name of the objective; empty for latency.
    pub name: String,
    /// What it comes to: milliseconds, millijoules (`energy`) or bytes (`uplink`).
    pub value: f64,
    /// No plan has less.
    pub bound: f64,
    /// Name of the objective that decided between equally good plans; empty without.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub then: String,
}

impl PlannedObjective {
    /// Whether it is latency alone.
    pub fn is_latency(&self) -> bool {
        self.name.is_empty()
    }

    /// What it comes to in a plan of this latency.
    pub fn value_with(&self, latency_ms: f64) -> f64 {
        if self.is_latency() {
            latency_ms
        } else {
            self.value
        }
    }
}
