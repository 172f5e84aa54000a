//! Limits of a scenario, resolved against a graph, and what breaks them.

use std::collections::BTreeMap;
use std::fmt;

use wildmatch::WildMatch;

use super::knapsack::Knapsack;
use crate::cost::tables::Tables;
use crate::problem::ProblemError;
use crate::scenario::{AccuracyLimits, FrameRate, Objective, Scenario};
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::TaskAccuracy;
use cutpoint_core::graph::{Graph, GraphError, LayerId, nearest};
use cutpoint_core::units::{Bytes, Energy, Share, Watts, format_exact_ns};

/// Something a plan must respect, and that can be lifted on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// Peak memory of the process that runs the edge half.
    EdgeMemory(Bytes),
    /// Peak memory of the process that runs the server half.
    ServerMemory(Bytes),
    /// Encoded payload of one inference.
    MaxUplink(Bytes),
    /// Results sent back for one inference.
    MaxDownlink(Bytes),
    /// Payload of the request, and of the answer.
    MaxMessage(Bytes),
    /// Layers pinned to the edge, under the name or pattern they were asked for.
    KeepOnEdge(Vec<LayerId>, String),
    /// Layers pinned to the server, under the name or pattern they were asked for.
    KeepOnServer(Vec<LayerId>, String),
    /// Least number of layers between a model input and anything that is sent.
    MinDepth(u32),
    /// The latest time at which a task may be done.
    Deadline {
        /// Position among the problem's tasks.
        task: usize,
        /// The task's name.
        name: String,
        /// From the input on the edge, in nanoseconds.
        allows_ns: u64,
    },
    /// Time between two frames in nanoseconds: nothing may be busy for longer.
    Fps(u64),
    /// Share of each direction of the link that frames may take.
    LinkShare {
        /// The share.
        share: Share,
        /// Time between two frames.
        period_ns: u64,
    },
    /// What the edge may spend on one inference.
    MaxEnergy(Energy),
    /// Average power of the edge.
    MaxPower {
        /// The power.
        most: Watts,
        /// Time between two frames.
        period_ns: u64,
    },
    /// No model input may be sent, in any codec.
    RawStays,
    /// Tensors may not be sent in their own type.
    Codecs,
    /// What encodings may cost a task.
    Drop {
        /// Position among the problem's tasks.
        task: usize,
        /// The task's name.
        name: String,
        /// The largest drop, in millionths; negative when even the whole model is not good enough.
        allows: i64,
        /// Whether it was stated as the metric's worst value.
        floor: bool,
    },
    /// What the layers on the edge may take up together of a named capacity.
    Capacity {
        /// The capacity's name.
        name: String,
        /// How much there is.
        allows: u64,
    },
}

/// A drop of one, in the whole numbers that drops are added up in.
pub(crate) const WHOLE_DROP: f64 = 1e6;

/// The name of the limit, like its flag.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::EdgeMemory(_) => f.write_str("edge-memory"),
            Limit::ServerMemory(_) => f.write_str("server-memory"),
            Limit::MaxUplink(_) => f.write_str("max-uplink"),
            Limit::MaxDownlink(_) => f.write_str("max-downlink"),
            Limit::MaxMessage(_) => f.write_str("max-message"),
            Limit::MinDepth(_) => f.write_str("min-depth"),
            Limit::Deadline { name, .. } => write!(f, "deadline {name}"),
            Limit::Fps(_) => f.write_str("fps"),
            Limit::LinkShare { .. } => f.write_str("link-share"),
            Limit::MaxEnergy(_) => f.write_str("max-energy"),
            Limit::MaxPower { .. } => f.write_str("max-power"),
            Limit::KeepOnEdge(_, name) => write!(f, "keep-on-edge {name}"),
            Limit::KeepOnServer(_, name) => write!(f, "keep-on-server {name}"),
            Limit::RawStays => f.write_str("raw-stays"),
            Limit::Codecs => f.write_str("codec"),
            Limit::Drop { name, floor, .. } => match floor {
                true => write!(f, "floor {name}"),
                false => write!(f, "max-drop {name}"),
            },
            Limit::Capacity { name, .. } => write!(f, "capacity {name}"),
        }
    }
}

