//! Limits on accuracy that several models are held against alike.

use std::collections::BTreeMap;

use super::{ModelInput, SelectError};
use crate::scenario::Scenario;
use cutpoint_core::codec_accuracy::{Metric, TaskAccuracy};

/// The scenario with drops counted from the best whole model at each task: who allows a drop of one
/// percent wants to lose one percent of the best there is, whichever model is chosen.
///
/// # Errors
/// [`SelectError::OtherMetric`].
pub fn relative_to_best(
    models: &[ModelInput],
    scenario: &Scenario,
) -> Result<Scenario, SelectError> {
    let mut scenario = scenario.clone();
    if !scenario.limits.accuracy.any() {
        return Ok(scenario);
    }
    let mut best: BTreeMap<&str, (Metric, f64)> = BTreeMap::new();
    let tasks = models
        .iter()
        .filter_map(|e| e.accuracy.as_ref())
        .flat_map(|a| &a.tasks);
    for TaskAccuracy {
        name,
        metric,
        baseline,
        ..
    } in tasks
    {
        let (known, value) = best.entry(name).or_insert((*metric, *baseline));
        if known != metric {
            return Err(SelectError::OtherMetric {
                task: name.clone(),
                first: known.name(),
                second: metric.name(),
            });
        }
        *value = if metric.is_error() {
            value.min(*baseline)
        } else {
            value.max(*baseline)
        };
    }
    let best = best
        .into_iter()
        .map(|(task, (_, value))| (task.to_owned(), value));
    scenario.limits.accuracy.best = best.collect();
    Ok(scenario)
}
