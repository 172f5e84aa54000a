//! Copies of models that say what a plan does with each node.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::sandbox::Sandbox;
use bytes::Bytes;
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::Profile;
use cutpoint_onnx::proto::{
    ModelProto, StringStringEntryProto, TensorProto, tensor_proto::DataLocation,
};
use cutpoint_onnx::{Model, build};
use cutpoint_runtime::library::find_or_fetch;
use cutpoint_runtime::probe::random_inputs;
use cutpoint_runtime::session::{Difference, Values, compare};
use cutpoint_runtime::verify::run_whole;
use cutpoint_runtime::{Environment, environment};
use cutpoint_testkit::models::{named, node, simple};
use prost::Message;

fn bundled(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("models")
        .join(name)
}

fn runtime() -> &'static Environment {
    let library = find_or_fetch(&mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
    environment(&library, 1).unwrap()
}

fn decoded(path: &Path) -> ModelProto {
    ModelProto::decode(Bytes::from(std::fs::read(path).unwrap())).unwrap()
}

fn is_ours(entry: &StringStringEntryProto) -> bool {
    entry.key().starts_with("cutpoint.")
}

/// The model without what the program wrote into it.
fn without_notes(mut model: ModelProto) -> ModelProto {
    model.metadata_props.retain(|entry| !is_ours(entry));
    for node in &mut model.graph.as_mut().unwrap().node {
        node.metadata_props.retain(|entry| !is_ours(entry));
    }
    model
}

/// Notes of each node, by its first output.
fn notes(model: &ModelProto) -> HashMap<String, HashMap<String, String>> {
    let of = |props: &[StringStringEntryProto]| -> HashMap<String, String> {
        let ours = props.iter().filter(|entry| is_ours(entry));
        let pair = |e: &StringStringEntryProto| {
            (
                e.key()["cutpoint.".len()..].to_owned(),
                e.value().to_owned(),
            )
        };
        ours.map(pair).collect()
    };
    let nodes = model.graph.as_ref().unwrap().node.iter();
    nodes
        .map(|node| (node.output[0].clone(), of(&node.metadata_props)))
        .collect()
}

fn note<'a>(model: &'a ModelProto, key: &str) -> &'a str {
    let mut props = model.metadata_props.iter();
    let entry = props.find(|entry| entry.key() == format!("cutpoint.{key}"));
    entry.unwrap_or_else(|| panic!("{key}")).value()
}

fn outputs(path: &Path) -> Values {
    let model = Model::load(path).unwrap();
    let feed = random_inputs(runtime(), &model, &[]).unwrap();
    run_whole(runtime(), &model, &feed).unwrap()
}

fn same_outputs(one: &Path, other: &Path) {
    let (one, other) = (outputs(one), outputs(other));
    assert_eq!(one.len(), other.len());
    for ((name, a), (other, b)) in one.iter().zip(&other) {
        assert_eq!(name, other);
        assert_eq!(compare(a, b), Difference::None, "{name}");
    }
}

const QUICK: [&str; 8] = [
    "--board",
    "b",
    "--budget",
    "100ms",
    "--rounds",
    "5",
    "--threads",
    "1",
];

