//! `cutpoint report` as a process.

use std::path::Path;

use assert_cmd::Command;
use cutpoint_core::plan::Sweep;
use cutpoint_core::profile::Profile;
use cutpoint_planner::parametric;
use cutpoint_planner::scenario;
use cutpoint_planner::server::Server;
use cutpoint_planner::solve;
use cutpoint_testkit::networks::{SIZES, check, network, problem, ugly};
use predicates::prelude::*;

fn report(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
    command.current_dir(folder).arg("report");
    command
}

fn save(profile: &Profile, file: &Path) {
    std::fs::write(file, profile.to_toml(file).unwrap()).unwrap();
}

fn sweep(profile: &Profile) -> Sweep {
    let problem = problem(profile, &Server::faster(8.0), "20 Mbit/s");
    let rates: scenario::RateRange = "100kbit/s..1Gbit/s".parse().unwrap();
    parametric::sweep(&problem, rates, &solve::Options::default()).unwrap()
}

#[test]
fn a_profile_gives_its_figures_and_their_list() {
    let folder = tempfile::tempdir().unwrap();
    for layers in [10, 60, 500] {
        save(&network(layers, ugly), &folder.path().join("profile.toml"));
        report(folder.path())
            .args(["profile.toml", "--out", "new/figures", "--link", "wifi"])
            .assert()
            .success()
            .stdout(predicate::str::contains(
                "new/figures/pi5-synthetic-cuts.svg",
            ));
        for figure in [
            "layers",
            "cuts",
            "rate",
            "halves",
            "timeline",
            "map",
            "pareto-memory",
        ] {
            let file = folder
                .path()
                .join(format!("new/figures/pi5-synthetic-{figure}.svg"));
            check(&std::fs::read_to_string(file).unwrap());
        }
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    save(&network(60, ugly), &folder.path().join("p.toml"));
    let draw = |out: &str| {
        report(folder.path())
            .args(["p.toml", "--out", out])
            .assert()
            .success();
        ["layers", "cuts", "rate", "halves"].map(|f| {
            std::fs::read(
                folder
                    .path()
                    .join(out)
                    .join(format!("pi5-synthetic-{f}.svg")),
            )
            .unwrap()
        })
    };
    assert_eq!(draw("a"), draw("b"));
}

#[test]
fn a_sweep_is_drawn_from_its_file_alone_in_toml_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(&network(20, ugly));
    std::fs::write(folder.path().join("sweep.toml"), sweep.to_toml().unwrap()).unwrap();
    std::fs::write(
        folder.path().join("sweep.json"),
        serde_json::to_string(&sweep).unwrap(),
    )
    .unwrap();
    report(folder.path())
        .args(["sweep.toml", "sweep.json", "--json"])
        .assert()
        .success()
        .stdout(predicate::str::contains("\"figure\": \"rate\""));
    let [toml, json] = ["pi5-synthetic-rate.svg", "pi5-synthetic-rate-2.svg"]
        .map(|file| std::fs::read_to_string(folder.path().join("reports").join(file)).unwrap());
    check(&toml);
    assert_eq!(toml, json);
    assert!(toml.contains("sim:8x (simulated)"));
}

#[test]
fn a_plan_sets_the_link_of_its_profile() {
    let folder = tempfile::tempdir().unwrap();
    let profile = network(20, ugly);
    save(&profile, &folder.path().join("profile.toml"));
    let plan = sweep(&profile).segments[0].plan.clone();
    std::fs::write(folder.path().join("plan.toml"), plan.to_toml().unwrap()).unwrap();
    report(folder.path())
        .args(["profile.toml", "plan.toml"])
        .assert()
        .success();
    let cuts =
        std::fs::read_to_string(folder.path().join("reports/pi5-synthetic-plan-cuts.svg")).unwrap();
    assert!(
        cuts.contains("at 100 kbit/s, 20 ms one way"),
        "{}",
        &cuts[..300]
    );

    report(folder.path())
        .args(["plan.toml", "--out", "alone"])
        .assert()
        .success()
        .stdout("alone/pi5-synthetic-plan-timeline.svg\n")
        .stderr(predicate::str::contains("the profile of pi5"));
}

#[test]
fn files_that_are_nothing_of_the_kind_are_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("other.toml"), "a = 1").unwrap();
    std::fs::write(folder.path().join("broken.json"), "{").unwrap();
    for (file, message) in [
        (
            "other.toml",
            "other.toml: neither a profile, nor a plan, nor a sweep, nor a map, nor a verification",
        ),
        ("broken.json", "broken.json"),
        ("missing.toml", "missing.toml"),
    ] {
        report(folder.path())
            .arg(file)
            .assert()
            .code(4)
            .stderr(predicate::str::contains(message));
    }
    assert!(!folder.path().join("reports").exists());
}

