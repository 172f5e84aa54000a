//! `cutpoint profile import` and `cutpoint profile export`, and `cutpoint dataset`.

use crate::settings::{LADON, SHAPES};
use crate::test_dir::TestDir;

#[test]
fn exported() {
    let dir = TestDir::new();
    dir.prepare(&[
        &format!("plan {SHAPES} --max-drop 5% --out plan.toml"),
        &format!("plan {LADON} --schedule overlap --keep-on-edge classes --out ladon-plan.toml"),
    ]);
    dir.check([
        (
            "export__mobilenet__csv",
            "profile export mobilenet.toml --format csv",
        ),
        (
            "export__mobilenet__csv_file",
            "profile export mobilenet.toml --format csv -o layers.csv",
        ),
        (
            "export__mobilenet__csv_file_json",
            "profile export mobilenet.toml --format csv -o layers.csv --json",
        ),
        (
            "export__mobilenet__trace",
            "profile export mobilenet.toml --format trace",
        ),
        (
            "export__mobilenet__trace_of_plan",
            "profile export mobilenet.toml --format trace --plan plan.toml -o trace.json",
        ),
        (
            "export__ladon__csv",
            "profile export ladon.toml --format csv",
        ),
        (
            "export__ladon__trace",
            "profile export ladon.toml --format trace",
        ),
        (
            "export__ladon__trace_of_plan",
            "profile export ladon.toml --format trace --plan ladon-plan.toml",
        ),
        (
            "export__cloud__csv",
            "profile export point-cloud.toml --format csv",
        ),
        (
            "export__river__trace",
            "profile export lstm-fpga.toml --format trace",
        ),
        (
            "export__csv_of_plan",
            "profile export ladon.toml --format csv --plan ladon-plan.toml",
        ),
        (
            "export__other_plan",
            "profile export ladon.toml --format trace --plan plan.toml",
        ),
        (
            "export__unknown_format",
            "profile export ladon.toml --format xml",
        ),
        ("export__nothing", "profile export none.toml --format csv"),
    ]);
}

#[test]
fn imported() {
    let dir = TestDir::with_models();
    dir.prepare(&["profile export mobilenet.toml --format csv -o layers.csv"]);
    dir.write("some.csv", "layer;time_ms;n\nrelu_14;1.5;10\n");
    dir.write(
        "one.csv",
        "layer,median_us,mad_us,n\ngetitem_33,812.5,3.1,50\n",
    );
    dir.write("unknown.csv", "layer,median_us\nconv99,812.5\n");
    dir.write(
        "twice.csv",
        "layer,median_us\ngetitem_33,812.5\ngetitem_33,8\n",
    );
    dir.write("bad.csv", "layer,median_us\ngetitem_33,-1\n");
    dir.write("no-time.csv", "layer,watts\ngetitem_33,1\n");
    let of = |table: &str, words: &str| {
        format!(
            "profile import mobilenet.onnx --times {table}.csv --board bench -o {table}.toml {words}"
        )
    };
    dir.check([
        ("import__mobilenet", of("layers", "")),
        (
            "import__mobilenet__json",
            of("layers", "--json --runtime TensorRT --threads 2"),
        ),
        (
            "import__mobilenet__other_board",
            "profile import mobilenet.onnx --times layers.csv --board desk -o desk.toml".to_owned(),
        ),
        ("import__one__missing", of("one", "")),
        ("import__one__zero", of("one", "--missing zero")),
        ("import__semicolons", of("some", "--missing zero")),
        ("import__unknown_layer", of("unknown", "--missing zero")),
        ("import__twice", of("twice", "--missing zero")),
        ("import__bad_number", of("bad", "--missing zero")),
        ("import__no_time", of("no-time", "")),
        ("import__no_table", of("none", "")),
        (
            "import__over_a_profile",
            "profile import mobilenet.onnx --times layers.csv --board lab -o ladon.toml".to_owned(),
        ),
    ]);
    dir.check([
        (
            "import__mobilenet__plan",
            "plan --edge layers.toml --server sim:8x --rate 300Mbit/s --delay 100us",
        ),
        (
            "import__mobilenet__report",
            "report layers.toml --only layers,cuts --out figures",
        ),
    ]);
}

#[test]
fn shapes_drawn() {
    TestDir::new().check([
        (
            "dataset__shapes",
            "dataset shapes --out shapes --count 12 --seed 3",
        ),
        (
            "dataset__shapes__again",
            "dataset shapes --out shapes --count 12 --seed 3",
        ),
        (
            "dataset__shapes__noise_json",
            "dataset shapes --out shapes --count 7 --noise 0.05 --force --json",
        ),
        ("dataset__shapes__one", "dataset shapes --out one --count 1"),
        (
            "dataset__shapes__none",
            "dataset shapes --out none --count 0",
        ),
        (
            "dataset__shapes__too_many",
            "dataset shapes --out none --count 480001",
        ),
        (
            "dataset__shapes__bad_noise",
            "dataset shapes --out none --count 1 --noise 2",
        ),
    ]);
}
