//! The map of rates and delays: every point of the picture against the map it was drawn from.

use cutpoint_core::plan::DelayMap;
use cutpoint_planner::parametric;
use cutpoint_planner::scenario::RateRange;
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{ModelProblem, Options};
use cutpoint_report::figures::Figure;
use cutpoint_report::figures::map::{self, MapData, MapPlan, MapRow, MapSegment};
use cutpoint_report::figures::rate::Side;
use cutpoint_report::{Origin, ReportError, Style};
use cutpoint_testkit::networks::{SIZES, check, network, outlines, problem, sized, ugly, words};

const CLASSES: [&str; 9] = [
    "map-edge",
    "map-server",
    "map-none",
    "map-1",
    "map-2",
    "map-3",
    "map-4",
    "map-5",
    "map-6",
];

fn origin() -> Origin {
    Origin {
        name: "m".into(),
        method: "made up".into(),
        simulated: true,
    }
}

/// Plans side by side, moving to faster rates with the delay.
fn data(plans: usize, rows: usize, name: impl Fn(usize) -> String) -> MapData {
    let (from, to): (f64, f64) = (1e5, 1e9);
    let row = |row: usize| {
        let end = |plan: usize| {
            let share = (plan as f64 + row as f64 / rows as f64) / plans as f64;
            if plan == 0 {
                from
            } else {
                from * (to / from).powf(share.min(1.0))
            }
        };
        let segment = |plan: usize| MapSegment {
            from_bit_s: end(plan),
            to_bit_s: if plan + 1 == plans { to } else { end(plan + 1) },
            plan,
        };
        MapRow {
            delay_us: 1e3 * 1.3f64.powi(row as i32),
            segments: (0..plans).map(segment).collect(),
        }
    };
    let side = |plan: usize| match plan {
        0 => Side::Edge,
        last if last + 1 == plans => Side::Server,
        _ => Side::Split,
    };
    MapData {
        model: "made-up.onnx".into(),
        edge: origin(),
        server: origin(),
        wanted: "results wanted: edge".into(),
        resolution: None,
        from_bit_s: from,
        to_bit_s: to,
        rows: (0..rows).map(row).collect(),
        plans: (0..plans)
            .map(|plan| MapPlan {
                name: name(plan),
                side: side(plan),
            })
            .collect(),
    }
}

fn draw(data: &MapData) -> String {
    Figure::draw(data, &Style::default()).unwrap()
}

/// The plan of every region, from its tooltip, with its outline; `None` where there is none.
fn regions(svg: &str) -> Vec<(Option<usize>, Vec<[f64; 2]>)> {
    let of_class = |class: &&str| outlines(svg, class);
    let all = CLASSES.iter().flat_map(of_class);
    all.map(|(outline, tip)| {
        let number = tip
            .split_once(": ")
            .and_then(|(number, _)| number.parse().ok());
        (number.map(|number: usize| number - 1), outline)
    })
    .collect()
}

fn holds(outline: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    let mut inside = false;
    for (i, a) in outline.iter().enumerate() {
        let b = outline[(i + 1) % outline.len()];
        if (a[1] > y) != (b[1] > y) && x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0] {
            inside = !inside;
        }
    }
    inside
}

/// Left, top, right and bottom of the panel: all regions together fill it.
fn panel(regions: &[(Option<usize>, Vec<[f64; 2]>)]) -> [f64; 4] {
    let points = || regions.iter().flat_map(|(_, outline)| outline);
    let fold = |i: usize, pick: fn(f64, f64) -> f64| points().map(|p| p[i]).reduce(pick).unwrap();
    [
        fold(0, f64::min),
        fold(1, f64::min),
        fold(0, f64::max),
        fold(1, f64::max),
    ]
}

/// Holds every point of a grid in the picture against the row whose delay is nearest.
fn compare(svg: &str, data: &MapData) {
    let regions = regions(svg);
    let [left, top, right, bottom] = panel(&regions);
    let delays: Vec<f64> = data.rows.iter().map(|row| row.delay_us.ln()).collect();
    let (low, high) = (delays[0], delays[delays.len() - 1]);
    for step in 0..40 {
        let across = (f64::from(step) + 0.37) / 40.0;
        let rate = data.from_bit_s * (data.to_bit_s / data.from_bit_s).powf(across);
        for (row, delay) in delays.iter().enumerate() {
            // rows at the ends have half a band
            let inset = (high - low) * 1e-3;
            let y = bottom
                - (delay.clamp(low + inset, high - inset) - low) / (high - low) * (bottom - top);
            let x = left + across * (right - left);
            let segments = data.rows[row].segments.iter();
            let mut at = segments.filter(|s| s.from_bit_s <= rate && rate <= s.to_bit_s);
            let wanted = at.next().map(|segment| segment.plan);
            let found: Vec<_> = regions
                .iter()
                .filter(|(_, outline)| holds(outline, [x, y]))
                .collect();
            assert_eq!(found.len(), 1, "at {rate} bit/s in row {row}");
            assert_eq!(found[0].0, wanted, "at {rate} bit/s in row {row}");
        }
    }
}

