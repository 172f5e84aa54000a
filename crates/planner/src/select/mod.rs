//! The models to choose among: every model that does all wanted tasks, and every set of models
//! that do them together, each task once. A set is planned as one model (see
//! [`Profile::union`](cutpoint_core::profile::Profile::union)), so it shares the limits and competes with
//! the others on equal terms.

mod best;
mod cover;
mod names;

use std::collections::BTreeSet;

use crate::plan_writer::PlanWriter;
use crate::problem::{Problem, ProblemError};
use crate::scenario::{AccuracyLimits, Key, Limits, Scenario};
use crate::server::{Server, ServerError};
use cutpoint_core::codec_accuracy::{CodecAccuracy, ModelId};
use cutpoint_core::graph::{Graph, GraphError, LayerSet};
use cutpoint_core::plan::{Evidence, HalfEvidence, Plan, PlannedMember};
use cutpoint_core::profile::{Member, Names, Profile, UnionError};
use cutpoint_core::task::Task;

pub use best::relative_to_best;
use cover::covers;

/// One of the models to choose among.
#[derive(Debug, Clone)]
pub struct ModelInput {
    /// Unlike those of the others; see [`model_names`].
    pub name: String,
    /// Its times on the edge board.
    pub edge: Profile,
    /// The server as it runs this model.
    pub server: Server,
    /// What encodings cost it.
    pub accuracy: Option<CodecAccuracy>,
}

/// A model, or a set of models, that does all wanted tasks.
#[derive(Debug)]
pub struct ModelChoice {
    /// Files of the models, joined by ` + `.
    pub name: String,
    /// To be solved.
    pub problem: Problem,
    /// Why it is out of the question whatever its latency; see [`ProblemError::NoAccuracy`].
    pub barred: Option<String>,
    members: Vec<Part>,
    names: Names,
}

/// A member of a set, planned alone.
#[derive(Debug)]
struct Part {
    name: String,
    file: String,
    sha256: String,
    tasks: Vec<String>,
    problem: Problem,
}

/// More models and sets than anyone compares.
const MOST_CANDIDATES: usize = 256;

/// What keeps models from being compared.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// Models of different boards.
    #[error(transparent)]
    Union(#[from] UnionError),
    /// Models on different servers.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A model's profile contradicts itself.
    #[error("{0}: {1}")]
    Graph(String, GraphError),
    /// The only model and the scenario are no problem.
    #[error(transparent)]
    Alone(Box<ProblemError>),
    /// A model or set and the scenario are no problem.
    #[error("{0}: {1}")]
    Problem(String, Box<ProblemError>),
    /// A key names what no model has.
    #[error("{key}: {cause} in any of the models")]
    Unknown {
        /// The key.
        key: Key,
        /// The name and its nearest neighbours.
        cause: GraphError,
    },
    /// Models that measure a task differently.
    #[error(
        "task `{task}` is measured by {first} in one accuracy file and by {second} in another: \
         limits on it cannot compare the models"
    )]
    OtherMetric {
        /// The task.
        task: String,
        /// Name of a metric.
        first: &'static str,
        /// Name of another.
        second: &'static str,
    },
    /// No model does all tasks, and no set does each once.
    #[error(
        "no model does all of {tasks}, and no set of models does each of them once: name tasks \
         alike in all models with `{task} NAME=OUTPUT` of `cutpoint profile`",
        task = Key::TASK
    )]
    NoCover {
        /// The tasks.
        tasks: String,
    },
    /// Very many sets.
    #[error(
        "the models can be combined in more than {MOST_CANDIDATES} ways: leave out some of them"
    )]
    TooMany,
}

/// Names for models: the stems of their files, numbered where those are alike.
pub fn model_names(files: &[&str]) -> Vec<String> {
    let stem = |file: &&str| file.strip_suffix(".onnx").unwrap_or(file).to_owned();
    let mut names: Vec<String> = Vec::new();
    for stem in files.iter().map(stem) {
        let numbered = (2..).map(|number| format!("{stem}-{number}"));
        let mut free = std::iter::once(stem.clone()).chain(numbered);
        names.extend(free.find(|name| !names.contains(name)));
    }
    names
}

