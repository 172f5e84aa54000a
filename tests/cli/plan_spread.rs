//! Plans for a percentile, how likely their times are, and how far things may move.

use crate::test_dir::TestDir;

use std::path::Path;

use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::plan::{Interval, Plan};
use cutpoint_core::profile::{Profile, Whole};
use cutpoint_core::rate_trace::RateSpread;
use cutpoint_core::units::BitRate;
use cutpoint_planner::parametric::stability;
use cutpoint_planner::planning::{Outcome, best_plan};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::problem::with_times_by;
use cutpoint_planner::scenario::{Deadline, Percentile, RateModel, Results, Scenario};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{ModelProblem, Options};
use cutpoint_testkit::{FAMILIES, chain, multi_head, scenario};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Normal};

const Z90: f64 = 1.281_551_565_544_600_4;
const Z95: f64 = 1.644_853_626_951_472_7;

/// With a 90th percentile of 1.2 and a 99th of 1.5 medians.
fn varying(mut profile: Profile) -> Profile {
    profile.whole = Whole {
        median_us: 1_000.0,
        mad_us: 10.0,
        p90_us: 1_200.0,
        p99_us: 1_500.0,
        runs: 100,
    };
    profile
}

fn at(percent: f64, scenario: Scenario) -> Scenario {
    Scenario {
        percentile: Some(Percentile::new(percent).unwrap()),
        ..scenario
    }
}

fn spread(rate: &str, share: &str) -> RateModel {
    RateModel::Spread(RateSpread {
        mean: rate.parse().unwrap(),
        spread: share.parse().unwrap(),
    })
}

fn plan(problem: &Problem) -> Plan {
    match best_plan(problem, &Options::default()).unwrap() {
        Outcome::Plan(plan) => plan,
        Outcome::NoPlan(none) => panic!("{}", none.proof),
    }
}

fn due(most: &str) -> Deadline {
    most.parse().unwrap()
}

/// A server four times as fast whose times vary by a tenth.
fn jittery() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.toml");
    let text = "format = 1\nbase = \"edge profile scaled\"\nspeedup = 4.0\njitter = 0.1\n";
    std::fs::write(&path, format!("{text}request_us = 300.0\n")).unwrap();
    Server::read(path.to_str().unwrap()).unwrap()
}

#[test]
fn every_time_is_multiplied_by_its_machines_factor() {
    let edge = varying(multi_head(30, 3));
    let scenario = scenario("10Mbit/s", "5ms");
    let usual = Problem::new(&edge, &jittery(), &scenario).unwrap();
    let near = |found: u64, ns: u64, factor: f64| {
        assert!((found as f64 - ns as f64 * factor).abs() <= 0.5, "{found}");
    };
    for (percent, here, there) in [
        (90.0, 1.2, 1.0 + 0.1 * Z90),
        (99.0, 1.5, 1.0 + 0.1 * 2.326_347_874_040_841),
        (
            95.0,
            (1.2_f64.ln() + 1.25_f64.ln() * 0.347_726).exp(),
            1.0 + 0.1 * Z95,
        ),
    ] {
        // 0.347726 = (1.644854 - 1.281552) / (2.326348 - 1.281552)
        let tail = Problem::new(&edge, &jittery(), &at(percent, scenario.clone())).unwrap();
        for layer in usual.graph().layer_ids() {
            let (usual, tail) = (usual.model().layer(layer), tail.model().layer(layer));
            let close = |found: u64, ns: u64, factor: f64| {
                assert!((found as f64 / ns as f64 - factor).abs() < 1e-5);
            };
            close(tail.edge_ns, usual.edge_ns, here);
            close(tail.server_ns, usual.server_ns, there);
        }
        near(
            tail.model().split().server_ns,
            usual.model().split().server_ns,
            there,
        );
        assert_eq!(
            tail.model().split().delay_ns,
            usual.model().split().delay_ns
        );
        for tensor in usual.graph().tensor_ids() {
            let (usual, tail) = (usual.model().tensor(tensor), tail.model().tensor(tensor));
            assert_eq!(tail.encodings[0].wire_bits, usual.encodings[0].wire_bits);
            assert!(tail.send_ns >= usual.send_ns && tail.recv_ns >= usual.recv_ns);
        }
    }
    // without a jitter of its own, a simulated server varies as the machine that was measured
    let alike = Problem::new(&edge, &Server::faster(8.0), &at(90.0, scenario)).unwrap();
    let slow = cutpoint_testkit::scenario("1Mbit/s", "5ms");
    let usual = Problem::new(&edge, &Server::faster(8.0), &slow).unwrap();
    for layer in usual.graph().layer_ids() {
        near(
            alike.model().layer(layer).server_ns,
            usual.model().layer(layer).server_ns,
            1.2,
        );
    }
}

