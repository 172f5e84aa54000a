//! How likely a plan's times are and how robust it is, as human-readable text.

use cutpoint_core::plan::{Interval, LatencySpread, Plan, Stability};

use super::{ms, rate, shorten};

/// Lines below the rest of a plan.
pub(crate) fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(spread) = &plan.latency_spread {
        lines.push(format!("spread    {}", latency(spread)));
    }
    let tasks = plan.tasks.iter();
    let mut on_time: Vec<String> = tasks
        .filter_map(|task| {
            Some(format!(
                "{} {}",
                shorten(&task.name),
                percent(task.on_time?)
            ))
        })
        .collect();
    let all = plan.latency_spread.as_ref().and_then(|s| s.on_time);
    if let (Some(all), true) = (all, on_time.len() > 1) {
        on_time.push(format!("all of them {}", percent(all)));
    }
    if !on_time.is_empty() {
        lines.push(format!("on time   {}", on_time.join(", ")));
    }
    if let Some(robust) = &plan.robust {
        lines.extend(range(robust));
    }
    lines
}

fn latency(spread: &LatencySpread) -> String {
    let parts = [
        ("half", spread.p50_ms),
        ("95 %", spread.p95_ms),
        ("99 %", spread.p99_ms),
    ];
    let part = |(share, most): (&str, Option<f64>)| match most {
        Some(most) => format!("{share} below {}", ms(most)),
        None => format!("{share} without end, the link is down"),
    };
    parts.map(part).join(", ")
}

fn percent(share: f64) -> String {
    // what is not certain does not round to certainty
    let percent = match share {
        0.0 | 1.0 => 100.0 * share,
        _ => (100.0 * share).clamp(0.01, 99.99),
    };
    format!("{} %", (percent * 100.0).round() / 100.0)
}

/// A line for the rate and one for the times.
fn range(robust: &Stability) -> [String; 2] {
    let about = if robust.rate_to_1_percent {
        "about "
    } else {
        ""
    };
    let rates = words(&robust.rate_bit_s, |bit_s| {
        format!("{about}{}", rate(*bit_s))
    });
    let factor = |times: &Interval<f64>| words(times, |factor| format!("{factor:.2}"));
    let or_any = |range: Option<String>| {
        range.unwrap_or_else(|| format!("{} times either way", robust.within))
    };
    [
        format!("robust    the best plan at rates {}", or_any(rates)),
        format!(
            "          with edge times by a factor {}, server times {}",
            or_any(factor(&robust.edge_times)),
            or_any(factor(&robust.server_times))
        ),
    ]
}

/// `from A to B`, `from A`, `up to B`.
fn words<T>(range: &Interval<T>, show: impl Fn(&T) -> String) -> Option<String> {
    match (&range.from, &range.to) {
        (Some(from), Some(to)) => Some(format!("from {} to {}", show(from), show(to))),
        (Some(from), None) => Some(format!("from {}", show(from))),
        (None, Some(to)) => Some(format!("up to {}", show(to))),
        (None, None) => None,
    }
}
