//! Best latency against the link's rate: which cut is best from which rate on.

use super::panel::{Mark, Panel, Shape};
use super::place::Frame;
use super::ribbon::{Label, Wanted, arrange, height};
use super::scale::{Axis, Quantity};
use super::sheet::{Sheet, Swatch, Words};
use super::style::SMALL;
use super::text::{fit, width};
use super::{Origin, ReportError, Style, nothing, provenance};
use crate::units::format_us;

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

/// Where a plan runs the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Nothing is sent.
    Edge,
    /// The input is sent.
    Server,
    /// Both sides work.
    Split,
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
    /// No less than this at any rate, in microseconds: what runs on the edge beside the link.
    pub at_least_us: f64,
}

impl Curve {
    /// Latency at a rate in bit/s.
    pub fn at_us(&self, bit_s: f64) -> f64 {
        (self.fixed_us + self.bits / bit_s * 1e6).max(self.at_least_us)
    }
}

const NAME: &str = "rate";
const LEFT: f64 = 78.0;
/// Points of a curve across the figure.
const STEPS: usize = 240;
/// Longest name of a region.
const LONGEST: f64 = 170.0;

/// Draws the figure.
///
/// # Errors
/// [`ReportError::Nothing`] when the sweep covers no range or nothing takes any time.
pub fn figure(data: &RateData, style: &Style) -> Result<String, ReportError> {
    let (from, to) = range(data)?;
    let mut sheet = Sheet::new(style, &words(data));
    sheet.legend(&legend(data));
    let free = sheet.free();
    let (left, across) = (free.left + LEFT, free.width - LEFT - 10.0);
    let pixel = |rate: f64| left + (rate / from).log10() / (to / from).log10() * across;
    let switches = arrange(&switches(data, pixel), left, left + across);
    let above = height(&switches) + 15.0;
    let frame = Frame {
        left,
        top: free.top + above,
        width: across,
        height: (free.height - above - 44.0).max(120.0),
    };
    let longest = (frame.height * 0.6 - 26.0).min(LONGEST);
    let names = arrange(&names(data, longest, pixel), left, left + across);
    let band = height(&names) + 26.0;
    let panel = Panel {
        frame,
        x: Axis::log(from, to, Quantity::RateBitS, "rate of the link"),
        y: latency_axis(data, from, to, band / frame.height),
        clearance: 0.0,
    };
    sheet.panel(&panel, &marks(data, &panel))?;
    write_names(
        &mut sheet,
        &names,
        frame.bottom() - 7.0,
        frame.bottom() - band,
    );
    write_switches(&mut sheet, &switches, frame.top);
    sheet.hovers(&hovers(data, &panel));
    Ok(sheet.finish())
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
    let regions = [
        (Side::Edge, "on-edge", "edge alone is best"),
        (Side::Split, "split-a", "a split is best"),
        (Side::Server, "on-server", "server alone is best"),
    ];
    let present = |side: &Side| data.regions.iter().any(|region| region.side == *side);
    entries.extend(
        regions
            .iter()
            .filter(|(side, ..)| present(side))
            .map(|(_, class, text)| (*class, Swatch::Box, (*text).to_owned())),
    );
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
    Axis::log(
        high / span.exp(),
        high,
        Quantity::TimeUs,
        "latency of one inference",
    )
}

/// Points of a curve between two rates, evenly spread on the axis.
fn sample(curve: &Curve, from: f64, to: f64, panel: &Panel) -> Vec<[f64; 2]> {
    let share = (panel.x.share(to) - panel.x.share(from)).clamp(0.0, 1.0);
    let steps = (share * STEPS as f64).ceil().max(2.0) as usize;
    let at = |i: usize| {
        if i == steps {
            to
        } else {
            from * (to / from).powf(i as f64 / steps as f64)
        }
    };
    (0..=steps).map(|i| [at(i), curve.at_us(at(i))]).collect()
}

