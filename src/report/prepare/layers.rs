use crate::cuts;
use crate::graph::{Graph, LayerId};
use crate::profile::{LayerRecord, Profile};
use crate::report::Origin;
use crate::report::layers::{LayerBar, LayersData};

/// Data of the layer figure: edge times of `profile`, and server times from `server_us`.
pub fn layers(
    profile: &Profile,
    graph: &Graph,
    edge: Origin,
    server: Origin,
    server_us: impl Fn(LayerId) -> f64,
) -> LayersData {
    let mut natural = vec![false; graph.layers().len()];
    for tensor in cuts::natural(graph, &[])
        .iter()
        .flat_map(|cut| &cut.crossing)
    {
        if let Some(layer) = graph.producer(*tensor) {
            natural[layer.index()] = true;
        }
    }
    let bar = |(id, record): (LayerId, &LayerRecord)| LayerBar {
        name: if record.name.is_empty() {
            record.id.clone()
        } else {
            record.name.clone()
        },
        op: record.op.clone(),
        edge_us: record.edge_us,
        server_us: server_us(id),
        output: graph
            .layer(id)
            .outputs
            .iter()
            .map(|t| graph.tensor(*t).bytes)
            .sum(),
        natural: natural[id.index()],
    };
    LayersData {
        model: profile.model.file.clone(),
        edge,
        server,
        input: graph.inputs().iter().map(|t| graph.tensor(*t).bytes).sum(),
        layers: graph.layer_ids().zip(&profile.layers).map(bar).collect(),
    }
}
