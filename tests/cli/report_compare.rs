//! What changed between two profiles: known changes are found, noise is not.

use std::path::Path;

use assert_cmd::Command;
use cutpoint_core::profile::{LayerRecord, Profile};
use cutpoint_report::figures::Figure;
use cutpoint_report::figures::compare::{self, CompareData, CompareError, Verdict};
use cutpoint_report::{ReportError, Style, Theme};
use cutpoint_testkit::networks::{check, count, network, ugly};
use predicates::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The network with some layers' times multiplied.
fn changed(profile: &Profile, factor: impl Fn(usize) -> f64) -> Profile {
    let mut after = profile.clone();
    after.board.name = "jetson".into();
    for (index, layer) in after.layers.iter_mut().enumerate() {
        layer.trace_us *= factor(index);
        layer.mad_us *= factor(index);
    }
    let sum: f64 = after.layers.iter().map(|l| l.trace_us).sum();
    after.whole.median_us = sum;
    after
}

fn verdicts(data: &CompareData, wanted: Verdict) -> Vec<&str> {
    let layers = data.layers.iter();
    let of = layers.filter(|l| Verdict::of(l.change) == wanted);
    of.map(|l| l.name.as_str()).collect()
}

#[test]
fn what_changed_is_found_and_nothing_else() {
    let before = network(60, |i| format!("layer{i}"));
    let after = changed(&before, |i| match i {
        7 => 1.5,
        20 => 3.0,
        33 => 0.5,
        _ => 1.0,
    });
    let data = compare::gather(&before, &after).unwrap();
    assert_eq!(verdicts(&data, Verdict::Slower), ["layer7", "layer20"]);
    assert_eq!(verdicts(&data, Verdict::Faster), ["layer33"]);
    assert_eq!(verdicts(&data, Verdict::Unknown), [""; 0]);
    let seventh = data.layers[7].change.unwrap();
    assert!((seventh.ratio - 1.5).abs() < 1e-9);
    assert!(seventh.low < 1.5 && 1.5 < seventh.high);
    // the other way round, the same layers the other way
    let back = compare::gather(&after, &before).unwrap();
    assert_eq!(verdicts(&back, Verdict::Faster), ["layer7", "layer20"]);
    // and nothing in itself
    let same = compare::gather(&before, &before).unwrap();
    assert_eq!(verdicts(&same, Verdict::WithinNoise).len(), 60);
}

#[test]
fn the_interval_is_the_one_of_the_formula() {
    let mut before = network(4, |i| format!("layer{i}"));
    before.method.repeatability = 0.0;
    for layer in &mut before.layers {
        (layer.trace_us, layer.mad_us, layer.runs) = (100.0, 2.0, 25);
    }
    let after = changed(&before, |_| 1.1);
    let change = compare::gather(&before, &after).unwrap().layers[0]
        .change
        .unwrap();
    // both relative errors are 1.2533 * 1.4826 * 2 / sqrt(25) / 100; Student's quantile at
    // 1 - 0.05 / 4 / 2 with 24 degrees of freedom is 2.70023 (by the incomplete beta function)
    let error = 2f64.sqrt() * 1.2533 * 1.4826 * 0.4 / 100.0;
    assert!(
        (change.high / 1.1 - (2.700_23 * error).exp()).abs() < 1e-6,
        "{change:?}"
    );
    assert!((change.low * change.high - 1.1f64.powi(2)).abs() < 1e-9);
}

/// Median and median absolute deviation.
fn summary(samples: &[f64]) -> (f64, f64) {
    let median = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let half = sorted.len() / 2;
        if sorted.len() % 2 == 1 {
            sorted[half]
        } else {
            (sorted[half - 1] + sorted[half]) / 2.0
        }
    };
    let centre = median(samples);
    let away: Vec<f64> = samples.iter().map(|x| (x - centre).abs()).collect();
    (centre, median(&away))
}

/// The network as a measurement of `runs` runs would show it: every layer 100 us, with normal noise
/// of 5 %.
fn measured(profile: &Profile, runs: usize, dice: &mut ChaCha8Rng) -> Profile {
    let mut measured = profile.clone();
    let mut normal = || (0..12).map(|_| dice.random::<f64>()).sum::<f64>() - 6.0;
    let mut measure = |layer: &mut LayerRecord| {
        let samples: Vec<f64> = (0..runs).map(|_| 100.0 * (1.0 + 0.05 * normal())).collect();
        (layer.trace_us, layer.mad_us) = summary(&samples);
        layer.runs = runs;
    };
    measured.layers.iter_mut().for_each(&mut measure);
    measured.method.repeatability = 0.0;
    measured
}

