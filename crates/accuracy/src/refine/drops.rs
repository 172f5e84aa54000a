//! What plans cost in accuracy, measured on their real halves.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use super::RefineError;
use crate::{Evaluation, SampleChoice, Samples, Subject, WholePlan};
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::{CodecAccuracy, WholePlanRecord};
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::Profile;
use cutpoint_core::task::Task;
use cutpoint_onnx::{Model, Reading};
use cutpoint_planner::select::ModelInput;
use cutpoint_runtime::Environment;
use cutpoint_runtime::measure::Control;
use cutpoint_runtime::probe::{observe, shapes_of};

/// Returns the position among `inputs` of the model that was profiled.
#[must_use]
pub fn input_of(inputs: &[ModelInput], model: &Model) -> Option<usize> {
    let mut hashes = inputs.iter().map(|input| &input.edge.model.sha256);
    hashes.position(|sha256| sha256 == model.sha256())
}

/// A model that can be run as a whole and in halves.
#[derive(Debug)]
pub struct RunnableModel<'a> {
    /// Position among the inputs of the planner.
    input: usize,
    model: Model,
    reading: Reading,
    tasks: Vec<Task>,
    environment: &'a Environment,
}

impl<'a> RunnableModel<'a> {
    /// Runs `model`, which is the one at `input`, once to learn its shapes. `tasks` are those to
    /// plan for; where there are none, those of the profile.
    ///
    /// # Errors
    /// [`RefineError::Run`] or [`RefineError::Task`].
    pub fn new(
        environment: &'a Environment,
        model: Model,
        input: usize,
        profile: &Profile,
        tasks: &[Task],
    ) -> Result<RunnableModel<'a>, RefineError> {
        let observed = observe(environment, &model, &shapes_of(profile));
        let observed = observed.map_err(|error| RefineError::Run {
            path: model.path().to_owned(),
            error: Box::new(error),
        })?;
        let asked = if tasks.is_empty() {
            &profile.tasks
        } else {
            tasks
        };
        Ok(RunnableModel {
            tasks: Task::complete(&observed.reading.graph, asked)?,
            reading: observed.reading,
            input,
            model,
            environment,
        })
    }

    fn failure(&self, error: crate::AccuracyError) -> RefineError {
        RefineError::Evaluation {
            path: self.model.path().to_owned(),
            error: Box::new(error),
        }
    }

    /// Runs the whole model on the samples that its accuracy was measured on.
    fn evaluation(
        &self,
        known: &CodecAccuracy,
        data: &Path,
        workers: usize,
        watch: &mut Watch<'_>,
    ) -> Result<Evaluation<'_>, RefineError> {
        let choice = SampleChoice {
            split: None,
            samples: (known.data.samples > 0).then_some(known.data.samples as usize),
            calibration: known.data.calibration_samples as usize,
        };
        let samples = Samples::open(self.model.path(), data, &choice);
        let samples = samples.map_err(|error| self.failure(error))?;
        let count = samples.len();
        let subject = Subject {
            environment: self.environment,
            model: &self.model,
            reading: &self.reading,
            samples,
            tasks: self.tasks.clone(),
            agreement: !known.data.labelled,
            workers,
        };
        let evaluation = Evaluation::open(subject, &mut |done| watch(&self.model, done, count));
        let evaluation = evaluation.map_err(|error| self.failure(error))?;
        // figures stated by hand are of no samples in particular
        if known.data.sha256.is_empty() || known.data.sha256 == evaluation.data().sha256 {
            return Ok(evaluation);
        }
        Err(RefineError::OtherSamples {
            data: data.to_owned(),
            path: self.model.path().to_owned(),
            samples: known.data.samples,
            source_name: known.data.source.clone(),
        })
    }
}

/// Is told the model that runs, the samples done and how many there are, and says whether to go on.
type Watch<'w> = dyn FnMut(&Model, usize, usize) -> Control + 'w;

/// The part of a plan that one model has, measured as a whole.
#[derive(Debug, Clone)]
pub struct MeasuredPart {
    /// Position of the model among the inputs; its accuracy has the record by now.
    pub input: usize,
    /// The part, as a plan of that model.
    pub part: Plan,
    /// What it costs each task.
    pub record: WholePlanRecord,
}

