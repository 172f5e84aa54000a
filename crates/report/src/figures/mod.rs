//! The figures: a file or a folder for each, and the list of all.
//!
//! A figure is data that knows how it is gathered from a [`Subject`] and how it is drawn. To add
//! one, write a file with a type that implements [`Figure`], and name it in [`FIGURES`].

pub mod boards;
pub mod codecs;
pub mod compare;
pub mod cumulative;
pub mod cuts;
pub mod halves;
pub mod layers;
pub mod limit_sweep;
pub mod map;
pub mod network;
pub mod pareto;
pub mod rate;
pub mod roofline;
pub mod timeline;
pub mod tradeoff;
pub mod verification;

use crate::{ReportError, Style, Subject};

/// Every figure, in the order in which those of a profile are drawn.
pub const FIGURES: [FigureKind; 19] = [
    FigureKind::of::<layers::LayersData>(),
    FigureKind::of::<cuts::CutsData>(),
    FigureKind::of::<rate::RateData>(),
    FigureKind::of::<halves::HalvesData>(),
    FigureKind::of::<network::NetworkData>(),
    FigureKind::of::<cumulative::CumulativeData>(),
    FigureKind::of::<roofline::RooflineData>(),
    FigureKind::of::<tradeoff::TradeoffData>(),
    FigureKind::of::<codecs::CodecsData>(),
    FigureKind::of::<timeline::TimelineData>(),
    FigureKind::of::<pareto::OfEnergy>(),
    FigureKind::of::<pareto::OfEdgeMemory>(),
    FigureKind::of::<pareto::OfUplink>(),
    FigureKind::of::<map::MapData>(),
    FigureKind::of::<limit_sweep::LimitSweepData>(),
    FigureKind::of::<verification::PartsData>(),
    FigureKind::of::<verification::AllCutsData>(),
    FigureKind::of::<boards::BoardsData>(),
    FigureKind::of::<compare::CompareData>(),
];

/// The data of a figure, with how it is gathered and how it is drawn.
pub trait Figure: Sized {
    /// Its name: to choose it by, and at the end of its file's name.
    const NAME: &'static str;
    /// What it shows, in a line without a full stop.
    const ABOUT: &'static str;
    /// What it is made from, in a few words.
    const NEEDS: &'static str;

    /// Gathers the data, once for each figure of this kind; nothing for a subject of another kind.
    ///
    /// # Errors
    /// [`ReportError`] for what is missing or cannot be solved.
    fn gather(subject: &Subject<'_>) -> Result<Vec<Self>, ReportError>;

    /// Draws the figure.
    ///
    /// # Errors
    /// [`ReportError::Nothing`] when there is nothing to show.
    fn draw(&self, style: &Style) -> Result<String, ReportError>;
}

/// The figures of one kind that a subject has, each drawn or with the reason why not.
type Drawn = Vec<Result<String, ReportError>>;

/// An entry of the list of figures.
#[derive(Debug, Clone, Copy)]
pub struct FigureKind {
    /// [`Figure::NAME`].
    pub name: &'static str,
    /// [`Figure::ABOUT`].
    pub about: &'static str,
    /// [`Figure::NEEDS`].
    pub needs: &'static str,
    draw: fn(&Subject<'_>, &Style) -> Result<Drawn, ReportError>,
}

impl FigureKind {
    const fn of<F: Figure>() -> FigureKind {
        FigureKind {
            name: F::NAME,
            about: F::ABOUT,
            needs: F::NEEDS,
            draw: draw::<F>,
        }
    }

    /// Gathers and draws the figures of this kind that a subject has.
    ///
    /// # Errors
    /// Those of [`Figure::gather`].
    pub fn draw(&self, subject: &Subject<'_>, style: &Style) -> Result<Drawn, ReportError> {
        (self.draw)(subject, style)
    }

    /// Whether it goes by a name, which is its own or the first part that several share.
    pub fn is_called(&self, name: &str) -> bool {
        let rest = self.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

/// Returns what figures are chosen by, with a line about each: their names, and the first part of
/// names that several share.
pub fn choices() -> Vec<(&'static str, String)> {
    let mut choices: Vec<(&'static str, String)> = Vec::new();
    for figure in &FIGURES {
        let group = figure.name.split_once('-').map(|(group, _)| group);
        if let Some(group) = group.filter(|group| choices.iter().all(|(name, _)| name != group)) {
            let all = FIGURES.iter().filter(|figure| figure.is_called(group));
            let names: Vec<&str> = all.map(|figure| figure.name).collect();
            choices.push((group, format!("all of {}", names.join(", "))));
        }
        choices.push((figure.name, figure.about.to_owned()));
    }
    choices
}

fn draw<F: Figure>(subject: &Subject<'_>, style: &Style) -> Result<Drawn, ReportError> {
    let figures = F::gather(subject)?;
    Ok(figures.iter().map(|figure| figure.draw(style)).collect())
}
