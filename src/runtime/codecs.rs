//! Times of the codecs, and the machine's own roofline, measured with models made for it.

use std::time::{Duration, Instant};

use ort::environment::Environment;

use super::RunError;
use super::halves::pick;
use super::measure::{Control, Protocol, Subject, batch_seed, interleave};
use super::probe::random_inputs;
use super::session::{Session, SessionOptions, Values};
use super::stats::quantile;
use crate::codec::Codec;
use crate::graph::{ElementType, Graph};
use crate::onnx::{self, CutRequest, Model, Scale, ValueFacts};
use crate::profile::CodecRecord;

/// Codecs that cost time, each with the tensor of the little model that it is timed on: `u8` is for
/// inputs alone.
const TIMED: [(Codec, &str); 3] = [(Codec::F16, "h"), (Codec::Q8, "h"), (Codec::U8, "x")];
/// Least sizes timed, in elements: below, the fixed cost hides the rest.
const LEAST_ELEMENTS: u64 = 16 * 1024;
/// Aim for all codecs together.
const BUDGET: Duration = Duration::from_secs(3);
/// Edge of the square matrices of the peak measurement.
const MATRIX: u64 = 768;

/// One codec at one size, in microseconds beyond sending the tensor as it is.
struct Point {
    bytes: f64,
    encode_us: f64,
    decode_us: f64,
}

/// Times every codec at sizes around those of the graph's tensors.
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
        for (codec, tensor) in TIMED {
            for codec in [Codec::F32, codec] {
                subjects.extend(halves(environment, codec, tensor, *size)?);
            }
        }
    }
    let deadline = Instant::now() + BUDGET;
    let go_on = &mut |_| Control::Continue;
    let series = interleave(&mut subjects, &protocol, batch_seed(0), deadline, go_on)?;
    let medians: Vec<f64> = series
        .iter()
        .map(|s| s.summary(protocol.threads).median_us)
        .collect();
    // four sessions per codec and size: plain edge, plain server, encoder, decoder
    let records = TIMED.iter().enumerate().map(|(which, (codec, _))| {
        let points: Vec<Point> = sizes
            .iter()
            .enumerate()
            .map(|(size, elements)| {
                let four = &medians[4 * (size * TIMED.len() + which)..][..4];
                Point {
                    bytes: (4 * elements) as f64,
                    encode_us: (four[2] - four[0]).max(0.0),
                    decode_us: (four[3] - four[1]).max(0.0),
                }
            })
            .collect();
        record(*codec, &points)
    });
    Ok(records.collect())
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
    vec![LEAST_ELEMENTS, largest / 4, largest]
}

/// Both halves of the little model, cut at `tensor`: with a codec, the edge half ends with its
/// encoder and the server half begins with its decoder.
fn halves(
    environment: &Environment,
    codec: Codec,
    tensor: &str,
    elements: u64,
) -> Result<[Subject; 2], RunError> {
    let shape = vec![1, elements];
    let model = onnx::build::two_layers(&shape);
    let facts: ValueFacts = ["x", "h", "y"]
        .map(|name| (name.to_owned(), (ElementType::Float32, shape.clone())))
        .into_iter()
        .collect();
    let reading = model.graph(&facts)?;
    let crossing = reading.graph.find_tensor(tensor)?;
    let mut request = CutRequest {
        edge: reading.graph.ancestors(&[crossing]),
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
    let halves = onnx::cut(&model, &reading, &request)?;
    let (Some(edge), Some(server)) = (halves.edge, halves.server) else {
        return Err(RunError::Mismatch(
            "a codec has an encoder and a decoder".to_owned(),
        ));
    };
    let feed = random_inputs(environment, &model, &[])?;
    let mut edge = subject(environment, &edge, &feed)?;
    let sent = edge.session.run(&edge.feed)?;
    let server = subject(environment, &server, &sent)?;
    Ok([edge, server])
}

fn subject(environment: &Environment, model: &Model, values: &Values) -> Result<Subject, RunError> {
    let session = Session::new(environment, &model.encode(), &SessionOptions::default())?;
    let feed = pick(&session.input_names(), values)?;
    Ok(Subject { session, feed })
}

fn record(codec: Codec, points: &[Point]) -> CodecRecord {
    let (enc_us, enc) = line(points, |p| p.encode_us);
    let (dec_us, dec) = line(points, |p| p.decode_us);
    CodecRecord {
        name: codec.to_string(),
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
    let model = onnx::build::matrix_product(MATRIX);
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
