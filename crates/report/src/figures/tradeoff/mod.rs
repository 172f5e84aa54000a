//! Latency against accuracy at several rates: one curve per rate, its points a cut and its codecs.

mod gather;

pub use gather::gather;

use std::collections::BTreeSet;

use crate::canvas::label_layout::{Frame, Room, spread};
use crate::canvas::panel::{Mark, Panel, Shape};
use crate::canvas::scale::{Axis, Quantity, Spread, Tick, linear_steps, log_steps, plain};
use crate::canvas::style::SMALL;
use crate::canvas::text::{fit, width};
use crate::canvas::{Canvas, Swatch, Words};
use crate::figures::Figure;
use crate::study::NO_ACCURACY;
use crate::{Origin, ReportError, Style, Subject, nothing, provenance};
use cutpoint_core::units::{format_us, three_digits};

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct TradeoffData {
    /// Name of the model.
    pub model: String,
    /// Where the edge times come from.
    pub edge: Origin,
    /// Where the server times come from.
    pub server: Origin,
    /// What else the latencies depend on, such as `20 ms one way`.
    pub link: String,
    /// How the drops were measured: data, samples, confidence.
    pub accuracy: String,
    /// From the slowest to the fastest link.
    pub curves: Vec<RateCurve>,
}

/// The trade-off at one rate.
#[derive(Debug, Clone, PartialEq)]
pub struct RateCurve {
    /// Rate of the link in bit/s.
    pub rate_bit_s: f64,
    /// The plans that no other beats in both, from the least to the greatest drop.
    pub best: Vec<Choice>,
    /// Other cuts and codecs.
    pub others: Vec<Choice>,
}

/// A cut with its codecs.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What crosses, in which codec; or which side runs everything.
    pub name: String,
    /// Latency of one inference.
    pub latency_us: f64,
    /// Drop of the task that loses most, at the pessimistic end of its interval; see
    /// [`cutpoint_core::codec_accuracy::TaskDrop`].
    pub worst_drop: f64,
    /// The same measured, without its uncertainty.
    pub mean_drop: f64,
    /// What each task loses, in words.
    pub tasks: String,
}

const NAME: &str = "tradeoff";
const LEFT: f64 = 78.0;
/// Room for the rates at the right ends of the curves.
const RIGHT: f64 = 92.0;
/// Drops up to about this many percent are spread evenly, larger ones by decades.
const KNEE: f64 = 1.0;
/// Named points of a curve.
const NAMED: usize = 4;
/// Classes of the curves and of their points, from the slowest link to the fastest.
const CURVES: [(&str, &str); 6] = [
    ("curve-1", "dot-1"),
    ("curve-2", "dot-2"),
    ("curve-3", "dot-3"),
    ("curve-4", "dot-4"),
    ("curve-5", "dot-5"),
    ("curve-6", "dot-6"),
];

/// Most curves that can be told apart.
pub const MOST_CURVES: usize = CURVES.len();

impl Figure for TradeoffData {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "least latency for a given drop in accuracy, at several rates";
    const NEEDS: &'static str = "a profile with an accuracy file";

    fn gather(subject: &Subject<'_>) -> Result<Vec<TradeoffData>, ReportError> {
        let Some(study) = subject.study() else {
            return Ok(Vec::new());
        };
        let Some(accuracy) = &study.accuracy else {
            return Err(nothing(NAME, NO_ACCURACY));
        };
        let curves = gather::curves(study, accuracy)?;
        let confidence = study.scenario.limits.accuracy.confidence;
        let (profile, server) = (study.profile, &study.server);
        Ok(vec![gather(&curves, profile, server, accuracy, confidence)])
    }

    fn draw(&self, style: &Style) -> Result<String, ReportError> {
        draw(self, style)
    }
}

/// Draws the figure; curves beyond [`MOST_CURVES`] are left out.
///
/// # Errors
/// [`ReportError::Nothing`] when no curve has a plan.
fn draw(data: &TradeoffData, style: &Style) -> Result<String, ReportError> {
    let fits = |c: &&Choice| {
        let drops_fit = c.worst_drop.is_finite() && c.mean_drop.is_finite();
        c.latency_us.is_finite() && c.latency_us > 0.0 && drops_fit
    };
    let sound = |curve: &RateCurve| RateCurve {
        rate_bit_s: curve.rate_bit_s,
        best: curve.best.iter().filter(fits).cloned().collect(),
        others: curve.others.iter().filter(fits).cloned().collect(),
    };
    let mut curves: Vec<RateCurve> = data.curves.iter().map(sound).collect();
    curves.retain(|curve| !curve.best.is_empty());
    curves.truncate(MOST_CURVES);
    if curves.is_empty() {
        return Err(nothing(
            NAME,
            "no plan with a measured drop in accuracy; `cutpoint accuracy` measures them",
        ));
    }
    let mut canvas = Canvas::new(style, &words(data, &curves));
    canvas.legend(&legend(&curves));
    let free = canvas.free();
    let panel = Panel {
        frame: Frame {
            left: free.left + LEFT,
            top: free.top + 4.0,
            width: free.width - LEFT - RIGHT,
            height: (free.height - 48.0).max(40.0),
        },
        x: drop_axis(&curves),
        y: latency_axis(&curves),
        clearance: 0.0,
    };
    canvas.panel(&panel, &marks(&curves, &panel))?;
    name_rates(&mut canvas, &panel, &curves);
    name_points(&mut canvas, &panel, &curves);
    Ok(canvas.finish())
}

