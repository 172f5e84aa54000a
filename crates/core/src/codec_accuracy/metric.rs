//! Metrics of a task, and what a drop in one means.

use serde::{Deserialize, Serialize};

/// What is measured of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Share of samples whose highest score is the right class.
    Top1,
    /// F1 score, averaged over the classes.
    MacroF1,
    /// Intersection over union, averaged over the classes.
    MeanIou,
    /// Mean absolute error, in the unit of the labels; lower is better.
    Mae,
    /// Root of the mean squared error, in the unit of the labels; lower is better.
    Rmse,
    /// Any other figure of which more is better, stated by hand.
    Score,
}

impl Metric {
    /// Returns the name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Top1 => "top1",
            Metric::MacroF1 => "macro-f1",
            Metric::MeanIou => "mean-iou",
            Metric::Mae => "mae",
            Metric::Rmse => "rmse",
            Metric::Score => "score",
        }
    }

    /// Returns whether less is better.
    pub fn is_error(self) -> bool {
        matches!(self, Metric::Mae | Metric::Rmse)
    }

    /// Returns the metric after a drop from `baseline`.
    pub fn after(self, baseline: f64, drop: f64) -> f64 {
        if self.is_error() {
            baseline * (1.0 + drop)
        } else {
            baseline - drop
        }
    }

    /// Returns the drop that leads from `baseline` to `value`: the inverse of [`Metric::after`].
    pub fn drop_to(self, baseline: f64, value: f64) -> f64 {
        if self.is_error() {
            value / baseline - 1.0
        } else {
            baseline - value
        }
    }

    pub(super) fn check(self, baseline: f64) -> Result<(), String> {
        let share = matches!(self, Metric::Top1 | Metric::MacroF1 | Metric::MeanIou);
        let fits = match (share, self.is_error()) {
            (true, _) => (0.0..=1.0).contains(&baseline),
            (_, true) => baseline.is_finite() && baseline > 0.0,
            _ => baseline.is_finite(),
        };
        let (name, wanted) = match (share, self.is_error()) {
            (true, _) => (self.name(), "between 0 and 1"),
            (_, true) => (self.name(), "positive"),
            _ => (self.name(), "finite"),
        };
        if fits {
            Ok(())
        } else {
            Err(format!("baseline = {baseline}: {name} must be {wanted}"))
        }
    }
}
