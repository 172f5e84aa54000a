//! Times from and for other tools: tables that are read back, traces, and what is refused.

use std::path::Path;

use crate::sandbox::Sandbox;
use cutpoint_core::plan::{HalfEvidence, Plan};
use cutpoint_core::profile::{
    BoardInfo, ImportError, Imported, Missing, ModelInfo, Profile, TimeOrigin, Times, import,
};
use cutpoint_planner::planning;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::ScenarioSpec;
use cutpoint_planner::server::Server;
use cutpoint_planner::solve;
use cutpoint_report::chrome_trace;
use cutpoint_testkit::Net;
use cutpoint_testkit::models::{node, simple};
use proptest::prelude::*;

/// The times of `tables`, each the text of a file, over the layers of `profile`.
fn imported(profile: &Profile, tables: &[&str], missing: Missing) -> Result<Profile, ImportError> {
    let graph = profile.graph().unwrap();
    let tables: Result<Vec<Times>, _> = tables
        .iter()
        .enumerate()
        .map(|(i, text)| Times::parse(text.as_bytes(), Path::new(&format!("{i}.csv"))))
        .collect();
    import(
        &tables?,
        Imported {
            graph: &graph,
            model: ModelInfo {
                ..profile.model.clone()
            },
            board: BoardInfo {
                name: profile.board.name.clone(),
                ..BoardInfo::default()
            },
            tasks: profile.tasks.clone(),
            source: "0.csv".into(),
            missing,
        },
    )
}

fn csv(profile: &Profile) -> String {
    profile.to_csv(Path::new("p.toml")).unwrap()
}

/// A random network with times of every kind.
fn random(seed: u64, layers: usize) -> Profile {
    let mut net = Net::new(seed);
    let mut last = net.input("image", 1000);
    for _ in 0..layers {
        let us = net.dice.within(1, 5_000_000) as f64 / 1e3;
        let skip = last.clone();
        last = net.layer(&[skip], 1 + us as u64, us);
    }
    net.output(&last);
    let mut profile = net.done();
    profile.whole.median_us = profile.layers.iter().map(|l| l.edge_us).sum();
    for (index, layer) in profile.layers.iter_mut().enumerate() {
        layer.server_us = layer.edge_us * if index % 3 == 0 { 1.0 } else { 1.17 };
        layer.mad_us = layer.edge_us / 31.0;
        layer.runs = 10 + index;
        layer.trace_us = layer.edge_us * if index % 2 == 0 { 1.0 } else { 0.9 };
    }
    for (index, tensor) in profile.tensors.iter_mut().enumerate() {
        (tensor.send_us, tensor.recv_us) = (index as f64 / 7.0, index as f64 / 3.0);
    }
    (profile.method.split_edge_us, profile.method.split_server_us) = (1.5, 2.25);
    profile
}

