//! The times of another machine for the layers of the edge's profile, also when the runtime there
//! groups the nodes differently.

use std::collections::{HashMap, HashSet};

use super::{ServerError, ServerTimes};
use cutpoint_core::graph::{Graph, TensorId};
use cutpoint_core::profile::{LayerRecord, Profile};

/// Times of `server` per layer and tensor of `edge`.
///
/// A layer of the server that lies inside one of the edge's adds its whole time there. One that
/// spans several is shared out in proportion to what the edge's own profile says about them
/// (`server_us`), and the tensors between those may not cross: that machine runs them as one, and
/// nobody measured what splitting them costs.
pub(super) fn times(
    server: &Profile,
    edge: &Profile,
    graph: &Graph,
) -> Result<ServerTimes, ServerError> {
    let layer_of: HashMap<&str, usize> = edge
        .layers
        .iter()
        .enumerate()
        .flat_map(|(index, layer)| members(layer).map(move |member| (member, index)))
        .collect();
    let mut layer_us = vec![0.0; edge.layers.len()];
    let mut seen = HashSet::new();
    let mut shared = Vec::new();
    for group in &server.layers {
        let mut homes = Vec::new();
        for member in members(group) {
            let home = layer_of
                .get(member)
                .ok_or_else(|| ServerError::Unmatched(format!("layer `{member}`")))?;
            seen.insert(member);
            if !homes.contains(home) {
                homes.push(*home);
            }
        }
        share_out(group, &homes, edge, &mut layer_us);
        if homes.len() > 1 {
            shared.push(homes);
        }
    }
    if let Some(missing) = layer_of.keys().filter(|m| !seen.contains(*m)).min() {
        return Err(ServerError::Unmatched(format!("layer `{missing}`")));
    }
    let mut inside_groups = inside(&shared, graph);
    inside_groups.extend(barred_there(server, graph));
    Ok(ServerTimes {
        layer_us,
        recv_us: recv_us(server, edge, &inside_groups)?,
        codecs: server.codecs.clone(),
        split_us: server.method.split_server_us,
        memory: server.memory,
        inside_groups,
        note: (!shared.is_empty()).then(|| {
            format!(
                "the server runs {} sets of layers as one that the edge runs apart: \
                 no cut between those",
                shared.len()
            )
        }),
    })
}

/// The nodes of a layer; a plain layer is its own member.
fn members(layer: &LayerRecord) -> impl Iterator<Item = &str> {
    let own = layer.members.is_empty().then_some(layer.id.as_str());
    layer.members.iter().map(String::as_str).chain(own)
}

fn share_out(group: &LayerRecord, homes: &[usize], edge: &Profile, layer_us: &mut [f64]) {
    let total: f64 = homes.iter().map(|h| edge.layers[*h].server_us).sum();
    for home in homes {
        let share = match total {
            t if t > 0.0 => edge.layers[*home].server_us / t,
            _ => 1.0 / homes.len() as f64,
        };
        layer_us[*home] += group.server_us * share;
    }
}

/// The tensors that one layer of a set produces and another reads.
fn inside(shared: &[Vec<usize>], graph: &Graph) -> Vec<TensorId> {
    let within = |tensor: &TensorId, set: &Vec<usize>| {
        let home = graph.producer(*tensor).map(|p| p.index());
        let mut readers = graph.consumers(*tensor).iter();
        home.is_some_and(|h| set.contains(&h)) && readers.any(|c| set.contains(&c.index()))
    };
    let tensors = graph.tensor_ids();
    tensors
        .filter(|t| shared.iter().any(|set| within(t, set)))
        .collect()
}

/// The tensors that may not cross for a reason found on the server.
fn barred_there<'a>(server: &'a Profile, graph: &'a Graph) -> impl Iterator<Item = TensorId> + 'a {
    let barred = server.tensors.iter().filter(|t| !t.cuttable);
    barred.filter_map(|t| graph.find_tensor(&t.name).ok())
}

fn recv_us(server: &Profile, edge: &Profile, inside: &[TensorId]) -> Result<Vec<f64>, ServerError> {
    let known: HashMap<&str, f64> = server
        .tensors
        .iter()
        .map(|t| (t.name.as_str(), t.recv_us))
        .collect();
    let tensors = edge.tensors.iter().enumerate();
    tensors
        .map(|(index, tensor)| match known.get(tensor.name.as_str()) {
            Some(us) => Ok(*us),
            // the server never saw it, and it may not cross
            None if inside.contains(&TensorId::new(index)) => Ok(0.0),
            None => Err(ServerError::Unmatched(format!("tensor `{}`", tensor.name))),
        })
        .collect()
}
