//! Several models on the command line: compared, planned as a set, swept and split.

use crate::sandbox::Sandbox;
use cutpoint_core::plan::Plan;
use cutpoint_onnx::build::two_layers;
use cutpoint_onnx::directory::Description;

/// A network of two layers by hand: `x -> h -> y`, `y` being the result of `task`.
fn single(file: &str, task: &str, us: [u32; 2]) -> String {
    format!(
        "format = 1\nsource = \"this test\"\n[model]\nfile = \"{file}\"\n[board]\nname = \"board\"\n\
         [[input]]\nname = \"x\"\nshape = [1, 50_000]\n\
         [[task]]\nname = \"{task}\"\noutputs = [\"y\"]\n\
         [[layer]]\nid = \"h\"\ninputs = [\"x\"]\nedge_us = {}\nshape = [1, 1000]\n\
         [[layer]]\nid = \"y\"\ninputs = [\"h\"]\nedge_us = {}\nshape = [1, 10]\n\
         weight_bytes = 1_000_000\n",
        us[0], us[1]
    )
}

/// One backbone and two heads.
fn both() -> String {
    let size = single("both.onnx", "size", [10_000, 60_000]);
    format!(
        "{size}[[task]]\nname = \"type\"\noutputs = [\"z\"]\n\
         [[layer]]\nid = \"z\"\ninputs = [\"h\"]\nedge_us = 60_000\nshape = [1, 4]\n\
         weight_bytes = 1_000_000\n"
    )
}

fn accuracy(file: &str, tasks: &[(&str, f64)]) -> String {
    let mut text = format!(
        "format = 1\n[model]\nfile = \"{file}\"\nsha256 = \"\"\n[data]\nsource = \"this test\"\n\
         samples = 0\n"
    );
    for (task, value) in tasks {
        text += &format!("[[task]]\nname = \"{task}\"\nmetric = \"top1\"\nbaseline = {value}\n");
    }
    text
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("both.toml", both());
    sandbox.write("size.toml", single("size.onnx", "size", [9_000, 55_000]));
    sandbox.write("type.toml", single("type.onnx", "type", [9_000, 55_000]));
    sandbox
}

const MODELS: [&str; 8] = [
    "--edge",
    "both.toml",
    "--edge",
    "size.toml",
    "--edge",
    "type.toml",
    "--server",
    "sim:10x",
];
const LINK: [&str; 4] = ["--rate", "10Mbit/s", "--delay", "1ms"];

fn plan<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["plan"], &MODELS[..], &LINK, more].concat()
}

#[test]
fn local_remote_and_split_are_compared_for_one_network_and_for_several() {
    let sandbox = sandbox();
    let json = sandbox.json(&plan(&[]));
    assert_eq!(json["model"]["file"], "both.onnx");
    assert!(json.get("members").is_none());
    let latency = |name: &str| {
        let all = json["alternatives"].as_array().unwrap();
        let found = all.iter().find(|a| a["name"] == name);
        found.unwrap_or_else(|| panic!("{name}: {json:#}"))["latency_ms"]
            .as_f64()
            .unwrap()
    };
    let set = "size.onnx + type.onnx";
    assert_eq!(latency("all-edge"), 130.0);
    assert_eq!(latency(&format!("{set}, all-edge")), 128.0);
    // everything remote differs by the time on the server alone: the input is sent once
    let remote = latency(&format!("{set}, all-server")) - latency("all-server");
    assert!((remote - (12.8 - 13.0)).abs() < 0.1, "{remote}");
    assert!(latency(set) < latency(&format!("{set}, all-server")));
    assert!(json["latency_ms"].as_f64().unwrap() < latency(set));
    let text = sandbox.ok(&plan(&[]));
    assert!(
        text.contains("chosen    both.onnx, ") && text.contains(set),
        "{text}"
    );
}