fn plan(profile: &Profile, rate: &str) -> Plan {
    let spec = ScenarioSpec {
        rate: Some(rate.parse().unwrap()),
        delay: Some("1 ms".parse().unwrap()),
        ..ScenarioSpec::default()
    };
    let (scenario, _) = spec.complete().unwrap();
    let problem = Problem::new(profile, &Server::faster(6.0), &scenario).unwrap();
    match planning::best_plan(&problem, &solve::Options::default()).unwrap() {
        planning::Outcome::Plan(plan) => plan,
        planning::Outcome::NoPlan(none) => panic!("{}", none.proof),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_table_brings_back_every_time_and_the_same_plans(seed in any::<u64>(), layers in 1usize..12) {
        let profile = random(seed, layers);
        let table = csv(&profile);
        let back = imported(&profile, &[&table], Missing::Refuse).unwrap();
        prop_assert_eq!(&back.layers, &profile.layers);
        prop_assert_eq!(&back.tensors, &profile.tensors);
        prop_assert_eq!(back.whole.median_us, profile.whole.median_us);
        prop_assert_eq!(back.method.split_edge_us, profile.method.split_edge_us);
        prop_assert_eq!(back.method.split_server_us, profile.method.split_server_us);
        prop_assert_eq!(csv(&back), table);
        // and its file is read as it was written
        let text = back.to_toml(Path::new("back.toml")).unwrap();
        let read = Profile::parse(&text, Path::new("back.toml")).unwrap();
        prop_assert_eq!(&read, &back);
        for rate in ["100kbit/s", "20Mbit/s", "1Gbit/s"] {
            let (planned, again) = (plan(&profile, rate), plan(&read, rate));
            prop_assert_eq!(&again.edge, &planned.edge);
            prop_assert_eq!(&again.crossing, &planned.crossing);
            prop_assert_eq!(again.latency_ms, planned.latency_ms);
            prop_assert_eq!(again.breakdown_ms, planned.breakdown_ms);
            prop_assert_eq!(again.evidence.edge, HalfEvidence::Imported);
        }
    }
}

/// `image -> t0 -> t1 -> t2`, the nodes named `node_t0` and so on.
fn three() -> Profile {
    let mut net = Net::new(1);
    let mut last = net.input("image", 10);
    for _ in 0..3 {
        last = net.layer(&[last], 10, 5.0);
    }
    net.output(&last);
    net.done()
}

fn times(profile: &Profile) -> Vec<(f64, f64)> {
    let layers = profile.layers.iter();
    layers.map(|l| (l.edge_us, l.server_us)).collect()
}

#[test]
fn other_tools_tables_are_understood() {
    let read = |table: &str| imported(&three(), &[table], Missing::Refuse).unwrap();
    // node names, milliseconds, runs, an interquartile range, a total, a column nobody knows
    let profile = read(
        "Layer,shape,time_ms,n,iqr_ms\n\
         node_t0,1x3,1.5,10,0.2\n# a comment\nnode_t1,1x3,0.25,20,\nt2,1x3,0,20,0\nTotal,,2,5,0.1\n",
    );
    assert_eq!(
        times(&profile),
        [(1500.0, 1500.0), (250.0, 250.0), (0.0, 0.0)]
    );
    let first = &profile.layers[0];
    assert_eq!((first.mad_us, first.runs), (100.0, 10));
    let whole = &profile.whole;
    assert_eq!(
        (whole.median_us, whole.mad_us, whole.runs),
        (2000.0, 50.0, 5)
    );
    assert_eq!(profile.origin(), TimeOrigin::Imported("0.csv"));
    // semicolons, a mark of UTF-8, seconds, nanoseconds of standard deviation, both sides
    let profile = read(
        "\u{feff}side;layer;time_s;std_ns\n\
         edge;t0;1e-6;1482.602218505602\nserver;t0;2e-6;0\nedge;t1;0;0\nserver;t1;0;0\n;t2;3e-6;0\n",
    );
    assert_eq!(times(&profile), [(1.0, 2.0), (0.0, 0.0), (3.0, 3.0)]);
    assert!((profile.layers[0].mad_us - 1.0).abs() < 1e-12);
    assert_eq!(profile.whole.median_us, 4.0);
    // rows of other boards, tabs, names in quotes
    let profile = read(
        "board\tlayer\tmedian_us\nother\tt0\t9\npi5\t\"t0\"\t1\npi5\tt1\t2\npi5\tt2\t3\n"
            .replace("pi5", &three().board.name)
            .as_str(),
    );
    assert_eq!(times(&profile), [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]);
}

#[test]
fn what_a_tool_fused_is_one_layer() {
    let table = "layer,part_of,median_us\nt0,t1,\nt1,,7\nt2,,1\n";
    let profile = imported(&three(), &[table], Missing::Refuse).unwrap();
    assert_eq!(times(&profile), [(7.0, 7.0), (1.0, 1.0)]);
    assert_eq!(profile.layers[0].members, ["t0", "t1"]);
    assert_eq!(profile.layers[0].op, "Conv+Conv");
    // the tensor between them is inside now
    assert!(!profile.tensors.iter().any(|t| t.name == "t0"));
    let again = csv(&profile);
    assert_eq!(
        imported(&three(), &[&again], Missing::Refuse).unwrap(),
        profile
    );
}

#[test]
fn tables_of_both_sides_add_up_and_missing_layers_may_be_nothing() {
    let edge = "layer,side,time_us\nt0,edge,1\nt1,edge,2\nt2,edge,3\n";
    let server = "layer,side,time_us\nt0,server,10\nt1,server,20\nt2,server,30\n";
    let both = imported(&three(), &[edge, server], Missing::Refuse).unwrap();
    assert_eq!(times(&both), [(1.0, 10.0), (2.0, 20.0), (3.0, 30.0)]);
    let one = imported(&three(), &["layer,time_us\nt1,2\n"], Missing::Zero).unwrap();
    assert_eq!(times(&one), [(0.0, 0.0), (2.0, 2.0), (0.0, 0.0)]);
}

#[test]
fn errors_name_the_line_and_what_to_do() {
    for (table, parts) in [
        ("", &["no column `layer`"][..]),
        (
            "layer\nt0\n",
            &["0.csv: line 1: ", "no column of times", "`median_us`"],
        ),
        (
            "layer,time\nt0,1\n",
            &["`time` needs its unit", "`time_us`"],
        ),
        (
            "layer,time_us,median_ms\nt0,1,1\n",
            &["`median_ms` and another column"],
        ),
        ("layer,layer,time_us\n", &["`layer` and another column"]),
        ("layer,time_us\n", &["no row below the header"]),
        (
            "layer,time_us\nt0,1\nt1\n",
            &["line 3: ", "the line has 1 values, the header 2"],
        ),
        ("layer,time_us\nt0,1\n,1\n", &["line 3: ", "names no layer"]),
        (
            "layer,time_us\nt0,fast\n",
            &["line 2: `fast` in column `time_us` is not a time"],
        ),
        (
            "layer,time_us\nt0,-1\n",
            &["line 2: `-1`", "from 0 to one day"],
        ),
        ("layer,time_us\nt0,NaN\n", &["line 2: `NaN`"]),
        (
            "layer,time_s\nt0,inf\n",
            &["line 2: `inf` in column `time_s`"],
        ),
        ("layer,time_s\nt0,86401\n", &["line 2: `86401`"]),
        ("layer,time_us\nt0,\n", &["line 2: `` in column `time_us`"]),
        (
            "layer,time_us,n\nt0,1,many\n",
            &["line 2: `many` in column `n`"],
        ),
        (
            "layer,time_us,n\nt0,1,-3\n",
            &["line 2: `-3` in column `n`"],
        ),
        (
            "layer,time_us,mad_us\nt0,1,-3\n",
            &["line 2: `-3` in column `mad_us`"],
        ),
        (
            "layer,time_us,side\nt0,1,left\n",
            &["line 2: `left`", "edge or server"],
        ),
        (
            "layer,time_us,kind\nt0,1,sum\n",
            &["line 2: `sum`", "layer, total"],
        ),
        (
            "layer,time_us\nt0,1\nt7,1\n",
            &["line 3: the model has no layer `t7`", "did you mean `t"],
        ),
        (
            "layer,time_us,kind\nt9,1,send\n",
            &["line 2: the model has no tensor `t9`"],
        ),
        (
            "layer,time_us\nt0,1\nt1,1\nt0,2\n",
            &["line 4: `t0` has a time already, in line 2 of 0.csv"],
        ),
        (
            "layer,time_us\nt0,1\nnode_t0,2\n",
            &["line 3: `node_t0` has a time already"],
        ),
        (
            "layer,time_us,side\nt0,1,\nt0,2,server\n",
            &["line 3: `t0` has a time already"],
        ),
        (
            "layer,time_us\ntotal,1\nsum,2\n",
            &["line 3: `sum` has a time already"],
        ),
        (
            "layer,time_us\nt1,1\n",
            &[
                "2 layers (`t0`, `t2`) have no time: add rows",
                "--missing zero",
            ],
        ),
        (
            "layer,time_us\nt0,1\nt1,1\n",
            &["layer `t2` has no time: add a row"],
        ),
        (
            "layer,time_us,side\nt0,1,edge\nt1,1,edge\nt2,1,edge\nt2,1,server\n",
            &["(`t0`, `t1`) have no time on the server"],
        ),
        (
            "layer,time_us,side\nt0,1,server\nt1,1,server\nt2,1,server\n",
            &["3 layers", "have no time: add"],
        ),
        (
            "layer,part_of,time_us\nt0,t1,5\n",
            &["line 2: `t0` is part of another layer"],
        ),
        (
            "layer,part_of,time_us\nt0,t9,\n",
            &["line 2: the model has no layer `t9`"],
        ),
        (
            "layer,part_of,time_us\nt0,t1,\nt1,t2,\nt2,,1\n",
            &["0.csv: line 2: `t1` is itself part of another"],
        ),
        (
            "layer,time_us,board\nt0,1,x\nt1,1,y\n",
            &["no row is of the board", "`x`, `y`"],
        ),
    ] {
        let error = imported(&three(), &[table], Missing::Refuse)
            .unwrap_err()
            .to_string();
        for part in parts {
            assert!(
                error.contains(part),
                "{table:?}: `{part}` is not in: {error}"
            );
        }
        assert!(!error.contains('\n'), "{error}");
    }
    let bytes = b"layer,time_us\n\xff,1\n";
    let error = Times::parse(bytes, Path::new("bad.csv")).unwrap_err();
    assert!(error.to_string().contains("not UTF-8"), "{error}");
    // two nodes of one name
    let mut twins = three();
    twins.layers[1].name = twins.layers[0].name.clone();
    let table = "layer,time_us\nnode_t0,1\n";
    let error = imported(&twins, &[table], Missing::Zero).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("several layers are named `node_t0`")
    );
}

