//! `cutpoint explain`.

use crate::settings::Form::{Json, Text};
use crate::settings::{CLOUD, LADON, RIVER, SHAPES, SKIPNET};
use crate::test_dir::TestDir;

/// Nothing may be left open because a machine is slow.
const TIME: &str = "--time-limit 600s";

#[test]
fn of_settings() {
    let dir = TestDir::new();
    let with = |setting: &str| format!("{setting} {TIME}");
    dir.check_all(
        ("explain", "ladon", &with(LADON)),
        &[Text, Json],
        &[
            ("plain", ""),
            ("edge_memory", "--edge-memory 16MiB"),
            ("max_drop", "--max-drop 1%"),
            (
                "limits",
                "--edge-memory 64MiB --max-uplink 500kB --deadline 2s --raw-stays",
            ),
            ("why_not_tensors", "--why-not depth2,depth3,depth4"),
            (
                "why_not_limited",
                "--why-not depth2 --edge-memory 20MiB --max-uplink 1MB",
            ),
            ("why_not_codec", "--why-not bottleneck --max-drop 3%"),
            ("weighted", "--objective weighted --weight detect=3"),
            ("infeasible", "--edge-memory 1kB --keep-on-edge depth2"),
        ],
    );
    dir.check_all(
        ("explain", "ladon", &with(LADON)),
        &[Text],
        &[
            ("overlap", "--schedule overlap --keep-on-edge classes"),
            ("throughput", "--objective throughput"),
            ("why_not_itself", "--why-not image"),
            (
                "why_not_outputs",
                "--why-not depth4,depth5,classes --why-not boxes",
            ),
            ("why_not_unknown", "--why-not depth33"),
            ("why_not_impossible", "--why-not depth3"),
            (
                "why_not_overlap",
                "--schedule overlap --why-not depth4,depth5,classes,boxes",
            ),
            ("pinned", "--keep-on-edge depth2 --keep-on-server mask"),
            ("floor", "--floor classify=0.76 --max-drop detect=2%"),
            ("fps", "--fps 2 --link-share 90%"),
        ],
    );
    dir.check_all(
        ("explain", "river", &with(RIVER)),
        &[Text, Json],
        &[
            ("plain", ""),
            ("capacity", "--capacity BRAM=60 --capacity LUT=40000"),
            ("energy", "--max-energy 4mJ --fps 30 --max-power 1W"),
            ("why_not", "--why-not lstm1"),
        ],
    );
    dir.check_all(
        ("explain", "cloud", &with(CLOUD)),
        &[Text, Json],
        &[
            ("plain", ""),
            ("why_not", "--why-not features1,voxel_places"),
        ],
    );
}

#[test]
fn of_the_bundled_models() {
    let dir = TestDir::new();
    let with = |setting: &str| format!("{setting} {TIME}");
    dir.check_all(
        ("explain", "mobilenet", &with(SHAPES)),
        &[Text, Json],
        &[
            ("plain", ""),
            ("max_drop", "--max-drop 5% --edge-memory 46MB"),
        ],
    );
    dir.check_all(
        ("explain", "skipnet", &with(SKIPNET)),
        &[Text],
        &[("plain", "--raw-stays")],
    );
}

#[test]
fn of_plan_files() {
    let dir = TestDir::new();
    let server = |times: &str| {
        let text = "format = 1\nname = \"a server\"\nbase = \"edge profile scaled\"\n";
        dir.write("server.toml", format!("{text}speedup = {times}\n"));
    };
    server("6.5");
    dir.prepare(&[
        &format!("plan {LADON} --max-drop 3% --edge-memory 64MiB --out plan.toml"),
        "plan --edge ladon.toml --server server.toml --link wifi --out other.toml",
    ]);
    dir.write(
        "changed.toml",
        std::fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/profiles/examples/ladon.toml"
        ))
        .unwrap()
        .replace("edge_us = 60_000", "edge_us = 6_000"),
    );
    let of = |words: &str| format!("explain {words} {TIME}");
    dir.check([
        ("explain__plan__plain", of("plan.toml")),
        ("explain__plan__json", of("plan.toml --json")),
        ("explain__plan__rate", of("plan.toml --rate 1Mbit/s")),
        (
            "explain__plan__limit",
            of("plan.toml --edge-memory 4MB --max-drop 0%"),
        ),
        ("explain__plan__why_not", of("plan.toml --why-not depth2")),
        ("explain__plan__server", of("plan.toml --server sim:2x")),
        (
            "explain__plan__edge",
            of("plan.toml --edge changed.toml --accuracy ladon.accuracy.toml"),
        ),
        ("explain__plan__other_server", of("other.toml")),
        ("explain__plan__missing", of("none.toml")),
        ("explain__plan__profile", of("ladon.toml")),
        ("explain__plan__nothing", of("")),
        (
            "explain__plan__range",
            of("plan.toml --rate 1Mbit/s..2Mbit/s"),
        ),
    ]);
    server("4.0");
    dir.check([("explain__plan__changed_server", of("other.toml"))]);
    std::fs::remove_file(dir.path("ladon.toml")).unwrap();
    dir.check([("explain__plan__gone", of("other.toml"))]);
}