/// In percent, and never below zero: a gain is no reason for a plan.
fn percent(drop: f64) -> f64 {
    drop.max(0.0) * 100.0
}

fn words(data: &TradeoffData, curves: &[RateCurve]) -> Words {
    let plans: usize = curves.iter().map(|curve| curve.best.len()).sum();
    Words {
        heading: format!("{}: latency against accuracy", data.model),
        summary: format!(
            "Least latency for a given drop in accuracy of the task that loses most, at {} rates \
             ({plans} plans). Edge {}, server {}.",
            curves.len(),
            data.edge.label(),
            data.server.label(),
        ),
        caption: format!(
            "Drops: {}. {}. {}",
            data.accuracy,
            data.link,
            provenance(&data.edge, &data.server)
        ),
    }
}

fn legend(curves: &[RateCurve]) -> Vec<(&'static str, Swatch, String)> {
    let middle = CURVES[curves.len() / 2];
    let mut entries = vec![
        (middle.0, Swatch::Line, "least latency".to_owned()),
        (middle.1, Swatch::Circle, "best cut and codecs".to_owned()),
    ];
    if curves.iter().any(|curve| !curve.others.is_empty()) {
        entries.push(("faint", Swatch::Circle, "other cuts and codecs".to_owned()));
    }
    entries
}

/// From no drop to a little beyond the last plan that is best at some rate.
fn drop_axis(curves: &[RateCurve]) -> Axis {
    let best = curves.iter().flat_map(|curve| &curve.best);
    let last = best.map(|c| percent(c.worst_drop)).fold(0.0, f64::max);
    let to = (last * 1.3).max(2.0);
    let (spread, steps) = if to <= 5.0 * KNEE {
        (Spread::Linear, linear_steps(0.0, to, 6))
    } else {
        let zero = std::iter::once(0.0);
        let small = linear_steps(0.2 * KNEE, KNEE, 4).into_iter().take(2);
        let steps = zero.chain(small).chain(log_steps(KNEE, to));
        (Spread::Signed(KNEE), steps.collect())
    };
    let tick = |at: f64| Tick {
        at,
        label: format!("{} %", plain(at)),
    };
    Axis {
        spread,
        from: 0.0,
        to,
        ticks: steps.into_iter().map(tick).collect(),
        title: "drop of the task that loses most, at worst".to_owned(),
    }
}

/// From a little below the fastest plan to a little above the slowest that is best at some rate.
fn latency_axis(curves: &[RateCurve]) -> Axis {
    let best = curves.iter().flat_map(|curve| &curve.best);
    let range =
        |(low, high): (f64, f64), c: &Choice| (low.min(c.latency_us), high.max(c.latency_us));
    let (low, high) = best.fold((f64::INFINITY, 0.0), range);
    let (low, high) = (low / 1.25, (high * 1.35).max(low * 2.0));
    Axis::log(low, high, Quantity::TimeUs, "latency")
}

fn marks(curves: &[RateCurve], panel: &Panel) -> Vec<Mark> {
    let at = |c: &Choice| [percent(c.worst_drop), c.latency_us];
    let mut marks = Vec::new();
    let mut taken = BTreeSet::new();
    for curve in curves {
        let faint = |c: &Choice| Mark::new("faint", Shape::Circle(at(c), 1.8)).tip(tip(curve, c));
        // where one hides another, it stands for both
        let mut hides = |c: &&Choice| {
            let [x, y] = at(c);
            let cell = [panel.at_x(x), panel.at_y(y)].map(|p| (p / 3.0).round() as i64);
            !taken.insert(cell)
        };
        let seen: Vec<&Choice> = curve.others.iter().filter(|c| !hides(c)).collect();
        marks.extend(seen.into_iter().map(faint));
    }
    for (curve, (line, _)) in curves.iter().zip(CURVES) {
        marks.push(Mark::new(line, Shape::Line(stairs(curve, panel))));
    }
    for (curve, (_, dot)) in curves.iter().zip(CURVES) {
        let best = |c: &Choice| Mark::new(dot, Shape::Circle(at(c), 4.0)).tip(tip(curve, c));
        marks.extend(curve.best.iter().map(best));
    }
    marks
}

