//! `cutpoint split` from the outside: files, messages and exit codes.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;
use cutpoint_core::codec::{ClipRange, Codec};
use cutpoint_core::cuts::{self, Cut};
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_core::plan::Plan;
use cutpoint_core::task::Task;
use cutpoint_onnx::directory::Description;
use cutpoint_onnx::{Halves, Model, Reading};
use cutpoint_runtime::environment;
use cutpoint_runtime::library::find_or_fetch;
use cutpoint_runtime::probe::{probe, random_inputs};
use cutpoint_runtime::session::Difference;
use cutpoint_runtime::verify::{run_whole, verify};
use cutpoint_testkit::plans::{crossing, plan};

fn bundled(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("models")
        .join(name)
}

fn skipnet() -> PathBuf {
    bundled("skipnet_3dec_64.onnx")
}

fn split(model: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = cargo_bin_cmd!("cutpoint");
    command
        .arg("split")
        .args(more)
        .arg("--model")
        .arg(model)
        .arg("--out")
        .arg(out);
    command
}

/// Exit code and standard error.
fn failure(mut command: Command) -> (i32, String) {
    let output = command.output().unwrap();
    assert!(output.stdout.is_empty(), "results only on success");
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Ids of all layers of the bundled model, and one natural cut in the middle.
fn layers_and_cut() -> (Vec<String>, String, usize) {
    let mut inspect = cargo_bin_cmd!("cutpoint");
    let output = inspect
        .arg("inspect")
        .arg(skipnet())
        .arg("--json")
        .output()
        .unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let ids = answer["layers"].as_array().unwrap().iter();
    let ids: Vec<String> = ids.map(|l| l["id"].as_str().unwrap().to_owned()).collect();
    let cuts = answer["cuts"].as_array().unwrap().iter();
    let mut natural = cuts.filter(|c| {
        let before = c["layers_before"].as_u64().unwrap() as usize;
        c["natural"] == true && before > 3 && c["tensors"][0] == ids[before - 1].as_str()
    });
    let cut = natural.next().unwrap();
    let before = cut["layers_before"].as_u64().unwrap() as usize;
    (ids, cut["tensors"][0].as_str().unwrap().to_owned(), before)
}

#[test]
fn a_plan_and_the_same_cut_by_hand_give_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let (ids, tensor, before) = layers_and_cut();
    let model = Model::load(&skipnet()).unwrap();
    let plan = plan(
        &model,
        &ids[..before],
        &ids[before..],
        vec![crossing(&tensor, Codec::Q8)],
    );
    let file = folder.path().join("plan.toml");
    std::fs::write(&file, plan.to_toml().unwrap()).unwrap();
    let (planned, by_hand) = (folder.path().join("planned"), folder.path().join("by_hand"));
    let said = split(&skipnet(), &planned, &[file.to_str().unwrap()])
        .output()
        .unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(
        text.contains("edge.onnx") && text.contains(&format!("{tensor} as q8")),
        "{text}"
    );
    split(&skipnet(), &by_hand, &["--cut", &tensor, "--codec", "q8"])
        .assert()
        .success();
    for name in ["edge.onnx", "server.onnx", "split.toml"] {
        let read = |folder: &Path| std::fs::read(folder.join(name)).unwrap();
        assert_eq!(read(&planned), read(&by_hand), "{name}");
    }
    let found = Description::load(&planned).unwrap();
    assert_eq!(found.model.sha256, model.sha256());
    assert_eq!(found.tasks.len(), 3);
}

/// The ids that one head needs alone, of each output of the model; and all layers.
fn heads(model: &Model) -> (Vec<Vec<String>>, Reading) {
    let library = find_or_fetch(&mut |_| ()).unwrap();
    let runtime = environment(&library, 1).unwrap();
    let feed = random_inputs(runtime, model, &[]).unwrap();
    let reading = model.graph(&probe(runtime, model, &feed).unwrap()).unwrap();
    let graph = &reading.graph;
    let heads = cuts::private_heads(graph, &Task::per_output(graph), &[]).unwrap();
    let ids = |cut: &Cut| {
        let own = cut.edge.complement();
        let ids = own.iter().map(|layer| graph.layer(layer).id.clone());
        ids.collect::<Vec<_>>()
    };
    (heads.iter().map(ids).collect(), reading)
}