#[test]
fn bundled_models_say_side_time_and_cut_and_compute_the_same() {
    for (name, rate) in [
        ("skipnet_3dec_64.onnx", "900Mbit/s"),
        ("mtlsplit_mobilenet_v3_small_64.onnx", "60Mbit/s"),
    ] {
        let sandbox = Sandbox::new();
        let path = bundled(name);
        let file = path.to_str().unwrap();
        sandbox.ok(&[&["profile", file], &QUICK[..]].concat());
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let profile = format!("profiles/b/{stem}.toml");
        // the first layer stays, and the last goes: something crosses
        let known = Profile::load(&sandbox.path(&profile)).unwrap();
        let (first, last) = (
            &known.layers[0].id,
            &known.layers[known.layers.len() - 1].id,
        );
        let pins = [
            "--keep-on-edge",
            first.as_str(),
            "--keep-on-server",
            last.as_str(),
        ];
        let plan = [
            "plan", "--edge", &profile, "--server", "sim:8x", "--rate", rate,
        ];
        sandbox.ok(&[
            &plan[..],
            &pins[..],
            &["--codec", "f32", "--out", "plan.toml"],
        ]
        .concat());
        let annotate = ["annotate", file, "--plan", "plan.toml", "-o", "out.onnx"];
        let said = sandbox.ok(&[&annotate[..], &["--profile", &profile]].concat());
        assert!(said.starts_with("out.onnx\n"), "{said}");

        let (original, copy) = (decoded(&path), decoded(&sandbox.path("out.onnx")));
        assert_eq!(without_notes(copy.clone()), without_notes(original));
        same_outputs(&path, &sandbox.path("out.onnx"));

        let plan = Plan::load(&sandbox.path("plan.toml")).unwrap();
        let notes = notes(&copy);
        assert!(notes.values().all(|about| about.contains_key("side")));
        for layer in &known.layers {
            let server = plan.server.contains(&layer.id);
            for member in &layer.members {
                let about = &notes[member];
                assert_eq!(
                    about["side"],
                    if server { "server" } else { "edge" },
                    "{member}"
                );
                if *member != layer.id {
                    assert_eq!(about["part_of"], layer.id);
                    continue;
                }
                let us: f64 = about["time_us"].parse().unwrap();
                let expected = if server {
                    layer.server_us / 8.0
                } else {
                    layer.edge_us
                };
                assert!(
                    (us - expected).abs() <= 0.0005 + 1e-9,
                    "{member}: {us} {expected}"
                );
                let origin = if server { "simulated" } else { "measured" };
                assert_eq!(about["time_origin"], origin);
                assert_eq!(about.get("time_n").is_some(), !server);
            }
        }
        // every tensor that crosses is named where it is made, and where the server reads it
        assert!(!plan.crossing.is_empty());
        for crossing in &plan.crossing {
            let text = format!("{} as f32, {} bytes", crossing.tensor, crossing.bytes);
            let cuts: Vec<&String> = notes
                .values()
                .filter_map(|about| about.get("cut"))
                .collect();
            let with = |verb: &str| {
                cuts.iter()
                    .any(|cut| cut.contains(&format!("{verb} {text}")))
            };
            assert!(with("receives"), "{text}");
            let is_input = known
                .inputs
                .iter()
                .any(|input| input.name == crossing.tensor);
            assert!(is_input || with("sends"), "{text}");
            assert!(note(&copy, "cut").contains(&text));
        }
        assert_eq!(note(&copy, "model_sha256"), plan.model.sha256);
        assert_eq!(note(&copy, "plan"), "plan.toml");
        assert_eq!(note(&copy, "plan_sha256").len(), 64);
        assert!(note(&copy, "edge_times").starts_with("measured on b"));
        assert!(note(&copy, "server_times").contains("simulated"));

        // notes of an earlier call are replaced: without a profile no time is left
        sandbox.ok(&["annotate", file, "--plan", "plan.toml", "-o", "again.onnx"]);
        let again = decoded(&sandbox.path("again.onnx"));
        assert!(
            !self::notes(&again)
                .values()
                .any(|about| about.contains_key("time_us"))
        );
        let key = |entry: &StringStringEntryProto| entry.key().to_owned();
        let mut keys: Vec<String> = again.metadata_props.iter().map(key).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), again.metadata_props.len());
    }
}

/// `x -> h -> y`, the second adding a weight kept in `data/w.bin`.
fn with_data_outside() -> ModelProto {
    let mut tensor: TensorProto = named("w", build::floats(&[2, 3], &[0.5; 6]));
    tensor.raw_data = None;
    tensor.data_location = Some(DataLocation::External as i32);
    tensor.external_data = [
        ("location", "data/w.bin"),
        ("offset", "4"),
        ("length", "24"),
    ]
    .map(|(key, value)| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    })
    .to_vec();
    let nodes = vec![
        node("Neg", &["x"], &["h"]),
        node("Add", &["h", "w"], &["y"]),
    ];
    let mut model = simple(nodes, &["x"], &["y"]);
    model.graph.as_mut().unwrap().initializer = vec![tensor];
    // metadata of others stays as it is
    let own = |key: &str| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some("mine".to_owned()),
    };
    model.metadata_props = vec![own("author"), own("cutpoint.plan")];
    model.graph.as_mut().unwrap().node[0].metadata_props = vec![own("note")];
    model
}

