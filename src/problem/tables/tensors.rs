//! The rows of the tensors: every way for each to cross.

use std::collections::HashMap;

use super::{TensorTime, Way, ns};
use crate::codec::Codec;
use crate::graph::{ElementType, Graph, Tensor, TensorId};
use crate::link::{Link, wire};
use crate::problem::ProblemError;
use crate::profile::{CodecRecord, Profile};
use crate::scenario::{Results, Scenario, U8Input};
use crate::server::ServerTimes;
use crate::units::Bytes;

/// Everything the rows of the tensors depend on.
pub(super) struct TensorTable<'a> {
    edge: &'a Profile,
    server: &'a ServerTimes,
    link: Link,
    results: Results,
    /// The lossy or special codecs asked for, and whether a tensor's own type was.
    codecs: Vec<Codec>,
    own_type_asked: bool,
    u8_inputs: Vec<TensorId>,
    local_inputs: Vec<TensorId>,
    is_result: Vec<bool>,
    edge_times: HashMap<Codec, &'a CodecRecord>,
    server_times: HashMap<Codec, &'a CodecRecord>,
    graph: &'a Graph,
}

impl<'a> TensorTable<'a> {
    pub(super) fn new(
        edge: &'a Profile,
        server: &'a ServerTimes,
        scenario: &Scenario,
        graph: &'a Graph,
    ) -> Result<Self, ProblemError> {
        let input = |flag, name: &String| find_input(graph, flag, name);
        let u8_inputs = scenario
            .u8_inputs
            .iter()
            .map(|declared| {
                let tensor = input("--input-u8", &declared.name)?;
                check_image(graph.tensor(tensor), declared)?;
                Ok(tensor)
            })
            .collect::<Result<_, ProblemError>>()?;
        let local_inputs = scenario
            .local_inputs
            .iter()
            .map(|name| input("--local-input", name))
            .collect::<Result<_, _>>()?;
        let mut is_result = vec![false; graph.tensors().len()];
        for output in graph.outputs() {
            is_result[output.index()] = true;
        }
        let (own, others) = scenario.codecs.iter().partition(|c| **c == Codec::F32);
        let own: Vec<Codec> = own;
        Ok(TensorTable {
            edge_times: codec_times("edge", &edge.codecs, &others)?,
            server_times: codec_times("server", &server.codecs, &others)?,
            codecs: others,
            own_type_asked: !own.is_empty(),
            link: scenario.link,
            results: scenario.results,
            edge,
            server,
            u8_inputs,
            local_inputs,
            is_result,
            graph,
        })
    }

    pub(super) fn rows(&self) -> Vec<TensorTime> {
        self.graph.tensor_ids().map(|id| self.row(id)).collect()
    }

    fn row(&self, id: TensorId) -> TensorTime {
        let tensor = self.graph.tensor(id);
        let is_result = self.is_result[id.index()];
        if self.local_inputs.contains(&id) {
            return TensorTime::here_and_there(is_result);
        }
        let returns = is_result && self.results == Results::Edge;
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
        let as_it_is = is_result && self.results == Results::Server;
        let own = Codec::F32.payload(tensor).map(free_way);
        let others = self.codecs.iter().filter(|_| !as_it_is);
        let others = others.filter_map(|codec| self.coded_way(*codec, id));
        TensorTime {
            send_ns: ns(self.edge.tensors[id.index()].send_us),
            recv_ns: ns(self.server.recv_us[id.index()]),
            unasked: usize::from(own.is_some() && !self.own_type_asked && !as_it_is),
            ways: own.into_iter().chain(others).collect(),
            local: false,
            is_result,
            down_ns,
            down_bits,
        }
    }

    fn coded_way(&self, codec: Codec, id: TensorId) -> Option<Way> {
        let tensor = self.graph.tensor(id);
        if codec == Codec::U8 && !self.u8_inputs.contains(&id) {
            return None;
        }
        let payload = codec.payload(tensor)?;
        let (here, there) = (self.edge_times.get(&codec)?, self.server_times.get(&codec)?);
        let kib = tensor.bytes.0 as f64 / 1e3;
        Some(Way {
            codec,
            encode_ns: ns(here.enc_us + here.enc_ns_per_byte * kib),
            decode_ns: ns(there.dec_us + there.dec_ns_per_byte * kib),
            ..free_way(payload)
        })
    }
}

impl TensorTime {
    /// A model input that both machines have.
    fn here_and_there(is_result: bool) -> TensorTime {
        TensorTime {
            send_ns: 0,
            recv_ns: 0,
            ways: vec![free_way(Bytes(0))],
            unasked: 0,
            local: true,
            is_result,
            down_ns: 0,
            down_bits: 0,
        }
    }
}

/// The way of a tensor in its own type, which costs nothing but the wire.
fn free_way(payload: Bytes) -> Way {
    Way {
        codec: Codec::F32,
        encode_ns: 0,
        decode_ns: 0,
        payload,
        wire_bits: wire(payload).0.saturating_mul(8),
    }
}

fn codec_times<'a>(
    machine: &'static str,
    records: &'a [CodecRecord],
    wanted: &[Codec],
) -> Result<HashMap<Codec, &'a CodecRecord>, ProblemError> {
    let float = ElementType::Float32.to_string();
    wanted
        .iter()
        .map(|codec| {
            let mut named = records.iter().filter(|r| r.name == codec.to_string());
            let record = named
                .clone()
                .find(|r| r.dtype == float)
                .or_else(|| named.next());
            let record = record.ok_or(ProblemError::CodecNotMeasured {
                machine,
                codec: *codec,
            })?;
            Ok((*codec, record))
        })
        .collect()
}

fn find_input(graph: &Graph, flag: &'static str, name: &str) -> Result<TensorId, ProblemError> {
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
                flag,
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
