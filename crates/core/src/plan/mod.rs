//! The answer: which layer runs where, what crosses and how, and the proof. Data only.

mod conflict;
mod evidence;
mod explanation;
mod limit_sweep;
mod lookup;
mod map;
mod measured;
mod member;
mod objective;
mod request;
mod spread;
mod sweep;
mod verification;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::codec::{ClipRange, Codec};
use crate::contents::read_text;
use crate::file_kind::FileKind;
use crate::syntax::read_toml_or_json;

pub use conflict::{Allowance, Amounts, Conflict, LimitName, MetricAllowance};
pub use evidence::{Evidence, HalfEvidence};
pub use explanation::{
    Breakpoint, Change, Condition, Contender, Explanation, LimitReason, Slack, Slacks, Step,
    Together, Unit, WhyNot,
};
pub use limit_sweep::{DelayLine, LimitSegment, LimitSweep};
pub use lookup::{Hysteresis, Lookup, LookupSegment, SentTensor, Switches};
pub use map::{DelayMap, MapPlan, MapRow, MapSegment};
pub use measured::{MeasuredPlan, Measurement};
pub use member::PlannedMember;
pub use objective::PlannedObjective;
pub use request::{Request, Source};
pub use spread::{Interval, LatencySpread, Stability};
pub use sweep::{Baseline, LatencyLine, Segment, Sweep};
pub use verification::{Verification, VerifiedCut, VerifiedPart};

/// Version of the file format this program reads and writes.
pub const FORMAT: u32 = 1;

/// The best placement found for one model, one pair of machines and one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// What the file holds.
    #[serde(default = "FileKind::plan")]
    pub kind: FileKind,
    /// How good the plan is known to be.
    pub status: Status,
    /// Why the status holds, in words.
    pub proof: String,
    /// The model that was planned.
    pub model: PlannedModel,
    /// The models of a set, each with its own part of the plan; empty for one model. Layers and
    /// tensors of the plan itself are named `member/name` then, inputs that members share as they
    /// are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<PlannedMember>,
    /// The machines and the link the numbers hold for.
    pub setting: Setting,
    /// What the plan is best at.
    #[serde(default, skip_serializing_if = "PlannedObjective::is_latency")]
    pub objective: PlannedObjective,
    /// Ids of the layers on the edge, in execution order.
    pub edge: Vec<String>,
    /// Those of them that run as a model of their own while link and server work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local: Vec<String>,
    /// Ids of the layers on the server; together with `edge`, all layers.
    pub server: Vec<String>,
    /// The tensors that are sent from edge to server.
    pub crossing: Vec<Crossing>,
    /// From the input on the edge to the last result where it is wanted.
    pub latency_ms: f64,
    /// No plan is faster than this; equal to `latency_ms` when optimal, and for other objectives
    /// than latency.
    pub bound_ms: f64,
    /// Where the latency goes; the parts add up to it.
    pub breakdown_ms: Breakdown,
    /// How likely which latency is; absent unless the rate's spread or a percentile was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_spread: Option<LatencySpread>,
    /// How far things may move before another plan wins; absent unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub robust: Option<Stability>,
    /// One entry per task.
    pub tasks: Vec<TaskPlan>,
    /// Encoded payload from edge to server, without framing.
    pub uplink_bytes: u64,
    /// Results from server to edge, without framing.
    pub downlink_bytes: u64,
    /// Peak memory of the process that runs the edge half.
    pub edge_memory_bytes: u64,
    /// Peak memory of the process that runs the server half.
    pub server_memory_bytes: u64,
    /// Energy the edge spends on one inference; unknown without `[power]` in the edge's profile.
    pub edge_energy_mj: Option<f64>,
    /// Time between frames when inferences overlap: the busiest of edge, link and server.
    pub period_ms: f64,
    /// Names of the limits without which a faster plan exists.
    pub binding: Vec<String>,
    /// Plans everybody thinks of first, fastest first.
    pub alternatives: Vec<Alternative>,
    /// What the predicted times of the two halves rest on.
    pub evidence: Evidence,
    /// What decided between the plans nearest to the predicted best; absent unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measurement>,
    /// Time spent solving; absent in files, so that the same inputs give the same bytes.
    pub solve_ms: Option<f64>,
    /// What the plan was made from; absent in the plans of a sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

