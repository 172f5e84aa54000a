//! Profiles written by hand: what may be left out, what errors say, and the examples.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use cutpoint_core::codec::Codec;
use cutpoint_core::plan::{HalfEvidence, Plan, Status, Sweep};
use cutpoint_core::profile::Profile;

use super::docs_commands::block;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn example(name: &str) -> String {
    root()
        .join("profiles/examples")
        .join(name)
        .display()
        .to_string()
}

fn run(words: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("cutpoint").unwrap();
    command.args(words).arg("--json").output().unwrap()
}

fn plan(profile: &str, words: &str) -> Plan {
    let words: Vec<&str> = words.split_whitespace().collect();
    let output = run(&[&["plan", "--edge", profile], words.as_slice()].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The example of the guide to profiles written by hand.
fn of_the_guide() -> String {
    block("docs/guides/by-hand.md", "source =")
}

fn parse(text: &str) -> Result<Profile, String> {
    Profile::parse(text, Path::new("hand.toml")).map_err(|error| error.to_string())
}

#[test]
fn the_example_of_the_guide_can_be_planned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two-heads.toml");
    std::fs::write(&path, of_the_guide()).unwrap();
    let plan = plan(path.to_str().unwrap(), "--server sim:8x --link wifi");
    assert_eq!(plan.status, Status::Optimal);
    assert_eq!(plan.evidence.edge, HalfEvidence::Stated);
    assert_eq!(plan.evidence.server, HalfEvidence::Simulated);
    let tasks: Vec<&str> = plan.tasks.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(tasks, ["boxes", "labels"]);
}

#[test]
fn what_is_left_out_follows_from_the_rest() {
    let profile = parse(&of_the_guide()).unwrap();
    let features = &profile.layers[0];
    assert_eq!(features.outputs, ["features"]);
    assert_eq!(features.members, ["features"]);
    assert_eq!(features.server_us, 45_000.0);
    assert_eq!(profile.weights[0].bytes, 4_000_000);
    let size = |name: &str| {
        let tensor = profile.tensors.iter().find(|t| t.name == name).unwrap();
        (tensor.shape.clone(), tensor.bytes, tensor.dtype.as_str())
    };
    assert_eq!(size("features"), (vec![10_000], 40_000, "float32"));
    assert_eq!(size("image"), (vec![1, 3, 320, 320], 1_228_800, "float32"));
    assert_eq!(profile.outputs.len(), 2);
    assert_eq!(profile.whole.median_us, 80_000.0);
    assert_eq!(profile.memory.weight_factor, 1.0);
    // written out and read again, it is the same
    let text = profile.to_toml(Path::new("hand.toml")).unwrap();
    assert_eq!(parse(&text), Ok(profile));
}

#[test]
fn errors_name_file_line_and_key() {
    let text = of_the_guide();
    let line = |what: &str| 1 + text.lines().position(|l| l.starts_with(what)).unwrap();
    let boxes = line("id = \"boxes\"") - 1;
    let at = |line: usize| format!("line {line},");
    for (from, to, says) in [
        (
            "edge_us = 20_000",
            "",
            vec![at(boxes), "`boxes`".into(), "missing key `edge_us`".into()],
        ),
        (
            "edge_us = 20_000",
            "edge_ms = 20",
            vec![at(boxes), "`edge_ms`".into()],
        ),
        (
            "edge_us = 20_000",
            "edge_us = \"fast\"",
            vec![at(boxes), "in `edge_us`".into()],
        ),
        (
            "edge_us = 20_000",
            "edge_us = -1",
            vec!["`boxes`".into(), "edge_us".into()],
        ),
        (
            "shape = [100, 6]",
            "",
            vec![at(boxes), "tensor `boxes` has no size".into()],
        ),
        (
            "shape = [100, 6]",
            "shape = [-1]",
            vec![at(boxes), "`shape`".into()],
        ),
        (
            "shape = [100, 6]",
            "bytes = 1\noutputs = [\"a\", \"b\"]",
            vec!["several outputs".into()],
        ),
        (
            "shape = [100, 6]",
            "bytes = 9\ndtype = \"float\"",
            vec!["`float`".into()],
        ),
        (
            "[\"features\"]\nedge_us = 20",
            "[\"fetaures\"]\nedge_us = 20",
            vec![at(boxes), "did you mean `features`?".into()],
        ),
        ("id = \"labels\"", "", vec!["needs an `id`".into()]),
        (
            "file = \"two-heads\"",
            "",
            vec!["[model]: missing key `file`".into()],
        ),
        (
            "name = \"camera\"",
            "",
            vec!["[board]: missing key `name`".into()],
        ),
        (
            "name = \"camera\"",
            "name = \"camera\"\ncolour = 1",
            vec!["`colour`".into()],
        ),
        ("an educated guess", " ", vec!["`source` is empty".into()]),
        (
            "[[input]]",
            "[[imput]]",
            vec![at(line("[[input]]")), "`imput`".into()],
        ),
        (
            "[[input]]",
            "[[tensor]]\nname = \"x\"\n[[input]]",
            vec!["`x` is neither".into()],
        ),
        (
            "[[input]]",
            "[[output]]\nname = \"box\"\n[[input]]",
            vec!["did you mean `boxes`?".into()],
        ),
        (
            "[[input]]",
            "[[task]]\nname = \"t\"\noutputs = [\"box\"]\n[[input]]",
            vec!["`box`".into()],
        ),
        (
            "[[input]]",
            "[[codec]]\nname = \"q8\"\nenc_us = 1\n[[input]]",
            vec!["`dec_us`".into()],
        ),
        (
            "source = \"an educated guess\"",
            "",
            vec!["begins with `source`".into()],
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let error = parse(&text.replacen(from, to, 1)).unwrap_err();
        for part in says {
            assert!(error.contains(&part), "{to}: `{part}` is not in: {error}");
        }
        assert!(
            error.starts_with("hand.toml: ") && !error.contains('\n'),
            "{error}"
        );
        assert!(!error.contains("measure again"), "{error}");
    }
}

#[test]
fn a_size_stated_twice_must_be_the_same() {
    let text = of_the_guide();
    let with = |bytes: u64| format!("{text}\n[[tensor]]\nname = \"features\"\nbytes = {bytes}\n");
    assert!(parse(&with(40_000)).is_ok());
    assert!(parse(&with(40_001)).unwrap_err().contains("stated twice"));
}

#[test]
fn measured_profiles_must_still_say_everything() {
    let measured = parse(&of_the_guide()).unwrap();
    let measured = Profile {
        source: None,
        ..measured
    };
    let text = measured.to_toml(Path::new("hand.toml")).unwrap();
    assert!(parse(&text).is_ok());
    for key in [
        "cpu = ",
        "noise = ",
        "flops = ",
        "send_us = ",
        "median_us = ",
        "opset = ",
    ] {
        let mut lines: Vec<&str> = text.lines().collect();
        let line = lines.iter().position(|l| l.starts_with(key)).unwrap();
        lines.remove(line);
        let error = parse(&lines.join("\n")).unwrap_err();
        assert!(error.contains("missing field"), "{key}: {error}");
    }
}

#[test]
fn every_example_can_be_planned() {
    let folder = root().join("profiles/examples");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.to_str().unwrap();
            name.ends_with(".toml") && !name.ends_with(".accuracy.toml")
        })
        .collect();
    files.sort();
    assert_eq!(files.len(), 3);
    for file in files {
        let plan = plan(file.to_str().unwrap(), "--server sim:8x --link 5g");
        assert_eq!(plan.status, Status::Optimal);
    }
}

