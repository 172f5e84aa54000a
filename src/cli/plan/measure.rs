//! Plans that are really measured here before one is chosen.
//!
//! Of the plans that the prediction cannot tell from the best, the real halves are run on this
//! machine, which must be the one that the profile was made on.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use cutpoint_core::plan::{HalfEvidence, MeasuredPlan, Measurement, Plan, Status};
use cutpoint_core::profile::{Profile, TimeOrigin};
use cutpoint_onnx::plan::plan_request;
use cutpoint_onnx::{CutRequest, Model, show};
use cutpoint_planner::problem::{Found, Problem};
use cutpoint_planner::scenario::Objective;
use cutpoint_planner::select::ModelInput;
use cutpoint_planner::solve::{Near, nearest};
use cutpoint_runtime::board::{Board, most_threads};
use cutpoint_runtime::compare_plans::{Comparison, PASSES, PartTime, PlanTimes};
use cutpoint_runtime::halves::Bench;
use cutpoint_runtime::measure::{Cache, Protocol};
use cutpoint_runtime::probe::{probe, random_inputs};
use cutpoint_runtime::session::Provider;
use indicatif::ProgressBar;

use super::super::accuracy::{stop_on_ctrl_c, stopped};
use super::super::scenario_args::PlanInputs;
use super::super::{Common, Kind, OrFail, engine};

/// Most plans that are measured.
const MOST: usize = 20;
/// Time spent on each plan.
const EACH: Duration = Duration::from_secs(2);

/// How many plans to measure at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct AtMost(usize);

impl FromStr for AtMost {
    type Err = String;
    fn from_str(text: &str) -> Result<AtMost, String> {
        if text == "auto" {
            return Ok(AtMost(MOST));
        }
        let number = text.parse().ok().filter(|n| (1..=MOST).contains(n));
        let hint = || format!("`{text}` is neither a number from 1 to {MOST} nor `auto`");
        number.map(AtMost).ok_or_else(hint)
    }
}

/// Refuses what cannot be measured here before any work is done.
pub(super) fn check(read: &PlanInputs, models: &[std::path::PathBuf]) -> anyhow::Result<()> {
    let usage = |problem: &str| Err(Kind::Usage.of(anyhow::anyhow!("--measure: {problem}")));
    if read.scenario.objective != Objective::Latency {
        return usage("latencies are compared; leave --objective out");
    }
    let ([entrant], [file]) = (read.entrants.as_slice(), models) else {
        return usage("it takes one --edge and its --model");
    };
    let profile = &entrant.edge;
    if profile.origin() != TimeOrigin::Measured {
        return usage(
            "the profile was written by hand or imported: measure one with `cutpoint profile`",
        );
    }
    let model = engine::load(file)?;
    let fits = profile.model.sha256 == model.sha256();
    let error = anyhow::anyhow!("{} is not the model of the profile", file.display());
    fits.then_some(()).ok_or(error).or_fail(Kind::BadInput)?;
    check_board(profile)
}

/// Times of another machine cannot be compared with those of this one.
fn check_board(profile: &Profile) -> anyhow::Result<()> {
    let (board, here) = (&profile.board, Board::read());
    let known = format!("{} ({})", board.cpu, board.cores);
    let found = format!("{} ({})", here.cpu, here.cores);
    let problem = if known != found {
        format!("was measured on {known}, and this machine is {found}")
    } else if board.threads > most_threads() {
        let most = most_threads();
        format!(
            "was measured with {} threads, and {most} run at once here",
            board.threads
        )
    } else {
        return Ok(());
    };
    Err(Kind::BadInput.of(anyhow::anyhow!(
        "--measure: the profile of {} {problem}: plan where it was made, or measure a profile here \
         with `cutpoint profile`",
        show(&board.name)
    )))
}

