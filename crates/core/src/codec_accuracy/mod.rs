//! What encodings cost in accuracy: measured, or stated by hand, per tensor, codec and task.
//!
//! The file `<model>.accuracy.toml` lies beside a profile or beside the model. Nothing in it depends
//! on a board.

mod confidence;
mod metric;
mod union;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::codec::{ClipRange, Codec};
use crate::contents::read_text;
use crate::file_kind::FileKind;
use crate::syntax::read_toml;

pub use confidence::{BadConfidence, Confidence};
pub use metric::Metric;

/// Version of the file format.
pub const FORMAT: u32 = 1;

/// Accuracy of a model, whole and with tensors encoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodecAccuracy {
    /// Version of the file format, 1.
    pub format: u32,
    /// What the file holds.
    #[serde(default = "FileKind::accuracy")]
    pub kind: FileKind,
    /// The model it holds for.
    pub model: ModelId,
    /// What it was measured on.
    pub data: DataInfo,
    /// How good the whole model is, per task.
    #[serde(rename = "task", default)]
    pub tasks: Vec<TaskAccuracy>,
    /// Calibrated bounds of the codecs that need them.
    #[serde(rename = "range", default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<RangeRecord>,
    /// One tensor encoded, the others as they are.
    #[serde(rename = "crossing", default, skip_serializing_if = "Vec::is_empty")]
    pub crossings: Vec<CrossingRecord>,
    /// Several tensors encoded at once, as in a plan.
    #[serde(rename = "joint", default, skip_serializing_if = "Vec::is_empty")]
    pub whole_plans: Vec<WholePlanRecord>,
}

/// A model's file and hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelId {
    /// File name.
    pub file: String,
    /// Hash of the file.
    pub sha256: String,
}

/// Where the figures come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataInfo {
    /// In words, such as the data set's name, or the publication of figures stated by hand.
    pub source: String,
    /// Samples of the evaluation; 0 for figures stated by hand.
    pub samples: u64,
    /// Hash of what was evaluated, so that a resumed run uses the same samples.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// Samples that bounds were calibrated on, none of them among the evaluated ones.
    #[serde(default)]
    pub calibration_samples: u64,
    /// Without labels the reference is the whole model's own answer.
    #[serde(default = "yes")]
    pub labelled: bool,
}

fn yes() -> bool {
    true
}

/// How good the whole model is at a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskAccuracy {
    /// The task.
    pub name: String,
    /// What is measured.
    pub metric: Metric,
    /// Of the whole model, in the metric's unit.
    pub baseline: f64,
    /// Standard error of `baseline`.
    #[serde(default)]
    pub std_error: f64,
}

/// Calibrated bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeRecord {
    /// The tensor.
    pub tensor: String,
    /// The codec, without a compression.
    pub codec: Codec,
    /// See [`ClipRange`].
    pub low: Vec<f32>,
    /// See [`ClipRange`].
    pub high: Vec<f32>,
}

/// One tensor encoded in one way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossingRecord {
    /// The tensor.
    pub tensor: String,
    /// How it is encoded.
    pub codec: Codec,
    /// Samples it was measured on; 0 when stated by hand.
    #[serde(default)]
    pub samples: u64,
    /// Encoded payload, mean.
    pub bytes_mean: f64,
    /// Encoded payload, standard deviation between samples.
    #[serde(default)]
    pub bytes_std: f64,
    /// Encoded payload, 95th percentile; the mean when not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_p95: Option<f64>,
    /// What it costs, per task; a task that is missing was not measured.
    #[serde(rename = "drop", default, skip_serializing_if = "Vec::is_empty")]
    pub drops: Vec<TaskDrop>,
}

/// How much worse a task's metric becomes: in points of the metric (0.01 is one percent of the
/// samples) when more is better, in shares of the whole model's error when less is better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskDrop {
    /// The task.
    pub task: String,
    /// Negative when the metric became better.
    pub mean: f64,
    /// Standard error of `mean`; 0 when stated by hand.
    #[serde(default)]
    pub std_error: f64,
}

impl TaskDrop {
    /// Returns the pessimistic end of the one-sided interval `z` standard errors wide.
    pub fn pessimistic(&self, z: f64) -> f64 {
        self.mean + z * self.std_error
    }
}

impl RangeRecord {
    /// Returns the bounds.
    pub fn range(&self) -> ClipRange {
        ClipRange {
            low: self.low.clone(),
            high: self.high.clone(),
        }
    }
}

