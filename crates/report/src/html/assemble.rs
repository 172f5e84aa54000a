//! From studies and drawn figures to the page.

use cutpoint_core::plan::{DelayMap, Plan};
use cutpoint_planner::planning::Outcome;
use cutpoint_planner::scenario::RateRange;
use cutpoint_planner::solve::SolveError;

use super::{
    ModelData, PageData, PageFigure, delays_around, explorer, no_plan, page, shown, summary,
};
use crate::figures::Figure;
use crate::figures::network::{self, NetworkData};
use crate::tables::{Table, profile_tables};
use crate::{Gallery, ReportError, Study, Style};

/// The models of a page, each with the starts of its figures' file names.
#[derive(Debug, Default)]
pub struct Page {
    models: Vec<(Stems, ModelData)>,
}

/// How the file names of figures begin: those about a plan, and those about its profile.
#[derive(Debug)]
struct Stems {
    own: String,
    profile: String,
}

impl Page {
    /// Plans for a profile, at the link and around it.
    ///
    /// # Errors
    /// The [`SolveError`] of a solver that gave up at the link.
    pub fn add(&mut self, study: &Study<'_>, style: &Style) -> Result<(), SolveError> {
        let solved = study.best().map_err(SolveError::clone)?;
        let problem = &study.problem;
        let [edge, server] = study.origins();
        let map = map(study);
        let (plan, summary) = match solved {
            Outcome::Plan(plan) => {
                let map = map.as_ref().ok();
                (Some(plan), summary(problem, plan, map, &edge, &server))
            }
            Outcome::NoPlan(none) => (None, no_plan(problem, none, &edge, &server)),
        };
        let plans = map.iter().flat_map(|map| &map.plans);
        let plans: Vec<&Plan> = plans.map(|plan| &plan.plan).collect();
        let drawn = network(study, &plans, plan, style);
        let explorer = map.map_err(|error| error.to_string()).and_then(|map| {
            let drawn = drawn.as_ref().map(|(data, _)| data);
            explorer(problem, &map, drawn).map_err(|error| error.to_string())
        });
        let model = ModelData {
            model: study.profile.model.file.clone(),
            plan_name: study.made_in.clone(),
            edge,
            server,
            summary,
            plan: plan.map(|plan| shown(problem, plan)),
            network: drawn.map(|(_, svg)| svg),
            explorer,
            figures: Vec::new(),
            tables: profile_tables(problem, study.profile, &study.server, None),
        };
        let stems = Stems {
            own: study.stem(),
            profile: study.profile_stem(),
        };
        self.models.push((stems, model));
        Ok(())
    }

    /// Returns the start of the page's file name: of its first model, or of the first figure.
    pub fn stem<'a>(&'a self, gallery: &'a Gallery) -> &'a str {
        let own = self.models.first().map(|(stems, _)| stems.own.as_str());
        let first = gallery.drawings().first();
        own.or(first.map(|drawing| drawing.stem.as_str()))
            .unwrap_or("report")
    }

    /// Writes the page with all figures that were drawn. Tables of models are on their parts
    /// already; `tables` are those of a page without models.
    ///
    /// # Errors
    /// Those of [`page`].
    pub fn finish(self, gallery: &Gallery, tables: &[Table]) -> Result<String, ReportError> {
        let (stems, mut models): (Vec<Stems>, Vec<ModelData>) = self.models.into_iter().unzip();
        for (index, model) in models.iter_mut().enumerate() {
            let mut others = stems.iter().enumerate();
            // a plan's name says nothing where there is no other
            if !others.any(|(at, other)| at != index && other.profile == stems[index].profile) {
                model.plan_name = None;
            }
        }
        let mut rest = Vec::new();
        for drawing in gallery.drawings() {
            let is_of = |stem: &String| *stem == drawing.stem;
            let own = stems.iter().position(|stems| is_of(&stems.own));
            let of = own.or_else(|| stems.iter().position(|stems| is_of(&stems.profile)));
            // the model's part has it already, for all plans
            if drawing.name == NetworkData::NAME
                && of.is_some_and(|of| models[of].network.is_some())
            {
                continue;
            }
            let figure = PageFigure {
                name: drawing.name.to_owned(),
                svg: drawing.svg.clone(),
            };
            match of {
                Some(of) => models[of].figures.push(figure),
                None => rest.push(figure),
            }
        }
        let title = match models.as_slice() {
            [one] => format!("{} on {}", one.model, one.edge.label()),
            [] => "Report".to_owned(),
            several => format!("{} models", several.len()),
        };
        let left_out = gallery.left_out().iter();
        let data = PageData {
            title: format!("{title}: where to cut"),
            models,
            figures: rest,
            tables: if stems.is_empty() {
                tables.to_vec()
            } else {
                Vec::new()
            },
            left_out: left_out
                .map(|left| format!("{}: {}", left.input, left.why))
                .collect(),
        };
        page(&data, gallery.style())
    }
}

/// The network's graph, folded for all plans of the page, with the cut of `own` or, where there is
/// none, of the first of the others. The plan's numbers stand around it on the page.
fn network(
    study: &Study<'_>,
    plans: &[&Plan],
    own: Option<&Plan>,
    style: &Style,
) -> Option<(NetworkData, String)> {
    let shown = own.or(plans.first().copied());
    let (problem, profile) = (&study.problem, study.profile);
    let mut data = network::gather(problem, profile, &study.server, plans, shown).ok()?;
    if let Some(view) = &mut data.view {
        view.words.clear();
    }
    // no more paper than a small network needs
    let blocks = u32::try_from(data.network.blocks.len()).unwrap_or(u32::MAX);
    let style = Style {
        height: style
            .height
            .min(blocks.saturating_mul(14).saturating_add(240)),
        ..*style
    };
    let svg = data.draw(&style).ok()?;
    Some((data, svg))
}

/// The best plans around the link: at its own rate, too, and at its own delay.
fn map(study: &Study<'_>) -> Result<DelayMap, SolveError> {
    let link = study.problem.link();
    let wide = study.rate_range();
    let rates = RateRange {
        from: wide.from.min(link.rate),
        to: wide.to.max(link.rate),
    };
    study.map("", rates, &delays_around(link.delay))
}