#[test]
fn figures_without_data_are_left_out_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let mut profile = network(2, |i| format!("layer{i}"));
    profile.cuts.clear();
    save(&profile, &folder.path().join("profile.toml"));
    report(folder.path())
        .args(["profile.toml", "--json"])
        .assert()
        .success()
        .stdout(predicate::str::contains(
            "no half of `synthetic.onnx` was measured",
        ))
        .stderr(predicate::str::contains("figure `halves` is left out"));
}

#[test]
fn an_unusable_server_or_link_is_an_error_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    save(&network(10, ugly), &folder.path().join("profile.toml"));
    for (args, code) in [
        (["--server", "sim:0x"], 2),
        (["--server", "missing.toml"], 4),
        (["--link", "pigeon"], 2),
        (["--rate", "40"], 2),
    ] {
        report(folder.path())
            .arg("profile.toml")
            .args(args)
            .assert()
            .code(code);
    }
    assert!(!folder.path().join("reports").exists());
}

#[test]
fn one_layer_or_no_times_never_break_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let one = network(1, ugly);
    let mut idle = network(30, ugly);
    idle.whole.median_us = 0.0;
    for layer in &mut idle.layers {
        (layer.edge_us, layer.server_us) = (0.0, 0.0);
    }
    for (profile, why) in [(one, "fewer than two layers"), (idle, "all layer times")] {
        save(&profile, &folder.path().join("profile.toml"));
        let output = report(folder.path())
            .args(["profile.toml", "--json"])
            .assert()
            .success()
            .stdout(predicate::str::contains(why));
        let list: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
        for figure in list["figures"].as_array().unwrap() {
            let file = folder.path().join(figure["file"].as_str().unwrap());
            check(&std::fs::read_to_string(file).unwrap());
        }
    }
}

#[test]
fn a_page_holds_every_figure_and_is_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    save(&network(20, ugly), &folder.path().join("p.toml"));
    let draw = |out: &str| {
        let output = report(folder.path())
            .args(["p.toml", "--out", out, "--html", "--json"])
            .assert()
            .success();
        let list: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
        assert_eq!(list["page"], format!("{out}/pi5-synthetic.html"));
        // as many: the graph stands in the plan's part, for all plans
        let figures = list["figures"].as_array().unwrap().len();
        let page = folder.path().join(out).join("pi5-synthetic.html");
        let html = std::fs::read_to_string(page).unwrap();
        assert_eq!(html.matches("<figure ").count(), figures);
        html
    };
    assert_eq!(draw("a"), draw("b"));
}

#[test]
fn a_page_without_any_plan_says_so() {
    let folder = tempfile::tempdir().unwrap();
    save(&network(20, ugly), &folder.path().join("p.toml"));
    report(folder.path())
        .args(["p.toml", "--deadline", "1ns", "--html", "page.html"])
        .assert()
        .success();
    let html = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(html.contains("No plan meets the limits at 50 Mbit/s"));
    assert!(html.contains("No sliders here: no plan meets the limits."));
}

