//! Data outside the model file: found where it should be, refused everywhere else.

use cutpoint_onnx::build::{constant, floats, int64s, with};
use cutpoint_onnx::proto::{
    ModelProto, NodeProto, SparseTensorProto, StringStringEntryProto, TensorProto,
    TrainingInfoProto, tensor_proto::DataLocation,
};
use cutpoint_onnx::{Model, OnnxError};
use cutpoint_testkit::models::*;
use prost::Message;

fn outside(entries: &[(&str, &str)]) -> TensorProto {
    let mut tensor = floats(&[2, 3], &[0.0; 6]);
    tensor.raw_data = None;
    tensor.data_location = Some(DataLocation::External as i32);
    let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
        key: Some((*key).to_owned()),
        value: Some((*value).to_owned()),
    };
    tensor.external_data = entries.iter().map(entry).collect();
    named("w", tensor)
}

fn model_with(tensor: TensorProto) -> ModelProto {
    let mut graph = graph(vec![node("Add", &["x", "w"], &["y"])], &["x"], &["y"]);
    graph.initializer = vec![tensor];
    model(graph)
}

/// A folder `inner` with the model, `data.bin` (10 + 24 bytes) beside it, `secret` outside.
struct Place {
    folder: Folder,
}

impl Place {
    fn new() -> Place {
        let folder = Folder::new();
        std::fs::create_dir_all(folder.path("inner/deep")).unwrap();
        let data: Vec<u8> = (0..34).collect();
        std::fs::write(folder.path("inner/data.bin"), &data).unwrap();
        std::fs::write(folder.path("inner/deep/more.bin"), &data).unwrap();
        std::fs::write(folder.path("secret"), &data).unwrap();
        Place { folder }
    }

    fn load(&self, model: &ModelProto) -> Result<Model, OnnxError> {
        let path = self.folder.path("inner/model.onnx");
        std::fs::write(&path, model.encode_to_vec()).unwrap();
        Model::load(&path)
    }

    fn refusal(&self, model: &ModelProto) -> String {
        let error = self.load(model).unwrap_err();
        assert!(matches!(error, OnnxError::ExternalData { .. }), "{error}");
        error.to_string()
    }
}

#[test]
fn data_beside_the_model_is_brought_inside_and_is_part_of_the_hash() {
    let place = Place::new();
    for location in ["data.bin", "./data.bin", "deep/more.bin"] {
        let tensor = outside(&[("location", location), ("offset", "10"), ("length", "24")]);
        let model = place.load(&model_with(tensor)).unwrap();
        let inside = ModelProto::decode(model.encode().as_slice())
            .unwrap()
            .graph
            .unwrap();
        let tensor = &inside.initializer[0];
        let expected: Vec<u8> = (10..34).collect();
        assert_eq!(tensor.raw_data.as_deref(), Some(expected.as_slice()));
        assert!(tensor.external_data.is_empty() && tensor.data_location.is_none());
    }
    // without a length: to the end of the file
    let tensor = outside(&[("location", "data.bin"), ("offset", "10")]);
    let model = model_with(tensor);
    let before = place.load(&model).unwrap().sha256().to_owned();
    std::fs::write(place.folder.path("inner/data.bin"), [7; 34]).unwrap();
    assert_ne!(place.load(&model).unwrap().sha256(), before);
}

#[test]
fn paths_that_leave_the_folder_are_refused() {
    let place = Place::new();
    let absolute = place.folder.path("secret").to_string_lossy().into_owned();
    let inside = place
        .folder
        .path("inner/data.bin")
        .to_string_lossy()
        .into_owned();
    for location in [
        "../secret",
        "deep/../../secret",
        "deep/../data.bin",
        &absolute,
        &inside,
        "",
        "/dev/zero",
        "C:data.bin",
        "..\\secret",
        "data.bin\0",
    ] {
        let text = place.refusal(&model_with(outside(&[
            ("location", location),
            ("offset", "10"),
        ])));
        assert!(
            text.contains("tensor `w`") && text.contains("not a path inside"),
            "{text}"
        );
    }
}

