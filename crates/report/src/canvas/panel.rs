//! The plotting area: marks in data coordinates, drawn by plotters.
//!
//! plotters rounds every coordinate to a whole pixel and knows neither classes nor tooltips. So it
//! draws on a canvas [`FINE`] times larger, every mark in a colour that is its own number, and
//! [`dress`] scales the result back and puts each mark's class and tooltip in the colour's place.

use std::fmt::Write as _;

use plotters::prelude::*;

use super::label_layout::Frame;
use super::scale::Axis;
use super::text::escape;
use crate::ReportError;

/// Steps of plotters' canvas in one pixel.
const FINE: f64 = 20.0;

/// Outline of a mark, in the values of the panel's axes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// From corner to corner.
    Bar([f64; 2], [f64; 2]),
    /// Joined points; parts outside the panel are left out.
    Line(Vec<[f64; 2]>),
    /// A filled outline.
    Area(Vec<[f64; 2]>),
    /// Centre, and radius in pixels.
    Circle([f64; 2], f64),
    /// Centre, and radius in pixels.
    Triangle([f64; 2], f64),
}

/// A shape with its class and tooltip.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    pub(crate) class: &'static str,
    pub(crate) shape: Shape,
    pub(crate) tip: Option<String>,
}

impl Mark {
    pub(crate) fn new(class: &'static str, shape: Shape) -> Mark {
        Mark {
            class,
            shape,
            tip: None,
        }
    }

    pub(crate) fn tip(self, text: impl Into<String>) -> Mark {
        Mark {
            tip: Some(text.into()),
            ..self
        }
    }
}

/// A rectangle of the page with two axes.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(crate) frame: Frame,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// Extra space between the horizontal axis and its labels.
    pub(crate) clearance: f64,
}

impl Panel {
    /// Pixel of a value on the horizontal axis.
    pub(crate) fn at_x(&self, value: f64) -> f64 {
        self.frame.left + self.x.share(value) * self.frame.width
    }

    /// Pixel of a value on the vertical axis.
    pub(crate) fn at_y(&self, value: f64) -> f64 {
        self.frame.bottom() - self.y.share(value) * self.frame.height
    }

    /// The marks that lie in the panel, as SVG elements; bars are cut off at its border.
    pub(crate) fn draw(&self, marks: &[Mark], page: (f64, f64)) -> Result<String, ReportError> {
        let visible: Vec<Mark> = marks.iter().filter_map(|mark| self.clip(mark)).collect();
        let mut raw = String::new();
        self.plot(&visible, page, &mut raw)
            .map_err(ReportError::Drawing)?;
        Ok(dress(&raw, &visible))
    }

    fn clip(&self, mark: &Mark) -> Option<Mark> {
        let inside = |[x, y]: &[f64; 2]| self.x.holds(*x) && self.y.holds(*y);
        let clamp = |[x, y]: [f64; 2]| {
            [
                x.clamp(self.x.from, self.x.to),
                y.clamp(self.y.from, self.y.to),
            ]
        };
        let shape = match &mark.shape {
            Shape::Bar(a, b) => {
                let (a, b) = (clamp(*a), clamp(*b));
                (a != b).then_some(Shape::Bar(a, b))
            }
            Shape::Line(points) => {
                let kept: Vec<_> = points.iter().copied().filter(inside).collect();
                (kept.len() > 1).then_some(Shape::Line(kept))
            }
            Shape::Area(points) => {
                (points.len() > 2).then(|| Shape::Area(points.iter().map(|p| clamp(*p)).collect()))
            }
            Shape::Circle(at, _) | Shape::Triangle(at, _) => inside(at).then(|| mark.shape.clone()),
        };
        shape.map(|shape| Mark {
            shape,
            ..mark.clone()
        })
    }

    fn plot(&self, marks: &[Mark], page: (f64, f64), raw: &mut String) -> Result<(), String> {
        let fine = |pixels: f64| (pixels * FINE).round() as u32;
        let position = |[x, y]: &[f64; 2]| (self.x.spread.position(*x), self.y.spread.position(*y));
        let all = |points: &[[f64; 2]]| points.iter().map(position).collect::<Vec<_>>();
        let show = |error: &dyn std::fmt::Display| error.to_string();

        let root = SVGBackend::with_string(raw, (fine(page.0), fine(page.1))).into_drawing_area();
        let frame = &self.frame;
        let area = root.clone().shrink(
            (fine(frame.left), fine(frame.top)),
            (fine(frame.width), fine(frame.height)),
        );
        let ([x0, x1], [y0, y1]) = (self.x.span(), self.y.span());
        let mut chart = ChartBuilder::on(&area)
            .build_cartesian_2d(x0..x1, y0..y1)
            .map_err(|e| show(&e))?;
        for (number, mark) in marks.iter().enumerate() {
            let ink = ink(number);
            match &mark.shape {
                Shape::Bar(a, b) => chart
                    .draw_series([Rectangle::new([position(a), position(b)], ink.filled())])
                    .map(|_| ()),
                Shape::Line(points) => chart
                    .draw_series([PathElement::new(all(points), ink)])
                    .map(|_| ()),
                Shape::Area(points) => chart
                    .draw_series([Polygon::new(all(points), ink)])
                    .map(|_| ()),
                Shape::Circle(at, radius) => chart
                    .draw_series([Circle::new(position(at), fine(*radius), ink.filled())])
                    .map(|_| ()),
                Shape::Triangle(at, radius) => chart
                    .draw_series([TriangleMarker::new(
                        position(at),
                        fine(*radius),
                        ink.filled(),
                    )])
                    .map(|_| ()),
            }
            .map_err(|e| show(&e))?;
        }
        root.present().map_err(|e| show(&e))
    }
}

