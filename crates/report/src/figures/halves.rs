//! Predicted against measured halves: how far the cost model can be trusted.

use crate::canvas::label_layout::{Frame, Room};
use crate::canvas::panel::{Mark, Panel, Shape};
use crate::canvas::scale::{Axis, Spread, Tick, linear_steps, log_steps, plain};
use crate::canvas::style::SMALL;
use crate::canvas::text::{bare, fit, width};
use crate::canvas::{Canvas, Swatch, Words};
use crate::figures::Figure;
use crate::origin::edge_origin;
use crate::{Origin, ReportError, Style, Subject, nothing};
use cutpoint_core::profile::{CutRecord, Profile};
use cutpoint_core::units::{format_us, three_digits};

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct HalvesData {
    /// Name of the model.
    pub model: String,
    /// Where the times come from.
    pub board: Origin,
    /// Time of the whole model, of which errors are a share.
    pub whole_us: f64,
    /// Median difference of the same half measured twice, as a share of the whole.
    pub repeatability: f64,
    /// The measured halves.
    pub halves: Vec<Half>,
}

/// One measured half.
#[derive(Debug, Clone, PartialEq)]
pub struct Half {
    /// What crosses.
    pub cut: String,
    /// Whether it is the server's half.
    pub server: bool,
    /// Median of the measured times.
    pub measured_us: f64,
    /// Their median absolute deviation.
    pub mad_us: f64,
    /// Predicted minus measured.
    pub error_us: f64,
    /// Predicted without this cut in the fit, minus measured.
    pub left_out_us: f64,
}

const NAME: &str = "halves";
const LEFT: f64 = 66.0;
/// Errors up to this many percent are drawn on a linear axis.
const LINEAR: f64 = 7.0;
/// Beyond about this many percent the other kind of axis is logarithmic.
const KNEE: f64 = 1.0;
/// Names in the picture: the worst cuts.
const CALLED_OUT: usize = 4;
/// Errors smaller than this many percent are not worth a name.
const WORTH_NAMING: f64 = 3.0;

impl Figure for HalvesData {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "predicted against measured halves";
    const NEEDS: &'static str = "a profile with measured cuts";

