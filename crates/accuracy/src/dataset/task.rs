//! The labels of a model's tasks.

use serde::Deserialize;

use super::DataError;
use super::labels::Labels;
use super::values::Values;
use cutpoint_core::codec_accuracy::Metric;

/// Which label a task of the model has.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskData {
    /// Name of the model's task.
    pub name: String,
    /// Column of the labels; for mean IoU that of the label images, or the array of label maps.
    pub label: String,
    /// How outputs are compared with labels.
    pub metric: Metric,
    /// The labels of the classes in the order of the model's outputs; without them, the labels are
    /// the numbers of the classes, from 0.
    pub classes: Option<Vec<String>>,
    /// The number in a label map that stands for no class: 255 unless it is given. For mean IoU
    /// only.
    pub ignore: Option<i64>,
    /// Multiplied with an output to give the label's unit; for errors (`mae`, `rmse`) only.
    pub scale: Option<f64>,
    /// Added after that.
    pub offset: Option<f64>,
}

/// The labels of a task for some rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// Numbers of classes.
    Classes(Vec<usize>),
    /// What outputs, in the labels' unit, should be.
    Numbers(Vec<f64>),
}

impl TaskData {
    pub(super) fn check(&self) -> Result<(), String> {
        let task = format!("task `{}`", self.name.escape_debug());
        if self.name.is_empty() || self.label.is_empty() {
            return Err(format!("{task}: name and label may not be empty"));
        }
        if self.metric == Metric::Score {
            return Err(format!(
                "{task}: `score` is stated by hand and cannot be measured: choose top1, macro-f1, \
                 mean-iou, mae or rmse"
            ));
        }
        let is_error = self.metric.is_error();
        if is_error && self.classes.is_some() {
            return Err(format!(
                "{task}: {} compares numbers, which have no classes",
                self.metric.name()
            ));
        }
        let is_map = self.metric == Metric::MeanIou;
        if is_map && self.classes.is_some() {
            return Err(format!(
                "{task}: label maps hold the numbers of the classes: leave out `classes`"
            ));
        }
        if !is_map && self.ignore.is_some() {
            return Err(format!(
                "{task}: ignore is for mean-iou, not for {}",
                self.metric.name()
            ));
        }
        if !is_error && (self.scale.is_some() || self.offset.is_some()) {
            return Err(format!(
                "{task}: scale and offset are for mae and rmse, not for {}",
                self.metric.name()
            ));
        }
        let fine = |value: Option<f64>| value.is_none_or(f64::is_finite);
        if !fine(self.scale) || !fine(self.offset) || self.scale == Some(0.0) {
            return Err(format!(
                "{task}: scale and offset must be finite, and scale not 0"
            ));
        }
        let classes = self.classes.as_deref().unwrap_or_default();
        let twice = (1..classes.len()).find(|at| classes[..*at].contains(&classes[*at]));
        match twice {
            Some(at) => Err(format!("{task}: class `{}` is there twice", classes[at])),
            None if self.classes.as_ref().is_some_and(Vec::is_empty) => {
                Err(format!("{task}: classes may not be empty"))
            }
            None => Ok(()),
        }
    }

    /// Returns an output of the model in the unit of the labels.
    pub fn in_label_unit(&self, output: f64) -> f64 {
        output * self.scale.unwrap_or(1.0) + self.offset.unwrap_or(0.0)
    }

    /// Returns the labels of some rows, one for each: label maps come from
    /// [`super::DataSet::label_maps`]. `classes` is how many classes the model's output tells
    /// apart; it does not matter for errors.
    ///
    /// # Errors
    /// No such column; a label that is missing, no number, no class, or out of range: the message
    /// names row and column.
    pub fn targets(
        &self,
        labels: &Labels,
        rows: &[usize],
        classes: usize,
    ) -> Result<Targets, DataError> {
        if self.metric.is_error() {
            let numbers = rows.iter().map(|row| labels.number(&self.label, *row));
            return Ok(Targets::Numbers(numbers.collect::<Result<_, _>>()?));
        }
        let classes = rows.iter().map(|row| self.class(labels, *row, classes));
        Ok(Targets::Classes(classes.collect::<Result<_, _>>()?))
    }

    fn class(&self, labels: &Labels, row: usize, classes: usize) -> Result<usize, DataError> {
        let refuse = |problem: String| Err(labels.at(row, &self.label, problem));
        let class = match (&self.classes, labels.column(&self.label)?) {
            (None, Values::Texts(_)) => {
                return refuse(format!(
                    "holds text: list the classes in the order of the model's outputs by `classes = \
                     [...]` of task `{}`, or declare metric mean-iou if it names label images",
                    self.name
                ));
            }
            (None, Values::Numbers(_)) => {
                let number = labels.number(&self.label, row)?;
                if number.fract() != 0.0 || number < 0.0 {
                    return refuse(format!("{number} is no class: classes count from 0"));
                }
                number as usize
            }
            (Some(names), _) => {
                let text = labels.text(&self.label, row)?;
                match names.iter().position(|name| *name == text) {
                    Some(class) => class,
                    None => {
                        return refuse(format!(
                            "`{}` is none of the classes of task `{}`: {}",
                            text.escape_debug(),
                            self.name,
                            names.join(", ")
                        ));
                    }
                }
            }
        };
        if class < classes {
            Ok(class)
        } else {
            refuse(format!(
                "class {class} is out of range: the model tells {classes} classes apart, from 0 to {}",
                classes.saturating_sub(1)
            ))
        }
    }
}
