//! Which limits matter: those that bind the best plan, and those that rule out every plan; and why
//! the best plan is the best.

mod breakpoints;
mod limits;
mod relaxation;
mod search;
mod slack;
mod why_not;

use std::time::Duration;

use crate::constraints::Constraints;
use crate::engines::milp::program::{Form, Goal, NoAnswer};
use crate::engines::milp::within_limits;
use crate::engines::{Solution, solve_at};
use crate::plan_writer::PlanWriter;
use crate::presolve;
use crate::problem::varied::with_objective;
use crate::problem::{Knapsack, Limit, ObjectiveFunction, Problem};
use crate::solve::ModelProblem;
use crate::solve::{EngineChoice, Options, SolveError};
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_core::plan::{Condition, Explanation, FORMAT, NoPlan, Plan};

use search::{Incumbent, Open, Solver, objective_of};

/// Longest time for the search for a joint relaxation.
const RELAXING: Duration = Duration::from_secs(5);

/// A cut that somebody asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCut {
    /// The tensors named.
    pub tensors: Vec<TensorId>,
    /// The layers on the edge; see [`cutpoint_core::graph::Graph::edge_of_cut`].
    pub edge: LayerSet,
}

/// A plan and what may be asked about it.
#[derive(Debug)]
struct Question<'a> {
    models: &'a [ModelProblem<'a>],
    /// Position of the plan's problem among the models.
    winner: usize,
    problem: &'a Problem,
    plan: Incumbent,
    /// What the plan is worth.
    value: i128,
    solver: Solver,
}

/// Why `plan`, which solves the problem of `models[winner]`, is the best, and what would change it.
/// Rates, delays and speeds are looked at with all models, all else within that problem. Questions
/// that are not answered within `time` are named as open.
///
/// # Errors
/// [`SolveError::Stopped`] when the plan is not one of that problem.
pub fn explain(
    models: &[ModelProblem<'_>],
    winner: usize,
    plan: &Plan,
    cut: Option<&NamedCut>,
    options: &Options,
    time: Duration,
) -> Result<Explanation, SolveError> {
    let foreign = || SolveError::Stopped("the plan is not one of this problem".to_owned());
    let problem = models.get(winner).ok_or_else(foreign)?.problem;
    let own = Incumbent::of(plan, problem).ok_or_else(foreign)?;
    let question = Question {
        value: objective_of(problem, &own.edge, &own.cost),
        plan: own,
        solver: Solver::new(options, time),
        models,
        winner,
        problem,
    };
    Ok(question.answers(plan, cut))
}

impl Question<'_> {
    fn answers(&self, plan: &Plan, cut: Option<&NamedCut>) -> Explanation {
        let mut open = Vec::new();
        // what was asked for comes first, in case that time is short
        let why_not = cut.and_then(|cut| kept(&mut open, "why-not", self.why_not(cut)));
        let limits = self.problem.limits().iter();
        let limits: Vec<_> = limits
            .filter_map(|limit| kept(&mut open, &limit.to_string(), self.limit(limit)))
            .collect();
        let together = if limits.iter().any(|limit| limit.binds) {
            None
        } else {
            kept(&mut open, "limits", self.together()).flatten()
        };
        let faster_link = kept(&mut open, "faster link", self.faster_link());
        let mut flips = Vec::new();
        for (of, name) in [
            (Condition::Rate, "rate"),
            (Condition::Delay, "delay"),
            (Condition::EdgeTime, "edge time"),
            (Condition::ServerTime, "server time"),
        ] {
            for up in [false, true] {
                flips.extend(kept(&mut open, name, self.breakpoint(of, up)));
            }
        }
        if self.problem.constraints.edge_memory_limit().is_none() {
            flips.extend(kept(&mut open, "edge memory", self.less_memory()).flatten());
        }
        let margins = kept(&mut open, "layer times", self.slacks());
        tracing::debug!(
            target: "cutpoint_planner::explain",
            "{} limits and {} conditions looked at, {} questions left open",
            limits.len(),
            flips.len(),
            open.len()
        );
        Explanation {
            format: FORMAT,
            kind: FileKind::Explanation,
            plan: plan.clone(),
            limits,
            together,
            faster_link: faster_link.unwrap_or_default(),
            flips,
            margins: margins.unwrap_or_default(),
            why_not,
            open,
        }
    }
}

