//! `cutpoint report`: figures, pages, tables and comparisons.

use crate::settings::{CLOUD, LADON, RIVER, SHAPES, SKIPNET};
use crate::test_dir::TestDir;

/// Plans, sweeps and maps to draw.
fn dir() -> TestDir {
    let dir = TestDir::new();
    dir.prepare(&[
        &format!("plan {LADON} --max-drop 3% --out ladon-plan.toml"),
        &format!("plan {LADON} --schedule overlap --keep-on-edge classes --out overlap.toml"),
        &format!("plan {RIVER} --out river-plan.toml"),
        &format!("plan {CLOUD} --out cloud-plan.toml"),
        &format!("plan {SHAPES} --max-drop 5% --out mobilenet-plan.toml"),
        &format!("plan {SKIPNET} --out skipnet-plan.toml"),
        "plan --edge mobilenet.toml --edge skipnet.toml --server sim:8x --rate 1Gbit/s --out set.toml",
        "sweep --edge ladon.toml --server sim:8x --delay 20ms --rate 10kbit/s..1Gbit/s --out sweep.toml",
        "sweep --edge ladon.toml --server sim:8x --rate 10Mbit/s --over edge-memory=1MiB..256MiB --out over.toml",
        "sweep --edge ladon.toml --server sim:8x --rate 100kbit/s..1Gbit/s --over delay=0ms..1s --map --rows 5 --out map.toml",
    ]);
    dir
}

#[test]
fn figures_of_examples() {
    let dir = dir();
    dir.check([
        ("report__ladon__figures", "report ladon.toml ladon-plan.toml --out figures"),
        ("report__ladon__figures_json", "report ladon.toml ladon-plan.toml --out figures --json"),
        ("report__ladon__overlap", "report ladon.toml overlap.toml --only timeline,network --out figures"),
        ("report__river__figures", "report lstm-fpga.toml river-plan.toml --out figures"),
        ("report__cloud__figures", "report point-cloud.toml cloud-plan.toml --server point-cloud.toml --out figures"),
        ("report__ladon__sweep", "report sweep.toml --out figures"),
        ("report__ladon__over", "report over.toml --out figures"),
        ("report__ladon__map", "report map.toml --out figures"),
        ("report__ladon__plan_alone", "report ladon-plan.toml --out figures"),
        ("report__ladon__default_folder", "report ladon.toml --only rate"),
        ("report__ladon__everything", "report ladon.toml ladon-plan.toml sweep.toml over.toml map.toml --out figures --only rate,over,map"),
    ]);
}

#[test]
fn looks() {
    let dir = dir();
    let of = |words: &str| format!("report ladon.toml ladon-plan.toml --out figures {words}");
    dir.check([
        ("report__look__column", of("--only timeline --width 480 --height 320")),
        ("report__look__slide", of("--only timeline,rate --width 1600")),
        ("report__look__high", of("--only timeline --height 900")),
        ("report__look__light", of("--only timeline --theme light")),
        ("report__look__dark", of("--only timeline,map --theme dark")),
        ("report__look__pareto", of("--only pareto")),
        ("report__look__rates", of("--only rate,tradeoff --rate 1Mbit/s..100Mbit/s")),
        ("report__look__link", of("--only cuts,map --link 4g --max-uplink 500kB")),
        ("report__look__infeasible", of("--only timeline,cuts --edge-memory 1kB --keep-on-edge depth2")),
        ("report__look__too_small", of("--width 100")),
        ("report__look__unknown", of("--only pie")),
        ("report__look__boards", "report ladon.toml mobilenet.toml skipnet.toml --only boards --link 4g --theme light --out figures".to_owned()),
    ]);
}

#[test]
fn figures_of_the_bundled_models() {
    dir().check([
        (
            "report__set__figures",
            "report mobilenet.toml skipnet.toml set.toml --only timeline,network,boards --out figures",
        ),
        (
            "report__set__tables",
            "report set.toml --format text",
        ),
        (
            "report__mobilenet__tradeoff",
            "report mobilenet.toml --only tradeoff,codecs --rate 1Mbit/s..1Gbit/s --out figures",
        ),
        (
            "report__mobilenet__figures",
            "report mobilenet.toml mobilenet-plan.toml --out figures",
        ),
        (
            "report__skipnet__figures",
            "report skipnet.toml skipnet-plan.toml --out figures",
        ),
        (
            "report__mobilenet__on_t4",
            "report mobilenet.toml --server t4.toml --link gbe --out figures --json",
        ),
    ]);
}

