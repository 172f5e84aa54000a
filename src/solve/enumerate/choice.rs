//! The fastest choice of codecs within a limit on the payload.

use crate::problem::{Pace, Way};
use crate::solve::reduce::way_scaled;

/// One way per tensor.
pub(super) struct Chosen {
    /// Time of all ways, in the unit of [`Pace::scaled`].
    pub(super) scaled: i128,
    pub(super) payload: u64,
    /// Position among each tensor's ways.
    pub(super) picks: Vec<usize>,
}

/// There are too many choices to look at.
pub(super) struct TooMany;

/// Most steps of one search.
const MOST_STEPS: usize = 100_000;

/// The fastest choice, and among those the smallest, with a payload of at most `limit`; each
/// tensor's ways come fastest first and smallest last.
pub(super) fn fastest_within(
    ways: &[&[Way]],
    pace: Pace,
    limit: u64,
) -> Result<Option<Chosen>, TooMany> {
    let mut search = Search {
        ways,
        pace,
        limit,
        best: None,
        picks: Vec::new(),
        steps: 0,
    };
    search.descend(0, 0);
    if search.steps > MOST_STEPS {
        return Err(TooMany);
    }
    Ok(search.best)
}

struct Search<'a> {
    ways: &'a [&'a [Way]],
    pace: Pace,
    limit: u64,
    best: Option<Chosen>,
    picks: Vec<usize>,
    steps: usize,
}

impl Search<'_> {
    /// Chooses for the tensors after those that have a pick, depth first.
    fn descend(&mut self, scaled: i128, payload: u64) {
        self.steps += 1;
        // the rest takes at least its fastest and its smallest ways
        let rest = &self.ways[self.picks.len()..];
        let fastest: i128 = rest.iter().map(|w| way_scaled(&w[0], self.pace)).sum();
        let smallest: u64 = rest.iter().map(|w| w[w.len() - 1].payload.0).sum();
        let bound = (scaled + fastest, payload + smallest);
        let best = self.best.as_ref().map(|best| (best.scaled, best.payload));
        let hopeless = bound.1 > self.limit || best.is_some_and(|best| bound >= best);
        if hopeless || self.steps > MOST_STEPS {
            return;
        }
        let Some(ways) = rest.first() else {
            self.best = Some(Chosen {
                scaled,
                payload,
                picks: self.picks.clone(),
            });
            return;
        };
        for (index, way) in ways.iter().enumerate() {
            self.picks.push(index);
            self.descend(scaled + way_scaled(way, self.pace), payload + way.payload.0);
            self.picks.pop();
        }
    }
}
