//! Commands that are stopped in the middle: what they leave behind, and what the next run does.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::sandbox::{Sandbox, names};
use cutpoint_onnx::directory::Description;
use cutpoint_onnx::proto::ModelProto;
use cutpoint_testkit::models::{node, simple};

fn chain() -> ModelProto {
    let names: Vec<String> = (0..=60).map(|i| format!("t{i}")).collect();
    let nodes = names
        .windows(2)
        .map(|pair| node("Neg", &[&pair[0]], &[&pair[1]]));
    simple(nodes.collect(), &["t0"], &["t60"])
}

fn start(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    let mut command = sandbox.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let mut kill = Command::new("kill");
    // it may be done already
    let _ = kill
        .args([name, &child.id().to_string()])
        .stderr(Stdio::null())
        .status();
}

/// How long a run takes.
fn duration(sandbox: &Sandbox, arguments: &[&str]) -> Duration {
    let since = Instant::now();
    sandbox.ok(arguments);
    since.elapsed()
}

/// Sends a signal at `parts` moments spread over a run, and returns how often it came in time.
fn stop(sandbox: &Sandbox, arguments: &[&str], name: &str, parts: u32, each: impl Fn()) -> usize {
    let whole = duration(sandbox, arguments);
    let mut stopped = 0;
    for part in 0..parts {
        let child = start(sandbox, arguments);
        std::thread::sleep(whole * part / parts);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{said}");
        match output.status.code() {
            Some(0) => {}
            Some(130) | None => stopped += 1,
            code => panic!("{code:?} after {part} of {parts}: {said}"),
        }
        each();
    }
    stopped
}

/// A split directory is complete, or does not say that it is one.
fn complete_or_absent(folder: &Path) {
    if folder.join("split.toml").exists() {
        let found = Description::load(folder).unwrap();
        for half in [found.edge, found.server].into_iter().flatten() {
            let model = cutpoint_onnx::Model::load(&folder.join(&half.file)).unwrap();
            assert_eq!(model.sha256(), half.sha256);
        }
    }
}

#[test]
fn a_command_that_is_interrupted_leaves_nothing_temporary() {
    let sandbox = Sandbox::new();
    sandbox.model("m.onnx", &chain());
    sandbox.profile("p.toml", &cutpoint_testkit::residual(40, 1));
    let split = ["split", "--cut", "t30", "--model", "m.onnx", "--out", "s"];
    let report = ["report", "p.toml", "--out", "r"];
    let plan = [
        "plan", "--edge", "p.toml", "--server", "sim:8x", "--link", "wifi",
    ];
    let plan = [&plan[..], &["--out", "plan.toml"]].concat();
    for (arguments, signals) in [
        (&split[..], ["-INT", "-TERM"]),
        (&report[..], ["-INT", "-HUP"]),
        (&plan[..], ["-INT", "-QUIT"]),
    ] {
        for name in signals {
            let clean = || {
                sandbox.nothing_temporary();
                complete_or_absent(&sandbox.path("s"));
            };
            let stopped = stop(&sandbox, arguments, name, 6, clean);
            assert!(stopped > 0, "{arguments:?} {name}");
        }
    }
}

#[test]
fn a_command_waiting_for_a_reader_ends_with_130() {
    let sandbox = Sandbox::new();
    sandbox.profile("p.toml", &cutpoint_testkit::residual(12, 1));
    let pipe = sandbox.path("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let plan = [
        "plan", "--edge", "p.toml", "--server", "sim:8x", "--link", "wifi",
    ];
    for name in ["-INT", "-TERM", "-HUP"] {
        let child = start(&sandbox, &[&plan[..], &["--out", "pipe"]].concat());
        std::thread::sleep(Duration::from_millis(700));
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{name}");
    }
}

#[test]
fn what_a_killed_run_left_goes_with_the_next_one() {
    let sandbox = Sandbox::new();
    sandbox.model("m.onnx", &chain());
    let split = ["split", "--cut", "t30", "--model", "m.onnx", "--out", "s"];
    let whole = || complete_or_absent(&sandbox.path("s"));
    assert!(stop(&sandbox, &split, "-KILL", 12, whole) > 0);
    // as a run leaves it that is killed while it writes
    std::fs::create_dir(sandbox.path("s/.cutpoint-a1B2c3")).unwrap();
    sandbox.write("s/.cutpoint-a1B2c3/edge.onnx", "half of it");
    sandbox.write("s/.cutpoint-notes", "of the user");
    sandbox.command(&split).output().unwrap();
    let mut left = names(&sandbox.path("s"));
    left.sort();
    let expected = [".cutpoint-notes", "edge.onnx", "server.onnx", "split.toml"];
    assert_eq!(left, expected);
}
