//! The figure over a limit, the delay or the speed.

use cutpoint_core::plan::LimitSweep;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::{ScenarioSpec, Schedule};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{ModelProblem, Options};
use cutpoint_planner::{parametric, planning};
use cutpoint_report::figures::Figure;
use cutpoint_report::figures::limit_sweep::{self, LimitRegion, LimitSweepData, Unit};
use cutpoint_report::figures::rate::Side;
use cutpoint_report::{Course, Origin, ReportError, Style};
use cutpoint_testkit::networks::{SIZES, check, count, network, outlines, sized, ugly, words};

fn origin() -> Origin {
    Origin {
        name: "m".into(),
        method: "made up".into(),
        simulated: true,
    }
}

fn constant(us: f64) -> Course {
    Course {
        fixed_us: us,
        rising_us: 0.0,
        falling_us: 0.0,
        at_least_us: 0.0,
    }
}

/// Plans that are faster the more there is.
fn data(plans: usize, unit: Unit) -> LimitSweepData {
    let at = |plan: usize| 1e6 * 40f64.powf(plan as f64 / plans as f64);
    let region = |plan: usize| LimitRegion {
        from: at(plan),
        to: at(plan + 1),
        name: format!("{} · q8", ugly(plan)),
        side: [Side::Server, Side::Split, Side::Edge][(3 * plan / plans).min(2)],
        latency: constant(90_000.0 / (1.0 + plan as f64)),
    };
    LimitSweepData {
        model: "made-up.onnx".into(),
        edge: origin(),
        server: origin(),
        link: "10 Mbit/s, 20 ms one way".into(),
        parameter: "edge-memory".into(),
        unit,
        regions: (0..plans).map(region).collect(),
        none: [true, false],
        resolution: None,
        objective: String::new(),
    }
}

fn draw(data: &LimitSweepData) -> String {
    Figure::draw(data, &Style::default()).unwrap()
}

#[test]
fn every_plan_has_its_region_and_where_it_starts_is_said() {
    for plans in [1, 2, 5, 12] {
        let data = data(plans, Unit::Bytes);
        let svg = draw(&data);
        check(&svg);
        assert_eq!(count(&svg, "hover", "title"), plans);
        let line = &outlines(&svg, "envelope")[0].0;
        // levels of equal factors are equally far apart, from the first to the last
        let levels: Vec<f64> = {
            let mut seen: Vec<f64> = line.iter().map(|point| point[1]).collect();
            seen.dedup();
            seen
        };
        assert_eq!(levels.len(), plans, "{line:?}");
        for (i, level) in levels.iter().enumerate() {
            let share = (1.0 + i as f64).ln() / (plans as f64).ln().max(1e-9);
            let wanted = levels[0] + (levels[plans - 1] - levels[0]) * share;
            assert!((level - wanted).abs() < 0.3, "{levels:?}");
        }
        for region in data.regions.iter().skip(1).take(4) {
            let text = cutpoint_core::units::Bytes(region.from.round() as u64).to_string();
            assert!(
                words(&svg, "muted").iter().any(|(_, t)| *t == text),
                "{text}"
            );
        }
        assert!(svg.contains("No plan meets the limits with less."));
    }
}

#[test]
fn every_unit_is_written_in_words_people_use() {
    for (unit, text) in [
        (Unit::Bytes, "10 MB"),
        (Unit::Time, "10 ms"),
        (Unit::Energy, "10 mJ"),
        (Unit::Power, "10 W"),
        (Unit::Share, "1000 %"),
        (Unit::Frames, "10000/s"),
        (Unit::Speed, "10000x"),
        (Unit::Count, "10000000"),
    ] {
        let svg = draw(&data(3, unit));
        check(&svg);
        assert!(
            words(&svg, "muted").iter().any(|(_, t)| t == text),
            "{text}: {svg}"
        );
    }
}

#[test]
fn nothing_overlaps_on_any_page() {
    for plans in [1, 3, 10, 100] {
        for size in SIZES {
            check(&Figure::draw(&data(plans, Unit::Bytes), &sized(size)).unwrap());
        }
    }
}

#[test]
fn latencies_follow_the_delay_and_the_speed() {
    let mut data = data(2, Unit::Time);
    data.regions[0].latency = Course {
        fixed_us: 1_000.0,
        rising_us: 2e-3,
        falling_us: 0.0,
        at_least_us: 0.0,
    };
    let [from, to] = [data.regions[0].from, data.regions[0].to];
    data.regions[1].latency = Course {
        fixed_us: 1_000.0,
        rising_us: 0.0,
        falling_us: (2e-3 * to) * to,
        at_least_us: 0.0,
    };
    let svg = draw(&data);
    check(&svg);
    let line = &outlines(&svg, "envelope")[0].0;
    // the lowest points are the ends, the highest the switch between them
    let top = line.iter().map(|p| p[1]).fold(f64::INFINITY, f64::min);
    let (first, last) = (line[0], line[line.len() - 1]);
    let us = |at: f64| 1_000.0 + 2e-3 * at;
    let scale = (first[1] - top) / (us(to) / us(from)).ln();
    let end = data.regions[1].latency.at_us(data.regions[1].to);
    assert!(((last[1] - top) - scale * (us(to) / end).ln()).abs() < 0.5);
}

