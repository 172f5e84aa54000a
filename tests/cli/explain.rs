//! `explain` as a user runs it, and what a plan file remembers for it.

use std::path::Path;

use crate::test_dir::TestDir;
use cutpoint_core::plan::{Condition, Explanation, Plan};
use cutpoint_testkit::multi_head;
use predicates::prelude::*;
use predicates::str::contains;

const LINK: &str = "--rate 20Mbit/s --delay 2ms";

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

    /// Writes plan.toml.
    fn plan(&self, words: &str) -> Plan {
        self.command(&format!(
            "plan --edge edge.toml --server sim:8x --out plan.toml {words}"
        ))
        .assert()
        .success();
        Plan::load(&self.path("plan.toml")).unwrap()
    }

    fn explained(&self, words: &str) -> Explanation {
        let output = self
            .command(&format!("explain {words} --json"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
    }
}

#[test]
fn a_plan_file_is_enough_to_explain_the_plan() {
    let dir = Workspace::new();
    let all = dir.plan(LINK);
    let limits = format!(
        "--edge-memory {}B --max-uplink 1MB",
        all.edge_memory_bytes - 1
    );
    let plan = dir.plan(&format!("{LINK} {limits}"));
    let found = dir.explained("plan.toml");
    assert_eq!(found.plan, plan);
    assert!(found.open.is_empty());
    // the same from the same flags, and from the plan as JSON
    let flags = format!("--edge edge.toml --server sim:8x {LINK} {limits}");
    assert_eq!(dir.explained(&flags), found);
    let json = dir
        .command(&format!("plan {flags} --json"))
        .output()
        .unwrap();
    std::fs::write(dir.path("plan.json"), json.stdout).unwrap();
    assert_eq!(dir.explained("plan.json"), found);

    let memory = &found.limits[0];
    assert_eq!(memory.limit, "edge-memory");
    assert!(memory.binds);
    let next = memory.next.as_ref().unwrap();
    let with = |bytes: i64| dir.plan(&format!("{LINK} --max-uplink 1MB --edge-memory {bytes}B"));
    assert_eq!(with(next.at - 1).latency_ms, plan.latency_ms);
    let better = with(next.at);
    assert!(better.latency_ms < plan.latency_ms);
    assert!((plan.latency_ms - better.latency_ms - next.saves_ms).abs() < 1e-9);

    let text = dir.command(&format!("explain {flags}")).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    for part in [
        "No plan within the limits is faster",
        "edge-memory binds: it allows",
        "The next faster plan needs",
        "max-uplink does not bind",
        "1 Mbit/s more saves",
        "another plan wins",
        "may grow by",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn flags_win_over_what_the_plan_was_made_from() {
    let dir = Workspace::new();
    std::fs::write(
        dir.path("scenario.toml"),
        "rate = \"20 Mbit/s\"\ndelay = \"2 ms\"\n",
    )
    .unwrap();
    let plan = dir.plan("--scenario scenario.toml");
    // the limits are in the plan, not only in their file
    std::fs::remove_file(dir.path("scenario.toml")).unwrap();
    let found = dir.explained("plan.toml");
    assert_eq!(found.plan, plan);
    let mut flips = found.flips.iter().filter(|flip| flip.of == Condition::Rate);
    let flip = flips
        .find_map(|flip| Some((flip.at?, flip.to.clone()?)))
        .unwrap();
    let assert = dir
        .command(&format!("explain plan.toml --rate {}bit/s", flip.0))
        .assert()
        .success();
    assert.stderr(contains("another plan than plan.toml holds"));
    let there = dir.explained(&format!("plan.toml --rate {}bit/s --quiet", flip.0));
    assert_eq!(there.plan.edge.len(), flip.1.edge_layers);
    assert!((there.plan.latency_ms - flip.1.latency_ms).abs() < 1e-9);
    assert_eq!(there.plan.setting.delay_ms, 2.0);
}

#[test]
fn a_cut_that_is_not_chosen_is_compared_part_by_part() {
    let dir = Workspace::new();
    let plan = dir.plan(LINK);
    let profile = multi_head(60, 7);
    let input = &profile.inputs[0].name;
    let found = dir.explained(&format!("plan.toml --why-not {input}"));
    let why = found.why_not.unwrap();
    let cut = why.cut.unwrap();
    assert_eq!((cut.edge_layers, why.tensors.len()), (0, 1));
    let server = plan.alternatives.iter().find(|a| a.name == "all-server");
    assert!((cut.latency_ms - server.unwrap().latency_ms).abs() < 1e-9);
    let text = format!("explain plan.toml --why-not {input}");
    dir.command(&text).assert().success().stdout(
        contains("everything on the server")
            .and(contains("more than the plan"))
            .and(contains("difference"))
            .and(contains("It is the faster of the two at")),
    );
    let own: Vec<&str> = plan.crossing.iter().map(|c| c.tensor.as_str()).collect();
    dir.command(&format!("explain plan.toml --why-not {}", own.join(",")))
        .assert()
        .success()
        .stdout(contains("That is the plan."));
    let limited = format!("explain plan.toml --max-uplink 1kB --edge-memory 1GB --why-not {input}");
    dir.command(&limited)
        .assert()
        .success()
        .stdout(contains("It breaks limits: max-uplink would have to allow"));
}

#[test]
fn bad_input_is_named_with_the_remedy() {
    let dir = Workspace::new();
    let plan = dir.plan(LINK);
    let refused = |words: &str, code: i32, parts: &[&str]| {
        let assert = dir.command(&format!("explain {words}")).assert().code(code);
        let output = assert.get_output();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.stdout.is_empty(), "{words}");
        for part in parts {
            assert!(said.contains(part), "{words}: {part} is not in: {said}");
        }
    };
    refused("", 2, &["--edge", "--server"]);
    refused("edge.toml", 4, &["edge.toml", "not a plan"]);
    refused("none.toml", 4, &["none.toml"]);
    std::fs::write(dir.path("list.json"), "{\"format\": 1}").unwrap();
    refused("list.json", 4, &["list.json", "not a plan"]);
    let near = plan.crossing[0].tensor.to_uppercase();
    refused(
        &format!("plan.toml --why-not {near}"),
        2,
        &["--why-not", "did you mean", &plan.crossing[0].tensor],
    );
    let profile = multi_head(60, 7);
    let heads = &profile.tasks;
    let inner = profile.layers[1].id.clone();
    refused(
        &format!("plan.toml --why-not {inner}"),
        2,
        &["--why-not", "name all tensors"],
    );
    assert!(heads.len() > 1);
    refused("plan.toml --rate 1Mbit/s..2Mbit/s", 2, &["--rate"]);
    refused("plan.toml --time-limit 5", 2, &["--time-limit"]);
    refused(
        "plan.toml --edge-memory 1kB --max-uplink 10B",
        3,
        &["no plan meets", "looser would do"],
    );
    let bare = Plan {
        request: None,
        ..plan.clone()
    };
    std::fs::write(dir.path("bare.toml"), bare.to_toml().unwrap()).unwrap();
    refused(
        "bare.toml",
        4,
        &["bare.toml", "what it was made from", "--edge"],
    );
    let mut odd = plan.clone();
    let spec = &mut odd.request.as_mut().unwrap().spec;
    spec.insert("speed".to_owned(), toml::Value::from(3));
    std::fs::write(dir.path("odd.toml"), odd.to_toml().unwrap()).unwrap();
    refused("odd.toml", 4, &["odd.toml", "speed"]);

    std::fs::create_dir(dir.path("moved")).unwrap();
    std::fs::rename(dir.path("edge.toml"), dir.path("moved/edge.toml")).unwrap();
    refused(
        "plan.toml",
        4,
        &["edge.toml: not found", "plan.toml", "--edge again"],
    );
    let again = dir.explained("plan.toml --edge moved/edge.toml");
    assert_eq!(again.plan.edge, plan.edge);
}

#[test]
fn a_profile_that_changed_since_is_told() {
    let dir = Workspace::new();
    dir.plan(LINK);
    let mut changed = multi_head(60, 7);
    changed.layers[0].edge_us *= 1.001;
    dir.save("edge.toml", &changed);
    let note = contains("edge.toml changed since plan.toml was made");
    dir.command("explain plan.toml")
        .assert()
        .success()
        .stderr(note);
    dir.command("explain plan.toml --quiet")
        .assert()
        .success()
        .stderr("");
}

#[test]
fn the_time_for_all_answers_can_be_limited() {
    let dir = Workspace::new();
    dir.plan(LINK);
    let found = dir.explained("plan.toml --time-limit 0s");
    assert!(found.flips.is_empty() && !found.open.is_empty());
    dir.command("explain plan.toml --time-limit 0s")
        .assert()
        .success()
        .stdout(contains("left open: rate: no time left"));
}

#[test]
fn drops_that_bind_only_together_say_how_much_more_each_must_allow() {
    let dir = Workspace::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/joint");
    for name in ["two_heads.toml", "two_heads.accuracy.toml"] {
        std::fs::copy(fixtures.join(name), dir.path(name)).unwrap();
    }
    let flags = "--edge two_heads.toml --server sim:8x --delay 1ms --rate 2Mbit/s";
    let found = dir.explained(&format!("{flags} --max-drop 1%"));
    assert!(found.limits.iter().all(|limit| !limit.binds));
    let next = found.together.unwrap().next.unwrap();
    let latency = |millionths: i64| {
        let percent = millionths as f64 / 1e4;
        let plan = dir.explained(&format!("{flags} --max-drop {percent}% --time-limit 0s"));
        plan.plan.latency_ms
    };
    let now = found.plan.latency_ms;
    assert_eq!(latency(10_000 + next.at - 1), now);
    assert!((latency(10_000 + next.at) - (now - next.saves_ms)).abs() < 1e-9);
    assert!(next.saves_ms > 0.0);
}

#[test]
fn help_shows_how() {
    let dir = Workspace::new();
    dir.command("explain --help").assert().success().stdout(
        contains("cutpoint explain plan.toml --why-not features")
            .and(contains("Examples:"))
            .and(contains("--edge <PROFILE>")),
    );
}

#[test]
fn of_several_models_the_chosen_one_is_explained() {
    let dir = Workspace::new();
    let mut slower = multi_head(60, 7);
    slower.model.file = "slower.onnx".to_owned();
    slower.model.sha256 = "1".repeat(64);
    slower
        .layers
        .iter_mut()
        .for_each(|layer| layer.edge_us *= 1.5);
    dir.save("slower.toml", &slower);
    let words = format!("--edge slower.toml --edge edge.toml --server sim:8x {LINK}");
    let found = dir.explained(&words);
    assert_eq!(found.plan.model.file, multi_head(60, 7).model.file);
    dir.command(&format!("explain {words}"))
        .assert()
        .success()
        .stdout(contains("faster than slower.onnx"));
    let unknown = format!("explain {words} --why-not nothing");
    dir.command(&unknown)
        .assert()
        .code(2)
        .stderr(contains("in synthetic.onnx").or(contains("no tensor")));
}