#[test]
fn rate_points_are_alternatives_of_one_cut() {
    let ladon = example("ladon.toml");
    let link = "--server sim:10x --link 4g";
    let sent = |more: &str| {
        let plan = plan(&ladon, &format!("{link} {more}"));
        assert_eq!(plan.edge, ["bottleneck"]);
        assert_eq!(plan.crossing.len(), 1, "one payload for three heads");
        (plan.crossing[0].codec.to_string(), plan.uplink_bytes)
    };
    assert_eq!(sent(""), ("f32".to_owned(), 393_216));
    let variant = |beta: &str, bytes| (format!("variant:beta{beta}"), bytes);
    assert_eq!(sent("--max-drop 0%"), variant("0.32", 119_300));
    assert_eq!(sent("--max-drop 1%"), variant("1.28", 57_900));
    assert_eq!(sent("--max-drop 2%"), variant("5.12", 22_600));
    assert_eq!(sent("--max-drop 4%"), variant("10.24", 14_100));
    assert_eq!(sent("--max-drop 7%"), variant("20.48", 7_200));
    // VOC gains at beta 1.28 what it loses at 5.12
    assert_eq!(sent("--floor segment=0.67"), variant("10.24", 14_100));
    assert_eq!(
        sent("--floor segment=0.67 --floor detect=0.22"),
        variant("1.28", 57_900)
    );
}