#[test]
fn a_profile_is_never_overwritten_by_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.toml");
    save(&network(5, ugly), &file);
    let before = std::fs::read(&file).unwrap();
    report(folder.path())
        .args(["p.toml", "--html", "p.toml"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("must end in .html"));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

/// The files that a command lists.
fn listed(assert: &assert_cmd::assert::Assert) -> Vec<String> {
    let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn figures_are_chosen_by_name_and_have_the_size_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    save(&network(20, ugly), &folder.path().join("profile.toml"));
    let fast = ["--rate", "1Gbit/s", "--delay", "50us"];
    let drawn = report(folder.path())
        .args(["profile.toml", "--only", "map,pareto", "--width", "480"])
        .args(fast)
        .assert()
        .success();
    let files = listed(&drawn);
    assert!(
        files
            .iter()
            .all(|file| file.contains("-map") || file.contains("-pareto"))
    );
    assert!(files.len() >= 2, "{files:?}");
    for (args, size) in [
        (&["--width", "480"][..], "width=\"480\" height=\"305\""),
        (&["--height", "560"], "width=\"880\" height=\"560\""),
        (
            &["--width", "480", "--height", "320"],
            "width=\"480\" height=\"320\"",
        ),
        (
            &["--width", "1920", "--height", "1080"],
            "width=\"1920\" height=\"1080\"",
        ),
    ] {
        let drawn = report(folder.path())
            .args(["profile.toml", "--theme", "dark"])
            .args(args)
            .assert()
            .success();
        for file in listed(&drawn) {
            let svg = std::fs::read_to_string(folder.path().join(&file)).unwrap();
            assert!(svg.contains(size), "{file} with {args:?}");
            assert!(
                !svg.contains("prefers-color-scheme") && svg.contains("#14171b"),
                "{file}"
            );
        }
    }
}

#[test]
fn looks_that_do_not_exist_are_refused_with_those_that_do() {
    let folder = tempfile::tempdir().unwrap();
    save(&network(10, ugly), &folder.path().join("profile.toml"));
    for (args, message) in [
        (["--width", "399"], "400..=8000"),
        (["--height", "8001"], "300..=8000"),
        (["--width", "wide"], "invalid value"),
        (["--theme", "sepia"], "auto, light, dark"),
        (["--only", "layers,piechart"], "layers, cuts, rate"),
        (["--only", "lay"], "a similar value exists: 'layers'"),
    ] {
        report(folder.path())
            .arg("profile.toml")
            .args(args)
            .assert()
            .code(2)
            .stderr(predicate::str::contains(message));
    }
    assert!(!folder.path().join("reports").exists());
}

/// Sweeps `profile.toml` and writes the result to a file.
fn sweep_to(folder: &Path, file: &str, args: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
    command
        .current_dir(folder)
        .args([
            "sweep",
            "--edge",
            "profile.toml",
            "--server",
            "sim:8x",
            "--out",
            file,
        ])
        .args(args)
        .assert()
        .success();
}

#[test]
fn maps_and_sweeps_over_other_things_are_drawn_from_their_files() {
    let folder = tempfile::tempdir().unwrap();
    save(&network(40, ugly), &folder.path().join("profile.toml"));
    let range = [
        "--rate",
        "10Mbit/s..10Gbit/s",
        "--over",
        "delay=0ms..5ms",
        "--map",
        "--rows",
        "7",
    ];
    sweep_to(folder.path(), "map.toml", &range);
    let one = ["--rate", "1Gbit/s", "--over", "delay=0ms..5ms"];
    sweep_to(folder.path(), "over.toml", &one);
    let drawn = report(folder.path())
        .args(["map.toml", "over.toml"])
        .assert()
        .success();
    let mut files = listed(&drawn);
    files.sort();
    let wanted = [
        "reports/pi5-synthetic-delay-over.svg",
        "reports/pi5-synthetic-map.svg",
    ];
    assert_eq!(files, wanted);
    for file in files {
        check(&std::fs::read_to_string(folder.path().join(file)).unwrap());
    }
    // with its profile beside it, the map is not computed again
    let drawn = report(folder.path())
        .args(["map.toml", "profile.toml", "--only", "map"])
        .assert()
        .success();
    assert_eq!(listed(&drawn), ["reports/pi5-synthetic-map.svg"]);
}

#[test]
fn several_profiles_are_compared_at_one_link() {
    let folder = tempfile::tempdir().unwrap();
    let mut slow = network(40, ugly);
    slow.board.name = "pi4".into();
    for layer in &mut slow.layers {
        layer.edge_us *= 3.0;
    }
    save(&slow, &folder.path().join("slow.toml"));
    save(&network(40, ugly), &folder.path().join("quick.toml"));
    let drawn = report(folder.path())
        .args([
            "slow.toml",
            "quick.toml",
            "--only",
            "boards",
            "--link",
            "gbe",
        ])
        .assert()
        .success();
    assert_eq!(listed(&drawn), ["reports/profiles-boards.svg"]);
    let svg = std::fs::read_to_string(folder.path().join("reports/profiles-boards.svg")).unwrap();
    check(&svg);
    assert!(svg.contains("synthetic.onnx: 2 boards"), "{svg}");
    report(folder.path())
        .args(["quick.toml", "--only", "boards"])
        .assert()
        .code(4)
        .stderr(predicate::str::contains("two profiles or more"));
}

#[test]
fn energy_needs_power_and_accuracy_needs_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut profile = network(20, ugly);
    save(&profile, &folder.path().join("profile.toml"));
    report(folder.path())
        .arg("profile.toml")
        .assert()
        .success()
        .stderr(predicate::str::contains("what power the board draws"))
        .stderr(predicate::str::contains("no accuracy file"));
    profile.power = Some(cutpoint_core::profile::Power {
        compute_w: 4.0,
        transmit_w: 2.0,
        idle_w: 1.0,
    });
    save(&profile, &folder.path().join("profile.toml"));
    let drawn = report(folder.path())
        .args(["profile.toml", "--only", "pareto-energy"])
        .assert()
        .success();
    assert_eq!(listed(&drawn), ["reports/pi5-synthetic-pareto-energy.svg"]);
}

#[test]
fn every_figure_fits_every_page() {
    let folder = tempfile::tempdir().unwrap();
    for layers in [10, 120, 500] {
        save(&network(layers, ugly), &folder.path().join("profile.toml"));
        for (width, height) in SIZES {
            let drawn = report(folder.path())
                .args(["profile.toml", "--rate", "1Gbit/s", "--delay", "50us"])
                .args(["--only", "layers,cuts,rate,halves,timeline"])
                .args([
                    "--width",
                    &width.to_string(),
                    "--height",
                    &height.to_string(),
                ])
                .assert()
                .success();
            for file in listed(&drawn) {
                check(&std::fs::read_to_string(folder.path().join(file)).unwrap());
            }
        }
    }
}
