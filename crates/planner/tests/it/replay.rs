//! Look-up tables and replays on random networks and random traces.

use cutpoint_core::plan::{Hysteresis, Lookup, Sweep, Switches};
use cutpoint_core::rate_trace::{RateTrace, Step};
use cutpoint_core::units::BitRate;
use cutpoint_planner::parametric::{sweep, switches};
use cutpoint_planner::planning::{Outcome, best_plan};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::replay::{Estimator, Options, Policy, PolicyResult, Replay, Timing, replay};
use cutpoint_planner::scenario::RateRange;
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{ModelProblem, Options as SolveOptions};
use cutpoint_testkit::{Dice, random};

const RATES: &str = "1Mbit/s..10Gbit/s";

/// Sweeps of small random networks with everything that makes splitting hard.
fn sweeps(seeds: std::ops::Range<u64>) -> impl Iterator<Item = (u64, Problem, Sweep)> {
    seeds.filter_map(|seed| {
        let profile = random::network(seed, 3 + (seed % 9) as usize);
        let mut scenario = random::random_scenario(seed, &profile);
        scenario.limits.edge_memory = None;
        let problem = Problem::new(&profile, &Server::faster(4.0), &scenario).ok()?;
        let rates: RateRange = RATES.parse().unwrap();
        let found = sweep(&problem, rates, &SolveOptions::default()).ok()?;
        Some((seed, problem, found))
    })
}

/// Steps of up to 30 µs, about as long as the networks take, some of them outages.
fn random_trace(dice: &mut Dice) -> RateTrace {
    let count = dice.within(1, 30);
    let mut steps = Vec::new();
    for _ in 0..count {
        let fastest = 10_u64.pow(dice.within(6, 10) as u32);
        let bit_s = if dice.percent(15) {
            0
        } else {
            dice.within(1, fastest)
        };
        let hold_ns = dice.within(1, 30_000);
        steps.push(Step { hold_ns, bit_s });
    }
    steps.push(Step {
        hold_ns: 1_000,
        bit_s: dice.within(100_000_000, 1_000_000_000),
    });
    RateTrace::new(steps).unwrap()
}

fn options(period: &str) -> Options {
    Options {
        period: period.parse().unwrap(),
        estimator: Estimator::Last,
        late: None,
    }
}

fn table(problem: &Problem, sweep: &Sweep, hysteresis: &str) -> Lookup {
    let hysteresis = Hysteresis(hysteresis.parse().unwrap());
    let alone = ModelProblem {
        name: "",
        problem,
        barred: None,
    };
    let chosen = vec![0; sweep.segments.len()];
    let switches = switches(&[alone], &chosen, sweep, hysteresis).unwrap();
    Lookup::of(sweep, hysteresis, &switches)
}

fn result(found: &Replay, policy: Policy) -> &PolicyResult {
    let result = found.policies.iter().find(|r| r.policy == policy);
    result.unwrap()
}

fn steady(bit_s: u64) -> RateTrace {
    let step = Step {
        hold_ns: 1_000_000,
        bit_s,
    };
    RateTrace::new([step]).unwrap()
}

#[test]
fn on_a_steady_link_every_plan_takes_its_latency() {
    let mut compared = 0;
    for (seed, problem, sweep) in sweeps(0..120) {
        for rate in [1_000_000, 7_654_321, 100_000_000, 3_333_333_333] {
            let trace = steady(rate);
            for segment in &sweep.segments {
                let latency = Timing::of(segment).latency_ns(&trace, 123_456);
                let planned = segment.latency.at_bit_s(rate as f64) * 1e6;
                // each way is rounded up to the nanosecond
                let more = latency as f64 - planned;
                assert!(
                    (-1e-3..2.001).contains(&more),
                    "{seed} at {rate}: {more} ns"
                );
                compared += 1;
            }
            let there = problem.with_rate(BitRate::from_bit_s(rate).unwrap());
            let Outcome::Plan(plan) = best_plan(&there, &SolveOptions::default()).unwrap() else {
                panic!("{seed}: a sweep, but no plan at {rate}")
            };
            let found = replay(
                &sweep,
                table(&problem, &sweep, "0%"),
                &trace,
                &options("37us"),
            )
            .unwrap();
            for result in &found.policies {
                let more = (result.mean_ms - plan.latency_ms) * 1e6;
                assert!(
                    (-1e-3..2.001).contains(&more),
                    "{seed} at {rate}: {result:?}"
                );
                assert_eq!(result.switches, 0);
            }
        }
    }
    assert!(compared > 500, "{compared}");
}

