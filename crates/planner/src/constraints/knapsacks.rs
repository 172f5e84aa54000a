//! The knapsacks of the limits that are sums of what layers and encodings use.

use super::knapsack::{Counts, Knapsack};
use super::limit::Limit;
use crate::cost::accuracy::{Accuracy, is_part};
use crate::cost::tables::Tables;
use cutpoint_core::codec::Codec;
use cutpoint_core::graph::TensorId;

/// The knapsacks of the limits that are sums.
pub(crate) fn knapsacks(tables: &Tables, limits: &[Limit]) -> Vec<Knapsack> {
    let mut knapsacks = Vec::new();
    for limit in limits {
        match limit {
            Limit::Drop { task, allows, .. } => {
                if let Some(accuracy) = &tables.accuracy {
                    knapsacks.extend(of_drops(accuracy, tables, limit, *task, *allows));
                }
            }
            Limit::Capacity { name, .. } => {
                let layers = tables.uses.get(name).cloned().unwrap_or_default();
                let allows = limit.allows().unwrap_or(i64::MAX);
                knapsacks.push(Knapsack::of_layers(limit.clone(), allows, layers));
            }
            _ => {}
        }
    }
    knapsacks
}

/// The sum of a task's drops, and what was measured together and costs more than `allows`.
pub(crate) fn of_drops(
    accuracy: &Accuracy,
    tables: &Tables,
    limit: &Limit,
    task: usize,
    allows: i64,
) -> Vec<Knapsack> {
    let uses = |of: &dyn Fn(TensorId, Codec) -> Option<i64>, allows| {
        let codecs = |tensor: TensorId| {
            let encodings = tables.tensors[tensor.index()].encodings.iter();
            let uses = encodings.map(|encoding| (encoding.codec, of(tensor, encoding.codec)));
            uses.filter(|(_, uses)| *uses != Some(0)).collect()
        };
        let needs = Some(accuracy.needs[task].clone());
        let mut knapsack = Knapsack::of_crossings(limit.clone(), allows, Vec::new(), needs);
        let tensors = tables.graph.tensor_ids();
        let rows = tensors.map(|t| match knapsack.when(&tables.graph, t) {
            Counts::Never => Vec::new(),
            _ => codecs(t),
        });
        knapsack.set_codecs(rows.collect());
        knapsack
    };
    let sum = uses(
        &|t, codec| Some(accuracy.of_one(t, codec, task)?.worst),
        allows,
    );
    let mut knapsacks = vec![sum];
    for joint in &accuracy.joints {
        let part = accuracy.counted(&tables.graph, task, &joint.edge, &joint.codecs);
        let broke = joint.drops[task].is_some_and(|drop| drop.worst > allows);
        if broke && !part.is_empty() {
            let one = |t, codec| Some(i64::from(is_part((t, codec), &part)));
            knapsacks.push(uses(&one, part.len() as i64 - 1));
        }
    }
    knapsacks
}
