//! Time so far on the edge, and below it what would have to be sent: where cutting pays.

mod gather;

pub use gather::gather;

use crate::canvas::columns::{longest, names_height, write_names};
use crate::canvas::label_layout::{Frame, Room, stride};
use crate::canvas::panel::{Mark, Panel, Shape};
use crate::canvas::scale::{Axis, Quantity, Spread, Tick};
use crate::canvas::style::SMALL;
use crate::canvas::text::{bare, fit, width};
use crate::canvas::{Canvas, Swatch, Words};
use crate::figures::Figure;
use crate::{Origin, ReportError, Style, Subject, nothing, provenance};
use cutpoint_core::units::{Bytes, format_us};

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct CumulativeData {
    /// Name of the model.
    pub model: String,
    /// Where the edge times come from.
    pub edge: Origin,
    /// Where the server times come from.
    pub server: Origin,
    /// The layers in execution order.
    pub layers: Vec<Step>,
    /// What would have to be sent before the first layer.
    pub input: Bytes,
    /// The cuts that one tensor crosses.
    pub cuts: Vec<SingleCut>,
    /// The plan to mark, if any.
    pub plan: Option<PlannedCut>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Human-readable name.
    pub name: String,
    /// Its time on the edge.
    pub edge_us: f64,
    /// Its time on the server.
    pub server_us: f64,
    /// Size of all tensors that later layers read of this one and those before.
    pub live: Bytes,
}

/// A cut that one tensor crosses.
#[derive(Debug, Clone, PartialEq)]
pub struct SingleCut {
    /// Layers up to the one that makes the tensor, itself included; 0 for an input.
    pub behind: usize,
    /// The tensor.
    pub tensor: String,
    /// Its size.
    pub bytes: Bytes,
    /// Time of the layers on the edge.
    pub edge_us: f64,
}

/// What a plan sends.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedCut {
    /// Each tensor that crosses.
    pub sent: Vec<Sent>,
    /// Time of the layers on the edge.
    pub edge_us: f64,
    /// What it comes to, in words.
    pub words: String,
}

/// A tensor that a plan sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// See [`SingleCut::behind`].
    pub behind: usize,
    /// Its size in its own type.
    pub bytes: Bytes,
    /// How it is sent: what is written at it.
    pub label: String,
    /// Size of what is sent.
    pub payload: Bytes,
}

const NAME: &str = "cumulative";
const LEFT: f64 = 74.0;
/// Names of cuts in the picture.
const CALLED_OUT: usize = 8;

impl Figure for CumulativeData {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "time so far on the edge against what would be sent";
    const NEEDS: &'static str = "a profile";

    fn gather(subject: &Subject<'_>) -> Result<Vec<CumulativeData>, ReportError> {
        let Some(study) = subject.study() else {
            return Ok(Vec::new());
        };
        let (problem, profile) = (&study.problem, study.profile);
        Ok(vec![gather(problem, profile, &study.server, study.plan())])
    }

    fn draw(&self, style: &Style) -> Result<String, ReportError> {
        draw(self, style)
    }
}

/// Draws the figure.
///
/// # Errors
/// [`ReportError::Nothing`] with fewer than two layers, or without any time on the edge.
fn draw(data: &CumulativeData, style: &Style) -> Result<String, ReportError> {
    let so_far = so_far(data, |layer| layer.edge_us);
    let left = rest(data);
    check(data, &so_far, &left)?;
    let mut canvas = Canvas::new(style, &words(data, &so_far));
    canvas.legend(&legend(data, style.is_low()));
    let free = canvas.free();
    let across = free.width - LEFT - 10.0;
    let pitch = across / data.layers.len() as f64;
    let longest = longest(pitch, free.height);
    let named = longest.is_some();
    let names = || {
        let layers = data.layers.iter().enumerate();
        layers.map(|(i, layer)| (i as f64 + 1.0, layer.name.as_str()))
    };
    let below = longest.map_or(40.0, |longest| {
        names_height(names().map(|(_, name)| name), longest) + 6.0
    });
    let height = (free.height - 22.0 - below).max(40.0);
    let frame = |top, height| Frame {
        left: free.left + LEFT,
        top,
        width: across,
        height,
    };
    let top = so_far.iter().chain(&left).copied().fold(0.0, f64::max);
    let times = Panel {
        frame: frame(free.top + 4.0, height * 0.46),
        x: layers_axis(data, false),
        y: Axis::time(0.0, top * 1.08, "time"),
        clearance: 0.0,
    };
    let sizes = Panel {
        frame: frame(times.frame.bottom() + 16.0, height * 0.54),
        x: layers_axis(data, !named),
        y: size_axis(data),
        clearance: 0.0,
    };
    canvas.panel(&times, &time_marks(data, &so_far, &left))?;
    canvas.panel(&sizes, &size_marks(data, pitch, &sizes))?;
    if let Some(longest) = longest {
        write_names(&mut canvas, &sizes, 6.0, longest, names());
    }
    call_out(&mut canvas, &sizes, data);
    canvas.hovers(&hovers(data, &so_far, &times, &sizes));
    Ok(canvas.finish())
}

