//! Which row of a table is about what of a model.

use std::collections::HashMap;

use crate::graph::{Graph, LayerId, TensorId, nearest};
use crate::profile::TensorRecord;
use crate::profile::times::{RowKind, RowSide, TimeRow, Times, TimesError, TimesFlaw};

/// A time, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Found<'a> {
    pub(super) row: &'a TimeRow,
    place: String,
}

impl Found<'_> {
    pub(super) fn us(&self) -> f64 {
        self.row.median_us
    }
}

/// A time of the edge, and one of the server.
pub(super) type BySide<'a> = [Option<Found<'a>>; 2];

/// Rows by what they are about.
pub(super) struct Matched<'a> {
    graph: &'a Graph,
    nodes: HashMap<&'a str, Vec<LayerId>>,
    layers: Vec<BySide<'a>>,
    /// The layer that runs each one that is part of it.
    pub(super) owner: Vec<Option<LayerId>>,
    /// Where each layer is said to be part of another.
    part_rows: Vec<Option<(&'a Times, u64)>>,
    tensors: HashMap<TensorId, BySide<'a>>,
    pub(super) split: BySide<'a>,
    pub(super) total: BySide<'a>,
}

impl<'a> Matched<'a> {
    pub(super) fn new(graph: &'a Graph) -> Matched<'a> {
        let mut nodes: HashMap<&str, Vec<LayerId>> = HashMap::new();
        for id in graph.layer_ids() {
            let name = graph.layer(id).name.as_str();
            if !name.is_empty() {
                nodes.entry(name).or_default().push(id);
            }
        }
        let count = graph.layers().len();
        Matched {
            graph,
            nodes,
            layers: vec![[None, None]; count],
            owner: vec![None; count],
            part_rows: vec![None; count],
            tensors: HashMap::new(),
            split: [None, None],
            total: [None, None],
        }
    }

    pub(super) fn add(&mut self, table: &'a Times, row: &'a TimeRow) -> Result<(), TimesFlaw> {
        let found = Found {
            row,
            place: format!("line {} of {}", row.line, table.path.display()),
        };
        match row.kind {
            RowKind::Layer => match self.layer(&row.name) {
                Ok(id) => self.add_layer(id, table, found),
                Err(TimesFlaw::Unknown { .. }) if is_total(&row.name) => {
                    put(&mut self.total, found)
                }
                Err(flaw) => Err(flaw),
            },
            RowKind::Total => put(&mut self.total, found),
            RowKind::Split => put(&mut self.split, found),
            RowKind::Send | RowKind::Receive => {
                let side = usize::from(row.kind == RowKind::Receive);
                let times = self.tensors.entry(self.tensor(&row.name)?).or_default();
                put_one(&mut times[side], found)
            }
        }
    }

    fn add_layer(
        &mut self,
        id: LayerId,
        table: &'a Times,
        found: Found<'a>,
    ) -> Result<(), TimesFlaw> {
        let Some(whole) = &found.row.part_of else {
            return put(&mut self.layers[id.index()], found);
        };
        let whole = self.layer(whole)?;
        self.owner[id.index()] = Some(whole);
        self.part_rows[id.index()] = Some((table, found.row.line));
        put(&mut self.layers[id.index()], found)
    }

    /// What a row names: a layer by its id, a node, or any output of a layer.
    fn layer(&self, name: &str) -> Result<LayerId, TimesFlaw> {
        if let Ok(id) = self.graph.find_layer(name) {
            return Ok(id);
        }
        match self.nodes.get(name).map(Vec::as_slice) {
            Some([id]) => return Ok(*id),
            Some(_) => return Err(TimesFlaw::Ambiguous(name.to_owned())),
            None => {}
        }
        let tensor = self.graph.find_tensor(name).ok();
        let known = || {
            let layers = self.graph.layers().iter();
            layers.flat_map(|l| [l.id.as_str(), l.name.as_str()])
        };
        tensor
            .and_then(|tensor| self.graph.producer(tensor))
            .ok_or_else(|| TimesFlaw::Unknown {
                what: "layer",
                name: name.to_owned(),
                near: nearest(name, known().filter(|name| !name.is_empty())),
            })
    }

    fn tensor(&self, name: &str) -> Result<TensorId, TimesFlaw> {
        let tensors = || self.graph.tensors().iter().map(|t| t.name.as_str());
        self.graph
            .find_tensor(name)
            .map_err(|_| TimesFlaw::Unknown {
                what: "tensor",
                name: name.to_owned(),
                near: nearest(name, tensors()),
            })
    }

    /// Returns the error for a layer that runs others and is run by one itself.
    pub(super) fn no_part_of_part(&self) -> Result<(), TimesError> {
        for (part, owner) in self.owner.iter().enumerate() {
            let chained = owner.filter(|owner| self.owner[owner.index()].is_some());
            if let (Some(owner), Some((table, line))) = (chained, self.part_rows[part]) {
                return Err(TimesError {
                    path: table.path.clone(),
                    line: Some(line),
                    flaw: TimesFlaw::PartOfPart(self.graph.layer(owner).id.clone()),
                });
            }
        }
        Ok(())
    }

    /// Returns what the nodes of a layer take together; `None` when no row says so.
    pub(super) fn sum(&self, members: &[usize], side: usize) -> Option<Sum> {
        let found = members
            .iter()
            .filter(|layer| self.owner[**layer].is_none())
            .filter_map(|layer| self.layers[*layer][side].as_ref());
        let mut sum: Option<Sum> = None;
        for row in found.map(|found| found.row) {
            let trace_us = row.trace_us.unwrap_or(row.median_us);
            sum = Some(match sum {
                None => Sum {
                    us: row.median_us,
                    trace_us,
                    mad_us: row.mad_us,
                    runs: row.runs,
                },
                Some(sum) => Sum {
                    us: sum.us + row.median_us,
                    trace_us: sum.trace_us + trace_us,
                    mad_us: sum.mad_us + row.mad_us,
                    runs: sum.runs.min(row.runs),
                },
            });
        }
        sum
    }

    pub(super) fn tensor_records(&self, graph: &Graph) -> Vec<TensorRecord> {
        let record = |tensor: &crate::graph::Tensor| {
            let id = self.graph.find_tensor(&tensor.name).ok();
            let times = id.and_then(|id| self.tensors.get(&id));
            let us = |side: usize| times.and_then(|t| t[side].as_ref()).map_or(0.0, Found::us);
            TensorRecord {
                name: tensor.name.clone(),
                dtype: tensor.dtype.to_string(),
                shape: tensor.shape.clone(),
                bytes: tensor.bytes.0,
                cuttable: tensor.uncuttable.is_none(),
                reason: tensor.uncuttable.clone().unwrap_or_default(),
                send_us: us(0),
                recv_us: us(1),
            }
        };
        graph.tensors().iter().map(record).collect()
    }
}

/// Times of the nodes of a layer.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Sum {
    pub(super) us: f64,
    pub(super) trace_us: f64,
    pub(super) mad_us: f64,
    pub(super) runs: usize,
}

/// Names that other tools give to the sum of all layers.
fn is_total(name: &str) -> bool {
    ["total", "sum", "whole"]
        .iter()
        .any(|word| name.eq_ignore_ascii_case(word))
}

/// Keeps a time for its side, or for both.
fn put<'a>(times: &mut BySide<'a>, found: Found<'a>) -> Result<(), TimesFlaw> {
    let sides: &[usize] = match found.row.side {
        None => &[0, 1],
        Some(RowSide::Edge) => &[0],
        Some(RowSide::Server) => &[1],
    };
    for side in sides {
        put_one(&mut times[*side], found.clone())?;
    }
    Ok(())
}

fn put_one<'a>(time: &mut Option<Found<'a>>, found: Found<'a>) -> Result<(), TimesFlaw> {
    if let Some(first) = time {
        return Err(TimesFlaw::Twice {
            name: match found.row.name.as_str() {
                "" => "the whole".to_owned(),
                name => name.to_owned(),
            },
            first: first.place.clone(),
        });
    }
    *time = Some(found);
    Ok(())
}
