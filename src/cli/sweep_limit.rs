//! `cutpoint sweep --over`.

use std::path::Path;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::plan::{DelayMap, LimitSegment, LimitSweep, Plan};
use cutpoint_core::quantity::Quantity;
use cutpoint_planner::parametric::{Stretch, by_bisection, limit_sweep_file, map, sweep_limit};
use cutpoint_planner::planning::{Chosen, choose};
use cutpoint_planner::scenario::ParameterRange;
use cutpoint_planner::select::{ModelChoice, model_choices, relative_to_best};
use cutpoint_planner::solve::SolveError;
use serde::Serialize;

use super::plan::fail;
use super::scenario_args::{PlanInputs, ScenarioArgs, candidates_kind, model_problems, tell};
use super::{Common, Kind, OrFail, files, sweep_limit_text};

/// What is varied other than the rate.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sweep")]
pub(crate) struct LimitArgs {
    /// Vary this instead of the rate: edge-memory, server-memory, max-uplink, max-downlink,
    /// max-message, max-energy, max-power, link-share, deadline[:TASK], max-drop[:TASK],
    /// floor:TASK, capacity:NAME, fps, delay, or speed (of a server like sim:8x)
    #[arg(long, allow_hyphen_values = true, value_name = "WHAT=A..B")]
    over: Option<ParameterRange>,
    /// Best plans of a range of rates at each of several delays: with --rate A..B and --over
    /// delay=A..B
    #[arg(long, requires = "over")]
    map: bool,
    /// Delays of the map
    #[arg(
        long,
        value_name = "N",
        requires = "map",
        default_value = "25",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000)
    )]
    rows: usize,
}

impl LimitArgs {
    /// What is varied, if it is not the rate.
    pub(crate) fn over(&self) -> Option<&ParameterRange> {
        self.over.as_ref()
    }

    /// What a file with the result holds.
    pub(crate) fn kind(&self) -> FileKind {
        match &self.over {
            None => FileKind::Sweep,
            Some(_) if self.map => FileKind::Map,
            Some(_) => FileKind::LimitSweep,
        }
    }

    /// Sweeps, prints and writes.
    pub(crate) fn run(
        &self,
        over: &ParameterRange,
        scenario: &ScenarioArgs,
        out: Option<&Path>,
        common: &Common,
    ) -> anyhow::Result<()> {
        let read = scenario.read_varied(over)?;
        self.check(over, &read)?;
        if self.map {
            let found = self.map(over, &read, common)?;
            return finish(
                &found,
                &sweep_limit_text::map(&found),
                found.to_toml(),
                out,
                common,
            );
        }
        let found = match over.parameter.quantity {
            Quantity::Speed => speeds(over, &read, common)?,
            _ => amounts(over, &read, common)?,
        };
        let text = sweep_limit_text::sweep(over, &found);
        finish(&found, &text, found.to_toml(), out, common)
    }

    fn check(&self, over: &ParameterRange, read: &PlanInputs) -> anyhow::Result<()> {
        let one_rate = read.rates.single().is_some();
        let hint = match (
            self.map,
            over.parameter.quantity == Quantity::Delay,
            one_rate,
        ) {
            (true, true, false) | (false, _, true) => return Ok(()),
            (true, ..) => "--map is of rates and delays: give --rate A..B and --over delay=A..B",
            (false, true, false) => {
                "--rate is a range: add --map for every delay of a grid, or give one rate"
            }
            (false, false, false) => "--rate is a range: sweep over it or over this, not both",
        };
        Err(Kind::Usage.of(anyhow::anyhow!("--over {}: {hint}", over.parameter)))
    }

    fn map(
        &self,
        over: &ParameterRange,
        read: &PlanInputs,
        common: &Common,
    ) -> anyhow::Result<DelayMap> {
        let choices = read.choices()?;
        tell(&choices, common);
        let delays = grid(over.from, over.to, self.rows);
        let found = map(
            &model_problems(&choices),
            read.rates,
            &delays,
            &read.options,
        );
        let (mut found, chosen) = found.map_err(|error| refusal(error, common))?;
        for (plan, index) in found.plans.iter_mut().zip(chosen) {
            plan.plan = choices[index].finish(plan.plan.clone());
        }
        Ok(found)
    }
}

/// Delays by a common factor; where the shortest is zero, it and those from a thousandth of the
/// longest on.
fn grid(from: u64, to: u64, rows: usize) -> Vec<u64> {
    let mut delays = vec![from];
    let start = if from == 0 { to / 1000 } else { from };
    let first = usize::from(from != 0);
    let steps = rows.saturating_sub(2) + first;
    for index in first..=steps {
        let share = index as f64 / (steps as f64).max(1.0);
        let ratio = to as f64 / (start as f64).max(1.0);
        delays.push(((start as f64).max(1.0) * ratio.powf(share)).round() as u64);
    }
    delays.retain(|delay| (from..=to).contains(delay));
    delays.dedup();
    // the ends as they were typed
    if let Some(last) = delays.last_mut().filter(|_| rows > 1) {
        *last = to;
    }
    delays.truncate(rows);
    delays.dedup();
    delays
}