/// Why a placement is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A layer is on the edge, a layer it needs on the server.
    #[error("layer `{0}` is on the edge but needs a layer on the server")]
    NotClosed(String),
    /// A crossing tensor has no codec, or one that cannot carry it.
    #[error("tensor `{tensor}` cannot cross: {reason}")]
    CannotCross {
        /// The tensor.
        tensor: String,
        /// Why.
        reason: String,
    },
    /// A codec is given for a tensor that does not cross.
    #[error("tensor `{0}` has a codec but does not cross")]
    DoesNotCross(String),
    /// A limit with an amount is exceeded.
    #[error("{limit}: needs {}, the limit is {}", limit.amount(*needs), limit.amount(*allows))]
    Exceeds {
        /// The limit.
        limit: Limit,
        /// What the placement needs.
        needs: i64,
        /// What the limit allows.
        allows: i64,
    },
    /// What an encoding costs a task whose accuracy is limited is not known.
    #[error("{0}: what the encodings cost this task was not measured")]
    Unmeasured(Limit),
    /// Another limit is broken.
    #[error("{0} is broken")]
    Breaks(Limit),
}

impl Violation {
    pub(crate) fn no_codec(tensor: &str, codec: Option<Codec>) -> Violation {
        let reason = match codec {
            Some(codec) => format!("codec `{codec}` does not apply to it"),
            None => "no codec is given".to_owned(),
        };
        Violation::CannotCross {
            tensor: tensor.to_owned(),
            reason,
        }
    }

    /// The limit that is broken, if it is one that can be lifted.
    pub fn limit(&self) -> Option<&Limit> {
        match self {
            Violation::Exceeds { limit, .. }
            | Violation::Breaks(limit)
            | Violation::Unmeasured(limit) => Some(limit),
            _ => None,
        }
    }
}

impl Limit {
    /// How much the limit allows, when that is an amount: bytes, millionths of a drop or a share,
    /// units of a capacity, nanoseconds of a deadline or between frames, nanojoules, microwatts.
    pub fn allows(&self) -> Option<i64> {
        let whole = |amount: u64| Some(i64::try_from(amount).unwrap_or(i64::MAX));
        match self {
            Limit::EdgeMemory(most)
            | Limit::ServerMemory(most)
            | Limit::MaxUplink(most)
            | Limit::MaxDownlink(most)
            | Limit::MaxMessage(most) => Some(amount(*most)),
            Limit::Drop { allows, .. } => Some(*allows),
            Limit::Capacity { allows, .. } => whole(*allows),
            Limit::Deadline { allows_ns, .. } => whole(*allows_ns),
            Limit::Fps(period_ns) => whole(*period_ns),
            Limit::LinkShare { share, .. } => whole(share.0),
            Limit::MaxEnergy(most) => whole(most.0),
            Limit::MaxPower { most, .. } => whole(most.0),
            Limit::KeepOnEdge(..)
            | Limit::KeepOnServer(..)
            | Limit::RawStays
            | Limit::MinDepth(_)
            | Limit::Codecs => None,
        }
    }

    /// The same limit with another amount, in the unit of [`Limit::allows`]; itself when it has
    /// none.
    #[must_use]
    pub fn allowing(&self, amount: i64) -> Limit {
        let most = u64::try_from(amount).unwrap_or(0);
        let mut limit = self.clone();
        match &mut limit {
            Limit::EdgeMemory(bytes)
            | Limit::ServerMemory(bytes)
            | Limit::MaxUplink(bytes)
            | Limit::MaxDownlink(bytes)
            | Limit::MaxMessage(bytes) => bytes.0 = most,
            Limit::Drop { allows, .. } => *allows = amount,
            Limit::Capacity { allows, .. } => *allows = most,
            Limit::Deadline { allows_ns, .. } => *allows_ns = most,
            Limit::Fps(period_ns) => *period_ns = most,
            Limit::LinkShare { share, .. } => share.0 = most,
            Limit::MaxEnergy(energy) => energy.0 = most,
            Limit::MaxPower { most: power, .. } => power.0 = most,
            Limit::KeepOnEdge(..)
            | Limit::KeepOnServer(..)
            | Limit::RawStays
            | Limit::MinDepth(_)
            | Limit::Codecs => {}
        }
        limit
    }

