//! Frames for a while, with the server killed, stopped and started again and the link cut, again and
//! again: each frame has one outcome, and memory stays flat.
//!
//! `CUTPOINT_SOAK=600 cargo test -p cutpoint --test cli soak` runs it for ten minutes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use cutpoint::Link;
use cutpoint::deploy::link::EmulatedLink;

use crate::deploy::{Served, sandbox};

const DEADLINE_MS: f64 = 150.0;
/// Frames per second.
const FPS: u64 = 50;

fn seconds() -> u64 {
    let asked = std::env::var("CUTPOINT_SOAK").ok();
    asked.map_or(15, |text| text.parse().unwrap())
}

fn signal(id: u32, name: &str) {
    let sent = Command::new("kill").args([name, &id.to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Resident memory of a process in kB; `None` once it has ended.
fn resident(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn every_frame_has_one_outcome_whatever_happens_to_server_and_link() {
    let sandbox = sandbox("f32");
    let mut served = Served::start_at(&sandbox, "127.0.0.1:0");
    let address = served.address.clone();
    let link = Link {
        rate: "50Mbit/s".parse().unwrap(),
        delay: "2ms".parse().unwrap(),
        down_rate: None,
    };
    let server: SocketAddr = address.parse().unwrap();
    let link = EmulatedLink::start(server, &link).unwrap();
    let frames = seconds() * FPS;
    let mut run = sandbox
        .command(&["run", "split", "--threads", "1", "--json", "--quiet"])
        .args(["--server", &link.address.to_string()])
        .args(["--frames", &frames.to_string(), "--fps", &FPS.to_string()])
        .args(["--deadline", &format!("{DEADLINE_MS}ms")])
        .args(["--pipeline", "3", "--out", "results.jsonl"])
        .stdout(std::fs::File::create(sandbox.path("summary.json")).unwrap())
        .spawn()
        .unwrap();
    let pause = || std::thread::sleep(Duration::from_millis(1000));
    let begun = Instant::now();
    let mut memory = Vec::new();
    'faults: loop {
        for fault in ["kill", "stop", "cut"] {
            pause();
            if run.try_wait().unwrap().is_some() {
                break 'faults;
            }
            memory.extend(resident(run.id()));
            match fault {
                "kill" => {
                    signal(served.id(), "-KILL");
                    pause();
                    served = Served::start_at(&sandbox, &address);
                }
                "stop" => {
                    signal(served.id(), "-STOP");
                    pause();
                    signal(served.id(), "-CONT");
                }
                _ => link.cut(),
            }
        }
        assert!(
            begun.elapsed() < Duration::from_secs(4 * seconds() + 60),
            "it does not end"
        );
    }
    assert!(run.wait().unwrap().success());
    let text = sandbox.read("results.jsonl");
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut outcomes = BTreeMap::<&str, u64>::new();
    let mut seen = vec![0; frames as usize];
    for line in &lines {
        seen[line["frame"].as_u64().unwrap() as usize] += 1;
        let by = line["answered_by"].as_str().unwrap_or("dropped");
        *outcomes.entry(by).or_default() += 1;
        // dropped for being late, never without a reason
        assert!(by != "dropped" || line["problem"].is_string(), "{line}");
        assert!(
            by == "dropped" || line["outputs"].as_object().unwrap().len() == 2,
            "{line}"
        );
    }
    assert!(
        seen.iter().all(|count| *count == 1),
        "lost or answered twice"
    );
    assert!(
        outcomes["server"] > 0 && outcomes["local-copy"] > 0,
        "{outcomes:?}"
    );
    let summary: serde_json::Value = serde_json::from_str(&sandbox.read("summary.json")).unwrap();
    assert_eq!(summary["frames"], frames);
    assert_eq!(summary["answered"]["local-copy"], outcomes["local-copy"]);
    // what it has once everything has happened to it, it has at the end
    let early = memory[memory.len() / 3];
    let late = *memory.last().unwrap();
    eprintln!("{frames} frames: {outcomes:?}; memory {early} kB, then {late} kB; {summary:#}");
    assert!(late < early + early / 4, "{memory:?}");
}
