//! Roofline of the layers: what each computes per second against what it computes per byte.
//!
//! After Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for
//! multicore architectures" (2009): attainable = min(peak, intensity x bandwidth).

use crate::canvas::label_layout::{Frame, Room};
use crate::canvas::panel::{Mark, Panel, Shape};
use crate::canvas::scale::{Axis, Spread, Tick, log_steps, plain};
use crate::canvas::style::SMALL;
use crate::canvas::text::{bare, fit, width};
use crate::canvas::{Canvas, Swatch, Words};
use crate::figures::Figure;
use crate::{Origin, ReportError, Style, Subject, nothing};
use cutpoint_core::units::{Bytes, format_us, three_digits};
use std::collections::HashMap;

use crate::origin::edge_origin;
use cutpoint_core::profile::{LayerRecord, Profile};

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct RooflineData {
    /// Name of the model.
    pub model: String,
    /// Where the times come from.
    pub board: Origin,
    /// Measured peak of a matrix product in GFLOP/s; zero when unknown.
    pub peak_gflop_s: f64,
    /// Measured copy bandwidth in GB/s; zero when unknown.
    pub mem_gb_s: f64,
    /// The layers in execution order.
    pub layers: Vec<Work>,
}

/// What a layer does.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// Human-readable name.
    pub name: String,
    /// Operator.
    pub op: String,
    /// Floating-point operations, a multiply-add counting as two; zero when unknown.
    pub flops: u64,
    /// Size of what it reads and writes, weights included, each once.
    pub bytes: Bytes,
    /// Its time.
    pub us: f64,
}

impl Work {
    /// Operations per byte.
    fn intensity(&self) -> f64 {
        self.flops as f64 / self.bytes.0 as f64
    }

    fn gflop_s(&self) -> f64 {
        self.flops as f64 / self.us / 1e3
    }

    fn gb_s(&self) -> f64 {
        self.bytes.0 as f64 / self.us / 1e3
    }

    fn is_known(&self) -> bool {
        self.flops > 0 && self.bytes.0 > 0 && self.us > 0.0 && self.us.is_finite()
    }
}

/// The two limits of a board.
#[derive(Debug, Clone, Copy)]
struct Roof {
    gflop_s: f64,
    gb_s: f64,
    /// Whether the limits were measured instead of read off the best layers.
    measured: bool,
}

impl Roof {
    fn at(self, intensity: f64) -> f64 {
        self.gflop_s.min(intensity * self.gb_s)
    }

    /// Operations per byte beyond which memory is no limit.
    fn ridge(self) -> f64 {
        self.gflop_s / self.gb_s
    }
}

const NAME: &str = "roofline";
const LEFT: f64 = 78.0;
/// Names in the picture.
const CALLED_OUT: usize = 8;
/// Kinds of operators with a colour of their own, and that of all others.
const KINDS: [&str; 4] = ["dot-1", "dot-3", "dot-5", "dot-2"];
const OTHERS: &str = "faint";

impl Figure for RooflineData {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "the layers on the board's roofline";
    const NEEDS: &'static str = "a profile";

    fn gather(subject: &Subject<'_>) -> Result<Vec<RooflineData>, ReportError> {
        let Some(study) = subject.study() else {
            return Ok(Vec::new());
        };
        Ok(vec![gather(study.profile)])
    }

    fn draw(&self, style: &Style) -> Result<String, ReportError> {
        draw(self, style)
    }
}

/// Draws the figure.
///
/// # Errors
/// [`ReportError::Nothing`] unless at least two layers have operations, sizes and times.
fn draw(data: &RooflineData, style: &Style) -> Result<String, ReportError> {
    let known: Vec<&Work> = data
        .layers
        .iter()
        .filter(|layer| layer.is_known())
        .collect();
    if known.len() < 2 {
        let why = format!(
            "of the layers of `{}` fewer than two have a time and operations to count; `cutpoint \
             profile` finds both, and a profile written by hand may state `flops`",
            data.model
        );
        return Err(nothing(NAME, why));
    }
    let roof = roof(data, &known);
    let kinds = kinds(&known);
    let mut canvas = Canvas::new(style, &words(data, &known, roof));
    canvas.legend(&legend(&kinds, &known));
    let free = canvas.free();
    let panel = Panel {
        frame: Frame {
            left: free.left + LEFT,
            top: free.top + 4.0,
            width: free.width - LEFT - 12.0,
            height: (free.height - 48.0).max(60.0),
        },
        x: axis(
            known
                .iter()
                .map(|layer| layer.intensity())
                .chain([roof.ridge()]),
            "operations per byte (flop/B)",
        ),
        y: axis(
            known
                .iter()
                .map(|layer| layer.gflop_s())
                .chain([roof.gflop_s]),
            "achieved (GFLOP/s)",
        ),
        clearance: 0.0,
    };
    canvas.panel(&panel, &marks(&known, &kinds, roof, &panel))?;
    call_out(&mut canvas, &panel, &known, roof);
    Ok(canvas.finish())
}

