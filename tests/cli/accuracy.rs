//! `cutpoint accuracy` on small models and data, and on bad ones.
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;
use cutpoint_onnx::build::{self, node, value, with};
use cutpoint_onnx::proto::{DataType, GraphProto, ModelProto, OperatorSetIdProto};
use cutpoint_testkit::datasets::{npy, picture, put};

const SIDE: usize = 4;
const IMAGES: usize = 120;

const SIDECAR: &str = r#"
format = 1
[input]
name = "image"
mean = [100.0]
std = [50.0]
[[task]]
name = "colour"
label = "colour"
metric = "macro-f1"
classes = ["red", "green", "blue"]
[[task]]
name = "light"
label = "light"
metric = "mae"
scale = 50.0
offset = 100.0
"#;

/// Which colour is the strongest, and how light the image is.
fn network() -> ModelProto {
    let mean = |input, output| {
        let reduce = node("ReduceMean", &[input], &[output]);
        with(reduce, build::int("keepdims", 1))
    };
    let nodes = vec![
        node("Identity", &["image"], &["kept"]),
        node("Neg", &["kept"], &["dark"]),
        node("Neg", &["dark"], &["h"]),
        node("GlobalAveragePool", &["h"], &["pooled"]),
        node("Flatten", &["pooled"], &["colour"]),
        mean("h", "light"),
    ];
    let bare = |name: &str| value(name, DataType::Float, None);
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto {
            domain: None,
            version: Some(17),
        }],
        graph: Some(GraphProto {
            name: Some("test".to_owned()),
            node: nodes,
            input: vec![value("image", DataType::Float, Some(&[1, 3, 4, 4]))],
            output: vec![bare("colour"), bare("light")],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

/// Pixels of noise with one colour a little stronger, by a fixed rule.
fn pixels() -> (Vec<u8>, Vec<[f64; 3]>) {
    let (mut pixels, mut means) = (Vec::new(), Vec::new());
    let mut state = 1_u32;
    for image in 0..IMAGES {
        let mut sums = [0.0; 3];
        for _ in 0..SIDE * SIDE {
            for (channel, sum) in sums.iter_mut().enumerate() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 24) as u8 / 3;
                let pixel = 60 + noise + if image % 3 == channel { 12 } else { 0 };
                pixels.push(pixel);
                *sum += f64::from(pixel) / (SIDE * SIDE) as f64;
            }
        }
        means.push(sums);
    }
    (pixels, means)
}

fn labels(means: &[[f64; 3]]) -> String {
    let mut table = String::from("split,colour,light\n");
    for (image, mean) in means.iter().enumerate() {
        let split = if image < 40 { "train" } else { "test" };
        let colour = ["red", "green", "blue"][image % 3];
        // labels that the network misses by half
        let light = mean.iter().sum::<f64>() / 3.0 + if image % 2 == 0 { 0.5 } else { -0.5 };
        table += &format!("{split},{colour},{light}\n");
    }
    table
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.model("m.onnx", &network());
    sandbox.write("m.data.toml", SIDECAR);
    let (pixels, means) = pixels();
    let folder = sandbox.path("data");
    put(
        &folder,
        "images.npy",
        npy("|u1", &[IMAGES, SIDE, SIDE, 3], &pixels),
    );
    put(&folder, "labels.csv", labels(&means));
    sandbox
}

const PLAIN: [&str; 4] = ["accuracy", "m.onnx", "--data", "data"];

