//! Which plan is the best at which rate and delay of the link.

mod gather;
mod regions;

use crate::canvas::label_layout::Frame;
use crate::canvas::panel::{Mark, Panel, Shape};
use crate::canvas::scale::{Axis, Quantity, Spread, Tick, log_steps};
use crate::canvas::style::SMALL;
use crate::canvas::text::{fit, width};
use crate::canvas::{Anchor, Canvas, Words};
use crate::figures::Figure;
use crate::figures::rate::Side;
use crate::subject::known_origins;
use crate::{Origin, ReportError, Style, Subject, nothing, provenance};
use cutpoint_core::units::format_stated_us;

pub use gather::gather;
use regions::{NO_PLAN, Region, edges, regions};

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct MapData {
    /// Name of the model.
    pub model: String,
    /// Where the edge times come from.
    pub edge: Origin,
    /// Where the server times come from.
    pub server: Origin,
    /// What else the plans depend on, such as `results wanted: edge`.
    pub wanted: String,
    /// What may be missing, where the map is not exact.
    pub resolution: Option<String>,
    /// Slowest rate in bit/s.
    pub from_bit_s: f64,
    /// Fastest rate.
    pub to_bit_s: f64,
    /// Shortest delay first.
    pub rows: Vec<MapRow>,
    /// Each plan once.
    pub plans: Vec<MapPlan>,
}

/// The best plans at one delay.
#[derive(Debug, Clone, PartialEq)]
pub struct MapRow {
    /// One way, in microseconds.
    pub delay_us: f64,
    /// Slowest rate first; without a gap but for rates without a plan.
    pub segments: Vec<MapSegment>,
}

/// A range of rates with one best plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MapSegment {
    /// Slowest rate in bit/s.
    pub from_bit_s: f64,
    /// Fastest rate in bit/s.
    pub to_bit_s: f64,
    /// Position among the plans.
    pub plan: usize,
}

/// A plan of the map.
#[derive(Debug, Clone, PartialEq)]
pub struct MapPlan {
    /// What crosses, in which codec; or which side runs everything.
    pub name: String,
    /// Where the layers run.
    pub side: Side,
}

const NAME: &str = "map";
const LEFT: f64 = 74.0;
/// Largest share of what is free for the key to numbered regions.
const KEY: f64 = 0.25;
/// More stretches than this are more than a picture can show.
const MOST_STRETCHES: usize = 3_000;
const LINE: f64 = SMALL * 1.4;
/// Classes of plans that split the model, in turn.
const SPLITS: [&str; 6] = ["map-1", "map-2", "map-3", "map-4", "map-5", "map-6"];

impl Figure for MapData {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "best plan at every rate and delay";
    const NEEDS: &'static str = "a profile, a map";

