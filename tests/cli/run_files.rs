//! What a run writes is none of what it reads, and replaces nothing of another kind.

use crate::sandbox::Sandbox;
use cutpoint_core::file_kind::FileKind;
use cutpoint_onnx::proto::ModelProto;
use cutpoint_testkit::models::{node, simple};

const EDGE: [&str; 4] = ["--edge", "p.toml", "--server", "sim:8x"];
const RATES: [&str; 2] = ["--rate", "1Mbit/s..1Gbit/s"];

fn model() -> ModelProto {
    let nodes = vec![node("Neg", &["x"], &["h"]), node("Abs", &["h"], &["y"])];
    simple(nodes, &["x"], &["y"])
}

/// A sandbox with one file of each kind that a command reads.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.model("m.onnx", &model());
    sandbox.write("times.csv", "layer,time_us\nh,1\ny,2\n");
    sandbox.ok(&words(
        "profile import m.onnx --times times.csv --board b -o p.toml",
    ));
    sandbox.ok(&plan(&["--out", "plan.toml"]));
    sandbox.write("scenario.toml", "rate = \"5Mbit/s\"\n");
    sandbox.write("trace.csv", "time_s,rate\n0,5Mbit/s\n1,8Mbit/s\n");
    sandbox.write("server.toml", "format = 1\nbase = \"p.toml\"\nspeed = 2\n");
    sandbox
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn plan<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["plan", "--rate", "5Mbit/s"], &EDGE[..], more].concat()
}

fn sweep<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["sweep"], &EDGE[..], &RATES, more].concat()
}

#[test]
fn no_output_is_an_input_or_another_output() {
    let sandbox = sandbox();
    #[cfg(unix)]
    std::os::unix::fs::symlink("p.toml", sandbox.path("link.toml")).unwrap();
    std::fs::create_dir(sandbox.path("d")).unwrap();
    sandbox.write("d/labels.csv", "file,y\n");
    sandbox.model("edge.onnx", &model());
    let cases: Vec<(Vec<&str>, [&str; 2])> = vec![
        (plan(&["--out", "p.toml"]), ["--out p.toml", "as --edge"]),
        (
            plan(&["--out", "d/../p.toml"]),
            ["--out d/../p.toml", "as --edge"],
        ),
        (
            plan(&["--out", "link.toml"]),
            ["--out link.toml", "as --edge"],
        ),
        (
            plan(&["--scenario", "scenario.toml", "--out", "./scenario.toml"]),
            ["--out ./scenario.toml", "as --scenario"],
        ),
        (
            plan(&["--rate-trace", "trace.csv", "--out", "trace.csv"]),
            ["--out trace.csv", "as --rate-trace"],
        ),
        (
            words("plan --edge p.toml --server server.toml --link wifi --out server.toml"),
            ["--out server.toml", "as --server"],
        ),
        (sweep(&["--out", "p.toml"]), ["--out p.toml", "as --edge"]),
        (
            sweep(&["--lookup", "p.toml"]),
            ["--lookup p.toml", "as --edge"],
        ),
        (
            sweep(&["--out", "new.toml", "--lookup", "./new.toml"]),
            ["--lookup ./new.toml", "as --out"],
        ),
        (
            [&["replay", "trace.csv"], &EDGE[..], &["--out", "trace.csv"]].concat(),
            ["--out trace.csv", "as the trace"],
        ),
        (
            words("profile export p.toml --format csv -o p.toml"),
            ["--out p.toml", "as the profile"],
        ),
        (
            words("profile import m.onnx --times times.csv --board b -o times.csv --force"),
            ["--out times.csv", "as --times"],
        ),
        (
            words("annotate m.onnx --plan plan.toml -o plan.toml"),
            ["--out plan.toml", "as --plan"],
        ),
        (
            words("split --cut h --model edge.onnx --out . --force"),
            ["edge.onnx", "as --model"],
        ),
        (
            words("accuracy m.onnx --data d --out m.onnx --force"),
            ["--out m.onnx", "as the model"],
        ),
        (
            words("accuracy m.onnx --data d/labels.csv --out d/labels.csv --force"),
            ["--out d/labels.csv", "as --data"],
        ),
    ];
    for (arguments, parts) in cases {
        let files = |sandbox: &Sandbox| {
            let names = [
                "p.toml",
                "plan.toml",
                "scenario.toml",
                "trace.csv",
                "times.csv",
            ];
            names.map(|name| sandbox.read(name))
        };
        let before = files(&sandbox);
        sandbox.refuses(2, &arguments, &parts);
        assert_eq!(files(&sandbox), before, "{arguments:?}");
    }
}

