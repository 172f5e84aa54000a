//! `cutpoint annotate`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::{LayerRecord, Profile, TimeOrigin};
use cutpoint_core::server_ref::ServerRef;
use cutpoint_core::units::BitRate;
use cutpoint_onnx::annotate::{self, Note, Notes};
use cutpoint_onnx::plan::{part_for, plan_request};
use cutpoint_onnx::{CutRequest, Model, Reading, ValueFacts};
use cutpoint_planner::server::Server;
use cutpoint_report::{edge_origin, is_of, server_origin};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::run_files::{Holds, Replace, RunFiles};
use super::scenario_args::read_server;
use super::split::plan_failure;
use super::{Common, Kind, OrFail, engine, plural};

/// Write a plan, and the times of a profile, into a copy of a model
///
/// Every node of the copy says in its metadata properties where the plan runs it
/// (cutpoint.side: edge, local, server, or constant for what is computed before), what it sends or
/// receives (cutpoint.cut), and with --profile how long its layer takes there (cutpoint.time_us);
/// the model says plan, machines, link and hashes. Netron shows them when a node is clicked. Nothing
/// else in the file changes, and ONNX Runtime runs the copy as it runs the model.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cutpoint annotate model.onnx --plan plan.toml -o annotated.onnx
  cutpoint annotate model.onnx --plan plan.toml --profile profiles/pi5/model.toml -o annotated.onnx")]
pub(crate) struct AnnotateArgs {
    /// ONNX model
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Plan written by `cutpoint plan --out`
    #[arg(long, value_name = "PLAN")]
    plan: PathBuf,
    /// The profile that the plan was made from, for times
    #[arg(long, value_name = "PROFILE")]
    profile: Option<PathBuf>,
    /// The server that the plan was made for, for times there [default: as in the plan, when it is
    /// one like sim:8x]
    #[arg(long, value_name = "PROFILE|SPEC|sim:8x", requires = "profile")]
    server: Option<String>,
    /// File to write the copy to; data that the model keeps in other files is copied beside it
    #[arg(long, short, value_name = "OUT.onnx")]
    out: PathBuf,
}

/// What was written, as printed with `--json`.
#[derive(Debug, Serialize)]
struct Summary {
    file: PathBuf,
    data: Vec<PathBuf>,
    /// Nodes by their side.
    edge: usize,
    local: usize,
    server: usize,
    constant: usize,
    /// Layers with a time.
    timed: usize,
}

pub(crate) fn run(args: &AnnotateArgs, common: &Common) -> anyhow::Result<()> {
    let model = engine::load(&args.model)?;
    declare(args, &model).check(Replace::SameKind)?;
    let plan = plan_of(args, &model)?;
    // structure is all that a placement needs: nothing has to run for it
    let reading = model.graph(&ValueFacts::new()).or_fail(Kind::BadInput)?;
    let request = plan_request(&reading, &plan);
    let request = request.map_err(|error| plan_failure(error, &args.plan))?;
    let times = match &args.profile {
        Some(path) => Some(Times::read(args, path, &plan)?),
        None => None,
    };
    let mut notes = Notes {
        model: about_plan(args, &plan, &model, times.as_ref())?,
        ..Notes::default()
    };
    let sides = sides(&model, &reading, &request, times.as_ref());
    let mut timed = 0;
    for (node, side) in &sides {
        let mut about: Vec<Note> = vec![("side", (*side).to_owned())];
        about.extend(crossing(&plan, &reading, &request, node));
        let of_layer = times.as_ref().map(|times| times.about(node, side));
        about.extend(of_layer.unwrap_or_default());
        timed += usize::from(about.iter().any(|(key, _)| *key == "time_us"));
        notes.nodes.insert((*node).to_owned(), about);
    }
    let data = annotate::annotate(&args.model, &notes, &args.out);
    let data = data.map_err(|error| match error {
        cutpoint_onnx::OnnxError::Description { .. } => Kind::Usage.of(error),
        _ => Kind::Other.of(error),
    })?;
    let count = |wanted: &str| sides.iter().filter(|(_, side)| *side == wanted).count();
    let summary = Summary {
        file: args.out.clone(),
        data,
        edge: count("edge"),
        local: count("local"),
        server: count("server"),
        constant: count("constant"),
        timed,
    };
    if common.json {
        common.print_json(&summary)
    } else {
        common.print(text(&summary))
    }
}

