//! Limits of a scenario, resolved against a graph, and what breaks them.

use std::collections::BTreeMap;
use std::fmt;

use super::budget::Budget;
use super::tables::Tables;
use super::{ProblemError, TensorTime, Way};
use crate::codec::Codec;
use crate::graph::{Graph, GraphError, LayerId, nearest};
use crate::scenario::{AccuracyLimits, Scenario};
use crate::sensitivity::TaskAccuracy;
use crate::units::Bytes;

/// Something a plan must respect, and that can be lifted on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// Peak memory of the process that runs the edge half.
    EdgeMemory(Bytes),
    /// Encoded payload of one inference.
    MaxUplink(Bytes),
    /// A layer pinned to the edge, under the name it was asked for.
    KeepOnEdge(LayerId, String),
    /// A layer pinned to the server, under the name it was asked for.
    KeepOnServer(LayerId, String),
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
pub(super) const WHOLE_DROP: f64 = 1e6;

/// The name of the limit, like its flag.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::EdgeMemory(_) => f.write_str("edge-memory"),
            Limit::MaxUplink(_) => f.write_str("max-uplink"),
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
    /// A limit with an amount is exceeded: bytes, millionths of a drop, or units of a capacity.
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
    pub(super) fn no_codec(tensor: &str, codec: Option<Codec>) -> Violation {
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
    /// How much the limit allows, when that is an amount: bytes, millionths of a drop, or units of
    /// a capacity.
    pub fn allows(&self) -> Option<i64> {
        match self {
            Limit::EdgeMemory(most) | Limit::MaxUplink(most) => Some(amount(*most)),
            Limit::Drop { allows, .. } => Some(*allows),
            Limit::Capacity { allows, .. } => Some(i64::try_from(*allows).unwrap_or(i64::MAX)),
            _ => None,
        }
    }

    /// An amount of what is limited, with its unit.
    pub(super) fn amount(&self, amount: i64) -> String {
        match self {
            Limit::Drop { .. } => format!("a drop of {} %", amount as f64 * 100.0 / WHOLE_DROP),
            Limit::Capacity { name, .. } => format!("{amount} {name}"),
            _ => format!("{amount} B"),
        }
    }
}

/// The limits of a scenario, in the order of its fields.
pub(super) fn resolve(tables: &Tables, scenario: &Scenario) -> Result<Vec<Limit>, ProblemError> {
    let graph = &tables.graph;
    let wishes = &scenario.limits;
    let mut limits = Vec::new();
    limits.extend(wishes.edge_memory.map(Limit::EdgeMemory));
    limits.extend(wishes.max_uplink.map(Limit::MaxUplink));
    for name in &wishes.keep_on_edge {
        limits.push(Limit::KeepOnEdge(
            find(graph, "--keep-on-edge", name)?,
            name.clone(),
        ));
    }
    for name in &wishes.keep_on_server {
        limits.push(Limit::KeepOnServer(
            find(graph, "--keep-on-server", name)?,
            name.clone(),
        ));
    }
    limits.extend(wishes.raw_stays.then_some(Limit::RawStays));
    limits.extend((!scenario.codecs.contains(&Codec::F32)).then_some(Limit::Codecs));
    limits.extend(drops(tables, &wishes.accuracy)?);
    limits.extend(capacities(tables, &wishes.capacities)?);
    limits.dedup();
    Ok(limits)
}

/// Largest drops and floors, in the order of the tasks.
fn drops(tables: &Tables, wishes: &AccuracyLimits) -> Result<Vec<Limit>, ProblemError> {
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

fn known<'a>(
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

/// The budgets of the limits that are sums.
pub(super) fn budgets(tables: &Tables, limits: &[Limit]) -> Vec<Budget> {
    let mut budgets = Vec::new();
    for limit in limits {
        match limit {
            Limit::MaxUplink(most) => {
                let payloads = |time: &TensorTime| {
                    let pair = |way: &Way| (way.codec, Some(amount(way.payload)));
                    time.ways.iter().map(pair).collect()
                };
                let codecs = tables.tensors.iter().map(payloads).collect();
                budgets.push(Budget::of_crossings(
                    limit.clone(),
                    amount(*most),
                    codecs,
                    None,
                ));
            }
            Limit::Drop { task, allows, .. } => {
                if let Some(accuracy) = &tables.accuracy {
                    budgets.extend(accuracy.budgets(tables, limit, *task, *allows));
                }
            }
            Limit::Capacity { name, .. } => {
                let layers = tables.uses.get(name).cloned().unwrap_or_default();
                let allows = limit.allows().unwrap_or(i64::MAX);
                budgets.push(Budget::of_layers(limit.clone(), allows, layers));
            }
            _ => {}
        }
    }
    budgets
}

/// Bytes as a use.
pub(super) fn amount(bytes: Bytes) -> i64 {
    i64::try_from(bytes.0).unwrap_or(i64::MAX)
}

/// Finds a layer by the id of a group or of one of its members.
fn find(graph: &Graph, flag: &'static str, name: &str) -> Result<LayerId, ProblemError> {
    if let Ok(layer) = graph.find_layer(name) {
        return Ok(layer);
    }
    let has_member = |id: &LayerId| graph.layer(*id).members.iter().any(|m| m == name);
    graph.layer_ids().find(has_member).ok_or_else(|| {
        let ids = graph.layers().iter().map(|l| l.id.as_str());
        let members = graph
            .layers()
            .iter()
            .flat_map(|l| l.members.iter().map(String::as_str));
        let mut names: Vec<&str> = ids.chain(members).collect();
        names.sort_unstable();
        names.dedup();
        ProblemError::Unknown {
            flag,
            cause: GraphError::Unknown {
                what: "layer",
                name: name.to_owned(),
                near: nearest(name, names.into_iter()),
            },
        }
    })
}