#[test]
fn payloads_that_depend_on_data_grow_to_their_percentile() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/examples");
    let edge = Profile::load(&folder.join("point-cloud.toml")).unwrap();
    let mut file = CodecAccuracy::load(&folder.join("point-cloud.accuracy.toml")).unwrap();
    for crossing in &mut file.crossings {
        crossing.bytes_p95 = Some(1.5 * crossing.bytes_mean.ceil());
    }
    let mut scenario = scenario("10Mbit/s", "5ms");
    scenario.measured_codecs = true;
    let problem = |scenario: &Scenario| {
        Problem::with_accuracy(&edge, &Server::faster(8.0), scenario, Some(&file)).unwrap()
    };
    let usual = problem(&scenario);
    let mut grown = 0;
    // the quantile at 80 % is 0.841621
    for (percent, share) in [(95.0, 1.0), (80.0, 0.841_621 / Z95)] {
        let tail = problem(&at(percent, scenario.clone()));
        for tensor in usual.graph().tensor_ids() {
            let ways = usual
                .model()
                .tensor(tensor)
                .encodings
                .iter()
                .zip(&tail.model().tensor(tensor).encodings);
            for (usual, tail) in ways {
                let beyond = usual
                    .payload_p95
                    .map_or(0.0, |p95| (p95.0 - usual.payload.0) as f64);
                let expected = usual.payload.0 as f64 + share * beyond;
                assert!((tail.payload.0 as f64 - expected).abs() < 1.0 + 1e-6 * expected);
                grown += usize::from(tail.wire_bits > usual.wire_bits);
            }
        }
    }
    assert!(grown > 0);
}

#[test]
fn just_above_the_median_the_plan_is_the_usual_one() {
    for (name, family) in FAMILIES {
        for rate in ["1Mbit/s", "20Mbit/s", "300Mbit/s"] {
            let edge = varying(family(40, 5));
            let server = Server::faster(8.0);
            let scenario = scenario(rate, "5ms");
            let usual = plan(&Problem::new(&edge, &server, &scenario).unwrap());
            let tail = plan(&Problem::new(&edge, &server, &at(50.0 + 1e-9, scenario)).unwrap());
            assert_eq!(
                (&usual.edge, &usual.crossing),
                (&tail.edge, &tail.crossing),
                "{name}"
            );
            assert!(
                (usual.latency_ms - tail.latency_ms).abs() < 1e-4,
                "{name} {rate}"
            );
            assert_eq!((usual.latency_spread, usual.tasks[0].on_time), (None, None));
        }
    }
}

