//! `plan`, `sweep` and `report` with bad profiles, links, limits and places to write to.

use crate::sandbox::Sandbox;
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::Profile;

/// A sandbox with the profile `p.toml` of a small residual network.
fn sandbox() -> (Sandbox, Profile) {
    let sandbox = Sandbox::new();
    let mut profile = cutpoint_testkit::residual(12, 1);
    profile.memory.base_bytes = 30_000_000;
    sandbox.profile("p.toml", &profile);
    (sandbox, profile)
}

const PLAN: [&str; 5] = ["plan", "--edge", "p.toml", "--server", "sim:8x"];
const SWEEP: [&str; 5] = ["sweep", "--edge", "p.toml", "--server", "sim:8x"];

fn with<'a>(command: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [command, more].concat()
}

#[test]
fn damaged_profiles_are_refused_by_everyone_who_reads_them() {
    let (sandbox, _) = sandbox();
    let text = sandbox.read("p.toml");
    let table = |name: &str| {
        let start = text.find(name).unwrap();
        let end = text[start + 1..]
            .find("\n[")
            .map_or(text.len(), |end| start + 1 + end);
        text[start..end].to_owned()
    };
    let number = |key: &str| {
        let start = text.find(key).unwrap();
        let end = start + text[start..].find('\n').unwrap();
        text[start..end].to_owned()
    };
    let twice = |name: &str| format!("{text}\n{}\n", table(name));
    let swap = |key: &str, value: &str| text.replace(&number(key), &format!("{key}{value}"));
    let cases = [
        (String::new(), "missing field"),
        (text[..text.len() / 2].to_owned(), "line "),
        ("[[[".to_owned(), "line 1, column"),
        (
            text.replacen("format = 1", "format = 2", 1),
            "format 2 is not format 1",
        ),
        (
            text.replacen("[board]", "[board]\ncolour = 1", 1),
            "unknown field `colour`",
        ),
        (
            text.replacen("\"float32\"", "\"floaty\"", 1),
            "`floaty` is not an element type",
        ),
        (twice("[[tensor]]"), "used twice"),
        (twice("[[layer]]"), "used twice"),
        (swap("edge_us = ", "nan"), "edge_us = NaN is not a time"),
        (swap("edge_us = ", "-3.5"), "edge_us = -3.5 is not a time"),
        (swap("edge_us = ", "1e300"), "edge_us = 1e300 is not a time"),
        (swap("mad_us = ", "inf"), "mad_us = inf is not a time"),
        (swap("median_us = ", "inf"), "median_us = inf is not a time"),
        (
            swap("weight_factor = ", "nan"),
            "weight_factor = NaN is not a number",
        ),
        (
            swap("peak_gflop_s = ", "-1.0"),
            "peak_gflop_s = -1.0 is not a number",
        ),
        (swap("memory_bytes = ", "-1"), "invalid value"),
        (
            text.replace(&table("[[layer]]"), ""),
            "before it is produced",
        ),
    ];
    for (number, (text, part)) in cases.into_iter().enumerate() {
        let name = format!("bad{number}.toml");
        sandbox.write(&name, &text);
        let plan = [
            "plan", "--edge", &name, "--server", "sim:8x", "--link", "wifi",
        ];
        let line = sandbox.refusal(4, &plan);
        assert!(line.contains(&name) && line.contains(part), "{line}");
        let server = [
            "plan", "--edge", "p.toml", "--server", &name, "--link", "wifi",
        ];
        sandbox.refuses(4, &server, &[&name]);
        sandbox.refuses(4, &["report", &name], &[&name]);
    }
    sandbox.refuses(
        4,
        &[
            "plan", "--edge", "no.toml", "--server", "sim:8x", "--link", "wifi",
        ],
        &["no.toml"],
    );
    sandbox.refuses(
        4,
        &[
            "plan", "--edge", ".", "--server", "sim:8x", "--link", "wifi",
        ],
        &["directory"],
    );
}

#[test]
fn a_server_of_another_model_is_refused() {
    let (sandbox, mut other) = sandbox();
    other.model.sha256 = "f".repeat(64);
    other.model.file = "other.onnx".to_owned();
    sandbox.profile("other.toml", &other);
    let arguments = [
        "plan",
        "--edge",
        "p.toml",
        "--server",
        "other.toml",
        "--link",
        "wifi",
    ];
    sandbox.refuses(
        4,
        &arguments,
        &["another model", "other.onnx", "measure the same file"],
    );
    for server in [
        "sim:",
        "sim:0x",
        "sim:-1x",
        "sim:nanx",
        "sim:1e999x",
        "sim:8y",
    ] {
        let arguments = [
            "plan", "--edge", "p.toml", "--server", server, "--link", "wifi",
        ];
        sandbox.refuses(2, &arguments, &[server, "sim:8x"]);
    }
    sandbox.refuses(
        4,
        &[
            "plan", "--edge", "p.toml", "--server", "no.toml", "--link", "wifi",
        ],
        &["no.toml"],
    );
}

