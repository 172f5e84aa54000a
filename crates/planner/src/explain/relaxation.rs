//! How limits that contradict one another can be relaxed at the least expense.

use super::search::{ANY_DROP, Open, Solver, nearest};
use crate::engines::Solution;
use crate::plan_writer::PlanWriter;
use crate::problem::{Limit, Problem};
use cutpoint_core::plan::{Easiest, Relaxation};

/// Parts of a whole in which limits give: a ten-thousandth of a percent.
const WHOLE: i128 = 1_000_000;
/// One point of accuracy, in millionths.
const POINT: i64 = 10_000;
/// Limits of which the easiest is named at most.
const FEW: usize = 4;

/// What a limit gives a share of: its amount, but at least one unit, or one point of accuracy.
fn scale(limit: &Limit, allows: i64) -> i128 {
    let least = match limit {
        Limit::Drop { .. } => POINT,
        _ => 1,
    };
    i128::from(allows.max(least))
}

/// The smallest share, in parts of [`WHOLE`], with which a limit allows `needs`.
pub(crate) fn share(limit: &Limit, needs: i64) -> Option<i128> {
    let allows = limit.allows()?;
    let more = i128::from(needs) - i128::from(allows);
    let scale = scale(limit, allows);
    Some(((more * WHOLE + scale - 1) / scale).max(0))
}

/// What a limit allows when it gives so much.
fn relaxed(limit: &Limit, share: u64) -> Option<i64> {
    let allows = limit.allows()?;
    let more = scale(limit, allows) * i128::from(share) / WHOLE;
    Some(i64::try_from(i128::from(allows) + more).unwrap_or(i64::MAX))
}

/// The cheapest joint relaxation: the smallest share by which all limits with amounts would have to
/// give for any placement to meet them, and those of them that have to. `conflict` is one minimal
/// set of limits that contradict one another, with the least that each must allow if it alone gives.
/// `None` when limits with amounts do not help, or one alone does.
pub(crate) fn cheapest(
    problem: &Problem,
    conflict: &[(Limit, Option<i64>)],
    solver: &Solver,
) -> Result<Option<Relaxation>, Open> {
    let amounts = problem.limits().iter();
    let giving: Vec<&Limit> = amounts.filter(|l| l.allows().is_some()).collect();
    if giving.len() < 2 {
        return Ok(None);
    }
    let Some(free) = solver.any(&without_amounts(problem, &giving))? else {
        return Ok(None);
    };
    let needed = |best: &Solution| {
        let shares = giving.iter().map(|limit| {
            let uses = problem.used(limit, &best.edge, &best.cost)?;
            u64::try_from(share(limit, uses)?).ok()
        });
        shares.collect::<Option<Vec<u64>>>()?.into_iter().max()
    };
    let Some(most) = needed(&free) else {
        return Ok(None);
    };
    let at = |share: u64| solver.any(&giving_alike(problem, &giving, share));
    let found = nearest(most, at, |best, _, there| needed(best).unwrap_or(there))?;
    let Some((share, best)) = found else {
        return Ok(None);
    };
    let (giving, best) = needed_to_give(problem, giving, (share, best), conflict, solver)?;
    if giving.len() < 2 {
        return Ok(None);
    }
    let writer = PlanWriter::new(problem);
    Ok(Some(Relaxation {
        percent: percent(i128::from(share)),
        limits: giving
            .iter()
            .map(|limit| writer.conflict(limit, problem.used(limit, &best.edge, &best.cost)))
            .collect(),
        latency_ms: best.cost.latency_ms(problem.time_per_bit()),
        easiest: easiest(conflict),
    }))
}

/// The problem with each of these limits looser by a share.
fn giving_alike(problem: &Problem, giving: &[&Limit], share: u64) -> Problem {
    let mut loose = problem.clone();
    for limit in giving {
        if let Some(amount) = relaxed(limit, share) {
            loose = loose.with_limit_allowing(limit, amount);
        }
    }
    loose
}

/// Those of the limits that have to give a share, and the best placement found when they do. Limits
/// that contradict one another give first.
fn needed_to_give<'p>(
    problem: &'p Problem,
    mut giving: Vec<&'p Limit>,
    (share, mut best): (u64, Solution),
    conflict: &[(Limit, Option<i64>)],
    solver: &Solver,
) -> Result<(Vec<&'p Limit>, Solution), Open> {
    let in_conflict = |limit: &&Limit| conflict.iter().any(|(other, _)| other == *limit);
    let (last, first): (Vec<&Limit>, Vec<&Limit>) = giving.iter().partition(|l| in_conflict(l));
    for limit in first.into_iter().chain(last) {
        let others: Vec<&Limit> = giving.iter().filter(|l| **l != limit).copied().collect();
        let uses = problem.used(limit, &best.edge, &best.cost);
        if uses > limit.allows() {
            match solver.any(&giving_alike(problem, &others, share))? {
                Some(other) => best = other,
                None => continue,
            }
        }
        giving = others;
    }
    Ok((giving, best))
}

/// The problem with limits that allow any amount.
fn without_amounts(problem: &Problem, limits: &[&Limit]) -> Problem {
    let is_drop = |limit: &&Limit| matches!(limit, Limit::Drop { .. });
    let kept = problem.limits().iter();
    let kept = kept.filter(|limit| is_drop(limit) || !limits.contains(limit));
    let rest = problem.with_limits(kept.cloned().collect());
    let drops = limits.iter().copied().filter(is_drop);
    drops.fold(rest, |rest, limit| {
        rest.with_limit_allowing(limit, ANY_DROP)
    })
}

/// The limit that gives least when it gives alone.
fn easiest(conflict: &[(Limit, Option<i64>)]) -> Option<Easiest> {
    if conflict.len() > FEW {
        return None;
    }
    let alone = conflict.iter().filter_map(|(limit, least)| {
        let share = share(limit, (*least)?)?;
        Some((share, limit))
    });
    let (least, limit) = alone.min_by_key(|(share, _)| *share)?;
    Some(Easiest {
        limit: limit.name(),
        percent: percent(least),
    })
}

fn percent(share: i128) -> f64 {
    share as f64 * 100.0 / WHOLE as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use cutpoint_core::units::Bytes;

    #[test]
    fn a_limit_gives_just_enough() {
        let drop = |allows| Limit::Drop {
            task: 0,
            name: String::new(),
            allows,
            floor: false,
        };
        for (limit, needs) in [
            (Limit::EdgeMemory(Bytes(67_108_864)), 70_000_003),
            (Limit::MaxUplink(Bytes(3)), 1_000_000),
            (drop(0), 123),
            (drop(-70), 123),
            (drop(25_000), 26_111),
        ] {
            let share = u64::try_from(share(&limit, needs).unwrap()).unwrap();
            assert!(relaxed(&limit, share).unwrap() >= needs, "{limit:?}");
            assert!(relaxed(&limit, share - 1).unwrap() < needs, "{limit:?}");
        }
        assert_eq!(share(&Limit::EdgeMemory(Bytes(5)), 4), Some(0));
    }
}