/// Several tensors encoded at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WholePlanRecord {
    /// The tensors.
    pub tensors: Vec<String>,
    /// Their codecs, in the same order.
    pub codecs: Vec<Codec>,
    /// Layers on the edge: tasks computed there see nothing of the codecs.
    pub edge: Vec<String>,
    /// Samples it was measured on.
    pub samples: u64,
    /// What it costs, per task.
    #[serde(rename = "drop")]
    pub drops: Vec<TaskDrop>,
}

/// What makes an accuracy file unusable.
#[derive(Debug, thiserror::Error)]
pub enum CodecAccuracyError {
    /// It cannot be read.
    #[error("cannot read {path}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// It is not an accuracy file.
    #[error("{path} is not an accuracy file: {message}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// It cannot be expressed in TOML.
    #[error("cannot write the accuracy file: {0}")]
    Write(String),
}

impl CodecAccuracy {
    /// Reads a file.
    ///
    /// # Errors
    /// See [`CodecAccuracyError`].
    pub fn load(path: &Path) -> Result<CodecAccuracy, CodecAccuracyError> {
        let text = read_text(path, "an accuracy file").map_err(|cause| CodecAccuracyError::Io {
            path: path.to_owned(),
            cause,
        })?;
        CodecAccuracy::parse(&text, path)
    }

    /// Reads the text of a file; `path` is for messages.
    ///
    /// # Errors
    /// [`CodecAccuracyError::Content`].
    pub fn parse(text: &str, path: &Path) -> Result<CodecAccuracy, CodecAccuracyError> {
        let content = |message: String| CodecAccuracyError::Content {
            path: path.to_owned(),
            message,
        };
        let kind = FileKind::Accuracy;
        let value: CodecAccuracy =
            read_toml(text).map_err(|message| content(kind.refusal(text).unwrap_or(message)))?;
        if value.kind != kind {
            return Err(content(format!("it holds {}", value.kind)));
        }
        value.check().map_err(content)?;
        Ok(value)
    }

    /// Returns the text of the file.
    ///
    /// # Errors
    /// [`CodecAccuracyError::Write`].
    pub fn to_toml(&self) -> Result<String, CodecAccuracyError> {
        toml::to_string(self).map_err(|error| CodecAccuracyError::Write(error.to_string()))
    }

    /// Returns the record of one tensor in one codec.
    pub fn crossing(&self, tensor: &str, codec: Codec) -> Option<&CrossingRecord> {
        let mut records = self.crossings.iter();
        records.find(|r| r.tensor == tensor && r.codec == codec)
    }

    /// Returns the bounds of a tensor for a codec, whatever it is compressed with.
    pub fn range(&self, tensor: &str, codec: Codec) -> Option<ClipRange> {
        let mut ranges = self.ranges.iter();
        let record = ranges.find(|r| r.tensor == tensor && r.codec.form == codec.form);
        record.map(RangeRecord::range)
    }

    /// Returns the record of a placement: layers on the edge and what crosses, in any order;
    /// compressions change nothing.
    pub fn whole_plan(
        &self,
        edge: &[String],
        crossing: &[(String, Codec)],
    ) -> Option<&WholePlanRecord> {
        let same_edge = |record: &WholePlanRecord| {
            record.edge.len() == edge.len() && edge.iter().all(|id| record.edge.contains(id))
        };
        let sent = |record: &WholePlanRecord, (tensor, codec): &(String, Codec)| {
            let mut pairs = record.tensors.iter().zip(&record.codecs);
            pairs.any(|(name, other)| name == tensor && other.same_values(*codec))
        };
        let mut records = self.whole_plans.iter();
        records.find(|record| {
            let same_size = record.tensors.len() == crossing.len();
            same_size && same_edge(record) && crossing.iter().all(|pair| sent(record, pair))
        })
    }

    /// Returns a task.
    pub fn task(&self, name: &str) -> Option<&TaskAccuracy> {
        self.tasks.iter().find(|task| task.name == name)
    }

