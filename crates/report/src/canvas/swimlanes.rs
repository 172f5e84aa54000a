//! Horizontal lanes, one below the other, each with its name to the left.

use super::label_layout::Frame;
use super::panel::Panel;
use super::scale::{Axis, Spread};
use super::style::{SMALL, Style};
use super::text::{bare, fit, width};
use super::{Anchor, Canvas};

/// Least height of a lane whose name can be read.
const LEAST: f64 = SMALL + 2.0;
/// Thickest bar.
const THICKEST: f64 = 30.0;
/// Largest share of the page for names.
const NAMES: f64 = 0.28;

/// The lanes of a figure and their heights in units of one lane.
#[derive(Debug, Clone)]
pub(crate) struct Swimlanes {
    pub(crate) panel: Panel,
    /// Middles, from the top, downwards.
    middles: Vec<f64>,
    total: f64,
}

/// Swimlanes that fit on a page, beside heading, legend, axis and caption.
pub(crate) fn most(style: &Style) -> f64 {
    let around = if style.is_low() { 190.0 } else { 215.0 };
    ((style.size().1 - around) / LEAST).max(3.0)
}

impl Swimlanes {
    /// Swimlanes in what is free of the page, with `right` pixels left free beside them; `gaps` holds
    /// the space above each lane in lanes.
    pub(crate) fn new(free: Frame, right: f64, x: Axis, names: &[&str], gaps: &[f64]) -> Swimlanes {
        let longest = names.iter().map(|name| width(bare(name), SMALL));
        let column = longest.fold(0.0, f64::max).min(free.width * NAMES) + 8.0;
        let mut total = 0.0;
        let middles = gaps.iter().map(|gap| {
            total += gap + 1.0;
            total - 0.5
        });
        let middles: Vec<f64> = middles.collect();
        let frame = Frame {
            left: free.left + column,
            top: free.top,
            width: (free.width - column - right).max(40.0),
            height: (free.height - 44.0).max(40.0),
        };
        let y = Axis {
            spread: Spread::Linear,
            from: 0.0,
            to: total.max(1.0),
            ticks: Vec::new(),
            title: String::new(),
        };
        Swimlanes {
            panel: Panel {
                frame,
                x,
                y,
                clearance: 0.0,
            },
            middles,
            total: total.max(1.0),
        }
    }

    /// Height of one lane in pixels.
    pub(crate) fn pitch(&self) -> f64 {
        self.panel.frame.height / self.total
    }

    /// Corners of a bar in a lane, in the values of the axes.
    pub(crate) fn bar(&self, lane: usize, from: f64, to: f64) -> ([f64; 2], [f64; 2]) {
        let half = (THICKEST / self.pitch()).min(0.72) / 2.0;
        let middle = self.total - self.middles[lane];
        ([from, middle - half], [to, middle + half])
    }

    /// Vertical middle of a lane in pixels.
    pub(crate) fn middle(&self, lane: usize) -> f64 {
        self.panel.at_y(self.total - self.middles[lane])
    }

    /// Thickness of the bars in pixels.
    pub(crate) fn thickness(&self) -> f64 {
        THICKEST.min(0.72 * self.pitch())
    }

    /// The box of a lane between two values of the horizontal axis.
    pub(crate) fn frame(&self, lane: usize, from: f64, to: f64) -> Frame {
        let (left, height) = (self.panel.at_x(from), self.thickness());
        Frame {
            left,
            top: self.middle(lane) - height / 2.0,
            width: self.panel.at_x(to) - left,
            height,
        }
    }

    /// Baseline of text in a lane.
    pub(crate) fn baseline(&self, lane: usize) -> f64 {
        self.middle(lane) + SMALL * 0.35
    }

    /// Lines at the ticks, behind everything that is drawn later.
    pub(crate) fn rule(&self, canvas: &mut Canvas) {
        let frame = self.panel.frame;
        for tick in &self.panel.x.ticks {
            let x = self.panel.at_x(tick.at);
            canvas.line("grid", (x, frame.top), (x, frame.bottom()));
        }
    }

    /// Writes the names to the left of their lanes.
    pub(crate) fn write_names(&self, canvas: &mut Canvas, names: &[&str]) {
        let right = self.panel.frame.left - 6.0;
        let column = right - canvas.free().left;
        for (lane, name) in names.iter().enumerate() {
            let name = fit(bare(name), SMALL, column);
            canvas.text("small", right, self.baseline(lane), Anchor::End, &name);
        }
    }
}
