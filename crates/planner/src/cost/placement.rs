//! What one placement costs, and whether the limits allow it.

use super::parts::{CostParts, Part};
use super::tables::Encoding;
use super::time_per_bit::TimePerBit;
use crate::constraints::limit::{Limit, Violation, amount};
use crate::objective::{Completion, ObjectiveFunction};
use crate::problem::{Codecs, Problem};
use crate::schedule::Timing;
use cutpoint_core::codec::Codec;
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_core::profile::MemoryModel;
use cutpoint_core::units::Bytes;

/// Everything one placement costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// Times and traffic.
    pub parts: CostParts,
    /// How each tensor crosses, in order of the tensors.
    pub crossing: Codecs,
    /// Where and when the edge computes what it keeps, and where each task is done.
    pub timing: Timing,
    /// Layers on the edge.
    pub edge_layers: usize,
    /// Peak memory of the process that runs the edge half.
    pub edge_memory: Bytes,
    /// Peak memory of the process that runs the server half.
    pub server_memory: Bytes,
}

/// What decides between two placements at one time per bit: the objective, the second objective, then
/// fewest bytes, then fewest layers on the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Rank {
    pub objectives: [i128; 2],
    pub payload: u64,
    pub edge_layers: usize,
}

impl Cost {
    /// The time until the last task is done, in the unit of [`TimePerBit::scaled`].
    pub fn scaled(&self, time_per_bit: TimePerBit) -> i128 {
        let remote = Completion::Back.time().value(&self.parts, time_per_bit);
        if self.timing.local.is_empty() {
            remote
        } else {
            remote.max(Completion::Local.time().value(&self.parts, time_per_bit))
        }
    }

    /// The latency in milliseconds.
    pub fn latency_ms(&self, time_per_bit: TimePerBit) -> f64 {
        time_per_bit.ns(self.scaled(time_per_bit)) / 1e6
    }

    /// Encoded payload to the server.
    pub fn uplink_bytes(&self) -> Bytes {
        Bytes(self.parts.uplink_bytes)
    }

    /// The part of the latency that does not depend on the rate, and the bits that take their time
    /// at the link's rate; without heads that run beside the link.
    pub fn line(&self) -> (u64, u64) {
        let remote = Part::ALL.into_iter().filter(|part| *part != Part::Local);
        let fixed = remote.map(|part| self.parts.ns(part)).sum();
        (fixed, self.parts.uplink_bits + self.parts.downlink_bits)
    }
}

impl Problem {
    /// What crosses when `edge` is on the edge, in order of the tensors; model inputs that the
    /// server has, too, do not.
    pub fn crossing(&self, edge: &LayerSet) -> Vec<TensorId> {
        let graph = self.graph();
        let on_edge = |t: &TensorId| graph.producer(*t).is_none_or(|p| edge.contains(p));
        let wanted = |t: &TensorId| {
            self.goes_to_server(*t) || graph.consumers(*t).iter().any(|c| !edge.contains(*c))
        };
        let tensors = graph.tensor_ids().filter(|t| !self.is_local(*t));
        tensors.filter(|t| on_edge(t) && wanted(t)).collect()
    }

    /// The fastest codec for every tensor that crosses, at this time per bit and within the limits where
    /// that is possible one tensor at a time.
    ///
    /// # Errors
    /// [`Violation::CannotCross`].
    pub fn best_codecs(
        &self,
        edge: &LayerSet,
        time_per_bit: TimePerBit,
    ) -> Result<Codecs, Violation> {
        let best = |tensor: TensorId| {
            let fits = |encoding: &&Encoding| {
                self.knapsacks().iter().all(|knapsack| {
                    let uses = knapsack.codec(tensor, encoding.codec);
                    !knapsack.counts(self.graph(), tensor, edge)
                        || uses.is_some_and(|uses| uses <= knapsack.allows)
                })
            };
            let mut encodings: Vec<&Encoding> =
                self.encodings(tensor).iter().filter(fits).collect();
            if encodings.is_empty() {
                encodings = self.tensor(tensor).encodings.iter().collect();
            }
            let fastest = encodings.into_iter().min_by_key(|encoding| {
                let scaled = time_per_bit
                    .scaled(encoding.encode_ns + encoding.decode_ns, encoding.wire_bits);
                (scaled, encoding.payload)
            });
            match fastest {
                Some(encoding) => Ok((tensor, encoding.codec)),
                None => Err(self.cannot_cross(tensor)),
            }
        };
        self.crossing(edge).into_iter().map(best).collect()
    }

