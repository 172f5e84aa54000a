//! The best plans along an axis: a region for each, their latency above, and where they change.

use super::label_band::{Label, Wanted, arrange, height};
use super::label_layout::Frame;
use super::panel::{Mark, Panel, Shape};
use super::scale::Axis;
use super::style::{SMALL, Style};
use super::text::{fit, width};
use super::{Canvas, Swatch};
use crate::ReportError;
use crate::side::Side;

/// The values at which one plan is best.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    pub(crate) from: f64,
    /// The next region starts here.
    pub(crate) to: f64,
    pub(crate) name: String,
    pub(crate) side: Side,
    pub(crate) course: Course,
}

/// A latency along the axis, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    /// What does not depend on the value.
    pub fixed_us: f64,
    /// What each unit of it adds.
    pub rising_us: f64,
    /// What is divided by it.
    pub falling_us: f64,
    /// No less than this anywhere: what overlaps with the transfer on the edge.
    pub at_least_us: f64,
}

impl Course {
    /// The latency at a value.
    pub fn at_us(&self, value: f64) -> f64 {
        let falling = if self.falling_us == 0.0 {
            0.0
        } else {
            self.falling_us / value
        };
        (self.fixed_us + self.rising_us * value + falling).max(self.at_least_us)
    }
}

/// What is drawn, but for what depends on the room there is.
pub(crate) struct Picture<'a> {
    pub(crate) x: Axis,
    pub(crate) regions: &'a [Region],
    /// A value where plans change, as it is written above the panel.
    pub(crate) show: &'a dyn Fn(f64) -> String,
    /// Tooltip of a region.
    pub(crate) tip: &'a dyn Fn(&Region) -> String,
}

const LEFT: f64 = 78.0;
/// Points of a curve across the figure.
const STEPS: usize = 240;
/// Shortest room for a name.
const SHORTEST: f64 = 40.0;
/// Longest name of a region.
const LONGEST: f64 = 170.0;

/// Fills what is free of a page. `y` makes the axis of latencies with so much of its height free
/// below all curves; `others` draws the curves to compare with.
///
/// # Errors
/// [`ReportError::Drawing`].
pub(crate) fn draw(
    canvas: &mut Canvas,
    style: &Style,
    picture: &Picture<'_>,
    y: impl FnOnce(f64) -> Axis,
    others: impl FnOnce(&Panel) -> Vec<Mark>,
) -> Result<(), ReportError> {
    let regions = picture.regions;
    let free = canvas.free();
    let (left, across) = (free.left + LEFT, free.width - LEFT - 10.0);
    let pixel = |value: f64| left + picture.x.share(value) * across;
    let mut switches = switches(regions, picture.show, pixel);
    if style.is_low() {
        keep_level(&mut switches);
    }
    let switches = arrange(&switches, left, left + across);
    let above = height(&switches) + 15.0;
    let frame = Frame {
        left,
        top: free.top + above,
        width: across,
        height: (free.height - above - 44.0).max(60.0),
    };
    let longest = (frame.height * 0.6 - 26.0).min(LONGEST);
    let names = arrange(&names(regions, longest, pixel), left, left + across);
    let band = height(&names) + 26.0;
    let panel = Panel {
        frame,
        x: picture.x.clone(),
        y: y(band / frame.height),
        clearance: 0.0,
    };
    let mut marks = areas(regions, &panel);
    marks.extend(others(&panel));
    marks.extend(envelope(regions, &panel));
    canvas.panel(&panel, &marks)?;
    write_names(canvas, &names, frame.bottom() - 7.0, frame.bottom() - band);
    write_switches(canvas, &switches, frame.top);
    let hover = |region: &Region| {
        let (left, right) = (panel.at_x(region.from), panel.at_x(region.to));
        let frame = Frame {
            left,
            width: right - left,
            ..panel.frame
        };
        (frame, (picture.tip)(region))
    };
    let hovers: Vec<(Frame, String)> = regions.iter().map(hover).collect();
    canvas.hovers(&hovers);
    Ok(())
}

/// What the colours of the regions mean.
pub(crate) fn legend(sides: &[Side]) -> Vec<(&'static str, Swatch, String)> {
    let regions = [
        (Side::Edge, "on-edge", "edge alone is best"),
        (Side::Split, "split-a", "a split is best"),
        (Side::Server, "on-server", "server alone is best"),
    ];
    let present = regions.iter().filter(|(side, ..)| sides.contains(side));
    present
        .map(|(_, class, text)| (*class, Swatch::Box, (*text).to_owned()))
        .collect()
}

/// Points of a curve between two values, evenly spread on the axis.
pub(crate) fn sample(course: &Course, from: f64, to: f64, panel: &Panel) -> Vec<[f64; 2]> {
    let share = (panel.x.share(to) - panel.x.share(from)).clamp(0.0, 1.0);
    let steps = (share * STEPS as f64).ceil().max(2.0) as usize;
    let at = |i: usize| match i {
        0 => from,
        i if i == steps => to,
        i => panel.x.between(from, to, i as f64 / steps as f64),
    };
    (0..=steps).map(|i| [at(i), course.at_us(at(i))]).collect()
}

