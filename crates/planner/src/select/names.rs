//! What names in a scenario mean for each of several models.
//!
//! A name holds for every model that has it; `model/name` for that model alone.

use std::collections::{BTreeMap, HashSet};

use super::{ModelInput, SelectError};
use crate::scenario::{Key, Limits, Scenario, U8Input};
use cutpoint_core::graph::{Graph, GraphError, nearest};
use cutpoint_core::profile::Names;
use cutpoint_core::quantity::Quantity;
use cutpoint_core::task::Task;

/// The models and their graphs.
pub(super) struct Known<'a> {
    models: &'a [ModelInput],
    graphs: Vec<Graph>,
}

/// What a name can be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Input,
    Output,
    /// A layer, or a node in it.
    Layer,
}

impl Kind {
    fn names(self, graph: &Graph) -> Vec<&str> {
        let tensor = |t: &cutpoint_core::graph::TensorId| graph.tensor(*t).name.as_str();
        match self {
            Kind::Input => graph.inputs().iter().map(tensor).collect(),
            Kind::Output => graph.outputs().iter().map(tensor).collect(),
            Kind::Layer => {
                let own = graph.layers().iter().map(|l| l.id.as_str());
                let nodes = graph.layers().iter().flat_map(|l| &l.members);
                own.chain(nodes.map(String::as_str)).collect()
            }
        }
    }

    fn word(self) -> &'static str {
        match self {
            Kind::Input => "input",
            Kind::Output => "output",
            Kind::Layer => "layer",
        }
    }
}

impl<'a> Known<'a> {
    pub(super) fn new(models: &'a [ModelInput]) -> Result<Known<'a>, SelectError> {
        let graph = |model: &ModelInput| {
            let graph = model.edge.graph();
            graph.map_err(|error| SelectError::Graph(model.edge.model.file.clone(), error))
        };
        Ok(Known {
            models,
            graphs: models.iter().map(graph).collect::<Result<_, _>>()?,
        })
    }

    /// What `name` is called in a model; `None` when it is not there.
    fn find<'n>(&self, model: usize, kind: Kind, name: &'n str) -> Option<&'n str> {
        let own = name
            .strip_prefix(self.models[model].name.as_str())
            .and_then(|rest| rest.strip_prefix('/'));
        let there: HashSet<&str> = kind.names(&self.graphs[model]).into_iter().collect();
        [Some(name), own]
            .into_iter()
            .flatten()
            .find(|n| there.contains(n))
    }

    /// Every name must be one of some model's.
    pub(super) fn check(&self, scenario: &Scenario) -> Result<(), SelectError> {
        let limits = &scenario.limits;
        let u8_inputs = scenario.u8_inputs.iter().map(|input| &input.name);
        let outputs = scenario.tasks.iter().flat_map(|task| &task.outputs);
        let named = u8_inputs.map(|name| (Key::INPUT_U8, Kind::Input, name));
        let local = scenario.local_inputs.iter();
        let named = named
            .chain(local.map(|name| (Key::LOCAL_INPUT, Kind::Input, name)))
            .chain(outputs.map(|name| (Key::TASK, Kind::Output, name)))
            .chain(
                limits
                    .keep_on_edge
                    .iter()
                    .map(|name| (Key::from(Quantity::KeepOnEdge), Kind::Layer, name)),
            )
            .chain(
                limits
                    .keep_on_server
                    .iter()
                    .map(|name| (Key::from(Quantity::KeepOnServer), Kind::Layer, name)),
            );
        for (key, kind, name) in named {
            let found = |model| self.find(model, kind, name).is_some();
            if !(0..self.models.len()).any(found) {
                let mut names: Vec<&str> = self.graphs.iter().flat_map(|g| kind.names(g)).collect();
                names.sort_unstable();
                names.dedup();
                let cause = GraphError::Unknown {
                    what: kind.word(),
                    name: name.clone(),
                    near: nearest(name, names.into_iter()),
                };
                return Err(SelectError::Unknown { key, cause });
            }
        }
        let uses = |name: &String| {
            let mut layers = self.models.iter().flat_map(|e| &e.edge.layers);
            layers.any(|layer| layer.uses.contains_key(name))
        };
        match limits.capacities.keys().find(|name| !uses(name)) {
            None => Ok(()),
            Some(name) => Err(SelectError::Unknown {
                key: Key::from(Quantity::Capacity),
                cause: GraphError::Unknown {
                    what: "capacity",
                    name: name.clone(),
                    near: Vec::new(),
                },
            }),
        }
    }

    /// The tasks of a model: those of the scenario whose outputs it has, or else its profile's.
    pub(super) fn tasks(
        &self,
        model: usize,
        scenario: &Scenario,
    ) -> Result<Vec<Task>, SelectError> {
        let own = |task: &Task| {
            let outputs = task.outputs.iter();
            let outputs = outputs.map(|name| self.find(model, Kind::Output, name));
            Some(Task {
                name: task.name.clone(),
                outputs: outputs
                    .map(|o| o.map(str::to_owned))
                    .collect::<Option<_>>()?,
            })
        };
        let asked: Vec<Task> = scenario.tasks.iter().filter_map(own).collect();
        let profile = &self.models[model].edge;
        let asked = if asked.is_empty() {
            &profile.tasks
        } else {
            &asked
        };
        Task::complete(&self.graphs[model], asked)
            .map_err(|error| SelectError::Graph(profile.model.file.clone(), error))
    }

    /// The scenario with the names that a set of models has.
    pub(super) fn scenario(
        &self,
        members: &[usize],
        names: &Names,
        scenario: &Scenario,
    ) -> Scenario {
        let all = |kind, name: &String| {
            let own = |(position, model): (usize, &usize)| {
                let own = self.find(*model, kind, name)?;
                Some(match kind {
                    Kind::Layer => names.layer(position, own),
                    _ => names.tensor(position, own),
                })
            };
            members
                .iter()
                .enumerate()
                .filter_map(own)
                .collect::<Vec<_>>()
        };
        let list = |kind, wanted: &[String]| {
            let mut found: Vec<String> = wanted.iter().flat_map(|name| all(kind, name)).collect();
            let mut seen = HashSet::new();
            found.retain(|name| seen.insert(name.clone()));
            found
        };
        let mut u8_inputs: Vec<U8Input> = Vec::new();
        for declared in &scenario.u8_inputs {
            for name in all(Kind::Input, &declared.name) {
                if !u8_inputs.iter().any(|other| other.name == name) {
                    u8_inputs.push(U8Input {
                        name,
                        ..declared.clone()
                    });
                }
            }
        }
        let limits = &scenario.limits;
        Scenario {
            u8_inputs,
            local_inputs: list(Kind::Input, &scenario.local_inputs),
            // the profile of the set has them
            tasks: Vec::new(),
            limits: Limits {
                keep_on_edge: list(Kind::Layer, &limits.keep_on_edge),
                keep_on_server: list(Kind::Layer, &limits.keep_on_server),
                capacities: self.capacities(members, limits),
                ..limits.clone()
            },
            ..scenario.clone()
        }
    }

    /// The capacities that members use anything of.
    fn capacities(&self, members: &[usize], limits: &Limits) -> BTreeMap<String, u64> {
        let used = |name: &String| {
            let mut layers = members.iter().flat_map(|i| &self.models[*i].edge.layers);
            layers.any(|layer| layer.uses.contains_key(name))
        };
        let capacities = limits.capacities.iter().filter(|(name, _)| used(name));
        capacities
            .map(|(name, most)| (name.clone(), *most))
            .collect()
    }
}
