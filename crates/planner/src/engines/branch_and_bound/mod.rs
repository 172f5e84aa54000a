//! Branch and bound: placements that cannot be better, or cannot meet the limits, are pruned.

mod bound;
mod bounds_data;
mod multipliers;

use std::rc::Rc;

use crate::engines::deadline::{Deadline, LATE};
use crate::engines::engine::{Answer, Engine, Instance, KeptSet};
use crate::engines::enumerate::dfs::{DfsState, Standing};
use crate::engines::enumerate::sums::{Rows, Wanted};
use crate::engines::enumerate::{GivenUp, Visit, each};
use crate::engines::error::SolveError;
use crate::presolve::Reduced;
use crate::problem::{Codecs, Completion, Rank};
use bound::{Bounds, Forest};
use bounds_data::{BoundsData, Line};
use cutpoint_core::graph::{LayerId, LayerSet};
use multipliers::{Climb, Counts};

/// Looks at closed placements but those that bounds exclude.
pub(crate) struct BranchAndBound;

impl Engine for BranchAndBound {
    fn name(&self) -> &'static str {
        "branch and bound"
    }

    fn accepts(&self, instance: &Instance<'_>) -> bool {
        !instance.problem.overlaps() && instance.has_kept_sets()
    }

    fn solve(&self, instance: &Instance<'_>) -> Result<Answer, SolveError> {
        let Ok(parts) = instance.kept_sets() else {
            return Ok(Answer::TooMuch(None, Vec::new()));
        };
        let options = instance.options;
        let branched = branch(parts, (options.most_placements, options.deadline));
        let best = branched.best.map(|found| {
            let best = instance.confirm(found.edge, &found.codecs);
            best.map_err(|violation| SolveError::Stopped(violation.to_string()))
        });
        let best = best.transpose()?;
        match branched.ended {
            Err(GivenUp::TooMuch) => {
                let found = best.into_iter().collect();
                return Ok(Answer::TooMuch(branched.bound, found));
            }
            Err(GivenUp::Late) => {
                let found = best.into_iter().collect();
                return Ok(Answer::Open(branched.bound, found, LATE.to_owned()));
            }
            Ok(()) => {}
        }
        let Some(best) = best else {
            return Ok(Answer::Infeasible);
        };
        let proof = match branched.placements {
            0 => "bounds exclude every other closed placement".to_owned(),
            count => format!("branch and bound, {count} closed placements looked at"),
        };
        Ok(Answer::Optimal(best, proof))
    }
}

/// What branch and bound came to.
struct Branched {
    /// The best placement found.
    best: Option<Found>,
    /// How many were looked at.
    placements: usize,
    /// Where it gave up: no placement is better.
    bound: Option<i128>,
    ended: Result<(), GivenUp>,
}

