//! The tables of the cost model: whole nanoseconds and bits per layer and crossing.

mod tasks;
mod tensors;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::accuracy::Accuracy;
use super::error::ProblemError;
use super::times::{LayerTime, SplitTime, TensorTime, ns};
use crate::scenario::{Key, Objective, Results, Scenario, U8Input};
use crate::server::{Server, ServerTimes};
use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::graph::{Graph, LayerSet, TensorId};
use cutpoint_core::plan::{HalfEvidence, PlannedModel, Setting};
use cutpoint_core::profile::{CutRecord, MemoryModel, Power, Profile, TimeOrigin};
use cutpoint_core::quantity::Quantity;
use cutpoint_core::task::Task;
use cutpoint_core::units::{BitRate, Bytes};

use tasks::TaskRequirements;
use tensors::TensorTable;

#[derive(Debug, Clone)]
pub(crate) struct Tables {
    pub(crate) graph: Graph,
    pub(crate) tasks: Vec<Task>,
    /// Per task: the layers it needs.
    pub(crate) needs: Vec<LayerSet>,
    /// Per layer: the layers it needs, made when first asked for.
    pub(crate) needed_by: OnceLock<Vec<LayerSet>>,
    /// Per task: where its results are wanted.
    pub(crate) wanted: Vec<Results>,
    /// Per task: what its time counts for, in thousandths.
    pub(crate) weights: Vec<u32>,
    /// Per task: the latest time it may be done, in nanoseconds.
    pub(crate) deadlines: Vec<Option<u64>>,
    /// Per tensor: the least number of layers on a way to it from a model input that only the edge
    /// has.
    pub(crate) depths: Vec<u32>,
    pub(crate) layers: Vec<LayerTime>,
    pub(crate) tensors: Vec<TensorTime>,
    pub(crate) split: SplitTime,
    pub(crate) edge_memory: MemoryModel,
    pub(crate) server_memory: MemoryModel,
    pub(crate) power: Option<Power>,
    pub(crate) u8_inputs: Vec<U8Input>,
    pub(crate) accuracy: Option<Accuracy>,
    /// Per named capacity: what each layer uses of it on the edge.
    pub(crate) uses: BTreeMap<String, Vec<i64>>,
    pub(crate) model: PlannedModel,
    pub(crate) setting: Setting,
    pub(crate) edge_cuts: Vec<CutRecord>,
    pub(crate) server_cuts: Vec<CutRecord>,
    /// What the times of edge and server rest on where nothing was measured here.
    pub(crate) unmeasured: [Option<HalfEvidence>; 2],
    pub(crate) notes: Vec<String>,
}

/// Sums of all times and of all bits stay below these, so that weighted fractions of them stay
/// exact.
const LARGEST_TIME_NS: f64 = 1e15;
const LARGEST_BITS: f64 = 1e18;