    /// What a placement costs, whether or not the limits allow it; of several orders of work, the
    /// best.
    ///
    /// # Errors
    /// The placement is not closed, or `codecs` does not fit what crosses.
    pub fn cost(&self, edge: &LayerSet, codecs: &[(TensorId, Codec)]) -> Result<Cost, Violation> {
        let costs = self.costs(edge, codecs)?.into_iter();
        let best = costs.min_by_key(|cost| self.rank(edge, cost, self.time_per_bit()));
        best.ok_or_else(|| Violation::NotClosed(String::new()))
    }

    /// What a placement costs with each order of work on the edge, whether or not the limits allow it.
    ///
    /// # Errors
    /// As [`Problem::cost`].
    pub fn costs(
        &self,
        edge: &LayerSet,
        codecs: &[(TensorId, Codec)],
    ) -> Result<Vec<Cost>, Violation> {
        let graph = self.graph();
        if let Some(layer) = self.graph().first_open(edge) {
            let layer = self.graph().layer(layer).id.clone();
            return Err(Violation::NotClosed(layer));
        }
        let server = edge.complement();
        let mut parts = CostParts::default();
        for layer in graph.layer_ids() {
            let time = self.layer(layer);
            if edge.contains(layer) {
                *parts.ns_mut(Part::Edge) += time.edge_ns;
            } else {
                *parts.ns_mut(Part::Server) += time.server_ns;
            }
        }
        let crossing = self.add_crossing(edge, codecs, &mut parts)?;
        if !server.is_empty() || !crossing.is_empty() {
            let split = self.split();
            *parts.ns_mut(Part::Edge) += split.edge_ns;
            *parts.ns_mut(Part::Server) += split.server_ns;
            *parts.ns_mut(Part::Delay) += split.delay_ns;
        }
        self.add_results(&server, &mut parts);
        let tensors: Vec<TensorId> = crossing.iter().map(|(tensor, _)| *tensor).collect();
        let memory = |model: &MemoryModel, layers: &LayerSet| {
            let weights = graph.weight_bytes(layers).0;
            memory_bytes(model, weights, graph.peak_live_bytes(layers).0)
        };
        let edge_memory = memory(&self.tables.edge_memory, edge);
        let server_memory = memory(&self.tables.server_memory, &server);
        let cost = |timing: Timing| Cost {
            parts: self.with_local(&parts, &timing.local),
            crossing: crossing.clone(),
            timing,
            edge_layers: edge.len(),
            edge_memory,
            server_memory,
        };
        Ok(self.timings(edge, &tensors).into_iter().map(cost).collect())
    }

    /// The same parts when these layers run beside link and server. What being split costs the edge
    /// is paid once more for them: they are a model of their own.
    pub fn with_local(&self, parts: &CostParts, local: &LayerSet) -> CostParts {
        let mut parts = *parts;
        if !local.is_empty() {
            let time: u64 = local.iter().map(|layer| self.layer(layer).edge_ns).sum();
            *parts.ns_mut(Part::Edge) -= time;
            *parts.ns_mut(Part::Local) = time + self.split().edge_ns;
        }
        parts
    }

