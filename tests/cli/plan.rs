//! `plan` and `sweep` as a user runs them.

use crate::test_dir::TestDir;
use assert_cmd::Command;
use cutpoint_core::plan::{Plan, Sweep};
use cutpoint_core::profile::CutRecord;
use cutpoint_testkit::multi_head;
use predicates::prelude::*;
use predicates::str::contains;

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
        dir.save("edge.toml", &multi_head(60, 7));
        dir
    }

    fn plan(&self, words: &str) -> Command {
        self.command(&format!("plan --edge edge.toml --server sim:8x {words}"))
    }

    fn json(&self, words: &str) -> serde_json::Value {
        let output = self.plan(&format!("{words} --json")).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("")).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

const LINK: &str = "--rate 20Mbit/s --delay 2ms";

#[test]
fn a_plan_is_printed_for_people() {
    let dir = Workspace::new();
    let assert = dir.plan(LINK).assert().success();
    let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    println!("{text}");
    for word in [
        "optimal",
        "simulated",
        "uplink",
        "all-edge",
        "all-server",
        "backbone",
        "proof",
    ] {
        assert!(text.contains(word), "{word}:\n{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
}

#[test]
fn json_has_exactly_the_promised_keys() {
    let dir = Workspace::new();
    let json = dir.json(LINK);
    for key in [
        "format",
        "status",
        "proof",
        "model",
        "edge",
        "server",
        "crossing",
        "latency_ms",
        "bound_ms",
        "breakdown_ms",
        "tasks",
        "uplink_bytes",
        "downlink_bytes",
        "edge_memory_bytes",
        "server_memory_bytes",
        "edge_energy_mj",
        "period_ms",
        "binding",
        "alternatives",
        "solve_ms",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
    for key in ["edge", "encode", "uplink", "decode", "server", "downlink"] {
        assert!(json["breakdown_ms"][key].is_number(), "{key}");
    }
    assert_eq!(json["status"], "optimal");
    assert!(json["edge_energy_mj"].is_null());
    assert!(json["tasks"][0]["accuracy_drop"].is_null());
    let layers = [&json["edge"], &json["server"]].map(|side| side.as_array().unwrap().len());
    assert_eq!(layers.iter().sum::<usize>(), multi_head(60, 7).layers.len());
    assert_eq!(json["setting"]["simulated"], true);
}

#[test]
fn the_same_inputs_give_the_same_file() {
    let dir = Workspace::new();
    let text = |name: &str| {
        dir.plan(&format!("{LINK} --out {name}")).assert().success();
        std::fs::read_to_string(dir.path(name)).unwrap()
    };
    let first = text("one.toml");
    assert_eq!(first, text("two.toml"));
    let plan = Plan::load(&dir.path("one.toml")).unwrap();
    assert_eq!(plan.solve_ms, None);
    assert_eq!(
        plan.latency_ms,
        dir.json(LINK)["latency_ms"].as_f64().unwrap()
    );
}

#[test]
fn measured_halves_are_told_from_predicted_ones() {
    let dir = Workspace::new();
    let plan = dir.json(LINK);
    assert_eq!(plan["evidence"]["edge"], "predicted");
    let names = |value: &serde_json::Value, key: Option<&str>| -> Vec<String> {
        let items = value.as_array().unwrap().iter();
        items
            .map(|i| key.map_or(i, |k| &i[k]).as_str().unwrap().to_owned())
            .collect()
    };
    let mut profile = multi_head(60, 7);
    profile.cuts.push(CutRecord {
        tensors: names(&plan["crossing"], Some("tensor")),
        kept: names(&plan["edge"], None),
        edge_us: 1.0,
        server_us: 1.0,
        edge_mad_us: 0.0,
        server_mad_us: 0.0,
        rounds: 15,
        edge_repeat_us: 0.0,
        server_repeat_us: 0.0,
        edge_residual_us: 0.0,
        server_residual_us: 0.0,
        edge_loo_us: 0.0,
        server_loo_us: 0.0,
    });
    dir.save("edge.toml", &profile);
    let plan = dir.json(LINK);
    assert_eq!(plan["evidence"]["edge"], "measured");
    assert_eq!(plan["evidence"]["server"], "simulated");
}

#[test]
fn impossible_limits_are_named_with_what_they_would_take() {
    let dir = Workspace::new();
    let words = format!("{LINK} --edge-memory 1MiB --raw-stays");
    let assert = dir.plan(&words).assert().code(3);
    assert.stdout("").stderr(
        contains("edge-memory")
            .and(contains("raw-stays"))
            .and(contains("would have to allow")),
    );
    let json = dir.json(&words);
    assert_eq!(json["status"], "infeasible");
    let least = json["conflict"][0]["least_bytes"].as_u64().unwrap();
    dir.plan(&format!("{LINK} --edge-memory {least}B --raw-stays"))
        .assert()
        .success();
    dir.plan(&format!("{LINK} --edge-memory {}B --raw-stays", least - 1))
        .assert()
        .code(3);
    // nothing is written when there is no plan
    dir.plan(&format!("{words} --out none.toml"))
        .assert()
        .code(3);
    assert_eq!(dir.files(), ["edge.toml"]);
}

#[test]
fn bad_arguments_end_with_code_2_and_the_remedy() {
    let dir = Workspace::new();
    for (words, word) in [
        ("", "--rate"),
        ("--rate 0bit/s", "1 bit/s"),
        ("--rate 10", "unit"),
        ("--rate 10MB/s", "unit"),
        ("--rate 1000000Gbit/s", "faster"),
        ("--rate 1Mbit/s..2Mbit/s", "sweep"),
        ("--rate 1Mbit/s --delay 9999999min", "delay"),
        ("--link carrier-pigeon", "wifi"),
        ("--link wifi --codec zip", "f16"),
        ("--link wifi --codec u8", "--input-u8"),
        ("--link wifi --input-u8 image=1", "mean"),
        ("--link wifi --input-u8 imag=0,1", "`image`"),
        ("--link wifi --input-u8 image=0:1:2,1", "channels"),
        ("--link wifi --local-input nowhere", "`image`"),
        ("--link wifi --keep-on-edge t1O", "`t1` or `t10`?\n"),
        ("--link wifi --task a=t999", "t"),
        ("--link wifi --results moon", "anywhere"),
        ("--link wifi --edge-memory 64", "unit"),
    ] {
        dir.plan(words)
            .assert()
            .code(2)
            .stdout("")
            .stderr(contains(word));
    }
}

#[test]
fn bad_files_end_with_code_4() {
    let dir = Workspace::new();
    let mut other = multi_head(60, 7);
    other.model.sha256 = "f".repeat(64);
    dir.save("other.toml", &other);
    std::fs::write(dir.path("broken.toml"), "format = ").unwrap();
    for (machines, word) in [
        ("--edge nowhere.toml --server sim:2x", "nowhere.toml"),
        ("--edge broken.toml --server sim:2x", "broken.toml"),
        ("--edge edge.toml --server other.toml", "another model"),
        ("--edge edge.toml --server nowhere.toml", "nowhere.toml"),
    ] {
        let words = format!("plan {machines} --link wifi");
        dir.command(&words)
            .assert()
            .code(4)
            .stdout("")
            .stderr(contains(word));
    }
    let words = "plan --edge edge.toml --server sim:0x --link wifi";
    dir.command(words)
        .assert()
        .code(2)
        .stderr(contains("sim:8x"));
}

#[test]
fn an_output_that_cannot_be_written_is_said_before_and_leaves_nothing() {
    let dir = Workspace::new();
    for out in ["nowhere/plan.toml", "."] {
        let words = format!("{LINK} --out {out}");
        dir.plan(&words)
            .assert()
            .code(1)
            .stdout("")
            .stderr(contains("cannot write"));
    }
    assert_eq!(dir.files(), ["edge.toml"]);
}

#[test]
fn flags_win_over_the_scenario_file() {
    let dir = Workspace::new();
    let scenario = "rate = \"1 Mbit/s\"\ndelay = \"2 ms\"\nraw_stays = true\ncodec = [\"q8\"]\n";
    std::fs::write(dir.path("scenario.toml"), scenario).unwrap();
    let plan = dir.json("--scenario scenario.toml --rate 200Mbit/s");
    assert_eq!(plan["setting"]["rate_bit_s"], 200_000_000_u64);
    assert_eq!(plan["setting"]["delay_ms"], 2.0);
    let codecs: Vec<_> = plan["crossing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["codec"])
        .collect();
    assert!(
        !codecs.is_empty() && codecs.iter().all(|c| *c == "q8"),
        "{codecs:?}"
    );
}

#[test]
fn eight_bit_inputs_reach_the_plan_with_their_scale() {
    let dir = Workspace::new();
    let words = "--rate 1Gbit/s --input-u8 image=127.5,58.4 --keep-on-server t0";
    let plan = dir.json(words);
    let crossing = &plan["crossing"][0];
    assert_eq!(crossing["tensor"], "image");
    assert_eq!(crossing["codec"], "u8");
    assert_eq!(crossing["bytes"], 150_528);
    assert_eq!(
        (&crossing["mean"][0], &crossing["std"][0]),
        (&127.5.into(), &58.4.into())
    );
    let names: Vec<_> = plan["alternatives"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| &a["name"])
        .collect();
    assert!(names.contains(&&"all-server u8".into()), "{names:?}");
    let all_edge = plan["alternatives"]
        .as_array()
        .unwrap()
        .iter()
        .find(|a| a["name"] == "all-edge");
    assert_eq!(all_edge.unwrap()["breaks"], "keep-on-server t0");
}

#[test]
fn a_sweep_covers_the_range_and_reads_back() {
    let dir = Workspace::new();
    let machines = "--edge edge.toml --server sim:8x --delay 2ms";
    let words = format!("sweep {machines} --rate 100kbit/s..1Gbit/s --out sweep.toml");
    let assert = dir.command(&words).assert().success();
    let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    println!("{text}");
    assert!(
        text.contains("simulated") && text.contains("nothing"),
        "{text}"
    );
    let found = Sweep::load(&dir.path("sweep.toml")).unwrap();
    assert_eq!(found.segments[0].from_bit_s, 100_000);
    assert_eq!(found.segments.last().unwrap().to_bit_s, 1_000_000_000);
    assert!(found.segments.len() > 2);
    let words =
        format!("sweep {machines} --rate 100kbit/s..1Gbit/s --keep-on-edge t0 --keep-on-server t0");
    dir.command(&words)
        .assert()
        .code(3)
        .stderr(contains("keep-on-server t0"));
}

#[test]
fn members_of_a_group_name_it() {
    let dir = Workspace::new();
    let mut profile = multi_head(60, 7);
    profile.layers[3].members = vec!["inner".to_owned(), "t3".to_owned()];
    dir.save("edge.toml", &profile);
    let plan = dir.json("--rate 1kbit/s --keep-on-server inner");
    assert!(plan["server"].as_array().unwrap().contains(&"t3".into()));
    assert_eq!(plan["binding"][0], "keep-on-server inner");
}
