//! Trials: what is known so far about one form on one tensor, and the file that keeps it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::estimate::{Outcome, Outcomes, six_digits};
use super::evaluation::Evaluation;
use super::splice::{FormEnds, SampleResult};
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::{CrossingRecord, RangeRecord, TaskDrop};

/// One form on one tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trial {
    /// The tensor.
    pub(super) tensor: String,
    /// The form, without a compression.
    pub(super) codec: Codec,
    /// Samples it was tried on, the first ones.
    pub(super) samples: usize,
    /// It loses nothing, as was found on all samples.
    pub(super) exact: bool,
    /// Why it cannot be used.
    pub(super) unusable: Option<String>,
    /// Per task; `None` where the task does not depend on the tensor.
    outcomes: Vec<Option<Outcomes>>,
    /// The form with each compression that was tried, and the encoded bytes of the first samples.
    payloads: Vec<(Codec, Vec<u64>)>,
    /// What the outcomes mean.
    #[serde(skip)]
    pub(super) drops: Vec<TaskDrop>,
}

impl Trial {
    /// Returns a trial without samples.
    pub(super) fn new(
        evaluation: &Evaluation<'_>,
        tensor: &str,
        form: &FormEnds,
        sees: &[bool],
    ) -> Trial {
        let codec = form.codec;
        let tasks = evaluation.metrics.iter().zip(sees);
        Trial {
            tensor: tensor.to_owned(),
            codec,
            samples: 0,
            exact: codec.is_lossless(),
            unusable: None,
            outcomes: tasks
                .map(|(metric, sees)| sees.then(|| Outcomes::none(metric.kind)))
                .collect(),
            payloads: form
                .stages
                .iter()
                .map(|s| (codec.then(*s), Vec::new()))
                .collect(),
            drops: Vec::new(),
        }
    }

    /// Adds the next sample; `place` says where it is.
    pub(super) fn push(&mut self, sample: SampleResult, place: impl FnOnce() -> String) {
        let number = |outcome: &Outcome| *outcome != Outcome::NotANumber;
        if !sample.outcomes.iter().all(number) {
            let problem = || format!("gives values that are no numbers ({})", place());
            self.unusable.get_or_insert_with(problem);
        }
        self.samples += 1;
        self.exact &= sample.exact;
        let seen = self.outcomes.iter_mut().flatten();
        seen.zip(sample.outcomes)
            .for_each(|(have, outcome)| have.push(outcome));
        for ((_, payloads), bytes) in self.payloads.iter_mut().zip(sample.payloads) {
            payloads.push(bytes);
        }
    }

    /// Computes the drops anew.
    pub(super) fn settle(&mut self, evaluation: &Evaluation<'_>) {
        self.drops = if self.exact {
            evaluation.drops(&vec![None; self.outcomes.len()])
        } else {
            evaluation.drops(&self.outcomes)
        };
    }

    /// Returns whether it fits the tasks of an evaluation, so that it can go on.
    pub(super) fn fits(&self, tasks: usize, samples: usize) -> bool {
        let lengths = self.outcomes.iter().flatten().map(Outcomes::len);
        self.outcomes.len() == tasks
            && self.samples <= samples
            && (self.unusable.is_some() || lengths.into_iter().all(|n| n == self.samples))
    }

    /// Returns the records of the file: one for each compression.
    pub(super) fn records(&self) -> impl Iterator<Item = CrossingRecord> {
        let usable = self.unusable.is_none() && self.samples > 1;
        let payloads = self
            .payloads
            .iter()
            .filter(move |(_, bytes)| usable && !bytes.is_empty());
        payloads.map(|(codec, bytes)| {
            let n = bytes.len() as f64;
            let mean = bytes.iter().sum::<u64>() as f64 / n;
            let squares = bytes.iter().map(|b| (*b as f64 - mean).powi(2));
            let std = (squares.sum::<f64>() / (n - 1.0).max(1.0)).sqrt();
            CrossingRecord {
                tensor: self.tensor.clone(),
                codec: *codec,
                samples: self.samples as u64,
                bytes_mean: six_digits(mean),
                bytes_std: six_digits(std),
                bytes_p95: (std > 0.0).then(|| percentile(bytes, 0.95)),
                drops: self.drops.clone(),
            }
        })
    }
}

/// The least value that at least this share of the values does not exceed.
fn percentile(values: &[u64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (share * sorted.len() as f64).ceil() as usize;
    let at = rank.clamp(1, sorted.len().max(1)) - 1;
    sorted.get(at).copied().unwrap_or(0) as f64
}

/// Everything measured so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartialAccuracy {
    /// Of the model, the data and everything else that outcomes depend on.
    pub(super) key: String,
    pub(super) ranges: Vec<RangeRecord>,
    #[serde(rename = "tried")]
    pub(super) trials: Vec<Trial>,
}

impl PartialAccuracy {
    /// Returns where the measurements for an accuracy file are kept until it is complete.
    pub fn path_beside(file: &Path) -> std::path::PathBuf {
        let mut name = file.file_name().unwrap_or_default().to_os_string();
        name.push(".partial");
        file.with_file_name(name)
    }

    /// Reads such a file; `None` when there is none that can be used.
    pub fn read(path: &Path) -> Option<PartialAccuracy> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    /// Returns the text of the file.
    ///
    /// # Errors
    /// In words.
    pub fn to_json(&self) -> Result<String, String> {
        serde_json::to_string(self).map_err(|error| error.to_string())
    }

    /// Forms and samples that were measured.
    pub fn runs(&self) -> usize {
        self.trials.iter().map(|trial| trial.samples).sum()
    }
}

#[cfg(test)]
impl Trial {
    /// With these drops after so many samples.
    pub(super) fn with(tensor: &str, codec: &str, samples: usize, drops: &[(f64, f64)]) -> Trial {
        let drop = |(at, (mean, std_error)): (usize, &(f64, f64))| TaskDrop {
            task: format!("task {at}"),
            mean: *mean,
            std_error: *std_error,
        };
        Trial {
            tensor: tensor.to_owned(),
            codec: codec.parse().unwrap_or(Codec::F32),
            samples,
            exact: false,
            unusable: None,
            outcomes: Vec::new(),
            payloads: Vec::new(),
            drops: drops.iter().enumerate().map(drop).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<u64> = (1..=40).rev().collect();
        assert_eq!(percentile(&values, 0.95), 38.0);
        assert_eq!(percentile(&[7], 0.95), 7.0);
        assert_eq!(percentile(&[], 0.95), 0.0);
    }
}
