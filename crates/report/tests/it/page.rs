//! The page from problems: what its script computes from is exact, and names do no harm.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use cutpoint_core::plan::{Plan, Side};
use cutpoint_core::units::{BitRate, Delay};
use cutpoint_planner::planning::Outcome;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::{Deadline, RateRange, Schedule};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{ModelProblem, Options, SolveError};
use cutpoint_planner::{parametric, planning};
use cutpoint_report::html::{Explorer, ModelData, PageData, PageFigure, page};
use cutpoint_report::{Origin, Style, html, tables};
use cutpoint_testkit::random;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const RATES: &str = "100kbit/s..10Gbit/s";

fn explorer(problem: &Problem) -> Result<Explorer, SolveError> {
    let alone = ModelProblem {
        name: "",
        problem,
        barred: None,
    };
    let rates: RateRange = RATES.parse().unwrap();
    let delays = html::delays_around(problem.link().delay);
    let (map, _) = parametric::map(&[alone], rates, &delays, &Options::default())?;
    Ok(html::explorer(problem, &map, None).unwrap())
}

fn plan(problem: &Problem, bit_s: u64, delay_ns: u64) -> Option<Plan> {
    let problem = problem.with_rate(BitRate::from_bit_s(bit_s).unwrap());
    let problem = problem.with_delay(Delay(Duration::from_nanos(delay_ns)));
    match planning::best_plan(&problem, &Options::default()).unwrap() {
        Outcome::Plan(plan) => Some(plan),
        Outcome::NoPlan(_) => None,
    }
}

/// The page's constants give cutpoint's own plan at a rate and a delay, to rounding.
fn is_exact(problem: &Problem, found: &Explorer, bit_s: u64, row: usize) {
    let delay = found.delays[row].ns;
    let own = plan(problem, bit_s, delay);
    let at = found.plan_at(bit_s, row);
    assert_eq!(at.is_some(), own.is_some(), "{bit_s} bit/s, {delay} ns");
    let (Some(at), Some(own)) = (at, own) else {
        return;
    };
    let shown = &found.plans[at];
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1e-3);
    let latency = shown.times.latency_ms(bit_s, delay);
    if found.resolution.is_some() && !close(latency, own.latency_ms) {
        // a plan that is the best over a narrow stretch of rates may be missing then
        return assert!(latency > own.latency_ms);
    }
    assert!(
        close(latency, own.latency_ms),
        "{latency} {} at {bit_s} bit/s",
        own.latency_ms
    );
    if found.resolution.is_some() && shown.edge_layers != own.edge.len() {
        return;
    }
    let parts = shown.times.parts_ms(bit_s, delay);
    let ms = own.breakdown_ms;
    let planned = [
        ms.edge,
        ms.encode,
        ms.uplink,
        ms.decode,
        ms.server,
        ms.downlink,
    ];
    assert!(
        parts.iter().zip(planned).all(|(a, b)| close(*a, b)),
        "{parts:?} {planned:?}"
    );
    assert_eq!(shown.edge_layers, own.edge.len());
    let crossing: Vec<[String; 2]> = own
        .crossing
        .iter()
        .map(|c| [c.tensor.clone(), c.codec.to_string()])
        .collect();
    let listed: Vec<[String; 2]> = shown
        .crossing
        .iter()
        .map(|[tensor, codec, _]| [tensor.clone(), codec.clone()])
        .collect();
    assert_eq!(listed, crossing);
    for (task, planned) in shown.tasks.iter().zip(&own.tasks) {
        let before: f64 = parts[..task.parts].iter().sum();
        let beside = if task.beside {
            shown.times.local_ns as f64 / 1e6
        } else {
            0.0
        };
        let done = before + beside;
        assert!(
            close(done, planned.latency_ms),
            "{}: {done} {}",
            task.name,
            planned.latency_ms
        );
        assert_eq!(task.side.starts_with("edge"), planned.side == Side::Edge);
        assert_eq!(task.beside, planned.beside_link);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn constants_give_the_plans_at_any_rate(
        seed in 0u64..100_000,
        deadline in prop::option::of(1u64..2_000),
        overlap in prop::bool::weighted(0.3),
        shares in prop::collection::vec(0.0..1.0f64, 8),
    ) {
        let profile = random::network(seed, 7);
        let mut scenario = random::random_scenario(seed, &profile);
        if let Some(us) = deadline {
            let most = Delay(Duration::from_micros(us));
            scenario.limits.deadlines = vec![Deadline { task: None, most }];
        }
        if overlap {
            scenario.schedule = Schedule::Overlap;
        }
        let problem = Problem::new(&profile, &Server::faster(4.0), &scenario).unwrap();
        let found = match explorer(&problem) {
            Err(SolveError::Infeasible(_)) => return Ok(()),
            other => other.unwrap(),
        };
        let ends = found.delays.iter().flat_map(|row| &row.segments);
        let ends: BTreeSet<u64> = ends.flat_map(|s| [s.from, s.from.saturating_sub(1)]).collect();
        let anywhere = shares.iter().map(|share| (1e5 * 1e5f64.powf(*share)) as u64);
        let rates = anywhere.chain(ends.into_iter().filter(|bit_s| *bit_s >= 100_000));
        for bit_s in rates {
            for row in [0, found.delay, found.delays.len() - 1] {
                is_exact(&problem, &found, bit_s, row);
            }
        }
    }
}

