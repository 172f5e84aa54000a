//! What each limit does to the plan.

use super::Question;
use super::search::{Open, contender, nearest};
use super::without;
use crate::plan::{Change, Flip, LimitReason, Quantity, Step, Together, Unit};
use crate::problem::{Limit, Problem};
use crate::solve::optimum::Optimum;
use crate::units::Bytes;

/// What the amounts of a limit count.
pub(super) fn unit(limit: &Limit) -> Unit {
    match limit {
        Limit::Drop { .. } => Unit::Millionth,
        Limit::Capacity { .. } => Unit::Unit,
        _ => Unit::Byte,
    }
}

/// Round amounts that a person may think of adding.
fn steps(limit: &Limit, allows: i64) -> Vec<i64> {
    match limit {
        Limit::EdgeMemory(_) => vec![1 << 20],
        // a tenth of a point, and a point
        Limit::Drop { .. } => vec![1_000, 10_000],
        Limit::Capacity { .. } => vec![1],
        _ => vec![(allows / 10).max(1)],
    }
}

impl Question<'_> {
    /// What a limit does to the plan.
    pub(super) fn limit(&self, limit: &Limit) -> Result<LimitReason, Open> {
        let problem = self.problem;
        let lifted = problem.with_limits(without(problem.limits(), limit));
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
        for more in steps(limit, allows) {
            let reached = next.as_ref().is_some_and(|next| next.at - allows <= more);
            let best = match reached {
                true => self.at_amount(limit, allows + more)?,
                false => None,
            };
            let saves_ms = best.as_ref().map_or(0.0, |best| self.saves(best));
            reason.steps.push(Step {
                more,
                unit: unit(limit),
                saves_ms,
                latency_ms: self.latency_ms() - saves_ms,
                changes: best.is_some(),
            });
        }
        reason.next = next;
        // nothing is smaller than no bytes and no loss
        if uses > 0 {
            let tight = problem.with_limit_allowing(limit, uses - 1);
            reason.tighter = Some(self.tighter(&tight, uses - 1)?);
        }
        Ok(reason)
    }

    /// The plan below the largest amount of edge memory that it may not have.
    pub(super) fn less_memory(&self) -> Result<Option<Flip>, Open> {
        let Some(size) = self.plan.cost.edge_memory.0.checked_sub(1) else {
            return Ok(None);
        };
        let limits = self.problem.limits().iter().cloned();
        let limits = limits.chain([Limit::EdgeMemory(Bytes(size))]).collect();
        let best = self.solver.best(&self.problem.with_limits(limits))?;
        Ok(Some(Flip {
            of: Quantity::EdgeMemory,
            unit: Unit::Byte,
            up: false,
            at: Some(size),
            to: best.map(|best| contender(self.problem, &best.edge, &best.cost)),
        }))
    }

    /// Limits of which only several together stand in the way of a faster plan.
    pub(super) fn together(&self) -> Result<Option<Together>, Open> {
        let free = self.problem.with_limits(Vec::new());
        let Some(best) = self.solver.better(&free, self.value)? else {
            return Ok(None);
        };
        let breaks = |limit: &&Limit| {
            let alone = self.problem.with_limits(vec![(*limit).clone()]);
            alone.check(&best.edge, &best.cost).is_err()
        };
        let broken = self.problem.limits().iter().filter(breaks);
        Ok(Some(Together {
            limits: broken.map(ToString::to_string).collect(),
            costs_ms: self.saves(&best),
            without: contender(self.problem, &best.edge, &best.cost),
        }))
    }

    /// The least amount with which a faster plan exists; `free` is the fastest without the limit.
    fn looser(&self, limit: &Limit, allows: i64, free: &Optimum) -> Result<Option<Change>, Open> {
        let uses = |best: &Optimum| self.problem.used(limit, &best.edge, &best.cost);
        let most = uses(free).and_then(|uses| u64::try_from(uses - allows).ok());
        let Some(most) = most else { return Ok(None) };
        let amount = |more: u64| allows.saturating_add_unsigned(more);
        let found = nearest(
            most,
            |more| self.at_amount(limit, amount(more)),
            |best, _, there| match uses(best) {
                Some(uses) => u64::try_from(uses - allows).unwrap_or(0),
                None => there,
            },
        )?;
        Ok(found.map(|(more, best)| Change {
            at: amount(more),
            saves_ms: self.saves(&best),
            to: Some(contender(self.problem, &best.edge, &best.cost)),
        }))
    }

    fn at_amount(&self, limit: &Limit, amount: i64) -> Result<Option<Optimum>, Open> {
        let loose = self.problem.with_limit_allowing(limit, amount);
        self.solver.better(&loose, self.value)
    }

    fn tighter(&self, tight: &Problem, at: i64) -> Result<Change, Open> {
        let best = self.solver.best(tight)?;
        Ok(Change {
            at,
            saves_ms: best.as_ref().map_or(0.0, |best| self.saves(best)),
            to: best.map(|best| contender(self.problem, &best.edge, &best.cost)),
        })
    }

    /// The latency that another placement saves.
    pub(super) fn saves(&self, other: &Optimum) -> f64 {
        let pace = self.problem.pace();
        let saved = self.plan.cost.scaled(pace) - other.cost.scaled(pace);
        pace.ns(saved) / 1e6
    }

    pub(super) fn latency_ms(&self) -> f64 {
        self.plan.cost.latency_ms(self.problem.pace())
    }
}
