//! The structure of the two halves of a cut; what they compute is tested with the runtime.

use cutpoint_core::codec::Codec;
use cutpoint_core::graph::LayerSet;
use cutpoint_core::task::Task;
use cutpoint_onnx::build::{constant, floats, int64s, value, with};
use cutpoint_onnx::directory::{Description, Split};
use cutpoint_onnx::proto::{
    DataType, GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto, TensorAnnotation,
};
use cutpoint_onnx::{CutRequest, Halves, Model, OnnxError, Reading, Scale, cut};
use cutpoint_testkit::models::*;
use prost::Message;

/// A trunk with two heads: `a = relu(x) + w`, `left = neg(a)`, `right = abs(a + w)`.
fn two_heads() -> ModelProto {
    let nodes = vec![
        node("Relu", &["x"], &["r"]),
        node("Add", &["r", "w"], &["a"]),
        node("Neg", &["a"], &["left"]),
        node("Add", &["a", "w"], &["b"]),
        node("Abs", &["b"], &["right"]),
    ];
    let mut graph = graph(nodes, &["x"], &["left", "right"]);
    graph.initializer = vec![weight("w"), weight("unused")];
    graph.value_info = vec![port("r"), port("a"), port("b")];
    model(graph)
}

fn proto(half: &Option<Model>) -> ModelProto {
    ModelProto::decode(half.as_ref().unwrap().encode().as_slice()).unwrap()
}

fn graph_of(half: &Option<Model>) -> GraphProto {
    proto(half).graph.unwrap()
}

fn inputs(graph: &GraphProto) -> Vec<&str> {
    graph.input.iter().map(|i| i.name()).collect()
}

fn outputs(graph: &GraphProto) -> Vec<&str> {
    graph.output.iter().map(|o| o.name()).collect()
}

fn ops(graph: &GraphProto) -> Vec<&str> {
    graph.node.iter().map(|n| n.op_type()).collect()
}

fn stored(graph: &GraphProto) -> Vec<&str> {
    graph.initializer.iter().map(|t| t.name()).collect()
}

/// Keeps the layers with these ids and sends these tensors.
fn request(reading: &Reading, edge: &[&str], crossing: &[(&str, Codec)]) -> CutRequest {
    let mut set = LayerSet::empty(reading.graph.layers().len());
    for id in edge {
        set.insert(reading.graph.find_layer(id).unwrap());
    }
    CutRequest {
        edge: set,
        crossing: crossing
            .iter()
            .map(|(n, c)| (tensor(reading, n), *c))
            .collect(),
        ..CutRequest::default()
    }
}

fn halves(model: &ModelProto, edge: &[&str], crossing: &[(&str, Codec)]) -> Halves {
    let (model, reading) = read(model);
    cut(&model, &reading, &request(&reading, edge, crossing)).unwrap()
}

fn refused(model: &ModelProto, edge: &[&str], crossing: &[(&str, Codec)]) -> String {
    let (model, reading) = read(model);
    let error = cut(&model, &reading, &request(&reading, edge, crossing)).unwrap_err();
    assert!(matches!(error, OnnxError::Cut(_)));
    error.to_string()
}

/// Every half must itself be a sound model.
fn reloads(halves: &Halves) {
    let parts = [&halves.edge, &halves.local, &halves.server];
    for half in parts.into_iter().flatten() {
        let folder = Folder::new();
        let path = folder.path("half.onnx");
        half.save(&path).unwrap();
        let again = Model::load(&path).unwrap();
        assert_eq!(again.encode(), half.encode());
        assert_eq!(again.sha256(), half.sha256());
    }
}

#[test]
fn a_head_can_stay_while_the_other_leaves() {
    let halves = halves(&two_heads(), &["r", "a", "left"], &[("a", Codec::F32)]);
    let (edge, server) = (graph_of(&halves.edge), graph_of(&halves.server));
    assert_eq!(
        (inputs(&edge), outputs(&edge)),
        (vec!["x"], vec!["left", "a"])
    );
    assert_eq!(
        (inputs(&server), outputs(&server)),
        (vec!["a"], vec!["right"])
    );
    assert_eq!(
        (ops(&edge), ops(&server)),
        (vec!["Relu", "Add", "Neg"], vec!["Add", "Abs"])
    );
    // both need it, nobody needs the other one
    assert_eq!((stored(&edge), stored(&server)), (vec!["w"], vec!["w"]));
    let typed = server.input[0].encode_to_vec();
    assert_eq!(typed, port("a").encode_to_vec());
    assert_eq!(server.value_info.len(), 1, "only of what is inside");
    reloads(&halves);
}

