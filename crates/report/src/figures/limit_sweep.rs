//! What a limit, the delay or the server's speed is worth: the latency of the best plan over it.

use crate::canvas::axis_regions::{self, Course, Picture};
use crate::canvas::scale::{Axis, Quantity, Spread, Tick, linear_steps, log_steps, plain};
use crate::canvas::{Canvas, Swatch, Words};
use crate::figures::Figure;
use crate::figures::rate::Side;
use crate::subject::known_origins;
use crate::wording::{link, named, side};
use crate::{Origin, ReportError, Style, Subject, nothing, provenance};
use cutpoint_core::plan::{LimitSegment, LimitSweep, Plan};
use cutpoint_core::units::{Energy, Watts, format_stated_us, format_us, three_digits};

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitSweepData {
    /// Name of the model.
    pub model: String,
    /// Where the edge times come from.
    pub edge: Origin,
    /// Where the server times come from.
    pub server: Origin,
    /// What else the latencies depend on, such as `10 Mbit/s, 20 ms one way`.
    pub link: String,
    /// What is varied, such as `edge-memory`.
    pub parameter: String,
    /// What its amounts are.
    pub unit: Unit,
    /// The best plans from the least to the largest amount.
    pub regions: Vec<LimitRegion>,
    /// Without a plan at smaller amounts, at larger ones.
    pub none: [bool; 2],
    /// How exact the ends are, where they are not.
    pub resolution: Option<String>,
    /// What the plans are best at, other than latency; empty for latency.
    pub objective: String,
}

/// The amounts at which one plan is best.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitRegion {
    /// The least amount.
    pub from: f64,
    /// The largest amount; the next region starts here.
    pub to: f64,
    /// What crosses, in which codec; or which side runs everything.
    pub name: String,
    /// Where the layers run.
    pub side: Side,
    /// Latency of the plan along the amounts.
    pub latency: Course,
}

/// What an amount counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Nanoseconds.
    Time,
    /// Nanojoules.
    Energy,
    /// Microwatts.
    Power,
    /// Millionths of a whole.
    Share,
    /// Thousandths of a frame per second.
    Frames,
    /// Thousandths of a speed.
    Speed,
    /// Units of a capacity.
    Count,
}

const NAME: &str = "over";
/// Amounts that span less than this factor are spread evenly.
const NARROW: f64 = 6.0;

impl Unit {
    fn show(self, amount: f64) -> String {
        let whole = || amount.round() as u64;
        match self {
            Unit::Bytes => Quantity::SizeBytes.show(amount),
            Unit::Time => format_stated_us(amount / 1e3),
            Unit::Energy => Energy(whole()).to_string(),
            Unit::Power => Watts(whole()).to_string(),
            Unit::Share => format!("{} %", three_digits(amount / 1e4)),
            Unit::Frames => format!("{}/s", three_digits(amount / 1e3)),
            Unit::Speed => format!("{}x", three_digits(amount / 1e3)),
            Unit::Count => plain(amount),
        }
    }
}

impl Figure for LimitSweepData {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "best latency against the limit that was swept over";
    const NEEDS: &'static str = "a sweep over a limit";

    fn gather(subject: &Subject<'_>) -> Result<Vec<LimitSweepData>, ReportError> {
        let Subject::LimitSweep(sweep, profile) = subject else {
            return Ok(Vec::new());
        };
        let Some(first) = sweep.segments.first() else {
            return Ok(Vec::new());
        };
        let [edge, server] = known_origins(&first.plan, *profile);
        Ok(vec![gather(sweep, edge, server)?])
    }

    fn draw(&self, style: &Style) -> Result<String, ReportError> {
        draw(self, style)
    }
}

/// Draws the figure.
///
/// # Errors
/// [`ReportError::Nothing`] when the sweep covers no range or a plan takes no time.
fn draw(data: &LimitSweepData, style: &Style) -> Result<String, ReportError> {
    let (from, to) = range(data)?;
    let regions: Vec<axis_regions::Region> = data.regions.iter().map(on_axis).collect();
    let mut canvas = Canvas::new(style, &words(data));
    let mut legend = vec![("envelope", Swatch::Line, "best plan".to_owned())];
    if !style.is_low() {
        let sides: Vec<Side> = data.regions.iter().map(|region| region.side).collect();
        legend.extend(axis_regions::legend(&sides));
    }
    canvas.legend(&legend);
    let picture = Picture {
        x: axis(data, from, to),
        regions: &regions,
        show: &|amount| data.unit.show(amount),
        tip: &|region| tip(data, region),
    };
    let y = |free| latency_axis(&regions, free);
    axis_regions::draw(&mut canvas, style, &picture, y, |_| Vec::new())?;
    Ok(canvas.finish())
}

