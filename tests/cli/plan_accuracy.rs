//! Limits on accuracy and on capacities, as a user states them.

use std::path::PathBuf;

use assert_cmd::Command;
use cutpoint_core::plan::{Plan, Sweep};
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with the profile and the accuracy file of a network of two tasks.
struct Desk(TempDir);

impl Desk {
    fn new() -> Desk {
        let desk = Desk(tempfile::tempdir().unwrap());
        for name in ["two_heads.toml", "two_heads.accuracy.toml"] {
            std::fs::write(desk.path(name), fixture(name)).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Replaces text of the accuracy file.
    fn change(&self, from: &str, to: &str) {
        let path = self.path("two_heads.accuracy.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    fn run(&self, command: &str, words: &str) -> Command {
        let mut run = Command::cargo_bin("cutpoint").unwrap();
        let words = format!("{command} --edge two_heads.toml --server sim:8x --delay 1ms {words}");
        run.current_dir(self.0.path())
            .args(words.split_whitespace());
        run
    }

    fn plan(&self, words: &str) -> Command {
        self.run("plan --rate 2Mbit/s", words)
    }

    fn json(&self, words: &str) -> Value {
        let output = self.plan(&format!("{words} --json")).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn fixture(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/joint");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn codec(plan: &Value) -> &str {
    plan["crossing"][0]["codec"].as_str().unwrap_or("none")
}

fn drop(plan: &Value, task: usize) -> f64 {
    plan["tasks"][task]["accuracy_drop"].as_f64().unwrap()
}

#[test]
fn a_looser_limit_buys_latency_and_every_plan_keeps_its_own() {
    let desk = Desk::new();
    let mut last = f64::INFINITY;
    let mut codecs = Vec::new();
    for percent in ["0%", "0.5%", "1%", "2%", "5%"] {
        let plan = desk.json(&format!("--max-drop {percent}"));
        let most: f64 = percent.trim_end_matches('%').parse::<f64>().unwrap() / 100.0;
        assert!(
            drop(&plan, 0) <= most && drop(&plan, 1) <= most,
            "{percent}"
        );
        let latency = plan["latency_ms"].as_f64().unwrap();
        assert!(latency <= last);
        last = latency;
        codecs.push(codec(&plan).to_owned());
    }
    println!("{codecs:?}");
    assert_eq!(codecs[0], "none");
    assert!(codecs[4].starts_with('q'), "{codecs:?}");
    // nothing is lost that nobody allowed
    assert_eq!(drop(&desk.json(""), 0), 0.0);
}

#[test]
fn the_plan_says_what_becomes_of_each_task() {
    let desk = Desk::new();
    let words = "--max-drop size=0.6% --max-drop angle=10% --confidence 0.9";
    let plan = desk.json(words);
    let size = &plan["tasks"][0]["accuracy"];
    assert_eq!(size["metric"], "top1");
    assert_eq!(size["baseline"], 0.962);
    let value = |key: &str| size[key].as_f64().unwrap();
    assert!((value("limit") - 0.956).abs() < 1e-9);
    assert!(value("worst") >= value("limit") && value("worst") < value("expected"));
    assert!((0.962 - value("worst") - drop(&plan, 0)).abs() < 1e-9);
    // an error grows by a share of itself
    let angle = &plan["tasks"][1]["accuracy"];
    let worst = angle["worst"].as_f64().unwrap();
    assert!((worst - 3.4 * (1.0 + drop(&plan, 1))).abs() < 1e-9);
    assert!(plan["crossing"][0]["bytes_p95"].is_number());
    assert!(plan["crossing"][0]["range"]["high"][0].is_number());
    assert!(
        plan["binding"]
            .as_array()
            .unwrap()
            .contains(&"max-drop size".into())
    );
    // what the drop buys
    let others = plan["alternatives"].as_array().unwrap();
    let no_drop = others.iter().find(|other| other["name"] == "no-drop");
    let lossless = desk.json("--max-drop 0%");
    assert_eq!(no_drop.unwrap()["latency_ms"], lossless["latency_ms"]);
    assert!(
        lossless["alternatives"]
            .as_array()
            .unwrap()
            .iter()
            .all(|o| o["name"] != "no-drop")
    );
    let text = desk.plan(words).assert().success();
    let text = String::from_utf8(text.get_output().stdout.clone()).unwrap();
    println!("{text}");
    assert!(text.contains("size: top1 96.20 % ->"), "{text}");
    assert!(
        text.contains("limit 95.60 %") && text.contains("angle: mae 3.4 ->"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
}

#[test]
fn a_plan_with_lossy_codecs_reads_back_and_is_always_the_same() {
    let desk = Desk::new();
    let text = |name: &str| {
        let words = format!("--max-drop 2% --out {name}");
        desk.plan(&words).assert().success();
        std::fs::read_to_string(desk.path(name)).unwrap()
    };
    assert_eq!(text("one.toml"), text("two.toml"));
    let plan = Plan::load(&desk.path("one.toml")).unwrap();
    assert!(plan.tasks.iter().all(|task| task.accuracy.is_some()));
    let words = "--rate 100kbit/s..1Gbit/s --max-drop 2% --out sweep.toml";
    desk.run("sweep", words).assert().success();
    let sweep = Sweep::load(&desk.path("sweep.toml")).unwrap();
    assert!(sweep.segments.len() > 2);
    let of_all = sweep.segments.iter().flat_map(|s| &s.plan.tasks);
    assert!(
        of_all
            .into_iter()
            .all(|task| task.accuracy_drop.unwrap() <= 0.02)
    );
}

#[test]
fn limits_that_no_plan_meets_say_the_best_reachable() {
    let desk = Desk::new();
    let words = "--floor size=0.97";
    let json = desk.json(words);
    assert_eq!(json["status"], "infeasible");
    let conflict = &json["conflict"][0];
    assert_eq!(conflict["limit"], "floor size");
    assert_eq!(conflict["best_metric"], 0.962);
    desk.plan(words).assert().code(3).stdout("").stderr(
        contains("floor size: the best reachable")
            .and(contains("96.20 %"))
            .and(contains("97.00 %")),
    );
    // the server must be used, over a link too thin for anything lossless
    let words = "--keep-on-server t7 --raw-stays --max-uplink 400B --max-drop angle=0.1%";
    let json = desk.json(words);
    let of = |limit: &str| {
        let conflict = json["conflict"].as_array().unwrap();
        conflict
            .iter()
            .find(|c| c["limit"] == limit)
            .unwrap()
            .clone()
    };
    let least = of("max-drop angle")["least_drop"].as_f64().unwrap();
    assert!(of("max-uplink")["least_bytes"].as_u64().unwrap() > 400);
    let millionths = (least * 1e6).round();
    let with = |millionths: f64| words.replace("0.1%", &format!("{}%", millionths / 1e4));
    desk.plan(&with(millionths)).assert().success();
    desk.plan(&with(millionths - 1.0)).assert().code(3);
}

#[test]
fn requests_that_make_no_sense_end_with_code_2_and_the_remedy() {
    let desk = Desk::new();
    for (words, word) in [
        ("--max-drop 0.01", "`1%`"),
        ("--max-drop size=0.01", "`1%`"),
        ("--max-drop sise=1%", "`size`"),
        ("--floor sizes=0.9", "`size`"),
        ("--floor 0.9", "TASK=VALUE"),
        ("--max-drop 1% --max-drop 2%", "given twice"),
        ("--confidence 95", "0.95"),
        ("--max-drop 1% --confidence 1", "0.95"),
        ("--capacity BRAM=3", "BRAM"),
        ("--capacity BRAM", "NAME=AMOUNT"),
        ("--codec q8+zstd", "cutpoint accuracy"),
        ("--codec png", "--input-u8"),
    ] {
        desk.plan(words)
            .assert()
            .code(2)
            .stdout("")
            .stderr(contains(word));
    }
    std::fs::remove_file(desk.path("two_heads.accuracy.toml")).unwrap();
    for words in ["--max-drop 1%", "--floor size=0.9"] {
        let says = contains("cutpoint accuracy MODEL --data DIR");
        desk.plan(words).assert().code(2).stdout("").stderr(says);
    }
}

#[test]
fn accuracy_files_that_do_not_fit_end_with_code_4() {
    for (from, to, word) in [
        (&*"0".repeat(64), "ff", "another model"),
        ("tensor = \"t5\"", "tensor = \"t55\"", "`t5`"),
        ("\"size\"", "\"sizes\"", "`size`"),
        ("bytes_mean", "bytes", "two_heads.accuracy.toml"),
    ] {
        let desk = Desk::new();
        desk.change(from, to);
        desk.plan("")
            .assert()
            .code(4)
            .stdout("")
            .stderr(contains(word));
    }
    let desk = Desk::new();
    let words = "--accuracy nowhere.toml";
    desk.plan(words)
        .assert()
        .code(4)
        .stderr(contains("nowhere.toml"));
}

#[test]
fn what_was_not_measured_is_not_sent_lossily() {
    let desk = Desk::new();
    let before = desk.json("--max-drop 5%");
    assert!(codec(&before).starts_with('q'));
    // the task is known, its drops are not
    desk.change("task = \"angle\"", "task = \"size\"");
    let after = desk.json("--max-drop 5%");
    assert!(!codec(&after).starts_with('q'), "{after:#}");
    assert!(after["latency_ms"].as_f64() > before["latency_ms"].as_f64());
    // with the other task free, its drop is unknown, which is said
    let free = desk.json("--max-drop size=5%");
    assert!(free["tasks"][1]["accuracy_drop"].is_null());
    let says = contains("no limit on the accuracy of `angle`");
    desk.plan("--max-drop size=5%")
        .assert()
        .success()
        .stderr(says);
}

#[test]
fn tensors_measured_together_count_together() {
    let desk = Desk::new();
    let words = "--max-drop 2%";
    let before = desk.json(words);
    let list = |value: &Value, key: Option<&str>| {
        let items = value.as_array().unwrap().iter();
        let names: Vec<String> = items
            .map(|i| key.map_or(i, |k| &i[k]).to_string())
            .collect();
        names.join(", ")
    };
    let joint = |mean: f64| {
        format!(
            "\n[[joint]]\ntensors = [{}]\ncodecs = [{}]\nedge = [{}]\nsamples = 2000\n\
             drop = [{{ task = \"size\", mean = {mean} }}]\n",
            list(&before["crossing"], Some("tensor")),
            list(&before["crossing"], Some("codec")),
            list(&before["edge"], None),
        )
    };
    let path = desk.path("two_heads.accuracy.toml");
    let alone = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, alone.clone() + &joint(0.03)).unwrap();
    let ruled_out = desk.json(words);
    assert!(ruled_out["latency_ms"].as_f64() > before["latency_ms"].as_f64());
    // what holds as a whole may be used although the sum says no
    std::fs::write(&path, alone + &joint(0.0001)).unwrap();
    let words = format!(
        "--max-drop size=0.02% --max-drop angle={}%",
        100.0 * drop(&before, 1)
    );
    let let_in = desk.json(&words);
    assert_eq!(let_in["latency_ms"], before["latency_ms"]);
    assert_eq!(let_in["tasks"][0]["accuracy"]["as_a_whole"], true);
    let text = desk.plan(&words).assert().success();
    text.stdout(contains("measured as a whole"));
}

#[test]
fn capacities_limit_the_layers_on_the_edge() {
    let desk = Desk::new();
    let path = desk.path("two_heads.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let uses = "flops = 1000000\nuses = { BRAM = 3, LUT = 100 }\n";
    std::fs::write(&path, text.replace("flops = 1000000\n", uses)).unwrap();
    assert_eq!(desk.json("")["edge"].as_array().unwrap().len(), 9);
    let plan = desk.json("--capacity BRAM=14 --capacity LUT=1000");
    assert!(plan["edge"].as_array().unwrap().len() <= 4);
    assert_eq!(plan["binding"][0], "capacity BRAM");
    let words = "--capacity BRAM=14 --keep-on-edge t4";
    desk.plan(words)
        .assert()
        .code(3)
        .stderr(contains("capacity BRAM would have to allow 15, not 14"));
    let json = desk.json(words);
    let conflict = json["conflict"].as_array().unwrap();
    assert!(
        conflict
            .iter()
            .any(|c| c["least_units"] == 15 && c["allows_units"] == 14)
    );
    desk.plan("--capacity BRAMS=14")
        .assert()
        .code(2)
        .stderr(contains("`BRAM`"));
}

#[test]
fn a_scenario_file_states_the_same_limits() {
    let desk = Desk::new();
    let scenario =
        "max_drop = [\"2%\", \"size=0.5%\"]\nfloor = [\"angle=3.6\"]\nconfidence = 0.9\n";
    std::fs::write(desk.path("limits.toml"), scenario).unwrap();
    let flags = "--max-drop 2% --max-drop size=0.5% --floor angle=3.6 --confidence 0.9";
    let [mut file, mut flags] = ["--scenario limits.toml", flags].map(|words| desk.json(words));
    for plan in [&mut file, &mut flags] {
        plan["solve_ms"] = Value::Null;
    }
    assert_eq!(file, flags);
    assert!(codec(&file) != "none");
}
