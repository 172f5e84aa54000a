//! The timeline, from made-up plans and from solved ones.

use cutpoint_core::plan::Plan;
use cutpoint_planner::planning;
use cutpoint_planner::planning::Outcome;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::{Deadline, ScenarioSpec, Schedule};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::Options;
use cutpoint_report::figures::Figure;
use cutpoint_report::figures::timeline::{self, Lane, Span, TaskLane, TimelineData, Work};
use cutpoint_report::{Origin, ReportError, Style};
use cutpoint_testkit::networks::{SIZES, check, lines, network, shapes, sized, ugly, words};

const STEPS: [(Work, &str, f64); 4] = [
    (Work::Edge, "edge", 30_000.0),
    (Work::Link, "uplink", 50_000.0),
    (Work::Server, "server", 10_000.0),
    (Work::Results, "results", 20_000.0),
];

fn origin(name: &str) -> Origin {
    Origin {
        name: name.into(),
        method: "made up".into(),
        simulated: false,
    }
}

fn span(work: Work, from_us: f64, to_us: f64) -> Span {
    Span {
        work,
        from_us,
        to_us,
        name: String::new(),
    }
}

/// Four steps one after the other, and tasks that are all done at their end.
fn data(tasks: usize, deadline_us: Option<f64>) -> TimelineData {
    let mut at = 0.0;
    let spans: Vec<Span> = STEPS
        .iter()
        .map(|(work, _, us)| {
            at += us;
            span(*work, at - us, at)
        })
        .collect();
    TimelineData {
        model: "made-up.onnx".into(),
        edge: origin("board"),
        server: origin("rack"),
        link: "10 Mbit/s, 20 ms one way".into(),
        plan: "Cut at x".into(),
        latency_us: at,
        lanes: spans
            .iter()
            .map(|span| Lane {
                name: ugly(2),
                spans: vec![span.clone()],
            })
            .collect(),
        tasks: (0..tasks)
            .map(|task| TaskLane {
                name: ugly(task),
                spans: spans.clone(),
                done_us: at,
                deadline_us,
            })
            .collect(),
    }
}

fn draw(data: &TimelineData) -> String {
    Figure::draw(data, &Style::default()).unwrap()
}

#[test]
fn bars_lie_where_their_times_say() {
    let svg = draw(&data(2, None));
    check(&svg);
    // the edge starts at zero; its end gives the scale
    let edge = &shapes(&svg, "edge")[0].0;
    let pixel = |us: f64| edge[0] + (edge[2] - edge[0]) * us / STEPS[0].2;
    let mut at = 0.0;
    for (_, class, us) in STEPS {
        let bars = shapes(&svg, class);
        // the step's own lane, and both tasks
        assert_eq!(bars.len(), 3, "{class}");
        for (bar, tip) in bars {
            assert!((bar[0] - pixel(at)).abs() < 0.2, "{class}: {bar:?}");
            assert!((bar[2] - pixel(at + us)).abs() < 0.2, "{class}: {bar:?}");
            assert!(tip.contains(&format!("{:.1} ms", us / 1e3)), "{tip}");
        }
        at += us;
    }
    let below = |class: &str| shapes(&svg, class)[0].0[1];
    assert!(below("edge") < below("uplink") && below("server") < below("results"));
}

#[test]
fn deadlines_are_marked_and_missed_ones_said() {
    for (due, text, class, late) in [
        (
            120_000.0,
            "110 ms of 120 ms",
            "small",
            "Every deadline is met",
        ),
        (
            80_000.0,
            "110 ms, due 80.0 ms",
            "strong",
            "1 of 1 deadlines are missed",
        ),
    ] {
        let svg = draw(&data(1, Some(due)));
        check(&svg);
        let edge = shapes(&svg, "edge")[0].0;
        let x = edge[0] + (edge[2] - edge[0]) * due / STEPS[0].2;
        let marks = lines(&svg, "deadline");
        // the other one is in the legend
        let marks: Vec<_> = marks.iter().filter(|line| line[0] == line[2]).collect();
        assert_eq!(marks.len(), 1);
        assert!((marks[0][0] - x).abs() < 0.2, "{marks:?} at {x}");
        assert!(words(&svg, class).iter().any(|(_, t)| t == text), "{svg}");
        assert!(svg.contains(late));
    }
    // too far away to be shown, but told
    let svg = draw(&data(1, Some(5e6)));
    assert!(
        lines(&svg, "deadline")
            .iter()
            .all(|line| line[0] != line[2])
    );
    assert!(svg.contains("110 ms of 5.00 s"));
}

