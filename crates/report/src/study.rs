//! What the figures of a profile need: its problem, and what has to be solved for them.

use std::cell::{Cell, OnceCell};

use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::graph::TensorId;
use cutpoint_core::plan::{DelayMap, Plan};
use cutpoint_core::profile::Profile;
use cutpoint_core::units::BitRate;
use cutpoint_planner::planning::Outcome;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::{RateRange, Scenario};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{ModelProblem, Options, SolveError};
use cutpoint_planner::{parametric, planning};

use crate::{Origin, ReportError, edge_origin, server_origin};

/// What figures over the rate show unless a range is asked for.
const RATES_BIT_S: [u64; 2] = [100_000, 10_000_000_000];

/// A profile between its board and a server, planned for when a figure first asks.
#[derive(Debug)]
pub struct Study<'a> {
    /// The profile of the edge.
    pub profile: &'a Profile,
    /// The other machine.
    pub server: Server,
    /// What is planned for.
    pub scenario: Scenario,
    /// The problem of the profile, the server and the scenario.
    pub problem: Problem,
    /// What codecs cost in accuracy, where that was measured.
    pub accuracy: Option<CodecAccuracy>,
    /// A plan made before, which figures show instead of the best one.
    pub made: Option<&'a Plan>,
    /// Name of that plan's file, without its folder and ending.
    pub made_in: Option<String>,
    /// The rates asked for: one, or the range that figures over the rate show.
    pub rates: RateRange,
    /// Whether a sweep of this profile over the rate was made before, and has its figure.
    pub has_sweep: bool,
    /// Whether a map of this profile was made before, and has its figure.
    pub has_map: bool,
    best: OnceCell<Result<Outcome, SolveError>>,
    solves: Cell<usize>,
}

impl<'a> Study<'a> {
    /// Returns the study of a problem; `profile`, `server` and `scenario` are those of the problem.
    pub fn new(
        profile: &'a Profile,
        server: Server,
        scenario: Scenario,
        problem: Problem,
    ) -> Study<'a> {
        let rate = problem.link().rate;
        Study {
            profile,
            server,
            scenario,
            problem,
            accuracy: None,
            made: None,
            made_in: None,
            rates: RateRange {
                from: rate,
                to: rate,
            },
            has_sweep: false,
            has_map: false,
            best: OnceCell::new(),
            solves: Cell::new(0),
        }
    }

    /// Returns the start of the file names of its figures: board, model, and the plan where they
    /// are about one.
    pub fn stem(&self) -> String {
        let profile = self.profile_stem();
        let of_plan = self.made_in.as_ref().map(|plan| stem(&profile, plan));
        of_plan.unwrap_or(profile)
    }

    /// Returns the start of the file names of figures that are about the profile with any plan.
    pub(crate) fn profile_stem(&self) -> String {
        stem(&self.profile.board.name, &self.profile.model.file)
    }

    /// Returns where the times come from: edge, then server.
    pub fn origins(&self) -> [Origin; 2] {
        [edge_origin(self.profile), server_origin(&self.server)]
    }

    /// Returns how often a solver was started so far.
    pub fn solves(&self) -> usize {
        self.solves.get()
    }

    /// Starts a solver, and counts that.
    pub(crate) fn solve<T>(&self, solver: impl FnOnce(&Problem, &Options) -> T) -> T {
        self.solves.set(self.solves.get() + 1);
        solver(&self.problem, &Options::default())
    }

    /// Returns the best plan, or why there is none; solves at the first call.
    ///
    /// # Errors
    /// The [`SolveError`] of a solver that gave up.
    pub fn best(&self) -> Result<&Outcome, &SolveError> {
        self.best
            .get_or_init(|| self.solve(planning::best_plan))
            .as_ref()
    }

    /// Returns the plan that figures show: the one made before or else the best, if there is one.
    pub fn plan(&self) -> Option<&Plan> {
        self.made.or_else(|| match self.best() {
            Ok(Outcome::Plan(best)) => Some(best),
            Ok(Outcome::NoPlan(_)) | Err(_) => None,
        })
    }

    /// Returns the rates that figures over the rate show: those asked for, or a wide range.
    pub fn rate_range(&self) -> RateRange {
        let [from, to] = RATES_BIT_S.map(BitRate::from_bit_s);
        match (self.rates.single(), from, to) {
            (Some(_), Some(from), Some(to)) => RateRange { from, to },
            _ => self.rates,
        }
    }

    /// Returns the best plans at these rates and delays.
    ///
    /// # Errors
    /// The [`SolveError`] of a solver that gave up, or that no plan meets the limits anywhere.
    pub(crate) fn map(
        &self,
        name: &str,
        rates: RateRange,
        delays_ns: &[u64],
    ) -> Result<DelayMap, SolveError> {
        self.solve(|problem, options| {
            let alone = ModelProblem {
                name,
                problem,
                barred: None,
            };
            parametric::map(&[alone], rates, delays_ns, options).map(|(map, _)| map)
        })
    }
}

/// Returns the start of file names: board and model, in characters that every file system takes.
pub(crate) fn stem(board: &str, model: &str) -> String {
    let model = model.strip_suffix(".onnx").unwrap_or(model);
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
            c
        } else {
            '_'
        }
    };
    let name: String = format!("{board}-{model}")
        .chars()
        .map(plain)
        .take(120)
        .collect();
    // no hidden files
    name.trim_start_matches('.').to_owned()
}

/// Returns the model inputs that the server has, too.
pub(crate) fn local_inputs(problem: &Problem) -> Vec<TensorId> {
    let inputs = problem.graph().inputs().iter().copied();
    inputs
        .filter(|input| problem.model().is_local(*input))
        .collect()
}

/// Says what drops in accuracy were measured on.
pub(crate) fn accuracy_source(accuracy: &CodecAccuracy) -> String {
    let data = &accuracy.data;
    let labels = if data.labelled {
        ""
    } else {
        ", without labels: against the whole model's own answers"
    };
    match data.samples {
        0 => format!("as stated by hand ({})", data.source),
        samples => format!(
            "measured on up to {samples} samples of {}{labels}",
            data.source
        ),
    }
}

/// Why figures of accuracy are left out.
pub(crate) const NO_ACCURACY: &str =
    "there is no accuracy file beside the profile; `cutpoint accuracy` measures one";

/// Says why a study has no best plan.
pub(crate) fn no_plan(study: &Study<'_>) -> ReportError {
    let why = match study.best() {
        Ok(_) => "no plan meets the limits".to_owned(),
        Err(error) => error.to_string(),
    };
    ReportError::NoPlan(why)
}
