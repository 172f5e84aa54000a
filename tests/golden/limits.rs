//! `cutpoint plan` under limits, those that nothing meets among them.

use crate::settings::Form::{Json, Out, Text};
use crate::settings::{CLOUD, LADON, RIVER, SHAPES, SKIPNET};
use crate::test_dir::TestDir;

#[test]
fn of_memory_and_traffic() {
    let dir = TestDir::new();
    dir.check_all(
        ("plan", "ladon", LADON),
        &[Text, Json],
        &[
            ("edge_memory", "--edge-memory 16MiB"),
            ("edge_memory_binding", "--edge-memory 3900kB"),
            ("edge_memory_none", "--edge-memory 1kB"),
            ("server_memory", "--server-memory 64MiB"),
            (
                "server_memory_none",
                "--server-memory 1kB --keep-on-server boxes",
            ),
            ("both_memories", "--edge-memory 20MiB --server-memory 20MiB"),
            ("max_uplink", "--max-uplink 100kB"),
            ("max_uplink_binding", "--max-uplink 393215B"),
            ("max_uplink_exact", "--max-uplink 393216B"),
            ("max_downlink", "--max-downlink 10kB"),
            ("max_downlink_none", "--max-downlink 10B --edge-memory 4MiB"),
            ("max_message", "--max-message 1MiB"),
            (
                "max_message_none",
                "--max-message 100B --keep-on-server classes",
            ),
        ],
    );
    dir.check_all(
        ("plan", "mobilenet", SHAPES),
        &[Text],
        &[
            ("edge_memory", "--edge-memory 44MiB"),
            ("server_memory", "--server-memory 50MiB"),
            ("max_uplink", "--max-uplink 5kB"),
            ("max_uplink_none", "--max-uplink 1B --keep-on-server *"),
            (
                "three_limits",
                "--max-uplink 500B --edge-memory 42MB --deadline 1us",
            ),
        ],
    );
    dir.check_all(
        ("plan", "skipnet", SKIPNET),
        &[Text],
        &[
            ("edge_memory", "--edge-memory 50MB"),
            ("max_uplink", "--max-uplink 20kB"),
            ("max_message", "--max-message 30kB --raw-stays"),
        ],
    );
    dir.check_all(
        ("plan", "cloud", CLOUD),
        &[Text],
        &[
            ("max_uplink", "--max-uplink 600kB"),
            ("max_message", "--max-message 1MB"),
            ("max_message_p95", "--max-message 600kB --percentile 95"),
        ],
    );
}

#[test]
fn of_time() {
    let dir = TestDir::new();
    dir.check_all(
        ("plan", "ladon", LADON),
        &[Text, Json],
        &[
            ("deadline", "--deadline 600ms"),
            ("deadline_none", "--deadline 30ms"),
            ("deadline_of_one", "--deadline detect=550ms"),
            ("deadline_of_one_none", "--deadline detect=20ms"),
            ("deadlines", "--deadline 2s --deadline classify=540ms"),
            ("fps", "--fps 2"),
            ("fps_none", "--fps 30"),
            ("link_share", "--fps 1 --link-share 50%"),
            ("link_share_none", "--fps 20 --link-share 1%"),
        ],
    );
    dir.check_all(
        ("plan", "mobilenet", SHAPES),
        &[Text],
        &[
            ("deadline", "--deadline 5ms"),
            ("deadline_none", "--deadline 100us"),
            ("fps", "--fps 500"),
            ("link_share", "--fps 200 --link-share 10%"),
        ],
    );
}

#[test]
fn of_energy_and_capacities() {
    let dir = TestDir::new();
    dir.check_all(
        ("plan", "river", RIVER),
        &[Text, Json],
        &[
            ("max_energy", "--max-energy 5mJ"),
            ("max_energy_none", "--max-energy 1nJ"),
            ("max_power", "--fps 30 --max-power 800mW"),
            ("max_power_none", "--fps 30 --max-power 1mW"),
            ("capacity", "--capacity BRAM=60 --capacity LUT=40000"),
            ("capacity_of_one", "--capacity BRAM=40"),
            ("capacity_zero", "--capacity BRAM=0 --capacity mW=0"),
            ("capacity_none", "--capacity BRAM=10 --keep-on-edge lstm1"),
            ("capacity_unknown", "--capacity URAM=10"),
            ("max_power_without_fps", "--max-power 800mW"),
            ("link_share_without_fps", "--link-share 50%"),
        ],
    );
    dir.check_all(
        ("plan", "ladon", LADON),
        &[Text],
        &[
            ("max_energy_unknown", "--max-energy 5mJ"),
            ("capacity_unknown", "--capacity BRAM=5"),
        ],
    );
}