#[test]
fn noise_alone_is_called_a_change_as_rarely_as_promised() {
    let mut dice = ChaCha8Rng::seed_from_u64(5);
    let profile = network(40, |i| format!("layer{i}"));
    const TIMES: usize = 300;
    let alarms = (0..TIMES).filter(|_| {
        let [before, after] = [(); 2].map(|()| measured(&profile, 30, &mut dice));
        let data = compare::gather(&before, &after).unwrap();
        verdicts(&data, Verdict::WithinNoise).len() < 40
    });
    // at most 5 % are promised; three deviations of such a count more would be chance. The
    // deviation from the median of 30 runs is itself uncertain, which the promise has room for.
    let most = 0.05 * TIMES as f64 + 3.0 * (0.05 * 0.95 * TIMES as f64).sqrt();
    let alarms = alarms.count();
    assert!((alarms as f64) < most, "{alarms} of {TIMES}");
}

#[test]
fn what_one_runtime_fuses_is_compared_as_one() {
    let before = network(12, |i| format!("layer{i}"));
    let mut after = changed(&before, |i| if i == 4 { 4.0 } else { 1.0 });
    // layers 3 and 4 are one now, and 8 and 9 were one before
    let fuse = |profile: &mut Profile, at: usize| {
        let first = profile.layers.remove(at);
        let last = &mut profile.layers[at];
        last.members.insert(0, first.id);
        last.trace_us += first.trace_us;
        last.mad_us += first.mad_us;
    };
    let mut before = before;
    fuse(&mut before, 8);
    fuse(&mut after, 3);
    let data = compare::gather(&before, &after).unwrap();
    assert_eq!(data.layers.len(), 10);
    assert_eq!(verdicts(&data, Verdict::Slower), ["layer4"]);
    assert_eq!(data.layers[3].merged, 2);
    assert_eq!(data.layers[3].operator, "Add+Conv");
    assert_eq!(data.layers[7].merged, 2);
    let total = |of: fn(&LayerRecord) -> f64| after.layers.iter().map(of).sum::<f64>();
    let compared: f64 = data.layers.iter().map(|l| l.after.median_us).sum();
    assert!((compared - total(|l| l.trace_us)).abs() < 1e-6);
}

#[test]
fn without_spread_nothing_is_claimed() {
    let mut before = network(10, |i| format!("layer{i}"));
    let after = changed(&before, |_| 10.0);
    before.layers[2].mad_us = 0.0;
    before.layers[5].runs = 0;
    let data = compare::gather(&before, &after).unwrap();
    assert_eq!(verdicts(&data, Verdict::Unknown), ["layer2", "layer5"]);
    assert_eq!(verdicts(&data, Verdict::Slower).len(), 8);
    for layer in &mut before.layers {
        layer.runs = 1;
    }
    let data = compare::gather(&before, &after).unwrap();
    let error = Figure::draw(&data, &Style::default()).unwrap_err();
    assert!(
        error.to_string().contains("no layer has a spread"),
        "{error}"
    );
}

#[test]
fn figures_hold_every_changed_layer_and_no_text_overlaps() {
    for (layers, step) in [(1, 1), (10, 1), (120, 5), (120, 1), (500, 1)] {
        let before = network(layers, ugly_and_unlike);
        let after = changed(&before, |i| match (i % step, i % 2) {
            (0, 0) => 1.3 + (i % 11) as f64 / 5.0,
            (0, _) => 0.7 - (i % 7) as f64 / 14.0,
            _ => 1.0,
        });
        let data = compare::gather(&before, &after).unwrap();
        for theme in [Theme::Auto, Theme::Dark] {
            let style = Style {
                theme,
                ..Style::default()
            };
            let svg = Figure::draw(&data, &style).unwrap();
            if theme == Theme::Auto {
                check(&svg);
            }
            let slower = verdicts(&data, Verdict::Slower).len();
            // and one in the legend
            assert_eq!(count(&svg, "server-half", "polygon"), slower + 1);
        }
    }
}

fn ugly_and_unlike(i: usize) -> String {
    format!("{}{i}", ugly(i))
}

