//! Bad, hostile and merely odd model files.

use cutpoint_onnx::build::{constant, floats, int64s, value, with};
use cutpoint_onnx::proto::{DataType, ModelProto, NEWEST_IR, SparseTensorProto, TensorProto};
use cutpoint_onnx::{Dim, Model, OnnxError, ValueFacts};
use cutpoint_testkit::models::*;
use proptest::prelude::*;
use prost::Message;

/// A model with a bit of everything.
fn rich() -> ModelProto {
    let then = graph(vec![node("Relu", &["a"], &["t"])], &[], &["t"]);
    let other = graph(vec![node("Add", &["a", "w"], &["e"])], &[], &["e"]);
    let branch = with(node("If", &["yes"], &["b"]), body("then_branch", then));
    let branch = with(branch, body("else_branch", other));
    let mut graph = graph(
        vec![
            node("Add", &["x", "w"], &["a"]),
            constant("yes", bool_tensor()),
            branch,
            call("Twice", &["b"], &["y"]),
        ],
        &["x"],
        &["y"],
    );
    graph.initializer = vec![weight("w")];
    let mut model = model(graph);
    model.functions = vec![function(
        "Twice",
        &["p"],
        &["q"],
        vec![node("Add", &["p", "p"], &["q"])],
    )];
    model
}

fn bool_tensor() -> TensorProto {
    TensorProto {
        data_type: Some(DataType::Bool as i32),
        int32_data: vec![1],
        ..TensorProto::default()
    }
}

/// What a caller does with a model that loads.
fn use_it(model: &Model) {
    model.renamed();
    model.kernels();
    model.inputs();
    if let Ok(reading) = model.graph(&ValueFacts::new()) {
        assert_eq!(reading.nodes.len(), reading.graph.layers().len());
    }
}

#[test]
fn a_sound_model_loads_and_keeps_its_bytes() {
    let folder = Folder::new();
    let bytes = rich().encode_to_vec();
    let model = folder.load(&rich()).unwrap();
    assert_eq!(model.encode(), bytes);
    assert_eq!(model.file_name(), "model.onnx");
    assert_eq!(model.opset(), 17);
    assert_eq!(model.sha256().len(), 64);
    assert_eq!(model.output_names(), ["y"]);
    assert_eq!(model.node_count(), 4);
    use_it(&model);
}

#[test]
fn a_file_cut_short_anywhere_is_refused_or_sound_but_never_a_panic() {
    let folder = Folder::new();
    let bytes = rich().encode_to_vec();
    let path = folder.path("short.onnx");
    let mut refused = 0;
    for length in 0..bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        match Model::load(&path) {
            Ok(model) => use_it(&model),
            Err(error) => {
                refused += 1;
                assert!(error.to_string().len() < 500, "{error}");
            }
        }
    }
    assert!(
        refused > bytes.len() * 9 / 10,
        "{refused} of {}",
        bytes.len()
    );
}

#[test]
fn files_that_are_no_models_get_a_short_message() {
    let folder = Folder::new();
    let path = folder.path("x.onnx");
    let nested = {
        // a thousand graphs within graphs
        let mut bytes = Vec::new();
        for _ in 0..1000 {
            let mut outer = vec![0x32];
            prost::encoding::encode_varint(bytes.len() as u64, &mut outer);
            outer.extend(&bytes);
            let mut node = vec![0x2a];
            prost::encoding::encode_varint(outer.len() as u64, &mut node);
            node.extend(&outer);
            bytes = vec![0x0a];
            prost::encoding::encode_varint(node.len() as u64, &mut bytes);
            bytes.extend(&node);
        }
        let mut model = vec![0x08, 0x08, 0x3a];
        prost::encoding::encode_varint(bytes.len() as u64, &mut model);
        model.extend(&bytes);
        model
    };
    for bytes in [
        &b""[..],
        b"hello, world",
        b"\x89PNG\r\n\x1a\n0000",
        &[0; 64],
        &nested,
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = Model::load(&path).unwrap_err();
        let text = error.to_string();
        let expected = if bytes.starts_with(b"\x89PNG") {
            matches!(&error, OnnxError::OtherFile { what, .. } if what == "it is an image")
        } else {
            matches!(error, OnnxError::NotOnnx { .. })
        };
        assert!(expected, "{text}");
        assert!(text.contains("x.onnx") && text.len() < 400, "{text}");
    }
    for missing in [folder.path("none.onnx"), folder.dir.path().to_owned()] {
        assert!(matches!(Model::load(&missing), Err(OnnxError::Io { .. })));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let folder = Folder::new();
        let mut bytes = rich().encode_to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let path = folder.path("changed.onnx");
        std::fs::write(&path, bytes).unwrap();
        if let Ok(model) = Model::load(&path) {
            use_it(&model);
        }
    }
}

