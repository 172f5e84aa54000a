//! What is predicted for a split beside what was measured. Data only.

use serde::{Deserialize, Serialize};

use crate::file_kind::FileKind;

/// A split that was run over an emulated link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// [`super::FORMAT`].
    pub format: u32,
    /// What the file holds.
    #[serde(default = "FileKind::verification")]
    pub kind: FileKind,
    /// Name of the model's file.
    pub model: String,
    /// Name of the board that the prediction is about.
    pub board: String,
    /// What crosses; empty when everything runs on the edge.
    pub crossing: Vec<String>,
    /// Edge to server.
    pub rate_bit_s: u64,
    /// Server to edge.
    pub down_rate_bit_s: u64,
    /// One way.
    pub delay_ms: f64,
    /// State of the connection: `warm`.
    pub connection: String,
    /// Frames per second of paced requests; absent when they come back to back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paced_fps: Option<f64>,
    /// Threads on either side.
    pub threads: usize,
    /// What ran the halves.
    pub runtime: String,
    /// How much slower the plan is than the fastest cut measured, as a share of the latter; absent
    /// unless every cut was measured.
    #[serde(default)]
    pub regret: Option<f64>,
    /// Part by part: `edge`, `encode`, `uplink`, `server`, `decode`, `downlink` and `total`.
    pub parts: Vec<VerifiedPart>,
    /// Every cut that was measured; absent unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cuts: Option<Vec<VerifiedCut>>,
}

/// One part of the latency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifiedPart {
    /// Its name.
    pub name: String,
    /// By the cost model.
    pub predicted_ms: f64,
    /// Median.
    pub measured_ms: f64,
    /// Median absolute deviation.
    pub mad_ms: f64,
    /// Requests.
    pub n: usize,
}

/// A cut, from the inputs to the results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifiedCut {
    /// What crosses; empty when everything runs on the edge.
    pub crossing: Vec<String>,
    /// Whether it is the cut that was asked for.
    pub planned: bool,
    /// By the cost model.
    pub predicted_ms: f64,
    /// Median.
    pub measured_ms: f64,
    /// Median absolute deviation.
    pub mad_ms: f64,
    /// Requests.
    pub n: usize,
}
