//! Why a cut is not chosen, as human-readable text.

use std::fmt::Write as _;

use cutpoint_core::plan::{Breakdown, Breakpoint, Conflict, Plan, WhyNot};

use super::super::plan::give;
use super::super::plan_text::{self, ms, new_table, outwards, rate, right_aligned, shorten};
use super::contender::other;

/// The comparison of a cut with the plan.
pub(super) fn text(why: &WhyNot, plan: &Plan) -> String {
    let names: Vec<String> = why.tensors.iter().map(|name| shorten(name)).collect();
    let mut text = format!("Why not cut at {}? ", names.join(", "));
    if why.chosen {
        return text + "That is the plan.\n";
    }
    if !why.barred.is_empty() {
        return text + &format!("It is impossible: {}.\n", why.barred.join("; "));
    }
    let Some((cut, difference)) = why.cut.as_ref().zip(why.difference_ms) else {
        return text + "It is impossible: what would cross may not.\n";
    };
    let more = cut.latency_ms - plan.latency_ms;
    let objective = &plan.objective;
    let value = cut.value - objective.value_with(plan.latency_ms);
    let than = match value {
        value if value > 0.0 => format!(
            "{} more than the plan",
            plan_text::difference(objective, value)
        ),
        value if value < 0.0 => {
            format!(
                "{} less than the plan",
                plan_text::difference(objective, -value)
            )
        }
        _ => "as much as the plan".to_owned(),
    };
    let _ = writeln!(text, "It takes {}: {than}.", other(cut, plan));
    if !why.breaks.is_empty() {
        let breaks: Vec<String> = why.breaks.iter().map(broken).collect();
        let _ = writeln!(text, "  It breaks limits: {}.", breaks.join("; "));
    }
    if more > 0.0 {
        let _ = writeln!(text, "  {}", faster(why.faster.as_ref()));
    }
    if let Some(best) = &why.containing {
        let sent = if names.len() == 1 {
            "this tensor"
        } else {
            "these tensors"
        };
        let _ = if best.crossing == plan.crossing && best.edge_layers == plan.edge.len() {
            writeln!(text, "  The plan sends {sent}, too.")
        } else {
            writeln!(
                text,
                "  The best plan that sends {sent}: {}.",
                other(best, plan)
            )
        };
    }
    let parts = why.breakdown_ms.unwrap_or_default();
    text + &format!("\n{}\n", table(parts, plan.breakdown_ms, difference))
}

/// A limit that is broken, with what the cut would need.
fn broken(conflict: &Conflict) -> String {
    give(conflict).unwrap_or_else(|| conflict.limit.to_string())
}

fn faster(flip: Option<&Breakpoint>) -> String {
    match flip.and_then(|flip| Some((flip.up, flip.at?))) {
        None => "It is slower than the plan at every rate.".to_owned(),
        Some((up, at)) => format!(
            "It is the faster of the two at {} or {}.",
            rate(outwards(at as f64, up) as u64),
            if up { "more" } else { "less" }
        ),
    }
}

fn table(cut: Breakdown, plan: Breakdown, difference: Breakdown) -> String {
    let mut table = new_table(["part", "this cut", "the plan", "difference"]);
    let parts = |b: Breakdown| {
        [
            b.edge, b.encode, b.uplink, b.decode, b.server, b.downlink, b.local,
        ]
    };
    let names = [
        "edge",
        "encode",
        "uplink",
        "decode",
        "server",
        "downlink",
        "overlapped",
    ];
    let rows = names
        .iter()
        .zip(parts(cut))
        .zip(parts(plan))
        .zip(parts(difference));
    for (((name, cut), plan), difference) in rows {
        if cut > 0.0 || plan > 0.0 {
            let signed = match difference {
                more if more > 0.0 => format!("+{}", ms(more)),
                less => ms(less),
            };
            table.add_row([(*name).to_owned(), ms(cut), ms(plan), signed]);
        }
    }
    right_aligned(table, &[1, 2, 3])
}
