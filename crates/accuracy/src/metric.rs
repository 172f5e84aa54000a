//! Metrics of tasks: what the outputs of one inference contribute.

use super::AccuracyError;
use super::estimate::Outcome;
use super::samples::Samples;
use crate::dataset::{LabelMaps, MapShape, Targets, TaskData};
use cutpoint_core::codec_accuracy::Metric;
use cutpoint_core::graph::{Graph, Tensor};
use cutpoint_core::task::Task;
use cutpoint_runtime::session::Values;
use cutpoint_runtime::values::numbers;

/// How a task is scored.
#[derive(Debug)]
pub(super) struct TaskMetric {
    pub(super) task: Task,
    pub(super) kind: Metric,
    /// The labels; `None` compares with the whole model's own outputs.
    labels: Option<TaskData>,
    /// Classes that the output tells apart.
    classes: usize,
    /// Of an output that is compared with label maps.
    map: Option<MapShape>,
}

/// What a task's outputs should be, for each evaluated sample.
#[derive(Debug)]
pub(super) enum Truth {
    /// Classes; without labels those that the whole model finds.
    Classes(Vec<u32>),
    /// Numbers in the labels' unit.
    Numbers(Vec<f64>),
    /// A class for each pixel, read when it is needed.
    Maps(LabelMaps),
    /// The whole model's outputs, which are not kept.
    Whole,
}

impl Truth {
    /// Returns the classes, where there are any.
    pub(super) fn classes(&self) -> &[u32] {
        match self {
            Truth::Classes(classes) => classes,
            _ => &[],
        }
    }
}

impl TaskMetric {
    /// Returns a task with labels, as the file beside the model declares them.
    pub(super) fn labelled(
        graph: &Graph,
        task: &Task,
        samples: &Samples,
    ) -> Result<TaskMetric, AccuracyError> {
        let preprocessing = samples.preprocessing();
        let data = preprocessing.task(&task.name)?.clone();
        let misfit = |problem: String| {
            let path = preprocessing.path().display();
            AccuracyError::Misfit(format!("{path}, task `{}`: {problem}", task.name))
        };
        let output = output(graph, task)?;
        let Some(output) = output else {
            return Err(misfit(format!(
                "it has {} outputs, and a label belongs to one: split it with --task, or add \
                 --agreement to compare with the whole model's own outputs",
                task.outputs.len()
            )));
        };
        let elements = output.elements();
        match data.metric {
            Metric::Top1 | Metric::MacroF1 if elements < 2 => Err(misfit(format!(
                "output `{}` has one number, and {} needs a score for each class: declare metric \
                 mae or rmse",
                output.name,
                data.metric.name()
            ))),
            Metric::Mae | Metric::Rmse if elements != 1 => Err(misfit(format!(
                "output `{}` has {elements} numbers for one label: declare metric top1, or add \
                 --agreement",
                output.name
            ))),
            Metric::MeanIou if map_shape(output).is_none() => Err(misfit(format!(
                "output `{}` has shape {:?}, and mean-iou needs a plane of scores for each class: \
                 [1, classes, height, width]",
                output.name, output.shape
            ))),
            metric => Ok(TaskMetric {
                task: task.clone(),
                kind: metric,
                labels: Some(data),
                classes: match metric {
                    Metric::MeanIou => map_shape(output).map_or(0, |map| map.classes),
                    _ => elements as usize,
                },
                map: map_shape(output),
            }),
        }
    }

    /// Returns a task compared with the whole model's own outputs: the class with the highest
    /// score, maps of classes where that is declared, and otherwise the relative error.
    pub(super) fn agreement(
        graph: &Graph,
        task: &Task,
        samples: &Samples,
    ) -> Result<TaskMetric, AccuracyError> {
        let declared = samples.preprocessing().task(&task.name).ok();
        let output = output(graph, task)?;
        let shape = output.map_or(&[][..], |output| &output.shape);
        let metric = match (declared.map(|data| data.metric), shape) {
            (Some(Metric::MeanIou), [1, classes, ..]) if *classes > 1 => Metric::MeanIou,
            (Some(Metric::Top1 | Metric::MacroF1), _) if output.is_some() => Metric::Top1,
            (None, [1, classes]) if *classes > 1 => Metric::Top1,
            _ => Metric::Score,
        };
        let classes = match metric {
            Metric::MeanIou => shape.get(1).copied().unwrap_or(0),
            _ => output.map_or(0, Tensor::elements),
        };
        Ok(TaskMetric {
            task: task.clone(),
            kind: metric,
            labels: None,
            classes: classes as usize,
            map: None,
        })
    }

    /// Returns whether there are labels.
    pub(super) fn is_labelled(&self) -> bool {
        self.labels.is_some()
    }

    /// Returns the labels of the evaluated samples; empty where the whole model has to tell.
    pub(super) fn truth(&self, samples: &Samples) -> Result<Truth, AccuracyError> {
        let Some(data) = &self.labels else {
            return Ok(match self.kind {
                Metric::Top1 => Truth::Classes(Vec::new()),
                _ => Truth::Whole,
            });
        };
        let set = samples.set();
        if let (Metric::MeanIou, Some(shape)) = (self.kind, self.map) {
            let maps = set.label_maps(data, samples.evaluated(), shape)?;
            return Ok(Truth::Maps(maps));
        }
        Ok(
            match data.targets(set.labels(), samples.evaluated(), self.classes)? {
                Targets::Classes(classes) => {
                    Truth::Classes(classes.into_iter().map(|c| c as u32).collect())
                }
                Targets::Numbers(numbers) => Truth::Numbers(numbers),
            },
        )
    }