#[test]
fn rules_of_names_are_kept() {
    let twice = simple(
        vec![node("Relu", &["x"], &["a"]), node("Neg", &["x"], &["a"])],
        &["x"],
        &["a"],
    );
    assert!(refusal(&twice).contains("node 1 (Neg `a`): `a` is defined twice"));
    let input_again = simple(vec![node("Relu", &["x"], &["x"])], &["x"], &["x"]);
    assert!(refusal(&input_again).contains("`x` is defined twice"));
    let unknown = simple(vec![node("Relu", &["nowhere"], &["a"])], &["x"], &["a"]);
    assert!(refusal(&unknown).contains("`nowhere` is neither an input"));
    let output = simple(vec![node("Relu", &["x"], &["a"])], &["x"], &["b"]);
    assert!(refusal(&output).contains("nothing computes `b`"));
    let circle = simple(
        vec![
            node("Add", &["x", "b"], &["a"]),
            node("Relu", &["a"], &["b"]),
        ],
        &["x"],
        &["b"],
    );
    assert!(refusal(&circle).contains("circle"));
    let captured = {
        let inner = graph(vec![node("Relu", &["b"], &["t"])], &[], &["t"]);
        let branch = with(node("If", &["x"], &["a"]), body("then_branch", inner));
        simple(vec![branch, node("Relu", &["a"], &["b"])], &["x"], &["b"])
    };
    assert!(refusal(&captured).contains("circle"), "through a body");
    let nothing = simple(Vec::new(), &["x"], &[]);
    assert!(refusal(&nothing).contains("no outputs"));
}

#[test]
fn results_of_bodies_may_not_hide_outer_values_but_siblings_may_share_names() {
    let branch = |result: &str| {
        let inner = |op: &str| graph(vec![node(op, &["x"], &[result])], &[], &[result]);
        let both = with(
            node("If", &["x"], &["c"]),
            body("then_branch", inner("Relu")),
        );
        let both = with(both, body("else_branch", inner("Neg")));
        let nodes = vec![
            node("Relu", &["x"], &["a"]),
            both,
            node("Add", &["a", "c"], &["y"]),
        ];
        simple(nodes, &["x"], &["y"])
    };
    assert!(refusal(&branch("a")).contains("`a` is defined twice"));
    load(&branch("t"));
}

#[test]
fn nodes_out_of_order_are_sorted_and_others_stay() {
    let model = simple(
        vec![
            node("Relu", &["b"], &["c"]),
            node("Relu", &["x"], &["a"]),
            node("Relu", &["a"], &["b"]),
        ],
        &["x"],
        &["c"],
    );
    let loaded = load(&model);
    let order: Vec<_> = loaded
        .node_outputs()
        .map(|(n, o)| (n, o[0].clone()))
        .collect();
    let expected = [("n0", "a"), ("n1", "b"), ("n2", "c")];
    assert_eq!(order, expected.map(|(n, o)| (n.to_owned(), o.to_owned())));
}

#[test]
fn dimensions_must_be_sound() {
    let with_dims = |dims: &[i64], values: usize| {
        let mut tensor = floats(dims, &vec![0.0; values]);
        tensor.name = Some("w".to_owned());
        let mut graph = graph(vec![node("Add", &["x", "w"], &["y"])], &["x"], &["y"]);
        graph.initializer = vec![tensor];
        model(graph)
    };
    load(&with_dims(&[2, 3], 6));
    load(&with_dims(&[0, 7], 0));
    load(&with_dims(&[], 1));
    for (dims, values, message) in [
        (&[-1, 3][..], 3, "negative or too large"),
        (&[i64::MAX, 2], 2, "negative or too large"),
        (&[1 << 40, 1 << 40, 0], 0, "negative or too large"),
        (&[2, 3], 5, "need 24 bytes, but there are 20"),
    ] {
        let text = refusal(&with_dims(dims, values));
        assert!(
            text.contains("tensor `w`") && text.contains(message),
            "{text}"
        );
    }
    let mut typed = with_dims(&[2, 3], 6);
    let tensor = &mut typed.graph.as_mut().unwrap().initializer[0];
    tensor.raw_data = None;
    tensor.float_data = vec![0.0; 7];
    assert!(refusal(&typed).contains("need 6 elements, but there are 7"));
    typed.graph.as_mut().unwrap().initializer[0].data_type = Some(99);
    assert!(refusal(&typed).contains("element type 99 is unknown"));
}

#[test]
fn versions_are_checked() {
    let mut model = rich();
    model.ir_version = Some(NEWEST_IR + 1);
    assert!(refusal(&model).contains("update cutpoint"));
    model.ir_version = None;
    assert!(refusal(&model).contains("no file format version"));
    model.ir_version = Some(8);
    model.graph = None;
    assert!(refusal(&model).contains("has no graph"));
}

