//! Profiles of times that other tools measured.

mod matched;

use std::collections::BTreeSet;

use super::times::{TimeRow, Times, TimesError};
use super::{
    BoardInfo, FORMAT, LayerRecord, MemoryModel, Method, ModelInfo, PortRecord, Profile,
    WeightRecord, Whole,
};
use crate::file_kind::FileKind;
use crate::graph::{Graph, GraphError, LayerId, TensorId};
use crate::task::Task;
use matched::{Found, Matched, Sum};

/// What layers take that the tables do not name.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// There may be none.
    #[default]
    Refuse,
    /// No time at all.
    Zero,
}

/// What the times are of.
#[derive(Debug, Clone)]
pub struct Imported<'a> {
    /// The model's graph, a layer per node.
    pub graph: &'a Graph,
    /// The model.
    pub model: ModelInfo,
    /// The machine; rows of tables that name another one are passed over.
    pub board: BoardInfo,
    /// Named sets of outputs.
    pub tasks: Vec<Task>,
    /// Where the times come from, in words.
    pub source: String,
    /// What layers take that the tables do not name.
    pub missing: Missing,
}

/// Why times cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A row is wrong.
    #[error(transparent)]
    Row(#[from] TimesError),
    /// Layers without a time.
    #[error(
        "{tables}: {} no time{side}: add {}, or say with `--missing zero` that they take none",
        have(.layers), if .layers.len() == 1 { "a row" } else { "rows" }
    )]
    Missing {
        /// The files.
        tables: String,
        /// ` on the server` where they have one on the edge.
        side: &'static str,
        /// Their ids.
        layers: Vec<String>,
    },
    /// All rows are of other machines.
    #[error(
        "{tables}: no row is of the board `{board}`; there is `{}`: name one with --board",
        .found.join("`, `")
    )]
    OtherBoards {
        /// The files.
        tables: String,
        /// The board asked for.
        board: String,
        /// Those that have rows.
        found: Vec<String>,
    },
    /// The tables and the model contradict one another.
    #[error("{tables}: {problem}")]
    Contradiction {
        /// The files.
        tables: String,
        /// What is wrong.
        problem: String,
    },
}

/// `3 layers have`, with up to five names.
fn have(layers: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut shown: Vec<String> = layers
        .iter()
        .take(SHOWN)
        .map(|l| format!("`{l}`"))
        .collect();
    if layers.len() > SHOWN {
        shown.push(format!("{} more", layers.len() - SHOWN));
    }
    match layers.len() {
        1 => format!("layer {} has", shown.join(", ")),
        count => format!("{count} layers ({}) have", shown.join(", ")),
    }
}

/// Makes a profile of tables of times.
///
/// A layer is named by its first output, by its node, or by any of its outputs. Layers that a table
/// says are part of another become one layer with it. Without times of the server they are those of
/// the edge; without a row for the whole model it takes as long as all layers. Memory counts
/// weights and activations once, and codecs are not timed.
///
/// # Errors
/// See [`ImportError`].
pub fn import(tables: &[Times], of: Imported<'_>) -> Result<Profile, ImportError> {
    let board = of.board.name.as_str();
    let here = |row: &&TimeRow| row.board.as_deref().is_none_or(|name| name == board);
    let all = || {
        tables
            .iter()
            .flat_map(|t| t.rows.iter().map(move |row| (t, row)))
    };
    let rows: Vec<(&Times, &TimeRow)> = all().filter(|(_, row)| here(row)).collect();
    if rows.is_empty() {
        let found: BTreeSet<&String> = all().filter_map(|(_, row)| row.board.as_ref()).collect();
        return Err(ImportError::OtherBoards {
            tables: names(tables),
            board: board.to_owned(),
            found: found.into_iter().cloned().collect(),
        });
    }
    let mut matched = Matched::new(of.graph);
    for (table, row) in rows {
        let added = matched.add(table, row);
        added.map_err(|flaw| TimesError {
            path: table.path.clone(),
            line: Some(row.line),
            flaw,
        })?;
    }
    let contradiction = |problem: String| ImportError::Contradiction {
        tables: names(tables),
        problem,
    };
    matched.no_part_of_part()?;
    let (group_of, graph) = of
        .graph
        .joined(&matched.owner)
        .map_err(|error: GraphError| contradiction(error.to_string()))?;
    let profile = profile(&matched, tables, &group_of, &graph, of)?;
    profile.check_numbers().map_err(contradiction)?;
    let read = profile.graph();
    read.map_err(|error| contradiction(error.to_string()))?;
    Ok(profile)
}

