//! What a sweep varies other than the rate: a limit, the delay or the server's speed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Capacity, Deadline, Floor, FrameRate, MaxDrop, ScenarioError, ScenarioSpec};
use cutpoint_core::units::{Bytes, Delay, Energy, Share, Watts, format_exact_ns};

/// What a sweep varies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // named after the flags
pub enum SweepParameter {
    EdgeMemory,
    ServerMemory,
    MaxUplink,
    MaxDownlink,
    MaxMessage,
    MaxEnergy,
    MaxPower,
    LinkShare,
    /// Of one task, or of every task without one of its own.
    Deadline(Option<String>),
    /// Of one task, or of every task without one of its own.
    MaxDrop(Option<String>),
    Floor(String),
    Capacity(String),
    Fps,
    Delay,
    /// How many times as fast as the machine that was measured.
    Speed,
}

/// A range of amounts to sweep over, in whole units: bytes, nanojoules, microwatts, nanoseconds,
/// units of a capacity, millionths of a share or of a metric, thousandths of a frame per second or
/// of a speed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// What is varied.
    pub parameter: SweepParameter,
    /// The least amount.
    pub from: u64,
    /// The largest amount, at least `from`.
    pub to: u64,
}

/// All names on the command line.
const NAMES: &str = "edge-memory, server-memory, max-uplink, max-downlink, max-message, \
    max-energy, max-power, link-share, deadline[:TASK], max-drop[:TASK], floor:TASK, \
    capacity:NAME, fps, delay and speed";

/// Longer than any link needs; keeps multiples of delays exact.
const LONGEST_DELAY_NS: u64 = 60_000_000_000;
const THOUSANDTHS: f64 = 1e3;
const MILLIONTHS: f64 = 1e6;

impl SweepParameter {
    fn named(text: &str) -> Result<SweepParameter, String> {
        let (name, of) = match text.split_once(':') {
            Some((name, of)) => (name, Some(of.to_owned())),
            None => (text, None),
        };
        let of = of.filter(|of| !of.is_empty());
        let needs = |what: &str| of.clone().ok_or_else(|| format!("write {name}:{what}"));
        let parameter = match name {
            "edge-memory" | "memory" => SweepParameter::EdgeMemory,
            "server-memory" => SweepParameter::ServerMemory,
            "max-uplink" => SweepParameter::MaxUplink,
            "max-downlink" => SweepParameter::MaxDownlink,
            "max-message" => SweepParameter::MaxMessage,
            "max-energy" => SweepParameter::MaxEnergy,
            "max-power" => SweepParameter::MaxPower,
            "link-share" => SweepParameter::LinkShare,
            "deadline" => return Ok(SweepParameter::Deadline(of)),
            "max-drop" => return Ok(SweepParameter::MaxDrop(of)),
            "floor" => return needs("TASK").map(SweepParameter::Floor),
            "capacity" => return needs("NAME").map(SweepParameter::Capacity),
            "fps" => SweepParameter::Fps,
            "delay" => SweepParameter::Delay,
            "speed" => SweepParameter::Speed,
            "rate" => return Err("rates are swept over with --rate A..B".to_owned()),
            _ => {
                return Err(format!(
                    "there is no `{name}` to sweep over; there are {NAMES}"
                ));
            }
        };
        match of {
            Some(of) => Err(format!("{name} is not of a task or capacity: drop `:{of}`")),
            None => Ok(parameter),
        }
    }

