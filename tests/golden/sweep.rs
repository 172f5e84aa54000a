//! `cutpoint sweep`: over rates, over anything else, maps and look-up tables.

use crate::settings::Form::{Json, Out, Text};
use crate::settings::{CLOUD, RIVER};
use crate::test_dir::TestDir;

const LADON: &str = "--edge ladon.toml --server sim:8x --delay 20ms --rate 10kbit/s..1Gbit/s";
const SHAPES: &str = "--edge mobilenet.toml --server sim:8x --delay 100us --rate 1Mbit/s..10Gbit/s";
const SKIPNET: &str = "--edge skipnet.toml --server sim:8x --delay 2ms --rate 100kbit/s..10Gbit/s";

#[test]
fn over_rates() {
    let dir = TestDir::new();
    dir.check_all(
        ("sweep", "ladon", LADON),
        &[Text, Json, Out],
        &[
            ("plain", ""),
            ("max_drop", "--max-drop 3%"),
            ("edge_memory", "--edge-memory 16MiB"),
            ("deadline", "--deadline 1s"),
        ],
    );
    dir.check_all(
        ("sweep", "ladon", LADON),
        &[Text],
        &[
            ("weighted", "--objective weighted"),
            ("lateness", "--objective lateness --deadline 500ms"),
            ("throughput", "--objective throughput"),
            ("uplink", "--objective uplink"),
            ("overlap", "--schedule overlap --keep-on-edge classes"),
            ("anywhere", "--results anywhere"),
            ("down_rate", "--down-rate 10kbit/s"),
            ("linear", "--engine linear"),
            ("deadline_none", "--deadline 1ms"),
            ("memory_none", "--edge-memory 1kB --keep-on-edge depth2"),
            ("fps", "--fps 2 --link-share 80%"),
        ],
    );
    dir.check_all(
        (
            "sweep",
            "cloud",
            "--edge point-cloud.toml --server point-cloud.toml --rate 1Mbit/s..10Gbit/s",
        ),
        &[Text, Json],
        &[("plain", ""), ("percentile", "--percentile 95")],
    );
    dir.check_all(
        (
            "sweep",
            "river",
            "--edge lstm-fpga.toml --server sim:8x --rate 10kbit/s..100Mbit/s",
        ),
        &[Text, Out],
        &[
            ("plain", ""),
            ("energy", "--objective energy"),
            ("max_drop", "--max-drop 3%"),
            ("capacity", "--capacity BRAM=60"),
        ],
    );
}

#[test]
fn over_rates_of_the_bundled_models() {
    let dir = TestDir::new();
    dir.check_all(
        ("sweep", "mobilenet", SHAPES),
        &[Text, Json, Out],
        &[("plain", ""), ("max_drop", "--max-drop 5%")],
    );
    dir.check_all(
        ("sweep", "mobilenet", SHAPES),
        &[Text],
        &[
            ("overlap", "--schedule overlap --raw-stays"),
            ("throughput", "--objective throughput"),
        ],
    );
    dir.check_all(
        ("sweep", "skipnet", SKIPNET),
        &[Text, Json],
        &[("plain", ""), ("codec_q8", "--codec f32,q8")],
    );
    dir.check_all(
        (
            "sweep",
            "mobilenet",
            "--edge mobilenet.toml --delay 100us --rate 1Mbit/s..10Gbit/s",
        ),
        &[Text, Out],
        &[
            ("on_t4", "--server t4.toml"),
            ("on_itself", "--server mobilenet-again.toml"),
        ],
    );
    dir.check([(
        "sweep__two__models",
        "sweep --edge size.toml --edge type.toml --edge both.toml --server sim:8x --rate 100kbit/s..1Gbit/s",
    )]);
}

#[test]
fn look_up_tables() {
    let dir = TestDir::new();
    let to = |setting: &str, words: &str| format!("sweep {setting} --quiet {words}");
    dir.check([
        (
            "sweep__ladon__lookup_toml",
            to(LADON, "--lookup table.toml"),
        ),
        (
            "sweep__ladon__lookup_json",
            to(LADON, "--lookup table.json --hysteresis 15%"),
        ),
        (
            "sweep__ladon__lookup_eager",
            to(LADON, "--lookup table.toml --hysteresis 0%"),
        ),
        (
            "sweep__ladon__lookup_max_drop",
            to(LADON, "--lookup table.toml --max-drop 3%"),
        ),
        (
            "sweep__ladon__lookup_overlap",
            to(
                LADON,
                "--lookup table.toml --schedule overlap --keep-on-edge classes",
            ),
        ),
        (
            "sweep__mobilenet__lookup_toml",
            to(SHAPES, "--lookup table.toml --max-drop 5%"),
        ),
        (
            "sweep__skipnet__lookup_json",
            to(SKIPNET, "--lookup table.json"),
        ),
        (
            "sweep__ladon__hysteresis_alone",
            to(LADON, "--hysteresis 5%"),
        ),
        (
            "sweep__ladon__lookup_over",
            to(
                "--edge ladon.toml --server sim:8x --rate 10Mbit/s",
                "--over delay=0ms..1s --lookup table.toml",
            ),
        ),
    ]);
}