impl Tables {
    pub(crate) fn new(
        edge: &Profile,
        server: &Server,
        scenario: &Scenario,
        accuracy: Option<&CodecAccuracy>,
    ) -> Result<Tables, ProblemError> {
        let mut graph = edge.graph().map_err(ProblemError::Graph)?;
        let mut times = server.times(edge, &graph)?;
        for tensor in &times.inside_groups {
            graph.forbid_cut(*tensor, "inside what the server runs as one layer");
        }
        let tasks = tasks(&graph, edge, scenario)?;
        let required = TaskRequirements::new(&tasks, scenario)?;
        let outputs = tasks.iter().map(|task| task.tensors(&graph));
        let outputs: Vec<Vec<TensorId>> = outputs
            .collect::<Result<_, _>>()
            .map_err(ProblemError::Graph)?;
        let layers = layer_times(edge, &times);
        let accuracy = accuracy.map(|file| {
            check_model(file, edge)?;
            Accuracy::new(file, scenario.limits.accuracy.confidence, &graph, &tasks)
        });
        let accuracy = accuracy.transpose()?;
        let file = accuracy.as_ref().map(|accuracy| &accuracy.file);
        let mut wanted = vec![None; graph.tensors().len()];
        for (outputs, results) in outputs.iter().zip(&required.wanted) {
            for output in outputs {
                wanted[output.index()] = Some(*results);
            }
        }
        let tensors = TensorTable::new(edge, &times, scenario, &graph, file, wanted)?.rows();
        if edge.power.is_none() && minimises_energy(scenario) {
            return Err(ProblemError::NoPower);
        }
        let tables = Tables {
            accuracy,
            uses: capacities(edge),
            layers,
            split: SplitTime {
                edge_ns: ns(edge.method.split_edge_us),
                server_ns: ns(times.split_us) + ns(server.request_us),
                delay_ns: scenario.link.delay.ns(),
            },
            needs: outputs.iter().map(|o| graph.ancestors(o)).collect(),
            wanted: required.wanted,
            needed_by: OnceLock::new(),
            weights: required.weights,
            deadlines: required.deadlines,
            depths: depths(&graph, &tensors),
            edge_memory: edge.memory,
            server_memory: times.memory,
            power: edge.power,
            u8_inputs: scenario.u8_inputs.clone(),
            model: PlannedModel {
                file: edge.model.file.clone(),
                sha256: edge.model.sha256.clone(),
            },
            setting: setting(edge, server, scenario),
            edge_cuts: edge.cuts.clone(),
            server_cuts: server.cuts().to_vec(),
            unmeasured: [unmeasured(edge), server.profile().and_then(unmeasured)],
            notes: times
                .note
                .take()
                .into_iter()
                .chain(unlimited(scenario, &tasks))
                .collect(),
            tensors,
            graph,
            tasks,
        };
        tables.check_range()?;
        Ok(tables)
    }

    /// Multiplies all times on the edge and all on the server by a factor each.
    ///
    /// # Errors
    /// Sums beyond the range of exact arithmetic.
    pub(crate) fn scale_by(&mut self, edge: f64, server: f64) -> Result<(), ProblemError> {
        let by = |factor: f64| move |time: u64| (time as f64 * factor).round() as u64;
        self.scale(by(edge), by(server));
        self.check_range()
    }

    pub(crate) fn scale(&mut self, edge: impl Fn(u64) -> u64, server: impl Fn(u64) -> u64) {
        let on_edge = |time: &mut u64| *time = edge(*time);
        let on_server = |time: &mut u64| *time = server(*time);
        for layer in &mut self.layers {
            on_edge(&mut layer.edge_ns);
            on_server(&mut layer.server_ns);
        }
        for tensor in &mut self.tensors {
            on_edge(&mut tensor.send_ns);
            on_server(&mut tensor.recv_ns);
            for encoding in &mut tensor.encodings {
                on_edge(&mut encoding.encode_ns);
                on_server(&mut encoding.decode_ns);
            }
        }
        on_edge(&mut self.split.edge_ns);
        on_server(&mut self.split.server_ns);
    }

    pub(crate) fn check_range(&self) -> Result<(), ProblemError> {
        let mut time = 0.0;
        let bytes = |sum: Bytes| 8.0 * sum.0 as f64;
        let mut bits = bytes(self.graph.weights().iter().map(|w| w.bytes).sum());
        bits += bytes(self.graph.tensors().iter().map(|t| t.bytes).sum());
        for layer in &self.layers {
            time += layer.edge_ns as f64 + layer.server_ns as f64;
        }
        for tensor in &self.tensors {
            time += tensor.send_ns as f64 + tensor.recv_ns as f64 + tensor.down_ns as f64;
            bits += tensor.down_bits as f64;
            for encoding in &tensor.encodings {
                time += encoding.encode_ns as f64 + encoding.decode_ns as f64;
                bits += encoding.wire_bits as f64;
            }
        }
        time += self.split.edge_ns as f64 + self.split.server_ns as f64;
        time += 2.0 * self.split.delay_ns as f64;
        if time > LARGEST_TIME_NS {
            return Err(ProblemError::TooLarge(format!(
                "{:.0} days",
                time / 86_400e9
            )));
        }
        if bits > LARGEST_BITS {
            return Err(ProblemError::TooLarge(format!("{bits:.0} bits")));
        }
        Ok(())
    }
}

/// What times rest on that cutpoint did not measure.
fn unmeasured(profile: &Profile) -> Option<HalfEvidence> {
    match profile.origin() {
        TimeOrigin::Measured => None,
        TimeOrigin::Stated(_) => Some(HalfEvidence::Stated),
        TimeOrigin::Imported(_) => Some(HalfEvidence::Imported),
    }
}