    /// What is wrong with the values, if anything.
    fn check(&self) -> Result<(), String> {
        if self.format != FORMAT {
            let format = self.format;
            return Err(format!(
                "format {format} is not format {FORMAT}, the one this version reads"
            ));
        }
        for task in &self.tasks {
            let named = |problem| format!("task `{}`: {problem}", task.name);
            task.metric.check(task.baseline).map_err(named)?;
            not_negative("std_error", task.std_error).map_err(named)?;
            if self.tasks.iter().filter(|t| t.name == task.name).count() > 1 {
                return Err(named("it is listed twice".to_owned()));
            }
        }
        for range in &self.ranges {
            let named =
                |problem| format!("range of `{}` as {}: {problem}", range.tensor, range.codec);
            range.range().check().map_err(named)?;
        }
        for record in &self.crossings {
            let named = |problem| format!("`{}` as {}: {problem}", record.tensor, record.codec);
            not_negative("bytes_mean", record.bytes_mean).map_err(named)?;
            not_negative("bytes_std", record.bytes_std).map_err(named)?;
            not_negative("bytes_p95", record.bytes_p95.unwrap_or(0.0)).map_err(named)?;
            self.check_drops(&record.drops).map_err(named)?;
        }
        for record in &self.whole_plans {
            let named = |problem| format!("`{}` together: {problem}", record.tensors.join("`, `"));
            if record.tensors.len() != record.codecs.len() {
                return Err(named("there must be one codec for each tensor".to_owned()));
            }
            self.check_drops(&record.drops).map_err(named)?;
        }
        Ok(())
    }

    fn check_drops(&self, drops: &[TaskDrop]) -> Result<(), String> {
        drops.iter().try_for_each(|drop| {
            let task = &drop.task;
            if self.task(task).is_none() {
                return Err(format!(
                    "there is no task `{task}`; add a [[task]] of that name"
                ));
            }
            if !drop.mean.is_finite() || drop.mean.abs() > 1e6 {
                return Err(format!("the drop of task `{task}` is no sensible number"));
            }
            not_negative("std_error", drop.std_error)
        })
    }
}

fn not_negative(what: &str, value: f64) -> Result<(), String> {
    if (0.0..=1e15).contains(&value) {
        Ok(())
    } else {
        Err(format!(
            "{what} = {value} is not a sensible number of 0 or more"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BY_HAND: &str = r#"
        format = 1
        [model]
        file = "m.onnx"
        sha256 = "00"
        [data]
        source = "a publication"
        samples = 0
        [[task]]
        name = "angle"
        metric = "mae"
        baseline = 2.5
        [[range]]
        tensor = "t"
        codec = "q4"
        low = [0.0]
        high = [3.5]
        [[crossing]]
        tensor = "t"
        codec = "q4+zstd"
        bytes_mean = 800.5
        drop = [{ task = "angle", mean = 0.02, std_error = 0.005 }]
    "#;

    fn parse(text: &str) -> Result<CodecAccuracy, String> {
        CodecAccuracy::parse(text, Path::new("m.accuracy.toml")).map_err(|e| e.to_string())
    }

    #[test]
    fn files_read_back_what_was_written() {
        let read = parse(BY_HAND).unwrap();
        assert_eq!(parse(&read.to_toml().unwrap()), Ok(read.clone()));
        let codec = "q4+zstd".parse().unwrap();
        assert_eq!(read.range("t", codec).unwrap().high, [3.5]);
        let record = read.crossing("t", codec).unwrap();
        assert!((record.drops[0].pessimistic(2.0) - 0.03).abs() < 1e-12);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_place() {
        for (from, to, says) in [
            ("baseline = 2.5", "baseline = 0.0", "task `angle`"),
            ("baseline = 2.5", "baseline = nan", "task `angle`"),
            ("\"mae\"", "\"top1\"", "between 0 and 1"),
            ("high = [3.5]", "high = [-1.0]", "range of `t` as q4"),
            (
                "task = \"angle\"",
                "task = \"size\"",
                "there is no task `size`",
            ),
            ("mean = 0.02", "mean = inf", "`t` as q4+zstd"),
            ("bytes_mean = 800.5", "bytes_mean = -1.0", "bytes_mean"),
            ("codec = \"q4+zstd\"", "codec = \"q5\"", "not a codec"),
            ("format = 1", "format = 2", "format 2"),
        ] {
            let error = parse(&BY_HAND.replacen(from, to, 1)).unwrap_err();
            assert!(
                error.contains(says) && error.contains("m.accuracy.toml"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_drop_in_an_error_is_a_share_of_it() {
        assert!((Metric::Mae.after(2.0, 0.1) - 2.2).abs() < 1e-12);
        assert!((Metric::Mae.drop_to(2.0, 2.2) - 0.1).abs() < 1e-12);
        assert!((Metric::Top1.after(0.9, 0.1) - 0.8).abs() < 1e-12);
    }
}
