//! Larger networks: the linear program against a maximum flow, the engines against one another,
//! and sweeps against fresh solutions.

use std::time::Duration;

use cutpoint_core::plan::{Plan, Segment, Side, Status, Sweep};
use cutpoint_core::units::{BitRate, Delay};
use cutpoint_planner::parametric::sweep;
use cutpoint_planner::planning::{Outcome, best_plan};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::{Deadline, Limits, Objective, RateRange, Results, Scenario};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{Deadline as Until, EngineChoice, Options, SolveError};
use cutpoint_testkit::flow::Flow;
use cutpoint_testkit::random::{accuracy, network, random_scenario};
use cutpoint_testkit::{Dice, FAMILIES, codec_record, limited, scenario};
use proptest::prelude::*;

/// The linear program without the second engine.
const ALONE: Options = Options {
    time_limit: std::time::Duration::from_secs(60),
    most_placements: 100_000,
    deadline: Until::NEVER,
    engine: EngineChoice::Linear,
};

/// Branch and bound, however few placements there are.
const BRANCH: Options = Options {
    engine: EngineChoice::Branch,
    ..ALONE
};

fn planned(problem: &Problem, options: &Options) -> Plan {
    match best_plan(problem, options).unwrap() {
        Outcome::Plan(plan) => plan,
        Outcome::NoPlan(none) => panic!("{}", none.proof),
    }
}

fn without_limits(scenario: Scenario) -> Scenario {
    Scenario {
        limits: Limits::default(),
        ..scenario
    }
}

/// The program's plan costs what the maximum flow is, to the last digit.
fn check_flow(problem: &Problem) {
    let pace = problem.time_per_bit();
    let flow = i128::try_from(Flow::new(problem).least()).unwrap();
    match best_plan(problem, &ALONE).unwrap() {
        Outcome::Plan(plan) => {
            assert!(
                plan.proof.contains("relaxation is integral"),
                "{}",
                plan.proof
            );
            assert_eq!(plan.latency_ms, pace.ns(flow) / 1e6);
        }
        Outcome::NoPlan(_) => assert!(flow >= 1 << 100, "there is a cut"),
    }
}

#[test]
fn without_side_limits_the_relaxation_is_integral_and_equals_a_maximum_flow() {
    for (family, make) in FAMILIES {
        for (layers, seed) in [(60, 1), (60, 2), (60, 3), (250, 4), (250, 5)] {
            println!("{family} {layers} {seed}");
            let profile = make(layers, seed);
            for rate in ["2Mbit/s", "20Mbit/s", "500Mbit/s"] {
                let mut scenario = scenario(rate, "3 ms");
                scenario.limits.raw_stays = seed % 2 == 0;
                let server = Server::faster(6.0);
                check_flow(&Problem::new(&profile, &server, &scenario).unwrap());
            }
        }
    }
}

#[test]
fn engines_agree_within_limits() {
    for (family, make) in FAMILIES {
        for (layers, seed) in [(50, 1), (50, 2), (50, 3), (120, 4)] {
            let profile = make(layers, seed);
            for rate in ["5Mbit/s", "50Mbit/s"] {
                let scenario = limited(&profile, rate);
                let problem = Problem::new(&profile, &Server::faster(8.0), &scenario).unwrap();
                let default = best_plan(&problem, &Options::default()).unwrap();
                for options in [ALONE, BRANCH] {
                    match (best_plan(&problem, &options).unwrap(), &default) {
                        (Outcome::Plan(one), Outcome::Plan(other)) => {
                            assert_eq!(one.status, Status::Optimal);
                            assert_eq!(
                                one.latency_ms, other.latency_ms,
                                "{family} {layers} {seed}"
                            );
                            assert_eq!(one.binding, other.binding, "{family} {layers} {seed}");
                        }
                        (Outcome::NoPlan(one), Outcome::NoPlan(other)) => {
                            assert_eq!(one.conflict, other.conflict, "{family} {layers} {seed}");
                        }
                        _ => panic!("{family} {layers} {seed}: one engine finds no plan"),
                    }
                }
            }
        }
    }
}

