//! A scenario as it was typed, in flags or in a file: every key is optional.

use std::path::{Path, PathBuf};
use std::time::Duration;

use merge::Merge;
use serde::{Deserialize, Serialize};

#[cfg(feature = "clap")]
use super::as_text::parse_task;
use super::as_text::{capacities, one_or_more, tasks, text};
use super::{
    Capacity, Deadline, Floor, FrameRate, MaxDrop, Objective, ParameterRange, Percentile,
    RateRange, ScenarioError, Schedule, TaskResults, U8Input, Weight,
};
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::Confidence;
use cutpoint_core::contents::read_text;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::quantity::Quantity;
use cutpoint_core::syntax::read_toml;
use cutpoint_core::task::Task;
use cutpoint_core::units::{BitRate, Bytes, Delay, Energy, Share, Watts};

/// A scenario as it was typed.
///
/// Its fields are the keys of a scenario file and, with the feature `clap`, the flags of the
/// command line: what stands here is the only list of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Merge)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
#[merge(strategy = keep_given)]
pub struct ScenarioSpec {
    /// Version of the file format, 1
    #[cfg_attr(feature = "clap", arg(skip))]
    pub format: Option<u32>,
    /// Rate from edge to server, such as 10Mbit/s; `sweep` takes a range, A..B
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "RATE",
            help_heading = "Link"
        )
    )]
    pub rate: Option<RateRange>,
    /// One-way delay, half the round trip [default: none]
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "TIME",
            help_heading = "Link"
        )
    )]
    #[serde(with = "text")]
    pub delay: Option<Delay>,
    /// Rate from server to edge [default: as --rate]
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "RATE",
            help_heading = "Link"
        )
    )]
    #[serde(with = "text")]
    pub down_rate: Option<BitRate>,
    /// Rate and delay of a kind of link: lora, 3g, 4g, wifi, 5g, gbe
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "PRESET", help_heading = "Link")
    )]
    pub link: Option<String>,
    /// Plan for this percentile of times, payloads and of the rate's slowness, above 50 and below
    /// 100; their spread is that of the profiles [default: medians and means]
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "P",
            help_heading = "Spread"
        )
    )]
    pub percentile: Option<Percentile>,
    /// Standard deviation of the rate, as a share of --rate, its mean: a log-normal distribution.
    /// The plan then says how likely its times are
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "SHARE",
            help_heading = "Spread"
        )
    )]
    #[serde(with = "text")]
    pub rate_spread: Option<Share>,
    /// How likely each rate is, as in this trace; --rate then is its mean unless given
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "FILE.csv", help_heading = "Spread")
    )]
    pub rate_trace: Option<PathBuf>,
    /// Codecs that may be used, such as f32 (the tensor as it is), f16, q8, u8, q4+zstd [default:
    /// f32, u8 for 8-bit inputs, and what was measured: lossless ones, and under limits on accuracy
    /// lossy ones]
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            value_name = "CODEC,...",
            value_delimiter = ',',
            help_heading = "Choices"
        )
    )]
    pub codec: Vec<Codec>,
    /// An input made from an 8-bit image as (pixel - mean) / std; one value or one per channel
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "NAME=MEAN,STD", help_heading = "Choices")
    )]
    pub input_u8: Vec<U8Input>,
    /// Where results are wanted, of all tasks or of one: edge, server or anywhere [default: edge]
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "[TASK=]SIDE", help_heading = "Choices")
    )]
    #[serde(deserialize_with = "one_or_more")]
    pub results: Vec<TaskResults>,
    /// What is to be least: latency (of the last task), weighted (sum of the tasks' times),
    /// lateness (against deadlines), energy, throughput (time between frames), uplink, edge-time
    /// [default: latency]
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "OBJECTIVE", help_heading = "Choices")
    )]
    pub objective: Option<Objective>,
    /// What decides between plans that are equally good at that
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "OBJECTIVE", help_heading = "Choices")
    )]
    pub then: Option<Objective>,
    /// Heads that stay on the edge run before anything is sent (sequential), or while link and
    /// server work (overlap) [default: sequential]
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "SCHEDULE", help_heading = "Choices")
    )]
    pub schedule: Option<Schedule>,
    /// What a task's time counts for under --objective weighted [default: 1]
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "TASK=WEIGHT", help_heading = "Choices")
    )]
    pub weight: Vec<Weight>,
    /// Group outputs into a named task [default: those of the profile]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME=OUT[,OUT]", value_parser = parse_task, help_heading = "Choices"))]
    #[serde(with = "tasks")]
    pub task: Vec<Task>,
    /// An input that the server has too, so that it need not be sent
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "NAME", help_heading = "Choices")
    )]
    pub local_input: Vec<String>,
    /// Peak memory of the process that runs the edge half, such as 64MiB
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "SIZE",
            help_heading = "Limits"
        )
    )]
    #[serde(with = "text")]
    pub edge_memory: Option<Bytes>,
    /// Peak memory of the process that runs the server half
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "SIZE",
            help_heading = "Limits"
        )
    )]
    #[serde(with = "text")]
    pub server_memory: Option<Bytes>,
    /// Latest time at which a task, or every task, is done
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "[TASK=]TIME",
            help_heading = "Limits"
        )
    )]
    pub deadline: Vec<Deadline>,
    /// Frames per second that edge, link and server must keep up with
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "N",
            help_heading = "Limits"
        )
    )]
    pub fps: Option<FrameRate>,
    /// Energy that the edge spends on one inference, such as 5mJ; its profile states the power
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "ENERGY",
            help_heading = "Limits"
        )
    )]
    #[serde(with = "text")]
    pub max_energy: Option<Energy>,
    /// Average power of the edge at --fps, such as 800mW
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "POWER",
            help_heading = "Limits"
        )
    )]
    #[serde(with = "text")]
    pub max_power: Option<Watts>,
    /// Share of the link, in each direction, that frames may take at --fps, such as 50%
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "SHARE",
            help_heading = "Limits"
        )
    )]
    #[serde(with = "text")]
    pub link_share: Option<Share>,
    /// Encoded bytes sent per inference
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "SIZE",
            help_heading = "Limits"
        )
    )]
    #[serde(with = "text")]
    pub max_uplink: Option<Bytes>,
    /// Bytes of results sent back per inference
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "SIZE",
            help_heading = "Limits"
        )
    )]
    #[serde(with = "text")]
    pub max_downlink: Option<Bytes>,
    /// Largest message that the server takes or sends, such as 4MiB
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "SIZE",
            help_heading = "Limits"
        )
    )]
    #[serde(with = "text")]
    pub max_message: Option<Bytes>,
    /// Keep a layer, and all it needs, on the edge; `*` and `?` match several by name
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "LAYER", help_heading = "Limits")
    )]
    pub keep_on_edge: Vec<String>,
    /// Keep a layer, and all that needs it, on the server; `*` and `?` match several by name
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "LAYER", help_heading = "Limits")
    )]
    pub keep_on_server: Vec<String>,
    /// No model input leaves the edge, in any codec
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Limits"))]
    pub raw_stays: bool,
    /// Least number of layers between a model input and anything that is sent
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "N",
            help_heading = "Limits"
        )
    )]
    pub min_depth: Option<u32>,
    /// What layers on the edge may use of a named capacity, as their profile states it
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "NAME=N", help_heading = "Limits")
    )]
    #[serde(with = "capacities")]
    pub capacity: Vec<Capacity>,
    /// Largest drop of a task, or of every task: points of its metric, or a share of its error
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "[TASK=]1%",
            help_heading = "Accuracy"
        )
    )]
    pub max_drop: Vec<MaxDrop>,
    /// Worst value of a task's metric that is good enough
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "TASK=0.95", help_heading = "Accuracy")
    )]
    pub floor: Vec<Floor>,
    /// How sure limits on accuracy are to hold, one-sided [default: 0.95]
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            allow_hyphen_values = true,
            value_name = "SHARE",
            help_heading = "Accuracy"
        )
    )]
    pub confidence: Option<Confidence>,
}

