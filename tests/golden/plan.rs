//! `cutpoint plan`: machines, links, codecs, objectives, schedules and engines.

use crate::settings::Form::{Json, Out, Text};
use crate::settings::{CLOUD, LADON, RIVER, SHAPES, SKIPNET};
use crate::test_dir::TestDir;

#[test]
fn in_every_form() {
    let dir = TestDir::new();
    for (of, setting) in [
        ("ladon", LADON),
        ("river", RIVER),
        ("cloud", CLOUD),
        ("mobilenet", SHAPES),
        ("skipnet", SKIPNET),
    ] {
        dir.check_all(("plan", of, setting), &[Text, Json, Out], &[("plain", "")]);
    }
    dir.check_all(
        ("plan", "ladon", LADON),
        &[Text, Json, Out],
        &[("max_drop", "--max-drop 1%")],
    );
    dir.check_all(
        ("plan", "mobilenet", SHAPES),
        &[Text, Json, Out],
        &[("max_drop", "--max-drop 5%")],
    );
    dir.check([
        ("plan__ladon__verbose", format!("plan {LADON} -v")),
        ("plan__ladon__quiet", format!("plan {LADON} --quiet")),
        (
            "plan__ladon__colour",
            format!("plan {LADON} --color always"),
        ),
        (
            "plan__ladon__to_standard_output",
            format!("plan {LADON} --out /dev/stdout"),
        ),
    ]);
}

#[test]
fn links() {
    let dir = TestDir::new();
    let servers = "--edge ladon.toml --server sim:8x";
    dir.check_all(
        ("plan", "ladon", servers),
        &[Text],
        &[
            ("lora", "--link lora"),
            ("3g", "--link 3g"),
            ("4g", "--link 4g"),
            ("wifi", "--link wifi"),
            ("5g", "--link 5g"),
            ("gbe", "--link gbe"),
            ("gbe_far", "--link gbe --delay 100ms"),
            ("slow", "--rate 1kbit/s"),
            ("fast", "--rate 10Gbit/s"),
            ("no_delay", "--rate 10Mbit/s"),
            (
                "down_rate",
                "--rate 10Mbit/s --down-rate 50kbit/s --delay 3ms",
            ),
        ],
    );
    dir.check_all(
        ("plan", "mobilenet", "--edge mobilenet.toml --server sim:8x"),
        &[Text],
        &[
            ("4g", "--link 4g"),
            ("gbe", "--link gbe"),
            ("10mbit", "--rate 10Mbit/s"),
            ("100mbit", "--rate 100Mbit/s --delay 1ms"),
            ("1gbit", "--rate 1Gbit/s"),
            ("10gbit", "--rate 10Gbit/s"),
        ],
    );
    dir.check_all(
        (
            "plan",
            "cloud",
            "--edge point-cloud.toml --server point-cloud.toml",
        ),
        &[Text],
        &[
            ("4g", "--link 4g"),
            ("gbe", "--link gbe"),
            ("10gbit", "--rate 10Gbit/s"),
        ],
    );
}

#[test]
fn servers() {
    let dir = TestDir::new();
    let link = "--edge mobilenet.toml --rate 300Mbit/s --delay 100us";
    dir.check_all(
        ("plan", "mobilenet", link),
        &[Text, Json],
        &[
            ("on_t4", "--server t4.toml"),
            ("on_h100", "--server h100.toml"),
            ("on_desktop", "--server desktop-cpu.toml"),
            ("on_itself", "--server mobilenet.toml"),
            ("on_a_slower_one", "--server sim:0.5x"),
        ],
    );
    let link = "--edge skipnet.toml --link gbe";
    dir.check_all(
        ("plan", "skipnet", link),
        &[Text],
        &[
            ("on_t4", "--server t4.toml"),
            ("on_itself", "--server skipnet.toml"),
            ("on_1000x", "--server sim:1000x"),
        ],
    );
}

#[test]
fn codecs() {
    let dir = TestDir::new();
    dir.check_all(
        ("plan", "mobilenet", SHAPES),
        &[Text, Json],
        &[
            ("codec_f16", "--codec f16"),
            ("codec_q8", "--codec q8"),
            ("codec_q4", "--codec q4"),
            ("codec_many", "--codec f32,f16,q8,q4,q2,q4+zstd"),
            ("codec_compressed", "--codec f32+zstd,q4+zstd"),
            ("codec_u8", "--codec u8,f32 --input-u8 image=0,255"),
            ("codec_png", "--codec u8,png,jpeg90 --input-u8 image=0,255"),
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
            ("codec_many", "--codec f32,f16,q8,q4,q2,q4+zstd"),
            ("codec_u8", "--input-u8 image=0,255"),
            (
                "codec_u8_channels",
                "--input-u8 image=124:116:104,58.4:57.1:57.4",
            ),
        ],
    );
    dir.check_all(
        ("plan", "ladon", LADON),
        &[Text],
        &[
            ("codec_variant", "--codec variant:beta5.12"),
            (
                "codec_variants",
                "--codec variant:beta0.32,variant:beta20.48",
            ),
            ("codec_u8", "--codec u8 --input-u8 image=127.5,127.5"),
            ("codec_f16", "--codec f16,f32"),
        ],
    );
    dir.check_all(
        ("plan", "river", RIVER),
        &[Text],
        &[("codec_f16", "--codec f16"), ("codec_q8", "--codec q8,f32")],
    );
    dir.check_all(
        ("plan", "cloud", CLOUD),
        &[Text],
        &[
            ("codec_f16", "--codec f16,f32"),
            ("codec_zstd", "--codec f32+zstd"),
        ],
    );
}

