//! A verification as text.

use std::fmt::Write as _;

use cutpoint_core::plan::{Verification, VerifiedCut, VerifiedPart};
use cutpoint_core::units::{BitRate, format_us};

use crate::cli::plan_text::{new_table, right_aligned, shorten};
use crate::cli::plural;

pub(super) fn verification(found: &Verification) -> String {
    let mut text = format!(
        "{}  {}\n",
        cutpoint_onnx::show(&found.model),
        crossing(&found.crossing)
    );
    let rate = |bit_s| BitRate::from_bit_s(bit_s).map_or_else(String::new, |rate| rate.to_string());
    let down = if found.down_rate_bit_s == found.rate_bit_s {
        String::new()
    } else {
        format!(" up, {} down", rate(found.down_rate_bit_s))
    };
    let pace = match found.paced_fps {
        Some(fps) => format!("{fps} requests per second"),
        None => "requests back to back".to_owned(),
    };
    let _ = writeln!(
        text,
        "emulated link  {}{down}, {} one way, {} connection, {pace}",
        rate(found.rate_bit_s),
        time(found.delay_ms),
        found.connection
    );
    let _ = writeln!(
        text,
        "measured       {} on either side, {}\n",
        plural(found.threads, "thread"),
        found.runtime
    );
    text += &parts(&found.parts);
    if let Some(cuts) = &found.cuts {
        text += &format!("\n\n{}", all(cuts));
        text += &format!("\n\n{}", regret(cuts));
    }
    text
}

fn time(ms: f64) -> String {
    format_us(ms * 1e3)
}

fn crossing(names: &[String]) -> String {
    match names {
        [] => "everything on the edge".to_owned(),
        names => {
            let shown: Vec<String> = names.iter().map(|name| shorten(name)).collect();
            format!("cut at {}", shown.join(", "))
        }
    }
}

fn percent(measured: f64, predicted: f64) -> String {
    if predicted > 0.0 {
        format!("{:+.1} %", (measured / predicted - 1.0) * 100.0)
    } else {
        String::new()
    }
}

fn parts(parts: &[VerifiedPart]) -> String {
    let mut table = new_table(["part", "predicted", "measured", "MAD", "n", "difference"]);
    for part in parts {
        if part.predicted_ms > 0.0 || part.measured_ms > 0.0 {
            table.add_row([
                part.name.clone(),
                time(part.predicted_ms),
                time(part.measured_ms),
                time(part.mad_ms),
                part.n.to_string(),
                percent(part.measured_ms, part.predicted_ms),
            ]);
        }
    }
    right_aligned(table, &[1, 2, 3, 4, 5])
}

fn all(cuts: &[VerifiedCut]) -> String {
    let mut cuts: Vec<&VerifiedCut> = cuts.iter().collect();
    cuts.sort_by(|a, b| a.measured_ms.total_cmp(&b.measured_ms));
    let mut table = new_table(["cut", "predicted", "measured", "MAD", "n", "difference"]);
    for cut in cuts {
        let planned = if cut.planned { "  (this one)" } else { "" };
        table.add_row([
            format!("{}{planned}", crossing(&cut.crossing)),
            time(cut.predicted_ms),
            time(cut.measured_ms),
            time(cut.mad_ms),
            cut.n.to_string(),
            percent(cut.measured_ms, cut.predicted_ms),
        ]);
    }
    right_aligned(table, &[1, 2, 3, 4, 5])
}

/// How far the plan is from the fastest cut, unless that lies within the noise.
fn regret(cuts: &[VerifiedCut]) -> String {
    let fastest = cuts
        .iter()
        .min_by(|a, b| a.measured_ms.total_cmp(&b.measured_ms));
    let planned = cuts.iter().find(|cut| cut.planned);
    let Some((fastest, planned)) = fastest.zip(planned) else {
        return String::new();
    };
    if fastest.planned {
        return "No cut was measured to be faster.".to_owned();
    }
    let more = planned.measured_ms - fastest.measured_ms;
    let name = crossing(&fastest.crossing);
    // of a median: 1.48 MAD is the standard deviation of normal samples, 1.25 / sqrt(n) the median's
    let error = |cut: &VerifiedCut| 1.25 * 1.48 * cut.mad_ms / (cut.n as f64).sqrt();
    if more < 2.0 * error(planned).hypot(error(fastest)) {
        return format!("The fastest measured, {name}, is faster by less than the noise.");
    }
    let factor = planned.measured_ms / fastest.measured_ms;
    let regret = if factor < 2.0 {
        format!("a regret of {:.1} %", (factor - 1.0) * 100.0)
    } else {
        format!("this one takes {factor:.1} times as long")
    };
    format!(
        "The fastest measured, {name}, takes {} less: {regret}.",
        time(more)
    )
}
