//! What is said to arguments that make no sense and to files that are bad.

use crate::settings::Form::Text;
use crate::settings::LADON;
use crate::test_dir::TestDir;

#[test]
fn of_arguments() {
    let dir = TestDir::new();
    dir.check([
        ("errors__no_such_command", "cut"),
        ("errors__near_command", "plam --edge ladon.toml"),
        (
            "errors__no_such_flag",
            "plan --edge ladon.toml --server sim:8x --link wifi --max-dorp 1%",
        ),
        ("errors__no_edge", "plan --server sim:8x --link wifi"),
        ("errors__no_server", "plan --edge ladon.toml --link wifi"),
        ("errors__no_link", "plan --edge ladon.toml --server sim:8x"),
        (
            "errors__link_and_rate",
            "plan --edge ladon.toml --server sim:8x --link wifi --rate 5Mbit/s",
        ),
        ("errors__profile_without_board", "profile model.onnx"),
        ("errors__profile_no_model", "profile none.onnx --board b"),
        ("errors__accuracy_no_data", "accuracy model.onnx"),
        (
            "errors__accuracy_no_model",
            "accuracy none.onnx --data shapes",
        ),
        ("errors__report_nothing", "report"),
        (
            "errors__annotate_no_plan",
            "annotate model.onnx -o out.onnx",
        ),
        (
            "errors__replay_no_trace",
            "replay --edge ladon.toml --server sim:8x",
        ),
        ("errors__demo_no_model", "demo --model none.onnx"),
        ("errors__colour", "plan --color maybe"),
        (
            "errors__in_colour",
            "--color always plan --edge none.toml --server sim:8x --link wifi",
        ),
    ]);
    dir.check_all(
        ("plan", "usage", "--edge ladon.toml --server sim:8x"),
        &[Text],
        &[
            ("rate", "--rate 10"),
            ("rate_zero", "--rate 0Mbit/s"),
            ("rate_negative", "--rate -1Mbit/s"),
            ("rate_range", "--rate 1Mbit/s..2Mbit/s"),
            ("rate_bytes", "--rate 10MB/s"),
            ("delay", "--rate 1Mbit/s --delay 20"),
            ("delay_negative", "--rate 1Mbit/s --delay -20ms"),
            ("delay_long", "--rate 1Mbit/s --delay 10h"),
            ("delay_most", "--rate 1Mbit/s --delay 60s"),
        ],
    );
    dir.check_all(
        ("plan", "usage", LADON),
        &[Text],
        &[
            ("codec", "--codec zip"),
            ("codec_twice", "--codec f32,f32"),
            ("codec_u8_without", "--codec u8"),
            ("input_u8", "--input-u8 image"),
            ("input_u8_unknown", "--input-u8 picture=0,255"),
            ("objective", "--objective speed"),
            ("then_same", "--objective latency --then latency"),
            ("lateness_without_deadline", "--objective lateness"),
            ("weight_without_objective", "--weight detect=2"),
            ("weight_unknown", "--objective weighted --weight dtect=2"),
            ("weight_negative", "--objective weighted --weight detect=-2"),
            ("schedule", "--schedule sometimes"),
            ("results", "--results cloud"),
            ("results_unknown", "--results dtect=edge"),
            (
                "results_twice",
                "--results detect=edge --results detect=server",
            ),
            ("task", "--task a"),
            ("task_unknown", "--task a=b"),
            ("task_twice", "--task a=classes --task b=classes"),
            ("local_input", "--local-input depth2"),
            ("memory", "--edge-memory 64"),
            ("memory_negative", "--edge-memory -64MiB"),
            ("deadline", "--deadline soon"),
            ("deadline_unknown", "--deadline dtect=20ms"),
            ("fps", "--fps 0"),
            ("link_share", "--fps 10 --link-share 150%"),
            ("max_energy", "--max-energy 5"),
            ("max_power", "--fps 10 --max-power 5J"),
            ("keep_unknown", "--keep-on-edge dpth3"),
            ("keep_unknown_pattern", "--keep-on-server x*"),
            (
                "keep_contrary",
                "--keep-on-edge depth3 --keep-on-server depth2",
            ),
            ("min_depth", "--min-depth few"),
            ("capacity", "--capacity BRAM"),
            ("max_drop", "--max-drop 1"),
            ("max_drop_percent", "--max-drop 101%"),
            ("max_drop_unknown", "--max-drop dtect=1%"),
            ("floor", "--floor classify"),
            ("floor_unknown", "--floor dtect=0.5"),
            ("confidence", "--confidence 1"),
            ("confidence_half", "--confidence 0.4 --max-drop 1%"),
            ("engine", "--engine guess"),
            ("solver_time", "--solver-time 0s"),
            ("percentile", "--percentile 50"),
            ("percentile_100", "--percentile 100"),
            ("rate_spread", "--rate-spread lots"),
            (
                "rate_spread_and_trace",
                "--rate-spread 10% --rate-trace lte-drive.csv",
            ),
            ("model_alone", "--model model.onnx"),
            ("measure_alone", "--measure"),
            ("data_alone", "--data shapes"),
            ("robust_and_data", "--robust --model m.onnx --data shapes"),
            (
                "accuracy_twice",
                "--accuracy ladon.accuracy.toml --accuracy ladon.accuracy.toml",
            ),
            ("server_twice", "--server sim:2x"),
            ("edge_twice", "--edge ladon.toml"),
            ("out_in_no_folder", "--out none/plan.toml"),
            ("out_is_a_folder", "--out ."),
            ("rate_trace", "--rate-trace none.csv"),
            ("scenario", "--scenario none.toml"),
        ],
    );
    dir.check_all(
        ("plan", "server", "--edge ladon.toml --link wifi"),
        &[Text],
        &[
            ("sim", "--server sim:"),
            ("sim_zero", "--server sim:0x"),
            ("sim_text", "--server sim:fast"),
            ("none", "--server none.toml"),
            ("another_model", "--server lstm-fpga.toml"),
            ("accuracy_file", "--server ladon.accuracy.toml"),
        ],
    );
    dir.check_all(
        ("sweep", "usage", "--edge ladon.toml --server sim:8x"),
        &[Text],
        &[
            ("no_rate", ""),
            ("one_rate", "--rate 1Mbit/s"),
            ("preset", "--link 4g"),
            ("backwards", "--rate 2Mbit/s..1Mbit/s"),
            ("half", "--rate 1Mbit/s.."),
            ("over_rate", "--rate 1Mbit/s --over rate=1..2"),
            ("over_unknown", "--rate 1Mbit/s --over memry=1..2"),
            ("over_of", "--rate 1Mbit/s --over fps:detect=1..2"),
            ("over_without_of", "--rate 1Mbit/s --over floor=0.1..0.2"),
            ("over_backwards", "--rate 1Mbit/s --over fps=2..1"),
            ("over_twice", "--rate 1Mbit/s --over fps=1..2 --fps 3"),
            (
                "hysteresis",
                "--rate 1Mbit/s..2Mbit/s --lookup t.toml --hysteresis much",
            ),
            ("spread", "--rate 1Mbit/s..2Mbit/s --rate-spread 10%"),
        ],
    );
    dir.check([(
        "sweep__usage__over_speed",
        "sweep --edge ladon.toml --server ladon.toml --rate 1Mbit/s --over speed=1x..2x",
    )]);
}

