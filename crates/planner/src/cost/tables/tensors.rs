//! The rows of the tensors: every encoding in which each can cross.

use std::collections::HashMap;

use crate::cost::error::ProblemError;
use crate::cost::times::{Encoding, TensorTime, ns};
use crate::scenario::{Key, Results, Scenario, U8Input};
use crate::server::ServerTimes;
use cutpoint_core::codec::{Codec, Form, Stage};
use cutpoint_core::codec_accuracy::{CodecAccuracy, CrossingRecord, RangeRecord};
use cutpoint_core::graph::{ElementType, Graph, Tensor, TensorId};
use cutpoint_core::link::{Link, wire};
use cutpoint_core::profile::{CodecRecord, Profile, codec_time};
use cutpoint_core::units::Bytes;

/// Everything the rows of the tensors depend on.
pub(crate) struct TensorTable<'a> {
    edge: &'a Profile,
    server: &'a ServerTimes,
    link: Link,
    /// Where each tensor is wanted, when it is a result.
    wanted: Vec<Option<Results>>,
    /// The codecs asked for besides the tensors' own type, and whether that was.
    codecs: Vec<Codec>,
    own_type_asked: bool,
    /// Whether codecs join whose size was measured, and those whose drop was.
    join: (bool, bool),
    /// The records of an accuracy file, by the tensor's name.
    records: HashMap<&'a str, Vec<&'a CrossingRecord>>,
    bounds: HashMap<&'a str, Vec<&'a RangeRecord>>,
    u8_inputs: Vec<TensorId>,
    local_inputs: Vec<TensorId>,
    graph: &'a Graph,
}

impl<'a> TensorTable<'a> {
    pub(crate) fn new(
        edge: &'a Profile,
        server: &'a ServerTimes,
        scenario: &Scenario,
        graph: &'a Graph,
        accuracy: Option<&'a CodecAccuracy>,
        wanted: Vec<Option<Results>>,
    ) -> Result<Self, ProblemError> {
        let input = |key, name: &String| find_input(graph, key, name);
        let u8_inputs = scenario
            .u8_inputs
            .iter()
            .map(|declared| {
                let tensor = input(Key::INPUT_U8, &declared.name)?;
                check_image(graph.tensor(tensor), declared)?;
                Ok(tensor)
            })
            .collect::<Result<_, ProblemError>>()?;
        let local_inputs = scenario
            .local_inputs
            .iter()
            .map(|name| input(Key::LOCAL_INPUT, name))
            .collect::<Result<_, _>>()?;
        let (own, others) = scenario.codecs.iter().partition(|c| **c == Codec::F32);
        let own: Vec<Codec> = own;
        let lossy = scenario.limits.accuracy.any();
        let table = TensorTable {
            codecs: others,
            join: (scenario.measured_codecs, scenario.measured_codecs && lossy),
            records: by_tensor(accuracy.map_or(&[], |file| &file.crossings), |r| &r.tensor),
            bounds: by_tensor(accuracy.map_or(&[], |file| &file.ranges), |r| &r.tensor),
            own_type_asked: !own.is_empty(),
            link: scenario.link,
            wanted,
            edge,
            server,
            u8_inputs,
            local_inputs,
            graph,
        };
        table.check_asked()?;
        Ok(table)
    }

    /// Refuses codecs that were asked for and that no tensor could be sent in, for want of times or
    /// of data.
    fn check_asked(&self) -> Result<(), ProblemError> {
        for codec in &self.codecs {
            let machines = [("edge", &self.edge.codecs), ("server", &self.server.codecs)];
            for (machine, records) in machines {
                if !is_timed(records, *codec) {
                    return Err(ProblemError::CodecNotMeasured {
                        machine,
                        codec: *codec,
                    });
                }
            }
            let mut tensors = self.graph.tensors().iter();
            if depends_on_data(*codec) && !tensors.any(|t| self.payload(*codec, t).is_some()) {
                return Err(ProblemError::CodecNeedsData(*codec));
            }
        }
        Ok(())
    }

    /// The codecs that may carry a tensor besides its own type, each once.
    fn candidates(&self, tensor: &Tensor) -> Vec<Codec> {
        let mut codecs = self.codecs.clone();
        for record in self.records_of(tensor) {
            let joins = if record.codec.is_lossless() {
                self.join.0
            } else {
                self.join.1
            };
            if joins && record.codec != Codec::F32 && !codecs.contains(&record.codec) {
                codecs.push(record.codec);
            }
        }
        codecs
    }