/// The amount of a limit that is one key.
pub(super) trait Amount {
    /// Whether the key is given.
    fn is_given(&self) -> bool;
    /// Gives the key this amount, in the unit of its quantity.
    fn set(&mut self, amount: u64);
}

macro_rules! amounts {
    ($($kind:ty: $of:expr;)*) => {$(
        impl Amount for Option<$kind> {
            fn is_given(&self) -> bool {
                self.is_some()
            }

            fn set(&mut self, amount: u64) {
                *self = $of(amount);
            }
        }
    )*};
}
amounts! {
    Bytes: |amount| Some(Bytes(amount));
    Energy: |amount| Some(Energy(amount));
    Watts: |amount| Some(Watts(amount));
    Share: |amount| Some(Share(amount));
    Delay: |amount| Some(Delay(Duration::from_nanos(amount)));
    FrameRate: ParameterRange::frame_rate;
}

/// Keeps what is given and takes the other value where nothing is.
fn keep_given<T: Default + PartialEq>(own: &mut T, other: T) {
    if *own == T::default() {
        *own = other;
    }
}

impl ScenarioSpec {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// [`ScenarioError::NotAScenario`] and [`ScenarioError::File`].
    pub fn load(path: &Path) -> Result<ScenarioSpec, ScenarioError> {
        let error = |message: String| ScenarioError::File {
            path: path.to_owned(),
            message,
        };
        let other = |message: String| ScenarioError::NotAScenario {
            path: path.to_owned(),
            message,
        };
        let text = read_text(path, "a scenario").map_err(|e| other(e.to_string()))?;
        if let Ok(Some(kind)) = FileKind::of(&text) {
            return Err(other(format!("not a scenario: it holds {kind}")));
        }
        let mut spec: ScenarioSpec = read_toml(&text).map_err(error)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        spec.rate_trace = spec.rate_trace.map(|trace| folder.join(trace));
        match spec.format {
            None | Some(1) => Ok(spec),
            Some(other) => Err(error(format!(
                "format {other} is not format 1, the one this version reads"
            ))),
        }
    }