fn names(tables: &[Times]) -> String {
    let names = tables.iter().map(|t| t.path.display().to_string());
    names.collect::<Vec<_>>().join(", ")
}

fn profile(
    matched: &Matched<'_>,
    tables: &[Times],
    group_of: &[LayerId],
    graph: &Graph,
    of: Imported<'_>,
) -> Result<Profile, ImportError> {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); graph.layers().len()];
    for (layer, group) in group_of.iter().enumerate() {
        members[group.index()].push(layer);
    }
    let times = |side: usize| -> Vec<Option<Sum>> {
        members.iter().map(|m| matched.sum(m, side)).collect()
    };
    let [edge, server] = [times(0), times(1)];
    let server = if server.iter().any(Option::is_some) {
        server
    } else {
        edge.clone()
    };
    if of.missing == Missing::Refuse {
        for (times, side) in [(&edge, ""), (&server, " on the server")] {
            let missing = graph.layer_ids().filter(|id| times[id.index()].is_none());
            let layers: Vec<String> = missing.map(|id| graph.layer(id).id.clone()).collect();
            if !layers.is_empty() {
                return Err(ImportError::Missing {
                    tables: names(tables),
                    side,
                    layers,
                });
            }
        }
    }
    let times = edge.iter().zip(&server);
    let layers: Vec<LayerRecord> = graph
        .layer_ids()
        .zip(times)
        .map(|(id, (edge, server))| record(graph, id, edge.as_ref(), server.as_ref()))
        .collect();
    let sum_us = layers.iter().map(|l| l.edge_us).sum();
    let whole = matched.total[0].as_ref().map(|total| total.row);
    let whole = whole.map_or(
        Whole {
            median_us: sum_us,
            ..Whole::default()
        },
        |row| Whole {
            median_us: row.median_us,
            mad_us: row.mad_us,
            runs: row.runs,
            ..Whole::default()
        },
    );
    let split = |side: usize| matched.split[side].as_ref().map_or(0.0, Found::us);
    let port = |tensor: &TensorId| {
        let tensor = graph.tensor(*tensor);
        PortRecord {
            name: tensor.name.clone(),
            dtype: tensor.dtype.to_string(),
            shape: tensor.shape.clone(),
            bytes: tensor.bytes.0,
        }
    };
    Ok(Profile {
        format: FORMAT,
        kind: FileKind::Profile,
        source: Some(of.source),
        imported: true,
        model: of.model,
        board: of.board,
        method: Method {
            runs: layers.iter().map(|l| l.runs).min().unwrap_or(0),
            noise: if whole.median_us > 0.0 {
                whole.mad_us / whole.median_us
            } else {
                0.0
            },
            split_edge_us: split(0),
            split_server_us: split(1),
            ..Method::default()
        },
        whole,
        memory: MemoryModel {
            base_bytes: 0,
            weight_factor: 1.0,
            activation_factor: 1.0,
        },
        power: None,
        serving: None,
        inputs: graph.inputs().iter().map(port).collect(),
        outputs: graph.outputs().iter().map(port).collect(),
        tasks: of.tasks,
        tensors: matched.tensor_records(graph),
        weights: graph
            .weights()
            .iter()
            .map(|w| WeightRecord {
                name: w.name.clone(),
                bytes: w.bytes.0,
            })
            .collect(),
        layers,
        cuts: Vec::new(),
        codecs: Vec::new(),
    })
}

fn record(graph: &Graph, id: LayerId, edge: Option<&Sum>, server: Option<&Sum>) -> LayerRecord {
    let layer = graph.layer(id);
    let tensors = |ids: &[TensorId]| {
        ids.iter()
            .map(|t| graph.tensor(*t).name.clone())
            .collect::<Vec<_>>()
    };
    let weights = layer.weights.iter();
    let edge = edge.copied().unwrap_or_default();
    LayerRecord {
        id: layer.id.clone(),
        name: layer.name.clone(),
        op: layer.op.clone(),
        members: layer.members.clone(),
        inputs: tensors(&layer.inputs),
        outputs: tensors(&layer.outputs),
        weights: weights
            .map(|w| graph.weights()[w.index()].name.clone())
            .collect(),
        flops: layer.flops,
        edge_us: edge.us,
        server_us: server.map_or(0.0, |server| server.us),
        trace_us: edge.trace_us,
        mad_us: edge.mad_us,
        runs: edge.runs,
        ..LayerRecord::default()
    }
}
