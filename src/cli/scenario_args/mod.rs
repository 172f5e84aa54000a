//! Arguments that `plan`, `sweep`, `replay` and `report` share, and the problem they describe.

mod exit_codes;
mod reading;
mod request;
mod varied;

use std::path::PathBuf;

use clap::Args;
use cutpoint_core::profile::Profile;
use cutpoint_core::units::Delay;
use cutpoint_planner::scenario::{FrameRate, RateRange, Scenario, ScenarioSpec};
use cutpoint_planner::select::{ModelChoice, ModelInput, model_choices, model_names};
use cutpoint_planner::solve::{EngineChoice, Options};

use super::run_files::RunFiles;
use super::{Kind, OrFail, plural};

pub(crate) use exit_codes::candidates_kind;
use exit_codes::scenario_kind;
use reading::{accuracy_file, load_accuracy};
pub(crate) use reading::{model_problems, problem, read_accuracy, read_server, tell};

/// Machines, link, choices and limits.
#[derive(Debug, Clone, Args)]
pub(crate) struct ScenarioArgs {
    /// Profile of the model on the edge board; several models are compared, each alone and in sets
    /// that do all tasks together
    #[arg(long, value_name = "PROFILE", required = true)]
    edge: Vec<PathBuf>,
    /// The server: a profile of the same model, a description under profiles/servers, or sim:8x;
    /// once for all models, or once for each in the same order
    #[arg(long, value_name = "PROFILE|SPEC|sim:8x", required = true)]
    server: Vec<String>,
    /// What encodings cost in accuracy, once for each model [default: PROFILE's name with
    /// .accuracy.toml, if it exists]
    #[arg(long, value_name = "FILE", help_heading = "Accuracy")]
    accuracy: Vec<PathBuf>,
    /// What solves: auto (every closed placement where they are few, else branch and bound, else
    /// linear programs), enumerate, branch, linear, or both, which says whether enumeration and
    /// linear programs agree
    #[arg(
        long,
        value_name = "ENGINE",
        default_value_t,
        hide_default_value = true
    )]
    engine: EngineChoice,
    /// Longest time for a plan and what binds it, at each point of a sweep [default: 60s]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    solver_time: Option<Delay>,
    #[command(flatten)]
    choices: ChoiceArgs,
}

/// Link, choices and limits.
#[derive(Debug, Clone, Args)]
pub(crate) struct ChoiceArgs {
    /// Take limits and choices from a TOML file with keys like these flags; flags win
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    spec: ScenarioSpec,
}

/// What was read for the models named with `--edge`, in their order.
#[derive(Debug)]
pub(crate) struct PlanInputs {
    pub(crate) models: Vec<ModelInput>,
    /// Where the accuracy of each was read from.
    pub(crate) accuracy_files: Vec<Option<PathBuf>>,
    /// At the slowest of the rates.
    pub(crate) scenario: Scenario,
    pub(crate) rates: RateRange,
    /// How the planner is to work.
    pub(crate) options: Options,
    /// What all that was read from: profiles, servers, and the spec as typed.
    edge_files: Vec<PathBuf>,
    servers: Vec<String>,
    spec: ScenarioSpec,
}

impl ScenarioArgs {
    /// How the planner is to work.
    fn options(&self) -> Options {
        let usual = Options::default();
        Options {
            engine: self.engine,
            time_limit: self.solver_time.map_or(usual.time_limit, |time| time.0),
            ..usual
        }
    }

    /// Frames per second asked for as a flag.
    pub(crate) fn fps(&self) -> Option<FrameRate> {
        self.choices.spec.fps
    }

    /// Declares profiles, servers, accuracy files and what the choices are read from.
    pub(crate) fn declare(&self, files: &mut RunFiles) {
        files.reads("--edge", &self.edge);
        files.reads_servers(&self.server);
        let beside = self
            .edge
            .iter()
            .filter_map(|edge| accuracy_file(None, edge));
        match self.accuracy.as_slice() {
            [] => files.reads("--accuracy", beside),
            asked => files.reads("--accuracy", asked),
        }
        self.choices.declare(files);
    }

    /// Reads profiles, servers and accuracy files.
    pub(crate) fn read(&self) -> anyhow::Result<PlanInputs> {
        self.read_or(ScenarioSpec::default())
    }

    /// As [`ScenarioArgs::read`], with `otherwise` where nothing is given.
    fn read_or(&self, otherwise: ScenarioSpec) -> anyhow::Result<PlanInputs> {
        let spec = self.choices.merged(otherwise)?;
        let (scenario, rates) = complete(spec.clone())?;
        self.read_for(scenario, rates, spec)
    }