    /// Takes from `other` what is not given here. A list given here replaces the other's, a preset
    /// given here the other's link.
    #[must_use]
    pub fn or(mut self, mut other: ScenarioSpec) -> ScenarioSpec {
        if self.link.is_some() {
            (other.rate, other.delay, other.down_rate) = (None, None, None);
        }
        if self.rate_spread.is_some() || self.rate_trace.is_some() {
            (other.rate_spread, other.rate_trace) = (None, None);
        }
        self.merge(other);
        self
    }

    /// Returns the key of a quantity, where it holds one amount.
    pub(super) fn amount(&mut self, quantity: Quantity) -> Option<&mut dyn Amount> {
        Some(match quantity {
            Quantity::EdgeMemory => &mut self.edge_memory,
            Quantity::ServerMemory => &mut self.server_memory,
            Quantity::MaxUplink => &mut self.max_uplink,
            Quantity::MaxDownlink => &mut self.max_downlink,
            Quantity::MaxMessage => &mut self.max_message,
            Quantity::MaxEnergy => &mut self.max_energy,
            Quantity::MaxPower => &mut self.max_power,
            Quantity::LinkShare => &mut self.link_share,
            Quantity::Fps => &mut self.fps,
            Quantity::Delay => &mut self.delay,
            _ => return None,
        })
    }

    /// Whether the quantity has an amount, that of a task or capacity where one is named.
    pub(super) fn is_fixed(&mut self, quantity: Quantity, of: Option<&str>) -> bool {
        let named = |name: &String| Some(name.as_str()) == of;
        match quantity {
            Quantity::Deadline => self.deadline.iter().any(|d| d.task.as_deref() == of),
            Quantity::MaxDrop => self.max_drop.iter().any(|d| d.task.as_deref() == of),
            Quantity::Floor => self.floor.iter().any(|floor| named(&floor.task)),
            Quantity::Capacity => self.capacity.iter().any(|c| named(&c.name)),
            quantity => self.amount(quantity).is_some_and(|key| key.is_given()),
        }
    }

    /// Returns the keys and values of a file with this spec, without keys that are not given.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn to_table(&self) -> Result<toml::Table, toml::ser::Error> {
        let mut table = toml::Table::try_from(self)?;
        table.retain(|_, value| match value {
            toml::Value::Array(list) => !list.is_empty(),
            toml::Value::Table(named) => !named.is_empty(),
            toml::Value::Boolean(given) => *given,
            _ => true,
        });
        Ok(table)
    }

    /// Reads what [`ScenarioSpec::to_table`] gives.
    ///
    /// # Errors
    /// Unknown keys, or values that do not belong to them.
    pub fn from_table(table: &toml::Table) -> Result<ScenarioSpec, toml::de::Error> {
        table.clone().try_into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ScenarioSpec {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn specs_read_back_as_they_were_written() {
        let every_key = r#"
            format = 1
            link = "wifi"
            rate = "1.6 Mbit/s..123456789 bit/s"
            delay = "66.7 ms"
            down_rate = "3 kbit/s"
            codec = ["f32", "q4+zstd"]
            input_u8 = ["x:0=123.7:116.3:103.5,58.4:57.1:57.4"]
            results = ["anywhere", "boxes=server"]
            objective = "energy"
            then = "edge-time"
            schedule = "overlap"
            weight = ["boxes=0.5"]
            edge_memory = "64 MiB"
            server_memory = "1 GB"
            max_uplink = "1234567 B"
            max_downlink = "3 B"
            max_message = "1 kB"
            keep_on_edge = ["a"]
            keep_on_server = ["b", "c"]
            raw_stays = true
            min_depth = 3
            deadline = ["30 ms", "boxes=1234567 ns"]
            fps = 29.97
            link_share = "12.5 %"
            max_energy = "1234567 nJ"
            max_power = "1.5 W"
            max_drop = ["1 %", "boxes=0.07 %"]
            floor = ["boxes=0.9", "depth=-0.1"]
            confidence = 0.9
            capacity = { BRAM = 140 }
            local_input = ["clock"]
            task = ["boxes=a,b"]
        "#;
        let spec = read(every_key);
        let table = spec.to_table().unwrap();
        // nothing is lost or renamed, and what is typed short stays short
        assert_eq!(table, every_key.parse::<toml::Table>().unwrap());
        assert_eq!(ScenarioSpec::from_table(&table).unwrap(), spec);
        assert!(ScenarioSpec::default().to_table().unwrap().is_empty());
    }

    #[test]
    fn specs_in_other_units_read_back_equal() {
        let spec = read("rate = \"0.0123 Gbps\"\ndelay = \"0.5 min\"\nedge_memory = \"0.7 GiB\"");
        let text = toml::to_string(&spec.to_table().unwrap()).unwrap();
        assert_eq!(read(&text), spec);
    }
}
