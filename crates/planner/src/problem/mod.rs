//! The one cost model: what every placement of the layers costs, in whole nanoseconds and bits.
//!
//! With x = 1 for a layer on the edge, a placement is *closed* when every layer on the edge finds
//! its producers there. A tensor crosses when it is on the edge and read by the server (or wanted
//! there as a result); it is paid once. When anything runs on the server,
//!
//! `latency = edge + encode + (delay + wire bits / rate) + decode + server + results back`
//!
//! and else the edge's time alone. Every part but the wire is whole nanoseconds and the wire is
//! whole bits, so a latency is `fixed_ns + bits * (ns per bit)`: a line in one over the rate, which
//! is compared exactly (see [`TimePerBit`]).

mod baselines;
mod swept;
mod varied;

use std::sync::Arc;

use crate::scenario::{Results, Scenario, Schedule};
use crate::server::{Server, ServerError};
use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::graph::{Graph, GraphError, LayerId, LayerSet, TensorId};
use cutpoint_core::link::Link;
use cutpoint_core::profile::Profile;
use cutpoint_core::task::Task;
use cutpoint_core::units::Bytes;

pub use crate::constraints::knapsack::{Counts, Knapsack};
pub use crate::constraints::limit::{Limit, Violation};
pub use crate::cost::accuracy::Drop;
pub use crate::cost::parts::{CostParts, LinearCost, Part};
pub use crate::cost::placement::{Cost, Rank};
pub use crate::cost::tables::{Encoding, LayerTime, SplitTime, TensorTime};
pub use crate::cost::time_per_bit::TimePerBit;
pub use crate::objective::{Completion, ObjectiveFunction};
pub use crate::schedule::Timing;
pub use baselines::NamedPlacement;

use crate::constraints::limit;
use crate::cost::tables::{Spreads, Tables};
use crate::plan_writer::probability::Uncertainty;

/// A model, two machines and a scenario: what every placement costs and which are allowed.
#[derive(Debug, Clone)]
pub struct Problem {
    pub(crate) tables: Arc<Tables>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) knapsacks: Vec<Knapsack>,
    pub(crate) link: Link,
    pub(crate) objectives: Vec<ObjectiveFunction>,
    pub(crate) schedule: Schedule,
    pub(crate) delays: swept::Delays,
    pub(crate) uncertainty: Option<Arc<Uncertainty>>,
}

/// How a tensor is sent, for each that crosses.
pub type Codecs = Vec<(TensorId, cutpoint_core::codec::Codec)>;

/// What keeps profiles and a scenario from being a problem.
#[derive(Debug, thiserror::Error)]
pub enum ProblemError {
    /// The edge's profile contradicts itself.
    #[error("the edge's profile: {0}")]
    Graph(GraphError),
    /// The server cannot be used with this profile.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A scenario names a layer, tensor or output that the model does not have.
    #[error("{flag}: {cause}")]
    Unknown {
        /// The flag or key.
        flag: &'static str,
        /// The name and its nearest neighbours.
        cause: GraphError,
    },
    /// `--input-u8` or `--local-input` for something that is no model input.
    #[error("{flag}: `{name}` is not an input of the model; its inputs are {inputs}")]
    NotAnInput {
        /// The flag or key.
        flag: &'static str,
        /// What was named.
        name: String,
        /// What there is.
        inputs: String,
    },
    /// `--input-u8` for an input that cannot have been an eight-bit image.
    #[error("--input-u8: `{name}` cannot be an 8-bit image: {why}")]
    NotAnImage {
        /// The input.
        name: String,
        /// What speaks against it.
        why: String,
    },
    /// A codec was asked for that a profile has no times of.
    #[error(
        "the {machine}'s profile has no times of codec `{codec}`: measure again with \
         `cutpoint profile` (to a profile written by hand, add a [[codec]]), or leave it out of \
         --codec"
    )]
    CodecNotMeasured {
        /// "edge" or "server".
        machine: &'static str,
        /// The codec.
        codec: cutpoint_core::codec::Codec,
    },
    /// A codec was asked for that only an accuracy file can tell the size or the bounds of.
    #[error(
        "codec `{0}` depends on data: measure it with `cutpoint accuracy` and name the file with \
         --accuracy, or leave it out of --codec"
    )]
    CodecNeedsData(cutpoint_core::codec::Codec),
    /// Limits on accuracy without measured drops.
    #[error(
        "--max-drop and --floor need to know what encodings cost: measure it with `cutpoint \
         accuracy MODEL --data DIR` and name the file with --accuracy"
    )]
    NoAccuracy,
    /// A limit held against the whole model's accuracy at a task, which is not known.
    #[error(
        "the accuracy file says nothing of the whole model at task `{0}`, which a --floor, or a \
         --max-drop among several models, is held against: measure it with `cutpoint accuracy`"
    )]
    NoBaseline(String),
    /// Energy without power.
    #[error(
        "the edge's profile does not say what power the board draws, which limits on energy and \
         power need: add [power] with compute_w, transmit_w and idle_w to it"
    )]
    NoPower,
    /// An accuracy file of another model.
    #[error(
        "the accuracy file is of another model: it was measured on {file} with the hash {found}, \
         the profile is of {model}; measure it again with `cutpoint accuracy`, or name another \
         file with --accuracy"
    )]
    AccuracyOfOther {
        /// File name in the accuracy file.
        file: String,
        /// Start of its hash.
        found: String,
        /// File name in the profile.
        model: String,
    },
    /// An accuracy file names what the model does not have.
    #[error("the accuracy file: {0}")]
    AccuracyOfUnknown(GraphError),
    /// Sums beyond the range of exact arithmetic.
    #[error("the times or sizes are absurdly large: they add up to {0}")]
    TooLarge(String),
}