#[test]
fn functions_may_not_call_themselves_nor_read_what_is_not_theirs() {
    let with_function = |nodes, other| {
        let mut model = simple(vec![call("F", &["x"], &["y"])], &["x"], &["y"]);
        model.functions = vec![
            function("F", &["p"], &["q"], nodes),
            function("G", &["p"], &["q"], vec![other]),
        ];
        model
    };
    let leaf = || node("Relu", &["p"], &["q"]);
    load(&with_function(vec![call("G", &["p"], &["q"])], leaf()));
    let text = refusal(&with_function(
        vec![call("G", &["p"], &["q"])],
        call("F", &["p"], &["q"]),
    ));
    assert!(
        text.contains("function `F`") && text.contains("calls itself"),
        "{text}"
    );
    let text = refusal(&with_function(vec![node("Relu", &["x"], &["q"])], leaf()));
    assert!(text.contains("`x` is neither"), "{text}");
}

#[test]
fn names_with_control_characters_are_shown_escaped() {
    let evil = "a\u{1b}[31m\n<script>\u{202e}";
    let model = simple(vec![node("Relu", &[evil], &["y"])], &["x"], &["y"]);
    let text = refusal(&model);
    assert!(
        !text.contains(char::is_control) && !text.contains('\u{202e}'),
        "{text:?}"
    );
    assert!(text.contains("\\u{1b}[31m\\n<script>"), "{text}");
}

#[test]
fn constants_listed_as_inputs_are_not_inputs() {
    let mut graph = graph(vec![node("Add", &["x", "w"], &["y"])], &["x", "w"], &["y"]);
    graph.initializer = vec![weight("w")];
    let mut model = model(graph);
    for version in [3, 8] {
        model.ir_version = Some(version);
        let inputs = load(&model).inputs();
        let names: Vec<&str> = inputs.iter().map(|i| i.name.as_str()).collect();
        assert_eq!(names, ["x"], "file format version {version}");
        assert_eq!(inputs[0].dims, Some(vec![Dim::Fixed(2), Dim::Fixed(3)]));
    }
}

#[test]
fn open_dimensions_are_told_apart() {
    let mut model = simple(vec![node("Relu", &["x"], &["y"])], &["x"], &["y"]);
    let input = value("x", DataType::Int64, Some(&[1]));
    let declared = |bytes: &[u8]| {
        let mut input = input.clone();
        let mut shape = cutpoint_onnx::proto::TensorShapeProto::default();
        shape.merge(bytes).unwrap();
        if let Some(cutpoint_onnx::proto::type_proto::Value::TensorType(t)) =
            &mut input.r#type.as_mut().unwrap().value
        {
            t.shape = Some(shape);
        }
        input
    };
    // dim { dim_param: "N" }, dim {}, dim { dim_value: -1 }
    let mut bytes = b"\x0a\x03\x12\x01N\x0a\x00\x0a\x0b\x08".to_vec();
    prost::encoding::encode_varint(u64::MAX, &mut bytes);
    model.graph.as_mut().unwrap().input = vec![declared(&bytes)];
    let dims = load(&model).inputs()[0].dims.clone();
    assert_eq!(
        dims,
        Some(vec![
            Dim::Symbol("N".to_owned()),
            Dim::Unknown,
            Dim::Unknown
        ])
    );
}

#[test]
fn a_chain_of_a_hundred_thousand_nodes_is_read() {
    let mut nodes: Vec<_> = (0..100_000)
        .map(|i| node("Relu", &[&format!("t{i}")], &[&format!("t{}", i + 1)]))
        .collect();
    nodes.reverse();
    let model = simple(nodes, &["t0"], &["t100000"]);
    let (_, reading) = read(&model);
    assert_eq!(reading.graph.layers().len(), 100_000);
    let middle = tensor(&reading, "t50000");
    assert_eq!(
        reading.graph.edge_of_cut(&[middle], &[]).unwrap().len(),
        50_000
    );
}

#[test]
fn renaming_reaches_into_bodies() {
    let renamed = ModelProto::decode(load(&rich()).renamed().as_slice()).unwrap();
    let graph = renamed.graph.unwrap();
    let names: Vec<&str> = graph.node.iter().map(|n| n.name()).collect();
    assert_eq!(names, ["n0", "n1", "n2", "n3"]);
    let inner = |a: usize| {
        graph.node[2].attribute[a].g.as_ref().unwrap().node[0]
            .name()
            .to_owned()
    };
    assert_eq!((inner(0), inner(1)), ("n2.0".to_owned(), "n2.1".to_owned()));
}

#[test]
fn sparse_constants_are_checked_like_dense_ones() {
    let mut model = simple(vec![node("Add", &["x", "s"], &["y"])], &["x"], &["y"]);
    let sparse = SparseTensorProto {
        values: Some(named("s", floats(&[1], &[2.0]))),
        indices: Some(int64s(&[1], &[4])),
        dims: vec![2, 3],
    };
    model.graph.as_mut().unwrap().sparse_initializer = vec![sparse];
    let (_, reading) = read(&model);
    assert_eq!(weights_of(&reading, "y")["s"], 12);
    let sparse = &mut model.graph.as_mut().unwrap().sparse_initializer[0];
    sparse.dims = vec![-2];
    assert!(refusal(&model).contains("sparse tensor `s`"));
}