/// As [`request`], with these layers overlapped with the transfer.
fn overlapped(
    reading: &Reading,
    edge: &[&str],
    ids: &[&str],
    crossing: &[(&str, Codec)],
) -> CutRequest {
    let of = |ids: &[&str]| request(reading, ids, &[]).edge;
    CutRequest {
        overlapped: of(ids),
        ..request(reading, edge, crossing)
    }
}

#[test]
fn a_head_beside_the_link_is_fed_by_the_edge_half() {
    let (model, reading) = read(&two_heads());
    let request = overlapped(
        &reading,
        &["r", "a", "left"],
        &["left"],
        &[("a", Codec::Q8)],
    );
    let parts = cut(&model, &reading, &request).unwrap();
    let (edge, local) = (graph_of(&parts.edge), graph_of(&parts.local));
    // `a` is sent encoded, and handed over as it is
    assert_eq!(outputs(&edge), ["a/q8", "a/scale", "a/zero", "a"]);
    assert_eq!(
        (inputs(&local), outputs(&local), ops(&local)),
        (vec!["a"], vec!["left"], vec!["Neg"])
    );
    assert_eq!(local.input[0].encode_to_vec(), port("a").encode_to_vec());
    assert!(stored(&local).is_empty());
    assert_eq!(outputs(&graph_of(&parts.server)), ["right"]);
    reloads(&parts);
    let two = halves(&two_heads(), &["r", "a", "left"], &[("a", Codec::Q8)]);
    let server = |halves: &Halves| halves.server.as_ref().map(Model::encode);
    assert_eq!(server(&parts), server(&two), "the server has the same half");
    assert!(two.local.is_none());
}

#[test]
fn a_head_beside_the_link_takes_model_inputs_and_constants_itself() {
    let nodes = vec![
        node("Relu", &["x"], &["a"]),
        node("Shape", &["a"], &["s"]),
        node("NonZero", &["z"], &["n"]),
        node("Add", &["z", "w"], &["b"]),
        node("Reshape", &["b", "s"], &["c"]),
        node("Gather", &["c", "n"], &["left"]),
        node("Abs", &["a"], &["right"]),
    ];
    let mut graph = graph(nodes, &["x", "z"], &["left", "right"]);
    graph.initializer = vec![weight("w")];
    let (model, reading) = read(&self::model(graph));
    let kept = ["a", "n", "b", "c", "left"];
    let request = overlapped(&reading, &kept, &["b", "c", "left"], &[("a", Codec::F32)]);
    let parts = cut(&model, &reading, &request).unwrap();
    let (edge, local) = (graph_of(&parts.edge), graph_of(&parts.local));
    assert_eq!(outputs(&edge), ["a", "n"]);
    assert!(stored(&edge).is_empty());
    assert_eq!(inputs(&local), ["z", "n"]);
    assert_eq!(stored(&local), ["w"]);
    // the shape of a tensor that is elsewhere is written down
    assert_eq!(ops(&local), ["Constant", "Add", "Reshape", "Gather"]);
    // the shape of `n` depends on the data: none is promised
    let open = value("n", DataType::Float, None);
    assert_eq!(local.input, [port("z"), open.clone()]);
    assert!(edge.output.contains(&open));
    reloads(&parts);
}

#[test]
fn what_others_read_cannot_run_beside_the_link() {
    let (model, reading) = read(&two_heads());
    let refused = |edge: &[&str], ids: &[&str], crossing: &[(&str, Codec)]| {
        let request = overlapped(&reading, edge, ids, crossing);
        let error = cut(&model, &reading, &request).unwrap_err();
        assert!(matches!(error, OnnxError::Cut(_)));
        error.to_string()
    };
    let f32 = |name| (name, Codec::F32);
    let kept = ["r", "a", "left"];
    let text = refused(&kept, &["right"], &[f32("a")]);
    assert!(text.contains("`right` is to be overlapped") && text.contains("not on the edge"));
    let text = refused(&kept, &["a", "left"], &[f32("a")]);
    assert!(text.contains("`a` is to be overlapped") && text.contains("is sent to the server"));
    let text = refused(&kept, &["a", "left"], &[]);
    assert!(
        text.contains("`b` on the server reads its result"),
        "{text}"
    );
    let text = refused(&kept, &["r"], &[f32("a")]);
    assert!(text.contains("`a`, which runs before, reads"), "{text}");
    let sent = ["r", "a", "left", "b", "right"];
    let text = refused(&sent, &["left"], &[f32("left")]);
    assert!(text.contains("its result `left` is sent"), "{text}");
}

