//! What encodings cost the tasks, summed over what crosses.
//!
//! A crossing tensor costs a task only when a layer on the server reads it on the way to the task's
//! outputs: a task computed on the edge loses nothing, whatever else is sent. The drop of a plan is
//! the sum of the pessimistic drops of the tensors that cost the task, none below zero, so that
//! noise never pays; but at least what any part of them that was measured together costs. A plan
//! that was itself measured as a whole costs what was measured.

use std::collections::HashMap;

use super::error::ProblemError;
use super::placement::Codecs;
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::{
    CodecAccuracy, Confidence, TaskAccuracy, TaskDrop, WholePlanRecord,
};
use cutpoint_core::graph::{Graph, GraphError, LayerSet, TensorId, nearest};
use cutpoint_core::task::Task;

/// A drop of one, in the whole numbers that drops are added up in.
pub(crate) const WHOLE_DROP: f64 = 1e6;

/// What encodings cost a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drop {
    /// As measured, in the unit of [`TaskDrop`].
    pub mean: f64,
    /// The pessimistic end, in millionths, zero or more.
    pub worst: i64,
    /// Measured with everything that crosses encoded at once, not summed.
    pub as_a_whole: bool,
}

/// Everything an accuracy file says about the tensors and tasks of a problem.
#[derive(Debug, Clone)]
pub(crate) struct Accuracy {
    pub(crate) file: CodecAccuracy,
    /// Per task: the layers it needs.
    pub(crate) needs: Vec<LayerSet>,
    /// Per task.
    drops: HashMap<(TensorId, Codec), Vec<Option<Drop>>>,
    pub(crate) joints: Vec<Joint>,
}

/// A placement whose crossing tensors were measured together.
#[derive(Debug, Clone)]
pub(crate) struct Joint {
    pub(crate) edge: LayerSet,
    pub(crate) codecs: Codecs,
    /// Per task.
    pub(crate) drops: Vec<Option<Drop>>,
}

impl Accuracy {
    pub(crate) fn new(
        file: &CodecAccuracy,
        confidence: Confidence,
        graph: &Graph,
        tasks: &[Task],
    ) -> Result<Accuracy, ProblemError> {
        check_tasks(file, tasks)?;
        let z = confidence.z();
        let mut accuracy = Accuracy {
            file: file.clone(),
            needs: Vec::new(),
            drops: HashMap::new(),
            joints: Vec::new(),
        };
        for task in tasks {
            let outputs = task.tensors(graph).map_err(ProblemError::Graph)?;
            accuracy.needs.push(graph.ancestors(&outputs));
        }
        for record in &file.crossings {
            let Some(tensor) = find_tensor(graph, &record.tensor)? else {
                continue;
            };
            let drops = per_task(&record.drops, tasks, z);
            // a compression changes nothing: its record counts where the form has none of its own
            for codec in [record.codec, Codec::plain(record.codec.form)] {
                let known = accuracy.drops.entry((tensor, codec));
                let known = known.or_insert_with(|| vec![None; tasks.len()]);
                for (known, drop) in known.iter_mut().zip(&drops) {
                    *known = if codec == record.codec {
                        drop.or(*known)
                    } else {
                        known.or(*drop)
                    };
                }
            }
        }
        for record in &file.whole_plans {
            if let Some((edge, codecs)) = placement(record, graph)? {
                accuracy.joints.push(Joint {
                    edge,
                    codecs,
                    drops: per_task(&record.drops, tasks, z),
                });
            }
        }
        Ok(accuracy)
    }

    /// How good the whole model is at a task.
    pub(crate) fn whole(&self, task: &str) -> Option<&TaskAccuracy> {
        self.file.task(task)
    }

    /// What one tensor costs a task that it counts for; `None` is unknown.
    pub(crate) fn of_one(&self, tensor: TensorId, codec: Codec, task: usize) -> Option<Drop> {
        if codec.is_lossless() {
            return Some(Drop::NONE);
        }
        let of = |codec| {
            self.drops
                .get(&(tensor, codec))
                .and_then(|drops| drops[task])
        };
        of(codec).or_else(|| of(Codec::plain(codec.form)))
    }

    /// What crosses that costs a task something.
    pub(crate) fn counted(
        &self,
        graph: &Graph,
        task: usize,
        edge: &LayerSet,
        codecs: &[(TensorId, Codec)],
    ) -> Codecs {
        let counts = |(tensor, codec): &&(TensorId, Codec)| {
            let mut there = graph
                .consumers(*tensor)
                .iter()
                .filter(|c| !edge.contains(**c));
            !codec.is_lossless() && there.any(|c| self.needs[task].contains(*c))
        };
        codecs.iter().filter(counts).copied().collect()
    }

