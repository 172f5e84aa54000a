//! The main job from end to end, as the README's first command runs it.

use std::path::Path;
use std::process::Command;

use cutpoint_core::plan::{Plan, Status, Sweep};
use cutpoint_core::profile::Profile;

#[test]
fn the_demo_measures_plans_cuts_and_draws() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cutpoint"))
        .arg("demo")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{messages}");

    let at = |path: &str| folder.path().join(path);
    let name = "mtlsplit_mobilenet_v3_small_64";
    let profile = Profile::load(&at(&format!("profiles/demo/{name}.toml"))).unwrap();
    check_profile(&profile);

    let plan = Plan::load(&at("reports/demo/plan.toml")).unwrap();
    assert_eq!(plan.status, Status::Optimal);
    assert_eq!(plan.edge.len() + plan.server.len(), profile.layers.len());
    assert!(plan.setting.simulated);
    let worst = plan.tasks.iter().map(|task| task.accuracy_drop.unwrap());
    assert!(worst.fold(0.0, f64::max) <= 0.01);
    let sweep = Sweep::load(&at("reports/demo/sweep.toml")).unwrap();
    for pair in sweep.segments.windows(2) {
        assert_eq!(pair[0].to_bit_s, pair[1].from_bit_s);
        let differs = |a: &Plan, b: &Plan| a.edge != b.edge || a.crossing != b.crossing;
        assert!(differs(&pair[0].plan, &pair[1].plan));
    }

    // carried by the program, which does not run in a checkout here
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("models/{name}.onnx"));
    let unpacked = std::fs::read(at(&format!("reports/demo/{name}.onnx"))).unwrap();
    assert!(unpacked == std::fs::read(kept).unwrap());

    for half in ["edge.onnx", "server.onnx", "split.toml"] {
        assert!(at("reports/demo/split").join(half).is_file(), "{half}");
    }
    for figure in [
        "plan-layers",
        "plan-cuts",
        "rate",
        "plan-halves",
        "plan-tradeoff",
    ] {
        let path = at(&format!("reports/demo/demo-{name}-{figure}.svg"));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(roxmltree::Document::parse(&text).is_ok(), "{figure}");
    }
    only_these(folder.path(), &["profiles", "reports"]);
}

/// The rules that a measured profile keeps whatever the machine does.
fn check_profile(profile: &Profile) {
    let whole = profile.whole.median_us;
    for sum in [
        profile.layers.iter().map(|l| l.edge_us).sum::<f64>(),
        profile.layers.iter().map(|l| l.server_us).sum::<f64>(),
    ] {
        // layers are whole nanoseconds and so is their sum
        assert!((sum - whole).abs() < 1e-6 * whole, "{sum} against {whole}");
    }
    assert!(profile.cuts.len() > 20);
    let all_server = profile.cuts.iter().find(|cut| cut.tensors == ["image"]);
    assert!(all_server.is_some());
    // what was measured is reproduced; the bound leaves room for a machine that is never quiet
    let residuals = profile
        .cuts
        .iter()
        .map(|c| c.edge_residual_us.abs().max(c.server_residual_us.abs()));
    let within = residuals.filter(|us| *us < 0.05 * whole).count();
    assert!(10 * within >= 9 * profile.cuts.len());
    assert!(profile.memory.base_bytes > 0 && profile.memory.weight_factor > 0.0);
    assert!(profile.codecs.len() >= 3);
}

fn only_these(folder: &Path, names: &[&str]) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(names.iter().any(|n| *n == name), "{name:?}");
    }
}