impl Problem {
    /// Brings a model, two machines and a scenario together.
    ///
    /// # Errors
    /// A server of another model, names the model does not have, codecs without times.
    pub fn new(
        edge: &Profile,
        server: &Server,
        scenario: &Scenario,
    ) -> Result<Problem, ProblemError> {
        Problem::with_accuracy(edge, server, scenario, None)
    }

    /// As [`Problem::new`], with what encodings cost in accuracy.
    ///
    /// # Errors
    /// As [`Problem::new`], and an accuracy file of another model, or limits on accuracy without
    /// one.
    pub fn with_accuracy(
        edge: &Profile,
        server: &Server,
        scenario: &Scenario,
        accuracy: Option<&CodecAccuracy>,
    ) -> Result<Problem, ProblemError> {
        let mut tables = Tables::new(edge, server, scenario, accuracy)?;
        let spreads = Spreads::of(edge, server);
        if scenario.percentile.is_some() || scenario.rate_model.is_some() {
            tables.notes.extend(spreads.note());
        }
        let mut tables = Arc::new(tables);
        let uncertainty = Uncertainty::of(&tables, spreads, scenario).map(Arc::new);
        if let Some(percentile) = scenario.percentile {
            tables = Arc::new(tables.at(percentile, spreads)?);
        }
        let limits = limit::resolve(&tables, scenario)?;
        let knapsacks = limit::knapsacks(&tables, &limits);
        Ok(Problem {
            tables,
            uncertainty,
            limits,
            knapsacks,
            link: scenario.link,
            schedule: scenario.schedule,
            delays: swept::Delays::of(scenario.link.delay),
            objectives: [Some(scenario.objective), scenario.then]
                .into_iter()
                .flatten()
                .map(ObjectiveFunction::Scenario)
                .collect(),
        })
    }

    /// The model's graph.
    pub fn graph(&self) -> &Graph {
        &self.tables.graph
    }

    /// The layers that a layer needs, directly or through others, without itself.
    pub fn needed_by(&self, layer: LayerId) -> &LayerSet {
        let sets = &self.tables.needed_by;
        &sets.get_or_init(|| self.graph().all_needed())[layer.index()]
    }

    /// The model's tasks.
    pub fn tasks(&self) -> &[Task] {
        &self.tables.tasks
    }

    /// The link; its rate is the one [`crate::solve::solve`] plans for.
    pub fn link(&self) -> Link {
        self.link
    }

    /// Time on the wire per bit at the link's rate.
    pub fn time_per_bit(&self) -> TimePerBit {
        TimePerBit::of(self.link.rate)
    }

    /// What a person should know about how the times were found.
    pub fn notes(&self) -> &[String] {
        &self.tables.notes
    }

    /// The limits, in the order of the scenario.
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// The limits that are sums.
    pub fn knapsacks(&self) -> &[Knapsack] {
        &self.knapsacks
    }

    /// The same problem with some of its limits only.
    #[must_use]
    pub fn with_limits(&self, limits: Vec<Limit>) -> Problem {
        let of_kept = |knapsack: &&Knapsack| limits.contains(&knapsack.limit);
        Problem {
            knapsacks: self.knapsacks.iter().filter(of_kept).cloned().collect(),
            limits,
            ..self.clone()
        }
    }

    /// The same problem with another amount for one of its limits, in the unit of
    /// [`Limit::allows`].
    #[must_use]
    pub fn with_limit_allowing(&self, limit: &Limit, amount: i64) -> Problem {
        let mut limits = self.limits.clone();
        for own in limits.iter_mut().filter(|own| *own == limit) {
            *own = limit.allowing(amount);
        }
        Problem {
            knapsacks: limit::knapsacks(&self.tables, &limits),
            limits,
            ..self.clone()
        }
    }

    /// The same problem with everything on the edge before anything is sent.
    #[must_use]
    pub fn sequential(&self) -> Problem {
        Problem {
            schedule: Schedule::Sequential,
            ..self.clone()
        }
    }

