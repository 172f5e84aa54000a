//! An explanation, as human-readable text.

use std::fmt::Write as _;

use cutpoint_core::plan::{
    Breakpoint, Change, Condition, Explanation, LimitReason, Plan, Side, Slack, Status, Step, Unit,
};
use cutpoint_core::units::{Bytes, Energy, Watts, three_digits};

use super::super::plan_text::{self, ms, new_table, outwards, placement, rate, right_aligned};
use super::contender::{other, place};
use super::why_not;

/// The answers in sentences.
pub(super) fn explanation(found: &Explanation) -> String {
    let plan = &found.plan;
    let setting = plan_text::setting(&plan.setting);
    let mut text = format!("{}  {setting}\n\n{}\n", plan.model.file, the_plan(plan));
    if !plan.objective.is_latency() {
        let (name, value) = (&plan.objective.name, plan.objective.value);
        let _ = writeln!(
            text,
            "The objective is {name}, here {}; other plans are told with theirs, and with their \
             latency.",
            plan_text::value(&plan.objective, value)
        );
    }
    if let Some(line) = plan_text::models(plan) {
        let _ = writeln!(text, "It is of {line}.");
    }
    if let Some(why) = &found.why_not {
        let _ = write!(text, "\n{}", why_not::text(why, plan));
    }
    section(&mut text, "Limits", limits(found));
    section(&mut text, "What would change the plan", changes(found));
    if let Some(table) = margins(found) {
        let _ = write!(text, "\n{table}");
    }
    let open = found
        .open
        .iter()
        .map(|question| format!("left open: {question}"));
    section(&mut text, "", open.collect());
    text.trim_end().to_owned()
}

fn section(text: &mut String, title: &str, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let heading = if title.is_empty() {
        String::new()
    } else {
        format!("{title}\n")
    };
    let _ = write!(text, "\n{heading}");
    for line in lines {
        let _ = writeln!(text, "{}{line}", if title.is_empty() { "" } else { "  " });
    }
}

fn the_plan(plan: &Plan) -> String {
    let crossing = plan_text::crossing(plan);
    let crossing = match crossing.as_slice() {
        [] => String::new(),
        several => format!("; {}", several.join("; ")),
    };
    let known = match plan.status {
        Status::Optimal => format!("No plan within the limits is {}", better(plan)),
        _ if plan.objective.is_latency() => {
            format!("No plan is faster than {}", ms(plan.bound_ms))
        }
        _ => {
            let bound = plan_text::value(&plan.objective, plan.objective.bound);
            format!("No plan is better than {bound}")
        }
    };
    format!(
        "The plan takes {}: {}{crossing}.\n{known}: {}.",
        ms(plan.latency_ms),
        placement(plan),
        plan.proof
    )
}

fn better(plan: &Plan) -> &'static str {
    if plan.objective.is_latency() {
        "faster"
    } else {
        "better"
    }
}

fn limits(found: &Explanation) -> Vec<String> {
    let mut lines = Vec::new();
    for reason in &found.limits {
        lines.extend(limit(reason, &found.plan));
    }
    if let Some(together) = &found.together {
        lines.push(format!(
            "Only together do {} bind: without them {}, {} less.",
            together.limits.join(", "),
            other(&together.without, &found.plan),
            plan_text::difference(&found.plan.objective, together.costs)
        ));
        lines.extend(steps(&together.steps, &found.plan).map(|line| format!("  Each: {line}")));
        lines.extend(together.next.as_ref().map(|next| {
            let more = amount(next.at, Unit::Millionth);
            let saved = plan_text::difference(&found.plan.objective, next.saves);
            let better = better(&found.plan);
            let to = next.to.as_ref().map(|to| other(to, &found.plan));
            let to = to.unwrap_or_default();
            format!("  The next {better} plan needs {more} more of each and saves {saved}: {to}.")
        }));
    }
    lines
}

