//! The best placement at one pace.

use std::time::Duration;

use super::enumerate::{Enumerated, branch, enumerate};
use super::linear::{self, Answer, Form, Goal, NoAnswer};
use super::reduce::{Contradiction, Reduced};
use super::series::Compared;
use super::{Engine, Options, SolveError};
use crate::codec::Codec;
use crate::graph::{LayerSet, TensorId};
use crate::problem::{Aim, Cost, Done, Limit, Pace, Problem, Rank, Violation};
use crate::scenario::Objective;

/// The best placement found, and what is known about it.
#[derive(Debug, Clone)]
pub(super) struct Optimum {
    pub(super) edge: LayerSet,
    pub(super) cost: Cost,
    /// At the pace it was looked for.
    pub(super) rank: Rank,
    /// No better one exists.
    pub(super) proven: bool,
    pub(super) proof: String,
    /// No placement has less of the first aim; in its unit.
    pub(super) bound: i128,
}

/// The best placement; `None` when no placement meets the limits.
pub(super) fn optimum(
    problem: &Problem,
    pace: Pace,
    options: &Options,
) -> Result<Option<Optimum>, SolveError> {
    let summed = best_by_sums(problem, pace, options);
    let costed = problem.measured_together().into_iter();
    let costed = costed.filter_map(|(edge, codecs)| {
        let cost = problem.evaluate_at(&edge, &codecs, pace).ok()?;
        let rank = problem.rank(&edge, &cost, pace);
        Some((edge, cost, rank))
    });
    let Some((edge, cost, rank)) = costed.min_by_key(|(_, _, rank)| *rank) else {
        return summed;
    };
    let mut best = match summed {
        Ok(Some(best)) if best.rank <= rank => return Ok(Some(best)),
        Ok(Some(best)) => best,
        Ok(None) => Optimum {
            bound: rank.aims[0],
            proven: true,
            proof: "no sum of single drops meets the limits".to_owned(),
            edge: edge.clone(),
            cost: cost.clone(),
            rank,
        },
        Err(SolveError::Stopped(why)) => Optimum {
            bound: problem.least_possible(),
            proven: false,
            proof: why,
            edge: edge.clone(),
            cost: cost.clone(),
            rank,
        },
        Err(other) => return Err(other),
    };
    best.proof = format!("measured as a whole; else {}", best.proof);
    best.bound = best.bound.min(rank.aims[0]);
    (best.edge, best.cost, best.rank) = (edge, cost, rank);
    Ok(Some(best))
}

/// Longest time for a bound alone.
const MOST_FOR_BOUND: Duration = Duration::from_secs(5);
/// So many closed placements are all looked at rather than bounded.
const FEW: usize = 20_000;
/// More answers than this that break a limit by next to nothing are too many to exclude.
const MOST_EXCLUDED: usize = 20;
/// More tasks that may be kept or not than this are too many for the program to tell apart.
const MOST_TASKS: usize = 10;

/// The best placement within the budgets, where drops are sums.
fn best_by_sums(
    problem: &Problem,
    pace: Pace,
    options: &Options,
) -> Result<Option<Optimum>, SolveError> {
    let Ok(reduced) = Reduced::new(problem, pace) else {
        return Ok(None);
    };
    let most = most_placements(problem, options);
    // the engine that looks at every placement takes nothing for granted
    let all = match options.engine {
        Engine::Enumerate | Engine::Both => enumerate(&reduced, most),
        Engine::Linear | Engine::Branch | Engine::Auto => None,
    };
    let Ok(series) = in_series(&reduced, None) else {
        return Ok(None);
    };
    let branched = |most| match kept(&reduced) {
        Ok(parts) if !problem.overlaps() => branch(&parts, most),
        _ => enumerate(&series, most),
    };
    let all = match options.engine {
        Engine::Linear => None,
        Engine::Enumerate | Engine::Both => all,
        Engine::Branch => branched(most),
        Engine::Auto => enumerate(&series, most.min(FEW)).or_else(|| branched(most)),
    };
    if let (Some(all), Engine::Auto | Engine::Enumerate | Engine::Branch) = (&all, options.engine) {
        let looked_at_all = options.engine == Engine::Enumerate;
        let from = if looked_at_all { &reduced } else { &series };
        return confirmed(from, all, None);
    }
    if matches!(options.engine, Engine::Enumerate | Engine::Branch) {
        return Err(SolveError::Stopped(format!(
            "there are more than {most} closed placements, too many to look at each"
        )));
    }
    let solved = program(&reduced, options);
    if let Some(all) = all {
        return confirmed(&reduced, &all, Some(&solved));
    }
    match solved {
        Solved::Optimal(found, proof) => Ok(Some(Optimum {
            bound: found.rank.aims[0],
            proven: true,
            proof,
            edge: found.edge,
            cost: found.cost,
            rank: found.rank,
        })),
        Solved::Infeasible => Ok(None),
        Solved::Open(bound, candidates, why) => {
            let found = candidates.into_iter().chain(baselines(&reduced));
            match found.min_by_key(|found| found.rank) {
                Some(found) => Ok(Some(Optimum {
                    bound: bound
                        .unwrap_or(problem.least_possible())
                        .min(found.rank.aims[0]),
                    proven: false,
                    proof: why,
                    edge: found.edge,
                    cost: found.cost,
                    rank: found.rank,
                })),
                None => Err(SolveError::Stopped(why)),
            }
        }
    }
}

