//! Something a plan must respect.

use std::fmt;

use crate::cost::accuracy::WHOLE_DROP;
use crate::scenario::FrameRate;
use cutpoint_core::graph::LayerId;
use cutpoint_core::plan::LimitName;
use cutpoint_core::quantity::Quantity;
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

/// Its [name](Limit::name).
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

impl Limit {
    /// Returns what is limited.
    pub fn quantity(&self) -> Quantity {
        match self {
            Limit::EdgeMemory(_) => Quantity::EdgeMemory,
            Limit::ServerMemory(_) => Quantity::ServerMemory,
            Limit::MaxUplink(_) => Quantity::MaxUplink,
            Limit::MaxDownlink(_) => Quantity::MaxDownlink,
            Limit::MaxMessage(_) => Quantity::MaxMessage,
            Limit::MinDepth(_) => Quantity::MinDepth,
            Limit::Deadline { .. } => Quantity::Deadline,
            Limit::Fps(_) => Quantity::Fps,
            Limit::LinkShare { .. } => Quantity::LinkShare,
            Limit::MaxEnergy(_) => Quantity::MaxEnergy,
            Limit::MaxPower { .. } => Quantity::MaxPower,
            Limit::KeepOnEdge(..) => Quantity::KeepOnEdge,
            Limit::KeepOnServer(..) => Quantity::KeepOnServer,
            Limit::RawStays => Quantity::RawStays,
            Limit::Codecs => Quantity::Codec,
            Limit::Drop { floor: true, .. } => Quantity::Floor,
            Limit::Drop { floor: false, .. } => Quantity::MaxDrop,
            Limit::Capacity { .. } => Quantity::Capacity,
        }
    }

    /// Returns its name: that of its quantity, and of the layer, task or capacity it is of.
    pub fn name(&self) -> LimitName {
        LimitName {
            quantity: self.quantity(),
            of: self.of().map(str::to_owned),
        }
    }

    /// Returns the layer, task or capacity whose amount is limited.
    pub fn of(&self) -> Option<&str> {
        match self {
            Limit::Deadline { name, .. }
            | Limit::KeepOnEdge(_, name)
            | Limit::KeepOnServer(_, name)
            | Limit::Drop { name, .. }
            | Limit::Capacity { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Whether it limits what encodings may cost a task.
    pub(crate) fn is_drop(&self) -> bool {
        matches!(self, Limit::Drop { .. })
    }

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

    /// An amount of what is limited, with its unit, so that what is typed again allows as much.
    pub fn amount(&self, amount: i64) -> String {
        let most = u64::try_from(amount).unwrap_or(0);
        match self {
            Limit::Drop { .. } => format!("a drop of {} %", amount as f64 * 100.0 / WHOLE_DROP),
            Limit::Capacity { name, .. } => format!("{amount} {name}"),
            Limit::Deadline { .. } => format_exact_ns(most),
            Limit::Fps(_) => match FrameRate::of_period(most) {
                Some(rate) => format!("{rate} frames/s"),
                None => format!("{} between frames", format_exact_ns(most)),
            },
            Limit::LinkShare { .. } => Share(most).to_string(),
            Limit::MaxEnergy(_) => Energy(most).exact(),
            Limit::MaxPower { .. } => Watts(most).exact(),
            _ => format!("{amount} B"),
        }
    }
}

/// Bytes as a use.
pub(crate) fn amount(bytes: Bytes) -> i64 {
    i64::try_from(bytes.0).unwrap_or(i64::MAX)
}
