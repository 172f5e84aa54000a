//! What a plan is to be best at, and what the tasks are worth.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::{Results, ScenarioError};
use cutpoint_core::units::Delay;

/// What is to be as small as possible.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Objective {
    /// The time until the last task is done.
    #[default]
    Latency,
    /// The sum of the tasks' times, each multiplied by its weight.
    Weighted,
    /// The largest time by which a task misses its deadline; below zero when all meet theirs.
    Lateness,
    /// What the edge spends on one inference.
    Energy,
    /// The time between frames when inferences overlap: the busiest of edge, link and server.
    Throughput,
    /// Encoded payload from edge to server.
    Uplink,
    /// The time that the edge is busy.
    EdgeTime,
}

/// When the edge computes what it keeps.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// All of it before anything is sent.
    #[default]
    Sequential,
    /// What is sent first; heads that stay run while link and server work.
    Overlap,
}

/// The latest time at which a task may be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// The task; `None` for every task without one of its own.
    pub task: Option<String>,
    /// From the input on the edge.
    pub most: Delay,
}

/// What a task's time counts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weight {
    /// The task.
    pub task: String,
    /// In thousandths; tasks without a weight count for one.
    pub thousandths: u32,
}

/// Where the results of a task are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskResults {
    /// The task; `None` for every task without a side of its own.
    pub task: Option<String>,
    /// The side.
    pub at: Results,
}

/// Frames per second, in thousandths; never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FrameRate(u64);

const THOUSAND_SECONDS_NS: u64 = 1_000_000_000_000;

/// The largest weight: sums of weighted times stay exact.
const LARGEST_WEIGHT: f64 = 1e5;

impl Objective {
    /// All, in the order of their names on the command line.
    pub const ALL: [Objective; 7] = [
        Objective::Latency,
        Objective::Weighted,
        Objective::Lateness,
        Objective::Energy,
        Objective::Throughput,
        Objective::Uplink,
        Objective::EdgeTime,
    ];

    /// Name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Objective::Latency => "latency",
            Objective::Weighted => "weighted",
            Objective::Lateness => "lateness",
            Objective::Energy => "energy",
            Objective::Throughput => "throughput",
            Objective::Uplink => "uplink",
            Objective::EdgeTime => "edge-time",
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Objective {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Objective::ALL.into_iter();
        all.find(|o| o.name() == text).ok_or_else(|| {
            let names = Objective::ALL.map(Objective::name).join(", ");
            format!("`{text}` is no objective; there are {names}")
        })
    }
}

impl Schedule {
    /// Name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Schedule::Sequential => "sequential",
            Schedule::Overlap => "overlap",
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Schedule {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "sequential" => Ok(Schedule::Sequential),
            "overlap" => Ok(Schedule::Overlap),
            _ => Err(format!(
                "`{text}` is no schedule; there are sequential and overlap"
            )),
        }
    }
}

/// `[TASK=]VALUE`; names may hold `=`, values do not.
fn of_task(text: &str) -> (Option<String>, &str) {
    match text.rsplit_once('=') {
        Some((task, value)) => (Some(task.to_owned()), value),
        None => (None, text),
    }
}

impl FromStr for Deadline {
    type Err = ScenarioError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (task, most) = of_task(text);
        let bad = || ScenarioError::BadDeadline(text.to_owned());
        let most = most.parse().map_err(|_| bad())?;
        if task.as_deref() == Some("") {
            Err(bad())
        } else {
            Ok(Deadline { task, most })
        }
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.task {
            Some(task) => write!(f, "{task}={}", self.most),
            None => self.most.fmt(f),
        }
    }
}

impl FromStr for Weight {
    type Err = ScenarioError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ScenarioError::BadWeight(text.to_owned());
        let (Some(task), value) = of_task(text) else {
            return Err(bad());
        };
        let value: f64 = value.trim().parse().map_err(|_| bad())?;
        if !task.is_empty() && (0.0..=LARGEST_WEIGHT).contains(&value) {
            Ok(Weight {
                task,
                thousandths: (value * 1e3).round() as u32,
            })
        } else {
            Err(bad())
        }
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.task, f64::from(self.thousandths) / 1e3)
    }
}

impl FromStr for TaskResults {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (task, at) = of_task(text);
        Ok(TaskResults {
            task,
            at: at.parse()?,
        })
    }
}

impl fmt::Display for TaskResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.task {
            Some(task) => write!(f, "{task}={}", self.at),
            None => self.at.fmt(f),
        }
    }
}

impl FrameRate {
    /// Between one frame in a thousand seconds and a million a second.
    pub fn new(fps: f64) -> Option<FrameRate> {
        let sensible = (1e-3..=1e6).contains(&fps);
        sensible.then(|| FrameRate((fps * 1e3).round() as u64))
    }

    /// The fastest rate that leaves this long between two frames; `None` when that is slower than
    /// one frame in a thousand seconds.
    pub fn of_period(period_ns: u64) -> Option<FrameRate> {
        let thousandths = THOUSAND_SECONDS_NS / period_ns.max(1_000);
        (thousandths > 0).then_some(FrameRate(thousandths))
    }

    /// Frames per second.
    pub fn fps(self) -> f64 {
        self.0 as f64 / 1e3
    }

    /// Time between two frames, rounded down to whole nanoseconds.
    pub fn period_ns(self) -> u64 {
        THOUSAND_SECONDS_NS / self.0
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fps().fmt(f)
    }
}

const NO_FRAME_RATE: &str = "a frame rate is a number from 0.001 to 1000000, in frames per second";

impl FromStr for FrameRate {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fps = text.trim().parse().ok().and_then(FrameRate::new);
        fps.ok_or_else(|| format!("`{text}`: {NO_FRAME_RATE}"))
    }
}

impl<'de> Deserialize<'de> for FrameRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fps = f64::deserialize(deserializer)?;
        FrameRate::new(fps).ok_or_else(|| serde::de::Error::custom(NO_FRAME_RATE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_tasks_read_back_what_they_print() {
        for text in ["det=30 ms", "30 ms", "a=b=1 s"] {
            assert_eq!(text.parse::<Deadline>().unwrap().to_string(), text);
        }
        for text in ["edge", "det=server"] {
            assert_eq!(text.parse::<TaskResults>().unwrap().to_string(), text);
        }
        assert_eq!("a=0.5".parse::<Weight>().unwrap().thousandths, 500);
        for text in ["det=30", "=1 ms", "det=", ""] {
            assert!(text.parse::<Deadline>().is_err(), "{text}");
        }
        for text in ["2", "=2", "a=-1", "a=nan", "a=1e9"] {
            assert!(text.parse::<Weight>().is_err(), "{text}");
        }
    }

    #[test]
    fn frame_rates_give_periods() {
        let rate: FrameRate = "30".parse().unwrap();
        assert_eq!(rate.period_ns(), 33_333_333);
        assert_eq!(FrameRate::of_period(33_333_333), Some(rate));
        for period in [1_000_000, 33_333_334, 328_934_400, 999_999_999_999] {
            let rate = FrameRate::of_period(period).unwrap();
            assert!(rate.period_ns() >= period, "{period}");
            assert!(FrameRate(rate.0 + 1).period_ns() < period, "{period}");
        }
        assert_eq!(FrameRate::of_period(1_000_000_000_001), None);
        for text in ["0", "-1", "nan", "1e9", "30fps"] {
            assert!(text.parse::<FrameRate>().is_err(), "{text}");
        }
    }
}
