//! `cutpoint plan`.

mod measure;
mod refine;

use std::path::PathBuf;

use clap::Args;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::plan::{
    Allowance, Amounts, Conflict, LimitName, MetricAllowance, NoPlan, Plan, Relaxation,
};
use cutpoint_core::quantity::Quantity;
use cutpoint_core::units::Bytes;
use cutpoint_planner::parametric::stability;
use cutpoint_planner::planning::{Chosen, choose};

use measure::AtMost;

use super::run_files::{Holds, Replace, RunFiles};
use super::scenario_args::{PlanInputs, ScenarioArgs, model_problems, tell};
use super::{Common, Kind, OrFail, files, plan_text};

/// Find the fastest split within the limits, from saved profiles
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cutpoint plan --edge profiles/pi5/model.toml --server sim:8x --rate 10Mbit/s --delay 20ms
  cutpoint plan --edge profiles/pi5/model.toml --server profiles/servers/t4.toml --link wifi \\
      --codec f32,u8,q8 --input-u8 image=127.5,127.5 --edge-memory 64MiB --out plan.toml
  cutpoint plan --edge profiles/pi5/model.toml --server sim:8x --link 4g \\
      --accuracy model.accuracy.toml --max-drop 1% --floor size=0.95
  cutpoint plan --edge pi5/both.toml --edge pi5/size.toml --edge pi5/type.toml \\
      --server sim:8x --link wifi --max-drop 1%
  cutpoint plan --edge profiles/pi5/model.toml --server sim:8x --link 3g --max-drop 1% \\
      --model model.onnx --data shapes
  cutpoint plan --edge profiles/pi5/model.toml --server sim:8x --rate 10Mbit/s --rate-spread 30% \\
      --deadline 80ms --percentile 95 --robust
  cutpoint plan --edge profiles/here/model.toml --server sim:8x --link wifi \\
      --model model.onnx --measure

Exit code 3 says that no plan meets the limits, and which of them contradict one another.")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    /// Say how far the rate and the machines' times may move before another plan wins; some fifty
    /// plans are made for that
    #[arg(long, conflicts_with = "data", help_heading = "Spread")]
    robust: bool,
    /// The model, once for each --edge, for --data or --measure
    #[arg(long, value_name = "MODEL", help_heading = "Measuring")]
    model: Vec<PathBuf>,
    /// On the machine that the profile was made on: really run the halves of up to N plans that the
    /// prediction cannot tell from the best, and choose by what was measured; auto for all of them
    /// (20 at most) [default: 5]
    #[arg(
        long,
        value_name = "N|auto",
        num_args = 0..=1,
        default_missing_value = "5",
        requires = "model",
        conflicts_with = "data",
        help_heading = "Measuring"
    )]
    measure: Option<AtMost>,
    /// The data set that --accuracy was measured on: measure the accuracy of the chosen plan as a
    /// whole, and plan again when it misses a limit
    #[arg(
        long,
        value_name = "DIR",
        requires = "model",
        help_heading = "Measuring"
    )]
    data: Option<PathBuf>,
    /// Write the plan to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &PlanArgs, common: &Common) -> anyhow::Result<()> {
    declare(args).check(Replace::SameKind)?;
    let mut read = args.scenario.read()?;
    if read.rates.single().is_none() {
        let hint = "--rate: a plan holds at one rate; use `cutpoint sweep` for a range";
        return Err(Kind::Usage.of(anyhow::anyhow!(hint)));
    }
    if args.data.is_none() && args.measure.is_none() && !args.model.is_empty() {
        let hint = "--model: add --data to measure its accuracy, or --measure to time it";
        return Err(Kind::Usage.of(anyhow::anyhow!(hint)));
    }
    if args.measure.is_some() {
        measure::check(&read, &args.model)?;
    }
    tell(&read.choices()?, common);
    let planned = match &args.data {
        Some(data) => refine::plan(&mut read, &args.model, data, common)?,
        None => plan(&read)?,
    };
    let planned = match (planned, args.measure, args.model.first()) {
        (Ok(plan), Some(most), Some(file)) => Ok(measure::settle(plan, &read, file, most, common)?),
        (planned, ..) => planned,
    };
    match planned {
        Ok(mut plan) => {
            if args.robust {
                plan.robust = stability(&model_problems(&read.choices()?), &read.options)?;
            }
            plan.request = Some(read.request()?);
            finish(&plan, args, common)
        }
        Err(none) => Err(fail(&none, common)?),
    }
}

fn declare(args: &PlanArgs) -> RunFiles {
    let mut files = RunFiles::default();
    args.scenario.declare(&mut files);
    files.reads("--model", &args.model);
    if let Some(data) = &args.data {
        files.reads_data("--data", data);
    }
    files.writes("--out", args.out.as_deref(), Holds::Kind(FileKind::Plan));
    files
}

