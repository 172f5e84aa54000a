//! What is predicted for a placement, with this machine as board and as server, and its halves.

use std::path::Path;
use std::time::Duration;

use cutpoint_core::codec::Codec;
use cutpoint_core::cuts;
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_core::link::Link;
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::{Profile, TimeOrigin};
use cutpoint_core::task::Task;
use cutpoint_deploy::verification::Predicted;
use cutpoint_onnx::directory::Split;
use cutpoint_onnx::plan::{cut_plan, part_for};
use cutpoint_onnx::{CutRequest, Halves, Model, Reading, cut, show};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::{Scenario, Schedule, U8Input};
use cutpoint_planner::server::Server;
use cutpoint_runtime::Environment;
use cutpoint_runtime::board::check_same_board;
use cutpoint_runtime::measure::{Control, Protocol};
use cutpoint_runtime::probe::{observe, shapes_of};
use cutpoint_runtime::profiler::{self, ProfileObserver, ProfileProgress, ProfileRequest};
use cutpoint_runtime::session::Provider;

use super::super::scenario_args::{problem, read_accuracy};
use super::super::split::{plan_failure, tensors};
use super::{VerifyArgs, open, profile_of};
use crate::cli::accuracy::stopped;
use crate::cli::{Common, Kind, OrFail, engine, serving};

/// How long a profile is measured where none is given.
const BUDGET: Duration = Duration::from_secs(20);

/// The model, and what was measured of it here.
pub(super) struct Planner {
    model: Model,
    reading: Reading,
    problem: Problem,
    environment: &'static Environment,
    runtime: String,
    threads: usize,
    board: String,
    request_ms: f64,
}

/// A placement with its prediction.
pub(super) struct Placement {
    /// What crosses.
    pub(super) names: Vec<String>,
    pub(super) predicted: Predicted,
    halves: Halves,
    request: CutRequest,
}

impl Placement {
    pub(super) fn same_cut(&self, other: &Placement) -> bool {
        let (mut own, mut others) = (self.names.clone(), other.names.clone());
        own.sort();
        others.sort();
        own == others && self.request.overlapped.is_empty()
    }
}

impl Planner {
    pub(super) fn new(
        args: &VerifyArgs,
        plan: Option<&Plan>,
        link: Link,
        common: &Common,
    ) -> anyhow::Result<Planner> {
        let model = engine::load(&args.model)?;
        if let Some((plan, path)) = plan.zip(args.plan.as_deref()) {
            part_for(plan, &model).map_err(|error| plan_failure(error, path))?;
        }
        let file = profile_of(args, plan);
        let (profile, accuracy) = match &file {
            Some(path) => (
                Profile::load(path).or_fail(Kind::BadInput)?,
                read_accuracy(path)?,
            ),
            None => (measured_now(&args.model, common)?, None),
        };
        check(&profile, &model, args, file.as_deref())?;
        if let Some(plan) = plan.filter(|plan| plan.setting.simulated) {
            common.note(format_args!(
                "the plan's server, {}, is simulated: this machine's own times are predicted and \
                 measured for the server half",
                show(&plan.setting.server)
            ));
        }
        let threads = profile.board.threads;
        let (environment, runtime) = open(threads, common)?;
        if runtime != profile.board.runtime {
            let known = show(&profile.board.runtime);
            common.note(format_args!(
                "the profile was measured with {known}, this is {runtime}"
            ));
        }
        let failed = |error| engine::run_failure(error, &args.model);
        let observed = observe(environment, &model, &shapes_of(&profile)).map_err(failed)?;
        let scenario = scenario(args, plan, link);
        let server = Server::measured(profile.clone());
        let problem = problem(&profile, &server, &scenario, accuracy.as_ref(), common)?;
        Ok(Planner {
            model,
            reading: observed.reading,
            problem,
            environment,
            runtime,
            threads,
            board: profile.board.name,
            request_ms: server.request_us / 1e3,
        })
    }

