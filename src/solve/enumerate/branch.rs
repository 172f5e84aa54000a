//! Branch and bound: placements that cannot be better, or cannot meet the limits, are passed over.

use std::rc::Rc;

use super::bound::{Bounds, Forest};
use super::lines::Lines;
use super::multipliers::{Climb, Counts};
use super::rows::Rows;
use super::walk::{Standing, Walk};
use super::{Enumerated, Visit, each};
use crate::graph::{LayerId, LayerSet};
use crate::problem::{Codecs, Done, Rank};
use crate::solve::reduce::Reduced;

/// As [`super::enumerate`], for the same problem with each set of tasks that the edge may keep;
/// `None` when more than `most` placements are left to look at.
pub(in crate::solve) fn branch(
    parts: &[(Reduced<'_>, Vec<Done>)],
    most: usize,
) -> Option<Enumerated> {
    let mut best: Option<Found> = None;
    let mut placements = 0;
    for (reduced, done) in parts {
        let rows = Rc::new(Rows::new(reduced, done));
        let lines = Lines::new(reduced, &rows);
        let forest = Forest::new(reduced);
        let mut walk = Walk::new(reduced);
        walk.fix_rows(Rc::clone(&rows));
        let mut known = Known { best, seen: None };
        let everything = LayerSet::full(reduced.problem.graph().layers().len());
        known.look_at(&mut walk, reduced, &everything);
        // the bounds take something to be on the server
        if known
            .seen
            .as_ref()
            .is_some_and(|seen| seen.edge == everything)
        {
            known.best = known.seen.take();
        }
        let (aim, limits) = known.multipliers(&mut walk, reduced, &forest, &lines);
        let graph = reduced.problem.graph();
        let rows_of = 0..lines.base.len();
        let single = |row| lines.combined(graph, &forest.first_reader, &[(row, 1)]);
        let mut all: Vec<_> = rows_of.map(single).collect();
        for counts in [&aim, &limits] {
            all.push(lines.combined(graph, &forest.first_reader, counts));
        }
        let of_aim = aim.iter().filter(|(row, _)| *row < lines.first_aim);
        let mut search = Search {
            bounds: Bounds::new(reduced, &forest, &all),
            aims: lines.aims,
            rows_of: lines.base.len(),
            whole: of_aim.map(|(_, count)| count).sum(),
            rows,
            known,
        };
        if search.promising() {
            placements += each(walk, most.checked_sub(placements)?, &mut search)?;
        }
        best = search.known.best;
    }
    Some(Enumerated {
        best: best.map(|found| (found.edge, found.codecs)),
        placements,
        bounded: true,
    })
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

    /// Looks at the placement of these layers, as far as they have what they need; `walk` is back
    /// where it was.
    fn look_at(&mut self, walk: &mut Walk<'_, '_>, reduced: &Reduced<'_>, edge: &LayerSet) {
        let graph = reduced.problem.graph();
        let mut added = Vec::new();
        for layer in edge.iter().filter(|l| reduced.is_free(*l)) {
            if graph.producers(layer).all(|p| walk.edge().contains(p)) {
                walk.add(layer);
                added.push(layer);
            }
        }
        if let Standing::Best(rank, codecs) = walk.standing(self.upper().as_ref()) {
            let edge = walk.edge().clone();
            self.seen = Some(Found { rank, edge, codecs });
        }
        for layer in added.into_iter().rev() {
            walk.remove(layer);
        }
    }

    /// How often the rows count in the bound of the aim, and in that of the limits alone.
    fn multipliers(
        &mut self,
        walk: &mut Walk<'_, '_>,
        reduced: &Reduced<'_>,
        forest: &Forest,
        lines: &Lines,
    ) -> (Counts, Counts) {
        let climb = Climb::new(reduced, forest, lines);
        let aim = match lines.first_aim {
            0 => Counts::new(),
            _ => climb.for_aim(&mut |edge| {
                self.look_at(walk, reduced, edge);
                self.upper().map(|rank| rank.aims[0])
            }),
        };
        let limits = match self.upper() {
            Some(_) => Counts::new(),
            None => climb.for_limits(),
        };
        (aim, limits)
    }
}

/// The placements that are left.
struct Search<'a> {
    /// Per row, then of the aim with the limits, then of the limits.
    bounds: Bounds<'a>,
    aims: usize,
    rows_of: usize,
    /// How often the first aim counts in its bound.
    whole: i128,
    rows: Rc<Rows>,
    known: Known,
}

impl<'a, 'p> Visit<'a, 'p> for Search<'_> {
    fn look(&mut self, walk: &mut Walk<'a, 'p>) -> Option<()> {
        let best = self.known.best.as_ref().map(|found| found.rank);
        match walk.standing(best.as_ref()) {
            Standing::Best(rank, codecs) => {
                let edge = walk.edge().clone();
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
        let now = self.bounds.now();
        let (singles, both) = now.split_at(self.rows_of);
        if singles[self.aims..].iter().any(|beyond| *beyond > 0) || both[1] > 0 {
            return false;
        }
        self.known.upper().is_none_or(|upper| {
            self.rows.aims(&singles[..self.aims]) <= upper.aims
                && both[0] <= self.whole * upper.aims[0]
        })
    }
}