fn check(data: &CumulativeData, so_far: &[f64], left: &[f64]) -> Result<(), ReportError> {
    let model = &data.model;
    if data.layers.len() < 2 {
        let why = format!("`{model}` has fewer than two layers, so there is no place between them");
        return Err(nothing(NAME, why));
    }
    let total = so_far.last().copied().unwrap_or(0.0);
    if !(total > 0.0 && total.is_finite() && left.iter().all(|us| us.is_finite())) {
        let why = format!(
            "the layers of `{model}` take no time on the edge; measure again with `cutpoint profile`"
        );
        return Err(nothing(NAME, why));
    }
    if data.layers.iter().all(|layer| layer.live.0 == 0) {
        let why = format!("nothing flows between the layers of `{model}`");
        return Err(nothing(NAME, why));
    }
    Ok(())
}

/// Sum of the times before each layer and behind the last.
fn so_far(data: &CumulativeData, time: fn(&Step) -> f64) -> Vec<f64> {
    let mut sum = 0.0;
    let sums = data.layers.iter().map(|layer| {
        sum += time(layer);
        sum
    });
    std::iter::once(0.0).chain(sums).collect()
}

/// What the server has left to do before each layer and behind the last.
fn rest(data: &CumulativeData) -> Vec<f64> {
    let done = so_far(data, |layer| layer.server_us);
    let total = done.last().copied().unwrap_or(0.0);
    done.iter().map(|us| (total - us).max(0.0)).collect()
}

fn words(data: &CumulativeData, so_far: &[f64]) -> Words {
    let total = so_far.last().copied().unwrap_or(0.0);
    let plan = data.plan.as_ref().map_or(String::new(), |plan| {
        format!(
            " Plan: {} on the edge, {}.",
            format_us(plan.edge_us),
            plan.words
        )
    });
    Words {
        heading: format!("{}: time so far against what is to be sent", data.model),
        summary: format!(
            "{} layers in execution order, {} on the edge in all; {} cuts that one tensor crosses.{plan}",
            data.layers.len(),
            format_us(total),
            data.cuts.len(),
        ),
        caption: format!(
            "Sizes are those of the tensors in their own types, before any codec. The line is what \
             crosses when all layers up to there stay on the edge; a dot off it is a cut that leaves \
             other layers there than those before. {}",
            provenance(&data.edge, &data.server)
        ),
    }
}

fn legend(data: &CumulativeData, low: bool) -> Vec<(&'static str, Swatch, String)> {
    let of = |words: &str, origin: &Origin| {
        if low {
            words.to_owned()
        } else {
            format!("{words}, {}", origin.label())
        }
    };
    let (all, alone) = if low {
        ("crosses", "alone")
    } else {
        ("crosses behind the layer", "one tensor crosses")
    };
    let mut entries = vec![
        ("edge-error", Swatch::Line, of("edge so far", &data.edge)),
        (
            "all-server",
            Swatch::Line,
            of("left for the server", &data.server),
        ),
        ("live", Swatch::Line, all.to_owned()),
        ("cut", Swatch::Circle, alone.to_owned()),
    ];
    if data.input.0 > 0 && !low {
        entries.push(("raw", Swatch::Line, format!("raw input, {}", data.input)));
    }
    if data.plan.as_ref().is_some_and(|plan| !plan.sent.is_empty()) {
        entries.push(("best", Swatch::Circle, "the plan sends it".to_owned()));
    }
    entries
}

