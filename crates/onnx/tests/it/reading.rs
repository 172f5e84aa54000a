//! A model read as layers: what a layer is, what it reads, what is constant.

use cutpoint_core::graph::ElementType;
use cutpoint_onnx::OnnxError;
use cutpoint_onnx::build::{constant, float, floats, int, int64s, with};
use cutpoint_onnx::proto::{AttributeProto, AttributeType, DataType, TensorProto};
use cutpoint_testkit::models::*;

fn yes() -> TensorProto {
    TensorProto {
        data_type: Some(DataType::Bool as i32),
        int32_data: vec![1],
        ..TensorProto::default()
    }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(AttributeType::Ints as i32),
        ints: values.to_vec(),
        ..AttributeProto::default()
    }
}

#[test]
fn what_bodies_capture_is_read_by_the_node() {
    // the loop's body captures `b` and, in an `If` of its own, `a` and the weight; its own
    // parameter `p` and a name of an inner result hide nothing
    let inner = graph(vec![node("Add", &["a", "w"], &["i"])], &[], &["i"]);
    let other = graph(vec![node("Relu", &["p"], &["i"])], &[], &["i"]);
    let choice = with(node("If", &["go"], &["c"]), body("then_branch", inner));
    let choice = with(choice, body("else_branch", other));
    let mut looped = graph(
        vec![
            choice,
            node("Add", &["c", "b"], &["n"]),
            node("Identity", &["go"], &["stay"]),
        ],
        &["i", "go", "p"],
        &["stay", "n"],
    );
    looped.input[0] = bare("count");
    let nodes = vec![
        node("Relu", &["x"], &["a"]),
        node("Neg", &["x"], &["b"]),
        with(node("Loop", &["", "", "a"], &["l"]), body("body", looped)),
        node("Relu", &["l"], &["y"]),
    ];
    let mut model = simple(nodes, &["x"], &["y"]);
    model.graph.as_mut().unwrap().initializer = vec![weight("w")];
    let (_, reading) = read(&model);
    assert_eq!(layer_ids(&reading), ["a", "b", "l", "y"]);
    assert_eq!(inputs_of(&reading, "l"), ["a", "b"]);
    assert_eq!(weights_of(&reading, "l")["w"], 24);
    // its length is unknown before it runs
    let reason = |name: &str| {
        reading
            .graph
            .tensor(tensor(&reading, name))
            .uncuttable
            .clone()
    };
    assert_eq!(reason("a"), None);
    assert!(reason("l").unwrap().contains("depend on the data"));
    assert!(
        reason("y").unwrap().contains("depend on the data"),
        "what follows, too"
    );
}

#[test]
fn outer_values_delivered_by_a_body_are_read() {
    let body_graph = graph(Vec::new(), &[], &["a"]);
    let nodes = vec![
        node("Relu", &["x"], &["a"]),
        with(node("If", &["x"], &["y"]), body("then_branch", body_graph)),
    ];
    let (_, reading) = read(&simple(nodes, &["x"], &["y"]));
    assert_eq!(inputs_of(&reading, "y"), ["x", "a"]);
}

#[test]
fn names_bound_inside_a_body_are_not_captured() {
    let mut inner = graph(vec![node("Add", &["a", "p"], &["t"])], &["p"], &["t"]);
    inner.initializer = vec![weight("a")];
    let nodes = vec![
        node("Relu", &["x"], &["a"]),
        with(node("If", &["x"], &["b"]), body("then_branch", inner)),
        node("Add", &["a", "b"], &["y"]),
    ];
    let (_, reading) = read(&simple(nodes, &["x"], &["y"]));
    assert_eq!(inputs_of(&reading, "b"), ["x"]);
    assert_eq!(weights_of(&reading, "b")["b (inside)"], 24);
}

