//! Latency of every natural cut at one link, stacked into what it is spent on.

mod data;
mod gather;

use crate::canvas::columns::{WIDEST, longest, names_height, write_names};
use crate::canvas::label_layout::{Frame, Room, stride};
use crate::canvas::panel::{Mark, Panel, Shape};
use crate::canvas::scale::{Axis, Spread, Tick};
use crate::canvas::style::SMALL;
use crate::canvas::text::{bare, fit, width};
use crate::canvas::{Canvas, Swatch, Words};
use crate::figures::Figure;
use crate::{ReportError, Style, Subject, nothing, provenance};
use cutpoint_core::units::format_us;

use data::PARTS;
pub use data::{CutBar, CutKind, CutsData, Parts};
pub use gather::gather;
pub(crate) use gather::parts;

const NAME: &str = "cuts";
const LEFT: f64 = 66.0;
/// Height of the strip that marks measured cuts.
const STRIP: f64 = 5.0;
/// Least column width at which an outline leaves the best bar's colours visible.
const OUTLINED: f64 = 7.0;
/// Least column width at which bars stand apart.
const SEPARATE: f64 = 3.0;
/// Extra space, in columns, between the cuts and the two placements that cut nothing.
const APART: f64 = 0.6;

impl Figure for CutsData {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "latency of every natural cut";
    const NEEDS: &'static str = "a profile";

