//! Time of encoding and decoding a tensor, from the measured records.

use super::CodecRecord;
use crate::codec::{Codec, Form, Stage};
use crate::graph::{ElementType, Tensor};

/// Time of both ends of a codec for one tensor, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[allow(missing_docs)]
pub struct CodecTime {
    pub encode_us: f64,
    pub decode_us: f64,
}

/// Returns the time of `codec` for `tensor`; `None` when the codec cannot carry it or a record is
/// missing.
///
/// A tensor in its own type costs nothing. An image file costs what its eight-bit image costs in
/// the halves, and its own record beside; of JPEG the nearest quality measured counts, the lower of
/// two. A compression costs its record over the message before it, of an image over its pixels. A
/// named variant has a record of its own, over the tensor's bytes, and takes no compression.
pub fn codec_time(records: &[CodecRecord], codec: Codec, tensor: &Tensor) -> Option<CodecTime> {
    let mut time = CodecTime::default();
    if let (Form::Named(_), Stage::Plain) = (codec.form, codec.stage) {
        time.add(named(records, &codec.to_string())?, tensor.bytes.0);
        return Some(time);
    }
    let halves = codec.in_halves();
    let message = halves.payload(tensor)?.0;
    if halves != Codec::F32 {
        time.add(named(records, &halves.form.to_string())?, tensor.bytes.0);
    }
    match codec.form {
        Form::Png => time.add(named(records, "png")?, tensor.bytes.0),
        Form::Jpeg(quality) => time.add(jpeg(records, quality)?, tensor.bytes.0),
        _ => {}
    }
    match codec.stage {
        Stage::Plain => {}
        stage => time.add(named(records, stage.name())?, message),
    }
    Some(time)
}

impl CodecTime {
    fn add(&mut self, record: &CodecRecord, bytes: u64) {
        let kb = bytes as f64 / 1e3;
        self.encode_us += record.enc_us + record.enc_ns_per_byte * kb;
        self.decode_us += record.dec_us + record.dec_ns_per_byte * kb;
    }
}

/// The record of a name, of `float32` when there are several.
fn named<'a>(records: &'a [CodecRecord], name: &str) -> Option<&'a CodecRecord> {
    let mut named = records.iter().filter(|record| record.name == name);
    let float = ElementType::Float32.to_string();
    let of_float = named.clone().find(|record| record.dtype == float);
    of_float.or_else(|| named.next())
}

/// The record of the nearest quality.
fn jpeg(records: &[CodecRecord], quality: u8) -> Option<&CodecRecord> {
    let quality_of = |record: &CodecRecord| match record.name.parse::<Codec>().ok()?.form {
        Form::Jpeg(quality) => Some(quality),
        _ => None,
    };
    let measured = records.iter().filter_map(|r| Some((quality_of(r)?, r)));
    let nearest = measured.min_by_key(|(found, _)| (found.abs_diff(quality), *found));
    nearest.map(|(_, record)| record)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, enc_us: f64, enc_ns_per_byte: f64) -> CodecRecord {
        CodecRecord {
            name: name.to_owned(),
            dtype: "float32".to_owned(),
            enc_us,
            enc_ns_per_byte,
            dec_us: 2.0 * enc_us,
            dec_ns_per_byte: 2.0 * enc_ns_per_byte,
        }
    }

    #[test]
    fn parts_add_up_over_their_own_bytes() {
        let records = [
            record("q4", 1.0, 0.5),
            record("u8", 2.0, 1.0),
            record("png", 10.0, 20.0),
            record("jpeg50", 0.0, 3.0),
            record("jpeg90", 0.0, 5.0),
            record("zstd", 4.0, 8.0),
            record("variant:b", 7.0, 1.0),
        ];
        let tensor = Tensor::floats(&[1, 1, 20, 50]);
        let encode = |name: &str| {
            let time = codec_time(&records, name.parse().unwrap(), &tensor)?;
            assert_eq!(time.decode_us, 2.0 * time.encode_us);
            Some(time.encode_us)
        };
        assert_eq!(encode("f32"), Some(0.0));
        assert_eq!(encode("q4"), Some(1.0 + 2.0));
        // 500 bytes of codes; 4000 of floats
        assert_eq!(encode("q4+zstd"), Some(3.0 + 4.0 + 4.0));
        assert_eq!(encode("f32+zstd"), Some(4.0 + 32.0));
        assert_eq!(encode("png"), Some(6.0 + 90.0));
        assert_eq!(encode("jpeg70"), Some(6.0 + 12.0));
        assert_eq!(encode("jpeg99"), Some(6.0 + 20.0));
        assert_eq!(encode("png+zstd"), Some(96.0 + 4.0 + 8.0));
        assert_eq!(encode("variant:b"), Some(7.0 + 4.0));
        for missing in ["q2", "f16", "q4+deflate", "variant:a", "variant:b+zstd"] {
            assert_eq!(encode(missing), None, "{missing}");
        }
    }
}
