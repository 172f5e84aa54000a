//! A placement and its cost as a [`Plan`].

mod placement;
mod probability;

use crate::cost::accuracy::WHOLE_DROP;
use crate::engines::Solution;
use crate::problem::baselines;
use crate::problem::sums::{objective_sums, objective_value};
use crate::problem::{
    Codecs, Completion, Cost, Drop, Limit, LinearCost, ObjectiveFunction, Part, Problem,
    TimePerBit, Violation,
};
use crate::scenario::Objective;
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::TaskAccuracy;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_core::plan::{
    self, Allowance, Alternative, Amounts, Baseline, Breakdown, Conflict, Crossing, Evidence,
    FORMAT, HalfEvidence, LatencyLine, MetricAllowance, NoPlan, Plan, PlannedObjective, Setting,
    Side, Status, TaskPlan,
};
use cutpoint_core::profile::CutRecord;
use cutpoint_core::quantity::Unit;
use probability::likelihood;

pub(crate) use placement::placement;

/// What puts placements of a problem into words and numbers.
#[derive(Debug, Clone, Copy)]
pub struct PlanWriter<'a> {
    problem: &'a Problem,
}

impl<'a> PlanWriter<'a> {
    /// A writer of plans of a problem.
    pub fn new(problem: &'a Problem) -> PlanWriter<'a> {
        PlanWriter { problem }
    }

    /// Puts a placement into words and numbers at the link's rate.
    pub fn plan(&self, found: &Solution, binding: Vec<String>) -> Plan {
        let time_per_bit = self.problem.time_per_bit();
        let Solution { edge, cost, .. } = found;
        let likelihood = likelihood(self.problem, edge, cost);
        let side = |server: bool| {
            let layers = self.problem.graph().layer_ids();
            layers
                .filter(|l| edge.contains(*l) != server)
                .map(|l| self.problem.graph().layer(l).id.clone())
                .collect()
        };
        Plan {
            format: FORMAT,
            kind: FileKind::Plan,
            status: found.status,
            proof: found.proof.clone(),
            model: self.problem.model.tables.model.clone(),
            members: Vec::new(),
            setting: self.setting(),
            objective: self.objective(found),
            edge: side(false),
            local: self.layer_ids(&cost.timing.local),
            server: side(true),
            crossing: self.crossing(&cost.crossing),
            latency_ms: cost.latency_ms(time_per_bit),
            bound_ms: match self.problem.objectives.functions.first() {
                Some(ObjectiveFunction::Scenario(Objective::Latency)) => {
                    time_per_bit.ns(found.bound) / 1e6
                }
                _ => cost.latency_ms(time_per_bit),
            },
            breakdown_ms: cost.breakdown(time_per_bit),
            tasks: self.tasks(edge, cost, &likelihood.on_time),
            latency_spread: likelihood.latency,
            robust: None,
            uplink_bytes: cost.parts.uplink_bytes,
            downlink_bytes: cost.parts.downlink_bytes,
            edge_memory_bytes: cost.edge_memory.0,
            server_memory_bytes: cost.server_memory.0,
            edge_energy_mj: self.readable(Objective::Energy, edge, cost),
            period_ms: self
                .readable(Objective::Throughput, edge, cost)
                .unwrap_or(0.0),
            binding,
            alternatives: self.alternatives(time_per_bit),
            evidence: if cost.timing.local.is_empty() {
                self.evidence(edge)
            } else {
                // two models, where one was measured
                Evidence {
                    edge: HalfEvidence::Predicted,
                    ..self.evidence(edge)
                }
            },
            measured: None,
            solve_ms: None,
            request: None,
        }
    }

    /// States that no plan has less of the first objective than `bound`.
    pub fn bound(&self, plan: &mut Plan, bound: i128) {
        let time_per_bit = self.problem.time_per_bit();
        match self.problem.objectives.functions.first() {
            Some(ObjectiveFunction::Scenario(Objective::Latency)) => {
                plan.bound_ms = time_per_bit.ns(bound) / 1e6
            }
            Some(objective) => plan.objective.bound = objective.readable(bound, time_per_bit),
            None => {}
        }
    }

    fn layer_ids(&self, layers: &LayerSet) -> Vec<String> {
        let id = |layer| self.problem.graph().layer(layer).id.clone();
        layers.iter().map(id).collect()
    }

    /// An objective in the unit of human-readable output; `None` when the profile says nothing
    /// about it.
    fn readable(&self, objective: Objective, edge: &LayerSet, cost: &Cost) -> Option<f64> {
        let objective = ObjectiveFunction::Scenario(objective);
        let known = !objective_sums(self.problem, &objective, &cost.timing.done).is_empty();
        let time_per_bit = self.problem.time_per_bit();
        known.then(|| {
            objective.readable(
                objective_value(self.problem, &objective, (edge, cost), time_per_bit),
                time_per_bit,
            )
        })
    }

    fn objective(&self, found: &Solution) -> PlannedObjective {
        let objectives: Vec<Objective> = self
            .problem
            .objectives
            .functions
            .iter()
            .filter_map(|objective| match objective {
                ObjectiveFunction::Scenario(objective) => Some(*objective),
                ObjectiveFunction::LimitUse(_) | ObjectiveFunction::LeastLatency => None,
            })
            .collect();
        let then = objectives
            .get(1)
            .map(|o| o.name().to_owned())
            .unwrap_or_default();
        match objectives.first() {
            Some(Objective::Latency) if then.is_empty() => PlannedObjective::default(),
            None => PlannedObjective::default(),
            Some(first) => PlannedObjective {
                name: first.name().to_owned(),
                value: self
                    .readable(*first, &found.edge, &found.cost)
                    .unwrap_or_default(),
                bound: ObjectiveFunction::Scenario(*first)
                    .readable(found.bound, self.problem.time_per_bit()),
                then,
            },
        }
    }

    /// Puts into words that no placement meets the limits.
    pub fn no_plan(&self, proof: String, conflict: Vec<Conflict>) -> NoPlan {
        NoPlan {
            format: FORMAT,
            kind: FileKind::Plan,
            status: Status::Infeasible,
            proof,
            model: self.problem.model.tables.model.clone(),
            setting: self.setting(),
            conflict,
            relaxation: None,
            alternatives: self.alternatives(self.problem.time_per_bit()),
            solve_ms: None,
        }
    }

    /// Puts a limit that takes part in a contradiction into words and numbers; `least` is the
    /// least it would have to allow.
    pub fn conflict(&self, limit: &Limit, least: Option<i64>) -> Conflict {
        let amounts = limit
            .allows()
            .map(|allows| self.amounts(limit, allows, least));
        Conflict {
            limit: limit.name(),
            amounts: amounts.unwrap_or(Amounts::None),
            possible: None,
        }
    }

    fn amounts(&self, limit: &Limit, allows: i64, least: Option<i64>) -> Amounts {
        let amount = Allowance { allows, least };
        // sizes and units are not negative
        let whole = |amount: i64| u64::try_from(amount).unwrap_or_default();
        match limit.quantity().unit() {
            Some(Unit::Byte) => Amounts::Bytes(amount.map(whole)),
            Some(Unit::Unit) => Amounts::Units(amount.map(whole)),
            _ => match limit {
                Limit::Drop { task, .. } => self.drop_amounts(*task, &amount),
                _ => Amounts::Text(amount.map(|amount| limit.amount(amount))),
            },
        }
    }

    fn drop_amounts(&self, task: usize, amount: &Allowance<i64>) -> Amounts {
        let share = |amount: i64| amount as f64 / WHOLE_DROP;
        let metric = self.whole_accuracy(task).map(|of| {
            let value = |amount| of.metric.after(of.baseline, share(amount));
            MetricAllowance {
                name: of.metric.name().to_owned(),
                allows: value(amount.allows),
                best: amount.least.map(value),
            }
        });
        let drop = amount.clone().map(share);
        Amounts::Drop { drop, metric }
    }

    fn whole_accuracy(&self, task: usize) -> Option<&TaskAccuracy> {
        let accuracy = self.problem.model.tables.accuracy.as_ref()?;
        accuracy.whole(&self.problem.tasks()[task].name)
    }

    /// What a plan means for a task's metric.
    fn task_accuracy(&self, task: usize, drop: Drop) -> Option<plan::TaskAccuracy> {
        let whole = self.whole_accuracy(task)?;
        let after = |drop: f64| whole.metric.after(whole.baseline, drop);
        let of_task = |limit: &&Limit| matches!(limit, Limit::Drop { task: t, .. } if *t == task);
        let allows = self
            .problem
            .limits()
            .iter()
            .filter(of_task)
            .filter_map(Limit::allows);
        Some(plan::TaskAccuracy {
            metric: whole.metric.name().to_owned(),
            is_error: whole.metric.is_error(),
            baseline: whole.baseline,
            expected: after(drop.mean),
            worst: after(drop.worst as f64 / WHOLE_DROP),
            limit: allows.min().map(|most| after(most as f64 / WHOLE_DROP)),
            as_a_whole: drop.as_a_whole,
        })
    }

    fn setting(&self) -> Setting {
        let mut setting = self.problem.model.tables.setting.clone();
        setting.delay_ms = self.problem.model.split().delay_ns as f64 / 1e6;
        setting.rate_bit_s = self.problem.link().rate.bit_s();
        setting
    }

    /// The baselines as functions of the rate.
    pub fn baseline_lines(&self, time_per_bit: TimePerBit) -> Vec<Baseline> {
        let lines = self.costed_baselines(time_per_bit).into_iter();
        lines
            .map(|(name, cost, breaks)| Baseline {
                name: name.to_owned(),
                latency: cost.latency_line(),
                breaks,
            })
            .collect()
    }

    /// The baselines at a time per bit, fastest first.
    pub fn alternatives(&self, time_per_bit: TimePerBit) -> Vec<Alternative> {
        let mut costed = self.costed_baselines(time_per_bit);
        costed.sort_by_key(|(_, cost, _)| cost.scaled(time_per_bit));
        let alternative = |(name, cost, breaks): (&str, Cost, _)| Alternative {
            name: name.to_owned(),
            model: None,
            latency_ms: cost.latency_ms(time_per_bit),
            breaks,
        };
        costed.into_iter().map(alternative).collect()
    }

    fn costed_baselines(
        &self,
        time_per_bit: TimePerBit,
    ) -> Vec<(&'static str, Cost, Option<String>)> {
        let mut costed = Vec::new();
        for placement in baselines(self.problem, time_per_bit) {
            if let Ok(cost) = self.problem.cost(&placement.edge, &placement.codecs) {
                let broken = self.problem.check(&placement.edge, &cost).err();
                let breaks = broken.as_ref().and_then(Violation::limit);
                costed.push((placement.name, cost, breaks.map(ToString::to_string)));
            }
        }
        costed
    }

    fn crossing(&self, crossing: &Codecs) -> Vec<Crossing> {
        let describe = |(tensor, codec): &(TensorId, Codec)| {
            let name = &self.problem.graph().tensor(*tensor).name;
            let encoding = self
                .problem
                .model
                .tensor(*tensor)
                .encodings
                .iter()
                .find(|encoding| encoding.codec == *codec);
            let mut inputs = self.problem.model.tables.u8_inputs.iter();
            let scale = inputs.find(|input| codec.is_image() && input.name == *name);
            let file = self
                .problem
                .model
                .tables
                .accuracy
                .as_ref()
                .map(|accuracy| &accuracy.file);
            Crossing {
                tensor: name.clone(),
                codec: *codec,
                bytes: encoding.map_or(0, |encoding| encoding.payload.0),
                bytes_p95: encoding
                    .and_then(|encoding| encoding.payload_p95)
                    .map(|p95| p95.0),
                mean: scale.map(|s| s.mean.clone()).unwrap_or_default(),
                std: scale.map(|s| s.std.clone()).unwrap_or_default(),
                range: if codec.needs_ranges() {
                    file.and_then(|file| file.range(name, *codec))
                } else {
                    None
                },
            }
        };
        crossing.iter().map(describe).collect()
    }

    fn tasks(&self, edge: &LayerSet, cost: &Cost, on_time: &[Option<f64>]) -> Vec<TaskPlan> {
        let time_per_bit = self.problem.time_per_bit();
        let describe = |(index, task): (usize, &cutpoint_core::task::Task)| {
            let drop = self.problem.model.drop(index, edge, &cost.crossing);
            let needs = &self.problem.model.needs()[index];
            let here = needs.iter().filter(|l| edge.contains(*l)).count();
            let side = match (here, needs.len()) {
                (here, all) if here == all => Side::Edge,
                (0, _) => Side::Server,
                _ => Side::Both,
            };
            let done = cost.timing.done[index]
                .time()
                .value(&cost.parts, time_per_bit);
            TaskPlan {
                name: task.name.clone(),
                side,
                latency_ms: time_per_bit.ns(done) / 1e6,
                deadline_ms: self.problem.model.tables.deadlines[index].map(|ns| ns as f64 / 1e6),
                on_time: on_time[index],
                beside_link: cost.timing.done[index] == Completion::Local,
                accuracy_drop: drop.map(|drop| drop.worst as f64 / WHOLE_DROP),
                accuracy: drop.and_then(|drop| self.task_accuracy(index, drop)),
            }
        };
        self.problem
            .tasks()
            .iter()
            .enumerate()
            .map(describe)
            .collect()
    }

    /// What the predicted times of the halves of this placement rest on.
    pub fn evidence(&self, placed: &LayerSet) -> Evidence {
        // with every layer on one side, that half is the whole model, which is always measured
        let whole = placed.is_empty() || placed.len() == self.problem.graph().layers().len();
        let measured = |cuts: &[CutRecord]| {
            if whole || cuts.iter().any(|cut| self.is_cut(cut, placed)) {
                HalfEvidence::Measured
            } else {
                HalfEvidence::Predicted
            }
        };
        let [edge, server] = self.problem.model.tables.unmeasured;
        Evidence {
            edge: edge.unwrap_or_else(|| measured(&self.problem.model.tables.edge_cuts)),
            server: if self.problem.model.tables.setting.simulated {
                HalfEvidence::Simulated
            } else {
                server.unwrap_or_else(|| measured(&self.problem.model.tables.server_cuts))
            },
        }
    }

    /// Whether a measured cut has exactly these layers on the edge.
    fn is_cut(&self, cut: &CutRecord, edge: &LayerSet) -> bool {
        let graph = self.problem.graph();
        let tensors: Option<Vec<TensorId>> = cut
            .tensors
            .iter()
            .map(|name| graph.find_tensor(name).ok())
            .collect();
        let Some(tensors) = tensors else { return false };
        let mut layers = graph.ancestors(&tensors);
        for name in &cut.kept {
            match graph.find_layer(name) {
                Ok(layer) => layers.insert(layer),
                Err(_) => return false,
            }
        }
        graph.close_backwards(&mut layers);
        layers == *edge
    }
}

impl Cost {
    /// The latency as a function of the rate.
    pub fn latency_line(&self) -> LatencyLine {
        let (fixed_ns, wire_bits) = self.line();
        let beside_link = [Part::Edge, Part::Encode, Part::Local].map(|part| self.parts.ns(part));
        let local_ns: u64 = beside_link.iter().sum();
        LatencyLine {
            fixed_ms: fixed_ns as f64 / 1e6,
            wire_bits,
            at_least_ms: (!self.timing.local.is_empty()).then(|| local_ns as f64 / 1e6),
        }
    }

    /// Where the latency goes.
    pub fn breakdown(&self, time_per_bit: TimePerBit) -> Breakdown {
        let ms = |parts: &[Part]| {
            time_per_bit.ns(LinearCost::of(parts).value(&self.parts, time_per_bit)) / 1e6
        };
        Breakdown {
            edge: ms(&[Part::Edge]),
            encode: ms(&[Part::Encode]),
            uplink: ms(&[Part::Delay, Part::Uplink]),
            decode: ms(&[Part::Decode]),
            server: ms(&[Part::Server]),
            downlink: ms(&[Part::BackDelay, Part::Downlink]),
            local: ms(&[Part::Local]),
        }
    }
}