/// Layers counted from one, each at its end.
fn layers_axis(data: &CumulativeData, numbered: bool) -> Axis {
    let count = data.layers.len();
    let step = stride(1.0, count as f64 / 12.0);
    let numbers = (0..=count).filter(|i| numbered && i % step == 0);
    let ticks = numbers.map(|i| Tick {
        at: i as f64,
        label: i.to_string(),
    });
    Axis {
        spread: Spread::Linear,
        from: 0.0,
        to: count as f64 + 0.5,
        ticks: ticks.collect(),
        title: if numbered {
            "layers on the edge, in execution order".to_owned()
        } else {
            String::new()
        },
    }
}

fn size_axis(data: &CumulativeData) -> Axis {
    let sent = data
        .plan
        .iter()
        .flat_map(|plan| &plan.sent)
        .map(|sent| sent.bytes);
    let sizes = data
        .layers
        .iter()
        .map(|layer| layer.live)
        .chain(data.cuts.iter().map(|cut| cut.bytes))
        .chain(sent)
        .chain([data.input])
        .filter(|bytes| bytes.0 > 0);
    let (low, high) = sizes.fold((f64::INFINITY, 1.0_f64), |(low, high), bytes| {
        (low.min(bytes.0 as f64), high.max(bytes.0 as f64))
    });
    let (low, high) = (low.min(high) / 2.0, high * 2.0);
    Axis::log(low.min(high / 20.0), high, Quantity::SizeBytes, "crosses")
}

fn time_marks(data: &CumulativeData, so_far: &[f64], left: &[f64]) -> Vec<Mark> {
    let line = |values: &[f64]| {
        let points = values.iter().enumerate().map(|(i, us)| [i as f64, *us]);
        Shape::Line(points.collect())
    };
    let end = so_far.len() as f64 - 1.0;
    let outline = so_far.iter().enumerate().map(|(i, us)| [i as f64, *us]);
    let area = outline.chain([[end, 0.0]]).collect();
    let mut marks = vec![
        Mark::new("on-edge", Shape::Area(area)),
        Mark::new("all-server", line(left)),
        Mark::new("edge-error", line(so_far)),
    ];
    marks.extend(planned(data).map(|at| {
        let top = so_far.iter().chain(left).copied().fold(0.0, f64::max) * 1.08;
        Mark::new("switch", Shape::Line(vec![[at, 0.0], [at, top]]))
    }));
    marks
}

/// Where the plan's last crossing tensor is made.
fn planned(data: &CumulativeData) -> Option<f64> {
    let sent = data.plan.as_ref()?.sent.iter();
    sent.map(|sent| sent.behind as f64).reduce(f64::max)
}

fn size_marks(data: &CumulativeData, pitch: f64, panel: &Panel) -> Vec<Mark> {
    let mut marks = Vec::new();
    let count = data.layers.len() as f64;
    let input = data.input.0 as f64;
    if input > 0.0 {
        marks.push(Mark::new(
            "raw",
            Shape::Line(vec![[0.0, input], [count, input]]),
        ));
    }
    // one line for each stretch without a place where nothing crosses
    let live = data.layers.iter().enumerate();
    let live: Vec<(usize, f64)> = live.map(|(i, layer)| (i, layer.live.0 as f64)).collect();
    for stretch in live.split(|(_, bytes)| *bytes <= 0.0) {
        let half = |(i, bytes): &(usize, f64)| {
            let at = *i as f64 + 1.0;
            [[at - 0.5, *bytes], [(at + 0.5).min(count), *bytes]]
        };
        marks.push(Mark::new(
            "live",
            Shape::Line(stretch.iter().flat_map(half).collect()),
        ));
    }
    let radius = (pitch * 0.32).clamp(1.8, 4.0);
    let cuts = data.cuts.iter().filter(|cut| cut.bytes.0 > 0);
    marks.extend(cuts.map(|cut| {
        let at = [cut.behind as f64, cut.bytes.0 as f64];
        Mark::new("cut", Shape::Circle(at, radius))
    }));
    marks.extend(planned(data).map(|at| {
        Mark::new(
            "switch",
            Shape::Line(vec![[at, panel.y.from], [at, panel.y.to]]),
        )
    }));
    let sent = data
        .plan
        .iter()
        .flat_map(|plan| &plan.sent)
        .filter(|sent| sent.bytes.0 > 0);
    marks.extend(sent.map(|sent| {
        let at = [sent.behind as f64, sent.bytes.0 as f64];
        Mark::new("best", Shape::Circle(at, radius + 3.0)).tip(sent.label.clone())
    }));
    marks
}