/// How good a plan is known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// No plan that meets the limits is better.
    Optimal,
    /// The plan meets the limits; a better one may exist, but none below `bound_ms`.
    Feasible,
    /// No plan meets the limits.
    Infeasible,
}

/// The model a plan is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedModel {
    /// File name without folders.
    pub file: String,
    /// Hash of the model, lower-case hex.
    pub sha256: String,
}

/// The machines and the link that a plan's numbers hold for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Name of the edge board.
    pub edge: String,
    /// Name of the server.
    pub server: String,
    /// Whether the server's times are computed rather than measured there.
    pub simulated: bool,
    /// Edge to server.
    pub rate_bit_s: u64,
    /// Server to edge; absent when it follows `rate_bit_s`.
    pub down_rate_bit_s: Option<u64>,
    /// One way.
    pub delay_ms: f64,
    /// Where results are wanted: `edge`, `server` or `anywhere`.
    pub results: String,
    /// Tasks whose results are wanted elsewhere: `TASK=SIDE`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub task_results: Vec<String>,
    /// Model inputs that the server has, too: they are read there without being sent.
    #[serde(default)]
    pub local_inputs: Vec<String>,
    /// The percentile that times, payloads and the rate are planned at; absent for the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentile: Option<f64>,
    /// How likely each rate is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_spread: Option<String>,
}

/// A tensor that is sent, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crossing {
    /// Name in the model.
    pub tensor: String,
    /// How it is encoded.
    pub codec: Codec,
    /// Encoded payload without framing; its mean where it depends on the data.
    pub bytes: u64,
    /// 95th percentile of the payload where it depends on the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_p95: Option<u64>,
    /// For codecs of images: `x = (pixel - mean) / std`, one number or one per channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mean: Vec<f64>,
    /// See `mean`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub std: Vec<f64>,
    /// For codecs with calibrated bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<ClipRange>,
}

/// The parts of a latency, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breakdown {
    /// Layers on the edge, handing over what crosses, and the edge's cost of being split.
    pub edge: f64,
    /// Encoders.
    pub encode: f64,
    /// One-way delay and the time on the wire, framing included.
    pub uplink: f64,
    /// Decoders.
    pub decode: f64,
    /// Layers on the server, taking over what crosses, the cost of being split, and the serving
    /// overhead of a request.
    pub server: f64,
    /// Bringing results back: one-way delay and the time on the wire.
    pub downlink: f64,
    /// Heads on the edge that run while link and server work. No part of the sum: the latency is
    /// the longer of the two ways, this one behind `edge` and `encode`, or the others.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub local: f64,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// What a plan means for one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskPlan {
    /// The task's name.
    pub name: String,
    /// Where the layers it needs run.
    pub side: Side,
    /// When its results are there.
    pub latency_ms: f64,
    /// When they are to be there; absent without a deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<f64>,
    /// Probability that they are; absent without a deadline, or unless the rate's spread or a
    /// percentile was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_time: Option<f64>,
    /// It is computed on the edge while link and server work, after the tasks there that are not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside_link: bool,
    /// Loss of quality in the unit of the limits on it (0.01 is one percent), at its pessimistic
    /// end; absent while unmeasured.
    pub accuracy_drop: Option<f64>,
    /// What that means for the task's metric; absent while unmeasured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<TaskAccuracy>,
}

/// A task's metric under a plan, in the metric's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskAccuracy {
    /// Name of the metric, such as `top1`.
    pub metric: String,
    /// Less of it is better.
    #[serde(default)]
    pub is_error: bool,
    /// Of the whole model.
    pub baseline: f64,
    /// With the plan's encodings, as measured.
    pub expected: f64,
    /// With the plan's encodings, at the pessimistic end of the interval.
    pub worst: f64,
    /// The worst value that the limits allow; absent without limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// The encodings were measured together, not added up one by one.
    #[serde(default)]
    pub as_a_whole: bool,
}

/// Where the layers of a task run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// All on the edge.
    Edge,
    /// All on the server.
    Server,
    /// Some here, some there.
    Both,
}

/// A plan to compare with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// `all-edge`, `all-server`, `all-server u8`, `backbone`, or, for a plan that loses accuracy,
    /// `no-drop`, the best that loses none; or another model or set of models
    /// at its best, or one of these plans of it as `model, all-edge`.
    pub name: String,
    /// The other model or set of models, when it is not the plan's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its latency; without any limits where it cannot meet them.
    pub latency_ms: f64,
    /// The limit it breaks; absent when it meets them all.
    pub breaks: Option<String>,
}