/// The answer; a question without one is added to those that are open.
fn kept<T>(open: &mut Vec<String>, name: &str, answer: Result<T, Open>) -> Option<T> {
    let note = |reason: &Open| open.push(format!("{name}: {}", reason.why()));
    answer.inspect_err(note).ok()
}

/// Names of the limits without which a faster plan exists. Where only lifting several at once
/// helps, those that the plan without limits breaks.
pub(crate) fn binding(
    problem: &Problem,
    best: &Solution,
    options: &Options,
) -> Result<Vec<String>, SolveError> {
    let time_per_bit = problem.time_per_bit();
    let faster = |limits: Vec<Limit>| -> Result<Option<Solution>, SolveError> {
        let found = solve_at(&problem.with_limits(limits), time_per_bit, options)?;
        Ok(found.filter(|found| found.rank.objectives[0] < best.rank.objectives[0]))
    };
    if problem.limits().is_empty() {
        return Ok(Vec::new());
    }
    let Some(free) = faster(Vec::new())? else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for limit in problem.limits() {
        if faster(problem.constraints.without(limit))?.is_some() {
            names.push(limit.to_string());
        }
    }
    if names.is_empty() {
        let breaks = |limit: &&Limit| {
            let alone = problem.with_limits(vec![(*limit).clone()]);
            alone.check(&free.edge, &free.cost).is_err()
        };
        names = problem
            .limits()
            .iter()
            .filter(breaks)
            .map(ToString::to_string)
            .collect();
    }
    Ok(names)
}

/// A smallest set of limits, beside those in `fixed`, that contradict one another, found by leaving
/// out one after the other, as many at once as can be; `possible` says whether a problem has a
/// plan.
fn conflicting<E>(
    problem: &Problem,
    fixed: &[Limit],
    possible: &mut dyn FnMut(&Problem) -> Result<bool, E>,
) -> Result<Vec<Limit>, E> {
    let all = problem.limits();
    let (mut kept, in_doubt): (Vec<usize>, Vec<usize>) =
        (0..all.len()).partition(|index| fixed.contains(&all[*index]));
    let mut needed = Vec::new();
    // the next to be left out last
    let mut groups = vec![in_doubt];
    while let Some(group) = groups.pop() {
        let mut rest = [kept.clone(), groups.concat()].concat();
        rest.sort_unstable();
        let rest = rest.into_iter().map(|index| all[index].clone());
        if group.is_empty() || !possible(&problem.with_limits(rest.collect()))? {
            continue;
        }
        match group.as_slice() {
            [one] => {
                kept.push(*one);
                needed.push(all[*one].clone());
            }
            several => {
                let (first, second) = several.split_at(several.len() / 2);
                groups.extend([second.to_vec(), first.to_vec()]);
            }
        }
    }
    Ok(needed)
}

/// A smallest set of limits that contradict one another.
pub(crate) fn conflict(problem: &Problem, options: &Options) -> Result<Vec<Limit>, SolveError> {
    conflicting(problem, &[], &mut |problem| {
        Ok(solve_at(problem, problem.time_per_bit(), options)?.is_some())
    })
}

/// A smallest set of limits that contradict one another, how far each would have to give, and the
/// cheapest way for all to give.
pub(crate) fn no_plan(problem: &Problem, options: &Options) -> Result<NoPlan, SolveError> {
    let limits = conflict(problem, options)?;
    let solver = Solver::new(options, RELAXING);
    let needs = |limit: Limit| {
        let others = problem.constraints.without(&limit);
        let least = least(problem, &limit, others, &solver);
        (limit, least)
    };
    let limits: Vec<(Limit, Option<i64>)> = limits.into_iter().map(needs).collect();
    let described = limits.iter().map(|(limit, needed)| {
        let mut conflict = PlanWriter::new(problem).conflict(limit, *needed);
        if needed.is_none() {
            let possible = least(problem, limit, Vec::new(), &solver);
            conflict.possible = possible.map(|amount| limit.amount(amount));
        }
        conflict
    });
    let conflict: Vec<_> = described.collect();
    let proof = match conflict.as_slice() {
        // nothing that can be lifted: results wanted where tensors may not go
        [] => "results are wanted on the server, but a tensor on the way may not cross".to_owned(),
        [one] => format!("no plan meets {}", one.limit),
        several => {
            let names: Vec<_> = several.iter().map(|c| c.limit.to_string()).collect();
            format!("no plan meets {} together", names.join(", "))
        }
    };
    let mut none = PlanWriter::new(problem).no_plan(proof, conflict);
    match relaxation::cheapest(problem, &limits, &solver) {
        Ok(relaxation) => none.relaxation = relaxation,
        Err(open) => {
            let why = open.why();
            none.proof += &format!("; the cheapest way to relax them was not found: {why}");
        }
    }
    Ok(none)
}

