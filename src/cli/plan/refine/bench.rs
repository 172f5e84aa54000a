//! A model with what it takes to run its halves on data.

use std::path::{Path, PathBuf};

use cutpoint_accuracy::{AccuracyError, Evaluation, SampleChoice, Subject, WholePlan};
use cutpoint_core::codec_accuracy::{CodecAccuracy, WholePlanRecord};
use cutpoint_core::plan::Plan;
use cutpoint_core::task::Task;
use cutpoint_onnx::{Model, Reading, show};
use cutpoint_runtime::Environment;
use cutpoint_runtime::probe::{probe, random_inputs};
use indicatif::ProgressBar;

use super::super::super::accuracy::{failure, open_samples, stopped};
use super::super::super::scenario_args::PlanInputs;
use super::super::super::{Common, Kind, OrFail, engine};
use super::crossing;

/// A model that can be run.
pub(super) struct Bench<'a> {
    /// Position of the model among those named with `--edge`.
    pub(super) entrant: usize,
    file: &'a Path,
    model: Model,
    reading: Reading,
    tasks: Vec<Task>,
    environment: &'a Environment,
}

/// The profile that each model belongs to.
pub(super) fn assign<'a>(
    read: &PlanInputs,
    files: &'a [PathBuf],
) -> anyhow::Result<Vec<(usize, &'a Path, Model)>> {
    let mut assigned = Vec::new();
    for file in files {
        let model = engine::load(file)?;
        let mut entrants = read.entrants.iter();
        let index = entrants.position(|e| e.edge.model.sha256 == model.sha256());
        let index = index.ok_or_else(|| {
            anyhow::anyhow!(
                "{} is not the model of any profile named with --edge",
                file.display()
            )
        });
        assigned.push((index.or_fail(Kind::BadInput)?, file.as_path(), model));
    }
    Ok(assigned)
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        read: &PlanInputs,
        entrant: usize,
        file: &'a Path,
        model: Model,
        environment: &'a Environment,
    ) -> anyhow::Result<Bench<'a>> {
        let profile = &read.entrants[entrant].edge;
        let shapes = profile.model.shapes.iter();
        let shapes: Vec<_> = shapes.filter_map(|shape| shape.parse().ok()).collect();
        let feed = random_inputs(environment, &model, &shapes);
        let probed = feed.and_then(|feed| probe(environment, &model, &feed));
        let probed = probed.map_err(|error| engine::run_failure(error, file))?;
        let reading = model.graph(&probed).or_fail(Kind::BadInput)?;
        let asked = match read.scenario.tasks.as_slice() {
            [] => &profile.tasks,
            asked => asked,
        };
        Ok(Bench {
            tasks: Task::complete(&reading.graph, asked).or_fail(Kind::Usage)?,
            entrant,
            file,
            model,
            reading,
            environment,
        })
    }

    /// The whole model on the samples that its accuracy was measured on.
    pub(super) fn evaluation(
        &self,
        read: &PlanInputs,
        data: &Path,
        common: &Common,
    ) -> anyhow::Result<Evaluation<'_>> {
        let known = self.known(read)?;
        let choice = SampleChoice {
            split: None,
            samples: (known.data.samples > 0).then_some(known.data.samples as usize),
            calibration: known.data.calibration_samples as usize,
        };
        let subject = Subject {
            environment: self.environment,
            model: &self.model,
            reading: &self.reading,
            samples: open_samples(self.file, data, &choice)?,
            tasks: self.tasks.clone(),
            agreement: !known.data.labelled,
            workers: engine::threads(None)?,
        };
        let bar = self.bar(subject.samples.len(), common);
        let opened = Evaluation::open(subject, &mut |done| {
            bar.set_position(done as u64);
            stopped()
        });
        bar.finish_and_clear();
        let evaluation = opened.map_err(|error| failure(error, self.file))?;
        let same = [String::new(), evaluation.data().sha256].contains(&known.data.sha256);
        let error = anyhow::anyhow!(
            "{}: the accuracy of {} was measured on other samples ({} of {}): measure it on these \
             with `cutpoint accuracy`",
            data.display(),
            self.file.display(),
            known.data.samples,
            show(&known.data.source)
        );
        same.then_some(evaluation)
            .ok_or(error)
            .or_fail(Kind::BadInput)
    }

    /// What a plan of this model costs as a whole.
    pub(super) fn measure(
        &self,
        read: &PlanInputs,
        evaluation: &Evaluation<'_>,
        plan: &Plan,
        common: &Common,
    ) -> anyhow::Result<WholePlanRecord> {
        let known = self.known(read)?;
        let crossing = crossing(plan);
        let request = WholePlan {
            edge: &plan.edge,
            server: &plan.server,
            crossing: &crossing,
        };
        let bar = self.bar(known.data.samples as usize, common);
        let measured: Result<WholePlanRecord, AccuracyError> =
            evaluation.measure_whole_plan(request, known, &mut |done| {
                bar.set_position(done as u64);
                stopped()
            });
        bar.finish_and_clear();
        measured.map_err(|error| failure(error, self.file))
    }

    fn known<'r>(&self, read: &'r PlanInputs) -> anyhow::Result<&'r CodecAccuracy> {
        let known = read.entrants[self.entrant].accuracy.as_ref();
        let error = || anyhow::anyhow!("{} has no accuracy file", self.file.display());
        known.ok_or_else(error).or_fail(Kind::Usage)
    }

    fn bar(&self, samples: usize, common: &Common) -> ProgressBar {
        if common.progress() {
            ProgressBar::new(samples as u64).with_prefix(self.model.file_name())
        } else {
            ProgressBar::hidden()
        }
    }
}
