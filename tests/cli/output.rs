//! What every command prints: results on standard output, the rest apart, and help that is complete.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::sandbox::Sandbox;
use cutpoint_testkit::models::{node, simple};

const COMMANDS: [&str; 8] = [
    "inspect", "profile", "plan", "sweep", "split", "report", "runtime", "demo",
];

/// A model with so many outputs that no pipe holds its description.
fn many(sandbox: &Sandbox) {
    let outputs: Vec<String> = (0..400).map(|i| format!("output_number_{i}")).collect();
    let mut nodes = vec![node("Neg", &["x"], &["h"])];
    nodes.extend(outputs.iter().map(|out| node("Exp", &["h"], &[out])));
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    sandbox.model("many.onnx", &simple(nodes, &["x"], &outputs));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let sandbox = Sandbox::new();
    many(&sandbox);
    for more in [&[][..], &["--json"]] {
        let mut command = sandbox.command(&[&["inspect", "many.onnx"], more].concat());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut reader = BufReader::with_capacity(16, child.stdout.take().unwrap());
        reader.read_line(&mut line).unwrap();
        drop(reader);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty() && !line.is_empty());
    }
}

#[test]
fn a_full_disk_under_the_result_is_an_error() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        return; // only Linux has such a device
    };
    let sandbox = Sandbox::new();
    many(&sandbox);
    let output = sandbox
        .command(&["inspect", "many.onnx"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.starts_with(b"error: "));
}

#[test]
fn every_command_has_help_that_fits_a_terminal() {
    let sandbox = Sandbox::new();
    for command in COMMANDS {
        let short = sandbox.ok(&[command, "-h"]);
        let long = sandbox.ok(&[command, "--help"]);
        for help in [&short, &long] {
            assert!(help.contains("Usage: cutpoint"), "{help}");
            let widest = help.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(110), "{command}: {help}");
        }
        assert!(
            long.contains("--json") && long.contains("--quiet"),
            "{long}"
        );
    }
    assert!(sandbox.ok(&["--version"]).starts_with("cutpoint "));
}

#[test]
fn arguments_that_make_no_sense_are_usage_errors() {
    let sandbox = Sandbox::new();
    for arguments in [
        &[][..],
        &["inspec", "m.onnx"],
        &["inspect"],
        &["inspect", "a.onnx", "b.onnx"],
        &["plan"],
        &["split", "--model", "m.onnx", "--out", "s"],
        &[
            "split", "p.toml", "--cut", "h", "--model", "m.onnx", "--out", "s",
        ],
        &["profile", "--board", "b"],
        &["profile", "m.onnx"],
        &["profile", "m.onnx", "--board", "b", "--rounds", "1"],
        &["report"],
        &["runtime", "more"],
        &["inspect", "m.onnx", "--color", "sometimes"],
    ] {
        let output = sandbox.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}

#[test]
fn the_runtime_is_described_as_json() {
    let sandbox = Sandbox::new();
    let answer = sandbox.json(&["runtime"]);
    assert!(answer["version"].as_str().unwrap().starts_with('1'));
    for library in ["/nonexistent/library.so", "/etc/hostname"] {
        let output = sandbox
            .command(&["runtime"])
            .env("ORT_DYLIB_PATH", library)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(library) && said.contains("ORT_DYLIB_PATH"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn the_demo_is_quiet_and_one_array_of_results() {
    let sandbox = Sandbox::new();
    let nodes = vec![node("Neg", &["x"], &["h"]), node("Exp", &["h"], &["y"])];
    sandbox.model("m.onnx", &simple(nodes, &["x"], &["y"]));
    let results = sandbox.json(&["demo", "--model", "m.onnx"]);
    let results = results.as_array().unwrap();
    assert_eq!(results.len(), 6);
    assert!(results[0]["whole"].is_object() && results[4]["figures"].is_array());
    assert_eq!(results[5]["kind"], "verification");
    sandbox.refuses(4, &["demo", "--model", "none.onnx"], &["none.onnx"]);
}
