//! From files to graphs: the text of a profile, and an ONNX model.

#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use cutpoint_core::profile::Profile;
use cutpoint_onnx::Model;
use cutpoint_testkit::FAMILIES;

fn graphs(criterion: &mut Criterion) {
    let path = Path::new("synthetic.toml");
    for (family, make) in FAMILIES {
        let mut group = criterion.benchmark_group(format!("profile to graph, {family}"));
        group.sample_size(20);
        for layers in [50, 500, 2000] {
            let text = make(layers, 1).to_toml(path).unwrap();
            group.bench_with_input(
                BenchmarkId::from_parameter(layers),
                &text,
                |bencher, text| {
                    bencher.iter(|| Profile::parse(text, path).unwrap().graph().unwrap());
                },
            );
        }
        group.finish();
    }
}

/// The bundled models: reading and checking the file, and writing it again.
fn models(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("onnx");
    for name in ["mtlsplit_mobilenet_v3_small_64", "skipnet_3dec_64"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("models")
            .join(name)
            .with_extension("onnx");
        group.bench_function(BenchmarkId::new("load", name), |bencher| {
            bencher.iter(|| Model::load(&path).unwrap());
        });
        let model = Model::load(&path).unwrap();
        group.bench_function(BenchmarkId::new("encode", name), |bencher| {
            bencher.iter(|| model.encode());
        });
    }
    group.finish();
}

criterion_group!(benches, graphs, models);
criterion_main!(benches);
