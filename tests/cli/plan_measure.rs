//! `plan --measure`: real runs of the plans nearest to the predicted best.

use std::path::Path;

use crate::sandbox::Sandbox;
use cutpoint_core::plan::{HalfEvidence, Plan};
use cutpoint_core::profile::Profile;

const MODEL: &str = "models/skipnet_3dec_64.onnx";
const PROFILE: &str = "profiles/here/skipnet_3dec_64.toml";

fn model() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(MODEL);
    path.display().to_string()
}

/// A sandbox with a profile of a bundled model, measured on this machine in no time.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let quick = ["--budget", "100ms", "--rounds", "5", "--threads", "1"];
    sandbox.ok(&[
        &["profile", &model(), "--board", "here", "--quiet"],
        &quick[..],
    ]
    .concat());
    sandbox
}

fn arguments<'a>(profile: &'a str, model: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let start = [
        "plan", "--edge", profile, "--server", "sim:8x", "--model", model,
    ];
    [&start, more].concat()
}

#[test]
fn the_choice_is_made_among_measurements() {
    let (sandbox, file) = (sandbox(), model());
    let wide = [
        "--rate",
        "200Mbit/s",
        "--measure",
        "3",
        "--out",
        "plan.toml",
    ];
    let json = sandbox.json(&arguments(PROFILE, &file, &wide));
    let plan = Plan::load(&sandbox.path("plan.toml")).unwrap();
    let found = plan.measured.clone().unwrap();
    assert_eq!(
        json["measured"]["plans"].as_array().unwrap().len(),
        found.plans.len()
    );
    assert!((1..=3).contains(&found.plans.len()));
    let chosen: Vec<_> = found.plans.iter().filter(|p| p.chosen).collect();
    let [chosen] = chosen.as_slice() else {
        panic!("one plan is chosen: {found:?}");
    };
    let least = found
        .plans
        .iter()
        .map(|p| p.measured_ms)
        .fold(f64::MAX, f64::min);
    // the first in predicted order of those that cannot be told from the least
    let first = found.plans.iter().find(|p| p.tied).unwrap();
    assert_eq!(&first, chosen);
    assert!(found.plans.iter().any(|p| p.tied && p.measured_ms == least));
    assert!(
        found
            .plans
            .is_sorted_by(|a, b| a.predicted_ms <= b.predicted_ms)
    );
    assert_eq!(plan.edge.len(), chosen.edge_layers);
    assert_eq!(plan.latency_ms, chosen.predicted_ms);
    assert_eq!(plan.evidence.edge, HalfEvidence::Measured);
    let regret = found.plans[0].measured_ms - chosen.measured_ms;
    assert!((found.regret_ms - regret).abs() < 1e-5, "{found:?}");
    for of in &found.plans {
        assert!(
            of.rounds > 0 && of.edge_ms > 0.0 && of.measured_ms >= of.edge_ms,
            "{of:?}"
        );
        let cut = !of.crossing.is_empty();
        assert_eq!(
            of.server_ms.is_some(),
            cut && of.edge_layers < plan.edge.len() + plan.server.len()
        );
    }
    assert!(found.server_measured && found.threads == 1);

    let one = ["--rate", "200Mbit/s", "--measure", "1", "--quiet"];
    let output = sandbox.run(&arguments(PROFILE, &file, &one));
    assert!(output.status.success() && output.stderr.is_empty());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("the predicted best is the fastest measured"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_measured_here_is_refused() {
    let (sandbox, file) = (sandbox(), model());
    let good = Profile::load(&sandbox.path(PROFILE)).unwrap();
    let refused = |change: &dyn Fn(&mut Profile), code: i32, parts: &[&str]| {
        let mut profile = good.clone();
        change(&mut profile);
        sandbox.profile("other.toml", &profile);
        let more = ["--link", "wifi", "--measure"];
        sandbox.refuses(code, &arguments("other.toml", &file, &more), parts);
    };
    let elsewhere = |profile: &mut Profile| profile.board.cpu = "Z80".to_owned();
    refused(&elsewhere, 4, &["was measured on Z80", "this machine is"]);
    let wide = |profile: &mut Profile| profile.board.threads = 4096;
    refused(&wide, 4, &["4096 threads"]);
    let by_hand = |profile: &mut Profile| profile.source = Some("a paper".to_owned());
    refused(&by_hand, 2, &["written by hand"]);
    let another = |profile: &mut Profile| profile.model.sha256 = "0".repeat(64);
    refused(&another, 4, &["not the model of the profile"]);
    for (more, part) in [
        (&["--measure", "0"][..], "from 1 to 20"),
        (
            &["--measure", "--objective", "uplink"],
            "latencies are compared",
        ),
        (&["--measure", "--data", "d"], "cannot be used with"),
        (&[], "--data to measure its accuracy"),
    ] {
        let more = [&["--link", "wifi"], more].concat();
        sandbox.refuses(2, &arguments(PROFILE, &file, &more), &[part]);
    }
}
