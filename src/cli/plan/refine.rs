//! `cutpoint plan --data`: plans that are measured as a whole before they are believed.
//!
//! For several tensors that cross, the sum of their drops is a model. The chosen plan's real halves
//! are run on the data, and what they cost is kept in the accuracy file; a plan that misses a limit
//! is thereby ruled out, and the next best is chosen, until one that was measured holds.

use std::path::{Path, PathBuf};

use cutpoint_accuracy::refine::{MeasuredPart, Refinement, RunnableModel, input_of};
use cutpoint_core::codec_accuracy::Confidence;
use cutpoint_core::plan::{NoPlan, Plan};
use cutpoint_onnx::Model;
use cutpoint_runtime::Environment;
use cutpoint_runtime::measure::Control;
use indicatif::ProgressBar;

use super::super::accuracy::stopped;
use super::super::scenario_args::PlanInputs;
use super::super::{Common, Kind, OrFail, engine, files, interrupt, plural};
use super::measure::refine_failure;

/// Plans and measures by turns.
pub(super) fn plan(
    read: &mut PlanInputs,
    models: &[PathBuf],
    data: &Path,
    common: &Common,
) -> anyhow::Result<Result<Plan, NoPlan>> {
    let assigned = assign(read, models)?;
    let library = engine::library(common)?;
    let environment = engine::open(&library, 1)?;
    let _orderly = interrupt::orderly();
    let models = runnable(read, assigned, environment)?;
    let mut refinement = Refinement::new(&models, data, engine::threads(None)?);
    loop {
        let planned = super::plan(read)?;
        let measured = match &planned {
            Ok(plan) => measure(&mut refinement, plan, read, common)?,
            Err(_) => false,
        };
        if !measured {
            let ruled_out = refinement.ruled_out(planned.as_ref().ok());
            if ruled_out > 0 {
                common.note(format_args!(
                    "{} missed a limit when measured as a whole",
                    plural(ruled_out, "faster plan")
                ));
            }
            return Ok(planned);
        }
    }
}

/// The models, with the positions of their profiles among those of `--edge`.
fn assign(read: &PlanInputs, files: &[PathBuf]) -> anyhow::Result<Vec<(usize, Model)>> {
    let mut assigned = Vec::new();
    for file in files {
        let model = engine::load(file)?;
        let index = input_of(&read.models, &model).ok_or_else(|| {
            anyhow::anyhow!(
                "{} is not the model of any profile named with --edge",
                file.display()
            )
        });
        assigned.push((index.or_fail(Kind::BadInput)?, model));
    }
    Ok(assigned)
}

fn runnable<'a>(
    read: &PlanInputs,
    assigned: Vec<(usize, Model)>,
    environment: &'a Environment,
) -> anyhow::Result<Vec<RunnableModel<'a>>> {
    let mut models = Vec::new();
    for (index, model) in assigned {
        let profile = &read.models[index].edge;
        let tasks = &read.scenario.tasks;
        let model = RunnableModel::new(environment, model, index, profile, tasks);
        models.push(model.map_err(refine_failure)?);
    }
    Ok(models)
}

/// Measures the parts of a plan that were not, and keeps what they cost; whether there were any.
fn measure(
    refinement: &mut Refinement<'_>,
    plan: &Plan,
    read: &mut PlanInputs,
    common: &Common,
) -> anyhow::Result<bool> {
    let mut any = false;
    loop {
        let bar = if common.progress() {
            ProgressBar::new(1)
        } else {
            ProgressBar::hidden()
        };
        let watch = &mut |model: &Model, done: usize, of: usize| -> Control {
            bar.set_prefix(model.file_name());
            bar.set_length(of as u64);
            bar.set_position(done as u64);
            stopped()
        };
        let measured = refinement.measure_next(plan, &mut read.models, watch);
        bar.finish_and_clear();
        let Some(measured) = measured.map_err(refine_failure)? else {
            return Ok(any);
        };
        any = true;
        let confidence = read.scenario.limits.accuracy.confidence;
        common.note(words(&measured, confidence));
        save(read, measured.input)?;
    }
}

/// Writes a model's accuracy to its file, if it has one.
fn save(read: &PlanInputs, index: usize) -> anyhow::Result<()> {
    let (Some(accuracy), Some(file)) = (&read.models[index].accuracy, &read.accuracy_files[index])
    else {
        return Ok(());
    };
    let text = accuracy.to_toml().or_fail(Kind::Other)?;
    files::write("--accuracy", file, text.as_bytes())
}

fn words(measured: &MeasuredPart, confidence: Confidence) -> String {
    let MeasuredPart { part, record, .. } = measured;
    let percent = |drop: f64| format!("{:.2} %", 100.0 * drop);
    let drops = record.drops.iter().map(|drop| {
        let worst = drop.pessimistic(confidence.z());
        let (mean, worst) = (percent(drop.mean), percent(worst));
        format!("{} {mean}, at worst {worst}", drop.task)
    });
    let drops: Vec<String> = drops.collect();
    let sent: Vec<String> = part
        .crossing
        .iter()
        .map(|c| format!("{} as {}", c.tensor, c.codec))
        .collect();
    format!(
        "{} on {}, drop of {}",
        sent.join(", "),
        plural(record.samples as usize, "sample"),
        drops.join("; ")
    )
}