/// Limits on every task's accuracy and on a capacity, around the plan that is best without them.
#[test]
fn engines_agree_within_limits_on_accuracy() {
    let mut limited = 0;
    for (family, make) in FAMILIES {
        for (layers, seed) in [(40, 1), (50, 2), (60, 3), (80, 4)] {
            let mut profile = make(layers, seed);
            profile.codecs.extend([
                codec_record("q4", 4.0, 0.6),
                codec_record("zstd", 2.0, 0.9),
                codec_record("variant:a", 8.0, 0.1),
            ]);
            for (index, layer) in profile.layers.iter_mut().enumerate() {
                layer.uses.insert("BRAM".to_owned(), 1 + index as u32 % 4);
            }
            let file = accuracy(seed, &profile);
            for (rate, percent) in [
                ("5Mbit/s", "0.8%"),
                ("20Mbit/s", "1.5%"),
                ("80Mbit/s", "3%"),
            ] {
                let mut scenario = scenario(rate, "2 ms");
                scenario.measured_codecs = true;
                scenario.limits.accuracy.drops = vec![percent.parse().unwrap()];
                let most = 2 * layers as u64;
                scenario.limits.capacities.insert("BRAM".to_owned(), most);
                let server = Server::faster(8.0);
                let problem =
                    Problem::with_accuracy(&profile, &server, &scenario, Some(&file)).unwrap();
                let default = planned(&problem, &Options::default());
                for plan in [ALONE, BRANCH].map(|options| planned(&problem, &options)) {
                    assert_eq!(plan.status, Status::Optimal);
                    assert_eq!(
                        plan.latency_ms, default.latency_ms,
                        "{family} {layers} {seed}"
                    );
                    assert_eq!(plan.binding, default.binding, "{family} {layers} {seed}");
                }
                limited += usize::from(!default.binding.is_empty());
            }
        }
    }
    assert!(limited > 20, "{limited}");
}

/// Heads of one to three layers behind a backbone, each with a deadline of its own that it may have to
/// stay on the board for: all placements against the engines that tell sets of tasks apart.
#[test]
fn engines_agree_on_tasks_with_deadlines_of_their_own() {
    let (mut planned, mut mixed) = (0, 0);
    for seed in 0..80_u64 {
        let mut net = cutpoint_testkit::Net::new(seed);
        let mut last = net.input("in", 20_000);
        for _ in 0..3 {
            last = net.conv(&[last], 10);
        }
        let mut scenario = scenario("20Mbit/s", "5 ms");
        let heads = net.dice.within(3, 5);
        for _ in 0..heads {
            let mut head = last.clone();
            for _ in 0..net.dice.within(1, 3) {
                head = net.conv(&[head], 10);
            }
            net.output(&head);
            let most = Delay(Duration::from_millis(net.dice.within(40, 200)));
            let task = Some(head.clone());
            scenario.limits.deadlines.push(Deadline { task, most });
            if net.dice.percent(40) {
                scenario.task_results.push((head, Results::Anywhere));
            }
        }
        let objectives = [
            Objective::Latency,
            Objective::Lateness,
            Objective::EdgeTime,
            Objective::Weighted,
        ];
        scenario.objective = objectives[net.dice.below(4) as usize];
        let problem = Problem::new(&net.done(), &Server::faster(8.0), &scenario).unwrap();
        let all = Options {
            engine: EngineChoice::Enumerate,
            ..ALONE
        };
        let expected = best_plan(&problem, &all).unwrap();
        for options in [ALONE, BRANCH, Options::default()] {
            match (best_plan(&problem, &options).unwrap(), &expected) {
                (Outcome::Plan(one), Outcome::Plan(other)) => {
                    assert_eq!(one.status, Status::Optimal, "{seed}");
                    assert_eq!(one.objective, other.objective, "{seed}");
                }
                (Outcome::NoPlan(one), Outcome::NoPlan(other)) => {
                    assert_eq!(one.conflict, other.conflict, "{seed}");
                }
                _ => panic!("{seed}: one engine finds no plan"),
            }
        }
        if let Outcome::Plan(plan) = expected {
            planned += 1;
            let on_board = plan.tasks.iter().filter(|task| task.side == Side::Edge);
            mixed += usize::from((1..plan.tasks.len()).contains(&on_board.count()));
        }
    }
    assert!(planned > 20 && mixed > 5, "{planned} {mixed}");
}

