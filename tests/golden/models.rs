//! `cutpoint inspect` and `cutpoint split`, which run the bundled models.

use cutpoint_onnx::build;
use cutpoint_onnx::proto::{DataType, GraphProto, ModelProto, OperatorSetIdProto, TensorProto};
use prost::Message;

use crate::settings::{LADON, SHAPES, SKIPNET};
use crate::test_dir::TestDir;

#[test]
fn inspected() {
    let dir = TestDir::with_models();
    dir.write("dense.onnx", dense());
    dir.check([
        ("inspect__dense", "inspect dense.onnx"),
        ("inspect__dense__every_cut", "inspect dense.onnx -v"),
        ("inspect__dense__json", "inspect dense.onnx --json"),
        (
            "inspect__dense__task",
            "inspect dense.onnx --task both=left,right",
        ),
        (
            "inspect__dense__local_input",
            "inspect dense.onnx --local-input x",
        ),
        (
            "inspect__no_such_input",
            "inspect dense.onnx --local-input y",
        ),
        ("inspect__no_such_output", "inspect dense.onnx --task a=b"),
        ("inspect__wrong_shape", "inspect dense.onnx --shape x=2x16"),
        ("inspect__no_model", "inspect none.onnx"),
        ("inspect__not_a_model", "inspect ladon.toml"),
    ]);
    dir.settled(without_kernels).check([
        ("inspect__mobilenet", "inspect mobilenet.onnx -v"),
        ("inspect__mobilenet__json", "inspect mobilenet.onnx --json"),
        ("inspect__skipnet", "inspect skipnet.onnx -v"),
        ("inspect__skipnet__json", "inspect skipnet.onnx --json"),
    ]);
}

/// A model of two heads without convolutions, which every processor runs by the same kernels.
fn dense() -> Vec<u8> {
    let weights = |name: &str, rows: i64, columns: i64| TensorProto {
        name: Some(name.to_owned()),
        ..build::floats(&[rows, columns], &vec![0.25; (rows * columns) as usize])
    };
    let mut model = ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto {
            version: Some(17),
            ..OperatorSetIdProto::default()
        }],
        ..ModelProto::default()
    };
    let float = |name, shape| build::value(name, DataType::Float, Some(shape));
    model.graph = Some(GraphProto {
        name: Some("dense".to_owned()),
        node: vec![
            build::node("Gemm", &["x", "wide"], &["h1"]),
            build::node("Relu", &["h1"], &["h2"]),
            build::node("MatMul", &["h2", "narrow"], &["h3"]),
            build::node("Sigmoid", &["h3"], &["h4"]),
            build::node("MatMul", &["h4", "one"], &["left"]),
            build::node("MatMul", &["h4", "two"], &["right"]),
        ],
        initializer: vec![
            weights("wide", 16, 64),
            weights("narrow", 64, 8),
            weights("one", 8, 3),
            weights("two", 8, 5),
        ],
        input: vec![float("x", &[1, 16])],
        output: vec![float("left", &[1, 3]), float("right", &[1, 5])],
        ..GraphProto::default()
    });
    model.encode_to_vec()
}

/// What is said of a model without which layers run as one: that differs between processors whose
/// vectors differ in length.
fn without_kernels(text: &str) -> String {
    let mut kept: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut tables = 0;
    for line in &mut kept {
        tables += usize::from(line.is_empty());
        let key = ["\"group\": ", "\"inside_fusion\": "]
            .into_iter()
            .find(|key| line.trim_start().starts_with(key));
        if let Some(key) = key {
            let before = line.len() - line.trim_start().len();
            let comma = if line.ends_with(',') { "," } else { "" };
            *line = format!("{}{key}*{comma}", " ".repeat(before));
        } else if let Some((layers, rest)) = line.split_once(", executed as ") {
            let (_, rest) = rest.split_once(';').unwrap();
            *line = format!("{layers}, executed as *;{rest}");
        } else if tables == 1 && !line.is_empty() {
            let (_, layer) = line.trim_start().split_once("  ").unwrap();
            *line = format!("*  {layer}");
        }
    }
    kept.join("\n") + "\n"
}

