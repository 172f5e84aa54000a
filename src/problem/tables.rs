//! The tables of the cost model: whole nanoseconds and bits per layer and crossing.

use std::collections::HashMap;

use super::ProblemError;
use crate::codec::Codec;
use crate::graph::{ElementType, Graph, Tensor, TensorId};
use crate::link::{Link, wire};
use crate::plan::{PlannedModel, Setting};
use crate::profile::{CodecRecord, CutRecord, MemoryModel, Power, Profile};
use crate::scenario::{Results, Scenario, U8Input};
use crate::server::{Server, ServerTimes};
use crate::task::Task;
use crate::units::{BitRate, Bytes};

/// Times of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct LayerTime {
    pub edge_ns: u64,
    pub server_ns: u64,
}

/// One way for a tensor to cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// The encoding.
    pub codec: Codec,
    /// On the edge.
    pub encode_ns: u64,
    /// On the server.
    pub decode_ns: u64,
    /// Encoded, without framing.
    pub payload: Bytes,
    /// On the wire, framing included.
    pub wire_bits: u64,
}

/// What a tensor costs beyond the layer that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorTime {
    /// On the edge, when it crosses.
    pub send_ns: u64,
    /// On the server, when it crosses.
    pub recv_ns: u64,
    /// How it can cross; its own type first. A model input that the server has, too, "crosses"
    /// for free in one way.
    pub ways: Vec<Way>,
    /// How many of the first ways were not asked for with `--codec`.
    pub unasked: usize,
    /// The server has this model input, too.
    pub local: bool,
    /// It is an output of the model.
    pub is_result: bool,
    /// When it is a result that is sent back: time at a down rate of its own.
    pub down_ns: u64,
    /// When it is a result that is sent back: bits at the rate of the link.
    pub down_bits: u64,
}

/// What it costs when anything runs on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct SplitTime {
    pub edge_ns: u64,
    /// The serving overhead of a request included.
    pub server_ns: u64,
    /// Each way.
    pub delay_ns: u64,
}

#[derive(Debug)]
pub(super) struct Tables {
    pub(super) graph: Graph,
    pub(super) tasks: Vec<Task>,
    pub(super) results: Results,
    pub(super) layers: Vec<LayerTime>,
    pub(super) tensors: Vec<TensorTime>,
    pub(super) split: SplitTime,
    pub(super) edge_memory: MemoryModel,
    pub(super) server_memory: MemoryModel,
    pub(super) power: Option<Power>,
    pub(super) u8_inputs: Vec<U8Input>,
    pub(super) model: PlannedModel,
    pub(super) setting: Setting,
    pub(super) edge_cuts: Vec<CutRecord>,
    pub(super) server_cuts: Vec<CutRecord>,
    pub(super) notes: Vec<String>,
}

/// Sums of all times (ns) and of all bits stay below this, so that fractions of them stay exact.
const LARGEST_SUM: f64 = 1e18;

impl Tables {
    pub(super) fn new(
        edge: &Profile,
        server: &Server,
        scenario: &Scenario,
    ) -> Result<Tables, ProblemError> {
        let mut graph = edge.graph().map_err(ProblemError::Graph)?;
        let mut times = server.times(edge, &graph)?;
        for tensor in &times.inside_groups {
            graph.forbid_cut(*tensor, "inside what the server runs as one layer");
        }
        let tasks = tasks(&graph, edge, scenario)?;
        let layers = layer_times(edge, &times);
        let tensors = TensorTable::new(edge, &times, scenario, &graph)?.rows()?;
        let tables = Tables {
            layers,
            tensors,
            split: SplitTime {
                edge_ns: ns(edge.method.split_edge_us),
                server_ns: ns(times.split_us) + ns(server.request_us),
                delay_ns: scenario.link.delay.ns(),
            },
            results: scenario.results,
            edge_memory: edge.memory,
            server_memory: times.memory,
            power: edge.power,
            u8_inputs: scenario.u8_inputs.clone(),
            model: PlannedModel {
                file: edge.model.file.clone(),
                sha256: edge.model.sha256.clone(),
            },
            setting: setting(edge, server, scenario),
            edge_cuts: edge.cuts.clone(),
            server_cuts: server.cuts().to_vec(),
            notes: times.note.take().into_iter().collect(),
            graph,
            tasks,
        };
        tables.check_range()?;
        Ok(tables)
    }

    fn check_range(&self) -> Result<(), ProblemError> {
        let mut time = 0.0;
        let mut bits = 0.0;
        for layer in &self.layers {
            time += layer.edge_ns as f64 + layer.server_ns as f64;
        }
        for tensor in &self.tensors {
            time += tensor.send_ns as f64 + tensor.recv_ns as f64 + tensor.down_ns as f64;
            bits += tensor.down_bits as f64;
            for way in &tensor.ways {
                time += way.encode_ns as f64 + way.decode_ns as f64;
                bits += way.wire_bits as f64;
            }
        }
        time += self.split.edge_ns as f64 + self.split.server_ns as f64;
        time += 2.0 * self.split.delay_ns as f64;
        if time > LARGEST_SUM {
            return Err(ProblemError::TooLarge(format!(
                "{:.0} days",
                time / 86_400e9
            )));
        }
        if bits > LARGEST_SUM {
            return Err(ProblemError::TooLarge(format!("{bits:.0} bits")));
        }
        Ok(())
    }
}

/// Whole nanoseconds; profiles are checked to be in range when read.
fn ns(us: f64) -> u64 {
    (us * 1e3).round() as u64
}

fn layer_times(edge: &Profile, times: &ServerTimes) -> Vec<LayerTime> {
    let pairs = edge.layers.iter().zip(&times.layer_us);
    pairs
        .map(|(layer, server_us)| LayerTime {
            edge_ns: ns(layer.edge_us),
            server_ns: ns(*server_us),
        })
        .collect()
}

fn tasks(graph: &Graph, edge: &Profile, scenario: &Scenario) -> Result<Vec<Task>, ProblemError> {
    let asked = match scenario.tasks.as_slice() {
        [] => &edge.tasks,
        asked => asked,
    };
    Task::complete(graph, asked).map_err(|source| ProblemError::Unknown {
        flag: "--task",
        source,
    })
}

fn setting(edge: &Profile, server: &Server, scenario: &Scenario) -> Setting {
    Setting {
        edge: edge.board.name.clone(),
        server: server.name.clone(),
        simulated: server.simulated(),
        rate_bit_s: scenario.link.rate.bit_s(),
        down_rate_bit_s: scenario.link.down_rate.map(BitRate::bit_s),
        delay_ms: scenario.link.delay.ns() as f64 / 1e6,
        results: scenario.results.name().to_owned(),
        local_inputs: scenario.local_inputs.clone(),
    }
}

/// Everything the rows of the tensors depend on.
struct TensorTable<'a> {
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
    fn new(
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

    fn rows(&self) -> Result<Vec<TensorTime>, ProblemError> {
        Ok(self.graph.tensor_ids().map(|id| self.row(id)).collect())
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
        let own = Codec::F32.payload(tensor).map(|payload| free_way(payload));
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
            let mut named = records.iter().filter(|r| r.name == codec.name());
            let record = named
                .clone()
                .find(|r| r.dtype == float)
                .or_else(|| named.next());
            let record = record.ok_or(ProblemError::CodecNotMeasured {
                machine,
                codec: codec.name(),
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
