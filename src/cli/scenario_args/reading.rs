//! From file names to servers, accuracy files and problems, and what to tell about them.

use std::path::{Path, PathBuf};

use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::profile::Profile;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::Scenario;
use cutpoint_planner::select::ModelChoice;
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::ModelProblem;

use super::exit_codes::{problem_kind, server_kind};
use crate::cli::{Common, Kind, OrFail};

/// What a person should know about the choices, each thing once.
pub(crate) fn tell(choices: &[ModelChoice], common: &Common) {
    let mut told: Vec<&String> = Vec::new();
    for choice in choices {
        for note in choice.problem.model().notes() {
            if !told.contains(&note) {
                told.push(note);
                common.note(note);
            }
        }
        if let Some(why) = &choice.barred {
            common.note(format_args!("{} is left out: {why}", choice.name));
        }
    }
}

/// The choices as the solver takes them.
pub(crate) fn model_problems(choices: &[ModelChoice]) -> Vec<ModelProblem<'_>> {
    choices.iter().map(model_problem).collect()
}

fn model_problem(choice: &ModelChoice) -> ModelProblem<'_> {
    ModelProblem {
        name: &choice.name,
        problem: &choice.problem,
        barred: choice.barred.as_deref(),
    }
}

/// The accuracy file asked for, or the one that lies beside a profile.
pub(super) fn accuracy_file(asked: Option<&Path>, profile: &Path) -> Option<PathBuf> {
    let beside = || Some(profile.with_extension("accuracy.toml")).filter(|path| path.is_file());
    asked.map(Path::to_owned).or_else(beside)
}

pub(super) fn load_accuracy(path: &Path) -> anyhow::Result<CodecAccuracy> {
    CodecAccuracy::load(path).or_fail(Kind::BadInput)
}

/// What the accuracy file beside a profile says, if there is one.
pub(crate) fn read_accuracy(profile: &Path) -> anyhow::Result<Option<CodecAccuracy>> {
    let file = accuracy_file(None, profile);
    file.as_deref().map(load_accuracy).transpose()
}

/// What `--server` names.
pub(crate) fn read_server(text: &str) -> anyhow::Result<Server> {
    Server::read(text).map_err(|error| server_kind(&error).of(error))
}

/// The problem, with its notes told to the person watching.
pub(crate) fn problem(
    edge: &Profile,
    server: &Server,
    scenario: &Scenario,
    accuracy: Option<&CodecAccuracy>,
    common: &Common,
) -> anyhow::Result<Problem> {
    let problem = Problem::with_accuracy(edge, server, scenario, accuracy)
        .map_err(|error| problem_kind(&error).of(error))?;
    for note in problem.model().notes() {
        common.note(note);
    }
    Ok(problem)
}