#[test]
fn many_tasks_fit_every_page_or_are_said_to_be_missing() {
    for tasks in [1, 7, 30, 200] {
        for size in SIZES {
            let svg = Figure::draw(&data(tasks, Some(115_000.0)), &sized(size)).unwrap();
            check(&svg);
            let shown = shapes(&svg, "edge").len() - 1;
            assert!(shown > 0 && shown <= tasks);
            let said = svg.contains("more tasks, done earlier") || svg.contains("One more task");
            assert_eq!(said, shown < tasks, "{shown} of {tasks} at {size:?}");
        }
    }
}

#[test]
fn times_that_are_none_are_no_picture() {
    let mut nothing = data(1, None);
    nothing.latency_us = 0.0;
    let mut wild = data(1, None);
    wild.tasks[0].done_us = f64::NAN;
    let mut backwards = data(1, None);
    backwards.lanes[1].spans[0].to_us = -1.0;
    let mut empty = data(0, None);
    empty.lanes.clear();
    for data in [nothing, wild, backwards, empty] {
        let error = Figure::draw(&data, &Style::default()).unwrap_err();
        assert!(matches!(
            error,
            ReportError::Nothing {
                figure: "timeline",
                ..
            }
        ));
        assert!(error.to_string().contains("measure again"), "{error}");
    }
}

/// The best plan under a spec for a link, and the problem it solves.
fn solved(layers: usize, spec: ScenarioSpec) -> (Problem, Plan) {
    let spec = ScenarioSpec {
        rate: Some("300 Mbit/s".parse().unwrap()),
        delay: Some("50 us".parse().unwrap()),
        ..spec
    };
    let (scenario, _) = spec.complete().unwrap();
    let profile = network(layers, |i| format!("layer{i}"));
    let problem = Problem::new(&profile, &Server::faster(8.0), &scenario).unwrap();
    match planning::best_plan(&problem, &Options::default()).unwrap() {
        Outcome::Plan(plan) => (problem, plan),
        Outcome::NoPlan(none) => panic!("{}", none.proof),
    }
}

fn prepared(plan: &Plan, problem: Option<&Problem>) -> TimelineData {
    timeline::gather(plan, problem, origin("board"), origin("rack"))
}

/// Time of one kind of work in the lanes of the steps.
fn spent(data: &TimelineData, work: Work) -> f64 {
    let spans = data.lanes.iter().flat_map(|lane| &lane.spans);
    let of = spans.filter(|span| span.work == work);
    of.map(|span| span.to_us - span.from_us).sum()
}