/// The plan to take among `plan`, the predicted best, and those near to it.
pub(super) fn settle(
    plan: Plan,
    read: &PlanInputs,
    file: &Path,
    most: AtMost,
    common: &Common,
) -> anyhow::Result<Plan> {
    let candidates = read.candidates()?;
    let (Some(candidate), Some(entrant)) = (candidates.first(), read.entrants.first()) else {
        return Ok(plan);
    };
    let problem = &candidate.problem;
    let band_ms = band_ms(entrant);
    let factor = 1.0 + band_ms / plan.latency_ms.max(f64::MIN_POSITIVE);
    let found = nearest(problem, factor, most.0, &read.options)?;
    let plans: Vec<Plan> = found
        .placements
        .iter()
        .map(|n| described(problem, n))
        .collect();
    let race = measure(&plans, entrant, file, common)?;
    let speed_up = entrant.server.speed_up();
    let records = plans.iter().zip(&race.plans);
    let request_ms = entrant.server.request_us / 1e3;
    let mut measurement = Measurement {
        cpu: entrant.edge.board.cpu.clone(),
        threads: entrant.edge.board.threads,
        whole_ms: rounded(race.whole.median_us / 1e3),
        whole_profiled_ms: rounded(entrant.edge.whole.median_us / 1e3),
        server_measured: speed_up.is_some(),
        band_ms: rounded(band_ms),
        complete: found.complete,
        regret_ms: 0.0,
        regret_spread_ms: 0.0,
        plans: records
            .map(|(plan, times)| record(plan, times, speed_up, request_ms))
            .collect(),
    };
    measurement.decide();
    measurement.regret_ms = rounded(measurement.regret_ms);
    measurement.regret_spread_ms = rounded(measurement.regret_spread_ms);
    Ok(taken(plan, plans, measurement))
}

/// What the predictions of two plans may differ by wrongly: the error of a cut that was left out of
/// the fit, on each half of each plan.
fn band_ms(entrant: &ModelInput) -> f64 {
    let (method, whole) = (&entrant.edge.method, &entrant.edge.whole);
    let error = method
        .loo_error_max
        .max(method.repeatability)
        .max(method.noise);
    let halves = 1.0 + entrant.server.speed_up().map_or(1.0, f64::recip);
    2.0 * error * halves * whole.median_us / 1e3
}

fn described(problem: &Problem, near: &Near) -> Plan {
    problem.describe(Found {
        edge: near.edge.clone(),
        cost: near.cost.clone(),
        status: Status::Feasible,
        proof: String::new(),
        bound: near.rank.objectives[0],
        binding: Vec::new(),
    })
}

/// The chosen plan; its numbers stay predicted ones.
fn taken(best: Plan, plans: Vec<Plan>, measurement: Measurement) -> Plan {
    let count = measurement.plans.len();
    let others = measurement.plans.iter().position(|plan| plan.chosen);
    let chosen = plans.into_iter().nth(others.unwrap_or(0));
    let is_best = |plan: &Plan| plan.edge == best.edge && plan.local == best.local;
    let mut plan = match chosen {
        Some(chosen) if !is_best(&chosen) => Plan {
            proof: format!(
                "chosen among {count} plans measured here; predicted: {}",
                best.proof
            ),
            bound_ms: best.bound_ms,
            objective: best.objective,
            binding: best.binding,
            alternatives: best.alternatives,
            solve_ms: best.solve_ms,
            request: best.request,
            ..chosen
        },
        _ => Plan {
            proof: format!("{}; held among {count} plans measured here", best.proof),
            ..best
        },
    };
    plan.evidence.edge = HalfEvidence::Measured;
    plan.measured = Some(measurement);
    plan
}