#[test]
fn probabilities_are_those_of_a_simulation() {
    const DRAWS: usize = 100_000;
    let edge = varying(multi_head(60, 7));
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut uncertain = 0;
    for (rate, share, deadline) in [
        ("20Mbit/s", "30%", 1.02),
        ("60Mbit/s", "80%", 1.2),
        ("200Mbit/s", "5%", 1.01),
        ("4Mbit/s", "150%", 1.3),
    ] {
        let mut scenario = scenario(rate, "2ms");
        scenario.rate_model = Some(spread(rate, share));
        let free = plan(&Problem::new(&edge, &jittery(), &scenario).unwrap());
        let most = format!("{}ms", (free.latency_ms * deadline * 1e3).round() / 1e3);
        scenario.limits.deadlines = vec![due(&most)];
        let found = plan(&Problem::new(&edge, &jittery(), &scenario).unwrap());
        let most = found.tasks[0].deadline_ms.unwrap();
        // the distributions stated in the documentation, drawn from
        let of_edge = Normal::new(1.0, 0.2 / Z90).unwrap();
        let of_server = Normal::new(1.0, 0.1).unwrap();
        let mean = rate.parse::<BitRate>().unwrap().bit_s() as f64;
        let relative = share.trim_end_matches('%').parse::<f64>().unwrap() / 100.0;
        let variance = (1.0 + relative * relative).ln();
        let of_rate = LogNormal::new(mean.ln() - variance / 2.0, variance.sqrt()).unwrap();
        let parts = found.breakdown_ms;
        let split = !found.server.is_empty();
        let delays = if split { 2.0 } else { 0.0 };
        let back = if parts.downlink > 0.0 { 2.0 } else { 0.0 };
        let here = |x: f64| x * (parts.edge + parts.encode);
        let mut draw = || {
            let (x, y) = (of_edge.sample(&mut rng), of_server.sample(&mut rng));
            let slower = mean / of_rate.sample(&mut rng);
            let wire = parts.uplink - delays + parts.downlink - back;
            let all = here(x) + y * (parts.decode + parts.server) + delays + back + wire * slower;
            (here(x), all)
        };
        let drawn: Vec<(f64, f64)> = (0..DRAWS).map(|_| draw()).collect();
        let share_of = |holds: &dyn Fn(&(f64, f64)) -> bool| {
            drawn.iter().filter(|times| holds(times)).count() as f64 / DRAWS as f64
        };
        // four standard errors, and half a cell of the rate's distribution
        let tolerance = |p: f64| 4.0 * (p * (1.0 - p) / DRAWS as f64).sqrt() + 0.5 / 400.0;
        for task in &found.tasks {
            let kept = (task.latency_ms - here(1.0)).abs() < 1e-6;
            let p = share_of(&|(own, all)| if kept { *own <= most } else { *all <= most });
            let on_time = task.on_time.unwrap();
            assert!(
                (on_time - p).abs() < tolerance(p),
                "{rate}: {on_time}, drawn {p}"
            );
            uncertain += usize::from((0.05..0.95).contains(&p));
        }
        let likely = found.latency_spread.unwrap();
        for (p, ms) in [
            (0.5, likely.p50_ms),
            (0.95, likely.p95_ms),
            (0.99, likely.p99_ms),
        ] {
            let drawn = share_of(&|(_, all)| *all <= ms.unwrap());
            assert!(
                (drawn - p).abs() < tolerance(p),
                "{rate}: {p}, drawn {drawn}"
            );
        }
        let all = share_of(&|(_, all)| *all <= most);
        assert!(likely.on_time.unwrap() <= all + tolerance(all), "{rate}");
    }
    assert!(uncertain >= 4);
}

#[test]
fn later_deadlines_and_faster_links_are_met_more_often() {
    let mut edge = varying(chain(12, 4));
    edge.method.split_server_us = 50.0;
    let on_time = |rate: &str, most: &str| {
        let mut scenario = scenario(rate, "2ms");
        // everything on the server, whatever the rate
        scenario.limits.keep_on_server = vec!["*".to_owned()];
        scenario.results = Results::Anywhere;
        scenario.rate_model = Some(spread(rate, "40%"));
        scenario.limits.deadlines = vec![due(most)];
        let problem = Problem::new(&edge, &Server::faster(8.0), &scenario).unwrap();
        plan(&problem).tasks[0].on_time.unwrap()
    };
    let rising = |found: &[f64]| found.windows(2).all(|pair| pair[0] < pair[1]);
    let deadlines = ["700ms", "800ms", "1s", "1200ms", "2s"].map(|most| on_time("8Mbit/s", most));
    assert!(rising(&deadlines), "{deadlines:?}");
    let rates = ["8Mbit/s", "9Mbit/s", "12Mbit/s", "15Mbit/s"].map(|rate| on_time(rate, "700ms"));
    assert!(rising(&rates), "{rates:?}");
    assert!(rates[0] > 0.3 && deadlines[4] > 0.99);
}

