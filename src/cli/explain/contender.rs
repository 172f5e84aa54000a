//! Another plan, in half a sentence.

use cutpoint_core::plan::{Contender, Plan};
use cutpoint_core::units::Bytes;

use super::super::plan_text::{self, ms};
use super::super::plural;

/// `150 ms, with 4 of 9 layers on the edge; b crosses as q8`.
pub(super) fn other(contender: &Contender, plan: &Plan) -> String {
    let latency = ms(contender.latency_ms);
    let worth = if plan.objective.is_latency() {
        latency
    } else {
        let value = plan_text::value(&plan.objective, contender.value);
        format!("{value} ({latency})")
    };
    format!("{worth}, with {}", place(contender, plan))
}

pub(super) fn place(contender: &Contender, plan: &Plan) -> String {
    let (here, there) = (contender.edge_layers, contender.server_layers);
    let layers = match (here, there) {
        (_, 0) => "everything on the edge".to_owned(),
        (0, _) => "everything on the server".to_owned(),
        _ => format!("{} of {} on the edge", here, plural(here + there, "layer")),
    };
    let sent = match contender.crossing.as_slice() {
        [] => String::new(),
        [one] => format!(
            ", {} sent as {}",
            plan_text::shorten(&one.tensor),
            one.codec
        ),
        several => {
            let bytes = several.iter().map(|c| Bytes(c.bytes)).sum::<Bytes>();
            format!(", {} tensors sent, {bytes}", several.len())
        }
    };
    let model = if contender.model == plan.model.file {
        String::new()
    } else {
        format!(" of {}", contender.model)
    };
    format!("{layers}{sent}{model}")
}
