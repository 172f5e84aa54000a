//! `cutpoint annotate`.

use crate::settings::{LADON, SHAPES, SKIPNET};
use crate::test_dir::TestDir;

#[test]
fn bundled_models() {
    let dir = TestDir::with_models();
    dir.prepare(&[
        &format!("plan {SHAPES} --max-drop 5% --raw-stays --out plan.toml"),
        "plan --edge mobilenet.toml --server t4.toml --link gbe --out t4-plan.toml",
        &format!("plan {SKIPNET} --schedule overlap --out skipnet-plan.toml"),
        &format!("plan {LADON} --out ladon-plan.toml"),
        "plan --edge mobilenet.toml --edge skipnet.toml --server sim:8x --rate 1Gbit/s --out set.toml",
    ]);
    dir.check([
        ("annotate__mobilenet__plan", "annotate mobilenet.onnx --plan plan.toml -o out.onnx"),
        ("annotate__mobilenet__times", "annotate mobilenet.onnx --plan plan.toml --profile mobilenet.toml -o out.onnx"),
        ("annotate__mobilenet__json", "annotate mobilenet.onnx --plan plan.toml --profile mobilenet.toml -o out.onnx --json"),
        ("annotate__mobilenet__server", "annotate mobilenet.onnx --plan t4-plan.toml --profile mobilenet.toml --server t4.toml -o out.onnx"),
        ("annotate__mobilenet__no_server", "annotate mobilenet.onnx --plan t4-plan.toml --profile mobilenet.toml -o out.onnx"),
        ("annotate__skipnet__overlap", "annotate skipnet.onnx --plan skipnet-plan.toml --profile skipnet.toml -o out.onnx"),
        ("annotate__wrong_model", "annotate skipnet.onnx --plan plan.toml -o out.onnx"),
        ("annotate__wrong_profile", "annotate mobilenet.onnx --plan plan.toml --profile skipnet.toml -o out.onnx"),
        ("annotate__table", "annotate mobilenet.onnx --plan ladon-plan.toml -o out.onnx"),
        ("annotate__no_folder", "annotate mobilenet.onnx --plan plan.toml -o none/out.onnx"),
        ("annotate__onto_itself", "annotate mobilenet.onnx --plan plan.toml -o mobilenet.onnx"),
    ]);
}