    /// An amount of what is limited, with its unit.
    pub fn amount(&self, amount: i64) -> String {
        let most = u64::try_from(amount).unwrap_or(0);
        match self {
            Limit::Drop { .. } => format!("a drop of {} %", amount as f64 * 100.0 / WHOLE_DROP),
            Limit::Capacity { name, .. } => format!("{amount} {name}"),
            Limit::Deadline { .. } => format_exact_ns(most),
            Limit::Fps(_) => format!("{} between frames", format_exact_ns(most)),
            Limit::LinkShare { .. } => Share(most).to_string(),
            Limit::MaxEnergy(_) => Energy(most).to_string(),
            Limit::MaxPower { .. } => Watts(most).to_string(),
            _ => format!("{amount} B"),
        }
    }
}

/// The limits of a scenario, in the order of its fields.
pub(crate) fn resolve(tables: &Tables, scenario: &Scenario) -> Result<Vec<Limit>, ProblemError> {
    let graph = &tables.graph;
    let wishes = &scenario.limits;
    let mut limits = Vec::new();
    limits.extend(wishes.edge_memory.map(Limit::EdgeMemory));
    limits.extend(wishes.server_memory.map(Limit::ServerMemory));
    limits.extend(wishes.max_uplink.map(Limit::MaxUplink));
    limits.extend(wishes.max_downlink.map(Limit::MaxDownlink));
    limits.extend(wishes.max_message.map(Limit::MaxMessage));
    for name in &wishes.keep_on_edge {
        let layers = find(graph, "--keep-on-edge", name)?;
        limits.push(Limit::KeepOnEdge(layers, name.clone()));
    }
    for name in &wishes.keep_on_server {
        let layers = find(graph, "--keep-on-server", name)?;
        limits.push(Limit::KeepOnServer(layers, name.clone()));
    }
    limits.extend(wishes.raw_stays.then_some(Limit::RawStays));
    limits.extend(wishes.min_depth.map(Limit::MinDepth));
    // where lateness is what is made small, deadlines are goals
    let strict = scenario.objective != Objective::Lateness;
    for (task, deadline) in tables.deadlines.iter().enumerate().filter(|_| strict) {
        limits.extend(deadline.map(|allows_ns| Limit::Deadline {
            name: tables.tasks[task].name.clone(),
            task,
            allows_ns,
        }));
    }
    let period_ns = wishes.fps.map(FrameRate::period_ns);
    limits.extend(period_ns.map(Limit::Fps));
    if let (Some(share), Some(period_ns)) = (wishes.link_share, period_ns) {
        limits.push(Limit::LinkShare { share, period_ns });
    }
    if tables.power.is_none() && (wishes.max_energy.is_some() || wishes.max_power.is_some()) {
        return Err(ProblemError::NoPower);
    }
    limits.extend(wishes.max_energy.map(Limit::MaxEnergy));
    if let (Some(most), Some(period_ns)) = (wishes.max_power, period_ns) {
        limits.push(Limit::MaxPower { most, period_ns });
    }
    limits.extend((!scenario.codecs.contains(&Codec::F32)).then_some(Limit::Codecs));
    limits.extend(drops(tables, &wishes.accuracy)?);
    limits.extend(capacities(tables, &wishes.capacities)?);
    limits.dedup();
    Ok(limits)
}

/// Largest drops and floors, in the order of the tasks.
pub(crate) fn drops(tables: &Tables, wishes: &AccuracyLimits) -> Result<Vec<Limit>, ProblemError> {
    let drops = wishes.drops.iter().filter_map(|d| d.task.as_ref());
    let floors = wishes.floors.iter().map(|f| &f.task);
    for (flag, name) in drops
        .map(|task| ("--max-drop", task))
        .chain(floors.map(|task| ("--floor", task)))
    {
        let names = tables.tasks.iter().map(|t| t.name.as_str());
        known(flag, "task", name, names)?;
    }
    if !wishes.any() {
        return Ok(Vec::new());
    }
    let accuracy = tables.accuracy.as_ref().ok_or(ProblemError::NoAccuracy)?;
    let baseline = |name: &String| {
        let whole = accuracy.whole(name);
        whole.ok_or_else(|| ProblemError::NoBaseline(name.clone()))
    };
    let mut limits = Vec::new();
    for (task, name) in tables.tasks.iter().map(|t| &t.name).enumerate() {
        let limit = |allows, floor| Limit::Drop {
            task,
            name: name.clone(),
            allows,
            floor,
        };
        if let Some(most) = wishes.drop_of(name) {
            let most = i64::try_from(most.0).unwrap_or(i64::MAX).min(LARGEST_USE);
            let allows = match wishes.best.get(name) {
                None => most,
                Some(best) => {
                    let whole = baseline(name)?;
                    let least = whole.metric.after(*best, most as f64 / WHOLE_DROP);
                    drop_to(whole, least)
                }
            };
            limits.push(limit(allows, false));
        }
        if let Some(floor) = wishes.floors.iter().find(|f| f.task == *name) {
            limits.push(limit(drop_to(baseline(name)?, floor.value), true));
        }
    }
    Ok(limits)
}