#[test]
fn a_percentile_takes_the_slow_end_of_the_rate() {
    let dir = Workspace::new();
    let found = dir.json("plan --edge edge.toml --server sim:8x --rate 20Mbit/s --rate-spread 50%");
    let tail = dir.json(
        "plan --edge edge.toml --server sim:8x --rate 20Mbit/s --rate-spread 50% --percentile 95",
    );
    assert_eq!(found["setting"]["rate_bit_s"], 20_000_000);
    // mean / sqrt(1.25) * exp(-1.644854 * sqrt(ln 1.25))
    let rate = tail["setting"]["rate_bit_s"].as_f64().unwrap();
    let expected = 2e7 / 1.25_f64.sqrt() * (-Z95 * 1.25_f64.ln().sqrt()).exp();
    assert!((rate - expected).abs() < 1.0, "{rate} {expected}");
    assert_eq!(tail["setting"]["percentile"], 95.0);
    assert_eq!(tail["setting"]["rate_spread"], "20 Mbit/s ± 50 %");
    assert!(tail["latency_ms"].as_f64() > found["latency_ms"].as_f64());
    // a trace: half a minute at 40, a tenth of it at 4; and half again after its last row
    dir.write(
        "trace.csv",
        "time_s,rate\n0,40Mbit/s\n27,4Mbit/s\n30,40Mbit/s\n57,4Mbit/s\n60,40Mbit/s\n87,40Mbit/s\n",
    );
    let words = "plan --edge edge.toml --server sim:8x --rate-trace trace.csv";
    let mean = dir.json(words)["setting"]["rate_bit_s"].as_u64().unwrap();
    assert!((38_000_000..39_000_000).contains(&mean), "{mean}");
    let slow = dir.json(&format!("{words} --percentile 97"));
    assert_eq!(slow["setting"]["rate_bit_s"], 4_000_000);
    let most = dir.json(&format!("{words} --percentile 60"));
    assert_eq!(most["setting"]["rate_bit_s"], 40_000_000);
}

#[test]
fn at_the_ends_the_plan_is_still_the_best_and_beyond_it_is_not() {
    let mut ends = 0;
    for (name, family) in FAMILIES {
        for rate in ["3Mbit/s", "40Mbit/s"] {
            let mut edge = family(24, 9);
            edge.method.split_edge_us = 40.0;
            let problem =
                Problem::new(&edge, &Server::faster(6.0), &scenario(rate, "1ms")).unwrap();
            let own = plan(&problem);
            let same = |problem: &Problem| {
                let other = plan(problem);
                (&other.edge, &other.crossing) == (&own.edge, &own.crossing)
            };
            let alone = ModelProblem {
                name,
                problem: &problem,
                barred: None,
            };
            let found = stability(&[alone], &Options::default()).unwrap().unwrap();
            assert!(!found.rate_to_1_percent);
            let at_rate =
                |bit_s: u64| same(&problem.with_rate(BitRate::from_bit_s(bit_s).unwrap()));
            let Interval { from, to } = found.rate_bit_s;
            assert!(
                from.is_none_or(|from| at_rate(from) && !at_rate(from - 1)),
                "{name} {rate}"
            );
            assert!(
                to.is_none_or(|to| at_rate(to) && !at_rate(to + 1)),
                "{name} {rate}"
            );
            ends += usize::from(from.is_some()) + usize::from(to.is_some());
            let scaled = |side: usize, factor: f64| {
                let factors = if side == 0 {
                    (factor, 1.0)
                } else {
                    (1.0, factor)
                };
                same(&with_times_by(&problem, factors.0, factors.1).unwrap())
            };
            for (side, times) in [&found.edge_times, &found.server_times]
                .into_iter()
                .enumerate()
            {
                let holds = |factor: f64| scaled(side, factor);
                let Interval { from, to } = times;
                assert!(
                    from.is_none_or(|f| f < 1.0 && holds(f) && !holds(f / 1.01)),
                    "{name}"
                );
                assert!(
                    to.is_none_or(|f| f > 1.0 && holds(f) && !holds(f * 1.01)),
                    "{name}"
                );
                ends += usize::from(from.is_some()) + usize::from(to.is_some());
            }
        }
    }
    assert!(ends > 12, "{ends}");
}