/// Everything that does all tasks of all models; single models first, in the order given.
///
/// # Errors
/// Models that cannot be compared, names that no model has, tasks that no set does.
pub fn model_choices(
    models: &[ModelInput],
    scenario: &Scenario,
) -> Result<Vec<ModelChoice>, SelectError> {
    if let [alone] = models {
        return Ok(vec![single(alone, scenario)?]);
    }
    let known = names::Known::new(models)?;
    known.check(scenario)?;
    let scenario = &best::relative_to_best(models, scenario)?;
    for pair in models.windows(2) {
        pair[0].edge.check_comparable(&pair[1].edge)?;
    }
    let tasks: Vec<Vec<Task>> = (0..models.len())
        .map(|index| known.tasks(index, scenario))
        .collect::<Result<_, _>>()?;
    let tasks_of: Vec<BTreeSet<&str>> = tasks.iter().map(|tasks| task_names(tasks)).collect();
    let wanted: BTreeSet<&str> = tasks_of.iter().flatten().copied().collect();
    let sets = covers(&tasks_of, &wanted, MOST_CANDIDATES).ok_or(SelectError::TooMany)?;
    if sets.is_empty() {
        let tasks: Vec<&str> = wanted.into_iter().collect();
        return Err(SelectError::NoCover {
            tasks: tasks.join(", "),
        });
    }
    tracing::debug!(
        target: "cutpoint_planner::select",
        "{} models; {} sets of them cover the tasks",
        models.len(),
        sets.len()
    );
    let set = |indices: &Vec<usize>| {
        Set {
            models,
            tasks: &tasks,
            known: &known,
            indices,
        }
        .choice(scenario)
    };
    sets.iter().map(set).collect()
}

fn task_names(tasks: &[Task]) -> BTreeSet<&str> {
    tasks.iter().map(|task| task.name.as_str()).collect()
}

fn single(alone: &ModelInput, scenario: &Scenario) -> Result<ModelChoice, SelectError> {
    let accuracy = alone.accuracy.as_ref();
    let problem = Problem::with_accuracy(&alone.edge, &alone.server, scenario, accuracy);
    Ok(ModelChoice {
        problem: problem.map_err(|error| SelectError::Alone(Box::new(error)))?,
        name: alone.edge.model.file.clone(),
        barred: None,
        members: Vec::new(),
        names: Names::new(&[]),
    })
}

fn of_model(name: &str, error: ProblemError) -> SelectError {
    SelectError::Problem(name.to_owned(), Box::new(error))
}

/// One of the sets, by the positions of its members.
struct Set<'a> {
    models: &'a [ModelInput],
    tasks: &'a [Vec<Task>],
    known: &'a names::Known<'a>,
    indices: &'a [usize],
}

impl Set<'_> {
    fn choice(&self, scenario: &Scenario) -> Result<ModelChoice, SelectError> {
        let models = || self.indices.iter().map(|i| &self.models[*i]);
        let files: Vec<&str> = models().map(|e| e.edge.model.file.as_str()).collect();
        let name = files.join(" + ");
        let members: Vec<Member<'_>> = self.indices.iter().map(|i| self.member(*i)).collect();
        let names = Names::new(&members);
        let edge = Profile::union(&members)?;
        let with_servers = members.iter().copied().zip(models().map(|e| &e.server));
        let server = match self.indices {
            [one] => self.models[*one].server.clone(),
            _ => Server::union(&with_servers.collect::<Vec<_>>())?,
        };
        let mut own_scenario = self.known.scenario(self.indices, &names, scenario);
        let accuracy = self.accuracy(&edge, &names);
        let problem = |own_scenario: &Scenario| {
            Problem::with_accuracy(&edge, &server, own_scenario, accuracy.as_ref())
        };
        let (problem, barred) = match problem(&own_scenario) {
            Err(error @ (ProblemError::NoAccuracy | ProblemError::NoBaseline(_))) => {
                own_scenario.limits.accuracy = AccuracyLimits::default();
                (problem(&own_scenario), Some(error.to_string()))
            }
            other => (other, None),
        };
        Ok(ModelChoice {
            problem: problem.map_err(|error| of_model(&name, error))?,
            barred,
            members: match self.indices {
                [_] => Vec::new(),
                several => {
                    let part = |i: &usize| self.part(*i, scenario);
                    several.iter().map(part).collect::<Result<_, _>>()?
                }
            },
            names,
            name: name.clone(),
        })
    }

    /// What is known of the members' accuracy, with the names of the set.
    fn accuracy(&self, edge: &Profile, names: &Names) -> Option<CodecAccuracy> {
        let known = self
            .indices
            .iter()
            .enumerate()
            .filter_map(|(position, index)| {
                let own = self.models[*index].accuracy.as_ref()?;
                let tensor = |name: &str| names.tensor(position, name);
                Some(own.renamed(tensor, |name| names.layer(position, name)))
            });
        let known: Vec<CodecAccuracy> = known.collect();
        let model = ModelId {
            file: edge.model.file.clone(),
            sha256: edge.model.sha256.clone(),
        };
        match known.as_slice() {
            [] => None,
            // its own hash is checked against its own profile
            [one] if self.indices.len() == 1 => Some(one.clone()),
            several => Some(CodecAccuracy::union(several, model)),
        }
    }

    fn member(&self, index: usize) -> Member<'_> {
        Member {
            name: &self.models[index].name,
            profile: &self.models[index].edge,
            tasks: &self.tasks[index],
        }
    }

    /// A member by itself, without limits: they are those of the set.
    fn part(&self, index: usize, scenario: &Scenario) -> Result<Part, SelectError> {
        let member = self.member(index);
        let model = &self.models[index];
        let alone = Names::new(&[member]);
        let own_scenario = Scenario {
            limits: Limits::default(),
            ..self.known.scenario(&[index], &alone, scenario)
        };
        let file = model.edge.model.file.clone();
        let accuracy = model.accuracy.as_ref();
        let problem = Problem::with_accuracy(&model.edge, &model.server, &own_scenario, accuracy);
        Ok(Part {
            name: model.name.clone(),
            sha256: model.edge.model.sha256.clone(),
            tasks: member.tasks.iter().map(|task| task.name.clone()).collect(),
            problem: problem.map_err(|error| of_model(&file, error))?,
            file,
        })
    }
}