/// A plan is the best from its drop on until a faster one may be used.
fn stairs(curve: &RateCurve, panel: &Panel) -> Vec<[f64; 2]> {
    let mut points: Vec<[f64; 2]> = Vec::new();
    for choice in &curve.best {
        let x = percent(choice.worst_drop);
        if let Some([_, before]) = points.last().copied() {
            points.push([x, before]);
        }
        points.push([x, choice.latency_us]);
    }
    if let Some([_, last]) = points.last().copied() {
        points.push([panel.x.to, last]);
    }
    points
}

fn tip(curve: &RateCurve, choice: &Choice) -> String {
    format!(
        "{} at {}\n{}\ndrop {} %, at worst {} %\n{}",
        choice.name,
        Quantity::RateBitS.show(curve.rate_bit_s),
        format_us(choice.latency_us),
        three_digits(choice.mean_drop * 100.0),
        three_digits(choice.worst_drop * 100.0),
        choice.tasks,
    )
}

/// The rates beside the right ends of their curves, moved apart where these are close.
fn name_rates(canvas: &mut Canvas, panel: &Panel, curves: &[RateCurve]) {
    let height = SMALL + 3.0;
    let ends = curves.iter().enumerate().filter_map(|(number, curve)| {
        let last = curve.best.last()?;
        Some((number, panel.at_y(last.latency_us)))
    });
    let mut ends: Vec<(usize, f64)> = ends.collect();
    ends.sort_by(|a, b| a.1.total_cmp(&b.1));
    let boxes: Vec<(f64, f64)> = ends.iter().map(|(_, y)| (*y, height)).collect();
    let Some(tops) = spread(
        &boxes,
        panel.frame.top - 8.0,
        panel.frame.bottom() + 8.0,
        0.0,
    ) else {
        return;
    };
    for ((number, y), top) in ends.into_iter().zip(tops) {
        let (right, middle) = (panel.frame.right(), top + height / 2.0);
        canvas.line("leader", (right + 1.0, y), (right + 8.0, middle));
        let text = Quantity::RateBitS.show(curves[number].rate_bit_s);
        let baseline = middle + SMALL * 0.35;
        canvas.text(
            "small",
            right + 11.0,
            baseline,
            crate::canvas::Anchor::Start,
            &text,
        );
    }
}

/// Names of the plans where a curve falls most, as far as there is room.
fn name_points(canvas: &mut Canvas, panel: &Panel, curves: &[RateCurve]) {
    const REACH: f64 = 4.5;
    let mut room = Room::new(panel.frame);
    let point = |c: &Choice| (panel.at_x(percent(c.worst_drop)), panel.at_y(c.latency_us));
    for curve in curves {
        for pair in stairs(curve, panel).windows(2) {
            let ([x0, y0], [x1, y1]) = (pair[0], pair[1]);
            let (left, top) = (panel.at_x(x0), panel.at_y(y0));
            room.block(Frame {
                left: left - 1.5,
                top: top - 1.5,
                width: panel.at_x(x1) - left + 3.0,
                height: panel.at_y(y1) - top + 3.0,
            });
        }
        for (x, y) in curve.best.iter().map(point) {
            room.block(Frame {
                left: x - REACH,
                top: y - REACH,
                width: 2.0 * REACH,
                height: 2.0 * REACH,
            });
        }
    }
    let mut named: Vec<(&str, (f64, f64))> = Vec::new();
    for curve in curves {
        for choice in most_telling(curve) {
            let label = fit(&choice.name, SMALL, 200.0);
            let (x, y) = point(choice);
            let close = |at: &(f64, f64)| (at.0 - x).hypot(at.1 - y) < 2.0 * REACH;
            if named
                .iter()
                .any(|(name, at)| *name == choice.name && close(at))
            {
                continue;
            }
            named.push((&choice.name, (x, y)));
            if let Some(frame) = room.take(x, y, width(&label, SMALL), SMALL + 2.0) {
                canvas.label("label", &frame, (x, y), &label);
            }
        }
    }
}

/// The first plan of a curve and those that are much faster than the one before, best first.
fn most_telling(curve: &RateCurve) -> Vec<&Choice> {
    let gain = |i: usize| match i {
        0 => f64::INFINITY,
        i => (curve.best[i - 1].latency_us / curve.best[i].latency_us).ln(),
    };
    let mut order: Vec<usize> = (0..curve.best.len()).collect();
    order.sort_by(|a, b| gain(*b).total_cmp(&gain(*a)).then(a.cmp(b)));
    let named = order.into_iter().take(NAMED).filter(|i| gain(*i) > 0.02);
    named.map(|i| &curve.best[i]).collect()
}
