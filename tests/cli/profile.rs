//! `profile` as a process: where it writes, how it stops and goes on.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;
use cutpoint_core::profile::{CutRecord, Profile};
use cutpoint_onnx::proto::ModelProto;
use cutpoint_runtime::profiler::PartialProfile;
use cutpoint_testkit::models::{node, simple};

/// Layers `x -> h -> y`, the second of this kind.
fn two(op: &str) -> ModelProto {
    let nodes = vec![node("Neg", &["x"], &["h"]), node(op, &["h"], &["y"])];
    simple(nodes, &["x"], &["y"])
}

const QUICK: [&str; 6] = ["--board", "b", "--budget", "100ms", "--rounds", "5"];

fn quick<'a>(models: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [&["profile"], models, &QUICK, more].concat()
}

#[test]
fn several_models_are_measured_in_one_call() {
    let sandbox = Sandbox::new();
    sandbox.model("a.onnx", &two("Abs"));
    sandbox.model("b.onnx", &two("Exp"));
    let both = sandbox.json(&quick(&["a.onnx", "b.onnx"], &[]));
    assert_eq!(both.as_array().unwrap().len(), 2);
    let one = sandbox.json(&quick(&["a.onnx"], &[]));
    assert_eq!(one["model"]["file"], "a.onnx");
    let expected = [
        "a.onnx",
        "b.onnx",
        "profiles",
        "profiles/b",
        "profiles/b/a.toml",
        "profiles/b/b.toml",
    ];
    assert_eq!(sandbox.everything(), expected);
    let output = sandbox.run(&quick(&["a.onnx"], &["--quiet"]));
    assert!(output.stderr.is_empty() && !output.stdout.is_empty());
    sandbox.json(&[
        "plan",
        "--edge",
        "profiles/b/a.toml",
        "--server",
        "profiles/b/a.toml",
        "--link",
        "wifi",
    ]);

    // nothing is measured when the last of them cannot be
    sandbox.write("c.onnx", "");
    sandbox.refuses(4, &quick(&["b.onnx", "c.onnx"], &[]), &["c.onnx"]);
    std::fs::create_dir(sandbox.path("below")).unwrap();
    sandbox.model("below/a.onnx", &two("Exp"));
    sandbox.refuses(
        2,
        &quick(&["a.onnx", "below/a.onnx"], &[]),
        &["would both be written"],
    );
}

#[test]
fn the_profile_of_something_else_is_kept_unless_forced() {
    let sandbox = Sandbox::new();
    sandbox.model("m.onnx", &two("Abs"));
    sandbox.ok(&quick(&["m.onnx"], &["--threads", "1"]));
    let kept = sandbox.read("profiles/b/m.toml");
    sandbox.model("m.onnx", &two("Exp"));
    let again = quick(&["m.onnx"], &["--threads", "1"]);
    sandbox.refuses(
        2,
        &again,
        &["profiles/b/m.toml", "another model", "--force"],
    );
    assert_eq!(sandbox.read("profiles/b/m.toml"), kept);
    sandbox.ok(&[&again[..], &["--force"]].concat());
    assert_ne!(sandbox.read("profiles/b/m.toml"), kept);
    sandbox.write("profiles/b/m.toml", "damaged");
    sandbox.refuses(4, &again, &["profiles/b/m.toml", "not a profile"]);
}

#[test]
fn a_profile_that_cannot_be_made_leaves_no_folder() {
    let sandbox = Sandbox::new();
    sandbox.model("m.onnx", &two("Abs"));
    sandbox.write("file", "");
    std::fs::create_dir_all(sandbox.path("taken/b/m.toml")).unwrap();
    for (more, code, part) in [
        (&["--out", "file"][..], 1, "cannot create the folder"),
        (&["--out", "file/below"], 1, "cannot create the folder"),
        (&["--out", "/proc/below"], 1, "cannot create the folder"),
        (&["--out", "taken"], 1, "is a folder"),
        (&["--provider", "gpu"], 2, "use one of cpu"),
        (&["--provider", "tensorrt"], 2, "--provider tensorrt"),
        (&["--threads", "1000"], 2, "--threads 1000"),
        (&["--threads", "0"], 2, "--threads"),
        (&["--paced", "0"], 2, "--paced"),
        (&["--paced", "nan"], 2, "--paced"),
    ] {
        sandbox.refuses(code, &quick(&["m.onnx"], more), &[part]);
    }
    for board in ["", "a/b", "..", "a\nb", ".hidden"] {
        let arguments = ["profile", "m.onnx", "--board", board];
        sandbox.refuses(2, &arguments, &["--board", "may not"]);
    }
    for budget in ["10", "-1s", "1e9s"] {
        let arguments = ["profile", "m.onnx", "--board", "b", "--budget", budget];
        sandbox.refuses(2, &arguments, &["--budget"]);
    }
}