    pub(super) fn environment(&self) -> &'static Environment {
        self.environment
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    pub(super) fn runtime(&self) -> String {
        self.runtime.clone()
    }

    pub(super) fn board(&self) -> String {
        self.board.clone()
    }

    pub(super) fn model_name(&self) -> String {
        self.model.file_name()
    }

    /// The placement that was asked for.
    pub(super) fn chosen(
        &self,
        args: &VerifyArgs,
        plan: Option<&Plan>,
    ) -> anyhow::Result<Placement> {
        let graph = self.problem.graph();
        let Some(plan) = plan else {
            let mut crossing = Vec::new();
            for text in &args.cut {
                crossing.extend(tensors(graph, text).or_fail(Kind::Usage)?);
            }
            let codecs: Vec<(TensorId, Codec)> = crossing
                .iter()
                .map(|tensor| (*tensor, args.codec))
                .collect();
            let edge = graph.edge_of_cut(&crossing, &[]).or_fail(Kind::Usage)?;
            return self.placement(&edge, &codecs);
        };
        let cut = cut_plan(&self.model, &self.reading, plan);
        let path = args.plan.as_deref().unwrap_or(Path::new("the plan"));
        let cut = cut.map_err(|error| plan_failure(error, path))?;
        let mut edge = LayerSet::empty(graph.layers().len());
        for id in &plan.edge {
            edge.insert(graph.find_layer(id).or_fail(Kind::BadInput)?);
        }
        let mut codecs = Vec::new();
        for crossing in &plan.crossing {
            let tensor = graph
                .find_tensor(&crossing.tensor)
                .or_fail(Kind::BadInput)?;
            codecs.push((tensor, crossing.codec));
        }
        self.with_halves(&edge, &codecs, cut.request, cut.halves)
    }

    /// Every natural cut in its own type, all that is sent raw among them, and everything here.
    pub(super) fn natural(&self) -> anyhow::Result<Vec<Placement>> {
        let graph = self.problem.graph();
        let mut found = vec![self.placement(&LayerSet::full(graph.layers().len()), &[])?];
        for cut in cuts::natural(graph, &[]) {
            let codecs: Vec<(TensorId, Codec)> = cut
                .crossing
                .iter()
                .map(|tensor| (*tensor, Codec::F32))
                .collect();
            found.push(self.placement(&cut.edge, &codecs)?);
        }
        Ok(found)
    }

    fn placement(
        &self,
        edge: &LayerSet,
        codecs: &[(TensorId, Codec)],
    ) -> anyhow::Result<Placement> {
        let (graph, nodes) = (self.problem.graph(), &self.reading.graph);
        let crossing = codecs.iter().map(|(tensor, codec)| {
            let tensor = nodes.find_tensor(&graph.tensor(*tensor).name)?;
            Ok((tensor, *codec))
        });
        let crossing = crossing.collect::<Result<Vec<_>, cutpoint_core::graph::GraphError>>();
        let crossing = crossing.or_fail(Kind::BadInput)?;
        let request = if crossing.is_empty() {
            CutRequest {
                edge: LayerSet::full(nodes.layers().len()),
                ..CutRequest::default()
            }
        } else {
            CutRequest::at(nodes, &crossing, Vec::new()).or_fail(Kind::Usage)?
        };
        let halves = cut(&self.model, &self.reading, &request).or_fail(Kind::Usage)?;
        self.with_halves(edge, codecs, request, halves)
    }

    fn with_halves(
        &self,
        edge: &LayerSet,
        codecs: &[(TensorId, Codec)],
        request: CutRequest,
        halves: Halves,
    ) -> anyhow::Result<Placement> {
        let graph = self.problem.graph();
        let cost = self.problem.cost(edge, codecs).or_fail(Kind::Usage)?;
        let parts = cost.breakdown(self.problem.time_per_bit());
        let behind = parts.uplink + parts.decode + parts.server + parts.downlink;
        Ok(Placement {
            names: codecs
                .iter()
                .map(|(tensor, _)| graph.tensor(*tensor).name.clone())
                .collect(),
            predicted: Predicted {
                breakdown: parts,
                // heads that are overlapped end no later than the results of the server, or later
                latency_ms: parts.edge + parts.encode + behind.max(parts.local),
                request_ms: if codecs.is_empty() {
                    0.0
                } else {
                    self.request_ms
                },
                codecs_in_halves: codecs.iter().all(|(_, codec)| codec.is_in_halves()),
            },
            halves,
            request,
        })
    }

