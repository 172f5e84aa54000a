use super::words::{link, named, side};
use crate::plan::{OverSegment, OverSweep};
use crate::report::over::{OverData, OverRegion, Unit};
use crate::report::{Course, Origin, ReportError};

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
        dial: sweep.over.clone(),
        unit,
        regions: sweep
            .segments
            .iter()
            .zip(ends)
            .map(|(segment, to)| region(segment, to, unit))
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

fn region(segment: &OverSegment, to: u64, unit: Unit) -> OverRegion {
    let plan = &segment.plan;
    let fixed = Course {
        fixed_us: plan.latency_ms * 1e3,
        rising_us: 0.0,
        falling_us: 0.0,
    };
    let latency = match (&segment.latency, unit) {
        // per nanosecond
        (Some(line), _) => Course {
            fixed_us: line.fixed_ms * 1e3,
            rising_us: line.delays as f64 / 1e3,
            falling_us: 0.0,
        },
        // the plan's numbers are those at the least speed
        (None, Unit::Speed) => {
            let quicker = (plan.breakdown_ms.server + plan.breakdown_ms.decode) * 1e3;
            Course {
                fixed_us: fixed.fixed_us - quicker,
                falling_us: quicker * segment.from as f64,
                ..fixed
            }
        }
        (None, _) => fixed,
    };
    OverRegion {
        from: segment.from as f64,
        to: to as f64,
        name: named(plan),
        side: side(plan),
        latency,
    }
}
