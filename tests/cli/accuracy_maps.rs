//! `cutpoint accuracy` against label maps: mean IoU by hand, from every form of data set, and what
//! can be wrong with a map.
use std::fs::File;
use std::path::Path;

use crate::sandbox::Sandbox;
use cutpoint_onnx::build::{node, value};
use cutpoint_onnx::proto::{DataType, GraphProto, ModelProto, OperatorSetIdProto};
use cutpoint_testkit::datasets::{npy, npz, put};

const IMAGES: usize = 20;
const SIDE: usize = 4;

const SIDECAR: &str = r#"
format = 1
[input]
name = "image"
mean = [128.0]
std = [128.0]
[[task]]
name = "seg"
label = "seg"
metric = "mean-iou"
"#;

const PLAIN: [&str; 8] = [
    "accuracy",
    "m.onnx",
    "--data",
    "data",
    "--codec",
    "q8c",
    "--calibration",
    "4",
];

/// Says of each pixel which colour is the strongest.
fn network() -> ModelProto {
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto {
            domain: None,
            version: Some(17),
        }],
        graph: Some(GraphProto {
            name: Some("test".to_owned()),
            node: vec![
                node("Neg", &["image"], &["dark"]),
                node("Neg", &["dark"], &["seg"]),
            ],
            input: vec![value("image", DataType::Float, Some(&[1, 3, 4, 4]))],
            output: vec![value("seg", DataType::Float, None)],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

/// The colour of each pixel: the left half red, the right half green, never blue.
fn found(x: usize) -> u8 {
    u8::from(x >= SIDE / 2)
}

/// In every image the first row is not labelled, and of the last one pixel is blue, which the
/// network takes for red.
///
/// Labelled pixels of an image: red 5, green 6, blue 1; found red 6, green 6. Overlap: red 5 of 6,
/// green 6 of 6, blue 0 of 1.
fn map() -> Vec<u8> {
    let pixel = |y: usize, x: usize| match (y, x) {
        (0, _) => 255,
        (3, 0) => 2,
        (_, x) => found(x),
    };
    let rows = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (y, x)));
    rows.map(|(y, x)| pixel(y, x)).collect()
}

const MEAN_IOU: f64 = (5.0 / 6.0 + 1.0 + 0.0) / 3.0;

fn image() -> Vec<u8> {
    let rows = (0..SIDE * SIDE).map(|place| found(place % SIDE));
    let colours = [[200, 30, 30], [30, 200, 30]];
    rows.flat_map(|colour| colours[usize::from(colour)])
        .collect()
}

fn times<T: Copy>(values: &[T]) -> Vec<T> {
    values.repeat(IMAGES)
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.model("m.onnx", &network());
    sandbox.write("m.data.toml", SIDECAR);
    sandbox
}

/// A PNG file of `side` x `side` pixels with numbers as they are.
fn label_image(path: &Path, side: usize, pixels: &[u8], color: png::ColorType) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(File::create(path).unwrap(), side as u32, side as u32);
    encoder.set_color(color);
    if color == png::ColorType::Indexed {
        // colours that say nothing of the numbers
        encoder.set_palette(vec![90; 3 * 256]);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
}

fn table(map: impl Fn(usize) -> String) -> String {
    let rows = (0..IMAGES).map(|row| format!("images/{row}.png,{}\n", map(row)));
    format!("file,seg\n{}", rows.collect::<String>())
}

/// A folder of pictures with a label image each.
fn pictures(sandbox: &Sandbox, side: usize, map: &[u8], color: png::ColorType) {
    let folder = sandbox.path("data");
    for row in 0..IMAGES {
        let path = put(&folder, &format!("images/{row}.png"), "");
        image::RgbImage::from_raw(SIDE as u32, SIDE as u32, image())
            .unwrap()
            .save(path)
            .unwrap();
        label_image(&folder.join(format!("maps/{row}.png")), side, map, color);
    }
    put(
        &folder,
        "labels.csv",
        table(|row| format!("maps/{row}.png")),
    );
}

/// An archive with the maps as integers of this type.
fn archive(sandbox: &Sandbox, descr: &str, shape: &[usize], maps: &[u8]) {
    std::fs::create_dir_all(sandbox.path("data")).unwrap();
    let images = npy("|u1", &[IMAGES, SIDE, SIDE, 3], &times(&image()));
    let arrays = [("images", images), ("seg", npy(descr, shape, maps))];
    npz(&sandbox.path("data/set.npz"), false, &arrays);
}