#[test]
fn constants_are_no_layers_and_chains_of_names_one_weight() {
    let nodes = vec![
        node("Identity", &["w"], &["w1"]),
        node("Identity", &["w1"], &["w2"]),
        constant("c", floats(&[3], &[1.0; 3])),
        node("Transpose", &["v"], &["vt"]),
        node("Add", &["x", "w2"], &["a"]),
        node("Mul", &["a", "w1"], &["b"]),
        node("Add", &["b", "c"], &["d"]),
        node("MatMul", &["d", "vt"], &["y"]),
    ];
    let mut model = simple(nodes, &["x"], &["y"]);
    model.graph.as_mut().unwrap().initializer = vec![weight("w"), weight("v")];
    let loaded = load(&model);
    // constants need no facts
    let reading = loaded.graph(&facts(&["x", "a", "b", "d", "y"])).unwrap();
    assert_eq!(layer_ids(&reading), ["a", "b", "d", "y"]);
    assert_eq!(reading.nodes, [4, 5, 6, 7]);
    assert_eq!(weights_of(&reading, "a"), [("w", 24)].into());
    assert_eq!(weights_of(&reading, "b"), [("w", 24)].into());
    assert_eq!(weights_of(&reading, "d"), [("c", 12)].into());
    assert_eq!(weights_of(&reading, "y"), [("vt", 24)].into());
    assert_eq!(reading.graph.tensors().len(), 5);
}

#[test]
fn filled_weights_have_the_size_they_fill() {
    let nodes = vec![
        node("ConstantOfShape", &["s"], &["w"]),
        node("MatMul", &["x", "w"], &["y"]),
    ];
    let mut model = simple(nodes, &["x"], &["y"]);
    model.graph.as_mut().unwrap().initializer = vec![named("s", int64s(&[2], &[3, 1000]))];
    let mut facts = facts(&["x"]);
    facts.insert("y".to_owned(), (ElementType::Float32, vec![2, 1000]));
    let reading = load(&model).graph(&facts).unwrap();
    assert_eq!(weights_of(&reading, "y"), [("w", 12_000)].into());
    assert_eq!(reading.graph.layers()[0].flops, 2 * 2 * 1000 * 3);
}

#[test]
fn arithmetic_on_static_shapes_is_constant() {
    let nodes = vec![
        node("Relu", &["x"], &["a"]),
        node("Shape", &["a"], &["s"]),
        node("Gather", &["s", "zero"], &["first"]),
        node("Concat", &["first", "rest"], &["target"]),
        node("Reshape", &["a", "target"], &["y"]),
    ];
    let mut model = simple(nodes, &["x"], &["y"]);
    let stored = vec![
        named("zero", int64s(&[1], &[0])),
        named("rest", int64s(&[1], &[-1])),
    ];
    model.graph.as_mut().unwrap().initializer = stored;
    let (loaded, reading) = read(&model);
    assert_eq!(layer_ids(&reading), ["a", "y"]);
    assert!(
        reading
            .graph
            .tensors()
            .iter()
            .all(|t| t.uncuttable.is_none())
    );
    // without knowing the shape it is computed at run time, but still no surprise
    let reading = loaded.graph(&facts(&["x", "y"])).unwrap();
    assert_eq!(layer_ids(&reading), ["a", "s", "first", "target", "y"]);
}

#[test]
fn shapes_that_depend_on_data_are_followed() {
    let nodes = vec![
        node("NonZero", &["x"], &["where"]),
        node("Shape", &["where"], &["count"]),
        node("Expand", &["x", "count"], &["wide"]),
        node("Relu", &["x"], &["safe"]),
        node("Cast", &["x"], &["times"]),
        node("Tile", &["safe", "times"], &["tiled"]),
        node("Tile", &["safe", "twice"], &["doubled"]),
        node("Concat", &["wide", "tiled", "doubled"], &["y"]),
    ];
    let mut model = simple(nodes, &["x"], &["y"]);
    model.graph.as_mut().unwrap().initializer = vec![named("twice", int64s(&[2], &[2, 2]))];
    let (_, reading) = read(&model);
    let free = |name: &str| {
        reading
            .graph
            .tensor(tensor(&reading, name))
            .uncuttable
            .is_none()
    };
    let found: Vec<&str> = reading
        .graph
        .tensors()
        .iter()
        .map(|t| t.name.as_str())
        .filter(|n| free(n))
        .collect();
    assert_eq!(found, ["x", "safe", "times", "doubled"]);
}

#[test]
fn a_choice_known_in_advance_keeps_shapes() {
    let choice = |condition: &str| {
        let inner = |op: &str| graph(vec![node(op, &["a"], &["t"])], &[], &["t"]);
        let both = with(
            node("If", &[condition], &["b"]),
            body("then_branch", inner("Relu")),
        );
        let both = with(both, body("else_branch", inner("Neg")));
        let nodes = vec![
            constant("yes", yes()),
            node("Relu", &["x"], &["a"]),
            both,
            node("Relu", &["b"], &["y"]),
        ];
        read(&simple(nodes, &["x"], &["y"])).1
    };
    let known = choice("yes");
    assert!(known.graph.tensor(tensor(&known, "b")).uncuttable.is_none());
    let open = choice("x");
    assert!(open.graph.tensor(tensor(&open, "b")).uncuttable.is_some());
}

