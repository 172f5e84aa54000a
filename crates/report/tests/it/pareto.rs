//! Latency against energy, memory and bytes: made-up fronts, and those of the solver.

use cutpoint_core::plan::Plan;
use cutpoint_core::profile::{Power, Profile};
use cutpoint_planner::planning::Outcome;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::Options;
use cutpoint_planner::{parametric, planning};
use cutpoint_report::figures::pareto::{self, Candidate, ParetoData, Price};
use cutpoint_report::{Origin, ReportError, Style};
use cutpoint_testkit::networks::{
    SIZES, check, network, outlines, problem, shapes, sized, ugly, words,
};

const PRICES: [Price; 3] = [Price::Energy, Price::EdgeMemory, Price::Uplink];

fn origin() -> Origin {
    Origin {
        name: "m".into(),
        method: "made up".into(),
        simulated: true,
    }
}

/// A front of falling latencies, and as many plans behind it.
fn data(plans: usize, price: Price) -> ParetoData {
    let candidate = |i: usize, worse: f64| Candidate {
        name: ugly(i),
        latency_us: worse * 80_000.0 * 0.8f64.powi(i as i32),
        price: worse * 2_000.0 * 1.4f64.powi(i as i32),
    };
    let front: Vec<Candidate> = (0..plans).map(|i| candidate(i, 1.0)).collect();
    ParetoData {
        model: "made-up.onnx".into(),
        edge: origin(),
        server: origin(),
        link: "10 Mbit/s, 20 ms one way".into(),
        price,
        chosen: front.get(plans / 2).cloned(),
        others: (0..plans).map(|i| candidate(i, 1.25)).collect(),
        front,
        is_cut_short: false,
        is_proven: true,
    }
}

fn draw(data: &ParetoData) -> String {
    pareto::draw(data, &Style::default()).unwrap()
}

fn middle([left, top, right, bottom]: [f64; 4]) -> [f64; 2] {
    [(left + right) / 2.0, (top + bottom) / 2.0]
}

#[test]
fn points_lie_where_their_numbers_say() {
    for price in PRICES {
        for plans in [5, 8] {
            let data = data(plans, price);
            let svg = draw(&data);
            check(&svg);
            let dots: Vec<[f64; 2]> = shapes(&svg, "edge-half")
                .into_iter()
                .map(|(at, _)| middle(at))
                .collect();
            assert_eq!(dots.len(), plans);
            // equal factors are equal steps on both axes
            let step = |i: usize, axis: usize| dots[i + 1][axis] - dots[i][axis];
            for i in 0..plans - 1 {
                assert!(
                    (step(i, 0) - step(0, 0)).abs() < 0.3 && step(i, 0) > 0.0,
                    "{dots:?}"
                );
                assert!(
                    (step(i, 1) - step(0, 1)).abs() < 0.3 && step(i, 1) > 0.0,
                    "{dots:?}"
                );
            }
            // 1.25 times as slow and as dear, on axes on which 1.4 and 0.8 are a step
            let faint = shapes(&svg, "faint");
            assert_eq!(faint.len(), plans);
            for (at, dot) in faint.iter().map(|(at, _)| middle(*at)).zip(&dots) {
                let across = 1.25f64.ln() / 1.4f64.ln() * step(0, 0);
                let up = 1.25f64.ln() / 0.8f64.ln() * step(0, 1);
                assert!(
                    (at[0] - dot[0] - across).abs() < 0.5,
                    "{at:?} behind {dot:?}"
                );
                assert!((at[1] - dot[1] - up).abs() < 0.5, "{at:?} behind {dot:?}");
            }
            let ring = middle(shapes(&svg, "best")[0].0);
            let chosen = dots[plans / 2];
            assert!((ring[0] - chosen[0]).hypot(ring[1] - chosen[1]) < 0.3);
            // each step of the line: level to the next plan, then down to it
            let line = &outlines(&svg, "envelope")[0].0;
            for (i, dot) in dots.iter().enumerate() {
                let at = line[2 * i];
                assert!((at[0] - dot[0]).hypot(at[1] - dot[1]) < 0.3, "{line:?}");
            }
        }
    }
}

#[test]
fn the_plan_and_both_ends_are_named_where_there_is_room() {
    let mut data = data(5, Price::Uplink);
    for (i, candidate) in data.front.iter_mut().enumerate() {
        candidate.name = format!("plan{i}");
    }
    data.chosen = Some(data.front[2].clone());
    let svg = draw(&data);
    let strong = words(&svg, "strong");
    assert_eq!(strong.len(), 1);
    assert_eq!(strong[0].1, "plan2");
    let named: Vec<String> = words(&svg, "label")
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert!(named.contains(&"plan0".to_owned()) && named.contains(&"plan4".to_owned()));
}