    /// What decides between this and other placements at a time per bit.
    pub fn rank(&self, edge: &LayerSet, cost: &Cost, time_per_bit: TimePerBit) -> Rank {
        let value = |objective: Option<&ObjectiveFunction>| {
            objective.map_or(0, |objective| {
                self.objective_value(objective, edge, cost, time_per_bit)
            })
        };
        Rank {
            objectives: [
                value(self.objectives().first()),
                value(self.objectives().get(1)),
            ],
            payload: cost.parts.uplink_bytes,
            edge_layers: cost.edge_layers,
        }
    }

    /// What an objective comes to.
    pub fn objective_value(
        &self,
        objective: &ObjectiveFunction,
        edge: &LayerSet,
        cost: &Cost,
        time_per_bit: TimePerBit,
    ) -> i128 {
        let sums = self.objective_sums(objective, &cost.timing.done);
        match (objective, sums.as_slice()) {
            (ObjectiveFunction::LimitUse(limit), []) => {
                let used = self.used(limit, edge, cost);
                used.map_or(i128::from(i64::MAX), i128::from)
            }
            (_, sums) => self.largest(sums, cost, time_per_bit),
        }
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

    /// As [`Problem::evaluate`], with orders of work compared at another time per bit than the link's.
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
        Err(broken.unwrap_or_else(|| Violation::NotClosed(String::new())))
    }

    /// Whether the limits allow a placement with this cost.
    ///
    /// # Errors
    /// The first limit it breaks.
    pub fn check(&self, edge: &LayerSet, cost: &Cost) -> Result<(), Violation> {
        let holds = |limit: &Limit, holds: bool| {
            if holds {
                Ok(())
            } else {
                Err(Violation::Breaks(limit.clone()))
            }
        };
        for limit in self.limits() {
            match limit {
                Limit::KeepOnEdge(layers, _) => {
                    holds(limit, layers.iter().all(|layer| edge.contains(*layer)))?;
                }
                Limit::KeepOnServer(layers, _) => {
                    holds(limit, !layers.iter().any(|layer| edge.contains(*layer)))?;
                }
                Limit::RawStays => {
                    let raw = |(t, _): &(TensorId, _)| self.graph().producer(*t).is_none();
                    holds(limit, !cost.crossing.iter().any(raw))?;
                }
                Limit::MinDepth(least) => {
                    let shallow = |(t, _): &(TensorId, _)| self.depth(*t) < *least;
                    holds(limit, !cost.crossing.iter().any(shallow))?;
                }
                Limit::Codecs => {
                    let barred = |(t, codec): &(TensorId, Codec)| {
                        let time = self.tensor(*t);
                        time.encodings[..time.unasked]
                            .iter()
                            .any(|w| w.codec == *codec)
                    };
                    holds(limit, !cost.crossing.iter().any(barred))?;
                }
                _ => self.check_amount(limit, edge, cost)?,
            }
        }
        Ok(())
    }

    fn check_amount(&self, limit: &Limit, edge: &LayerSet, cost: &Cost) -> Result<(), Violation> {
        let needs = self.used(limit, edge, cost);
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

    /// How much a placement uses of what a limit limits, in the unit of [`Limit::allows`], rounded
    /// up; `None` when that is unknown, or for limits without an amount.
    pub fn used(&self, limit: &Limit, edge: &LayerSet, cost: &Cost) -> Option<i64> {
        let time_per_bit = self.time_per_bit();
        let sums = || {
            let sums = self.limit_sums(limit, &cost.timing.done);
            self.largest(&sums, cost, time_per_bit)
        };
        let used = match limit {
            Limit::EdgeMemory(_) => amount(cost.edge_memory),
            Limit::ServerMemory(_) => amount(cost.server_memory),
            Limit::Drop { task, .. } => self.drop(*task, edge, &cost.crossing)?.worst,
            Limit::Capacity { name, .. } => self.capacity_used(name, edge),
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
                whole(beyond + i128::from(self.idle_uw()))
            }
            Limit::KeepOnEdge(..)
            | Limit::KeepOnServer(..)
            | Limit::RawStays
            | Limit::MinDepth(_)
            | Limit::Codecs => return None,
        };
        Some(used)
    }