#[test]
fn where_rates_are_no_lines_they_are_found_by_bisection() {
    let mut scenario = scenario("10Mbit/s", "1ms");
    scenario.objective = "throughput".parse().unwrap();
    let problem = Problem::new(&multi_head(30, 2), &Server::faster(6.0), &scenario).unwrap();
    let alone = ModelProblem {
        name: "",
        problem: &problem,
        barred: None,
    };
    let found = stability(&[alone], &Options::default()).unwrap().unwrap();
    assert!(found.rate_to_1_percent);
    let own = plan(&problem).objective.value;
    for bit_s in [found.rate_bit_s.from, found.rate_bit_s.to]
        .into_iter()
        .flatten()
    {
        let moved = problem.with_rate(BitRate::from_bit_s(bit_s).unwrap());
        assert!(plan(&moved).objective.value > 0.0 && own > 0.0);
        assert_ne!(bit_s, 10_000_000);
    }
}

struct Workspace(TestDir);

impl std::ops::Deref for Workspace {
    type Target = TestDir;

    fn deref(&self) -> &TestDir {
        &self.0
    }
}

impl Workspace {
    fn new() -> Workspace {
        let dir = Workspace(TestDir::empty());
        let text = varying(multi_head(60, 7)).to_toml(Path::new("edge.toml"));
        dir.write("edge.toml", &text.unwrap());
        let text = multi_head(60, 7).to_toml(Path::new("steady.toml"));
        dir.write("steady.toml", &text.unwrap());
        dir
    }

