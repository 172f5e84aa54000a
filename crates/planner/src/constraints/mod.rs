//! What a plan must respect: limits, and those of them that are sums.

mod knapsack;
mod knapsacks;
pub(crate) mod limit;
mod resolve;
mod violation;

use crate::cost::completion::Completion;
use crate::cost::error::ProblemError;
use crate::cost::model::CostModel;
use crate::cost::parts::{LinearCost, Part, repeat_delays};
use crate::cost::placement::{Codecs, Cost};
use crate::cost::power::{MicroWatts, busy, energy, idle_uw};
use crate::cost::time_per_bit::TimePerBit;
use crate::cost::times::Encoding;
use crate::scenario::{AccuracyLimits, FrameRate, Scenario};
use cutpoint_core::codec::Codec;
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_core::units::Bytes;
use limit::amount;

pub use knapsack::{Counts, Knapsack};
pub use limit::Limit;
pub use violation::Violation;

/// A cost model and the time per bit at which limits hold.
pub(crate) type Rated<'a> = (&'a CostModel, TimePerBit);

/// The limits on a plan.
#[derive(Debug, Clone)]
pub(crate) struct Constraints {
    /// In the order of the scenario.
    pub(crate) limits: Vec<Limit>,
    /// The limits that are sums of what layers and encodings use.
    pub(crate) knapsacks: Vec<Knapsack>,
    /// How often a delay counts.
    pub(crate) delays: i64,
}

impl Constraints {
    /// The limits of a scenario.
    ///
    /// # Errors
    /// Names that the model does not have; limits that cannot be held against anything.
    pub(crate) fn of(model: &CostModel, scenario: &Scenario) -> Result<Constraints, ProblemError> {
        let limits = resolve::resolve(&model.tables, scenario)?;
        Ok(Constraints {
            knapsacks: knapsacks::knapsacks(&model.tables, &limits),
            limits,
            delays: 1,
        })
    }

    /// The same with other limits.
    pub(crate) fn replaced(&self, model: &CostModel, limits: Vec<Limit>) -> Constraints {
        Constraints {
            knapsacks: knapsacks::knapsacks(&model.tables, &limits),
            limits,
            delays: self.delays,
        }
    }

    /// The same with some of the limits, or with limits besides that are no sums.
    pub(crate) fn only(&self, limits: Vec<Limit>) -> Constraints {
        let is_kept = |knapsack: &&Knapsack| limits.contains(&knapsack.limit);
        Constraints {
            knapsacks: self.knapsacks.iter().filter(is_kept).cloned().collect(),
            limits,
            delays: self.delays,
        }
    }

    /// The limits but one.
    pub(crate) fn without(&self, limit: &Limit) -> Vec<Limit> {
        let others = self.limits.iter().filter(|other| *other != limit);
        others.cloned().collect()
    }

    /// The same with another amount for one of the limits, in the unit of [`Limit::allows`].
    pub(crate) fn relaxed(&self, model: &CostModel, limit: &Limit, amount: i64) -> Constraints {
        let mut limits = self.limits.clone();
        for own in limits.iter_mut().filter(|own| *own == limit) {
            *own = limit.allowing(amount);
        }
        self.replaced(model, limits)
    }

    /// The same with the drop of every task limited to `worst` millionths, instead of the limits on
    /// accuracy.
    pub(crate) fn with_drops_up_to(&self, model: &CostModel, worst: i64) -> Constraints {
        let drops = model
            .tasks()
            .iter()
            .enumerate()
            .map(|(task, named)| Limit::Drop {
                task,
                name: named.name.clone(),
                allows: worst,
                floor: false,
            });
        let others = self.limits.iter().filter(|limit| !limit.is_drop()).cloned();
        self.replaced(model, others.chain(drops).collect())
    }

    /// The same with other limits on accuracy.
    ///
    /// # Errors
    /// Limits on accuracy that cannot be held against anything.
    pub(crate) fn with_accuracy(
        &self,
        model: &CostModel,
        accuracy: &AccuracyLimits,
    ) -> Result<Constraints, ProblemError> {
        let others = self.limits.iter().filter(|limit| !limit.is_drop()).cloned();
        let mut limits: Vec<Limit> = others.collect();
        limits.extend(resolve::drops(&model.tables, accuracy)?);
        Ok(self.replaced(model, limits))
    }

