//! How figures look and which are drawn.

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, ValueEnum};
use cutpoint_report::{Style, Theme, figures};

/// Size, colours and choice of the figures.
#[derive(Debug, Args)]
#[command(next_help_heading = "Look")]
pub(crate) struct LookArgs {
    /// Width of a figure in pixels, 400 to 8000. A small page has larger text for its size: 480 by
    /// 320 suits a paper's column, 1600 by 900 a slide [default: 880, or in proportion to --height]
    #[arg(long, value_name = "PIXELS", value_parser = pixels(Style::MIN_WIDTH))]
    width: Option<u32>,
    /// Height of a figure in pixels, 300 to 8000 [default: 560, or in proportion to --width]
    #[arg(long, value_name = "PIXELS", value_parser = pixels(Style::MIN_HEIGHT))]
    height: Option<u32>,
    /// Colours: light, dark, or auto, which is dark on screens whose reader prefers that
    #[arg(long, value_name = "THEME", default_value = "auto")]
    theme: Colours,
    /// Draw these figures alone
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = names())]
    only: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Colours {
    Auto,
    Light,
    Dark,
}

fn pixels(least: u32) -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(i64::from(least)..=i64::from(Style::MAX))
}

/// The names of figures, and what several of them share.
fn names() -> PossibleValuesParser {
    let choices = figures::choices().into_iter();
    let values = choices.map(|(name, about)| PossibleValue::new(name).help(about));
    PossibleValuesParser::new(values)
}

impl LookArgs {
    /// Size and colours.
    pub(super) fn style(&self) -> Style {
        let usual = Style::default();
        let in_proportion = |side: u32, own: u32, other: u32, least: u32| {
            let scaled = u64::from(side) * u64::from(own) / u64::from(other);
            let scaled = u32::try_from(scaled).unwrap_or(Style::MAX);
            scaled.clamp(least, Style::MAX)
        };
        let [wide, high] = [usual.width, usual.height];
        let (width, height) = match (self.width, self.height) {
            (Some(width), Some(height)) => (width, height),
            (Some(width), None) => {
                let height = in_proportion(width, high, wide, Style::MIN_HEIGHT);
                (width, height)
            }
            (None, Some(height)) => {
                let width = in_proportion(height, wide, high, Style::MIN_WIDTH);
                (width, height)
            }
            (None, None) => (wide, high),
        };
        Style {
            width,
            height,
            theme: match self.theme {
                Colours::Auto => Theme::Auto,
                Colours::Light => Theme::Light,
                Colours::Dark => Theme::Dark,
            },
        }
    }

    /// Names of the figures asked for; none for all.
    pub(super) fn only(&self) -> Vec<String> {
        self.only.clone()
    }
}