/// A sandbox with `model.onnx`, and `plan.toml` that cuts it behind `h`.
fn planned(model: &ModelProto) -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("data")).unwrap();
    let data: Vec<u8> = [0u8; 4]
        .into_iter()
        .chain(1.5f32.to_le_bytes().repeat(6))
        .collect();
    sandbox.write("data/w.bin", data);
    sandbox.model("model.onnx", model);
    sandbox.write("times.csv", "layer,time_us\nh,1\ny,2\n");
    sandbox.ok(&[
        "profile",
        "import",
        "model.onnx",
        "--times",
        "times.csv",
        "--board",
        "b",
        "-o",
        "p.toml",
    ]);
    sandbox.ok(&[
        "plan",
        "--edge",
        "p.toml",
        "--server",
        "sim:2x",
        "--link",
        "wifi",
        "--keep-on-edge",
        "h",
        "--keep-on-server",
        "y",
        "--out",
        "plan.toml",
    ]);
    sandbox
}

#[test]
fn data_in_other_files_keeps_working_in_any_folder() {
    let model = with_data_outside();
    let sandbox = planned(&model);
    let annotate = |out: &'static str| {
        [
            "annotate",
            "model.onnx",
            "--plan",
            "plan.toml",
            "--profile",
            "p.toml",
            "-o",
            out,
        ]
    };
    sandbox.ok(&annotate("same.onnx"));
    same_outputs(&sandbox.path("model.onnx"), &sandbox.path("same.onnx"));
    std::fs::create_dir(sandbox.path("other")).unwrap();
    let json = sandbox.json(&annotate("other/copy.onnx"));
    assert_eq!(json["data"][0], "other/data/w.bin");
    assert_eq!(
        (&json["edge"], &json["server"], &json["timed"]),
        (&1.into(), &1.into(), &2.into())
    );
    same_outputs(
        &sandbox.path("model.onnx"),
        &sandbox.path("other/copy.onnx"),
    );
    // the data stays outside, and what others wrote stays
    let copy = decoded(&sandbox.path("other/copy.onnx"));
    assert_eq!(without_notes(copy.clone()), without_notes(model));
    assert_eq!(note(&copy, "plan"), "plan.toml");
    assert_eq!(
        copy.graph.as_ref().unwrap().node[0].metadata_props[0].value(),
        "mine"
    );
    assert_eq!(notes(&copy)["h"]["time_origin"], "imported");
    // again into the same place: the data is there already
    assert_eq!(
        sandbox.json(&annotate("other/copy.onnx"))["data"],
        serde_json::json!([])
    );

    sandbox.write("other/data/w.bin", "something else");
    sandbox.refuses(
        2,
        &annotate("other/copy2.onnx"),
        &["other/data/w.bin", "another folder"],
    );
    assert_eq!(sandbox.read("other/data/w.bin"), "something else");
}