#[test]
fn objectives() {
    let dir = TestDir::new();
    dir.check_all(
        ("plan", "ladon", LADON),
        &[Text, Json],
        &[
            ("latency", "--objective latency"),
            ("weighted", "--objective weighted"),
            ("weighted_detect", "--objective weighted --weight detect=3"),
            (
                "weighted_segment",
                "--objective weighted --weight detect=3 --weight segment=0.5",
            ),
            ("lateness", "--objective lateness --deadline 500ms"),
            (
                "lateness_of_two",
                "--objective lateness --deadline detect=400ms --deadline classify=1s",
            ),
            ("throughput", "--objective throughput"),
            ("uplink", "--objective uplink"),
            ("edge_time", "--objective edge-time"),
            ("uplink_then_latency", "--objective uplink --then latency"),
            (
                "edge_time_then_uplink",
                "--objective edge-time --then uplink",
            ),
            ("energy_unknown", "--objective energy"),
        ],
    );
    dir.check_all(
        ("plan", "river", RIVER),
        &[Text, Json],
        &[
            ("energy", "--objective energy"),
            ("latency_then_energy", "--then energy"),
            ("throughput", "--objective throughput --then energy"),
            ("energy_then_uplink", "--objective energy --then uplink"),
        ],
    );
    dir.check_all(
        ("plan", "mobilenet", SHAPES),
        &[Text],
        &[
            ("weighted", "--objective weighted"),
            ("lateness", "--objective lateness --deadline 2ms"),
            ("throughput", "--objective throughput"),
            ("uplink", "--objective uplink"),
            ("edge_time", "--objective edge-time --then latency"),
        ],
    );
    dir.check_all(
        ("plan", "skipnet", SKIPNET),
        &[Text],
        &[
            ("weighted", "--objective weighted"),
            ("throughput", "--objective throughput"),
            ("uplink", "--objective uplink --then latency"),
        ],
    );
    dir.check_all(
        ("plan", "cloud", CLOUD),
        &[Text],
        &[
            ("throughput", "--objective throughput"),
            ("uplink", "--objective uplink"),
            ("edge_time", "--objective edge-time"),
        ],
    );
}

#[test]
fn schedules_and_results() {
    let dir = TestDir::new();
    dir.check_all(
        ("plan", "ladon", LADON),
        &[Text, Json],
        &[
            ("overlap", "--schedule overlap"),
            ("overlap_kept", "--schedule overlap --keep-on-edge classes"),
            ("overlap_weighted", "--schedule overlap --objective weighted --keep-on-edge classes"),
            ("overlap_lateness", "--schedule overlap --objective lateness --deadline classify=400ms --deadline 900ms"),
            ("overlap_throughput", "--schedule overlap --objective throughput"),
            ("results_server", "--results server"),
            ("results_anywhere", "--results anywhere"),
            ("results_mixed", "--results detect=anywhere --results segment=server"),
            ("results_edge", "--results edge --keep-on-edge classes"),
            ("sequential", "--schedule sequential"),
        ],
    );
    dir.check_all(
        (
            "plan",
            "ladon_near",
            "--edge ladon.toml --server sim:8x --rate 1Gbit/s",
        ),
        &[Text, Json],
        &[
            ("overlap", "--schedule overlap --keep-on-edge boxes"),
            ("anywhere", "--results anywhere"),
        ],
    );
    dir.check_all(
        ("plan", "skipnet", SKIPNET),
        &[Text],
        &[
            ("overlap", "--schedule overlap"),
            ("results_server", "--results server"),
            ("results_anywhere", "--results anywhere"),
        ],
    );
    dir.check_all(
        ("plan", "mobilenet", SHAPES),
        &[Text],
        &[
            ("overlap", "--schedule overlap"),
            (
                "overlap_kept",
                "--schedule overlap --max-drop 5% --results size=edge --objective weighted",
            ),
            ("results_server", "--results server"),
        ],
    );
}