#[test]
fn rates_and_delays_need_sense_and_a_unit() {
    let (sandbox, _) = sandbox();
    for (rate, part) in [
        ("0Mbit/s", "at least 1 bit/s"),
        ("0.0001bit/s", "at least 1 bit/s"),
        ("999999Gbit/s", "no link is faster"),
        ("10", "the unit must be one of"),
        ("10MB/s", "the unit must be one of"),
        ("10mbit/s", "the unit must be one of"),
        ("-5Mbit/s", "write a number and a unit"),
        ("inf", "write a number and a unit"),
        ("nanMbit/s", "write a number and a unit"),
        ("1Mbit/s..", "write a number and a unit"),
    ] {
        sandbox.refuses(2, &with(&PLAN, &["--rate", rate]), &["--rate", part]);
        sandbox.refuses(2, &with(&SWEEP, &["--rate", rate]), &["--rate", part]);
    }
    let range = with(&PLAN, &["--rate", "1Mbit/s..2Mbit/s"]);
    sandbox.refuses(2, &range, &["cutpoint sweep"]);
    for delay in ["20", "-20ms", "1e3ms", "99999999999999999999s"] {
        let arguments = with(&PLAN, &["--rate", "1Mbit/s", "--delay", delay]);
        sandbox.refuses(2, &arguments, &["--delay", delay]);
    }
    sandbox.refuses(2, &PLAN, &["--rate 10Mbit/s", "--link"]);
    sandbox.refuses(2, &with(&PLAN, &["--link", "pigeon"]), &["pigeon", "wifi"]);
    // the slowest and the fastest link there is
    for rate in ["1bit/s", "100000Gbit/s"] {
        sandbox.json(&with(&PLAN, &["--rate", rate]));
    }
    let sweep = sandbox.json(&with(&SWEEP, &["--rate", "1bit/s..100000Gbit/s"]));
    assert!(sweep["segments"].as_array().unwrap().len() > 1);
}

#[test]
fn requests_that_name_nothing_are_usage_errors() {
    let (sandbox, profile) = sandbox();
    let input = profile.inputs[0].name.clone();
    let near = profile.layers[4].id.to_uppercase();
    let no_std = format!("{input}=1,0");
    for (flags, part) in [
        (&["--keep-on-edge", near.as_str()][..], "did you mean"),
        (
            &["--keep-on-server", "nothing"],
            "no layer is named `nothing`",
        ),
        (&["--task", "t=nothing"], "no output is named `nothing`"),
        (&["--local-input", "nothing"], "its inputs are"),
        (&["--codec", "zip"], "use f32"),
        (&["--codec", "u8"], "--input-u8"),
        (&["--codec", "u8", "--input-u8", "q=1,2"], "not an input"),
        (
            &["--codec", "u8", "--input-u8", &no_std],
            "deviation is positive",
        ),
        (&["--results", "moon"], "`moon`"),
        (&["--edge-memory", "64"], "the unit must be one of"),
        (&["--edge-memory", "-1MB"], "write a number and a unit"),
    ] {
        let arguments = with(&with(&PLAN, &["--link", "wifi"]), flags);
        sandbox.refuses(2, &arguments, &[part]);
    }
    for (text, part) in [
        ("speed = 3", "line 1, column 1: unknown field `speed`"),
        ("rate = 3", "line 1, column 8"),
        ("rate = \"3\"", "the unit must be one of"),
        ("format = 9", "format 9 is not format 1"),
    ] {
        sandbox.write("s.toml", text);
        sandbox.refuses(
            2,
            &with(&PLAN, &["--scenario", "s.toml"]),
            &["s.toml", part],
        );
    }
}

#[test]
fn impossible_limits_are_named_and_told_as_json_too() {
    let (sandbox, profile) = sandbox();
    let (first, last) = (
        profile.layers[0].id.clone(),
        profile.layers.last().unwrap().id.clone(),
    );
    for (flags, parts) in [
        (
            &["--edge-memory", "1B"][..],
            &["edge-memory", "would have to allow"][..],
        ),
        (
            &["--keep-on-edge", &last, "--keep-on-server", &first],
            &["keep-on-edge", "keep-on-server", "together"],
        ),
        (
            &["--raw-stays", "--keep-on-server", &first],
            &["raw-stays", "keep-on-server"],
        ),
        (
            &["--max-uplink", "1B", "--keep-on-server", &last],
            &["max-uplink"],
        ),
    ] {
        for (command, link) in [(PLAN, "1Mbit/s"), (SWEEP, "1Mbit/s..1Gbit/s")] {
            let arguments = with(&with(&command, &["--rate", link]), flags);
            sandbox.refuses(3, &arguments, parts);
            let told = sandbox.run(&with(&arguments, &["--json", "--out", "plan.toml"]));
            assert_eq!(told.status.code(), Some(3));
            let answer: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
            assert_eq!(answer["status"], "infeasible");
            assert!(!answer["conflict"].as_array().unwrap().is_empty());
            assert!(!sandbox.path("plan.toml").exists());
        }
    }
}