    fn json(&self, words: &str) -> serde_json::Value {
        let output = self.command(&format!("{words} --json")).output().unwrap();
        assert!(output.status.success(), "{words}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

const PLAN: &str = "plan --edge edge.toml --server sim:8x --delay 2ms";

#[test]
fn plans_say_what_they_hold_for() {
    let dir = Workspace::new();
    let words = format!(
        "{PLAN} --rate 20Mbit/s --rate-spread 30% --percentile 90 --deadline task0=1s --robust \
         --out plan.toml"
    );
    let output = dir.command(&words).assert().success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    println!("{text}");
    for word in [
        "planned for 90 % of cases",
        "of 20 Mbit/s ± 30 %",
        "spread    half below",
        "on time   task0 ",
        "robust    the best plan at rates",
        "edge times by a factor",
    ] {
        assert!(text.contains(word), "{word}:\n{text}");
    }
    let written = Plan::load(&dir.path("plan.toml")).unwrap();
    assert_eq!(written.setting.percentile, Some(90.0));
    assert!(written.robust.is_some() && written.latency_spread.is_some());
    let has_deadline: Vec<bool> = written.tasks.iter().map(|t| t.on_time.is_some()).collect();
    assert_eq!(has_deadline, [true, false, false]);
    // nothing of it where nobody asked
    let plain = dir.json(&format!("{PLAN} --rate 20Mbit/s --deadline task0=1s"));
    assert!(plain.get("robust").is_none() && plain.get("latency_spread").is_none());
    assert!(plain["tasks"][0].get("on_time").is_none());
    assert!(plain["setting"].get("percentile").is_none());
    // the same from a file, beside which the trace lies
    std::fs::create_dir(dir.path("asked")).unwrap();
    dir.write(
        "asked/trace.csv",
        "time_s,rate\n0,40Mbit/s\n1,4Mbit/s\n2,40Mbit/s\n",
    );
    dir.write(
        "asked/scenario.toml",
        "percentile = 90\nrate_trace = \"trace.csv\"\n",
    );
    let found = dir.json(&format!("{PLAN} --scenario asked/scenario.toml"));
    assert_eq!(found["setting"]["percentile"], 90.0);
    assert_eq!(found["setting"]["rate_bit_s"], 4_000_000);
    let flags = dir.json(&format!(
        "{PLAN} --scenario asked/scenario.toml --rate 9Mbit/s --rate-spread 10%"
    ));
    assert_eq!(flags["setting"]["rate_spread"], "9 Mbit/s ± 10 %");
    // sweeps and replays, too
    let sweep =
        dir.json("sweep --edge edge.toml --server sim:8x --rate 1Mbit/s..99Mbit/s --percentile 99");
    assert_eq!(sweep["segments"][0]["plan"]["setting"]["percentile"], 99.0);
    let words = "replay asked/trace.csv --edge edge.toml --server sim:8x --percentile 99";
    dir.command(words).assert().success();
}

#[test]
fn times_without_a_spread_are_noted() {
    let dir = Workspace::new();
    let words = "plan --edge steady.toml --server sim:8x --rate 9Mbit/s";
    let note = "the profiles state no spread of their times";
    let said = |words: &str| {
        let output = dir.command(words).assert().success();
        String::from_utf8(output.get_output().stderr.clone()).unwrap()
    };
    assert!(said(&format!("{words} --percentile 95")).contains(note));
    assert!(said(&format!("{words} --rate-spread 9%")).contains(note));
    assert!(!said(words).contains("spread"));
    let edge = "plan --edge edge.toml --server sim:8x --rate 9Mbit/s --percentile 95";
    assert!(!said(edge).contains("spread"));
}

#[test]
fn spreads_that_make_no_sense_are_refused() {
    let dir = Workspace::new();
    dir.write("bad.csv", "time_s,rate\n0,fast\n");
    dir.write(
        "down.csv",
        "time_s,rate\n0,9Mbit/s\n1,0bit/s\n2,9Mbit/s\n3,9Mbit/s\n",
    );
    dir.write("half.toml", "percentile = 50\n");
    for (words, code, part) in [
        (
            "--rate 9Mbit/s --percentile 50",
            2,
            "above 50 and below 100",
        ),
        (
            "--rate 9Mbit/s --percentile 100",
            2,
            "above 50 and below 100",
        ),
        (
            "--rate 9Mbit/s --percentile -1",
            2,
            "above 50 and below 100",
        ),
        (
            "--rate 9Mbit/s --scenario half.toml",
            2,
            "above 50 and below 100",
        ),
        ("--rate 9Mbit/s --rate-spread 0%", 2, "at most 1000 %"),
        ("--rate 9Mbit/s --rate-spread 1000.1%", 2, "at most 1000 %"),
        ("--rate 9Mbit/s --rate-spread 0.3", 2, "percent sign"),
        ("--rate-spread 30%", 2, "the link is missing"),
        (
            "--rate 9Mbit/s --rate-spread 3% --rate-trace down.csv",
            2,
            "give one of them",
        ),
        ("--rate-trace bad.csv", 4, "bad.csv"),
        ("--rate-trace none.csv", 4, "none.csv"),
        (
            "--rate-trace down.csv --percentile 90",
            2,
            "is down for more",
        ),
    ] {
        let output = dir.command(&format!("{PLAN} {words}")).assert().code(code);
        let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        assert!(said.contains(part), "{words}: {said}");
        assert!(output.get_output().stdout.is_empty(), "{words}");
    }
    let words = "sweep --edge edge.toml --server sim:8x --rate 1Mbit/s..9Mbit/s --rate-spread 5%";
    let output = dir.command(words).assert().code(2);
    let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(said.contains("belongs to one rate"), "{said}");
}
