//! Images per second: casting the rays of a pose, and colouring images of poses already cast.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use cutpoint_accuracy::dataset::shapes::{BYTES, Noise, Renderer, scenes};

fn drawing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("shapes, one thread");
    let scenes = scenes(256, 1);
    group.throughput(Throughput::Elements(1));
    group.sample_size(20);
    group.bench_function("cast the rays of a pose", |bencher| {
        let mut pixels = vec![0; BYTES];
        // a renderer without poses casts for every image
        let renderer = Renderer::new(&[], 1);
        bencher.iter(|| renderer.draw(black_box(&scenes[0]), &mut pixels));
    });
    let renderer = Renderer::new(&scenes, 1);
    group.throughput(Throughput::Elements(scenes.len() as u64));
    for (name, share) in [
        ("colour an image", 0.0),
        ("colour an image, with noise", 0.05),
    ] {
        let noise = Noise { share, seed: 1 };
        group.bench_function(name, |bencher| {
            bencher.iter(|| renderer.draw_all(black_box(&scenes), 0, &noise));
        });
    }
    group.finish();
}

criterion_group!(benches, drawing);
criterion_main!(benches);
