//! The linear programs of a problem: the relaxation, and mixed-integer programs where limits need
//! them, for each set of tasks that the edge may keep.

use std::time::Duration;

pub(crate) mod program;

use crate::presolve::chain_dominance::Compared;
use crate::presolve::fixing::{Contradiction, Reduced};
use crate::problem::{Completion, Cost, Limit, Problem, Rank, Violation};
use cutpoint_core::codec::Codec;
use cutpoint_core::graph::{LayerSet, TensorId};
use program::{Answer, Form, Goal, NoAnswer};

/// More answers than this that break a limit by next to nothing are too many to exclude.
const MOST_EXCLUDED: usize = 20;
/// Without the cuts of chains that others beat, with the tasks done there, or wherever they may be.
pub(crate) fn in_series<'a>(
    reduced: Reduced<'a>,
    done: Option<&[Completion]>,
) -> Result<Reduced<'a>, Contradiction> {
    let problem = reduced.problem;
    let times_per_bit = (&[reduced.time_per_bit][..], &[problem.time_per_bit()][..]);
    match Compared::new(problem, times_per_bit, done) {
        Some(compared) => reduced.in_series(&compared),
        None => Ok(reduced),
    }
}

/// A placement that meets the limits.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) edge: LayerSet,
    pub(crate) cost: Cost,
    pub(crate) rank: Rank,
}

impl Candidate {
    pub(crate) fn new(
        reduced: &Reduced<'_>,
        edge: LayerSet,
        codecs: &[(TensorId, Codec)],
    ) -> Result<Candidate, Violation> {
        let problem = reduced.problem;
        let cost = problem.evaluate_at(&edge, codecs, reduced.time_per_bit)?;
        let rank = problem.rank(&edge, &cost, reduced.time_per_bit);
        Ok(Candidate { edge, cost, rank })
    }
}

/// What the linear programs say.
#[allow(clippy::large_enum_variant)] // one at a time
pub(crate) enum Solved {
    Optimal(Candidate, String),
    Infeasible,
    /// No proof: a lower bound, if there is one, what was found on the way, and why.
    Open(Option<i128>, Vec<Candidate>, String),
}

const RELAXATION: &str = "the linear relaxation is integral";
const MIXED: &str = "optimum of the mixed-integer program";

/// A problem with the tasks done there.
pub(crate) type Part<'a> = (Reduced<'a>, Vec<Completion>);

/// The problem with each set of tasks that the edge may keep; the best of their optima is the
/// problem's. Tasks outside the set are taken to be done on the server, which is never earlier than
/// they are. The number of tasks instead, when there are too many sets to tell apart.
pub(crate) fn kept<'a>(reduced: &Reduced<'a>) -> Result<Vec<Part<'a>>, usize> {
    let problem = reduced.problem;
    let mut parts = Vec::new();
    for kept in problem.kept_sets()? {
        let done = |task| problem.done(task, kept.binary_search(&task).is_ok());
        let done: Vec<Completion> = (0..problem.tasks().len()).map(done).collect();
        let mut pins = LayerSet::empty(problem.graph().layers().len());
        for task in kept.iter() {
            pins.union_with(&problem.needs()[*task]);
        }
        let part = reduced.keeping(&pins, &done);
        if let Ok(part) = part.and_then(|part| in_series(part, Some(&done))) {
            parts.push((part, done));
        }
    }
    Ok(parts)
}

/// The programs of a problem, with each set of tasks that the edge may keep.
pub(crate) fn program(reduced: &Reduced<'_>, time_limit: Duration) -> Solved {
    let parts = match kept(reduced) {
        Ok(parts) => parts.into_iter(),
        Err(tasks) => {
            let why = format!("{tasks} tasks may be kept or not, too many to tell apart");
            return Solved::Open(None, Vec::new(), why);
        }
    };
    let parts: Vec<(Reduced<'_>, Form)> = parts
        .filter_map(|(part, done)| {
            let part = part.with_room().ok()?;
            Some((part, Form::new(done, time_limit)))
        })
        .collect();
    let mut best: Option<(Candidate, &'static str)> = None;
    let mut open: Option<(Option<i128>, String)> = None;
    let mut others = Vec::new();
    for (part, form) in &parts {
        match program_of(part, form) {
            Solution::Optimal(found, proof) => match &best {
                Some((known, _)) if known.rank.objectives[0] <= found.rank.objectives[0] => {}
                _ => best = Some((found, proof)),
            },
            Solution::Infeasible => {}
            Solution::Open(bound, found, why) => {
                others.extend(found);
                let bound = match &open {
                    None => bound,
                    Some((known, _)) => known.zip(bound).map(|(a, b)| a.min(b)),
                };
                open = Some((bound, why));
            }
        }
    }
    match (best, open) {
        (None, None) => Solved::Infeasible,
        (Some((best, proof)), None) => {
            let best = then(reduced, &parts, best);
            match parts.len() {
                1 => Solved::Optimal(best, proof.to_owned()),
                several => {
                    let proof = format!("{proof}, for each of {several} sets of tasks to keep");
                    Solved::Optimal(best, proof)
                }
            }
        }
        (best, Some((bound, why))) => {
            let known = best.map(|(best, _)| best);
            let bound = bound.map(|bound| match &known {
                Some(known) => bound.min(known.rank.objectives[0]),
                None => bound,
            });
            others.extend(known);
            Solved::Open(bound, others, why)
        }
    }
}

/// Among placements that are as good in the first objective, one that is best in the second.
fn then(reduced: &Reduced<'_>, parts: &[(Reduced<'_>, Form)], best: Candidate) -> Candidate {
    if reduced.problem.objectives().len() < 2 {
        return best;
    }
    let mut best = best;
    for (part, form) in parts {
        let form = Form {
            goal: Goal::ObjectiveFunction(1),
            first_at_most: Some(best.rank.objectives[0]),
            limits: true,
            ..form.clone()
        };
        let found = within_limits(part, form).ok();
        let found =
            found.and_then(|(answer, _)| Candidate::new(reduced, answer.edge, &answer.codecs).ok());
        if let Some(found) = found.filter(|found| found.rank < best.rank) {
            best = found;
        }
    }
    best
}

