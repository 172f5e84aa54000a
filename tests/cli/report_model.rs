//! The figures of the model itself, drawn by the program.

use std::path::Path;

use assert_cmd::Command;
use cutpoint_core::profile::Profile;
use cutpoint_testkit::networks::{check, network, ugly};
use predicates::prelude::*;

fn report(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
    command
        .current_dir(folder)
        .args(["report", "p.toml", "--rate", "100Mbit/s"]);
    command
}

fn save(profile: &Profile, folder: &Path) {
    let file = folder.join("p.toml");
    std::fs::write(&file, profile.to_toml(&file).unwrap()).unwrap();
}

fn figure(folder: &Path, name: &str) -> String {
    let file = folder.join(format!("reports/pi5-synthetic-{name}.svg"));
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn a_profile_gives_network_time_so_far_and_roofline() {
    let folder = tempfile::tempdir().unwrap();
    for layers in [10, 120, 500] {
        save(&network(layers, ugly), folder.path());
        report(folder.path())
            .assert()
            .success()
            .stdout(predicate::str::contains(
                "reports/pi5-synthetic-network.svg",
            ))
            .stderr(predicate::str::contains(
                "`codecs` is left out: there is no accuracy file",
            ));
        for name in ["network", "cumulative", "roofline"] {
            check(&figure(folder.path(), name));
        }
        // without a plan in the call it is the best for the link
        assert!(figure(folder.path(), "network").contains("where the network is cut"));
    }
}

#[test]
fn an_accuracy_file_beside_the_profile_gives_codec_ladders() {
    let folder = tempfile::tempdir().unwrap();
    save(&network(20, |i| format!("layer{i}")), folder.path());
    let write = |crossing: &str| {
        let text = format!(
            "format = 1\n[model]\nfile = \"synthetic.onnx\"\nsha256 = \"{}\"\n\
             [data]\nsource = \"shapes\"\nsamples = 9\n\
             [[task]]\nname = \"layer17\"\nmetric = \"top1\"\nbaseline = 0.9\n\
             {crossing}",
            "0".repeat(64)
        );
        std::fs::write(folder.path().join("p.accuracy.toml"), text).unwrap();
    };
    write(
        "[[crossing]]\ntensor = \"layer7\"\ncodec = \"f16\"\nbytes_mean = 900.0\n\
         drop = [{ task = \"layer17\", mean = 0.01 }]\n",
    );
    report(folder.path()).assert().success();
    let svg = figure(folder.path(), "codecs");
    check(&svg);
    assert!(svg.contains("codecs of layer7") && svg.contains(">f16</text>"));

    write("");
    std::fs::remove_dir_all(folder.path().join("reports")).unwrap();
    let none = "the accuracy file has no codecs";
    report(folder.path())
        .assert()
        .stderr(predicate::str::contains(none));
    assert!(
        !folder
            .path()
            .join("reports/pi5-synthetic-codecs.svg")
            .exists()
    );
}

#[test]
fn a_network_that_no_plan_fits_is_drawn_without_one() {
    let folder = tempfile::tempdir().unwrap();
    save(&network(12, ugly), folder.path());
    report(folder.path())
        .args(["--keep-on-server", "*", "--keep-on-edge", "*"])
        .assert()
        .success();
    assert!(figure(folder.path(), "network").contains("the network</title>"));
}