#[test]
fn a_damaged_partial_file_is_measured_anew() {
    let sandbox = Sandbox::new();
    sandbox.model("m.onnx", &two("Abs"));
    std::fs::create_dir_all(sandbox.path("profiles/b")).unwrap();
    for damaged in [
        "",
        "[[[",
        "key = \"k\"\nwhole_us = nan\n",
        "key = \"of another\"\nwhole_us = 3.0\n",
    ] {
        sandbox.write("profiles/b/m.partial.toml", damaged);
        let output = sandbox.run(&quick(&["m.onnx"], &[]));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.success() && !said.contains("going on"),
            "{said}"
        );
        assert!(!sandbox.path("profiles/b/m.partial.toml").exists());
    }
}

/// A chain with cuts enough for several batches.
fn chain() -> ModelProto {
    let names: Vec<String> = (0..=40).map(|i| format!("t{i}")).collect();
    let nodes = names
        .windows(2)
        .map(|pair| node("Neg", &[&pair[0]], &[&pair[1]]));
    simple(nodes.collect(), &["t0"], &["t40"])
}

/// Measures the chain on the beat of a fast camera, so that it takes time enough to be stopped.
fn long(sandbox: &Sandbox, budget: &str) -> Command {
    let pace = ["--rounds", "5", "--threads", "1", "--paced", "1000"];
    let rest = ["--board", "b", "--budget", budget];
    sandbox.command(&[&["profile", "long.onnx"], &pace[..], &rest].concat())
}

/// Starts the measurement and waits until more timings than `before` are saved in `partial`.
fn started(sandbox: &Sandbox, partial: &Path, before: usize) -> Child {
    let mut command = long(sandbox, "3s");
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let since = Instant::now();
    while saved(partial) <= before {
        assert!(
            since.elapsed() < Duration::from_secs(60),
            "nothing is saved"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn saved(partial: &Path) -> usize {
    PartialProfile::read(partial).map_or(0, |partial| partial.cuts.len())
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

#[cfg(unix)]
#[test]
fn an_interrupted_measurement_is_saved_and_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.model("long.onnx", &chain());
    let partial = sandbox.path("profiles/b/long.partial.toml");
    let target = sandbox.path("profiles/b/long.toml");
    let child = started(&sandbox, &partial, 0);
    signal(&child, "-INT");
    let stopped = child.wait_with_output().unwrap();
    let said = String::from_utf8(stopped.stderr).unwrap();
    assert_eq!(stopped.status.code(), Some(130), "{said}");
    assert!(stopped.stdout.is_empty() && !target.exists());
    assert!(
        said.contains("partial.toml keeps what was measured"),
        "{said}"
    );
    assert!(said.ends_with(".onnx: interrupted\n"), "{said}");
    sandbox.nothing_temporary();
    let lock = sandbox.path("profiles/b/.long.toml.lock");
    assert!(!lock.exists());

    // killed without warning: what was saved before stays, and what came since
    let first = saved(&partial);
    let mut child = started(&sandbox, &partial, first);
    // nobody else measures for the same file meanwhile
    let other = long(&sandbox, "100ms").output().unwrap();
    let said = String::from_utf8(other.stderr).unwrap();
    assert_eq!(other.status.code(), Some(1), "{said}");
    let process = format!("another run (process {}) is measuring", child.id());
    assert!(
        said.contains("profiles/b/long.toml: ") && said.contains(&process),
        "{said}"
    );
    signal(&child, "-KILL");
    child.wait().unwrap();
    let kept = PartialProfile::read(&partial).unwrap();
    assert!(kept.cuts.len() > first && !target.exists());

    let finished = long(&sandbox, "100ms").output().unwrap();
    let said = String::from_utf8(finished.stderr).unwrap();
    assert!(finished.status.success(), "{said}");
    let note = format!("resuming: {} timings of cuts", kept.cuts.len());
    assert!(said.contains(&note), "{said}");
    assert!(!partial.exists() && !lock.exists());
    let profile = Profile::load(&target).unwrap();
    for cut in &kept.cuts {
        let same = |c: &&CutRecord| c.tensors == cut.tensors && c.kept == cut.kept;
        assert!(profile.cuts.iter().find(same).unwrap().rounds >= cut.rounds);
    }

    // the tables are those of a measurement in one go
    let resumed = keys(&target);
    assert!(long(&sandbox, "100ms").output().unwrap().status.success());
    assert_eq!(keys(&target), resumed);
}

/// All keys of a file, each with the tables it lies in.
fn keys(file: &Path) -> BTreeSet<String> {
    fn collect(place: &str, value: &toml::Value, into: &mut BTreeSet<String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    collect(&format!("{place}.{key}"), value, into);
                }
            }
            toml::Value::Array(items) => items.iter().for_each(|v| collect(place, v, into)),
            _ => drop(into.insert(place.to_owned())),
        }
    }
    let text = std::fs::read_to_string(file).unwrap();
    let mut found = BTreeSet::new();
    collect("", &toml::Value::Table(text.parse().unwrap()), &mut found);
    found
}
