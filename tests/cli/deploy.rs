//! `serve`, `run` and `verify` as a user runs them, and what `split` writes for other programs.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use cutpoint_core::profile::Profile;

use crate::sandbox::Sandbox;

const MODEL: &str = "models/mtlsplit_mobilenet_v3_small_64.onnx";

fn model() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(MODEL);
    path.display().to_string()
}

/// A folder `split`, cut in the middle of a bundled model.
pub(crate) fn sandbox(codec: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let cut = ["split", "--cut", "getitem_33", "--codec", codec];
    sandbox.ok(&[&cut[..], &["--model", &model(), "--out", "split"]].concat());
    sandbox
}

/// `cutpoint serve` at work.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: String,
}

impl Served {
    fn start(sandbox: &Sandbox) -> Served {
        Served::start_at(sandbox, "127.0.0.1:0")
    }

    pub(crate) fn start_at(sandbox: &Sandbox, listen: &str) -> Served {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("cutpoint"))
            .current_dir(sandbox.path(""))
            .args(["serve", "split", "--listen", listen, "--json"])
            .args(["--threads", "1", "--while-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| Some(line.trim().strip_prefix("\"address\": \"")?.to_owned()))
            .unwrap();
        Served {
            child,
            address: address.trim_end_matches("\",").to_owned(),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, and returns what it said.
    fn end(mut self) -> String {
        drop(self.child.stdin.take());
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success());
        said
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // gone already after `end`
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn frames_go_through_both_halves_and_are_written_one_a_line() {
    let sandbox = sandbox("q8+zstd");
    let served = Served::start(&sandbox);
    let words = [
        "run",
        "split",
        "--server",
        &served.address,
        "--threads",
        "1",
    ];
    let more = ["--frames", "7", "--pipeline", "2", "--out", "results.jsonl"];
    let summary = sandbox.json(&[&words[..], &more[..]].concat());
    assert_eq!(summary["answered"]["server"], 7);
    assert_eq!(summary["frames"], 7);
    assert_eq!(summary["made_up_inputs"], true);
    let rows = summary["times"].as_array().unwrap();
    let server = rows.iter().find(|row| row["name"] == "server").unwrap();
    assert_eq!(server["n"], 7);
    let text = std::fs::read_to_string(sandbox.path("results.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let numbers: Vec<_> = lines
        .iter()
        .map(|line| line["frame"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (0..7).collect::<Vec<u64>>());
    for line in &lines {
        assert_eq!(line["answered_by"], "server");
        assert_eq!(
            line["outputs"]["size"]["values"].as_array().unwrap().len(),
            8
        );
        assert!(line["server_ms"].as_f64().unwrap() > 0.0);
    }
    let said = served.end();
    // the check before the first frame sends one message, too
    assert!(said.contains("8 requests answered"), "{said}");
}

#[test]
fn a_server_that_is_not_there_ends_with_exit_code_5() {
    let sandbox = sandbox("f32");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap().to_string();
    drop(port);
    let words = [
        "run",
        "split",
        "--server",
        &address,
        "--out",
        "results.jsonl",
    ];
    sandbox.refuses(5, &words, &[&address, "refused"]);
    sandbox.refuses(
        2,
        &["run", "split", "--server", "ftp://host"],
        &["host:port"],
    );
    sandbox.refuses(4, &["serve", "nowhere"], &["nowhere/split.toml"]);
}

#[test]
fn a_taken_port_and_an_address_that_is_none_are_told() {
    let sandbox = sandbox("f32");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for listen in [address.as_str(), "nonsense"] {
        let words = ["serve", "split", "--listen", listen];
        sandbox.refuses(2, &words, &[listen, "port 0"]);
    }
}

#[test]
fn a_cut_is_verified_part_by_part() {
    let sandbox = Sandbox::new();
    let quick = ["--budget", "100ms", "--rounds", "5", "--threads", "1"];
    let profile = ["profile", &model(), "--board", "here", "--quiet"];
    sandbox.ok(&[&profile[..], &quick[..]].concat());
    let edge = "profiles/here/mtlsplit_mobilenet_v3_small_64.toml";
    let words = [
        "verify",
        "--cut",
        "getitem_33",
        "--model",
        &model(),
        "--edge",
        edge,
    ];
    let link = ["--rate", "2Mbit/s", "--delay", "10ms", "--requests", "5"];
    let found = sandbox.json(&[&words[..], &link[..]].concat());
    assert_eq!(
        (&found["kind"], &found["format"]),
        (&"verification".into(), &1.into())
    );
    assert_eq!(found["connection"], "warm");
    assert!(found["regret"].is_null() && found.get("cuts").is_none());
    let parts = found["parts"].as_array().unwrap();
    let names: Vec<&str> = parts
        .iter()
        .map(|part| part["name"].as_str().unwrap())
        .collect();
    let all = [
        "edge", "encode", "uplink", "server", "decode", "downlink", "total",
    ];
    assert_eq!(names, all);
    let of = |name: &str, key: &str| {
        let part = parts.iter().find(|part| part["name"] == name).unwrap();
        part[key].as_f64().unwrap()
    };
    // 2,560 bytes and their framing at 2 Mbit/s behind 10 ms
    // and half of what a request costs
    let profile = Profile::load(&sandbox.path(edge)).unwrap();
    let request_ms = profile.serving.unwrap().request_us / 1e3;
    assert!((of("uplink", "predicted_ms") - 20.768 - request_ms / 2.0).abs() < 1e-9);
    assert!(of("uplink", "measured_ms") >= 19.0);
    assert!(parts.iter().all(|part| part["n"] == 5));
    let predicted: f64 = all[..6].iter().map(|name| of(name, "predicted_ms")).sum();
    assert!((predicted - of("total", "predicted_ms")).abs() < 1e-9);
    let unknown = [
        "verify",
        "--cut",
        "nowhere",
        "--model",
        &model(),
        "--edge",
        edge,
    ];
    sandbox.refuses(2, &[&unknown[..], &link[..]].concat(), &["nowhere"]);
    sandbox.refuses(2, &words, &["--rate"]);
}

#[test]
fn other_programs_get_what_they_need() {
    let sandbox = Sandbox::new();
    let split = |codec: &str, more: &[&str]| {
        let words = ["split", "--cut", "getitem_33", "--codec", codec, "--force"];
        let model = model();
        let rest = [
            "--model",
            &model,
            "--out",
            "split",
            "--triton",
            "repository",
        ];
        sandbox.run(&[&words[..], &rest[..], more].concat())
    };
    let output = split("f16", &["--client", "python"]);
    assert!(output.status.success());
    let folder = sandbox.path("repository/mtlsplit_mobilenet_v3_small_64");
    let config = std::fs::read_to_string(folder.join("config.pbtxt")).unwrap();
    let tensor =
        "input [ { name: \"getitem_33/f16\", data_type: TYPE_FP16, dims: [ 1, 40, 4, 4 ] } ]";
    assert!(
        config.contains(tensor) && config.contains("backend: \"onnxruntime\""),
        "{config}"
    );
    let bytes = |path: &Path| std::fs::read(path).unwrap();
    assert_eq!(
        bytes(&folder.join("1/model.onnx")),
        bytes(&sandbox.path("split/server.onnx"))
    );
    assert!(sandbox.path("split/edge.py").exists() && !folder.join("1/model.py").exists());
    assert!(
        split("q8", &["--triton-backend", "python"])
            .status
            .success()
    );
    assert!(folder.join("1/model.py").exists());
    for (codec, hint) in [("q8+zstd", "without +zstd"), ("q8", "python")] {
        let output = split(codec, &[]);
        assert_eq!(output.status.code(), Some(2), "{codec}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(hint), "{said}");
    }
}
