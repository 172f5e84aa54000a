//! Values of a spec in files: the text that a person types, which reads back as the same value.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    Capacity, Deadline, Floor, FrameRate, MaxDrop, Objective, RateRange, ScenarioError, Schedule,
    TaskResults, U8Input, Weight,
};
use cutpoint_core::task::Task;
use cutpoint_core::units::{BitRate, Bytes, Delay, Energy, Share, Watts};

/// Something that a person types as one word.
pub(super) trait Typed {
    /// Returns the word, which reads back as the same thing.
    fn typed(&self) -> String;
}

macro_rules! typed {
    ($($kind:ty: $typed:expr;)*) => {$(
        impl Typed for $kind {
            fn typed(&self) -> String {
                $typed(self)
            }
        }
    )*};
}
typed! {
    Bytes: |size: &Bytes| Bytes::typed(*size);
    BitRate: |rate: &BitRate| BitRate::typed(*rate);
    Delay: |delay: &Delay| Delay::typed(*delay);
    Energy: |energy: &Energy| Energy::typed(*energy);
    Watts: |power: &Watts| Watts::typed(*power);
    // these print exactly
    Share: ToString::to_string;
    Objective: ToString::to_string;
    Schedule: ToString::to_string;
    TaskResults: ToString::to_string;
    Weight: ToString::to_string;
    MaxDrop: |drop: &MaxDrop| of_task(drop.task.as_deref(), drop.most.to_string());
    Deadline: |deadline: &Deadline| of_task(deadline.task.as_deref(), deadline.most.typed());
    Floor: |floor: &Floor| format!("{}={}", floor.task, floor.value);
    Task: |task: &Task| format!("{}={}", task.name, task.outputs.join(","));
}

fn of_task(task: Option<&str>, value: String) -> String {
    match task {
        Some(task) => format!("{task}={value}"),
        None => value,
    }
}

impl Typed for RateRange {
    fn typed(&self) -> String {
        match self.single() {
            Some(rate) => rate.typed(),
            None => format!("{}..{}", self.from.typed(), self.to.typed()),
        }
    }
}

impl Typed for U8Input {
    fn typed(&self) -> String {
        let list = |values: &[f64]| {
            let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
            texts.join(":")
        };
        format!("{}={},{}", self.name, list(&self.mean), list(&self.std))
    }
}

/// The planner's own types are text in files; those of other crates have forms of their own there,
/// and [`text`] makes them text in a spec.
macro_rules! text_in_files {
    ($($kind:ty)*) => {$(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.typed())
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                read(&String::deserialize(from)?)
            }
        }
    )*};
}
text_in_files! {
    RateRange Objective Schedule TaskResults Weight MaxDrop Deadline Floor U8Input
}

impl Serialize for FrameRate {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.fps().serialize(to)
    }
}

fn read<T: FromStr<Err: fmt::Display>, E: serde::de::Error>(text: &str) -> Result<T, E> {
    text.parse().map_err(E::custom)
}

/// An optional value of another crate's type.
pub(super) mod text {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(
        value: &Option<impl Typed>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Typed::typed).serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
    where
        D: Deserializer<'de>,
        T: FromStr<Err: fmt::Display>,
    {
        read(&String::deserialize(from)?).map(Some)
    }
}

/// Tasks, each a text.
pub(super) mod tasks {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(
        tasks: &[Task],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(tasks.iter().map(Typed::typed))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Task>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        let task = |text: &String| parse_task(text).map_err(serde::de::Error::custom);
        texts.iter().map(task).collect()
    }
}

/// Capacities, a table from names to amounts.
pub(super) mod capacities {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(
        capacities: &[Capacity],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_map(capacities.iter().map(|c| (&c.name, c.most)))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Capacity>, D::Error> {
        let table = BTreeMap::<String, u64>::deserialize(from)?;
        let capacity = |(name, most)| Capacity { name, most };
        Ok(table.into_iter().map(capacity).collect())
    }
}

/// Reads a value, or a list of values.
pub(super) fn one_or_more<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        One(String),
        More(Vec<String>),
    }
    let texts = match Texts::deserialize(from)? {
        Texts::One(text) => vec![text],
        Texts::More(texts) => texts,
    };
    texts.iter().map(|text| read(text)).collect()
}

/// Reads `NAME=OUTPUT[,OUTPUT...]`.
///
/// # Errors
/// [`ScenarioError::BadTask`].
pub fn parse_task(text: &str) -> Result<Task, ScenarioError> {
    let bad = || ScenarioError::BadTask(text.to_owned());
    let (name, outputs) = text.split_once('=').ok_or_else(bad)?;
    let outputs: Vec<String> = outputs.split(',').map(str::to_owned).collect();
    if name.is_empty() || outputs.iter().any(String::is_empty) {
        return Err(bad());
    }
    Ok(Task {
        name: name.to_owned(),
        outputs,
    })
}

/// `NAME=AMOUNT`.
impl FromStr for Capacity {
    type Err = ScenarioError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ScenarioError::BadCapacity(text.to_owned());
        let (name, most) = text.rsplit_once('=').ok_or_else(bad)?;
        let most = most.trim().parse().map_err(|_| bad())?;
        if name.is_empty() {
            Err(bad())
        } else {
            Ok(Capacity {
                name: name.to_owned(),
                most,
            })
        }
    }
}
