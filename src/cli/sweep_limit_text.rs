//! Sweeps over limits, delays and speeds, as human-readable text.

use std::fmt::Write as _;

use cutpoint_core::plan::{DelayMap, LimitSegment, LimitSweep, Plan, Unit};
use cutpoint_core::units::Bytes;
use cutpoint_planner::scenario::ParameterRange;

use super::plan_text::{machines, ms, new_table, rate, right_aligned, what_crosses};
use super::plural;

/// Rates that a map is shown at.
const COLUMNS: u32 = 9;

/// Every segment of a sweep on a line.
pub(crate) fn sweep(over: &ParameterRange, sweep: &LimitSweep) -> String {
    let files = sweep.segments.iter().map(|s| s.plan.model.file.as_str());
    let mut files: Vec<&str> = files.collect();
    files.dedup();
    let mut header = vec!["from", "to", "edge layers", "crosses", "latency"];
    let objective = sweep.segments.first().map(|s| &s.plan.objective);
    let objective = objective.filter(|objective| !objective.is_latency());
    header.extend(objective.map(|objective| objective.name.as_str()));
    if files.len() > 1 {
        header.push("model");
    }
    let mut table = new_table(header);
    for segment in &sweep.segments {
        let plan = &segment.plan;
        let mut row = vec![
            amount(over, segment.from),
            amount(over, segment.to),
            layers(plan),
            what_crosses(plan),
            latency(segment),
        ];
        row.extend(objective.map(|_| format!("{:.3}", plan.objective.value)));
        if files.len() > 1 {
            row.push(plan.model.file.clone());
        }
        table.add_row(row);
    }
    let mut text = String::new();
    if let Some(first) = sweep.segments.first() {
        let file = match files.as_slice() {
            [file] => format!("{file}  "),
            _ => String::new(),
        };
        let setting = machines(&first.plan.setting);
        let _ = writeln!(text, "{file}{setting}, over {}\n", sweep.over);
    }
    text += &right_aligned(table, &[0, 1, 4]);
    let typed = |amount| over.parameter.typed(amount);
    if let Some(least) = sweep.no_plan_below {
        let _ = write!(text, "\n\nno plan below {}", typed(least));
    }
    if let Some(most) = sweep.no_plan_above {
        let _ = write!(text, "\n\nno plan above {}", typed(most));
    }
    if let Some(resolution) = &sweep.resolution {
        let _ = write!(text, "\n\n{resolution}");
    }
    text
}

/// Rows of delays, columns of rates, and what the numbers mean.
pub(crate) fn map(map: &DelayMap) -> String {
    let rates = columns(map.from_bit_s, map.to_bit_s);
    let names: Vec<String> = rates.iter().map(|bit_s| rate(*bit_s)).collect();
    let header = std::iter::once("delay").chain(names.iter().map(String::as_str));
    let mut table = new_table(header);
    for (index, row) in map.rows.iter().enumerate() {
        let cell = |bit_s: &u64| match map.at(index, *bit_s) {
            Some(number) => number.to_string(),
            None => "-".to_owned(),
        };
        let delay = ms(row.delay_ns as f64 / 1e6);
        table.add_row(std::iter::once(delay).chain(rates.iter().map(cell)));
    }
    let all: Vec<usize> = (0..=rates.len()).collect();
    let mut text = String::new();
    if let Some(first) = map.plans.first() {
        let setting = &first.plan.setting;
        let (edge, server) = (&setting.edge, &setting.server);
        let _ = writeln!(
            text,
            "edge {edge}, server {server}; best plan by delay and rate\n"
        );
    }
    let _ = writeln!(text, "{}\n", right_aligned(table, &all));
    let mut legend = new_table(["plan", "edge layers", "crosses", "model"]);
    for plan in &map.plans {
        legend.add_row([
            plan.number.to_string(),
            layers(&plan.plan),
            what_crosses(&plan.plan),
            plan.plan.model.file.clone(),
        ]);
    }
    text += &right_aligned(legend, &[0]);
    if map
        .rows
        .iter()
        .any(|row| row.no_plan_below_bit_s.is_some() || row.segments.is_empty())
    {
        text += "\n\n-: no plan meets the limits";
    }
    if let Some(resolution) = &map.resolution {
        let _ = write!(text, "\n\n{resolution}");
    }
    text
}

/// Rates by a common factor, both ends among them.
fn columns(from: u64, to: u64) -> Vec<u64> {
    let rate = |index: u32| {
        let share = f64::from(index) / f64::from(COLUMNS - 1);
        (from as f64 * (to as f64 / from as f64).powf(share)).round() as u64
    };
    let mut rates: Vec<u64> = (0..COLUMNS).map(rate).collect();
    rates.dedup();
    rates.iter().map(|rate| (*rate).clamp(from, to)).collect()
}

fn layers(plan: &Plan) -> String {
    let all = plan.edge.len() + plan.server.len();
    format!("{} of {}", plan.edge.len(), plural(all, "layer"))
}

/// An amount to the last unit, and readable.
fn amount(over: &ParameterRange, amount: u64) -> String {
    let typed = over.parameter.typed(amount);
    match over.parameter.unit() {
        Unit::Byte if amount >= 1_000 => format!("{typed} ({})", Bytes(amount)),
        _ => typed,
    }
}

fn latency(segment: &LimitSegment) -> String {
    let Some(line) = segment.latency.filter(|line| line.delays > 0) else {
        return ms(segment.plan.latency_ms);
    };
    let at = |ns: u64| line.fixed_ms + line.delays as f64 * ns as f64 / 1e6;
    format!("{} - {}", ms(at(segment.from)), ms(at(segment.to)))
}
