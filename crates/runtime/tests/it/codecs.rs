//! Codecs and old operator sets, run in ONNX Runtime.

use cutpoint_core::codec::Codec;
use cutpoint_core::graph::LayerSet;
use cutpoint_onnx::build::value;
use cutpoint_onnx::proto::{DataType, ModelProto};
use cutpoint_onnx::{CutRequest, Halves, Model, Scale, cut};
use cutpoint_runtime::environment;
use cutpoint_runtime::library::find_or_fetch;
use cutpoint_runtime::session::{Difference, Values};
use cutpoint_runtime::verify::{run_whole, verify};
use cutpoint_runtime::{Environment, probe};
use cutpoint_testkit::models::*;

fn runtime() -> &'static Environment {
    // fetched once into the user's cache; without a network the message says what to do
    let library = find_or_fetch(&mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
    environment(&library, 1).unwrap()
}

const IMAGE: [u64; 4] = [2, 3, 8, 8];

/// `y = -x` on images, in this operator set.
fn negation(opset: i64) -> ModelProto {
    let mut graph = graph(vec![node("Neg", &["x"], &["y"])], &[], &["y"]);
    graph.input = vec![value("x", DataType::Float, Some(&IMAGE))];
    let mut model = model(graph);
    model.opset_import[0].version = Some(opset);
    model.ir_version = Some(if opset < 9 { 3 } else { 7 });
    model
}

struct Ready {
    model: Model,
    halves: Halves,
    feed: Values,
}

impl Ready {
    /// Everything on the server, the one input encoded.
    fn all_server(
        proto: &ModelProto,
        codec: Codec,
        scale: Option<Scale>,
        feed: Option<Values>,
    ) -> Ready {
        let model = load(proto);
        let feed = feed.unwrap_or_else(|| probe::random_inputs(runtime(), &model, &[]).unwrap());
        let facts = probe::probe(runtime(), &model, &feed).unwrap();
        let reading = model.graph(&facts).unwrap();
        let input = tensor(&reading, "x");
        let mut request = CutRequest {
            edge: LayerSet::empty(reading.graph.layers().len()),
            crossing: vec![(input, codec)],
            ..CutRequest::default()
        };
        request.u8_scales.extend(scale.map(|scale| (input, scale)));
        let halves = cut(&model, &reading, &request).unwrap();
        Ready {
            model,
            halves,
            feed,
        }
    }

    /// Largest difference of the output and its largest value; no difference means the same bits.
    fn difference(&self) -> (f64, f64) {
        let expected = run_whole(runtime(), &self.model, &self.feed).unwrap();
        let checks = verify(runtime(), &self.halves, &self.feed, &expected).unwrap();
        match checks[0].difference {
            Difference::None => (0.0, 0.0),
            Difference::Rounding { max_abs, scale } => (max_abs, scale),
            Difference::Different => (f64::INFINITY, 0.0),
        }
    }
}

/// From the oldest operator set a codec is written for to a new one.
const OPSETS: [i64; 6] = [7, 9, 10, 11, 13, 21];

#[test]
fn half_precision_keeps_eleven_bits_in_every_operator_set() {
    for opset in OPSETS {
        let (error, largest) =
            Ready::all_server(&negation(opset), Codec::F16, None, None).difference();
        assert!(
            error > 0.0 && error <= largest / 1024.0,
            "operator set {opset}: {error}"
        );
    }
}

#[test]
fn eight_bits_keep_half_a_step_in_every_operator_set() {
    for opset in OPSETS {
        let (error, largest) =
            Ready::all_server(&negation(opset), Codec::Q8, None, None).difference();
        let step = 2.0 * largest / 255.0;
        assert!(
            error > 0.0 && error <= 0.51 * step,
            "operator set {opset}: {error} of {step}"
        );
    }
}

#[test]
fn a_tensor_of_zeros_survives_eight_bits() {
    for opset in OPSETS {
        let mut model = negation(opset);
        let graph = model.graph.as_mut().unwrap();
        graph.node = vec![
            node("Sub", &["x", "x"], &["z"]),
            node("Neg", &["z"], &["y"]),
        ];
        let model = load(&model);
        let feed = probe::random_inputs(runtime(), &model, &[]).unwrap();
        let facts = probe::probe(runtime(), &model, &feed).unwrap();
        let reading = model.graph(&facts).unwrap();
        let zeros = tensor(&reading, "z");
        let request = CutRequest {
            edge: reading.graph.edge_of_cut(&[zeros], &[]).unwrap(),
            crossing: vec![(zeros, Codec::Q8)],
            ..CutRequest::default()
        };
        let halves = cut(&model, &reading, &request).unwrap();
        let ready = Ready {
            model,
            halves,
            feed,
        };
        assert_eq!(ready.difference().0, 0.0, "operator set {opset}");
    }
}

/// Random 8-bit images made into floats the way the codec says.
fn images(mean: &[f32], std: &[f32]) -> Values {
    use cutpoint_onnx::build::{constant, floats, int, with};
    let shaped = |values: &[f32]| match values.len() {
        1 => floats(&[], values),
        channels => floats(&[channels as i64, 1, 1], values),
    };
    let cast = with(
        node("Cast", &["p"], &["f"]),
        int("to", i64::from(DataType::Float as i32)),
    );
    let nodes = vec![
        constant("mean", shaped(mean)),
        constant("std", shaped(std)),
        cast,
        node("Sub", &["f", "mean"], &["centred"]),
        node("Div", &["centred", "std"], &["x"]),
    ];
    let mut graph = graph(nodes, &[], &["x"]);
    graph.input = vec![value("p", DataType::Uint8, Some(&IMAGE))];
    let model = load(&model(graph));
    let pixels = probe::random_inputs(runtime(), &model, &[]).unwrap();
    run_whole(runtime(), &model, &pixels).unwrap()
}

#[test]
fn images_made_from_bytes_come_back_bit_for_bit() {
    let usual = (vec![123.675, 116.28, 103.53], vec![58.395, 57.12, 57.375]);
    let scales = [
        usual,
        (vec![0.0], vec![255.0]),
        (vec![127.5], vec![127.5]),
        (vec![0.0], vec![1.0]),
    ];
    for opset in OPSETS {
        for (mean, std) in &scales {
            let feed = images(mean, std);
            let scale = Scale {
                mean: mean.clone(),
                std: std.clone(),
            };
            let ready = Ready::all_server(&negation(opset), Codec::U8, Some(scale), Some(feed));
            assert_eq!(
                ready.difference(),
                (0.0, 0.0),
                "operator set {opset}, mean {mean:?}"
            );
        }
    }
}
