//! The figure of latency against accuracy, from made-up plans.

use cutpoint_report::figures::Figure;
use cutpoint_report::figures::tradeoff::{Choice, RateCurve, TradeoffData};
use cutpoint_report::{Origin, ReportError, Style};
use cutpoint_testkit::networks::{check, count, ugly};

fn choice(name: String, latency_us: f64, drop: f64) -> Choice {
    Choice {
        name,
        latency_us,
        worst_drop: drop * 1.2,
        mean_drop: drop,
        tasks: "size 1 %, type 0 %".into(),
    }
}

/// `plans` best plans at each of `rates` rates, each drop half as large as the next.
fn data(rates: usize, plans: usize) -> TradeoffData {
    let curve = |rate: usize| {
        let slowness = 0.4f64.powi(rate as i32);
        let best = |i: usize| {
            let us = 2_000.0 + 80_000.0 * slowness * 0.6f64.powi(i as i32);
            let drop = if i == 0 {
                0.0
            } else {
                0.2 * 0.6f64.powi((plans - i) as i32)
            };
            choice(format!("{} · q4+zstd", ugly(i)), us, drop)
        };
        let other = |i: usize| choice(ugly(i), 3_000.0 + 900.0 * i as f64, 0.004 * i as f64);
        RateCurve {
            rate_bit_s: 1e6 * 10f64.powi(rate as i32),
            best: (0..plans).map(best).collect(),
            others: (0..8 * plans).map(other).collect(),
        }
    };
    let origin = |simulated| Origin {
        name: "m".into(),
        method: "made up".into(),
        simulated,
    };
    TradeoffData {
        model: "made-up.onnx".into(),
        edge: origin(false),
        server: origin(true),
        link: "Delay 20 ms one way".into(),
        accuracy: "made up".into(),
        curves: (0..rates).map(curve).collect(),
    }
}

#[test]
fn every_best_plan_is_a_point_of_its_curve() {
    for (rates, plans) in [(1, 1), (1, 12), (3, 2), (5, 8), (6, 40)] {
        let svg = Figure::draw(&data(rates, plans), &Style::default()).unwrap();
        check(&svg);
        for rate in 1..=rates {
            let dots = count(&svg, &format!("dot-{rate}"), "circle");
            let legend = usize::from(rate == rates / 2 + 1);
            assert_eq!(dots, plans + legend, "{rate} of {rates}, {plans} plans");
        }
    }
}

#[test]
fn more_rates_than_can_be_told_apart_are_left_out() {
    let svg = Figure::draw(&data(9, 3), &Style::default()).unwrap();
    assert_eq!(count(&svg, "curve-6", "polyline"), 1);
    check(&svg);
}

#[test]
fn plans_without_a_latency_or_a_drop_are_no_points() {
    let mut bad = data(1, 2);
    for choice in &mut bad.curves[0].best {
        choice.worst_drop = f64::NAN;
    }
    let error = Figure::draw(&bad, &Style::default()).unwrap_err();
    assert!(matches!(error, ReportError::Nothing { .. }), "{error}");
    bad.curves.clear();
    assert!(Figure::draw(&bad, &Style::default()).is_err());
}