/// What a trace must be for Chrome and Perfetto to read it.
fn events(text: &str) -> Vec<serde_json::Value> {
    let document: serde_json::Value = serde_json::from_str(text).unwrap();
    let events = document["traceEvents"].as_array().unwrap().clone();
    for event in &events {
        assert!(event["pid"].is_u64() && event["tid"].is_u64() && event["name"].is_string());
        match event["ph"].as_str().unwrap() {
            "X" => assert!(event["ts"].is_f64() && event["dur"].as_f64().unwrap() >= 0.0),
            "M" => assert!(event["args"].is_object()),
            other => panic!("{other}"),
        }
    }
    events
}

#[test]
fn a_trace_shows_every_layer_and_what_a_plan_does_when() {
    let profile = random(9, 8);
    let plan = plan(&profile, "50Mbit/s");
    let events =
        events(&chrome_trace::write(&chrome_trace::tracks(&profile, Some(&plan))).unwrap());
    let of_track = |name: &str| -> Vec<&serde_json::Value> {
        let named =
            |e: &&serde_json::Value| e["name"] == "thread_name" && e["args"]["name"] == name;
        let tid = &events
            .iter()
            .find(named)
            .unwrap_or_else(|| panic!("{name}"))["tid"];
        events
            .iter()
            .filter(|e| e["ph"] == "X" && e["tid"] == *tid)
            .collect()
    };
    let layers = of_track("layers in an edge half");
    assert_eq!(layers.len(), profile.layers.len());
    let mut now = 0.0;
    for (event, layer) in layers.iter().zip(&profile.layers) {
        assert_eq!(event["name"], layer.id);
        assert!((event["ts"].as_f64().unwrap() - now).abs() < 0.01);
        assert!((event["dur"].as_f64().unwrap() - layer.edge_us).abs() < 0.001);
        assert_eq!(event["args"]["n"], layer.runs.to_string());
        now += layer.edge_us;
    }
    let end =
        |event: &serde_json::Value| event["ts"].as_f64().unwrap() + event["dur"].as_f64().unwrap();
    for task in &plan.tasks {
        let spans = of_track(&format!("task {}", task.name));
        assert!((end(spans[0]) - task.latency_ms * 1e3).abs() < 0.01);
    }
    // the parts follow one another, and the last ends when the plan does
    assert!(
        !plan.crossing.is_empty(),
        "the test needs a plan that sends something"
    );
    let last = of_track("link")
        .into_iter()
        .chain(of_track("server"))
        .map(end);
    assert!((last.fold(0.0, f64::max) - plan.latency_ms * 1e3).abs() < 0.01);
    let sends = of_track("link")[0]["args"]["sends"].as_str().unwrap();
    assert!(sends.contains(&plan.crossing[0].tensor), "{sends}");
}

