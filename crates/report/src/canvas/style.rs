//! The one visual style: sizes, colours for light and dark, and the style sheet of a figure.
//!
//! The colours are Okabe and Ito's palette, which people with any common colour blindness can tell
//! apart, with lightness chosen so that neighbours also differ in grey print.

use std::fmt::Write as _;

/// Which colours a figure uses.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Light, or dark where the reader's screen prefers that.
    #[default]
    Auto,
    /// Always light, as on paper.
    Light,
    /// Always dark.
    Dark,
}

/// Size and colours of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Width in pixels (96 to the inch), at least [`Style::MIN_WIDTH`].
    pub width: u32,
    /// Height in pixels, at least [`Style::MIN_HEIGHT`].
    pub height: u32,
    /// Light, dark, or as the reader prefers.
    pub theme: Theme,
}

impl Style {
    /// Smallest width that leaves room for axes and labels.
    pub const MIN_WIDTH: u32 = 400;
    /// Smallest height that leaves room for axes and labels.
    pub const MIN_HEIGHT: u32 = 300;
    /// Largest width and height.
    pub const MAX: u32 = 8_000;

    /// Whether the page is so low that what can be read elsewhere is left out.
    pub(crate) fn is_low(self) -> bool {
        self.height < 400
    }

    /// Size in the picture's own units, of which a large page has several pixels each: so text grows
    /// with a slide, as long as both sides do.
    pub(crate) fn size(self) -> (f64, f64) {
        const SLIDE: (f64, f64) = (960.0, 540.0);
        let (width, height) = self.pixels();
        let scale = (width / SLIDE.0).min(height / SLIDE.1).max(1.0);
        (width / scale, height / scale)
    }

    /// Size in pixels, within what is allowed.
    pub(crate) fn pixels(self) -> (f64, f64) {
        let within = |side: u32, least: u32| f64::from(side.clamp(least, Style::MAX));
        (
            within(self.width, Style::MIN_WIDTH),
            within(self.height, Style::MIN_HEIGHT),
        )
    }
}

impl Default for Style {
    fn default() -> Style {
        Style {
            width: 880,
            height: 560,
            theme: Theme::Auto,
        }
    }
}

/// Font size of the heading.
pub(crate) const HEADING: f64 = 16.0;
/// Font size of legends and axis titles.
pub(crate) const TEXT: f64 = 12.0;
/// Font size of ticks, labels and the caption.
pub(crate) const SMALL: f64 = 11.0;
/// Font size of the names below dense columns.
pub(crate) const TINY: f64 = 9.5;

/// Fonts, the first that a reader has.
pub(super) const FONTS: &str =
    "Inter,'Helvetica Neue',Arial,'Liberation Sans','Noto Sans','DejaVu Sans',sans-serif";