#[test]
fn nothing_overlaps_on_any_page() {
    for plans in [1, 2, 10, 60, 400] {
        for price in PRICES {
            for size in SIZES {
                let svg = pareto::draw(&data(plans, price), &sized(size)).unwrap();
                check(&svg);
            }
        }
    }
    let data = data(60, Price::Energy);
    assert_eq!(draw(&data), draw(&data.clone()));
}

#[test]
fn what_is_not_known_is_said() {
    let mut data = data(4, Price::Energy);
    assert!(draw(&data).contains("The line is exact"));
    (data.is_proven, data.is_cut_short) = (false, true);
    let svg = draw(&data);
    assert!(svg.contains("better ones may exist") && !svg.contains("The line is exact"));
    assert!(svg.contains("Slower plans with less were not looked for"));
}

#[test]
fn a_price_of_zero_has_its_place() {
    let mut data = data(4, Price::Uplink);
    data.front[0].price = 0.0;
    let svg = draw(&data);
    check(&svg);
    assert!(words(&svg, "muted").iter().any(|(_, text)| text == "0"));
    let dots: Vec<f64> = shapes(&svg, "edge-half")
        .iter()
        .map(|(at, _)| middle(*at)[0])
        .collect();
    assert_eq!(dots.len(), 4);
    assert!(
        dots.windows(2).all(|pair| pair[0] < pair[1] - 5.0),
        "{dots:?}"
    );
}

#[test]
fn without_plans_or_prices_there_is_no_picture() {
    let mut empty = data(3, Price::Energy);
    empty.front.clear();
    let mut free = data(1, Price::Uplink);
    free.front[0].price = 0.0;
    free.others.clear();
    free.chosen = None;
    let mut wild = data(2, Price::EdgeMemory);
    for candidate in &mut wild.front {
        candidate.latency_us = f64::INFINITY;
    }
    for (data, why) in [
        (empty, "limits"),
        (free, "nothing to trade"),
        (wild, "takes no time"),
    ] {
        let error = pareto::draw(&data, &Style::default()).unwrap_err();
        assert!(matches!(error, ReportError::Nothing { .. }));
        let text = error.to_string();
        assert!(
            text.contains(why) && text.contains(data.price.figure()),
            "{text}"
        );
    }
}

fn planned(layers: usize) -> (Profile, Server, Problem, Plan) {
    let mut profile = network(layers, ugly);
    profile.power = Some(Power {
        compute_w: 4.0,
        transmit_w: 7.0,
        idle_w: 0.5,
    });
    let server = Server::faster(8.0);
    let problem = problem(&profile, &server, "3 Gbit/s").with_delay("50 us".parse().unwrap());
    match planning::best_plan(&problem, &Options::default()).unwrap() {
        Outcome::Plan(plan) => (profile, server, problem, plan),
        Outcome::NoPlan(none) => panic!("{}", none.proof),
    }
}

#[test]
fn no_plan_that_is_drawn_beats_the_front() {
    for layers in [10, 100, 500] {
        let (profile, server, problem, plan) = planned(layers);
        for price in PRICES {
            let front =
                parametric::pareto_front(&problem, &price.limit(), &Options::default()).unwrap();
            let plans = pareto::FrontPlans {
                placements: front.placements(),
                is_cut_short: front.is_cut_short,
                is_proven: front.is_proven,
            };
            assert!(front.is_proven && !front.is_cut_short);
            let data = pareto::gather(price, &problem, &plans, &plan, &profile, &server);
            assert_eq!(data.front.len(), front.steps.len());
            let chosen = data.chosen.clone().unwrap();
            for other in data.others.iter().chain([&chosen]) {
                let beats = |front: &Candidate| {
                    other.price < front.price && other.latency_us <= front.latency_us
                        || other.price <= front.price && other.latency_us < front.latency_us - 1e-6
                };
                assert!(
                    !data.front.iter().any(beats),
                    "{other:?} at {layers} layers"
                );
            }
            // the plan is the fastest, so it ends the front
            let fastest = data.front.last().unwrap();
            assert!((fastest.latency_us - chosen.latency_us).abs() < 1e-6);
            assert!(
                (fastest.price - chosen.price).abs() <= 1.0,
                "{fastest:?} {chosen:?}"
            );
            check(&draw(&data));
        }
    }
}