/// The best plan of all choices, or why there is none.
fn plan(read: &PlanInputs) -> anyhow::Result<Result<Plan, NoPlan>> {
    let choices = read.choices()?;
    Ok(match choose(&model_problems(&choices), &read.options)? {
        Chosen::Plan(index, plan) => Ok(choices[index].finish(*plan)),
        Chosen::NoPlan(none) => Err(*none),
    })
}

fn finish(plan: &Plan, args: &PlanArgs, common: &Common) -> anyhow::Result<()> {
    if let Some(path) = &args.out {
        // the time it took to solve is no part of the answer
        let lasting = Plan {
            solve_ms: None,
            ..plan.clone()
        };
        files::write(
            "--out",
            path,
            lasting.to_toml().or_fail(Kind::Other)?.as_bytes(),
        )?;
    }
    if common.json {
        common.print_json(plan)
    } else {
        common.print(plan_text::plan(plan))
    }
}

/// Prints that there is no plan, as far as standard output is concerned, and says so as an error.
pub(crate) fn fail(none: &NoPlan, common: &Common) -> anyhow::Result<anyhow::Error> {
    if common.json {
        common.print_json(none)?;
    }
    let mut message = none.proof.clone();
    for conflict in &none.conflict {
        message += &give(conflict).map_or_else(String::new, |text| format!("; {text}"));
    }
    message += &none.relaxation.as_ref().map_or_else(String::new, together);
    Ok(Kind::NoPlan.of(anyhow::anyhow!(message)))
}

/// What it takes when all limits give alike.
fn together(relaxation: &Relaxation) -> String {
    let limits: Vec<String> = relaxation.limits.iter().filter_map(amount).collect();
    let easiest = relaxation.easiest.as_ref().map(|one| {
        let percent = plan_text::percent_up(one.percent);
        format!("; {} alone would have to be {percent} looser", one.limit)
    });
    format!(
        "; each {} looser would do: {}{}",
        plan_text::percent_up(relaxation.percent),
        limits.join(", "),
        easiest.unwrap_or_default()
    )
}

/// A limit with the least it would have to allow.
fn amount(conflict: &Conflict) -> Option<String> {
    let limit = &conflict.limit;
    let is_floor = limit.quantity == Quantity::Floor;
    let least = match &conflict.amounts {
        Amounts::None => return None,
        Amounts::Bytes(bytes) => exactly(bytes.least?),
        Amounts::Units(units) => units.least?.to_string(),
        Amounts::Text(text) => text.least.clone()?,
        Amounts::Drop {
            metric: Some(MetricAllowance { name, best, allows }),
            ..
        } if is_floor => plan_text::metric_within_reach(name, (*best)?, *allows).0,
        Amounts::Drop { drop, .. } => percent(drop.least?),
    };
    Some(format!("{limit} {least}"))
}

/// How far a limit would have to give.
pub(super) fn give(conflict: &Conflict) -> Option<String> {
    let limit = &conflict.limit;
    if let Some(possible) = &conflict.possible {
        return Some(format!(
            "without any other limit, {limit} would still have to allow {possible}"
        ));
    }
    let (least, allows) = match &conflict.amounts {
        Amounts::None => return None,
        Amounts::Bytes(bytes) => (exactly(bytes.least?), exactly(bytes.allows)),
        Amounts::Units(units) => (units.least?.to_string(), units.allows.to_string()),
        Amounts::Text(text) => (text.least.clone()?, text.allows.clone()),
        Amounts::Drop { drop, metric } => return drop_given(limit, drop, metric.as_ref()),
    };
    Some(format!("{limit} would have to allow {least}, not {allows}"))
}

fn drop_given(
    limit: &LimitName,
    drop: &Allowance<f64>,
    metric: Option<&MetricAllowance>,
) -> Option<String> {
    let mut text = format!(
        "{limit}: the best reachable is a drop of {}",
        percent(drop.least?)
    );
    let mut asked = percent(drop.allows);
    if let Some(MetricAllowance {
        name,
        best: Some(best),
        allows,
    }) = metric
    {
        let (best, floor) = plan_text::metric_within_reach(name, *best, *allows);
        text += &format!(", {name} {best}");
        if limit.quantity == Quantity::Floor {
            asked = floor;
        }
    }
    Some(format!("{text}, not {asked}"))
}

/// A drop so that it can be typed: to a ten-thousandth of a percent.
fn percent(drop: f64) -> String {
    format!("{} %", (drop * 1e6).round() / 1e4)
}

/// To the byte, so that it can be typed, and readable.
fn exactly(bytes: u64) -> String {
    match bytes {
        0..1_000 => Bytes(bytes).to_string(),
        _ => format!("{bytes} B ({})", Bytes(bytes)),
    }
}