    /// What a placement costs a task; `None` is unknown.
    pub(crate) fn drop(
        &self,
        graph: &Graph,
        task: usize,
        edge: &LayerSet,
        codecs: &[(TensorId, Codec)],
    ) -> Option<Drop> {
        let counted = self.counted(graph, task, edge, codecs);
        if counted.is_empty() {
            return Some(Drop::NONE);
        }
        let measured = self.joints.iter().filter_map(|j| Some((j, j.drops[task]?)));
        let this = |joint: &Joint| joint.edge == *edge && alike(&joint.codecs, codecs);
        if let Some((_, drop)) = measured.clone().find(|(joint, _)| this(joint)) {
            return Some(Drop {
                as_a_whole: true,
                ..drop
            });
        }
        let mut sum = Drop::NONE;
        for (tensor, codec) in &counted {
            let one = self.of_one(*tensor, *codec, task)?;
            sum.mean += one.mean;
            sum.worst += one.worst;
        }
        for (joint, drop) in measured {
            let part = self.counted(graph, task, &joint.edge, &joint.codecs);
            if !part.is_empty() && part.iter().all(|pair| is_part(*pair, &counted)) {
                sum.worst = sum.worst.max(drop.worst);
            }
        }
        Some(sum)
    }
}

impl Drop {
    const NONE: Drop = Drop {
        mean: 0.0,
        worst: 0,
        as_a_whole: false,
    };

    fn new(record: &TaskDrop, z: f64) -> Drop {
        // a little more than a whole number is noise of the conversion
        let worst = (record.pessimistic(z) * WHOLE_DROP - 1e-3).ceil().max(0.0);
        Drop {
            mean: record.mean,
            worst: worst as i64,
            as_a_whole: false,
        }
    }
}

/// Whether a tensor is sent among `codecs` with the same values as in `pair`.
pub(crate) fn is_part(pair: (TensorId, Codec), codecs: &[(TensorId, Codec)]) -> bool {
    let same = |(tensor, codec): &(TensorId, Codec)| *tensor == pair.0 && codec.same_values(pair.1);
    codecs.iter().any(same)
}

fn alike(one: &[(TensorId, Codec)], other: &[(TensorId, Codec)]) -> bool {
    one.len() == other.len() && one.iter().all(|pair| is_part(*pair, other))
}

fn per_task(drops: &[TaskDrop], tasks: &[Task], z: f64) -> Vec<Option<Drop>> {
    let of = |task: &Task| drops.iter().find(|drop| drop.task == task.name);
    tasks
        .iter()
        .map(|task| of(task).map(|drop| Drop::new(drop, z)))
        .collect()
}

fn check_tasks(file: &CodecAccuracy, tasks: &[Task]) -> Result<(), ProblemError> {
    let names = || tasks.iter().map(|task| task.name.as_str());
    match file.tasks.iter().find(|t| !names().any(|n| n == t.name)) {
        None => Ok(()),
        Some(task) => Err(ProblemError::AccuracyOfUnknown(GraphError::Unknown {
            what: "task",
            name: task.name.clone(),
            near: match nearest(&task.name, names()) {
                near if near.is_empty() => names().map(str::to_owned).collect(),
                near => near,
            },
        })),
    }
}

/// A tensor of the file; `None` when it lies inside what this profile has as one layer.
fn find_tensor(graph: &Graph, name: &str) -> Result<Option<TensorId>, ProblemError> {
    match graph.find_tensor(name) {
        Ok(tensor) => Ok(Some(tensor)),
        Err(_)
            if graph
                .layers()
                .iter()
                .any(|l| l.members.iter().any(|m| m == name)) =>
        {
            Ok(None)
        }
        Err(error) => Err(ProblemError::AccuracyOfUnknown(error)),
    }
}

/// The placement of a record; `None` when this profile cannot place it.
fn placement(
    record: &WholePlanRecord,
    graph: &Graph,
) -> Result<Option<(LayerSet, Codecs)>, ProblemError> {
    let mut codecs = Codecs::new();
    for (name, codec) in record.tensors.iter().zip(&record.codecs) {
        match find_tensor(graph, name)? {
            Some(tensor) => codecs.push((tensor, *codec)),
            None => return Ok(None),
        }
    }
    codecs.sort_unstable();
    let mut edge = LayerSet::empty(graph.layers().len());
    for name in &record.edge {
        let layer = graph.layer_ids().find(|id| {
            let layer = graph.layer(*id);
            layer.id == *name || layer.members.iter().any(|m| m == name)
        });
        match layer {
            Some(layer) => edge.insert(layer),
            None => return Ok(None),
        }
    }
    // a layer may have been several where it was measured
    graph.close_backwards(&mut edge);
    Ok(Some((edge, codecs)))
}