fn limit(reason: &LimitReason, plan: &Plan) -> Vec<String> {
    let name = &reason.limit;
    let mut line = if reason.binds {
        format!("{name} binds")
    } else {
        format!("{name} does not bind")
    };
    if let (Some(unit), Some(allows), Some(uses)) = (reason.unit, reason.allows, reason.uses) {
        let slack = match allows - uses {
            0 => "all of it".to_owned(),
            slack => format!("{} to spare", amount(slack, unit)),
        };
        line += &format!(
            ": it allows {}, the plan uses {}, {slack}",
            amount(allows, unit),
            amount(uses, unit)
        );
    }
    let mut lines = vec![format!("{line}.")];
    if let Some(without) = &reason.without {
        let saved = plan_text::difference(&plan.objective, reason.costs);
        lines.push(format!(
            "  It costs {saved}: without it {}.",
            other(without, plan)
        ));
        lines.extend(steps(&reason.steps, plan).map(|line| format!("  {line}")));
    }
    if let (Some(unit), Some(next)) = (reason.unit, &reason.next) {
        lines.push(format!("  {}.", looser(next, unit, plan)));
    }
    lines.extend(reason.tighter.as_ref().map(|tighter| match &tighter.to {
        Some(to) => format!("  With less than it uses: {}.", other(to, plan)),
        None => "  With less than it uses there is no plan.".to_owned(),
    }));
    lines
}

fn looser(next: &Change, unit: Unit, plan: &Plan) -> String {
    let to = next
        .to
        .as_ref()
        .map_or_else(String::new, |to| other(to, plan));
    format!(
        "The next {} plan needs {} and saves {}: {to}",
        better(plan),
        amount_outwards(next.at, unit, true),
        plan_text::difference(&plan.objective, next.saves)
    )
}

/// What a little more buys, in one sentence.
fn steps(steps: &[Step], plan: &Plan) -> Option<String> {
    let one = |step: &Step| {
        let more = match (step.unit, step.more) {
            (Unit::Byte, 1_048_576) => "1 MiB".to_owned(),
            (Unit::Millionth, more) => match more as f64 / 1e4 {
                1.0 => "a point".to_owned(),
                0.1 => "a tenth of a point".to_owned(),
                points => format!("{points} points"),
            },
            (unit, more) => amount(more, unit),
        };
        match step.saves {
            saved if saved > 0.0 => {
                let saved = plan_text::difference(&plan.objective, saved);
                format!("{more} more saves {saved}")
            }
            _ => format!("{more} more saves nothing"),
        }
    };
    let said: Vec<String> = steps.iter().map(one).collect();
    (!said.is_empty()).then(|| {
        let mut line = said.join(", ");
        line.push('.');
        line.replacen("a ", "A ", usize::from(line.starts_with("a ")))
    })
}

fn changes(found: &Explanation) -> Vec<String> {
    let plan = &found.plan;
    let mut lines: Vec<String> = steps(&found.faster_link, plan).into_iter().collect();
    lines.extend(found.flips.iter().filter_map(|one| flip(one, plan)));
    lines
}

fn flip(flip: &Breakpoint, plan: &Plan) -> Option<String> {
    let Some(at) = flip.at else {
        return never(flip, plan);
    };
    let value = match flip.of {
        Condition::Rate => rate(outwards(at as f64, flip.up) as u64),
        Condition::Delay => ms(outwards(at as f64 / 1e6, flip.up)),
        Condition::EdgeMemory => {
            // the first size that is too small
            let size = Bytes(at + 1);
            return Some(match &flip.to {
                Some(to) => format!(
                    "With less than {size} of memory on the edge: {}.",
                    other(to, plan)
                ),
                None => format!("With less than {size} of memory on the edge there is no plan."),
            });
        }
        Condition::EdgeTime | Condition::ServerTime => {
            let times = three_digits(outwards(at as f64 / 1e3, flip.up));
            format!("{times} times its time")
        }
    };
    let (whose, more) = match (flip.of, flip.up) {
        (Condition::Rate, true) => ("At", " or more"),
        (Condition::Rate, false) => ("At", " or less"),
        (Condition::Delay, true) => ("With a delay of", " or more"),
        (Condition::Delay, false) => ("With a delay of", " or less"),
        (Condition::EdgeTime, true) => ("When the edge takes", " or more"),
        (Condition::EdgeTime, false) => ("When the edge takes", " or less"),
        (_, true) => ("When the server takes", " or more"),
        (_, false) => ("When the server takes", " or less"),
    };
    let to = match &flip.to {
        Some(to) => format!("another plan wins: {}", other(to, plan)),
        None => "no plan meets the limits".to_owned(),
    };
    Some(format!("{whose} {value}{more}, {to}."))
}