    /// The same with limits that speak of a frame rate at another one.
    pub(crate) fn with_frame_rate(&self, rate: FrameRate) -> Constraints {
        let mut limits = self.limits.clone();
        for limit in &mut limits {
            match limit {
                Limit::Fps(period_ns)
                | Limit::LinkShare { period_ns, .. }
                | Limit::MaxPower { period_ns, .. } => *period_ns = rate.period_ns(),
                _ => {}
            }
        }
        self.only(limits)
    }

    /// The same with more sums limited.
    pub(crate) fn with_knapsacks(&self, more: &[Knapsack]) -> Constraints {
        let mut constraints = self.clone();
        constraints.knapsacks.extend_from_slice(more);
        constraints
    }

    /// The layers that the limits pin: those kept on the edge, those kept on the server.
    pub(crate) fn pins(&self, model: &CostModel) -> (LayerSet, LayerSet) {
        let layers = model.graph().layers().len();
        let mut pins = (LayerSet::empty(layers), LayerSet::empty(layers));
        for limit in &self.limits {
            match limit {
                Limit::KeepOnEdge(layers, _) => layers.iter().for_each(|l| pins.0.insert(*l)),
                Limit::KeepOnServer(layers, _) => layers.iter().for_each(|l| pins.1.insert(*l)),
                _ => {}
            }
        }
        pins
    }

