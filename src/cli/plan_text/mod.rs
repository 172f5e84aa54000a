//! Plans and sweeps, as human-readable text.

mod metric;
mod objective;
mod spread;

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};
use cutpoint_core::plan::{
    Alternative, Crossing, Evidence, HalfEvidence, Measurement, Plan, Setting, Side, Status, Sweep,
    TaskPlan,
};
use cutpoint_core::units::{BitRate, Bytes, format_us, three_digits};

use super::plural;

pub(crate) use metric::{metric, metric_within_reach};
pub(super) use objective::{difference, value};

/// A plan with its breakdown and what it is compared with.
pub(crate) fn plan(plan: &Plan) -> String {
    let mut text = format!("{}  {}\n\n", plan.model.file, setting(&plan.setting));
    if let Some(line) = objective::objective(plan) {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "{}, {}", ms(plan.latency_ms), status(plan));
    let _ = writeln!(text, "{}", placement(plan));
    for line in crossing(plan) {
        let _ = writeln!(text, "  {line}");
    }
    let _ = writeln!(text, "\n{}", breakdown(plan));
    if plan.tasks.len() > 1 || plan.tasks.iter().any(|task| task.deadline_ms.is_some()) {
        let _ = writeln!(text, "\n{}", tasks(plan));
    }
    let accuracy: Vec<String> = plan.tasks.iter().filter_map(accuracy).collect();
    if !accuracy.is_empty() {
        let _ = writeln!(text, "\n{}", accuracy.join("\n"));
    }
    let _ = writeln!(text, "\n{}", alternatives(plan));
    if let Some(measurement) = &plan.measured {
        let _ = writeln!(text, "\n{}", measured(measurement));
    }
    text.push('\n');
    if let Some(line) = models(plan) {
        let _ = writeln!(text, "chosen    {line}");
    }
    let _ = writeln!(text, "binding   {}", binding(plan));
    let _ = writeln!(
        text,
        "memory    edge {}, server {}",
        Bytes(plan.edge_memory_bytes),
        Bytes(plan.server_memory_bytes)
    );
    let _ = writeln!(
        text,
        "period    {} when inferences overlap",
        ms(plan.period_ms)
    );
    if let Some(energy) = plan.edge_energy_mj {
        let _ = writeln!(text, "energy    {energy:.3} mJ on the edge");
    }
    for line in spread::lines(plan) {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "rests on  {}", evidence(plan.evidence));
    let _ = write!(text, "proof     {}", plan.proof);
    text
}

/// Every segment of a sweep on a line.
pub(crate) fn sweep(sweep: &Sweep) -> String {
    let mut header = vec![
        "from",
        "to",
        "edge layers",
        "crosses",
        "latency",
        "all-edge",
    ];
    let files = sweep.segments.iter().map(|s| s.plan.model.file.as_str());
    let mut files: Vec<&str> = files.collect();
    files.dedup();
    if files.len() > 1 {
        header.push("model");
    }
    let mut table = new_table(header);
    for segment in &sweep.segments {
        let plan = &segment.plan;
        let range =
            [segment.from_bit_s, segment.to_bit_s].map(|r| segment.latency.at_bit_s(r as f64));
        let all_edge = plan.alternatives.iter().find(|a| a.name == "all-edge");
        let mut row = vec![
            rate(segment.from_bit_s),
            rate(segment.to_bit_s),
            format!(
                "{} of {}",
                plan.edge.len(),
                plan.edge.len() + plan.server.len()
            ),
            what_crosses(plan),
            match range {
                [slow, fast] if (slow - fast).abs() < 1e-6 => ms(slow),
                [slow, fast] => format!("{} - {}", ms(slow), ms(fast)),
            },
            all_edge.map_or(String::new(), |a| ms(a.latency_ms)),
        ];
        if files.len() > 1 {
            row.push(plan.model.file.clone());
        }
        table.add_row(row);
    }
    let heading = match (sweep.segments.first(), files.as_slice()) {
        (Some(first), [file]) => format!("{file}  {}\n\n", machines(&first.plan.setting)),
        (Some(first), _) => format!("{}\n\n", machines(&first.plan.setting)),
        (None, _) => String::new(),
    };
    let mut text = heading + &right_aligned(table, &[0, 1, 4, 5]);
    if let Some(least) = sweep.no_plan_below_bit_s {
        text += &format!("\n\nno plan meets the limits below {}", rate(least));
    }
    if let Some(resolution) = &sweep.resolution {
        text += &format!("\n\n{resolution}");
    }
    text
}