#[test]
fn of_files() {
    let dir = TestDir::new();
    let broken = [
        ("empty", ""),
        ("no-toml", "[model\n"),
        ("format", "format = 2\n"),
        ("no-model", "format = 1\nsource = \"me\"\n"),
        (
            "unknown-key",
            "format = 1\nsource = \"me\"\nspeed = 3\n[model]\nfile = \"m\"\n[board]\nname = \"b\"\n",
        ),
        (
            "unknown-input",
            "format = 1\nsource = \"me\"\n[model]\nfile = \"m\"\n[board]\nname = \"b\"\n\
             [[input]]\nname = \"x\"\nshape = [1]\n\
             [[layer]]\nid = \"a\"\ninputs = [\"y\"]\nedge_us = 1\nbytes = 4\n",
        ),
        (
            "no-bytes",
            "format = 1\nsource = \"me\"\n[model]\nfile = \"m\"\n[board]\nname = \"b\"\n\
             [[input]]\nname = \"x\"\nshape = [1]\n\
             [[layer]]\nid = \"a\"\ninputs = [\"x\"]\nedge_us = 1\n",
        ),
        (
            "negative",
            "format = 1\nsource = \"me\"\n[model]\nfile = \"m\"\n[board]\nname = \"b\"\n\
             [[input]]\nname = \"x\"\nshape = [1]\n\
             [[layer]]\nid = \"a\"\ninputs = [\"x\"]\nedge_us = -1\nbytes = 4\n",
        ),
        (
            "twice",
            "format = 1\nsource = \"me\"\n[model]\nfile = \"m\"\n[board]\nname = \"b\"\n\
             [[input]]\nname = \"x\"\nshape = [1]\n\
             [[layer]]\nid = \"a\"\ninputs = [\"x\"]\nedge_us = 1\nbytes = 4\n\
             [[layer]]\nid = \"a\"\ninputs = [\"x\"]\nedge_us = 1\nbytes = 4\n",
        ),
    ];
    let mut cases = Vec::new();
    for (name, text) in broken {
        let file = format!("{name}.toml");
        dir.write(&file, text);
        let name = name.replace('-', "_");
        cases.extend([
            (
                format!("files__profile__{name}"),
                format!("plan --edge {file} --server sim:8x --link wifi"),
            ),
            (format!("files__report__{name}"), format!("report {file}")),
            (format!("files__plan__{name}"), format!("explain {file}")),
        ]);
    }
    dir.check(cases);
    dir.write("spec.toml", "format = 1\nbase = \"edge profile scaled\"\n");
    dir.write("spec-both.toml", "format = 1\nbase = \"edge profile scaled\"\nspeedup = 2.0\npeak_gflop_s = 1.0\nmem_gb_s = 1.0\n");
    dir.write("costs.toml", "format = 1\n[model]\nfile = \"ladon\"\nsha256 = \"\"\n[data]\nsource = \"me\"\nsamples = 0\n[[crossing]]\ntensor = \"nothing\"\ncodec = \"f16\"\nbytes_mean = 3\n");
    dir.check([
        (
            "files__server__spec",
            "plan --edge ladon.toml --server spec.toml --link wifi",
        ),
        (
            "files__server__spec_both",
            "plan --edge ladon.toml --server spec-both.toml --link wifi",
        ),
        (
            "files__server__roofline_by_hand",
            "plan --edge ladon.toml --server t4.toml --link wifi --json",
        ),
        (
            "files__accuracy__unknown_tensor",
            "plan --edge ladon.toml --server sim:8x --link wifi --accuracy costs.toml",
        ),
        (
            "files__accuracy__is_a_profile",
            "plan --edge ladon.toml --server sim:8x --link wifi --accuracy ladon.toml",
        ),
        (
            "files__edge__is_a_folder",
            "plan --edge . --server sim:8x --link wifi",
        ),
        (
            "files__edge__is_a_server",
            "plan --edge t4.toml --server sim:8x --link wifi",
        ),
        ("files__report__is_no_profile", "report t4.toml"),
        ("files__report__is_a_trace", "report lte-drive.csv"),
        ("files__report__is_missing", "report none.toml"),
        (
            "files__report__some_bad",
            "report ladon.toml none.toml --out figures",
        ),
    ]);
}
