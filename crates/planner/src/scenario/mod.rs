//! Scenarios: the link, the codecs, where results are wanted, and the limits.
//!
//! [`ScenarioSpec`] is what was typed, each part optional, on the command line or in a scenario file;
//! [`Scenario`] is complete and consistent. Names of layers and tensors are checked against a graph
//! in [`crate::problem::Problem::new`].

mod accuracy;
mod as_text;
mod key;
mod objective;
mod parameter_range;
mod spec;
mod spread;
mod validation;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use cutpoint_core::codec::Codec;
use cutpoint_core::link::Link;
use cutpoint_core::quantity::Quantity;
use cutpoint_core::task::Task;
use cutpoint_core::units::{BitRate, Bytes, Delay, Energy, ParseUnitError, Share, Watts};

pub use accuracy::{AccuracyLimits, Floor, MaxDrop};
pub use as_text::parse_task;
pub use key::{Key, KeyOf};
pub use objective::{Deadline, FrameRate, Objective, Schedule, TaskResults, Weight};
pub use parameter_range::{ParameterRange, SweepParameter};
pub use spec::ScenarioSpec;
pub use spread::{BadPercentile, Percentile, RateModel};

/// A complete, consistent request.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Between edge and server; its rate is the one that the percentile asks of the rate's model.
    pub link: Link,
    /// The share of cases that the plan is to hold in; without it, medians and means count.
    pub percentile: Option<Percentile>,
    /// How likely each rate is.
    pub rate_model: Option<RateModel>,
    /// Codecs that may be used, without repetition; never empty.
    pub codecs: Vec<Codec>,
    /// Whether codecs join whose sizes, and drops where they lose something, were measured: nobody
    /// asked for particular ones. Those that lose something join only under limits on accuracy.
    pub measured_codecs: bool,
    /// Float inputs made from eight-bit images.
    pub u8_inputs: Vec<U8Input>,
    /// Where results are wanted, unless `task_results` says something else of a task.
    pub results: Results,
    /// Where the results of single tasks are wanted, each task once.
    pub task_results: Vec<(String, Results)>,
    /// What is to be as small as possible.
    pub objective: Objective,
    /// What decides between plans that are equally good at that.
    pub then: Option<Objective>,
    /// When the edge computes what it keeps.
    pub schedule: Schedule,
    /// What the tasks count for in [`Objective::Weighted`].
    pub weights: Vec<Weight>,
    /// What a plan must respect.
    pub limits: Limits,
    /// Model inputs that the server has, too.
    pub local_inputs: Vec<String>,
    /// Tasks that replace those of the profile; empty to keep them.
    pub tasks: Vec<Task>,
}

/// What a plan must respect.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits {
    /// Peak memory of the process that runs the edge half.
    pub edge_memory: Option<Bytes>,
    /// Peak memory of the process that runs the server half.
    pub server_memory: Option<Bytes>,
    /// Encoded payload of one inference.
    pub max_uplink: Option<Bytes>,
    /// Results sent back by the server for one inference.
    pub max_downlink: Option<Bytes>,
    /// Payload of one message, the request's or the answer's.
    pub max_message: Option<Bytes>,
    /// Layers, by the id of a group or of one of its members; `*` and `?` stand for any text and
    /// for any character.
    pub keep_on_edge: Vec<String>,
    /// As `keep_on_edge`.
    pub keep_on_server: Vec<String>,
    /// No model input may be sent, in any codec.
    pub raw_stays: bool,
    /// Least number of layers between a model input and anything that is sent.
    pub min_depth: Option<u32>,
    /// The latest times at which tasks may be done.
    pub deadlines: Vec<Deadline>,
    /// Frames that must pass per second; no part may be busy for longer than a frame lasts.
    pub fps: Option<FrameRate>,
    /// Share of each direction of the link, at the frame rate.
    pub link_share: Option<Share>,
    /// What the edge may spend on one inference.
    pub max_energy: Option<Energy>,
    /// Average power of the edge at the frame rate.
    pub max_power: Option<Watts>,
    /// What encodings may cost the tasks.
    pub accuracy: AccuracyLimits,
    /// What the layers on the edge may take up together, by the capacity's name.
    pub capacities: BTreeMap<String, u64>,
}

/// What the layers on the edge may take up of a named capacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    /// The capacity's name.
    pub name: String,
    /// In its own units.
    pub most: u64,
}