#[test]
fn lanes_add_up_to_the_plan_and_tasks_end_when_they_are_done() {
    for layers in [10, 120, 500] {
        for spec in [
            ScenarioSpec::default(),
            ScenarioSpec {
                keep_on_edge: vec![format!("layer{}", layers - 1)],
                ..ScenarioSpec::default()
            },
            ScenarioSpec {
                keep_on_server: vec![format!("layer{}", layers - 1)],
                keep_on_edge: vec![format!("layer{}", layers - 2)],
                schedule: Some(Schedule::Overlap),
                ..ScenarioSpec::default()
            },
        ] {
            let (problem, plan) = solved(layers, spec);
            for problem in [None, Some(&problem)] {
                let data = prepared(&plan, problem);
                let ms = plan.breakdown_ms;
                for (work, ms) in [
                    (Work::Edge, ms.edge),
                    (Work::Overlapped, ms.local),
                    (Work::Link, ms.uplink),
                    (Work::Server, ms.server),
                    (Work::Results, ms.downlink),
                ] {
                    let us = spent(&data, work);
                    assert!((us - ms * 1e3).abs() < 1e-6 * (1.0 + us), "{work:?}: {us}");
                }
                for (lane, task) in data.tasks.iter().zip(&plan.tasks) {
                    let end = lane.spans.last().unwrap().to_us;
                    assert!((end - task.latency_ms * 1e3).abs() < 1e-6 * end);
                    let gapless = lane
                        .spans
                        .windows(2)
                        .all(|pair| (pair[0].to_us - pair[1].from_us).abs() < 1e-6 * end);
                    assert!(gapless, "{lane:?}");
                }
                check(&draw(&data));
            }
        }
    }
}

#[test]
fn heads_that_run_beside_the_link_have_a_lane_of_their_own() {
    let (problem, plan) = solved(
        60,
        ScenarioSpec {
            keep_on_server: vec!["layer59".into()],
            keep_on_edge: vec!["layer57".into()],
            schedule: Some(Schedule::Overlap),
            ..ScenarioSpec::default()
        },
    );
    assert!(!plan.local.is_empty(), "{plan:?}");
    let data = prepared(&plan, Some(&problem));
    let beside = data.lanes.iter().flat_map(|lane| &lane.spans);
    let beside: Vec<&Span> = beside
        .filter(|span| span.work == Work::Overlapped)
        .collect();
    let link = data.lanes.iter().flat_map(|lane| &lane.spans);
    let link = link
        .into_iter()
        .find(|span| span.work == Work::Link)
        .unwrap();
    assert_eq!(beside[0].from_us, link.from_us);
    let kept = data
        .tasks
        .iter()
        .find(|task| task.spans.iter().any(|s| s.work == Work::Overlapped));
    assert!(
        kept.unwrap()
            .spans
            .iter()
            .all(|span| span.work != Work::Link)
    );
    let svg = draw(&data);
    check(&svg);
    assert!(svg.contains("runs in part while link and server work"));
}

#[test]
fn a_tasks_own_layers_take_their_own_time() {
    let (problem, plan) = solved(60, ScenarioSpec::default());
    let data = prepared(&plan, Some(&problem));
    for (index, task) in problem.tasks().iter().enumerate() {
        let own = problem.graph().layer_ids().filter(|layer| {
            let needs = |other: usize| problem.model().needs()[other].contains(*layer);
            needs(index)
                && (0..problem.tasks().len())
                    .filter(|other| needs(*other))
                    .count()
                    == 1
        });
        let on_edge = |id| plan.edge.contains(&problem.graph().layer(id).id);
        let ns: u64 = own
            .map(|id| {
                if on_edge(id) {
                    problem.model().layer(id).edge_ns
                } else {
                    problem.model().layer(id).server_ns
                }
            })
            .sum();
        let spans = data.lanes.iter().flat_map(|lane| &lane.spans);
        let named = spans.filter(|span| span.name == task.name);
        let us: f64 = named.map(|span| span.to_us - span.from_us).sum();
        assert!(
            (us - ns as f64 / 1e3).abs() < 1e-6,
            "{}: {us} for {ns} ns",
            task.name
        );
    }
}

#[test]
fn deadlines_of_the_scenario_reach_the_picture() {
    let deadline: Deadline = "layer59=40ms".parse().unwrap();
    let (_, plan) = solved(
        60,
        ScenarioSpec {
            deadline: vec![deadline],
            ..ScenarioSpec::default()
        },
    );
    let data = prepared(&plan, None);
    let task = data
        .tasks
        .iter()
        .find(|task| task.name == "layer59")
        .unwrap();
    assert_eq!(task.deadline_us, Some(40_000.0));
    assert_eq!(draw(&data), draw(&data.clone()));
}
