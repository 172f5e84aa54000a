//! Plans of a trained network that are measured as a whole before they are believed.

use std::path::{Path, PathBuf};

use crate::sandbox::Sandbox;
use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::graph::Graph;
use cutpoint_core::profile::{LayerRecord, PortRecord, Profile, TensorRecord, WeightRecord};
use cutpoint_onnx::Model;
use cutpoint_runtime::library::find_or_fetch;
use cutpoint_runtime::{environment, probe};
use cutpoint_testkit::{codec_record, empty_profile};
use serde_json::Value;

const MODEL: &str = "models/mtlsplit_mobilenet_v3_small_64.onnx";
/// Early and small when packed; late.
const EARLY: &str = "getitem_6";
const LATE: &str = "getitem_33";

fn model() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(MODEL)
}

/// A profile in which every layer takes a millisecond on the edge.
fn profile() -> Profile {
    let library = find_or_fetch(&mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
    let runtime = environment(&library, 1).unwrap();
    let model = Model::load(&model()).unwrap();
    let feed = probe::random_inputs(runtime, &model, &[]).unwrap();
    let reading = model.graph(&probe::probe(runtime, &model, &feed).unwrap());
    let graph = reading.unwrap().graph;
    let mut profile = empty_profile();
    profile.model.file = model.file_name();
    profile.model.sha256 = model.sha256().to_owned();
    fill(&mut profile, &graph);
    profile.codecs = ["f16", "q2"]
        .map(|name| codec_record(name, 5.0, 1.0))
        .to_vec();
    profile
}

fn fill(profile: &mut Profile, graph: &Graph) {
    for tensor in graph.tensors() {
        profile.tensors.push(TensorRecord {
            name: tensor.name.clone(),
            dtype: tensor.dtype.to_string(),
            shape: tensor.shape.clone(),
            bytes: tensor.bytes.0,
            cuttable: tensor.uncuttable.is_none(),
            reason: tensor.uncuttable.clone().unwrap_or_default(),
            send_us: 0.0,
            recv_us: 0.0,
        });
    }
    let port = |tensor: &cutpoint_core::graph::TensorId| {
        let tensor = graph.tensor(*tensor);
        PortRecord {
            name: tensor.name.clone(),
            dtype: tensor.dtype.to_string(),
            shape: tensor.shape.clone(),
            bytes: tensor.bytes.0,
        }
    };
    profile.inputs = graph.inputs().iter().map(port).collect();
    profile.outputs = graph.outputs().iter().map(port).collect();
    let weights = graph.weights().iter().map(|w| WeightRecord {
        name: w.name.clone(),
        bytes: w.bytes.0,
    });
    profile.weights = weights.collect();
    let tensors = |ids: &[cutpoint_core::graph::TensorId]| {
        ids.iter().map(|t| graph.tensor(*t).name.clone()).collect()
    };
    for layer in graph.layers() {
        let weights = layer.weights.iter();
        profile.layers.push(LayerRecord {
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
            edge_us: 1_000.0,
            server_us: 1_000.0,
            trace_us: 1_000.0,
            mad_us: 0.0,
            runs: 0,
            uses: Default::default(),
        });
    }
}

/// States by hand that nothing costs anything, with bounds of `q2` that spoil every tensor.
fn optimistic(profile: &Profile) -> String {
    let mut text = format!(
        "format = 1\n[model]\nfile = \"{}\"\nsha256 = \"{}\"\n[data]\nsource = \"hope\"\nsamples = 32\n",
        profile.model.file, profile.model.sha256
    );
    for task in ["size", "type"] {
        text += &format!("[[task]]\nname = \"{task}\"\nmetric = \"top1\"\nbaseline = 0.9\n");
    }
    for (tensor, codec) in [(EARLY, "q2"), (LATE, "q2"), (LATE, "f16")] {
        if codec == "q2" {
            text += &format!(
                "[[range]]\ntensor = \"{tensor}\"\ncodec = \"q2\"\nlow = [0.0]\nhigh = [1e-3]\n"
            );
        }
        text += &format!(
            "[[crossing]]\ntensor = \"{tensor}\"\ncodec = \"{codec}\"\nbytes_mean = 1.0\n\
             drop = [{{ task = \"size\", mean = 0.0 }}, {{ task = \"type\", mean = 0.0 }}]\n"
        );
    }
    text
}

/// Model, profile, accuracy file and data.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let profile = profile();
    for name in [
        "mtlsplit_mobilenet_v3_small_64.onnx",
        "mtlsplit_mobilenet_v3_small_64.data.toml",
    ] {
        let from = model().with_file_name(name);
        std::fs::copy(from, sandbox.path(name)).unwrap();
    }
    sandbox.profile("edge.toml", &profile);
    sandbox.write("edge.accuracy.toml", optimistic(&profile));
    sandbox.ok(&[
        "dataset", "shapes", "--out", "shapes", "--count", "400", "--quiet",
    ]);
    sandbox
}

