//! The comparison of several profiles.

use cutpoint_planner::planning;
use cutpoint_planner::planning::Outcome;
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::Options;
use cutpoint_report::figures::Figure;
use cutpoint_report::figures::boards::{self, BarKind, BoardBar, BoardBars, BoardsData};
use cutpoint_report::figures::cuts::Parts;
use cutpoint_report::{ReportError, Style};
use cutpoint_testkit::networks::{SIZES, check, network, problem, shapes, sized, ugly, words};

fn bar(kind: BarKind, edge_us: f64, uplink_us: f64, server_us: f64) -> BoardBar {
    BoardBar {
        kind,
        plan: ugly(2),
        parts: Parts {
            edge_us,
            uplink_us,
            server_us,
            ..Parts::default()
        },
        beside_us: 0.0,
        breaks: None,
    }
}

fn profile(model: &str, board: &str, scale: f64) -> BoardBars {
    BoardBars {
        model: model.into(),
        sha256: model.into(),
        board: board.into(),
        server: "sim:8x (simulated)".into(),
        bars: vec![
            bar(BarKind::Best, 3e3 * scale, 5e3, 2e3 * scale),
            bar(BarKind::AllEdge, 20e3 * scale, 0.0, 0.0),
            bar(BarKind::AllServer, 0.0, 18e3, 3e3 * scale),
        ],
    }
}

fn data(profiles: Vec<BoardBars>) -> BoardsData {
    BoardsData {
        link: "10 Mbit/s, 20 ms one way".into(),
        profiles,
    }
}

fn draw(data: &BoardsData) -> String {
    Figure::draw(data, &Style::default()).unwrap()
}

fn heading(svg: &str) -> String {
    let lines = words(svg, "heading").into_iter().map(|(_, text)| text);
    lines.collect::<Vec<_>>().join(" ").replace('\u{a0}', " ")
}

#[test]
fn bars_are_as_long_as_their_times() {
    let data = data(vec![
        profile("m.onnx", "pi4", 1.5),
        profile("m.onnx", "pi5", 1.0),
    ]);
    let svg = draw(&data);
    check(&svg);
    let [edge, uplink, server] = ["edge", "uplink", "server"].map(|class| shapes(&svg, class));
    assert_eq!([edge.len(), uplink.len(), server.len()], [4, 4, 4]);
    // all on the edge of the first profile is the longest: 30 ms
    let all_edge = edge[1].0;
    let scale = (all_edge[2] - all_edge[0]) / 30e3;
    let long = |bar: &[f64; 4]| (bar[2] - bar[0]) / scale;
    for (bars, wanted) in [
        (&edge, [4.5e3, 30e3, 3e3, 20e3]),
        (&uplink, [5e3, 18e3, 5e3, 18e3]),
        (&server, [3e3, 4.5e3, 2e3, 3e3]),
    ] {
        for ((bar, tip), us) in bars.iter().zip(wanted) {
            assert!((long(bar) - us).abs() < 30.0, "{tip}: {bar:?} for {us}");
        }
    }
    // stacked without gaps, and the total beside the end
    assert!((edge[0].0[2] - uplink[0].0[0]).abs() < 0.1);
    assert!((uplink[0].0[2] - server[0].0[0]).abs() < 0.1);
    let totals: Vec<(f64, String)> = words(&svg, "strong")
        .into_iter()
        .map(|([x, _], text)| (x, text))
        .collect();
    assert_eq!(totals[0].1, "12.5 ms");
    assert!((totals[0].0 - server[0].0[2] - 5.0).abs() < 0.2);
    assert_eq!(totals[1].1, "10.0 ms");
    assert!(svg.contains("Fastest is pi5: 10.0 ms"));
}

#[test]
fn the_heading_says_what_is_compared() {
    let [a, b] = ["pi4", "pi5"].map(|board| profile("m.onnx", board, 1.0));
    let c = profile("other.onnx", "pi5", 1.0);
    let titled = |profiles| heading(&draw(&data(profiles)));
    let of = |profiles: &[&BoardBars]| titled(profiles.iter().map(|p| (*p).clone()).collect());
    assert!(of(&[&a, &b]).starts_with("m.onnx: 2 boards at 10 Mbit/s"));
    assert!(of(&[&b, &c]).starts_with("pi5: 2 models at"));
    assert!(of(&[&a, &c]).starts_with("2 models on several boards at"));
    // the same twice, such as before and after a change
    let svg = draw(&data(vec![a.clone(), a]));
    let titles: Vec<String> = words(&svg, "bold")
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert!(
        titles[0].starts_with("pi4 (1)") && titles[1].starts_with("pi4 (2)"),
        "{titles:?}"
    );
    // models of one name but not of one content
    let mut other = b.clone();
    other.sha256 = "another".into();
    assert!(of(&[&b, &other]).starts_with("pi5: 2 models at"));
}

