//! Times of the codecs, and the machine's peak arithmetic for rooflines, measured with models made
//! for the purpose.

mod outside;

use std::time::{Duration, Instant};

use ort::environment::Environment;

use super::RunError;
use super::halves::pick;
use super::measure::{Control, Protocol, TimedSession, batch_seed, interleave};
use super::probe::random_inputs;
use super::session::{Session, SessionOptions, Values};
use super::stats::quantile;
use cutpoint_core::codec::{Bits, ClipRange, Codec, Form};
use cutpoint_core::graph::{ElementType, Graph};
use cutpoint_core::profile::CodecRecord;
use cutpoint_onnx::{CutRequest, Model, Reading, Scale, ValueFacts};

/// Tensors of the little model that codecs are timed on: the input, which `u8` is for, and what
/// lies between the layers.
const PLACES: [&str; 2] = ["x", "h"];
/// Channels of those tensors.
const CHANNELS: u64 = 64;
/// Least sizes timed, in elements: below, the fixed cost hides the rest.
const LEAST_ELEMENTS: u64 = 16 * 1024;
/// Target time for all operators together.
const BUDGET: Duration = Duration::from_secs(3);
/// Edge of the square matrices of the peak measurement.
const MATRIX: u64 = 768;

/// One codec at one size, in microseconds beyond sending the tensor without it.
struct Point {
    bytes: f64,
    encode_us: f64,
    decode_us: f64,
}

/// Codecs that cost time in the halves, each with its place among [`PLACES`].
fn timed() -> impl Iterator<Item = (Codec, usize)> {
    let affine = |(bits, per_channel)| Codec::plain(Form::Affine { bits, per_channel });
    let affine = [
        (Bits::Eight, true),
        (Bits::Four, false),
        (Bits::Four, true),
        (Bits::Two, false),
        (Bits::Two, true),
    ]
    .map(affine);
    let inside = [Codec::F16, Codec::Q8].into_iter().chain(affine);
    inside.map(|codec| (codec, 1)).chain([(Codec::U8, 0)])
}

/// Times every codec, and every part of one, at sizes around those of the graph's tensors.
///
/// # Errors
/// A run that fails.
pub(super) fn measure(
    environment: &Environment,
    graph: &Graph,
    protocol: Protocol,
) -> Result<Vec<CodecRecord>, RunError> {
    let sizes = sizes(graph);
    let mut subjects = Vec::new();
    for size in &sizes {
        let bench = LittleModel::new(environment, *size)?;
        for place in PLACES {
            subjects.extend(bench.halves(Codec::F32, place)?);
        }
        for (codec, place) in timed() {
            subjects.extend(bench.halves(codec, PLACES[place])?);
        }
    }
    let deadline = Instant::now() + BUDGET;
    let go_on = &mut |_| Control::Continue;
    let series = interleave(&mut subjects, &protocol, batch_seed(0), deadline, go_on)?;
    let medians: Vec<f64> = series
        .iter()
        .map(|s| s.summary(protocol.threads).median_us)
        .collect();
    // edge and server halves of each size: plain at each place, then each codec
    let of_size = 2 * (PLACES.len() + timed().count());
    let records = timed().enumerate().map(|(which, (codec, place))| {
        let point = |(size, elements): (usize, &u64)| {
            let medians = &medians[size * of_size..];
            let (plain, coded) = (2 * place, 2 * (PLACES.len() + which));
            Point {
                bytes: (4 * elements) as f64,
                encode_us: (medians[coded] - medians[plain]).max(0.0),
                decode_us: (medians[coded + 1] - medians[plain + 1]).max(0.0),
            }
        };
        let points: Vec<Point> = sizes.iter().enumerate().map(point).collect();
        record(&codec.to_string(), &points)
    });
    let mut records: Vec<CodecRecord> = records.collect();
    records.extend(outside::measure()?);
    Ok(records)
}

/// A small, a middle and the largest size among the tensors a codec can carry.
fn sizes(graph: &Graph) -> Vec<u64> {
    let elements: Vec<f64> = graph
        .tensors()
        .iter()
        .filter(|t| t.dtype == ElementType::Float32)
        .map(|t| t.elements() as f64)
        .collect();
    let largest = (quantile(&elements, 1.0) as u64).clamp(4 * LEAST_ELEMENTS, 1 << 24);
    [LEAST_ELEMENTS, largest / 4, largest]
        .map(|elements| elements / CHANNELS * CHANNELS)
        .to_vec()
}

/// A model of two layers and one size, to be cut at its input or in the middle.
struct LittleModel<'a> {
    environment: &'a Environment,
    model: Model,
    reading: Reading,
    feed: Values,
}