/// The board's own limits, or those that its best layers reach.
fn roof(data: &RooflineData, known: &[&Work]) -> Roof {
    let best = |of: fn(&Work) -> f64| known.iter().map(|layer| of(layer)).fold(0.0, f64::max);
    let stated = |value: f64| value > 0.0 && value.is_finite();
    if stated(data.peak_gflop_s) && stated(data.mem_gb_s) {
        Roof {
            gflop_s: data.peak_gflop_s,
            gb_s: data.mem_gb_s,
            measured: true,
        }
    } else {
        Roof {
            gflop_s: best(Work::gflop_s),
            gb_s: best(Work::gb_s),
            measured: false,
        }
    }
}

/// The operators that take most time, most first.
fn kinds<'a>(known: &[&'a Work]) -> Vec<&'a str> {
    let mut times: Vec<(&str, f64)> = Vec::new();
    for layer in known {
        match times.iter_mut().find(|(op, _)| *op == layer.op) {
            Some((_, us)) => *us += layer.us,
            None => times.push((&layer.op, layer.us)),
        }
    }
    times.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    times
        .into_iter()
        .map(|(op, _)| op)
        .take(KINDS.len())
        .collect()
}

fn class(kinds: &[&str], op: &str) -> &'static str {
    let kind = kinds.iter().position(|kind| *kind == op);
    kind.map_or(OTHERS, |kind| KINDS[kind])
}

fn words(data: &RooflineData, known: &[&Work], roof: Roof) -> Words {
    let flops: f64 = known.iter().map(|layer| layer.flops as f64).sum();
    let us: f64 = known.iter().map(|layer| layer.us).sum();
    let left_out = data.layers.len() - known.len();
    let left_out = match left_out {
        0 => String::new(),
        1 => " One layer without operations to count, or without a time, is left out.".to_owned(),
        more => {
            format!(" {more} layers without operations to count, or without a time, are left out.")
        }
    };
    let above = |layer: &&Work| layer.gflop_s() > roof.at(layer.intensity());
    let caches = if known.iter().any(above) {
        " Layers above it find their data in caches."
    } else {
        ""
    };
    let origin = if roof.measured {
        "The roof is measured on the same board: a matrix product, and a copy in memory."
    } else {
        "The roof is only what the best of these layers reach, since the profile does not \
         state the board's own limits."
    };
    Words {
        heading: format!("{}: roofline of {} layers", data.model, known.len()),
        summary: format!(
            "{} in {}, {} GFLOP/s on average on {}; the roof is {} GFLOP/s and {} GB/s, and \
             memory is the limit below {} flop/B.{left_out}",
            operations(flops),
            format_us(us),
            three_digits(flops / us / 1e3),
            data.board.label(),
            three_digits(roof.gflop_s),
            three_digits(roof.gb_s),
            three_digits(roof.ridge()),
        ),
        caption: format!(
            "Area of a dot: share of the time. Operations are counted from shapes, a multiply-add as \
             two; bytes are inputs, weights and outputs, each once. {origin}{caches} Times: {}.",
            data.board.method
        ),
    }
}

/// A number of operations with its unit.
fn operations(flops: f64) -> String {
    let (unit, name) = match flops {
        few if few < 999.5 => (1.0, "FLOP"),
        few if few < 999.5e3 => (1e3, "kFLOP"),
        few if few < 999.5e6 => (1e6, "MFLOP"),
        _ => (1e9, "GFLOP"),
    };
    format!("{} {name}", three_digits(flops / unit))
}

fn legend(kinds: &[&str], known: &[&Work]) -> Vec<(&'static str, Swatch, String)> {
    let entry = |op: &&str| (class(kinds, op), Swatch::Circle, fit(op, 12.0, 160.0));
    let mut entries: Vec<_> = kinds.iter().map(entry).collect();
    if known.iter().any(|layer| class(kinds, &layer.op) == OTHERS) {
        entries.push((OTHERS, Swatch::Circle, "others".to_owned()));
    }
    entries.push(("envelope", Swatch::Line, "roof".to_owned()));
    entries
}

/// An axis by decades around `values`, at least one decade long.
fn axis(values: impl Iterator<Item = f64>, title: &str) -> Axis {
    let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let (mut from, mut to) = (low / 1.6, high * 1.9);
    if to / from < 10.0 {
        let middle = (from * to).sqrt();
        (from, to) = (middle / 10_f64.sqrt(), middle * 10_f64.sqrt());
    }
    let label = |at: f64| {
        if (1e-3..1e6).contains(&at) {
            plain(at)
        } else {
            format!("{at:.0e}")
        }
    };
    let ticks = log_steps(from, to).into_iter().map(|at| Tick {
        at,
        label: label(at),
    });
    Axis {
        spread: Spread::Log,
        from,
        to,
        ticks: ticks.collect(),
        title: title.to_owned(),
    }
}