    fn gather(subject: &Subject<'_>) -> Result<Vec<HalvesData>, ReportError> {
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
/// [`ReportError::Nothing`] when no half was measured or the whole model takes no time.
fn draw(data: &HalvesData, style: &Style) -> Result<String, ReportError> {
    let finite = |h: &&Half| {
        [h.measured_us, h.mad_us, h.error_us, h.left_out_us]
            .iter()
            .all(|us| us.is_finite())
    };
    let halves: Vec<&Half> = data.halves.iter().filter(finite).collect();
    if halves.is_empty() {
        return Err(nothing(
            NAME,
            format!(
                "no half of `{}` was measured; `cutpoint profile` measures them",
                data.model
            ),
        ));
    }
    if !(data.whole_us > 0.0 && data.whole_us.is_finite()) {
        return Err(nothing(
            NAME,
            format!(
                "the whole of `{}` takes no time; measure again with `cutpoint profile`",
                data.model
            ),
        ));
    }
    let mut canvas = Canvas::new(style, &words(data, &halves));
    canvas.legend(&legend());
    let free = canvas.free();
    let longest = halves.iter().map(|h| h.measured_us).fold(0.0, f64::max);
    let panel = Panel {
        frame: Frame {
            left: free.left + LEFT,
            top: free.top + 4.0,
            width: free.width - LEFT - 40.0,
            height: (free.height - 48.0).max(40.0),
        },
        x: Axis::time(0.0, longest * 1.05, "measured time of the half"),
        y: error_axis(data, &halves),
        clearance: 0.0,
    };
    canvas.panel(&panel, &marks(data, &halves, &panel))?;
    for band in [1.0, 5.0].into_iter().filter(|band| panel.y.holds(*band)) {
        let y = panel.at_y(band) + SMALL * 0.35;
        canvas.text(
            "muted",
            panel.frame.right() + 5.0,
            y,
            crate::canvas::Anchor::Start,
            &format!("±{band} %"),
        );
    }
    call_out(&mut canvas, &panel, data, &halves);
    Ok(canvas.finish())
}

/// `us` in percent of the whole model's time.
fn percent(data: &HalvesData, us: f64) -> f64 {
    us / data.whole_us * 100.0
}

fn words(data: &HalvesData, halves: &[&Half]) -> Words {
    let summary = |error: fn(&Half) -> f64| {
        let mut errors: Vec<f64> = halves
            .iter()
            .map(|half| percent(data, error(half)).abs())
            .collect();
        errors.sort_by(f64::total_cmp);
        let at =
            |share: f64| three_digits(errors[((errors.len() - 1) as f64 * share).round() as usize]);
        (at(0.5), at(0.9), at(1.0))
    };
    let (fit, left_out) = (summary(|h| h.error_us), summary(|h| h.left_out_us));
    Words {
        heading: format!("{}: predicted against measured halves", data.model),
        summary: format!(
            "n = {} halves. Fitted: median |error| {} %, maximum {} %. Left out: median {} %, 90th percentile {} %, maximum {} %.",
            halves.len(),
            fit.0,
            fit.2,
            left_out.0,
            left_out.1,
            left_out.2
        ),
        caption: format!(
            "Errors are shares of the whole model's time, {}. Bars: median absolute deviation of the measured time. The same half measured twice differs by {} % (median). Both halves: {}.",
            format_us(data.whole_us),
            three_digits(data.repeatability * 100.0),
            data.board.method
        ),
    }
}

fn legend() -> Vec<(&'static str, Swatch, String)> {
    vec![
        ("edge-half", Swatch::Circle, "edge half".to_owned()),
        ("server-half", Swatch::Triangle, "server half".to_owned()),
        (
            "edge-left-out",
            Swatch::Circle,
            "edge half, left out of the fit".to_owned(),
        ),
        (
            "server-left-out",
            Swatch::Triangle,
            "server half, left out of the fit".to_owned(),
        ),
    ]
}

/// Errors in percent, as far up as down: linear while they are small, by decades outside ±1 % when
/// some are large.
fn error_axis(data: &HalvesData, halves: &[&Half]) -> Axis {
    let errors = halves
        .iter()
        .flat_map(|h| [h.error_us.abs() + h.mad_us, h.left_out_us.abs()]);
    let top = errors.map(|us| percent(data, us)).fold(1.2, f64::max) * 1.15;
    let (spread, steps) = if top <= LINEAR {
        (Spread::Linear, linear_steps(-top, top, 7))
    } else {
        let up = log_steps(KNEE, top.min(999.0));
        let down = up.iter().rev().map(|at| -at);
        (
            Spread::Signed(KNEE),
            down.chain([0.0]).chain(up.iter().copied()).collect(),
        )
    };
    let label = |at: f64| {
        format!(
            "{}{} %",
            if at > 0.0 { "+" } else { "" },
            plain(at).replace('-', "−")
        )
    };
    let ticks = steps.into_iter().map(|at| Tick {
        at,
        label: label(at),
    });
    Axis {
        spread,
        from: -top,
        to: top,
        ticks: ticks.collect(),
        title: "predicted − measured, share of the whole".to_owned(),
    }
}

fn marks(data: &HalvesData, halves: &[&Half], panel: &Panel) -> Vec<Mark> {
    let across = |y: f64| Shape::Bar([panel.x.from, -y], [panel.x.to, y]);
    let mut marks = vec![
        Mark::new("band-5", across(5.0)),
        Mark::new("band-1", across(1.0)),
    ];
    marks.push(Mark::new(
        "axis",
        Shape::Line(vec![[panel.x.from, 0.0], [panel.x.to, 0.0]]),
    ));
    let top = panel.y.to;
    for half in halves {
        let (error, mad) = (percent(data, half.error_us), percent(data, half.mad_us));
        let (x, class) = (
            half.measured_us,
            if half.server {
                "server-error"
            } else {
                "edge-error"
            },
        );
        let ends = [[x, (error - mad).max(-top)], [x, (error + mad).min(top)]];
        marks.push(Mark::new(class, Shape::Line(ends.to_vec())));
    }
    let symbol = |half: &Half, us: f64, radius: f64| {
        let at = [half.measured_us, percent(data, us)];
        if half.server {
            Shape::Triangle(at, radius * 1.15)
        } else {
            Shape::Circle(at, radius)
        }
    };
    let class = |half: &Half, left_out: bool| match (half.server, left_out) {
        (false, false) => "edge-half",
        (false, true) => "edge-left-out",
        (true, false) => "server-half",
        (true, true) => "server-left-out",
    };
    for (left_out, radius) in [(true, 3.6), (false, 3.6)] {
        for server in [false, true] {
            for half in halves.iter().filter(|half| half.server == server) {
                let us = if left_out {
                    half.left_out_us
                } else {
                    half.error_us
                };
                marks.push(
                    Mark::new(class(half, left_out), symbol(half, us, radius)).tip(tip(data, half)),
                );
            }
        }
    }
    marks
}

fn tip(data: &HalvesData, half: &Half) -> String {
    let signed = |us: f64| format!("{us:+.2} µs ({:+.2} %)", percent(data, us));
    format!(
        "{} half of the cut at {}\nmeasured {} ± {}\npredicted {}; left out {}",
        if half.server { "server" } else { "edge" },
        fit(&half.cut, 1.0, 60.0),
        format_us(half.measured_us),
        format_us(half.mad_us),
        signed(half.error_us),
        signed(half.left_out_us),
    )
}

/// Names the cuts that are worst predicted when left out.
fn call_out(canvas: &mut Canvas, panel: &Panel, data: &HalvesData, halves: &[&Half]) {
    const REACH: f64 = 4.0;
    let mut room = Room::new(panel.frame);
    let point =
        |half: &Half, us: f64| (panel.at_x(half.measured_us), panel.at_y(percent(data, us)));
    for (x, y) in halves
        .iter()
        .flat_map(|h| [point(h, h.error_us), point(h, h.left_out_us)])
    {
        room.block(Frame {
            left: x - REACH,
            top: y - REACH,
            width: 2.0 * REACH,
            height: 2.0 * REACH,
        });
    }
    let mut worst: Vec<&&Half> = halves
        .iter()
        .filter(|h| percent(data, h.left_out_us).abs() >= WORTH_NAMING)
        .collect();
    worst.sort_by(|a, b| {
        b.left_out_us
            .abs()
            .total_cmp(&a.left_out_us.abs())
            .then(a.cut.cmp(&b.cut))
    });
    for half in worst.into_iter().take(CALLED_OUT) {
        let label = fit(bare(&half.cut), SMALL, 190.0);
        let (x, y) = point(half, half.left_out_us);
        if let Some(frame) = room.take(x, y, width(&label, SMALL), SMALL + 2.0) {
            canvas.label("label", &frame, (x, y), &label);
        }
    }
}

/// Data of the figure of predicted and measured halves: both halves of every measured cut.
pub fn gather(profile: &Profile) -> HalvesData {
    let both = |cut: &CutRecord| {
        let name = cut.tensors.join(", ");
        let edge = Half {
            cut: name.clone(),
            server: false,
            measured_us: cut.edge_us,
            mad_us: cut.edge_mad_us,
            error_us: cut.edge_residual_us,
            left_out_us: cut.edge_loo_us,
        };
        let server = Half {
            cut: name,
            server: true,
            measured_us: cut.server_us,
            mad_us: cut.server_mad_us,
            error_us: cut.server_residual_us,
            left_out_us: cut.server_loo_us,
        };
        [edge, server]
    };
    HalvesData {
        model: profile.model.file.clone(),
        board: edge_origin(profile),
        whole_us: profile.whole.median_us,
        repeatability: profile.method.repeatability,
        halves: profile.cuts.iter().flat_map(both).collect(),
    }
}