/// Metric and value of the whole model, and the hash of the data.
fn measured(sandbox: &Sandbox, arguments: &[&str]) -> (f64, String) {
    let found = sandbox.json(arguments);
    assert_eq!(found["task"][0]["metric"], "mean-iou");
    assert_eq!(found["data"]["labelled"], true);
    let drop = &found["crossing"][0]["drop"][0];
    // the colours are far apart: eight bits change no class, which is no certainty
    assert_eq!(drop["mean"], 0.0);
    assert!(drop["std_error"].as_f64().unwrap() > 0.05);
    std::fs::remove_file(sandbox.path("m.accuracy.toml")).unwrap();
    let baseline = found["task"][0]["baseline"].as_f64().unwrap();
    (
        baseline,
        found["data"]["sha256"].as_str().unwrap().to_owned(),
    )
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-5
}

#[test]
fn every_form_of_data_set_gives_the_mean_iou_found_by_hand() {
    let sandbox = sandbox();
    let mut seen = Vec::new();
    for color in [png::ColorType::Grayscale, png::ColorType::Indexed] {
        pictures(&sandbox, SIDE, &map(), color);
        seen.push(measured(&sandbox, &PLAIN));
    }
    // the same in an array beside the table
    let folder = sandbox.path("data");
    let images = npy("|u1", &[IMAGES, SIDE, SIDE, 3], &times(&image()));
    put(&folder, "images.npy", images);
    let shape = [IMAGES, SIDE, SIDE];
    put(&folder, "seg.npy", npy("|u1", &shape, &times(&map())));
    put(
        &folder,
        "labels.csv",
        format!("row\n{}", "0\n".repeat(IMAGES)),
    );
    seen.push(measured(&sandbox, &PLAIN));
    let set = ["data/set.npz"];
    let in_archive = [&PLAIN[..3], &set, &PLAIN[4..]].concat();
    archive(&sandbox, "|u1", &shape, &times(&map()));
    seen.push(measured(&sandbox, &in_archive));
    // eight bytes with the other number for no class
    let wide = map().into_iter().map(|class| match class {
        255 => -1,
        class => i64::from(class),
    });
    let wide: Vec<u8> = wide.flat_map(i64::to_be_bytes).collect();
    archive(&sandbox, ">i8", &shape, &times(&wide));
    sandbox.write("m.data.toml", format!("{SIDECAR}ignore = -1\n"));
    seen.push(measured(&sandbox, &in_archive));
    for (mean_iou, hash) in &seen {
        assert!(near(*mean_iou, MEAN_IOU), "{seen:?}");
        assert_eq!(*hash, seen[0].1);
    }
}

#[test]
fn maps_of_another_size_give_each_pixel_the_class_at_its_centre() {
    let sandbox = sandbox();
    // images of 12 pixels a side become 4, and so do their maps: the centre of every three by three
    let sidecar = SIDECAR.replace("name = \"image\"", "name = \"image\"\nresize = [4, 4]");
    sandbox.write("m.data.toml", sidecar);
    let side = 3 * SIDE;
    let map = map();
    let centres = |y: usize, x: usize| match (y % 3, x % 3) {
        (1, 1) => map[y / 3 * SIDE + x / 3],
        // would be told if it were read
        _ => 2,
    };
    let places = (0..side).flat_map(|y| (0..side).map(move |x| (y, x)));
    let large: Vec<u8> = places.clone().map(|(y, x)| centres(y, x)).collect();
    let image = image();
    let pixels = places.flat_map(|(y, x)| {
        let at = 3 * (y / 3 * SIDE + x / 3);
        image[at..at + 3].to_vec()
    });
    let images: Vec<u8> = pixels.collect();
    let folder = sandbox.path("data");
    let images = npy("|u1", &[IMAGES, side, side, 3], &times(&images));
    put(&folder, "images.npy", images);
    put(
        &folder,
        "labels.csv",
        format!("row\n{}", "0\n".repeat(IMAGES)),
    );
    put(
        &folder,
        "seg.npy",
        npy("|u1", &[IMAGES, side, side], &times(&large)),
    );
    let (from_large, hash) = measured(&sandbox, &PLAIN);
    assert!(near(from_large, MEAN_IOU), "{from_large}");
    // the output's own size
    let shape = [IMAGES, SIDE, SIDE];
    put(&folder, "seg.npy", npy("|u1", &shape, &times(&map)));
    assert_eq!(measured(&sandbox, &PLAIN), (from_large, hash));
}