/// The best placement of the same problem with each set of tasks that the edge may keep.
fn branch(parts: &[KeptSet<'_>], (most, deadline): (usize, Deadline)) -> Branched {
    let mut all = Branched {
        best: None,
        placements: 0,
        bound: None,
        ended: Ok(()),
    };
    for (index, (reduced, done)) in parts.iter().enumerate() {
        // the bounds of a part take their time, too
        if index > 0 && deadline.is_over() {
            all.ended = Err(GivenUp::Late);
            break;
        }
        let left = (most.saturating_sub(all.placements), deadline);
        let part = branch_one(reduced, done, all.best.take(), left);
        all.best = part.best;
        all.placements += part.placements;
        if part.ended.is_err() {
            let of_best = all.best.as_ref().map(|found| found.rank.objectives[0]);
            // of the sets that are left, nothing is known
            let is_last = index + 1 == parts.len();
            all.bound = part.bound.filter(|_| is_last).map(|bound| match of_best {
                Some(best) => bound.min(best),
                None => bound,
            });
            all.ended = part.ended;
            break;
        }
    }
    all
}

/// The best placement with the tasks done there, unless `best` is better.
fn branch_one(
    reduced: &Reduced<'_>,
    done: &[Completion],
    best: Option<Found>,
    (most, deadline): (usize, Deadline),
) -> Branched {
    let wanted = Wanted::new(reduced.problem, done);
    let rows = Rc::new(Rows::new(reduced, wanted));
    let data = BoundsData::new(reduced, &rows);
    let forest = Forest::new(reduced);
    let mut state = DfsState::new(reduced);
    state.fix_rows(Rc::clone(&rows));
    let mut known = Known { best, seen: None };
    let graph = reduced.problem.graph();
    let everything = LayerSet::full(graph.layers().len());
    known.look_at(&mut state, reduced, &everything);
    // the bounds take something to be on the server
    if known
        .seen
        .as_ref()
        .is_some_and(|seen| seen.edge == everything)
    {
        known.best = known.seen.take();
    }
    let combined = |counts: &Counts| data.combined(graph, &forest.first_reader, counts);
    let ties = [
        Line::of_payload(reduced, &forest.first_reader),
        Line::of_layers(graph),
    ];
    let rows_alone = (0..data.base.len()).map(|row| combined(&vec![(row, 1)]));
    let mut bounds: Vec<Line> = ties.into_iter().chain(rows_alone).collect();
    let mut search = Search {
        bounds: Bounds::new(reduced, &forest, &bounds),
        objectives: data.objectives,
        rows_of: data.base.len(),
        whole: 0,
        rows,
        known,
    };
    if !search.promising() {
        return Branched {
            best: search.known.best,
            placements: 0,
            bound: None,
            ended: Ok(()),
        };
    }
    let (objective, limits) = search
        .known
        .multipliers(&mut state, reduced, &forest, &data);
    bounds.extend([&objective, &limits].map(combined));
    let of_objective = objective
        .iter()
        .filter(|(row, _)| *row < data.first_objective);
    search.whole = of_objective.map(|(_, count)| count).sum();
    search.bounds = Bounds::new(reduced, &forest, &bounds);
    let least = search.least();
    let looked = if search.promising() {
        each(state, (most, deadline), &mut search)
    } else {
        Ok(0)
    };
    let Known { best, seen } = search.known;
    Branched {
        // a placement that is only to be come by later is as good as one that was
        best: match looked {
            Ok(_) => best,
            Err(_) => [best, seen]
                .into_iter()
                .flatten()
                .min_by_key(|found| found.rank),
        },
        placements: looked.unwrap_or_default(),
        bound: Some(least),
        ended: looked.map(|_| ()),
    }
}

/// A placement that meets the limits.
struct Found {
    rank: Rank,
    edge: LayerSet,
    codecs: Codecs,
}

/// What is known of the best placement.
struct Known {
    /// The best that was come by in order.
    best: Option<Found>,
    /// The best that was met on the way to the bounds: it is come by later.
    seen: Option<Found>,
}

impl Known {
    /// Nothing that is worse matters.
    fn upper(&self) -> Option<Rank> {
        let known = [&self.seen, &self.best].into_iter().flatten();
        known.map(|found| found.rank).min()
    }

    /// Looks at the placement of these layers, as far as they have what they need; `state` is back
    /// where it was.
    fn look_at(&mut self, state: &mut DfsState<'_, '_>, reduced: &Reduced<'_>, edge: &LayerSet) {
        let graph = reduced.problem.graph();
        let mut added = Vec::new();
        for layer in edge.iter().filter(|l| reduced.is_free(*l)) {
            let is_new = !state.edge().contains(layer);
            if is_new && graph.producers(layer).all(|p| state.edge().contains(p)) {
                state.add(layer);
                added.push(layer);
            }
        }
        if let Standing::Best(rank, codecs) = state.standing(self.upper().as_ref()) {
            let edge = state.edge().clone();
            self.seen = Some(Found { rank, edge, codecs });
        }
        for layer in added.into_iter().rev() {
            state.remove(layer);
        }
    }

    /// How often the rows count in the bound of the objective, and in that of the limits alone.
    fn multipliers(
        &mut self,
        state: &mut DfsState<'_, '_>,
        reduced: &Reduced<'_>,
        forest: &Forest,
        data: &BoundsData,
    ) -> (Counts, Counts) {
        let climb = Climb::new(reduced, forest, data);
        let objective = match data.first_objective {
            0 => Counts::new(),
            _ => climb.for_objective(&mut |edge| {
                self.look_at(state, reduced, edge);
                self.upper().map(|rank| rank.objectives[0])
            }),
        };
        let limits = match self.upper() {
            Some(_) => Counts::new(),
            None => climb.for_limits(),
        };
        (objective, limits)
    }
}

/// The placements that are left.
struct Search<'a> {
    /// Of payload and layers, per row, then of the objective with the limits, then of the limits.
    bounds: Bounds<'a>,
    objectives: usize,
    rows_of: usize,
    /// How often the first objective counts in its bound.
    whole: i128,
    rows: Rc<Rows>,
    known: Known,
}

impl Search<'_> {
    /// What the objective is not below in any placement that can still be reached.
    fn least(&self) -> i128 {
        let (_, now) = self.bounds.now().split_at(2);
        let (singles, both) = now.split_at(self.rows_of);
        let single = self.rows.objectives(&singles[..self.objectives])[0];
        match both.first() {
            Some(bound) if self.whole > 0 => single.max(-(-bound).div_euclid(self.whole)),
            _ => single,
        }
    }
}

impl<'a, 'p> Visit<'a, 'p> for Search<'_> {
    fn look(&mut self, state: &mut DfsState<'a, 'p>) -> Option<()> {
        let best = self.known.best.as_ref().map(|found| found.rank);
        match state.standing(best.as_ref()) {
            Standing::Best(rank, codecs) => {
                let edge = state.edge().clone();
                self.known.best = Some(Found { rank, edge, codecs });
            }
            Standing::NotBest => {}
            Standing::TooManyChoices => return None,
        }
        Some(())
    }

    fn added(&mut self, layer: LayerId, opened: &[LayerId]) {
        self.bounds.added(layer, opened, 1);
    }

    fn removed(&mut self, layer: LayerId, opened: &[LayerId]) {
        self.bounds.added(layer, opened, -1);
    }

    fn passed(&mut self, layer: LayerId, edge: &LayerSet) {
        self.bounds.passed(layer, edge);
    }

    fn not_passed(&mut self, layer: LayerId, edge: &LayerSet) {
        self.bounds.not_passed(layer, edge);
    }

    fn promising(&self) -> bool {
        let (ties, now) = self.bounds.now().split_at(2);
        let (singles, both) = now.split_at(self.rows_of);
        let (objectives, limits) = singles.split_at(self.objectives);
        // without multipliers there are none of both yet
        let of_limits = limits.iter().chain(both.get(1));
        if of_limits.into_iter().any(|beyond| *beyond > 0) {
            return false;
        }
        let at_least = Rank {
            objectives: self.rows.objectives(objectives),
            payload: u64::try_from(ties[0]).unwrap_or(0),
            edge_layers: usize::try_from(ties[1]).unwrap_or(0),
        };
        let with_limits = |upper: Rank| {
            let mut bounds = both.first().into_iter();
            bounds.all(|bound| *bound <= self.whole * upper.objectives[0])
        };
        let (best, seen) = (&self.known.best, &self.known.seen);
        best.as_ref().is_none_or(|best| at_least < best.rank)
            && seen.as_ref().is_none_or(|seen| at_least <= seen.rank)
            && self.known.upper().is_none_or(with_limits)
    }
}
