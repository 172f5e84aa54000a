//! What a page shows. The part the script works on is written into the page as JSON.

use serde::Serialize;

use crate::Origin;
use crate::tables::Table;

/// Everything on a page.
#[derive(Debug, Clone, PartialEq)]
pub struct PageData {
    /// Name of the page.
    pub title: String,
    /// One part for each model on a board.
    pub models: Vec<ModelData>,
    /// Figures that belong to no model alone.
    pub figures: Vec<PageFigure>,
    /// Tables that belong to no model alone.
    pub tables: Vec<Table>,
    /// What was left out, and why, in sentences.
    pub left_out: Vec<String>,
}

/// A figure of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFigure {
    /// Its short name, such as `rate`.
    pub name: String,
    /// The whole SVG, as in its own file.
    pub svg: String,
}

/// What a page says about one model on one board.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelData {
    /// Name of the model.
    pub model: String,
    /// Name of the plan that it is about, where the page has several for one profile.
    pub plan_name: Option<String>,
    /// Where the edge times come from.
    pub edge: Origin,
    /// Where the server times come from.
    pub server: Origin,
    /// The answer in words: a paragraph each.
    pub summary: Vec<String>,
    /// The plan at the link's own rate and delay; `None` where no plan meets the limits.
    pub plan: Option<Shown>,
    /// The network as a graph, as in a file of its own, with the plan's cut: the script draws those
    /// of others. `None` where it cannot be drawn.
    pub network: Option<String>,
    /// What the sliders move through; why there are none.
    pub explorer: Result<Explorer, String>,
    /// Its figures.
    pub figures: Vec<PageFigure>,
    /// Its tables.
    pub tables: Vec<Table>,
}

/// A plan as shown without the script: at the link's own rate and delay.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Shown {
    /// What crosses in which codec, or which side does all.
    pub name: String,
    /// The rate, with its unit.
    pub rate: String,
    /// The one-way delay, with its unit.
    pub delay: String,
    /// Until the last result, in milliseconds.
    pub latency_ms: f64,
    /// The parts of the latency in milliseconds, in the order of [`PARTS`].
    pub parts_ms: [f64; 6],
    /// Heads on the edge that run beside link and server, in milliseconds; zero without.
    pub local_ms: f64,
    /// What else there is to know, as a name and a value.
    pub facts: Vec<(&'static str, String)>,
    /// What crosses: tensor, codec, bytes.
    pub crossing: Vec<[String; 3]>,
    /// Task, where it runs, when it is done, what it loses.
    pub tasks: Vec<[String; 4]>,
    /// Plans to compare with: name and latency in milliseconds.
    pub others: Vec<(String, f64)>,
}

/// Class and name of the parts of a latency.
pub const PARTS: [(&str, &str); 6] = [
    ("edge", "edge"),
    ("encode", "encode"),
    ("uplink", "to the server"),
    ("decode", "decode"),
    ("server", "server"),
    ("results", "results back"),
];

/// Every best plan over a range of rates at each of several delays, and the constants from which
/// their latencies follow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explorer {
    /// Slowest rate.
    pub from_bit_s: u64,
    /// Fastest rate.
    pub to_bit_s: u64,
    /// The link's own rate.
    pub rate_bit_s: u64,
    /// Position of the link's own delay.
    pub delay: usize,
    /// Shortest first.
    pub delays: Vec<DelayRow>,
    /// Class and name of the parts of a latency, [`PARTS`].
    pub parts: [(&'static str, &'static str); 6],
    /// Names of [`Choice::facts`].
    pub facts: Vec<&'static str>,
    /// Each distinct plan once.
    pub plans: Vec<Choice>,
    /// Plans to compare with at every rate, limits aside.
    pub others: Vec<OtherChoice>,
    /// What may be missing, when the plans are not known at every single rate.
    pub resolution: Option<String>,
    /// What the script writes about each block of [`ModelData::network`].
    pub blocks: Vec<BlockTimes>,
}

/// What is written about a block of the network's graph.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlockTimes {
    /// Time of its layers on the edge.
    pub edge_us: f64,
    /// Time of its layers on the server.
    pub server_us: f64,
    /// Positions of the tasks that it stands for.
    pub tasks: Vec<usize>,
}

