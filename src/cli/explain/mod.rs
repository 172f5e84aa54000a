//! `cutpoint explain`.

mod contender;
mod text;
mod why_not;

use std::path::{Path, PathBuf};

use clap::{Arg, Args};
use cutpoint_core::plan::{Crossing, Explanation, Plan};
use cutpoint_core::units::Delay;
use cutpoint_planner::explain::{NamedCut, explain};
use cutpoint_planner::planning::{Chosen, choose};
use cutpoint_planner::select::ModelChoice;

use super::plan::fail;
use super::scenario_args::{PlanInputs, ScenarioArgs, model_problems, tell};
use super::{Common, Kind, OrFail, split};

/// Say why a plan is the best, what it would take to change it, and why a cut is not chosen
#[derive(Debug, Args)]
#[command(
    mut_arg("edge", |arg| unless_planned(arg)),
    mut_arg("server", |arg| unless_planned(arg)),
    after_help = "Examples:
  cutpoint explain plan.toml
  cutpoint explain plan.toml --why-not features
  cutpoint explain plan.toml --rate 3Mbit/s
  cutpoint explain --edge profiles/pi5/model.toml --server sim:8x --link wifi \\
      --edge-memory 64MiB --why-not boxes,scores --json

A plan file says what it was made from, and flags win over what it says. For every limit: what it
costs, what a little more of it would buy, and the least at which a faster plan exists. Then the
nearest rates, delays and speeds at which another plan wins, and the layers whose times the choice
hangs on. Printed numbers are rounded so that they are enough; --json has them exactly."
)]
pub(crate) struct ExplainArgs {
    /// Plan written by `cutpoint plan`, with --out or as JSON
    plan: Option<PathBuf>,
    /// Tensors that cross in a cut to compare with; give a name that holds a comma a --why-not of
    /// its own
    #[arg(long, value_name = "TENSOR[,TENSOR]")]
    why_not: Vec<String>,
    /// Longest time for all answers together; what is left open is said
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "TIME",
        default_value = "30s"
    )]
    time_limit: Delay,
    #[command(flatten)]
    scenario: ScenarioArgs,
}

fn unless_planned(arg: Arg) -> Arg {
    arg.required(false).required_unless_present("plan")
}

pub(crate) fn run(args: &ExplainArgs, common: &Common) -> anyhow::Result<()> {
    let planned = args.plan.as_deref().map(Plan::load).transpose();
    let planned = planned.or_fail(Kind::BadInput)?;
    let read = match (&planned, &args.plan) {
        (Some(plan), Some(path)) => read_again(args, plan, path, common)?,
        _ => args.scenario.read()?,
    };
    if read.rates.single().is_none() {
        let hint = "--rate: a plan holds at one rate; give one to be explained";
        return Err(Kind::Usage.of(anyhow::anyhow!(hint)));
    }
    let choices = read.choices()?;
    tell(&choices, common);
    let models = model_problems(&choices);
    let options = read.options;
    let (winner, mut plan) = match choose(&models, &options)? {
        Chosen::Plan(winner, plan) => (winner, *plan),
        Chosen::NoPlan(none) => return Err(fail(&none, common)?),
    };
    if let (Some(before), Some(path)) = (&planned, &args.plan)
        && !alike(before, &plan)
    {
        common.note(format_args!(
            "planning again gives another plan than {} holds: this is about the new one",
            path.display()
        ));
    }
    // the time it took is no part of the answer
    plan.solve_ms = None;
    let cut = named_cut(args, &choices[winner])?;
    let time = args.time_limit.0;
    let found = explain(&models, winner, &plan, cut.as_ref(), &options, time)?;
    let found = Explanation {
        plan: Plan {
            request: Some(read.request()?),
            ..choices[winner].finish(found.plan)
        },
        ..found
    };
    if common.json {
        common.print_json(&found)
    } else {
        common.print(text::explanation(&found))
    }
}

fn read_again(
    args: &ExplainArgs,
    plan: &Plan,
    path: &Path,
    common: &Common,
) -> anyhow::Result<PlanInputs> {
    let request = plan.request.as_ref().ok_or_else(|| {
        anyhow::anyhow!(
            "{} does not say what it was made from: plan again with `cutpoint plan --out`, or \
             leave it out and give --edge, --server and --rate",
            path.display()
        )
    });
    args.scenario
        .read_again(path, request.or_fail(Kind::BadInput)?, common)
}

/// Whether two plans place the layers and send what crosses alike.
fn alike(one: &Plan, other: &Plan) -> bool {
    let sent = |c: &Crossing| (c.tensor.clone(), c.codec);
    one.model == other.model
        && one.edge == other.edge
        && one
            .crossing
            .iter()
            .map(sent)
            .eq(other.crossing.iter().map(sent))
}

fn named_cut(args: &ExplainArgs, chosen: &ModelChoice) -> anyhow::Result<Option<NamedCut>> {
    let problem = &chosen.problem;
    let graph = problem.graph();
    let mut tensors = Vec::new();
    for text in &args.why_not {
        let named = split::tensors(graph, text)
            .map_err(|error| anyhow::anyhow!("--why-not: in {}, {error}", chosen.name));
        tensors.extend(named.or_fail(Kind::Usage)?);
    }
    if tensors.is_empty() {
        return Ok(None);
    }
    let local = graph.inputs().iter().copied();
    let local: Vec<_> = local.filter(|t| problem.model().is_local(*t)).collect();
    let edge = graph
        .edge_of_cut(&tensors, &local)
        .map_err(|error| anyhow::anyhow!("--why-not: {error}"))
        .or_fail(Kind::Usage)?;
    Ok(Some(NamedCut { tensors, edge }))
}