impl ModelChoice {
    /// The plan of this candidate with what it means for each member of a set.
    #[must_use]
    pub fn finish(&self, mut plan: Plan) -> Plan {
        if self.members.is_empty() {
            return plan;
        }
        let mut evidence: Option<Evidence> = None;
        for (index, part) in self.members.iter().enumerate() {
            let edge = self.own(index, &plan.edge);
            let own = PlanWriter::new(&part.problem).evidence(&edge);
            evidence = Some(evidence.map_or(own, |other| weaker(other, own)));
            plan.members.push(self.describe(index, &edge, &plan));
        }
        plan.evidence = evidence.unwrap_or(plan.evidence);
        plan
    }

    /// Which of these layers of the set are a member's.
    fn own(&self, member: usize, ids: &[String]) -> LayerSet {
        let graph = self.members[member].problem.graph();
        let ids: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        let mut own = LayerSet::empty(graph.layers().len());
        for id in graph.layer_ids() {
            let name = self.names.layer(member, &graph.layer(id).id);
            if ids.contains(name.as_str()) {
                own.insert(id);
            }
        }
        own
    }

    fn describe(&self, member: usize, edge: &LayerSet, plan: &Plan) -> PlannedMember {
        let part = &self.members[member];
        let graph = part.problem.graph();
        let side = |layers: &LayerSet| {
            let ids = layers.iter().map(|id| graph.layer(id).id.clone());
            ids.collect()
        };
        let beside = self.own(member, &plan.local);
        let crossing = part
            .problem
            .model()
            .crossing(edge)
            .into_iter()
            .filter_map(|tensor| {
                let own = &graph.tensor(tensor).name;
                let name = self.names.tensor(member, own);
                let mut crossing = plan.crossing.iter().find(|c| c.tensor == name)?.clone();
                crossing.tensor.clone_from(own);
                Some(crossing)
            });
        PlannedMember {
            name: part.name.clone(),
            file: part.file.clone(),
            sha256: part.sha256.clone(),
            tasks: part.tasks.clone(),
            edge: side(edge),
            local: side(&beside),
            server: side(&edge.complement()),
            crossing: crossing.collect(),
            local_inputs: local_inputs(&part.problem, graph),
        }
    }
}

fn local_inputs(problem: &Problem, graph: &Graph) -> Vec<String> {
    let inputs = graph
        .inputs()
        .iter()
        .filter(|t| problem.model().is_local(**t));
    inputs.map(|t| graph.tensor(*t).name.clone()).collect()
}

/// A set rests on what its weakest member rests on.
fn weaker(one: Evidence, other: Evidence) -> Evidence {
    let weaker = |a: HalfEvidence, b: HalfEvidence| match a {
        HalfEvidence::Measured => b,
        HalfEvidence::Predicted if b != HalfEvidence::Measured => b,
        _ => a,
    };
    Evidence {
        edge: weaker(one.edge, other.edge),
        server: weaker(one.server, other.server),
    }
}