fn marks(data: &RateData, panel: &Panel) -> Vec<Mark> {
    let (mut marks, mut envelope, mut splits) = (Vec::new(), Vec::new(), 0);
    for region in &data.regions {
        let points = sample(&region.curve, region.from_bit_s, region.to_bit_s, panel);
        let class = match region.side {
            Side::Edge => "on-edge",
            Side::Server => "on-server",
            Side::Split => {
                splits += 1;
                if splits % 2 == 1 {
                    "split-a"
                } else {
                    "split-b"
                }
            }
        };
        let floor = [
            [region.to_bit_s, panel.y.from],
            [region.from_bit_s, panel.y.from],
        ];
        marks.push(Mark::new(
            class,
            Shape::Area(points.iter().copied().chain(floor).collect()),
        ));
        envelope.extend(points);
    }
    for (other, curve) in &data.others {
        // the line ends exactly where it leaves the panel
        let leaves = curve.bits * 1e6 / (panel.y.to - curve.fixed_us);
        let from = if leaves > panel.x.from {
            leaves * (1.0 + 1e-9)
        } else {
            panel.x.from
        };
        if from < panel.x.to && curve.fixed_us < panel.y.to {
            marks.push(Mark::new(
                other.class(),
                Shape::Line(sample(curve, from, panel.x.to, panel)),
            ));
        }
    }
    marks.push(Mark::new("envelope", Shape::Line(envelope)));
    let changes = data.regions.iter().skip(1);
    marks.extend(changes.map(|r| {
        Mark::new(
            "cut",
            Shape::Circle([r.from_bit_s, r.curve.at_us(r.from_bit_s)], 3.2),
        )
    }));
    marks
}

/// The rates at which the best plan changes, all written level or all upwards.
fn switches(data: &RateData, pixel: impl Fn(f64) -> f64) -> Vec<Wanted> {
    let changes: Vec<f64> = data.regions.iter().skip(1).map(|r| r.from_bit_s).collect();
    let label = |rate: f64| Quantity::RateBitS.show(rate);
    let distances = || {
        changes
            .windows(2)
            .map(|pair| pixel(pair[1]) - pixel(pair[0]))
    };
    let longest = changes
        .iter()
        .map(|rate| width(&label(*rate), SMALL))
        .fold(0.0, f64::max);
    let level = distances().all(|distance| distance > longest + 6.0);
    let before = std::iter::once(f64::INFINITY).chain(distances());
    let wanted = |(rate, before): (&f64, f64)| Wanted {
        stretch: [pixel(*rate); 2],
        text: label(*rate),
        room: if level {
            f64::INFINITY
        } else {
            before.min(1.0)
        },
    };
    changes.iter().zip(before).map(wanted).collect()
}

fn names(data: &RateData, longest: f64, pixel: impl Fn(f64) -> f64) -> Vec<Wanted> {
    let wanted = |region: &Region| {
        let stretch = [pixel(region.from_bit_s), pixel(region.to_bit_s)];
        Wanted {
            stretch,
            text: fit(&region.name, SMALL, longest),
            room: stretch[1] - stretch[0] - 6.0,
        }
    };
    data.regions.iter().map(wanted).collect()
}

/// Names of the regions, standing on the axis, with a line to regions they do not stand in.
fn write_names(sheet: &mut Sheet, labels: &[Label], bottom: f64, top: f64) {
    for label in labels {
        label.write(sheet, "small", bottom);
        let [from, to] = label.stretch;
        if !(from..=to).contains(&label.middle()) {
            let end = bottom - label.height() - 2.0;
            sheet.line("leader", (label.middle(), end), ((from + to) / 2.0, top));
        }
    }
}

/// Switching rates above the panel, each with a line to its place on the border.
fn write_switches(sheet: &mut Sheet, labels: &[Label], top: f64) {
    for label in labels {
        label.write(sheet, "muted", top - 13.0);
        sheet.line("axis", (label.stretch[0], top), (label.middle(), top - 8.0));
    }
}

fn hovers(data: &RateData, panel: &Panel) -> Vec<(Frame, String)> {
    let hover = |region: &Region| {
        let (left, right) = (panel.at_x(region.from_bit_s), panel.at_x(region.to_bit_s));
        let show = |rate| Quantity::RateBitS.show(rate);
        let tip = format!(
            "{}\nbest from {} to {} ({:.0} to {:.0} bit/s)\n{} to {}",
            region.name,
            show(region.from_bit_s),
            show(region.to_bit_s),
            region.from_bit_s,
            region.to_bit_s,
            format_us(region.curve.at_us(region.from_bit_s)),
            format_us(region.curve.at_us(region.to_bit_s)),
        );
        (
            Frame {
                left,
                width: right - left,
                ..panel.frame
            },
            tip,
        )
    };
    data.regions.iter().map(hover).collect()
}
