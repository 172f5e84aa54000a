//! What figures are drawn on: heading, legend, panels with their axes, caption, and the SVG around it.

pub(crate) mod axis_regions;
pub(crate) mod columns;
mod label_band;
pub(crate) mod label_layout;
pub(crate) mod panel;
pub(crate) mod scale;
pub(crate) mod style;
pub(crate) mod swimlanes;
pub(crate) mod text;

use std::fmt::Write as _;

use crate::ReportError;
use label_layout::Frame;
use panel::{Mark, Panel, pixels};
use style::{HEADING, SMALL, Style, TEXT};
use text::{escape, fit, width, wrap_to};

const MARGIN: f64 = 16.0;
/// Height of a line of text, in font sizes.
const LEADING: f64 = 1.35;
/// Height of a page with a line each for summary and caption.
const SMALLEST: f64 = 230.0;

/// Where text is anchored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// What stands before a legend's text; drawn in the class of the series, dashes included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swatch {
    Box,
    Square,
    Line,
    Circle,
    Triangle,
}

/// The words around a figure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Words {
    /// What the figure shows; also its name for screen readers.
    pub(crate) heading: String,
    /// One line below the heading.
    pub(crate) summary: String,
    /// How the numbers came about.
    pub(crate) caption: String,
}

/// A figure being filled from the top.
#[derive(Debug)]
pub(crate) struct Canvas {
    style: Style,
    /// Width and height in the units of everything on it.
    page: (f64, f64),
    heading: String,
    description: String,
    body: String,
    /// What no heading, legend or caption has taken yet.
    free: Frame,
}

impl Canvas {
    /// A page with its heading and caption.
    pub(crate) fn new(style: &Style, words: &Words) -> Canvas {
        Canvas::zoomed(style, 1.0, words)
    }

    /// A page with room for `zoom` times as much in both directions, everything being smaller.
    pub(crate) fn zoomed(style: &Style, zoom: f64, words: &Words) -> Canvas {
        let (width, height) = style.size();
        let page = ((width * zoom).round(), (height * zoom).round());
        let free = Frame {
            left: MARGIN,
            top: MARGIN,
            width: page.0 - 2.0 * MARGIN,
            height: page.1 - 2.0 * MARGIN,
        };
        let mut canvas = Canvas {
            style: *style,
            page,
            heading: words.heading.clone(),
            description: format!("{} {}", words.summary, words.caption),
            body: String::new(),
            free,
        };
        // what a small page has no room for is in the description alone
        let rows = |share: f64, size: f64| {
            let spare = (page.1 - SMALLEST).max(0.0) * share;
            (spare / (size * LEADING)).floor().max(1.0) as usize
        };
        for line in wrap_to(&words.heading, HEADING, free.width, 2) {
            let at = canvas.free.top + HEADING * 0.9;
            canvas.text("heading", free.left, at, Anchor::Start, &line);
            canvas.skip(HEADING * LEADING);
        }
        for line in wrap_to(&words.summary, TEXT, free.width, rows(0.3, TEXT)) {
            canvas.skip(TEXT * LEADING);
            let at = canvas.free.top - TEXT * 0.35;
            canvas.text("text", free.left, at, Anchor::Start, &line);
        }
        let caption = wrap_to(&words.caption, SMALL, free.width, rows(0.25, SMALL));
        let height = caption.len() as f64 * SMALL * LEADING;
        let top = free.bottom() - height;
        for (row, line) in caption.iter().enumerate() {
            canvas.text(
                "muted",
                free.left,
                top + (row as f64 + 0.8) * SMALL * LEADING,
                Anchor::Start,
                line,
            );
        }
        canvas.free.height -= height + 6.0;
        canvas
    }

    /// The rectangle that is still free.
    pub(crate) fn free(&self) -> Frame {
        self.free
    }

    fn skip(&mut self, height: f64) {
        self.free.top += height;
        self.free.height = (self.free.height - height).max(0.0);
    }

