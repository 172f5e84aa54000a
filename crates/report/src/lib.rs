//! Figures: each one a function from plain data to the text of an SVG.
//!
//! `layers`, `cuts`, `rate`, `halves`, `tradeoff`, `timeline`, `map`, `over`, `pareto`, `boards` and
//! `compare` hold one figure each: its data, and `figure(&data, &style)`; so do those of the model
//! itself, `network`, `cumulative`, `roofline` and `codecs`. `table` writes tables in several formats,
//! `chrome` traces, `page` all of it as one HTML file. `prepare` fills the data from profiles,
//! problems, plans, sweeps and maps. Only `panel` sees plotters.
//! The same data gives the same bytes; a figure that would show nothing says so instead.

mod along;
pub mod boards;
pub mod chrome;
pub mod codecs;
mod columns;
pub mod compare;
pub mod cumulative;
pub mod cuts;
pub mod halves;
mod lanes;
pub mod layers;
pub mod map;
pub mod network;
pub mod over;
pub mod page;
mod panel;
pub mod pareto;
mod place;
pub mod prepare;
pub mod rate;
mod ribbon;
pub mod roofline;
mod scale;
mod sheet;
mod style;
pub mod table;
mod text;
pub mod timeline;
pub mod tradeoff;

pub use along::Course;
pub use style::{Style, Theme};

/// Why a figure was not drawn.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The data has nothing to show.
    #[error("figure `{figure}` is left out: {why}")]
    Nothing {
        /// Name of the figure.
        figure: &'static str,
        /// What is missing, and how to get it.
        why: String,
    },
    /// What is to be written cannot be.
    #[error("it could not be written: {0}")]
    Writing(String),
    /// The drawing library failed.
    #[error("the figure could not be drawn: {0}")]
    Drawing(String),
}

/// One side's machine, and how its times came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Short name, such as `pi5` or `sim:8x`.
    pub name: String,
    /// The same in words, without a full stop: board, runtime, threads, number of rounds, noise.
    pub method: String,
    /// Whether the times were computed instead of measured.
    pub simulated: bool,
}

impl Origin {
    /// The name, marked when the times are simulated.
    pub fn label(&self) -> String {
        if self.simulated {
            format!("{} (simulated)", self.name)
        } else {
            self.name.clone()
        }
    }
}

/// The sentences that say where both sides' times come from.
fn provenance(edge: &Origin, server: &Origin) -> String {
    format!("Edge: {}. Server: {}.", edge.method, server.method)
}

fn nothing(figure: &'static str, why: impl Into<String>) -> ReportError {
    ReportError::Nothing {
        figure,
        why: why.into(),
    }
}