/// The cut of a plan on the network's graph.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct CutView {
    /// Class of each block.
    pub sides: Vec<&'static str>,
    /// Class of each link.
    pub flows: Vec<&'static str>,
    /// What is written at links, by their number.
    pub labels: Vec<(usize, String)>,
}

/// The best plans at one delay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DelayRow {
    /// One way.
    pub ns: u64,
    /// The same with its unit.
    pub text: String,
    /// Slowest rate first; rates before the first, or all when there is none, have no plan.
    pub segments: Vec<Stretch>,
}

/// The rates at which one plan is best; the last reaches to the end of the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// The slowest of the rates, in bit/s.
    pub from: u64,
    /// Position of the plan.
    pub plan: usize,
}

/// A plan that is the best somewhere.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// What crosses in which codec, or which side does all.
    pub name: String,
    /// `edge`, `server` or `split`.
    pub side: &'static str,
    /// How many layers it keeps on the edge.
    pub edge_layers: usize,
    /// Its times.
    pub times: Times,
    /// What does not depend on the link, in the order of [`Explorer::facts`].
    pub facts: Vec<String>,
    /// As [`Shown::crossing`].
    pub crossing: Vec<[String; 3]>,
    /// The tasks.
    pub tasks: Vec<TaskTimes>,
    /// Its cut on [`ModelData::network`].
    pub cut: CutView,
}

/// When a task is done, and what it loses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskTimes {
    /// Its name.
    pub name: String,
    /// Where it runs, in words.
    pub side: &'static str,
    /// How many of the six parts pass until it is done.
    pub parts: usize,
    /// The heads overlapped with the transfer come after those.
    pub beside: bool,
    /// What it loses, in words.
    pub drop: String,
}

/// A plan to compare with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherChoice {
    /// Name in words.
    pub name: String,
    /// Its times.
    pub times: Times,
}

/// From this the time of each part follows at any rate and delay.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Times {
    /// Layers on the edge.
    pub edge_ns: u64,
    /// Encoders.
    pub encode_ns: u64,
    /// Heads on the edge that run beside link and server, none if zero.
    pub local_ns: u64,
    /// Delays on the way to the server, none or one.
    pub delays: u64,
    /// Bits on the wire to the server, framing included.
    pub up_bits: u64,
    /// Decoders.
    pub decode_ns: u64,
    /// Layers on the server.
    pub server_ns: u64,
    /// Delays on the way back, none or one.
    pub back_delays: u64,
    /// Bits on the wire back, when that has the same rate.
    pub back_bits: u64,
    /// Time on the wire back, when that has a rate of its own.
    pub back_ns: u64,
}

impl Times {
    /// The parts of the latency at a rate and a delay, in milliseconds, in the order of [`PARTS`].
    pub fn parts_ms(&self, bit_s: u64, delay_ns: u64) -> [f64; 6] {
        let ns_per_bit = 1e9 / bit_s as f64;
        let ns = [
            self.edge_ns as f64,
            self.encode_ns as f64,
            (self.delays * delay_ns) as f64 + self.up_bits as f64 * ns_per_bit,
            self.decode_ns as f64,
            self.server_ns as f64,
            (self.back_delays * delay_ns + self.back_ns) as f64
                + self.back_bits as f64 * ns_per_bit,
        ];
        ns.map(|ns| ns / 1e6)
    }

    /// Until the last result: their sum, or when the heads overlapped with the transfer are done.
    pub fn latency_ms(&self, bit_s: u64, delay_ns: u64) -> f64 {
        let beside_ns = match self.local_ns {
            0 => 0,
            local_ns => self.edge_ns + self.encode_ns + local_ns,
        };
        let sum: f64 = self.parts_ms(bit_s, delay_ns).iter().sum();
        sum.max(beside_ns as f64 / 1e6)
    }
}

impl Explorer {
    /// Position of the best plan at a rate and at the delay with this position; `None` where there
    /// is none.
    pub fn plan_at(&self, bit_s: u64, delay: usize) -> Option<usize> {
        let segments = &self.delays.get(delay)?.segments;
        let found = segments
            .iter()
            .rev()
            .find(|stretch| stretch.from <= bit_s)?;
        (bit_s <= self.to_bit_s).then_some(found.plan)
    }
}
