//! The objective, as human-readable text.

use cutpoint_core::plan::{Plan, PlannedObjective, Status};
use cutpoint_core::units::{Bytes, three_digits};

use super::ms;

/// A value of an objective.
pub(in crate::cli) fn value(aim: &PlannedObjective, value: f64) -> String {
    match aim.name.as_str() {
        "lateness" if value < 0.0 => format!("{} to spare", ms(-value)),
        "lateness" => format!("{} late", ms(value)),
        _ => difference(aim, value),
    }
}

/// A difference between two values of an objective.
pub(in crate::cli) fn difference(aim: &PlannedObjective, value: f64) -> String {
    match aim.name.as_str() {
        "energy" => format!("{} mJ", three_digits(value)),
        "uplink" => Bytes(value as u64).to_string(),
        _ => ms(value),
    }
}

/// What the plan is best at, when that is not latency.
pub(super) fn aim(plan: &Plan) -> Option<String> {
    let aim = &plan.objective;
    if aim.is_latency() {
        return None;
    }
    let mut text = format!("{}: {}", aim.name, value(aim, aim.value));
    if plan.status != Status::Optimal {
        text += &format!(", at best {}", value(aim, aim.bound));
    }
    if !aim.then.is_empty() {
        text += &format!("; of equals, the best in {}", aim.then);
    }
    Some(text)
}
