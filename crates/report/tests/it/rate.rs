//! The figure over the rate, from made-up plans.

use cutpoint_report::figures::Figure;
use cutpoint_report::figures::rate::{Curve, Other, RateData, Region, Side};
use cutpoint_report::{Origin, ReportError, Style};
use cutpoint_testkit::networks::{check, count, ugly};

const FROM: f64 = 1e5;
const TO: f64 = 1e9;

/// The lower envelope of `plans` plans: all-edge, splits that send less and less, all-server.
fn data(plans: usize) -> RateData {
    let bits = |i: usize| 1.6e6 * 0.5f64.powi(i as i32);
    let curve = |i: usize| match i {
        0 => Curve {
            fixed_us: 45_000.0,
            bits: 0.0,
            at_least_us: 0.0,
        },
        i => Curve {
            fixed_us: 45_000.0 - 3_000.0 * (i as f64).sqrt(),
            bits: bits(plans - i),
            at_least_us: 0.0,
        },
    };
    // where curve i meets the one before
    let meets = |i: usize| {
        let (a, b) = (curve(i - 1), curve(i));
        (b.bits - a.bits) * 1e6 / (a.fixed_us - b.fixed_us)
    };
    let mut ends: Vec<f64> = (1..plans).map(meets).collect();
    ends.insert(0, FROM);
    ends.push(TO);
    let region = |i: usize| Region {
        from_bit_s: ends[i],
        to_bit_s: ends[i + 1],
        name: format!("{} · q8", ugly(i)),
        side: match i {
            0 => Side::Edge,
            i if i + 1 == plans => Side::Server,
            _ => Side::Split,
        },
        curve: curve(i),
    };
    let origin = |simulated| Origin {
        name: "m".into(),
        method: "made up".into(),
        simulated,
    };
    RateData {
        model: "made-up.onnx".into(),
        edge: origin(false),
        server: origin(true),
        link: "Delay 20 ms one way".into(),
        regions: (0..plans).map(region).collect(),
        others: vec![
            (Other::AllEdge, curve(0)),
            (
                Other::AllServer,
                Curve {
                    fixed_us: 24_000.0,
                    bits: 2.1e7,
                    at_least_us: 0.0,
                },
            ),
            (
                Other::Backbone,
                Curve {
                    fixed_us: 42_000.0,
                    bits: 3e5,
                    at_least_us: 0.0,
                },
            ),
        ],
    }
}

fn draw(data: &RateData) -> String {
    Figure::draw(data, &Style::default()).unwrap()
}

#[test]
fn every_plan_has_its_region_and_its_tooltip() {
    for plans in [1, 2, 5, 9, 12] {
        let data = data(plans);
        assert!(
            data.regions.iter().all(|r| r.from_bit_s < r.to_bit_s),
            "{plans}"
        );
        let svg = draw(&data);
        check(&svg);
        assert_eq!(count(&svg, "hover", "title"), plans);
        let regions = ["on-edge", "on-server", "split-a", "split-b"];
        let drawn: usize = regions
            .iter()
            .map(|class| count(&svg, class, "polygon"))
            .sum();
        assert_eq!(drawn, plans);
    }
}

#[test]
fn switching_rates_stand_on_the_axis_and_exactly_in_the_tooltips() {
    let mut data = data(2);
    (data.regions[0].to_bit_s, data.regions[1].from_bit_s) = (1_318_403.0, 1_318_403.0);
    let svg = draw(&data);
    assert!(svg.contains(">1.32 Mbit/s</text>"), "{svg}");
    assert!(svg.contains("1318403 bit/s"), "{svg}");
}

#[test]
fn many_narrow_regions_still_do_not_overlap() {
    let mut data = data(2);
    let wide = data.regions.pop().unwrap();
    for i in 0..150 {
        let at = |i: i32| 1e6 * 1.001f64.powi(i);
        let to = if i == 149 { TO } else { at(i + 1) };
        data.regions.push(Region {
            from_bit_s: at(i),
            to_bit_s: to,
            ..wide.clone()
        });
    }
    data.regions[0].to_bit_s = 1e6;
    check(&draw(&data));
}

#[test]
fn comparisons_keep_their_dashes_in_the_legend() {
    let svg = draw(&data(5));
    for class in ["all-edge", "all-server", "backbone"] {
        assert_eq!(count(&svg, class, "line"), 1, "{class} in the legend");
        assert_eq!(count(&svg, class, "polyline"), 1, "{class} in the plot");
        assert!(svg.contains(&format!(".{class}{{fill:none")), "{class}");
    }
}

#[test]
fn what_lies_above_the_axis_is_left_out_not_flattened() {
    let mut data = data(5);
    data.others[1].1.fixed_us = 1e12;
    let svg = draw(&data);
    assert_eq!(count(&svg, "all-server", "polyline"), 0);
    check(&svg);
}

#[test]
fn nothing_to_show_is_said_in_words() {
    let mut point = data(1);
    point.regions[0].to_bit_s = FROM;
    let mut none = data(1);
    none.regions.clear();
    let mut idle = data(1);
    idle.regions[0].curve = Curve {
        fixed_us: 0.0,
        bits: 0.0,
        at_least_us: 0.0,
    };
    for (data, word) in [(point, "no range"), (none, "no range"), (idle, "no time")] {
        let error = Figure::draw(&data, &Style::default()).unwrap_err();
        assert!(matches!(error, ReportError::Nothing { figure: "rate", .. }));
        assert!(error.to_string().contains(word), "{error}");
    }
}
