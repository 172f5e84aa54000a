//! What a sweep varies other than the rate: a limit, the delay or the server's speed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{
    Capacity, Deadline, Floor, FrameRate, Key, KeyOf, MaxDrop, ScenarioError, ScenarioSpec,
};
use cutpoint_core::plan::Unit;
use cutpoint_core::quantity::{Quantity, Scope};
use cutpoint_core::units::{Bytes, Delay, Energy, Share, Watts, format_exact_ns};

/// What a sweep varies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepParameter {
    /// A quantity with a unit.
    pub quantity: Quantity,
    /// The task or capacity; `None` for the whole plan, or for every task without an amount of its
    /// own.
    pub of: Option<String>,
}

/// A range of amounts to sweep over, in whole units; see [`SweepParameter::unit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterRange {
    /// What is varied.
    pub parameter: SweepParameter,
    /// The least amount.
    pub from: u64,
    /// The largest amount, at least `from`.
    pub to: u64,
}

/// Longer than any link needs; keeps multiples of delays exact.
const LONGEST_DELAY_NS: u64 = 60_000_000_000;
const THOUSANDTHS: f64 = 1e3;
const MILLIONTHS: f64 = 1e6;

impl From<Quantity> for SweepParameter {
    fn from(quantity: Quantity) -> SweepParameter {
        SweepParameter { quantity, of: None }
    }
}

impl SweepParameter {
    fn named(text: &str) -> Result<SweepParameter, String> {
        let (name, of) = match text.split_once(':') {
            Some((name, of)) => (name, Some(of.to_owned()).filter(|of| !of.is_empty())),
            None => (text, None),
        };
        let quantity = match name {
            "memory" => Some(Quantity::EdgeMemory),
            "rate" => return Err(format!("rates are swept over with {} A..B", Key::RATE)),
            _ => Quantity::named(name).filter(|quantity| quantity.unit().is_some()),
        };
        let Some(quantity) = quantity else {
            let names = names();
            return Err(format!(
                "there is no `{name}` to sweep over; there are {names}"
            ));
        };
        match (quantity.scope(), &of) {
            (Scope::Plan | Scope::Layer, Some(of)) => {
                Err(format!("{name} is not of a task or capacity: drop `:{of}`"))
            }
            (Scope::Task, None) => Err(format!("write {name}:TASK")),
            (Scope::Capacity, None) => Err(format!("write {name}:NAME")),
            _ => Ok(SweepParameter { quantity, of }),
        }
    }

    /// Reads an amount in whole units, as typed.
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
        match self.unit() {
            Unit::Byte => of::<Bytes>(text).map(|bytes| bytes.0),
            Unit::Nanojoule => of::<Energy>(text).map(|energy| energy.0),
            Unit::Microwatt => of::<Watts>(text).map(|power| power.0),
            Unit::Millionth => of::<Share>(text).map(|share| share.0),
            Unit::Nanosecond => match of::<Delay>(text)?.ns() {
                ns if self.quantity == Quantity::Delay && ns > LONGEST_DELAY_NS => {
                    Err(format!("`{text}`: at most 60 s each way"))
                }
                ns => Ok(ns),
            },
            Unit::FrameRate => {
                of::<FrameRate>(text).map(|rate| (rate.fps() * THOUSANDTHS).round() as u64)
            }
            Unit::Metric => number(text, MILLIONTHS, 1e9, "a value of a metric, such as 0.95"),
            Unit::Speed => {
                let what = "a speed from 0.001x to 1000000x, such as 8x";
                let times = text.trim().strip_suffix('x');
                let times = times.ok_or_else(|| format!("`{text}` is not {what}"))?;
                match number(times, THOUSANDTHS, 1e6, what)? {
                    0 => Err(format!("`{text}` is not {what}")),
                    speed => Ok(speed),
                }
            }
            Unit::Unit | Unit::BitPerSecond | Unit::Permille => {
                let whole = text.trim().parse::<u64>().ok();
                let whole = whole.filter(|amount| *amount <= 1 << 52);
                whole.ok_or_else(|| format!("`{text}` is not a whole number"))
            }
        }
    }

    /// Whether more of it leaves fewer plans, or makes them worse.
    pub fn tightens_upwards(&self) -> bool {
        self.quantity.tightens_upwards()
    }

    /// Returns the unit of the amounts of [`ParameterRange`].
    pub fn unit(&self) -> Unit {
        self.quantity.unit().unwrap_or(Unit::Unit)
    }

    /// Returns an amount so that it can be typed again.
    pub fn typed(&self, amount: u64) -> String {
        match self.unit() {
            unit @ (Unit::Byte | Unit::Nanojoule | Unit::Microwatt) => {
                format!("{amount} {}", unit.symbol())
            }
            Unit::Millionth => Share(amount).to_string(),
            Unit::Nanosecond => format_exact_ns(amount),
            Unit::FrameRate => format!("{}", amount as f64 / THOUSANDTHS),
            Unit::Metric => format!("{}", amount as f64 / MILLIONTHS),
            Unit::Speed => format!("{}x", amount as f64 / THOUSANDTHS),
            Unit::Unit | Unit::BitPerSecond | Unit::Permille => amount.to_string(),
        }
    }
}