#[test]
fn sweeps_over_nothing_are_left_out() {
    let mut point = data(1, Unit::Bytes);
    point.regions[0].to = point.regions[0].from;
    let mut idle = data(2, Unit::Bytes);
    idle.regions[1].latency = constant(0.0);
    let mut none = data(1, Unit::Bytes);
    none.regions.clear();
    let mut wild = data(2, Unit::Bytes);
    wild.regions[1].to = f64::NAN;
    for data in [point, idle, none, wild] {
        let error = Figure::draw(&data, &Style::default()).unwrap_err();
        assert!(
            matches!(error, ReportError::Nothing { figure: "over", .. }),
            "{error}"
        );
    }
}

fn solved(over: &str) -> (Problem, LimitSweep) {
    solved_with(over, ScenarioSpec::default())
}

fn solved_with(over: &str, spec: ScenarioSpec) -> (Problem, LimitSweep) {
    let spec = ScenarioSpec {
        rate: Some("2 Gbit/s".parse().unwrap()),
        delay: Some("50 us".parse().unwrap()),
        // the loosest amount of the sweep
        edge_memory: over.starts_with("edge").then(|| "64 MB".parse().unwrap()),
        ..spec
    };
    let (scenario, _) = spec.complete().unwrap();
    let profile = network(120, ugly);
    let problem = Problem::new(&profile, &Server::faster(8.0), &scenario).unwrap();
    let model = ModelProblem {
        name: "synthetic",
        problem: &problem,
        barred: None,
    };
    let over = over.parse().unwrap();
    let found = parametric::sweep_limit(&[model], &over, &scenario, &Options::default());
    let sweep = found.unwrap().0;
    (problem, sweep)
}

/// Holds the latencies of a sweep over the delay against plans solved for.
fn compare(problem: &Problem, data: &LimitSweepData) {
    for region in &data.regions {
        for share in [0.0, 0.3, 0.9] {
            let ns = region.from + (region.to - region.from) * share;
            let delay = cutpoint_core::units::Delay(std::time::Duration::from_nanos(ns as u64));
            let at = problem.with_delay(delay);
            let planning::Outcome::Plan(plan) =
                planning::best_plan(&at, &Options::default()).unwrap()
            else {
                panic!("there is a plan at every delay");
            };
            let us = region.latency.at_us(ns);
            assert!(
                (us - plan.latency_ms * 1e3).abs() < 0.01,
                "{us} at {ns} ns: {region:?}"
            );
        }
    }
}

#[test]
fn heads_beside_the_link_bound_the_latency_from_below() {
    let spec = ScenarioSpec {
        keep_on_edge: vec!["*features.117.*".into()],
        keep_on_server: vec!["*features.119.*".into()],
        schedule: Some(Schedule::Overlap),
        ..ScenarioSpec::default()
    };
    let (problem, sweep) = solved_with("delay=1us..2ms", spec);
    let overlapped = |segment: &cutpoint_core::plan::LimitSegment| !segment.plan.local.is_empty();
    assert!(sweep.segments.iter().any(overlapped), "{sweep:?}");
    let data = limit_sweep::gather(&sweep, origin(), origin()).unwrap();
    compare(&problem, &data);
    check(&draw(&data));
}

#[test]
fn solved_sweeps_are_drawn_with_their_latencies() {
    let (problem, sweep) = solved("delay=1us..10ms");
    let data = limit_sweep::gather(&sweep, origin(), origin()).unwrap();
    assert!(data.regions.len() > 1, "{sweep:?}");
    compare(&problem, &data);
    check(&draw(&data));
    let (_, sweep) = solved("edge-memory=30MB..64MB");
    let data = limit_sweep::gather(&sweep, origin(), origin()).unwrap();
    assert_eq!(data.regions.len(), sweep.segments.len());
    check(&draw(&data));
}

#[test]
fn units_of_other_versions_are_refused() {
    let (_, mut sweep) = solved("delay=1us..10ms");
    sweep.unit = "parsec".into();
    let error = limit_sweep::gather(&sweep, origin(), origin()).unwrap_err();
    assert!(error.to_string().contains("parsec"), "{error}");
    sweep.segments.clear();
    assert!(limit_sweep::gather(&sweep, origin(), origin()).is_err());
}
