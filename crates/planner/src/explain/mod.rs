//! Which limits matter: those that bind the best plan, and those that rule out every plan; and why
//! the best plan is the best.

mod breakpoints;
mod least;
mod limits;
mod relaxation;
mod search;
mod slack;
mod why_not;

use std::time::Duration;

use crate::engines::{Solution, solve_at};
use crate::plan_writer::PlanWriter;
use crate::problem::{Limit, Problem};
use crate::solve::ModelProblem;
use crate::solve::{Options, SolveError};
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_core::plan::{Condition, Explanation, FORMAT, NoPlan, Plan};

use least::{least, possible};
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

/// Limits, and why they may not be all, or more than there have to be.
#[derive(Debug)]
pub(crate) struct Named<T> {
    pub(crate) limits: Vec<T>,
    /// Why not every question about them was answered.
    pub(crate) open: Option<String>,
}

/// Names of the limits without which a faster plan exists. Where only lifting several at once
/// helps, those that the plan without limits breaks.
pub(crate) fn binding(problem: &Problem, best: &Solution, options: &Options) -> Named<String> {
    let time_per_bit = problem.time_per_bit();
    let mut named = Named {
        limits: Vec::new(),
        open: None,
    };
    let mut faster = |limits: Vec<Limit>| {
        let found = solve_at(&problem.with_limits(limits), time_per_bit, options);
        let found = found.unwrap_or_else(|error| {
            named.open = Some(why(error));
            None
        });
        if let Some(other) = found.as_ref().filter(|found| !found.is_proven()) {
            named.open = Some(other.proof.clone());
        }
        found.filter(|found| found.rank.objectives[0] < best.rank.objectives[0])
    };
    if problem.limits().is_empty() {
        return named;
    }
    let Some(free) = faster(Vec::new()) else {
        return named;
    };
    let limits = problem.limits().iter();
    let binds = limits.filter(|limit| faster(problem.constraints.without(limit)).is_some());
    let names: Vec<String> = binds.map(ToString::to_string).collect();
    named.limits = names;
    if named.limits.is_empty() {
        let breaks = |limit: &&Limit| {
            let alone = problem.with_limits(vec![(*limit).clone()]);
            alone.check(&free.edge, &free.cost).is_err()
        };
        named.limits = problem
            .limits()
            .iter()
            .filter(breaks)
            .map(ToString::to_string)
            .collect();
    }
    named
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

/// Why a problem was not solved, in short.
fn why(error: SolveError) -> String {
    match error {
        SolveError::Stopped(why) => why,
        other => other.to_string(),
    }
}

/// A smallest set of limits that contradict one another; a larger one where the time did not suffice.
pub(crate) fn conflict(problem: &Problem, options: &Options) -> Named<Limit> {
    let mut open = None;
    let limits = conflicting(problem, &[], &mut |problem| {
        // what is not known to be impossible may not be left out
        if options.deadline.is_over() {
            open = Some(Open::Late.why().to_owned());
            return Ok::<_, Open>(true);
        }
        let found = solve_at(problem, problem.time_per_bit(), options);
        Ok(found.map_or_else(
            |error| {
                open = Some(why(error));
                true
            },
            |found| found.is_some(),
        ))
    });
    Named {
        limits: limits.unwrap_or_default(),
        open,
    }
}

/// A smallest set of limits that contradict one another, how far each would have to give, and the
/// cheapest way for all to give.
pub(crate) fn no_plan(problem: &Problem, options: &Options) -> NoPlan {
    let Named { limits, open } = conflict(problem, options);
    let solver = Solver::automatic(options, RELAXING);
    let smaller = open.map(|why| format!("a smaller set of limits: {why}"));
    let mut open = Vec::new();
    let mut needed = Vec::new();
    let mut conflict = Vec::new();
    for limit in limits {
        let others = problem.constraints.without(&limit);
        let name = limit.to_string();
        let alone = kept(&mut open, &name, least(problem, &limit, others, &solver));
        let mut described = PlanWriter::new(problem).conflict(&limit, alone.flatten());
        if alone == Some(None) {
            let possible =
                kept(&mut open, &name, possible(problem, &limit, &[], &solver)).flatten();
            described.possible = possible.map(|amount| limit.amount(amount));
        }
        conflict.push(described);
        needed.push((limit, alone.flatten()));
    }
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
    none.relaxation = kept(
        &mut open,
        "all together",
        relaxation::cheapest(problem, &needed, &solver),
    )
    .flatten();
    let far = open.first().map(|first| match open.len() {
        1 => format!("how far to relax {first}"),
        several => format!(
            "how far to relax {first}, and {} more questions",
            several - 1
        ),
    });
    let open: Vec<String> = smaller.into_iter().chain(far).collect();
    if !open.is_empty() {
        none.proof += &format!("; not known: {}", open.join("; "));
    }
    none
}