    /// Writes the halves of a placement.
    pub(super) fn write(&self, placement: &Placement, folder: &Path) -> anyhow::Result<()> {
        let tasks = Task::complete(&self.reading.graph, &[]).or_fail(Kind::Usage)?;
        let split = Split {
            model: &self.model,
            reading: &self.reading,
            request: &placement.request,
            halves: &placement.halves,
            tasks: &tasks,
        };
        split.write(folder, true).or_fail(Kind::Other).map(|_| ())
    }
}

/// Link, codecs and order of work: what a prediction needs.
fn scenario(args: &VerifyArgs, plan: Option<&Plan>, link: Link) -> Scenario {
    let mut scenario = Scenario::over(link);
    let crossing = plan
        .map(|plan| plan.crossing.as_slice())
        .unwrap_or_default();
    for codec in crossing
        .iter()
        .map(|crossing| crossing.codec)
        .chain([args.codec])
    {
        if !scenario.codecs.contains(&codec) {
            scenario.codecs.push(codec);
        }
    }
    let images = crossing.iter().filter(|crossing| !crossing.mean.is_empty());
    scenario.u8_inputs = images
        .map(|crossing| U8Input {
            name: crossing.tensor.clone(),
            mean: crossing.mean.clone(),
            std: crossing.std.clone(),
        })
        .collect();
    if plan.is_some_and(|plan| !plan.local.is_empty()) {
        scenario.schedule = Schedule::Overlap;
    }
    scenario
}

fn check(
    profile: &Profile,
    model: &Model,
    args: &VerifyArgs,
    file: Option<&Path>,
) -> anyhow::Result<()> {
    let file = file.unwrap_or(Path::new("the profile")).display();
    let bad = |problem: String| Err(Kind::BadInput.of(anyhow::anyhow!("{file}: {problem}")));
    if profile.model.sha256 != model.sha256() {
        return bad(format!("is not about {}", args.model.display()));
    }
    if profile.origin() != TimeOrigin::Measured {
        return bad(
            "was written by hand or imported, so it says nothing about this machine: measure it \
             here with `cutpoint profile`, and name the profile with --edge"
                .to_owned(),
        );
    }
    if let Err(problem) = check_same_board(&profile.board) {
        return bad(format!(
            "{problem}: measure the model here with `cutpoint profile`, and name the profile with \
             --edge"
        ));
    }
    Ok(())
}

/// A short profile of the model on this machine, with one thread.
fn measured_now(model: &Path, common: &Common) -> anyhow::Result<Profile> {
    common.note(format_args!(
        "no --edge: measuring {} on this machine for {} s",
        model.display(),
        BUDGET.as_secs()
    ));
    let file = engine::load(model)?;
    let (environment, runtime) = open(1, common)?;
    let request = ProfileRequest {
        board: "this machine".to_owned(),
        shapes: Vec::new(),
        tasks: Vec::new(),
        local_inputs: Vec::new(),
        provider: Provider::Cpu,
        protocol: Protocol {
            threads: 1,
            ..Protocol::default()
        },
        budget: BUDGET,
        // memory is not asked for
        program: None,
        runtime,
    };
    let profile = profiler::profile(environment, &file, &request, None, &mut Interruptible)
        .map_err(|error| engine::run_failure(error, model))?;
    Ok(Profile {
        serving: serving::measured(&file, &[], environment, common),
        ..profile
    })
}

/// Stops measuring on Ctrl-C.
struct Interruptible;

impl ProfileObserver for Interruptible {
    fn progress(&mut self, _: ProfileProgress) -> Control {
        stopped()
    }
}
