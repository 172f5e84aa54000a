//! The trade between latency and a limit, against every placement.

use cutpoint_core::graph::{LayerId, LayerSet};
use cutpoint_core::profile::Power;
use cutpoint_core::units::{Bytes, Energy};
use cutpoint_planner::parametric;
use cutpoint_planner::problem::{Limit, Problem};
use cutpoint_planner::scenario::ScenarioSpec;
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::Options;
use cutpoint_testkit::networks::network;

fn problem(layers: usize, rate: &str, edge_memory: Option<Bytes>) -> Problem {
    let mut profile = network(layers, |i| format!("layer{i}"));
    profile.power = Some(Power {
        compute_w: 4.0,
        transmit_w: 7.0,
        idle_w: 0.5,
    });
    let spec = ScenarioSpec {
        rate: Some(rate.parse().unwrap()),
        delay: Some("40 us".parse().unwrap()),
        edge_memory,
        ..ScenarioSpec::default()
    };
    let (scenario, _) = spec.complete().unwrap();
    Problem::new(&profile, &Server::faster(8.0), &scenario).unwrap()
}

/// Use and latency of every allowed placement.
fn all(problem: &Problem, of: &Limit) -> Vec<(i64, i128)> {
    let layers = problem.graph().layers().len();
    let mut found = Vec::new();
    for bits in 0..1u32 << layers {
        let mut edge = LayerSet::empty(layers);
        let chosen = (0..layers).filter(|i| bits >> i & 1 == 1);
        chosen.for_each(|i| edge.insert(LayerId::new(i)));
        let Ok(codecs) = problem.best_codecs(&edge, problem.time_per_bit()) else {
            continue;
        };
        if let Ok(cost) = problem.evaluate(&edge, &codecs) {
            let used = problem.used(of, &edge, &cost).unwrap();
            found.push((used, cost.scaled(problem.time_per_bit())));
        }
    }
    found
}

#[test]
fn fronts_are_those_of_all_placements() {
    for rate in ["30 Mbit/s", "400 Mbit/s", "5 Gbit/s"] {
        for memory in [None, Some(Bytes(30_300_000))] {
            let problem = problem(10, rate, memory);
            for of in [
                Limit::EdgeMemory(Bytes(0)),
                Limit::MaxUplink(Bytes(0)),
                Limit::MaxEnergy(Energy(0)),
            ] {
                let placements = all(&problem, &of);
                let beaten = |(used, latency): &(i64, i128)| {
                    let by = |(u, l): &(i64, i128)| {
                        u <= used && l <= latency && (u, l) != (used, latency)
                    };
                    placements.iter().any(by)
                };
                let best = placements.iter().filter(|point| !beaten(point));
                let mut wanted: Vec<(i64, i128)> = best.copied().collect();
                wanted.sort_unstable();
                wanted.dedup();
                let front = parametric::pareto_front(&problem, &of, &Options::default()).unwrap();
                let pace = problem.time_per_bit();
                let steps = front.steps.iter();
                let found: Vec<(i64, i128)> = steps
                    .map(|step| (step.used, step.cost.scaled(pace)))
                    .collect();
                assert_eq!(found, wanted, "{of} at {rate}");
                assert!(front.is_proven && !front.is_cut_short);
            }
        }
    }
}

#[test]
fn without_a_plan_the_front_is_empty() {
    let problem = problem(8, "10 Mbit/s", Some(Bytes(1)));
    let front =
        parametric::pareto_front(&problem, &Limit::MaxUplink(Bytes(0)), &Options::default());
    assert!(front.unwrap().steps.is_empty());
}
