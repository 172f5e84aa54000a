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
