//! Why a cut that somebody asks about is not chosen.

use super::least::{least, possible};
use super::search::{Open, contender};
use super::{NamedCut, Question, conflicting};
use crate::engines::Solution;
use crate::plan_writer::PlanWriter;
use crate::problem::{Limit, Problem};
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_core::plan::{Breakdown, Conflict, WhyNot};

/// Ways for tensors to cross that are tried at most.
const MOST_VARIANTS: usize = 32;

impl Question<'_> {
    /// Compares a cut with the plan.
    pub(crate) fn why_not(&self, cut: &NamedCut) -> Result<WhyNot, Open> {
        let problem = self.problem;
        let name = |t: &TensorId| problem.graph().tensor(*t).name.clone();
        let mut why = WhyNot {
            tensors: cut.tensors.iter().map(name).collect(),
            chosen: cut.edge == self.plan.edge,
            barred: self.barred(&cut.edge),
            breaks: Vec::new(),
            cut: None,
            breakdown_ms: None,
            difference_ms: None,
            faster: None,
            containing: None,
        };
        if !why.barred.is_empty() || why.chosen {
            return Ok(why);
        }
        let (breaks, best) = self.at_its_best(&cut.edge)?;
        why.breaks = breaks;
        if let Some(best) = &best {
            let time_per_bit = problem.time_per_bit();
            let (own, theirs) = (
                self.plan.cost.breakdown(time_per_bit),
                best.cost.breakdown(time_per_bit),
            );
            why.cut = Some(contender(problem, &best.edge, &best.cost));
            why.breakdown_ms = Some(theirs);
            why.difference_ms = Some(difference(theirs, own));
            if self.saves(best) <= 0.0 {
                why.faster = self.faster_at(best);
            }
        }
        let containing = self.containing(&cut.tensors)?;
        let other = containing.filter(|best| best.edge != cut.edge);
        why.containing = other.map(|best| contender(problem, &best.edge, &best.cost));
        Ok(why)
    }

    /// Tensors that would cross and may not, each with the reason.
    fn barred(&self, edge: &LayerSet) -> Vec<String> {
        let crossing = self.problem.model.crossing(edge).into_iter();
        let barred = crossing.filter(|t| self.problem.model.tensor(*t).encodings.is_empty());
        let reason = |t: TensorId| {
            let tensor = self.problem.graph().tensor(t);
            let why = tensor.uncuttable.as_deref();
            format!(
                "{} may not cross: {}",
                tensor.name,
                why.unwrap_or("no codec carries it")
            )
        };
        barred.map(reason).collect()
    }

    /// The best encodings of a placement, and the limits that no encoding of it meets, which are
    /// set aside for that.
    fn at_its_best(&self, edge: &LayerSet) -> Result<(Vec<Conflict>, Option<Solution>), Open> {
        let pins = pins(self.problem, edge);
        let with = |limits: &[Limit]| self.problem.with_limits([&pins, limits].concat());
        let mut limits = self.problem.limits().to_vec();
        let mut breaks = Vec::new();
        loop {
            let pinned = with(&limits);
            if let Some(best) = self.solver.best(&pinned)? {
                return Ok((breaks, Some(best)));
            }
            let conflict = conflicting(&pinned, &pins, &mut |problem| {
                Ok::<_, Open>(self.solver.best(problem)?.is_some())
            })?;
            if conflict.is_empty() {
                return Ok((breaks, None));
            }
            for limit in &conflict {
                let others = pinned.constraints.without(limit);
                let mut needs = least(&pinned, limit, others, &self.solver)?;
                if needs.is_none() {
                    needs = possible(&pinned, limit, &pins, &self.solver)?;
                }
                breaks.push(PlanWriter::new(&pinned).conflict(limit, needs));
            }
            limits.retain(|limit| !conflict.contains(limit));
        }
    }

    /// The best plan in which these tensors cross; `None` when there is none, or too many variants.
    fn containing(&self, tensors: &[TensorId]) -> Result<Option<Solution>, Open> {
        let graph = self.problem.graph();
        let id = |layer| graph.layer(layer).id.clone();
        // each crosses when it is made on the edge and one of its readers is on the server
        let mut variants: Vec<Vec<Limit>> = vec![Vec::new()];
        for tensor in tensors {
            if let Some(layer) = graph.producer(*tensor) {
                let pin = Limit::KeepOnEdge(vec![layer], id(layer));
                variants
                    .iter_mut()
                    .for_each(|variant| variant.push(pin.clone()));
            }
            let readers = graph.consumers(*tensor);
            if readers.is_empty() || self.problem.model.goes_to_server(*tensor) {
                continue;
            }
            let longer = |variant: &Vec<Limit>| {
                let there = |layer| Limit::KeepOnServer(vec![layer], id(layer));
                let add = |layer: &_| [variant.as_slice(), &[there(*layer)]].concat();
                readers.iter().map(add).collect::<Vec<_>>()
            };
            variants = variants.iter().flat_map(longer).collect();
            if variants.len() > MOST_VARIANTS {
                return Ok(None);
            }
        }
        let mut best: Option<Solution> = None;
        for variant in variants {
            let limits = [self.problem.limits(), &variant].concat();
            let problem = self.problem.with_limits(limits);
            let rank = |found: &Solution| found.rank;
            if let Some(found) = self.solver.best(&problem)?
                && best.as_ref().is_none_or(|best| rank(&found) < rank(best))
            {
                best = Some(found);
            }
        }
        Ok(best)
    }
}

/// Limits that only this placement meets: its last layers are kept on the edge, and the first of
/// the others on the server.
fn pins(problem: &Problem, edge: &LayerSet) -> Vec<Limit> {
    let graph = problem.graph();
    let id = |layer| graph.layer(layer).id.clone();
    let is_read_here = |layer| {
        let outputs = graph.layer(layer).outputs.iter();
        let mut readers = outputs.flat_map(|t| graph.consumers(*t));
        readers.any(|reader| edge.contains(*reader))
    };
    let layers = graph.layer_ids().filter_map(|layer| {
        if edge.contains(layer) {
            (!is_read_here(layer)).then(|| Limit::KeepOnEdge(vec![layer], id(layer)))
        } else {
            let first = graph.producers(layer).all(|p| edge.contains(p));
            first.then(|| Limit::KeepOnServer(vec![layer], id(layer)))
        }
    });
    layers.collect()
}

fn difference(one: Breakdown, other: Breakdown) -> Breakdown {
    Breakdown {
        edge: one.edge - other.edge,
        encode: one.encode - other.encode,
        local: one.local - other.local,
        uplink: one.uplink - other.uplink,
        decode: one.decode - other.decode,
        server: one.server - other.server,
        downlink: one.downlink - other.downlink,
    }
}