fn amounts(
    over: &ParameterRange,
    read: &PlanInputs,
    common: &Common,
) -> anyhow::Result<LimitSweep> {
    let choices = read.choices()?;
    tell(&choices, common);
    let scenario = match read.models.as_slice() {
        [_] => read.scenario.clone(),
        several => {
            let scenario = relative_to_best(several, &read.scenario);
            scenario.map_err(|error| candidates_kind(&error).of(error))?
        }
    };
    let found = sweep_limit(&model_problems(&choices), over, &scenario, &read.options);
    let (mut found, chosen) = found.map_err(|error| refusal(error, common))?;
    for (segment, index) in found.segments.iter_mut().zip(chosen) {
        segment.plan = choices[index].finish(segment.plan.clone());
    }
    Ok(found)
}

fn speeds(over: &ParameterRange, read: &PlanInputs, common: &Common) -> anyhow::Result<LimitSweep> {
    tell(&read.choices()?, common);
    let at = |speed: u64| -> anyhow::Result<Option<Plan>> {
        let choices = at_speed(read, speed)?;
        Ok(match choose(&model_problems(&choices), &read.options)? {
            Chosen::Plan(index, plan) => Some(lasting(choices[index].finish(*plan))),
            Chosen::NoPlan(_) => None,
        })
    };
    let found = by_bisection(over.from, over.to, &[], at, is_same)?;
    let segment = |stretch: Stretch<Plan>| {
        Some(LimitSegment {
            from: stretch.from,
            to: stretch.to,
            from_typed: over.parameter.typed(stretch.from),
            to_typed: over.parameter.typed(stretch.to),
            latency: None,
            plan: stretch.plan?,
        })
    };
    let segments: Vec<LimitSegment> = found.into_iter().filter_map(segment).collect();
    if segments.is_empty() {
        let choices = at_speed(read, over.to)?;
        if let Chosen::NoPlan(none) = choose(&model_problems(&choices), &read.options)? {
            return Err(fail(&none, common)?);
        }
    }
    Ok(LimitSweep {
        resolution: Some(RESOLUTION.to_owned()),
        ..limit_sweep_file(over, segments)
    })
}

const RESOLUTION: &str = "switches are exact to 0.001x, between plans solved for at both speeds; a \
    plan that is the best only between two of the 33 speeds first looked at, with the same other \
    plan at both, is missing";

/// The choices with the server at a speed in thousandths.
fn at_speed(read: &PlanInputs, speed: u64) -> anyhow::Result<Vec<ModelChoice>> {
    let mut models = read.models.clone();
    for model in &mut models {
        let server = model.server.at_speed(speed as f64 / 1e3);
        model.server = server.ok_or_else(|| {
            Kind::Usage.of(anyhow::anyhow!(
                "--over speed: {} is not so many times as fast as what was measured: use a server \
                 such as sim:8x, or a description with `speedup`",
                model.server.name
            ))
        })?;
    }
    let found = model_choices(&models, &read.scenario);
    found.map_err(|error| candidates_kind(&error).of(error))
}

fn is_same(one: &Plan, other: &Plan) -> bool {
    let sent = |plan: &Plan| -> Vec<_> {
        let crossing = plan.crossing.iter();
        crossing.map(|c| (c.tensor.clone(), c.codec)).collect()
    };
    one.model == other.model
        && one.edge == other.edge
        && one.local == other.local
        && sent(one) == sent(other)
}

/// The time it took to solve is no part of the answer.
fn lasting(plan: Plan) -> Plan {
    Plan {
        solve_ms: None,
        ..plan
    }
}

/// An error, or that there is no plan.
fn refusal(error: SolveError, common: &Common) -> anyhow::Error {
    match error {
        SolveError::Infeasible(none) => fail(&none, common).unwrap_or_else(|error| error),
        SolveError::Stopped(_) => error.into(),
        other => Kind::Usage.of(other),
    }
}

fn finish(
    found: &impl Serialize,
    text: &str,
    toml: Result<String, cutpoint_core::plan::PlanFileError>,
    out: Option<&Path>,
    common: &Common,
) -> anyhow::Result<()> {
    if let Some(path) = out {
        files::write("--out", path, toml.or_fail(Kind::Other)?.as_bytes())?;
    }
    if common.json {
        common.print_json(found)
    } else {
        common.print(text)
    }
}
