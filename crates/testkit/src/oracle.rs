//! A second, naive evaluator: straight from the tables of the profiles, looking at every subset of
//! the layers and every choice of codecs.

use cutpoint_core::codec::{Codec, Form};
use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::link::wire;
use cutpoint_core::profile::{LayerRecord, Profile, TensorRecord};
use cutpoint_core::units::Bytes;
use cutpoint_planner::scenario::{Results, Scenario};

/// A server as the tests use it: the edge's own profile, `factor` times as fast.
pub struct Oracle<'a> {
    pub edge: &'a Profile,
    pub factor: f64,
    pub scenario: &'a Scenario,
    pub accuracy: Option<&'a CodecAccuracy>,
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
    /// Per task, in millionths; `None` is unknown.
    pub drops: Vec<(String, Option<i64>)>,
    /// Per capacity that is limited.
    pub uses: Vec<(String, u64)>,
    /// Names of the limits it breaks.
    pub breaks: Vec<String>,
}

impl Placed {
    pub fn drop(&self, task: &str) -> Option<i64> {
        let mut drops = self.drops.iter();
        drops
            .find(|(name, _)| name == task)
            .and_then(|(_, drop)| *drop)
    }
}

/// Whole nanoseconds.
pub fn ns(us: f64) -> i128 {
    (us * 1000.0).round() as i128
}

impl Oracle<'_> {
    fn on_edge(edge: u32, layer: usize) -> bool {
        edge >> layer & 1 == 1
    }

    pub fn producer(&self, tensor: &str) -> Option<usize> {
        self.edge
            .layers
            .iter()
            .position(|l| l.outputs.iter().any(|o| o == tensor))
    }

    pub fn readers(&self, tensor: &str) -> Vec<usize> {
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
        self.is_output(tensor)
            && self.wanted(tensor) == Results::Server
            && self.producer(tensor).is_some()
    }

    /// Where the results of a task are wanted.
    pub fn side(&self, task: &str) -> Results {
        let mut single = self.scenario.task_results.iter();
        let own = single.find(|(name, _)| name == task);
        own.map_or(self.scenario.results, |(_, side)| *side)
    }

    /// Where an output is wanted.
    pub fn wanted(&self, output: &str) -> Results {
        let mut tasks = self.edge.tasks.iter();
        let task = tasks.find(|task| task.outputs.iter().any(|o| o == output));
        self.side(task.map_or(output, |task| &task.name))
    }

    /// Every codec that can carry a tensor, `f32` among them whether asked for or not.
    fn codecs(&self, tensor: &TensorRecord) -> Vec<Codec> {
        if !tensor.cuttable {
            return Vec::new();
        }
        let mut codecs = vec![Codec::F32];
        if self.is_wanted_there(&tensor.name) {
            return codecs;
        }
        let images = &self.scenario.u8_inputs;
        let image = images.iter().any(|u| u.name == tensor.name);
        let measured = self.accuracy.iter().flat_map(|a| &a.crossings);
        let measured: Vec<Codec> = measured
            .filter(|r| r.tensor == tensor.name && self.scenario.measured_codecs)
            .filter(|r| r.codec.form == Form::Own || !self.drop_limits().is_empty())
            .map(|r| r.codec)
            .collect();
        for codec in self.scenario.codecs.iter().copied().chain(measured) {
            if !codecs.contains(&codec) && (codec != Codec::U8 || image) {
                codecs.push(codec);
            }
        }
        codecs
    }

    pub fn bytes(&self, tensor: &TensorRecord, codec: Codec) -> u64 {
        let elements = tensor.bytes / 4;
        match codec.to_string().as_str() {
            "f32" => tensor.bytes,
            "f16" => tensor.bytes / 2,
            "q8" => elements + 5,
            "u8" => elements,
            "q4" => elements.div_ceil(2),
            _ => {
                let record = self.accuracy.unwrap().crossing(&tensor.name, codec);
                record.unwrap().bytes_mean.ceil() as u64
            }
        }
    }

    /// Microseconds of encoding and decoding on the edge's machine.
    pub fn coding_us(&self, tensor: &TensorRecord, codec: Codec) -> (f64, f64) {
        let text = codec.to_string();
        let (form, stage) = text.split_once('+').unwrap_or((&text, ""));
        let message = match form {
            "f32" => tensor.bytes,
            _ => (tensor.bytes / 4).div_ceil(2),
        };
        let mut us = (0.0, 0.0);
        for (name, bytes) in [(form, tensor.bytes), (stage, message)] {
            if let Some(times) = self.edge.codecs.iter().find(|c| c.name == name) {
                let kilo = bytes as f64 / 1e3;
                us.0 += times.enc_us + times.enc_ns_per_byte * kilo;
                us.1 += times.dec_us + times.dec_ns_per_byte * kilo;
            }
        }
        us
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
        if edge == 0 && self.crossing(edge).is_empty() {
            return 0;
        }
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
            fixed += if Self::on_edge(edge, i) {
                ns(layer.edge_us)
            } else {
                ns(layer.server_us / self.factor)
            };
        }
        let mut payload = 0;
        for (tensor, codec) in codecs {
            let bytes = self.bytes(tensor, *codec);
            payload += bytes;
            bits += 8 * i128::from(wire(Bytes(bytes)).0);
            fixed += ns(tensor.send_us) + ns(tensor.recv_us / self.factor);
            let (encode, decode) = self.coding_us(tensor, *codec);
            fixed += ns(encode) + ns(decode / self.factor);
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
            if there && self.wanted(&output.name) == Results::Edge {
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

    fn used(&self, edge: u32, capacity: &str) -> u64 {
        let layers = self.edge.layers.iter().enumerate();
        let here = layers.filter(|(i, _)| Self::on_edge(edge, *i));
        let uses = here.filter_map(|(_, l)| l.uses.get(capacity));
        uses.map(|uses| u64::from(*uses)).sum()
    }

    /// Every closed placement with every choice of codecs.
    pub fn all(&self) -> Vec<Placed> {
        let mut all = Vec::new();
        let (tasks, drop_limits) = (self.tasks(), self.drop_limits());
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
                let codecs: Vec<(String, Codec)> =
                    choice.iter().map(|(t, c)| (t.name.clone(), *c)).collect();
                let drop = |task: &(String, u32)| {
                    let drop = self.drop(&task.0, edge, &codecs);
                    (task.0.clone(), drop)
                };
                let capacities = self.scenario.limits.capacities.keys();
                let mut placed = Placed {
                    breaks: self.broken(edge, &choice, rank.1),
                    drops: tasks.iter().map(drop).collect(),
                    uses: capacities
                        .map(|c| (c.clone(), self.used(edge, c)))
                        .collect(),
                    codecs,
                    edge,
                    rank,
                    edge_memory,
                };
                for (name, task, most) in &drop_limits {
                    if placed.drop(task).is_none_or(|drop| drop > *most) {
                        placed.breaks.push(name.clone());
                    }
                }
                for (name, used) in &placed.uses {
                    if *used > self.scenario.limits.capacities[name] {
                        placed.breaks.push(format!("capacity {name}"));
                    }
                }
                all.push(placed);
            }
        }
        all
    }
}
