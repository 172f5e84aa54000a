//! The plan of a set of models: a split directory for each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cutpoint_core::plan::Plan;
use cutpoint_core::task::Task;
use cutpoint_onnx::Model;
use cutpoint_onnx::plan::assign_models;

use super::super::run_files::Replace;
use super::super::{Common, engine};
use super::{Job, SplitArgs, declare, plan_failure};

/// Cuts every model of the set; nothing is written unless there is a model for each.
pub(super) fn run(args: &SplitArgs, plan: &Plan, common: &Common) -> anyhow::Result<()> {
    let mut models = Vec::new();
    for file in &args.files {
        models.push(engine::load(file)?);
    }
    let assigned = assign_models(plan, models);
    let assigned = assigned.map_err(|error| plan_failure(error, args.plan_file()))?;
    let models: Vec<&Model> = assigned.iter().map(|(_, model)| model).collect();
    let folders = assigned
        .iter()
        .map(|(member, _)| args.out.join(&member.name));
    let folders: Vec<PathBuf> = folders.collect();
    declare(args, &models, &folders).check(Replace::Anything)?;
    let mut descriptions = BTreeMap::new();
    let mut texts = Vec::new();
    for (member, model) in &assigned {
        let part = plan.of_member(member);
        let has = |output: &String| model.output_names().contains(output);
        let tasks = args.model.tasks.iter();
        let tasks: Vec<Task> = tasks
            .filter(|t| t.outputs.iter().all(has))
            .cloned()
            .collect();
        let made = Job {
            args,
            model,
            file: model.path(),
            plan: Some(&part),
            out: &args.out.join(&member.name),
            tasks: &tasks,
        }
        .run(common)?;
        texts.push(made.text);
        descriptions.insert(&member.name, made.description);
    }
    if common.json {
        common.print_json(&descriptions)
    } else {
        common.print(texts.join("\n"))
    }
}
