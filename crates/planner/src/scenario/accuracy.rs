//! How much accuracy a plan may cost.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr;

use super::{KeyOf, ScenarioError};
use cutpoint_core::codec_accuracy::Confidence;
use cutpoint_core::quantity::Quantity;
use cutpoint_core::units::{ParseUnitError, Share};

/// What encodings may cost the tasks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccuracyLimits {
    /// Largest drops; one of a task wins over the one of all tasks.
    pub drops: Vec<MaxDrop>,
    /// Worst values of the metrics.
    pub floors: Vec<Floor>,
    /// How sure the limits are to hold.
    pub confidence: Confidence,
    /// Per task, the metric that drops count from, when models are compared: that of the best whole
    /// model. Drops count from the model's own where there is none.
    pub best: BTreeMap<String, f64>,
}

/// The largest drop of a task, as in [`cutpoint_core::codec_accuracy::TaskDrop`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaxDrop {
    /// The task; `None` for every task.
    pub task: Option<String>,
    /// Points of the metric, or, when less of it is better, a share of the whole model's error.
    pub most: Share,
}

/// The worst value of a task's metric that is good enough: its least, or, when less of it is
/// better, its largest. It is held against the whole model's value, taken as measured, after the
/// pessimistic drop: the confidence speaks of what encodings cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Floor {
    /// The task.
    pub task: String,
    /// In the unit of the task's metric.
    pub value: f64,
}

impl AccuracyLimits {
    /// Whether anything is limited.
    pub fn any(&self) -> bool {
        !self.drops.is_empty() || !self.floors.is_empty()
    }

    /// The largest drop that was stated for a task.
    pub fn drop_of(&self, task: &str) -> Option<Share> {
        let of = |name: Option<&str>| {
            let mut drops = self.drops.iter();
            drops.find(|drop| drop.task.as_deref() == name)
        };
        of(Some(task)).or_else(|| of(None)).map(|drop| drop.most)
    }

    /// # Errors
    /// [`ScenarioError::Twice`].
    pub(super) fn check(&self) -> Result<(), ScenarioError> {
        let key_of = |quantity: Quantity, of: Option<&String>| KeyOf {
            key: quantity.into(),
            of: of.cloned(),
        };
        let drops = self.drops.iter();
        let drops = drops.map(|drop| key_of(Quantity::MaxDrop, drop.task.as_ref()));
        let floors = self.floors.iter();
        let floors = floors.map(|floor| key_of(Quantity::Floor, Some(&floor.task)));
        let mut seen = HashSet::new();
        match drops.chain(floors).find(|key| !seen.insert(key.clone())) {
            Some(key) => Err(ScenarioError::Twice(key)),
            None => Ok(()),
        }
    }
}

/// `1%` or `TASK=1%`.
impl FromStr for MaxDrop {
    type Err = ParseUnitError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // names may hold `=`, shares do not
        let (task, share) = match text.rsplit_once('=') {
            Some((task, share)) => (Some(task.to_owned()), share),
            None => (None, text),
        };
        Ok(MaxDrop {
            task,
            most: share.parse()?,
        })
    }
}

/// `TASK=VALUE`.
impl FromStr for Floor {
    type Err = ScenarioError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ScenarioError::BadFloor(text.to_owned());
        let (task, value) = text.rsplit_once('=').ok_or_else(bad)?;
        let value: f64 = value.trim().parse().map_err(|_| bad())?;
        let sensible = value.is_finite() && value.abs() < 1e9;
        if task.is_empty() || !sensible {
            Err(bad())
        } else {
            Ok(Floor {
                task: task.to_owned(),
                value,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drop_of_a_task_wins_over_that_of_all() {
        let limits = AccuracyLimits {
            drops: ["1%", "a=b=0.5%"].map(|t| t.parse().unwrap()).to_vec(),
            ..AccuracyLimits::default()
        };
        assert_eq!(limits.drop_of("a=b"), Some(Share(5_000)));
        assert_eq!(limits.drop_of("other"), Some(Share(10_000)));
        assert!(limits.check().is_ok());
        let twice = AccuracyLimits {
            drops: ["a=1%", "a=2%"].map(|t| t.parse().unwrap()).to_vec(),
            ..AccuracyLimits::default()
        };
        let error = twice.check().unwrap_err().to_string();
        assert_eq!(error, "--max-drop a is given twice");
    }

    #[test]
    fn drops_without_a_sign_and_floors_without_a_number_are_refused() {
        for text in ["0.01", "a=0.01", "a=", "-1%"] {
            assert!(text.parse::<MaxDrop>().is_err(), "{text}");
        }
        for text in ["0.9", "=0.9", "a=", "a=nan", "a=90%", "a=inf"] {
            assert!(text.parse::<Floor>().is_err(), "{text}");
        }
        assert_eq!("size=0.95".parse::<Floor>().unwrap().value, 0.95);
    }
}