impl<'a> LittleModel<'a> {
    fn new(environment: &'a Environment, elements: u64) -> Result<LittleModel<'a>, RunError> {
        let shape = vec![1, CHANNELS, elements / CHANNELS];
        let model = cutpoint_onnx::build::two_layers(&shape);
        let facts: ValueFacts = ["x", "h", "y"]
            .map(|name| (name.to_owned(), (ElementType::Float32, shape.clone())))
            .into_iter()
            .collect();
        Ok(LittleModel {
            environment,
            reading: model.graph(&facts)?,
            feed: random_inputs(environment, &model, &[])?,
            model,
        })
    }

    /// Both halves, cut at `tensor`: with a codec, the edge half ends with its encoder and the
    /// server half begins with its decoder.
    fn halves(&self, codec: Codec, tensor: &str) -> Result<[TimedSession; 2], RunError> {
        let graph = &self.reading.graph;
        let crossing = graph.find_tensor(tensor)?;
        let mut request = CutRequest {
            edge: graph.ancestors(&[crossing]),
            crossing: vec![(crossing, codec)],
            ..CutRequest::default()
        };
        if codec == Codec::U8 {
            let scale = Scale {
                mean: vec![127.5],
                std: vec![127.5],
            };
            request.u8_scales.insert(crossing, scale);
        }
        if codec.needs_ranges() {
            // bounds on both sides of zero, which cost more
            let count = codec.form.bounds(graph.tensor(crossing));
            let range = ClipRange {
                low: vec![-2.0; count],
                high: vec![2.0; count],
            };
            request.ranges.insert(crossing, range);
        }
        let halves = cutpoint_onnx::cut(&self.model, &self.reading, &request)?;
        let (Some(edge), Some(server)) = (halves.edge, halves.server) else {
            return Err(RunError::Mismatch(
                "a codec has an encoder and a decoder".to_owned(),
            ));
        };
        let mut edge = subject(self.environment, &edge, &self.feed)?;
        let sent = edge.session.run(&edge.feed)?;
        let server = subject(self.environment, &server, &sent)?;
        Ok([edge, server])
    }
}

fn subject(
    environment: &Environment,
    model: &Model,
    values: &Values,
) -> Result<TimedSession, RunError> {
    let session = Session::new(environment, &model.encode(), &SessionOptions::default())?;
    let feed = pick(&session.input_names(), values)?;
    Ok(TimedSession { session, feed })
}

fn record(name: &str, points: &[Point]) -> CodecRecord {
    let (enc_us, enc) = line(points, |p| p.encode_us);
    let (dec_us, dec) = line(points, |p| p.decode_us);
    CodecRecord {
        name: name.to_owned(),
        dtype: ElementType::Float32.to_string(),
        enc_us,
        enc_ns_per_byte: 1e3 * enc,
        dec_us,
        dec_ns_per_byte: 1e3 * dec,
    }
}

/// Least squares of `a + b * bytes` in relative terms, neither coefficient negative.
fn line(points: &[Point], us: impl Fn(&Point) -> f64) -> (f64, f64) {
    let weight = |p: &Point| 1.0 / us(p).max(1.0).powi(2);
    let sum = |f: &dyn Fn(&Point) -> f64| points.iter().map(|p| weight(p) * f(p)).sum::<f64>();
    let (n, x, xx) = (
        sum(&|_| 1.0),
        sum(&|p| p.bytes),
        sum(&|p| p.bytes * p.bytes),
    );
    let (y, xy) = (sum(&|p| us(p)), sum(&|p| p.bytes * us(p)));
    let determinant = n * xx - x * x;
    if determinant > 1e-9 * n * xx {
        let (a, b) = (
            (y * xx - x * xy) / determinant,
            (n * xy - x * y) / determinant,
        );
        if a >= 0.0 && b >= 0.0 {
            return (a, b);
        }
        if a < 0.0 {
            return (0.0, if xx > 0.0 { (xy / xx).max(0.0) } else { 0.0 });
        }
    }
    (if n > 0.0 { (y / n).max(0.0) } else { 0.0 }, 0.0)
}

/// Arithmetic the machine really reaches: the fastest of several products of square matrices, in
/// GFLOP/s.
///
/// # Errors
/// A run that fails.
pub(super) fn peak_gflop_s(environment: &Environment) -> Result<f64, RunError> {
    let model = cutpoint_onnx::build::matrix_product(MATRIX);
    let feed = random_inputs(environment, &model, &[])?;
    let mut subject = subject(environment, &model, &feed)?;
    let mut fastest = f64::INFINITY;
    for _ in 0..12 {
        let (_, sample) = subject.session.run_timed(&subject.feed)?;
        fastest = fastest.min(sample.wall.as_secs_f64());
    }
    let flops = 2.0 * (MATRIX as f64).powi(3);
    Ok(if fastest > 0.0 {
        flops / fastest / 1e9
    } else {
        0.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(bytes: f64, encode_us: f64) -> Point {
        Point {
            bytes,
            encode_us,
            decode_us: 0.0,
        }
    }

    #[test]
    fn a_line_is_recovered_and_never_negative() {
        let (a, b) = line(
            &[point(1e3, 3.0), point(1e4, 12.0), point(1e5, 102.0)],
            |p| p.encode_us,
        );
        assert!((a - 2.0).abs() < 1e-6 && (b - 1e-3).abs() < 1e-9);
        let (a, b) = line(
            &[point(1e3, 0.0), point(1e4, 5.0), point(1e5, 100.0)],
            |p| p.encode_us,
        );
        assert!(a >= 0.0 && b >= 0.0);
        let (a, b) = line(&[point(1e3, 9.0), point(1e4, 8.0), point(1e5, 7.0)], |p| {
            p.encode_us
        });
        assert!(a > 0.0 && b == 0.0);
    }
}
