//! The layer figure, from synthetic profiles.

mod report_support;

use cutpoint::report::{Origin, Style, Theme, layers, prepare};
use report_support::network;

fn data(layers: usize, name: impl Fn(usize) -> String) -> layers::LayersData {
    let profile = network(layers, name);
    let graph = profile.graph().unwrap();
    let server = Origin {
        name: "sim:8x".into(),
        method: "Server: simulated, 8 times as fast as the edge profile.".into(),
        simulated: true,
    };
    let edge = prepare::measured("Edge", &profile);
    prepare::layers(&profile, &graph, edge, server, |l| {
        profile.layers[l.index()].server_us / 8.0
    })
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
    for n in [2, 10, 60, 120, 500] {
        for theme in [Theme::Light, Theme::Dark] {
            let style = Style {
                theme,
                ..Style::default()
            };
            let svg = layers::figure(&data(n, ugly), &style).unwrap();
            std::fs::create_dir_all("/tmp/look").unwrap();
            std::fs::write(format!("/tmp/look/layers-{n}-{theme:?}.svg"), &svg).unwrap();
        }
    }
}