fn on_axis(region: &LimitRegion) -> axis_regions::Region {
    axis_regions::Region {
        from: region.from,
        to: region.to,
        name: region.name.clone(),
        side: region.side,
        course: region.latency,
    }
}

/// Least and largest amount.
fn range(data: &LimitSweepData) -> Result<(f64, f64), ReportError> {
    let ends = data.regions.first().zip(data.regions.last());
    let (from, to) = ends.map_or((0.0, 0.0), |(first, last)| (first.from, last.to));
    let ordered = data.regions.iter().all(|region| region.from <= region.to);
    if !(from >= 0.0 && to.is_finite() && from < to && ordered) {
        return Err(nothing(
            NAME,
            format!(
                "the sweep has plans over no range of {}; sweep over a wider one",
                data.parameter
            ),
        ));
    }
    let takes_time = |region: &LimitRegion| {
        [region.from, region.to].iter().all(|amount| {
            let us = region.latency.at_us(*amount);
            us > 0.0 && us.is_finite()
        })
    };
    if data.regions.iter().all(takes_time) {
        Ok((from, to))
    } else {
        Err(nothing(
            NAME,
            "a plan of the sweep takes no time; measure again with `cutpoint profile`",
        ))
    }
}

fn words(data: &LimitSweepData) -> Words {
    let count = data.regions.len();
    let plans = match count {
        1 => format!("One plan is best at every {}.", data.parameter),
        _ => format!("{count} plans are best in turn; where they change stands above."),
    };
    let none = match data.none {
        [false, false] => "",
        [true, false] => " No plan meets the limits with less.",
        [false, true] => " No plan meets the limits with more.",
        [true, true] => " No plan meets the limits with less or with more.",
    };
    let objective = if data.objective.is_empty() {
        String::new()
    } else {
        format!(" Plans are the best for {}.", data.objective)
    };
    let exact = match &data.resolution {
        Some(resolution) => format!(" {resolution}."),
        None => String::new(),
    };
    Words {
        heading: format!("{}: best latency over {}", data.model, data.parameter),
        summary: format!(
            "{plans}{none} Edge {}, server {}.",
            data.edge.label(),
            data.server.label()
        ),
        caption: format!(
            "{}.{objective}{exact} {}",
            data.link,
            provenance(&data.edge, &data.server)
        ),
    }
}

fn axis(data: &LimitSweepData, from: f64, to: f64) -> Axis {
    let (spread, steps) = if from > 0.0 && to / from >= NARROW {
        (Spread::Log, log_steps(from, to))
    } else {
        (Spread::Linear, linear_steps(from, to, 6))
    };
    let tick = |at: f64| Tick {
        at,
        label: data.unit.show(at),
    };
    Axis {
        spread,
        from,
        to,
        ticks: steps.into_iter().map(tick).collect(),
        title: data.parameter.clone(),
    }
}

/// A vertical axis that holds all plans, with a share of its height left free below them.
fn latency_axis(regions: &[axis_regions::Region], free: f64) -> Axis {
    let ends = |r: &axis_regions::Region| [r.course.at_us(r.from), r.course.at_us(r.to)];
    let range = |(low, high): (f64, f64), us: f64| (low.min(us), high.max(us));
    let (low, high) = regions
        .iter()
        .flat_map(ends)
        .fold((f64::INFINITY, 0.0), range);
    let high = (high * 1.3).max(low * 2.0);
    let span = (high / low).ln() / (1.0 - free);
    Axis::log(high / span.exp(), high, Quantity::TimeUs, "latency")
}

fn tip(data: &LimitSweepData, region: &axis_regions::Region) -> String {
    let (first, last) = (
        region.course.at_us(region.from),
        region.course.at_us(region.to),
    );
    let latency = if first == last {
        format_us(first)
    } else {
        format!("{} to {}", format_us(first), format_us(last))
    };
    format!(
        "{}\nbest from {} to {}\n{latency}",
        region.name,
        data.unit.show(region.from),
        data.unit.show(region.to),
    )
}

/// Data of the figure over a limit, the delay or the speed.
///
/// # Errors
/// [`ReportError::Nothing`] for a sweep without plans, or over something unknown.
pub fn gather(
    sweep: &LimitSweep,
    edge: Origin,
    server: Origin,
) -> Result<LimitSweepData, ReportError> {
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
    Ok(LimitSweepData {
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

fn region(segment: &LimitSegment, to: u64, parameter: &str) -> LimitRegion {
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
    LimitRegion {
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
