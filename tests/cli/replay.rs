//! `replay` and `sweep --lookup` as a user runs them.

use crate::test_dir::TestDir;

use std::path::Path;

use assert_cmd::Command;
use cutpoint_core::plan::{Lookup, Sweep};
use cutpoint_testkit::{Dice, multi_head};
use predicates::str::contains;
use serde_json::Value;

/// A second at 40 Mbit/s, one at 4, one at 40.
const TRACE: &str = "time_s,rate\n0,40Mbit/s\n1,4Mbit/s\n2,40Mbit/s\n";

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
        let text = multi_head(60, 7).to_toml(Path::new("edge.toml")).unwrap();
        dir.write("edge.toml", &text);
        dir.write("trace.csv", TRACE);
        dir
    }

    fn replay(&self, words: &str) -> Command {
        self.command(&format!(
            "replay --edge edge.toml --server sim:8x --delay 2ms {words}"
        ))
    }

    fn text(&self, words: &str) -> String {
        let assert = self.replay(words).assert().success();
        String::from_utf8(assert.get_output().stdout.clone()).unwrap()
    }

    fn json(&self, words: &str) -> Value {
        serde_json::from_str(&self.text(&format!("{words} --json --quiet"))).unwrap()
    }
}

#[test]
fn a_replay_is_printed_for_people() {
    let dir = Workspace::new();
    let text = dir.text("trace.csv --late 80ms --hysteresis 15%");
    println!("{text}");
    for word in [
        "trace.csv  3 rates over 3 s",
        "simulated",
        "30 frames, one every 100 ms",
        "best in hindsight",
        "hysteresis 15 %",
        "no hysteresis",
        "best fixed plan",
        "plan for the mean rate",
        "over 80 ms",
        "slower than hindsight",
    ] {
        assert!(text.contains(word), "{word}:\n{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    let text = dir.text("trace.csv --period 20ms --estimator ewma:0.5");
    assert!(text.contains("150 frames, one every 20 ms"), "{text}");
    assert!(
        text.contains("moving average of the rate, weight 0.5"),
        "{text}"
    );
}

#[test]
fn on_a_steady_link_a_replay_is_the_plan() {
    let dir = Workspace::new();
    dir.write("steady.csv", "time_s,rate_mbit_s\n5,20\n6,20\n");
    let found = dir.json("steady.csv");
    let words = "plan --edge edge.toml --server sim:8x --delay 2ms --rate 20Mbit/s --json";
    let plan = dir.command(words).output().unwrap();
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    let planned = plan["latency_ms"].as_f64().unwrap();
    assert_eq!(found["policies"].as_array().unwrap().len(), 5);
    for policy in found["policies"].as_array().unwrap() {
        for key in ["mean_ms", "p50_ms", "p99_ms", "worst_ms"] {
            let replayed = policy[key].as_f64().unwrap();
            assert!((replayed - planned).abs() < 3e-6, "{replayed} {planned}");
        }
        assert_eq!(policy["switches"], 0);
    }
    let text = dir.text("steady.csv");
    assert!(text.contains("nothing to change"), "{text}");
}

#[test]
fn json_has_the_promised_keys_and_files_are_the_same_each_time() {
    let dir = Workspace::new();
    let found = dir.json("trace.csv --late 50ms --out one.json");
    for key in [
        "frames",
        "period_ms",
        "hysteresis",
        "estimator",
        "late_ms",
        "trace",
        "table",
    ] {
        assert!(!found[key].is_null(), "{key}");
    }
    let names: Vec<&str> = found["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| policy["policy"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "clairvoyant",
            "table-with-hysteresis",
            "table",
            "best-fixed",
            "mean-rate"
        ]
    );
    let mean = |index: usize| found["policies"][index]["mean_ms"].as_f64().unwrap();
    assert!((1..5).all(|index| mean(0) <= mean(index)));
    assert!(mean(1) < mean(3), "changing plans pays on this trace");
    let file: Value = serde_json::from_str(&dir.read("one.json")).unwrap();
    assert_eq!(file, found);
    for name in ["one.toml", "two.toml"] {
        dir.text(&format!("trace.csv --late 50ms --out {name}"));
    }
    assert_eq!(dir.read("one.toml"), dir.read("two.toml"));
    let file: toml::Table = dir.read("one.toml").parse().unwrap();
    assert_eq!(file["frames"].as_integer(), Some(30));
}

#[test]
fn both_forms_of_one_trace_replay_alike() {
    let dir = Workspace::new();
    // 40 packets in each window of 100 ms are 4.8 Mbit/s; then 10
    let stamp = |i: u64| {
        if i < 400 {
            i * 5 / 2 + 2
        } else {
            1_000 + (i - 400) * 10 + 10
        }
    };
    let stamps: Vec<String> = (0..500).map(|i| stamp(i).to_string()).collect();
    dir.write("link.up", &stamps.join("\n"));
    let rows: Vec<String> = (0..20)
        .map(|i| format!("{},{}", f64::from(i) / 10.0, if i < 10 { 4.8 } else { 1.2 }))
        .collect();
    dir.write(
        "link.csv",
        &format!("time_s,rate_mbit_s\n{}\n", rows.join("\n")),
    );
    assert_eq!(dir.json("link.up"), dir.json("link.csv"));
}

#[test]
fn an_outage_is_waited_out_or_sat_out() {
    let dir = Workspace::new();
    dir.write("down.csv", "time_s,rate_mbit_s\n0,900\n1,0\n2,900\n3,900\n");
    let found = dir.json("down.csv --late 500ms");
    let late = |index: usize| found["policies"][index]["late"].as_f64().unwrap();
    // the board alone is slow but never waits; the table hears of the outage one frame late
    assert_eq!((late(0), late(1)), (0.0, 1.0 / 40.0));
    assert_eq!(found["table"]["segments"][0]["server_layers"], 0);
    assert!(dir.text("down.csv").contains("down 25 % of the time"));
}

#[test]
fn a_run_time_can_use_the_table_of_a_sweep() {
    let dir = Workspace::new();
    let words = "sweep --edge edge.toml --server sim:8x --delay 2ms --rate 100kbit/s..1Gbit/s \
                 --out sweep.toml";
    for name in ["table.toml", "table.json"] {
        dir.command(&format!("{words} --lookup {name}"))
            .assert()
            .success();
    }
    let sweep = Sweep::load(&dir.path("sweep.toml")).unwrap();
    let table = Lookup::load(&dir.path("table.toml")).unwrap();
    let json: Lookup = serde_json::from_str(&dir.read("table.json")).unwrap();
    assert_eq!(table, json);
    assert_eq!(table.hysteresis, 0.1);
    assert!(table.segments.len() > 2);
    for (segment, row) in sweep.segments.iter().zip(&table.segments) {
        assert_eq!(row.from_bit_s, segment.from_bit_s);
        assert_eq!(row.latency, segment.latency);
        assert_eq!(row.crossing.len(), segment.plan.crossing.len());
    }
    dir.command(&format!("{words} --lookup wide.toml --hysteresis 50%"))
        .assert()
        .success();
    let wide = Lookup::load(&dir.path("wide.toml")).unwrap();
    let up = |table: &Lookup| table.segments[0].switch_up_bit_s.unwrap_or(u64::MAX);
    assert!(up(&wide) > up(&table));
    for (words, code) in [
        (format!("{words} --hysteresis 5%"), 2),
        (format!("{words} --lookup t.toml --hysteresis 5"), 2),
        (format!("{words} --lookup nowhere/t.toml"), 1),
    ] {
        dir.command(&words).assert().code(code).stdout("");
    }
}

#[test]
fn the_range_of_the_table_can_be_asked_for() {
    let dir = Workspace::new();
    let found = dir.json("trace.csv --rate 100kbit/s..1Gbit/s");
    assert_eq!(found["table"]["segments"][0]["from_bit_s"], 100_000);
    let found = dir.json("trace.csv --link 4g");
    assert_eq!(found["table"]["segments"][0]["from_bit_s"], 4_000_000);
    dir.write("scenario.toml", "rate = \"9 Mbit/s\"\n");
    let found = dir.json("trace.csv --scenario scenario.toml");
    assert_eq!(found["table"]["segments"][0]["from_bit_s"], 4_000_000);
    dir.replay("trace.csv --rate 10Mbit/s..20Mbit/s")
        .assert()
        .success()
        .stderr(contains(
            "from 4 Mbit/s to 40 Mbit/s, beyond 10 Mbit/s to 20 Mbit/s",
        ));
    dir.replay("trace.csv --rate 10Mbit/s..20Mbit/s --quiet")
        .assert()
        .success()
        .stderr("");
}

#[test]
fn bad_input_is_refused_in_one_line() {
    let dir = Workspace::new();
    dir.write("text.csv", "time_s,rate\n0,1Mbit/s\n1,fast\n");
    dir.write("back.csv", "time_s,rate\n1,1Mbit/s\n0,1Mbit/s\n");
    dir.write("gap.csv", "time_s,rate_bit_s\n0,1\n1,1\n2,1\n99,1\n");
    dir.write("down.csv", "time_s,rate_bit_s\n0,0\n1,0\n");
    dir.write("minus.csv", "time_s,rate_bit_s\n0,-3\n1,0\n");
    dir.write("empty.csv", "");
    dir.write("long.csv", "time_s,rate_bit_s\n0,1\n1000000,1\n");
    std::fs::write(dir.path("bytes.csv"), b"\x00\xff\xfe\n\x00").unwrap();
    for (words, code, word) in [
        ("nowhere.csv", 4, "nowhere.csv"),
        (".", 4, "directory"),
        ("edge.toml", 4, "no column `time_s`"),
        ("text.csv", 4, "text.csv: line 3: `fast` is not a rate"),
        (
            "back.csv",
            4,
            "back.csv: line 3: the time 0 s comes after 1 s",
        ),
        ("gap.csv", 4, "line 5: nothing is known for 97 s"),
        ("gap.csv", 4, "--max-gap 97s"),
        ("down.csv", 4, "down all the time"),
        ("minus.csv", 4, "line 2: the rate -3 is below zero"),
        ("empty.csv", 4, "empty"),
        ("bytes.csv", 4, "bytes.csv"),
        ("long.csv", 2, "20000000 frames"),
        ("trace.csv --period 0ms", 2, "--period"),
        ("trace.csv --period 10", 2, "unit"),
        ("trace.csv --fps 0", 2, "frames per second"),
        ("trace.csv --fps nan", 2, "frames per second"),
        ("trace.csv --fps -1", 2, "frames per second"),
        ("trace.csv --fps 1e30", 2, "frames per second"),
        ("trace.csv --estimator guess", 2, "ewma:0.3"),
        ("trace.csv --hysteresis 10", 2, "`1%`"),
        ("trace.csv --late soon", 2, "late"),
        ("trace.csv --rate 10Mbit/s", 2, "leave --rate out"),
        ("trace.csv --max-gap 100ms", 4, "--max-gap 1000ms"),
        ("trace.csv --out nowhere/x.toml", 1, "cannot write"),
        (
            "trace.csv --keep-on-edge t0 --keep-on-server t0",
            3,
            "keep-on-server t0",
        ),
        ("trace.csv --keep-on-edge nothing", 2, "nothing"),
        ("", 2, "TRACE"),
    ] {
        let assert = dir.replay(words).assert().code(code).stdout("");
        let error = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        println!("{words}: {error}");
        assert!(error.contains(word), "{words}: {error}");
    }
    dir.replay("gap.csv --max-gap 97s").assert().success();
    dir.replay("--help")
        .assert()
        .success()
        .stdout(contains("Examples:"));
}

/// The trace under `profiles/examples`: a random walk of whole kbit/s every 100 ms, drawn to
/// 12 Mbit/s, with fades to an eighth, and an outage after 70 seconds.
fn drive() -> String {
    let mut text =
        "# Made up: a random walk with fades and one outage, in the manner of an LTE link \
                    seen from a car.\n# tests/replay_cli.rs makes it.\ntime_s,rate_mbit_s\n"
            .to_owned();
    let (mut dice, mut rate, mut fade) = (Dice(4), 12_000_i64, 0);
    for row in 0..1200 {
        rate = rate * dice.within(93, 107) as i64 / 100;
        // rounded towards minus infinity
        rate += (12_000 - rate).div_euclid(100);
        if fade > 0 {
            fade -= 1;
        } else if dice.below(200) == 0 {
            fade = dice.within(30, 89);
        }
        let now = match row {
            700..715 => 0,
            _ if fade > 0 => rate / 8,
            _ => rate,
        };
        text += &format!(
            "{}.{},{}.{:03}\n",
            row / 10,
            row % 10,
            now / 1000,
            now % 1000
        );
    }
    text
}

#[test]
fn the_example_is_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("profiles/examples/lte-drive.csv");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), drive());
    let dir = Workspace::new();
    let found = dir.json(path.to_str().unwrap());
    assert_eq!(found["frames"], 1200);
    assert_eq!(found["trace"]["down"], 0.0125);
}
