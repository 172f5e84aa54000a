//! The least that a limit would have to allow.

use super::search::{ANY_DROP, Open, Solver};
use crate::constraints::Constraints;
use crate::engines::milp::program::{Form, Goal, NoAnswer};
use crate::engines::milp::within_limits;
use crate::engines::solve_at;
use crate::presolve;
use crate::problem::varied::with_objective;
use crate::problem::{Knapsack, Limit, ObjectiveFunction, Problem};
use cutpoint_core::graph::LayerSet;

/// The least that a limit with an amount would have to allow, with these others kept; `None` when
/// no amount would do. What it allows now is not enough.
pub(crate) fn least(
    problem: &Problem,
    limit: &Limit,
    others: Vec<Limit>,
    solver: &Solver,
) -> Result<Option<i64>, Open> {
    let Some(allows) = limit.allows() else {
        return Ok(None);
    };
    let relaxed = problem.with_limits(others.clone());
    let search = Search {
        relaxed: &relaxed,
        limit,
        solver,
    };
    let at = |amount: i64| {
        let limits = [others.as_slice(), &[limit.allowing(amount)]].concat();
        let constraints = problem.constraints.replaced(&problem.model, limits);
        let found = solver.any(&problem.with_constraints(constraints))?;
        Ok(found.and_then(|found| problem.used(limit, &found.edge, &found.cost)))
    };
    let (enough, quick) = match limit {
        // what is not known is allowed by no amount
        Limit::Drop { .. } => (at(ANY_DROP)?, search.least_of_limit()),
        Limit::Capacity { .. } => (search.any_use()?, search.least_of_limit()),
        _ => match search.least_use()? {
            Use::Least(least) => return Ok(least),
            Use::Open => {
                let quick = search.answer(&relaxed, Goal::EdgeMemory);
                let is_memory = matches!(limit, Limit::EdgeMemory(_));
                (search.any_use()?, quick.filter(|_| is_memory))
            }
        },
    };
    let Some(mut enough) = enough else {
        return Ok(None);
    };
    // what a program says first; then by turns right below what is enough and half way to what is
    // not
    let mut short = allows;
    let mut guess = quick;
    let mut right_below = guess == Some(enough);
    while enough - short > 1 {
        let amount = match guess.take() {
            Some(guess) if guess > short && guess < enough => guess,
            _ if right_below => enough - 1,
            _ => short + (enough - short) / 2,
        };
        match at(amount)? {
            None => (short, right_below) = (amount, false),
            Some(used) => {
                enough = used.clamp(short + 1, amount);
                right_below = !right_below;
            }
        }
    }
    Ok(Some(enough))
}

/// The least that any plan within `kept` needs of what a limit limits, whatever the other limits,
/// where that is more than it allows.
pub(crate) fn possible(
    problem: &Problem,
    limit: &Limit,
    kept: &[Limit],
    solver: &Solver,
) -> Result<Option<i64>, Open> {
    let alone = problem.with_limits([kept, std::slice::from_ref(limit)].concat());
    match solver.any(&alone)? {
        Some(_) => Ok(None),
        None => least(problem, limit, kept.to_vec(), solver),
    }
}

/// What is known of the least use of what a limit limits.
enum Use {
    /// The least; `None` when nothing meets the other limits.
    Least(Option<i64>),
    Open,
}

/// The search for the least use of what one limit limits.
struct Search<'a> {
    /// The problem without the limit.
    relaxed: &'a Problem,
    limit: &'a Limit,
    solver: &'a Solver,
}

impl Search<'_> {
    /// What some plan without the limit uses.
    fn any_use(&self) -> Result<Option<i64>, Open> {
        let found = self.solver.any(self.relaxed)?;
        Ok(found.and_then(|found| self.relaxed.used(self.limit, &found.edge, &found.cost)))
    }

    /// The least that any plan uses: its optimum when that is the objective.
    fn least_use(&self) -> Result<Use, Open> {
        let least_use = with_objective(
            self.relaxed,
            ObjectiveFunction::LimitUse(self.limit.clone()),
        );
        let options = self.solver.left()?;
        Ok(
            match solve_at(&least_use, least_use.time_per_bit(), &options) {
                Ok(Some(best)) if best.is_proven() => {
                    Use::Least(self.relaxed.used(self.limit, &best.edge, &best.cost))
                }
                Ok(None) => Use::Least(None),
                // memory is no sum that a program could minimise
                _ => Use::Open,
            },
        )
    }

    /// The least sum of the limit's knapsack, when a program finds one.
    fn least_of_limit(&self) -> Option<i64> {
        let constraints = &self.relaxed.constraints;
        let limits = [
            constraints.limits.as_slice(),
            std::slice::from_ref(self.limit),
        ]
        .concat();
        let all = constraints.replaced(&self.relaxed.model, limits).knapsacks;
        let own = all.iter().find(|knapsack| knapsack.limit == *self.limit);
        own.and_then(|knapsack| self.least_of_knapsack(knapsack))
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
            ..Form::new(done, self.solver.left().ok()?.deadline)
        };
        let answered: Result<_, NoAnswer> = within_limits(&reduced, form);
        let (answer, cost) = answered.ok()?;
        self.relaxed.used(self.limit, &answer.edge, &cost)
    }
}