/// Two thousand heads with one deadline and one with another: few sets of tasks are to be told apart.
#[test]
fn very_many_tasks_are_planned_to_the_end() {
    let mut net = cutpoint_testkit::Net::new(5);
    let mut last = net.input("in", 50_000);
    for _ in 0..20 {
        last = net.conv(&[last], 30);
    }
    for _ in 0..2_000 {
        let head = net.layer(std::slice::from_ref(&last), 10, 50.0);
        net.output(&head);
    }
    let mut scenario = scenario("20Mbit/s", "5 ms");
    for most in ["100ms", "t25=50ms"] {
        scenario.limits.deadlines.push(most.parse().unwrap());
    }
    scenario.objective = Objective::Lateness;
    let profile = net.done();
    let problem = Problem::new(&profile, &Server::faster(8.0), &scenario).unwrap();
    let plan = planned(&problem, &Options::default());
    assert_eq!(plan.status, Status::Optimal);
    // what is due at once stays, the rest is faster on the server
    assert_eq!(plan.edge.len(), 21);
}

#[test]
fn the_same_problem_gives_the_same_bytes() {
    let profile = cutpoint_testkit::multi_head(120, 3);
    let scenario = limited(&profile, "20Mbit/s");
    let text = |options: &Options| {
        let problem = Problem::new(&profile, &Server::faster(8.0), &scenario).unwrap();
        let plan = planned(&problem, options);
        Plan {
            solve_ms: None,
            ..plan
        }
        .to_toml()
        .unwrap()
    };
    for options in [ALONE, Options::default()] {
        assert_eq!(text(&options), text(&options));
    }
}

/// Segments are in order, without gaps, over the whole range.
fn check_order(sweep: &Sweep, rates: RateRange) {
    let mut from = sweep.no_plan_below_bit_s.unwrap_or(rates.from.bit_s());
    for segment in &sweep.segments {
        assert_eq!(segment.from_bit_s, from);
        assert!(segment.to_bit_s >= from);
        assert_eq!(segment.plan.setting.rate_bit_s, from);
        from = segment.to_bit_s;
    }
    assert_eq!(from, rates.to.bit_s());
}

/// At a rate, the segment's plan is the one that a fresh solution finds, or, where segments meet,
/// exactly as fast: a third plan may touch the envelope there and be chosen for its fewer layers.
fn check_look_up(problem: &Problem, sweep: &Sweep, rate_bit_s: u64) {
    let segment = sweep.at(rate_bit_s).expect("a rate in the range");
    let there = problem.with_rate(BitRate::from_bit_s(rate_bit_s).unwrap());
    let fresh = planned(&there, &Options::default());
    let looked_up = segment.latency.at_bit_s(rate_bit_s as f64);
    let apart = (looked_up - fresh.latency_ms).abs() / fresh.latency_ms.max(f64::MIN_POSITIVE);
    assert!(apart <= 1e-9);
    let meets = |s: &Segment| s.from_bit_s.abs_diff(rate_bit_s) <= 1;
    if sweep.segments.iter().any(meets) && apart <= 1e-14 {
        return;
    }
    assert_eq!(segment.plan.edge, fresh.edge, "at {rate_bit_s} bit/s");
    assert_eq!(
        segment.plan.crossing, fresh.crossing,
        "at {rate_bit_s} bit/s"
    );
}

