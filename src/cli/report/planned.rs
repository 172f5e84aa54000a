//! Figures of the best plans: timeline, map, trade-offs, and the comparison of profiles.

use std::path::Path;

use cutpoint_core::plan::{DelayMap, OverSweep, Plan};
use cutpoint_core::profile::Profile;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::RateRange;
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{self, ModelProblem, Options, Outcome, SolveError};
use cutpoint_report::figures::boards::BoardBars;
use cutpoint_report::figures::pareto::Price;
use cutpoint_report::figures::{boards, limit_sweep, map, pareto, timeline};
use cutpoint_report::{Origin, edge_origin, origins, server_origin};

use super::draw::{Figures, range, stem};
use super::inputs::Inputs;

/// Delays of a map in nanoseconds, 100 µs to 200 ms, by a common factor.
const DELAYS_NS: [u64; 2] = [100_000, 200_000_000];
/// How many.
const ROWS: u32 = 19;

/// A profile between its board and a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Study<'a> {
    pub(super) path: &'a Path,
    pub(super) profile: &'a Profile,
    pub(super) server: &'a Server,
    pub(super) problem: &'a Problem,
}

impl Study<'_> {
    fn stem(&self) -> String {
        stem(&self.profile.board.name, &self.profile.model.file)
    }

    fn origins(&self) -> [Origin; 2] {
        [edge_origin(self.profile), server_origin(self.server)]
    }
}

