//! How much slower single layers may be before another plan wins.
//!
//! When the time of a layer grows on its side, so do all plans with the layer there, the present
//! one included; those with the layer on the other side stay. So the plan stays the best until the
//! best of those is: the difference between that one and the plan is how much the time may grow.
//! To keep a layer on the other side keeps all that need it (or that it needs) there as well, so a
//! margin is at least that of any such neighbour, and the smallest are found from the cut outwards.

use super::Question;
use super::search::{Open, contender};
use crate::engines::Solution;
use crate::problem::{Limit, ObjectiveFunction, Problem};
use crate::scenario::Objective;
use cutpoint_core::graph::LayerId;
use cutpoint_core::plan::{Side, Slack, Slacks};

/// Slacks that are reported.
const MOST: usize = 5;

/// What is known of a layer.
#[derive(Debug, Clone)]
enum Known {
    /// The margin is at least that, in nanoseconds.
    AtLeast(f64),
    /// The margin, and the plan that then wins; none when the layer cannot be on the other side.
    Exactly(f64, Option<Box<Solution>>),
}

impl Known {
    fn least(&self) -> f64 {
        match self {
            Known::AtLeast(least) | Known::Exactly(least, _) => *least,
        }
    }
}

impl Question<'_> {
    /// The smallest margins, in time and in relation to the layers' times.
    pub(crate) fn slacks(&self) -> Result<Slacks, Open> {
        let latency = ObjectiveFunction::Scenario(Objective::Latency);
        if self.problem.objectives.functions.first() != Some(&latency) || self.problem.overlaps() {
            let why = "only told for the latency of sides that take turns";
            return Err(Open::Unproven(why.to_owned()));
        }
        let graph = self.problem.graph();
        let mut known = vec![Known::AtLeast(0.0); graph.layers().len()];
        let by_time = |layer: LayerId, ns: f64| ns / self.time_ns(layer) as f64;
        let smallest = self.smallest(&mut known, MOST, &|_, ns| ns)?;
        let relative = self.smallest(&mut known, 1, &by_time)?;
        let told = |layer: &LayerId| self.slack(*layer, &known[layer.index()]);
        Ok(Slacks {
            smallest: smallest.iter().filter_map(told).collect(),
            relative: relative.first().and_then(told),
        })
    }

    /// The layers with the smallest margins by some measure, smallest first. Layers that take no
    /// time, and those that cannot be on the other side, have none.
    fn smallest(
        &self,
        known: &mut [Known],
        most: usize,
        measure: &dyn Fn(LayerId, f64) -> f64,
    ) -> Result<Vec<LayerId>, Open> {
        let layers = self.problem.graph().layer_ids();
        let timed: Vec<LayerId> = layers.filter(|id| self.time_ns(*id) > 0).collect();
        loop {
            self.carry_outwards(known);
            let value = |id: &LayerId| measure(*id, known[id.index()].least());
            let mut order = timed.clone();
            order.sort_by(|a, b| value(a).total_cmp(&value(b)).then(a.cmp(b)));
            order.retain(|id| value(id).is_finite());
            order.truncate(most);
            let unknown = |id: &&LayerId| matches!(known[id.index()], Known::AtLeast(_));
            let Some(next) = order.iter().find(unknown).copied() else {
                return Ok(order);
            };
            known[next.index()] = self.moved(next)?;
        }
    }

    /// Takes what is known of the layers towards the cut over to those behind them.
    fn carry_outwards(&self, known: &mut [Known]) {
        let graph = self.problem.graph();
        let on_edge = |id: LayerId| self.plan.edge.contains(id);
        let carry = |known: &mut [Known], from: LayerId, to: LayerId| {
            let least = known[from.index()].least();
            if let Known::AtLeast(own) = &mut known[to.index()] {
                *own = own.max(least);
            }
        };
        for id in graph.layer_ids().rev().filter(|id| on_edge(*id)) {
            for producer in graph.producers(id) {
                carry(known, id, producer);
            }
        }
        for id in graph.layer_ids().filter(|id| !on_edge(*id)) {
            for producer in graph.producers(id).filter(|p| !on_edge(*p)) {
                carry(known, producer, id);
            }
        }
    }

    fn moved(&self, layer: LayerId) -> Result<Known, Open> {
        let id = self.problem.graph().layer(layer).id.clone();
        let pin = if self.plan.edge.contains(layer) {
            Limit::KeepOnServer(vec![layer], id)
        } else {
            Limit::KeepOnEdge(vec![layer], id)
        };
        let limits = self.problem.limits().iter().cloned().chain([pin]);
        let moved = self.problem.with_limits(limits.collect());
        Ok(match self.solver.best(&moved)? {
            None => Known::Exactly(f64::INFINITY, None),
            Some(best) => Known::Exactly(-1e6 * self.saves(&best), Some(Box::new(best))),
        })
    }

    fn slack(&self, layer: LayerId, known: &Known) -> Option<Slack> {
        let Known::Exactly(ns, Some(best)) = known else {
            return None;
        };
        let problem: &Problem = self.problem;
        Some(Slack {
            layer: problem.graph().layer(layer).id.clone(),
            side: if self.plan.edge.contains(layer) {
                Side::Edge
            } else {
                Side::Server
            },
            time_ms: self.time_ns(layer) as f64 / 1e6,
            grows_ms: ns / 1e6,
            to: contender(problem, &best.edge, &best.cost),
        })
    }

    /// Time of a layer on its side.
    fn time_ns(&self, layer: LayerId) -> u64 {
        let time = self.problem.model.layer(layer);
        if self.plan.edge.contains(layer) {
            time.edge_ns
        } else {
            time.server_ns
        }
    }
}
