//! Times of codecs from a profile's records.

use std::collections::HashMap;

use super::ns;
use crate::codec::{Codec, Form};
use crate::graph::{ElementType, Tensor};
use crate::profile::CodecRecord;

/// The codecs that a machine has times of.
#[derive(Debug)]
pub(super) struct CodecTimes<'a>(HashMap<&'a str, &'a CodecRecord>);

/// Encoding and decoding one tensor, in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CodecTime {
    pub(super) encode_ns: u64,
    pub(super) decode_ns: u64,
}

impl<'a> CodecTimes<'a> {
    /// Where a codec was measured with several element types, floats count.
    pub(super) fn new(records: &'a [CodecRecord]) -> CodecTimes<'a> {
        let float = ElementType::Float32.to_string();
        let mut times: HashMap<&str, &CodecRecord> = HashMap::new();
        for record in records {
            let known = times.entry(&record.name).or_insert(record);
            if known.dtype != float && record.dtype == float {
                *known = record;
            }
        }
        CodecTimes(times)
    }

    /// Whether there are times of this codec.
    pub(super) fn know(&self, codec: Codec) -> bool {
        let form = codec.form == Form::Own || self.0.contains_key(codec.form.to_string().as_str());
        let stage = codec
            .stage
            .name()
            .is_none_or(|stage| self.0.contains_key(stage));
        self.0.contains_key(codec.to_string().as_str()) || (form && stage)
    }

    /// The time of a codec: its own record, or its form's per byte of the tensor and its
    /// compression's per byte of the message before it.
    pub(super) fn time(&self, codec: Codec, tensor: &Tensor) -> Option<CodecTime> {
        let record = |name: &str, bytes: u64| {
            let record = self.0.get(name)?;
            let kilo = bytes as f64 / 1e3;
            Some(CodecTime {
                encode_ns: ns(record.enc_us + record.enc_ns_per_byte * kilo),
                decode_ns: ns(record.dec_us + record.dec_ns_per_byte * kilo),
            })
        };
        let whole = record(&codec.to_string(), tensor.bytes.0);
        if whole.is_some() {
            return whole;
        }
        let form = match codec.form {
            Form::Own => CodecTime::default(),
            form => record(&form.to_string(), tensor.bytes.0)?,
        };
        let stage = match codec.stage.name() {
            None => CodecTime::default(),
            Some(stage) => record(stage, codec.form_payload(tensor)?.0)?,
        };
        Some(CodecTime {
            encode_ns: form.encode_ns + stage.encode_ns,
            decode_ns: form.decode_ns + stage.decode_ns,
        })
    }
}