    fn gather(subject: &Subject<'_>) -> Result<Vec<MapData>, ReportError> {
        match subject {
            Subject::Map(found, profile) => {
                let Some(first) = found.plans.first() else {
                    return Ok(Vec::new());
                };
                let [edge, server] = known_origins(&first.plan, *profile);
                Ok(vec![gather(found, edge, server)?])
            }
            Subject::Study(study) if !study.has_map => {
                let (model, rates) = (&study.profile.model.file, study.rate_range());
                let found = study.map(model, rates, &gather::delays());
                let found = found.map_err(|error| nothing(NAME, error.to_string()))?;
                let [edge, server] = study.origins();
                Ok(vec![gather(&found, edge, server)?])
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
/// [`ReportError::Nothing`] for a map of less than two delays or without a range of rates.
fn draw(data: &MapData, style: &Style) -> Result<String, ReportError> {
    check(data)?;
    let data = &thinned(data);
    let mut canvas = Canvas::new(style, &words(data));
    let classes = classes(data);
    let regions = regions(data);
    let free = canvas.free();
    // numbered regions need a key, which takes room from the map, which may number more of them
    let most = (free.height * KEY / LINE).floor() as usize;
    let mut lines = 0;
    let (panel, mut labels) = loop {
        let panel = panel(data, free, lines as f64 * LINE);
        let labels = labels(data, &regions, &panel);
        let needed = key(data, &labels, free.width).len().min(most);
        if needed <= lines {
            break (panel, labels);
        }
        lines = needed;
    };
    let mut key = key(data, &labels, free.width);
    key.truncate(lines);
    let explained: Vec<usize> = key.iter().flatten().map(|entry| entry.plan).collect();
    labels.retain(|label| !label.is_number || explained.contains(&label.plan));
    canvas.panel(&panel, &marks(data, &regions, &classes))?;
    for label in &labels {
        let text = if label.is_number {
            (label.plan + 1).to_string()
        } else {
            label.text.clone()
        };
        let at = (label.at.0, label.at.1 + SMALL * 0.35);
        canvas.text("small", at.0, at.1, Anchor::Middle, &text);
    }
    write_key(&mut canvas, &key, panel.frame.bottom() + 46.0);
    Ok(canvas.finish())
}

fn check(data: &MapData) -> Result<(), ReportError> {
    let rates = data.from_bit_s >= 1.0
        && data.to_bit_s.is_finite()
        && data.from_bit_s * 1.01 < data.to_bit_s;
    let delays: Vec<f64> = data.rows.iter().map(|row| row.delay_us).collect();
    let rising = delays.windows(2).all(|pair| pair[0] < pair[1]);
    let sound = delays.iter().all(|us| us.is_finite() && *us >= 0.0);
    let known = |segment: &MapSegment| segment.plan < data.plans.len();
    let mut segments = data.rows.iter().flat_map(|row| &row.segments);
    if !rates || delays.iter().filter(|us| **us > 0.0).count() < 2 || !rising || !sound {
        return Err(nothing(
            NAME,
            "it needs a range of rates and two delays or more; sweep as in `--rate \
             100kbit/s..1Gbit/s --over delay=1ms..100ms --map`",
        ));
    }
    if data.plans.is_empty() || !segments.all(known) {
        Err(nothing(
            NAME,
            "the map has no plan, or one that it does not describe",
        ))
    } else {
        Ok(())
    }
}

/// A map of so many plans that nobody can see all its rows, with fewer of them.
fn thinned(data: &MapData) -> MapData {
    let stretches: usize = data.rows.iter().map(|row| row.segments.len()).sum();
    let every = stretches.div_ceil(MOST_STRETCHES).max(1);
    let last = data.rows.len() - 1;
    let rows = data.rows.iter().enumerate();
    let kept = rows.filter(|(row, _)| row % every == 0 || *row == last);
    MapData {
        rows: kept.map(|(_, row)| row.clone()).collect(),
        ..data.clone()
    }
}

fn words(data: &MapData) -> Words {
    let splits = data
        .plans
        .iter()
        .filter(|plan| plan.side == Side::Split)
        .count();
    let whole = |side: Side| data.plans.iter().any(|plan| plan.side == side);
    let plans = match data.plans.len() {
        1 => "One plan is the best at every rate and delay.".to_owned(),
        all => format!(
            "{all} plans are the best somewhere, {} of them a split.",
            if splits == 0 {
                "none".to_owned()
            } else {
                splits.to_string()
            }
        ),
    };
    let never = match (whole(Side::Edge), whole(Side::Server)) {
        (true, true) => "",
        (false, true) => " The edge alone never is.",
        (true, false) => " The server alone never is.",
        (false, false) => " Neither side alone ever is.",
    };
    let never = if data.plans.len() > 1 { never } else { "" };
    let delays = data.rows.len();
    let exact = match &data.resolution {
        None => format!("Exact in the rate at each of {delays} delays"),
        Some(resolution) => format!("In the rate, at each of {delays} delays: {resolution}"),
    };
    Words {
        heading: format!("{}: best plan by rate and delay of the link", data.model),
        summary: format!(
            "{plans}{never} Edge {}, server {}.",
            data.edge.label(),
            data.server.label()
        ),
        caption: format!(
            "{exact}; {}. {}",
            data.wanted,
            provenance(&data.edge, &data.server)
        ),
    }
}

/// The panel above `below` pixels for the key.
fn panel(data: &MapData, free: Frame, below: f64) -> Panel {
    Panel {
        frame: Frame {
            left: free.left + LEFT,
            top: free.top + 6.0,
            width: free.width - LEFT - 14.0,
            height: (free.height - 50.0 - below).max(40.0),
        },
        x: Axis::log(
            data.from_bit_s,
            data.to_bit_s,
            Quantity::RateBitS,
            "rate of the link",
        ),
        y: delay_axis(data),
        clearance: 0.0,
    }
}

/// By decades; no delay at all has a strip of its own below.
fn delay_axis(data: &MapData) -> Axis {
    let ends = edges(data);
    let (from, to) = (ends[0], ends[ends.len() - 1]);
    let positive: Vec<f64> = data
        .rows
        .iter()
        .map(|row| row.delay_us)
        .filter(|us| *us > 0.0)
        .collect();
    let mut ticks: Vec<Tick> = log_steps(positive[0], positive[positive.len() - 1])
        .into_iter()
        .map(|at| Tick {
            at,
            label: format_stated_us(at),
        })
        .collect();
    if data.rows[0].delay_us == 0.0 {
        ticks.insert(
            0,
            Tick {
                at: (ends[0] * ends[1]).sqrt(),
                label: "none".to_owned(),
            },
        );
    }
    Axis {
        spread: Spread::Log,
        from,
        to,
        ticks,
        title: "one-way delay".to_owned(),
    }
}

/// The class of each plan: the sides have their own, splits take turns.
fn classes(data: &MapData) -> Vec<&'static str> {
    let mut splits = 0;
    let class = |plan: &MapPlan| match plan.side {
        Side::Edge => "map-edge",
        Side::Server => "map-server",
        Side::Split => {
            splits += 1;
            SPLITS[(splits - 1) % SPLITS.len()]
        }
    };
    data.plans.iter().map(class).collect()
}

fn marks(data: &MapData, regions: &[Region], classes: &[&'static str]) -> Vec<Mark> {
    let mut marks = Vec::new();
    for region in regions {
        let (class, name) = match region.plan {
            NO_PLAN => ("map-none", "no plan meets the limits"),
            plan => (classes[plan], data.plans[plan].name.as_str()),
        };
        let shape = Shape::Area(region.outline());
        marks.push(Mark::new(class, shape).tip(region.tip(data, name)));
    }
    marks
}

/// The name of a region, or its number, in its widest place.
#[derive(Debug)]
struct Label {
    plan: usize,
    text: String,
    is_number: bool,
    at: (f64, f64),
}

fn labels(data: &MapData, regions: &[Region], panel: &Panel) -> Vec<Label> {
    const PAD: f64 = 10.0;
    let mut labels: Vec<Label> = Vec::new();
    for region in regions {
        let Some((left, right, y)) = region.widest(panel, SMALL + 4.0) else {
            continue;
        };
        let (room, middle) = (right - left - PAD, (left + right) / 2.0);
        let name = match region.plan {
            NO_PLAN => "no plan",
            plan => data.plans[plan].name.as_str(),
        };
        let number = (region.plan.wrapping_add(1)).to_string();
        let is_number = width(name, SMALL) > room;
        if is_number && (region.plan == NO_PLAN || width(&number, SMALL) > room + 4.0) {
            continue;
        }
        labels.push(Label {
            plan: region.plan,
            text: name.to_owned(),
            is_number,
            at: (middle, y),
        });
    }
    labels
}

/// The plans whose number stands in the map.
fn keyed(labels: &[Label]) -> Vec<usize> {
    let mut plans: Vec<usize> = labels
        .iter()
        .filter(|l| l.is_number)
        .map(|l| l.plan)
        .collect();
    plans.sort_unstable();
    plans.dedup();
    plans
}

/// A plan in the key.
struct Entry {
    plan: usize,
    left: f64,
    text: String,
}

/// The key, in lines no longer than `room`.
fn key(data: &MapData, labels: &[Label], room: f64) -> Vec<Vec<Entry>> {
    const GAP: f64 = 16.0;
    let mut lines: Vec<Vec<Entry>> = Vec::new();
    let mut left = f64::INFINITY;
    for plan in keyed(labels) {
        let text = format!("{}: {}", plan + 1, data.plans[plan].name);
        let text = fit(&text, SMALL, room);
        let needed = width(&text, SMALL);
        if left + needed > room {
            lines.push(Vec::new());
            left = 0.0;
        }
        if let Some(line) = lines.last_mut() {
            line.push(Entry { plan, left, text });
        }
        left += needed + GAP;
    }
    lines
}

fn write_key(canvas: &mut Canvas, key: &[Vec<Entry>], top: f64) {
    let left = canvas.free().left;
    for (row, line) in key.iter().enumerate() {
        let y = top + (row as f64 + 0.8) * LINE;
        for entry in line {
            canvas.text("small", left + entry.left, y, Anchor::Start, &entry.text);
        }
    }
}