    fn capacity_used(&self, name: &str, edge: &LayerSet) -> i64 {
        let Some(uses) = self.tables.uses.get(name) else {
            return 0;
        };
        edge.iter().map(|layer| uses[layer.index()]).sum()
    }

    fn add_crossing(
        &self,
        edge: &LayerSet,
        codecs: &[(TensorId, Codec)],
        parts: &mut CostParts,
    ) -> Result<Codecs, Violation> {
        let crossing = self.crossing(edge);
        let mut sent = Codecs::new();
        let name = |tensor: TensorId| self.graph().tensor(tensor).name.as_str();
        if let Some((stray, _)) = codecs.iter().find(|(t, _)| !crossing.contains(t)) {
            return Err(Violation::DoesNotCross(name(*stray).to_owned()));
        }
        for tensor in crossing {
            let time = self.tensor(tensor);
            if time.encodings.is_empty() {
                return Err(self.cannot_cross(tensor));
            }
            let codec = codecs
                .iter()
                .find(|(t, _)| *t == tensor)
                .map(|(_, codec)| *codec);
            let encoding = time
                .encodings
                .iter()
                .find(|encoding| Some(encoding.codec) == codec);
            let encoding = encoding.ok_or_else(|| Violation::no_codec(name(tensor), codec))?;
            *parts.ns_mut(Part::Edge) += time.send_ns;
            *parts.ns_mut(Part::Server) += time.recv_ns;
            parts.add_encoding(encoding);
            sent.push((tensor, encoding.codec));
        }
        Ok(sent)
    }

    fn add_results(&self, server: &LayerSet, parts: &mut CostParts) {
        for output in self.graph().outputs() {
            let producer = self.graph().producer(*output);
            let computed_there = producer.is_some_and(|p| server.contains(p));
            if computed_there && self.comes_back(*output) {
                let time = self.tensor(*output);
                *parts.ns_mut(Part::BackDelay) = self.split().delay_ns;
                *parts.ns_mut(Part::Downlink) += time.down_ns;
                parts.downlink_bits += time.down_bits;
                parts.downlink_bytes += self.graph().tensor(*output).bytes.0;
            }
        }
    }

    fn cannot_cross(&self, tensor: TensorId) -> Violation {
        let tensor = self.graph().tensor(tensor);
        let reason = tensor.uncuttable.clone();
        Violation::CannotCross {
            tensor: tensor.name.clone(),
            reason: reason.unwrap_or_else(|| "no codec carries it".to_owned()),
        }
    }

    /// Peak memory of an edge half with these weights and live activations.
    pub fn edge_memory(&self, weight_bytes: u64, peak_bytes: u64) -> Bytes {
        memory_bytes(&self.tables.edge_memory, weight_bytes, peak_bytes)
    }

    /// Peak memory of a server half with these weights and live activations.
    pub fn server_memory(&self, weight_bytes: u64, peak_bytes: u64) -> Bytes {
        memory_bytes(&self.tables.server_memory, weight_bytes, peak_bytes)
    }

    /// How the memory of a server half follows from its weights and activations.
    pub fn server_memory_model(&self) -> MemoryModel {
        self.tables.server_memory
    }

    /// How the memory of an edge half follows from its weights and activations.
    pub fn edge_memory_model(&self) -> MemoryModel {
        self.tables.edge_memory
    }
}

/// An amount as a whole number of its unit, at most the largest there is.
fn whole(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn memory_bytes(model: &MemoryModel, weights: u64, peak: u64) -> Bytes {
    let factored = model.weight_factor * weights as f64 + model.activation_factor * peak as f64;
    Bytes(model.base_bytes.saturating_add(factored.ceil() as u64))
}