#[test]
fn what_is_around_the_graph_is_kept() {
    let mut model = two_heads();
    model.opset_import.push(OperatorSetIdProto {
        domain: Some("own".to_owned()),
        version: Some(3),
    });
    let entry = StringStringEntryProto {
        key: Some("author".to_owned()),
        value: Some("somebody".to_owned()),
    };
    model.metadata_props = vec![entry.clone()];
    model.functions = vec![function(
        "F",
        &["p"],
        &["q"],
        vec![node("Relu", &["p"], &["q"])],
    )];
    let note = |tensor: &str| TensorAnnotation {
        tensor_name: Some(tensor.to_owned()),
        quant_parameter_tensor_names: vec![entry.clone()],
    };
    model.graph.as_mut().unwrap().quantization_annotation = vec![note("r"), note("b")];
    let halves = halves(&model, &["r", "a"], &[("a", Codec::F32)]);
    for half in [proto(&halves.edge), proto(&halves.server)] {
        assert_eq!(half.ir_version, model.ir_version);
        assert_eq!(half.opset_import, model.opset_import);
        assert_eq!(half.metadata_props, model.metadata_props);
        assert_eq!(half.functions, model.functions);
        assert_eq!(half.graph.unwrap().quantization_annotation.len(), 1);
    }
}

#[test]
fn everything_on_one_side() {
    let all = ["r", "a", "left", "b", "right"];
    let edge_only = halves(&two_heads(), &all, &[]);
    assert!(edge_only.server.is_none());
    assert_eq!(outputs(&graph_of(&edge_only.edge)), ["left", "right"]);
    let server_only = halves(&two_heads(), &[], &[("x", Codec::F32)]);
    let edge = graph_of(&server_only.edge);
    assert_eq!(
        (inputs(&edge), outputs(&edge), edge.node.len()),
        (vec!["x"], vec!["x"], 0)
    );
    assert_eq!(graph_of(&server_only.server).node.len(), 5);
    reloads(&server_only);
    // results wanted on the server are sent from the edge
    let sent = halves(
        &two_heads(),
        &all,
        &[("left", Codec::F32), ("right", Codec::F16)],
    );
    assert_eq!(
        outputs(&graph_of(&sent.edge)),
        ["left", "right", "right/f16"]
    );
    let decoder = graph_of(&sent.server);
    assert_eq!(
        (inputs(&decoder), outputs(&decoder)),
        (vec!["right/f16"], vec!["right"])
    );
    reloads(&sent);
}

#[test]
fn an_output_that_also_crosses_is_delivered_once() {
    let mut model = two_heads();
    model.graph.as_mut().unwrap().output.push(port("a"));
    let halves = halves(&model, &["r", "a"], &[("a", Codec::F32)]);
    assert_eq!(outputs(&graph_of(&halves.edge)), ["a"]);
    assert_eq!(outputs(&graph_of(&halves.server)), ["left", "right"]);
}

#[test]
fn constant_outputs_and_passed_inputs_come_from_the_edge() {
    let nodes = vec![
        constant("c", floats(&[1], &[1.0])),
        node("Relu", &["x"], &["y"]),
        node("Neg", &["y"], &["z"]),
    ];
    let model = simple(nodes, &["x"], &["z", "c", "x"]);
    let halves = halves(&model, &["y"], &[("y", Codec::F32)]);
    assert_eq!(outputs(&graph_of(&halves.edge)), ["c", "x", "y"]);
    assert_eq!(ops(&graph_of(&halves.edge)), ["Constant", "Relu"]);
    assert_eq!(outputs(&graph_of(&halves.server)), ["z"]);
}

#[test]
fn constants_go_where_they_are_needed_with_what_makes_them() {
    let inner = graph(vec![node("Add", &["a", "wt"], &["t"])], &[], &["t"]);
    let nodes = vec![
        node("Transpose", &["w"], &["wt"]),
        node("Relu", &["x"], &["a"]),
        with(node("If", &["go", ""], &["y"]), body("then_branch", inner)),
    ];
    let mut graph = graph(nodes, &["x", "go"], &["y"]);
    graph.initializer = vec![weight("w")];
    let halves = halves(
        &model(graph),
        &["a"],
        &[("a", Codec::F32), ("go", Codec::F32)],
    );
    let (edge, server) = (graph_of(&halves.edge), graph_of(&halves.server));
    assert_eq!((ops(&edge), stored(&edge)), (vec!["Relu"], vec![]));
    assert_eq!(
        (ops(&server), stored(&server)),
        (vec!["Transpose", "If"], vec!["w"])
    );
    assert_eq!(inputs(&server), ["a", "go"]);
    reloads(&halves);
}