fn check_sweep(problem: &Problem, rates: RateRange, seed: u64) {
    let found = match sweep(problem, rates, &Options::default()) {
        Err(SolveError::Infeasible(_)) => {
            assert!(matches!(
                best_plan(problem, &Options::default()).unwrap(),
                Outcome::NoPlan(_)
            ));
            return;
        }
        found => found.unwrap(),
    };
    check_order(&found, rates);
    let mut dice = Dice(seed);
    let from = found.no_plan_below_bit_s.unwrap_or(rates.from.bit_s());
    let to = rates.to.bit_s();
    if let Some(below) = BitRate::from_bit_s(from - 1).filter(|_| from > rates.from.bit_s()) {
        let below = best_plan(&problem.with_rate(below), &Options::default()).unwrap();
        assert!(matches!(below, Outcome::NoPlan(_)), "{from}");
    }
    let spread = (to as f64 / from as f64).ln();
    for _ in 0..8 {
        let share = dice.below(1_000) as f64 / 1_000.0;
        let rate = (from as f64 * (share * spread).exp()) as u64;
        check_look_up(problem, &found, rate.clamp(from, to));
    }
    for segment in &found.segments {
        check_look_up(problem, &found, segment.from_bit_s);
        check_look_up(problem, &found, (segment.from_bit_s - 1).max(from));
        check_look_up(problem, &found, (segment.from_bit_s + 1).min(to));
    }
}

#[test]
fn sweeps_of_networks_hold_on_both_sides_of_every_switch() {
    let rates: RateRange = "100kbit/s..10Gbit/s".parse().unwrap();
    for (family, make) in FAMILIES {
        for seed in 1..4 {
            println!("{family} {seed}");
            let profile = make(60, seed);
            let server = Server::faster(8.0);
            let free = Problem::new(&profile, &server, &scenario("1Mbit/s", "2 ms")).unwrap();
            check_sweep(&free, rates, seed);
            let scenario = limited(&profile, "20Mbit/s");
            check_sweep(
                &Problem::new(&profile, &server, &scenario).unwrap(),
                rates,
                seed,
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn random_networks_equal_a_maximum_flow(seed in any::<u64>(), layers in 10_usize..=40) {
        let profile = network(seed, layers);
        let scenario = without_limits(random_scenario(seed, &profile));
        check_flow(&Problem::new(&profile, &Server::faster(2.0), &scenario).unwrap());
    }

    #[test]
    fn random_sweeps_equal_fresh_solutions(seed in any::<u64>(), layers in 1_usize..=10) {
        let profile = network(seed, layers);
        let problem = Problem::new(&profile, &Server::faster(2.0), &random_scenario(seed, &profile)).unwrap();
        check_sweep(&problem, "100kbit/s..10Gbit/s".parse().unwrap(), seed);
    }
}

#[test]
fn without_time_no_plan_is_called_optimal() {
    let profile = cutpoint_testkit::dense(400, 1);
    let hurried = Options {
        time_limit: std::time::Duration::ZERO,
        ..ALONE
    };
    let mut scenario = scenario("20Mbit/s", "1 ms");
    let problem = Problem::new(&profile, &Server::faster(8.0), &scenario).unwrap();
    let best = planned(&problem, &Options::default());
    let plan = planned(&problem, &hurried);
    println!("{} {}", plan.proof, plan.latency_ms);
    assert_eq!(plan.status, Status::Feasible, "{}", plan.proof);
    assert!(plan.bound_ms <= best.latency_ms && best.latency_ms <= plan.latency_ms);
    // neither on the edge nor on the server alone: no plan known without solving
    scenario.limits.keep_on_edge = vec!["t5".to_owned()];
    scenario.limits.keep_on_server = vec!["t300".to_owned()];
    let problem = Problem::new(&profile, &Server::faster(8.0), &scenario).unwrap();
    assert!(matches!(
        best_plan(&problem, &hurried),
        Err(SolveError::Stopped(_))
    ));
}