    /// An amount in whole units, as typed.
    fn read(&self, text: &str) -> Result<u64, String> {
        fn of<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
            text.parse().map_err(|error: T::Err| error.to_string())
        }
        let number = |text: &str, scale: f64, most: f64, what: &str| {
            let value = text.trim().parse::<f64>().ok();
            let value = value.filter(|value| (0.0..=most).contains(value));
            let value = value.map(|value| (value * scale).round() as u64);
            value.ok_or_else(|| format!("`{text}` is not {what}"))
        };
        match self {
            SweepParameter::EdgeMemory
            | SweepParameter::ServerMemory
            | SweepParameter::MaxUplink
            | SweepParameter::MaxDownlink
            | SweepParameter::MaxMessage => of::<Bytes>(text).map(|bytes| bytes.0),
            SweepParameter::MaxEnergy => of::<Energy>(text).map(|energy| energy.0),
            SweepParameter::MaxPower => of::<Watts>(text).map(|power| power.0),
            SweepParameter::LinkShare | SweepParameter::MaxDrop(_) => {
                of::<Share>(text).map(|share| share.0)
            }
            SweepParameter::Deadline(_) => of::<Delay>(text).map(Delay::ns),
            SweepParameter::Delay => match of::<Delay>(text)?.ns() {
                ns if ns > LONGEST_DELAY_NS => Err(format!("`{text}`: at most 60 s each way")),
                ns => Ok(ns),
            },
            SweepParameter::Fps => {
                of::<FrameRate>(text).map(|rate| (rate.fps() * THOUSANDTHS).round() as u64)
            }
            SweepParameter::Floor(_) => {
                number(text, MILLIONTHS, 1e9, "a value of a metric, such as 0.95")
            }
            SweepParameter::Capacity(_) => {
                let whole = text.trim().parse::<u64>().ok();
                let whole = whole.filter(|amount| *amount <= 1 << 52);
                whole.ok_or_else(|| format!("`{text}` is not a whole number"))
            }
            SweepParameter::Speed => {
                let what = "a speed from 0.001x to 1000000x, such as 8x";
                let times = text.trim().strip_suffix('x');
                let times = times.ok_or_else(|| format!("`{text}` is not {what}"))?;
                match number(times, THOUSANDTHS, 1e6, what)? {
                    0 => Err(format!("`{text}` is not {what}")),
                    speed => Ok(speed),
                }
            }
        }
    }

    /// Whether more of it leaves fewer plans, or makes them worse.
    pub fn tightens_upwards(&self) -> bool {
        matches!(
            self,
            SweepParameter::Fps | SweepParameter::Floor(_) | SweepParameter::Delay
        )
    }

    /// The unit of the amounts of [`Over`].
    pub fn unit(&self) -> &'static str {
        match self {
            SweepParameter::EdgeMemory
            | SweepParameter::ServerMemory
            | SweepParameter::MaxUplink
            | SweepParameter::MaxDownlink
            | SweepParameter::MaxMessage => "B",
            SweepParameter::MaxEnergy => "nJ",
            SweepParameter::MaxPower => "uW",
            SweepParameter::LinkShare | SweepParameter::MaxDrop(_) | SweepParameter::Floor(_) => {
                "1e-6"
            }
            SweepParameter::Deadline(_) | SweepParameter::Delay => "ns",
            SweepParameter::Fps => "1e-3/s",
            SweepParameter::Capacity(_) => "1",
            SweepParameter::Speed => "1e-3",
        }
    }

    /// An amount so that it can be typed again.
    pub fn typed(&self, amount: u64) -> String {
        match self {
            SweepParameter::EdgeMemory
            | SweepParameter::ServerMemory
            | SweepParameter::MaxUplink
            | SweepParameter::MaxDownlink
            | SweepParameter::MaxMessage => format!("{amount} B"),
            SweepParameter::MaxEnergy => format!("{amount} nJ"),
            SweepParameter::MaxPower => format!("{amount} uW"),
            SweepParameter::LinkShare | SweepParameter::MaxDrop(_) => Share(amount).to_string(),
            SweepParameter::Deadline(_) | SweepParameter::Delay => format_exact_ns(amount),
            SweepParameter::Fps => format!("{}", amount as f64 / THOUSANDTHS),
            SweepParameter::Floor(_) => format!("{}", amount as f64 / MILLIONTHS),
            SweepParameter::Capacity(_) => amount.to_string(),
            SweepParameter::Speed => format!("{}x", amount as f64 / THOUSANDTHS),
        }
    }
}