pub(super) fn machines(setting: &Setting) -> String {
    let simulated = if setting.simulated {
        " (simulated)"
    } else {
        ""
    };
    let percentile = match setting.percentile {
        Some(percentile) => format!(", planned for {percentile} % of cases"),
        None => String::new(),
    };
    format!(
        "edge {}, server {}{simulated}, {} each way, results {}{percentile}",
        setting.edge,
        setting.server,
        ms(setting.delay_ms),
        setting.results
    )
}

pub(super) fn setting(setting: &Setting) -> String {
    let down = setting
        .down_rate_bit_s
        .map(|r| format!(" up, {} down", rate(r)));
    let spread = setting.rate_spread.as_ref();
    format!(
        "{}, {}{}{}",
        machines(setting),
        rate(setting.rate_bit_s),
        spread.map_or_else(String::new, |of| format!(" of {of}")),
        down.unwrap_or_default()
    )
}

pub(super) fn status(plan: &Plan) -> String {
    match plan.status {
        Status::Optimal => "optimal".to_owned(),
        _ if plan.objective.is_latency() => format!("feasible, at best {}", ms(plan.bound_ms)),
        _ => "feasible".to_owned(),
    }
}

pub(super) fn placement(plan: &Plan) -> String {
    let (here, there) = (plan.edge.len(), plan.server.len());
    match (here, there) {
        (1, 0) => "the one layer on the edge".to_owned(),
        (_, 0) => format!("all {here} layers on the edge"),
        (0, 1) => "the one layer on the server".to_owned(),
        (0, _) => format!("all {there} layers on the server"),
        _ => format!(
            "{} on the edge{}, {there} on the server",
            plural(here, "layer"),
            match plan.local.len() {
                0 => String::new(),
                local => format!(" ({local} of them while link and server work)"),
            }
        ),
    }
}

pub(super) fn crossing(plan: &Plan) -> Vec<String> {
    let line = |c: &Crossing| {
        let size = match c.bytes_p95.filter(|_| plan.setting.percentile.is_none()) {
            Some(p95) => format!("{} on average, 95 % below {}", Bytes(c.bytes), Bytes(p95)),
            None => Bytes(c.bytes).to_string(),
        };
        format!("{} crosses as {}, {size}", c.tensor, c.codec)
    };
    plan.crossing.iter().map(line).collect()
}

pub(super) fn what_crosses(plan: &Plan) -> String {
    match plan.crossing.as_slice() {
        [] if plan.server.is_empty() => "nothing".to_owned(),
        [] => "nothing (all on the server)".to_owned(),
        [one] => format!(
            "{} as {}, {}",
            shorten(&one.tensor),
            one.codec,
            Bytes(one.bytes)
        ),
        several => {
            format!("{} tensors, {}", several.len(), Bytes(plan.uplink_bytes))
        }
    }
}

fn breakdown(plan: &Plan) -> String {
    let parts = plan.breakdown_ms;
    let mut table = new_table(["part", "time", "share"]);
    for (name, part) in [
        ("edge", parts.edge),
        ("encode", parts.encode),
        ("uplink", parts.uplink),
        ("decode", parts.decode),
        ("server", parts.server),
        ("downlink", parts.downlink),
        ("overlapped", parts.local),
    ] {
        if part > 0.0 {
            let share = 100.0 * part / plan.latency_ms.max(f64::MIN_POSITIVE);
            table.add_row([name.to_owned(), ms(part), format!("{share:.0} %")]);
        }
    }
    right_aligned(table, &[1, 2])
}