/// Without the cuts of chains that others beat, with the tasks done there, or wherever they may be.
fn in_series<'a>(
    reduced: &Reduced<'a>,
    done: Option<&[Done]>,
) -> Result<Reduced<'a>, Contradiction> {
    let problem = reduced.problem;
    let paces = (&[reduced.pace][..], &[problem.pace()][..]);
    match Compared::new(problem, paces, done) {
        Some(compared) => reduced.clone().in_series(&compared),
        None => Ok(reduced.clone()),
    }
}

/// Where each task is looked at in each placement, many tasks leave time for fewer of them.
fn most_placements(problem: &Problem, options: &Options) -> usize {
    const FEW_TASKS: usize = 8;
    match problem.depends_on_tasks() {
        true => options.most_placements / problem.tasks().len().div_ceil(FEW_TASKS).max(1),
        false => options.most_placements,
    }
}

/// A placement that meets the limits.
#[derive(Debug)]
struct Candidate {
    edge: LayerSet,
    cost: Cost,
    rank: Rank,
}

impl Candidate {
    fn new(
        reduced: &Reduced<'_>,
        edge: LayerSet,
        codecs: &[(TensorId, Codec)],
    ) -> Result<Candidate, Violation> {
        let problem = reduced.problem;
        let cost = problem.evaluate_at(&edge, codecs, reduced.pace)?;
        let rank = problem.rank(&edge, &cost, reduced.pace);
        Ok(Candidate { edge, cost, rank })
    }
}

/// What the linear programs say.
#[allow(clippy::large_enum_variant)] // one at a time
enum Solved {
    Optimal(Candidate, String),
    Infeasible,
    /// No proof: a lower bound, if there is one, what was found on the way, and why.
    Open(Option<i128>, Vec<Candidate>, String),
}

const RELAXATION: &str = "the linear relaxation is integral";
const MIXED: &str = "optimum of the mixed-integer program";

/// A problem with the tasks done there.
type Part<'a> = (Reduced<'a>, Vec<Done>);

/// The problem with each set of tasks that the edge may keep, where that matters; the best of their
/// optima is the problem's. Tasks outside the set are taken to be done on the server, which is never
/// earlier than they are. The number of tasks instead, when there are too many to tell apart.
fn kept<'a>(reduced: &Reduced<'a>) -> Result<Vec<Part<'a>>, usize> {
    let problem = reduced.problem;
    let tasks = 0..problem.tasks().len();
    let keepable = |task: &usize| problem.done(*task, true) != problem.done(*task, false);
    let keepable: Vec<usize> = match problem.depends_on_tasks() {
        true => tasks.clone().filter(keepable).collect(),
        false => Vec::new(),
    };
    if keepable.len() > MOST_TASKS {
        return Err(keepable.len());
    }
    let mut parts = Vec::new();
    for chosen in 0..1_usize << keepable.len() {
        let picked = keepable.iter().enumerate();
        let picked = picked.filter(|(index, _)| chosen >> index & 1 == 1);
        let kept: Vec<usize> = picked.map(|(_, task)| *task).collect();
        let done = tasks
            .clone()
            .map(|task| problem.done(task, kept.contains(&task)));
        let done: Vec<Done> = done.collect();
        let mut pins = LayerSet::empty(problem.graph().layers().len());
        for task in kept.iter() {
            pins.union_with(&problem.needs()[*task]);
        }
        let part = reduced.keeping(&pins, &done);
        if let Ok(part) = part.and_then(|part| in_series(&part, Some(&done))) {
            parts.push((part, done));
        }
    }
    Ok(parts)
}

/// The programs of a problem, with each set of tasks that the edge may keep.
fn program(reduced: &Reduced<'_>, options: &Options) -> Solved {
    if reduced.problem.overlaps() {
        return overlapped(reduced, options);
    }
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
            Some((part, Form::new(done, options.time_limit)))
        })
        .collect();
    let mut best: Option<(Candidate, &'static str)> = None;
    let mut open: Option<(Option<i128>, String)> = None;
    let mut others = Vec::new();
    for (part, form) in &parts {
        match program_of(part, form) {
            Solution::Optimal(found, proof) => match &best {
                Some((known, _)) if known.rank.aims[0] <= found.rank.aims[0] => {}
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
                Some(known) => bound.min(known.rank.aims[0]),
                None => bound,
            });
            others.extend(known);
            Solved::Open(bound, others, why)
        }
    }
}

