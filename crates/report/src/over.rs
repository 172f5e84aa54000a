//! What a limit, the delay or the server's speed is worth: the latency of the best plan over it.

use super::along::{self, Course, Picture};
use super::rate::Side;
use super::scale::{Axis, Quantity, Spread, Tick, linear_steps, log_steps, plain};
use super::sheet::{Sheet, Swatch, Words};
use super::{Origin, ReportError, Style, nothing, provenance};
use cutpoint_core::units::{Energy, Watts, format_stated_us, format_us, three_digits};

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct OverData {
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
    pub regions: Vec<OverRegion>,
    /// Without a plan at smaller amounts, at larger ones.
    pub none: [bool; 2],
    /// How exact the ends are, where they are not.
    pub resolution: Option<String>,
    /// What the plans are best at, other than latency; empty for latency.
    pub objective: String,
}

/// The amounts at which one plan is best.
#[derive(Debug, Clone, PartialEq)]
pub struct OverRegion {
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

/// Draws the figure.
///
/// # Errors
/// [`ReportError::Nothing`] when the sweep covers no range or a plan takes no time.
pub fn figure(data: &OverData, style: &Style) -> Result<String, ReportError> {
    let (from, to) = range(data)?;
    let regions: Vec<along::Region> = data.regions.iter().map(region).collect();
    let mut sheet = Sheet::new(style, &words(data));
    let mut legend = vec![("envelope", Swatch::Line, "best plan".to_owned())];
    if !style.is_low() {
        let sides: Vec<Side> = data.regions.iter().map(|region| region.side).collect();
        legend.extend(along::legend(&sides));
    }
    sheet.legend(&legend);
    let picture = Picture {
        x: axis(data, from, to),
        regions: &regions,
        show: &|amount| data.unit.show(amount),
        tip: &|region| tip(data, region),
    };
    let y = |free| latency_axis(&regions, free);
    along::draw(&mut sheet, style, &picture, y, |_| Vec::new())?;
    Ok(sheet.finish())
}

fn region(region: &OverRegion) -> along::Region {
    along::Region {
        from: region.from,
        to: region.to,
        name: region.name.clone(),
        side: region.side,
        course: region.latency,
    }
}

/// Least and largest amount.
fn range(data: &OverData) -> Result<(f64, f64), ReportError> {
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
    let takes_time = |region: &OverRegion| {
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

fn words(data: &OverData) -> Words {
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
    let aim = if data.objective.is_empty() {
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
            "{}.{aim}{exact} {}",
            data.link,
            provenance(&data.edge, &data.server)
        ),
    }
}

fn axis(data: &OverData, from: f64, to: f64) -> Axis {
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
fn latency_axis(regions: &[along::Region], free: f64) -> Axis {
    let ends = |r: &along::Region| [r.course.at_us(r.from), r.course.at_us(r.to)];
    let range = |(low, high): (f64, f64), us: f64| (low.min(us), high.max(us));
    let (low, high) = regions
        .iter()
        .flat_map(ends)
        .fold((f64::INFINITY, 0.0), range);
    let high = (high * 1.3).max(low * 2.0);
    let span = (high / low).ln() / (1.0 - free);
    Axis::log(high / span.exp(), high, Quantity::TimeUs, "latency")
}

fn tip(data: &OverData, region: &along::Region) -> String {
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