#[test]
fn a_file_is_written_and_said_in_words() {
    let sandbox = sandbox();
    let said = sandbox.ok(&PLAIN);
    for part in [
        "m.accuracy.toml",
        "80 samples of data, compared with their labels; bounds from 40 others",
        "colour: macro-f1",
        "light: mae 0.5",
    ] {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
    let file = sandbox.read("m.accuracy.toml");
    assert!(!sandbox.path("m.accuracy.toml.partial").exists());
    // the same again, byte for byte
    sandbox.ok(&PLAIN);
    assert_eq!(sandbox.read("m.accuracy.toml"), file);
    let found = sandbox.json(&PLAIN);
    assert_eq!(found["complete"], true);
    assert_eq!(found["data"]["samples"], 80);
    let crossings = found["crossing"].as_array().unwrap();
    let of = |tensor: &str, codec: &str| {
        let mut all = crossings.iter();
        let one = all.find(|r| r["tensor"] == tensor && r["codec"] == codec);
        one.unwrap_or_else(|| panic!("no {tensor} as {codec}"))
    };
    // two bits are too few for either task, eight are enough
    let drop =
        |codec: &str, task: usize| of("image", codec)["drop"][task]["mean"].as_f64().unwrap();
    assert!(drop("q2", 1) > 4.0 * drop("q8c", 1).abs());
    assert!(drop("q2", 0) > drop("q8c", 0) && drop("q8c", 0).abs() < 0.05);
    assert_eq!(drop("png", 0), 0.0);
    assert_eq!(of("image", "q4")["bytes_mean"], 24.0);
}

#[test]
fn asked_for_little_little_is_measured() {
    let sandbox = sandbox();
    let some = [
        "--codec",
        "q4+zstd,q8",
        "--cut",
        "h",
        "--samples",
        "50",
        "--out",
        "few.toml",
    ];
    let found = sandbox.json(&[&PLAIN[..], &some].concat());
    let names: Vec<String> = found["crossing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            format!(
                "{} {}",
                r["tensor"].as_str().unwrap(),
                r["codec"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(names, ["h q4+zstd", "h q8"]);
    assert_eq!(found["range"].as_array().unwrap().len(), 1);

    let other = [
        "--agreement",
        "--out",
        "agreement.toml",
        "--cut",
        "h",
        "--codec",
        "q2",
    ];
    let said = sandbox.ok(&[&PLAIN[..], &other].concat());
    assert!(
        said.contains("the whole model's own outputs (no labels)"),
        "{said}"
    );
    assert!(said.contains("light: 1 - relative error"), "{said}");
    assert!(sandbox.read("agreement.toml").contains("labelled = false"));
}

#[test]
fn bad_data_are_refused_with_file_place_and_remedy() {
    let sandbox = sandbox();
    let original = (sandbox.read("data/labels.csv"), sandbox.read("m.data.toml"));
    let cases: [(&str, &str, &str, &[&str]); 10] = [
        (
            "m.data.toml",
            "name = \"image\"",
            "name = \"picture\"",
            &["m.data.toml", "`picture`", "`image`", "[input]"],
        ),
        (
            "m.data.toml",
            "name = \"light\"",
            "name = \"dark\"",
            &["m.data.toml", "task `light` has no label", "[[task]]"],
        ),
        (
            "m.data.toml",
            "\"red\", ",
            "",
            &["labels.csv", "row ", "`red`", "none of the classes"],
        ),
        (
            "m.data.toml",
            "\"blue\"]",
            "\"blue\", \"grey\"]\n#",
            &["ok"],
        ),
        (
            "m.data.toml",
            "metric = \"mae\"",
            "metric = \"top1\"",
            &["light", "mae and rmse"],
        ),
        (
            "m.data.toml",
            "metric = \"macro-f1\"",
            "metric = \"mean-iou\"",
            &["colour", "label maps", "leave out `classes`"],
        ),
        (
            "m.data.toml",
            "metric = \"macro-f1\"\nclasses",
            "metric = \"mean-iou\"\n#",
            &["colour", "[1, 3]", "[1, classes, height, width]"],
        ),
        (
            "data/labels.csv",
            "test,green,",
            "test,mauve,",
            &["labels.csv", "row ", "`mauve`"],
        ),
        (
            "data/labels.csv",
            "split,colour,light",
            "split,tint,light",
            &["labels.csv", "colour", "tint"],
        ),
        (
            "data/labels.csv",
            "test,",
            "spare,",
            &["labels.csv", "only", "--samples"],
        ),
    ];
    for (file, from, to, parts) in cases {
        sandbox.write("data/labels.csv", &original.0);
        sandbox.write("m.data.toml", &original.1);
        let text = sandbox.read(file);
        let changed = match to {
            "spare," => text.replace(from, to).replacen(to, from, 3),
            _ => text.replace(from, to),
        };
        assert_ne!(changed, text, "{from}");
        sandbox.write(file, changed);
        match parts {
            ["ok"] => {
                drop(sandbox.ok(&[&PLAIN[..], &["--codec", "q8", "--out", "ok.toml"]].concat()))
            }
            parts => sandbox.refuses(4, &PLAIN, parts),
        }
    }
    sandbox.write("data/labels.csv", &original.0);
    std::fs::remove_file(sandbox.path("m.data.toml")).unwrap();
    sandbox.refuses(
        4,
        &PLAIN,
        &["m.data.toml is missing", "[input]", "[[task]]"],
    );
    sandbox.write("m.data.toml", &original.1);
    sandbox.refuses(
        4,
        &["accuracy", "m.onnx", "--data", "nowhere"],
        &["nowhere"],
    );
    sandbox.refuses(2, &[&PLAIN[..], &["--cut", "g"]].concat(), &["`g`"]);
    sandbox.refuses(2, &[&PLAIN[..], &["--codec", "zip"]].concat(), &["zip"]);
    sandbox.refuses(
        4,
        &[&PLAIN[..], &["--split", "tset"]].concat(),
        &["tset", "test"],
    );
}

#[test]
fn codecs_that_carry_nothing_are_refused() {
    let sandbox = sandbox();
    for more in [
        ["--cut", "h", "--codec", "jpeg75"],
        ["--cut", "image", "--codec", "variant:x"],
    ] {
        sandbox.refuses(
            2,
            &[&PLAIN[..], &more].concat(),
            &[more[3], "none of the tensors"],
        );
    }
}

#[test]
fn images_that_do_not_fit_are_named() {
    let sandbox = sandbox();
    let folder = sandbox.path("photos");
    let mut table = String::from("file,colour,light\n");
    for image in 0..40 {
        let side = if image == 7 { 5 } else { 4 };
        picture(&folder, &format!("{image}.png"), side, side);
        table += &format!("{image}.png,red,{image}\n");
    }
    put(&folder, "labels.csv", &table);
    let photos = ["accuracy", "m.onnx", "--data", "photos"];
    sandbox.refuses(4, &photos, &["7.png", "resize", "m.data.toml"]);
    picture(&folder, "7.png", 4, 4);
    put(&folder, "9.png", "no image");
    sandbox.refuses(4, &photos, &["9.png", "cannot be decoded"]);
    std::fs::remove_file(folder.join("9.png")).unwrap();
    sandbox.refuses(4, &photos, &["9.png"]);
}

#[test]
fn values_that_are_no_numbers_are_found() {
    let sandbox = sandbox();
    // the logarithm of what is sometimes negative
    let mut model = network();
    let nodes = &mut model.graph.as_mut().unwrap().node;
    nodes[2] = node("Log", &["dark"], &["h"]);
    sandbox.model("m.onnx", &model);
    sandbox.refuses(
        4,
        &PLAIN,
        &["labels.csv, row ", "`colour`", "no numbers", "m.data.toml"],
    );

    // beyond what half precision holds, on the way only
    let mut model = network();
    let nodes = &mut model.graph.as_mut().unwrap().node;
    nodes[2] = node("Mul", &["dark", "many"], &["h"]);
    nodes.insert(0, build::constant("many", build::floats(&[], &[1e6])));
    sandbox.model("m.onnx", &model);
    let output = sandbox.run(&[&PLAIN[..], &["--cut", "h", "--codec", "f16,q8"]].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("`h` as f16") && said.contains("left out"),
        "{said}"
    );
    let file = sandbox.read("m.accuracy.toml");
    assert!(!file.contains("f16") && file.contains("q8"), "{file}");
}

#[test]
fn what_was_measured_is_not_overwritten_by_something_else() {
    let sandbox = sandbox();
    let base = [&PLAIN[..], &["--codec", "q8,q4"]].concat();
    sandbox.ok(&base);
    let file = sandbox.read("m.accuracy.toml");
    let with = |more: &[&'static str]| [&PLAIN[..], more].concat();
    sandbox.refuses(
        4,
        &with(&["--codec", "q8"]),
        &["m.accuracy.toml", "as q4", "--force"],
    );
    sandbox.refuses(
        4,
        &with(&["--codec", "q8,q4", "--samples", "40"]),
        &["other samples", "--out"],
    );
    sandbox.refuses(
        4,
        &with(&["--codec", "q8,q4", "--agreement"]),
        &["m.accuracy.toml", "--force"],
    );
    sandbox.write(
        "m.accuracy.toml",
        file.replace("sha256 = \"", "sha256 = \"0"),
    );
    sandbox.refuses(4, &base, &["another model", "--force"]);
    sandbox.write("m.accuracy.toml", "format = 1\nbroken");
    sandbox.refuses(4, &base, &["m.accuracy.toml", "line 2"]);
    sandbox.ok(&with(&["--codec", "q8,q4", "--force"]));
    assert_eq!(sandbox.read("m.accuracy.toml"), file);
    // more codecs than before are no loss
    sandbox.ok(&with(&["--codec", "q8,q4,f16"]));
}

#[test]
fn a_budget_that_ends_and_an_interruption_lose_nothing() {
    let sandbox = sandbox();
    let some = ["--codec", "q4,q2+zstd", "--budget", "0s"];
    let args = [&PLAIN[..], &some].concat();
    let found = sandbox.json(&args);
    assert_eq!(found["complete"], false);
    let complete = sandbox.json(&[&PLAIN[..], &["--codec", "q4,q2+zstd"]].concat());
    assert_eq!(complete["complete"], true);

    // a network slow enough to be interrupted
    let model = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let model = model.join("models/mtlsplit_mobilenet_v3_small_64");
    for ending in ["onnx", "data.toml"] {
        let bytes = std::fs::read(model.with_extension(ending)).unwrap();
        sandbox.write(&format!("net.{ending}"), bytes);
    }
    sandbox.ok(&[
        "dataset", "shapes", "--out", "scenes", "--count", "300", "--seed", "1",
    ]);
    let args = [
        "accuracy",
        "net.onnx",
        "--data",
        "scenes",
        "--exhaustive",
        "--quiet",
    ];
    let mut child = sandbox
        .command(&args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let partial = sandbox.path("net.accuracy.toml.partial");
    while !partial.exists() {
        assert!(
            start.elapsed() < Duration::from_secs(300),
            "nothing was saved"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let id = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(partial.exists() && !sandbox.path("net.accuracy.toml").exists());
    // it goes on from there
    let goes_on = [
        "accuracy",
        "net.onnx",
        "--data",
        "scenes",
        "--exhaustive",
        "--budget",
        "0s",
    ];
    let output = sandbox.run(&goes_on);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && said.contains("resuming: "),
        "{said}"
    );
}