/// The largest drop, in millionths, with which the metric is still `value`.
fn drop_to(whole: &TaskAccuracy, value: f64) -> i64 {
    let drop = whole.metric.drop_to(whole.baseline, value) * WHOLE_DROP;
    // a little less than what was typed is noise of the conversion
    let most = (drop + 1e-3).floor();
    most.clamp(-(LARGEST_USE as f64), LARGEST_USE as f64) as i64
}

/// More than any sum of drops or capacities can sensibly be, and far from the range of an `i64`.
const LARGEST_USE: i64 = 1 << 52;

fn capacities(tables: &Tables, wishes: &BTreeMap<String, u64>) -> Result<Vec<Limit>, ProblemError> {
    let limit = |(name, allows): (&String, &u64)| {
        let names = tables.uses.keys().map(String::as_str);
        known("--capacity", "capacity", name, names)?;
        Ok(Limit::Capacity {
            name: name.clone(),
            allows: (*allows).min(LARGEST_USE.unsigned_abs()),
        })
    };
    wishes.iter().map(limit).collect()
}

pub(crate) fn known<'a>(
    flag: &'static str,
    what: &'static str,
    name: &str,
    names: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), ProblemError> {
    if names.clone().any(|known| known == name) {
        return Ok(());
    }
    Err(ProblemError::Unknown {
        flag,
        cause: GraphError::Unknown {
            what,
            name: name.to_owned(),
            near: nearest(name, names),
        },
    })
}

/// The knapsacks of the limits that are sums.
pub(crate) fn knapsacks(tables: &Tables, limits: &[Limit]) -> Vec<Knapsack> {
    let mut knapsacks = Vec::new();
    for limit in limits {
        match limit {
            Limit::Drop { task, allows, .. } => {
                if let Some(accuracy) = &tables.accuracy {
                    knapsacks.extend(accuracy.knapsacks(tables, limit, *task, *allows));
                }
            }
            Limit::Capacity { name, .. } => {
                let layers = tables.uses.get(name).cloned().unwrap_or_default();
                let allows = limit.allows().unwrap_or(i64::MAX);
                knapsacks.push(Knapsack::of_layers(limit.clone(), allows, layers));
            }
            _ => {}
        }
    }
    knapsacks
}

/// Bytes as a use.
pub(crate) fn amount(bytes: Bytes) -> i64 {
    i64::try_from(bytes.0).unwrap_or(i64::MAX)
}

/// Finds layers by the id of a group or of one of its members, or by a pattern of such names.
fn find(graph: &Graph, flag: &'static str, name: &str) -> Result<Vec<LayerId>, ProblemError> {
    let pattern = WildMatch::new(name);
    let is_called = |wanted: &dyn Fn(&str) -> bool| -> Vec<LayerId> {
        let has_name = |id: &LayerId| {
            let layer = graph.layer(*id);
            wanted(&layer.id) || layer.members.iter().any(|m| wanted(m))
        };
        graph.layer_ids().filter(has_name).collect()
    };
    // names may hold `*` and `?`, too
    let mut found = is_called(&|known| known == name);
    if found.is_empty() {
        found = is_called(&|known| pattern.matches(known));
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let ids = graph.layers().iter().map(|l| l.id.as_str());
    let members = graph
        .layers()
        .iter()
        .flat_map(|l| l.members.iter().map(String::as_str));
    let mut names: Vec<&str> = ids.chain(members).collect();
    names.sort_unstable();
    names.dedup();
    Err(ProblemError::Unknown {
        flag,
        cause: GraphError::Unknown {
            what: "layer",
            name: name.to_owned(),
            near: nearest(name, names.into_iter()),
        },
    })
}
