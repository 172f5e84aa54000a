//! The fastest choice of codecs within the budgets.

use crate::problem::Pace;
use crate::solve::reduce::{Choice, way_scaled};

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

/// A tensor that crosses: its ways, fastest first, and which budgets it counts for.
pub(super) struct Sent<'a> {
    pub(super) ways: &'a [Choice],
    pub(super) counts: Vec<bool>,
}

impl Sent<'_> {
    /// What a way uses of each budget.
    fn uses(&self, choice: &Choice) -> Vec<i64> {
        let pairs = choice.uses.iter().zip(&self.counts);
        pairs
            .map(|(uses, counts)| if *counts { *uses } else { 0 })
            .collect()
    }
}

/// The fastest choice, and among those the smallest, that uses at most `room` of each budget.
pub(super) fn fastest_within(
    sent: &[Sent<'_>],
    pace: Pace,
    room: &[i64],
) -> Result<Option<Chosen>, TooMany> {
    let tensors: Vec<Tensor> = sent.iter().map(|sent| Tensor::new(sent, pace)).collect();
    let mut search = Search {
        rests: rests(&tensors, room.len()),
        tensors,
        best: None,
        picks: Vec::new(),
        steps: 0,
    };
    search.descend(0, 0, room.to_vec());
    if search.steps > MOST_STEPS {
        return Err(TooMany);
    }
    Ok(search.best)
}

/// The ways of a tensor: time, payload and uses of each.
struct Tensor(Vec<(i128, u64, Vec<i64>)>);

/// The least that the tensors from one on take, each in the way that suits.
#[derive(Clone)]
struct Rest {
    scaled: i128,
    payload: u64,
    uses: Vec<i64>,
}

impl Tensor {
    fn new(sent: &Sent<'_>, pace: Pace) -> Tensor {
        let way = |choice: &Choice| {
            let scaled = way_scaled(&choice.way, pace);
            (scaled, choice.way.payload.0, sent.uses(choice))
        };
        Tensor(sent.ways.iter().map(way).collect())
    }
}

fn rests(tensors: &[Tensor], budgets: usize) -> Vec<Rest> {
    let mut rest = Rest {
        scaled: 0,
        payload: 0,
        uses: vec![0; budgets],
    };
    let mut rests = vec![rest.clone()];
    for Tensor(ways) in tensors.iter().rev() {
        rest.scaled += ways.iter().map(|way| way.0).min().unwrap_or(0);
        rest.payload += ways.iter().map(|way| way.1).min().unwrap_or(0);
        for (index, total) in rest.uses.iter_mut().enumerate() {
            *total += ways.iter().map(|way| way.2[index]).min().unwrap_or(0);
        }
        rests.push(rest.clone());
    }
    rests.reverse();
    rests
}

struct Search {
    tensors: Vec<Tensor>,
    rests: Vec<Rest>,
    best: Option<Chosen>,
    picks: Vec<usize>,
    steps: usize,
}

impl Search {
    /// Chooses for the tensors after those that have a pick, depth first; `room` is left.
    fn descend(&mut self, scaled: i128, payload: u64, room: Vec<i64>) {
        self.steps += 1;
        let next = self.picks.len();
        let rest = &self.rests[next];
        let bound = (scaled + rest.scaled, payload + rest.payload);
        let best = self.best.as_ref().map(|best| (best.scaled, best.payload));
        let full = rest.uses.iter().zip(&room).any(|(uses, room)| uses > room);
        let hopeless = full || best.is_some_and(|best| bound >= best);
        if hopeless || self.steps > MOST_STEPS {
            return;
        }
        if next == self.tensors.len() {
            self.best = Some(Chosen {
                scaled,
                payload,
                picks: self.picks.clone(),
            });
            return;
        }
        for index in 0..self.tensors[next].0.len() {
            let (way_scaled, way_payload, uses) = &self.tensors[next].0[index];
            let left = room
                .iter()
                .zip(uses)
                .map(|(room, uses)| room - uses)
                .collect();
            let (scaled, payload) = (scaled + way_scaled, payload + way_payload);
            self.picks.push(index);
            self.descend(scaled, payload, left);
            self.picks.pop();
        }
    }
}
