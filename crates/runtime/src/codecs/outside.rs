//! Times of compressions and image formats, which run outside the halves, on one thread.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::super::RunError;
use super::super::clock::timed;
use super::super::stats::median;
use super::{Point, record};
use cutpoint_core::codec::{Codec, Form, Stage};
use cutpoint_core::graph::{ElementType, Tensor};
use cutpoint_core::profile::CodecRecord;
use cutpoint_core::units::Bytes;
use cutpoint_onnx::wire;

/// Bytes of the messages that compressions are timed on.
const MESSAGES: [usize; 3] = [1 << 10, 1 << 14, 1 << 18];
/// Sides of the square images that files are timed on.
const SIDES: [u64; 3] = [32, 96, 224];
const QUALITIES: [u8; 4] = [50, 75, 90, 95];
/// Runs of each; the median counts.
const RUNS: usize = 9;

/// Returns a record for each compression and each image file.
pub(super) fn measure() -> Result<Vec<CodecRecord>, RunError> {
    let mut records = Vec::new();
    for stage in [Stage::Deflate, Stage::Zstd] {
        let points = MESSAGES.map(|bytes| compression(stage, bytes));
        let points = points.into_iter().collect::<Result<Vec<_>, _>>()?;
        records.push(CodecRecord {
            dtype: ElementType::UInt8.to_string(),
            ..record(stage.name(), &points)
        });
    }
    let jpegs = QUALITIES.map(Form::Jpeg);
    for form in [Form::Png].into_iter().chain(jpegs) {
        let points = SIDES.map(|side| image(Codec::plain(form), side));
        let points = points.into_iter().collect::<Result<Vec<_>, _>>()?;
        records.push(record(&form.to_string(), &points));
    }
    Ok(records)
}

fn compression(stage: Stage, bytes: usize) -> Result<Point, RunError> {
    let message = codes(bytes);
    let sent = wire::compress(stage, &message)?;
    Ok(Point {
        bytes: bytes as f64,
        encode_us: median_us(|| wire::compress(stage, &message).map(drop))?,
        decode_us: median_us(|| wire::decompress(stage, &sent, bytes).map(drop))?,
    })
}

fn image(codec: Codec, side: u64) -> Result<Point, RunError> {
    let tensor = Tensor {
        name: String::new(),
        dtype: ElementType::Float32,
        shape: vec![1, 3, side, side],
        bytes: Bytes(4 * 3 * side * side),
        uncuttable: None,
    };
    let pixels = scene(side);
    let sent = wire::pack(codec, &tensor, pixels.clone())?;
    Ok(Point {
        bytes: tensor.bytes.0 as f64,
        encode_us: median_us(|| wire::pack(codec, &tensor, pixels.clone()).map(drop))?,
        decode_us: median_us(|| wire::unpack(codec, &tensor, sent.clone()).map(drop))?,
    })
}

/// Processor time of the work, which other programs do not lengthen.
fn median_us(mut work: impl FnMut() -> Result<(), wire::WireError>) -> Result<f64, RunError> {
    let mut samples = [0.0; RUNS];
    for sample in &mut samples {
        let (done, time) = timed(&mut work);
        done?;
        *sample = time.cpu.as_secs_f64() * 1e6;
    }
    Ok(median(&samples))
}

/// Two four-bit codes in each byte, as of activations behind a `ReLU`: each follows its neighbour
/// or makes a small step, and many are zero. They shrink about as much as real ones.
fn codes(bytes: usize) -> Vec<u8> {
    let mut rng = SmallRng::seed_from_u64(3);
    let mut walks = [4_i8; 2];
    let mut code = move |walk: &mut i8| {
        let step = match rng.random_range(0..8) {
            0 => -1,
            1 => 1,
            2 => rng.random_range(-4..=3),
            _ => 0,
        };
        *walk = (*walk + step).clamp(-6, 12);
        (*walk).max(0) as u8
    };
    let byte = |_| {
        let [high, low] = &mut walks;
        code(high) << 4 | code(low)
    };
    (0..bytes).map(byte).collect()
}

/// A picture of slow gradients, an edge and a little noise, channel after channel.
fn scene(side: u64) -> Vec<u8> {
    let mut rng = SmallRng::seed_from_u64(5);
    let mut pixels = Vec::new();
    for channel in 0..3 {
        for y in 0..side {
            for x in 0..side {
                let slope = 90 * (x + y * (channel + 1) / 2) / side;
                let edge = if 2 * x + y > side { 60 } else { 0 };
                pixels.push((20 + slope + edge + rng.random_range(0..4)).min(255) as u8);
            }
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_timed_shrink_as_real_ones_do() {
        let message = codes(1 << 16);
        for stage in [Stage::Deflate, Stage::Zstd] {
            let share =
                wire::compress(stage, &message).unwrap().len() as f64 / message.len() as f64;
            assert!((0.3..0.55).contains(&share), "{stage:?}: {share}");
        }
    }

    #[test]
    fn every_part_outside_the_halves_has_a_time() {
        let records = measure().unwrap();
        let names: Vec<&str> = records.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "deflate", "zstd", "png", "jpeg50", "jpeg75", "jpeg90", "jpeg95"
            ]
        );
        for record in &records {
            assert!(record.enc_ns_per_byte > 0.0 && record.dec_ns_per_byte > 0.0);
        }
    }
}