/// Names what the plan sends, then the cuts that send less than all before them: off the line if
/// possible.
fn call_out(canvas: &mut Canvas, sizes: &Panel, data: &CumulativeData) {
    let mut rooms = [obstacles(sizes, data, true), obstacles(sizes, data, false)];
    let mut write = |class: &str, behind: usize, bytes: Bytes, text: &str| -> bool {
        let (x, y) = point(sizes, behind, bytes);
        let across = width(text, SMALL);
        let found = rooms
            .iter_mut()
            .find_map(|room| room.take(x, y, across, SMALL + 2.0));
        if let Some(frame) = found {
            canvas.label(class, &frame, (x, y), text);
            rooms.iter_mut().for_each(|room| room.block(frame));
        }
        found.is_some()
    };
    let sent = || data.plan.iter().flat_map(|plan| &plan.sent);
    for sent in sent() {
        let labels = [fit(&sent.label, SMALL, 220.0), sent.payload.to_string()];
        labels
            .iter()
            .find(|label| write("strong", sent.behind, sent.bytes, label));
    }
    let named = |cut: &SingleCut| sent().any(|sent| sent.behind == cut.behind);
    let mut cuts: Vec<&SingleCut> = data.cuts.iter().filter(|cut| cut.bytes.0 > 0).collect();
    cuts.sort_by(|a, b| a.edge_us.total_cmp(&b.edge_us).then(a.bytes.cmp(&b.bytes)));
    let mut least = data.input;
    cuts.retain(|cut| {
        let better = cut.bytes < least && cut.behind > 0;
        least = least.min(cut.bytes);
        better && !named(cut)
    });
    // those that save most come first
    for cut in cuts.into_iter().rev().take(CALLED_OUT) {
        let text = format!("{} · {}", fit(bare(&cut.tensor), SMALL, 120.0), cut.bytes);
        write("label", cut.behind, cut.bytes, &text);
    }
}

fn point(sizes: &Panel, behind: usize, bytes: Bytes) -> (f64, f64) {
    let y = (bytes.0 as f64).max(sizes.y.from);
    (sizes.at_x(behind as f64), sizes.at_y(y))
}

/// The panel without its dots and the level parts of the line or, for `all`, without the upright
/// ones, too.
fn obstacles(sizes: &Panel, data: &CumulativeData, all: bool) -> Room {
    const REACH: f64 = 4.5;
    let mut room = Room::new(sizes.frame);
    let column = sizes.at_x(1.0) - sizes.at_x(0.0);
    let around = |(x, y): (f64, f64), across: f64| Frame {
        left: x - across,
        top: y - REACH,
        width: 2.0 * across,
        height: 2.0 * REACH,
    };
    let places = data.layers.iter().enumerate();
    let places: Vec<(f64, f64)> = places
        .map(|(i, layer)| point(sizes, i + 1, layer.live))
        .collect();
    for place in &places {
        room.block(around(*place, column / 2.0));
    }
    for cut in &data.cuts {
        room.block(around(point(sizes, cut.behind, cut.bytes), REACH));
    }
    for pair in places.windows(2).filter(|_| all) {
        let ((x, y0), (_, y1)) = (pair[0], pair[1]);
        room.block(Frame {
            left: x + column / 2.0 - 1.5,
            top: y0.min(y1),
            width: 3.0,
            height: (y1 - y0).abs(),
        });
    }
    room
}

/// One tooltip for each place behind a layer.
fn hovers(
    data: &CumulativeData,
    so_far: &[f64],
    times: &Panel,
    sizes: &Panel,
) -> Vec<(Frame, String)> {
    let place = |(i, layer): (usize, &Step)| {
        let at = i as f64 + 1.0;
        let (left, top) = (times.at_x(at - 0.5), times.frame.top);
        let frame = Frame {
            left,
            top,
            width: times.at_x(at + 0.5) - left,
            height: sizes.frame.bottom() - top,
        };
        let single = data.cuts.iter().filter(|cut| cut.behind == i + 1);
        let single: Vec<String> = single
            .map(|cut| {
                format!(
                    "\nalone: {}, {}",
                    fit(bare(&cut.tensor), 1.0, 60.0),
                    cut.bytes
                )
            })
            .collect();
        let tip = format!(
            "behind {}. {}\nedge so far {}\ncrosses {}{}",
            i + 1,
            fit(&layer.name, 1.0, 60.0),
            format_us(so_far[i + 1]),
            layer.live,
            single.concat(),
        );
        (frame, tip)
    };
    data.layers.iter().enumerate().map(place).collect()
}