#[test]
fn of_place_and_privacy() {
    let dir = TestDir::new();
    dir.check_all(
        ("plan", "ladon", LADON),
        &[Text, Json],
        &[
            ("keep_on_edge", "--keep-on-edge depth3"),
            ("keep_on_edge_several", "--keep-on-edge depth*"),
            ("keep_on_server", "--keep-on-server boxes"),
            ("keep_everything_there", "--keep-on-server *"),
            ("keep_everything_here", "--keep-on-edge *"),
            ("keep_both", "--keep-on-edge boxes --keep-on-server depth4"),
            ("raw_stays", "--raw-stays"),
            ("raw_stays_none", "--raw-stays --keep-on-server bottleneck"),
            ("min_depth", "--min-depth 3"),
            ("min_depth_none", "--min-depth 40 --keep-on-server mask"),
            ("everything", "--raw-stays --edge-memory 64MiB --max-uplink 1MB --deadline 2s --fps 1 --keep-on-server boxes"),
        ],
    );
    dir.check_all(
        ("plan", "mobilenet", SHAPES),
        &[Text],
        &[
            ("raw_stays", "--raw-stays"),
            ("min_depth", "--min-depth 20"),
            ("keep_on_edge_unknown", "--keep-on-edge getitm_33"),
        ],
    );
}

#[test]
fn of_accuracy() {
    let dir = TestDir::new();
    dir.check_all(
        ("plan", "ladon", LADON),
        &[Text, Json],
        &[
            ("max_drop_0", "--max-drop 0%"),
            ("max_drop_3", "--max-drop 3%"),
            ("max_drop_10", "--max-drop 10%"),
            ("max_drop_of_one", "--max-drop detect=2%"),
            (
                "max_drop_of_all_and_one",
                "--max-drop 5% --max-drop segment=0.5%",
            ),
            ("floor", "--floor classify=0.76"),
            ("floor_none", "--floor classify=0.99"),
            (
                "floor_and_drop",
                "--floor classify=0.75 --max-drop detect=1%",
            ),
            (
                "drop_and_uplink_none",
                "--max-drop 1% --max-uplink 20kB --keep-on-server depth2 --raw-stays",
            ),
            (
                "drop_and_memory_none",
                "--max-drop 1% --max-uplink 20kB --edge-memory 20MiB",
            ),
            ("confidence", "--max-drop 3% --confidence 0.5"),
        ],
    );
    dir.check_all(
        ("plan", "mobilenet", SHAPES),
        &[Text, Json],
        &[
            ("max_drop_1", "--max-drop 1%"),
            ("max_drop_20", "--max-drop 20%"),
            ("max_drop_size", "--max-drop size=5%"),
            ("floor", "--floor type=0.8"),
            ("floor_none", "--floor type=1.5"),
            ("confidence", "--max-drop 5% --confidence 0.6"),
            (
                "drop_deadline_none",
                "--max-drop 5% --deadline 300us --raw-stays",
            ),
        ],
    );
    dir.check_all(
        (
            "plan",
            "mobilenet_slow",
            "--edge mobilenet.toml --server sim:8x --link 4g",
        ),
        &[Text],
        &[
            ("max_drop_5", "--max-drop 5%"),
            ("max_drop_30", "--max-drop 30%"),
        ],
    );
    dir.check_all(
        ("plan", "river", RIVER),
        &[Text, Json],
        &[
            ("max_drop", "--max-drop 1%"),
            ("max_drop_3", "--max-drop 3%"),
            ("floor", "--floor oxygen=0.505"),
            ("floor_none", "--floor oxygen=0.4"),
        ],
    );
    dir.check_all(
        ("plan", "skipnet", SKIPNET),
        &[Text],
        &[("max_drop_unknown", "--max-drop 1%")],
    );
    dir.check_all(
        ("plan", "ladon_elsewhere", LADON),
        &[Text, Out],
        &[
            ("accuracy", "--accuracy ladon.accuracy.toml --max-drop 1%"),
            (
                "accuracy_of_another",
                "--accuracy mobilenet.accuracy.toml --max-drop 1%",
            ),
        ],
    );
}
