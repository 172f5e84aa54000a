//! What one placement costs, and whether the limits allow it.

use super::limit::amount;
use super::{Codecs, Limit, Pace, Problem, Violation, Way};
use crate::codec::Codec;
use crate::graph::{LayerSet, TensorId};
use crate::profile::MemoryModel;
use crate::units::Bytes;

/// Everything one placement costs; times in whole nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// Layers on the edge, handing over what crosses, being split.
    pub edge_ns: u64,
    /// Encoders.
    pub encode_ns: u64,
    /// One way to the server; zero when nothing runs there.
    pub uplink_delay_ns: u64,
    /// On the wire to the server, framing included.
    pub uplink_bits: u64,
    /// Decoders.
    pub decode_ns: u64,
    /// Layers on the server, taking over what crosses, being split, the request.
    pub server_ns: u64,
    /// Back from the server, when results are wanted on the edge: the delay.
    pub downlink_delay_ns: u64,
    /// Back from the server at a down rate of its own.
    pub downlink_ns: u64,
    /// Back from the server at the link's rate.
    pub downlink_bits: u64,
    /// How each tensor crosses, in order of the tensors.
    pub crossing: Codecs,
    /// Encoded payload to the server.
    pub uplink_bytes: Bytes,
    /// Results back from the server.
    pub downlink_bytes: Bytes,
    /// Layers on the edge.
    pub edge_layers: usize,
    /// Peak memory of the process that runs the edge half.
    pub edge_memory: Bytes,
    /// Peak memory of the process that runs the server half.
    pub server_memory: Bytes,
}

/// What decides between two placements at one pace: latency, then fewest bytes, then fewest layers
/// on the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Rank {
    pub scaled: i128,
    pub payload: u64,
    pub edge_layers: usize,
}

impl Cost {
    /// The part of the latency that does not depend on the rate.
    pub fn fixed_ns(&self) -> u64 {
        self.edge_ns
            + self.encode_ns
            + self.uplink_delay_ns
            + self.decode_ns
            + self.server_ns
            + self.downlink_delay_ns
            + self.downlink_ns
    }

    /// The bits that take their time at the link's rate.
    pub fn wire_bits(&self) -> u64 {
        self.uplink_bits + self.downlink_bits
    }

    /// The latency as a multiple of a unit that is the same for all costs at this pace.
    pub fn scaled(&self, pace: Pace) -> i128 {
        pace.scaled(self.fixed_ns(), self.wire_bits())
    }

    /// The latency in milliseconds.
    pub fn latency_ms(&self, pace: Pace) -> f64 {
        pace.ns(self.scaled(pace)) / 1e6
    }