/// When the last bit has been sent, one step after the other.
fn sent_step_by_step(trace: &RateTrace, start_ns: u64, bits: u64) -> u64 {
    let steps: Vec<Step> = trace.steps().collect();
    let (mut left, mut begin) = (u128::from(bits) * 1_000_000_000, 0);
    for step in steps.iter().cycle().take_while(|_| bits > 0) {
        let end = begin + step.hold_ns;
        if end > start_ns {
            let from = start_ns.max(begin);
            let sends = u128::from(end - from) * u128::from(step.bit_s);
            if sends >= left {
                return from + left.div_ceil(u128::from(step.bit_s)) as u64;
            }
            left -= sends;
        }
        begin = end;
    }
    start_ns
}

#[test]
fn hindsight_is_the_least_of_all_plans_and_never_beaten() {
    let (mut traces, mut changing) = (0, 0);
    for (seed, problem, sweep) in sweeps(0..100) {
        let mut dice = Dice(seed ^ 0x7ace);
        for _ in 0..5 {
            let trace = random_trace(&mut dice);
            let mut asked = options("11us");
            let table = table(&problem, &sweep, "20%");
            if dice.percent(50) {
                asked.estimator = "ewma:0.4".parse().unwrap();
            }
            let found = replay(&sweep, table.clone(), &trace, &asked).unwrap();
            assert_eq!(found, replay(&sweep, table, &trace, &asked).unwrap());
            let best = result(&found, Policy::Clairvoyant);
            for other in &found.policies {
                assert!(other.regret_ms >= 0.0, "{seed}: {other:?}");
                for (best, other) in [
                    (best.mean_ms, other.mean_ms),
                    (best.p50_ms, other.p50_ms),
                    (best.p95_ms, other.p95_ms),
                    (best.p99_ms, other.p99_ms),
                    (best.worst_ms, other.worst_ms),
                ] {
                    assert!(best <= other, "{seed}: {best} {other}");
                }
            }
            let [fixed, mean] = [Policy::BestFixed, Policy::MeanRate];
            assert!(result(&found, fixed).mean_ms <= result(&found, mean).mean_ms);
            check_hindsight(&sweep, &trace, &found, seed);
            traces += 1;
            changing += usize::from(best.switches > 0);
        }
    }
    assert!(traces > 300 && changing > 100, "{traces} {changing}");
}

/// The mean latency of hindsight, from the parts of all plans and step by step.
fn check_hindsight(sweep: &Sweep, trace: &RateTrace, found: &Replay, seed: u64) {
    let mut total = 0;
    for start in (0..found.frames).map(|frame| frame * 11_000) {
        let latency = |timing: Timing| {
            let sent = sent_step_by_step(trace, start + timing.before_ns, timing.up_bits);
            let back = sent_step_by_step(trace, sent + timing.between_ns, timing.down_bits);
            back + timing.after_ns - start
        };
        let all = sweep.segments.iter().map(|s| latency(Timing::of(s)));
        total += all.min().unwrap();
    }
    let mean_ms = total as f64 / found.frames as f64 / 1e6;
    assert_eq!(
        result(found, Policy::Clairvoyant).mean_ms,
        mean_ms,
        "{seed}"
    );
}

