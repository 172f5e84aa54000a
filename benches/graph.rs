//! From the text of a profile to its graph.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::path::Path;

use common::FAMILIES;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use cutpoint::profile::Profile;

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

criterion_group!(benches, graphs);
criterion_main!(benches);