/// Every name and number in the panel stands in a region of its plan.
fn labels_are_at_home(svg: &str, data: &MapData) -> usize {
    let regions = regions(svg);
    let [left, top, right, bottom] = panel(&regions);
    let mut numbers = 0;
    for ([x, y], text) in words(svg, "small") {
        if !(left..right).contains(&x) || !(top..bottom).contains(&(y - 4.0)) {
            continue;
        }
        let home = regions
            .iter()
            .find(|(_, outline)| holds(outline, [x, y - 4.0]))
            .unwrap()
            .0;
        match text.parse::<usize>() {
            Ok(number) => {
                numbers += 1;
                assert_eq!(home, Some(number - 1));
                // the key says which plan that is
                let key = format!("{number}: ");
                assert!(
                    words(svg, "small").iter().any(|(_, t)| t.starts_with(&key)),
                    "{number}"
                );
            }
            Err(_) if text == "no plan" => assert_eq!(home, None),
            Err(_) => assert_eq!(data.plans[home.unwrap()].name, text),
        }
    }
    numbers
}

#[test]
fn every_point_has_the_colour_of_its_plan() {
    for plans in [1, 2, 3, 6, 12] {
        let data = data(plans, 13, |plan| format!("plan{plan}"));
        let svg = draw(&data);
        check(&svg);
        compare(&svg, &data);
        labels_are_at_home(&svg, &data);
    }
}

#[test]
fn narrow_regions_are_numbered_with_a_key() {
    let data = data(9, 13, ugly);
    for size in SIZES {
        let svg = Figure::draw(&data, &sized(size)).unwrap();
        check(&svg);
        labels_are_at_home(&svg, &data);
    }
    let svg = draw(&data);
    assert!(labels_are_at_home(&svg, &data) > 3, "{svg}");
}

#[test]
fn hundreds_of_plans_still_do_not_overlap() {
    let data = data(300, 40, ugly);
    for size in SIZES {
        let svg = Figure::draw(&data, &sized(size)).unwrap();
        check(&svg);
    }
    assert_eq!(draw(&data), draw(&data.clone()));
}

#[test]
fn where_no_plan_meets_the_limits_there_is_none() {
    let mut data = data(3, 9, |plan| format!("plan{plan}"));
    for row in &mut data.rows[4..] {
        row.segments.remove(0);
    }
    data.rows[8].segments.clear();
    let svg = draw(&data);
    check(&svg);
    compare(&svg, &data);
    labels_are_at_home(&svg, &data);
    assert!(svg.contains("no plan meets the limits"));
}

#[test]
fn no_delay_at_all_has_a_strip_of_its_own() {
    let mut data = data(2, 9, |plan| format!("plan{plan}"));
    data.rows[0].delay_us = 0.0;
    let svg = draw(&data);
    check(&svg);
    assert!(words(&svg, "muted").iter().any(|(_, text)| text == "none"));
    let regions = regions(&svg);
    let [left, _, right, bottom] = panel(&regions);
    let switch = data.rows[0].segments[1].from_bit_s;
    let x = left + (switch / 1e5).log10() / 4.0 * (right - left);
    for (x, plan) in [(x - 2.0, 0), (x + 2.0, 1)] {
        let found = regions
            .iter()
            .find(|(_, outline)| holds(outline, [x, bottom - 2.0]));
        assert_eq!(found.unwrap().0, Some(plan));
    }
}

#[test]
fn maps_that_are_none_are_left_out() {
    let one_row = data(2, 1, ugly);
    let mut no_range = data(2, 5, ugly);
    no_range.to_bit_s = no_range.from_bit_s;
    let mut unknown = data(2, 5, ugly);
    unknown.plans.pop();
    let mut mixed = data(2, 5, ugly);
    mixed.rows.swap(1, 3);
    let mut wild = data(2, 5, ugly);
    wild.rows[4].delay_us = f64::INFINITY;
    for data in [one_row, no_range, unknown, mixed, wild] {
        let error = Figure::draw(&data, &Style::default()).unwrap_err();
        assert!(
            matches!(error, ReportError::Nothing { figure: "map", .. }),
            "{error}"
        );
    }
}

/// The map of a network that does not exist, from the solver.
fn solved(layers: usize) -> DelayMap {
    let problem = problem(&network(layers, ugly), &Server::faster(8.0), "10 Mbit/s");
    let model = ModelProblem {
        name: "synthetic",
        problem: &problem,
        barred: None,
    };
    let rates: RateRange = "10Mbit/s..10Gbit/s".parse().unwrap();
    let delays = [0, 50_000, 200_000, 800_000, 3_000_000];
    parametric::map(&[model], rates, &delays, &Options::default())
        .unwrap()
        .0
}

#[test]
fn solved_maps_are_drawn_as_they_are() {
    for layers in [10, 100, 500] {
        let found = solved(layers);
        let mut data = map::gather(&found, origin(), origin()).unwrap();
        let svg = draw(&data);
        check(&svg);
        for (row, shown) in data.rows.iter().enumerate() {
            for segment in &shown.segments {
                let middle = (segment.from_bit_s * segment.to_bit_s).sqrt();
                let plan = found.at(row, middle as u64).unwrap();
                assert_eq!(found.plans[segment.plan].number, plan);
            }
        }
        // the grid below has no place for a delay of zero
        data.rows.remove(0);
        compare(&draw(&data), &data);
    }
}

#[test]
fn plans_that_take_no_time_are_no_map() {
    let mut found = solved(10);
    found.rows[1].segments[0].latency.fixed_ms = 0.0;
    found.rows[1].segments[0].latency.wire_bits = 0;
    let error = map::gather(&found, origin(), origin()).unwrap_err();
    assert!(error.to_string().contains("takes no time"), "{error}");
}
