//! Quantisation between calibrated bounds: the operators against their definition in Rust.

use std::sync::Arc;

use cutpoint_core::codec::{Affine, Calibration, ClipRange, Codec, Form};
use cutpoint_core::cuts;
use cutpoint_core::graph::{ElementType, Tensor, TensorId};
use cutpoint_core::units::Bytes;
use cutpoint_onnx::{CodecData, CutRequest, Halves, Model, codec_models};
use cutpoint_runtime::library::find_or_fetch;
use cutpoint_runtime::probe::{probe, random_inputs};
use cutpoint_runtime::session::{Session, SessionOptions, Value, Values, describe};
use cutpoint_runtime::verify::run_whole;
use cutpoint_runtime::{Environment, environment};
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
    runtime(); // values need the library
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

#[test]
fn every_codec_sends_as_many_bytes_as_the_planner_counts() {
    let tensor = tensor(&[1, 3, 5, 3]);
    let scale = cutpoint_onnx::Scale {
        mean: vec![127.5],
        std: vec![60.0],
    };
    for name in [
        "f16",
        "q8",
        "q8c",
        "q4",
        "q4c",
        "q2",
        "q2c",
        "u8",
        "png",
        "jpeg90+zstd",
    ] {
        let codec: Codec = name.parse().unwrap();
        let range = bounds(codec, &tensor, false);
        let data = CodecData {
            scale: Some(&scale),
            range: Some(&range),
        };
        for opset in OPSETS {
            let models = codec_models(&tensor, codec, data, opset).unwrap();
            let feed = vec![("t".to_owned(), value(&tensor.shape, values(45)))];
            let sent = run_named(&Some(models.encoder), &feed);
            let bytes = sent.iter().map(|(_, value)| {
                let (kind, shape) = describe(value);
                kind.bytes(shape.unwrap().iter().product()).0
            });
            let payload = codec.in_halves().payload(&tensor).unwrap().0;
            assert_eq!(bytes.sum::<u64>(), payload, "{name} in {opset}");
            let decoded = run_named(&Some(models.decoder), &sent);
            assert_eq!(floats(&decoded, "t").len(), 45, "{name} in {opset}");
        }
    }
}

/// Runs a model on those of the values that it takes.
fn run_named(model: &Option<Model>, values: &Values) -> Values {
    let model = model.as_ref().unwrap().encode();
    let mut session = Session::new(runtime(), &model, &SessionOptions::default()).unwrap();
    let inputs = session.input_names();
    let taken = values.iter().filter(|(name, _)| inputs.contains(name));
    session.run(&taken.cloned().collect()).unwrap()
}

fn floats(values: &Values, name: &str) -> Vec<f32> {
    let (_, value) = values.iter().find(|(n, _)| n == name).unwrap();
    value.try_extract_tensor::<f32>().unwrap().1.to_vec()
}

/// Largest difference.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    let pairs = a.iter().zip(b);
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// The bundled model's halves, with and without a codec, and all that runs through them.
struct Network {
    model: Model,
    reading: cutpoint_onnx::Reading,
    feed: Values,
    crossing: TensorId,
    edge: cutpoint_core::graph::LayerSet,
}

impl Network {
    /// Cut in the middle, at one tensor with channels.
    fn load() -> Network {
        let file = "models/mtlsplit_mobilenet_v3_small_64.onnx";
        let model = Model::load(&cutpoint_testkit::repository().join(file)).unwrap();
        let feed = random_inputs(runtime(), &model, &[]).unwrap();
        let facts = probe(runtime(), &model, &feed).unwrap();
        let reading = model.graph(&facts).unwrap();
        let natural = cuts::natural(&reading.graph, &[]);
        let channels = natural.into_iter().filter(|cut| {
            let [tensor] = cut.crossing[..] else {
                return false;
            };
            let shape = &reading.graph.tensor(tensor).shape;
            shape.len() == 4 && shape[1] > 16 && shape[2] > 2 && cut.edge.len() > 10
        });
        let cut = channels.min_by_key(|cut| cut.edge.len()).unwrap();
        Network {
            crossing: cut.crossing[0],
            edge: cut.edge.clone(),
            model,
            reading,
            feed,
        }
    }

    fn tensor(&self) -> &Tensor {
        self.reading.graph.tensor(self.crossing)
    }

    fn halves(&self, codec: Codec, range: Option<&ClipRange>) -> Halves {
        let mut request = CutRequest {
            edge: self.edge.clone(),
            crossing: vec![(self.crossing, codec)],
            ..CutRequest::default()
        };
        request
            .ranges
            .extend(range.map(|r| (self.crossing, r.clone())));
        cutpoint_onnx::cut(&self.model, &self.reading, &request).unwrap()
    }
}

#[test]
fn halves_of_a_network_lose_what_the_quantiser_loses() {
    let network = Network::load();
    let tensor = network.tensor();
    let plain = network.halves(Codec::F32, None);
    let activation = floats(&run_named(&plain.edge, &network.feed), &tensor.name);
    let whole = run_whole(runtime(), &network.model, &network.feed).unwrap();
    let mut calibration = Calibration::new(tensor);
    calibration.add(&activation).unwrap();
    let mut losses = Vec::new();
    for name in ["q8c", "q4c", "q2c"] {
        let codec: Codec = name.parse().unwrap();
        let Form::Affine { bits, per_channel } = codec.form else {
            panic!("{name}");
        };
        let range = calibration.range(bits, per_channel).unwrap();
        let affine = Affine::new(codec.form, tensor, &range).unwrap();
        let codes = affine.encode(&activation).unwrap();
        let decoded = affine.decode(&codes).unwrap();
        let coded = network.halves(codec, Some(&range));
        let sent = run_named(&coded.edge, &network.feed);
        let bytes = sent
            .iter()
            .find(|(n, _)| *n == format!("{}/{name}", tensor.name));
        let bytes = bytes.unwrap().1.try_extract_tensor::<u8>().unwrap().1;
        assert_eq!(bytes.len() as u64, codec.payload(tensor).unwrap().0);
        // where the runtime fuses the scaling into a layer, numbers halfway may round otherwise
        let differ = bytes.iter().zip(&codes).filter(|(a, b)| a != b).count();
        assert!(
            1000 * differ <= bytes.len(),
            "{name}: {differ} of {}",
            bytes.len()
        );

        let fed: Values = vec![(tensor.name.clone(), value(&tensor.shape, decoded))];
        let expected = run_named(&plain.server, &fed);
        let found = run_named(&coded.server, &sent);
        let mut loss = 0.0_f32;
        for (output, _) in &whole {
            let (whole, expected) = (floats(&whole, output), floats(&expected, output));
            let found = floats(&found, output);
            assert!(found.iter().all(|x| x.is_finite()), "{name}");
            let lost = apart(&whole, &expected);
            let largest = whole.iter().fold(0.0, |a: f32, b| a.max(b.abs()));
            assert!(
                apart(&found, &expected) <= 0.1 * lost + 1e-5 * largest,
                "{name}: {output}"
            );
            loss = loss.max(lost / largest);
        }
        losses.push(loss);
    }
    // noise is a hard input: fewer bits soon lose everything
    assert!(
        losses[0] < 0.1 && losses[0] < losses[1].min(losses[2]),
        "{losses:?}"
    );
}