fn declare(args: &AnnotateArgs, model: &Model) -> RunFiles {
    let mut files = RunFiles::default();
    files.reads_model("the model", model);
    files.reads("--plan", [&args.plan]);
    files.reads("--profile", &args.profile);
    files.reads_servers(&args.server);
    files.writes("--out", Some(&args.out), Holds::AnnotatedModel);
    files
}

/// The plan, or the part of it that is about this model.
fn plan_of(args: &AnnotateArgs, model: &Model) -> anyhow::Result<Plan> {
    let plan = Plan::load(&args.plan).or_fail(Kind::BadInput)?;
    let part = part_for(&plan, model).map_err(|error| plan_failure(error, &args.plan))?;
    Ok(part.into_owned())
}

/// What the model says as a whole.
fn about_plan(
    args: &AnnotateArgs,
    plan: &Plan,
    model: &Model,
    times: Option<&Times>,
) -> anyhow::Result<Vec<Note>> {
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let setting = &plan.setting;
    let simulated = if setting.simulated {
        " (simulated)"
    } else {
        ""
    };
    let rate = BitRate::from_bit_s(setting.rate_bit_s).map_or_else(String::new, |r| r.to_string());
    let mut notes: Vec<Note> = vec![
        ("model_sha256", model.sha256().to_owned()),
        ("plan", name(&args.plan)),
        ("plan_sha256", hash_of(&args.plan)?),
        ("edge", setting.edge.clone()),
        ("server", format!("{}{simulated}", setting.server)),
        ("link", format!("{rate}, {} ms one way", setting.delay_ms)),
        ("latency_ms", plan.latency_ms.to_string()),
        ("cut", cut(plan)),
    ];
    if let (Some(path), Some(times)) = (&args.profile, times) {
        notes.push(("profile", name(path)));
        notes.push(("profile_sha256", hash_of(path)?));
        notes.push(("edge_times", times.edge_origin.clone()));
        notes.push(("server_times", times.server_origin.clone()));
    }
    Ok(notes)
}

fn cut(plan: &Plan) -> String {
    let sent = plan.crossing.iter();
    let sent: Vec<String> = sent
        .map(|c| format!("{} as {}, {} bytes", c.tensor, c.codec, c.bytes))
        .collect();
    if sent.is_empty() {
        "nothing crosses".to_owned()
    } else {
        sent.join("; ")
    }
}

fn hash_of(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).or_fail(Kind::BadInput)?;
    let digest = Sha256::digest(bytes);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Side of each node, by its first output, in execution order.