#[test]
fn a_shape_taken_on_the_other_side_is_written_down() {
    let nodes = vec![
        node("Relu", &["x"], &["a"]),
        node("Shape", &["a"], &["s"]),
        node("Size", &["x"], &["n"]),
        node("Neg", &["a"], &["b"]),
        node("Reshape", &["b", "s"], &["c"]),
        node("Expand", &["c", "n"], &["y"]),
    ];
    let halves = halves(
        &simple(nodes, &["x"], &["y"]),
        &["a", "b"],
        &[("b", Codec::F32)],
    );
    let server = graph_of(&halves.server);
    assert_eq!(inputs(&server), ["b"]);
    assert_eq!(ops(&server), ["Constant", "Constant", "Reshape", "Expand"]);
    let value = |node: usize| server.node[node].attribute[0].t.clone().unwrap();
    assert_eq!(value(0), int64s(&[2], &[2, 3]));
    assert_eq!(value(1), int64s(&[], &[6]));
    assert_eq!(server.node[0].output, ["s"]);
}

#[test]
fn inputs_that_the_server_has_are_its_own() {
    let nodes = vec![
        node("Relu", &["x"], &["a"]),
        node("Add", &["a", "z"], &["y"]),
    ];
    let (model, reading) = read(&simple(nodes, &["x", "z"], &["y"]));
    let mut request = request(&reading, &["a"], &[("a", Codec::F32)]);
    assert!(
        cut(&model, &reading, &request)
            .unwrap_err()
            .to_string()
            .contains("`z` would cross")
    );
    request.local_inputs = vec![tensor(&reading, "z")];
    let halves = cut(&model, &reading, &request).unwrap();
    assert_eq!(outputs(&graph_of(&halves.edge)), ["a"]);
    assert_eq!(inputs(&graph_of(&halves.server)), ["a", "z"]);
}

#[test]
fn codecs_add_their_nodes_on_both_sides() {
    let at = |codec: Codec, opset: i64| {
        let mut model = two_heads();
        model.opset_import[0].version = Some(opset);
        let (model, reading) = read(&model);
        let edge: &[&str] = if codec == Codec::U8 { &[] } else { &["r", "a"] };
        let name = if codec == Codec::U8 { "x" } else { "a" };
        let mut request = request(&reading, edge, &[(name, codec)]);
        let scale = Scale {
            mean: vec![1.0, 2.0, 3.0],
            std: vec![58.0],
        };
        request.u8_scales.insert(tensor(&reading, "x"), scale);
        let halves = cut(&model, &reading, &request).unwrap();
        reloads(&halves);
        (graph_of(&halves.edge), graph_of(&halves.server))
    };
    let (edge, server) = at(Codec::F16, 17);
    assert_eq!(
        (outputs(&edge), inputs(&server)),
        (vec!["a/f16"], vec!["a/f16"])
    );
    assert_eq!(
        (ops(&edge), ops(&server)[0]),
        (vec!["Relu", "Add", "Cast"], "Cast")
    );
    for (opset, first) in [(17, "DequantizeLinear"), (10, "Cast"), (7, "Cast")] {
        let (edge, server) = at(Codec::Q8, opset);
        assert_eq!(
            outputs(&edge),
            ["a/q8", "a/scale", "a/zero"],
            "operator set {opset}"
        );
        assert_eq!(inputs(&server), ["a/q8", "a/scale", "a/zero"]);
        assert_eq!(ops(&server)[0], first);
        let new = ["DynamicQuantizeLinear", "DequantizeLinear", "Round"];
        assert!(
            opset > 10
                || !ops(&edge)
                    .iter()
                    .chain(&ops(&server))
                    .any(|o| new.contains(o))
        );
    }
    let (edge, server) = at(Codec::U8, 17);
    assert_eq!((inputs(&edge), outputs(&edge)), (vec!["x"], vec!["x/u8"]));
    assert_eq!(inputs(&server), ["x/u8"]);
    assert_eq!(
        ops(&server)[..5],
        ["Constant", "Constant", "Cast", "Sub", "Div"]
    );
}