/// Among placements that are as good in the first aim, one that is best in the second.
fn then(reduced: &Reduced<'_>, parts: &[(Reduced<'_>, Form)], best: Candidate) -> Candidate {
    if reduced.problem.aims().len() < 2 {
        return best;
    }
    let mut best = best;
    for (part, form) in parts {
        let form = Form {
            goal: Goal::Aim(1),
            first_at_most: Some(best.rank.aims[0]),
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
    let aim = problem.aims().first();
    let sums = aim.map_or(0, |aim| problem.aim_sums(aim, &form.done).len());
    if sums == 0 {
        return Solution::Open(None, None, "what is made small is no sum".to_owned());
    }
    if sums == 1 {
        match linear::solve(reduced, form) {
            Ok(answer) if answer.integral => {
                match Candidate::new(reduced, answer.edge.clone(), &answer.codecs) {
                    Ok(found) => return Solution::Optimal(found, RELAXATION),
                    Err(_) => {
                        let cost = problem.cost(&answer.edge, &answer.codecs);
                        let rank = cost.map(|cost| problem.rank(&answer.edge, &cost, reduced.pace));
                        bound = rank.ok().map(|rank| rank.aims[0]);
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

/// The program knows no heads beside the link: its best sequential plan is one to start from, and
/// what link and server take without the edge, or the edge without them, bounds latency.
fn overlapped(reduced: &Reduced<'_>, options: &Options) -> Solved {
    let problem = reduced.problem;
    let why = "heads beside the link, with more closed placements than can be looked at".to_owned();
    let best = best_by_sums(&problem.one_by_one(), reduced.pace, options);
    let found = best
        .ok()
        .flatten()
        .and_then(|best| Candidate::new(reduced, best.edge, &best.cost.crossing).ok());
    let latency = problem.aims().first() == Some(&Aim::Wanted(Objective::Latency));
    let relaxed = problem.without_order();
    // a bound is worth less than an answer in time
    let brief = Options {
        time_limit: options.time_limit.min(MOST_FOR_BOUND),
        ..*options
    };
    let bound = match best_by_sums(&relaxed, reduced.pace, &brief) {
        Ok(Some(best)) if latency => Some(best.bound),
        _ => None,
    };
    Solved::Open(bound, found.into_iter().collect(), why)
}

/// Solves with the limits, adding the memory of a step of the execution whenever an answer exceeds
/// the limit there: few of the many steps ever matter. Answers that break a limit by less than the
/// solver's tolerance are excluded one by one.
pub(super) fn within_limits(
    reduced: &Reduced<'_>,
    mut form: Form,
) -> Result<(Answer, Cost), NoAnswer> {
    let problem = reduced.problem;
    loop {
        let answer = linear::solve(reduced, &form)?;
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

/// The enumeration's word, which is exact.
fn confirmed(
    reduced: &Reduced<'_>,
    all: &Enumerated,
    solved: Option<&Solved>,
) -> Result<Option<Optimum>, SolveError> {
    let Some((edge, codecs)) = &all.best else {
        return Ok(None);
    };
    let best = Candidate::new(reduced, edge.clone(), codecs)
        .map_err(|violation| SolveError::Stopped(violation.to_string()))?;
    let count = all.placements;
    let joined = reduced.next.iter().any(Option::is_some);
    let proof = match solved {
        _ if all.bounded => format!("branch and bound, {count} closed placements looked at"),
        Some(Solved::Optimal(linear, proof)) if linear.rank.aims == best.rank.aims => {
            format!("{proof}, confirmed by all {count} closed placements")
        }
        None if joined => {
            format!(
                "best of {count} closed placements; one of these beats any other cut of a chain"
            )
        }
        None => format!("best of all {count} closed placements"),
        Some(Solved::Open(_, _, why)) => {
            format!("best of all {count} closed placements; no proof by the program: {why}")
        }
        Some(Solved::Optimal(..) | Solved::Infeasible) => {
            format!("best of all {count} closed placements; the program does not agree")
        }
    };
    Ok(Some(Optimum {
        bound: best.rank.aims[0],
        proven: true,
        proof,
        edge: best.edge,
        cost: best.cost,
        rank: best.rank,
    }))
}

fn baselines(reduced: &Reduced<'_>) -> Vec<Candidate> {
    let found = reduced.problem.baselines(reduced.pace).into_iter();
    found
        .filter_map(|placement| Candidate::new(reduced, placement.edge, &placement.codecs).ok())
        .collect()
}
