//! Models that are not what they should be, from the outside: one line, the right exit code.

use crate::sandbox::{Sandbox, open_input};
use cutpoint_onnx::build::value;
use cutpoint_onnx::proto::{DataType, ModelProto, StringStringEntryProto, tensor_proto};
use cutpoint_testkit::models::{node, simple, weight};
use prost::Message;

/// `x -> h -> y` with a second output `z` of `h`, of shape 2x3.
fn small() -> ModelProto {
    let nodes = vec![
        node("Neg", &["x"], &["h"]),
        node("Abs", &["h"], &["y"]),
        node("Exp", &["h"], &["z"]),
    ];
    simple(nodes, &["x"], &["y", "z"])
}

/// [`small`] with other inputs declared.
fn with_inputs(inputs: Vec<cutpoint_onnx::proto::ValueInfoProto>) -> ModelProto {
    let mut model = small();
    model.graph.as_mut().unwrap().input = inputs;
    model
}

#[test]
fn files_that_are_no_models_are_named() {
    let sandbox = Sandbox::new();
    let whole = small().encode_to_vec();
    sandbox.write("text.onnx", "this is not a model");
    sandbox.write("empty.onnx", "");
    sandbox.write("short.onnx", &whole[..whole.len() / 2]);
    sandbox.write("words.json", "{\"a\": 1}");
    std::fs::create_dir(sandbox.path("folder.onnx")).unwrap();
    for (file, part) in [
        ("text.onnx", "not an ONNX model, or cut short"),
        ("empty.onnx", "the file is empty"),
        ("short.onnx", "export or copy it again"),
        ("words.json", "not an ONNX model"),
        ("folder.onnx", "not a plain file"),
        ("missing.onnx", "No such file"),
    ] {
        sandbox.refuses(4, &["inspect", file], &[file, part]);
        sandbox.refuses(4, &["profile", file, "--board", "b"], &[file, part]);
        let split = ["split", "--cut", "h", "--model", file, "--out", "s"];
        sandbox.refuses(4, &split, &[file, part]);
    }
}

#[test]
fn broken_graphs_are_refused_with_their_node() {
    let sandbox = Sandbox::new();
    let cases = [
        (
            vec![node("Frobnicate", &["x"], &["y"])],
            ["ONNX Runtime refuses", "Frobnicate"],
        ),
        (
            vec![
                node("Add", &["x", "c"], &["b"]),
                node("Abs", &["b"], &["c"]),
                node("Abs", &["c"], &["y"]),
            ],
            ["node 0 (Add `b`)", "circle"],
        ),
        (
            vec![node("Abs", &["x"], &["y"]), node("Neg", &["x"], &["y"])],
            ["node 1 (Neg `y`)", "defined twice"],
        ),
        (
            vec![node("Abs", &["nowhere"], &["y"])],
            ["`nowhere`", "neither an input"],
        ),
        (
            vec![node("Abs", &["x"], &["a"])],
            ["`y`", "nothing computes"],
        ),
        (vec![], ["`y`", "nothing computes"]),
    ];
    for (nodes, parts) in cases {
        sandbox.model("broken.onnx", &simple(nodes, &["x"], &["y"]));
        sandbox.refuses(
            4,
            &["inspect", "broken.onnx"],
            &["broken.onnx", parts[0], parts[1]],
        );
    }
    let mut constant = simple(vec![node("Abs", &["w"], &["y"])], &[], &["y"]);
    constant.graph.as_mut().unwrap().initializer = vec![weight("w")];
    sandbox.model("constant.onnx", &constant);
    sandbox.refuses(4, &["inspect", "constant.onnx"], &["nothing to cut"]);
    let mut future = small();
    future.opset_import[0].version = Some(999);
    sandbox.model("future.onnx", &future);
    let line = sandbox.refusal(4, &["inspect", "future.onnx"]);
    assert!(
        line.contains("refuses the model: ONNX Runtime only"),
        "{line}"
    );
}