#[test]
fn delays_hold_the_links_own_and_round_ones_around_it() {
    let ms = |delay: &str| {
        let delays = html::delays_around(delay.parse().unwrap());
        delays
            .iter()
            .map(|ns| *ns as f64 / 1e6)
            .collect::<Vec<f64>>()
    };
    assert_eq!(ms("20 ms"), [0.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0]);
    assert_eq!(ms("3 ms"), [0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0]);
    assert_eq!(ms("0 ms"), [0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
    assert!(ms("24 min").len() > 3 && ms("1 ns").len() > 2);
}

fn origin(name: &str) -> Origin {
    Origin {
        name: name.to_owned(),
        method: "made up".to_owned(),
        simulated: false,
    }
}

/// A page whose every name attacks it.
fn hostile() -> PageData {
    let evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u{202e}\u{0}";
    let mut profile = cutpoint_testkit::networks::network(20, |i| format!("{evil}{i}"));
    profile.model.file = format!("{evil}.onnx");
    profile.board.name = evil.to_owned();
    let problem = cutpoint_testkit::networks::problem(&profile, &Server::faster(8.0), "300 Mbit/s");
    let plan = plan(&problem, 300_000_000, 100_000).unwrap();
    let (edge, server) = (origin(evil), origin(evil));
    let model = ModelData {
        plan_name: Some(evil.to_owned()),
        model: evil.to_owned(),
        summary: html::summary(&problem, &plan, None, &edge, &server),
        edge,
        server,
        plan: Some(html::shown(&problem, &plan)),
        network: None,
        explorer: Ok(explorer(&problem).unwrap()),
        figures: vec![PageFigure {
            name: evil.to_owned(),
            svg: "<svg xmlns=\"http://www.w3.org/2000/svg\"><title>t</title></svg>".to_owned(),
        }],
        tables: tables::profile_tables(&problem, &profile, &Server::faster(8.0), None),
    };
    PageData {
        title: evil.to_owned(),
        models: vec![model],
        figures: Vec::new(),
        tables: Vec::new(),
        left_out: vec![evil.to_owned()],
    }
}

#[test]
fn names_stay_names() {
    let html = page(&hostile(), &Style::default()).unwrap();
    // the program's two: its data, and its script
    assert_eq!(html.matches("<script").count(), 2);
    assert_eq!(html.matches("</script>").count(), 2);
    assert!(!html.contains("<img") && !html.contains('\u{202e}') && !html.contains('\0'));
    let data = html
        .split("<script type=\"application/json\">")
        .nth(1)
        .unwrap();
    let data: serde_json::Value =
        serde_json::from_str(data.split("</script>").next().unwrap()).unwrap();
    let text = data.to_string();
    assert!(text.contains("alert(1)"), "the names are there: {text}");
}

#[test]
fn nothing_is_fetched_and_no_other_script_runs() {
    let html = page(&hostile(), &Style::default()).unwrap();
    let script = html
        .rsplit("<script>")
        .next()
        .unwrap()
        .split("</script>")
        .next()
        .unwrap();
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(script));
    let policy = format!("script-src 'sha256-{hash}'");
    assert!(
        html.contains(&policy) && html.contains("default-src 'none'"),
        "{policy}"
    );
    // namespaces name, and fetch nothing
    let plain = html.replace("http://www.w3.org/", "");
    for word in ["http://", "https://", "src=\"", "@import", "url("] {
        assert!(!plain.contains(word), "{word}");
    }
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    let draw = || page(&hostile(), &Style::default()).unwrap();
    assert_eq!(draw(), draw());
}

#[test]
fn an_empty_page_is_none() {
    let empty = PageData {
        title: "t".to_owned(),
        models: Vec::new(),
        figures: Vec::new(),
        tables: Vec::new(),
        left_out: Vec::new(),
    };
    let error = page(&empty, &Style::default()).unwrap_err();
    assert!(
        error.to_string().contains("neither a profile nor a figure"),
        "{error}"
    );
}
