//! One plan's times in the numbers of a plan file.

use cutpoint_core::plan::{MeasuredPlan, Plan};
use cutpoint_runtime::compare_plans::{PartTime, PlanTimes};

/// Returns what was measured of a plan beside what was predicted: the server's times scaled to the
/// server planned for, which takes `request_ms` more; `None` leaves the server as predicted.
pub(super) fn record(
    plan: &Plan,
    times: &PlanTimes,
    speed_up: Option<f64>,
    request_ms: f64,
) -> MeasuredPlan {
    let ms = |part: &Option<PartTime>| part.map_or(0.0, |part| part.median_us / 1e3);
    let spread = |part: &Option<PartTime>| part.map_or(0.0, |part| part.spread_us / 1e3);
    let parts = plan.breakdown_ms;
    // what the halves cannot do counts as predicted
    let outside = plan.crossing.iter().any(|c| !c.codec.is_in_halves());
    let outside = if outside { 1.0 } else { 0.0 };
    let (server, server_spread) = match (speed_up, &times.server) {
        (Some(speed_up), Some(_)) => (
            ms(&times.server) / speed_up + request_ms + outside * parts.decode,
            spread(&times.server) / speed_up,
        ),
        (Some(_), None) => (0.0, 0.0),
        (None, _) => (parts.server + parts.decode, 0.0),
    };
    let away = parts.uplink + server + parts.downlink;
    let overlapped = ms(&times.local);
    let behind = if overlapped > away {
        spread(&times.local)
    } else {
        server_spread
    };
    let rounds = [&times.edge, &times.local, &times.server]
        .into_iter()
        .flatten();
    let server = times.server.filter(|_| speed_up.is_some());
    MeasuredPlan {
        edge_layers: plan.edge.len(),
        crossing: plan
            .crossing
            .iter()
            .map(|c| format!("{} as {}", c.tensor, c.codec))
            .collect(),
        predicted_ms: plan.latency_ms,
        measured_ms: rounded(ms(&times.edge) + outside * parts.encode + away.max(overlapped)),
        spread_ms: rounded(spread(&times.edge).hypot(behind)),
        edge_ms: rounded(ms(&times.edge)),
        edge_mad_ms: rounded(times.edge.map_or(0.0, |t| t.mad_us / 1e3)),
        server_ms: server.map(|t| rounded(t.median_us / 1e3)),
        server_mad_ms: server.map(|t| rounded(t.mad_us / 1e3)),
        local_ms: times.local.map(|t| rounded(t.median_us / 1e3)),
        rounds: rounds.map(|t| t.rounds).min().unwrap_or(0),
        chosen: false,
        tied: false,
    }
}

/// Rounds to the nanosecond: more would only be noise.
pub(super) fn rounded(ms: f64) -> f64 {
    (ms * 1e6).round() / 1e6
}