    /// Returns what the outputs of sample `index` contribute; `whole` are the whole model's own.
    ///
    /// # Errors
    /// An output is missing or holds no real numbers.
    pub(super) fn outcome(
        &self,
        truth: &Truth,
        index: usize,
        found: &Values,
        whole: &Values,
    ) -> Result<Outcome, AccuracyError> {
        let found = self.read(found)?;
        if !found.iter().all(|x| x.is_finite()) {
            return Ok(Outcome::NotANumber);
        }
        Ok(match (self.kind, truth) {
            (Metric::Top1 | Metric::MacroF1, _) => Outcome::Class(highest(&found)),
            (Metric::Mae | Metric::Rmse, Truth::Numbers(truth)) => {
                let in_unit = |x: f64| self.labels.as_ref().map_or(x, |l| l.in_label_unit(x));
                let target = truth.get(index).copied().unwrap_or(f64::NAN);
                let error = (in_unit(found.first().copied().unwrap_or(f64::NAN)) - target).abs();
                let power = if self.kind == Metric::Rmse { 2 } else { 1 };
                Outcome::Sums(vec![error.powi(power), 1.0])
            }
            (Metric::MeanIou, _) => {
                let truth = match truth {
                    Truth::Maps(maps) => maps.read(index)?,
                    _ => {
                        let own = map(&self.read(whole)?, self.classes);
                        own.into_iter().map(Some).collect()
                    }
                };
                Outcome::Sums(overlap(&map(&found, self.classes), &truth, self.classes))
            }
            _ => {
                let whole = self.read(whole)?;
                let pairs = found.iter().zip(&whole);
                let deviation = pairs.map(|(a, b)| (a - b).abs()).sum();
                Outcome::Sums(vec![deviation, whole.iter().map(|x| x.abs()).sum()])
            }
        })
    }

    /// The task's outputs, one after another.
    fn read(&self, values: &Values) -> Result<Vec<f64>, AccuracyError> {
        let mut all = Vec::new();
        for name in &self.task.outputs {
            let value = values.iter().rev().find(|(have, _)| have == name);
            let read = value.and_then(|(_, value)| numbers(value));
            all.extend(read.ok_or_else(|| {
                AccuracyError::Misfit(format!(
                    "task `{}`: output `{name}` holds no real numbers, which cannot be scored",
                    self.task.name
                ))
            })?);
        }
        Ok(all)
    }
}

/// The one output of a task.
fn output<'a>(graph: &'a Graph, task: &Task) -> Result<Option<&'a Tensor>, AccuracyError> {
    match task.tensors(graph)?.as_slice() {
        [one] => Ok(Some(graph.tensor(*one))),
        _ => Ok(None),
    }
}

/// What an output tells about each pixel, if it does so.
fn map_shape(output: &Tensor) -> Option<MapShape> {
    match *output.shape.as_slice() {
        [1, classes, height, width] if classes > 1 => Some(MapShape {
            classes: classes as usize,
            height: height as usize,
            width: width as usize,
        }),
        _ => None,
    }
}

/// The first of the highest scores.
fn highest(scores: &[f64]) -> u32 {
    let mut best = 0;
    for (class, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = class;
        }
    }
    best as u32
}

/// The class of every place of a map of scores, one plane for each class.
fn map(scores: &[f64], classes: usize) -> Vec<usize> {
    let places = scores.len() / classes.max(1);
    let best = |place: usize| {
        let at = |class: usize| scores[class * places + place];
        (1..classes).fold(
            0,
            |best, class| if at(class) > at(best) { class } else { best },
        )
    };
    (0..places).map(best).collect()
}

/// Places of each class that both maps have, that the first has, that the second has: diagonal and
/// margins of the confusion matrix. Places without a true class do not count.
fn overlap(found: &[usize], truth: &[Option<usize>], classes: usize) -> Vec<f64> {
    let mut sums = vec![0.0; 3 * classes];
    for (found, truth) in found.iter().zip(truth) {
        let Some(truth) = truth else { continue };
        if found == truth {
            sums[*found] += 1.0;
        }
        sums[classes + found] += 1.0;
        sums[2 * classes + truth] += 1.0;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_scores_wins() {
        assert_eq!(highest(&[0.1, 0.5, 0.5]), 1);
        // two classes over three places
        assert_eq!(map(&[1.0, 0.0, 2.0, 1.0, 3.0, 1.0], 2), [0, 1, 0]);
    }

    #[test]
    fn overlap_counts_places_by_class() {
        let truth = [Some(0), Some(1), Some(0), Some(0), None];
        let sums = overlap(&[0, 1, 1, 0, 1], &truth, 2);
        assert_eq!(sums, [2.0, 1.0, 2.0, 2.0, 3.0, 1.0]);
    }
}