    /// What an accuracy file says of a tensor.
    fn records_of(&self, tensor: &Tensor) -> impl Iterator<Item = &'a CrossingRecord> {
        let records = self.records.get(tensor.name.as_str());
        records.into_iter().flatten().copied()
    }

    fn record(&self, tensor: &Tensor, codec: Codec) -> Option<&'a CrossingRecord> {
        self.records_of(tensor).find(|record| record.codec == codec)
    }

    pub(crate) fn rows(&self) -> Vec<TensorTime> {
        self.graph.tensor_ids().map(|id| self.row(id)).collect()
    }

    fn row(&self, id: TensorId) -> TensorTime {
        let tensor = self.graph.tensor(id);
        let wanted = self.wanted[id.index()];
        if self.local_inputs.contains(&id) {
            return TensorTime::here_and_there(wanted);
        }
        let returns = wanted == Some(Results::Edge);
        let down = if returns {
            wire(tensor.bytes).0.saturating_mul(8)
        } else {
            0
        };
        let (down_ns, down_bits) = match self.link.down_rate {
            Some(rate) => (ns(down as f64 * 1e6 / rate.bit_s() as f64), 0),
            None => (0, down),
        };
        // a result on the server is wanted as it is
        let as_it_is = wanted == Some(Results::Server);
        let own = self.own_encoding(tensor);
        let others = if as_it_is {
            Vec::new()
        } else {
            self.candidates(tensor)
        };
        let others = others
            .into_iter()
            .filter_map(|codec| self.coded_encoding(codec, id));
        TensorTime {
            send_ns: ns(self.edge.tensors[id.index()].send_us),
            recv_ns: ns(self.server.recv_us[id.index()]),
            unasked: usize::from(own.is_some() && !self.own_type_asked && !as_it_is),
            encodings: own.into_iter().chain(others).collect(),
            local: false,
            wanted,
            down_ns,
            down_bits,
        }
    }

    fn coded_encoding(&self, codec: Codec, id: TensorId) -> Option<Encoding> {
        let tensor = self.graph.tensor(id);
        if codec.is_image() && !self.u8_inputs.contains(&id) {
            return None;
        }
        let (payload, payload_p95) = self.payload(codec, tensor)?;
        let here = codec_time(&self.edge.codecs, codec, tensor)?;
        let there = codec_time(&self.server.codecs, codec, tensor)?;
        Some(Encoding {
            codec,
            encode_ns: ns(here.encode_us),
            decode_ns: ns(there.decode_us),
            payload_p95,
            ..free_encoding(payload)
        })
    }

    /// The tensor as it is; where its size depends on the data, as a record of codec `f32` says.
    fn own_encoding(&self, tensor: &Tensor) -> Option<Encoding> {
        let size = Codec::F32.payload(tensor)?;
        let record = self.record(tensor, Codec::F32);
        let Some(record) = record else {
            return Some(free_encoding(size));
        };
        Some(Encoding {
            payload_p95: record.bytes_p95.map(whole),
            ..free_encoding(whole(record.bytes_mean))
        })
    }

    /// The size of an encoded tensor, or the mean of those measured and their 95th percentile.
    fn payload(&self, codec: Codec, tensor: &Tensor) -> Option<(Bytes, Option<Bytes>)> {
        if tensor.uncuttable.is_some() {
            return None;
        }
        let record = self.record(tensor, codec);
        let fixed = codec.payload(tensor);
        if fixed.is_some() {
            let mut bounds = self.bounds.get(tensor.name.as_str()).into_iter().flatten();
            let has_bounds = bounds.any(|bounds| bounds.codec.form == codec.form);
            let usable = !codec.needs_ranges() || has_bounds || record.is_some();
            return fixed.filter(|_| usable).map(|payload| (payload, None));
        }
        let record = record?;
        Some((whole(record.bytes_mean), record.bytes_p95.map(whole)))
    }
}

fn by_tensor<'a, T>(
    records: &'a [T],
    tensor: impl Fn(&'a T) -> &'a String,
) -> HashMap<&'a str, Vec<&'a T>> {
    let mut by_tensor: HashMap<&str, Vec<&T>> = HashMap::new();
    for record in records {
        by_tensor.entry(tensor(record)).or_default().push(record);
    }
    by_tensor
}

fn whole(bytes: f64) -> Bytes {
    Bytes(bytes.ceil() as u64)
}

impl TensorTime {
    /// A model input that both machines have.
    fn here_and_there(wanted: Option<Results>) -> TensorTime {
        TensorTime {
            send_ns: 0,
            recv_ns: 0,
            encodings: vec![free_encoding(Bytes(0))],
            unasked: 0,
            local: true,
            wanted,
            down_ns: 0,
            down_bits: 0,
        }
    }
}

/// The encoding of a tensor in its own type, which costs nothing but the wire.
fn free_encoding(payload: Bytes) -> Encoding {
    Encoding {
        codec: Codec::F32,
        encode_ns: 0,
        decode_ns: 0,
        payload,
        payload_p95: None,
        wire_bits: wire(payload).0.saturating_mul(8),
    }
}

/// Whether a codec can be timed for floats.
fn is_timed(records: &[CodecRecord], codec: Codec) -> bool {
    let one = Tensor {
        name: String::new(),
        dtype: ElementType::Float32,
        shape: vec![1],
        bytes: Bytes(4),
        uncuttable: None,
    };
    codec_time(records, codec, &one).is_some()
}

/// Whether the size or the bounds of a codec come from data.
fn depends_on_data(codec: Codec) -> bool {
    let fixed = matches!(
        codec.form,
        Form::Own | Form::F16 | Form::Dynamic8 | Form::U8
    );
    !fixed || codec.stage != Stage::Plain
}

fn find_input(graph: &Graph, key: Key, name: &str) -> Result<TensorId, ProblemError> {
    let mut inputs = graph.inputs().iter().copied();
    inputs
        .find(|t| graph.tensor(*t).name == name)
        .ok_or_else(|| {
            let names: Vec<String> = graph
                .inputs()
                .iter()
                .map(|t| format!("`{}`", graph.tensor(*t).name))
                .collect();
            ProblemError::NotAnInput {
                key,
                name: name.to_owned(),
                inputs: names.join(", "),
            }
        })
}

fn check_image(tensor: &Tensor, declared: &U8Input) -> Result<(), ProblemError> {
    let refuse = |why: String| {
        Err(ProblemError::NotAnImage {
            name: declared.name.clone(),
            why,
        })
    };
    if tensor.dtype != ElementType::Float32 {
        return refuse(format!("it is {}, not float32", tensor.dtype));
    }
    let channels = tensor.shape.get(1).copied().unwrap_or(1);
    for values in [&declared.mean, &declared.std] {
        if values.len() != 1 && values.len() as u64 != channels {
            return refuse(format!(
                "{} values for {channels} channels (shape {:?}, channels second)",
                values.len(),
                tensor.shape
            ));
        }
    }
    Ok(())
}
