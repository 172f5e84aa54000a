//! A file given in place of another is told as what it is.

use crate::sandbox::Sandbox;
use cutpoint_onnx::proto::ModelProto;
use cutpoint_testkit::models::{node, simple};

const PLAN: [&str; 7] = [
    "plan", "--edge", "p.toml", "--server", "sim:8x", "--rate", "1Mbit/s",
];

fn model() -> ModelProto {
    let nodes = vec![node("Neg", &["x"], &["h"]), node("Abs", &["h"], &["y"])];
    let mut model = simple(nodes, &["x"], &["y"]);
    // as exporters write it
    model.producer_name = Some("pytorch".to_owned());
    model
}

/// A sandbox with a profile, a plan and a model, and what downloads leave in place of one.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.profile("p.toml", &cutpoint_testkit::residual(12, 1));
    sandbox.ok(&[&PLAN[..], &["--out", "plan.toml"]].concat());
    sandbox.model("m.onnx", &model());
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
    sandbox.write("pointer.onnx", pointer);
    sandbox.write(
        "page.onnx",
        "<!DOCTYPE html>\n<html><body>404</body></html>",
    );
    sandbox.write("packed.npz", b"PK\x03\x04\x14\x00");
    sandbox
}

#[test]
fn a_file_of_another_kind_is_named_with_its_kind() {
    let sandbox = sandbox();
    let plan = |more: [&'static str; 4]| [&["plan", "--rate", "1Mbit/s"], &more[..]].concat();
    for (arguments, parts) in [
        (
            plan(["--edge", "m.onnx", "--server", "sim:8x"]),
            ["m.onnx: this is an ONNX model", "name a profile"],
        ),
        (
            plan(["--edge", "p.toml", "--server", "m.onnx"]),
            ["m.onnx: this is an ONNX model", "name a profile"],
        ),
        (
            plan(["--edge", "pointer.onnx", "--server", "sim:8x"]),
            ["Git LFS pointer", "git lfs pull"],
        ),
        (
            plan(["--edge", "plan.toml", "--server", "sim:8x"]),
            ["plan.toml", "it holds a plan"],
        ),
        (
            [&PLAN[..], &["--scenario", "plan.toml"]].concat(),
            ["plan.toml: not a scenario", "it holds a plan"],
        ),
        (
            [&PLAN[..], &["--accuracy", "packed.npz"]].concat(),
            ["packed.npz: this is a zip archive", "name an accuracy file"],
        ),
        (
            vec!["explain", "p.toml"],
            ["p.toml: not a plan", "it holds a profile"],
        ),
        (
            vec!["explain", "m.onnx"],
            ["m.onnx: this is an ONNX model", "name a plan"],
        ),
        (
            vec!["inspect", "plan.toml"],
            ["plan.toml: not an ONNX model", "it holds a plan"],
        ),
        (
            vec!["inspect", "pointer.onnx"],
            ["pointer.onnx: not an ONNX model", "git lfs pull"],
        ),
        (
            vec!["inspect", "page.onnx"],
            ["page.onnx: not an ONNX model", "an HTML page"],
        ),
        (
            vec!["split", "m.onnx", "--model", "m.onnx", "--out", "s"],
            ["m.onnx: this is an ONNX model", "name a plan"],
        ),
        (
            vec!["report", "m.onnx"],
            ["m.onnx: this is an ONNX model", "name a profile, a plan"],
        ),
    ] {
        sandbox.refuses(4, &arguments, &parts);
    }
}

#[test]
fn files_that_are_missing_have_one_exit_code_and_servers_a_hint() {
    let sandbox = sandbox();
    std::fs::create_dir_all(sandbox.path("profiles/servers")).unwrap();
    sandbox.write("profiles/servers/t4.toml", "");
    let server = |name: &'static str| {
        let words = ["plan", "--rate", "1Mbit/s", "--edge", "p.toml", "--server"];
        [&words[..], &[name]].concat()
    };
    for (arguments, part) in [
        (
            server("t4"),
            "t4: there is no such file: write profiles/servers/t4.toml",
        ),
        (
            server("sim8x"),
            "sim8x: there is no such file: write `sim:8x`",
        ),
        (server("sim-2.5"), "write `sim:2.5x`"),
        (
            server("none.toml"),
            "none.toml: there is no such file: name a profile",
        ),
        (
            [&PLAN[..], &["--scenario", "none.toml"]].concat(),
            "none.toml: No such file",
        ),
        (
            vec![
                "plan",
                "--edge",
                "none.toml",
                "--server",
                "sim:8x",
                "--link",
                "wifi",
            ],
            "none.toml: No such file",
        ),
    ] {
        sandbox.refuses(4, &arguments, &[part]);
    }
}

#[test]
fn data_of_a_model_that_was_not_fetched_is_told_as_such() {
    use cutpoint_onnx::proto::{StringStringEntryProto, TensorProto, tensor_proto::DataLocation};
    let sandbox = Sandbox::new();
    let entry = |key: &str, value: &str| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    };
    let weight = TensorProto {
        name: Some("w".to_owned()),
        data_type: Some(1),
        dims: vec![600],
        data_location: Some(DataLocation::External as i32),
        external_data: vec![entry("location", "w.bin"), entry("length", "2400")],
        ..TensorProto::default()
    };
    let mut model = model();
    model.graph.as_mut().unwrap().initializer.push(weight);
    sandbox.model("m.onnx", &model);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
    sandbox.write("w.bin", pointer);
    let parts = ["m.onnx", "`w.bin` is a Git LFS pointer", "git lfs pull"];
    sandbox.refuses(4, &["inspect", "m.onnx"], &parts);
}