/// What a class paints.
enum Paint {
    /// A filled shape.
    Fill,
    /// A line of this width, with this dash pattern.
    Line(f64, &'static str),
    /// A filled shape with a border, which its neighbours share.
    Region,
    /// A shape with paper inside and an outline.
    Hollow,
    /// A pale shape with an outline of this dash pattern, of its own or in a group of this class.
    Card(&'static str),
    /// A filled shape with a thin rim of paper, so that overlapping ones stay apart.
    Dot,
    /// Text of this size and weight.
    Text(f64, u32),
    /// Text with a rim of paper, readable over lines.
    Label(f64, u32),
}

use Paint::{Card, Dot, Fill, Hollow, Label, Line, Region, Text};

/// Class, what it paints, light colour, dark colour.
const CLASSES: &[(&str, Paint, &str, &str)] = &[
    ("paper", Fill, "#ffffff", "#14171b"),
    ("heading", Text(HEADING, 600), "#1b1f24", "#eceff2"),
    ("text", Text(TEXT, 400), "#1b1f24", "#e3e6ea"),
    ("muted", Text(SMALL, 400), "#57606a", "#a3adb8"),
    ("small", Text(SMALL, 400), "#1b1f24", "#eceff2"),
    ("bold", Label(SMALL, 600), "#1b1f24", "#eceff2"),
    ("tiny", Text(TINY, 400), "#57606a", "#a3adb8"),
    ("label", Label(SMALL, 400), "#1b1f24", "#eceff2"),
    ("strong", Label(SMALL, 600), "#a33f00", "#ff9a5c"),
    ("grid", Line(1.0, ""), "#e4e7eb", "#2a3037"),
    ("axis", Line(1.0, ""), "#8b949e", "#6b747e"),
    ("leader", Line(0.8, ""), "#8b949e", "#7d8792"),
    ("edge", Fill, "#0072b2", "#3f9bd8"),
    ("encode", Fill, "#5b3a8c", "#a58bd6"),
    ("uplink", Fill, "#a9dccb", "#2c6a5d"),
    ("decode", Fill, "#a3427b", "#c2589a"),
    ("server", Fill, "#e69f00", "#f2b632"),
    ("edge-own", Fill, "#56b4e9", "#1f6da3"),
    ("server-own", Fill, "#f6d48a", "#b3800f"),
    ("beside", Fill, "#009e73", "#35b893"),
    ("deadline", Line(2.0, ""), "#d55e00", "#ff8a45"),
    ("results", Fill, "#6a737d", "#9aa4af"),
    ("best", Hollow, "#d55e00", "#ff8a45"),
    ("cut", Fill, "#1b1f24", "#eceff2"),
    ("nocut", Fill, "#b4bcc5", "#56606b"),
    ("raw", Line(1.2, "5 4"), "#57606a", "#a3adb8"),
    ("envelope", Line(2.4, ""), "#1b1f24", "#eceff2"),
    ("all-edge", Line(1.6, "8 4"), "#0072b2", "#56b4e9"),
    ("all-server", Line(1.6, "2 3"), "#b87f00", "#f2b632"),
    ("backbone", Line(1.6, "9 3 2 3"), "#9c3f78", "#e3a3c6"),
    ("switch", Line(1.0, "3 3"), "#57606a", "#a3adb8"),
    ("on-edge", Fill, "#d3e6f3", "#17354a"),
    ("on-server", Fill, "#fbe8bf", "#4a3a12"),
    ("split-a", Fill, "#d2ebe2", "#173f36"),
    ("split-b", Fill, "#e9f5f0", "#123029"),
    ("map-edge", Region, "#a6cfe8", "#1c4f73"),
    ("map-server", Region, "#f5d58b", "#6b5415"),
    ("map-1", Region, "#cdeadf", "#1d5245"),
    ("map-2", Region, "#e3d3ea", "#4a3560"),
    ("map-3", Region, "#eef3c8", "#4c5320"),
    ("map-4", Region, "#f6d6c9", "#643626"),
    ("map-5", Region, "#9fd0c0", "#2f7564"),
    ("map-6", Region, "#d9dde2", "#3a424b"),
    ("map-none", Region, "#ffffff", "#14171b"),
    ("band-1", Fill, "#d9dee4", "#333b44"),
    ("band-5", Fill, "#eff1f4", "#21272d"),
    ("edge-half", Dot, "#0072b2", "#56b4e9"),
    ("server-half", Dot, "#c98a00", "#f2b632"),
    ("edge-left-out", Hollow, "#0072b2", "#56b4e9"),
    ("server-left-out", Hollow, "#b87f00", "#f2b632"),
    ("edge-error", Line(1.2, ""), "#0072b2", "#56b4e9"),
    ("server-error", Line(1.2, ""), "#b87f00", "#f2b632"),
    ("error", Line(1.2, ""), "#1b1f24", "#eceff2"),
    ("error-thin", Line(0.6, ""), "#1b1f24", "#eceff2"),
    ("curve-1", Line(1.8, ""), "#440154", "#c7a5e8"),
    ("curve-2", Line(1.8, ""), "#3b528b", "#8fb4f0"),
    ("curve-3", Line(1.8, ""), "#1f7a6d", "#5fd0c0"),
    ("curve-4", Line(1.8, ""), "#7a8a00", "#c8d84a"),
    ("curve-5", Line(1.8, ""), "#b87f00", "#f2b632"),
    ("curve-6", Line(1.8, ""), "#d55e00", "#ff8a45"),
    ("dot-1", Dot, "#440154", "#c7a5e8"),
    ("dot-2", Dot, "#3b528b", "#8fb4f0"),
    ("dot-3", Dot, "#1f7a6d", "#5fd0c0"),
    ("dot-4", Dot, "#7a8a00", "#c8d84a"),
    ("dot-5", Dot, "#b87f00", "#f2b632"),
    ("dot-6", Dot, "#d55e00", "#ff8a45"),
    ("live", Line(1.5, ""), "#57606a", "#a3adb8"),
    ("at-edge", Card(""), "#0072b2", "#56b4e9"),
    ("at-server", Card("5 2"), "#b87f00", "#f2b632"),
    ("at-either", Card(""), "#8b949e", "#7d8792"),
    ("share", Fill, "#8b949e", "#7d8792"),
    ("inside", Line(1.1, ""), "#8b949e", "#7d8792"),
    ("crosses", Line(2.6, ""), "#d55e00", "#ff8a45"),
    ("returns", Line(1.6, "4 3"), "#a3427b", "#e3a3c6"),
    ("faint", Dot, "#c3cad2", "#4a535d"),
];

/// The style sheet of a figure, for the classes that `body` uses.
pub(crate) fn sheet(theme: Theme, body: &str) -> String {
    let used = || {
        CLASSES
            .iter()
            .filter(|(name, ..)| body.contains(&format!("\"{name}\"")))
    };
    let paper = match theme {
        Theme::Dark => CLASSES[0].3,
        _ => CLASSES[0].2,
    };
    let mut css = format!(
        "svg{{font-family:{FONTS}}}.hover rect{{fill:#808080;fill-opacity:0}}.hover rect:hover{{fill-opacity:.18}}"
    );
    for (name, paint, light, dark) in used() {
        let colour = if theme == Theme::Dark { dark } else { light };
        let (chosen, rules) = (selector(name, paint), declarations(paint, colour, paper));
        let _ = write!(css, "{chosen}{{{rules}}}");
    }
    if theme == Theme::Auto {
        let _ = write!(css, "@media screen and (prefers-color-scheme:dark){{");
        for (name, paint, _, dark) in used() {
            let _ = write!(
                css,
                "{}{{{}}}",
                selector(name, paint),
                recolour(paint, dark)
            );
        }
        css.push('}');
    }
    css
}

/// The colours as custom properties of a page, `--edge` for class `edge`.
pub(crate) fn variables(theme: Theme) -> String {
    let all = |dark: bool| {
        let of = |(name, _, light, night): &(&str, Paint, &str, &str)| {
            format!("--{name}:{};", if dark { night } else { light })
        };
        CLASSES.iter().map(of).collect::<String>()
    };
    match theme {
        Theme::Auto => format!(
            ":root{{color-scheme:light dark;{}}}@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}",
            all(false),
            all(true)
        ),
        Theme::Light => format!(":root{{color-scheme:light;{}}}", all(false)),
        Theme::Dark => format!(":root{{color-scheme:dark;{}}}", all(true)),
    }
}

/// What a class's rules hold for: with a card in a group, not for the text on it.
fn selector(name: &str, paint: &Paint) -> String {
    match paint {
        Card(_) => format!("rect.{name},.{name}>rect"),
        _ => format!(".{name}"),
    }
}

fn declarations(paint: &Paint, colour: &str, paper: &str) -> String {
    match paint {
        Fill => format!("fill:{colour}"),
        Region => format!("fill:{colour};stroke:#6e7781;stroke-width:.8;stroke-linejoin:round"),
        Line(width, dash) => {
            let dash = if dash.is_empty() {
                String::new()
            } else {
                format!(";stroke-dasharray:{dash}")
            };
            format!("fill:none;stroke:{colour};stroke-width:{width};stroke-linejoin:round{dash}")
        }
        Card(dash) => {
            let dash = if dash.is_empty() { "none" } else { dash };
            format!(
                "fill:{colour};fill-opacity:.14;stroke:{colour};stroke-width:1.3;stroke-dasharray:{dash}"
            )
        }
        Hollow => format!("fill:{paper};fill-opacity:0;stroke:{colour};stroke-width:1.4"),
        Dot => format!("fill:{colour};stroke:{paper};stroke-width:.6"),
        Text(size, weight) => format!("fill:{colour};font-size:{size}px;font-weight:{weight}"),
        Label(size, weight) => format!(
            "fill:{colour};font-size:{size}px;font-weight:{weight};stroke:{paper};stroke-width:3;stroke-linejoin:round;paint-order:stroke"
        ),
    }
}

fn recolour(paint: &Paint, dark: &str) -> String {
    let paper = CLASSES[0].3;
    match paint {
        Fill | Region | Text(..) => format!("fill:{dark}"),
        Line(..) | Hollow => format!("stroke:{dark}"),
        Card(_) => format!("fill:{dark};stroke:{dark}"),
        Dot | Label(..) => format!("fill:{dark};stroke:{paper}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pages_are_enlarged_as_far_as_both_sides_grow() {
        let size = |width, height| {
            let style = Style {
                width,
                height,
                theme: Theme::Auto,
            };
            style.size()
        };
        assert_eq!(size(480, 320), (480.0, 320.0));
        assert_eq!(size(880, 560), (880.0, 560.0));
        assert_eq!(size(1920, 1080), (960.0, 540.0));
        assert_eq!(size(4000, 540), (4000.0, 540.0));
        assert_eq!(size(1, 1), (400.0, 300.0));
    }

    #[test]
    fn only_used_classes_are_written_and_dark_follows_the_reader() {
        let css = sheet(Theme::Auto, r#"<g class="edge">"#);
        assert!(css.contains(".edge{fill:#0072b2}") && css.contains("prefers-color-scheme:dark"));
        assert!(!css.contains(".server{"));
        assert!(!sheet(Theme::Dark, r#"<g class="edge">"#).contains("#0072b2"));
    }
}
