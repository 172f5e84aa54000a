//! What each limit does to the plan.

use super::Question;
use super::search::{ANY_DROP, Open, contender, nearest};
use crate::engines::Solution;
use crate::problem::{Limit, Problem};
use cutpoint_core::plan::{Breakpoint, Change, Condition, LimitReason, Step, Together, Unit};
use cutpoint_core::quantity::Quantity;
use cutpoint_core::units::Bytes;

/// Returns what the amounts of a limit count: those of a floor are drops, those of a frame rate
/// the time between frames.
pub(crate) fn unit(limit: &Limit) -> Unit {
    match limit.quantity() {
        Quantity::Floor => Unit::Millionth,
        Quantity::Fps => Unit::Nanosecond,
        quantity => quantity.unit().unwrap_or(Unit::Byte),
    }
}

/// Round amounts that a user may think of adding.
fn round_amounts(limit: &Limit, allows: i64) -> Vec<i64> {
    match limit {
        Limit::EdgeMemory(_) => vec![1 << 20],
        // a tenth of a point, and a point
        Limit::Drop { .. } => vec![1_000, 10_000],
        Limit::Capacity { .. } => vec![1],
        // a millisecond
        Limit::Deadline { .. } => vec![1_000_000],
        _ => vec![(allows / 10).max(1)],
    }
}

