//! Why a plan is the best, and what would change it. Data only.

use serde::{Deserialize, Serialize};

use super::{Breakdown, Conflict, Crossing, Plan, Side};
use crate::file_kind::FileKind;

pub use crate::quantity::Unit;

/// Why a plan is the best, and what would change it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// [`super::FORMAT`].
    pub format: u32,
    /// What the file holds.
    #[serde(default = "FileKind::explanation")]
    pub kind: FileKind,
    /// The plan, with its proof and its bound.
    pub plan: Plan,
    /// One entry per limit, in the order of the scenario.
    pub limits: Vec<LimitReason>,
    /// Limits of which only several together stand in the way of a faster plan.
    pub together: Option<Together>,
    /// What a somewhat faster link would buy.
    pub faster_link: Vec<Step>,
    /// The nearest values at which another plan wins, all else equal.
    pub flips: Vec<Breakpoint>,
    /// How much slower single layers may be before another plan wins.
    pub margins: Slacks,
    /// Why the cut that was asked about is not chosen.
    pub why_not: Option<WhyNot>,
    /// Questions that are left open, and why.
    pub open: Vec<String>,
}

/// Another plan, in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contender {
    /// File of the model, or files of the set of models.
    pub model: String,
    /// Layers on the edge.
    pub edge_layers: usize,
    /// Layers on the server.
    pub server_layers: usize,
    /// What crosses, and how.
    pub crossing: Vec<Crossing>,
    /// Its latency where it is told of.
    pub latency_ms: f64,
    /// What the plan's objective comes to there, in its unit.
    pub value: f64,
}

impl Unit {
    /// Returns the unit as a sweep's file writes it; of a part, what an amount is multiplied by.
    pub fn symbol(self) -> &'static str {
        match self {
            Unit::Byte => "B",
            Unit::BitPerSecond => "bit/s",
            Unit::Nanosecond => "ns",
            Unit::Millionth | Unit::Metric => "1e-6",
            Unit::Permille | Unit::Speed => "1e-3",
            Unit::Nanojoule => "nJ",
            Unit::Microwatt => "uW",
            Unit::Unit => "1",
            Unit::FrameRate => "1e-3/s",
        }
    }
}

/// What a limit does to the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitReason {
    /// Its name, like its flag.
    pub limit: String,
    /// What its amounts count; absent for a limit without an amount.
    pub unit: Option<Unit>,
    /// How much it allows.
    pub allows: Option<i64>,
    /// How much of that the plan uses.
    pub uses: Option<i64>,
    /// The rest.
    pub slack: Option<i64>,
    /// Without it, a better plan exists.
    pub binds: bool,
    /// The latency that is saved without it.
    pub costs_ms: f64,
    /// What it costs: how much less the objective comes to without it, in its unit.
    pub costs: f64,
    /// The best plan without it, when that is better.
    pub without: Option<Contender>,
    /// What a little more would buy.
    pub steps: Vec<Step>,
    /// The least amount at which a better plan exists.
    pub next: Option<Change>,
    /// The largest amount at which the plan is no longer allowed.
    pub tighter: Option<Change>,
}

/// What a change by a round amount would buy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// By how much more.
    pub more: i64,
    /// What that counts.
    pub unit: Unit,
    /// The latency saved.
    pub saves_ms: f64,
    /// What the objective comes to less, in its unit.
    pub saves: f64,
    /// The latency then.
    pub latency_ms: f64,
    /// Whether another plan is the best then.
    pub changes: bool,
}

/// An amount at which another plan is the best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The amount, in the unit of the limit.
    pub at: i64,
    /// The latency saved; below zero when the other plan is slower.
    pub saves_ms: f64,
    /// What the objective comes to less, in its unit; below zero when the other plan is worse.
    pub saves: f64,
    /// The other plan; absent when none meets the limits there.
    pub to: Option<Contender>,
}

/// Limits of which only several together stand in the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Together {
    /// Those that the plan without any limits breaks.
    pub limits: Vec<String>,
    /// The latency that is saved without them.
    pub costs_ms: f64,
    /// What they cost together, in the unit of the objective.
    pub costs: f64,
    /// The best plan without any limits.
    pub without: Contender,
    /// Where all are drops of tasks: what it buys when each may lose a little more.
    pub steps: Vec<Step>,
    /// Where all are drops of tasks: by how much more each must be allowed to lose, at least, for a
    /// faster plan.
    pub next: Option<Change>,
}

/// A condition of the plan that may come to differ from the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// From edge to server; in bit/s.
    Rate,
    /// One way; in nanoseconds.
    Delay,
    /// Of the edge half; in bytes.
    EdgeMemory,
    /// All times of the edge; in thousandths of what they are.
    EdgeTime,
    /// All times of the server; in thousandths of what they are.
    ServerTime,
}

/// The nearest value of a quantity at which the plan is no longer the best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breakpoint {
    /// What changes.
    pub of: Condition,
    /// What its values count.
    pub unit: Unit,
    /// Whether it grows.
    pub up: bool,
    /// The first value with another plan; absent when the plan stays the best however far it goes.
    pub at: Option<u64>,
    /// The plan there; absent when none meets the limits there.
    pub to: Option<Contender>,
}

/// How much slower single layers may be before another plan wins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slacks {
    /// The smallest in time, smallest first.
    pub smallest: Vec<Slack>,
    /// The smallest in relation to the layer's time.
    pub relative: Option<Slack>,
}

/// By how much a layer's time may grow on its side before another plan wins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// Id of the layer.
    pub layer: String,
    /// Where it runs.
    pub side: Side,
    /// Its time there.
    pub time_ms: f64,
    /// By how much it may grow: the best plan with the layer on the other side is so much slower.
    pub grows_ms: f64,
    /// That plan.
    pub to: Contender,
}

/// Why a cut that was asked about is not chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhyNot {
    /// The tensors named.
    pub tensors: Vec<String>,
    /// It is the plan's own cut.
    pub chosen: bool,
    /// Why it may not be cut there at all.
    pub barred: Vec<String>,
    /// The limits that it cannot meet in any encoding, and the least they would have to allow.
    pub breaks: Vec<Conflict>,
    /// The cut with its best encodings, with those limits set aside.
    pub cut: Option<Contender>,
    /// Where its latency goes.
    pub breakdown_ms: Option<Breakdown>,
    /// Its latency less the plan's, part by part.
    pub difference_ms: Option<Breakdown>,
    /// The rate nearest to the present one from which it is the faster of the two; absent when it
    /// is at no rate.
    pub faster: Option<Breakpoint>,
    /// The best plan in which these tensors cross, maybe with others, when it is another.
    pub containing: Option<Contender>,
}
