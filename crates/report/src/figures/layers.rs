//! Time of every layer on the edge and on the server, and the size of what it puts out.

use std::collections::HashMap;

use crate::canvas::columns::{WIDEST, longest, names_height, write_names};
use crate::canvas::label_layout::{Frame, Room, stride};
use crate::canvas::panel::{Mark, Panel, Shape};
use crate::canvas::scale::{Axis, Quantity, Spread, Tick};
use crate::canvas::style::SMALL;
use crate::canvas::text::{fit, width};
use crate::canvas::{Canvas, Swatch, Words};
use crate::figures::Figure;
use crate::origin::{edge_origin, server_origin};
use crate::study::local_inputs;
use crate::{Origin, ReportError, Style, Subject, nothing, provenance};
use cutpoint_core::cuts;
use cutpoint_core::graph::LayerId;
use cutpoint_core::profile::{LayerRecord, Profile};
use cutpoint_core::units::{Bytes, format_us};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::server::Server;

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct LayersData {
    /// Name of the model.
    pub model: String,
    /// Where the edge times come from.
    pub edge: Origin,
    /// Where the server times come from.
    pub server: Origin,
    /// Size of the model's inputs.
    pub input: Bytes,
    /// The layers in execution order.
    pub layers: Vec<LayerBar>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerBar {
    /// Human-readable name: the node's, or else the first output's.
    pub name: String,
    /// Operator.
    pub op: String,
    /// Time on the edge.
    pub edge_us: f64,
    /// Time on the server.
    pub server_us: f64,
    /// Spread of the time traced on the edge; none for a time that nobody measured.
    pub edge_spread: Option<LayerSpread>,
    /// The same on the server.
    pub server_spread: Option<LayerSpread>,
    /// Size of all outputs.
    pub output: Bytes,
    /// Whether one tensor alone crosses right behind this layer.
    pub natural: bool,
}

/// The spread of a layer's traced time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerSpread {
    /// Median absolute deviation.
    pub mad_us: f64,
    /// Runs that it was traced in; zero when nobody says how many.
    pub runs: usize,
}

impl LayerBar {
    /// Returns the upper end of the error bar on the edge, or of the bar where there is none.
    fn edge_end_us(&self) -> f64 {
        self.edge_us + mad_us(self.edge_spread)
    }

    fn server_end_us(&self) -> f64 {
        self.server_us + mad_us(self.server_spread)
    }
}

fn mad_us(spread: Option<LayerSpread>) -> f64 {
    spread.map_or(0.0, |spread| spread.mad_us)
}

const NAME: &str = "layers";
/// Room left of the panels for tick labels and the axis title.
const LEFT: f64 = 74.0;
/// Least column width, in pixels, at which error bars have caps.
const CAPPED: f64 = 7.0;
/// Least column width, in pixels, at which neighbouring error bars stay apart at full line width.
const DENSE: f64 = 4.0;
/// Labels in the picture when there is no room for all names.
const CALLED_OUT: usize = 8;

impl Figure for LayersData {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "time and output size of every layer";
    const NEEDS: &'static str = "a profile";

    fn gather(subject: &Subject<'_>) -> Result<Vec<LayersData>, ReportError> {
        let Some(study) = subject.study() else {
            return Ok(Vec::new());
        };
        let (problem, profile) = (&study.problem, study.profile);
        Ok(vec![gather(problem, profile, &study.server)])
    }

    fn draw(&self, style: &Style) -> Result<String, ReportError> {
        draw(self, style)
    }
}