#[test]
fn outputs_that_cannot_be_written_leave_nothing() {
    let (sandbox, _) = sandbox();
    sandbox.write("file", "kept");
    std::fs::create_dir(sandbox.path("folder")).unwrap();
    let plan = with(&PLAN, &["--rate", "1Mbit/s"]);
    let sweep = with(&SWEEP, &["--rate", "1Mbit/s..1Gbit/s"]);
    for (out, part) in [
        ("folder", "is a folder"),
        ("file/plan.toml", "its folder does not exist"),
        ("none/plan.toml", "its folder does not exist"),
        ("/proc/plan.toml", "cannot write"),
    ] {
        for command in [&plan, &sweep] {
            sandbox.refuses(1, &with(command, &["--out", out]), &[out, part, "--out"]);
        }
    }
    for out in ["file", "file/below", "/proc/below"] {
        let arguments = ["report", "p.toml", "--out", out];
        sandbox.refuses(1, &arguments, &[out, "cannot create the folder"]);
    }
    assert_eq!(sandbox.read("file"), "kept");
}

#[cfg(unix)]
#[test]
fn links_stay_links_and_devices_stay_devices() {
    let (sandbox, _) = sandbox();
    sandbox.write("real.toml", "");
    std::os::unix::fs::symlink("real.toml", sandbox.path("link.toml")).unwrap();
    let plan = with(&PLAN, &["--rate", "1Mbit/s"]);
    sandbox.ok(&with(&plan, &["--out", "link.toml"]));
    assert!(sandbox.path("link.toml").is_symlink());
    assert!(Plan::load(&sandbox.path("real.toml")).is_ok());
    // a pipe stands for whatever is no plain file; opened for both, so that nobody waits
    let pipe = sandbox.path("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let mut both = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&pipe)
        .unwrap();
    sandbox.ok(&with(&plan, &["--out", "pipe"]));
    let mut said = [0; 10];
    std::io::Read::read_exact(&mut both, &mut said).unwrap();
    assert_eq!(&said, b"format = 1");
}

#[test]
fn results_are_json_and_nothing_else() {
    let (sandbox, _) = sandbox();
    sandbox.json(&with(&PLAN, &["--rate", "1Mbit/s", "--out", "plan.toml"]));
    sandbox.json(&with(
        &SWEEP,
        &["--rate", "1Mbit/s..1Gbit/s", "--out", "sweep.toml"],
    ));
    let drawn = sandbox.json(&["report", "p.toml", "plan.toml", "sweep.toml", "--out", "r"]);
    assert!(!drawn["figures"].as_array().unwrap().is_empty());
    for command in [
        &["plan", "--link", "wifi"][..],
        &["sweep", "--rate", "1Mbit/s..1Gbit/s"],
    ] {
        let arguments = with(
            command,
            &["--edge", "p.toml", "--server", "sim:8x", "--quiet"],
        );
        let output = sandbox.run(&arguments);
        assert!(output.stderr.is_empty() && !output.stdout.is_empty());
    }
}

#[test]
fn names_never_reach_the_terminal_raw() {
    let (sandbox, profile) = sandbox();
    let input = &profile.inputs[0].name;
    let text = sandbox
        .read("p.toml")
        .replace(&format!("\"{input}\""), "\"a\\u001b[31mred\"");
    sandbox.write(
        "ugly.toml",
        text.replacen("file = \"", "file = \"\\u001b[2J", 1),
    );
    let rest = [
        "--edge",
        "ugly.toml",
        "--server",
        "sim:8x",
        "--keep-on-server",
    ];
    let first = profile.layers[0].id.as_str();
    for link in [
        ["plan", "--rate", "1Mbit/s"],
        ["sweep", "--rate", "1Mbit/s..1Gbit/s"],
    ] {
        let text = sandbox.ok(&[&link[..], &rest, &[first]].concat());
        assert!(
            !text.contains('\u{1b}') && text.contains("\\u{1b}[31mred"),
            "{text}"
        );
    }
}
