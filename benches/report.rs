//! Drawing everything: `cutpoint report --html` as a process, from a profile on disk to all figures
//! and the page on disk.

#![allow(missing_docs, clippy::unwrap_used)]

use std::process::{Command, Stdio};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use cutpoint_testkit::networks::{network, ugly};

fn everything(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("all figures and the page");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(5));
    for layers in [10, 120, 500] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("profile.toml");
        let mut profile = network(layers, ugly);
        // more and more work on less and less data: many plans
        for (index, layer) in profile.layers.iter_mut().enumerate() {
            let factor = 2.0 + 300.0 * (index as f64 / layers as f64).powi(2);
            layer.edge_us *= factor;
            layer.server_us *= factor;
        }
        std::fs::write(&file, profile.to_toml(&file).unwrap()).unwrap();
        group.bench_function(BenchmarkId::from_parameter(layers), |bencher| {
            bencher.iter(|| {
                let done = Command::new(env!("CARGO_BIN_EXE_cutpoint"))
                    .current_dir(folder.path())
                    .args(["report", "profile.toml", "--rate", "30Mbit/s"])
                    .args(["--delay", "2ms", "--html", "--quiet"])
                    .stdout(Stdio::null())
                    .status()
                    .unwrap();
                assert!(done.success());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, everything);
criterion_main!(benches);
