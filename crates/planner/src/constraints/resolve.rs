//! The limits of a scenario, with its names looked up in the model.

use std::collections::BTreeMap;

use wildmatch::WildMatch;

use super::limit::Limit;
use crate::cost::accuracy::WHOLE_DROP;
use crate::cost::error::{ProblemError, known};
use crate::cost::tables::Tables;
use crate::scenario::{AccuracyLimits, FrameRate, Objective, Scenario};
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::TaskAccuracy;
use cutpoint_core::graph::{Graph, GraphError, LayerId, nearest};
use cutpoint_core::quantity::Quantity;

/// The limits of a scenario, in the order of its fields.
pub(crate) fn resolve(tables: &Tables, scenario: &Scenario) -> Result<Vec<Limit>, ProblemError> {
    let graph = &tables.graph;
    let given = &scenario.limits;
    let mut limits = Vec::new();
    limits.extend(given.edge_memory.map(Limit::EdgeMemory));
    limits.extend(given.server_memory.map(Limit::ServerMemory));
    limits.extend(given.max_uplink.map(Limit::MaxUplink));
    limits.extend(given.max_downlink.map(Limit::MaxDownlink));
    limits.extend(given.max_message.map(Limit::MaxMessage));
    for name in &given.keep_on_edge {
        let layers = find(graph, Quantity::KeepOnEdge, name)?;
        limits.push(Limit::KeepOnEdge(layers, name.clone()));
    }
    for name in &given.keep_on_server {
        let layers = find(graph, Quantity::KeepOnServer, name)?;
        limits.push(Limit::KeepOnServer(layers, name.clone()));
    }
    limits.extend(given.raw_stays.then_some(Limit::RawStays));
    limits.extend(given.min_depth.map(Limit::MinDepth));
    // where lateness is the objective, deadlines are goals
    let strict = scenario.objective != Objective::Lateness;
    for (task, deadline) in tables.deadlines.iter().enumerate().filter(|_| strict) {
        limits.extend(deadline.map(|allows_ns| Limit::Deadline {
            name: tables.tasks[task].name.clone(),
            task,
            allows_ns,
        }));
    }
    let period_ns = given.fps.map(FrameRate::period_ns);
    limits.extend(period_ns.map(Limit::Fps));
    if let (Some(share), Some(period_ns)) = (given.link_share, period_ns) {
        limits.push(Limit::LinkShare { share, period_ns });
    }
    if tables.power.is_none() && (given.max_energy.is_some() || given.max_power.is_some()) {
        return Err(ProblemError::NoPower);
    }
    limits.extend(given.max_energy.map(Limit::MaxEnergy));
    if let (Some(most), Some(period_ns)) = (given.max_power, period_ns) {
        limits.push(Limit::MaxPower { most, period_ns });
    }
    limits.extend((!scenario.codecs.contains(&Codec::F32)).then_some(Limit::Codecs));
    limits.extend(drops(tables, &given.accuracy)?);
    limits.extend(capacities(tables, &given.capacities)?);
    limits.dedup();
    Ok(limits)
}

/// Largest drops and floors, in the order of the tasks.
pub(crate) fn drops(tables: &Tables, given: &AccuracyLimits) -> Result<Vec<Limit>, ProblemError> {
    let drops = given.drops.iter().filter_map(|d| d.task.as_ref());
    let floors = given.floors.iter().map(|f| &f.task);
    for (quantity, name) in drops
        .map(|task| (Quantity::MaxDrop, task))
        .chain(floors.map(|task| (Quantity::Floor, task)))
    {
        let names = tables.tasks.iter().map(|t| t.name.as_str());
        known(quantity.into(), "task", name, names)?;
    }
    if !given.any() {
        return Ok(Vec::new());
    }
    let accuracy = tables.accuracy.as_ref().ok_or(ProblemError::NoAccuracy)?;
    let baseline = |name: &String| {
        let whole = accuracy.whole(name);
        whole.ok_or_else(|| ProblemError::NoBaseline(name.clone()))
    };
    let mut limits = Vec::new();
    for (task, name) in tables.tasks.iter().map(|t| &t.name).enumerate() {
        let limit = |allows, floor| Limit::Drop {
            task,
            name: name.clone(),
            allows,
            floor,
        };
        if let Some(most) = given.drop_of(name) {
            let most = i64::try_from(most.0).unwrap_or(i64::MAX).min(LARGEST_USE);
            let allows = match given.best.get(name) {
                None => most,
                Some(best) => {
                    let whole = baseline(name)?;
                    let least = whole.metric.after(*best, most as f64 / WHOLE_DROP);
                    drop_to(whole, least)
                }
            };
            limits.push(limit(allows, false));
        }
        if let Some(floor) = given.floors.iter().find(|f| f.task == *name) {
            limits.push(limit(drop_to(baseline(name)?, floor.value), true));
        }
    }
    Ok(limits)
}

/// The largest drop, in millionths, with which the metric is still `value`.
fn drop_to(whole: &TaskAccuracy, value: f64) -> i64 {
    let drop = whole.metric.drop_to(whole.baseline, value) * WHOLE_DROP;
    // a little less than what was typed is noise of the conversion
    let most = (drop + 1e-3).floor();
    most.clamp(-(LARGEST_USE as f64), LARGEST_USE as f64) as i64
}

/// More than any sum of drops or capacities can sensibly be, and far from the range of an `i64`.
const LARGEST_USE: i64 = 1 << 52;

fn capacities(tables: &Tables, given: &BTreeMap<String, u64>) -> Result<Vec<Limit>, ProblemError> {
    let limit = |(name, allows): (&String, &u64)| {
        let names = tables.uses.keys().map(String::as_str);
        known(Quantity::Capacity.into(), "capacity", name, names)?;
        Ok(Limit::Capacity {
            name: name.clone(),
            allows: (*allows).min(LARGEST_USE.unsigned_abs()),
        })
    };
    given.iter().map(limit).collect()
}

/// Finds layers by the id of a group or of one of its members, or by a pattern of such names.
fn find(graph: &Graph, quantity: Quantity, name: &str) -> Result<Vec<LayerId>, ProblemError> {
    let pattern = WildMatch::new(name);
    let is_called = |wanted: &dyn Fn(&str) -> bool| -> Vec<LayerId> {
        let has_name = |id: &LayerId| {
            let layer = graph.layer(*id);
            wanted(&layer.id) || layer.members.iter().any(|m| wanted(m))
        };
        graph.layer_ids().filter(has_name).collect()
    };
    // names may hold `*` and `?`, too
    let mut found = is_called(&|known| known == name);
    if found.is_empty() {
        found = is_called(&|known| pattern.matches(known));
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let ids = graph.layers().iter().map(|l| l.id.as_str());
    let members = graph
        .layers()
        .iter()
        .flat_map(|l| l.members.iter().map(String::as_str));
    let mut names: Vec<&str> = ids.chain(members).collect();
    names.sort_unstable();
    names.dedup();
    Err(ProblemError::Unknown {
        key: quantity.into(),
        cause: GraphError::Unknown {
            what: "layer",
            name: name.to_owned(),
            near: nearest(name, names.into_iter()),
        },
    })
}
