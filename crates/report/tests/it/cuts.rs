//! The figure of all cuts, from made-up latencies.

use cutpoint_report::figures::Figure;
use cutpoint_report::figures::cuts::{CutBar, CutKind, CutsData, Parts};
use cutpoint_report::{Origin, ReportError, Style};
use cutpoint_testkit::networks::{check, count, ugly};

/// All-server, `cuts` natural cuts of which every third is measured, all-edge.
fn data(cuts: usize, link_us: f64) -> CutsData {
    let origin = |name: &str, simulated| Origin {
        name: name.into(),
        method: "made up".into(),
        simulated,
    };
    let bar = |name: String, kind, done: f64, sent: f64| CutBar {
        name,
        payload: "12.5 kB as f32".into(),
        kind,
        parts: Parts {
            edge_us: 5_000.0 * done,
            encode_us: 100.0 * sent,
            uplink_us: link_us * sent,
            decode_us: 50.0 * sent,
            server_us: 800.0 * (1.0 - done),
            downlink_us: if sent > 0.0 { 300.0 } else { 0.0 },
        },
        measured: true,
    };
    let mut bars = vec![bar(
        "all on the server".into(),
        CutKind::AllServer,
        0.0,
        1.2,
    )];
    bars.extend((0..cuts).map(|i| {
        let done = (i + 1) as f64 / (cuts + 1) as f64;
        let kind = if i + 1 == cuts {
            CutKind::Backbone
        } else {
            CutKind::Natural
        };
        let sent = 1.5 - done + 0.1 * (i % 4) as f64;
        CutBar {
            measured: i % 3 == 0,
            ..bar(ugly(i), kind, done, sent)
        }
    }));
    bars.push(bar("all on the edge".into(), CutKind::AllEdge, 1.0, 0.0));
    CutsData {
        model: "made-up.onnx".into(),
        edge: origin("pi5", false),
        server: origin("sim:8x", true),
        link: "50 Mbit/s, 20 ms one way".into(),
        bars,
    }
}

fn draw(data: &CutsData) -> String {
    Figure::draw(data, &Style::default()).unwrap()
}

#[test]
fn every_cut_has_its_bar_and_its_tooltip() {
    for cuts in [1, 10, 60, 120, 500] {
        for link_us in [900.0, 90_000.0] {
            let svg = draw(&data(cuts, link_us));
            check(&svg);
            assert_eq!(count(&svg, "hover", "title"), cuts + 2);
            let (bars, outlines) = if cuts < 200 { (cuts + 1, 0) } else { (0, 1) };
            assert_eq!(count(&svg, "uplink", "rect"), bars + 1, "and the legend");
            assert_eq!(count(&svg, "uplink", "polygon"), outlines, "{cuts}");
        }
    }
}

#[test]
fn measured_cuts_are_marked() {
    let svg = draw(&data(60, 900.0));
    let measured = (0..60).filter(|i| i % 3 == 0).count() + 2;
    let squares = count(&svg, "cut", "rect");
    assert_eq!(squares, measured + 1, "and the legend");
    assert!(svg.contains("Both halves of 20 of the 60 cuts"), "{svg}");
}

#[test]
fn the_best_is_named_with_its_latency() {
    let svg = draw(&data(10, 90_000.0));
    assert_eq!(count(&svg, "strong", "text"), 1);
    assert!(svg.contains(">all on the edge: 5.00 ms</text>"), "{svg}");
    let svg = draw(&data(10, 10.0));
    assert!(svg.contains(">all on the server: "), "{svg}");
    assert!(svg.contains("backbone: "), "{svg}");
}

#[test]
fn a_few_very_long_bars_are_cut_off_and_said_to_be() {
    let mut data = data(20, 900.0);
    data.bars[1].parts.uplink_us = 1e9;
    let svg = draw(&data);
    check(&svg);
    assert!(
        svg.contains("1 bar is cut off") && svg.contains("1000 s"),
        "{svg}"
    );
}

#[test]
fn parts_that_take_no_time_are_not_in_the_legend() {
    let mut data = data(10, 900.0);
    assert!(draw(&data).contains(">encode</text>"));
    for bar in &mut data.bars {
        (bar.parts.encode_us, bar.parts.decode_us) = (0.0, 0.0);
    }
    assert!(!draw(&data).contains(">encode</text>"));
}

#[test]
fn nothing_to_show_is_said_in_words() {
    let mut idle = data(3, 900.0);
    for bar in &mut idle.bars {
        bar.parts = Parts::default();
    }
    for (data, word) in [(data(0, 900.0), "one tensor alone"), (idle, "not positive")] {
        let error = Figure::draw(&data, &Style::default()).unwrap_err();
        assert!(matches!(error, ReportError::Nothing { figure: "cuts", .. }));
        assert!(error.to_string().contains(word), "{error}");
    }
}
