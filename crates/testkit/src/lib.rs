//! Synthetic profiles, shared by tests and benchmarks.

// each test binary uses its own part
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::should_implement_trait,
    clippy::new_without_default
)]

pub mod datasets;
pub mod drops;
pub mod flow;
pub mod models;
pub mod networks;
pub mod objectives;
pub mod oracle;
pub mod plans;
pub mod random;
pub mod rank_of;
pub mod relaxations;

use std::path::Path;
use std::time::Duration;

use cutpoint_core::codec::Codec;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::link::Link;
use cutpoint_core::profile::{
    BoardInfo, CodecRecord, LayerRecord, MemoryModel, Method, ModelInfo, PortRecord, Profile,
    TensorRecord, WeightRecord, Whole,
};
use cutpoint_core::task::Task;
use cutpoint_core::units::{BitRate, Bytes, Delay};
use cutpoint_planner::planning::{Outcome, best_plan};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::{Deadline, FrameRate, Scenario};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::Options;

/// The root of the repository, where the bundled models, profiles and fixtures are.
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A small generator of random numbers (splitmix64).
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`, which is positive.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// From `low` to `high`, both included.
    pub fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// Builds a profile layer by layer.
pub struct Net {
    pub profile: Profile,
    pub dice: Dice,
}

impl Net {
    pub fn new(seed: u64) -> Net {
        Net {
            profile: empty_profile(),
            dice: Dice(seed),
        }
    }

    fn tensor(&mut self, name: &str, elements: u64) -> String {
        self.profile.tensors.push(TensorRecord {
            name: name.to_owned(),
            dtype: "float32".to_owned(),
            shape: vec![1, elements],
            bytes: 4 * elements,
            cuttable: true,
            reason: String::new(),
            send_us: 0.0,
            recv_us: 0.0,
        });
        name.to_owned()
    }

    pub fn input(&mut self, name: &str, elements: u64) -> String {
        self.profile.inputs.push(port(name, elements));
        self.tensor(name, elements)
    }

    /// A layer with one output tensor that has the layer's name.
    pub fn layer(&mut self, inputs: &[String], elements: u64, edge_us: f64) -> String {
        let id = format!("t{}", self.profile.layers.len());
        self.tensor(&id, elements);
        let mut inputs = inputs.to_vec();
        inputs.sort();
        inputs.dedup();
        self.profile.layers.push(LayerRecord {
            id: id.clone(),
            name: format!("node_{id}"),
            op: "Conv".to_owned(),
            members: vec![id.clone()],
            inputs,
            outputs: vec![id.clone()],
            weights: Vec::new(),
            flops: 1_000_000,
            uses: Default::default(),
            edge_us,
            server_us: edge_us,
            trace_us: edge_us,
            mad_us: 0.0,
            runs: 0,
        });
        id
    }

    pub fn unread_weight(&mut self, name: &str, bytes: u64) {
        self.profile.weights.push(WeightRecord {
            name: name.to_owned(),
            bytes,
        });
    }

    pub fn weight(&mut self, layer: &str, name: &str, bytes: u64) {
        if !self.profile.weights.iter().any(|w| w.name == name) {
            self.unread_weight(name, bytes);
        }
        let layer = self
            .profile
            .layers
            .iter_mut()
            .find(|l| l.id == layer)
            .unwrap();
        layer.weights.push(name.to_owned());
    }

    pub fn output(&mut self, tensor: &str) {
        let bytes = self
            .profile
            .tensors
            .iter()
            .find(|t| t.name == tensor)
            .unwrap()
            .bytes;
        self.profile.outputs.push(port(tensor, bytes / 4));
    }

    /// A convolution as networks have them: times, weights and sizes at random around a trend that
    /// shrinks with the depth. All layers together take the same time however many there are, so
    /// that the best cut is not always at the start.
    pub fn conv(&mut self, inputs: &[String], layers: usize) -> String {
        let depth = self.profile.layers.len() as f64 / layers as f64;
        let most = (200_000.0 * (1.0 - depth).powi(2)) as u64 + 2_000;
        let elements = self.dice.within(most / 2, most);
        let time = self.dice.within(5_000, 200_000) as f64 / layers as f64;
        let id = self.layer(inputs, elements, time);
        let bytes = self.dice.within(1_000, 200_000);
        self.weight(&id, &format!("w_{id}"), bytes);
        let dice = &mut self.dice;
        let (send, recv) = (dice.within(0, 30) as f64, dice.within(0, 30) as f64);
        let tensor = self.profile.tensors.last_mut().unwrap();
        (tensor.send_us, tensor.recv_us) = (send, recv);
        id
    }

    pub fn done(self) -> Profile {
        self.profile
    }
}

/// Layers one after the other.
pub fn chain(layers: usize, seed: u64) -> Profile {
    let mut net = Net::new(seed);
    let mut last = net.input("image", 150_528);
    for _ in 0..layers {
        last = net.conv(&[last], layers);
    }
    net.output(&last);
    net.done()
}

/// Blocks of five layers with a connection around them.
pub fn residual(layers: usize, seed: u64) -> Profile {
    let mut net = Net::new(seed);
    let mut last = net.input("image", 150_528);
    while net.profile.layers.len() < layers {
        let start = net.conv(&[last], layers);
        let mut branch = start.clone();
        for _ in 0..3 {
            branch = net.conv(&[branch], layers);
        }
        last = net.conv(&[start, branch], layers);
    }
    net.output(&last);
    net.done()
}

/// Blocks of 24 layers in which each reads all before it.
pub fn dense(layers: usize, seed: u64) -> Profile {
    let mut net = Net::new(seed);
    let mut block = vec![net.input("image", 150_528)];
    for _ in 0..layers {
        let next = net.conv(&block, layers);
        if block.len() == 24 {
            block.clear();
        }
        block.push(next);
    }
    net.output(&block[block.len() - 1].clone());
    net.done()
}

/// Blocks of four branches of one to three layers, joined by one layer.
pub fn inception(layers: usize, seed: u64) -> Profile {
    let mut net = Net::new(seed);
    let mut last = net.input("image", 150_528);
    while net.profile.layers.len() < layers {
        let branches: Vec<String> = [1, 2, 3, 2]
            .into_iter()
            .map(|length| (0..length).fold(last.clone(), |end, _| net.conv(&[end], layers)))
            .collect();
        last = net.conv(&branches, layers);
    }
    net.output(&last);
    net.done()
}

/// Blocks of ten layers, each of which reads one or two of the three before it.
pub fn random_wired(layers: usize, seed: u64) -> Profile {
    let mut net = Net::new(seed);
    let mut last = net.input("image", 150_528);
    while net.profile.layers.len() < layers {
        let mut block = vec![last];
        for _ in 0..10 {
            let back = |net: &mut Net, block: &[String]| {
                let index = net.dice.below(block.len().min(3) as u64) as usize;
                block[block.len() - 1 - index].clone()
            };
            let mut inputs = vec![back(&mut net, &block), back(&mut net, &block)];
            inputs.dedup();
            block.push(net.conv(&inputs, layers));
        }
        // the ends of the block, which nothing in it reads
        let read: Vec<String> = net
            .profile
            .layers
            .iter()
            .flat_map(|l| l.inputs.clone())
            .collect();
        let ends: Vec<String> = block.into_iter().filter(|t| !read.contains(t)).collect();
        last = net.conv(&ends, layers);
    }
    net.output(&last);
    net.done()
}

/// A residual backbone of half the layers, and three chains that start at two depths of it.
pub fn multi_head(layers: usize, seed: u64) -> Profile {
    let mut net = Net::new(seed);
    let mut last = net.input("image", 150_528);
    let mut middle = last.clone();
    while net.profile.layers.len() < layers / 2 {
        let start = net.conv(&[last], layers);
        let branch = net.conv(std::slice::from_ref(&start), layers);
        last = net.conv(&[start, branch], layers);
        if net.profile.layers.len() < layers / 3 {
            middle.clone_from(&last);
        }
    }
    let ends: Vec<String> = [middle, last.clone(), last]
        .into_iter()
        .map(|mut head| {
            for _ in 0..layers / 6 {
                head = net.conv(&[head], layers);
            }
            head
        })
        .collect();
    for (index, end) in ends.iter().enumerate() {
        net.output(end);
        net.profile.tasks.push(Task {
            name: format!("task{index}"),
            outputs: vec![end.clone()],
        });
    }
    net.done()
}

/// Asks for nothing but a rate and a delay.
/// A backbone of a quarter of the layers, and many heads that begin at different places of it.
pub fn many_heads(layers: usize, heads: usize, seed: u64) -> Profile {
    let mut net = Net::new(seed);
    let mut ends = vec![net.input("image", 3_000)];
    let backbone = (layers / 4).max(1);
    for _ in 0..backbone {
        let from = ends[ends.len() - 1].clone();
        ends.push(net.conv(&[from], layers));
    }
    let each = ((layers - backbone) / heads).max(1);
    for _ in 0..heads {
        let back = net.dice.below(ends.len() as u64 / 2) as usize;
        let mut end = ends[ends.len() - 1 - back].clone();
        for _ in 0..each {
            end = net.conv(&[end], layers);
        }
        net.output(&end);
    }
    net.done()
}

pub fn scenario(rate: &str, delay: &str) -> Scenario {
    Scenario::over(Link {
        rate: rate.parse::<BitRate>().unwrap(),
        delay: delay.parse::<Delay>().unwrap(),
        down_rate: None,
    })
}

/// A maker of profiles with a number of layers, from a seed.
pub type Family = fn(usize, u64) -> Profile;

/// The shapes of networks that benchmarks and larger tests go through.
pub const FAMILIES: [(&str, Family); 6] = [
    ("chain", chain),
    ("residual", residual),
    ("inception", inception),
    ("dense", dense),
    ("random-wired", random_wired),
    ("multi-head", multi_head),
];

/// A scenario with every kind of limit, the raw input kept and a layer pinned; where possible,
/// memory and payload rule out the plan that is best without them.
pub fn limited(profile: &Profile, rate: &str) -> Scenario {
    let mut limited = scenario(rate, "5 ms");
    limited.codecs = vec![Codec::F32, Codec::F16, Codec::Q8];
    limited.limits.raw_stays = true;
    limited.limits.keep_on_edge = vec![profile.layers[1].id.clone()];
    let plan = |limited: &Scenario| {
        let problem = Problem::new(profile, &Server::faster(8.0), limited).unwrap();
        match best_plan(&problem, &Options::default()).unwrap() {
            Outcome::Plan(plan) => Some(plan),
            Outcome::NoPlan(_) => None,
        }
    };
    let free = plan(&limited).unwrap();
    for (memory, payload) in [
        (70, 80),
        (85, 90),
        (85, 200),
        (95, 100),
        (98, 400),
        (100, 100),
    ] {
        let uplink = free.uplink_bytes.max(20_000);
        limited.limits.edge_memory = Some(Bytes(free.edge_memory_bytes * memory / 100));
        limited.limits.max_uplink = Some(Bytes(uplink * payload / 100));
        if plan(&limited).is_some() {
            break;
        }
    }
    // what the plan has, so that all of these are looked at
    if let Some(plan) = plan(&limited) {
        let limits = &mut limited.limits;
        limits.server_memory = Some(Bytes(plan.server_memory_bytes));
        limits.max_downlink = Some(Bytes(plan.downlink_bytes));
        limits.max_message = Some(Bytes(plan.uplink_bytes.max(plan.downlink_bytes)));
        limits.fps = FrameRate::new(0.9e3 / plan.period_ms);
        limits.link_share = Some("95%".parse().unwrap());
        limits.deadlines = vec![Deadline {
            task: None,
            most: Delay(Duration::from_secs_f64(plan.latency_ms * 1.1e-3)),
        }];
    }
    limited
}

fn port(name: &str, elements: u64) -> PortRecord {
    PortRecord {
        name: name.to_owned(),
        dtype: "float32".to_owned(),
        shape: vec![1, elements],
        bytes: 4 * elements,
    }
}

pub fn codec_record(name: &str, fixed_us: f64, ns_per_byte: f64) -> CodecRecord {
    CodecRecord {
        name: name.to_owned(),
        dtype: "float32".to_owned(),
        enc_us: fixed_us,
        enc_ns_per_byte: ns_per_byte,
        dec_us: fixed_us,
        dec_ns_per_byte: ns_per_byte / 2.0,
    }
}

pub fn empty_profile() -> Profile {
    Profile {
        format: 1,
        kind: FileKind::Profile,
        source: None,
        imported: false,
        model: ModelInfo {
            file: "synthetic.onnx".to_owned(),
            sha256: "0".repeat(64),
            opset: 17,
            shapes: Vec::new(),
        },
        board: BoardInfo {
            name: "synthetic".to_owned(),
            server: None,
            cpu: "none".to_owned(),
            cores: "1".to_owned(),
            memory_bytes: 1 << 30,
            os: "none".to_owned(),
            runtime: "none".to_owned(),
            provider: "cpu".to_owned(),
            threads: 1,
            governor: String::new(),
            temperature_start_c: None,
            temperature_end_c: None,
            frequency_start_mhz: None,
            frequency_end_mhz: None,
            peak_gflop_s: 10.0,
            mem_gb_s: 5.0,
        },
        method: Method {
            warmup: 0,
            runs: 0,
            optimization: "all".to_owned(),
            cache: "interleaved".to_owned(),
            paced_fps: None,
            noise: 0.0,
            loo_error_median: 0.0,
            loo_error_max: 0.0,
            repeatability: 0.0,
            drift: 0.0,
            disturbed: 0.0,
            duration_s: 0.0,
            split_edge_us: 0.0,
            split_server_us: 0.0,
        },
        whole: Whole {
            median_us: 0.0,
            mad_us: 0.0,
            p90_us: 0.0,
            p99_us: 0.0,
            runs: 0,
        },
        memory: MemoryModel {
            base_bytes: 1_000,
            weight_factor: 2.5,
            activation_factor: 1.5,
        },
        power: None,
        serving: None,
        inputs: Vec::new(),
        outputs: Vec::new(),
        tasks: Vec::new(),
        tensors: Vec::new(),
        weights: Vec::new(),
        layers: Vec::new(),
        cuts: Vec::new(),
        codecs: vec![
            codec_record("f16", 3.0, 0.4),
            codec_record("q8", 5.0, 0.7),
            codec_record("u8", 1.0, 0.2),
        ],
    }
}
