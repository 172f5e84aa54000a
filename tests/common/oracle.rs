//! A second, naive evaluator: straight from the tables of the profiles, looking at every subset of
//! the layers and every choice of codecs.

use cutpoint::codec::Codec;
use cutpoint::link::wire;
use cutpoint::profile::{LayerRecord, Profile, TensorRecord};
use cutpoint::scenario::{Results, Scenario};
use cutpoint::units::Bytes;

/// A server as the tests use it: the edge's own profile, `factor` times as fast.
pub struct Oracle<'a> {
    pub edge: &'a Profile,
    pub factor: f64,
    pub scenario: &'a Scenario,
}

/// Latency (in ns times the rate), payload, layers on the edge: smaller is better.
pub type Rank = (i128, u64, usize);

#[derive(Debug, Clone)]
pub struct Placed {
    /// Bit i: layer i is on the edge.
    pub edge: u32,
    pub codecs: Vec<(String, Codec)>,
    pub rank: Rank,
    pub edge_memory: u64,
    /// Names of the limits it breaks.
    pub breaks: Vec<String>,
}

fn ns(us: f64) -> i128 {
    (us * 1000.0).round() as i128
}

impl Oracle<'_> {
    fn on_edge(edge: u32, layer: usize) -> bool {
        edge >> layer & 1 == 1
    }

    fn producer(&self, tensor: &str) -> Option<usize> {
        self.edge
            .layers
            .iter()
            .position(|l| l.outputs.iter().any(|o| o == tensor))
    }

    fn readers(&self, tensor: &str) -> Vec<usize> {
        let reads = |l: &LayerRecord| l.inputs.iter().any(|i| i == tensor);
        let layers = self.edge.layers.iter().enumerate();
        layers.filter(|(_, l)| reads(l)).map(|(i, _)| i).collect()
    }

    fn is_output(&self, tensor: &str) -> bool {
        self.edge.outputs.iter().any(|o| o.name == tensor)
    }

    fn is_local(&self, tensor: &str) -> bool {
        self.scenario.local_inputs.iter().any(|l| l == tensor)
    }

    fn closed(&self, edge: u32) -> bool {
        self.edge.layers.iter().enumerate().all(|(i, layer)| {
            let here = |t: &String| self.producer(t).is_none_or(|p| Self::on_edge(edge, p));
            !Self::on_edge(edge, i) || layer.inputs.iter().all(here)
        })
    }

    fn crossing(&self, edge: u32) -> Vec<&TensorRecord> {
        let crosses = |t: &&TensorRecord| {
            let producer = self.producer(&t.name);
            let here = producer.is_none_or(|p| Self::on_edge(edge, p));
            let read_there = self
                .readers(&t.name)
                .iter()
                .any(|r| !Self::on_edge(edge, *r));
            here && !self.is_local(&t.name) && (read_there || self.is_wanted_there(&t.name))
        };
        self.edge.tensors.iter().filter(crosses).collect()
    }

    fn is_wanted_there(&self, tensor: &str) -> bool {
        self.scenario.results == Results::Server
            && self.is_output(tensor)
            && self.producer(tensor).is_some()
    }

    /// Every codec that can carry a tensor, `f32` among them whether asked for or not.
    fn codecs(&self, tensor: &TensorRecord) -> Vec<Codec> {
        if !tensor.cuttable {
            return Vec::new();
        }
        let mut codecs = vec![Codec::F32];
        if !self.is_wanted_there(&tensor.name) {
            for codec in &self.scenario.codecs {
                let image = self
                    .scenario
                    .u8_inputs
                    .iter()
                    .any(|u| u.name == tensor.name);
                match *codec {
                    Codec::F32 => {}
                    Codec::U8 if !image => {}
                    other => codecs.push(other),
                }
            }
        }
        codecs
    }

    fn payload(tensor: &TensorRecord, codec: Codec) -> u64 {
        match codec {
            Codec::F32 => tensor.bytes,
            Codec::F16 => tensor.bytes / 2,
            Codec::Q8 => tensor.bytes / 4 + 5,
            Codec::U8 => tensor.bytes / 4,
            other => panic!("the oracle knows nothing of {other}"),
        }
    }

    fn live_bytes(&self, edge: u32) -> u64 {
        let steps = (0..self.edge.layers.len()).filter(|i| Self::on_edge(edge, *i));
        let alive = |tensor: &TensorRecord, step: usize| {
            let reads_later = self
                .readers(&tensor.name)
                .iter()
                .any(|r| *r >= step && Self::on_edge(edge, *r));
            let Some(producer) = self.producer(&tensor.name) else {
                return reads_later;
            };
            let leaves = self.is_output(&tensor.name)
                || self
                    .readers(&tensor.name)
                    .iter()
                    .any(|r| !Self::on_edge(edge, *r));
            let made = Self::on_edge(edge, producer) && producer <= step;
            made && (producer == step || reads_later || leaves)
        };
        let at = |step| {
            self.edge
                .tensors
                .iter()
                .filter(|t| alive(t, step))
                .map(|t| t.bytes)
                .sum()
        };
        steps.map(at).max().unwrap_or(0)
    }

    fn edge_memory(&self, edge: u32) -> u64 {
        let used = |name: &str| {
            let mut layers = self.edge.layers.iter().enumerate();
            layers.any(|(i, l)| Self::on_edge(edge, i) && l.weights.iter().any(|w| w == name))
        };
        let weights: u64 = self
            .edge
            .weights
            .iter()
            .filter(|w| used(&w.name))
            .map(|w| w.bytes)
            .sum();
        let model = self.edge.memory;
        let factored = model.weight_factor * weights as f64
            + model.activation_factor * self.live_bytes(edge) as f64;
        model.base_bytes + factored.ceil() as u64
    }

    fn rank(&self, edge: u32, codecs: &[(&TensorRecord, Codec)]) -> Rank {
        let link = self.scenario.link;
        let mut fixed = 0_i128;
        let mut bits = 0_i128;
        for (i, layer) in self.edge.layers.iter().enumerate() {
            fixed += match Self::on_edge(edge, i) {
                true => ns(layer.edge_us),
                false => ns(layer.server_us / self.factor),
            };
        }
        let mut payload = 0;
        for (tensor, codec) in codecs {
            let bytes = Self::payload(tensor, *codec);
            payload += bytes;
            bits += 8 * i128::from(wire(Bytes(bytes)).0);
            fixed += ns(tensor.send_us) + ns(tensor.recv_us / self.factor);
            if *codec != Codec::F32 {
                let times = self
                    .edge
                    .codecs
                    .iter()
                    .find(|c| c.name == codec.to_string())
                    .unwrap();
                let kilo = tensor.bytes as f64 / 1e3;
                fixed += ns(times.enc_us + times.enc_ns_per_byte * kilo);
                fixed += ns((times.dec_us + times.dec_ns_per_byte * kilo) / self.factor);
            }
        }
        let everything = (1_u32 << self.edge.layers.len()) - 1;
        if edge != everything || !codecs.is_empty() {
            fixed += ns(self.edge.method.split_edge_us);
            fixed += ns(self.edge.method.split_server_us / self.factor);
            fixed += i128::from(link.delay.ns());
        }
        let mut back = false;
        for output in &self.edge.outputs {
            let there = self
                .producer(&output.name)
                .is_some_and(|p| !Self::on_edge(edge, p));
            if there && self.scenario.results == Results::Edge {
                back = true;
                let down = 8 * i128::from(wire(Bytes(output.bytes)).0);
                match link.down_rate {
                    None => bits += down,
                    Some(rate) => fixed += ns(down as f64 * 1e6 / rate.bit_s() as f64),
                }
            }
        }
        if back {
            fixed += i128::from(link.delay.ns());
        }
        let scaled = fixed * i128::from(link.rate.bit_s()) + bits * 1_000_000_000;
        (scaled, payload, edge.count_ones() as usize)
    }

    fn broken(&self, edge: u32, codecs: &[(&TensorRecord, Codec)], payload: u64) -> Vec<String> {
        let limits = &self.scenario.limits;
        let position = |name: &String| {
            let has = |l: &LayerRecord| l.id == *name || l.members.contains(name);
            self.edge.layers.iter().position(has).unwrap()
        };
        let mut broken = Vec::new();
        if limits
            .edge_memory
            .is_some_and(|limit| self.edge_memory(edge) > limit.0)
        {
            broken.push("edge-memory".to_owned());
        }
        if limits.max_uplink.is_some_and(|limit| payload > limit.0) {
            broken.push("max-uplink".to_owned());
        }
        for name in &limits.keep_on_edge {
            if !Self::on_edge(edge, position(name)) {
                broken.push(format!("keep-on-edge {name}"));
            }
        }
        for name in &limits.keep_on_server {
            if Self::on_edge(edge, position(name)) {
                broken.push(format!("keep-on-server {name}"));
            }
        }
        if limits.raw_stays && codecs.iter().any(|(t, _)| self.producer(&t.name).is_none()) {
            broken.push("raw-stays".to_owned());
        }
        let unasked = |(tensor, codec): &(&TensorRecord, Codec)| {
            *codec == Codec::F32 && !self.is_wanted_there(&tensor.name)
        };
        if !self.scenario.codecs.contains(&Codec::F32) && codecs.iter().any(unasked) {
            broken.push("codec".to_owned());
        }
        broken
    }

    /// Every closed placement with every choice of codecs.
    pub fn all(&self) -> Vec<Placed> {
        let mut all = Vec::new();
        for edge in 0..1_u32 << self.edge.layers.len() {
            if !self.closed(edge) {
                continue;
            }
            let edge_memory = self.edge_memory(edge);
            let mut choices: Vec<Vec<(&TensorRecord, Codec)>> = vec![Vec::new()];
            for tensor in self.crossing(edge) {
                let codecs = self.codecs(tensor);
                let longer = |choice: &Vec<(_, _)>| {
                    let add = |codec: &Codec| [choice.clone(), vec![(tensor, *codec)]].concat();
                    codecs.iter().map(add).collect::<Vec<_>>()
                };
                choices = choices.iter().flat_map(longer).collect();
            }
            for choice in choices {
                let rank = self.rank(edge, &choice);
                all.push(Placed {
                    breaks: self.broken(edge, &choice, rank.1),
                    codecs: choice.iter().map(|(t, c)| (t.name.clone(), *c)).collect(),
                    edge,
                    rank,
                    edge_memory,
                });
            }
        }
        all
    }
}