fn areas(regions: &[Region], panel: &Panel) -> Vec<Mark> {
    let mut splits = 0;
    let area = |region: &Region| {
        let points = sample(&region.course, region.from, region.to, panel);
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
        let floor = [[region.to, panel.y.from], [region.from, panel.y.from]];
        Mark::new(
            class,
            Shape::Area(points.into_iter().chain(floor).collect()),
        )
    };
    regions.iter().map(area).collect()
}

/// The latency of the best plans, with a dot where they change.
fn envelope(regions: &[Region], panel: &Panel) -> Vec<Mark> {
    let points = regions
        .iter()
        .flat_map(|r| sample(&r.course, r.from, r.to, panel));
    let line = Mark::new("envelope", Shape::Line(points.collect()));
    let changes = regions.iter().skip(1);
    let dots =
        changes.map(|r| Mark::new("cut", Shape::Circle([r.from, r.course.at_us(r.from)], 3.2)));
    std::iter::once(line).chain(dots).collect()
}

/// The values at which the best plan changes, all written level or all upwards.
fn switches(
    regions: &[Region],
    show: &dyn Fn(f64) -> String,
    pixel: impl Fn(f64) -> f64,
) -> Vec<Wanted> {
    let changes: Vec<f64> = regions.iter().skip(1).map(|r| r.from).collect();
    let distances = || {
        changes
            .windows(2)
            .map(|pair| pixel(pair[1]) - pixel(pair[0]))
    };
    let longest = changes
        .iter()
        .map(|value| width(&show(*value), SMALL))
        .fold(0.0, f64::max);
    let level = distances().all(|distance| distance > longest + 6.0);
    let before = std::iter::once(f64::INFINITY).chain(distances());
    let wanted = |(value, before): (&f64, f64)| Wanted {
        stretch: [pixel(*value); 2],
        text: show(*value),
        room: if level {
            f64::INFINITY
        } else {
            before.min(1.0)
        },
    };
    changes.iter().zip(before).map(wanted).collect()
}

/// Leaves out those that do not fit level beside the ones before.
fn keep_level(switches: &mut Vec<Wanted>) {
    let mut end = f64::NEG_INFINITY;
    switches.retain_mut(|wanted| {
        let half = width(&wanted.text, SMALL) / 2.0;
        let fits = wanted.stretch[0] - half > end + 6.0;
        if fits {
            end = wanted.stretch[0] + half;
            wanted.room = f64::INFINITY;
        }
        fits
    });
}

fn names(regions: &[Region], longest: f64, pixel: impl Fn(f64) -> f64) -> Vec<Wanted> {
    let wanted = |region: &Region| {
        let stretch = [pixel(region.from), pixel(region.to)];
        Wanted {
            stretch,
            text: fit(&region.name, SMALL, longest),
            room: stretch[1] - stretch[0] - 6.0,
        }
    };
    let mut short: Vec<Wanted> = regions.iter().map(wanted).collect();
    if longest < SHORTEST {
        // too low for names that read upwards
        for (wanted, region) in short.iter_mut().zip(regions) {
            wanted.text = if wanted.room >= SHORTEST {
                fit(&region.name, SMALL, wanted.room)
            } else {
                String::new()
            };
        }
        short.retain(|wanted| !wanted.text.is_empty());
        return short;
    }
    // level names may be longer, as long as none has to make way for others
    let name = |(mut wanted, region): (Wanted, &Region)| {
        if width(&region.name, SMALL) <= wanted.room {
            wanted.text = region.name.clone();
        }
        wanted
    };
    let whole: Vec<Wanted> = short.clone().into_iter().zip(regions).map(name).collect();
    let across = |wanted: &[Wanted]| wanted.iter().map(Wanted::width).sum::<f64>();
    let ends = whole.first().zip(whole.last());
    let room = ends.map_or(0.0, |(first, last)| last.stretch[1] - first.stretch[0]);
    if across(&whole) <= room { whole } else { short }
}

/// Names of the regions, standing on the axis, with a line to regions they do not stand in.
fn write_names(canvas: &mut Canvas, labels: &[Label], bottom: f64, top: f64) {
    for label in labels {
        label.write(canvas, "small", bottom);
        let [from, to] = label.stretch;
        if !(from..=to).contains(&label.middle()) {
            let end = bottom - label.height() - 2.0;
            canvas.line("leader", (label.middle(), end), ((from + to) / 2.0, top));
        }
    }
}

/// Where plans change, above the panel, each with a line to its place on the border.
fn write_switches(canvas: &mut Canvas, labels: &[Label], top: f64) {
    for label in labels {
        label.write(canvas, "muted", top - 13.0);
        canvas.line("axis", (label.stretch[0], top), (label.middle(), top - 8.0));
    }
}