fn record(plan: &Plan, times: &PlanTimes, speed_up: Option<f64>, request_ms: f64) -> MeasuredPlan {
    let ms = |part: &Option<PartTime>| part.map_or(0.0, |part| part.median_us / 1e3);
    let spread = |part: &Option<PartTime>| part.map_or(0.0, |part| part.spread_us / 1e3);
    let parts = plan.breakdown_ms;
    // what the halves cannot do counts as predicted
    let outside = plan.crossing.iter().any(|c| !c.codec.is_in_halves());
    let outside = if outside { 1.0 } else { 0.0 };
    let (server, server_spread) = match (speed_up, &times.server) {
        (Some(speed_up), Some(_)) => (
            ms(&times.server) / speed_up + request_ms + outside * parts.decode,
            spread(&times.server) / speed_up,
        ),
        (Some(_), None) => (0.0, 0.0),
        (None, _) => (parts.server + parts.decode, 0.0),
    };
    let away = parts.uplink + server + parts.downlink;
    let beside = ms(&times.local);
    let behind = if beside > away {
        spread(&times.local)
    } else {
        server_spread
    };
    let rounds = [&times.edge, &times.local, &times.server]
        .into_iter()
        .flatten();
    let server = times.server.filter(|_| speed_up.is_some());
    MeasuredPlan {
        edge_layers: plan.edge.len(),
        crossing: plan
            .crossing
            .iter()
            .map(|c| format!("{} as {}", c.tensor, c.codec))
            .collect(),
        predicted_ms: plan.latency_ms,
        measured_ms: rounded(ms(&times.edge) + outside * parts.encode + away.max(beside)),
        spread_ms: rounded(spread(&times.edge).hypot(behind)),
        edge_ms: rounded(ms(&times.edge)),
        edge_mad_ms: rounded(times.edge.map_or(0.0, |t| t.mad_us / 1e3)),
        server_ms: server.map(|t| rounded(t.median_us / 1e3)),
        server_mad_ms: server.map(|t| rounded(t.mad_us / 1e3)),
        local_ms: times.local.map(|t| rounded(t.median_us / 1e3)),
        rounds: rounds.map(|t| t.rounds).min().unwrap_or(0),
        chosen: false,
        tied: false,
    }
}

/// To the nanosecond: more would only be noise.
fn rounded(ms: f64) -> f64 {
    (ms * 1e6).round() / 1e6
}

/// Times the halves of all plans.
fn measure(
    plans: &[Plan],
    entrant: &ModelInput,
    file: &Path,
    common: &Common,
) -> anyhow::Result<Comparison> {
    let profile = &entrant.edge;
    let failed = |error| engine::run_failure(error, file);
    let model: Model = engine::load(file)?;
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
    stop_on_ctrl_c();
    let shapes = profile.model.shapes.iter();
    let shapes: Vec<_> = shapes.filter_map(|shape| shape.parse().ok()).collect();
    let feed = random_inputs(environment, &model, &shapes).map_err(failed)?;
    let facts = probe(environment, &model, &feed).map_err(failed)?;
    let reading = model.graph(&facts).or_fail(Kind::BadInput)?;
    let requests: Vec<CutRequest> = plans
        .iter()
        .map(|plan| plan_request(&reading, plan))
        .collect::<Result<_, _>>()
        .or_fail(Kind::BadInput)?;
    let protocol = Protocol {
        cache: if profile.method.cache == Cache::Warm.name() {
            Cache::Warm
        } else {
            Cache::Interleaved
        },
        paced_fps: profile.method.paced_fps,
        threads: profile.board.threads,
        ..Protocol::default()
    };
    let bench = Bench {
        environment,
        model: &model,
        reading: &reading,
        feed: &feed,
        provider,
        protocol,
    };
    let bar = if common.progress() {
        ProgressBar::new((PASSES * protocol.min_rounds) as u64)
    } else {
        ProgressBar::hidden()
    };
    bar.set_prefix(model.file_name());
    let time = EACH * plans.len() as u32;
    let times = bench.time_plans(&requests, time, &mut |pass, round| {
        bar.set_position((pass * protocol.min_rounds + round.min(protocol.min_rounds)) as u64);
        stopped()
    });
    bar.finish_and_clear();
    times.map_err(failed)
}
