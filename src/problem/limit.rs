//! Limits of a scenario, resolved against a graph, and what breaks them.

use std::fmt;

use super::ProblemError;
use crate::codec::Codec;
use crate::graph::{Graph, GraphError, LayerId, nearest};
use crate::scenario::Scenario;
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
}

impl Limit {
    /// How much the limit allows, when that is a size.
    pub fn bytes(&self) -> Option<Bytes> {
        match self {
            Limit::EdgeMemory(bytes) | Limit::MaxUplink(bytes) => Some(*bytes),
            _ => None,
        }
    }
}

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
    /// A limit with a size is exceeded.
    #[error("{limit}: needs {needs} B, the limit is {allows} B")]
    Exceeds {
        /// The limit.
        limit: Limit,
        /// What the placement needs.
        needs: u64,
        /// What the limit allows.
        allows: u64,
    },
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
            Violation::Exceeds { limit, .. } | Violation::Breaks(limit) => Some(limit),
            _ => None,
        }
    }
}

/// The limits of a scenario, in the order of its fields.
pub(super) fn resolve(graph: &Graph, scenario: &Scenario) -> Result<Vec<Limit>, ProblemError> {
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
    limits.dedup();
    Ok(limits)
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
