//! Quantisation between calibrated bounds: the operators against their definition in Rust.

// helpers of tests may fail as loudly as tests
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)]

mod onnx_support;

use std::sync::Arc;

use cutpoint::codec::{Affine, ClipRange, Codec};
use cutpoint::graph::{ElementType, Tensor};
use cutpoint::onnx::{CodecData, Model, codec_models};
use cutpoint::runtime::library::find_or_fetch;
use cutpoint::runtime::session::{Session, SessionOptions, Value};
use cutpoint::runtime::{Environment, environment};
use cutpoint::units::Bytes;
use ort::value::Tensor as OrtTensor;

fn runtime() -> &'static Environment {
    // fetched once into the user's cache; without a network the message says what to do
    let library = find_or_fetch(&mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
    environment(&library, 1).unwrap()
}

const OPSETS: [i64; 6] = [7, 10, 11, 13, 18, 21];
const CODECS: [&str; 6] = ["q8c", "q4", "q4c", "q2", "q2c", "q4c+zstd"];
/// Whole and broken bytes, one element, no channels, one channel, channels that share bytes.
const SHAPES: [&[u64]; 8] = [
    &[1, 3, 4, 5],
    &[2, 3, 3, 3],
    &[1],
    &[],
    &[7],
    &[1, 5],
    &[1, 1, 3, 3],
    &[3, 2, 1],
];

fn tensor(shape: &[u64]) -> Tensor {
    Tensor {
        name: "t".into(),
        dtype: ElementType::Float32,
        shape: shape.to_vec(),
        bytes: Bytes(4 * shape.iter().product::<u64>()),
        uncuttable: None,
    }
}

/// Bounds that differ between channels; the lower ones 0 when `positive`.
fn bounds(codec: Codec, tensor: &Tensor, positive: bool) -> ClipRange {
    let count = codec.form.bounds(tensor);
    let channel = |at: usize| at as f32 * 0.37;
    ClipRange {
        low: (0..count)
            .map(|c| if positive { 0.0 } else { -1.1 - channel(c) })
            .collect(),
        high: (0..count).map(|c| 0.9 + channel(c)).collect(),
    }
}

/// Values within and beyond the bounds, from a small generator.
fn values(count: u64) -> Vec<f32> {
    let mut state = 9_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 * 5.0 - 2.5
    };
    let mut values: Vec<f32> = (0..count).map(|_| next()).collect();
    let special = [0.0, f32::INFINITY, -1e30];
    for (value, special) in values.iter_mut().skip(2).zip(special) {
        *value = special;
    }
    values
}

fn run(model: &Model, value: Value) -> Value {
    let mut session = Session::new(runtime(), &model.encode(), &SessionOptions::default()).unwrap();
    let name = session.input_names().remove(0);
    session.run(&vec![(name, value)]).unwrap().remove(0).1
}

fn value<T>(shape: &[u64], elements: Vec<T>) -> Value
where
    T: ort::value::PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static,
{
    let dims: Vec<i64> = shape.iter().map(|d| *d as i64).collect();
    Arc::new(OrtTensor::from_array((dims, elements)).unwrap().into_dyn())
}

#[test]
fn operators_do_what_the_definition_says() {
    for (codec, shape, opset) in CODECS
        .iter()
        .flat_map(|c| SHAPES.map(|s| (*c, s)))
        .flat_map(|(c, s)| OPSETS.map(|o| (c, s, o)))
    {
        let codec: Codec = codec.parse().unwrap();
        let tensor = tensor(shape);
        let place = format!("{codec} of {shape:?} in operator set {opset}");
        for positive in [false, true] {
            let range = bounds(codec, &tensor, positive);
            let affine = Affine::new(codec.form, &tensor, &range).unwrap();
            let data = CodecData {
                range: Some(&range),
                ..CodecData::default()
            };
            let models = codec_models(&tensor, codec, data, opset).unwrap();
            let plain = values(tensor.elements());
            let sent = run(&models.encoder, value(shape, plain.clone()));
            let bytes = sent.try_extract_tensor::<u8>().unwrap().1;
            assert_eq!(bytes, affine.encode(&plain).unwrap(), "{place}");
            let payload = codec.form_payload(&tensor).unwrap().0;
            assert_eq!(bytes.len() as u64, payload, "{place}");
            let decoded = run(&models.decoder, Arc::clone(&sent));
            let (decoded_shape, floats) = decoded.try_extract_tensor::<f32>().unwrap();
            assert_eq!(floats, affine.decode(bytes).unwrap(), "{place}");
            let dims: Vec<u64> = decoded_shape.iter().map(|d| *d as u64).collect();
            assert_eq!(dims, shape, "{place}");
            if positive {
                let zeros = plain.iter().zip(floats).filter(|(x, _)| **x == 0.0);
                assert!(zeros.clone().all(|(_, back)| *back == 0.0), "{place}");
            }
        }
    }
}