/// What the programs of one set of tasks say.
enum Solution {
    Optimal(Candidate, &'static str),
    Infeasible,
    Open(Option<i128>, Option<Candidate>, String),
}

/// The relaxation without side limits first: where its optimum meets them, nothing is better.
fn program_of(reduced: &Reduced<'_>, form: &Form) -> Solution {
    let problem = reduced.problem;
    let mut bound = None;
    let objective = problem.objectives().first();
    let sums = objective.map_or(0, |objective| {
        problem.objective_sums(objective, &form.done).len()
    });
    if sums == 0 {
        return Solution::Open(None, None, "what is made small is no sum".to_owned());
    }
    if sums == 1 {
        match program::solve(reduced, form) {
            Ok(answer) if answer.integral => {
                match Candidate::new(reduced, answer.edge.clone(), &answer.codecs) {
                    Ok(found) => return Solution::Optimal(found, RELAXATION),
                    Err(_) => {
                        let cost = problem.cost(&answer.edge, &answer.codecs);
                        let rank = cost
                            .map(|cost| problem.rank(&answer.edge, &cost, reduced.time_per_bit));
                        bound = rank.ok().map(|rank| rank.objectives[0]);
                    }
                }
            }
            Ok(_) => {}
            Err(NoAnswer::Infeasible) => return Solution::Infeasible,
            Err(NoAnswer::Stopped(why)) => return Solution::Open(None, None, why),
        }
    }
    let limited = Form {
        limits: true,
        ..form.clone()
    };
    match within_limits(reduced, limited) {
        Ok((answer, _)) => match Candidate::new(reduced, answer.edge, &answer.codecs) {
            Ok(found) => Solution::Optimal(found, MIXED),
            Err(violation) => Solution::Open(bound, None, violation.to_string()),
        },
        Err(NoAnswer::Infeasible) => Solution::Infeasible,
        Err(NoAnswer::Stopped(why)) => Solution::Open(bound, None, why),
    }
}

/// Solves with the limits, adding the memory of a step of the execution whenever an answer exceeds
/// the limit there: few of the many steps ever matter. Answers that break a limit by less than the
/// solver's tolerance are excluded one by one.
pub(crate) fn within_limits(
    reduced: &Reduced<'_>,
    mut form: Form,
) -> Result<(Answer, Cost), NoAnswer> {
    let problem = reduced.problem;
    loop {
        let answer = program::solve(reduced, &form)?;
        let cost = problem
            .cost(&answer.edge, &answer.codecs)
            .map_err(|violation| NoAnswer::Stopped(violation.to_string()))?;
        let broken = match problem.check(&answer.edge, &cost) {
            _ if form.goal == Goal::EdgeMemory => Limit::EdgeMemory(cost.edge_memory),
            Ok(()) => return Ok((answer, cost)),
            Err(Violation::Exceeds { limit, .. }) => limit,
            Err(violation) => return Err(NoAnswer::Stopped(violation.to_string())),
        };
        let (layers, steps) = match broken {
            Limit::EdgeMemory(_) => (answer.edge.clone(), &mut form.steps),
            Limit::ServerMemory(_) => (answer.edge.complement(), &mut form.server_steps),
            _ if form.excluded.len() < MOST_EXCLUDED => {
                form.excluded.push((answer.edge, answer.codecs));
                continue;
            }
            other => {
                let why =
                    format!("the limit {other} is missed by less than the solver's tolerance");
                return Err(NoAnswer::Stopped(why));
            }
        };
        match peak_step(problem, &layers) {
            Some(step) if !steps.contains(&step) => steps.push(step),
            _ if form.goal == Goal::EdgeMemory => return Ok((answer, cost)),
            _ => {
                let why = "the limit on memory is missed by less than the solver's tolerance";
                return Err(NoAnswer::Stopped(why.to_owned()));
            }
        }
    }
}

/// The first step of the execution at which most bytes are alive in a half.
fn peak_step(problem: &Problem, layers: &LayerSet) -> Option<usize> {
    let peak = problem.graph().live_bytes(layers).into_iter().enumerate();
    let (step, _) = peak.max_by_key(|(step, bytes)| (*bytes, std::cmp::Reverse(*step)))?;
    layers.iter().nth(step).map(|layer| layer.index())
}
