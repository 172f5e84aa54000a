//! The real latencies of the plans that the prediction cannot tell from the best.
//!
//! They are measured on this machine, which must be the one that the profile was made on.

use std::time::Duration;

use super::RefineError;
use super::record::{record, rounded};
use cutpoint_core::plan::{HalfEvidence, Measurement, Plan, Status};
use cutpoint_onnx::plan::plan_request;
use cutpoint_onnx::{CutRequest, Model};
use cutpoint_planner::planning::PlanWriter;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::select::ModelInput;
use cutpoint_planner::solve::{Near, Options, Solution, nearest};
use cutpoint_runtime::compare_plans::{Comparison, PASSES};
use cutpoint_runtime::halves::Bench;
use cutpoint_runtime::measure::{Cache, Control, Protocol};
use cutpoint_runtime::probe::{observe, shapes_of};
use cutpoint_runtime::session::Provider;
use cutpoint_runtime::{Environment, RunError};

/// Most plans that are worth timing together.
pub const MOST_PLANS: usize = 20;
/// Time spent on each plan.
const TIME_PER_PLAN: Duration = Duration::from_secs(2);

/// A model whose plans can be timed on this machine.
#[derive(Debug)]
pub struct LatencyTrials<'a> {
    /// The runtime, with as many threads as the profile has.
    pub environment: &'a Environment,
    /// The model.
    pub model: &'a Model,
    /// Where it runs.
    pub provider: Provider,
    /// Its profile, made on this machine, and the server.
    pub input: &'a ModelInput,
    /// What was solved for the plan.
    pub problem: &'a Problem,
    /// How it was solved.
    pub options: &'a Options,
    /// Most plans that are timed.
    pub most: usize,
}

impl LatencyTrials<'_> {
    /// Times the halves of `best`, the plan with the best prediction, and of those near to it, and
    /// returns the one to take. `watch` is told the rounds done and how many there are at least.
    ///
    /// # Errors
    /// The solver gives up, a plan does not fit the model, or a half does not run.
    pub fn choose(
        &self,
        best: Plan,
        watch: &mut dyn FnMut(usize, usize) -> Control,
    ) -> Result<Plan, RefineError> {
        let ModelInput { edge, server, .. } = self.input;
        let band_ms = band_ms(self.input);
        let factor = 1.0 + band_ms / best.latency_ms.max(f64::MIN_POSITIVE);
        let found = nearest(self.problem, factor, self.most, self.options)?;
        let near = found.placements.iter();
        let plans: Vec<Plan> = near.map(|near| described(self.problem, near)).collect();
        let times = self.time(&plans, watch)?;
        let speed_up = server.speed_up();
        let request_ms = server.request_us / 1e3;
        let records = plans.iter().zip(&times.plans);
        let mut measurement = Measurement {
            cpu: edge.board.cpu.clone(),
            threads: edge.board.threads,
            whole_ms: rounded(times.whole.median_us / 1e3),
            whole_profiled_ms: rounded(edge.whole.median_us / 1e3),
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
        Ok(taken(best, plans, measurement))
    }

    /// Times the halves of all plans.
    fn time(
        &self,
        plans: &[Plan],
        watch: &mut dyn FnMut(usize, usize) -> Control,
    ) -> Result<Comparison, RefineError> {
        let profile = &self.input.edge;
        let failed = |error: RunError| RefineError::Run {
            path: self.model.path().to_owned(),
            error: Box::new(error),
        };
        let observed = observe(self.environment, self.model, &shapes_of(profile));
        let observed = observed.map_err(failed)?;
        let requests: Vec<CutRequest> = plans
            .iter()
            .map(|plan| plan_request(&observed.reading, plan))
            .collect::<Result<_, _>>()?;
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
            environment: self.environment,
            model: self.model,
            reading: &observed.reading,
            feed: &observed.feed,
            provider: self.provider,
            protocol,
        };
        let rounds = protocol.min_rounds;
        let mut watch = |pass: usize, round: usize| {
            let done = pass * rounds + round.min(rounds);
            watch(done, PASSES * rounds)
        };
        let time = TIME_PER_PLAN * plans.len() as u32;
        let times = bench.time_plans(&requests, time, &mut watch);
        times.map_err(failed)
    }
}

/// What the predictions of two plans may differ by wrongly: the error of a cut that was left out of
/// the fit, on each half of each plan.
fn band_ms(input: &ModelInput) -> f64 {
    let (method, whole) = (&input.edge.method, &input.edge.whole);
    let error = method
        .loo_error_max
        .max(method.repeatability)
        .max(method.noise);
    let halves = 1.0 + input.server.speed_up().map_or(1.0, f64::recip);
    2.0 * error * halves * whole.median_us / 1e3
}

fn described(problem: &Problem, near: &Near) -> Plan {
    let found = Solution {
        edge: near.edge.clone(),
        cost: near.cost.clone(),
        rank: near.rank,
        status: Status::Feasible,
        proof: String::new(),
        bound: near.rank.objectives[0],
    };
    PlanWriter::new(problem).plan(&found, Vec::new())
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
