//! Time so far against what is to be sent.

use cutpoint_core::plan::Plan;
use cutpoint_core::profile::Profile;
use cutpoint_core::units::Bytes;
use cutpoint_planner::planning::Outcome;
use cutpoint_planner::server::Server;
use cutpoint_planner::{planning, solve};
use cutpoint_report::figures::Figure;
use cutpoint_report::figures::cumulative::{self, CumulativeData};
use cutpoint_report::{ReportError, Style};
use cutpoint_testkit::networks::{SIZES, check, count, network, problem, sized, ugly};

fn best(profile: &Profile) -> Plan {
    let problem = problem(profile, &Server::faster(8.0), "20 Mbit/s");
    match planning::best_plan(&problem, &solve::Options::default()).unwrap() {
        Outcome::Plan(plan) => plan,
        Outcome::NoPlan(none) => panic!("{none:?}"),
    }
}

fn data(profile: &Profile, plan: Option<&Plan>) -> CumulativeData {
    let server = Server::faster(8.0);
    cumulative::gather(
        &problem(profile, &server, "20 Mbit/s"),
        profile,
        &server,
        plan,
    )
}

fn draw(data: &CumulativeData) -> String {
    Figure::draw(data, &Style::default()).unwrap()
}

/// Centres of the circles of a class, without the legend's.
fn circles(svg: &str, class: &str) -> Vec<(f64, f64)> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let groups = document.descendants().filter(|node| node.has_tag_name("g"));
    let groups = groups.filter(|node| node.attribute("class") == Some(class));
    let circles = groups.flat_map(|group| group.children().collect::<Vec<_>>());
    let circles = circles.filter(|node| node.has_tag_name("circle"));
    let number =
        |node: &roxmltree::Node<'_, '_>, name| node.attribute(name).unwrap().parse().unwrap();
    circles
        .map(|node| (number(&node, "cx"), number(&node, "cy")))
        .collect()
}

#[test]
fn what_crosses_is_summed_from_the_tensors_themselves() {
    let profile = network(60, ugly);
    let data = data(&profile, None);
    let size = |name: &String| {
        profile
            .tensors
            .iter()
            .find(|t| t.name == *name)
            .unwrap()
            .bytes
    };
    for (i, step) in data.layers.iter().enumerate() {
        let (here, there) = profile.layers.split_at(i + 1);
        let made =
            std::iter::once(&profile.inputs[0].name).chain(here.iter().flat_map(|l| &l.outputs));
        let read = made.filter(|name| there.iter().any(|layer| layer.inputs.contains(name)));
        assert_eq!(step.live, Bytes(read.map(size).sum()), "behind layer {i}");
        assert_eq!(
            step.edge_us,
            (profile.layers[i].edge_us * 1e3).round() / 1e3
        );
    }
    assert_eq!(data.input, Bytes(profile.inputs[0].bytes));
}

#[test]
fn every_cut_has_its_dot_in_order_of_place_and_size() {
    for layers in [2, 10, 60, 120, 500] {
        let data = data(&network(layers, ugly), None);
        let svg = draw(&data);
        check(&svg);
        assert_eq!(count(&svg, "hover", "title"), layers);
        let dots = circles(&svg, "cut");
        let cuts: Vec<_> = data.cuts.iter().filter(|cut| cut.bytes.0 > 0).collect();
        assert_eq!(dots.len(), cuts.len());
        for (a, x) in cuts.iter().zip(&dots) {
            for (b, y) in cuts.iter().zip(&dots) {
                assert!(a.behind >= b.behind || x.0 < y.0, "farther left is earlier");
                assert!(a.bytes >= b.bytes || x.1 >= y.1 - 0.1, "lower is smaller");
            }
        }
    }
}

#[test]
fn the_plan_is_marked_where_its_tensors_are_made() {
    let profile = network(60, |i| format!("layer{i}"));
    let mut plan = best(&profile);
    plan.edge = (0..8).map(|i| format!("layer{i}")).collect();
    plan.server = (8..60).map(|i| format!("layer{i}")).collect();
    plan.crossing = vec![cutpoint_core::plan::Crossing {
        tensor: "layer7".into(),
        codec: "q8+zstd".parse().unwrap(),
        bytes: 1234,
        bytes_p95: None,
        mean: vec![],
        std: vec![],
        range: None,
    }];
    let data = data(&profile, Some(&plan));
    let planned = data.plan.as_ref().unwrap();
    let first: f64 = data.layers[..8].iter().map(|layer| layer.edge_us).sum();
    assert!((planned.edge_us - first).abs() < 1e-6);
    assert_eq!(
        (planned.sent[0].behind, planned.sent[0].payload),
        (8, Bytes(1234))
    );
    let svg = draw(&data);
    check(&svg);
    assert!(svg.contains(">layer7 as q8+zstd: 1.23 kB</text>"), "{svg}");
    let ring = circles(&svg, "best");
    let at = data.cuts.iter().position(|cut| cut.behind == 8).unwrap();
    assert_eq!(ring, [circles(&svg, "cut")[at]]);
}

#[test]
fn nothing_to_show_is_said_in_words() {
    let one = data(&network(1, ugly), None);
    let mut idle = data(&network(10, ugly), None);
    idle.layers.iter_mut().for_each(|layer| layer.edge_us = 0.0);
    let mut endless = data(&network(10, ugly), None);
    endless.layers[3].server_us = f64::INFINITY;
    let mut silent = data(&network(10, ugly), None);
    silent
        .layers
        .iter_mut()
        .for_each(|layer| layer.live = Bytes(0));
    for (data, word) in [
        (one, "fewer than two layers"),
        (idle, "take no time"),
        (endless, "take no time"),
        (silent, "nothing flows"),
    ] {
        let error = Figure::draw(&data, &Style::default()).unwrap_err();
        assert!(matches!(
            error,
            ReportError::Nothing {
                figure: "cumulative",
                ..
            }
        ));
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn huge_values_stay_in_the_picture() {
    let mut data = data(&network(30, ugly), None);
    data.layers[4].live = Bytes(u64::MAX);
    data.layers[9].edge_us = 1e13;
    let svg = draw(&data);
    check(&svg);
    assert_eq!(svg, draw(&data));
}

#[test]
fn small_and_large_pages_are_filled() {
    for layers in [2, 20, 60, 500] {
        let profile = network(layers, ugly);
        let data = data(&profile, Some(&best(&profile)));
        for size in SIZES {
            check(&Figure::draw(&data, &sized(size)).unwrap());
        }
    }
}
