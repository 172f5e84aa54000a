//! `cutpoint plan --measure`: plans that are really measured here before one is chosen.

use std::path::Path;
use std::str::FromStr;

use cutpoint_accuracy::refine::{LatencyTrials, MOST_PLANS, RefineError};
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::TimeOrigin;
use cutpoint_onnx::show;
use cutpoint_planner::scenario::Objective;
use cutpoint_runtime::board::check_same_board;
use cutpoint_runtime::session::Provider;
use indicatif::ProgressBar;

use super::super::accuracy::{failure, stopped};
use super::super::scenario_args::PlanInputs;
use super::super::{Common, Kind, engine, interrupt};

/// How many plans to measure at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct AtMost(usize);

impl FromStr for AtMost {
    type Err = String;
    fn from_str(text: &str) -> Result<AtMost, String> {
        if text == "auto" {
            return Ok(AtMost(MOST_PLANS));
        }
        let number = text.parse().ok().filter(|n| (1..=MOST_PLANS).contains(n));
        let hint = || format!("`{text}` is neither a number from 1 to {MOST_PLANS} nor `auto`");
        number.map(AtMost).ok_or_else(hint)
    }
}

/// Refuses what cannot be measured here before any work is done.
pub(super) fn check(read: &PlanInputs, models: &[std::path::PathBuf]) -> anyhow::Result<()> {
    let usage = |problem: &str| Err(Kind::Usage.of(anyhow::anyhow!("--measure: {problem}")));
    if read.scenario.objective != Objective::Latency {
        return usage("latencies are compared; leave --objective out");
    }
    let ([model], [file]) = (read.models.as_slice(), models) else {
        return usage("it takes one --edge and its --model");
    };
    let profile = &model.edge;
    if profile.origin() != TimeOrigin::Measured {
        return usage(
            "the profile was written by hand or imported: measure one with `cutpoint profile`",
        );
    }
    let model = engine::load(file)?;
    if profile.model.sha256 != model.sha256() {
        let problem = anyhow::anyhow!("{} is not the model of the profile", file.display());
        return Err(Kind::BadInput.of(problem));
    }
    check_same_board(&profile.board).map_err(|problem| {
        Kind::BadInput.of(anyhow::anyhow!(
            "--measure: the profile of {} {problem}: plan where it was made, or measure a profile \
             here with `cutpoint profile`",
            show(&profile.board.name)
        ))
    })
}

/// The plan to take among `plan`, the predicted best, and those near to it.
pub(super) fn settle(
    plan: Plan,
    read: &PlanInputs,
    file: &Path,
    most: AtMost,
    common: &Common,
) -> anyhow::Result<Plan> {
    let choices = read.choices()?;
    let (Some(choice), Some(input)) = (choices.first(), read.models.first()) else {
        return Ok(plan);
    };
    let profile = &input.edge;
    let model = engine::load(file)?;
    let library = engine::library(common)?;
    let environment = engine::open(&library, profile.board.threads)?;
    let provider: Provider = profile
        .board
        .provider
        .parse()
        .map_err(|text: String| Kind::BadInput.of(anyhow::anyhow!(text)))?;
    engine::check_provider(environment, provider)?;
    let runtime = format!("onnxruntime {}", library.version);
    if runtime != profile.board.runtime {
        let known = show(&profile.board.runtime);
        common.note(format_args!(
            "the profile was measured with {known}, this is {runtime}"
        ));
    }
    let _orderly = interrupt::orderly();
    let bar = if common.progress() {
        ProgressBar::new(1)
    } else {
        ProgressBar::hidden()
    };
    bar.set_prefix(model.file_name());
    let trials = LatencyTrials {
        environment,
        model: &model,
        provider,
        input,
        problem: &choice.problem,
        options: &read.options,
        most: most.0,
    };
    let chosen = trials.choose(plan, &mut |done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
        stopped()
    });
    bar.finish_and_clear();
    chosen.map_err(refine_failure)
}

/// Returns the error of plans that cannot be measured, with its exit code.
pub(super) fn refine_failure(error: RefineError) -> anyhow::Error {
    let kind = match error {
        RefineError::Evaluation { path, error } => return failure(*error, &path),
        RefineError::Run { path, error } => return engine::run_failure(*error, &path),
        RefineError::NoAccuracy { name } => {
            return Kind::Usage.of(anyhow::anyhow!(
                "--model: what {name} costs as a whole is kept in an accuracy file, and it has \
                 none: make one with `cutpoint accuracy`"
            ));
        }
        RefineError::NoModel { file } => {
            return Kind::Usage.of(anyhow::anyhow!(
                "the plan is for {file}: name it with --model, too"
            ));
        }
        RefineError::Task(_) => Kind::Usage,
        RefineError::Solve(_) => Kind::Other,
        _ => Kind::BadInput,
    };
    kind.of(error)
}
