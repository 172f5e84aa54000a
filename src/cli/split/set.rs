//! The plan of a set of models: a split directory for each.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use cutpoint_core::plan::{Plan, PlannedMember};
use cutpoint_core::task::Task;
use cutpoint_onnx::Model;

use super::super::{Common, Kind, OrFail, engine};
use super::{Job, SplitArgs};

/// Cuts every model of the set; nothing is written unless there is a model for each.
pub(super) fn run(args: &SplitArgs, plan: &Plan, common: &Common) -> anyhow::Result<()> {
    let mut models = Vec::new();
    for file in &args.files {
        models.push((file, engine::load(file)?));
    }
    let jobs = assign(plan, models)?;
    let mut descriptions = BTreeMap::new();
    let mut texts = Vec::new();
    for (member, file, model) in &jobs {
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
            file,
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

/// A model for each member: the one with its hash, or, where nobody knows the hash, with its file
/// name.
fn assign<'a>(
    plan: &'a Plan,
    mut models: Vec<(&'a PathBuf, Model)>,
) -> anyhow::Result<Vec<(&'a PlannedMember, &'a PathBuf, Model)>> {
    let mut jobs = Vec::new();
    for member in &plan.members {
        check_name(&member.name)?;
        let is_it = |(_, model): &(&PathBuf, Model)| {
            if member.sha256.is_empty() {
                model.file_name() == member.file
            } else {
                model.sha256() == member.sha256
            }
        };
        let found = models.iter().position(is_it);
        let index = found.ok_or_else(|| missing(member)).or_fail(Kind::Usage)?;
        let (file, model) = models.swap_remove(index);
        jobs.push((member, file, model));
    }
    match models.first() {
        None => Ok(jobs),
        Some((file, _)) => {
            let problem = format!(
                "--model: {} is not among the models of the plan",
                file.display()
            );
            Err(Kind::Usage.of(anyhow::anyhow!(problem)))
        }
    }
}

fn missing(member: &PlannedMember) -> anyhow::Error {
    anyhow::anyhow!(
        "the plan is for a set of models: add --model with {} (sha256 {}...)",
        cutpoint_onnx::show(&member.file),
        cutpoint_onnx::show(member.sha256.get(..12).unwrap_or_default())
    )
}

/// The name becomes that of a folder.
fn check_name(name: &str) -> anyhow::Result<()> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(part)), None) if part == name => Ok(()),
        _ => {
            let problem = format!(
                "`{}` in the plan cannot be the name of a folder",
                cutpoint_onnx::show(name)
            );
            Err(Kind::BadInput.of(anyhow::anyhow!(problem)))
        }
    }
}