#[test]
fn a_class_lost_by_a_codec_is_a_drop() {
    let sandbox = sandbox();
    pictures(&sandbox, SIDE, &map(), png::ColorType::Grayscale);
    // a picture so dark in one image that two bits see no colour: black is red, the first of three
    let dark: Vec<u8> = image().iter().map(|c| c / 10).collect();
    image::RgbImage::from_raw(SIDE as u32, SIDE as u32, dark)
        .unwrap()
        .save(sandbox.path("data/images/0.png"))
        .unwrap();
    let coarse = [&PLAIN[..5], &["q2", "--calibration", "1", "--exhaustive"]].concat();
    let found = sandbox.json(&coarse);
    let baseline = found["task"][0]["baseline"].as_f64().unwrap();
    let samples = found["data"]["samples"].as_f64().unwrap();
    let crossing = &found["crossing"][0];
    assert_eq!(crossing["samples"].as_f64().unwrap(), samples);
    assert_eq!(samples, 19.0);
    // in that image: 6 green ones become red
    let (red, green) = (5.0 * 19.0 / (6.0 * 19.0 + 6.0), 6.0 * 18.0 / (6.0 * 19.0));
    let drop = crossing["drop"][0]["mean"].as_f64().unwrap();
    assert!(near(baseline, MEAN_IOU));
    assert!(near(drop, MEAN_IOU - (red + green) / 3.0), "{drop}");
}

#[test]
fn bad_maps_are_refused() {
    let sandbox = sandbox();
    let gray = png::ColorType::Grayscale;
    let folder = sandbox.path("data");
    let refuses = |parts: &[&str]| sandbox.refuses(4, &PLAIN, parts);

    let mut wrong = map();
    wrong[6] = 3;
    pictures(&sandbox, SIDE, &wrong, gray);
    let range = [
        "class 3 at pixel (x 2, y 1)",
        "from 0 to 2",
        "255",
        "`ignore`",
    ];
    refuses(&[&range[..], &["data/maps/", "labels.csv"]].concat());

    pictures(&sandbox, SIDE, &[255; SIDE * SIDE], gray);
    refuses(&["`seg`", "no pixel", "--agreement"]);

    pictures(&sandbox, 3, &[0; 9], gray);
    refuses(&["maps/", "3x3", "4x4", "as large as its image"]);

    pictures(&sandbox, SIDE, &[0; 3 * SIDE * SIDE], png::ColorType::Rgb);
    refuses(&["maps/", "colours", "palette"]);

    pictures(&sandbox, SIDE, &map(), gray);
    put(&folder, "maps/7.png", "no image");
    refuses(&["maps/7.png (row 8 of ", "cannot be decoded as PNG"]);

    std::fs::remove_file(folder.join("maps/7.png")).unwrap();
    refuses(&["labels.csv, row 8, column `seg`", "no file", "label image"]);

    put(&folder, "labels.csv", table(|row| (row % 3).to_string()));
    refuses(&["column `seg`", "one number", "label images"]);

    put(&folder, "labels.csv", table(|_| "red".to_owned()));
    refuses(&["column `seg`", "`red` is no file"]);

    // a map, or the names of maps, for a task with one class an image
    let classes = SIDECAR.replace("mean-iou", "top1");
    sandbox.write("m.data.toml", &classes);
    pictures(&sandbox, SIDE, &map(), gray);
    refuses(&["column `seg`", "text", "mean-iou"]);
    let in_archive = [&PLAIN[..3], &["data/set.npz"], &PLAIN[4..]].concat();
    let shape = [IMAGES, SIDE, SIDE];
    archive(&sandbox, "|u1", &shape, &times(&map()));
    let refuses = |parts: &[&str]| sandbox.refuses(4, &in_archive, parts);
    refuses(&["`seg`", "[20, 4, 4]", "mean-iou"]);

    sandbox.write("m.data.toml", SIDECAR);
    archive(&sandbox, "|u1", &[IMAGES], &[1; IMAGES]);
    refuses(&["`seg`", "one number", "[N,H,W]"]);
    archive(&sandbox, "|u1", &[IMAGES, SIDE, SIDE, 1], &times(&map()));
    refuses(&["array `seg`", "[20, 4, 4, 1]", "[N,H,W]"]);
    archive(&sandbox, "|u1", &[3, SIDE, SIDE], &[0; 3 * SIDE * SIDE]);
    refuses(&["array `seg`", "3 label maps for 20 images"]);
    archive(&sandbox, "<f2", &shape, &[0; 2 * IMAGES * SIDE * SIDE]);
    refuses(&["array `seg`", "f2", "integers"]);
    archive(&sandbox, "|i1", &shape, &times(&[200; SIDE * SIDE]));
    refuses(&["array `seg`, row ", "class -56 at pixel (x 0, y 0)"]);

    sandbox.write(
        "m.data.toml",
        format!("{SIDECAR}classes = [\"a\", \"b\"]\n"),
    );
    refuses(&["`seg`", "leave out `classes`"]);
    sandbox.write("m.data.toml", format!("{classes}ignore = 3\n"));
    refuses(&["`seg`", "ignore is for mean-iou"]);
}
