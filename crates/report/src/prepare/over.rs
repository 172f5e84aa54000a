use super::words::{link, named, side};
use crate::over::{OverData, OverRegion, Unit};
use crate::{Course, Origin, ReportError};
use cutpoint_core::plan::{OverSegment, OverSweep, Plan};

/// Data of the figure over a limit, the delay or the speed.
///
/// # Errors
/// [`ReportError::Nothing`] for a sweep without plans, or over something unknown.
pub fn over(sweep: &OverSweep, edge: Origin, server: Origin) -> Result<OverData, ReportError> {
    let nothing = |why: String| ReportError::Nothing {
        figure: "over",
        why,
    };
    let Some(first) = sweep.segments.first() else {
        return Err(nothing(
            "the sweep found no plan that meets the limits".to_owned(),
        ));
    };
    let unit = unit(&sweep.unit)
        .ok_or_else(|| nothing(format!("`{}` is no unit of this version", sweep.unit)))?;
    let ends = sweep.segments.iter().skip(1).map(|next| next.from);
    let ends = ends.chain(sweep.segments.last().map(|last| last.to));
    let setting = &first.plan.setting;
    Ok(OverData {
        model: first.plan.model.file.clone(),
        edge,
        server,
        link: match sweep.over.as_str() {
            "delay" => link(setting)
                .split(',')
                .next()
                .unwrap_or_default()
                .to_owned(),
            _ => link(setting),
        },
        parameter: sweep.over.clone(),
        unit,
        regions: sweep
            .segments
            .iter()
            .zip(ends)
            .map(|(segment, to)| region(segment, to, &sweep.over))
            .collect(),
        none: [sweep.no_plan_below.is_some(), sweep.no_plan_above.is_some()],
        resolution: sweep.resolution.clone(),
        objective: first.plan.objective.name.clone(),
    })
}

fn unit(text: &str) -> Option<Unit> {
    Some(match text {
        "B" => Unit::Bytes,
        "ns" => Unit::Time,
        "nJ" => Unit::Energy,
        "uW" => Unit::Power,
        "1e-6" => Unit::Share,
        "1e-3/s" => Unit::Frames,
        "1e-3" => Unit::Speed,
        "1" => Unit::Count,
        _ => return None,
    })
}

fn region(segment: &OverSegment, to: u64, parameter: &str) -> OverRegion {
    let plan = &segment.plan;
    let ms = &plan.breakdown_ms;
    let from = segment.from as f64;
    let remote_ms = ms.edge + ms.encode + ms.uplink + ms.decode + ms.server + ms.downlink;
    let at_least_ms = if plan.local.is_empty() {
        0.0
    } else {
        ms.edge + ms.encode + ms.local
    };
    let still = Course {
        fixed_us: remote_ms * 1e3,
        rising_us: 0.0,
        falling_us: 0.0,
        at_least_us: at_least_ms * 1e3,
    };
    // of the plans of one segment, all numbers are those at its start
    let latency = match (segment.latency, moves(plan, parameter)) {
        (Some(line), _) => Course {
            fixed_us: line.fixed_ms * 1e3,
            rising_us: line.delays as f64 / NS,
            ..still
        },
        (None, Moves::WithDelay(delays)) => Course {
            fixed_us: still.fixed_us - delays * from / NS,
            rising_us: delays / NS,
            ..still
        },
        (None, Moves::WithSpeed) => {
            let quicker = (ms.server + ms.decode) * 1e3;
            Course {
                fixed_us: still.fixed_us - quicker,
                falling_us: quicker * from,
                ..still
            }
        }
        (None, Moves::Not) => still,
    };
    OverRegion {
        from,
        to: to as f64,
        name: named(plan),
        side: side(plan),
        latency,
    }
}

/// Nanoseconds in a microsecond.
const NS: f64 = 1e3;

/// How a plan's latency follows what is varied.
enum Moves {
    Not,
    /// It waits for so many delays.
    WithDelay(f64),
    WithSpeed,
}

fn moves(plan: &Plan, parameter: &str) -> Moves {
    match parameter {
        "delay" => {
            let sent = !plan.server.is_empty() || !plan.crossing.is_empty();
            Moves::WithDelay(f64::from(
                u8::from(sent) + u8::from(plan.downlink_bytes > 0),
            ))
        }
        "speed" => Moves::WithSpeed,
        _ => Moves::Not,
    }
}