#[test]
fn external_data_must_be_there_and_in_the_models_folder() {
    let sandbox = Sandbox::new();
    sandbox.write("short.bin", "123");
    for (location, part) in [
        ("gone.bin", "cannot be read"),
        ("short.bin", "which has 3"),
        ("../secret.bin", "not a path inside"),
        ("/etc/hostname", "not a path inside"),
    ] {
        let mut model = simple(vec![node("Add", &["x", "w"], &["y"])], &["x"], &["y"]);
        let mut outside = weight("w");
        outside.raw_data = None;
        outside.data_location = Some(tensor_proto::DataLocation::External as i32);
        let entry = |(key, value): (&str, &str)| StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value.to_owned()),
        };
        outside.external_data = [("location", location), ("length", "24")].map(entry).into();
        model.graph.as_mut().unwrap().initializer = vec![outside];
        sandbox.model("outside.onnx", &model);
        let parts = ["outside.onnx", "tensor `w`", location, part];
        sandbox.refuses(4, &["inspect", "outside.onnx"], &parts);
    }
}

#[test]
fn open_dimensions_are_answered_with_the_flags_to_type() {
    let sandbox = Sandbox::new();
    sandbox.model(
        "open.onnx",
        &with_inputs(vec![open_input("x", Some(&["batch", "3"]))]),
    );
    sandbox.refuses(
        2,
        &["inspect", "open.onnx"],
        &["open.onnx", "`x` is batch x 3", "--shape x=1x3"],
    );
    let any = with_inputs(vec![open_input("x", None)]);
    sandbox.model("any.onnx", &any);
    sandbox.refuses(
        2,
        &["inspect", "any.onnx"],
        &["of any shape", "--shape x=1x3x224x224"],
    );

    // two inputs at once, one of them to be quoted; what is proposed works as it is
    let nodes = vec![node("Concat", &["my image", "mask"], &["y"])];
    let mut two = simple(nodes, &[], &["y"]);
    let graph = two.graph.as_mut().unwrap();
    graph.node[0].attribute = vec![cutpoint_onnx::build::int("axis", 1)];
    graph.input = vec![
        open_input("my image", Some(&["N", "3", "?"])),
        open_input("mask", Some(&["N", "1", "?"])),
    ];
    sandbox.model("two.onnx", &two);
    let flags = ["--shape 'my image=1x3x224'", "--shape mask=1x1x224"];
    sandbox.refuses(2, &["inspect", "two.onnx"], &flags);
    let given = ["--shape", "my image=1x3x224", "--shape", "mask=1x1x224"];
    let answer = sandbox.json(&[&["inspect", "two.onnx"], &given[..]].concat());
    assert_eq!(
        answer["outputs"][0]["shape"],
        serde_json::json!([1, 4, 224])
    );
}

#[test]
fn shapes_must_fit() {
    let sandbox = Sandbox::new();
    sandbox.model(
        "m.onnx",
        &with_inputs(vec![open_input("x", Some(&["batch", "3"]))]),
    );
    for (shapes, part) in [
        (&["x=4x5"][..], "contradicts the model's batch x 3"),
        (&["x=4"], "contradicts"),
        (&["x="], "contradicts"),
        (&["x=0x3"], "no elements"),
        (&["z=4x3"], "there is `x`"),
        (&["X=4x3"], "there is `x`"),
        (&["x=4x3", "x=5x3"], "given twice"),
        (&["x=99999999999999x3"], "do not fit in memory"),
        (&["x=-1x3"], "write INPUT=1x3x224x224"),
        (&["x=4,3"], "write INPUT=1x3x224x224"),
        (&["4x3"], "write INPUT=1x3x224x224"),
        (&["x=99999999999999999999x3"], "write INPUT=1x3x224x224"),
    ] {
        let mut arguments = vec!["inspect", "m.onnx"];
        arguments.extend(shapes.iter().flat_map(|shape| ["--shape", shape]));
        sandbox.refuses(2, &arguments, &[part]);
    }
    let fixed = with_inputs(vec![value("x", DataType::Float, Some(&[2, 3]))]);
    sandbox.model("fixed.onnx", &fixed);
    let wrong = ["inspect", "fixed.onnx", "--shape", "x=4x3"];
    sandbox.refuses(2, &wrong, &["contradicts the model's 2 x 3"]);
}