fn never(flip: &Breakpoint, plan: &Plan) -> Option<String> {
    let what = match (flip.of, flip.up) {
        (Condition::Rate, true) => "No faster link",
        (Condition::Rate, false) => "No slower link",
        (Condition::Delay, true) => "No longer delay",
        (Condition::Delay, false) if plan.setting.delay_ms > 0.0 => "No shorter delay",
        (Condition::EdgeTime, true) => "No slower edge",
        (Condition::EdgeTime, false) => "No faster edge",
        (Condition::ServerTime, true) => "No slower server",
        (Condition::ServerTime, false) => "No faster server",
        _ => return None,
    };
    Some(format!("{what} changes the plan."))
}

fn margins(found: &Explanation) -> Option<String> {
    let margins = &found.margins;
    let mut table = new_table(["layer", "on", "takes", "may grow by", "", "before"]);
    let mut rows: Vec<&Slack> = margins.smallest.iter().collect();
    rows.extend(
        margins
            .relative
            .iter()
            .filter(|m| !margins.smallest.contains(m)),
    );
    if rows.is_empty() {
        return None;
    }
    for margin in rows {
        let side = match margin.side {
            Side::Edge => "edge",
            _ => "server",
        };
        table.add_row([
            plan_text::shorten(&margin.layer),
            side.to_owned(),
            ms(margin.time_ms),
            ms(margin.grows_ms),
            share(margin),
            place(&margin.to, &found.plan),
        ]);
    }
    let title = "The layers on whose times the choice hangs most";
    Some(format!("{title}\n{}\n", right_aligned(table, &[2, 3, 4])))
}

/// By how much of its time a layer may grow.
fn share(margin: &Slack) -> String {
    let ratio = margin.grows_ms / margin.time_ms.max(f64::MIN_POSITIVE);
    match ratio {
        ratio if ratio >= 10.0 => format!("{} times", three_digits(ratio)),
        ratio => format!("{} %", three_digits(100.0 * ratio)),
    }
}

fn amount(amount: i64, unit: Unit) -> String {
    let whole = amount.unsigned_abs();
    let sign = if amount < 0 { "-" } else { "" };
    match unit {
        Unit::Byte => format!("{sign}{}", Bytes(whole)),
        Unit::BitPerSecond => format!("{sign}{}", rate(whole)),
        Unit::Nanosecond => ms(amount as f64 / 1e6),
        Unit::Millionth => format!("{} %", amount as f64 / 1e4),
        Unit::Permille => format!("{} %", amount as f64 / 10.0),
        Unit::Nanojoule => Energy(whole).to_string(),
        Unit::Microwatt => Watts(whole).to_string(),
        Unit::Unit | Unit::Metric | Unit::FrameRate | Unit::Speed => amount.to_string(),
    }
}

/// An amount of bytes or bits with few digits, up or down; others have few.
fn amount_outwards(value: i64, unit: Unit, up: bool) -> String {
    match unit {
        Unit::Byte | Unit::BitPerSecond => amount(outwards(value as f64, up) as i64, unit),
        _ => amount(value, unit),
    }
}