#[test]
fn a_table_of_modules_splits_right_after_voxelisation() {
    let file = example("point-cloud.toml");
    let server = format!("--server {file} --link gbe");
    let split = plan(&file, &format!("{server} --raw-stays"));
    assert_eq!(split.edge, ["voxelise"]);
    let sizes: Vec<_> = split
        .crossing
        .iter()
        .map(|c| (c.bytes, c.bytes_p95))
        .collect();
    assert_eq!(sizes, [(280_000, Some(400_000)); 2]);
    assert_eq!(split.evidence.server, HalfEvidence::Stated);
    assert_eq!(split.setting.server, "illustrated server");
    assert_eq!(split.binding, ["raw-stays"]);
    // as the study reports: 70.8 % less latency, 90.0 % less time on the board
    let whole = split
        .alternatives
        .iter()
        .find(|a| a.name == "all-edge")
        .unwrap();
    assert!((1.0 - split.latency_ms / whole.latency_ms - 0.708).abs() < 0.002);
    assert!((1.0 - split.breakdown_ms.edge / whole.latency_ms - 0.9).abs() < 1e-9);
    // a cut deeper down sends values and places of three depths
    let deep = plan(
        &file,
        &format!("{server} --keep-on-edge proposals --keep-on-server boxes"),
    );
    assert_eq!(deep.crossing.len(), 7);
    assert_eq!(plan(&file, &server).crossing[0].bytes, 1_800_000);
}

#[test]
fn capacities_decide_where_a_recurrent_network_is_cut() {
    let file = example("lstm-fpga.toml");
    let link = "--server sim:50x --rate 1Mbit/s --delay 100us --raw-stays";
    let fpga = |more: &str| plan(&file, &format!("{link} {more}"));
    assert!(fpga("").server.is_empty());
    let small =
        fpga("--capacity BRAM=60 --capacity LUT=40000 --capacity DSP=120 --capacity mW=900");
    assert_eq!(small.edge, ["lstm1"]);
    assert_eq!(small.binding, ["raw-stays", "capacity BRAM"]);
    assert_eq!(small.crossing[0].codec, Codec::F32);
    assert!(small.edge_energy_mj.is_some());
    let sent = |limit: &str| fpga(&format!("--capacity BRAM=60 {limit}")).crossing[0].codec;
    // of an error, less is better: a floor is its largest value
    assert_eq!(sent("--floor oxygen=0.52"), Codec::Q8);
    assert_eq!(sent("--floor oxygen=0.505"), Codec::F16);
    assert_eq!(sent("--max-drop 0.05%"), Codec::F32);
    let output = run(&[
        &["plan", "--edge", &file, "--capacity", "BRAM=39"],
        link.split_whitespace().collect::<Vec<_>>().as_slice(),
    ]
    .concat());
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("BRAM would have to allow 40, not 39"),
        "{said}"
    );
}

#[test]
fn sweeps_and_figures_take_profiles_written_by_hand() {
    let file = example("ladon.toml");
    let output = run(&[
        "sweep",
        "--edge",
        &file,
        "--server",
        "sim:10x",
        "--rate",
        "100kbit/s..1Gbit/s",
    ]);
    let sweep: Sweep = serde_json::from_slice(&output.stdout).unwrap();
    assert!(sweep.segments.len() > 1);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let output = run(&["report", &file, "--out", out]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let figures = std::fs::read_dir(folder.path()).unwrap().count();
    assert!(figures >= 3, "{figures}");
}
