//! Arguments that `plan`, `sweep`, `replay` and `report` share, and the problem they describe.

mod kinds;
mod reading;
mod request;
mod spread;
mod varied;

use std::path::{Path, PathBuf};

use clap::Args;
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::Confidence;
use cutpoint_core::profile::Profile;
use cutpoint_core::task::Task;
use cutpoint_core::units::{BitRate, Bytes, Delay, Energy, Share, Watts};
use cutpoint_planner::scenario::{
    Deadline, Floor, FrameRate, MaxDrop, Objective, RateRange, Scenario, ScenarioSpec, Schedule,
    TaskResults, U8Input, Weight, parse_capacity, parse_task,
};
use cutpoint_planner::select::{ModelChoice, ModelInput, candidates, model_names};
use cutpoint_planner::solve::{Engine, Options};

use super::{Kind, OrFail, files, plural};

pub(crate) use kinds::candidates_kind;
use kinds::scenario_kind;
use reading::{accuracy_file, load_accuracy};
pub(crate) use reading::{problem, read_accuracy, read_server, rivals, tell};
use spread::SpreadArgs;

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
    engine: Engine,
    /// Longest time for one linear program [default: 60s]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    solver_time: Option<Delay>,
    #[command(flatten)]
    choices: ChoiceArgs,
}

/// Link, choices and limits.
#[derive(Debug, Clone, Args)]
pub(crate) struct ChoiceArgs {
    /// Take wishes from a TOML file with keys like these flags; flags win
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,

    /// Rate from edge to server, such as 10Mbit/s; `sweep` takes a range, A..B
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "RATE",
        help_heading = "Link"
    )]
    rate: Option<RateRange>,
    /// One-way delay, half the round trip [default: none]
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "TIME",
        help_heading = "Link"
    )]
    delay: Option<Delay>,
    /// Rate from server to edge [default: as --rate]
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "RATE",
        help_heading = "Link"
    )]
    down_rate: Option<BitRate>,
    /// Rate and delay of a kind of link: lora, 3g, 4g, wifi, 5g, gbe
    #[arg(long, value_name = "PRESET", help_heading = "Link")]
    link: Option<String>,

    #[command(flatten)]
    spread: SpreadArgs,

    /// Codecs that may be used, such as f32 (the tensor as it is), f16, q8, u8, q4+zstd [default:
    /// f32, u8 for 8-bit inputs, and what was measured: lossless ones, and under limits on accuracy
    /// lossy ones]
    #[arg(
        long,
        value_name = "CODEC,...",
        value_delimiter = ',',
        help_heading = "Choices"
    )]
    codec: Vec<Codec>,
    /// An input made from an 8-bit image as (pixel - mean) / std; one value or one per channel
    #[arg(long, value_name = "NAME=MEAN,STD", help_heading = "Choices")]
    input_u8: Vec<U8Input>,
    /// Where results are wanted, of all tasks or of one: edge, server or anywhere [default: edge]
    #[arg(long, value_name = "[TASK=]SIDE", help_heading = "Choices")]
    results: Vec<TaskResults>,
    /// What is to be least: latency (of the last task), weighted (sum of the tasks' times),
    /// lateness (against deadlines), energy, throughput (time between frames), uplink, edge-time
    /// [default: latency]
    #[arg(long, value_name = "OBJECTIVE", help_heading = "Choices")]
    objective: Option<Objective>,
    /// What decides between plans that are equally good at that
    #[arg(long, value_name = "OBJECTIVE", help_heading = "Choices")]
    then: Option<Objective>,
    /// Heads that stay on the edge run before anything is sent (sequential), or while link and
    /// server work (overlap) [default: sequential]
    #[arg(long, value_name = "SCHEDULE", help_heading = "Choices")]
    schedule: Option<Schedule>,
    /// What a task's time counts for under --objective weighted [default: 1]
    #[arg(long, value_name = "TASK=WEIGHT", help_heading = "Choices")]
    weight: Vec<Weight>,
    /// Group outputs into a named task [default: those of the profile]
    #[arg(long, value_name = "NAME=OUT[,OUT]", value_parser = parse_task, help_heading = "Choices")]
    task: Vec<Task>,
    /// An input that the server has too, so that it need not be sent
    #[arg(long, value_name = "NAME", help_heading = "Choices")]
    local_input: Vec<String>,

    /// Peak memory of the process that runs the edge half, such as 64MiB
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "SIZE",
        help_heading = "Limits"
    )]
    edge_memory: Option<Bytes>,
    /// Peak memory of the process that runs the server half
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "SIZE",
        help_heading = "Limits"
    )]
    server_memory: Option<Bytes>,
    /// Latest time at which a task, or every task, is done
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "[TASK=]TIME",
        help_heading = "Limits"
    )]
    deadline: Vec<Deadline>,
    /// Frames per second that edge, link and server must keep up with
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "N",
        help_heading = "Limits"
    )]
    fps: Option<FrameRate>,
    /// Energy that the edge spends on one inference, such as 5mJ; its profile states the power
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "ENERGY",
        help_heading = "Limits"
    )]
    max_energy: Option<Energy>,
    /// Average power of the edge at --fps, such as 800mW
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "POWER",
        help_heading = "Limits"
    )]
    max_power: Option<Watts>,
    /// Share of the link, in each direction, that frames may take at --fps, such as 50%
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "SHARE",
        help_heading = "Limits"
    )]
    link_share: Option<Share>,
    /// Encoded bytes sent per inference
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "SIZE",
        help_heading = "Limits"
    )]
    max_uplink: Option<Bytes>,
    /// Bytes of results sent back per inference
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "SIZE",
        help_heading = "Limits"
    )]
    max_downlink: Option<Bytes>,
    /// Largest message that the server takes or sends, such as 4MiB
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "SIZE",
        help_heading = "Limits"
    )]
    max_message: Option<Bytes>,
    /// Keep a layer, and all it needs, on the edge; `*` and `?` match several by name
    #[arg(long, value_name = "LAYER", help_heading = "Limits")]
    keep_on_edge: Vec<String>,
    /// Keep a layer, and all that needs it, on the server; `*` and `?` match several by name
    #[arg(long, value_name = "LAYER", help_heading = "Limits")]
    keep_on_server: Vec<String>,
    /// No model input leaves the edge, in any codec
    #[arg(long, help_heading = "Limits")]
    raw_stays: bool,
    /// Least number of layers between a model input and anything that is sent
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "N",
        help_heading = "Limits"
    )]
    min_depth: Option<u32>,
    /// What layers on the edge may use of a named capacity, as their profile states it
    #[arg(long, value_name = "NAME=N", value_parser = parse_capacity, help_heading = "Limits")]
    capacity: Vec<(String, u64)>,

    /// Largest drop of a task, or of every task: points of its metric, or a share of its error
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "[TASK=]1%",
        help_heading = "Accuracy"
    )]
    max_drop: Vec<MaxDrop>,
    /// Worst value of a task's metric that is good enough
    #[arg(long, value_name = "TASK=0.95", help_heading = "Accuracy")]
    floor: Vec<Floor>,
    /// How sure limits on accuracy are to hold, one-sided [default: 0.95]
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "SHARE",
        help_heading = "Accuracy"
    )]
    confidence: Option<Confidence>,
}

