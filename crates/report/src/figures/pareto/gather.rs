//! From problems and plans to the data of the figure.

use super::{Candidate, ParetoData, Price};
use crate::canvas::text::bare;
use crate::origin::{edge_origin, server_origin};
use crate::study::local_inputs;
use crate::study::no_plan;
use crate::wording::{link, named};
use crate::{ReportError, Study, nothing};
use cutpoint_core::codec::Codec;
use cutpoint_core::cuts;
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::Profile;
use cutpoint_core::units::{Bytes, Energy};
use cutpoint_planner::parametric;
use cutpoint_planner::planning::Outcome;
use cutpoint_planner::problem::{Cost, Limit, Problem};
use cutpoint_planner::server::Server;

impl Price {
    /// The limit on it; its amount means nothing.
    pub fn limit(self) -> Limit {
        match self {
            Price::Energy => Limit::MaxEnergy(Energy(0)),
            Price::EdgeMemory => Limit::EdgeMemory(Bytes(0)),
            Price::Uplink => Limit::MaxUplink(Bytes(0)),
        }
    }

    /// What a plan's file says of it; unknown without power data.
    fn of(self, plan: &Plan) -> Option<f64> {
        match self {
            Price::Energy => Some((plan.edge_energy_mj? * 1e6).ceil()),
            Price::EdgeMemory => Some(plan.edge_memory_bytes as f64),
            Price::Uplink => Some(plan.uplink_bytes as f64),
        }
    }
}

/// The placements that no other beats both in latency and in what is used of a limit.
#[derive(Debug, Clone)]
pub struct FrontPlans<'a> {
    /// From the least use to the least latency.
    pub placements: Vec<(&'a LayerSet, &'a Cost)>,
    /// Whether slower ones that use less are missing.
    pub is_cut_short: bool,
    /// Whether no better placements exist.
    pub is_proven: bool,
}

/// Data of the figure of latency against a price. `front` is that of [`Price::limit`], `plan` the one
/// chosen for the scenario.
pub fn gather(
    price: Price,
    problem: &Problem,
    front: &FrontPlans<'_>,
    plan: &Plan,
    profile: &Profile,
    server: &Server,
) -> ParetoData {
    let limit = price.limit();
    let candidate = |edge: &LayerSet, cost: &Cost| {
        let used = problem.used(&limit, edge, cost)?;
        Some(Candidate {
            name: name(problem, edge, &cost.crossing),
            latency_us: cost.latency_ms(problem.time_per_bit()) * 1e3,
            price: used as f64,
        })
    };
    ParetoData {
        model: profile.model.file.clone(),
        edge: edge_origin(profile),
        server: server_origin(server),
        link: link(&plan.setting),
        price,
        front: front
            .placements
            .iter()
            .filter_map(|(edge, cost)| candidate(edge, cost))
            .collect(),
        is_cut_short: front.is_cut_short,
        is_proven: front.is_proven,
        others: others(problem)
            .iter()
            .filter_map(|(edge, cost)| candidate(edge, cost))
            .collect(),
        chosen: price.of(plan).map(|price| Candidate {
            name: named(plan),
            latency_us: plan.latency_ms * 1e3,
            price,
        }),
    }
}

fn name(problem: &Problem, edge: &LayerSet, crossing: &[(TensorId, Codec)]) -> String {
    let graph = problem.graph();
    let crossing: Vec<String> = crossing
        .iter()
        .map(|(tensor, codec)| format!("{} · {codec}", bare(&graph.tensor(*tensor).name)))
        .collect();
    let crossing = crossing.join(" + ");
    match edge.len() {
        all if all == graph.layers().len() => "all on the edge".to_owned(),
        0 => format!("server: {crossing}"),
        _ => crossing,
    }
}

/// The placements everybody thinks of, and every natural cut with one tensor in every codec it may
/// cross in, as far as they meet the limits.
fn others(problem: &Problem) -> Vec<(LayerSet, Cost)> {
    let layers = problem.graph().layers().len();
    let whole = [LayerSet::empty(layers), LayerSet::full(layers)];
    let natural = cuts::natural(problem.graph(), &local_inputs(problem)).into_iter();
    let placements = whole.into_iter().chain(natural.map(|cut| cut.edge));
    let mut found = Vec::new();
    for edge in placements {
        let ways: Vec<Vec<(TensorId, Codec)>> = match problem.model().crossing(&edge).as_slice() {
            [] => vec![Vec::new()],
            [tensor] => {
                let ways = problem.encodings(*tensor).iter();
                ways.map(|way| vec![(*tensor, way.codec)]).collect()
            }
            _ => problem
                .best_codecs(&edge, problem.time_per_bit())
                .into_iter()
                .collect(),
        };
        for codecs in ways {
            if let Ok(cost) = problem.evaluate(&edge, &codecs) {
                found.push((edge.clone(), cost));
            }
        }
    }
    found
}

/// Solves for the front of a study, and gathers the figure of a price; nothing for a plan made before
/// under limits that no plan meets.
pub(crate) fn of_study(price: Price, study: &Study<'_>) -> Result<Option<ParetoData>, ReportError> {
    let plan = match study.best() {
        Ok(Outcome::Plan(best)) => study.made.unwrap_or(best),
        Ok(Outcome::NoPlan(_)) if study.made.is_some() => return Ok(None),
        Ok(Outcome::NoPlan(_)) | Err(_) => return Err(no_plan(study)),
    };
    if price == Price::Energy && study.profile.power.is_none() {
        return Err(nothing(
            price.figure(),
            "the profile does not say what power the board draws; add [power] with compute_w, \
             transmit_w and idle_w to it",
        ));
    }
    let front =
        study.solve(|problem, options| parametric::pareto_front(problem, &price.limit(), options));
    let front = front.map_err(|error| nothing(price.figure(), error.to_string()))?;
    let front = FrontPlans {
        placements: front.placements(),
        is_cut_short: front.is_cut_short,
        is_proven: front.is_proven,
    };
    let (problem, profile) = (&study.problem, study.profile);
    Ok(Some(gather(
        price,
        problem,
        &front,
        plan,
        profile,
        &study.server,
    )))
}