impl Question<'_> {
    /// What a limit does to the plan.
    pub(crate) fn limit(&self, limit: &Limit) -> Result<LimitReason, Open> {
        let problem = self.problem;
        let lifted = problem.with_limits(problem.constraints.without(limit));
        let free = self.solver.better(&lifted, self.value)?;
        let saves = free.as_ref().map_or(0.0, |free| self.saves(free));
        let uses = problem.used(limit, &self.plan.edge, &self.plan.cost);
        let mut reason = LimitReason {
            limit: limit.to_string(),
            unit: limit.allows().map(|_| unit(limit)),
            allows: limit.allows(),
            uses,
            slack: limit.allows().zip(uses).map(|(allows, uses)| allows - uses),
            binds: free.is_some(),
            costs_ms: saves,
            costs: free.as_ref().map_or(0.0, |free| self.gains(free)),
            without: free
                .as_ref()
                .map(|free| contender(problem, &free.edge, &free.cost)),
            steps: Vec::new(),
            next: None,
            tighter: None,
        };
        let (Some(allows), Some(uses)) = (limit.allows(), uses) else {
            return Ok(reason);
        };
        let next = match &free {
            Some(free) => self.looser(limit, allows, free)?,
            None => None,
        };
        let reached = next.as_ref().map(|next| next.at - allows);
        reason.steps = self.steps(limit, allows, reached, &|more| {
            self.at_amount(limit, allows + more)
        })?;
        reason.next = next;
        // nothing is smaller than no bytes and no loss
        if uses > 0 {
            let tight = problem.with_limit_allowing(limit, uses - 1);
            let best = self.solver.best(&tight)?;
            reason.tighter = Some(self.change(uses - 1, best.as_ref()));
        }
        Ok(reason)
    }

    /// The plan below the largest amount of edge memory that it may not have.
    pub(crate) fn less_memory(&self) -> Result<Option<Breakpoint>, Open> {
        let Some(size) = self.plan.cost.edge_memory.0.checked_sub(1) else {
            return Ok(None);
        };
        let limits = self.problem.limits().iter().cloned();
        let limits = limits.chain([Limit::EdgeMemory(Bytes(size))]).collect();
        let best = self.solver.best(&self.problem.with_limits(limits))?;
        Ok(Some(Breakpoint {
            of: Condition::EdgeMemory,
            unit: Unit::Byte,
            up: false,
            at: Some(size),
            to: best.map(|best| contender(self.problem, &best.edge, &best.cost)),
        }))
    }

    /// Limits of which only several together stand in the way of a faster plan.
    pub(crate) fn together(&self) -> Result<Option<Together>, Open> {
        let free = self.problem.with_limits(Vec::new());
        let Some(best) = self.solver.better(&free, self.value)? else {
            return Ok(None);
        };
        let breaks = |limit: &&Limit| {
            let alone = self.problem.with_limits(vec![(*limit).clone()]);
            alone.check(&best.edge, &best.cost).is_err()
        };
        let broken: Vec<&Limit> = self.problem.limits().iter().filter(breaks).collect();
        let mut together = Together {
            limits: broken.iter().map(ToString::to_string).collect(),
            costs_ms: self.saves(&best),
            costs: self.gains(&best),
            without: contender(self.problem, &best.edge, &best.cost),
            steps: Vec::new(),
            next: None,
        };
        let drops = broken
            .iter()
            .all(|limit| matches!(limit, Limit::Drop { .. }));
        if let (true, Some(first)) = (drops, broken.first()) {
            let more_needed = |best: &Solution| self.more_needed(&broken, best);
            let most = more_needed(&best).unwrap_or(ANY_DROP.unsigned_abs());
            let found = nearest(
                most,
                |more| self.alike(&broken, more),
                |best, _, there| more_needed(best).unwrap_or(there),
            )?;
            let found = found.map(|(more, best)| (i64::try_from(more).unwrap_or(i64::MAX), best));
            let reached = found.as_ref().map(|(more, _)| *more);
            together.steps = self.steps(first, 0, reached, &|more| {
                self.alike(&broken, more.unsigned_abs())
            })?;
            together.next = found.map(|(at, best)| self.change(at, Some(&best)));
        }
        Ok(Some(together))
    }

    /// The best plan when each of these limits allows so much more, if it is faster.
    fn alike(&self, limits: &[&Limit], more: u64) -> Result<Option<Solution>, Open> {
        let mut loose = self.problem.clone();
        for limit in limits {
            let allows = limit.allows().unwrap_or(0);
            loose = loose.with_limit_allowing(limit, allows.saturating_add_unsigned(more));
        }
        self.solver.better(&loose, self.value)
    }

    /// How much more each of these limits must allow for a placement.
    fn more_needed(&self, limits: &[&Limit], best: &Solution) -> Option<u64> {
        let more = limits.iter().map(|limit| {
            let uses = self.problem.used(limit, &best.edge, &best.cost)?;
            Some(uses - limit.allows()?)
        });
        let more = more.collect::<Option<Vec<i64>>>()?;
        u64::try_from(more.into_iter().max()?).ok()
    }

    /// What round amounts more buy; less than `reached` buys nothing.
    fn steps(
        &self,
        limit: &Limit,
        allows: i64,
        reached: Option<i64>,
        at: &dyn Fn(i64) -> Result<Option<Solution>, Open>,
    ) -> Result<Vec<Step>, Open> {
        let mut found = Vec::new();
        for more in round_amounts(limit, allows) {
            let best = if reached.is_some_and(|reached| reached <= more) {
                at(more)?
            } else {
                None
            };
            let saves_ms = best.as_ref().map_or(0.0, |best| self.saves(best));
            found.push(Step {
                more,
                unit: unit(limit),
                saves_ms,
                saves: best.as_ref().map_or(0.0, |best| self.gains(best)),
                latency_ms: self.latency_ms() - saves_ms,
                changes: best.is_some(),
            });
        }
        Ok(found)
    }

    /// The least amount with which a faster plan exists; `free` is the fastest without the limit.
    fn looser(&self, limit: &Limit, allows: i64, free: &Solution) -> Result<Option<Change>, Open> {
        let uses = |best: &Solution| self.problem.used(limit, &best.edge, &best.cost);
        let most = u64::try_from(uses(free).unwrap_or(ANY_DROP) - allows).unwrap_or(0);
        let amount = |more: u64| allows.saturating_add_unsigned(more);
        let found = nearest(
            most,
            |more| self.at_amount(limit, amount(more)),
            |best, _, there| match uses(best) {
                Some(uses) => u64::try_from(uses - allows).unwrap_or(0),
                None => there,
            },
        )?;
        Ok(found.map(|(more, best)| self.change(amount(more), Some(&best))))
    }

    fn at_amount(&self, limit: &Limit, amount: i64) -> Result<Option<Solution>, Open> {
        let loose = self.problem.with_limit_allowing(limit, amount);
        self.solver.better(&loose, self.value)
    }

    fn change(&self, at: i64, best: Option<&Solution>) -> Change {
        Change {
            at,
            saves_ms: best.map_or(0.0, |best| self.saves(best)),
            saves: best.map_or(0.0, |best| self.gains(best)),
            to: best.map(|best| contender(self.problem, &best.edge, &best.cost)),
        }
    }

    /// The latency that another placement saves.
    pub(crate) fn saves(&self, other: &Solution) -> f64 {
        let time_per_bit = self.problem.time_per_bit();
        let saved = self.plan.cost.scaled(time_per_bit) - other.cost.scaled(time_per_bit);
        time_per_bit.ns(saved) / 1e6
    }

    /// What the objective comes to less in another placement, in the unit of human-readable output.
    fn gains(&self, other: &Solution) -> f64 {
        let less = self.value - other.rank.objectives[0];
        self.readable(self.problem, less)
    }

    /// A value of the objective in the unit of human-readable output.
    pub(crate) fn readable(&self, problem: &Problem, value: i128) -> f64 {
        let objective = problem.objectives.functions.first();
        objective.map_or(0.0, |objective| {
            objective.readable(value, problem.time_per_bit())
        })
    }

    pub(crate) fn latency_ms(&self) -> f64 {
        self.plan.cost.latency_ms(self.problem.time_per_bit())
    }
}
