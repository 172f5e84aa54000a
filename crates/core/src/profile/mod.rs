//! Measured side tables over a graph: the times of one model on one board, as a TOML file.
//!
//! The file carries the graph it measured, so that planning needs neither the model nor a runtime.
//! A file is written to a temporary name and renamed.

mod by_hand;
mod check;
mod codec_times;
mod error;
mod file;
mod graph;
mod import;
mod origin;
mod spread;
mod times;
mod union;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::file_kind::FileKind;
use crate::task::Task;

pub use codec_times::{CodecTime, codec_time};
pub use error::ProfileError;
pub use import::{ImportError, Imported, Missing, import};
pub use origin::TimeOrigin;
pub use spread::TimeSpread;
pub use times::{TimeRow, Times, TimesError, TimesFlaw};
pub use union::{Member, Names, UnionError};

/// Version of the file format this program reads and writes.
pub const FORMAT: u32 = 1;

/// The times of one model on one board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// [`FORMAT`].
    pub format: u32,
    /// What the file holds.
    #[serde(default = "FileKind::profile")]
    pub kind: FileKind,
    /// Where figures come from that nobody measured here, such as a publication: a profile with
    /// this key is written by hand, may leave out most keys, and counts as stated, not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Other tools measured the times, and `source` says where they come from.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imported: bool,
    /// What was measured.
    pub model: ModelInfo,
    /// Where it was measured.
    pub board: BoardInfo,
    /// How it was measured.
    pub method: Method,
    /// The unsplit model.
    pub whole: Whole,
    /// Peak memory of a process that runs a half.
    pub memory: MemoryModel,
    /// Power draw, stated by the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
    /// What serving a half costs; absent where nobody measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<Serving>,
    /// Model inputs that exist at run time.
    #[serde(rename = "input", default)]
    pub inputs: Vec<PortRecord>,
    /// Model outputs.
    #[serde(rename = "output", default)]
    pub outputs: Vec<PortRecord>,
    /// Named sets of outputs.
    #[serde(rename = "task", default)]
    pub tasks: Vec<Task>,
    /// Every run-time value, inputs and outputs included.
    #[serde(rename = "tensor", default)]
    pub tensors: Vec<TensorRecord>,
    /// Constants.
    #[serde(rename = "weight", default)]
    pub weights: Vec<WeightRecord>,
    /// Layers in execution order.
    #[serde(rename = "layer", default)]
    pub layers: Vec<LayerRecord>,
    /// The halves that were really measured.
    #[serde(rename = "cut", default)]
    pub cuts: Vec<CutRecord>,
    /// Times of the codecs.
    #[serde(rename = "codec", default)]
    pub codecs: Vec<CodecRecord>,
}

/// What was measured.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelInfo {
    /// File name without folders.
    pub file: String,
    /// Hash of the model file (and of its external data), lower-case hex.
    pub sha256: String,
    /// Version of the default operator set.
    pub opset: i64,
    /// Shapes fixed with `--shape`, as `input=1x3x224x224`.
    pub shapes: Vec<String>,
}

/// Where it was measured.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardInfo {
    /// Name given with `--board`.
    pub name: String,
    /// The machine that server times hold for, when a table by hand states those of another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Processor, such as `AMD EPYC`.
    pub cpu: String,
    /// Cores by kind, such as `4x Cortex-A76 + 4x Cortex-A55` or `2`.
    pub cores: String,
    /// Main memory.
    pub memory_bytes: u64,
    /// Operating system and kernel.
    pub os: String,
    /// Such as `onnxruntime 1.31.1`.
    pub runtime: String,
    /// Execution provider, such as `cpu`.
    pub provider: String,
    /// Threads of the runtime.
    pub threads: usize,
    /// Frequency governor; empty where there is none.
    pub governor: String,
    /// Hottest sensor at the start; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_start_c: Option<f64>,
    /// Hottest sensor at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_end_c: Option<f64>,
    /// Highest core frequency at the start; absent where unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_start_mhz: Option<f64>,
    /// Highest core frequency at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_end_mhz: Option<f64>,
    /// Measured peak of a matrix product, for rooflines.
    pub peak_gflop_s: f64,
    /// Measured copy bandwidth, for rooflines.
    pub mem_gb_s: f64,
}

/// How it was measured.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// Runs of each session before the first that counts.
    pub warmup: usize,
    /// Least number of counted rounds of a cut.
    pub runs: usize,
    /// Optimisation level of the runtime.
    pub optimization: String,
    /// `interleaved` (others run in between) or `warm`.
    pub cache: String,
    /// Frames per second when the runs were paced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paced_fps: Option<f64>,
    /// Relative median absolute deviation of the whole model's time.
    pub noise: f64,
    /// Median error of cuts left out of the fit, as a share of the whole model's time.
    pub loo_error_median: f64,
    /// Largest such error.
    pub loo_error_max: f64,
    /// Same half measured twice, in fresh sessions: median difference, as a share of the whole.
    pub repeatability: f64,
    /// Median of the last third of the rounds over the first third, minus one.
    pub drift: f64,
    /// Share of samples rejected because another program ran.
    pub disturbed: f64,
    /// Wall time of the measurement.
    pub duration_s: f64,
    /// Extra edge time of any split.
    pub split_edge_us: f64,
    /// Extra server time of any split.
    pub split_server_us: f64,
}