fn tasks(plan: &Plan) -> String {
    let with_deadlines = plan.tasks.iter().any(|task| task.deadline_ms.is_some());
    let mut header = vec!["task", "runs on", "done after"];
    if with_deadlines {
        header.extend(["deadline", "to spare"]);
    }
    let mut table = new_table(header);
    for task in &plan.tasks {
        let side = match task.side {
            Side::Edge if task.beside_link => "edge, overlapped",
            Side::Edge => "edge",
            Side::Server => "server",
            Side::Both => "both",
        };
        let mut row = vec![shorten(&task.name), side.to_owned(), ms(task.latency_ms)];
        if let Some(deadline) = task.deadline_ms {
            let spare = match deadline - task.latency_ms {
                late if late < 0.0 => format!("{} late", ms(-late)),
                spare => ms(spare),
            };
            row.extend([ms(deadline), spare]);
        }
        table.add_row(row);
    }
    let numbers: &[usize] = if with_deadlines { &[2, 3, 4] } else { &[2] };
    right_aligned(table, numbers)
}

/// What the plan's encodings mean for a task's metric.
fn accuracy(task: &TaskPlan) -> Option<String> {
    let of = task.accuracy.as_ref()?;
    let value = |value| metric(&of.metric, value);
    let mut text = format!(
        "{}: {} {}",
        shorten(&task.name),
        of.metric,
        value(of.baseline)
    );
    if of.expected != of.baseline || of.worst != of.baseline {
        text += &format!(" -> {}, at worst {}", value(of.expected), value(of.worst));
        text += if of.as_a_whole {
            ", measured as a whole"
        } else {
            ""
        };
    }
    if let Some(limit) = of.limit {
        text += &format!(", limit {}", value(limit));
    }
    Some(text)
}

fn alternatives(plan: &Plan) -> String {
    let mut table = new_table(["alternative", "latency", "difference", ""]);
    for other in &plan.alternatives {
        let ratio = other.latency_ms / plan.latency_ms.max(f64::MIN_POSITIVE);
        let more = 100.0 * (ratio - 1.0);
        let breaks = other.breaks.as_ref().map(|limit| format!("breaks {limit}"));
        table.add_row([
            other.name.clone(),
            ms(other.latency_ms),
            if more.abs() < 0.05 {
                "same".to_owned()
            } else if ratio >= 10.0 {
                format!("{} times", three_digits(ratio))
            } else {
                format!("{more:+.1} %")
            },
            breaks.unwrap_or_default(),
        ]);
    }
    right_aligned(table, &[1, 2])
}

/// The plans that were really measured, in predicted order.
fn measured(measurement: &Measurement) -> String {
    let mut table = new_table([
        "measured",
        "edge layers",
        "predicted",
        "measured",
        "runs",
        "",
    ]);
    for plan in &measurement.plans {
        let sent = match plan.crossing.as_slice() {
            [] => "nothing crosses".to_owned(),
            [one] => shorten(one),
            several => format!("{} tensors", several.len()),
        };
        let verdict = match (plan.chosen, plan.tied) {
            (true, _) => "chosen",
            (false, true) => "tied",
            (false, false) => "",
        };
        table.add_row([
            sent,
            plan.edge_layers.to_string(),
            ms(plan.predicted_ms),
            format!("{} ± {}", ms(plan.measured_ms), ms(plan.spread_ms)),
            plan.rounds.to_string(),
            verdict.to_owned(),
        ]);
    }
    let table = right_aligned(table, &[1, 2, 3, 4]);
    format!("{table}\n{}", regret(measurement))
}