    fn gather(subject: &Subject<'_>) -> Result<Vec<CutsData>, ReportError> {
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
/// [`ReportError::Nothing`] when there is no cut, or nothing takes any time.
fn draw(data: &CutsData, style: &Style) -> Result<String, ReportError> {
    let totals: Vec<f64> = data.bars.iter().map(|bar| bar.parts.total_us()).collect();
    if !data.bars.iter().any(CutBar::is_cut) {
        return Err(nothing(
            NAME,
            format!(
                "`{}` has no place where one tensor alone crosses",
                data.model
            ),
        ));
    }
    let Some(best) =
        fastest(&totals).filter(|best| totals[*best] > 0.0 && totals.iter().all(|t| t.is_finite()))
    else {
        return Err(nothing(
            NAME,
            format!(
                "the latencies of `{}` are not positive times; measure again with `cutpoint profile`",
                data.model
            ),
        ));
    };
    let limit = limit(data, &totals);
    let mut canvas = Canvas::new(style, &words(data, &totals, best, limit));
    let width = canvas.free().width - LEFT - 4.0;
    let pitch = width / columns(data);
    canvas.legend(&legend(data, pitch));
    let free = canvas.free();
    let longest = longest(pitch, free.height);
    let named = longest.is_some();
    let names = || {
        let bars = data.bars.iter().enumerate();
        bars.map(|(i, bar)| (column(data, i), bar.name.as_str()))
    };
    let below = STRIP
        + 4.0
        + longest.map_or(38.0, |longest| {
            names_height(names().map(|(_, name)| name), longest)
        });
    let frame = Frame {
        left: free.left + LEFT,
        top: free.top + 4.0,
        width,
        height: (free.height - below - 6.0).max(40.0),
    };
    let panel = Panel {
        frame,
        x: columns_axis(data, named),
        y: Axis::time(0.0, limit * 1.12, "latency"),
        clearance: STRIP,
    };
    let marks = marks(data, best, limit, pitch);
    canvas.panel(&panel, &marks)?;
    strip(&mut canvas, &panel, data);
    if let Some(longest) = longest {
        write_names(&mut canvas, &panel, STRIP + 10.0, longest, names());
    }
    call_out(&mut canvas, &panel, data, best, limit);
    canvas.hovers(&hovers(data, &panel));
    Ok(canvas.finish())
}

fn fastest(totals: &[f64]) -> Option<usize> {
    (0..totals.len()).min_by(|a, b| totals[*a].total_cmp(&totals[*b]))
}

/// Top of the axis: the longest bar, unless that would flatten the interesting ones.
fn limit(data: &CutsData, totals: &[f64]) -> f64 {
    let mut sorted = totals.to_vec();
    sorted.sort_by(f64::total_cmp);
    let longest = sorted[sorted.len() - 1];
    let whole = |bar: &&CutBar| matches!(bar.kind, CutKind::AllEdge | CutKind::AllServer);
    let baseline = data
        .bars
        .iter()
        .filter(whole)
        .map(|bar| bar.parts.total_us())
        .fold(f64::INFINITY, f64::min);
    let wanted = (3.0 * sorted[sorted.len() / 2]).max(1.3 * baseline);
    if wanted * 1.3 < longest {
        wanted
    } else {
        longest
    }
}

fn words(data: &CutsData, totals: &[f64], best: usize, limit: f64) -> Words {
    let cuts = data.bars.iter().filter(|bar| bar.is_cut());
    let (count, measured) = (
        cuts.clone().count(),
        cuts.filter(|bar| bar.measured).count(),
    );
    let cut_off = totals.iter().filter(|total| **total > limit).count();
    let longest = totals.iter().copied().fold(0.0, f64::max);
    let mut caption = if measured == count {
        format!("Both halves of all {count} cuts were measured.")
    } else {
        format!(
            "Both halves of {measured} of the {count} cuts were measured; the times of the others are predicted."
        )
    };
    if cut_off > 0 {
        caption += &format!(
            " {cut_off} {} cut off at the top; the longest takes {}.",
            if cut_off == 1 { "bar is" } else { "bars are" },
            format_us(longest)
        );
    }
    let bar = &data.bars[best];
    let place = match bar.kind {
        CutKind::AllEdge | CutKind::AllServer => bar.name.clone(),
        _ => format!("to cut at {}", fit(bare(&bar.name), 1.0, 40.0)),
    };
    Words {
        heading: format!(
            "{}: latency of every natural cut at {}",
            data.model, data.link
        ),
        summary: format!(
            "Best is {place}: {}. Edge {}, server {}.",
            format_us(totals[best]),
            data.edge.label(),
            data.server.label()
        ),
        caption: format!("{caption} {}", provenance(&data.edge, &data.server)),
    }
}

fn legend(data: &CutsData, pitch: f64) -> Vec<(&'static str, Swatch, String)> {
    let used = |part: usize| {
        data.bars
            .iter()
            .any(|bar| bar.parts.stacked()[part].2 > 0.0)
    };
    let names = Parts::default().stacked();
    let mut entries: Vec<_> = names
        .iter()
        .enumerate()
        .filter(|(part, _)| used(*part))
        .map(|(_, (class, name, _))| {
            let simulated = *class == "server" && data.server.simulated
                || *class == "edge" && data.edge.simulated;
            let name = if simulated {
                format!("{name} (simulated)")
            } else {
                (*name).to_owned()
            };
            (*class, Swatch::Box, name)
        })
        .collect();
    let best = if pitch >= OUTLINED {
        Swatch::Box
    } else {
        Swatch::Circle
    };
    entries.push(("best", best, "best".to_owned()));
    entries.push(("cut", Swatch::Square, "both halves measured".to_owned()));
    entries
}

/// Middle of a bar's column.
fn column(data: &CutsData, bar: usize) -> f64 {
    let gaps = data.bars[..=bar]
        .windows(2)
        .filter(|pair| pair[0].is_cut() != pair[1].is_cut())
        .count();
    bar as f64 + 0.5 + gaps as f64 * APART
}

fn columns(data: &CutsData) -> f64 {
    column(data, data.bars.len() - 1) + 0.5
}

fn columns_axis(data: &CutsData, named: bool) -> Axis {
    let count = data.bars.len();
    let step = stride(1.0, count as f64 / 12.0);
    let first = data.bars.iter().position(CutBar::is_cut).unwrap_or(0);
    let tick = |i: usize| {
        let number = i + 1 - first.min(i);
        let label = match data.bars[i].kind {
            CutKind::AllServer => "all server".to_owned(),
            CutKind::AllEdge => "all edge".to_owned(),
            _ if number.is_multiple_of(step) && i + step < count => number.to_string(),
            _ => return None,
        };
        Some(Tick {
            at: column(data, i),
            label,
        })
    };
    let ticks = if named {
        Vec::new()
    } else {
        (0..count).filter_map(tick).collect()
    };
    let title = if named { "" } else { "cut, in execution order" };
    Axis {
        spread: Spread::Linear,
        from: 0.0,
        to: columns(data),
        ticks,
        title: title.to_owned(),
    }
}

fn marks(data: &CutsData, best: usize, limit: f64, pitch: f64) -> Vec<Mark> {
    let half = (WIDEST / 2.0 / pitch).min(0.42);
    let mut marks = if pitch < SEPARATE {
        skylines(data, limit)
    } else {
        stacks(data, limit, half)
    };
    for (i, bar) in data.bars.iter().enumerate() {
        if bar.parts.total_us() > limit && pitch >= SEPARATE {
            let top = [column(data, i), limit * 1.02];
            marks.push(Mark::new(
                "cut",
                Shape::Triangle(top, (pitch * 0.3).min(4.5)),
            ));
        }
    }
    let at = column(data, best);
    let top = data.bars[best].parts.total_us().min(limit);
    let outline = if pitch >= OUTLINED {
        Shape::Bar([at - half, 0.0], [at + half, top])
    } else {
        Shape::Circle([at, top], 4.0)
    };
    marks.push(Mark::new("best", outline));
    marks
}

/// One bar for every part of every placement.
fn stacks(data: &CutsData, limit: f64, half: f64) -> Vec<Mark> {
    let mut marks = Vec::new();
    for part in 0..PARTS {
        for (i, bar) in data.bars.iter().enumerate() {
            let (at, (class, _, us)) = (column(data, i), bar.parts.stacked()[part]);
            let to = bar.parts.up_to_us(part);
            if us > 0.0 && to - us < limit {
                let corners = ([at - half, to - us], [at + half, to.min(limit)]);
                marks.push(Mark::new(class, Shape::Bar(corners.0, corners.1)));
            }
        }
    }
    marks
}

/// One outline for every part, over columns too narrow to stand apart: the last part behind, each
/// earlier one before it.
fn skylines(data: &CutsData, limit: f64) -> Vec<Mark> {
    let classes = Parts::default().stacked();
    let used = |part: &usize| {
        data.bars
            .iter()
            .any(|bar| bar.parts.stacked()[*part].2 > 0.0)
    };
    let outline = |part: usize| {
        let mut points = Vec::new();
        let mut end = 0.0;
        for (i, bar) in data.bars.iter().enumerate() {
            let (from, top) = (column(data, i) - 0.5, bar.parts.up_to_us(part).min(limit));
            if from > end {
                points.extend([[end, 0.0], [from, 0.0]]);
            }
            end = from + 1.0;
            points.extend([[from, top], [end, top]]);
        }
        points.extend([[end, 0.0], [0.0, 0.0]]);
        Mark::new(classes[part].0, Shape::Area(points))
    };
    (0..PARTS).rev().filter(used).map(outline).collect()
}

/// Marks the cuts whose halves were measured, below the axis.
fn strip(canvas: &mut Canvas, panel: &Panel, data: &CutsData) {
    let top = panel.frame.bottom() + 5.0;
    let pitch = panel.at_x(1.0) - panel.at_x(0.0);
    let side = (pitch * 0.7).min(STRIP);
    let measured = data.bars.iter().enumerate().filter(|(_, bar)| bar.measured);
    let frames: Vec<Frame> = measured
        .map(|(i, _)| Frame {
            left: panel.at_x(column(data, i)) - side / 2.0,
            top,
            width: side,
            height: STRIP,
        })
        .collect();
    canvas.boxes("cut", &frames);
}

/// Names the best bar, and the backbone, above their bars.
fn call_out(canvas: &mut Canvas, panel: &Panel, data: &CutsData, best: usize, limit: f64) {
    let middle = |i: usize| panel.at_x(column(data, i));
    let top = |i: usize| {
        let total = data.bars[i].parts.total_us();
        // the mark of a bar that is cut off needs room, too
        panel.at_y(total.min(limit)) - if total > limit { 11.0 } else { 0.0 }
    };
    let mut room = Room::new(panel.frame);
    let half = (panel.at_x(1.0) - panel.at_x(0.0)) / 2.0;
    for i in 0..data.bars.len() {
        room.block(Frame {
            left: middle(i) - half,
            top: top(i),
            width: 2.0 * half,
            height: panel.frame.bottom() - top(i),
        });
    }
    let total = |i: usize| format_us(data.bars[i].parts.total_us());
    let name = bare(&data.bars[best].name);
    let mut labels = vec![(best, "strong", format!("{name}: {}", total(best)))];
    let backbone = data
        .bars
        .iter()
        .position(|bar| bar.kind == CutKind::Backbone);
    if let Some(backbone) = backbone.filter(|backbone| *backbone != best) {
        labels.push((backbone, "label", format!("backbone: {}", total(backbone))));
    }
    for (i, class, label) in labels {
        let label = fit(&label, SMALL, 260.0);
        let point = (middle(i), top(i));
        if let Some(frame) = room.take(point.0, point.1, width(&label, SMALL), SMALL + 2.0) {
            canvas.label(class, &frame, point, &label);
        }
    }
}

fn hovers(data: &CutsData, panel: &Panel) -> Vec<(Frame, String)> {
    let hover = |(i, bar): (usize, &CutBar)| {
        let parts = bar.parts.stacked();
        let parts = parts
            .iter()
            .filter(|(.., us)| *us > 0.0)
            .map(|(_, name, us)| format!("{name} {}", format_us(*us)));
        let sure = if bar.measured {
            "measured"
        } else {
            "predicted"
        };
        let payload = if bar.payload.is_empty() {
            String::new()
        } else {
            format!(", {}", bar.payload)
        };
        let tip = format!(
            "{}{payload}\n{} ({sure})\n{}",
            fit(&bar.name, 1.0, 60.0),
            format_us(bar.parts.total_us()),
            parts.collect::<Vec<_>>().join(", ")
        );
        let left = panel.at_x(column(data, i) - 0.5);
        (
            Frame {
                left,
                width: panel.at_x(1.0) - panel.at_x(0.0),
                ..panel.frame
            },
            tip,
        )
    };
    data.bars.iter().enumerate().map(hover).collect()
}
