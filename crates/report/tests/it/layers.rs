//! The layer figure.

use cutpoint_core::profile::Profile;
use cutpoint_planner::server::Server;
use cutpoint_report::figures::Figure;
use cutpoint_report::figures::layers;
use cutpoint_report::{ReportError, Style};
use cutpoint_testkit::networks::{check, count, network, problem, ugly};

fn data(profile: &Profile) -> layers::LayersData {
    let server = Server::faster(8.0);
    layers::gather(&problem(profile, &server, "20 Mbit/s"), profile, &server)
}

fn draw(profile: &Profile) -> String {
    Figure::draw(&data(profile), &Style::default()).unwrap()
}

#[test]
fn every_layer_has_its_bars_its_dot_and_its_tooltip() {
    for layers in [2, 10, 60, 120, 500] {
        let svg = draw(&network(layers, ugly));
        check(&svg);
        assert_eq!(
            count(&svg, "edge", "rect"),
            layers + 1,
            "{layers} and the legend"
        );
        assert_eq!(count(&svg, "server", "rect"), layers + 1);
        assert_eq!(count(&svg, "hover", "title"), layers);
        assert_eq!(
            count(&svg, "cut", "circle") + count(&svg, "nocut", "circle"),
            layers + 2
        );
    }
}

#[test]
fn names_stand_below_the_columns_while_there_is_room() {
    let svg = draw(&network(60, |i| format!("layer{i}")));
    assert_eq!(count(&svg, "tiny", "text"), 60);
    let svg = draw(&network(500, |i| format!("layer{i}")));
    assert_eq!(count(&svg, "tiny", "text"), 0);
    assert!(svg.contains("layer, in execution order"));
}

#[test]
fn a_simulated_server_is_marked() {
    let svg = draw(&network(10, ugly));
    assert!(svg.contains("sim:8x (simulated)"), "{svg}");
}

#[test]
fn nothing_to_show_is_said_in_words() {
    let mut empty = data(&network(2, ugly));
    empty.layers.truncate(1);
    let mut idle = data(&network(10, ugly));
    for layer in &mut idle.layers {
        (layer.edge_us, layer.server_us) = (0.0, 0.0);
    }
    for (data, word) in [(empty, "fewer than two layers"), (idle, "zero")] {
        let error = Figure::draw(&data, &Style::default()).unwrap_err();
        assert!(matches!(
            error,
            ReportError::Nothing {
                figure: "layers",
                ..
            }
        ));
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn one_side_without_times_is_still_a_picture() {
    let mut data = data(&network(10, ugly));
    for layer in &mut data.layers {
        layer.server_us = 0.0;
    }
    check(&Figure::draw(&data, &Style::default()).unwrap());
}

#[test]
fn traced_times_have_error_bars_and_the_caption_says_what_they_are() {
    for layers in [10, 100, 500] {
        let svg = draw(&network(layers, ugly));
        let bars = count(&svg, "error", "polyline") + count(&svg, "error-thin", "polyline");
        assert_eq!(bars, layers, "a simulated server has none");
    }
    // a caption is broken into lines
    let words = |data: &layers::LayersData| {
        let svg = Figure::draw(data, &Style::default()).unwrap();
        let lines = svg.split("<text class=\"muted\"").skip(1);
        let text = lines.filter_map(|line| line.split(['>', '<']).nth(1));
        text.collect::<Vec<_>>().join(" ")
    };
    let mut data = data(&network(10, ugly));
    assert!(words(&data).contains("Error bars on the edge: median ± median absolute deviation"));
    assert!(words(&data).contains("n = 30 runs"), "{}", words(&data));
    data.layers[0].edge_spread.as_mut().unwrap().runs = 28;
    assert!(words(&data).contains("n = 28 to 30 runs"));
    data.layers[0].edge_spread.as_mut().unwrap().runs = 0;
    assert!(words(&data).contains("n not stated"));
    for layer in &mut data.layers {
        layer.edge_spread = None;
    }
    assert!(!words(&data).contains("Error bars"));
}

#[test]
fn an_error_bar_reaches_its_spread_to_both_sides_of_the_time() {
    let mut data = data(&network(10, ugly));
    for layer in &mut data.layers {
        layer.edge_us = 100.0;
        layer.edge_spread = Some(layers::LayerSpread {
            mad_us: 25.0,
            runs: 30,
        });
    }
    let svg = Figure::draw(&data, &Style::default()).unwrap();
    let group = svg.split("<g class=\"error\">").nth(1).unwrap();
    let points = group.split("points=\"").nth(1).unwrap();
    let points = points.split('"').next().unwrap();
    let y: Vec<f64> = points
        .split_whitespace()
        .map(|point| point.split_once(',').unwrap().1.parse().unwrap())
        .collect();
    let (low, high) = (y[0], y[5]);
    // the bar from zero to 100 µs is as tall as four times 25 µs
    let bars = svg.split("<g class=\"edge\">").nth(1).unwrap();
    let height = bars.split("height=\"").nth(1).unwrap();
    let height: f64 = height.split('"').next().unwrap().parse().unwrap();
    assert!(
        (low - high - height / 2.0).abs() < 0.3,
        "{low} {high} {height}"
    );
}
