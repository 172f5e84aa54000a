//! `sweep --over` as a user runs it.

use std::path::Path;

use crate::test_dir::TestDir;
use assert_cmd::Command;
use cutpoint_core::plan::{DelayMap, LimitSweep};
use cutpoint_testkit::multi_head;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

const ONE: &str = "--edge one.toml";
const BOTH: &str = "--edge one.toml --edge two.toml";

struct Workspace(TestDir);

impl std::ops::Deref for Workspace {
    type Target = TestDir;

    fn deref(&self) -> &TestDir {
        &self.0
    }
}

impl Workspace {
    fn new() -> Workspace {
        let dir = Workspace(TestDir::empty());
        let mut other = multi_head(40, 9);
        other.model.file = "two.onnx".to_owned();
        other.model.sha256 = "02".repeat(32);
        dir.save("one.toml", &multi_head(40, 7));
        dir.save("two.toml", &other);
        dir
    }

    fn sweep(&self, words: &str) -> Command {
        self.command(&format!("sweep --server sim:8x {words}"))
    }

    fn json(&self, words: &str) -> Value {
        let output = self.command(&format!("{words} --server sim:8x --json --quiet"));
        let output = { output }.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let text = &output.stdout;
        serde_json::from_slice(text).unwrap_or_else(|error| panic!("{words}: {error}: {said}"))
    }
}

/// Both ends of each segment, typed again, give the segment's plan.
fn check(dir: &Workspace, models: &str, over: &str, flag: impl Fn(&str) -> String) -> usize {
    let scenario = format!("{models} --rate 40Mbit/s");
    let found = dir.json(&format!("sweep {scenario} --over {over}"));
    let segments = found["segments"].as_array().unwrap();
    for segment in segments {
        for end in ["from_typed", "to_typed"] {
            let typed = segment[end].as_str().unwrap().replace(' ', "");
            let plan = dir.json(&format!("plan {scenario} {}", flag(&typed)));
            let swept = &segment["plan"];
            for key in ["edge", "crossing", "model", "objective", "uplink_bytes"] {
                assert_eq!(plan[key], swept[key], "{over} {typed} {key}");
            }
            if end == "from_typed" {
                assert_eq!(plan["latency_ms"], swept["latency_ms"], "{over} {typed}");
            }
        }
    }
    segments.len()
}

#[test]
fn the_ends_of_segments_typed_again_give_their_plans() {
    let dir = Workspace::new();
    for models in [ONE, BOTH] {
        let memory = |size: &str| format!("--edge-memory {size}");
        let count = check(&dir, models, "edge-memory=1kB..900MB", memory);
        assert!(count > 1, "{count}");
        check(&dir, models, "memory=900MB..1MB", memory);
        check(&dir, models, "delay=0ms..60ms", |d| format!("--delay {d}"));
        check(&dir, models, "fps=1..400", |n| format!("--fps {n}"));
        check(&dir, models, "deadline:task0=1us..1s", |time| {
            format!("--deadline task0={time}")
        });
    }
}

#[test]
fn speeds_are_searched_to_the_thousandth() {
    let dir = Workspace::new();
    let found = dir.json(&format!(
        "sweep {ONE} --rate 1Gbit/s --over speed=0.5x..64x"
    ));
    let segments = found["segments"].as_array().unwrap();
    assert!(segments.len() > 1, "{found}");
    assert!(found["resolution"].as_str().unwrap().contains("0.001x"));
    for pair in segments.windows(2) {
        let (one, other) = (&pair[0], &pair[1]);
        let next = one["to"].as_u64().unwrap() + 1;
        assert_eq!(other["from"].as_u64(), Some(next));
        for (end, segment) in [("to_typed", one), ("from_typed", other)] {
            let speed = segment[end].as_str().unwrap();
            let words = format!("plan {ONE} --server sim:{speed} --rate 1Gbit/s --json");
            let output = dir.command(&words).output().unwrap();
            let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(plan["edge"], segment["plan"]["edge"], "{speed}");
        }
    }
}