    /// What decides between this and other placements.
    pub fn rank(&self, pace: Pace) -> Rank {
        Rank {
            scaled: self.scaled(pace),
            payload: self.uplink_bytes.0,
            edge_layers: self.edge_layers,
        }
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

    /// The fastest codec for every tensor that crosses, at this pace and within the limits where
    /// that is possible one tensor at a time.
    ///
    /// # Errors
    /// [`Violation::CannotCross`].
    pub fn best_codecs(&self, edge: &LayerSet, pace: Pace) -> Result<Codecs, Violation> {
        let best = |tensor: TensorId| {
            let fits = |way: &&Way| {
                self.budgets().iter().all(|budget| {
                    let uses = budget.codec(tensor, way.codec);
                    !budget.counts(self.graph(), tensor, edge)
                        || uses.is_some_and(|uses| uses <= budget.allows)
                })
            };
            let mut ways: Vec<&Way> = self.ways(tensor).iter().filter(fits).collect();
            if ways.is_empty() {
                ways = self.tensor(tensor).ways.iter().collect();
            }
            let fastest = ways.into_iter().min_by_key(|way| {
                let scaled = pace.scaled(way.encode_ns + way.decode_ns, way.wire_bits);
                (scaled, way.payload)
            });
            match fastest {
                Some(way) => Ok((tensor, way.codec)),
                None => Err(self.cannot_cross(tensor)),
            }
        };
        self.crossing(edge).into_iter().map(best).collect()
    }

    /// What a placement costs, whether or not the limits allow it.
    ///
    /// # Errors
    /// The placement is not closed, or `codecs` does not fit what crosses.
    pub fn cost(&self, edge: &LayerSet, codecs: &[(TensorId, Codec)]) -> Result<Cost, Violation> {
        let graph = self.graph();
        if let Some(layer) = self.graph().first_open(edge) {
            let layer = self.graph().layer(layer).id.clone();
            return Err(Violation::NotClosed(layer));
        }
        let server = edge.complement();
        let mut cost = Cost::nothing(edge.len());
        for layer in graph.layer_ids() {
            let time = self.layer(layer);
            if edge.contains(layer) {
                cost.edge_ns += time.edge_ns;
            } else {
                cost.server_ns += time.server_ns;
            }
        }
        self.add_crossing(edge, codecs, &mut cost)?;
        if !server.is_empty() || !cost.crossing.is_empty() {
            let split = self.split();
            cost.edge_ns += split.edge_ns;
            cost.server_ns += split.server_ns;
            cost.uplink_delay_ns = split.delay_ns;
        }
        self.add_results(&server, &mut cost);
        let memory = |model: &MemoryModel, layers: &LayerSet| {
            let weights = graph.weight_bytes(layers).0;
            memory_bytes(model, weights, graph.peak_live_bytes(layers).0)
        };
        cost.edge_memory = memory(&self.tables.edge_memory, edge);
        cost.server_memory = memory(&self.tables.server_memory, &server);
        Ok(cost)
    }

    /// What a placement costs, when the limits allow it.
    ///
    /// # Errors
    /// What makes it impossible, or the first limit it breaks.
    pub fn evaluate(
        &self,
        edge: &LayerSet,
        codecs: &[(TensorId, Codec)],
    ) -> Result<Cost, Violation> {
        let cost = self.cost(edge, codecs)?;
        self.check(edge, &cost)?;
        Ok(cost)
    }

    /// Whether the limits allow a placement with this cost.
    ///
    /// # Errors
    /// The first limit it breaks.
    pub fn check(&self, edge: &LayerSet, cost: &Cost) -> Result<(), Violation> {
        let holds = |limit: &Limit, holds: bool| match holds {
            true => Ok(()),
            false => Err(Violation::Breaks(limit.clone())),
        };
        for limit in self.limits() {
            match limit {
                Limit::EdgeMemory(_)
                | Limit::MaxUplink(_)
                | Limit::Drop { .. }
                | Limit::Capacity { .. } => self.check_amount(limit, edge, cost)?,
                Limit::KeepOnEdge(layer, _) => holds(limit, edge.contains(*layer))?,
                Limit::KeepOnServer(layer, _) => holds(limit, !edge.contains(*layer))?,
                Limit::RawStays => {
                    let raw = |(t, _): &(TensorId, _)| self.graph().producer(*t).is_none();
                    holds(limit, !cost.crossing.iter().any(raw))?;
                }
                Limit::Codecs => {
                    let barred = |(t, codec): &(TensorId, Codec)| {
                        let time = self.tensor(*t);
                        time.ways[..time.unasked].iter().any(|w| w.codec == *codec)
                    };
                    holds(limit, !cost.crossing.iter().any(barred))?;
                }
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

    /// How much a placement uses of what a limit limits: bytes, millionths of a drop, or units of a
    /// capacity; `None` when that is unknown, or for limits without an amount.
    pub fn used(&self, limit: &Limit, edge: &LayerSet, cost: &Cost) -> Option<i64> {
        match limit {
            Limit::EdgeMemory(_) => Some(amount(cost.edge_memory)),
            Limit::MaxUplink(_) => Some(amount(cost.uplink_bytes)),
            Limit::Drop { task, .. } => Some(self.drop(*task, edge, &cost.crossing)?.worst),
            Limit::Capacity { name, .. } => Some(self.capacity_used(name, edge)),
            _ => None,
        }
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
        cost: &mut Cost,
    ) -> Result<(), Violation> {
        let crossing = self.crossing(edge);
        let name = |tensor: TensorId| self.graph().tensor(tensor).name.as_str();
        if let Some((stray, _)) = codecs.iter().find(|(t, _)| !crossing.contains(t)) {
            return Err(Violation::DoesNotCross(name(*stray).to_owned()));
        }
        for tensor in crossing {
            let time = self.tensor(tensor);
            if time.ways.is_empty() {
                return Err(self.cannot_cross(tensor));
            }
            let codec = codecs
                .iter()
                .find(|(t, _)| *t == tensor)
                .map(|(_, codec)| *codec);
            let way = time.ways.iter().find(|way| Some(way.codec) == codec);
            let way = way.ok_or_else(|| Violation::no_codec(name(tensor), codec))?;
            cost.edge_ns += time.send_ns;
            cost.encode_ns += way.encode_ns;
            cost.uplink_bits += way.wire_bits;
            cost.decode_ns += way.decode_ns;
            cost.server_ns += time.recv_ns;
            cost.uplink_bytes.0 += way.payload.0;
            cost.crossing.push((tensor, way.codec));
        }
        Ok(())
    }

    fn add_results(&self, server: &LayerSet, cost: &mut Cost) {
        if self.results() != crate::scenario::Results::Edge {
            return;
        }
        for output in self.graph().outputs() {
            let computed_there = self
                .graph()
                .producer(*output)
                .is_some_and(|p| server.contains(p));
            if computed_there {
                let time = self.tensor(*output);
                cost.downlink_delay_ns = self.split().delay_ns;
                cost.downlink_ns += time.down_ns;
                cost.downlink_bits += time.down_bits;
                cost.downlink_bytes.0 += self.graph().tensor(*output).bytes.0;
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

    /// How the memory of an edge half follows from its weights and activations.
    pub fn edge_memory_model(&self) -> MemoryModel {
        self.tables.edge_memory
    }
}

impl Cost {
    fn nothing(edge_layers: usize) -> Cost {
        Cost {
            edge_ns: 0,
            encode_ns: 0,
            uplink_delay_ns: 0,
            uplink_bits: 0,
            decode_ns: 0,
            server_ns: 0,
            downlink_delay_ns: 0,
            downlink_ns: 0,
            downlink_bits: 0,
            crossing: Vec::new(),
            uplink_bytes: Bytes(0),
            downlink_bytes: Bytes(0),
            edge_layers,
            edge_memory: Bytes(0),
            server_memory: Bytes(0),
        }
    }
}

fn memory_bytes(model: &MemoryModel, weights: u64, peak: u64) -> Bytes {
    let factored = model.weight_factor * weights as f64 + model.activation_factor * peak as f64;
    Bytes(model.base_bytes.saturating_add(factored.ceil() as u64))
}