#[test]
fn tasks_and_inputs() {
    let dir = TestDir::new();
    dir.check_all(
        ("plan", "ladon", LADON),
        &[Text],
        &[
            ("tasks_not_measured", "--task all=classes,boxes,mask"),
            ("local_input", "--local-input image"),
        ],
    );
    dir.check_all(
        ("plan", "skipnet", SKIPNET),
        &[Text],
        &[
            ("tasks", "--task all=seg,depth,class"),
            (
                "tasks_two",
                "--task maps=seg,depth --objective weighted --weight maps=3",
            ),
        ],
    );
    dir.write(
        "scenario.toml",
        "format = 1\nrate = \"3Mbit/s\"\ndelay = \"10ms\"\nmax_drop = [\"2%\"]\n\
         edge_memory = \"200MiB\"\nresults = [\"anywhere\"]\n",
    );
    dir.write("unknown.toml", "format = 1\nratte = \"3Mbit/s\"\n");
    dir.write(
        "dashes.toml",
        "format = 1\nrate = \"3Mbit/s\"\nmax-drop = \"1%\"\n",
    );
    dir.check_all(
        (
            "plan",
            "ladon_scenario",
            "--edge ladon.toml --server sim:8x",
        ),
        &[Text, Json, Out],
        &[
            ("file", "--scenario scenario.toml"),
            (
                "flags_win",
                "--scenario scenario.toml --rate 30Mbit/s --max-drop 0%",
            ),
            ("unknown_key", "--scenario unknown.toml"),
            ("dashes", "--scenario dashes.toml"),
        ],
    );
}

#[test]
fn engines() {
    let dir = TestDir::new();
    for (of, setting) in [
        ("ladon", LADON),
        ("cloud", CLOUD),
        ("mobilenet", SHAPES),
        ("skipnet", SKIPNET),
    ] {
        dir.check_all(
            ("plan", of, setting),
            &[Text, Json],
            &[
                ("engine_enumerate", "--engine enumerate"),
                ("engine_branch", "--engine branch"),
                ("engine_linear", "--engine linear --solver-time 600s"),
                ("engine_both", "--engine both --solver-time 600s"),
            ],
        );
    }
    dir.check_all(
        ("plan", "ladon", LADON),
        &[Text],
        &[
            (
                "limited_branch",
                "--engine branch --edge-memory 64MiB --max-drop 1%",
            ),
            (
                "limited_linear",
                "--engine linear --edge-memory 64MiB --max-drop 1%",
            ),
            (
                "limited_both",
                "--engine both --edge-memory 64MiB --max-drop 1%",
            ),
            (
                "overlap_linear",
                "--engine linear --schedule overlap --keep-on-edge classes",
            ),
            (
                "weighted_branch",
                "--engine branch --objective weighted --weight detect=2",
            ),
            (
                "weighted_both",
                "--engine both --objective weighted --weight detect=2",
            ),
        ],
    );
}

#[test]
fn spread() {
    let dir = TestDir::new();
    dir.check_all(
        ("plan", "ladon", LADON),
        &[Text, Json],
        &[
            ("rate_spread", "--rate-spread 30% --deadline classify=700ms"),
            ("percentile", "--rate-spread 30% --percentile 95"),
            ("robust", "--robust"),
            (
                "spread_robust",
                "--rate-spread 30% --deadline classify=700ms --robust",
            ),
        ],
    );
    dir.check_all(
        ("plan", "mobilenet", SHAPES),
        &[Text, Json],
        &[
            ("percentile_90", "--percentile 90"),
            ("percentile_99", "--percentile 99.9"),
            ("rate_spread", "--rate-spread 50% --deadline 3ms"),
            ("robust", "--robust"),
        ],
    );
    dir.check_all(
        ("plan", "cloud", CLOUD),
        &[Text],
        &[("percentile", "--percentile 95"), ("robust", "--robust")],
    );
    dir.check_all(
        (
            "plan",
            "ladon",
            "--edge ladon.toml --server sim:8x --delay 20ms",
        ),
        &[Text],
        &[
            ("rate_trace", "--rate-trace lte-drive.csv"),
            (
                "rate_trace_deadline",
                "--rate-trace lte-drive.csv --deadline 2s --percentile 90",
            ),
            (
                "rate_trace_and_rate",
                "--rate-trace lte-drive.csv --rate 20Mbit/s",
            ),
        ],
    );
}

#[test]
fn sets_of_models() {
    let dir = TestDir::new();
    let both = "--edge mobilenet.toml --edge skipnet.toml";
    dir.check_all(
        ("plan", "two", both),
        &[Text, Json],
        &[
            ("one_server", "--server sim:8x --link wifi"),
            (
                "two_servers",
                "--server t4.toml --server h100.toml --link gbe",
            ),
            (
                "server_counts",
                "--server t4.toml --server t4.toml --server t4.toml --link gbe",
            ),
        ],
    );
    dir.check_all(
        ("plan", "alone", ""),
        &[Text, Json, Out],
        &[
            ("every_set", "--edge size.toml --edge type.toml --edge both.toml --server sim:8x --link wifi"),
            ("the_set", "--edge size.toml --edge type.toml --server sim:8x --link wifi"),
            ("the_set_limited", "--edge size.toml --edge type.toml --server sim:8x --link wifi --edge-memory 9MiB"),
            ("the_set_floor", "--edge size.toml --edge type.toml --edge both.toml --server sim:8x --link wifi --floor size=0.905"),
            ("the_set_drop", "--edge size.toml --edge type.toml --edge both.toml --server sim:8x --link wifi --max-drop 1%"),
            ("the_set_pinned", "--edge size.toml --edge type.toml --server sim:8x --link wifi --keep-on-edge size/body"),
        ],
    );
}
