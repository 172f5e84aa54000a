//! The whole measurement: a first look at every candidate, then more samples where they can change
//! a decision.

mod order;
mod run;

use std::time::Instant;

use sha2::{Digest, Sha256};

use super::AccuracyError;
use super::calibrate;
use super::candidates::forms;
use super::evaluation::Evaluation;
use super::racing::Priority;
use super::splice::{FormEnds, sees};
use super::stopping::StoppingRule;
use super::trial::{PartialAccuracy, Trial};
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::{CodecAccuracy, Confidence, CrossingRecord};
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::graph::{Graph, TensorId};
use cutpoint_runtime::measure::Control;

/// Samples of the first look.
const FIRST: usize = 64;
/// Samples whose encoded sizes are measured, unless all are wanted: enough for a 95th percentile.
const SIZES: usize = 200;

/// What to measure, and how much of it.
#[derive(Debug, Clone)]
pub struct AccuracyRequest<'a> {
    /// Names of the tensors.
    pub tensors: Vec<String>,
    /// The codecs, each with the compressions wanted.
    pub codecs: Vec<Codec>,
    /// What decides where more samples are spent.
    pub priority: Priority<'a>,
    /// Measure everything on all samples.
    pub exhaustive: bool,
    /// Measure no longer than this.
    pub deadline: Option<Instant>,
    /// How sure the pessimistic ends are to be.
    pub confidence: Confidence,
    /// Half-width of an interval that is narrow enough, in the unit of drops.
    pub precision: f64,
}

/// Progress of the measurement, for an observer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AccuracyProgress {
    /// Samples on which bounds are calibrated.
    Calibrating { done: usize, of: usize },
    /// Runs of the model behind an encoded tensor; `at_most` shrinks as candidates drop out.
    Measuring { done: usize, at_most: usize },
}

/// Watches a long measurement and keeps what it finds.
pub trait AccuracyObserver {
    /// Called often; return [`Control::Interrupt`] to stop.
    fn progress(&mut self, progress: AccuracyProgress) -> Control;
    /// Called with what was measured so far, so that it can be saved; `last` when nothing follows.
    ///
    /// # Errors
    /// It cannot be saved: the measurement stops.
    fn measured(&mut self, partial: &PartialAccuracy, last: bool) -> Result<(), AccuracyError>;
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct AccuracyReport {
    /// The accuracy file.
    pub accuracy: CodecAccuracy,
    /// Nothing was left open for want of time.
    pub complete: bool,
    /// Runs of the model behind an encoded tensor, over all measurements of this file.
    pub runs: usize,
    /// Runs that measuring everything on all samples takes.
    pub exhaustive_runs: usize,
    /// Candidates that were left out, and why.
    pub notes: Vec<String>,
}

/// Measures what single encoded tensors cost; `partial` is what was measured before.
///
/// # Errors
/// Names the model does not have, a model that does not run, or [`AccuracyError::Interrupted`]
/// when the observer asked to stop, after it was given what there is.
pub fn measure(
    evaluation: &Evaluation<'_>,
    request: &AccuracyRequest<'_>,
    partial: Option<PartialAccuracy>,
    observer: &mut dyn AccuracyObserver,
) -> Result<AccuracyReport, AccuracyError> {
    let mut measurement = DropMeasurement::start(evaluation, request, partial, observer)?;
    let complete = measurement.look(observer)? && measurement.refine(observer)?;
    Ok(measurement.report(complete))
}

/// Of the model, the data and everything else that outcomes depend on.
fn key(evaluation: &Evaluation<'_>, request: &AccuracyRequest<'_>) -> String {
    let samples = &evaluation.subject.samples;
    let mut hash = Sha256::new();
    let tasks = evaluation.tasks();
    let metrics: Vec<_> = evaluation
        .metrics
        .iter()
        .map(|metric| &metric.task)
        .collect();
    let codecs: Vec<String> = request.codecs.iter().map(Codec::to_string).collect();
    let (model, data) = (evaluation.model(), evaluation.data());
    let version = env!("CARGO_PKG_VERSION");
    hash.update(format!(
        "{version} {model:?} {data:?} {tasks:?} {metrics:?} {codecs:?}"
    ));
    hash.update(format!("{:?}", samples.calibration()));
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl PartialAccuracy {
    /// Returns whether what it holds is of this model, these data and the same request.
    pub fn is_of(&self, evaluation: &Evaluation<'_>, request: &AccuracyRequest<'_>) -> bool {
        let (tasks, samples) = (evaluation.metrics.len(), evaluation.subject.samples.len());
        self.key == key(evaluation, request)
            && self.trials.iter().all(|trial| trial.fits(tasks, samples))
    }
}

struct DropMeasurement<'a> {
    evaluation: &'a Evaluation<'a>,
    request: &'a AccuracyRequest<'a>,
    tensors: Vec<TensorId>,
    known: PartialAccuracy,
    stop: StoppingRule,
    notes: Vec<String>,
    done: usize,
}

impl<'a> DropMeasurement<'a> {
    fn start(
        evaluation: &'a Evaluation<'a>,
        request: &'a AccuracyRequest<'a>,
        partial: Option<PartialAccuracy>,
        observer: &mut dyn AccuracyObserver,
    ) -> Result<DropMeasurement<'a>, AccuracyError> {
        let graph = graph(evaluation);
        let tensors = request.tensors.iter().map(|name| graph.find_tensor(name));
        let tensors = tensors.collect::<Result<Vec<_>, _>>()?;
        let samples = evaluation.subject.samples.len();
        let mut notes = Vec::new();
        let known = match partial.filter(|partial| partial.is_of(evaluation, request)) {
            Some(known) => known,
            None => {
                let of = evaluation.subject.samples.calibration().len();
                let watch =
                    &mut |done| observer.progress(AccuracyProgress::Calibrating { done, of });
                let (ranges, problems) =
                    calibrate::ranges(evaluation, &tensors, &request.codecs, watch)?;
                notes.extend(problems);
                PartialAccuracy {
                    key: key(evaluation, request),
                    ranges,
                    trials: Vec::new(),
                }
            }
        };
        let mut measurement = DropMeasurement {
            done: known.runs(),
            evaluation,
            request,
            tensors,
            known,
            stop: StoppingRule {
                samples,
                z: request.confidence.z(),
                precision: request.precision,
            },
            notes,
        };
        measurement
            .known
            .trials
            .iter_mut()
            .for_each(|trial| trial.settle(evaluation));
        Ok(measurement)
    }

