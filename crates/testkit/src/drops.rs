//! What encodings cost a task, straight from the accuracy file.

use cutpoint_core::codec::{Codec, Form, Stage};
use cutpoint_core::codec_accuracy::{Metric, TaskDrop, WholePlanRecord};

use super::oracle::Oracle;

/// Millionths.
fn whole(drop: &TaskDrop, z: f64) -> i64 {
    ((drop.mean + z * drop.std_error) * 1e6 - 1e-3)
        .ceil()
        .max(0.0) as i64
}

fn lossless(codec: Codec) -> bool {
    matches!(codec.form, Form::Own | Form::U8 | Form::Png)
}

impl Oracle<'_> {
    /// Names of the tasks and bits of the layers that each needs.
    pub fn tasks(&self) -> Vec<(String, u32)> {
        let mut tasks: Vec<(String, Vec<String>)> = Vec::new();
        for task in &self.edge.tasks {
            tasks.push((task.name.clone(), task.outputs.clone()));
        }
        for output in &self.edge.outputs {
            let name = &output.name;
            if !tasks.iter().any(|(_, outputs)| outputs.contains(name)) {
                tasks.push((name.clone(), vec![name.clone()]));
            }
        }
        let needs = |(name, outputs): (String, Vec<String>)| {
            let mut bits = 0;
            for output in outputs {
                bits |= self.needed_for(&output);
            }
            (name, bits)
        };
        tasks.into_iter().map(needs).collect()
    }

    /// Bits of the layers that a tensor needs.
    pub fn needed_for(&self, tensor: &str) -> u32 {
        let Some(producer) = self.producer(tensor) else {
            return 0;
        };
        let inputs = &self.edge.layers[producer].inputs;
        let above = inputs.iter().map(|input| self.needed_for(input));
        above.fold(1 << producer, |bits, more| bits | more)
    }

    /// What costs a task something: lossy, and read on the server on the way to the task.
    fn counted(&self, needs: u32, edge: u32, codecs: &[(String, Codec)]) -> Vec<(String, Codec)> {
        let counts = |tensor: &str| {
            let readers = self.readers(tensor);
            readers
                .iter()
                .any(|r| edge >> r & 1 == 0 && needs >> r & 1 == 1)
        };
        let lossy = codecs.iter().filter(|(t, c)| !lossless(*c) && counts(t));
        lossy.cloned().collect()
    }

    fn edge_of(&self, joint: &WholePlanRecord) -> u32 {
        let layers = self.edge.layers.iter().enumerate();
        let here = layers.filter(|(_, l)| joint.edge.contains(&l.id));
        here.map(|(i, _)| 1 << i).sum()
    }

    /// The pessimistic drop in millionths; `None` is unknown.
    pub fn drop(&self, task: &str, edge: u32, codecs: &[(String, Codec)]) -> Option<i64> {
        let accuracy = self.accuracy?;
        let z = self.scenario.limits.accuracy.confidence.z();
        let needs = self.tasks().into_iter().find(|(t, _)| t == task).unwrap().1;
        let counted = self.counted(needs, edge, codecs);
        if counted.is_empty() {
            return Some(0);
        }
        let of = |drops: &[TaskDrop]| {
            let drop = drops.iter().find(|drop| drop.task == task);
            drop.map(|drop| whole(drop, z))
        };
        let mut part = 0;
        let mut exact = None;
        for joint in &accuracy.whole_plans {
            let Some(drop) = of(&joint.drops) else {
                continue;
            };
            let pairs: Vec<(String, Codec)> = joint
                .tensors
                .iter()
                .cloned()
                .zip(joint.codecs.iter().copied())
                .collect();
            let same = |(t, c): &(String, Codec)| {
                codecs
                    .iter()
                    .any(|(o, d)| o == t && (c.form == d.form || lossless(*c) && lossless(*d)))
            };
            let there = self.edge_of(joint);
            if there == edge && pairs.len() == codecs.len() && pairs.iter().all(same) {
                exact = exact.or(Some(drop));
            }
            let counts = self.counted(needs, there, &pairs);
            if !counts.is_empty()
                && counts
                    .iter()
                    .all(|(t, c)| counted.iter().any(|(o, d)| o == t && c.form == d.form))
            {
                part = part.max(drop);
            }
        }
        if exact.is_some() {
            return exact;
        }
        let mut sum = 0;
        for (tensor, codec) in counted {
            let records = accuracy.crossings.iter().filter(|r| r.tensor == tensor);
            // its own record, else one of the form alone, else in another compression
            let mut fit: Vec<_> = records.filter(|r| r.codec.form == codec.form).collect();
            fit.sort_by_key(|r| (r.codec != codec, r.codec.stage != Stage::Plain));
            sum += fit.iter().find_map(|r| of(&r.drops))?;
        }
        Some(i64::max(sum, part))
    }

    /// Limits on accuracy: name, task, largest drop in millionths.
    pub fn drop_limits(&self) -> Vec<(String, String, i64)> {
        let limits = &self.scenario.limits.accuracy;
        let mut found = Vec::new();
        for (task, _) in self.tasks() {
            let of = |name: Option<&String>| {
                let mut drops = limits.drops.iter();
                drops.find(|d| d.task.as_ref() == name).map(|d| d.most.0)
            };
            if let Some(most) = of(Some(&task)).or_else(|| of(None)) {
                found.push((format!("max-drop {task}"), task.clone(), most as i64));
            }
            if let Some(floor) = limits.floors.iter().find(|f| f.task == task) {
                let of = self.accuracy.unwrap().task(&task).unwrap();
                let drop = match of.metric {
                    Metric::Mae => floor.value / of.baseline - 1.0,
                    _ => of.baseline - floor.value,
                };
                let most = (drop * 1e6 + 1e-3).floor() as i64;
                found.push((format!("floor {task}"), task, most));
            }
        }
        found
    }
}