/// The answer when no plan meets the limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoPlan {
    /// [`FORMAT`].
    pub format: u32,
    /// What the file holds.
    #[serde(default = "FileKind::plan")]
    pub kind: FileKind,
    /// Always [`Status::Infeasible`].
    pub status: Status,
    /// Why, in words.
    pub proof: String,
    /// The model that was planned.
    pub model: PlannedModel,
    /// The machines and the link.
    pub setting: Setting,
    /// A smallest set of limits that contradict one another: without any one of them there is a
    /// plan that meets the rest of the set.
    pub conflict: Vec<Conflict>,
    /// The least that limits with an amount must give together; absent for a single one, and when
    /// that does not help or was not found in time.
    #[serde(default)]
    pub relaxation: Option<Relaxation>,
    /// Plans everybody thinks of first, and what they break.
    pub alternatives: Vec<Alternative>,
    /// Time spent solving.
    pub solve_ms: Option<f64>,
}

/// The cheapest joint relaxation of limits that contradict one another: each with an amount gives
/// the same share of it. Of a drop below one point, that share is of one point.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relaxation {
    /// By how much each gives, in percent; a ten-thousandth of a percent less is not enough.
    pub percent: f64,
    /// The limits, with what they allow and the least they would have to.
    pub limits: Vec<Conflict>,
    /// The latency that is then possible.
    pub latency_ms: f64,
    /// The limit that has to give the smallest share of its amount when it gives alone; absent when
    /// there is none, or when more than four limits contradict one another.
    pub easiest: Option<Easiest>,
}

/// A limit that helps when it gives alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Easiest {
    /// The limit.
    pub limit: LimitName,
    /// By how much it has to give, in percent as in [`Relaxation::percent`].
    pub percent: f64,
}

/// What can be wrong with the file of a plan or a sweep.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// The file cannot be read.
    #[error("{path}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The text is not TOML of this format.
    #[error("{path}: not a {what}: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// "plan", "sweep" and so on.
        what: &'static str,
        /// The cause, with line and column.
        message: String,
    },
    /// The file was written by another version.
    #[error("{path}: format {found} is not format {FORMAT}, the one this version reads")]
    Format {
        /// The file.
        path: PathBuf,
        /// What it states.
        found: u32,
    },
    /// The plan cannot be expressed in TOML.
    #[error("the {what} cannot be written: {message}")]
    Write {
        /// "plan", "sweep" and so on.
        what: &'static str,
        /// The cause.
        message: String,
    },
}

