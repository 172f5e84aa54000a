//! Figures, tables and the page of a report.
//!
//! `figures` has a file or a folder for each figure: how its data is gathered from profiles, plans
//! and sweeps, and how it is drawn. `canvas` is what all of them are drawn with; only its `panel`
//! sees plotters. `tables` writes tables in several formats, `html` everything as one page,
//! `chrome_trace` timelines for trace viewers.
//!
//! The same data gives the same bytes; a figure that would show nothing says so instead.

mod canvas;
pub mod chrome_trace;
pub mod figures;
mod gallery;
pub mod html;
mod origin;
mod side;
mod sources;
mod study;
mod subject;
pub mod tables;
mod wording;

pub use canvas::axis_regions::Course;
pub use canvas::is_figure;
pub use canvas::style::{Style, Theme};
pub use gallery::{Drawing, Gallery, LeftOut};
pub(crate) use origin::provenance;
pub use origin::{Origin, edge_origin, origins, server_origin};
pub use sources::{Sources, is_of};
pub use study::Study;
pub use subject::{Subject, plan_name};

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
    /// The figure is of something else; the same words, but said only to those who asked for it.
    #[error("figure `{figure}` is left out: {why}")]
    DoesNotApply {
        /// Name of the figure.
        figure: &'static str,
        /// What it needs.
        why: String,
    },
    /// The figures of the best plan have none.
    #[error("figures of the best plan are left out: {0}")]
    NoPlan(String),
    /// The problem cannot be posed as a figure needs it.
    #[error(transparent)]
    Problem(#[from] cutpoint_planner::problem::ProblemError),
    /// What is to be written cannot be.
    #[error("it could not be written: {0}")]
    Writing(String),
    /// The drawing library failed.
    #[error("the figure could not be drawn: {0}")]
    Drawing(String),
}

pub(crate) fn nothing(figure: &'static str, why: impl Into<String>) -> ReportError {
    ReportError::Nothing {
        figure,
        why: why.into(),
    }
}
