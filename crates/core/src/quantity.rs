//! The quantities of a scenario: one table of what a limit or a sweep can be about.
//!
//! A row gives a quantity its name, which is the key in files and the name of the flag, the unit of
//! its amounts, and whose amount it is. A new limit is a row here, a field of the scenario's spec,
//! and its sum in the cost model.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an amount counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Bytes.
    #[serde(rename = "B")]
    Byte,
    /// Bits per second.
    #[serde(rename = "bit/s")]
    BitPerSecond,
    /// Nanoseconds.
    #[serde(rename = "ns")]
    Nanosecond,
    /// Millionths of a loss of quality: 10,000 are one point.
    #[serde(rename = "millionth")]
    Millionth,
    /// Thousandths of what is so now.
    #[serde(rename = "permille")]
    Permille,
    /// Nanojoules.
    #[serde(rename = "nJ")]
    Nanojoule,
    /// Microwatts.
    #[serde(rename = "uW")]
    Microwatt,
    /// Units of a named capacity.
    #[serde(rename = "unit")]
    Unit,
    /// Millionths of the unit of a metric.
    #[serde(rename = "metric")]
    Metric,
    /// Thousandths of a frame per second.
    #[serde(rename = "frames")]
    FrameRate,
    /// Thousandths of the speed of the machine that was measured.
    #[serde(rename = "speed")]
    Speed,
}

/// Whose amount a quantity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// That of the whole plan.
    Plan,
    /// That of one task, or of every task without an amount of its own.
    Tasks,
    /// That of one task.
    Task,
    /// That of one named capacity.
    Capacity,
    /// That of one layer.
    Layer,
}

macro_rules! quantities {
    ($($(#[$doc:meta])* $variant:ident: $name:literal, $unit:expr, $scope:ident, $more:ident;)*) => {
        /// What a limit or a sweep can be about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Quantity {
            $($(#[$doc])* $variant,)*
        }

        impl Quantity {
            /// All, in the order of the table.
            pub const ALL: &[Quantity] = &[$(Quantity::$variant),*];

            fn row(self) -> Row {
                match self {
                    $(Quantity::$variant => Row {
                        name: $name,
                        unit: $unit,
                        scope: Scope::$scope,
                        more: More::$more,
                    },)*
                }
            }
        }
    };
}

struct Row {
    name: &'static str,
    unit: Option<Unit>,
    scope: Scope,
    more: More,
}

/// What more of a quantity does to the plans.
#[derive(PartialEq, Eq)]
enum More {
    Allows,
    Forbids,
}

quantities! {
    /// Peak memory of the process that runs the edge half.
    EdgeMemory: "edge-memory", Some(Unit::Byte), Plan, Allows;
    /// Peak memory of the process that runs the server half.
    ServerMemory: "server-memory", Some(Unit::Byte), Plan, Allows;
    /// Encoded payload of one inference.
    MaxUplink: "max-uplink", Some(Unit::Byte), Plan, Allows;
    /// Results sent back for one inference.
    MaxDownlink: "max-downlink", Some(Unit::Byte), Plan, Allows;
    /// Payload of the request, and of the answer.
    MaxMessage: "max-message", Some(Unit::Byte), Plan, Allows;
    /// Energy that the edge spends on one inference.
    MaxEnergy: "max-energy", Some(Unit::Nanojoule), Plan, Allows;
    /// Average power of the edge.
    MaxPower: "max-power", Some(Unit::Microwatt), Plan, Allows;
    /// Share of each direction of the link that frames may take.
    LinkShare: "link-share", Some(Unit::Millionth), Plan, Allows;
    /// Latest time at which a task may be done.
    Deadline: "deadline", Some(Unit::Nanosecond), Tasks, Allows;
    /// What encodings may cost a task.
    MaxDrop: "max-drop", Some(Unit::Millionth), Tasks, Allows;
    /// Worst value of a task's metric, in millionths.
    Floor: "floor", Some(Unit::Metric), Task, Forbids;
    /// What the layers on the edge may take up together of a named capacity.
    Capacity: "capacity", Some(Unit::Unit), Capacity, Allows;
    /// Frames per second, in thousandths.
    Fps: "fps", Some(Unit::FrameRate), Plan, Forbids;
    /// One-way delay of the link.
    Delay: "delay", Some(Unit::Nanosecond), Plan, Forbids;
    /// How many times as fast as the machine that was measured the server is, in thousandths.
    Speed: "speed", Some(Unit::Speed), Plan, Allows;
    /// Layers that stay on the edge.
    KeepOnEdge: "keep-on-edge", None, Layer, Forbids;
    /// Layers that stay on the server.
    KeepOnServer: "keep-on-server", None, Layer, Forbids;
    /// No model input is sent.
    RawStays: "raw-stays", None, Plan, Forbids;
    /// Least number of layers between a model input and anything that is sent.
    MinDepth: "min-depth", None, Plan, Forbids;
    /// Codecs that may be used.
    Codec: "codec", None, Plan, Allows;
}

impl Quantity {
    /// Returns the quantity of this name.
    pub fn named(name: &str) -> Option<Quantity> {
        let mut all = Quantity::ALL.iter().copied();
        all.find(|quantity| quantity.name() == name)
    }

    /// Returns its name: the key in files, with dashes, and the name of the flag.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns the unit of its amounts; `None` for one without amounts.
    pub fn unit(self) -> Option<Unit> {
        self.row().unit
    }

    /// Returns whose amount it is.
    pub fn scope(self) -> Scope {
        self.row().scope
    }

    /// Whether more of it leaves fewer plans, or makes them worse.
    pub fn tightens_upwards(self) -> bool {
        self.row().more == More::Forbids
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lead_back() {
        for quantity in Quantity::ALL {
            assert_eq!(Quantity::named(quantity.name()), Some(*quantity));
        }
        assert_eq!(Quantity::named("ram"), None);
    }
}
