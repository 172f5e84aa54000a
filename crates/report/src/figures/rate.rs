//! Best latency against the link's rate: which cut is best from which rate on.

use crate::canvas::axis_regions::{self, Course, Picture, sample};
use crate::canvas::panel::{Mark, Panel, Shape};
use crate::canvas::scale::{Axis, Quantity};
use crate::canvas::{Canvas, Swatch, Words};
use crate::figures::Figure;
pub use crate::side::Side;
use crate::subject::known_origins;
use crate::wording::{named, side};
use crate::{Origin, ReportError, Style, Subject, nothing, provenance};
use cutpoint_core::plan::{Baseline, LatencyLine, Segment, Sweep};
use cutpoint_core::units::BitRate;
use cutpoint_core::units::format_us;
use cutpoint_planner::parametric;

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct RateData {
    /// Name of the model.
    pub model: String,
    /// Where the edge times come from.
    pub edge: Origin,
    /// Where the server times come from.
    pub server: Origin,
    /// What else the latencies depend on, such as `20 ms one way`.
    pub link: String,
    /// The best plans from the lowest to the highest rate, without gaps.
    pub regions: Vec<Region>,
    /// Plans to compare with, each under its name.
    pub others: Vec<(Other, Curve)>,
}

/// The rates at which one plan is best.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Lowest rate in bit/s.
    pub from_bit_s: f64,
    /// Highest rate in bit/s; the next region starts here.
    pub to_bit_s: f64,
    /// What crosses, in which codec; or which side runs everything.
    pub name: String,
    /// Where the layers run.
    pub side: Side,
    /// Latency of the plan.
    pub curve: Curve,
}

/// A plan to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// Everything on the edge.
    AllEdge,
    /// Everything on the server, the raw input sent.
    AllServer,
    /// The cut where all heads start.
    Backbone,
}

impl Other {
    fn class(self) -> &'static str {
        match self {
            Other::AllEdge => "all-edge",
            Other::AllServer => "all-server",
            Other::Backbone => "backbone",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Other::AllEdge => "edge alone",
            Other::AllServer => "server alone",
            Other::Backbone => "cut at the backbone",
        }
    }
}

/// Latency of one plan at any rate: `fixed_us + bits / rate`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curve {
    /// What does not depend on the rate, in microseconds.
    pub fixed_us: f64,
    /// Bits on the wire that travel at the rate.
    pub bits: f64,
    /// No less than this at any rate, in microseconds: what overlaps with the transfer on the edge.
    pub at_least_us: f64,
}

impl Curve {
    /// Latency at a rate in bit/s.
    pub fn at_us(&self, bit_s: f64) -> f64 {
        (self.fixed_us + self.bits / bit_s * 1e6).max(self.at_least_us)
    }

    fn course(&self) -> Course {
        Course {
            fixed_us: self.fixed_us,
            rising_us: 0.0,
            falling_us: self.bits * 1e6,
            at_least_us: self.at_least_us,
        }
    }
}

const NAME: &str = "rate";
impl Figure for RateData {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "best latency against the rate of the link";
    const NEEDS: &'static str = "a profile, a sweep";

    fn gather(subject: &Subject<'_>) -> Result<Vec<RateData>, ReportError> {
        match subject {
            Subject::Sweep(sweep, profile) => {
                let Some(first) = sweep.segments.first() else {
                    return Ok(Vec::new());
                };
                let [edge, server] = known_origins(&first.plan, *profile);
                Ok(vec![gather(sweep, edge, server)?])
            }
            Subject::Study(study) if !study.has_sweep => {
                let rates = study.rate_range();
                let sweep =
                    study.solve(|problem, options| parametric::sweep(problem, rates, options));
                let sweep = sweep.map_err(|error| nothing(NAME, error.to_string()))?;
                let [edge, server] = study.origins();
                Ok(vec![gather(&sweep, edge, server)?])
            }
            _ => Ok(Vec::new()),
        }
    }

    fn draw(&self, style: &Style) -> Result<String, ReportError> {
        draw(self, style)
    }
}

/// Draws the figure.
///
/// # Errors
/// [`ReportError::Nothing`] when the sweep covers no range or nothing takes any time.
fn draw(data: &RateData, style: &Style) -> Result<String, ReportError> {
    let (from, to) = range(data)?;
    let mut canvas = Canvas::new(style, &words(data));
    let mut legend = legend(data);
    if style.is_low() {
        // the regions have their names in them
        legend.retain(|(_, swatch, _)| *swatch == Swatch::Line);
    }
    canvas.legend(&legend);
    let regions: Vec<axis_regions::Region> = data.regions.iter().map(on_axis).collect();
    let picture = Picture {
        x: Axis::log(from, to, Quantity::RateBitS, "rate of the link"),
        regions: &regions,
        show: &|rate| Quantity::RateBitS.show(rate),
        tip: &tip,
    };
    let y = |free| latency_axis(data, from, to, free);
    axis_regions::draw(&mut canvas, style, &picture, y, |panel| others(data, panel))?;
    Ok(canvas.finish())
}