fn marks(known: &[&Work], kinds: &[&str], roof: Roof, panel: &Panel) -> Vec<Mark> {
    let (x, y) = (&panel.x, &panel.y);
    // where the slope enters the panel
    let start = (y.from / roof.gb_s).max(x.from);
    let line = [start, roof.ridge(), x.to].map(|at| [at, roof.at(at).clamp(y.from, y.to)]);
    let mut marks = vec![Mark::new("envelope", Shape::Line(line.to_vec()))];
    let total: f64 = known.iter().map(|layer| layer.us).sum();
    let mut order = known.to_vec();
    // small dots over large ones
    order.sort_by(|a, b| b.us.total_cmp(&a.us));
    marks.extend(order.into_iter().map(|layer| {
        let at = [layer.intensity(), layer.gflop_s()];
        let tip = format!(
            "{} ({})\n{} GFLOP/s of {} attainable\n{} flop/B: {}, {}\n{}, {} % of the time",
            fit(bare(&layer.name), 1.0, 60.0),
            fit(&layer.op, 1.0, 60.0),
            three_digits(layer.gflop_s()),
            three_digits(roof.at(layer.intensity())),
            three_digits(layer.intensity()),
            operations(layer.flops as f64),
            layer.bytes,
            format_us(layer.us),
            three_digits(layer.us / total * 100.0),
        );
        Mark::new(
            class(kinds, &layer.op),
            Shape::Circle(at, radius(layer, total)),
        )
        .tip(tip)
    }));
    marks
}

/// Radius by share of the time.
fn radius(layer: &Work, total: f64) -> f64 {
    const LARGEST: f64 = 26.0;
    (LARGEST * (layer.us / total).sqrt()).clamp(2.2, 16.0)
}

/// Names the roof's two parts and the layers that take most time.
fn call_out(canvas: &mut Canvas, panel: &Panel, known: &[&Work], roof: Roof) {
    let mut room = Room::new(panel.frame);
    let total: f64 = known.iter().map(|layer| layer.us).sum();
    let point = |layer: &Work| (panel.at_x(layer.intensity()), panel.at_y(layer.gflop_s()));
    for layer in known {
        let ((x, y), reach) = (point(layer), radius(layer, total));
        room.block(Frame {
            left: x - reach,
            top: y - reach,
            width: 2.0 * reach,
            height: 2.0 * reach,
        });
    }
    for step in 0..=60 {
        let share = f64::from(step) / 60.0;
        let at = panel.x.from * (panel.x.to / panel.x.from).powf(share);
        let (x, y) = (panel.at_x(at), panel.at_y(roof.at(at)));
        room.block(Frame {
            left: x - 7.0,
            top: y - 1.5,
            width: 14.0,
            height: 3.0,
        });
    }
    let high = (roof.ridge() * panel.x.to).sqrt();
    let low = ((panel.y.from / roof.gb_s).max(panel.x.from) * roof.ridge()).sqrt();
    for (at, text) in [
        (high, format!("{} GFLOP/s", three_digits(roof.gflop_s))),
        (low, format!("{} GB/s", three_digits(roof.gb_s))),
    ] {
        let (x, y) = (panel.at_x(at), panel.at_y(roof.at(at)));
        if let Some(frame) = room.take(x, y - 2.0, width(&text, SMALL), SMALL + 2.0) {
            canvas.label("strong", &frame, (x, y), &text);
        }
    }
    let mut slowest = known.to_vec();
    slowest.sort_by(|a, b| b.us.total_cmp(&a.us).then(a.name.cmp(&b.name)));
    for layer in slowest.into_iter().take(CALLED_OUT) {
        let text = fit(bare(&layer.name), SMALL, 160.0);
        let ((x, y), reach) = (point(layer), radius(layer, total));
        if let Some(frame) = room.take(x, y - reach + 4.0, width(&text, SMALL), SMALL + 2.0) {
            canvas.label("label", &frame, (x, y - reach), &text);
        }
    }
}

/// Data of the roofline: the layers as traced in the whole model, on the profile's own board.
pub fn gather(profile: &Profile) -> RooflineData {
    let tensors = profile.tensors.iter().map(|t| (t.name.as_str(), t.bytes));
    let weights = profile.weights.iter().map(|w| (w.name.as_str(), w.bytes));
    let (tensors, weights): (HashMap<_, _>, HashMap<_, _>) = (tensors.collect(), weights.collect());
    let work = |layer: &LayerRecord| {
        let values = layer.inputs.iter().chain(&layer.outputs);
        let values = values.filter_map(|name| tensors.get(name.as_str()));
        let constants = layer
            .weights
            .iter()
            .filter_map(|name| weights.get(name.as_str()));
        Work {
            name: layer.id.clone(),
            op: layer.op.clone(),
            flops: layer.flops,
            bytes: values.chain(constants).copied().map(Bytes).sum(),
            us: layer.trace_us,
        }
    };
    RooflineData {
        model: profile.model.file.clone(),
        board: edge_origin(profile),
        peak_gflop_s: profile.board.peak_gflop_s,
        mem_gb_s: profile.board.mem_gb_s,
        layers: profile.layers.iter().map(work).collect(),
    }
}