/// What trusting the prediction would have cost.
fn regret(measurement: &Measurement) -> String {
    let ties = measurement.plans.iter().filter(|plan| plan.tied).count();
    let first = measurement.plans.first().is_some_and(|plan| plan.chosen);
    let mut text = match (first, ties) {
        (true, 0 | 1) => "the predicted best is the fastest measured".to_owned(),
        (true, ties) => format!("{ties} plans cannot be told apart: the predicted best is kept"),
        (false, _) => {
            let regret = ms(measurement.regret_ms);
            let spread = ms(measurement.regret_spread_ms);
            format!("the predicted best is {regret} ± {spread} slower than the chosen plan")
        }
    };
    if !measurement.complete {
        text += "; more plans are as near as these";
    }
    let (now, then) = (measurement.whole_ms, measurement.whole_profiled_ms);
    if (now / then.max(f64::MIN_POSITIVE) - 1.0).abs() > 0.05 {
        let (now, then) = (ms(now), ms(then));
        text += &format!("; the whole model took {now} here, {then} in the profile");
    }
    if !measurement.server_measured {
        text += "; the server half counts as predicted";
    }
    text
}

/// How the model, or set of models, fares against the others.
pub(super) fn models(plan: &Plan) -> Option<String> {
    let is_best = |other: &&Alternative| other.model.as_ref() == Some(&other.name);
    let others: Vec<&Alternative> = plan.alternatives.iter().filter(is_best).collect();
    let (all, own) = (others.len() + 1, &plan.model.file);
    let next = others.iter().find(|other| other.breaks.is_none());
    Some(match next {
        None if others.is_empty() => return None,
        None => format!("{own}, the only one of {all} that meets the limits"),
        Some(next) => {
            let less = 100.0 * (1.0 - plan.latency_ms / next.latency_ms.max(f64::MIN_POSITIVE));
            format!(
                "{own}, {less:.1} % faster than {}, the next of {all}",
                next.name
            )
        }
    })
}

fn binding(plan: &Plan) -> String {
    match plan.binding.as_slice() {
        [] => "no limit".to_owned(),
        names => names.join(", "),
    }
}

fn evidence(evidence: Evidence) -> String {
    let half = |half: HalfEvidence| match half {
        HalfEvidence::Measured => "measured as such",
        HalfEvidence::Predicted => "predicted from other measured halves",
        HalfEvidence::Stated => "stated by hand",
        HalfEvidence::Imported => "predicted from imported times",
        HalfEvidence::Simulated => "simulated",
    };
    format!(
        "edge half {}; server half {}",
        half(evidence.edge),
        half(evidence.server)
    )
}

pub(super) fn ms(ms: f64) -> String {
    format_us(ms * 1e3)
}

pub(super) fn rate(bit_s: u64) -> String {
    BitRate::from_bit_s(bit_s).map_or_else(String::new, |rate| rate.to_string())
}

/// A share, rounded up to three digits, so that it is enough.
pub(super) fn percent_up(percent: f64) -> String {
    format!("{} %", three_digits(outwards(percent, true)))
}

/// A number rounded to three digits, up or down.
pub(super) fn outwards(value: f64, up: bool) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let unit = 10f64.powf(value.abs().log10().floor() - 2.0);
    // a little more than a round number is noise of the division
    let units = value / unit;
    if up {
        (units - 1e-9).ceil() * unit
    } else {
        (units + 1e-9).floor() * unit
    }
}

/// The end of a long name, where layers differ.
pub(super) fn shorten(name: &str) -> String {
    const WIDTH: usize = 40;
    let length = name.chars().count();
    if length <= WIDTH {
        return name.to_owned();
    }
    let end: String = name.chars().skip(length - WIDTH + 1).collect();
    format!("…{end}")
}

pub(super) fn new_table<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.into_iter().collect::<Vec<_>>());
    table
}

pub(super) fn right_aligned(mut table: Table, columns: &[usize]) -> String {
    for index in columns {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}
