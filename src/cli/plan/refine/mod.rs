//! Plans that were measured as a whole before they are believed.
//!
//! For several tensors that cross, the sum of their drops is a model. The chosen plan's real halves
//! are run on the data, and what they cost is kept in the accuracy file; a plan that misses a limit
//! is thereby ruled out, and the next best is chosen, until one that was measured holds.

mod bench;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use cutpoint_accuracy::Evaluation;
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::{Confidence, WholePlanRecord};
use cutpoint_core::plan::{NoPlan, Plan};

use super::super::accuracy::stop_on_ctrl_c;
use super::super::scenario_args::PlanInputs;
use super::super::{Common, Kind, OrFail, engine, files, plural};
use bench::{Bench, assign};

/// Plans and measures by turns.
pub(super) fn plan(
    read: &mut PlanInputs,
    models: &[PathBuf],
    data: &Path,
    common: &Common,
) -> anyhow::Result<Result<Plan, NoPlan>> {
    let models = assign(read, models)?;
    let library = engine::library(common)?;
    let environment = engine::open(&library, 1)?;
    stop_on_ctrl_c();
    let mut benches = Vec::new();
    for (index, file, model) in models {
        benches.push(Bench::new(read, index, file, model, environment)?);
    }
    let mut evaluations: HashMap<usize, Evaluation<'_>> = HashMap::new();
    let mut chosen: Vec<Plan> = Vec::new();
    loop {
        let planned = super::plan(read)?;
        let missing = match &planned {
            Ok(plan) => unmeasured(plan, read)?,
            Err(_) => Vec::new(),
        };
        if let (Ok(plan), false) = (&planned, missing.is_empty()) {
            chosen.push(plan.clone());
        }
        if missing.is_empty() {
            tell(&planned, &chosen, common);
            return Ok(planned);
        }
        for (index, part) in missing {
            let bench = benches.iter().find(|bench| bench.entrant == index);
            let bench = bench.ok_or_else(|| no_model(read, index));
            let bench = bench.or_fail(Kind::Usage)?;
            let evaluation = match evaluations.entry(index) {
                Entry::Occupied(made) => made.into_mut(),
                Entry::Vacant(place) => place.insert(bench.evaluation(read, data, common)?),
            };
            let record = bench.measure(read, evaluation, &part, common)?;
            let confidence = read.scenario.limits.accuracy.confidence;
            common.note(words(&part, &record, confidence));
            keep(read, index, record)?;
        }
    }
}

/// The parts of a plan, one per model, that lose something and were not measured as a whole.
fn unmeasured(plan: &Plan, read: &PlanInputs) -> anyhow::Result<Vec<(usize, Plan)>> {
    let parts = match plan.members.as_slice() {
        [] => vec![plan.clone()],
        members => members.iter().map(|m| plan.of_member(m)).collect(),
    };
    let mut missing = Vec::new();
    for part in parts {
        let is_it = |model: &cutpoint_planner::select::ModelInput| {
            model.edge.model.sha256 == part.model.sha256
        };
        let lossless = part.crossing.iter().all(|c| c.codec.is_lossless());
        let Some(index) = read.entrants.iter().position(is_it).filter(|_| !lossless) else {
            continue;
        };
        let known = read.entrants[index].accuracy.as_ref().ok_or_else(|| {
            anyhow::anyhow!(
                "--model: what {} costs as a whole is kept in an accuracy file, and it has none: \
                 make one with `cutpoint accuracy`",
                read.entrants[index].name
            )
        });
        let crossing = crossing(&part);
        if known
            .or_fail(Kind::Usage)?
            .whole_plan(&part.edge, &crossing)
            .is_none()
        {
            missing.push((index, part));
        }
    }
    Ok(missing)
}

fn crossing(plan: &Plan) -> Vec<(String, Codec)> {
    let pairs = plan.crossing.iter();
    pairs.map(|c| (c.tensor.clone(), c.codec)).collect()
}

/// Adds a record to a model's accuracy, in memory and in its file.
fn keep(read: &mut PlanInputs, index: usize, mut record: WholePlanRecord) -> anyhow::Result<()> {
    let (Some(accuracy), Some(file)) = (
        &mut read.entrants[index].accuracy,
        &read.accuracy_files[index],
    ) else {
        return Ok(());
    };
    record
        .drops
        .retain(|drop| accuracy.task(&drop.task).is_some());
    accuracy.whole_plans.push(record);
    let text = accuracy.to_toml().or_fail(Kind::Other)?;
    files::write(file, text.as_bytes())
}

fn no_model(read: &PlanInputs, index: usize) -> anyhow::Error {
    let model = &read.entrants[index].edge.model;
    anyhow::anyhow!("the plan is for {}: name it with --model, too", model.file)
}

fn words(part: &Plan, record: &WholePlanRecord, confidence: Confidence) -> String {
    let percent = |drop: f64| format!("{:.2} %", 100.0 * drop);
    let drops = record.drops.iter().map(|drop| {
        let worst = drop.pessimistic(confidence.z());
        let (mean, worst) = (percent(drop.mean), percent(worst));
        format!("{} {mean}, at worst {worst}", drop.task)
    });
    let drops: Vec<String> = drops.collect();
    let sent: Vec<String> = crossing(part)
        .iter()
        .map(|(tensor, codec)| format!("{tensor} as {codec}"))
        .collect();
    format!(
        "{} on {}, drop of {}",
        sent.join(", "),
        plural(record.samples as usize, "sample"),
        drops.join("; ")
    )
}

/// Says how many plans were not what their sums promised.
fn tell(planned: &Result<Plan, NoPlan>, chosen: &[Plan], common: &Common) {
    let is_final = |plan: &&Plan| match planned {
        Ok(last) => last.edge == plan.edge && crossing(last) == crossing(plan),
        Err(_) => false,
    };
    let ruled_out = chosen.iter().filter(|plan| !is_final(plan)).count();
    if ruled_out > 0 {
        common.note(format_args!(
            "{} missed a limit when measured as a whole",
            plural(ruled_out, "faster plan")
        ));
    }
}