fn on_axis(region: &Region) -> axis_regions::Region {
    axis_regions::Region {
        from: region.from_bit_s,
        to: region.to_bit_s,
        name: region.name.clone(),
        side: region.side,
        course: region.curve.course(),
    }
}

fn tip(region: &axis_regions::Region) -> String {
    let show = |rate| Quantity::RateBitS.show(rate);
    format!(
        "{}\nbest from {} to {} ({:.0} to {:.0} bit/s)\n{} to {}",
        region.name,
        show(region.from),
        show(region.to),
        region.from,
        region.to,
        format_us(region.course.at_us(region.from)),
        format_us(region.course.at_us(region.to)),
    )
}

/// Lowest and highest rate.
fn range(data: &RateData) -> Result<(f64, f64), ReportError> {
    let ends = data.regions.first().zip(data.regions.last());
    let (from, to) = ends.map_or((0.0, 0.0), |(first, last)| {
        (first.from_bit_s, last.to_bit_s)
    });
    if !(from >= 1.0 && to.is_finite() && from * 1.01 < to) {
        return Err(nothing(
            NAME,
            "the sweep covers no range of rates; sweep from a low to a high rate, as in `--rate 100kbit/s..1Gbit/s`",
        ));
    }
    if data
        .regions
        .iter()
        .any(|region| !(region.curve.at_us(from) > 0.0 && region.curve.at_us(from).is_finite()))
    {
        return Err(nothing(
            NAME,
            "a plan of the sweep takes no time; measure again with `cutpoint profile`",
        ));
    }
    Ok((from, to))
}

fn words(data: &RateData) -> Words {
    let count = data.regions.len();
    let plans = if count == 1 {
        "One plan is best at every rate.".to_owned()
    } else {
        format!("{count} plans are best in turn; the rates above are where they change.")
    };
    Words {
        heading: format!("{}: best latency against the rate of the link", data.model),
        summary: format!(
            "{plans} Edge {}, server {}.",
            data.edge.label(),
            data.server.label()
        ),
        caption: format!("{}. {}", data.link, provenance(&data.edge, &data.server)),
    }
}

fn legend(data: &RateData) -> Vec<(&'static str, Swatch, String)> {
    let mut entries = vec![("envelope", Swatch::Line, "best plan".to_owned())];
    entries.extend(
        data.others
            .iter()
            .map(|(other, _)| (other.class(), Swatch::Line, other.name().to_owned())),
    );
    let sides: Vec<Side> = data.regions.iter().map(|region| region.side).collect();
    entries.extend(axis_regions::legend(&sides));
    entries
}

/// A vertical axis that holds the best plans, the edge alone, and the lowest point of every other
/// plan, with a share of its height left free below them.
fn latency_axis(data: &RateData, from: f64, to: f64, free: f64) -> Axis {
    let ends = |curve: &Curve, from, to| [curve.at_us(from), curve.at_us(to)];
    let best = data
        .regions
        .iter()
        .flat_map(|r| ends(&r.curve, r.from_bit_s, r.to_bit_s));
    let highest = best.clone().fold(0.0, f64::max);
    let others = data.others.iter().flat_map(|(other, curve)| match other {
        Other::AllEdge => ends(curve, from, to),
        _ => [curve.at_us(to); 2],
    });
    // farther away a comparison says no more than that it is out of the question
    let others = others.filter(|us| *us > 0.0 && *us < 100.0 * highest);
    let range = |(low, high): (f64, f64), us: f64| (low.min(us), high.max(us));
    let (low, high) = best.chain(others).fold((f64::INFINITY, 0.0), range);
    let high = (high * 1.6).max(low * 4.0);
    let span = (high / low).ln() / (1.0 - free);
    Axis::log(high / span.exp(), high, Quantity::TimeUs, "latency")
}

/// The plans to compare with; a line ends exactly where it leaves the panel.
fn others(data: &RateData, panel: &Panel) -> Vec<Mark> {
    let line = |(other, curve): &(Other, Curve)| {
        let leaves = curve.bits * 1e6 / (panel.y.to - curve.fixed_us);
        let from = if leaves > panel.x.from {
            leaves * (1.0 + 1e-9)
        } else {
            panel.x.from
        };
        let is_in_sight = from < panel.x.to && curve.fixed_us < panel.y.to;
        let points = || sample(&curve.course(), from, panel.x.to, panel);
        is_in_sight.then(|| Mark::new(other.class(), Shape::Line(points())))
    };
    data.others.iter().filter_map(line).collect()
}

/// Data of the figure over the rate. Baselines that break a limit are left out.
///
/// # Errors
/// [`ReportError::Nothing`] for a sweep without plans.
pub fn gather(sweep: &Sweep, edge: Origin, server: Origin) -> Result<RateData, ReportError> {
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