/// Times of the unsplit model, in microseconds.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Whole {
    pub median_us: f64,
    pub mad_us: f64,
    pub p90_us: f64,
    pub p99_us: f64,
    pub runs: usize,
}

/// Peak memory of a process that runs a half:
/// `base + weight_factor * weights + activation_factor * peak of live activations`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct MemoryModel {
    pub base_bytes: u64,
    pub weight_factor: f64,
    pub activation_factor: f64,
}

/// Power draw in watts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Power {
    pub compute_w: f64,
    pub transmit_w: f64,
    pub idle_w: f64,
}

/// What a request costs on this machine beside its halves and the link: the protocol, copies, and
/// waking processes at both ends. Measured on a warm loopback connection, one request after another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serving {
    /// How requests were sent, such as `grpc`.
    pub protocol: String,
    /// Median per request.
    pub request_us: f64,
    /// Median absolute deviation.
    pub mad_us: f64,
    /// Requests.
    pub runs: usize,
    /// Bytes of their messages.
    pub message_bytes: u64,
}

/// A model input or output.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PortRecord {
    pub name: String,
    pub dtype: String,
    pub shape: Vec<u64>,
    pub bytes: u64,
}

/// A run-time value.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorRecord {
    /// Name in the model.
    pub name: String,
    /// Element type.
    pub dtype: String,
    /// Size of each dimension.
    pub shape: Vec<u64>,
    /// Size in its own type.
    pub bytes: u64,
    /// Whether it may cross.
    pub cuttable: bool,
    /// Why not; empty when it may.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Extra edge time when it crosses.
    pub send_us: f64,
    /// Extra server time when it crosses.
    pub recv_us: f64,
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct WeightRecord {
    pub name: String,
    pub bytes: u64,
}

/// A layer with its times.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerRecord {
    /// See [`Layer::id`](crate::graph::Layer::id).
    pub id: String,
    /// See [`Layer::name`](crate::graph::Layer::name).
    pub name: String,
    /// See [`Layer::op`](crate::graph::Layer::op).
    pub op: String,
    /// See [`Layer::members`](crate::graph::Layer::members).
    pub members: Vec<String>,
    /// Names of the tensors read.
    pub inputs: Vec<String>,
    /// Names of the tensors produced.
    pub outputs: Vec<String>,
    /// Names of the constants read.
    pub weights: Vec<String>,
    /// See [`Layer::flops`](crate::graph::Layer::flops).
    pub flops: u64,
    /// Calibrated time as part of an edge half.
    pub edge_us: f64,
    /// Calibrated time as part of a server half.
    pub server_us: f64,
    /// Time in the runtime's own trace, scaled to the whole model's median.
    pub trace_us: f64,
    /// Spread of the traced time: its median absolute deviation.
    pub mad_us: f64,
    /// Runs behind the traced time; zero when nobody says how many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub runs: usize,
    /// What the layer takes up on the edge of named capacities, stated by the user, such as
    /// `{ BRAM = 3, LUT = 100 }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub uses: BTreeMap<String, u32>,
}

/// Two halves that were really measured.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutRecord {
    /// All tensors that cross.
    pub tensors: Vec<String>,
    /// Layers on the edge when they are more than the crossing tensors need (heads that stay).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// Median of the edge half.
    pub edge_us: f64,
    /// Median of the server half.
    pub server_us: f64,
    /// Spread of the edge half.
    pub edge_mad_us: f64,
    /// Spread of the server half.
    pub server_mad_us: f64,
    /// Counted rounds.
    pub rounds: usize,
    /// Same half measured twice, in fresh sessions: the difference, edge half.
    pub edge_repeat_us: f64,
    /// Same half measured twice, in fresh sessions: the difference, server half.
    pub server_repeat_us: f64,
    /// Predicted minus measured, edge half.
    pub edge_residual_us: f64,
    /// Predicted minus measured, server half.
    pub server_residual_us: f64,
    /// Predicted without this cut in the fit, minus measured, edge half.
    pub edge_loo_us: f64,
    /// Predicted without this cut in the fit, minus measured, server half.
    pub server_loo_us: f64,
}

/// Times of a codec, or of a part of one: `fixed + per byte`, as [`codec_time`] adds them up.
///
/// - Codecs of numbers (`f16`, `q8`, `u8`, `q4c`, ...): operators of the halves; bytes of the
///   tensor in its own type.
/// - Image files (`png`, `jpeg90`, ...): what comes on top of `u8` outside the halves; bytes of the
///   tensor in its own type, too.
/// - Compressions (`deflate`, `zstd`), on one thread: bytes of the message before them.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct CodecRecord {
    pub name: String,
    pub dtype: String,
    pub enc_us: f64,
    pub enc_ns_per_byte: f64,
    pub dec_us: f64,
    pub dec_ns_per_byte: f64,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}