    /// As [`ScenarioArgs::read`], over these rates unless others were asked for as a range.
    pub(crate) fn read_over(&self, rates: RateRange) -> anyhow::Result<PlanInputs> {
        if let Some(rate) = self.choices.spec.rate.and_then(RateRange::single) {
            let hint = "the rates are those of the trace: leave --rate out, or give a range A..B";
            return Err(Kind::Usage.of(anyhow::anyhow!("--rate {rate}: {hint}")));
        }
        let otherwise = ScenarioSpec {
            rate: Some(rates),
            ..ScenarioSpec::default()
        };
        let spec = self.choices.merged(otherwise)?;
        let (mut scenario, asked) = complete(spec.clone())?;
        // the one rate of a preset or of a scenario for plans is not what a trace is about
        let rates = asked.single().map_or(asked, |_| rates);
        (scenario.link.rate, scenario.rate_model) = (rates.from, None);
        // frames are each on their own there: how often they come is no limit of its own
        let limits = &mut scenario.limits;
        if limits.link_share.is_none() && limits.max_power.is_none() {
            limits.fps = None;
        }
        self.read_for(scenario, rates, spec)
    }

    fn read_for(
        &self,
        scenario: Scenario,
        rates: RateRange,
        spec: ScenarioSpec,
    ) -> anyhow::Result<PlanInputs> {
        self.check_counts()?;
        let mut edges = Vec::new();
        for path in &self.edge {
            edges.push(Profile::load(path).or_fail(Kind::BadInput)?);
        }
        let files: Vec<&str> = edges.iter().map(|edge| edge.model.file.as_str()).collect();
        let names = model_names(&files);
        let mut read = PlanInputs {
            models: Vec::new(),
            accuracy_files: Vec::new(),
            scenario,
            rates,
            options: self.options(),
            edge_files: self.edge.clone(),
            servers: self.server.clone(),
            spec,
        };
        for (index, (name, edge)) in names.into_iter().zip(edges).enumerate() {
            let server = self.server.get(index).or(self.server.first());
            let asked = self.accuracy.get(index).map(PathBuf::as_path);
            let file = accuracy_file(asked, &self.edge[index]);
            read.models.push(ModelInput {
                name,
                edge,
                server: read_server(server.map_or("", String::as_str))?,
                accuracy: file.as_deref().map(load_accuracy).transpose()?,
            });
            read.accuracy_files.push(file);
        }
        Ok(read)
    }

    fn check_counts(&self) -> anyhow::Result<()> {
        let models = self.edge.len();
        for (flag, given) in [
            ("--server", self.server.len()),
            ("--accuracy", self.accuracy.len()),
        ] {
            let fits = given == models || given == 0 || (flag == "--server" && given == 1);
            let hint = || {
                let once = if flag == "--server" { "once, or " } else { "" };
                anyhow::anyhow!(
                    "{flag} is given {given} times for {}: give it {once}once for each --edge",
                    plural(models, "model")
                )
            };
            fits.then_some(()).ok_or_else(hint).or_fail(Kind::Usage)?;
        }
        Ok(())
    }
}

impl PlanInputs {
    /// The models and sets of models to choose among.
    pub(crate) fn choices(&self) -> anyhow::Result<Vec<ModelChoice>> {
        let found = model_choices(&self.models, &self.scenario);
        found.map_err(|error| candidates_kind(&error).of(error))
    }
}

impl ChoiceArgs {
    /// Declares the scenario file and the trace of rates.
    pub(crate) fn declare(&self, files: &mut RunFiles) {
        files.reads("--scenario", &self.scenario);
        // what is wrong with the scenario is told when it is read
        let spec = self.merged(ScenarioSpec::default());
        files.reads("--rate-trace", spec.ok().and_then(|spec| spec.rate_trace));
    }

    /// The complete request: these flags, then the scenario file, then `otherwise`.
    pub(crate) fn complete(
        &self,
        otherwise: ScenarioSpec,
    ) -> anyhow::Result<(Scenario, RateRange)> {
        complete(self.merged(otherwise)?)
    }

    fn merged(&self, otherwise: ScenarioSpec) -> anyhow::Result<ScenarioSpec> {
        let file = match &self.scenario {
            Some(path) => {
                ScenarioSpec::load(path).map_err(|error| scenario_kind(&error).of(error))?
            }
            None => ScenarioSpec::default(),
        };
        Ok(self.spec.clone().or(file).or(otherwise))
    }
}

/// The scenario that a spec describes, and its rates.
pub(crate) fn complete(spec: ScenarioSpec) -> anyhow::Result<(Scenario, RateRange)> {
    let complete = spec.complete();
    complete.map_err(|error| scenario_kind(&error).of(error))
}
