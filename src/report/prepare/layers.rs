use super::{edge_origin, server_origin};
use crate::cuts;
use crate::graph::{Graph, LayerId, TensorId};
use crate::profile::{LayerRecord, Profile};
use crate::report::layers::{LayerBar, LayersData};
use crate::server::{Server, ServerError};

/// Data of the layer figure: the edge's profile and the graph it measured, beside a server.
///
/// # Errors
/// The server cannot run the profile's layers.
pub fn layers(
    profile: &Profile,
    graph: &Graph,
    local_inputs: &[TensorId],
    server: &Server,
) -> Result<LayersData, ServerError> {
    let server_us = server.times(profile, graph)?.layer_us;
    let mut natural = vec![false; graph.layers().len()];
    let cuts = cuts::natural(graph, local_inputs);
    for producer in cuts
        .iter()
        .flat_map(|cut| &cut.crossing)
        .filter_map(|t| graph.producer(*t))
    {
        natural[producer.index()] = true;
    }
    let bar = |((id, record), server_us): ((LayerId, &LayerRecord), f64)| LayerBar {
        name: if record.name.is_empty() {
            record.id.clone()
        } else {
            record.name.clone()
        },
        op: record.op.clone(),
        edge_us: record.edge_us,
        server_us,
        output: graph
            .layer(id)
            .outputs
            .iter()
            .map(|t| graph.tensor(*t).bytes)
            .sum(),
        natural: natural[id.index()],
    };
    Ok(LayersData {
        model: profile.model.file.clone(),
        edge: edge_origin(profile),
        server: server_origin(server),
        input: graph.inputs().iter().map(|t| graph.tensor(*t).bytes).sum(),
        layers: graph
            .layer_ids()
            .zip(&profile.layers)
            .zip(server_us)
            .map(bar)
            .collect(),
    })
}
