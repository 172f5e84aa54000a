//! Limits that contradict one another, and how far each has to give.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::quantity::Quantity;

/// The name of one limit of a scenario: `edge-memory`, `max-drop class`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LimitName {
    /// What is limited.
    pub quantity: Quantity,
    /// The layer, task or capacity whose amount is limited; `None` for that of the whole plan.
    pub of: Option<String>,
}

/// A limit that takes part in a contradiction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "ConflictRecord", into = "ConflictRecord")]
pub struct Conflict {
    /// The limit.
    pub limit: LimitName,
    /// What it allows, and what it would have to.
    pub amounts: Amounts,
    /// Where this limit alone cannot help: the least that any plan needs, whatever the other
    /// limits, human-readable.
    pub possible: Option<String>,
}

/// What a limit allows, and the least it would have to allow with all other limits kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Amounts {
    /// The limit has no amount.
    None,
    /// Of a limit on a size, in bytes.
    Bytes(Allowance<u64>),
    /// Of a named capacity, in its units.
    Units(Allowance<u64>),
    /// Of a limit on accuracy.
    Drop {
        /// The share of its accuracy that a task may lose; what is allowed is below zero when the
        /// whole model misses the limit.
        drop: Allowance<f64>,
        /// The same as a value of the task's metric; `None` when the whole model's is not known.
        metric: Option<MetricAllowance>,
    },
    /// Of any other limit with an amount, human-readable.
    Text(Allowance<String>),
}

/// An amount of a limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Allowance<T> {
    /// What the limit allows.
    pub allows: T,
    /// The least it would have to allow; `None` when this limit alone cannot help.
    pub least: Option<T>,
}

impl<T> Allowance<T> {
    /// Returns both amounts in another unit.
    pub fn map<U>(self, unit: impl Fn(T) -> U) -> Allowance<U> {
        Allowance {
            allows: unit(self.allows),
            least: self.least.map(unit),
        }
    }
}

/// What a limit on accuracy asks of a task's metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricAllowance {
    /// Name of the metric.
    pub name: String,
    /// The worst value that is allowed.
    pub allows: f64,
    /// The best value, pessimistically, that is reachable with all other limits kept; `None` when
    /// none is.
    pub best: Option<f64>,
}

/// A [`Conflict`] as it stands in files: a key for each amount.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConflictRecord {
    limit: LimitName,
    allows_bytes: Option<u64>,
    least_bytes: Option<u64>,
    allows_drop: Option<f64>,
    least_drop: Option<f64>,
    metric: Option<String>,
    allows_metric: Option<f64>,
    best_metric: Option<f64>,
    allows: Option<String>,
    least: Option<String>,
    possible: Option<String>,
    allows_units: Option<u64>,
    least_units: Option<u64>,
}

impl Amounts {
    /// Returns the size that the limit would have to allow, in bytes.
    pub fn least_bytes(&self) -> Option<u64> {
        match self {
            Amounts::Bytes(bytes) => bytes.least,
            _ => None,
        }
    }

    /// Returns the units of a capacity that the limit would have to allow.
    pub fn least_units(&self) -> Option<u64> {
        match self {
            Amounts::Units(units) => units.least,
            _ => None,
        }
    }

    /// Returns the share of its accuracy that the task would have to be allowed to lose.
    pub fn least_drop(&self) -> Option<f64> {
        match self {
            Amounts::Drop { drop, .. } => drop.least,
            _ => None,
        }
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            Some(of) => write!(f, "{} {of}", self.quantity),
            None => self.quantity.fmt(f),
        }
    }
}

impl FromStr for LimitName {
    type Err = String;

    fn from_str(text: &str) -> Result<LimitName, String> {
        let (name, of) = match text.split_once(' ') {
            Some((name, of)) => (name, Some(of.to_owned())),
            None => (text, None),
        };
        let quantity = Quantity::named(name);
        let quantity = quantity.ok_or_else(|| format!("`{text}` is not the name of a limit"))?;
        Ok(LimitName { quantity, of })
    }
}

impl TryFrom<String> for LimitName {
    type Error = String;

    fn try_from(text: String) -> Result<LimitName, String> {
        text.parse()
    }
}

impl From<LimitName> for String {
    fn from(name: LimitName) -> String {
        name.to_string()
    }
}

impl From<Conflict> for ConflictRecord {
    fn from(conflict: Conflict) -> ConflictRecord {
        let mut record = ConflictRecord {
            limit: conflict.limit,
            allows_bytes: None,
            least_bytes: None,
            allows_drop: None,
            least_drop: None,
            metric: None,
            allows_metric: None,
            best_metric: None,
            allows: None,
            least: None,
            possible: conflict.possible,
            allows_units: None,
            least_units: None,
        };
        match conflict.amounts {
            Amounts::None => {}
            Amounts::Bytes(Allowance { allows, least }) => {
                (record.allows_bytes, record.least_bytes) = (Some(allows), least);
            }
            Amounts::Units(Allowance { allows, least }) => {
                (record.allows_units, record.least_units) = (Some(allows), least);
            }
            Amounts::Text(Allowance { allows, least }) => {
                (record.allows, record.least) = (Some(allows), least);
            }
            Amounts::Drop { drop, metric } => {
                (record.allows_drop, record.least_drop) = (Some(drop.allows), drop.least);
                if let Some(metric) = metric {
                    record.metric = Some(metric.name);
                    record.allows_metric = Some(metric.allows);
                    record.best_metric = metric.best;
                }
            }
        }
        record
    }
}

impl From<ConflictRecord> for Conflict {
    fn from(record: ConflictRecord) -> Conflict {
        let amounts = if let Some(allows) = record.allows_bytes {
            let least = record.least_bytes;
            Amounts::Bytes(Allowance { allows, least })
        } else if let Some(allows) = record.allows_units {
            let least = record.least_units;
            Amounts::Units(Allowance { allows, least })
        } else if let Some(allows) = record.allows_drop {
            let metric = record.metric.zip(record.allows_metric);
            Amounts::Drop {
                drop: Allowance {
                    allows,
                    least: record.least_drop,
                },
                metric: metric.map(|(name, allows)| MetricAllowance {
                    name,
                    allows,
                    best: record.best_metric,
                }),
            }
        } else if let Some(allows) = record.allows {
            let least = record.least;
            Amounts::Text(Allowance { allows, least })
        } else {
            Amounts::None
        };
        Conflict {
            limit: record.limit,
            amounts,
            possible: record.possible,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_come_back_from_their_record() {
        let metric = MetricAllowance {
            name: "top-1".to_owned(),
            allows: 0.95,
            best: None,
        };
        for amounts in [
            Amounts::None,
            Amounts::Bytes(Allowance {
                allows: 3,
                least: Some(5),
            }),
            Amounts::Units(Allowance {
                allows: 3,
                least: None,
            }),
            Amounts::Drop {
                drop: Allowance {
                    allows: -0.01,
                    least: Some(0.02),
                },
                metric: Some(metric),
            },
            Amounts::Text(Allowance {
                allows: "5 mJ".to_owned(),
                least: None,
            }),
        ] {
            let conflict = Conflict {
                limit: "max-drop a b".parse().unwrap(),
                amounts,
                possible: None,
            };
            let json = serde_json::to_string(&conflict).unwrap();
            assert!(json.contains(r#""limit":"max-drop a b""#), "{json}");
            assert_eq!(conflict, serde_json::from_str(&json).unwrap(), "{json}");
        }
        assert!("ram".parse::<LimitName>().is_err());
    }
}
