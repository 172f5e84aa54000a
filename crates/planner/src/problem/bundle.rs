//! The bundle that engines solve.

use std::sync::Arc;

use crate::constraints::{Constraints, Limit, Rated, Violation};
use crate::cost::completion::Timing;
use crate::cost::error::ProblemError;
use crate::cost::model::CostModel;
use crate::cost::percentile::Spreads;
use crate::cost::placement::{Codecs, Cost, Misplaced, Rank};
use crate::cost::tables::Tables;
use crate::cost::time_per_bit::TimePerBit;
use crate::cost::times::Encoding;
use crate::cost::uncertainty::Uncertainty;
use crate::objective::Objectives;
use crate::scenario::{Scenario, Schedule};
use crate::schedule::Orders;
use crate::server::Server;
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::graph::{Graph, LayerSet, TensorId};
use cutpoint_core::link::Link;
use cutpoint_core::profile::Profile;
use cutpoint_core::task::Task;
use cutpoint_core::units::{BitRate, Delay};

/// What every placement costs, which are allowed, and what they are compared by.
#[derive(Debug, Clone)]
pub struct Problem {
    pub(crate) model: CostModel,
    pub(crate) constraints: Constraints,
    pub(crate) objectives: Objectives,
    pub(crate) schedule: Schedule,
    pub(crate) link: Link,
    pub(crate) uncertainty: Option<Arc<Uncertainty>>,
}

impl Problem {
    /// Brings a model, two machines and a scenario together.
    ///
    /// # Errors
    /// A server of another model, names the model does not have, codecs without times.
    pub fn new(
        edge: &Profile,
        server: &Server,
        scenario: &Scenario,
    ) -> Result<Problem, ProblemError> {
        Problem::with_accuracy(edge, server, scenario, None)
    }

    /// As [`Problem::new`], with what encodings cost in accuracy.
    ///
    /// # Errors
    /// As [`Problem::new`], and an accuracy file of another model, or limits on accuracy without
    /// one.
    pub fn with_accuracy(
        edge: &Profile,
        server: &Server,
        scenario: &Scenario,
        accuracy: Option<&CodecAccuracy>,
    ) -> Result<Problem, ProblemError> {
        let mut tables = Tables::new(edge, server, scenario, accuracy)?;
        let spreads = Spreads::of(edge, server);
        if scenario.percentile.is_some() || scenario.rate_model.is_some() {
            tables.notes.extend(spreads.note());
        }
        let mut tables = Arc::new(tables);
        let uncertainty = Uncertainty::of(&tables, spreads, scenario).map(Arc::new);
        if let Some(percentile) = scenario.percentile {
            tables = Arc::new(tables.at(percentile, spreads)?);
        }
        let model = CostModel {
            tables,
            delay_ns: scenario.link.delay.ns(),
        };
        Ok(Problem {
            constraints: Constraints::of(&model, scenario)?,
            objectives: Objectives::of(scenario),
            schedule: scenario.schedule,
            link: scenario.link,
            model,
            uncertainty,
        })
    }

    /// What every placement costs.
    pub fn model(&self) -> &CostModel {
        &self.model
    }

    /// The model's graph.
    pub fn graph(&self) -> &Graph {
        self.model.graph()
    }

    /// The model's tasks.
    pub fn tasks(&self) -> &[Task] {
        self.model.tasks()
    }

    /// The link; its rate is the one [`crate::solve::solve`] plans for.
    pub fn link(&self) -> Link {
        self.link
    }

    /// Time on the wire per bit at the link's rate.
    pub fn time_per_bit(&self) -> TimePerBit {
        TimePerBit::of(self.link.rate)
    }

    /// The limits, in the order of the scenario.
    pub fn limits(&self) -> &[Limit] {
        &self.constraints.limits
    }

    /// Whether heads that stay may be overlapped with the transfer.
    pub fn overlaps(&self) -> bool {
        self.schedule == Schedule::Overlap
    }

    /// Whether what plans are compared by or limited in depends on which tasks the edge keeps.
    pub(crate) fn depends_on_tasks(&self) -> bool {
        let deadline = |limit: &Limit| matches!(limit, Limit::Deadline { .. });
        self.overlaps() || self.objectives.depend_on_tasks() || self.limits().iter().any(deadline)
    }

    /// The encodings in which the limits let a tensor cross; none when it may not.
    pub fn encodings(&self, tensor: TensorId) -> &[Encoding] {
        self.constraints.encodings(&self.model, tensor)
    }

    /// The fastest codec for every tensor that crosses, at this time per bit and within the limits
    /// where that is possible one tensor at a time.
    ///
    /// # Errors
    /// A tensor that no codec carries within the limits.
    pub fn best_codecs(
        &self,
        edge: &LayerSet,
        time_per_bit: TimePerBit,
    ) -> Result<Codecs, Misplaced> {
        let best = |tensor: TensorId| {
            let fits = |encoding: &&Encoding| {
                self.constraints.knapsacks.iter().all(|knapsack| {
                    let uses = knapsack.codec(tensor, encoding.codec);
                    !knapsack.counts(self.graph(), tensor, edge)
                        || uses.is_some_and(|uses| uses <= knapsack.allows)
                })
            };
            let mut encodings: Vec<&Encoding> =
                self.encodings(tensor).iter().filter(fits).collect();
            if encodings.is_empty() {
                encodings = self.model.tensor(tensor).encodings.iter().collect();
            }
            let fastest = encodings.into_iter().min_by_key(|encoding| {
                let scaled = time_per_bit
                    .scaled(encoding.encode_ns + encoding.decode_ns, encoding.wire_bits);
                (scaled, encoding.payload)
            });
            match fastest {
                Some(encoding) => Ok((tensor, encoding.codec)),
                None => Err(self.model.cannot_cross(tensor)),
            }
        };
        self.model.crossing(edge).into_iter().map(best).collect()
    }