#[test]
fn files_and_maps_read_back_and_say_the_same_twice() {
    let dir = Workspace::new();
    let words = format!("{ONE} --rate 40Mbit/s --over edge-memory=1kB..900MB");
    dir.sweep(&format!("{words} --out a.toml"))
        .assert()
        .success()
        .stdout(contains("over edge-memory").and(contains("edge layers")));
    dir.sweep(&format!("{words} --out b.toml"))
        .assert()
        .success();
    let text = dir.read("a.toml");
    assert_eq!(text, dir.read("b.toml"));
    let found = LimitSweep::parse(&text, Path::new("a.toml")).unwrap();
    assert_eq!(found.unit, "B");
    let first = &found.segments[0];
    assert_eq!(found.at(first.from), Some(first));
    assert!(found.at(900_000_001).is_none());

    let words = format!("{ONE} --rate 100kbit/s..1Gbit/s --over delay=0ms..100ms --map");
    dir.sweep(&format!("{words} --rows 7 --out map.toml"))
        .assert()
        .success()
        .stdout(contains("best plan by delay and rate").and(contains("100 ms")));
    let map = DelayMap::parse(&dir.read("map.toml"), Path::new("map.toml")).unwrap();
    assert_eq!(map.rows.len(), 7);
    let delays: Vec<&str> = map.rows.iter().map(|row| row.delay.as_str()).collect();
    assert_eq!((delays[0], delays[6]), ("0 µs", "100 ms"));
    let numbers: Vec<usize> = map.plans.iter().map(|plan| plan.number).collect();
    assert_eq!(numbers, (1..=map.plans.len()).collect::<Vec<_>>());
    assert!(map.plans.len() > 1);
    for rows in [1, 2, 3] {
        let map = dir.json(&format!("sweep {words} --rows {rows}"));
        assert_eq!(map["rows"].as_array().unwrap().len(), rows);
    }
}

#[test]
fn nonsense_is_refused_in_one_sentence() {
    let dir = Workspace::new();
    for (words, code, says) in [
        (
            "--rate 1Mbit/s --over ram=1B..2B",
            2,
            "edge-memory, server-memory",
        ),
        (
            "--rate 1Mbit/s --over edge-memory=1..2",
            2,
            "the unit must be one of",
        ),
        ("--rate 1Mbit/s --over edge-memory=1B", 2, "WHAT=FROM..TO"),
        (
            "--rate 1Mbit/s --over rate=1Mbit/s..2Mbit/s",
            2,
            "--rate A..B",
        ),
        (
            "--rate 1Mbit/s --over edge-memory=1B..2B --edge-memory 3B",
            2,
            "drop one of them",
        ),
        (
            "--link wifi --over delay=1ms..2ms --delay 3ms",
            2,
            "drop one of them",
        ),
        ("--rate 1Mbit/s --over max-energy=1mJ..2mJ", 4, "[power]"),
        (
            "--rate 1Mbit/s --over floor:task0=0.5..0.9",
            2,
            "--accuracy",
        ),
        (
            "--rate 1Mbit/s --over deadline:none=1ms..2ms",
            2,
            "no task is named",
        ),
        ("--rate 1Mbit/s --over link-share=1%..2%", 2, "--fps"),
        ("--rate 1Mbit/s --over capacity:BRAM=1..2", 2, "BRAM"),
        (
            "--rate 1Mbit/s --over fps=1..2 --lookup t.toml",
            2,
            "--lookup",
        ),
        (
            "--rate 1Mbit/s --over deadline=1ms..2ms --schedule overlap",
            2,
            "--schedule overlap",
        ),
        ("--rate 1Mbit/s..2Mbit/s --over fps=1..2", 2, "not both"),
        ("--rate 1Mbit/s..2Mbit/s --over delay=1ms..2ms", 2, "--map"),
        (
            "--rate 1Mbit/s --over delay=1ms..2ms --map",
            2,
            "--rate A..B",
        ),
        ("--rate 1Mbit/s --over deadline=1us..2us", 3, "deadline"),
        (
            "--rate 1Mbit/s --deadline 1us --over speed=1x..2x",
            3,
            "deadline",
        ),
    ] {
        dir.sweep(&format!("{ONE} {words} --out out.toml"))
            .assert()
            .code(code)
            .stderr(contains(says).and(contains("panicked").not()));
        assert!(!dir.path("out.toml").exists(), "{words}");
    }
    dir.command(&format!(
        "sweep {ONE} --server one.toml --rate 1Mbit/s --over speed=1x..2x"
    ))
    .assert()
    .code(2)
    .stderr(contains("sim:8x"));
}