macro_rules! toml_file {
    ($type:ty, $kind:expr, $what:literal) => {
        impl $type {
            /// Reads a file.
            ///
            /// # Errors
            /// See [`PlanFileError`].
            pub fn load(path: &Path) -> Result<Self, PlanFileError> {
                let text =
                    read_text(path, concat!("a ", $what)).map_err(|cause| PlanFileError::Io {
                        path: path.to_owned(),
                        cause,
                    })?;
                Self::parse(&text, path)
            }

            /// Reads the text of a file, or what `--json` prints; `path` is for messages.
            ///
            /// # Errors
            /// See [`PlanFileError`].
            pub fn parse(text: &str, path: &Path) -> Result<Self, PlanFileError> {
                let syntax = |message| PlanFileError::Syntax {
                    path: path.to_owned(),
                    what: $what,
                    message,
                };
                let value: Self = read_toml_or_json(text)
                    .map_err(|message| syntax($kind.refusal(text).unwrap_or(message)))?;
                if value.kind != $kind {
                    Err(syntax(format!("it holds {}", value.kind)))
                } else if value.format == FORMAT {
                    Ok(value)
                } else {
                    Err(PlanFileError::Format {
                        path: path.to_owned(),
                        found: value.format,
                    })
                }
            }

            /// Text of the file.
            ///
            /// # Errors
            /// [`PlanFileError::Write`] when a value cannot be expressed in TOML.
            pub fn to_toml(&self) -> Result<String, PlanFileError> {
                toml::to_string(self).map_err(|error| PlanFileError::Write {
                    what: $what,
                    message: error.to_string(),
                })
            }
        }
    };
}
toml_file!(Plan, FileKind::Plan, "plan");
toml_file!(Sweep, FileKind::Sweep, "sweep");
toml_file!(LimitSweep, FileKind::LimitSweep, "sweep over a limit");
toml_file!(DelayMap, FileKind::Map, "map");
toml_file!(Lookup, FileKind::Lookup, "look-up table");
toml_file!(Verification, FileKind::Verification, "verification");

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn plan() -> Plan {
        Plan {
            format: FORMAT,
            kind: FileKind::Plan,
            status: Status::Optimal,
            proof: "for the test".into(),
            model: PlannedModel {
                file: "m.onnx".into(),
                sha256: "00".into(),
            },
            members: Vec::new(),
            setting: Setting {
                edge: "pi5".into(),
                server: "sim:8x".into(),
                simulated: true,
                rate_bit_s: 10_000_000,
                down_rate_bit_s: None,
                delay_ms: 20.0,
                results: "edge".into(),
                task_results: vec!["t=server".into()],
                local_inputs: Vec::new(),
                percentile: None,
                rate_spread: None,
            },
            objective: PlannedObjective::default(),
            edge: vec!["a".into()],
            local: Vec::new(),
            server: vec!["b".into()],
            crossing: vec![Crossing {
                tensor: "a".into(),
                codec: Codec::F32,
                bytes: 12,
                bytes_p95: None,
                mean: Vec::new(),
                std: Vec::new(),
                range: None,
            }],
            latency_ms: 3.25,
            bound_ms: 3.25,
            breakdown_ms: Breakdown::default(),
            latency_spread: None,
            robust: None,
            tasks: vec![TaskPlan {
                name: "t".into(),
                side: Side::Both,
                latency_ms: 3.25,
                deadline_ms: None,
                on_time: None,
                beside_link: false,
                accuracy_drop: None,
                accuracy: None,
            }],
            uplink_bytes: 12,
            downlink_bytes: 4,
            edge_memory_bytes: 1,
            server_memory_bytes: 2,
            edge_energy_mj: None,
            period_ms: 1.0,
            binding: Vec::new(),
            alternatives: vec![Alternative {
                name: "all-edge".into(),
                model: None,
                latency_ms: 4.0,
                breaks: Some("edge-memory".into()),
            }],
            evidence: Evidence {
                edge: HalfEvidence::Measured,
                server: HalfEvidence::Simulated,
            },
            measured: None,
            solve_ms: None,
            request: Some(Request {
                edge: vec![Source {
                    name: "m.toml".into(),
                    sha256: Some("11".into()),
                }],
                spec: toml::Table::from_iter([("link".into(), "wifi".into())]),
                ..Request::default()
            }),
        }
    }

    #[test]
    fn files_read_back_what_was_written() {
        let text = plan().to_toml().unwrap();
        assert_eq!(Plan::parse(&text, Path::new("plan.toml")).unwrap(), plan());
        let sweep = Sweep {
            format: FORMAT,
            kind: FileKind::Sweep,
            no_plan_below_bit_s: Some(1),
            segments: vec![Segment {
                from_bit_s: 1,
                to_bit_s: 9,
                latency: LatencyLine {
                    fixed_ms: 0.5,
                    wire_bits: 8,
                    at_least_ms: None,
                },
                plan: plan(),
            }],
            resolution: None,
            baselines: Vec::new(),
        };
        let text = sweep.to_toml().unwrap();
        let read = Sweep::parse(&text, Path::new("sweep.toml")).unwrap();
        assert_eq!(read, sweep);
    }

    #[test]
    fn unknown_keys_and_other_formats_are_refused() {
        let path = Path::new("plan.toml");
        let text = plan().to_toml().unwrap();
        let error = Plan::parse(&format!("surprise = 1\n{text}"), path).unwrap_err();
        assert!(error.to_string().contains("surprise"), "{error}");
        let other = text.replacen("format = 1", "format = 2", 1);
        let error = Plan::parse(&other, path).unwrap_err();
        assert!(error.to_string().contains("format 2"), "{error}");
    }

    #[test]
    fn unknown_values_are_null_in_json() {
        let json = serde_json::to_value(plan()).unwrap();
        assert!(json["edge_energy_mj"].is_null());
        assert!(json["tasks"][0]["accuracy_drop"].is_null());
    }
}