fn sides<'a>(
    model: &'a Model,
    reading: &Reading,
    request: &CutRequest,
    times: Option<&Times>,
) -> Vec<(&'a str, &'static str)> {
    let layers: HashMap<usize, _> = reading
        .nodes
        .iter()
        .copied()
        .zip(reading.graph.layer_ids())
        .collect();
    let side = |(index, (_, outputs)): (usize, (String, &'a [String]))| {
        let node = outputs.iter().find(|output| !output.is_empty())?.as_str();
        let runs = times.is_none_or(|times| times.layer_of.contains_key(node));
        let side = match layers.get(&index).filter(|_| runs) {
            None => "constant",
            Some(id) if request.overlapped.contains(*id) => "local",
            Some(id) if request.edge.contains(*id) => "edge",
            Some(_) => "server",
        };
        Some((node, side))
    };
    model.node_outputs().enumerate().filter_map(side).collect()
}

/// What a node sends, or receives on the server.
fn crossing(plan: &Plan, reading: &Reading, request: &CutRequest, node: &str) -> Option<Note> {
    let graph = &reading.graph;
    let layer = graph.find_layer(node).ok()?;
    let on_server = !request.edge.contains(layer);
    let described = plan.crossing.iter().filter_map(|c| {
        let tensor = graph.find_tensor(&c.tensor).ok()?;
        let verb = if graph.layer(layer).outputs.contains(&tensor) {
            "sends"
        } else if on_server && graph.layer(layer).inputs.contains(&tensor) {
            "receives"
        } else {
            return None;
        };
        Some(format!(
            "{verb} {} as {}, {} bytes",
            c.tensor, c.codec, c.bytes
        ))
    });
    let described: Vec<String> = described.collect();
    (!described.is_empty()).then(|| ("cut", described.join("; ")))
}

/// Times of layers on either side.
struct Times {
    layers: Vec<LayerRecord>,
    /// The layer that runs each node.
    layer_of: HashMap<String, usize>,
    /// Unknown without the server.
    server_us: Option<Vec<f64>>,
    edge_origin: String,
    server_origin: String,
    /// The same in a word each.
    origins: [&'static str; 2],
}

impl Times {
    fn read(args: &AnnotateArgs, path: &Path, plan: &Plan) -> anyhow::Result<Times> {
        let profile = Profile::load(path).or_fail(Kind::BadInput)?;
        let misfit = || {
            anyhow::anyhow!(
                "{} is not the profile that {} was made from ({} on {})",
                path.display(),
                args.plan.display(),
                cutpoint_onnx::show(&plan.model.file),
                cutpoint_onnx::show(&plan.setting.edge)
            )
        };
        if !is_of(&profile, plan) {
            return Err(Kind::BadInput.of(misfit()));
        }
        let planned = &plan.setting.server;
        let server: Option<Server> = match &args.server {
            Some(text) => Some(read_server(text)?),
            None if ServerRef::of(planned).is_simulated() => Some(read_server(planned)?),
            None => None,
        };
        let graph = profile.graph().or_fail(Kind::BadInput)?;
        let of_server = server.as_ref().map(|server| server.times(&profile, &graph));
        let of_server = of_server.transpose().or_fail(Kind::BadInput)?;
        let members = profile.layers.iter().enumerate();
        let members = members.flat_map(|(index, layer)| {
            let all = layer.members.iter().chain([&layer.id]);
            all.map(move |member| (member.clone(), index))
        });
        Ok(Times {
            layer_of: members.collect(),
            server_us: of_server.map(|times| times.layer_us),
            edge_origin: edge_origin(&profile).method,
            server_origin: server.as_ref().map_or_else(
                || format!("unknown: give --server for those of {planned}"),
                |server| server_origin(server).method,
            ),
            origins: [
                word(&profile),
                server
                    .as_ref()
                    .and_then(Server::profile)
                    .map_or("simulated", word),
            ],
            layers: profile.layers,
        })
    }

    /// Time of the layer that a node ends, or which layer runs it.
    fn about(&self, node: &str, side: &str) -> Vec<Note> {
        let Some(index) = self.layer_of.get(node).copied() else {
            return Vec::new();
        };
        let layer = &self.layers[index];
        if layer.id != node {
            return vec![("part_of", layer.id.clone())];
        }
        let (us, origin) = match (side, &self.server_us) {
            ("edge" | "local", _) => (layer.edge_us, self.origins[0]),
            ("server", Some(server_us)) => (server_us[index], self.origins[1]),
            _ => return Vec::new(),
        };
        let mut notes: Vec<Note> = vec![
            ("time_us", ((us * 1e3).round() / 1e3).to_string()),
            ("time_origin", origin.to_owned()),
        ];
        // spread and count are those of the edge's own trace
        if side != "server" && layer.runs > 0 {
            notes.push(("time_n", layer.runs.to_string()));
        }
        if side != "server" && layer.mad_us > 0.0 {
            notes.push(("time_mad_us", layer.mad_us.to_string()));
        }
        notes
    }
}

fn word(profile: &Profile) -> &'static str {
    match profile.origin() {
        TimeOrigin::Measured => "measured",
        TimeOrigin::Stated(_) => "stated",
        TimeOrigin::Imported(_) => "imported",
    }
}

fn text(summary: &Summary) -> String {
    let mut lines = vec![summary.file.display().to_string()];
    lines.extend(summary.data.iter().map(|file| file.display().to_string()));
    let local = match summary.local {
        0 => String::new(),
        count => format!(", {count} overlapped with the transfer"),
    };
    lines.push(format!(
        "  {} on the edge{local}, {} on the server, {} constant; {} with a time",
        plural(summary.edge, "node"),
        summary.server,
        summary.constant,
        plural(summary.timed, "layer")
    ));
    lines.join("\n")
}