    /// What a placement costs, whether or not the limits allow it; of several orders of work, the
    /// best.
    ///
    /// # Errors
    /// The placement is not closed, or `codecs` does not fit what crosses.
    pub fn cost(&self, edge: &LayerSet, codecs: &[(TensorId, Codec)]) -> Result<Cost, Misplaced> {
        let costs = self.costs(edge, codecs)?.into_iter();
        let best = costs.min_by_key(|cost| self.rank(edge, cost, self.time_per_bit()));
        best.ok_or_else(|| Misplaced::NotClosed(String::new()))
    }

    /// What a placement costs with each order of work on the edge, whether or not the limits allow
    /// it.
    ///
    /// # Errors
    /// As [`Problem::cost`].
    pub(crate) fn costs(
        &self,
        edge: &LayerSet,
        codecs: &[(TensorId, Codec)],
    ) -> Result<Vec<Cost>, Misplaced> {
        let sequential = self.model.evaluate(edge, codecs)?;
        let crossing = sequential.crossing.iter();
        let tensors: Vec<TensorId> = crossing.map(|(tensor, _)| *tensor).collect();
        let cost = |timing: Timing| Cost {
            parts: self.model.with_local(&sequential.parts, &timing.local),
            timing,
            ..sequential.clone()
        };
        let timings = Orders::of(self).timings(&self.model, edge, &tensors);
        Ok(timings.into_iter().map(cost).collect())
    }

    /// What a placement costs, when the limits allow it; of several orders of work that they allow,
    /// the best.
    ///
    /// # Errors
    /// What makes it impossible, or the first limit it breaks.
    pub fn evaluate(
        &self,
        edge: &LayerSet,
        codecs: &[(TensorId, Codec)],
    ) -> Result<Cost, Violation> {
        self.evaluate_at(edge, codecs, self.time_per_bit())
    }

    /// As [`Problem::evaluate`], with orders of work compared at another time per bit than the
    /// link's.
    ///
    /// # Errors
    /// As [`Problem::evaluate`].
    pub fn evaluate_at(
        &self,
        edge: &LayerSet,
        codecs: &[(TensorId, Codec)],
        time_per_bit: TimePerBit,
    ) -> Result<Cost, Violation> {
        let mut costs = self.costs(edge, codecs)?;
        costs.sort_by_cached_key(|cost| self.rank(edge, cost, time_per_bit));
        let mut broken = None;
        for cost in costs {
            match self.check(edge, &cost) {
                Ok(()) => return Ok(cost),
                Err(violation) => broken = broken.or(Some(violation)),
            }
        }
        Err(broken.unwrap_or_else(|| Misplaced::NotClosed(String::new()).into()))
    }

    /// What decides between this and other placements at a time per bit.
    pub fn rank(&self, edge: &LayerSet, cost: &Cost, time_per_bit: TimePerBit) -> Rank {
        let given = (self.rated(), &self.constraints);
        let value = |index: usize| {
            let objective = self.objectives.functions.get(index);
            objective.map_or(0, |objective| {
                self.objectives
                    .value(given, objective, (edge, cost), time_per_bit)
            })
        };
        Rank {
            objectives: [value(0), value(1)],
            payload: cost.parts.uplink_bytes,
            edge_layers: cost.edge_layers,
        }
    }

    /// Whether the limits allow a placement with this cost.
    ///
    /// # Errors
    /// The first limit it breaks.
    pub fn check(&self, edge: &LayerSet, cost: &Cost) -> Result<(), Violation> {
        self.constraints.check(self.rated(), edge, cost)
    }

    /// How much a placement uses of what a limit limits, in the unit of [`Limit::allows`], rounded
    /// up; `None` when that is unknown, or for limits without an amount.
    pub fn used(&self, limit: &Limit, edge: &LayerSet, cost: &Cost) -> Option<i64> {
        self.constraints.used(self.rated(), limit, edge, cost)
    }

    /// The same problem with other constraints.
    pub(crate) fn with_constraints(&self, constraints: Constraints) -> Problem {
        Problem {
            constraints,
            ..self.clone()
        }
    }

    /// The cost model, and the time per bit at which limits hold.
    fn rated(&self) -> Rated<'_> {
        (&self.model, self.time_per_bit())
    }

    /// The same problem with some of its limits only, or with limits besides that are no sums.
    #[must_use]
    pub fn with_limits(&self, limits: Vec<Limit>) -> Problem {
        self.with_constraints(self.constraints.only(limits))
    }

    /// The same problem with another amount for one of its limits, in the unit of
    /// [`Limit::allows`].
    #[must_use]
    pub fn with_limit_allowing(&self, limit: &Limit, amount: i64) -> Problem {
        let relaxed = self.constraints.relaxed(&self.model, limit, amount);
        self.with_constraints(relaxed)
    }

    /// The same problem at another rate.
    #[must_use]
    pub fn with_rate(&self, rate: BitRate) -> Problem {
        let mut problem = self.clone();
        problem.link.rate = rate;
        problem
    }

    /// The same problem at another one-way delay.
    #[must_use]
    pub fn with_delay(&self, delay: Delay) -> Problem {
        let mut problem = self.clone();
        problem.link.delay = delay;
        problem.model.delay_ns = delay.ns();
        problem.constraints.delays = 1;
        problem.objectives.delays = 1;
        problem
    }
}