#[test]
fn tasks_and_local_inputs_must_name_outputs_and_inputs() {
    let sandbox = Sandbox::new();
    sandbox.model("m.onnx", &small());
    for (flags, part) in [
        (
            &["--task", "t=y,q"][..],
            "no output is named `q`; did you mean `y` or `z`?",
        ),
        (&["--task", "t=h"], "no output is named `h`"),
        (&["--task", "t"], "NAME=OUTPUT"),
        (
            &["--task", "t=y", "--task", "t=z"],
            "two tasks have the name `t`",
        ),
        (
            &["--task", "s=y", "--task", "t=y"],
            "two tasks have the output `y`",
        ),
        (&["--task", "t=y,y"], "the output `y`"),
        (&["--task", "z=y"], "two tasks have the name `z`"),
        (
            &["--local-input", "X"],
            "no input is named `X`; did you mean `x`?",
        ),
        (&["--local-input", "h"], "no input is named `h`"),
    ] {
        sandbox.refuses(2, &[&["inspect", "m.onnx"], flags].concat(), &[part]);
        let profile = ["profile", "m.onnx", "--board", "b"];
        sandbox.refuses(2, &[&profile, flags].concat(), &[part]);
    }
    let answer = sandbox.json(&["inspect", "m.onnx", "--task", "both=y,z"]);
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 1);
}

#[test]
fn names_may_hold_anything_and_never_reach_the_terminal_raw() {
    let sandbox = Sandbox::new();
    let names = [
        "in,put <b>",
        "a\u{1b}[31mred\n\t",
        "<script>alert(1)</script>",
        "sp ace",
        "com,ma",
        "ünïcode→日本",
        "e\u{301}\u{202e}\u{7f}",
        "\"quote'&amp;",
        "y=1",
    ];
    let nodes = names
        .windows(2)
        .map(|pair| node("Exp", &[pair[0]], &[pair[1]]));
    sandbox.model("ugly.onnx", &simple(nodes.collect(), &[names[0]], &["y=1"]));
    let text = sandbox.ok(&["inspect", "ugly.onnx", "-v"]);
    assert!(
        !text.contains('\u{1b}') && text.contains("a\\u{1b}[31mred\\n\\t"),
        "{text}"
    );
    assert!(
        text.contains("ünïcode→日本") && text.contains("\"quote'&amp;"),
        "{text}"
    );
    let answer = sandbox.json(&["inspect", "ugly.onnx"]);
    for (layer, name) in answer["layers"].as_array().unwrap().iter().zip(&names[1..]) {
        assert_eq!(layer["id"], *name);
    }

    // a name with a comma is one tensor when there is one of that name
    for (number, name) in names[1..8].iter().enumerate() {
        let out = format!("split{number}");
        let arguments = [
            "split",
            "--cut",
            name,
            "--model",
            "ugly.onnx",
            "--out",
            &out,
        ];
        let made = sandbox.json(&arguments);
        assert_eq!(made["crossing"][0]["tensor"], **name);
        assert!(sandbox.path(&out).join("server.onnx").is_file());
    }
    let near = [
        "split",
        "--cut",
        "a\u{1b}[31mre",
        "--model",
        "ugly.onnx",
        "--out",
        "s",
    ];
    let line = sandbox.refusal(2, &near);
    assert!(
        line.contains("did you mean `a\\u{1b}[31mred\\n\\t`"),
        "{line}"
    );
}

#[test]
fn one_layer_and_hundreds_of_outputs_are_fine() {
    let sandbox = Sandbox::new();
    sandbox.model(
        "one.onnx",
        &simple(vec![node("Abs", &["x"], &["y"])], &["x"], &["y"]),
    );
    let text = sandbox.ok(&["inspect", "one.onnx"]);
    assert!(text.contains("1 layer, executed as 1 kernel;"), "{text}");
    let outputs: Vec<String> = (0..300).map(|i| format!("out{i}")).collect();
    let mut nodes = vec![node("Neg", &["x"], &["h"])];
    nodes.extend(outputs.iter().map(|out| node("Exp", &["h"], &[out])));
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    sandbox.model("many.onnx", &simple(nodes, &["x"], &outputs));
    let answer = sandbox.json(&["inspect", "many.onnx"]);
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 300);
}