#[test]
fn codecs_that_do_not_fit_are_refused() {
    let f16 = |name| (name, Codec::F16);
    let mut old = two_heads();
    old.opset_import[0].version = Some(6);
    assert!(refused(&old, &["r", "a"], &[f16("a")]).contains("operator set is 6"));
    let mut taken = two_heads();
    taken.graph.as_mut().unwrap().node[0].output[0] = "a/q8".to_owned();
    taken.graph.as_mut().unwrap().node[1].input[0] = "a/q8".to_owned();
    let text = refused(&taken, &["a/q8", "a"], &[("a", Codec::Q8)]);
    assert!(text.contains("a value named `a/q8`"), "{text}");
    let text = refused(&two_heads(), &["r", "a"], &[("a", Codec::U8)]);
    assert!(text.contains("not a model input"), "{text}");
    let text = refused(&two_heads(), &[], &[("x", Codec::U8)]);
    assert!(text.contains("8-bit image is not known"), "{text}");
    let (model, reading) = read(&two_heads());
    for (mean, std) in [
        (vec![0.0; 2], vec![1.0]),
        (vec![0.0], vec![0.0]),
        (vec![f32::NAN], vec![1.0]),
    ] {
        let mut request = request(&reading, &[], &[("x", Codec::U8)]);
        request
            .u8_scales
            .insert(tensor(&reading, "x"), Scale { mean, std });
        assert!(cut(&model, &reading, &request).is_err());
    }
}

#[test]
fn impossible_cuts_name_what_is_wrong() {
    let f32 = |name| (name, Codec::F32);
    let model = two_heads();
    assert!(refused(&model, &["r", "a"], &[]).contains("`a` would cross too"));
    assert!(refused(&model, &["a"], &[f32("a")]).contains("`a` is on the edge, but reads"));
    assert!(refused(&model, &["r", "a"], &[f32("a"), f32("r")]).contains("reads `r`"));
    assert!(refused(&model, &["r", "a"], &[f32("a"), f32("a")]).contains("crosses twice"));
    assert!(refused(&model, &["r", "a"], &[f32("a"), f32("left")]).contains("reads `left`"));
    let open = simple(
        vec![
            node("NonZero", &["x"], &["a"]),
            node("Relu", &["a"], &["y"]),
        ],
        &["x"],
        &["y"],
    );
    assert!(refused(&open, &["a"], &[f32("a")]).contains("depend on the data"));
}

#[test]
fn the_edge_of_named_tensors() {
    let (_, reading) = read(&two_heads());
    let edge = |names: &[&str]| {
        let named: Vec<_> = names.iter().map(|n| tensor(&reading, n)).collect();
        let edge = reading
            .graph
            .edge_of_cut(&named, &[])
            .map_err(|e| e.to_string())?;
        let ids = edge.iter().map(|l| reading.graph.layer(l).id.clone());
        Ok::<Vec<String>, String>(ids.collect())
    };
    assert_eq!(edge(&["a"]).unwrap(), ["r", "a"]);
    assert_eq!(edge(&["x"]).unwrap(), [""; 0]);
    assert_eq!(
        edge(&["a", "left"]).unwrap(),
        ["r", "a", "left"],
        "a kept head"
    );
    assert_eq!(
        edge(&["left", "right"]).unwrap(),
        ["r", "a", "left", "b", "right"]
    );
    assert_eq!(
        edge(&["b"]).unwrap(),
        ["r", "a", "left", "b"],
        "the other head must follow"
    );
    assert!(
        edge(&["left"])
            .unwrap_err()
            .contains("would need `a` as well")
    );
    assert!(edge(&["a", "r"]).unwrap_err().contains("reads `r`"));
    let nodes = vec![
        node("Relu", &["x"], &["a"]),
        node("Neg", &["a"], &["b"]),
        node("Add", &["a", "b"], &["c"]),
        node("Abs", &["c"], &["y"]),
    ];
    let (_, residual) = read(&simple(nodes, &["x"], &["y"]));
    let error = residual
        .graph
        .edge_of_cut(&[tensor(&residual, "b")], &[])
        .unwrap_err();
    assert!(
        error.to_string().contains("would need `a` as well"),
        "{error}"
    );
}

#[test]
fn the_edge_of_a_plan_with_groups() {
    let (_, reading) = read(&two_heads());
    let own = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let crossing = [tensor(&reading, "a")];
    // `r+a` is one group, `b+right` another
    let edge = reading
        .edge_of_plan(&own(&["a", "left"]), &own(&["right"]), &crossing)
        .unwrap();
    let ids: Vec<&str> = edge
        .iter()
        .map(|l| reading.graph.layer(l).id.as_str())
        .collect();
    assert_eq!(ids, ["r", "a", "left"]);
    let unknown = reading
        .edge_of_plan(&own(&["rigth"]), &[], &[])
        .unwrap_err();
    assert!(
        unknown.to_string().contains("did you mean `right`"),
        "{unknown}"
    );
}