#[test]
fn floors_choose_the_model() {
    let sandbox = sandbox();
    sandbox.write(
        "both.accuracy.toml",
        accuracy("both.onnx", &[("size", 0.95), ("type", 0.80)]),
    );
    sandbox.write(
        "size.accuracy.toml",
        accuracy("size.onnx", &[("size", 0.94)]),
    );
    sandbox.write(
        "type.accuracy.toml",
        accuracy("type.onnx", &[("type", 0.90)]),
    );
    let chosen = |more: &[&str]| sandbox.json(&plan(more))["model"]["file"].clone();
    assert_eq!(chosen(&["--floor", "type=0.79"]), "both.onnx");
    assert_eq!(chosen(&["--floor", "type=0.85"]), "size.onnx + type.onnx");
    // the best whole model counts: a tenth better than this one
    assert_eq!(chosen(&["--max-drop", "type=11%"]), "both.onnx");
    assert_eq!(chosen(&["--max-drop", "5%"]), "size.onnx + type.onnx");
    let set = sandbox.json(&plan(&["--max-drop", "5%"]));
    assert_eq!(set["binding"][0], "max-drop type");
    assert_eq!(set["tasks"][1]["accuracy"]["baseline"], 0.90);
    let names: Vec<&str> = set["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["size", "type"]);
    sandbox.refuses(
        3,
        &plan(&["--floor", "size=0.97", "--quiet"]),
        &[
            "no model meets the limits",
            "both.onnx",
            "size.onnx + type.onnx",
            "95.00 %, not 97.00 %",
        ],
    );
    // a second accuracy file must be that of the model
    sandbox.write(
        "size.accuracy.toml",
        accuracy("size.onnx", &[("colour", 0.94)]),
    );
    sandbox.refuses(4, &plan(&[]), &["size.onnx", "accuracy file", "colour"]);
}

#[test]
fn a_set_is_split_into_a_folder_of_each_model() {
    let sandbox = sandbox();
    let model = two_layers(&[1, 50_000]).encode();
    sandbox.write("size.onnx", &model);
    sandbox.write("type.onnx", &model);
    let set = [
        "--edge",
        "size.toml",
        "--edge",
        "type.toml",
        "--server",
        "sim:10x",
    ];
    let split = [
        "--keep-on-edge",
        "size/h",
        "--keep-on-server",
        "type/h",
        "--out",
        "plan.toml",
    ];
    sandbox.ok(&[&["plan"], &set[..], &LINK, &split].concat());
    let made = Plan::load(&sandbox.path("plan.toml")).unwrap();
    assert_eq!(made.edge, ["size/h"]);
    assert_eq!(made.members[1].crossing[0].tensor, "x");
    let cut = [
        "split",
        "plan.toml",
        "--out",
        "split",
        "--model",
        "type.onnx",
    ];
    sandbox.refuses(2, &cut, &["size.onnx", "--model"]);
    assert!(!sandbox.path("split").exists());
    let cut = [&cut[..], &["--model", "size.onnx"]].concat();
    // shapes of the ONNX files are their own: only the places of the cuts come from the tables
    let json = sandbox.json(&cut);
    assert_eq!(json["size"]["crossing"][0]["tensor"], "h");
    let read = |name: &str| Description::load(&sandbox.path("split").join(name)).unwrap();
    assert_eq!(read("size").crossings[0].tensor, "h");
    assert_eq!(read("type").crossings[0].tensor, "x");
    for name in [
        "size/edge.onnx",
        "size/server.onnx",
        "type/edge.onnx",
        "type/server.onnx",
    ] {
        assert!(sandbox.path("split").join(name).is_file(), "{name}");
    }
    let more = [&cut[..], &["--model", "type.onnx"]].concat();
    sandbox.refuses(2, &more, &["not among the models of the plan"]);
    // a plan from elsewhere may not choose where files go
    let text = sandbox
        .read("plan.toml")
        .replace("name = \"size\"", "name = \"../size\"");
    sandbox.write("plan.toml", text);
    sandbox.refuses(4, &cut, &["`../size`", "folder"]);
}

#[test]
fn a_sweep_over_several_models_names_the_model_of_each_plan() {
    let sandbox = sandbox();
    let words = [&["sweep"], &MODELS[..], &["--rate", "10kbit/s..1Gbit/s"]].concat();
    let json = sandbox.json(&words);
    let segments = json["segments"].as_array().unwrap();
    let models: Vec<&str> = segments
        .iter()
        .map(|s| s["plan"]["model"]["file"].as_str().unwrap())
        .collect();
    // all on the edge the set is faster, on the server and split the shared backbone
    assert_eq!(models.first(), Some(&"size.onnx + type.onnx"));
    assert!(models.contains(&"both.onnx"), "{models:?}");
    assert_eq!(segments[0]["plan"]["members"].as_array().unwrap().len(), 2);
    let text = sandbox.ok(&words);
    assert!(
        text.contains(" model\n") && text.contains("size.onnx + type.onnx\n"),
        "{text}"
    );
}

#[test]
fn several_models_are_refused_with_reasons() {
    let sandbox = sandbox();
    sandbox.refuses(
        2,
        &[
            &["plan", "--edge", "both.toml"],
            &MODELS[..],
            &["--server", "sim:2x"],
            &LINK,
        ]
        .concat(),
        &["--server is given 2 times for 4 models"],
    );
    sandbox.refuses(
        2,
        &plan(&["--keep-on-edge", "hh"]),
        &["--keep-on-edge", "`hh`", "any of the models"],
    );
    sandbox.refuses(
        2,
        &plan(&["--capacity", "BRAM=1"]),
        &["--capacity", "`BRAM`"],
    );
    let elsewhere = sandbox
        .read("type.toml")
        .replace("\"board\"", "\"elsewhere\"");
    sandbox.write("type.toml", elsewhere);
    sandbox.refuses(
        4,
        &plan(&[]),
        &["size.onnx", "type.onnx", "board and elsewhere"],
    );
    // both are given the same task
    sandbox.write("type.toml", single("type.onnx", "size", [1, 1]));
    let two = [
        "plan",
        "--edge",
        "both.toml",
        "--edge",
        "type.toml",
        "--server",
        "sim:2x",
    ];
    assert_eq!(
        sandbox.json(&[&two[..], &LINK].concat())["model"]["file"],
        "both.onnx"
    );
}
