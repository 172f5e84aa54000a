//! From problems to the one page that shows everything.

use std::path::{Path, PathBuf};

use cutpoint_core::plan::{DelayMap, Plan};
use cutpoint_core::profile::Profile;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::RateRange;
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{self, ModelProblem, Options, Outcome, SolveError};
use cutpoint_report::figures::network::{self, NetworkData};
use cutpoint_report::html::{ModelData, PageData, PageFigure, page};
use cutpoint_report::tables::Table;
use cutpoint_report::{Style, edge_origin, html, server_origin, tables};

use super::draw::{Figures, range, stem};
use super::planned::Study;

/// The models of a page, each with the start of its figures' file names.
#[derive(Debug, Default)]
pub(super) struct Page {
    models: Vec<(String, ModelData)>,
}

impl Page {
    /// Plans for a profile, at the link and around it.
    pub(super) fn add(
        &mut self,
        study: &Study<'_>,
        solved: &Outcome,
        rates: RateRange,
        style: &Style,
    ) {
        let Study {
            profile,
            server: machine,
            problem,
            ..
        } = *study;
        let edge = edge_origin(profile);
        let server = server_origin(machine);
        let map = map(problem, rates, &Options::default());
        let (plan, summary) = match solved {
            Outcome::Plan(plan) => {
                let map = map.as_ref().ok();
                let words = html::summary(problem, plan, map, &edge, &server);
                (Some(plan), words)
            }
            Outcome::NoPlan(none) => (None, html::no_plan(problem, none, &edge, &server)),
        };
        let plans = map.iter().flat_map(|map| &map.plans);
        let plans: Vec<&Plan> = plans.map(|plan| &plan.plan).collect();
        let drawn = network(problem, profile, machine, (&plans, plan), style);
        let explorer = map.map_err(|error| error.to_string()).and_then(|map| {
            let drawn = drawn.as_ref().map(|(data, _)| data);
            html::explorer(problem, &map, drawn).map_err(|error| error.to_string())
        });
        let model = ModelData {
            model: profile.model.file.clone(),
            edge,
            server,
            summary,
            plan: plan.map(|plan| html::shown(problem, plan)),
            network: drawn.map(|(_, svg)| svg),
            explorer,
            figures: Vec::new(),
            tables: tables::profile_tables(problem, profile, machine, None),
        };
        let stem = stem(&profile.board.name, &profile.model.file);
        self.models.push((stem, model));
    }

    /// The page with all figures that were drawn, and where it is to be written.
    pub(super) fn finish(
        self,
        asked: &Path,
        folder: &Path,
        figures: &Figures<'_>,
        tables: &[Table],
    ) -> Result<(PathBuf, String), cutpoint_report::ReportError> {
        let (stems, mut models): (Vec<String>, Vec<ModelData>) = self.models.into_iter().unzip();
        let mut rest = Vec::new();
        for drawn in &figures.drawn {
            let of = stems.iter().position(|stem| *stem == drawn.stem);
            // the model's part has it already, for all plans
            if drawn.name == "network" && of.is_some_and(|of| models[of].network.is_some()) {
                continue;
            }
            let figure = PageFigure {
                name: drawn.name.to_owned(),
                svg: drawn.svg.clone(),
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
        let left_out = figures.left_out.iter();
        let data = PageData {
            title: format!("{title}: where to cut"),
            models,
            figures: rest,
            // those of the models are on their parts already
            tables: if stems.is_empty() {
                tables.to_vec()
            } else {
                Vec::new()
            },
            left_out: left_out
                .map(|(input, why)| format!("{input}: {why}"))
                .collect(),
        };
        let first = figures.drawn.first().map(|drawn| &drawn.stem);
        let stem = stems.first().or(first).map_or("report", String::as_str);
        let file = if asked.as_os_str().is_empty() {
            folder.join(format!("{stem}.html"))
        } else {
            asked.to_owned()
        };
        Ok((file, page(&data, &figures.style)?))
    }
}

/// The network's graph, folded for all plans of the page, with the cut of `own` or, where there is
/// none, of the first of the others. The plan's numbers stand around it on the page.
fn network(
    problem: &Problem,
    profile: &Profile,
    machine: &Server,
    (plans, own): (&[&Plan], Option<&Plan>),
    style: &Style,
) -> Option<(NetworkData, String)> {
    let shown = own.or(plans.first().copied());
    let mut data = network::gather(problem, profile, machine, plans, shown).ok()?;
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
    let svg = network::figure(&data, &style).ok()?;
    Some((data, svg))
}

/// The best plans around the link: at its own rate, too, and at its own delay.
fn map(problem: &Problem, rates: RateRange, options: &Options) -> Result<DelayMap, SolveError> {
    let alone = ModelProblem {
        name: "",
        problem,
        barred: None,
    };
    let (own, wide) = (problem.link().rate, range(rates));
    let rates = RateRange {
        from: wide.from.min(own),
        to: wide.to.max(own),
    };
    let delays = html::delays_around(problem.link().delay);
    solve::map(&[alone], rates, &delays, options).map(|(map, _)| map)
}