#[test]
fn the_layers_beside_the_link_of_a_plan_with_groups() {
    // `r+a` is one group, `n+left` another; nothing names `idle`
    let nodes = vec![
        node("Relu", &["x"], &["r"]),
        node("Abs", &["r"], &["a"]),
        node("Neg", &["a"], &["n"]),
        node("Relu", &["n"], &["left"]),
        node("Abs", &["n"], &["idle"]),
        node("Abs", &["a"], &["right"]),
    ];
    let (_, reading) = read(&simple(nodes, &["x"], &["left", "idle", "right"]));
    let own = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let crossing = [tensor(&reading, "a")];
    let kept = own(&["a", "left"]);
    let edge = reading
        .edge_of_plan(&kept, &own(&["right"]), &crossing)
        .unwrap();
    let of = |local: &[&str]| {
        let found = reading.overlapped_of_plan(&edge, &kept, &own(local), &crossing);
        let found = found.map_err(|error| error.to_string())?;
        let ids = found.iter().map(|l| reading.graph.layer(l).id.clone());
        Ok::<Vec<String>, String>(ids.collect())
    };
    assert_eq!(of(&["left"]).unwrap(), ["n", "left", "idle"]);
    assert_eq!(of(&[]).unwrap(), [""; 0]);
    assert!(of(&["lefd"]).unwrap_err().contains("did you mean `left`"));
    // left for the cut to refuse
    assert!(of(&["a"]).unwrap().contains(&"a".to_owned()));
}

fn split_into(
    folder: &std::path::Path,
    model: &ModelProto,
    force: bool,
) -> Result<Description, OnnxError> {
    let (model, reading) = read(model);
    let request = request(&reading, &["r", "a", "left"], &[("a", Codec::Q8)]);
    let halves = cut(&model, &reading, &request).unwrap();
    let split = Split {
        model: &model,
        reading: &reading,
        request: &request,
        halves: &halves,
        tasks: &Task::per_output(&reading.graph),
    };
    split.write(folder, force)
}

#[test]
fn a_split_directory_describes_itself_and_is_the_same_every_time() {
    let folder = Folder::new();
    let (one, two) = (folder.path("one"), folder.path("deep/two"));
    let written = split_into(&one, &two_heads(), false).unwrap();
    split_into(&two, &two_heads(), false).unwrap();
    for name in ["edge.onnx", "server.onnx", "split.toml"] {
        let read = |folder: &std::path::Path| std::fs::read(folder.join(name)).unwrap();
        assert_eq!(read(&one), read(&two), "{name}");
    }
    assert_eq!(
        std::fs::read_dir(folder.dir.path()).unwrap().count(),
        2,
        "nothing left over"
    );
    let found = Description::load(&one).unwrap();
    assert_eq!(found, written);
    assert_eq!(found.crossings[0].sent, ["a/q8", "a/scale", "a/zero"]);
    assert_eq!(found.crossings[0].bytes, 6 + 5);
    let edge = found.edge.unwrap();
    assert_eq!(
        edge.sha256,
        Model::load(&one.join("edge.onnx")).unwrap().sha256()
    );
    assert_eq!(found.tasks[0].edge, ["left"]);
    assert_eq!(found.tasks[1].server, ["right"]);
}

#[test]
fn a_split_of_another_model_is_replaced_only_when_told() {
    let folder = Folder::new();
    let out = folder.path("out");
    split_into(&out, &two_heads(), false).unwrap();
    split_into(&out, &two_heads(), false).unwrap();
    let mut other = two_heads();
    other.producer_name = Some("another".to_owned());
    let text = split_into(&out, &other, false).unwrap_err().to_string();
    assert!(
        text.contains("another model") && text.contains("--force"),
        "{text}"
    );
    let kept = out.join("notes.txt");
    std::fs::write(&kept, "mine").unwrap();
    split_into(&out, &other, true).unwrap();
    assert!(kept.exists(), "other files stay");
    std::fs::remove_file(out.join("split.toml")).unwrap();
    let text = split_into(&out, &other, false).unwrap_err().to_string();
    assert!(text.contains("no split describes"), "{text}");
}