    /// The encodings in which the limits let a tensor cross; none when it may not cross.
    pub(crate) fn encodings<'m>(&self, model: &'m CostModel, tensor: TensorId) -> &'m [Encoding] {
        let time = model.tensor(tensor);
        let raw = !time.local && model.graph().producer(tensor).is_none();
        let active = |limit: &Limit| self.limits.contains(limit);
        let too_shallow = |limit: &Limit| match limit {
            Limit::MinDepth(least) => model.depth(tensor) < *least,
            _ => false,
        };
        if raw && active(&Limit::RawStays) || self.limits.iter().any(too_shallow) {
            &[]
        } else if active(&Limit::Codecs) {
            &time.encodings[time.unasked..]
        } else {
            &time.encodings
        }
    }

    /// The limit on the memory of the edge half.
    pub(crate) fn edge_memory_limit(&self) -> Option<Bytes> {
        self.limits.iter().find_map(|limit| match limit {
            Limit::EdgeMemory(bytes) => Some(*bytes),
            _ => None,
        })
    }

    /// The limit on the memory of the server half.
    pub(crate) fn server_memory_limit(&self) -> Option<Bytes> {
        self.limits.iter().find_map(|limit| match limit {
            Limit::ServerMemory(bytes) => Some(*bytes),
            _ => None,
        })
    }

    /// Whether any limit allows more at a faster rate.
    pub(crate) fn depends_on_rate(&self) -> bool {
        let limit = |limit: &Limit| {
            matches!(
                limit,
                Limit::Deadline { .. }
                    | Limit::Fps(_)
                    | Limit::LinkShare { .. }
                    | Limit::MaxEnergy(_)
                    | Limit::MaxPower { .. }
            )
        };
        self.limits.iter().any(limit)
    }

    /// Sums none of which may exceed what a limit allows; empty for limits that are no sums of
    /// times and bytes.
    pub(crate) fn sums(
        &self,
        model: &CostModel,
        limit: &Limit,
        done: &[Completion],
    ) -> Vec<LinearCost> {
        let sums = match limit {
            Limit::MaxUplink(_) => vec![LinearCost::of_uplink_bytes()],
            Limit::MaxDownlink(_) => vec![LinearCost::of_downlink_bytes()],
            Limit::MaxMessage(_) => vec![
                LinearCost::of_uplink_bytes(),
                LinearCost::of_downlink_bytes(),
            ],
            Limit::Deadline { task, .. } => vec![done[*task].time()],
            Limit::Fps(_) => busy(),
            Limit::LinkShare { .. } => vec![
                LinearCost::of(&[Part::Uplink]),
                LinearCost::of(&[Part::Downlink]),
            ],
            Limit::MaxEnergy(_) => energy(model, done),
            Limit::MaxPower { .. } => {
                let power = model.tables.power.map(MicroWatts::new);
                power.iter().map(|power| power.beyond_idle()).collect()
            }
            _ => Vec::new(),
        };
        repeat_delays(sums, self.delays)
    }

    /// What the sums of a limit may come to, in their unit.
    pub(crate) fn room(&self, (model, time_per_bit): Rated<'_>, limit: &Limit) -> Option<i128> {
        let ns = |ns: u64| Some(time_per_bit.scaled_signed(i128::from(ns), 0));
        let bytes = |bytes: cutpoint_core::units::Bytes| Some(i128::from(bytes.0));
        match limit {
            Limit::MaxUplink(most) | Limit::MaxDownlink(most) | Limit::MaxMessage(most) => {
                bytes(*most)
            }
            Limit::Deadline { allows_ns, .. } => ns(*allows_ns),
            Limit::Fps(period_ns) => ns(*period_ns),
            Limit::LinkShare { share, period_ns } => {
                let part = i128::from(*period_ns) * i128::from(share.0);
                Some(time_per_bit.scaled_signed(part, 0).div_euclid(1_000_000))
            }
            // nanojoules are a million femtojoules
            Limit::MaxEnergy(most) => {
                Some(time_per_bit.scaled_signed(i128::from(most.0) * 1_000_000, 0))
            }
            Limit::MaxPower { most, period_ns } => {
                let spare = i128::from(most.0) - i128::from(idle_uw(model));
                let spare = spare * i128::from(*period_ns);
                Some(time_per_bit.scaled_signed(spare, 0))
            }
            _ => None,
        }
    }

    /// How much a placement uses of what a limit limits, in the unit of [`Limit::allows`], rounded
    /// up; `None` when that is unknown, or for limits without an amount.
    pub(crate) fn used(
        &self,
        (model, time_per_bit): Rated<'_>,
        limit: &Limit,
        edge: &LayerSet,
        cost: &Cost,
    ) -> Option<i64> {
        let sums = || {
            let sums = self.sums(model, limit, &cost.timing.done);
            cost.largest(&sums, time_per_bit)
        };
        let used = match limit {
            Limit::EdgeMemory(_) => amount(cost.edge_memory),
            Limit::ServerMemory(_) => amount(cost.server_memory),
            Limit::Drop { task, .. } => model.drop(*task, edge, &cost.crossing)?.worst,
            Limit::Capacity { name, .. } => capacity_used(model, name, edge),
            Limit::MaxUplink(_) | Limit::MaxDownlink(_) | Limit::MaxMessage(_) => whole(sums()),
            Limit::Deadline { .. } | Limit::Fps(_) => whole(time_per_bit.ns_up(sums())),
            Limit::LinkShare { period_ns, .. } => whole(
                time_per_bit
                    .ns_up(sums() * 1_000_000)
                    .saturating_add(i128::from(*period_ns) - 1)
                    / i128::from((*period_ns).max(1)),
            ),
            // a million femtojoules to the nanojoule
            Limit::MaxEnergy(_) => whole((time_per_bit.ns_up(sums()) + 999_999) / 1_000_000),
            Limit::MaxPower { period_ns, .. } => {
                let period = i128::from((*period_ns).max(1));
                let beyond = (time_per_bit.ns_up(sums()) + period - 1) / period;
                whole(beyond + i128::from(idle_uw(model)))
            }
            Limit::KeepOnEdge(..)
            | Limit::KeepOnServer(..)
            | Limit::RawStays
            | Limit::MinDepth(_)
            | Limit::Codecs => return None,
        };
        Some(used)
    }

    /// Whether the limits allow a placement with this cost.
    ///
    /// # Errors
    /// The first limit it breaks.
    pub(crate) fn check(
        &self,
        rated: Rated<'_>,
        edge: &LayerSet,
        cost: &Cost,
    ) -> Result<(), Violation> {
        let (model, _) = rated;
        let holds = |limit: &Limit, holds: bool| {
            if holds {
                Ok(())
            } else {
                Err(Violation::Breaks(limit.clone()))
            }
        };
        for limit in &self.limits {
            match limit {
                Limit::KeepOnEdge(layers, _) => {
                    holds(limit, layers.iter().all(|layer| edge.contains(*layer)))?;
                }
                Limit::KeepOnServer(layers, _) => {
                    holds(limit, !layers.iter().any(|layer| edge.contains(*layer)))?;
                }
                Limit::RawStays => {
                    let raw = |(t, _): &(TensorId, _)| model.graph().producer(*t).is_none();
                    holds(limit, !cost.crossing.iter().any(raw))?;
                }
                Limit::MinDepth(least) => {
                    let shallow = |(t, _): &(TensorId, _)| model.depth(*t) < *least;
                    holds(limit, !cost.crossing.iter().any(shallow))?;
                }
                Limit::Codecs => {
                    let barred = |(t, codec): &(TensorId, Codec)| {
                        let time = model.tensor(*t);
                        time.encodings[..time.unasked]
                            .iter()
                            .any(|w| w.codec == *codec)
                    };
                    holds(limit, !cost.crossing.iter().any(barred))?;
                }
                _ => self.check_amount(rated, limit, edge, cost)?,
            }
        }
        Ok(())
    }

    fn check_amount(
        &self,
        rated: Rated<'_>,
        limit: &Limit,
        edge: &LayerSet,
        cost: &Cost,
    ) -> Result<(), Violation> {
        let needs = self.used(rated, limit, edge, cost);
        let needs = needs.ok_or_else(|| Violation::Unmeasured(limit.clone()))?;
        match limit.allows() {
            Some(allows) if needs > allows => Err(Violation::Exceeds {
                limit: limit.clone(),
                needs,
                allows,
            }),
            _ => Ok(()),
        }
    }

    /// What was measured together and costs a task more than `drop` millionths, each to be ruled
    /// out; empty for limits of another kind.
    pub(crate) fn parts_worse_than(model: &CostModel, limit: &Limit, drop: i64) -> Vec<Knapsack> {
        match (&model.tables.accuracy, limit) {
            (Some(accuracy), Limit::Drop { task, .. }) => {
                let mut all = knapsacks::of_drops(accuracy, &model.tables, limit, *task, drop);
                all.split_off(1)
            }
            _ => Vec::new(),
        }
    }

    /// How many placements were measured as a whole and miss a limit on accuracy.
    pub(crate) fn missed_as_a_whole(&self, model: &CostModel) -> usize {
        let joints = model.tables.accuracy.iter().flat_map(|a| &a.joints);
        let misses = |limit: &Limit, drops: &[Option<crate::cost::accuracy::Drop>]| match limit {
            Limit::Drop { task, allows, .. } => {
                drops[*task].is_some_and(|drop| drop.worst > *allows)
            }
            _ => false,
        };
        let missed =
            joints.filter(|joint| self.limits.iter().any(|limit| misses(limit, &joint.drops)));
        missed.count()
    }

    /// The placements whose crossing tensors were measured together, each in every encoding that
    /// decodes to the same values. They may meet a limit that the sum of single drops breaks.
    pub(crate) fn measured_together(&self, model: &CostModel) -> Vec<(LayerSet, Codecs)> {
        let joints = model.tables.accuracy.iter().flat_map(|a| &a.joints);
        let mut found = Vec::new();
        for joint in joints {
            let mut choices: Vec<Codecs> = vec![Vec::new()];
            for (tensor, codec) in &joint.codecs {
                let encodings = self
                    .encodings(model, *tensor)
                    .iter()
                    .map(|encoding| encoding.codec);
                let same: Vec<Codec> = encodings.filter(|c| c.same_values(*codec)).collect();
                let longer = |choice: &Codecs| {
                    let add = |c: &Codec| [choice.as_slice(), &[(*tensor, *c)]].concat();
                    same.iter().map(add).collect::<Vec<_>>()
                };
                choices = choices.iter().flat_map(longer).collect();
            }
            found.extend(
                choices
                    .into_iter()
                    .map(|codecs| (joint.edge.clone(), codecs)),
            );
        }
        found
    }
}

/// An amount as a whole number of its unit, at most the largest there is.
fn whole(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// What the layers on the edge use of a named capacity.
fn capacity_used(model: &CostModel, name: &str, edge: &LayerSet) -> i64 {
    let Some(uses) = model.tables.uses.get(name) else {
        return 0;
    };
    edge.iter().map(|layer| uses[layer.index()]).sum()
}
