//! The roofline of the layers.

use cutpoint_core::profile::Profile;
use cutpoint_core::units::Bytes;
use cutpoint_report::figures::Figure;
use cutpoint_report::figures::roofline::{self, RooflineData, Work};
use cutpoint_report::{ReportError, Style};
use cutpoint_testkit::networks::{SIZES, check, network, sized, ugly};

fn data(profile: &Profile) -> RooflineData {
    roofline::gather(profile)
}

fn draw(data: &RooflineData) -> String {
    Figure::draw(data, &Style::default()).unwrap()
}

/// Centre, radius and tooltip of each layer's dot.
fn dots(svg: &str) -> Vec<([f64; 3], String)> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let circles = document
        .descendants()
        .filter(|node| node.has_tag_name("circle"));
    let with_tip = circles.filter(|node| node.has_children());
    let number =
        |node: &roxmltree::Node<'_, '_>, name| node.attribute(name).unwrap().parse().unwrap();
    with_tip
        .map(|node| {
            let at = [number(&node, "cx"), number(&node, "cy"), number(&node, "r")];
            let tip = node.first_element_child().unwrap().text().unwrap();
            (at, tip.to_owned())
        })
        .collect()
}

fn work(name: &str, flops: u64, bytes: u64, us: f64) -> Work {
    Work {
        name: name.into(),
        op: "Conv".into(),
        flops,
        bytes: Bytes(bytes),
        us,
    }
}

/// Four layers at the corners of a square: 1 and 100 flop/B, 1 and 10 GFLOP/s.
fn square() -> RooflineData {
    RooflineData {
        peak_gflop_s: 20.0,
        mem_gb_s: 4.0,
        layers: vec![
            work("slow_light", 1_000_000, 1_000_000, 1_000.0),
            work("fast_light", 1_000_000, 1_000_000, 100.0),
            work("slow_heavy", 1_000_000, 10_000, 1_000.0),
            work("fast_heavy", 1_000_000, 10_000, 100.0),
        ],
        ..data(&network(4, ugly))
    }
}

#[test]
fn bytes_are_inputs_weights_and_outputs_and_times_are_the_boards() {
    let profile = network(60, ugly);
    let size = |name: &String| {
        profile
            .tensors
            .iter()
            .find(|t| t.name == *name)
            .unwrap()
            .bytes
    };
    for (work, layer) in data(&profile).layers.iter().zip(&profile.layers) {
        let values: u64 = layer.inputs.iter().chain(&layer.outputs).map(size).sum();
        assert_eq!(work.bytes, Bytes(values + 10_000));
        assert_eq!((work.us, work.flops), (layer.trace_us, layer.flops));
    }
}

#[test]
fn dots_lie_where_intensity_and_speed_say() {
    let svg = draw(&square());
    check(&svg);
    let dots = dots(&svg);
    let find = |name: &str| {
        dots.iter()
            .find(|(_, tip)| tip.starts_with(name))
            .unwrap()
            .0
    };
    let [slow_light, fast_light, slow_heavy, fast_heavy] =
        ["slow_light", "fast_light", "slow_heavy", "fast_heavy"].map(find);
    assert!(slow_light[0] == fast_light[0] && slow_heavy[0] == fast_heavy[0]);
    assert!(slow_light[1] == slow_heavy[1] && fast_light[1] == fast_heavy[1]);
    assert!(slow_light[0] < slow_heavy[0] && fast_light[1] < slow_light[1]);
    // ten times the time is ten times the area
    assert!((slow_light[2] / fast_light[2]).powi(2) > 4.0);
    assert!(
        svg.contains(">20 GFLOP/s</text>") && svg.contains(">4 GB/s</text>"),
        "{svg}"
    );
    let attainable = |name: &str, gflop_s: &str| {
        let (_, tip) = dots.iter().find(|(_, tip)| tip.starts_with(name)).unwrap();
        assert!(tip.contains(&format!("of {gflop_s} attainable")), "{tip}");
    };
    attainable("slow_light", "4");
    attainable("slow_heavy", "20");
}

#[test]
fn a_roof_that_nobody_measured_is_that_of_the_best_layers() {
    let data = RooflineData {
        peak_gflop_s: 0.0,
        ..square()
    };
    let svg = draw(&data);
    check(&svg);
    // 10 GFLOP/s, and 1 MB in 100 µs
    assert!(svg.matches(">10 GFLOP/s</text>").count() == 1 && svg.contains(">10 GB/s</text>"));
    assert!(svg.contains("only what the best of these layers reach"));
    assert!(!draw(&square()).contains("only what the best"));
}

#[test]
fn networks_of_any_size_are_drawn_and_what_is_unknown_is_counted() {
    for layers in [2, 10, 60, 120, 500] {
        let mut data = data(&network(layers, ugly));
        let svg = draw(&data);
        check(&svg);
        assert_eq!(dots(&svg).len(), layers);
        if layers > 4 {
            data.layers[1].flops = 0;
            data.layers[2].us = 0.0;
            data.layers[3].us = f64::NAN;
            let svg = draw(&data);
            check(&svg);
            assert_eq!(dots(&svg).len(), layers - 3);
            assert!(svg.contains("3 layers without operations"));
        }
    }
}

#[test]
fn huge_values_stay_in_the_picture() {
    let mut data = square();
    data.layers[0].flops = u64::MAX;
    data.layers[1].us = 1e15;
    data.layers[2].bytes = Bytes(u64::MAX);
    data.mem_gb_s = 1e-9;
    let svg = draw(&data);
    check(&svg);
    assert_eq!(dots(&svg).len(), 4);
    assert_eq!(svg, draw(&data));
}

#[test]
fn nothing_to_show_is_said_in_words() {
    let mut unknown = data(&network(30, ugly));
    unknown
        .layers
        .iter_mut()
        .skip(1)
        .for_each(|layer| layer.flops = 0);
    let error = Figure::draw(&unknown, &Style::default()).unwrap_err();
    assert!(matches!(
        error,
        ReportError::Nothing {
            figure: "roofline",
            ..
        }
    ));
    assert!(
        error
            .to_string()
            .contains("fewer than two have a time and operations"),
        "{error}"
    );
}

#[test]
fn small_and_large_pages_are_filled() {
    for layers in [2, 60, 500] {
        let data = data(&network(layers, ugly));
        for size in SIZES {
            check(&Figure::draw(&data, &sized(size)).unwrap());
        }
    }
}