#[test]
fn functions_are_looked_into() {
    let read_with = |nodes| {
        let mut model = simple(
            vec![call("F", &["x", ""], &["a"]), node("Relu", &["a"], &["y"])],
            &["x"],
            &["y"],
        );
        model.functions = vec![function("F", &["p", "o"], &["q"], nodes)];
        read(&model).1
    };
    let plain = read_with(vec![
        constant("k", floats(&[2], &[1.0, 2.0])),
        node("Add", &["p", "k"], &["q"]),
    ]);
    assert_eq!(layer_ids(&plain), ["a", "y"]);
    assert!(plain.graph.tensor(tensor(&plain, "a")).uncuttable.is_none());
    assert_eq!(weights_of(&plain, "a"), [("F (inside)", 8)].into());
    let open = read_with(vec![node("NonZero", &["p"], &["q"])]);
    assert!(open.graph.tensor(tensor(&open, "a")).uncuttable.is_some());
    // reading the argument's shape is not constant outside
    let shape = read_with(vec![node("Shape", &["p"], &["q"])]);
    assert_eq!(layer_ids(&shape), ["a", "y"]);
}

#[test]
fn unknown_operators_are_layers_with_open_results() {
    let mut odd = node("Magic", &["w"], &["a"]);
    odd.domain = Some("someone.else".to_owned());
    let mut model = simple(vec![odd, node("Add", &["x", "a"], &["y"])], &["x"], &["y"]);
    model.graph.as_mut().unwrap().initializer = vec![weight("w")];
    let (_, reading) = read(&model);
    assert_eq!(layer_ids(&reading), ["a", "y"]);
    assert!(
        reading
            .graph
            .tensor(tensor(&reading, "a"))
            .uncuttable
            .is_some()
    );
}

#[test]
fn random_numbers_are_layers_even_without_inputs() {
    let nodes = vec![
        with(node("RandomNormal", &[], &["r"]), ints("shape", &[2, 3])),
        node("Add", &["x", "r"], &["y"]),
    ];
    let (_, reading) = read(&simple(nodes, &["x"], &["y"]));
    assert_eq!(layer_ids(&reading), ["r", "y"]);
    assert!(
        reading
            .graph
            .tensor(tensor(&reading, "r"))
            .uncuttable
            .is_none()
    );
}

#[test]
fn nodes_that_no_output_needs_are_left_out_and_optional_ports_skipped() {
    let nodes = vec![
        node("Relu", &["x"], &["a"]),
        node("Neg", &["a"], &["dead"]),
        node("Abs", &["dead"], &["dead too"]),
        node("Clip", &["a", "", "w"], &["y"]),
        node("Dropout", &["y"], &["z", ""]),
        node("Unused", &[], &["", ""]),
    ];
    let mut model = simple(nodes, &["x", "idle"], &["z"]);
    model.graph.as_mut().unwrap().initializer = vec![weight("w")];
    let (_, reading) = read(&model);
    assert_eq!(layer_ids(&reading), ["a", "y", "z"]);
    assert_eq!(inputs_of(&reading, "y"), ["a"]);
    let inputs = reading
        .graph
        .inputs()
        .iter()
        .map(|t| reading.graph.tensor(*t).name.as_str());
    assert_eq!(inputs.collect::<Vec<_>>(), ["x", "idle"]);
}

#[test]
fn a_layer_goes_by_its_first_named_output() {
    let nodes = vec![
        node("Split", &["x"], &["", "b", "c"]),
        node("Add", &["b", "c"], &["y"]),
    ];
    let (_, reading) = read(&simple(nodes, &["x"], &["y"]));
    assert_eq!(layer_ids(&reading), ["b", "y"]);
    assert_eq!(reading.graph.layers()[0].outputs.len(), 2);
}

#[test]
fn outputs_that_are_constant_or_inputs_are_no_layers() {
    let nodes = vec![
        constant("c", floats(&[1], &[1.0])),
        node("Relu", &["x"], &["y"]),
    ];
    let (_, reading) = read(&simple(nodes, &["x"], &["c", "y", "x", "y"]));
    let outputs = reading
        .graph
        .outputs()
        .iter()
        .map(|t| reading.graph.tensor(*t).name.as_str());
    assert_eq!(outputs.collect::<Vec<_>>(), ["y", "x"]);
    let nothing = load(&simple(
        vec![constant("c", floats(&[1], &[1.0]))],
        &["x"],
        &["c"],
    ));
    let error = nothing.graph(&facts(&["x"])).unwrap_err();
    assert!(matches!(error, OnnxError::NothingToCut { .. }), "{error}");
}

