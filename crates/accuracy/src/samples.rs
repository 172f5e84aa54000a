//! The samples of a data set that are evaluated, and those that bounds are calibrated on.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::AccuracyError;
use crate::dataset::{DataSet, Pixels, Preprocessing};

/// The split that is evaluated unless another is asked for.
const TEST: &str = "test";
/// The split that bounds are calibrated on.
const TRAIN: &str = "train";
/// Fewest samples from which an interval says anything.
const FEWEST: usize = 16;

/// Samples of a data set for a model: those that are evaluated, in an order drawn by lot, and
/// others to calibrate on.
#[derive(Debug)]
pub struct Samples {
    set: DataSet,
    preprocessing: Preprocessing,
    evaluated: Vec<usize>,
    calibration: Vec<usize>,
}

/// How many samples to take, and from where.
#[derive(Debug, Clone, Default)]
pub struct SampleChoice {
    /// The split to evaluate; `None` takes `test`, or all rows when nothing says which are which.
    pub split: Option<String>,
    /// Most samples to evaluate; `None` takes all.
    pub samples: Option<usize>,
    /// Samples to calibrate on.
    pub calibration: usize,
}

impl Samples {
    /// Opens the data set in `data` for the model in the file `model`, whose `.data.toml` lies
    /// beside it, and draws samples.
    ///
    /// # Errors
    /// The `.data.toml` is missing, the data set cannot be read, or as [`Samples::choose`].
    pub fn open(
        model: &Path,
        data: &Path,
        choice: &SampleChoice,
    ) -> Result<Samples, AccuracyError> {
        let Some(preprocessing) = Preprocessing::beside(model)? else {
            return Err(AccuracyError::Misfit(format!(
                "{} is missing: say there how images become the model's input ([input] with name, \
                 layout, mean and std) and which label each task has ([[task]] with name, label \
                 and metric)",
                Preprocessing::path_beside(model).display()
            )));
        };
        let set = DataSet::open_for(data, &preprocessing)?;
        Samples::choose(set, preprocessing, choice)
    }

    /// Draws samples, the same every time. Those for calibration come from the split `train`
    /// where there is one and another is evaluated, and otherwise from what is left over.
    ///
    /// # Errors
    /// No such split, or too few samples.
    pub fn choose(
        set: DataSet,
        preprocessing: Preprocessing,
        choice: &SampleChoice,
    ) -> Result<Samples, AccuracyError> {
        let labels = set.labels();
        let mut rows = match &choice.split {
            Some(split) => labels.rows_of(split)?,
            None if labels.has_split() => labels.rows_of(TEST)?,
            None => (0..set.len()).collect(),
        };
        shuffle(&mut rows);
        let split = choice.split.as_deref().unwrap_or(TEST);
        let train = if labels.has_split() && split != TRAIN {
            labels.rows_of(TRAIN).ok()
        } else {
            None
        };
        let calibration = match train {
            Some(mut train) => {
                shuffle(&mut train);
                train.truncate(choice.calibration);
                train
            }
            // no more than a quarter: the others are to be evaluated
            None => {
                let spare = rows
                    .len()
                    .saturating_sub(choice.samples.unwrap_or(rows.len()));
                let most = spare.max(rows.len() / 4);
                rows.split_off(rows.len() - choice.calibration.min(most))
            }
        };
        rows.truncate(choice.samples.unwrap_or(usize::MAX));
        if rows.len() < FEWEST {
            return Err(AccuracyError::Misfit(format!(
                "{}: only {} samples to evaluate, and an interval needs {FEWEST} at least: add \
                 images, or raise --samples",
                labels.path().display(),
                rows.len()
            )));
        }
        Ok(Samples {
            set,
            preprocessing,
            evaluated: rows,
            calibration,
        })
    }

    /// Returns the samples to evaluate.
    pub fn len(&self) -> usize {
        self.evaluated.len()
    }

    /// Never: an interval needs some.
    pub fn is_empty(&self) -> bool {
        self.evaluated.is_empty()
    }

    /// Returns the rows that are evaluated, in the order in which they are used.
    pub fn evaluated(&self) -> &[usize] {
        &self.evaluated
    }

    /// Returns the rows that bounds are calibrated on; none of them is evaluated.
    pub fn calibration(&self) -> &[usize] {
        &self.calibration
    }

    /// Returns what the data are for the model.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// Returns the data set.
    pub fn set(&self) -> &DataSet {
        &self.set
    }

    /// Returns whether the images have eight bits, so that image codecs can carry them.
    ///
    /// # Errors
    /// The first image cannot be read.
    pub(super) fn are_bytes(&self) -> Result<bool, AccuracyError> {
        let first = self.evaluated.first().copied().unwrap_or(0);
        Ok(matches!(self.set.image(first)?.pixels, Pixels::Bytes(_)))
    }

    /// Returns the model's input for a row.
    ///
    /// # Errors
    /// The image cannot be read or does not fit.
    pub(super) fn input(&self, row: usize, shape: &[u64]) -> Result<Vec<f32>, AccuracyError> {
        let shape: Vec<usize> = shape.iter().map(|d| *d as usize).collect();
        let tensor = self.set.sample(row, &self.preprocessing, &shape)?;
        Ok(tensor.iter().copied().collect())
    }

    /// Returns where a row is, for messages.
    pub(super) fn place(&self, row: usize) -> String {
        format!("{}, row {}", self.set.labels().path().display(), row + 1)
    }
}

/// Orders rows by a hash of their number: by lot, yet the same on every machine and whatever other
/// rows there are.
fn shuffle(rows: &mut [usize]) {
    rows.sort_by_cached_key(|row| <[u8; 32]>::from(Sha256::digest((*row as u64).to_le_bytes())));
}
