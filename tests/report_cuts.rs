//! The figure of all cuts.

mod report_support;

use cutpoint::report::cuts::{self, CutBar, CutKind, CutsData, Parts};
use cutpoint::report::{Origin, Style, Theme, prepare};
use report_support::network;

fn data(layers: usize, bits_per_us: f64, name: impl Fn(usize) -> String) -> CutsData {
    let profile = network(layers, name);
    let graph = profile.graph().unwrap();
    let server = Origin {
        name: "sim:8x".into(),
        method: "Server: simulated, 8 times as fast as the edge profile.".into(),
        simulated: true,
    };
    let whole = profile.whole.median_us;
    let bar = |name: &str, kind, edge_us: f64, bytes: f64, measured| CutBar {
        name: name.into(),
        payload: format!("{bytes} B as f32"),
        kind,
        parts: Parts {
            edge_us,
            uplink_us: if bytes > 0.0 {
                300.0 + 8.0 * bytes / bits_per_us
            } else {
                0.0
            },
            server_us: (whole - edge_us) / 8.0,
            downlink_us: if bytes > 0.0 { 310.0 } else { 0.0 },
            ..Parts::default()
        },
        measured,
    };
    let mut bars = vec![bar(
        "everything on the server",
        CutKind::AllServer,
        0.0,
        49152.0,
        true,
    )];
    let natural = cutpoint::cuts::natural(&graph, &[])
        .into_iter()
        .filter(|c| !c.edge.is_empty())
        .collect::<Vec<_>>();
    let count = natural.len();
    for (i, cut) in natural.into_iter().enumerate() {
        let us = cut
            .edge
            .iter()
            .map(|l| profile.layers[l.index()].edge_us)
            .sum();
        let t = graph.tensor(cut.crossing[0]);
        let kind = if i + 1 == count {
            CutKind::Backbone
        } else {
            CutKind::Natural
        };
        bars.push(bar(
            &t.name,
            kind,
            us,
            t.bytes.0 as f64,
            profile.cuts.iter().any(|c| c.tensors[0] == t.name),
        ));
    }
    bars.push(bar(
        "everything on the edge",
        CutKind::AllEdge,
        whole,
        0.0,
        true,
    ));
    CutsData {
        model: profile.model.file.clone(),
        edge: prepare::measured("Edge", &profile),
        server,
        link: "50 Mbit/s, 20 ms one way".into(),
        bars,
    }
}

#[test]
fn look() {
    let ugly = |i: usize| {
        if i % 7 == 2 {
            format!("<script>alert({i})</script>")
        } else {
            format!("/features/features.{i}/features.{i}.0/Conv_output_0")
        }
    };
    for n in [10, 60, 120, 500, 1000] {
        for (theme, rate) in [(Theme::Light, 300.0), (Theme::Dark, 20.0)] {
            let style = Style {
                theme,
                ..Style::default()
            };
            let svg = cuts::figure(&data(n, rate, ugly), &style).unwrap();
            std::fs::create_dir_all("/tmp/look").unwrap();
            std::fs::write(format!("/tmp/look/cuts-{n}-{theme:?}.svg"), &svg).unwrap();
        }
    }
}