/// As it is typed.
impl fmt::Display for SweepParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            SweepParameter::EdgeMemory => "edge-memory",
            SweepParameter::ServerMemory => "server-memory",
            SweepParameter::MaxUplink => "max-uplink",
            SweepParameter::MaxDownlink => "max-downlink",
            SweepParameter::MaxMessage => "max-message",
            SweepParameter::MaxEnergy => "max-energy",
            SweepParameter::MaxPower => "max-power",
            SweepParameter::LinkShare => "link-share",
            SweepParameter::Deadline(Some(task)) => return write!(f, "deadline:{task}"),
            SweepParameter::Deadline(None) => "deadline",
            SweepParameter::MaxDrop(Some(task)) => return write!(f, "max-drop:{task}"),
            SweepParameter::MaxDrop(None) => "max-drop",
            SweepParameter::Floor(task) => return write!(f, "floor:{task}"),
            SweepParameter::Capacity(name) => return write!(f, "capacity:{name}"),
            SweepParameter::Fps => "fps",
            SweepParameter::Delay => "delay",
            SweepParameter::Speed => "speed",
        };
        f.pad(name)
    }
}

/// `WHAT=A..B`; names may hold `=`, amounts do not. The order of the two ends says nothing.
impl FromStr for Over {
    type Err = ScenarioError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = ScenarioError::BadOver;
        let form = || bad("write WHAT=FROM..TO, such as edge-memory=1MiB..64MiB".to_owned());
        let (what, range) = text.rsplit_once('=').ok_or_else(form)?;
        let parameter = SweepParameter::named(what).map_err(bad)?;
        let (one, other) = range.split_once("..").ok_or_else(form)?;
        let (one, other) = (
            parameter.read(one).map_err(bad)?,
            parameter.read(other).map_err(bad)?,
        );
        Ok(Over {
            parameter,
            from: one.min(other),
            to: one.max(other),
        })
    }
}

impl Over {
    /// The amount that leaves most plans.
    pub fn loosest(&self) -> u64 {
        self.amount(self.steps())
    }

    /// How many amounts there are but for one.
    pub fn steps(&self) -> u64 {
        self.to - self.from
    }

    /// The amount some steps from the tightest.
    pub fn amount(&self, steps: u64) -> u64 {
        if self.parameter.tightens_upwards() {
            self.to.saturating_sub(steps)
        } else {
            self.from.saturating_add(steps)
        }
    }

    /// The frame rate of an amount of [`SweepParameter::Fps`].
    pub fn frame_rate(amount: u64) -> Option<FrameRate> {
        FrameRate::new(amount as f64 / THOUSANDTHS)
    }

    /// The metric of an amount of [`SweepParameter::Floor`].
    pub fn metric(amount: u64) -> f64 {
        amount as f64 / MILLIONTHS
    }

