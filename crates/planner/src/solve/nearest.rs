//! The placements whose predicted objective lies near the best.

use crate::engines::enumerate::{nearby, within};
use crate::engines::{EngineChoice, Options, SolveError, solve_at};
use crate::presolve;
use crate::problem::{Cost, Limit, Problem, Rank};
use cutpoint_core::graph::LayerSet;

/// A placement near the best.
#[derive(Debug, Clone)]
pub struct Near {
    /// Layers on the edge.
    pub edge: LayerSet,
    /// What that costs in its best codecs.
    pub cost: Cost,
    /// At the link's rate.
    pub rank: Rank,
}

/// Placements near the best.
#[derive(Debug, Clone)]
pub struct Nearest {
    /// Best first.
    pub placements: Vec<Near>,
    /// There is no other one that near: all closed placements were looked at, and none was left
    /// out.
    pub complete: bool,
}

impl Nearest {
    /// No placement meets the limits.
    fn none() -> Nearest {
        Nearest {
            placements: Vec::new(),
            complete: true,
        }
    }
}

/// The placements that meet the limits and whose objective is at most `factor` times the least,
/// each in its best codecs, best first, `most` at most. Where there are too many closed placements
/// to look at each, those that moving single layers around the best cut leads to.
///
/// # Errors
/// [`SolveError::Stopped`].
pub fn nearest(
    problem: &Problem,
    factor: f64,
    most: usize,
    options: &Options,
) -> Result<Nearest, SolveError> {
    let Ok(reduced) = presolve::reduce(problem, problem.time_per_bit()) else {
        return Ok(Nearest::none());
    };
    // one more than asked for tells whether there are more
    let options = &options.started();
    let placements = options.most_placements;
    if let Some(found) = nearby(&reduced, placements, most + 1, factor, options.deadline) {
        let near = |(edge, codecs): (LayerSet, _)| near(problem, edge, codecs);
        let mut placements: Vec<Near> = found.into_iter().filter_map(near).collect();
        let complete = placements.len() <= most;
        placements.truncate(most);
        return Ok(Nearest {
            placements,
            complete,
        });
    }
    around_the_best(problem, factor, most, options)
}

fn near(problem: &Problem, edge: LayerSet, codecs: crate::problem::Codecs) -> Option<Near> {
    let cost = problem.evaluate(&edge, &codecs).ok()?;
    let rank = problem.rank(&edge, &cost, problem.time_per_bit());
    Some(Near { edge, cost, rank })
}

/// The best placement, and the best ones with one layer at its cut on the other side.
fn around_the_best(
    problem: &Problem,
    factor: f64,
    most: usize,
    options: &Options,
) -> Result<Nearest, SolveError> {
    let Some(best) = solve_at(problem, problem.time_per_bit(), options)? else {
        return Ok(Nearest::none());
    };
    let options = Options {
        engine: EngineChoice::Linear,
        ..*options
    };
    let graph = problem.graph();
    let mut pins = Vec::new();
    for (tensor, _) in &best.cost.crossing {
        let readers = graph.consumers(*tensor).iter();
        let there = readers.filter(|layer| !best.edge.contains(**layer));
        pins.extend(there.map(|layer| Limit::KeepOnEdge(vec![*layer], String::new())));
        let maker = graph.producer(*tensor);
        pins.extend(maker.map(|layer| Limit::KeepOnServer(vec![layer], String::new())));
    }
    let mut placements = vec![Near {
        edge: best.edge,
        cost: best.cost,
        rank: best.rank,
    }];
    for pin in pins {
        let limits = [problem.limits(), &[pin]].concat();
        let pinned = problem.with_limits(limits);
        let found = solve_at(&pinned, problem.time_per_bit(), &options);
        if let Ok(Some(other)) = found {
            placements.push(Near {
                edge: other.edge,
                cost: other.cost,
                rank: other.rank,
            });
        }
    }
    placements.sort_by_key(|near| near.rank);
    placements.dedup_by(|a, b| a.edge == b.edge);
    let least = placements.first().map_or(0, |near| near.rank.objectives[0]);
    placements.retain(|near| near.rank.objectives[0] <= within(least, factor));
    placements.truncate(most);
    Ok(Nearest {
        placements,
        complete: false,
    })
}
