//! What predicted times rest on.

use serde::{Deserialize, Serialize};

/// What the predicted times of a plan's halves rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The edge half.
    pub edge: HalfEvidence,
    /// The server half.
    pub server: HalfEvidence,
}

/// What the predicted time of a half rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HalfEvidence {
    /// This very half was run on that machine.
    Measured,
    /// The half follows from other halves measured on that machine.
    Predicted,
    /// The times were stated by hand, not measured.
    Stated,
    /// Another tool measured the times of the layers.
    Imported,
    /// The machine itself is simulated.
    Simulated,
}