#[test]
fn a_plan_with_a_head_beside_the_link_gives_three_files() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::load(&skipnet()).unwrap();
    let (heads, reading) = heads(&model);
    let ids = reading.graph.layers().iter().map(|l| l.id.clone());
    let (server, edge): (Vec<String>, Vec<String>) = ids.partition(|id| heads[1].contains(id));
    let sent: Vec<TensorId> = {
        let mut set = LayerSet::empty(reading.graph.layers().len());
        for id in &edge {
            set.insert(reading.graph.find_layer(id).unwrap());
        }
        reading.graph.crossing(&set)
    };
    let sent = sent.iter().map(|t| reading.graph.tensor(*t).name.clone());
    let crossings = sent.map(|t| crossing(&t, Codec::F32)).collect();
    let mut plan = plan(&model, &edge, &server, crossings);
    plan.local.clone_from(&heads[2]);
    let file = folder.path().join("plan.toml");
    let out = folder.path().join("out");
    let make = |plan: &Plan| {
        std::fs::write(&file, plan.to_toml().unwrap()).unwrap();
        split(&skipnet(), &out, &[file.to_str().unwrap()])
    };
    let said = make(&plan).output().unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.status.success() && text.contains("local.onnx"),
        "{text}"
    );

    let found = Description::load(&out).unwrap();
    let names = model.output_names();
    let local = found.local.clone().unwrap();
    assert_eq!(local.outputs, [names[2].clone()]);
    assert_eq!(found.tasks[2].local, [names[2].clone()]);
    assert!(found.tasks[2].edge.is_empty() && found.tasks[2].server.is_empty());
    assert_eq!(found.tasks[1].server, [names[1].clone()]);
    let edge_half = found.edge.unwrap();
    assert!(local.inputs.iter().all(|i| edge_half.outputs.contains(i)));
    let load = |name: &str| Some(Model::load(&out.join(name)).unwrap());
    let parts = Halves {
        edge: load("edge.onnx"),
        local: load("local.onnx"),
        server: load("server.onnx"),
    };
    assert_eq!(parts.local.as_ref().unwrap().sha256(), local.sha256);
    let library = find_or_fetch(&mut |_| ()).unwrap();
    let runtime = environment(&library, 1).unwrap();
    let feed = random_inputs(runtime, &model, &[]).unwrap();
    let whole = run_whole(runtime, &model, &feed).unwrap();
    for check in verify(runtime, &parts, &feed, &whole).unwrap() {
        match check.difference {
            Difference::None => {}
            // fusion reorders sums
            Difference::Rounding { max_abs, scale } => assert!(max_abs <= 1e-5 * scale),
            Difference::Different => panic!("{} differs", check.output),
        }
    }

    // a head of the server, and a layer that all heads need
    let shared = plan.crossing[0].tensor.clone();
    for (layer, why) in [
        (&heads[1][0], "not on the edge"),
        (&shared, "is sent to the server"),
    ] {
        plan.local = vec![layer.clone()];
        let (code, text) = failure(make(&plan));
        assert_eq!(code, 4, "{text}");
        assert!(
            text.contains(layer.as_str()) && text.contains(why),
            "{text}"
        );
    }
    plan.local.clear();
    make(&plan).assert().success();
    assert!(!out.join("local.onnx").exists(), "the old file is gone");
}

