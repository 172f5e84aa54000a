use super::words::{named, side};
use crate::rate::{Curve, Other, RateData, Region};
use crate::{Origin, ReportError};
use cutpoint_core::plan::{Baseline, LatencyLine, Segment, Sweep};
use cutpoint_core::units::BitRate;

/// Data of the figure over the rate. Baselines that break a limit are left out.
///
/// # Errors
/// [`ReportError::Nothing`] for a sweep without plans.
pub fn rate(sweep: &Sweep, edge: Origin, server: Origin) -> Result<RateData, ReportError> {
    let Some(first) = sweep.segments.first() else {
        return Err(ReportError::Nothing {
            figure: "rate",
            why: "the sweep found no plan that meets the limits".to_owned(),
        });
    };
    let setting = &first.plan.setting;
    let down = setting
        .down_rate_bit_s
        .and_then(BitRate::from_bit_s)
        .map_or(String::new(), |rate| format!(", {rate} back"));
    let none = sweep
        .no_plan_below_bit_s
        .and_then(BitRate::from_bit_s)
        .map_or(String::new(), |rate| {
            format!("; no plan meets the limits below {rate}")
        });
    let resolution = sweep.resolution.as_ref();
    let resolution = resolution.map_or(String::new(), |known| format!("; {known}"));
    Ok(RateData {
        model: first.plan.model.file.clone(),
        edge,
        server,
        link: format!(
            "Delay {} ms one way{down}; results wanted: {}{none}{resolution}",
            setting.delay_ms, setting.results
        ),
        regions: sweep.segments.iter().map(region).collect(),
        others: sweep.baselines.iter().filter_map(other).collect(),
    })
}

fn region(segment: &Segment) -> Region {
    let plan = &segment.plan;
    Region {
        from_bit_s: segment.from_bit_s as f64,
        to_bit_s: segment.to_bit_s as f64,
        name: named(plan),
        side: side(plan),
        curve: curve(&segment.latency),
    }
}

fn curve(line: &LatencyLine) -> Curve {
    Curve {
        fixed_us: line.fixed_ms * 1e3,
        bits: line.wire_bits as f64,
        at_least_us: line.at_least_ms.unwrap_or(0.0) * 1e3,
    }
}

fn other(baseline: &Baseline) -> Option<(Other, Curve)> {
    let other = match baseline.name.as_str() {
        "all-edge" => Other::AllEdge,
        "all-server" => Other::AllServer,
        "backbone" => Other::Backbone,
        _ => return None,
    };
    baseline
        .breaks
        .is_none()
        .then(|| (other, curve(&baseline.latency)))
}
