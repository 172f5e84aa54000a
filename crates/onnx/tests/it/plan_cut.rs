//! Plans turned into cuts.

use std::borrow::Cow;

use cutpoint_core::codec::Codec;
use cutpoint_core::plan::{Plan, PlannedMember};
use cutpoint_onnx::plan::{PlanError, assign_models, cut_plan, part_for};
use cutpoint_onnx::{Model, Reading};
use cutpoint_testkit::models::*;
use cutpoint_testkit::plans::{crossing, plan};

fn own(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// `a = relu(x)`, then `left = neg(a)` and `right = abs(a)`.
fn heads() -> (Model, Reading) {
    let nodes = vec![
        node("Relu", &["x"], &["a"]),
        node("Neg", &["a"], &["left"]),
        node("Abs", &["a"], &["right"]),
    ];
    read(&simple(nodes, &["x"], &["left", "right"]))
}

/// Keeps the left head on the edge, and sends `a`.
fn left_stays(model: &Model) -> Plan {
    let sent = vec![crossing("a", Codec::Q8)];
    plan(model, &own(&["a", "left"]), &own(&["right"]), sent)
}

#[test]
fn a_plan_is_cut_where_it_says() {
    let (model, reading) = heads();
    let mut plan = left_stays(&model);
    plan.local = own(&["left"]);
    let cut = cut_plan(&model, &reading, &plan).unwrap();
    assert_eq!(cut.request.crossing, [(tensor(&reading, "a"), Codec::Q8)]);
    let outputs = |half: &Option<Model>| half.as_ref().unwrap().output_names();
    assert_eq!(outputs(&cut.halves.local), ["left"]);
    assert_eq!(outputs(&cut.halves.server), ["right"]);
}

#[test]
fn a_plan_of_another_model_is_refused() {
    let (model, reading) = heads();
    let mut other = left_stays(&model);
    other.model.sha256 = "0".repeat(64);
    let error = cut_plan(&model, &reading, &other).unwrap_err();
    assert!(matches!(error, PlanError::OtherModel { .. }), "{error}");
    // where nobody knows the hash, only the layers can tell
    other.model.sha256.clear();
    assert!(cut_plan(&model, &reading, &other).is_ok());
    other.server = own(&["rigth"]);
    let error = cut_plan(&model, &reading, &other).unwrap_err();
    assert!(matches!(error, PlanError::Misfit(_)), "{error}");
}

fn member(name: &str, model: &Model) -> PlannedMember {
    let part = left_stays(model);
    PlannedMember {
        name: name.to_owned(),
        file: part.model.file,
        sha256: part.model.sha256,
        tasks: Vec::new(),
        edge: part.edge,
        local: part.local,
        server: part.server,
        crossing: part.crossing,
        local_inputs: Vec::new(),
    }
}

#[test]
fn each_member_of_a_set_has_its_model() {
    let (model, _) = heads();
    let (other, _) = read(&simple(vec![node("Relu", &["x"], &["y"])], &["x"], &["y"]));
    let mut set = left_stays(&model);
    set.model.sha256.clear();
    set.members = vec![member("first", &model), member("second", &other)];
    let assigned = assign_models(&set, vec![other.clone(), model.clone()]).unwrap();
    let names: Vec<&str> = assigned.iter().map(|(m, _)| m.name.as_str()).collect();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(assigned[1].1.sha256(), other.sha256());
    let part = part_for(&set, &other).unwrap();
    assert!(matches!(&part, Cow::Owned(part) if part.model.sha256 == other.sha256()));

    let missing = assign_models(&set, vec![other.clone()]).unwrap_err();
    assert!(matches!(missing, PlanError::MissingModel { member } if member.name == "first"));
    set.members.pop();
    let unplanned = assign_models(&set, vec![other.clone(), model.clone()]).unwrap_err();
    assert!(matches!(unplanned, PlanError::UnplannedModel { .. }));
    set.members[0].name = "../elsewhere".to_owned();
    let outside = assign_models(&set, vec![model]).unwrap_err();
    assert!(matches!(outside, PlanError::FolderName { .. }));
}
