//! From a [`Problem`] to a [`Plan`]: by looking at every placement where they are few, and by linear
//! programs. Numbers come from [`Problem::evaluate`] alone.

pub(crate) mod selection;

use std::time::{Duration, Instant};

use crate::problem::{Found, Problem};
use cutpoint_core::plan::{Alternative, NoPlan, Plan, Status, TaskPlan};

use crate::{engines, explain};

pub use crate::engines::nearest::{Near, Nearest, nearest};
pub use crate::explain::{NamedCut, explain};
pub use crate::parametric::{
    ParetoFront, ParetoPoint, Stretch, by_bisection, map, over_file, pareto_front, stability,
    sweep, sweep_limit, sweep_models, tradeoff,
};
pub use selection::{Chosen, ModelProblem, choose};

/// What solves.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Every closed placement where there are few, else branch and bound, else the linear program.
    #[default]
    Auto,
    /// The linear program, and mixed-integer programs where limits or tasks need them.
    Linear,
    /// Every closed placement.
    Enumerate,
    /// Branch and bound: closed placements but those that bounds exclude.
    Branch,
    /// The linear program and every closed placement; the proof says whether they agree.
    Both,
}

impl Engine {
    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Auto => "auto",
            Engine::Linear => "linear",
            Engine::Enumerate => "enumerate",
            Engine::Branch => "branch",
            Engine::Both => "both",
        }
    }
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Engine {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = [
            Engine::Auto,
            Engine::Linear,
            Engine::Enumerate,
            Engine::Branch,
            Engine::Both,
        ]
        .into_iter();
        all.find(|engine| engine.name() == text).ok_or_else(|| {
            format!("`{text}` is no engine; there are auto, linear, enumerate, branch and both")
        })
    }
}

/// How much work solving may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Longest time for one linear program; a sweep and the search for what binds solve several.
    pub time_limit: Duration,
    /// Most closed placements to look at.
    pub most_placements: usize,
    /// What solves. Where the linear program stands alone, the first that it finds of equally good
    /// plans is taken.
    pub engine: Engine,
}

impl Default for Options {
    /// One minute, and 100,000 placements, which take some ten milliseconds.
    fn default() -> Self {
        Options {
            time_limit: Duration::from_secs(60),
            most_placements: 100_000,
            engine: Engine::Auto,
        }
    }
}

/// What solving ends with.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // one at a time
pub enum Outcome {
    /// A plan that meets the limits.
    Plan(Plan),
    /// There is none.
    NoPlan(NoPlan),
}

/// Why there is neither a plan nor a proof that there is none.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SolveError {
    /// The solver gave up before it found a plan.
    #[error("no plan found: {0}; allow more time, or relax a limit")]
    Stopped(String),
    /// A sweep over deadlines that decide about the order of work, too.
    #[error(
        "deadlines decide in which order heads run under --schedule overlap, so they cannot be \
         swept over: plan at single deadlines instead, or leave --schedule out"
    )]
    OrderVaries,
    /// A sweep over deadlines that are goals.
    #[error(
        "under lateness as an objective deadlines are goals, not limits, so they cannot be swept \
         over: choose another --objective, such as latency"
    )]
    Goals,
    /// A sweep over the deadlines of no task.
    #[error("no task is without a deadline of its own: name one, as in --over deadline:TASK=A..B")]
    NoTask,
    /// Limits that cannot be resolved at an amount.
    #[error(transparent)]
    Problem(std::sync::Arc<crate::problem::ProblemError>),
    /// No plan meets the limits at any rate.
    #[error("no plan meets the limits")]
    Infeasible(Box<NoPlan>),
}

/// The best plan at the rate of the problem's link.
///
/// # Errors
/// [`SolveError::Stopped`].
pub fn solve(problem: &Problem, options: &Options) -> Result<Outcome, SolveError> {
    let start = Instant::now();
    let elapsed = || Some(start.elapsed().as_secs_f64() * 1e3);
    let time_per_bit = problem.time_per_bit();
    match engines::optimum(problem, time_per_bit, options)? {
        Some(best) => {
            let mut plan = describe(problem, best, options)?;
            plan.solve_ms = elapsed();
            Ok(Outcome::Plan(plan))
        }
        None => {
            let mut none = explain::no_plan(problem, options)?;
            none.solve_ms = elapsed();
            Ok(Outcome::NoPlan(none))
        }
    }
}

pub(crate) fn describe(
    problem: &Problem,
    best: engines::Optimum,
    options: &Options,
) -> Result<Plan, SolveError> {
    let binding = if best.proven {
        explain::binding(problem, &best, options)?
    } else {
        Vec::new()
    };
    let proof = match problem.missed_as_a_whole() {
        0 => best.proof,
        1 => format!("{}; a plan measured as a whole missed a limit", best.proof),
        several => format!(
            "{}; {several} plans measured as a whole missed a limit",
            best.proof
        ),
    };
    let mut plan = problem.describe(Found {
        bound: best.bound,
        edge: best.edge,
        cost: best.cost,
        status: if best.proven {
            Status::Optimal
        } else {
            Status::Feasible
        },
        proof,
        binding,
    });
    plan.alternatives
        .extend(without_drop(problem, &plan, options)?);
    plan.alternatives
        .sort_by(|a, b| a.latency_ms.total_cmp(&b.latency_ms));
    Ok(plan)
}

/// What a plan that loses accuracy is worth: the best one that loses none.
fn without_drop(
    problem: &Problem,
    plan: &Plan,
    options: &Options,
) -> Result<Option<Alternative>, SolveError> {
    let loses = |task: &TaskPlan| task.accuracy_drop.is_some_and(|drop| drop > 0.0);
    if !plan.tasks.iter().any(loses) {
        return Ok(None);
    }
    let best = engines::optimum(
        &problem.with_drops_up_to(0),
        problem.time_per_bit(),
        options,
    )?;
    Ok(best.map(|best| Alternative {
        name: "no-drop".to_owned(),
        model: None,
        latency_ms: best.cost.latency_ms(problem.time_per_bit()),
        breaks: None,
    }))
}
