//! Planning synthetic networks, next to a plain maximum flow of the same instance.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use cutpoint_core::units::Bytes;
use cutpoint_planner::parametric::sweep;
use cutpoint_planner::planning::best_plan;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::{RateRange, Scenario};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{EngineChoice, Options};
use cutpoint_testkit::flow::Flow;
use cutpoint_testkit::{FAMILIES, limited, scenario};

const SIZES: [usize; 4] = [50, 200, 500, 2000];
const RATE: &str = "20Mbit/s";

/// From a profile in memory to a plan; and the flow alone, its network ready.
fn plans(criterion: &mut Criterion) {
    for (family, make) in FAMILIES {
        let mut group = criterion.benchmark_group(family);
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_secs(2));
        for layers in SIZES {
            let profile = make(layers, 1);
            let server = Server::faster(8.0);
            let free = scenario(RATE, "5 ms");
            let tight = limited(&profile, RATE);
            let program = Options {
                engine: EngineChoice::Linear,
                ..Options::default()
            };
            let broken = contradictory(&tight);
            for (name, scenario, options) in [
                ("no limits", &free, Options::default()),
                ("no limits, program alone", &free, program),
                ("all limits", &tight, Options::default()),
                ("all limits, program alone", &tight, program),
                ("infeasible, explained", &broken, Options::default()),
            ] {
                let id = BenchmarkId::new(name, layers);
                group.bench_with_input(id, &profile, |bencher, profile| {
                    bencher.iter(|| {
                        let problem = Problem::new(profile, &server, scenario).unwrap();
                        black_box(best_plan(&problem, &options).unwrap())
                    });
                });
            }
            let flow = Flow::new(&Problem::new(&profile, &server, &free).unwrap());
            let id = BenchmarkId::new("maximum flow", layers);
            group.bench_with_input(id, &flow, |bencher, flow| bencher.iter(|| flow.least()));
        }
        group.finish();
    }
}

/// The same with two limits that no plan meets together.
fn contradictory(scenario: &Scenario) -> Scenario {
    let mut scenario = scenario.clone();
    scenario.limits.edge_memory = Some(Bytes(0));
    scenario.limits.max_uplink = Some(Bytes(0));
    scenario
}

fn sweeps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sweep 100 kbit/s..1 Gbit/s");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300));
    let rates: RateRange = "100kbit/s..1Gbit/s".parse().unwrap();
    for (family, make) in FAMILIES {
        for layers in [200, 2000] {
            let profile = make(layers, 1);
            let scenario = scenario(RATE, "5 ms");
            let problem = Problem::new(&profile, &Server::faster(8.0), &scenario).unwrap();
            let id = BenchmarkId::new(family, layers);
            group.bench_with_input(id, &problem, |bencher, problem| {
                bencher.iter(|| sweep(problem, rates, &Options::default()).unwrap());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, plans, sweeps);
criterion_main!(benches);