    /// A legend of as many rows as it needs.
    pub(crate) fn legend(&mut self, entries: &[(&'static str, Swatch, String)]) {
        const SWATCH: f64 = 26.0;
        const GAP: f64 = 12.0;
        let (left, right) = (self.free.left, self.free.right());
        self.skip(TEXT * LEADING + 4.0);
        let mut x = left;
        for (class, swatch, label) in entries {
            let label = fit(label, TEXT, right - left - SWATCH);
            let needed = SWATCH + width(&label, TEXT);
            if x > left && x + needed > right {
                x = left;
                self.skip(TEXT * LEADING);
            }
            let middle = self.free.top - 8.0;
            self.swatch(class, *swatch, x, middle);
            self.text(
                "text",
                x + SWATCH,
                middle + TEXT * 0.35,
                Anchor::Start,
                &label,
            );
            x += needed + GAP;
        }
        self.skip(6.0);
    }

    fn swatch(&mut self, class: &str, swatch: Swatch, x: f64, y: f64) {
        let p = pixels;
        let (left, right, centre) = (p(x), p(x + 20.0), p(x + 10.0));
        let element = match swatch {
            Swatch::Box => format!(
                "<rect class=\"{class}\" x=\"{left}\" y=\"{}\" width=\"20\" height=\"10\"/>",
                p(y - 5.0)
            ),
            Swatch::Square => format!(
                "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"5\" height=\"5\"/>",
                p(x + 10.0),
                p(y - 2.5)
            ),
            Swatch::Line => format!(
                "<line class=\"{class}\" x1=\"{left}\" y1=\"{0}\" x2=\"{right}\" y2=\"{0}\"/>",
                p(y)
            ),
            Swatch::Circle => format!(
                "<circle class=\"{class}\" cx=\"{centre}\" cy=\"{}\" r=\"4\"/>",
                p(y)
            ),
            Swatch::Triangle => {
                let (low, high) = (p(y + 4.0), p(y - 5.0));
                format!(
                    "<polygon class=\"{class}\" points=\"{},{low} {},{low} {centre},{high}\"/>",
                    p(x + 5.0),
                    p(x + 15.0)
                )
            }
        };
        let _ = writeln!(self.body, "{element}");
    }

    /// Text with its baseline at `y`.
    pub(crate) fn text(&mut self, class: &str, x: f64, y: f64, anchor: Anchor, text: &str) {
        self.write_text(class, (x, y), anchor, "", text);
    }

    /// Text that reads upwards with its baseline at `x`.
    pub(crate) fn upwards(&mut self, class: &str, x: f64, y: f64, anchor: Anchor, text: &str) {
        let turn = format!(" transform=\"rotate(-90 {} {})\"", pixels(x), pixels(y));
        self.write_text(class, (x, y), anchor, &turn, text);
    }

    /// A label in the box found for it, with a line to its point where that is not next to it.
    pub(crate) fn label(&mut self, class: &str, frame: &Frame, point: (f64, f64), text: &str) {
        let nearest = frame.nearest(point.0, point.1);
        if (nearest.0 - point.0).hypot(nearest.1 - point.1) > 9.0 {
            self.line("leader", nearest, point);
        }
        let baseline = frame.top + frame.height * 0.82;
        self.text(
            class,
            frame.left + frame.width / 2.0,
            baseline,
            Anchor::Middle,
            text,
        );
    }

    /// SVG as it is.
    pub(crate) fn element(&mut self, svg: &str) {
        self.body.push_str(svg);
        self.body.push('\n');
    }

    /// Boxes in page coordinates.
    pub(crate) fn boxes(&mut self, class: &str, frames: &[Frame]) {
        let _ = writeln!(self.body, "<g class=\"{class}\">");
        for frame in frames {
            let _ = writeln!(self.body, "<rect {}/>", place(frame));
        }
        self.body.push_str("</g>\n");
    }

    /// Invisible boxes with a tooltip each, shaded while pointed at.
    pub(crate) fn hovers(&mut self, boxes: &[(Frame, String)]) {
        self.body.push_str("<g class=\"hover\">\n");
        for (frame, tip) in boxes {
            let _ = writeln!(
                self.body,
                "<rect {}><title>{}</title></rect>",
                place(frame),
                escape(tip)
            );
        }
        self.body.push_str("</g>\n");
    }

    fn write_text(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        anchor: Anchor,
        extra: &str,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let (x, y, text) = (pixels(x), pixels(y), escape(text));
        let _ = writeln!(
            self.body,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\"{anchor}{extra}>{text}</text>"
        );
    }

    /// A straight line in page coordinates.
    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let p = pixels;
        let _ = writeln!(
            self.body,
            "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
            p(from.0),
            p(from.1),
            p(to.0),
            p(to.1)
        );
    }

    /// A panel: grid, marks, then axes with ticks and titles around it.
    ///
    /// # Errors
    /// [`ReportError::Drawing`].
    pub(crate) fn panel(&mut self, panel: &Panel, marks: &[Mark]) -> Result<(), ReportError> {
        let frame = panel.frame;
        for tick in &panel.y.ticks {
            let y = panel.at_y(tick.at);
            self.line("grid", (frame.left, y), (frame.right(), y));
        }
        let drawn = panel.draw(marks, self.page)?;
        self.body.push_str(&drawn);
        self.line(
            "axis",
            (frame.left, frame.top),
            (frame.left, frame.bottom()),
        );
        self.line(
            "axis",
            (frame.left, frame.bottom()),
            (frame.right(), frame.bottom()),
        );
        self.y_ticks(panel);
        self.x_ticks(panel);
        Ok(())
    }

    fn y_ticks(&mut self, panel: &Panel) {
        let frame = panel.frame;
        let mut last = f64::INFINITY;
        for tick in &panel.y.ticks {
            let y = panel.at_y(tick.at);
            if (last - y).abs() >= SMALL + 1.0 {
                self.text(
                    "muted",
                    frame.left - 6.0,
                    y + SMALL * 0.35,
                    Anchor::End,
                    &tick.label,
                );
                last = y;
            }
        }
        if !panel.y.title.is_empty() {
            let room = frame.height + 24.0;
            // where the whole does not fit, its first words do
            let start = panel.y.title.split(',').next().unwrap_or_default();
            let title = if width(&panel.y.title, TEXT) <= room {
                panel.y.title.clone()
            } else {
                fit(start, TEXT, room)
            };
            self.upwards(
                "text",
                MARGIN + TEXT * 0.8,
                frame.top + frame.height / 2.0,
                Anchor::Middle,
                &title,
            );
        }
    }

    fn x_ticks(&mut self, panel: &Panel) {
        let frame = panel.frame;
        let mut end = f64::NEG_INFINITY;
        for tick in &panel.x.ticks {
            let (x, half) = (panel.at_x(tick.at), width(&tick.label, SMALL) / 2.0);
            let x_text = x.clamp(half, (self.page.0 - half - 4.0).max(half));
            self.line(
                "axis",
                (x, frame.bottom()),
                (x, frame.bottom() + 4.0 + panel.clearance),
            );
            if x_text - half >= end + 4.0 {
                self.text(
                    "muted",
                    x_text,
                    frame.bottom() + 16.0 + panel.clearance,
                    Anchor::Middle,
                    &tick.label,
                );
                end = x_text + half;
            }
        }
        if !panel.x.title.is_empty() {
            let title = fit(&panel.x.title, TEXT, frame.width);
            let below = frame.bottom()
                + panel.clearance
                + if panel.x.ticks.is_empty() { 18.0 } else { 34.0 };
            self.text(
                "text",
                frame.left + frame.width / 2.0,
                below,
                Anchor::Middle,
                &title,
            );
        }
    }

    /// The finished document.
    pub(crate) fn finish(self) -> String {
        let (width, height) = self.style.pixels();
        let [right, bottom] = [self.page.0, self.page.1].map(pixels);
        let css = style::sheet(self.style.theme, &format!("{}\"paper\"", self.body));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {right} {bottom}\" role=\"img\">\n\
             <title>{}</title>\n<desc>{}</desc>\n<style>{css}</style>\n\
             <rect class=\"paper\" width=\"{right}\" height=\"{bottom}\"/>\n{}</svg>\n",
            escape(&self.heading),
            escape(&self.description),
            self.body
        )
    }
}

/// Whether a text is a figure that was drawn here.
pub fn is_figure(text: &str) -> bool {
    let font = format!("<style>svg{{font-family:{}", style::FONTS);
    text.starts_with("<svg xmlns=")
        && text.contains(&font)
        && text.contains("<rect class=\"paper\"")
}

/// Attributes that place a rectangle.
fn place(frame: &Frame) -> String {
    let [x, y, w, h] = [frame.left, frame.top, frame.width, frame.height].map(pixels);
    format!("x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"")
}