#[test]
fn far_longer_bars_are_cut_off_with_their_time_beside_them() {
    let mut slow = profile("m.onnx", "pi4", 1.0);
    slow.bars[2].parts.uplink_us = 9e6;
    let svg = draw(&data(vec![slow, profile("m.onnx", "pi5", 1.0)]));
    check(&svg);
    assert!(
        words(&svg, "small")
            .iter()
            .any(|(_, text)| text.contains("→ 9.00 s")),
        "{svg}"
    );
    assert!(svg.contains("cut off"));
}

#[test]
fn what_breaks_a_limit_says_so() {
    let mut tight = profile("m.onnx", "pi4", 1.0);
    tight.bars[1].breaks = Some("fps".into());
    let svg = draw(&data(vec![tight, profile("m.onnx", "pi5", 1.6)]));
    check(&svg);
    assert!(
        words(&svg, "small")
            .iter()
            .any(|(_, text)| text.ends_with("breaks fps")),
        "{svg}"
    );
}

#[test]
fn many_profiles_fit_every_page_or_are_said_to_be_missing() {
    for count in [2, 3, 9, 60] {
        for size in SIZES {
            let profiles = (0..count).map(|i| profile("m.onnx", &ugly(i), 1.0 + i as f64));
            let svg = Figure::draw(&data(profiles.collect()), &sized(size)).unwrap();
            check(&svg);
            let shown = words(&svg, "strong").len();
            let said = svg.contains("not fit on a page of this size");
            assert_eq!(said, shown < count, "{shown} of {count} at {size:?}");
        }
    }
}

#[test]
fn one_profile_is_no_comparison() {
    let mut idle = profile("m.onnx", "pi4", 1.0);
    idle.bars[0].parts = Parts::default();
    for profiles in [
        vec![],
        vec![profile("m.onnx", "pi5", 1.0)],
        vec![idle, profile("m.onnx", "pi5", 1.0)],
    ] {
        let error = Figure::draw(&data(profiles), &Style::default()).unwrap_err();
        assert!(matches!(
            error,
            ReportError::Nothing {
                figure: "boards",
                ..
            }
        ));
    }
}

#[test]
fn bars_of_a_profile_are_its_plans() {
    let server = Server::faster(8.0);
    let mut bars = Vec::new();
    let mut last = None;
    for layers in [10, 120, 500] {
        let profile = network(layers, ugly);
        let problem = problem(&profile, &server, "1 Gbit/s").with_delay("1 ms".parse().unwrap());
        let Outcome::Plan(plan) = planning::best_plan(&problem, &Options::default()).unwrap()
        else {
            panic!("no limits, so there is a plan");
        };
        let own = boards::board_bars(&problem, &profile, &server, Some(&plan));
        let totals: Vec<f64> = own
            .bars
            .iter()
            .map(|bar| bar.parts.total_us() + bar.beside_us)
            .collect();
        assert!((totals[0] - plan.latency_ms * 1e3).abs() < 1e-6 * totals[0]);
        for (bar, total) in own.bars.iter().zip(&totals) {
            let name = match bar.kind {
                BarKind::Best => continue,
                BarKind::AllEdge => "all-edge",
                BarKind::AllServer => "all-server",
            };
            let other = plan
                .alternatives
                .iter()
                .find(|other| other.name == name)
                .unwrap();
            assert!(
                (total - other.latency_ms * 1e3).abs() < 1e-6 * total,
                "{name}"
            );
        }
        bars.push(own);
        last = Some(problem);
    }
    let data = boards::gather(&last.unwrap(), bars);
    assert_eq!(data.link, "1 Gbit/s, 1 ms one way");
    check(&draw(&data));
    assert_eq!(draw(&data), draw(&data.clone()));
}