#[test]
fn pages() {
    dir().check([
        ("report__page__ladon", "report ladon.toml ladon-plan.toml --html page.html --out figures --only timeline"),
        ("report__page__ladon_default", "report ladon.toml --html --out figures --only rate --json"),
        ("report__page__ladon_limited", "report ladon.toml --link 4g --max-uplink 100kB --html page.html --only cuts"),
        ("report__page__ladon_infeasible", "report ladon.toml --edge-memory 1kB --keep-on-edge depth2 --html page.html --only cuts"),
        ("report__page__river", "report lstm-fpga.toml river-plan.toml --html page.html --only timeline,pareto"),
        ("report__page__sweep", "report sweep.toml --html page.html"),
        ("report__page__wrong_name", "report ladon.toml --html page.pdf"),
    ]);
}

#[test]
fn pages_of_the_bundled_models() {
    dir().check([
        (
            "report__page__mobilenet",
            "report mobilenet.toml mobilenet-plan.toml --html page.html --only timeline",
        ),
        (
            "report__page__two",
            "report ladon.toml skipnet.toml --html page.html --only boards --link wifi",
        ),
    ]);
}

#[test]
fn tables() {
    let dir = dir();
    let formats = ["text", "markdown", "csv", "json", "latex"];
    let files = [
        ("ladon", "ladon.toml ladon-plan.toml sweep.toml"),
        ("river", "lstm-fpga.toml river-plan.toml"),
        (
            "cloud",
            "point-cloud.toml cloud-plan.toml --server point-cloud.toml",
        ),
        ("mobilenet", "mobilenet.toml mobilenet-plan.toml --top 12"),
    ];
    let all = files.iter().flat_map(|(of, files)| {
        formats.map(|format| {
            let line = format!("report {files} --format {format}");
            (format!("report__tables__{of}__{format}"), line)
        })
    });
    dir.check(all);
    let names = [
        "whole", "layers", "halves", "cuts", "plan", "crossing", "tasks",
    ];
    dir.check(names.map(|name| {
        let line = "report mobilenet.toml mobilenet-plan.toml --format text --table";
        (
            format!("report__table__mobilenet__{name}"),
            format!("{line} {name}"),
        )
    }));
    dir.check([
        (
            "report__table__sweep",
            "report sweep.toml --format markdown --table sweep",
        ),
        ("report__table__over", "report over.toml --format text"),
        ("report__table__map", "report map.toml --format text"),
        (
            "report__table__overlap",
            "report overlap.toml --format text",
        ),
        (
            "report__table__two_names",
            "report ladon.toml ladon-plan.toml --format csv --table layers,tasks",
        ),
        (
            "report__table__top",
            "report skipnet.toml --format latex --table layers --top 10",
        ),
        (
            "report__table__with_figures",
            "report ladon.toml --format text --table whole --out figures --only rate",
        ),
        (
            "report__table__unknown",
            "report ladon.toml --format text --table legs",
        ),
        (
            "report__table__not_there",
            "report ladon.toml --format text --table sweep",
        ),
        (
            "report__table__unknown_format",
            "report ladon.toml --format pdf",
        ),
        (
            "report__table__json_twice",
            "report ladon.toml --format json --json",
        ),
        (
            "report__table__names_alone",
            "report ladon.toml --table layers",
        ),
    ]);
}

#[test]
fn comparisons() {
    let dir = dir();
    let formats = ["text", "markdown", "csv", "json", "latex"];
    dir.check(formats.map(|format| {
        let line =
            format!("report --compare mobilenet.toml mobilenet-again.toml --format {format}");
        (format!("report__compare__mobilenet__{format}"), line)
    }));
    dir.check([
        (
            "report__compare__default",
            "report --compare mobilenet.toml mobilenet-again.toml",
        ),
        (
            "report__compare__figure",
            "report --compare mobilenet.toml mobilenet-again.toml --out figures",
        ),
        (
            "report__compare__itself",
            "report --compare mobilenet.toml mobilenet.toml --out figures",
        ),
        (
            "report__compare__by_hand",
            "report --compare ladon.toml ladon.toml --out figures",
        ),
        (
            "report__compare__other_model",
            "report --compare mobilenet.toml skipnet.toml",
        ),
        ("report__compare__one", "report --compare mobilenet.toml"),
        (
            "report__compare__three",
            "report ladon.toml --compare mobilenet.toml mobilenet-again.toml",
        ),
        (
            "report__compare__plan",
            "report --compare ladon-plan.toml ladon.toml",
        ),
    ]);
}