    /// Tries every form on every tensor, those first that could win something; whether there was
    /// time for all.
    fn look(&mut self, observer: &mut dyn AccuracyObserver) -> Result<bool, AccuracyError> {
        let samples = self.stop.samples;
        let to = if self.request.exhaustive {
            samples
        } else {
            FIRST.min(samples)
        };
        for tensor in self.order()? {
            let name = self.name(tensor).to_owned();
            let sees = sees(self.evaluation, self.tensors[tensor])?;
            let mut known = Vec::new();
            for form in self.forms(tensor) {
                known.push(match self.position(&name, form.codec) {
                    Some(position) => position,
                    None => {
                        let trial = Trial::new(self.evaluation, &name, &form, &sees);
                        self.known.trials.push(trial);
                        self.known.trials.len() - 1
                    }
                });
            }
            if !self.extend(tensor, &known, to, observer)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Spends samples on what is open until nothing is; whether there was time for all.
    fn refine(&mut self, observer: &mut dyn AccuracyObserver) -> Result<bool, AccuracyError> {
        loop {
            let races = self.request.priority.races(&self.accuracy())?;
            let open = self.stop.open(&races, &self.known.trials);
            if open.is_empty() || self.request.exhaustive {
                return Ok(true);
            }
            for tensor in 0..self.tensors.len() {
                let name = self.name(tensor);
                let mine = open
                    .iter()
                    .filter(|at| self.known.trials[**at].tensor == name);
                let mine: Vec<usize> = mine.copied().collect();
                let fewest = mine.iter().map(|at| self.known.trials[*at].samples).min();
                let to = (2 * fewest.unwrap_or(0)).clamp(FIRST, self.stop.samples.max(FIRST));
                let to = to.min(self.stop.samples);
                if !self.extend(tensor, &mine, to, observer)? {
                    return Ok(false);
                }
            }
        }
    }

    fn accuracy(&self) -> CodecAccuracy {
        CodecAccuracy {
            format: cutpoint_core::codec_accuracy::FORMAT,
            kind: FileKind::Accuracy,
            model: self.evaluation.model(),
            data: self.evaluation.data(),
            tasks: self.evaluation.tasks(),
            ranges: self.known.ranges.clone(),
            crossings: self.known.trials.iter().flat_map(Trial::records).collect(),
            whole_plans: Vec::new(),
        }
    }

    fn report(mut self, complete: bool) -> AccuracyReport {
        for trial in &self.known.trials {
            if let Some(problem) = &trial.unusable {
                let (tensor, codec) = (&trial.tensor, trial.codec);
                self.notes
                    .push(format!("`{tensor}` as {codec} {problem}: left out"));
            }
        }
        let mut accuracy = self.accuracy();
        let order = |record: &CrossingRecord| {
            let mut tensors = self.request.tensors.iter();
            tensors.position(|name| *name == record.tensor)
        };
        accuracy.crossings.sort_by_key(order);
        let forms: usize = (0..self.tensors.len()).map(|t| self.forms(t).len()).sum();
        AccuracyReport {
            accuracy,
            complete,
            runs: self.done,
            exhaustive_runs: forms * self.stop.samples,
            notes: self.notes,
        }
    }

    /// Runs that may still come, those done included.
    fn at_most(&self) -> usize {
        let samples = self.stop.samples;
        let open = |trial: &&Trial| !trial.exact && !self.stop.is_done(trial);
        let trials = self.known.trials.iter().filter(open);
        let more: usize = trials.map(|trial| samples - trial.samples).sum();
        self.done + more
    }

    fn forms(&self, tensor: usize) -> Vec<FormEnds> {
        let tensor = graph(self.evaluation).tensor(self.tensors[tensor]);
        forms(
            self.evaluation,
            tensor,
            &self.request.codecs,
            &self.known.ranges,
        )
        .0
    }

    fn name(&self, tensor: usize) -> &'a str {
        &graph(self.evaluation).tensor(self.tensors[tensor]).name
    }

    fn position(&self, tensor: &str, codec: Codec) -> Option<usize> {
        let mut trials = self.known.trials.iter();
        trials.position(|trial| trial.tensor == tensor && trial.codec == codec)
    }
}

fn graph<'a>(evaluation: &'a Evaluation<'_>) -> &'a Graph {
    &evaluation.subject.reading.graph
}
