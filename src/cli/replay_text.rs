//! The replay of a trace, as human-readable text.

use std::path::Path;

use cutpoint_core::plan::{LookupSegment, Sweep};
use cutpoint_core::rate_trace::Summary;
use cutpoint_core::units::{format_stated_us, three_digits};
use cutpoint_planner::replay::{Policy, PolicyResult, Replay};

use super::plan_text::{machines, ms, new_table, rate, right_aligned, shorten};
use super::plural;

/// What was replayed, a line for each way of choosing plans, and what to make of it.
pub(crate) fn replay(found: &Replay, sweep: &Sweep, trace: &Path) -> String {
    let file = trace.file_name().unwrap_or(trace.as_os_str());
    let mut lines = vec![format!(
        "{}  {}",
        file.to_string_lossy(),
        summary(&found.trace)
    )];
    if let Some(first) = sweep.segments.first() {
        lines.push(machines(&first.plan.setting));
    }
    lines.push(frames(found));
    lines.push(String::new());
    lines.push(table(found));
    lines.push(String::new());
    lines.extend(fixed_plans(found));
    lines.extend(verdict(found));
    lines.join("\n")
}

fn summary(trace: &Summary) -> String {
    let mean = rate(trace.mean_bit_s.round() as u64);
    let mut text = format!(
        "{} over {}: mean {mean}, median {}, spread {}",
        plural(trace.steps, "rate"),
        format_stated_us(trace.duration_s * 1e6),
        rate_or_none(trace.median_bit_s),
        percent(trace.spread)
    );
    text += &format!(
        "\n90 % of the time from {} to {}",
        rate_or_none(trace.p5_bit_s),
        rate_or_none(trace.p95_bit_s)
    );
    if trace.down > 0.0 {
        text += &format!(", down {} of the time", percent(trace.down));
    }
    text
}

fn frames(found: &Replay) -> String {
    let every = format_stated_us(found.period_ms * 1e3);
    let known = match found.estimator.strip_prefix("ewma:") {
        Some(weight) => {
            format!("a moving average of the rate, weight {weight} on the last {every}")
        }
        None => format!("the rate over the {every} before each frame"),
    };
    format!(
        "{}, one every {every}, each on its own\n{} to choose from by {known}",
        plural(found.frames as usize, "frame"),
        plural(found.table.segments.len(), "plan"),
    )
}

fn table(found: &Replay) -> String {
    let mut header = vec![
        "plans", "mean", "median", "95 %", "99 %", "worst", "regret", "switches",
    ];
    let late = found
        .late_ms
        .map(|ms| format!("over {}", format_stated_us(ms * 1e3)));
    header.extend(late.as_deref());
    let mut table = new_table(header);
    for result in &found.policies {
        let mut row = vec![name(result.policy, found)];
        row.extend(
            [
                result.mean_ms,
                result.p50_ms,
                result.p95_ms,
                result.p99_ms,
                result.worst_ms,
            ]
            .map(ms),
        );
        row.push(match result.policy {
            Policy::Clairvoyant => "none".to_owned(),
            _ => ms(result.regret_ms),
        });
        row.push(result.switches.to_string());
        row.extend(result.late.map(percent));
        table.add_row(row);
    }
    right_aligned(table, &[1, 2, 3, 4, 5, 6, 7, 8])
}

fn name(policy: Policy, found: &Replay) -> String {
    match policy {
        Policy::Clairvoyant => "best in hindsight".to_owned(),
        Policy::TableWithHysteresis => {
            format!("table, hysteresis {}", percent(found.hysteresis))
        }
        Policy::Table => "table, no hysteresis".to_owned(),
        Policy::BestFixed => "best fixed plan".to_owned(),
        Policy::MeanRate => "plan for the mean rate".to_owned(),
    }
}

/// What the fixed plans are.
fn fixed_plans(found: &Replay) -> Vec<String> {
    let fixed: Vec<&PolicyResult> = found.policies.iter().filter(|r| r.plan.is_some()).collect();
    let first = fixed.first().and_then(|result| result.plan);
    let line = |(index, result): (usize, &&PolicyResult)| {
        let segment = found.table.segments.get(result.plan?)?;
        let what = if index > 0 && result.plan == first {
            "the same".to_owned()
        } else {
            cut(segment)
        };
        Some(format!("{:<24}{what}", name(result.policy, found)))
    };
    fixed.iter().enumerate().filter_map(line).collect()
}

fn cut(segment: &LookupSegment) -> String {
    let crossing = segment.crossing.iter();
    let crossing: Vec<String> = crossing
        .map(|sent| format!("{} as {}", shorten(&sent.tensor), sent.codec))
        .collect();
    match (
        segment.edge_layers,
        segment.server_layers,
        crossing.join(" and "),
    ) {
        (_, 0, _) => "all on the edge".to_owned(),
        (0, _, none) if none.is_empty() => "all on the server".to_owned(),
        (0, _, inputs) => format!("all on the server, {inputs}"),
        (edge, server, crossing) => format!(
            "{} on the edge, {server} on the server, {crossing}",
            plural(edge, "layer")
        ),
    }
}

/// How the table fares against the best fixed plan.
fn verdict(found: &Replay) -> Option<String> {
    if found.table.segments.len() == 1 {
        return Some(
            "this plan is the best at every rate of the trace: nothing to change".to_owned(),
        );
    }
    let mean = |wanted: Policy| {
        let result = found.policies.iter().find(|r| r.policy == wanted)?;
        Some(result.mean_ms)
    };
    let (table, fixed) = (mean(Policy::TableWithHysteresis)?, mean(Policy::BestFixed)?);
    let best = mean(Policy::Clairvoyant)?;
    let share = |of: f64, whole: f64| percent((of / whole.max(f64::MIN_POSITIVE)).abs());
    let against = match fixed - table {
        gain if gain.abs() < 0.0005 * fixed => "as fast as the best fixed plan".to_owned(),
        gain if gain > 0.0 => format!("{} faster than the best fixed plan", share(gain, fixed)),
        loss => format!("{} slower than the best fixed plan", share(loss, fixed)),
    };
    let behind = share(table - best, best);
    Some(format!(
        "{:<24}{against}, {behind} slower than hindsight",
        "the table"
    ))
}

fn rate_or_none(bit_s: u64) -> String {
    match bit_s {
        0 => "nothing".to_owned(),
        _ => rate(bit_s),
    }
}

fn percent(share: f64) -> String {
    format!("{} %", three_digits(100.0 * share))
}