/// Draws the figure.
///
/// # Errors
/// [`ReportError::Nothing`] without at least two layers or without any time.
fn draw(data: &LayersData, style: &Style) -> Result<String, ReportError> {
    let [edge_top, server_top] = tops(data)?;
    let mut canvas = Canvas::new(style, &words(data));
    canvas.legend(&legend(data));
    let free = canvas.free();
    let (left, columns) = (free.left + LEFT, data.layers.len() as f64);
    let right = free.width - LEFT - 4.0;
    let longest = longest(right / columns, free.height);
    let named = longest.is_some();
    let names = || {
        let layers = data.layers.iter().enumerate();
        layers.map(|(i, layer)| (i as f64 + 0.5, layer.name.as_str()))
    };
    let height = (free.height
        - 22.0
        - longest.map_or(38.0, |longest| {
            names_height(names().map(|(_, name)| name), longest)
        }))
    .max(60.0);
    let frame = |top, height| Frame {
        left,
        top,
        width: right,
        height,
    };
    let headroom = if named { 1.06 } else { 1.3 };
    let times = Panel {
        frame: frame(free.top + 4.0, height * 0.66),
        x: columns_axis(data, false),
        y: Axis::time(
            -1.06 * server_top.max(edge_top * 0.04),
            headroom * edge_top.max(server_top * 0.04),
            if style.is_low() {
                "time"
            } else {
                "server ↓   edge ↑"
            },
        ),
        clearance: 0.0,
    };
    let sizes = Panel {
        frame: frame(times.frame.bottom() + 16.0, height * 0.34),
        x: columns_axis(data, !named),
        y: size_axis(
            data,
            if style.is_low() {
                "size"
            } else {
                "output size"
            },
        ),
        clearance: 0.0,
    };
    canvas.panel(&times, &time_marks(data, right / columns))?;
    let zero = times.at_y(0.0);
    canvas.line("axis", (left, zero), (left + right, zero));
    canvas.panel(&sizes, &size_marks(data, right / columns))?;
    match longest {
        Some(longest) => write_names(&mut canvas, &sizes, 6.0, longest, names()),
        None => call_out(&mut canvas, &times, data),
    }
    canvas.hovers(&hovers(data, &times, &sizes));
    Ok(canvas.finish())
}

/// Returns the largest edge and server time, error bars included.
fn tops(data: &LayersData) -> Result<[f64; 2], ReportError> {
    let model = &data.model;
    if data.layers.len() < 2 {
        return Err(nothing(
            NAME,
            format!("`{model}` has fewer than two layers, so there is nothing to compare"),
        ));
    }
    let most = |time: fn(&LayerBar) -> f64| data.layers.iter().map(time).fold(0.0, f64::max);
    let tops = [most(|l| l.edge_us), most(|l| l.server_us)];
    if tops == [0.0, 0.0] {
        return Err(nothing(
            NAME,
            format!("all layer times of `{model}` are zero; measure again with `cutpoint profile`"),
        ));
    }
    Ok([most(LayerBar::edge_end_us), most(LayerBar::server_end_us)])
}

fn words(data: &LayersData) -> Words {
    let total = |time: fn(&LayerBar) -> f64| format_us(data.layers.iter().map(time).sum());
    Words {
        heading: format!(
            "{}: time and output size of {} layers",
            data.model,
            data.layers.len()
        ),
        summary: format!(
            "All layers together take {} on the edge, {}, and {} on the server, {}.",
            total(|l| l.edge_us),
            data.edge.label(),
            total(|l| l.server_us),
            data.server.label(),
        ),
        caption: format!(
            "{}{}",
            provenance(&data.edge, &data.server),
            spread_words(data)
        ),
    }
}

/// Says what the error bars are; nothing without any.
fn spread_words(data: &LayersData) -> String {
    let of = |spread: fn(&LayerBar) -> Option<LayerSpread>| data.layers.iter().filter_map(spread);
    let (edge, server) = (|l: &LayerBar| l.edge_spread, |l: &LayerBar| l.server_spread);
    let sides = match (of(edge).next(), of(server).next()) {
        (None, None) => return String::new(),
        (Some(_), None) => " on the edge",
        (None, Some(_)) => " on the server",
        (Some(_), Some(_)) => "",
    };
    let runs = || of(edge).chain(of(server)).map(|spread| spread.runs);
    let runs = match (runs().min(), runs().max()) {
        (Some(0), _) | (None, _) | (_, None) => "n not stated".to_owned(),
        (Some(least), Some(most)) if least == most => format!("n = {most} runs"),
        (Some(least), Some(most)) => format!("n = {least} to {most} runs"),
    };
    format!(
        " Error bars{sides}: median ± median absolute deviation (MAD) of the layer's traced time, \
         {runs}."
    )
}

fn legend(data: &LayersData) -> Vec<(&'static str, Swatch, String)> {
    let mut entries = vec![
        ("edge", Swatch::Box, format!("edge: {}", data.edge.label())),
        (
            "server",
            Swatch::Box,
            format!("server: {}", data.server.label()),
        ),
        (
            "cut",
            Swatch::Circle,
            "output alone crosses a cut here".to_owned(),
        ),
        (
            "nocut",
            Swatch::Circle,
            "more than this output would cross".to_owned(),
        ),
    ];
    if data.input.0 > 0 {
        entries.push(("raw", Swatch::Line, format!("raw input, {}", data.input)));
    }
    entries
}