/// Where results are wanted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Results {
    /// On the edge: results computed on the server are sent back.
    #[default]
    Edge,
    /// On the server: results computed on the edge are sent there.
    Server,
    /// Wherever they are computed.
    Anywhere,
}

/// A float input made from an eight-bit image by `x = (pixel - mean) / std`.
#[derive(Debug, Clone, PartialEq)]
pub struct U8Input {
    /// The model input.
    pub name: String,
    /// One value, or one per channel.
    pub mean: Vec<f64>,
    /// One value, or one per channel.
    pub std: Vec<f64>,
}

/// One rate, or a range of rates to sweep over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateRange {
    /// The slowest.
    pub from: BitRate,
    /// The fastest, at least `from`.
    pub to: BitRate,
}

/// Why a spec is not a scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// Neither a rate nor a preset.
    #[error(
        "the link is missing: give {rate}, such as `{rate} 10Mbit/s`, or {link} PRESET ({0})",
        rate = Key::RATE,
        link = Key::LINK
    )]
    NoLink(String),
    /// The rate's spread is given in two ways.
    #[error(
        "{} and {} both say how the rate varies: give one of them",
        Key::RATE_SPREAD,
        Key::RATE_TRACE
    )]
    SpreadAndTrace,
    /// A spread that makes no sense.
    #[error(
        "{spread} {0}: a spread is more than 0 % and at most 1000 % of the mean",
        spread = Key::RATE_SPREAD
    )]
    BadSpread(Share),
    /// A spread of a range of rates.
    #[error("{0} belongs to one rate, not to a range")]
    SpreadOfRange(Key),
    /// A trace of rates that cannot be used.
    #[error("{key}: {0}", key = Key::RATE_TRACE)]
    RateTrace(String),
    /// A trace with outages that a percentile does not allow.
    #[error(
        "{key} {percentile}: the link of {trace} is down for more of the time than that leaves: \
         plan for a lower percentile",
        key = Key::PERCENTILE,
        trace = Key::RATE_TRACE
    )]
    DownTooOften {
        /// What was asked for.
        percentile: String,
    },
    /// An unknown preset.
    #[error(
        "there is no link preset `{name}`: use one of {known}, or {}",
        Key::RATE
    )]
    UnknownPreset {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A delay of more than a day.
    #[error("a delay of {0} is no link")]
    AbsurdDelay(Delay),
    /// A codec of images without an input it applies to.
    #[error(
        "codec `{0}` needs to know which input was an 8-bit image: add {key} NAME=mean,std",
        key = Key::INPUT_U8
    )]
    NoU8Input(Codec),
    /// The same input declared twice.
    #[error("the input `{0}` is declared twice with {key}", key = Key::INPUT_U8)]
    TwiceU8(String),
    /// Text that is not a declaration of an eight-bit input.
    #[error(
        "`{text}` is not NAME=mean,std with numbers, one each or one per channel separated by `:`, \
         such as `image=127.5,127.5`: {problem}"
    )]
    BadU8 {
        /// What was typed.
        text: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// Text that is not a task.
    #[error("`{0}` is not NAME=OUTPUT[,OUTPUT...]")]
    BadTask(String),
    /// Text that is not a floor.
    #[error("`{0}` is not TASK=VALUE with a number in the unit of the task's metric")]
    BadFloor(String),
    /// Text that is not a deadline.
    #[error("`{0}` is not a time, or TASK=TIME, such as `30ms` or `det=30ms`")]
    BadDeadline(String),
    /// Text that is not a weight.
    #[error("`{0}` is not TASK=WEIGHT with a number from 0 to 100000")]
    BadWeight(String),
    /// A limit or an objective without what it depends on.
    #[error("{key}{} needs {}", with_space(.value), .needs)]
    Needs {
        /// The key.
        key: Key,
        /// Its value, where others need nothing.
        value: Option<Objective>,
        /// What is missing.
        needs: Dependence,
    },
    /// Text that is not a capacity.
    #[error("`{0}` is not NAME=AMOUNT with a whole number")]
    BadCapacity(String),
    /// Text that is not something to sweep over.
    #[error("{0}")]
    BadOver(String),
    /// A key that fixes what a sweep varies.
    #[error("{key} {over} varies what {fixed} fixes: drop one of them", key = Key::OVER)]
    Fixed {
        /// What is varied.
        over: SweepParameter,
        /// What fixes it.
        fixed: KeyOf,
    },
    /// The same limit twice.
    #[error("{0} is given twice")]
    Twice(KeyOf),
    /// The file of a scenario cannot be read, or is something else.
    #[error("{path}: {message}")]
    NotAScenario {
        /// The file.
        path: std::path::PathBuf,
        /// What it is, or why it cannot be read.
        message: String,
    },
    /// The file of a scenario cannot be used.
    #[error("{path}: {message}")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong.
        message: String,
    },
}