#[cfg(unix)]
#[test]
fn links_and_special_files_are_refused() {
    let place = Place::new();
    let inner = |name: &str| place.folder.path("inner").join(name);
    std::os::unix::fs::symlink("../secret", inner("link.bin")).unwrap();
    std::os::unix::fs::symlink("..", inner("up")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", inner("zero.bin")).unwrap();
    std::fs::hard_link(place.folder.path("secret"), inner("hard.bin")).unwrap();
    std::process::Command::new("mkfifo")
        .arg(inner("pipe.bin"))
        .status()
        .unwrap();
    for (location, message) in [
        ("link.bin", "leaves the model's folder"),
        ("up/secret", "leaves the model's folder"),
        ("zero.bin", "leaves the model's folder"),
        ("hard.bin", "second name"),
        ("pipe.bin", "not a plain file"),
        ("deep", "not a plain file"),
        ("absent.bin", "cannot be read"),
    ] {
        let text = place.refusal(&model_with(outside(&[
            ("location", location),
            ("offset", "10"),
        ])));
        assert!(text.contains(message), "{location}: {text}");
    }
    // a link that stays inside is as good as its file
    std::os::unix::fs::symlink("data.bin", inner("alias.bin")).unwrap();
    place
        .load(&model_with(outside(&[
            ("location", "alias.bin"),
            ("offset", "10"),
        ])))
        .unwrap();
}

#[test]
fn places_outside_the_file_and_odd_descriptions_are_refused() {
    let place = Place::new();
    for (entries, message) in [
        (
            &[("offset", "11"), ("length", "24")][..],
            "do not lie in `data.bin`",
        ),
        (&[("offset", "35")], "do not lie in `data.bin`"),
        (
            &[("offset", "9223372036854775807"), ("length", "24")],
            "do not lie in `data.bin`",
        ),
        (&[("offset", "-1")], "not an offset"),
        (&[("offset", "18446744073709551615")], "not an offset"),
        (&[("length", "-24")], "not a length"),
        (&[("length", "1e3")], "not a length"),
        (&[("offset", "1"), ("offset", "2")], "given twice"),
        (&[("command", "rm")], "`command` is unknown"),
    ] {
        let mut all = vec![("location", "data.bin")];
        all.extend(entries);
        let text = place.refusal(&model_with(outside(&all)));
        assert!(text.contains(message), "{text}");
    }
    // the right bytes, but not as many as the dimensions need
    let short = outside(&[("location", "data.bin"), ("length", "20")]);
    let error = place.load(&model_with(short)).unwrap_err().to_string();
    assert!(error.contains("need 24 bytes, but there are 20"), "{error}");
    // data outside that claims to be inside, and both at once
    let mut confused = outside(&[("location", "data.bin")]);
    confused.data_location = None;
    assert!(
        place
            .refusal(&model_with(confused))
            .contains("says its data is inside")
    );
    let mut both = outside(&[("location", "data.bin"), ("offset", "10")]);
    both.raw_data = Some(vec![0; 24].into());
    assert!(
        place
            .refusal(&model_with(both))
            .contains("beside data inside")
    );
}

/// A model that hides `tensor` in every place where a tensor may be.
fn hiding_places(tensor: &TensorProto) -> Vec<(&'static str, ModelProto)> {
    let relu = |extra: Vec<NodeProto>| {
        let mut nodes = vec![node("Relu", &["x"], &["y"])];
        nodes.extend(extra);
        simple(nodes, &["x"], &["y"])
    };
    let attribute = relu(vec![constant("c", tensor.clone())]);
    let mut inner = graph(vec![node("Relu", &["x"], &["t"])], &[], &["t"]);
    inner.initializer = vec![tensor.clone()];
    let branch = |g| with(node("If", &["x"], &["z"]), body("then_branch", g));
    let body_model = relu(vec![branch(inner.clone())]);
    let deeper = graph(
        vec![with(node("If", &["x"], &["u"]), body("then_branch", inner))],
        &[],
        &["u"],
    );
    let deep = relu(vec![branch(deeper)]);
    let mut function_model = relu(Vec::new());
    let nodes = vec![constant("q", tensor.clone())];
    function_model.functions = vec![function("F", &["p"], &["q"], nodes)];
    let sparse = |values: TensorProto, indices: TensorProto| {
        let mut model = relu(Vec::new());
        let sparse = SparseTensorProto {
            values: Some(values),
            indices: Some(indices),
            dims: vec![2, 3],
        };
        model.graph.as_mut().unwrap().sparse_initializer = vec![sparse];
        model
    };
    let values = sparse(tensor.clone(), int64s(&[6], &[0, 1, 2, 3, 4, 5]));
    let indices = sparse(named("s", floats(&[1], &[1.0])), tensor.clone());
    let mut training = relu(Vec::new());
    let mut graph = graph(Vec::new(), &[], &[]);
    graph.initializer = vec![tensor.clone()];
    training.training_info = vec![TrainingInfoProto {
        algorithm: Some(graph),
        ..TrainingInfoProto::default()
    }];
    vec![
        ("initializer", model_with(tensor.clone())),
        ("attribute", attribute),
        ("body", body_model),
        ("body of a body", deep),
        ("function", function_model),
        ("sparse values", values),
        ("sparse indices", indices),
        ("training", training),
    ]
}

#[test]
fn no_hiding_place_is_forgotten() {
    let place = Place::new();
    let evil = outside(&[("location", "../secret"), ("offset", "10")]);
    for (hidden, model) in hiding_places(&evil) {
        let text = place.refusal(&model);
        assert!(text.contains("not a path inside"), "{hidden}: {text}");
    }
}
