//! What changed between two profiles of a model, layer by layer.

mod data;
mod gather;

use crate::canvas::columns::{longest, names_height, write_names};
use crate::canvas::label_layout::{Frame, Room, stride};
use crate::canvas::panel::{Mark, Panel, Shape};
use crate::canvas::scale::{Axis, Spread, Tick, linear_steps, log_steps, plain};
use crate::canvas::style::SMALL;
use crate::canvas::text::{bare, fit, width};
use crate::canvas::{Canvas, Swatch, Words};
use crate::figures::Figure;
use crate::{ReportError, Style, Subject, nothing};
use cutpoint_core::units::format_us;
use data::{percent, shown};

pub use data::{Change, CompareData, LayerChange, Measure, Verdict};
pub use gather::{CompareError, gather};

const NAME: &str = "compare";
const LEFT: f64 = 74.0;
/// Names in the picture when there is no room for all.
const CALLED_OUT: usize = 8;
/// Share of the axis that stays free for them.
const HEADROOM: f64 = 0.3;

impl Figure for CompareData {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "the layers that changed";
    const NEEDS: &'static str = "two profiles to compare";

    fn gather(subject: &Subject<'_>) -> Result<Vec<CompareData>, ReportError> {
        let Subject::Comparison(data, _) = subject else {
            return Ok(Vec::new());
        };
        Ok(vec![(*data).clone()])
    }

    fn draw(&self, style: &Style) -> Result<String, ReportError> {
        draw(self, style)
    }
}

/// Draws the figure: the ratio of every layer that changed, with its interval.
///
/// # Errors
/// [`ReportError::Nothing`] when nothing changed beyond noise.
fn draw(data: &CompareData, style: &Style) -> Result<String, ReportError> {
    let changed = data.changed();
    if changed.is_empty() {
        let why = if data.with(Verdict::Unknown) == data.layers.len() {
            "no layer has a spread and a number of runs in both profiles"
        } else {
            "no layer changed beyond noise"
        };
        return Err(nothing(NAME, format!("{why}. {}", data.summary())));
    }
    let mut canvas = Canvas::new(style, &words(data));
    canvas.legend(&legend(data, &changed));
    let free = canvas.free();
    let right = free.width - LEFT - 8.0;
    let pitch = right / changed.len() as f64;
    let longest = longest(pitch, free.height);
    let named = longest.is_some();
    let names = || {
        let layers = changed.iter().enumerate();
        layers.map(|(i, (layer, _))| (i as f64 + 0.5, layer.name.as_str()))
    };
    let below = longest.map_or(38.0, |longest| {
        names_height(names().map(|(_, name)| name), longest)
    });
    let panel = Panel {
        frame: Frame {
            left: free.left + LEFT,
            top: free.top + 4.0,
            width: right,
            height: (free.height - 8.0 - below).max(60.0),
        },
        x: layer_axis(changed.len(), named),
        y: ratio_axis(data, &changed, if named { 0.06 } else { HEADROOM }),
        clearance: 0.0,
    };
    canvas.panel(&panel, &marks(data, &changed, &panel, pitch))?;
    match longest {
        Some(longest) => write_names(&mut canvas, &panel, 6.0, longest, names()),
        None => call_out(&mut canvas, &panel, &changed),
    }
    Ok(canvas.finish())
}

fn words(data: &CompareData) -> Words {
    Words {
        heading: format!(
            "{}: layers that changed, {} against {}",
            data.model,
            data.after.label(),
            data.before.label()
        ),
        summary: data.summary(),
        caption: format!("{} {}", data.rule(), data.origins()),
    }
}

fn legend(
    data: &CompareData,
    changed: &[(&LayerChange, Change)],
) -> Vec<(&'static str, Swatch, String)> {
    let has = |slower: bool| changed.iter().any(|(_, c)| (c.ratio > 1.0) == slower);
    let mut entries = Vec::new();
    if has(true) {
        entries.push((
            "server-half",
            Swatch::Triangle,
            "slower than before".to_owned(),
        ));
    }
    if has(false) {
        entries.push(("edge-half", Swatch::Circle, "faster than before".to_owned()));
    }
    if data.total_change.is_some() {
        entries.push((
            "band-1",
            Swatch::Box,
            "whole model, 95 % interval".to_owned(),
        ));
    }
    entries
}

fn layer_axis(columns: usize, named: bool) -> Axis {
    let step = stride(1.0, columns as f64 / 12.0);
    let numbered = (1..=columns).filter(|i| !named && (*i == 1 || i % step == 0));
    Axis {
        spread: Spread::Linear,
        from: 0.0,
        to: columns as f64,
        ticks: numbered
            .map(|i| Tick {
                at: i as f64 - 0.5,
                label: i.to_string(),
            })
            .collect(),
        title: if named {
            String::new()
        } else {
            "changed layer, in execution order".to_owned()
        },
    }
}