/// What a key depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Dependence {
    /// How often frames come.
    #[error("a frame rate: add {} 30", Key::from(Quantity::Fps))]
    FrameRate,
    /// Deadlines of tasks.
    #[error("deadlines: add {} TASK=30ms", Key::from(Quantity::Deadline))]
    Deadlines,
}

fn with_space(value: &Option<Objective>) -> String {
    value.map_or_else(String::new, |value| format!(" {value}"))
}

impl Scenario {
    /// The fastest plan over this link, without limits, each tensor sent as it is.
    pub fn over(link: Link) -> Scenario {
        Scenario {
            link,
            percentile: None,
            rate_model: None,
            codecs: vec![Codec::F32],
            measured_codecs: false,
            u8_inputs: Vec::new(),
            results: Results::default(),
            task_results: Vec::new(),
            objective: Objective::default(),
            then: None,
            schedule: Schedule::default(),
            weights: Vec::new(),
            limits: Limits::default(),
            local_inputs: Vec::new(),
            tasks: Vec::new(),
        }
    }
}

impl Results {
    /// Name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Results::Edge => "edge",
            Results::Server => "server",
            Results::Anywhere => "anywhere",
        }
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Results {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Results::Edge, Results::Server, Results::Anywhere]
            .into_iter()
            .find(|r| r.name() == text)
            .ok_or_else(|| {
                format!("results are wanted on `edge`, `server` or `anywhere`, not `{text}`")
            })
    }
}

impl FromStr for U8Input {
    type Err = ScenarioError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |problem| ScenarioError::BadU8 {
            text: text.to_owned(),
            problem,
        };
        // names may hold `=` and `:`, numbers do not
        let (name, numbers) = text.rsplit_once('=').ok_or_else(|| bad("`=` is missing"))?;
        let (mean, std) = numbers
            .split_once(',')
            .ok_or_else(|| bad("the mean and the deviation are separated by `,`"))?;
        let list = |text: &str| -> Option<Vec<f64>> {
            let finite = |part: &str| part.trim().parse().ok().filter(|x: &f64| x.is_finite());
            text.split(':').map(finite).collect()
        };
        let mean = list(mean).ok_or_else(|| bad("the mean is not a number"))?;
        let std = list(std).ok_or_else(|| bad("the deviation is not a number"))?;
        if name.is_empty() {
            return Err(bad("the input's name is missing"));
        }
        if std.iter().any(|s| *s <= 0.0) {
            return Err(bad("a deviation is positive"));
        }
        Ok(U8Input {
            name: name.to_owned(),
            mean,
            std,
        })
    }
}

impl RateRange {
    /// The one rate, unless this is a range.
    pub fn single(self) -> Option<BitRate> {
        (self.from == self.to).then_some(self.from)
    }
}

impl FromStr for RateRange {
    type Err = ParseUnitError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let (from, to) = (from.parse()?, to.parse()?);
        // the order of the two ends says nothing
        Ok(RateRange {
            from: BitRate::min(from, to),
            to: BitRate::max(from, to),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bit_inputs_take_one_value_or_one_per_channel() {
        let input: U8Input = "x:0=123.7:116.3:103.5,58.4:57.1:57.4".parse().unwrap();
        assert_eq!(input.name, "x:0");
        assert_eq!(input.mean, [123.7, 116.3, 103.5]);
        for text in [
            "x", "x=1", "x=1,0", "x=1,-2", "x=a,1", "=1,1", "x=1,inf", "x=,1",
        ] {
            assert!(text.parse::<U8Input>().is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_one_or_a_range() {
        let one: RateRange = "10 Mbit/s".parse().unwrap();
        assert_eq!(one.single().map(BitRate::bit_s), Some(10_000_000));
        let range: RateRange = "1Gbit/s..100kbit/s".parse().unwrap();
        assert_eq!(range.single(), None);
        assert_eq!(range.from.bit_s(), 100_000);
        assert!("0 bit/s..1 Gbit/s".parse::<RateRange>().is_err());
    }
}
