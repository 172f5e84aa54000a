//! Plans in a few words.

use crate::canvas::text::bare;
use crate::side::Side;
use cutpoint_core::plan::{Plan, Setting};
use cutpoint_core::units::{BitRate, three_digits};

/// Which side runs the layers.
pub(crate) fn side(plan: &Plan) -> Side {
    match (plan.edge.is_empty(), plan.server.is_empty()) {
        (_, true) => Side::Edge,
        (true, false) => Side::Server,
        (false, false) => Side::Split,
    }
}

/// What crosses, and in which codec; or which side runs everything.
pub(crate) fn named(plan: &Plan) -> String {
    let crossing: Vec<String> = plan
        .crossing
        .iter()
        .map(|crossing| format!("{} · {}", bare(&crossing.tensor), crossing.codec))
        .collect();
    let crossing = crossing.join(" + ");
    match side(plan) {
        Side::Edge => "all on the edge".to_owned(),
        Side::Server => format!("server: {crossing}"),
        Side::Split => crossing,
    }
}

/// The plan at the start of a sentence.
pub(crate) fn planned(plan: &Plan) -> String {
    match side(plan) {
        Side::Edge => "All on the edge".to_owned(),
        Side::Server => format!(
            "All on the server, sent {}",
            named(plan).trim_start_matches("server: ")
        ),
        Side::Split => format!("Cut at {}", named(plan)),
    }
}

/// Rate and delay.
pub(crate) fn link(setting: &Setting) -> String {
    let rate = BitRate::from_bit_s(setting.rate_bit_s);
    let rate = rate.map_or_else(|| "0 bit/s".to_owned(), |rate| rate.to_string());
    format!("{rate}, {} ms one way", three_digits(setting.delay_ms))
}