impl Figures<'_> {
    /// The figures that start from the best plan, and its bars for the comparison of profiles. `made`
    /// is a plan that was made before, shown instead of the best one.
    pub(super) fn planned(
        &mut self,
        study: &Study<'_>,
        made: Option<&Plan>,
        solved: &Result<Outcome, SolveError>,
        rates: RateRange,
    ) -> Option<BoardBars> {
        let mut bars = None;
        match solved {
            Ok(Outcome::Plan(best)) => {
                let plan = made.unwrap_or(best);
                self.timeline(study, plan);
                self.paretos(study, plan);
                bars = Some(self.bars(study, Some(best)));
            }
            Ok(Outcome::NoPlan(_)) => {
                if let Some(plan) = made {
                    self.timeline(study, plan);
                } else {
                    let why = "figures of the best plan are left out: no plan meets the limits";
                    self.leave_out(study.path, why.to_owned());
                }
                bars = Some(self.bars(study, None));
            }
            Err(error) => {
                let why = format!("figures of the best plan are left out: {error}");
                self.leave_out(study.path, why);
            }
        }
        if self.wants("map") && !self.has(&study.stem(), "map") {
            self.solved_map(study, rates);
        }
        bars
    }

    fn bars(&self, study: &Study<'_>, plan: Option<&Plan>) -> BoardBars {
        boards::board_bars(study.problem, study.profile, study.server, plan)
    }

    fn timeline(&mut self, study: &Study<'_>, plan: &Plan) {
        let [edge, server] = study.origins();
        let data = timeline::gather(plan, Some(study.problem), edge, server);
        let svg = timeline::figure(&data, &self.style);
        self.keep(study.path, &study.stem(), "timeline", svg);
    }

    /// The timeline of a plan whose profile is not at hand.
    pub(super) fn plan_alone(&mut self, path: &Path, plan: &Plan) {
        let [edge, server] = origins(&plan.setting);
        let data = timeline::gather(plan, None, edge, server);
        let svg = timeline::figure(&data, &self.style);
        self.keep(
            path,
            &stem(&plan.setting.edge, &plan.model.file),
            "timeline",
            svg,
        );
    }

    fn paretos(&mut self, study: &Study<'_>, plan: &Plan) {
        for price in [Price::Energy, Price::EdgeMemory, Price::Uplink] {
            if !self.wants(price.figure()) {
                continue;
            }
            if price == Price::Energy && study.profile.power.is_none() {
                let why = format!(
                    "figure `{}` is left out: the profile does not say what power the board draws; \
                     add [power] with compute_w, transmit_w and idle_w to it",
                    price.figure()
                );
                self.leave_out(study.path, why);
                continue;
            }
            let front = solve::pareto_front(study.problem, &price.limit(), &Options::default());
            match front {
                Ok(front) => {
                    let front = pareto::FrontPlans {
                        placements: front.placements(),
                        is_cut_short: front.is_cut_short,
                        is_proven: front.is_proven,
                    };
                    let (problem, profile) = (study.problem, study.profile);
                    let data = pareto::gather(price, problem, &front, plan, profile, study.server);
                    let svg = pareto::figure(&data, &self.style);
                    self.keep(study.path, &study.stem(), price.figure(), svg);
                }
                Err(error) => {
                    let why = format!("figure `{}` is left out: {error}", price.figure());
                    self.leave_out(study.path, why);
                }
            }
        }
    }

    fn solved_map(&mut self, study: &Study<'_>, rates: RateRange) {
        let rival = ModelProblem {
            name: &study.profile.model.file,
            problem: study.problem,
            barred: None,
        };
        let [first, last] = DELAYS_NS.map(|ns| ns as f64);
        let delay = |row: u32| {
            let share = f64::from(row) / f64::from(ROWS - 1);
            (first * (last / first).powf(share)).round() as u64
        };
        let delays: Vec<u64> = (0..ROWS).map(delay).collect();
        match solve::map(&[rival], range(rates), &delays, &Options::default()) {
            Ok((found, _)) => {
                let [edge, server] = study.origins();
                let data = map::gather(&found, edge, server);
                let svg = data.and_then(|data| map::figure(&data, &self.style));
                self.keep(study.path, &study.stem(), "map", svg);
            }
            Err(error) => {
                self.leave_out(study.path, format!("figure `map` is left out: {error}"));
            }
        }
    }

    /// The figure of a sweep over something else than the rate.
    pub(super) fn over(&mut self, path: &Path, sweep: &OverSweep, inputs: &Inputs) {
        let Some(plan) = sweep.segments.first().map(|segment| &segment.plan) else {
            return self.leave_out(path, "the sweep found no plan".to_owned());
        };
        let [edge, server] = Self::known_origins(plan, inputs);
        let data = limit_sweep::gather(sweep, edge, server);
        let svg = data.and_then(|data| limit_sweep::figure(&data, &self.style));
        let parameter = sweep.over.replace(':', "-");
        let stem = stem(&plan.setting.edge, &plan.model.file);
        self.keep(path, &super::draw::stem(&stem, &parameter), "over", svg);
    }

    /// Where the times of a plan come from; its profile, where it is named, tells more.
    fn known_origins(plan: &Plan, inputs: &Inputs) -> [Origin; 2] {
        let [edge, server] = origins(&plan.setting);
        let profile = inputs.profile_for(plan);
        [profile.map_or(edge, edge_origin), server]
    }

    /// The figure of a map that was made before.
    pub(super) fn map(&mut self, path: &Path, found: &DelayMap, inputs: &Inputs) {
        let Some(plan) = found.plans.first().map(|first| &first.plan) else {
            return self.leave_out(path, "the map has no plan".to_owned());
        };
        let [edge, server] = Self::known_origins(plan, inputs);
        let data = map::gather(found, edge, server);
        let svg = data.and_then(|data| map::figure(&data, &self.style));
        self.keep(
            path,
            &stem(&plan.setting.edge, &plan.model.file),
            "map",
            svg,
        );
    }

    /// The comparison of several profiles; `problems` has the link of each.
    pub(super) fn boards(&mut self, profiles: Vec<(Problem, BoardBars)>, first: &Path) {
        let [(problem, _), _, ..] = profiles.as_slice() else {
            if self.look.is_named("boards") {
                let why = "figure `boards` is left out: it compares two profiles or more";
                self.leave_out(first, why.to_owned());
            }
            return;
        };
        let problem = problem.clone();
        if profiles
            .iter()
            .any(|(other, _)| other.link() != problem.link())
        {
            let why = "figure `boards` is left out: the plans named are for different links; name \
                       one with --link, or with --rate and --delay";
            return self.leave_out(first, why.to_owned());
        }
        let bars = profiles.into_iter().map(|(_, bars)| bars).collect();
        let data = boards::gather(&problem, bars);
        self.keep(
            first,
            "profiles",
            "boards",
            boards::figure(&data, &self.style),
        );
    }
}