/// An accuracy file with bounds of one tensor, for two codecs.
fn accuracy_file(folder: &Path, model: &Model, tensor: &str, range: &ClipRange) -> PathBuf {
    let path = folder.join("m.accuracy.toml");
    let bounds = |codec: &str| {
        format!(
            "[[range]]\ntensor = {tensor:?}\ncodec = \"{codec}\"\nlow = {:?}\nhigh = {:?}\n",
            range.low, range.high
        )
    };
    let text = format!(
        "format = 1\n[model]\nfile = \"m.onnx\"\nsha256 = \"{}\"\n\
         [data]\nsource = \"this test\"\nsamples = 0\n\
         [[task]]\nname = \"t\"\nmetric = \"top1\"\nbaseline = 0.5\n{}{}",
        model.sha256(),
        bounds("q4"),
        bounds("q2c"),
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn calibrated_bounds_come_from_a_plan_or_an_accuracy_file() {
    let folder = tempfile::tempdir().unwrap();
    let (ids, tensor, before) = layers_and_cut();
    let model = Model::load(&skipnet()).unwrap();
    let range = ClipRange {
        low: vec![-1.5],
        high: vec![2.25],
    };
    let codec: Codec = "q4+zstd".parse().unwrap();
    let mut crossing = crossing(&tensor, codec);
    crossing.range = Some(range.clone());
    let cut = |crossing| plan(&model, &ids[..before], &ids[before..], vec![crossing]);
    let file = folder.path().join("plan.toml");
    std::fs::write(&file, cut(crossing.clone()).to_toml().unwrap()).unwrap();
    let accuracy = accuracy_file(folder.path(), &model, &tensor, &range);
    let accuracy = accuracy.to_str().unwrap();
    let (planned, by_hand) = (folder.path().join("planned"), folder.path().join("by_hand"));
    let said = split(&skipnet(), &planned, &[file.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(said.status.success());
    let note = String::from_utf8(said.stderr).unwrap();
    assert!(note.contains("cutpoint's own two ends"), "{note}");
    let hand = |codec| ["--cut", &tensor, "--codec", codec, "--accuracy", accuracy];
    split(&skipnet(), &by_hand, &hand("q4+zstd"))
        .assert()
        .success();
    for name in ["edge.onnx", "server.onnx", "split.toml"] {
        let read = |folder: &Path| std::fs::read(folder.join(name)).unwrap();
        assert_eq!(read(&planned), read(&by_hand), "{name}");
    }
    let found = Description::load(&planned).unwrap();
    let sent = &found.crossings[0];
    assert_eq!((sent.codec, sent.range.as_ref()), (codec, Some(&range)));
    assert_eq!(sent.sent, [format!("{tensor}/q4")]);

    let out = folder.path().join("out");
    for (arguments, code, message) in [
        (
            &["--cut", &tensor, "--codec", "q4"][..],
            2,
            "give --accuracy FILE",
        ),
        (&hand("q4c")[..], 4, "no bounds for q4c"),
        (&hand("q2c")[..], 2, "pairs of bounds"),
    ] {
        let (found, text) = failure(split(&skipnet(), &out, arguments));
        assert_eq!(found, code, "{text}");
        assert!(text.contains(message), "{text}");
    }
    let other = bundled("mtlsplit_mobilenet_v3_small_64.onnx");
    let (code, text) = failure(split(
        &other,
        &out,
        &hand("q4")[2..]
            .iter()
            .copied()
            .chain(["--cut", "image"])
            .collect::<Vec<_>>(),
    ));
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("another model"), "{text}");
    crossing.range = None;
    std::fs::write(&file, cut(crossing).to_toml().unwrap()).unwrap();
    let (code, text) = failure(split(&skipnet(), &out, &[file.to_str().unwrap()]));
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("calibrated on data"), "{text}");
    assert!(!out.exists());
}

#[test]
fn image_files_are_made_outside_the_halves() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::load(&skipnet()).unwrap();
    let input = model.inputs()[0].name.clone();
    let scale = format!("{input}=127.5,127.5");
    let of = |codec: &str| {
        let out = folder.path().join(codec);
        let cut = ["--cut", &input, "--codec", codec, "--input-u8", &scale];
        split(&skipnet(), &out, &cut).assert().success();
        out
    };
    let (jpeg, raw) = (of("jpeg90"), of("u8"));
    for name in ["edge.onnx", "server.onnx"] {
        let read = |folder: &Path| std::fs::read(folder.join(name)).unwrap();
        assert_eq!(read(&jpeg), read(&raw), "{name}");
    }
    let found = Description::load(&jpeg).unwrap();
    assert_eq!(found.crossings[0].codec.to_string(), "jpeg90");
    assert_eq!(found.crossings[0].sent, [format!("{input}/u8")]);
}

#[test]
fn both_extremes_can_be_planned() {
    let folder = tempfile::tempdir().unwrap();
    let (ids, ..) = layers_and_cut();
    let model = Model::load(&skipnet()).unwrap();
    let input = model.inputs()[0].name.clone();
    let file = folder.path().join("plan.toml");
    let out = folder.path().join("out");
    let make = |plan: Plan| {
        std::fs::write(&file, plan.to_toml().unwrap()).unwrap();
        let output = split(&skipnet(), &out, &[file.to_str().unwrap(), "--json"])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice::<Description>(&output.stdout).unwrap()
    };
    let server = make(plan(&model, &[], &ids, vec![crossing(&input, Codec::F32)]));
    assert_eq!(server.edge.unwrap().outputs, [input]);
    assert!(out.join("server.onnx").exists());
    let edge = make(plan(&model, &ids, &[], Vec::new()));
    assert_eq!(edge.edge.unwrap().outputs, model.output_names());
    assert!(
        edge.server.is_none() && !out.join("server.onnx").exists(),
        "the old half is gone"
    );
}

#[test]
fn what_cannot_be_asked_for_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (ids, tensor, _) = layers_and_cut();
    let near = format!("{tensor}x");
    for (arguments, message) in [
        (
            &["--cut", near.as_str()][..],
            format!("did you mean `{tensor}"),
        ),
        (&[], "--cut".to_owned()),
        (
            &["plan.toml", "--cut", &tensor],
            "cannot be used with".to_owned(),
        ),
        (
            &["--cut", &tensor, "--codec", "f32,q8"],
            "2 codecs for 1 tensors".to_owned(),
        ),
        (
            &["--cut", &tensor, "--codec", "zip"],
            "`zip` is not a codec".to_owned(),
        ),
        (
            &["--cut", &tensor, "--codec", "u8"],
            "not a model input".to_owned(),
        ),
        (
            &["--cut", &ids[0], "--shape", "nothing=1"],
            "does not exist".to_owned(),
        ),
    ] {
        let (code, text) = failure(split(&skipnet(), &out, arguments));
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(&message), "{arguments:?}: {text}");
        assert!(!out.exists());
    }
}