#[test]
fn tensors_without_facts_or_of_odd_types_may_not_cross() {
    let nodes = vec![
        node("Relu", &["x"], &["a"]),
        node("Relu", &["a"], &["b"]),
        node("Relu", &["b"], &["y"]),
    ];
    let loaded = load(&simple(nodes, &["x"], &["y"]));
    let mut known = facts(&["x", "y"]);
    known.insert("b".to_owned(), (ElementType::String, vec![2]));
    let reading = loaded.graph(&known).unwrap();
    let reason = |name: &str| {
        reading
            .graph
            .tensor(tensor(&reading, name))
            .uncuttable
            .clone()
    };
    assert!(reason("a").unwrap().contains("probing run"));
    assert!(reason("b").unwrap().contains("string values"));
    assert_eq!(reason("x"), None);
}

#[test]
fn operations_follow_the_documented_formulas() {
    let weight = |name: &str, dims: &[i64]| {
        let count = dims.iter().product::<i64>() as usize;
        named(name, floats(dims, &vec![0.0; count]))
    };
    let nodes = vec![
        // 4 -> 8 channels in 2 groups, 3x3
        with(
            node("Conv", &["x", "k", "bias"], &["conv"]),
            int("group", 2),
        ),
        with(
            node("MaxPool", &["conv"], &["pool"]),
            ints("kernel_shape", &[2, 2]),
        ),
        node("ConvTranspose", &["pool", "kt"], &["up"]),
        node("GlobalAveragePool", &["up"], &["mean"]),
        node("Flatten", &["mean"], &["flat"]),
        with(
            node("Gemm", &["flat", "g", "gb"], &["gemm"]),
            int("transB", 1),
        ),
        node(
            "BatchNormalization",
            &["gemm", "g1", "g1", "g1", "g1"],
            &["norm"],
        ),
        node("LayerNormalization", &["norm", "g1"], &["layer"]),
        node("Softmax", &["layer"], &["soft"]),
        with(node("LeakyRelu", &["soft"], &["y"]), float("alpha", 0.1)),
    ];
    let mut model = simple(nodes, &["x"], &["y"]);
    model.graph.as_mut().unwrap().initializer = vec![
        weight("k", &[8, 2, 3, 3]),
        weight("bias", &[8]),
        weight("kt", &[8, 3, 2, 2]),
        weight("g", &[5, 3]),
        weight("gb", &[5]),
        weight("g1", &[5]),
    ];
    let shapes: [(&str, &[u64]); 11] = [
        ("x", &[1, 4, 6, 6]),
        ("conv", &[1, 8, 4, 4]),
        ("pool", &[1, 8, 2, 2]),
        ("up", &[1, 3, 4, 4]),
        ("mean", &[1, 3, 1, 1]),
        ("flat", &[1, 3]),
        ("gemm", &[1, 5]),
        ("norm", &[1, 5]),
        ("layer", &[1, 5]),
        ("soft", &[1, 5]),
        ("y", &[1, 5]),
    ];
    let fact = |(name, shape): &(&str, &[u64])| {
        ((*name).to_owned(), (ElementType::Float32, shape.to_vec()))
    };
    let reading = load(&model)
        .graph(&shapes.iter().map(fact).collect())
        .unwrap();
    let flops: Vec<u64> = reading.graph.layers().iter().map(|l| l.flops).collect();
    let expected = [
        2 * 128 * 18 + 128,
        32 * 4,
        2 * 32 * 12,
        48,
        0,
        2 * 5 * 3 + 5,
        2 * 5,
        7 * 5,
        5 * 5,
        5,
    ];
    assert_eq!(flops, expected);
}

#[test]
fn half_precision_is_noticed_anywhere() {
    let plain = simple(vec![node("Relu", &["x"], &["y"])], &["x"], &["y"]);
    assert!(!load(&plain).has_half_floats());
    let to = |kind: DataType| {
        let cast = with(
            node("Cast", &["x"], &["y"]),
            int("to", i64::from(kind as i32)),
        );
        load(&simple(vec![cast], &["x"], &["y"])).has_half_floats()
    };
    assert!(to(DataType::Float16) && !to(DataType::Int64));
}