#[test]
fn split_by_plans() {
    let dir = TestDir::with_models();
    dir.prepare(&[
        &format!("plan {SHAPES} --out plain.toml"),
        &format!("plan {SHAPES} --max-drop 5% --raw-stays --out drop.toml"),
        &format!("plan {SHAPES} --schedule overlap --keep-on-edge size --keep-on-server type --out overlap.toml"),
        &format!("plan {SHAPES} --keep-on-server * --input-u8 image=0,255 --codec u8 --out picture.toml"),
        &format!("plan {SHAPES} --keep-on-edge * --out here.toml"),
        &format!("plan {SKIPNET} --codec f16 --keep-on-server conv2d_27 --keep-on-edge relu_14 --out skipnet-plan.toml"),
        &format!("plan {LADON} --out ladon-plan.toml"),
        "plan --edge mobilenet.toml --edge skipnet.toml --server sim:8x --rate 1Gbit/s --out set.toml",
    ]);
    let of =
        |plan: &str, model: &str| format!("split {plan}.toml --model {model}.onnx --out {plan}");
    dir.check([
        ("split__mobilenet__plain", of("plain", "mobilenet")),
        ("split__mobilenet__max_drop", of("drop", "mobilenet")),
        (
            "split__mobilenet__again_json",
            of("drop", "mobilenet") + " --json",
        ),
        ("split__mobilenet__overlap", of("overlap", "mobilenet")),
        ("split__mobilenet__picture", of("picture", "mobilenet")),
        ("split__mobilenet__all_here", of("here", "mobilenet")),
        ("split__skipnet__f16", of("skipnet-plan", "skipnet")),
        (
            "split__set",
            "split set.toml --model skipnet.onnx --model mobilenet.onnx --out set".to_owned(),
        ),
        (
            "split__set__json",
            "split set.toml --model skipnet.onnx --model mobilenet.onnx --out set --json"
                .to_owned(),
        ),
        ("split__set__one_missing", of("set", "mobilenet")),
        ("split__wrong_model", of("plain", "skipnet")),
        ("split__no_model", of("plain", "none")),
        ("split__no_plan", of("none", "skipnet")),
        ("split__of_a_profile", of("mobilenet", "mobilenet")),
        ("split__of_a_table", of("ladon-plan", "mobilenet")),
        (
            "split__over_another",
            "split skipnet-plan.toml --model skipnet.onnx --out plain".to_owned(),
        ),
        (
            "split__over_another_forced",
            "split skipnet-plan.toml --model skipnet.onnx --out plain --force".to_owned(),
        ),
    ]);
}

#[test]
fn split_by_hand() {
    let of = |words: &str| format!("split --model mobilenet.onnx --out halves --force {words}");
    TestDir::with_models().check([
        ("split__cut__input", of("--cut image")),
        ("split__cut__f32", of("--cut getitem_33")),
        ("split__cut__f16", of("--cut getitem_33 --codec f16")),
        ("split__cut__q8", of("--cut getitem_33 --codec q8")),
        (
            "split__cut__q8_json",
            of("--cut getitem_33 --codec q8 --json"),
        ),
        (
            "split__cut__q4_zstd",
            of("--cut getitem_33 --codec q4+zstd --accuracy mobilenet.accuracy.toml"),
        ),
        (
            "split__cut__q2c",
            of("--cut getitem_33 --codec q2c --accuracy mobilenet.accuracy.toml"),
        ),
        (
            "split__cut__u8",
            of("--cut image --codec u8 --input-u8 image=0,255"),
        ),
        (
            "split__cut__png",
            of("--cut image --codec png --input-u8 image=0,255"),
        ),
        ("split__cut__head", of("--cut relu_14,size")),
        ("split__cut__unknown", of("--cut getitem_34x")),
        (
            "split__cut__without_bounds",
            of("--cut getitem_33 --codec q4"),
        ),
        ("split__cut__u8_of_nothing", of("--cut image --codec u8")),
        ("split__cut__codecs", of("--cut getitem_33 --codec q8,q8")),
        ("split__cut__nothing", of("")),
        ("split__cut__and_plan", of("plan.toml --cut getitem_33")),
        (
            "split__cut__two_models",
            of("--cut getitem_33 --model skipnet.onnx"),
        ),
    ]);
}