#[test]
fn hysteresis_bounds_the_regret_and_saves_changes() {
    let mut kept = 0;
    for (seed, problem, sweep) in sweeps(0..150) {
        for text in ["0%", "1%", "10%", "50%", "300%"] {
            let table = table(&problem, &sweep, text);
            let latency =
                |index: usize, rate: u64| table.segments[index].latency.at_bit_s(rate as f64);
            let mut dice = Dice(seed ^ 0x4b15);
            let (mut current, mut lazy, mut eager) = (None, 0, 0);
            let mut before = None;
            for _ in 0..200 {
                let rate = random_rate(&table, &mut dice);
                let best = table.best_at(rate);
                let fastest = (0..table.segments.len()).map(|i| latency(i, rate));
                let fastest = fastest.fold(f64::INFINITY, f64::min);
                assert!(
                    latency(best, rate) <= fastest * (1.0 + 1e-9),
                    "{seed} at {rate}"
                );
                let next = table.next(current, rate);
                // switches are exact, these latencies are rounded
                let bound = (1.0 + table.hysteresis) * latency(best, rate);
                let (low, high) = (bound * (1.0 - 1e-12), bound * (1.0 + 1e-12));
                assert!(latency(next, rate) <= high, "{seed} {text} at {rate}");
                if let Some(current) = current.filter(|current| *current != next) {
                    // not left unless it is too slow by now
                    assert!(latency(current, rate) > low, "{seed} {text} at {rate}");
                    lazy += 1;
                }
                kept += usize::from(next != best);
                eager += usize::from(before.is_some_and(|before| before != best));
                (current, before) = (Some(next), Some(best));
            }
            assert!(lazy <= eager, "{seed} {text}");
        }
    }
    assert!(kept > 1_000, "{kept}");
}

/// A rate of the table, often next to where something changes.
fn random_rate(table: &Lookup, dice: &mut Dice) -> u64 {
    let segment = &table.segments[dice.below(table.segments.len() as u64) as usize];
    let edges = [
        Some(segment.from_bit_s),
        Some(segment.to_bit_s),
        segment.switch_down_bit_s,
        segment.switch_up_bit_s,
    ];
    let rate = match edges[dice.below(4) as usize] {
        Some(edge) if dice.percent(50) => edge + dice.below(3) - 1,
        _ => 10_u64.pow(dice.within(6, 9) as u32) * dice.within(1, 10),
    };
    rate.clamp(1_000_000, 10_000_000_000)
}

/// 100 ms on the edge, or 10 ms there and a million bits to the server.
fn two_plans() -> Sweep {
    let (_, _, mut sweep) = sweeps(0..50)
        .find(|(_, _, s)| s.segments.len() > 1)
        .unwrap();
    sweep.segments.truncate(2);
    let parts = [
        (100.0, 0, 1, 11_111_112),
        (10.0, 1_000_000, 11_111_112, 50_000_000),
    ];
    for (segment, (edge, wire_bits, from, to)) in sweep.segments.iter_mut().zip(parts) {
        segment.from_bit_s = from;
        segment.to_bit_s = to;
        segment.latency.fixed_ms = edge;
        segment.latency.wire_bits = wire_bits;
        let plan = &mut segment.plan;
        plan.setting.rate_bit_s = from;
        plan.setting.delay_ms = 0.0;
        plan.setting.down_rate_bit_s = None;
        plan.breakdown_ms = cutpoint_core::plan::Breakdown {
            edge,
            uplink: wire_bits as f64 * 1e3 / from as f64,
            ..Default::default()
        };
    }
    sweep
}

/// The table of [`two_plans`]: 100 = 1.1 (10 + 10^9 / r), and 10 + 10^9 / r = 1.1 * 100.
fn two_switches() -> Lookup {
    let switches = [(None, Some(12_359_550)), (Some(10_000_000), None)];
    let switches = switches.map(|(down_bit_s, up_bit_s)| Switches {
        down_bit_s,
        up_bit_s,
    });
    Lookup::of(&two_plans(), Hysteresis("10%".parse().unwrap()), &switches)
}