const QUICK: [&str; 8] = [
    "--board",
    "b",
    "--budget",
    "100ms",
    "--rounds",
    "5",
    "--threads",
    "1",
];

#[test]
fn a_bundled_models_times_go_out_and_come_back_to_the_same_plan() {
    let sandbox = Sandbox::new();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/skipnet_3dec_64.onnx");
    let model = model.to_str().unwrap();
    sandbox.ok(&[&["profile", model], &QUICK[..]].concat());
    let measured = "profiles/b/skipnet_3dec_64.toml";
    let table = sandbox.ok(&["profile", "export", measured, "--format", "csv"]);
    sandbox.write("times.csv", &table);
    let words = [
        "profile",
        "import",
        model,
        "--times",
        "times.csv",
        "--board",
        "b",
        "-o",
        "b.toml",
    ];
    let said = sandbox.ok(&[&words[..], &["--runtime", "other 1.0", "--threads", "1"]].concat());
    assert!(said.contains("imported, not measured here"), "{said}");
    assert_eq!(
        sandbox.ok(&["profile", "export", "b.toml", "--format", "csv"]),
        table
    );
    let profile = Profile::load(&sandbox.path("b.toml")).unwrap();
    assert_eq!(profile.board.runtime, "other 1.0");
    for rate in ["1Mbit/s", "300Mbit/s", "9Gbit/s"] {
        let plan = |edge: &str| {
            let words = [
                "plan", "--edge", edge, "--server", "sim:50x", "--rate", rate,
            ];
            sandbox.json(&[&words[..], &["--codec", "f32"]].concat())
        };
        let (planned, again) = (plan(measured), plan("b.toml"));
        for key in [
            "edge",
            "server",
            "crossing",
            "latency_ms",
            "breakdown_ms",
            "tasks",
        ] {
            assert_eq!(again[key], planned[key], "{key}");
        }
        assert_eq!(again["evidence"]["edge"], "imported");
    }
    // the commands that take profiles take this one
    let link = ["--edge", "b.toml", "--server", "sim:50x", "--delay", "1ms"];
    sandbox.ok(&[
        &["plan", "--rate", "900Mbit/s", "--out", "plan.toml"][..],
        &link,
    ]
    .concat());
    sandbox.ok(&[&["sweep", "--rate", "1Mbit/s..1Gbit/s"][..], &link].concat());
    sandbox.ok(&["report", "b.toml", "plan.toml", "--out", "figures"]);
    sandbox.ok(&["split", "plan.toml", "--model", model, "--out", "halves"]);
    let trace = sandbox.ok(&[
        "profile",
        "export",
        "b.toml",
        "--format",
        "trace",
        "--plan",
        "plan.toml",
    ]);
    events(&trace);
    sandbox.ok(&[
        "profile",
        "export",
        "b.toml",
        "--format",
        "trace",
        "-o",
        "trace.json",
    ]);
    events(&sandbox.read("trace.json"));
    sandbox.refuses(
        2,
        &[
            "plan",
            "--edge",
            "b.toml",
            "--server",
            "sim:8x",
            "--link",
            "wifi",
            "--model",
            model,
            "--measure",
        ],
        &["imported"],
    );

    // what was measured is not overwritten by accident, what was imported for this is
    sandbox.ok(&[&words[..], &["--quiet"]].concat());
    let onto = [
        "profile",
        "import",
        model,
        "--times",
        "times.csv",
        "--board",
        "b",
        "-o",
        measured,
    ];
    sandbox.refuses(2, &onto, &[measured, "--force"]);
    let other = [
        "profile",
        "import",
        model,
        "--times",
        "times.csv",
        "--board",
        "c",
        "-o",
        "b.toml",
    ];
    sandbox.refuses(2, &other, &["b.toml", "--force"]);
    sandbox.refuses(
        4,
        &[
            "profile",
            "import",
            model,
            "--times",
            "times.csv",
            "--board",
            "c",
            "-o",
            "c.toml",
        ],
        &["no row is of the board `c`", "`b`"],
    );
}