#[test]
fn only_a_file_of_the_same_kind_is_replaced() {
    let sandbox = sandbox();
    let trace = words("profile export p.toml --format trace -o out");
    let table = words("profile export p.toml --format csv -o out");
    let copy = words("annotate m.onnx --plan plan.toml -o out");
    let replay = [&["replay", "trace.csv"], &EDGE[..], &["--out", "out"]].concat();
    let delays = [
        "--rate",
        "5Mbit/s",
        "--over",
        "delay=0ms..100ms",
        "--out",
        "out",
    ];
    let over = [&["sweep"], &EDGE[..], &delays].concat();
    let kinds = [
        (plan(&["--out", "out"]), "a plan"),
        (sweep(&["--out", "out"]), "a sweep"),
        (over, "a sweep over a limit"),
        (sweep(&["--lookup", "out"]), "a look-up table"),
        (replay, "a replay"),
        (table, "a table of times"),
        (trace, "a trace"),
        (copy, "a model that `annotate` wrote"),
    ];
    for (index, (command, kind)) in kinds.iter().enumerate() {
        let _ = std::fs::remove_file(sandbox.path("out"));
        // a file that holds nothing is nobody's
        sandbox.write("out", "");
        sandbox.ok(command);
        sandbox.ok(command);
        let before = std::fs::read(sandbox.path("out")).unwrap();
        for (other, wanted) in kinds.iter().skip(index + 1).chain(&kinds[..index]) {
            let parts = ["out: it holds ", &format!("only {wanted} is replaced")];
            sandbox.refuses(2, other, &parts);
        }
        assert_eq!(
            std::fs::read(sandbox.path("out")).unwrap(),
            before,
            "{kind}"
        );
        if let Ok(text) = String::from_utf8(before) {
            let found = FileKind::of(&text).ok().flatten();
            assert!(
                found.is_none_or(|found| found.to_string() == *kind),
                "{kind}"
            );
        }
    }
    // a model that nobody annotated, and notes of the user
    sandbox.model("m2.onnx", &model());
    sandbox.write("notes.txt", "mine");
    for name in ["m2.onnx", "notes.txt"] {
        let copy = ["annotate", "m.onnx", "--plan", "plan.toml", "-o", name];
        sandbox.refuses(2, &copy, &[name, "it holds"]);
        sandbox.refuses(2, &plan(&["--out", name]), &[name, "it holds"]);
    }
    assert_eq!(sandbox.read("notes.txt"), "mine");
}

#[test]
fn a_manual_page_is_replaced_and_nothing_else() {
    let sandbox = Sandbox::new();
    sandbox.ok(&words("man pages"));
    sandbox.ok(&words("man pages"));
    sandbox.write("pages/cutpoint-plan.1", "notes of the user");
    let parts = ["pages/cutpoint-plan.1", "only a manual page"];
    sandbox.refuses(2, &words("man pages"), &parts);
}

#[test]
fn a_report_replaces_and_removes_its_own_figures_only() {
    let sandbox = sandbox();
    let report = |more: &str| format!("report p.toml {more} --link wifi --out r");
    let run = |more: &str| sandbox.ok(&words(&report(more)));
    sandbox.ok(&words(
        "plan --edge p.toml --server sim:8x --rate 1kbit/s --out slow.toml",
    ));
    run("");
    let own = std::fs::read_to_string(sandbox.path("r/b-m-timeline.svg")).unwrap();
    // two plans of a profile have figures each, and leave those without a plan alone
    let listed = run("plan.toml slow.toml");
    for name in ["r/b-m-plan-timeline.svg", "r/b-m-slow-timeline.svg"] {
        assert!(listed.contains(name), "{listed}");
    }
    let now = std::fs::read_to_string(sandbox.path("r/b-m-timeline.svg")).unwrap();
    assert_eq!(now, own);
    let [one, other] =
        ["plan", "slow"].map(|plan| sandbox.read(&format!("r/b-m-{plan}-timeline.svg")));
    assert_ne!(one, other);
    // so has the page, which says what its parts are about
    run("plan.toml slow.toml --only halves --html page.html");
    let page = sandbox.read("page.html");
    for name in ["plan", "slow"] {
        let title = format!(", {name}</a>");
        assert!(page.contains(&title), "{name}");
    }

    // without a plan there is no timeline, and the old one would be of other limits
    let impossible = "--deadline 1us --only timeline,layers";
    sandbox.write("r/b-m-timeline-2.svg", "<svg>drawn by hand</svg>");
    let output = sandbox.run(&words(&report(impossible)));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("r/b-m-timeline.svg: removed"), "{said}");
    assert!(!sandbox.path("r/b-m-timeline.svg").exists());
    for kept in [
        "b-m-timeline-2.svg",
        "b-m-plan-timeline.svg",
        "b-m-layers.svg",
    ] {
        assert!(sandbox.path("r").join(kept).exists(), "{kept}");
    }

    // what somebody else drew under the name of a figure stays
    sandbox.write("r/b-m-layers.svg", "<svg>drawn by hand</svg>");
    let layers = report("--only layers");
    sandbox.refuses(2, &words(&layers), &["r/b-m-layers.svg", "only a figure"]);
    sandbox.write("page.html", "<html>mine</html>");
    let page = report("--only halves,network --html page.html");
    sandbox.refuses(2, &words(&page), &["--html page.html", "only a page"]);
    assert_eq!(sandbox.read("page.html"), "<html>mine</html>");
}