fn minimises_energy(scenario: &Scenario) -> bool {
    let energy = Objective::Energy;
    scenario.objective == energy || scenario.then == Some(energy)
}

/// Per tensor, the fewest layers on a way to it from a model input that only the edge has.
fn depths(graph: &Graph, tensors: &[TensorTime]) -> Vec<u32> {
    let mut depths = vec![u32::MAX; tensors.len()];
    for input in graph.inputs() {
        if !tensors[input.index()].local {
            depths[input.index()] = 0;
        }
    }
    for layer in graph.layers() {
        let least = layer.inputs.iter().map(|t| depths[t.index()]).min();
        for output in &layer.outputs {
            depths[output.index()] = least.unwrap_or(u32::MAX).saturating_add(1);
        }
    }
    depths
}

fn layer_times(edge: &Profile, times: &ServerTimes) -> Vec<LayerTime> {
    let pairs = edge.layers.iter().zip(&times.layer_us);
    pairs
        .map(|(layer, server_us)| LayerTime {
            edge_ns: ns(layer.edge_us),
            server_ns: ns(*server_us),
        })
        .collect()
}

/// Says which tasks no limit on accuracy speaks of, while others are limited.
fn unlimited(scenario: &Scenario, tasks: &[Task]) -> Option<String> {
    let limits = &scenario.limits.accuracy;
    let limited = |name: &String| {
        let floor = limits.floors.iter().any(|floor| floor.task == *name);
        floor || limits.drop_of(name).is_some()
    };
    let free = tasks.iter().map(|t| &t.name).filter(|name| !limited(name));
    let names: Vec<String> = free.map(|name| format!("`{name}`")).collect();
    (limits.any() && !names.is_empty()).then(|| {
        format!(
            "no limit on the accuracy of {}: encodings may cost it anything; {drop} 1% limits \
             every task",
            names.join(", "),
            drop = Key::from(Quantity::MaxDrop)
        )
    })
}

fn check_model(file: &CodecAccuracy, edge: &Profile) -> Result<(), ProblemError> {
    // of a table written by hand, nobody may know the model's hash
    let unknown = file.model.sha256.is_empty() || edge.model.sha256.is_empty();
    if unknown || file.model.sha256 == edge.model.sha256 {
        Ok(())
    } else {
        Err(ProblemError::AccuracyOfOther {
            file: file.model.file.clone(),
            found: file.model.sha256.chars().take(12).collect(),
            model: edge.model.file.clone(),
        })
    }
}

fn capacities(edge: &Profile) -> BTreeMap<String, Vec<i64>> {
    let mut uses: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (index, layer) in edge.layers.iter().enumerate() {
        for (name, amount) in &layer.uses {
            let row = uses.entry(name.clone());
            row.or_insert_with(|| vec![0; edge.layers.len()])[index] = i64::from(*amount);
        }
    }
    uses
}

fn tasks(graph: &Graph, edge: &Profile, scenario: &Scenario) -> Result<Vec<Task>, ProblemError> {
    let asked = match scenario.tasks.as_slice() {
        [] => &edge.tasks,
        asked => asked,
    };
    Task::complete(graph, asked).map_err(|cause| ProblemError::Unknown {
        key: Key::TASK,
        cause,
    })
}

fn setting(edge: &Profile, server: &Server, scenario: &Scenario) -> Setting {
    Setting {
        edge: edge.board.name.clone(),
        server: server.name.clone(),
        simulated: server.simulated(),
        rate_bit_s: scenario.link.rate.bit_s(),
        down_rate_bit_s: scenario.link.down_rate.map(BitRate::bit_s),
        delay_ms: scenario.link.delay.ns() as f64 / 1e6,
        results: scenario.results.name().to_owned(),
        task_results: scenario
            .task_results
            .iter()
            .map(|(task, side)| format!("{task}={side}"))
            .collect(),
        local_inputs: scenario.local_inputs.clone(),
        percentile: None,
        rate_spread: scenario.rate_model.as_ref().map(ToString::to_string),
    }
}