#[test]
fn a_replay_by_hand() {
    // a second at 20 Mbit/s, where offloading takes 60 ms, and one at 5 Mbit/s, where it takes 210
    let trace = RateTrace::new([20_000_000, 5_000_000].map(|bit_s| Step {
        hold_ns: 1_000_000_000,
        bit_s,
    }))
    .unwrap();
    let mut asked = options("250ms");
    asked.late = Some("100ms".parse().unwrap());
    let found = replay(&two_plans(), two_switches(), &trace, &asked).unwrap();
    assert_eq!((found.frames, found.trace.mean_bit_s), (8, 12_500_000.0));
    // the table hears of the slow second after the first frame in it
    for (policy, mean, worst, switches, late) in [
        (
            Policy::Clairvoyant,
            (4.0 * 60.0 + 4.0 * 100.0) / 8.0,
            100.0,
            1,
            0.0,
        ),
        (
            Policy::TableWithHysteresis,
            (4.0 * 60.0 + 210.0 + 300.0) / 8.0,
            210.0,
            1,
            0.125,
        ),
        (
            Policy::Table,
            (4.0 * 60.0 + 210.0 + 300.0) / 8.0,
            210.0,
            1,
            0.125,
        ),
        (Policy::BestFixed, 100.0, 100.0, 0, 0.0),
        (
            Policy::MeanRate,
            (4.0 * 60.0 + 4.0 * 210.0) / 8.0,
            210.0,
            0,
            0.5,
        ),
    ] {
        let got = result(&found, policy);
        assert_eq!(
            (got.mean_ms, got.worst_ms, got.switches, got.late),
            (mean, worst, switches, Some(late)),
            "{policy:?}"
        );
        assert_eq!(got.regret_ms, mean - 80.0, "{policy:?}");
    }
    let best = result(&found, Policy::Clairvoyant);
    assert_eq!(
        (best.p50_ms, best.p95_ms, best.p99_ms),
        (60.0, 100.0, 100.0)
    );
    assert_eq!(result(&found, Policy::BestFixed).plan, Some(0));
    assert_eq!(result(&found, Policy::MeanRate).plan, Some(1));
}

#[test]
fn a_transfer_that_spans_a_change_takes_both_rates() {
    // 10 ms on the edge, 0.5 Mbit in 50 ms, an outage of 40 ms, the rest in 25 ms
    let trace = RateTrace::new(
        [
            (60_000_000, 10_000_000),
            (40_000_000, 0),
            (900_000_000, 20_000_000),
        ]
        .map(|(hold_ns, bit_s)| Step { hold_ns, bit_s }),
    )
    .unwrap();
    let offload = Timing::of(&two_plans().segments[1]);
    assert_eq!(offload.latency_ns(&trace, 0), 125_000_000);
    // after the end the trace begins again: 20 ms at 20 Mbit/s, 60 ms at 10 Mbit/s
    assert_eq!(
        offload.latency_ns(&trace, 970_000_000),
        10_000_000 + 20_000_000 + 60_000_000
    );
}

#[test]
fn what_cannot_be_replayed_is_refused() {
    let trace = steady(1_000_000);
    let mut sweep = two_plans();
    let error = replay(&sweep, two_switches(), &trace, &options("0ms")).unwrap_err();
    assert!(error.to_string().contains("--period"), "{error}");
    let long = RateTrace::new([Step {
        hold_ns: 1_000_001,
        bit_s: 5,
    }])
    .unwrap();
    let error = replay(&sweep, two_switches(), &long, &options("1ns")).unwrap_err();
    assert!(error.to_string().contains("1000001 frames"), "{error}");
    sweep.segments.clear();
    assert!(replay(&sweep, two_switches(), &trace, &options("1ms")).is_err());
}