/// The least that a limit with an amount would have to allow, with these others kept.
fn least(problem: &Problem, limit: &Limit, others: Vec<Limit>, solver: &Solver) -> Option<i64> {
    let relaxed = problem.with_limits(others);
    let search = Search {
        relaxed: &relaxed,
        limit,
        options: solver.options(),
    };
    let found = match limit {
        Limit::Drop { .. } | Limit::Capacity { .. } => {
            let mut knapsacks = problem.constraints.knapsacks.iter();
            search.least_of_knapsack(knapsacks.find(|b| b.limit == *limit)?)
        }
        _ if limit.allows().is_some() => search.least_use(),
        _ => None,
    };
    let as_a_whole = problem
        .constraints
        .measured_together(&problem.model)
        .into_iter();
    let as_a_whole = as_a_whole.filter_map(|(edge, codecs)| {
        let cost = relaxed.evaluate(&edge, &codecs).ok()?;
        problem.used(limit, &edge, &cost)
    });
    found.into_iter().chain(as_a_whole).min()
}

/// The search for the least use of what one limit limits.
struct Search<'a> {
    /// The problem without the limit.
    relaxed: &'a Problem,
    limit: &'a Limit,
    options: &'a Options,
}

impl Search<'_> {
    /// The least that any plan uses: its optimum when that is the objective.
    fn least_use(&self) -> Option<i64> {
        let least_use = with_objective(
            self.relaxed,
            ObjectiveFunction::LimitUse(self.limit.clone()),
        );
        // memory is no sum that a program could minimise
        let options = Options {
            engine: EngineChoice::Auto,
            ..*self.options
        };
        match (
            solve_at(&least_use, least_use.time_per_bit(), &options),
            self.limit,
        ) {
            (Ok(Some(best)), _) if best.is_proven() => {
                self.relaxed.used(self.limit, &best.edge, &best.cost)
            }
            (Ok(None), _) => None,
            (_, Limit::EdgeMemory(_)) => self.answer(self.relaxed, Goal::EdgeMemory),
            _ => None,
        }
    }

    /// The least sum of a knapsack. A plan may use more than its sum, when parts of it that were
    /// measured together do: they are then ruled out, until the least sum is what is used.
    fn least_of_knapsack(&self, knapsack: &Knapsack) -> Option<i64> {
        let mut least: Option<i64> = None;
        let mut parts = Vec::new();
        loop {
            let loosened = &[knapsack.loosened()];
            let loose = self.relaxed.constraints.with_knapsacks(loosened);
            let index = loose.knapsacks.len() - 1;
            let loose = self.relaxed.with_constraints(loose.with_knapsacks(&parts));
            let used = self.answer(&loose, Goal::Least(index));
            let Some(used) = used else {
                return least;
            };
            let better = least.is_none_or(|least| used < least);
            least = if better { Some(used) } else { least };
            let fewer = Constraints::parts_worse_than(&self.relaxed.model, self.limit, used - 1);
            if !better || fewer.len() <= parts.len() {
                return least;
            }
            parts = fewer;
        }
    }

    /// What the plan uses that is best in view of a goal.
    fn answer(&self, problem: &Problem, goal: Goal) -> Option<i64> {
        let tasks = 0..problem.tasks().len();
        let done: Vec<_> = tasks.map(|task| problem.model.done(task, false)).collect();
        let nothing = LayerSet::empty(problem.graph().layers().len());
        let reduced = presolve::reduce(problem, problem.time_per_bit()).ok()?;
        let reduced = reduced.keeping(&nothing, &done).ok()?;
        let form = Form {
            goal,
            limits: true,
            ..Form::new(done, self.options.time_limit)
        };
        let answered: Result<_, NoAnswer> = within_limits(&reduced, form);
        let (answer, cost) = answered.ok()?;
        self.relaxed.used(self.limit, &answer.edge, &cost)
    }
}
