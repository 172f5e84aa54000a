//! Encoding and decoding beside a memory copy of the same bytes.
//!
//! `tensor`: every codec of numbers, in ONNX Runtime on one thread, over bytes of the float tensor.
//! `message`: every compression, over bytes of its message of four-bit codes. `image`: every image
//! file, over bytes of the eight-bit image.

// a bench may fail as loudly as a test
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use cutpoint_core::codec::{Affine, Calibration, ClipRange, Codec, Form};
use cutpoint_core::graph::{ElementType, Tensor};
use cutpoint_core::units::Bytes;
use cutpoint_onnx::wire;
use cutpoint_onnx::{CodecData, Model, Scale, codec_models};
use cutpoint_runtime::library::find_or_fetch;
use cutpoint_runtime::session::{Session, SessionOptions, Values};
use cutpoint_runtime::{Environment, environment};
use ort::value::Tensor as OrtTensor;

const ACTIVATION: [u64; 4] = [1, 64, 56, 56];
const IMAGE: [u64; 4] = [1, 3, 224, 224];
const CODECS: [&str; 8] = ["f16", "q8", "q8c", "q4", "q4c", "q2", "q2c", "u8"];
const OPSET: i64 = 13;

fn runtime() -> &'static Environment {
    let library = find_or_fetch(&mut |_| ()).unwrap();
    environment(&library, 1).unwrap()
}

fn tensor(shape: &[u64]) -> Tensor {
    Tensor {
        name: "t".to_owned(),
        dtype: ElementType::Float32,
        shape: shape.to_vec(),
        bytes: Bytes(4 * shape.iter().product::<u64>()),
        uncuttable: None,
    }
}

/// A walk with small steps, cut off at zero, as behind a `ReLU`.
fn activation() -> Vec<f32> {
    let mut state = 1_u32;
    let mut walk = 0.0_f32;
    let count = ACTIVATION.iter().product::<u64>();
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        walk = 0.97 * walk + (state >> 8) as f32 / (1 << 24) as f32 - 0.5;
        walk.max(0.0)
    };
    (0..count).map(|_| next()).collect()
}

/// A gradient with a little noise, channel after channel.
fn image() -> Vec<u8> {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 30) as u64
    };
    let side = IMAGE[2];
    let place = |at: u64| (at % side, at / side % side, at / side / side);
    (0..IMAGE.iter().product::<u64>())
        .map(|at| {
            let (x, y, c) = place(at);
            (30 * c + x / 2 + y / 3 + noise()) as u8
        })
        .collect()
}

fn range(codec: Codec, tensor: &Tensor, values: &[f32]) -> Option<ClipRange> {
    let Form::Affine { bits, per_channel } = codec.form else {
        return None;
    };
    let mut calibration = Calibration::new(tensor);
    calibration.add(values).unwrap();
    Some(calibration.range(bits, per_channel).unwrap())
}

fn run(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, model: &Model, feed: &Values) {
    let mut session = Session::new(runtime(), &model.encode(), &SessionOptions::default()).unwrap();
    group.bench_function(name, |b| b.iter(|| session.run(black_box(feed)).unwrap()));
}

fn copy(group: &mut BenchmarkGroup<'_, WallTime>, bytes: usize) {
    group.throughput(Throughput::Bytes(bytes as u64));
    let source = vec![1_u8; bytes];
    let mut target = vec![0_u8; bytes];
    group.bench_function("memory copy", |b| {
        b.iter(|| black_box(&mut target).copy_from_slice(black_box(&source)));
    });
}

fn numbers(criterion: &mut Criterion) {
    let tensor = tensor(&ACTIVATION);
    let values = activation();
    let mut group = criterion.benchmark_group("tensor");
    copy(&mut group, tensor.bytes.0 as usize);
    runtime();
    let input = OrtTensor::from_array((ACTIVATION.map(|d| d as i64).to_vec(), values.clone()));
    let feed: Values = vec![("t".to_owned(), Arc::new(input.unwrap().into_dyn()))];
    let scale = Scale {
        mean: vec![127.5],
        std: vec![60.0],
    };
    for name in CODECS {
        let codec: Codec = name.parse().unwrap();
        let range = range(codec, &tensor, &values);
        let data = CodecData {
            scale: Some(&scale),
            range: range.as_ref(),
        };
        let models = codec_models(&tensor, codec, data, OPSET).unwrap();
        run(
            &mut group,
            &format!("{name} encode"),
            &models.encoder,
            &feed,
        );
        let bytes = models.encoder.encode();
        let mut encoder = Session::new(runtime(), &bytes, &SessionOptions::default()).unwrap();
        let sent = encoder.run(&feed).unwrap();
        run(
            &mut group,
            &format!("{name} decode"),
            &models.decoder,
            &sent,
        );
    }
    group.finish();
}

fn messages(criterion: &mut Criterion) {
    let tensor = tensor(&ACTIVATION);
    let values = activation();
    let codec: Codec = "q4".parse().unwrap();
    let range = range(codec, &tensor, &values).unwrap();
    let affine = Affine::new(codec.form, &tensor, &range).unwrap();
    let message = affine.encode(&values).unwrap();
    let mut group = criterion.benchmark_group("message");
    copy(&mut group, message.len());
    both_ends(&mut group, &["q4+deflate", "q4+zstd"], &tensor, &message);
    group.finish();
}

fn images(criterion: &mut Criterion) {
    let tensor = tensor(&IMAGE);
    let pixels = image();
    let mut group = criterion.benchmark_group("image");
    copy(&mut group, pixels.len());
    let files = ["png", "jpeg50", "jpeg75", "jpeg90", "jpeg95"];
    both_ends(&mut group, &files, &tensor, &pixels);
    group.finish();
}

fn both_ends(
    group: &mut BenchmarkGroup<'_, WallTime>,
    codecs: &[&str],
    tensor: &Tensor,
    message: &[u8],
) {
    for name in codecs {
        let codec: Codec = name.parse().unwrap();
        let sent = wire::pack(codec, tensor, message.to_vec()).unwrap();
        let share = 100 * sent.len() / message.len();
        group.bench_function(format!("{name} encode, {share} % left"), |b| {
            b.iter(|| wire::pack(codec, tensor, black_box(message).to_vec()).unwrap());
        });
        group.bench_function(format!("{name} decode"), |b| {
            b.iter(|| wire::unpack(codec, tensor, black_box(&sent).clone()).unwrap());
        });
    }
}

fn settings() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! {
    name = benches;
    config = settings();
    targets = numbers, messages, images
}
criterion_main!(benches);
