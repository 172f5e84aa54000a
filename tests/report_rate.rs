//! The figure over the rate.

mod report_support;

use cutpoint::report::rate::{self, Curve, Other, RateData, Region, Side};
use cutpoint::report::{Style, Theme, halves, prepare};
use report_support::network;

fn data(count: usize) -> RateData {
    let profile = network(20, |i| format!("t{i}"));
    // edge 40 ms .. server 5 ms; the payload halves as the edge's share grows
    let bytes = |i: usize| 2_000_000.0 * 0.5f64.powi(i as i32);
    let curve = |i: usize| Curve {
        fixed_us: 25_000.0 + 20_000.0 * (i as f64 / count as f64).powf(1.5),
        bits: 8.0 * bytes(i),
    };
    let all_edge = Curve {
        fixed_us: 45_000.0,
        bits: 0.0,
    };
    let mut curves = vec![all_edge];
    curves.extend((0..count).rev().map(curve));
    // lower envelope by brute force over switching points
    let (lo, hi) = (1e5, 1e9);
    let mut regions: Vec<Region> = vec![];
    let mut rate = lo;
    let steps = 20000;
    for s in 0..=steps {
        let r = lo * (hi / lo as f64).powf(s as f64 / steps as f64);
        let (best, c) = curves
            .iter()
            .enumerate()
            .min_by(|a, b| a.1.at_us(r).total_cmp(&b.1.at_us(r)))
            .unwrap();
        let name = if best == 0 {
            "everything on the edge".to_string()
        } else if best == count {
            "everything on the server, u8".into()
        } else {
            format!("/features/features.{best}/Conv · q8")
        };
        if regions.last().is_none_or(|x| x.name != name) {
            if let Some(last) = regions.last_mut() {
                last.to_bit_s = r;
            }
            regions.push(Region {
                from_bit_s: r,
                to_bit_s: hi,
                name,
                side: if best == 0 {
                    Side::Edge
                } else if best == count {
                    Side::Server
                } else {
                    Side::Split
                },
                curve: *c,
            });
        }
        rate = r;
    }
    let _ = rate;
    RateData {
        model: "synthetic.onnx".into(),
        edge: prepare::measured("Edge", &profile),
        server: cutpoint::report::Origin {
            name: "sim:8x".into(),
            method: "Server: simulated, 8 times as fast as the edge profile.".into(),
            simulated: true,
        },
        link: "Delay 20 ms one way".into(),
        regions,
        others: vec![
            (Other::AllEdge, all_edge),
            (
                Other::AllServer,
                Curve {
                    fixed_us: 24_900.0,
                    bits: 2.1e7,
                },
            ),
            (
                Other::Backbone,
                Curve {
                    fixed_us: 42_000.0,
                    bits: 300_000.0,
                },
            ),
        ],
    }
}

#[test]
fn look() {
    std::fs::create_dir_all("/tmp/look").unwrap();
    for n in [1, 4, 9, 14] {
        for theme in [Theme::Light, Theme::Dark] {
            let style = Style {
                theme,
                ..Style::default()
            };
            std::fs::write(
                format!("/tmp/look/rate-{n}-{theme:?}.svg"),
                rate::figure(&data(n), &style).unwrap(),
            )
            .unwrap();
        }
    }
    for n in [10, 60, 500] {
        for theme in [Theme::Light, Theme::Dark] {
            let style = Style {
                theme,
                ..Style::default()
            };
            let profile = network(n, |i| {
                format!("/features/features.{i}/features.{i}.0/Conv_output_0")
            });
            let data = prepare::halves(&profile, prepare::measured("Measured", &profile));
            std::fs::write(
                format!("/tmp/look/halves-{n}-{theme:?}.svg"),
                halves::figure(&data, &style).unwrap(),
            )
            .unwrap();
        }
    }
}