/// All quantities that can be swept over, as they are typed.
fn names() -> String {
    let swept = Quantity::ALL
        .iter()
        .filter(|quantity| quantity.unit().is_some());
    let name = |quantity: &Quantity| match quantity.scope() {
        Scope::Tasks => format!("{quantity}[:TASK]"),
        Scope::Task => format!("{quantity}:TASK"),
        Scope::Capacity => format!("{quantity}:NAME"),
        Scope::Plan | Scope::Layer => quantity.to_string(),
    };
    let names: Vec<String> = swept.map(name).collect();
    match names.split_last() {
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// As it is typed.
impl fmt::Display for SweepParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            Some(of) => write!(f, "{}:{of}", self.quantity),
            None => self.quantity.fmt(f),
        }
    }
}

/// `WHAT=A..B`; names may hold `=`, amounts do not. The order of the two ends says nothing.
impl FromStr for ParameterRange {
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
        Ok(ParameterRange {
            parameter,
            from: one.min(other),
            to: one.max(other),
        })
    }
}

impl ParameterRange {
    /// Returns the amount that leaves most plans.
    pub fn loosest(&self) -> u64 {
        self.amount(self.steps())
    }

    /// Returns how many amounts there are but for one.
    pub fn steps(&self) -> u64 {
        self.to - self.from
    }

    /// Returns the amount some steps from the tightest.
    pub fn amount(&self, steps: u64) -> u64 {
        if self.parameter.tightens_upwards() {
            self.to.saturating_sub(steps)
        } else {
            self.from.saturating_add(steps)
        }
    }

    /// Returns the frame rate of an amount of [`Quantity::Fps`].
    pub fn frame_rate(amount: u64) -> Option<FrameRate> {
        FrameRate::new(amount as f64 / THOUSANDTHS)
    }

    /// Returns the metric of an amount of [`Quantity::Floor`].
    pub fn metric(amount: u64) -> f64 {
        amount as f64 / MILLIONTHS
    }

    /// Returns the spec with what is varied at its loosest.
    ///
    /// # Errors
    /// [`ScenarioError::Fixed`].
    pub fn loosened(&self, mut spec: ScenarioSpec) -> Result<ScenarioSpec, ScenarioError> {
        let SweepParameter { quantity, of } = &self.parameter;
        let amount = self.loosest();
        if spec.is_fixed(*quantity, of.as_deref()) {
            return Err(ScenarioError::Fixed {
                over: self.parameter.clone(),
                fixed: KeyOf {
                    key: (*quantity).into(),
                    of: of.clone(),
                },
            });
        }
        let name = || of.clone().unwrap_or_default();
        match quantity {
            Quantity::Deadline => spec.deadline.push(Deadline {
                task: of.clone(),
                most: Delay(Duration::from_nanos(amount)),
            }),
            Quantity::MaxDrop => spec.max_drop.push(MaxDrop {
                task: of.clone(),
                most: Share(amount),
            }),
            Quantity::Floor => spec.floor.push(Floor {
                task: name(),
                value: ParameterRange::metric(amount),
            }),
            Quantity::Capacity => spec.capacity.push(Capacity {
                name: name(),
                most: amount,
            }),
            quantity => {
                if let Some(key) = spec.amount(*quantity) {
                    key.set(amount);
                }
            }
        }
        Ok(spec)
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
            let range: ParameterRange = text.parse().unwrap();
            assert_eq!((range.from, range.to), (from, to), "{text}");
            let typed = [from, to].map(|amount| range.parameter.typed(amount));
            let again = format!("{}={}..{}", range.parameter, typed[0], typed[1]);
            assert_eq!(again.parse::<ParameterRange>().unwrap(), range, "{again}");
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
            let error = text.parse::<ParameterRange>().unwrap_err().to_string();
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
            let loosened = text.parse::<ParameterRange>().unwrap().loosened(fixed());
            assert_eq!(loosened.is_err(), refused, "{text}");
        }
    }
}