const PLAN: &[&str] = &[
    "plan",
    "--edge",
    "edge.toml",
    "--server",
    "sim:20x",
    "--rate",
    "500kbit/s",
    "--delay",
    "1ms",
    "--max-drop",
    "12%",
];
const MEASURED: &[&str] = &[
    "--model",
    "mtlsplit_mobilenet_v3_small_64.onnx",
    "--data",
    "shapes",
];

fn sent(plan: &Value) -> (&str, &str) {
    let crossing = &plan["crossing"][0];
    let text = |key: &str| crossing[key].as_str().unwrap();
    (text("tensor"), text("codec"))
}

#[test]
fn plans_that_break_a_limit_as_a_whole_are_ruled_out_until_one_holds() {
    let sandbox = sandbox();
    let hoped = sandbox.json(PLAN);
    assert_eq!(sent(&hoped), (EARLY, "q2"));
    assert_eq!(hoped["tasks"][0]["accuracy"]["as_a_whole"], false);
    let plan = [PLAN, MEASURED].concat();
    let output = sandbox.run(&plan);
    let said = String::from_utf8(output.stderr).unwrap();
    println!("{said}");
    assert!(said.contains("2 faster plans"), "{said}");
    let found = sandbox.json(&plan);
    assert_eq!(sent(&found), (LATE, "f16"));
    assert!(found["latency_ms"].as_f64() > hoped["latency_ms"].as_f64());
    let proof = found["proof"].as_str().unwrap();
    assert!(
        proof.ends_with("2 plans measured as a whole missed a limit"),
        "{proof}"
    );
    for task in 0..2 {
        let task = &found["tasks"][task];
        assert_eq!(task["accuracy"]["as_a_whole"], true);
        assert!(task["accuracy_drop"].as_f64().unwrap() <= 0.12);
    }
    // what was measured is kept, and not measured again
    let file = sandbox.read("edge.accuracy.toml");
    let known = CodecAccuracy::parse(&file, Path::new("edge.accuracy.toml")).unwrap();
    let codecs: Vec<String> = known
        .whole_plans
        .iter()
        .map(|j| j.codecs[0].to_string())
        .collect();
    assert_eq!(codecs, ["q2", "q2", "f16"]);
    assert!(known.whole_plans.iter().all(|joint| joint.samples == 32));
    assert!(
        known.whole_plans[0]
            .drops
            .iter()
            .all(|drop| drop.mean > 0.2)
    );
    assert_eq!(sandbox.read("edge.accuracy.toml"), file);
    assert_eq!(sent(&sandbox.json(PLAN)), (LATE, "f16"));
}

#[test]
fn when_no_plan_holds_the_best_measured_one_is_named() {
    let sandbox = sandbox();
    // layers are kept so that nothing but the spoilt tensor can cross, and only packed
    let kept = [
        "--keep-on-edge",
        EARLY,
        "--keep-on-server",
        "hardswish_1",
        "--max-uplink",
        "2kB",
    ];
    let one_task = [&PLAN[..PLAN.len() - 1], &["type=2%"]].concat();
    let plan = [&one_task, MEASURED, &kept].concat();
    let output = sandbox.run(&plan);
    let said = String::from_utf8(output.stderr).unwrap();
    println!("{said}");
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("the best reachable is a drop of"), "{said}");
    let known = CodecAccuracy::load(&sandbox.path("edge.accuracy.toml")).unwrap();
    assert_eq!(known.whole_plans.len(), 1);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let sandbox = sandbox();
    let words = |more: &[&'static str]| [PLAN, more].concat();
    sandbox.refuses(2, &words(&["--data", "shapes"]), &["required arguments"]);
    sandbox.refuses(2, &words(&MEASURED[..2]), &["--data", "--measure"]);
    let nowhere = [&MEASURED[..3], &["nowhere"]].concat();
    sandbox.refuses(4, &words(&nowhere), &["nowhere"]);
    let other = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/skipnet_3dec_64.onnx");
    std::fs::copy(other, sandbox.path("other.onnx")).unwrap();
    let other = ["--model", "other.onnx", "--data", "shapes"];
    sandbox.refuses(4, &words(&other), &["not the model of any profile"]);
    // drops of other samples
    let text = sandbox.read("edge.accuracy.toml");
    let text = text.replace("samples = 32\n", "samples = 32\nsha256 = \"77\"\n");
    sandbox.write("edge.accuracy.toml", text);
    sandbox.refuses(4, &words(MEASURED), &["other samples", "cutpoint accuracy"]);
    std::fs::remove_file(sandbox.path("edge.accuracy.toml")).unwrap();
    let f16 = [
        "plan",
        "--edge",
        "edge.toml",
        "--server",
        "sim:20x",
        "--rate",
        "500kbit/s",
        "--codec",
        "f16",
    ];
    let f16 = [&f16[..], MEASURED, &["--keep-on-server", "type"]].concat();
    sandbox.refuses(2, &f16, &["accuracy file", "cutpoint accuracy"]);
}