/// What was read for the models named with `--edge`, in their order.
#[derive(Debug)]
pub(crate) struct PlanInputs {
    pub(crate) entrants: Vec<ModelInput>,
    /// Where the accuracy of each was read from.
    pub(crate) accuracy_files: Vec<Option<PathBuf>>,
    /// At the slowest of the rates.
    pub(crate) scenario: Scenario,
    pub(crate) rates: RateRange,
    /// How the planner is to work.
    pub(crate) options: Options,
    /// What all that was read from: profiles, servers, and wishes as typed.
    edge_files: Vec<PathBuf>,
    servers: Vec<String>,
    wishes: ScenarioSpec,
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
        self.choices.fps
    }

    /// Reads profiles, servers and accuracy files.
    pub(crate) fn read(&self) -> anyhow::Result<PlanInputs> {
        self.read_or(ScenarioSpec::default())
    }

    /// As [`ScenarioArgs::read`], with `otherwise` where nothing was wished for.
    fn read_or(&self, otherwise: ScenarioSpec) -> anyhow::Result<PlanInputs> {
        let wishes = self.choices.merged(otherwise)?;
        let (scenario, rates) = complete(wishes.clone())?;
        self.read_for(scenario, rates, wishes)
    }

    /// As [`ScenarioArgs::read`], over these rates unless others were asked for as a range.
    pub(crate) fn read_over(&self, rates: RateRange) -> anyhow::Result<PlanInputs> {
        if let Some(rate) = self.choices.rate.and_then(RateRange::single) {
            let hint = "the rates are those of the trace: leave --rate out, or give a range A..B";
            return Err(Kind::Usage.of(anyhow::anyhow!("--rate {rate}: {hint}")));
        }
        let otherwise = ScenarioSpec {
            rate: Some(rates),
            ..ScenarioSpec::default()
        };
        let wishes = self.choices.merged(otherwise)?;
        let (mut scenario, asked) = complete(wishes.clone())?;
        // the one rate of a preset or of a scenario for plans is not what a trace is about
        let rates = asked.single().map_or(asked, |_| rates);
        (scenario.link.rate, scenario.rate_model) = (rates.from, None);
        // frames are each on their own there: how often they come is no limit of its own
        let limits = &mut scenario.limits;
        if limits.link_share.is_none() && limits.max_power.is_none() {
            limits.fps = None;
        }
        self.read_for(scenario, rates, wishes)
    }

    fn read_for(
        &self,
        scenario: Scenario,
        rates: RateRange,
        wishes: ScenarioSpec,
    ) -> anyhow::Result<PlanInputs> {
        self.check_counts()?;
        let mut edges = Vec::new();
        for path in &self.edge {
            edges.push(Profile::load(path).or_fail(Kind::BadInput)?);
        }
        let files: Vec<&str> = edges.iter().map(|edge| edge.model.file.as_str()).collect();
        let names = model_names(&files);
        let mut read = PlanInputs {
            entrants: Vec::new(),
            accuracy_files: Vec::new(),
            scenario,
            rates,
            options: self.options(),
            edge_files: self.edge.clone(),
            servers: self.server.clone(),
            wishes,
        };
        for (index, (name, edge)) in names.into_iter().zip(edges).enumerate() {
            let server = self.server.get(index).or(self.server.first());
            let asked = self.accuracy.get(index).map(PathBuf::as_path);
            let file = accuracy_file(asked, &self.edge[index]);
            read.entrants.push(ModelInput {
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
    pub(crate) fn candidates(&self) -> anyhow::Result<Vec<ModelChoice>> {
        let found = candidates(&self.entrants, &self.scenario);
        found.map_err(|error| candidates_kind(&error).of(error))
    }
}

impl ChoiceArgs {
    /// The complete request: these flags, then the scenario file, then `otherwise`.
    pub(crate) fn complete(
        &self,
        otherwise: ScenarioSpec,
    ) -> anyhow::Result<(Scenario, RateRange)> {
        complete(self.merged(otherwise)?)
    }

    fn merged(&self, otherwise: ScenarioSpec) -> anyhow::Result<ScenarioSpec> {
        let file = match &self.scenario {
            Some(path) => ScenarioSpec::load(path).or_fail(Kind::Usage)?,
            None => ScenarioSpec::default(),
        };
        Ok(self.wishes().or(file).or(otherwise))
    }

    fn wishes(&self) -> ScenarioSpec {
        self.spread.add_to(ScenarioSpec {
            format: None,
            link: self.link.clone(),
            rate: self.rate,
            delay: self.delay,
            down_rate: self.down_rate,
            codec: self.codec.clone(),
            input_u8: self.input_u8.clone(),
            results: self.results.clone(),
            objective: self.objective,
            then: self.then,
            schedule: self.schedule,
            weight: self.weight.clone(),
            edge_memory: self.edge_memory,
            server_memory: self.server_memory,
            max_uplink: self.max_uplink,
            max_downlink: self.max_downlink,
            max_message: self.max_message,
            min_depth: self.min_depth,
            deadline: self.deadline.clone(),
            fps: self.fps,
            link_share: self.link_share,
            max_energy: self.max_energy,
            max_power: self.max_power,
            keep_on_edge: self.keep_on_edge.clone(),
            keep_on_server: self.keep_on_server.clone(),
            raw_stays: self.raw_stays,
            max_drop: self.max_drop.clone(),
            floor: self.floor.clone(),
            confidence: self.confidence,
            capacity: self.capacity.iter().cloned().collect(),
            local_input: self.local_input.clone(),
            task: self.task.clone(),
            ..ScenarioSpec::default()
        })
    }
}

fn complete(wishes: ScenarioSpec) -> anyhow::Result<(Scenario, RateRange)> {
    let complete = wishes.complete();
    complete.map_err(|error| scenario_kind(&error).of(error))
}

/// Refuses an output file that cannot be written before any work is done.
pub(crate) fn check_out(out: Option<&Path>) -> anyhow::Result<()> {
    out.map_or(Ok(()), files::check)
}