/// Plans measured one after another, until one that was measured meets the limits.
///
/// Plan, call [`Refinement::measure_next`] until it finds nothing more to measure, and plan again:
/// a plan of which nothing was left to measure is the answer.
#[derive(Debug)]
pub struct Refinement<'a> {
    models: &'a [RunnableModel<'a>],
    data: PathBuf,
    workers: usize,
    /// By the position of the model among the inputs.
    evaluations: HashMap<usize, Evaluation<'a>>,
    /// Plans of which parts had to be measured.
    tried: Vec<Plan>,
}

impl<'a> Refinement<'a> {
    /// Returns a refinement of plans of these models, on the data set in `data`, with so many
    /// threads that evaluate samples side by side.
    #[must_use]
    pub fn new(models: &'a [RunnableModel<'a>], data: &Path, workers: usize) -> Refinement<'a> {
        Refinement {
            models,
            data: data.to_owned(),
            workers,
            evaluations: HashMap::new(),
            tried: Vec::new(),
        }
    }

    /// Measures the first part of `plan` that loses something and was not measured as a whole, and
    /// adds the record to that model's accuracy; `None` when there is none. `watch` is told the
    /// model, the samples done and how many there are.
    ///
    /// # Errors
    /// A model or its accuracy is missing, the samples are not those of the accuracy, or what
    /// [`Evaluation::measure_whole_plan`] says.
    pub fn measure_next(
        &mut self,
        plan: &Plan,
        inputs: &mut [ModelInput],
        watch: &mut Watch<'_>,
    ) -> Result<Option<MeasuredPart>, RefineError> {
        let Some((input, part)) = first_unmeasured(plan, inputs)? else {
            return Ok(None);
        };
        if self.tried.last() != Some(plan) {
            self.tried.push(plan.clone());
        }
        let ModelInput { edge, accuracy, .. } = &mut inputs[input];
        let Some(known) = accuracy else {
            return Ok(None);
        };
        let mut models = self.models.iter();
        let model = models.find(|model| model.input == input);
        let model = model.ok_or_else(|| RefineError::NoModel {
            file: edge.model.file.clone(),
        })?;
        let evaluation = match self.evaluations.entry(input) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                place.insert(model.evaluation(known, &self.data, self.workers, watch)?)
            }
        };
        let crossing = crossing(&part);
        let whole_plan = WholePlan {
            edge: &part.edge,
            server: &part.server,
            crossing: &crossing,
        };
        let samples = known.data.samples as usize;
        let record = evaluation.measure_whole_plan(whole_plan, known, &mut |done| {
            watch(&model.model, done, samples)
        });
        let record = record.map_err(|error| model.failure(error))?;
        let mut kept = record.clone();
        kept.drops.retain(|drop| known.task(&drop.task).is_some());
        known.whole_plans.push(kept);
        Ok(Some(MeasuredPart {
            input,
            part,
            record,
        }))
    }

    /// Returns how many plans other than the `last` were ruled out by their measurement.
    #[must_use]
    pub fn ruled_out(&self, last: Option<&Plan>) -> usize {
        let is_last = |plan: &&Plan| {
            last.is_some_and(|last| last.edge == plan.edge && crossing(last) == crossing(plan))
        };
        self.tried.iter().filter(|plan| !is_last(plan)).count()
    }
}

/// The first part of a plan, of one model, that loses something and was not measured as a whole.
fn first_unmeasured(
    plan: &Plan,
    inputs: &[ModelInput],
) -> Result<Option<(usize, Plan)>, RefineError> {
    let parts = match plan.members.as_slice() {
        [] => vec![plan.clone()],
        members => members.iter().map(|m| plan.of_member(m)).collect(),
    };
    for part in parts {
        let is_it = |input: &ModelInput| input.edge.model.sha256 == part.model.sha256;
        let lossless = part.crossing.iter().all(|c| c.codec.is_lossless());
        let Some(index) = inputs.iter().position(is_it).filter(|_| !lossless) else {
            continue;
        };
        let known = inputs[index].accuracy.as_ref();
        let known = known.ok_or_else(|| RefineError::NoAccuracy {
            name: inputs[index].name.clone(),
        })?;
        if known.whole_plan(&part.edge, &crossing(&part)).is_none() {
            return Ok(Some((index, part)));
        }
    }
    Ok(None)
}

fn crossing(plan: &Plan) -> Vec<(String, Codec)> {
    let pairs = plan.crossing.iter();
    pairs.map(|c| (c.tensor.clone(), c.codec)).collect()
}