/// The colour that stands for the mark of this number.
fn ink(number: usize) -> RGBColor {
    let byte = |shift: usize| (number >> shift & 0xff) as u8;
    RGBColor(byte(16), byte(8), byte(0))
}

/// The number of the mark that was drawn in this colour.
fn number(colour: &str) -> Option<usize> {
    usize::from_str_radix(colour.strip_prefix('#')?, 16).ok()
}

/// Turns plotters' elements, one to a line, into the page's: in pixels, with the marks' classes
/// (written once for neighbours of one class) and tooltips.
fn dress(raw: &str, marks: &[Mark]) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut open = None;
    for line in raw.lines() {
        let Some((tag, attributes)) = line.strip_prefix('<').and_then(|l| l.split_once(' ')) else {
            continue;
        };
        let parts: Vec<&str> = attributes.split('"').collect();
        let pairs = || {
            parts
                .chunks_exact(2)
                .map(|pair| (pair[0].trim().trim_end_matches('='), pair[1]))
        };
        let Some(mark) = pairs()
            .filter(|(key, _)| matches!(*key, "fill" | "stroke"))
            .find_map(|(_, colour)| number(colour))
            .and_then(|number| marks.get(number))
        else {
            continue;
        };
        if open != Some(mark.class) {
            if open.is_some() {
                out.push_str("</g>\n");
            }
            let _ = writeln!(out, "<g class=\"{}\">", mark.class);
            open = Some(mark.class);
        }
        let _ = write!(out, "<{tag}");
        for (key, value) in pairs() {
            if !matches!(key, "fill" | "stroke" | "stroke-width" | "opacity") {
                let _ = write!(out, " {key}=\"{}\"", in_pixels(value));
            }
        }
        match &mark.tip {
            Some(tip) => {
                let _ = writeln!(out, "><title>{}</title></{tag}>", escape(tip));
            }
            None => out.push_str("/>\n"),
        }
    }
    if open.is_some() {
        out.push_str("</g>\n");
    }
    out
}

/// Every number of an attribute, scaled from canvas steps to pixels.
fn in_pixels(value: &str) -> String {
    let scaled = |number: &str| {
        number
            .parse::<f64>()
            .map_or_else(|_| number.to_owned(), |n| pixels(n / FINE))
    };
    let points: Vec<String> = value
        .split_whitespace()
        .map(|point| point.split(',').map(scaled).collect::<Vec<_>>().join(","))
        .collect();
    points.join(" ")
}

/// A length with at most two decimals.
pub(crate) fn pixels(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::scale::Spread;

    fn axis(to: f64) -> Axis {
        Axis {
            spread: Spread::Linear,
            from: 0.0,
            to,
            ticks: Vec::new(),
            title: String::new(),
        }
    }

    fn panel() -> Panel {
        let frame = Frame {
            left: 10.0,
            top: 20.0,
            width: 100.0,
            height: 50.0,
        };
        Panel {
            frame,
            x: axis(10.0),
            y: axis(1.0),
            clearance: 0.0,
        }
    }

    #[test]
    fn every_shape_becomes_one_element_with_class_and_tooltip() {
        let shapes = [
            ("rect", Shape::Bar([1.0, 0.0], [2.0, 0.5])),
            ("polyline", Shape::Line(vec![[0.0, 0.0], [10.0, 1.0]])),
            (
                "polygon",
                Shape::Area(vec![[0.0, 0.0], [10.0, 1.0], [10.0, 0.0]]),
            ),
            ("circle", Shape::Circle([5.0, 0.5], 3.0)),
            ("polygon", Shape::Triangle([5.0, 0.5], 3.0)),
        ];
        for (tag, shape) in shapes {
            let svg = panel()
                .draw(&[Mark::new("edge", shape).tip("a < b")], (200.0, 100.0))
                .unwrap();
            assert_eq!(svg.matches(&format!("<{tag} ")).count(), 1, "{svg}");
            assert!(
                svg.starts_with("<g class=\"edge\">") && svg.contains("<title>a &lt; b</title>"),
                "{svg}"
            );
            assert!(!svg.contains('#'), "{svg}");
        }
    }

    #[test]
    fn coordinates_are_finer_than_a_pixel() {
        let svg = panel()
            .draw(
                &[Mark::new("edge", Shape::Bar([1.234, 0.0], [2.0, 0.5]))],
                (200.0, 100.0),
            )
            .unwrap();
        assert!(svg.contains("x=\"22.3"), "{svg}");
        assert!(svg.contains("height=\"24.95\""), "{svg}");
    }

    #[test]
    fn what_lies_outside_is_left_out_or_cut_off() {
        let outside = Mark::new("edge", Shape::Circle([11.0, 0.5], 3.0));
        assert_eq!(panel().draw(&[outside], (200.0, 100.0)).unwrap(), "");
        let tall = Mark::new("edge", Shape::Bar([1.0, 0.0], [2.0, 7.0]));
        assert!(
            panel()
                .draw(&[tall], (200.0, 100.0))
                .unwrap()
                .contains("height=\"49.95\"")
        );
    }
}