#[test]
fn over_limits() {
    let dir = TestDir::new();
    let ladon = "--edge ladon.toml --server sim:8x --rate 10Mbit/s";
    dir.check_all(
        ("sweep", "ladon_over", ladon),
        &[Text, Json, Out],
        &[
            ("edge_memory", "--over edge-memory=1MiB..256MiB"),
            ("delay", "--over delay=0ms..10s"),
            ("speed", "--over speed=1x..64x"),
            ("max_drop", "--over max-drop=0%..5%"),
        ],
    );
    dir.check_all(
        ("sweep", "ladon_over", ladon),
        &[Text],
        &[
            ("server_memory", "--over server-memory=1MiB..512MiB"),
            ("max_uplink", "--over max-uplink=1kB..4MB"),
            ("max_downlink", "--over max-downlink=1B..1MB"),
            ("max_message", "--over max-message=1kB..4MB"),
            ("deadline", "--over deadline=5ms..3s"),
            ("deadline_of_one", "--over deadline:detect=5ms..3s"),
            ("max_drop_of_one", "--over max-drop:detect=0%..5%"),
            ("floor", "--over floor:classify=0.7..0.78"),
            ("fps", "--over fps=0.1..60"),
            ("link_share", "--over link-share=1%..100% --fps 1"),
            (
                "delay_weighted",
                "--over delay=0ms..10s --objective weighted",
            ),
            (
                "delay_overlap",
                "--over delay=0ms..10s --schedule overlap --keep-on-edge classes",
            ),
            (
                "delay_throughput",
                "--over delay=0ms..10s --objective throughput",
            ),
            (
                "memory_none",
                "--over edge-memory=1kB..2kB --keep-on-edge depth2",
            ),
            ("energy_unknown", "--over max-energy=1mJ..1J"),
        ],
    );
    dir.check_all(
        ("sweep", "river_over", RIVER),
        &[Text],
        &[
            ("capacity", "--over capacity:BRAM=0..280"),
            ("max_energy", "--over max-energy=1nJ..100mJ"),
            ("max_power", "--over max-power=1mW..3W --fps 30"),
            ("max_drop", "--over max-drop=0%..5%"),
        ],
    );
    dir.check_all(
        (
            "sweep",
            "mobilenet_over",
            "--edge mobilenet.toml --server sim:8x --link gbe",
        ),
        &[Text],
        &[
            ("edge_memory", "--over edge-memory=43MB..64MiB"),
            ("max_drop", "--over max-drop=0%..20%"),
            ("max_uplink", "--over max-uplink=100B..100kB"),
            ("speed", "--over speed=1x..64x"),
        ],
    );
    dir.check_all(
        ("sweep", "cloud_over", CLOUD),
        &[Text, Out],
        &[
            ("max_uplink", "--over max-uplink=1kB..4MB"),
            ("speed", "--over speed=1x..64x"),
        ],
    );
}

#[test]
fn maps() {
    let dir = TestDir::new();
    let ladon = "--edge ladon.toml --server sim:8x --rate 100kbit/s..1Gbit/s";
    dir.check_all(
        ("sweep", "ladon_map", ladon),
        &[Text, Json, Out],
        &[
            ("plain", "--over delay=0ms..1s --map"),
            ("rows", "--over delay=10ms..1s --map --rows 5"),
            (
                "max_drop",
                "--over delay=0ms..1s --map --rows 3 --max-drop 3%",
            ),
            ("one_row", "--over delay=0ms..1s --map --rows 1"),
        ],
    );
    dir.check_all(
        (
            "sweep",
            "mobilenet_map",
            "--edge mobilenet.toml --server sim:8x --rate 10Mbit/s..10Gbit/s",
        ),
        &[Text],
        &[("rows", "--over delay=0ms..10ms --map --rows 4")],
    );
    dir.check_all(
        ("sweep", "ladon_map", "--edge ladon.toml --server sim:8x"),
        &[Text],
        &[
            ("one_rate", "--rate 1Mbit/s --over delay=0ms..1s --map"),
            ("forgotten", "--rate 1Mbit/s..2Mbit/s --over delay=0ms..1s"),
            (
                "of_memory",
                "--rate 1Mbit/s..2Mbit/s --over edge-memory=1MiB..2MiB",
            ),
            ("no_delay", "--rate 1Mbit/s..2Mbit/s --over fps=1..2 --map"),
            ("alone", "--rate 1Mbit/s..2Mbit/s --map"),
            (
                "no_rows",
                "--rate 1Mbit/s..2Mbit/s --over delay=0ms..1s --map --rows 0",
            ),
        ],
    );
}