/// The horizontal axis: layers in execution order, counted from one.
fn columns_axis(data: &LayersData, numbered: bool) -> Axis {
    let columns = data.layers.len();
    let step = stride(1.0, columns as f64 / 12.0);
    let ticks = (1..=columns)
        .filter(|i| numbered && (*i == 1 || i % step == 0))
        .map(|i| Tick {
            at: i as f64 - 0.5,
            label: i.to_string(),
        });
    let title = if numbered {
        "layer, in execution order"
    } else {
        ""
    };
    Axis {
        spread: Spread::Linear,
        from: 0.0,
        to: columns as f64,
        ticks: ticks.collect(),
        title: title.to_owned(),
    }
}

fn size_axis(data: &LayersData, title: &str) -> Axis {
    let sizes = data
        .layers
        .iter()
        .map(|l| l.output.0)
        .chain([data.input.0])
        .filter(|bytes| *bytes > 0);
    let (low, high) = sizes.fold((f64::INFINITY, 1.0f64), |(low, high), b| {
        (low.min(b as f64), high.max(b as f64))
    });
    let (low, high) = (low.min(high) / 2.0, high * 2.0);
    Axis::log(low.min(high / 20.0), high, Quantity::SizeBytes, title)
}

fn time_marks(data: &LayersData, pitch: f64) -> Vec<Mark> {
    let half = (WIDEST / 2.0 / pitch).min(0.4);
    let bars = |class, time: fn(&LayerBar) -> f64| {
        data.layers.iter().enumerate().map(move |(i, layer)| {
            let at = i as f64 + 0.5;
            Mark::new(
                class,
                Shape::Bar([at - half, 0.0], [at + half, time(layer)]),
            )
        })
    };
    bars("edge", |l| l.edge_us)
        .chain(bars("server", |l| -l.server_us))
        .chain(error_marks(data, pitch, half))
        .collect()
}

/// The error bars over bars that reach `half` a column to either side.
fn error_marks(data: &LayersData, pitch: f64, half: f64) -> Vec<Mark> {
    let class = if pitch < DENSE { "error-thin" } else { "error" };
    let cap = if pitch < CAPPED { 0.0 } else { half * 0.6 };
    let mark = |column: usize, median_us: f64, mad_us: f64, sign: f64| {
        let at = column as f64 + 0.5;
        // a time is not negative
        let low = sign * (median_us - mad_us).max(0.0);
        let high = sign * (median_us + mad_us);
        let line = if cap > 0.0 {
            vec![
                [at - cap, low],
                [at + cap, low],
                [at, low],
                [at, high],
                [at - cap, high],
                [at + cap, high],
            ]
        } else {
            vec![[at, low], [at, high]]
        };
        Mark::new(class, Shape::Line(line))
    };
    let of = |(column, layer): (usize, &LayerBar)| {
        let edge = layer.edge_spread;
        let edge = edge.map(|spread| mark(column, layer.edge_us, spread.mad_us, 1.0));
        let server = layer.server_spread;
        let server = server.map(|spread| mark(column, layer.server_us, spread.mad_us, -1.0));
        edge.into_iter().chain(server)
    };
    data.layers.iter().enumerate().flat_map(of).collect()
}

fn size_marks(data: &LayersData, pitch: f64) -> Vec<Mark> {
    let columns = data.layers.len() as f64;
    let raw = data.input.0 as f64;
    let radius = (pitch * 0.32).clamp(1.3, 4.0);
    let dots = |natural: bool| {
        let class = if natural { "cut" } else { "nocut" };
        data.layers
            .iter()
            .enumerate()
            .filter(move |(_, layer)| layer.natural == natural && layer.output.0 > 0)
            .map(move |(i, layer)| {
                Mark::new(
                    class,
                    Shape::Circle([i as f64 + 0.5, layer.output.0 as f64], radius),
                )
            })
    };
    let input =
        (raw > 0.0).then(|| Mark::new("raw", Shape::Line(vec![[0.0, raw], [columns, raw]])));
    input
        .into_iter()
        .chain(dots(false))
        .chain(dots(true))
        .collect()
}