#[test]
fn small_changes_are_drawn_in_percent_and_huge_ones_stay_inside() {
    let before = network(20, |i| format!("layer{i}"));
    for (factor, mark) in [(1.12, "+5 %"), (4e5, "×")] {
        let after = changed(&before, |i| if i % 3 == 0 { factor } else { 1.0 });
        let data = compare::gather(&before, &after).unwrap();
        let svg = Figure::draw(&data, &Style::default()).unwrap();
        check(&svg);
        assert!(svg.contains(mark), "{svg}");
    }
}

#[test]
fn nothing_changed_is_said_in_words() {
    let before = network(20, |i| format!("layer{i}"));
    let data = compare::gather(&before, &before).unwrap();
    let error = Figure::draw(&data, &Style::default()).unwrap_err();
    assert!(matches!(
        error,
        ReportError::Nothing {
            figure: "compare",
            ..
        }
    ));
    assert!(error.to_string().contains("no layer changed beyond noise"));
}

#[test]
fn other_models_shapes_and_layers_are_refused() {
    let before = network(10, |i| format!("layer{i}"));
    let mut other = before.clone();
    other.model.sha256 = "1".repeat(64);
    let error = compare::gather(&before, &other).unwrap_err();
    assert!(matches!(error, CompareError::OtherModel(..)), "{error}");
    let mut other = before.clone();
    other.model.shapes = vec!["image=2x3x64x64".into()];
    let error = compare::gather(&before, &other).unwrap_err();
    assert!(error.to_string().contains("image=2x3x64x64"), "{error}");
    let other = network(10, |i| format!("other{i}"));
    let error = compare::gather(&before, &other).unwrap_err();
    assert!(matches!(error, CompareError::Unmatched(_)), "{error}");
    let fewer = network(9, |i| format!("layer{i}"));
    for (a, b) in [(&before, &fewer), (&fewer, &before)] {
        let error = compare::gather(a, b).unwrap_err();
        assert_eq!(error, CompareError::Unmatched("layer9".into()));
    }
}

fn program(folder: &Path, words: &str) -> Command {
    let mut command = Command::cargo_bin("cutpoint").unwrap();
    command.current_dir(folder).args(words.split_whitespace());
    command
}

#[test]
fn the_program_prints_the_table_and_draws_the_figure() {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, profile: &Profile| {
        let path = folder.path().join(name);
        std::fs::write(&path, profile.to_toml(&path).unwrap()).unwrap();
    };
    let before = network(30, ugly_and_unlike);
    save("a.toml", &before);
    save(
        "b.toml",
        &changed(&before, |i| if i == 3 { 2.0 } else { 1.0 }),
    );
    program(folder.path(), "report --compare a.toml b.toml --out new")
        .assert()
        .success()
        .stdout(predicate::str::contains("slower").and(predicate::str::contains("(whole model)")))
        .stderr(predicate::str::contains("new/jetson-synthetic-compare.svg"));
    let figure = folder.path().join("new/jetson-synthetic-compare.svg");
    check(&std::fs::read_to_string(figure).unwrap());

    let output = program(folder.path(), "report --compare a.toml b.toml --format csv")
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(!folder.path().join("reports").exists());
    let mut rows = csv::Reader::from_reader(output.stdout.as_slice());
    let verdict = rows
        .headers()
        .unwrap()
        .iter()
        .position(|h| h == "verdict")
        .unwrap();
    let verdicts: Vec<String> = rows
        .records()
        .map(|r| r.unwrap()[verdict].to_owned())
        .collect();
    assert_eq!(verdicts.len(), 31);
    assert_eq!(verdicts[3], "slower");

    // an answer, though there is no picture of it
    program(folder.path(), "report --compare a.toml a.toml --json")
        .assert()
        .success()
        .stdout(predicate::str::contains("no layer changed beyond noise"));
    save("other.toml", &network(31, ugly_and_unlike));
    let mut third = before;
    third.model.sha256 = "1".repeat(64);
    save("third.toml", &third);
    for (words, code, part) in [
        ("--compare a.toml third.toml", 4, "different models"),
        ("--compare a.toml other.toml", 4, "does not know"),
        ("--compare a.toml", 2, "2 values"),
        ("--compare a.toml b.toml a.toml", 2, "cannot be used with"),
        ("--compare a.toml missing.toml", 4, "missing.toml"),
        (
            "--compare a.toml b.toml --format csv --table layers",
            4,
            "no such table",
        ),
        ("", 2, "required"),
    ] {
        program(folder.path(), &format!("report {words}"))
            .assert()
            .code(code)
            .stdout("")
            .stderr(predicate::str::contains(part));
    }
}