/// A model is untrusted: where its data is written is not for it to say.
#[cfg(unix)]
#[test]
fn data_is_copied_only_to_free_places_inside_the_folder() {
    let mut model = with_data_outside();
    let sandbox = planned(&model);
    let annotate = |out: &'static str| {
        let words = ["annotate", "model.onnx", "--plan", "plan.toml", "-o", out];
        words.to_vec()
    };
    std::fs::create_dir(sandbox.path("other")).unwrap();
    std::fs::create_dir(sandbox.path("elsewhere")).unwrap();
    let link = sandbox.path("other/data");
    for (target, part) in [
        ("../elsewhere", "a link that leaves the folder"),
        ("nowhere", "cannot be read"),
    ] {
        std::os::unix::fs::symlink(target, &link).unwrap();
        sandbox.refuses(2, &annotate("other/copy.onnx"), &["other/data/w.bin", part]);
        std::fs::remove_file(&link).unwrap();
    }
    // what is in the way and cannot be compared stays as well
    std::fs::create_dir(&link).unwrap();
    std::os::unix::fs::symlink("../../elsewhere/new", link.join("w.bin")).unwrap();
    sandbox.refuses(2, &annotate("other/copy.onnx"), &["other/data/w.bin"]);
    assert!(!sandbox.path("elsewhere/new").exists());
    std::fs::remove_file(link.join("w.bin")).unwrap();
    std::fs::create_dir(link.join("w.bin")).unwrap();
    sandbox.refuses(2, &annotate("other/copy.onnx"), &["not a plain file"]);
    std::fs::remove_dir_all(&link).unwrap();
    // a link that stays inside is as good as a folder
    std::fs::create_dir(sandbox.path("other/inside")).unwrap();
    std::os::unix::fs::symlink("inside", &link).unwrap();
    sandbox.ok(&annotate("other/copy.onnx"));
    assert!(sandbox.path("other/inside/w.bin").is_file());

    // programs find their settings in hidden places
    let graph = model.graph.as_mut().unwrap();
    graph.initializer[0].external_data[0].value = Some(".ssh/authorized_keys".to_owned());
    std::fs::create_dir(sandbox.path(".ssh")).unwrap();
    std::fs::copy(
        sandbox.path("data/w.bin"),
        sandbox.path(".ssh/authorized_keys"),
    )
    .unwrap();
    let hidden = planned(&with_data_outside());
    std::fs::rename(sandbox.path(".ssh"), hidden.path(".ssh")).unwrap();
    hidden.model("model.onnx", &model);
    hidden.write("times.csv", "layer,time_us\nh,1\ny,2\n");
    hidden.ok(&[
        "profile",
        "import",
        "model.onnx",
        "--times",
        "times.csv",
        "--board",
        "b",
        "-o",
        "p.toml",
        "--force",
    ]);
    hidden.ok(&[
        "plan",
        "--edge",
        "p.toml",
        "--server",
        "sim:2x",
        "--link",
        "wifi",
        "--out",
        "plan.toml",
    ]);
    std::fs::create_dir(hidden.path("home")).unwrap();
    hidden.refuses(
        2,
        &annotate("home/copy.onnx"),
        &["authorized_keys", "hidden"],
    );
}

#[test]
fn what_cannot_be_annotated_is_refused_and_nothing_is_written() {
    let sandbox = planned(&with_data_outside());
    let other = simple(vec![node("Neg", &["x"], &["y"])], &["x"], &["y"]);
    sandbox.model("other.onnx", &other);
    sandbox.write("broken.toml", "format = 1");
    let to = |model: &'static str, plan: &'static str, out: &'static str| {
        ["annotate", model, "--plan", plan, "-o", out]
    };
    sandbox.refuses(
        4,
        &to("other.onnx", "plan.toml", "o.onnx"),
        &["another model", "other.onnx"],
    );
    sandbox.refuses(
        4,
        &to("model.onnx", "broken.toml", "o.onnx"),
        &["broken.toml"],
    );
    sandbox.refuses(4, &to("model.onnx", "none.toml", "o.onnx"), &["none.toml"]);
    sandbox.refuses(
        2,
        &to("model.onnx", "plan.toml", "model.onnx"),
        &["--out model.onnx", "as the model:"],
    );
    sandbox.refuses(
        2,
        &to("model.onnx", "plan.toml", "./model.onnx"),
        &["--out ./model.onnx", "as the model:"],
    );
    sandbox.refuses(
        2,
        &to("model.onnx", "plan.toml", "data/w.bin"),
        &["--out data/w.bin", "data of a model"],
    );
    sandbox.refuses(
        1,
        &to("model.onnx", "plan.toml", "none/o.onnx"),
        &["folder does not exist"],
    );
    let profile = sandbox
        .read("p.toml")
        .replace("name = \"b\"", "name = \"c\"");
    sandbox.write("c.toml", profile);
    let with = |profile: &'static str| {
        [
            &to("model.onnx", "plan.toml", "o.onnx")[..],
            &["--profile", profile],
        ]
        .concat()
    };
    sandbox.refuses(
        4,
        &with("c.toml"),
        &["c.toml is not the profile that plan.toml was made from"],
    );
    sandbox.refuses(4, &with("times.csv"), &["times.csv"]);
    sandbox.refuses(
        2,
        &[
            &to("model.onnx", "plan.toml", "o.onnx")[..],
            &["--server", "sim:2x"],
        ]
        .concat(),
        &["required"],
    );
}