#[test]
fn a_model_named_like_a_command_is_still_measured() {
    let sandbox = Sandbox::new();
    let nodes = vec![node("Neg", &["x"], &["h"]), node("Abs", &["h"], &["y"])];
    let model = simple(nodes, &["x"], &["y"]);
    sandbox.model("import", &model);
    sandbox.model("m.onnx", &model);
    sandbox.ok(&[&["profile", "./import"], &QUICK[..]].concat());
    sandbox.ok(&[&["profile", "m.onnx", "import"], &QUICK[..], &["--force"]].concat());
    let both = [
        "profiles",
        "profiles/b",
        "profiles/b/import.toml",
        "profiles/b/m.toml",
    ];
    for path in both {
        assert!(sandbox.path(path).exists(), "{path}");
    }
    sandbox.refuses(2, &["profile"], &["required"]);
    sandbox.refuses(2, &["profile", "m.onnx"], &["required"]);
    // behind an option it is a model, too
    sandbox.refuses(
        4,
        &["profile", "--board", "b", "export"],
        &["export: No such file"],
    );
    sandbox.refuses(2, &["profile", "import", "m.onnx"], &["required"]);
}

#[test]
fn imports_and_exports_that_make_no_sense_leave_no_file() {
    let sandbox = Sandbox::new();
    let nodes = vec![node("Neg", &["x"], &["h"]), node("Abs", &["h"], &["y"])];
    sandbox.model("m.onnx", &simple(nodes, &["x"], &["y"]));
    sandbox.write("t.csv", "layer,time_us\nh,1\ny,2\n");
    sandbox.write("bad.csv", "layer,time_us\nh,1\nz,2\n");
    sandbox.write("few.csv", "layer,time_us\nh,1\n");
    let import = |times: &'static str, more: &[&'static str]| -> Vec<&'static str> {
        let words = [
            "profile", "import", "m.onnx", "--times", times, "-o", "p.toml",
        ];
        [&words[..], more].concat()
    };
    let board = ["--board", "b"];
    sandbox.refuses(
        4,
        &import("bad.csv", &board),
        &["bad.csv: line 3: ", "no layer `z`"],
    );
    sandbox.refuses(
        4,
        &import("few.csv", &board),
        &["few.csv: layer `y` has no time"],
    );
    sandbox.refuses(4, &import("none.csv", &board), &["none.csv: "]);
    sandbox.refuses(2, &import("t.csv", &["--board", " "]), &["--board"]);
    sandbox.refuses(
        2,
        &import("t.csv", &["--board", "b", "--task", "a=q"]),
        &["q"],
    );
    sandbox.refuses(
        2,
        &import("t.csv", &["--board", "b", "--local-input", "q"]),
        &["`q`"],
    );
    sandbox.refuses(
        1,
        &[
            "profile",
            "import",
            "m.onnx",
            "--times",
            "t.csv",
            "--board",
            "b",
            "-o",
            "no/p.toml",
        ],
        &["folder does not exist"],
    );
    let json = sandbox.json(&import("few.csv", &["--board", "b", "--missing", "zero"]));
    assert_eq!(json["imported"], true);
    assert_eq!(json["source"], "few.csv");
    assert_eq!(
        json["layers"]
            .as_array()
            .or(json["layer"].as_array())
            .unwrap()
            .len(),
        2
    );

    let plan = [
        "plan", "--edge", "p.toml", "--server", "sim:8x", "--link", "wifi",
    ];
    sandbox.ok(&[&plan[..], &["--out", "plan.toml"]].concat());
    let export = ["profile", "export", "p.toml", "--plan", "plan.toml"];
    sandbox.refuses(
        2,
        &[&export[..], &["--format", "csv"]].concat(),
        &["--plan"],
    );
    let other = sandbox
        .read("p.toml")
        .replace("name = \"b\"", "name = \"c\"");
    sandbox.write("other.toml", other);
    sandbox.refuses(
        4,
        &[
            "profile",
            "export",
            "other.toml",
            "--plan",
            "plan.toml",
            "--format",
            "trace",
        ],
        &["plan.toml is no plan for other.toml"],
    );
    sandbox.refuses(2, &["profile", "export", "p.toml"], &["required"]);
    sandbox.refuses(
        4,
        &["profile", "export", "t.csv", "--format", "csv"],
        &["t.csv"],
    );
}
