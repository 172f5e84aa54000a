//! Which engines solve a problem: the one asked for, or the automatic choice.

use super::branch_and_bound::BranchAndBound;
use super::cross_check::CrossCheck;
use super::engine::{Engine, Instance};
use super::enumerate::Enumerate;
use super::milp::Milp;
use super::options::{EngineChoice, Options};
use super::overlapped::SequentialStart;
use crate::problem::Problem;
use crate::schedule::Orders;

/// An engine to try, and why.
pub(crate) struct Attempt {
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) why: &'static str,
}

impl Attempt {
    fn new(engine: impl Engine + 'static, why: &'static str) -> Attempt {
        Attempt {
            engine: Box::new(engine),
            why,
        }
    }
}

/// So many closed placements are all looked at rather than bounded, since the bounds take a time
/// that grows with the layers; so many for each layer, where that is more.
const FEW: usize = 2_000;
const FEW_PER_LAYER: usize = 10;

/// With more tasks than this, there is much to look at in each placement: where each task is done
/// decides about deadlines and objectives.
const FEW_TASKS: usize = 8;

/// Orders of work that cost no more time than a placement is worth.
const FEW_ORDERS: usize = 16;

/// The engines to try one after the other, until one has an answer. Those that a problem is too
/// large for say so.
pub(crate) fn attempts(instance: &Instance<'_>) -> Vec<Attempt> {
    let most = most_placements(instance.problem, instance.options);
    let asked = "asked for";
    match instance.options.engine {
        // where every placement is asked for, nothing is taken for granted
        EngineChoice::Enumerate => vec![Attempt::new(
            Enumerate {
                pruned: false,
                most,
            },
            asked,
        )],
        EngineChoice::Branch => vec![branched(instance, most, asked)],
        EngineChoice::Linear => vec![program(instance, asked)],
        EngineChoice::Both => vec![Attempt::new(
            CrossCheck {
                every: Enumerate {
                    pruned: false,
                    most,
                },
                program: program(instance, asked).engine,
            },
            asked,
        )],
        EngineChoice::Auto => automatic(instance, most),
    }
}

fn automatic(instance: &Instance<'_>, most: usize) -> Vec<Attempt> {
    let problem = instance.problem;
    let mut attempts = Vec::new();
    if !many_tasks(problem) || problem.overlaps() {
        let enumerate = Enumerate {
            pruned: true,
            most: most.min(few(problem)),
        };
        attempts.push(Attempt::new(
            enumerate,
            "a few closed placements are looked at faster than they are bounded",
        ));
    }
    attempts.push(branched(
        instance,
        most,
        "too many closed placements for all",
    ));
    attempts.push(program(instance, "too many closed placements for bounds"));
    attempts
}

/// Branch and bound, or every placement where its bounds do not hold.
fn branched(instance: &Instance<'_>, most: usize, why: &'static str) -> Attempt {
    if BranchAndBound.accepts(instance) {
        Attempt::new(BranchAndBound, why)
    } else {
        Attempt::new(
            Enumerate { pruned: true, most },
            "heads overlapped with the transfer, or too many tasks to tell apart, cannot be bounded",
        )
    }
}

fn program(instance: &Instance<'_>, why: &'static str) -> Attempt {
    if Milp.accepts(instance) {
        Attempt::new(Milp, why)
    } else {
        Attempt::new(
            SequentialStart,
            "a program knows no heads that are overlapped with the transfer",
        )
    }
}

fn few(problem: &Problem) -> usize {
    FEW.max(FEW_PER_LAYER * problem.graph().layers().len())
}

fn many_tasks(problem: &Problem) -> bool {
    problem.depends_on_tasks() && problem.tasks().len() > FEW_TASKS
}

/// The most closed placements to look at. Where each task is looked at in each placement, many
/// tasks leave time for fewer of them; heads that are overlapped with the transfer are looked at in
/// as many orders of work.
pub(crate) fn most_placements(problem: &Problem, options: &Options) -> usize {
    let times = problem.tasks().len().div_ceil(FEW_TASKS);
    if !many_tasks(problem) {
        let orders = Orders::of(problem).most(&problem.model);
        options.most_placements / orders.div_ceil(FEW_ORDERS)
    } else if problem.overlaps() {
        options.most_placements / (times * (times - 1))
    } else {
        options.most_placements / times
    }
}