/// Ratios: changes in percent on a linear axis while they are small, multiples by decades beyond.
fn ratio_axis(data: &CompareData, changed: &[(&LayerChange, Change)], headroom: f64) -> Axis {
    const LINEAR: f64 = 2.5;
    const FARTHEST: f64 = 1e4;
    let all = changed
        .iter()
        .map(|(_, change)| *change)
        .chain(data.total_change);
    let (low, high) = all.fold((1.0f64, 1.0f64), |(low, high), change| {
        (low.min(change.low), high.max(change.high))
    });
    // an interval may reach farther than any picture
    let (low, high) = (low.max(1.0 / FARTHEST), high.min(FARTHEST));
    let title = format!("{} over {}", data.after.name, data.before.name);
    if high <= LINEAR {
        let span = high - low;
        let (from, to) = (low - 0.06 * span, high + headroom * span);
        let steps = linear_steps(100.0 * (from - 1.0), 100.0 * (to - 1.0), 6);
        let tick = |percent: f64| Tick {
            at: 1.0 + percent / 100.0,
            label: match plain(percent).replace('-', "−") {
                number if percent > 0.0 => format!("+{number} %"),
                number => format!("{number} %"),
            },
        };
        return Axis {
            spread: Spread::Linear,
            from,
            to,
            ticks: steps.into_iter().map(tick).collect(),
            title,
        };
    }
    let span = high / low;
    let (from, to) = (low / span.powf(0.06), high * span.powf(headroom));
    let tick = |at: f64| Tick {
        at,
        label: format!("{}×", plain(at)),
    };
    Axis {
        spread: Spread::Log,
        from,
        to,
        ticks: log_steps(from, to).into_iter().map(tick).collect(),
        title,
    }
}

fn marks(
    data: &CompareData,
    changed: &[(&LayerChange, Change)],
    panel: &Panel,
    pitch: f64,
) -> Vec<Mark> {
    let mut marks = Vec::new();
    let (left, right) = (panel.x.from, panel.x.to);
    let within = |ratio: f64| ratio.clamp(panel.y.from, panel.y.to);
    if let Some(total) = data.total_change {
        let band = Shape::Bar([left, within(total.low)], [right, within(total.high)]);
        let tip = format!(
            "whole model: {} ({} to {})",
            percent(total.ratio),
            percent(total.low),
            percent(total.high)
        );
        marks.push(Mark::new("band-1", band).tip(tip));
    }
    marks.push(Mark::new(
        "axis",
        Shape::Line(vec![[left, 1.0], [right, 1.0]]),
    ));
    let radius = (pitch * 0.3).clamp(1.4, 4.2);
    for (index, (_, change)) in changed.iter().enumerate() {
        let x = index as f64 + 0.5;
        let class = if change.ratio > 1.0 {
            "server-error"
        } else {
            "edge-error"
        };
        let ends = vec![[x, within(change.low)], [x, within(change.high)]];
        marks.push(Mark::new(class, Shape::Line(ends)));
    }
    for (index, (layer, change)) in changed.iter().enumerate() {
        let at = [index as f64 + 0.5, within(change.ratio)];
        let (class, shape) = if change.ratio > 1.0 {
            ("server-half", Shape::Triangle(at, radius * 1.15))
        } else {
            ("edge-half", Shape::Circle(at, radius))
        };
        marks.push(Mark::new(class, shape).tip(tip(layer, change)));
    }
    marks
}

fn tip(layer: &LayerChange, change: &Change) -> String {
    let time = |m: Measure| {
        format!(
            "{} ± {} (MAD), n = {}",
            format_us(m.median_us),
            format_us(m.mad_us),
            m.runs
        )
    };
    format!(
        "{} ({})\nbefore {}\nafter {}\n{}, interval {} to {}",
        shown(layer),
        layer.operator,
        time(layer.before),
        time(layer.after),
        percent(change.ratio),
        percent(change.low),
        percent(change.high)
    )
}

/// Names the layers whose times moved most.
fn call_out(canvas: &mut Canvas, panel: &Panel, changed: &[(&LayerChange, Change)]) {
    let pitch = panel.frame.width / changed.len() as f64;
    let reach = (0.45 * pitch).min(3.0);
    let mut room = Room::new(panel.frame);
    let at = |index: usize, ratio: f64| {
        let ratio = ratio.clamp(panel.y.from, panel.y.to);
        (panel.at_x(index as f64 + 0.5), panel.at_y(ratio))
    };
    for (index, (_, change)) in changed.iter().enumerate() {
        let ((x, low), (_, high)) = (at(index, change.low), at(index, change.high));
        room.block(Frame {
            left: x - reach,
            top: high,
            width: 2.0 * reach,
            height: low - high,
        });
    }
    let moved = |index: &usize| {
        let layer = changed[*index].0;
        (layer.after.median_us - layer.before.median_us).abs()
    };
    let mut order: Vec<usize> = (0..changed.len()).collect();
    order.sort_by(|a, b| moved(b).total_cmp(&moved(a)).then(a.cmp(b)));
    for index in order.into_iter().take(CALLED_OUT) {
        let (layer, change) = &changed[index];
        let label = fit(bare(&layer.name), SMALL, 190.0);
        // at the far end of the interval, so that the line to the label does not run along it
        let end = if change.ratio > 1.0 {
            change.high
        } else {
            change.low
        };
        let (x, y) = at(index, end);
        if let Some(frame) = room.take(x, y, width(&label, SMALL), SMALL + 2.0) {
            canvas.label("label", &frame, (x, y), &label);
        }
    }
}