    /// The same problem with another objective.
    #[must_use]
    pub fn with_objective(&self, objective: ObjectiveFunction) -> Problem {
        Problem {
            objectives: vec![objective],
            ..self.clone()
        }
    }

    /// The same problem with the drop of every task limited to `worst` millionths, instead of the
    /// scenario's limits on accuracy.
    #[must_use]
    pub fn with_drops_up_to(&self, worst: i64) -> Problem {
        let others = |limit: &&Limit| !matches!(limit, Limit::Drop { .. });
        let of_task = |(task, named): (usize, &Task)| Limit::Drop {
            task,
            name: named.name.clone(),
            allows: worst,
            floor: false,
        };
        let drops = self.tasks().iter().enumerate().map(of_task);
        let limits: Vec<Limit> = self
            .limits
            .iter()
            .filter(others)
            .cloned()
            .chain(drops)
            .collect();
        Problem {
            knapsacks: limit::knapsacks(&self.tables, &limits),
            limits,
            ..self.clone()
        }
    }

    /// The same problem with more sums limited.
    #[must_use]
    pub fn with_knapsacks(&self, more: &[Knapsack]) -> Problem {
        let mut problem = self.clone();
        problem.knapsacks.extend_from_slice(more);
        problem
    }

    /// The same problem at another rate.
    #[must_use]
    pub fn with_rate(&self, rate: cutpoint_core::units::BitRate) -> Problem {
        let mut problem = self.clone();
        problem.link.rate = rate;
        problem
    }

    /// Times of a layer on either side.
    pub fn layer(&self, layer: LayerId) -> LayerTime {
        self.tables.layers[layer.index()]
    }

    /// What it costs when a tensor crosses, whatever the codec.
    pub fn tensor(&self, tensor: TensorId) -> &TensorTime {
        &self.tables.tensors[tensor.index()]
    }

    /// What it costs when anything runs on the server.
    pub fn split(&self) -> SplitTime {
        SplitTime {
            delay_ns: self.delays.ns,
            ..self.tables.split
        }
    }

    /// Whether a tensor is a model input that the server has, too.
    pub fn is_local(&self, tensor: TensorId) -> bool {
        self.tensor(tensor).local
    }

    /// Whether a tensor is a result wanted on the server, so that it crosses when computed on the
    /// edge.
    pub fn goes_to_server(&self, tensor: TensorId) -> bool {
        self.graph().producer(tensor).is_some()
            && self.tensor(tensor).wanted == Some(Results::Server)
    }

    /// Whether a tensor is a result wanted on the edge, so that it comes back when computed on the
    /// server.
    pub fn comes_back(&self, tensor: TensorId) -> bool {
        self.tensor(tensor).wanted == Some(Results::Edge)
    }

    /// The least number of layers on a way to a tensor from a model input that only the edge has.
    pub fn depth(&self, tensor: TensorId) -> u32 {
        self.tables.depths[tensor.index()]
    }

    /// The ways in which the limits let a tensor cross; none when it may not.
    pub fn encodings(&self, tensor: TensorId) -> &[Encoding] {
        let time = self.tensor(tensor);
        let raw = !time.local && self.graph().producer(tensor).is_none();
        let active = |limit: &Limit| self.limits.contains(limit);
        let too_shallow = |limit: &Limit| match limit {
            Limit::MinDepth(least) => self.depth(tensor) < *least,
            _ => false,
        };
        if raw && active(&Limit::RawStays) || self.limits.iter().any(too_shallow) {
            &[]
        } else if active(&Limit::Codecs) {
            &time.encodings[time.unasked..]
        } else {
            &time.encodings
        }
    }

    /// The layers that the limits pin: those kept on the edge, those kept on the server.
    pub fn pins(&self) -> (LayerSet, LayerSet) {
        let layers = self.graph().layers().len();
        let mut pins = (LayerSet::empty(layers), LayerSet::empty(layers));
        for limit in &self.limits {
            match limit {
                Limit::KeepOnEdge(layers, _) => layers.iter().for_each(|l| pins.0.insert(*l)),
                Limit::KeepOnServer(layers, _) => layers.iter().for_each(|l| pins.1.insert(*l)),
                _ => {}
            }
        }
        pins
    }

    /// The limit on the memory of the edge half.
    pub fn edge_memory_limit(&self) -> Option<Bytes> {
        self.limits.iter().find_map(|limit| match limit {
            Limit::EdgeMemory(bytes) => Some(*bytes),
            _ => None,
        })
    }

    /// The limit on the memory of the server half.
    pub fn server_memory_limit(&self) -> Option<Bytes> {
        self.limits.iter().find_map(|limit| match limit {
            Limit::ServerMemory(bytes) => Some(*bytes),
            _ => None,
        })
    }
}