    /// These wishes with what is varied at its loosest.
    ///
    /// # Errors
    /// [`ScenarioError::Fixed`].
    pub fn wish(&self, mut wishes: ScenarioSpec) -> Result<ScenarioSpec, ScenarioError> {
        let amount = self.loosest();
        let time = Delay(Duration::from_nanos(amount));
        let is_new = match &self.parameter {
            SweepParameter::EdgeMemory => wishes.edge_memory.replace(Bytes(amount)).is_none(),
            SweepParameter::ServerMemory => wishes.server_memory.replace(Bytes(amount)).is_none(),
            SweepParameter::MaxUplink => wishes.max_uplink.replace(Bytes(amount)).is_none(),
            SweepParameter::MaxDownlink => wishes.max_downlink.replace(Bytes(amount)).is_none(),
            SweepParameter::MaxMessage => wishes.max_message.replace(Bytes(amount)).is_none(),
            SweepParameter::MaxEnergy => wishes.max_energy.replace(Energy(amount)).is_none(),
            SweepParameter::MaxPower => wishes.max_power.replace(Watts(amount)).is_none(),
            SweepParameter::LinkShare => wishes.link_share.replace(Share(amount)).is_none(),
            SweepParameter::Deadline(task) => {
                let fixed = wishes.deadline.iter().any(|known| known.task == *task);
                wishes.deadline.push(Deadline {
                    task: task.clone(),
                    most: time,
                });
                !fixed
            }
            SweepParameter::MaxDrop(task) => {
                let fixed = wishes.max_drop.iter().any(|known| known.task == *task);
                wishes.max_drop.push(MaxDrop {
                    task: task.clone(),
                    most: Share(amount),
                });
                !fixed
            }
            SweepParameter::Floor(task) => {
                let fixed = wishes.floor.iter().any(|known| known.task == *task);
                wishes.floor.push(Floor {
                    task: task.clone(),
                    value: Over::metric(amount),
                });
                !fixed
            }
            SweepParameter::Capacity(name) => {
                let fixed = wishes.capacity.iter().any(|known| known.name == *name);
                wishes.capacity.push(Capacity {
                    name: name.clone(),
                    most: amount,
                });
                !fixed
            }
            SweepParameter::Fps => {
                let fixed = wishes.fps.is_some();
                wishes.fps = Over::frame_rate(amount);
                !fixed
            }
            SweepParameter::Delay => wishes.delay.replace(time).is_none(),
            SweepParameter::Speed => true,
        };
        let over = self.parameter.to_string();
        if is_new {
            Ok(wishes)
        } else {
            Err(ScenarioError::Fixed {
                flag: over.replacen(':', " ", 1),
                over,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_read_in_either_order_and_type_again() {
        for (text, from, to) in [
            ("edge-memory=64MiB..1MiB", 1 << 20, 64 << 20),
            ("delay=0ms..100 ms", 0, 100_000_000),
            ("deadline:a=b=1ms..2ms", 1_000_000, 2_000_000),
            ("max-drop=0%..1.5%", 0, 15_000),
            ("floor:size=0.9..0.95", 900_000, 950_000),
            ("capacity:BRAM=0..140", 0, 140),
            ("fps=0.5..30", 500, 30_000),
            ("speed=64x..1x", 1_000, 64_000),
            ("max-energy=1nJ..5mJ", 1, 5_000_000),
            ("max-power=1uW..2W", 1, 2_000_000),
            ("link-share=1%..100%", 10_000, 1_000_000),
        ] {
            let over: Over = text.parse().unwrap();
            assert_eq!((over.from, over.to), (from, to), "{text}");
            let typed = [from, to].map(|amount| over.parameter.typed(amount));
            let again = format!("{}={}..{}", over.parameter, typed[0], typed[1]);
            assert_eq!(again.parse::<Over>().unwrap(), over, "{again}");
        }
    }

    #[test]
    fn what_is_no_range_of_amounts_is_refused() {
        for (text, says) in [
            ("edge-memory", "WHAT=FROM..TO"),
            ("edge-memory=1MiB", "WHAT=FROM..TO"),
            ("edge-memory=1..64", "unit must be one of"),
            ("ram=1MiB..2MiB", "edge-memory, server-memory"),
            ("rate=1Mbit/s..2Mbit/s", "--rate A..B"),
            ("delay=1..2", "unit"),
            ("delay=0s..2min", "60 s"),
            ("floor=0.1..0.2", "floor:TASK"),
            ("fps:a=1..2", "drop `:a`"),
            ("speed=1..8", "8x"),
            ("speed=0x..8x", "8x"),
            ("capacity:A=1..x", "whole number"),
        ] {
            let error = text.parse::<Over>().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_fixed_limit_and_its_sweep_contradict() {
        let fixed = || ScenarioSpec {
            fps: FrameRate::new(30.0),
            deadline: vec!["a=1ms".parse().unwrap()],
            ..ScenarioSpec::default()
        };
        for (text, refused) in [
            ("fps=1..2", true),
            ("deadline:a=1ms..2ms", true),
            ("deadline=1ms..2ms", false),
            ("edge-memory=1B..2B", false),
        ] {
            let wished = text.parse::<Over>().unwrap().wish(fixed());
            assert_eq!(wished.is_err(), refused, "{text}");
        }
    }
}