/// Labels the slowest layers where there is room between the bars.
fn call_out(canvas: &mut Canvas, times: &Panel, data: &LayersData) {
    let zero = times.at_y(0.0);
    let mut room = Room::new(Frame {
        height: zero - times.frame.top,
        ..times.frame
    });
    for (i, layer) in data.layers.iter().enumerate() {
        let (left, top) = (times.at_x(i as f64), times.at_y(layer.edge_end_us()));
        room.block(Frame {
            left,
            top,
            width: times.at_x(i as f64 + 1.0) - left,
            height: zero - top,
        });
    }
    let mut slowest: Vec<usize> = (0..data.layers.len()).collect();
    slowest.sort_by(|a, b| {
        data.layers[*b]
            .edge_us
            .total_cmp(&data.layers[*a].edge_us)
            .then(a.cmp(b))
    });
    for i in slowest.into_iter().take(CALLED_OUT) {
        let layer = &data.layers[i];
        let label = fit(&layer.name, SMALL, 150.0);
        let (x, y) = (times.at_x(i as f64 + 0.5), times.at_y(layer.edge_end_us()));
        if let Some(frame) = room.take(x, y, width(&label, SMALL), SMALL + 2.0) {
            canvas.label("label", &frame, (x, y), &label);
        }
    }
}

/// One tooltip for a layer's whole column.
fn hovers(data: &LayersData, times: &Panel, sizes: &Panel) -> Vec<(Frame, String)> {
    let column = |(i, layer): (usize, &LayerBar)| {
        let (left, top) = (times.at_x(i as f64), times.frame.top);
        let frame = Frame {
            left,
            top,
            width: times.at_x(i as f64 + 1.0) - left,
            height: sizes.frame.bottom() - top,
        };
        let tip = format!(
            "{}. {} ({})\nedge {}, server {}\noutput {}",
            i + 1,
            fit(&layer.name, 1.0, 60.0),
            layer.op,
            time_words(layer.edge_us, layer.edge_spread),
            time_words(layer.server_us, layer.server_spread),
            layer.output
        );
        (frame, tip)
    };
    data.layers.iter().enumerate().map(column).collect()
}

/// Writes a time with its spread.
fn time_words(us: f64, spread: Option<LayerSpread>) -> String {
    match spread {
        None => format_us(us),
        Some(LayerSpread { mad_us, .. }) => format!("{} ± {}", format_us(us), format_us(mad_us)),
    }
}

/// Data of the layer figure; `profile` and `server` are those of the problem.
pub fn gather(problem: &Problem, profile: &Profile, server: &Server) -> LayersData {
    let graph = problem.graph();
    let mut natural = vec![false; graph.layers().len()];
    let cuts = cuts::natural(graph, &local_inputs(problem));
    let crossing = cuts.iter().flat_map(|cut| &cut.crossing);
    for producer in crossing.filter_map(|t| graph.producer(*t)) {
        natural[producer.index()] = true;
    }
    let on_server = server.profile().map_or(&[][..], |profile| &profile.layers);
    let on_server: HashMap<&str, &LayerRecord> = on_server
        .iter()
        .map(|record| (record.id.as_str(), record))
        .collect();
    let bar = |(id, record): (LayerId, &LayerRecord)| LayerBar {
        name: record.id.clone(),
        op: record.op.clone(),
        edge_us: problem.model().layer(id).edge_ns as f64 / 1e3,
        server_us: problem.model().layer(id).server_ns as f64 / 1e3,
        edge_spread: spread(record),
        server_spread: on_server.get(record.id.as_str()).copied().and_then(spread),
        output: graph
            .layer(id)
            .outputs
            .iter()
            .map(|t| graph.tensor(*t).bytes)
            .sum(),
        natural: natural[id.index()],
    };
    LayersData {
        model: profile.model.file.clone(),
        edge: edge_origin(profile),
        server: server_origin(server),
        input: graph.inputs().iter().map(|t| graph.tensor(*t).bytes).sum(),
        layers: graph.layer_ids().zip(&profile.layers).map(bar).collect(),
    }
}

/// Returns the spread of a layer's traced time, where it was measured.
fn spread(record: &LayerRecord) -> Option<LayerSpread> {
    let (mad_us, runs) = (record.mad_us, record.runs);
    (mad_us > 0.0).then_some(LayerSpread { mad_us, runs })
}