#[test]
fn bad_models_and_plans_of_others_are_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (ids, tensor, before) = layers_and_cut();
    let model = Model::load(&skipnet()).unwrap();
    let text_file = folder.path().join("text.onnx");
    std::fs::write(&text_file, "not a model").unwrap();
    for file in [&text_file, &folder.path().join("missing.onnx")] {
        let (code, text) = failure(split(file, &out, &["--cut", "x"]));
        assert_eq!(code, 4, "{text}");
        assert!(
            text.contains(file.to_str().unwrap()) && text.lines().count() == 1,
            "{text}"
        );
    }
    let file = folder.path().join("plan.toml");
    let check = |plan: Plan, message: &str| {
        std::fs::write(&file, plan.to_toml().unwrap()).unwrap();
        let (code, text) = failure(split(&skipnet(), &out, &[file.to_str().unwrap()]));
        assert_eq!(code, 4, "{text}");
        assert!(text.contains(message), "{text}");
    };
    let good = || {
        plan(
            &model,
            &ids[..before],
            &ids[before..],
            vec![crossing(&tensor, Codec::F32)],
        )
    };
    let mut other = good();
    other.model.sha256 = "0".repeat(64);
    check(other, "another model");
    let mut less = good();
    less.crossing.clear();
    check(less, "do not fit");
    let mut unknown = good();
    unknown.server.push("nobody".to_owned());
    check(unknown, "no layer is named `nobody`");
    assert!(!out.exists());
}

/// Files in a folder, and what they hold.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut found: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    found.sort();
    found
}

#[cfg(unix)]
#[test]
fn only_the_target_folder_is_worked_in() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (ids, tensor, _) = layers_and_cut();
    let [cut, other] = [&tensor, &ids[0]].map(|tensor| ["--cut", tensor.as_str()]);
    let plain = folder.path().join("plain");
    split(&skipnet(), &plain, &cut).assert().success();
    let expected = contents(&plain);

    // a folder of another file system, where there is one, behind a link
    let memory = Path::new("/dev/shm");
    let elsewhere = if memory.is_dir() {
        memory
    } else {
        folder.path()
    };
    let elsewhere = tempfile::tempdir_in(elsewhere).unwrap();
    let link = folder.path().join("link");
    symlink(elsewhere.path(), &link).unwrap();
    for again in [&other, &cut] {
        split(&skipnet(), &link, again).assert().success();
    }
    assert!(link.is_symlink());
    assert_eq!(contents(elsewhere.path()), expected);

    // a folder whose parent may not be written, as below a mount point
    let parent = folder.path().join("parent");
    let inner = parent.join("inner");
    std::fs::create_dir_all(&inner).unwrap();
    let mode = |mode: u32| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(&parent, mode(0o555)).unwrap();
    for again in [&other, &cut] {
        split(&skipnet(), &inner, again).assert().success();
    }
    std::fs::set_permissions(&parent, mode(0o755)).unwrap();
    assert_eq!(contents(&inner), expected);
    assert_eq!(std::fs::read_dir(&parent).unwrap().count(), 1);
}

#[test]
fn a_first_split_that_fails_leaves_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (_, tensor, _) = layers_and_cut();
    let new = folder.path().join("a/b");
    let (code, text) = failure(split(
        &skipnet(),
        &new,
        &["--cut", &tensor, "--task", "t=no"],
    ));
    assert_eq!(code, 2, "{text}");
    assert!(!folder.path().join("a").exists());
}

#[test]
fn existing_folders_are_respected() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (_, tensor, _) = layers_and_cut();
    let cut = ["--cut", tensor.as_str()];
    split(&skipnet(), &out, &cut).assert().success();
    split(&skipnet(), &out, &cut).assert().success();
    let other = folder.path().join("other.onnx");
    let mut bytes = std::fs::read(skipnet()).unwrap();
    // domain: "d", which changes the hash and nothing else
    bytes.extend(b"\x22\x01d");
    std::fs::write(&other, bytes).unwrap();
    let before = std::fs::read(out.join("split.toml")).unwrap();
    let (code, text) = failure(split(&other, &out, &cut));
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("another model") && text.contains("--force"),
        "{text}"
    );
    assert_eq!(std::fs::read(out.join("split.toml")).unwrap(), before);
    split(&other, &out, &["--force", "--cut", &tensor])
        .assert()
        .success();
    let (code, text) = failure(split(&skipnet(), &other.join("below a file"), &cut));
    assert_eq!(code, 1, "{text}");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        2,
        "nothing left over"
    );
}
