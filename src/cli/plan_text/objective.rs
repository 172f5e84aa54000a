//! The objective, as human-readable text.

use cutpoint_core::plan::{Plan, PlannedObjective, Status};
use cutpoint_core::units::{Bytes, three_digits};

use super::ms;

/// A value of an objective.
pub(in crate::cli) fn value(objective: &PlannedObjective, value: f64) -> String {
    match objective.name.as_str() {
        "lateness" if value < 0.0 => format!("{} to spare", ms(-value)),
        "lateness" => format!("{} late", ms(value)),
        _ => difference(objective, value),
    }
}

/// A difference between two values of an objective.
pub(in crate::cli) fn difference(objective: &PlannedObjective, value: f64) -> String {
    match objective.name.as_str() {
        "energy" => format!("{} mJ", three_digits(value)),
        "uplink" => Bytes(value as u64).to_string(),
        _ => ms(value),
    }
}

/// What the plan is best at, when that is not latency.
pub(super) fn objective(plan: &Plan) -> Option<String> {
    let objective = &plan.objective;
    if objective.is_latency() {
        return None;
    }
    let mut text = format!("{}: {}", objective.name, value(objective, objective.value));
    if plan.status != Status::Optimal {
        text += &format!(", at best {}", value(objective, objective.bound));
    }
    if !objective.then.is_empty() {
        text += &format!("; of equals, the best in {}", objective.then);
    }
    Some(text)
}
