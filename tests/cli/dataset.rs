//! `cutpoint dataset shapes`: pixels that are the same on every machine, files, refusals.

use std::collections::HashSet;
use std::path::Path;

use assert_cmd::cargo::cargo_bin_cmd;
use cutpoint_accuracy::dataset::shapes::{
    BYTES, Factors, HUES, Noise, Renderer, SCENES, SIDE, Split, scenes,
};
use cutpoint_accuracy::dataset::{DataSet, Pixels};
use sha2::{Digest, Sha256};

const QUIET: Noise = Noise {
    share: 0.0,
    seed: 0,
};

/// Hash of bytes in hexadecimal.
fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn draw(factors: Factors) -> Vec<u8> {
    let mut pixels = vec![0; BYTES];
    Renderer::new(&[], 1).draw(&factors, &mut pixels);
    pixels
}

/// A scene whose surfaces have three different colours.
const SCENE: Factors = Factors {
    floor_hue: 0,
    wall_hue: 3,
    object_hue: 6,
    size: 4,
    kind: 0,
    orientation: 7,
};

#[test]
fn pixels_are_the_same_on_every_machine() {
    let scenes = scenes(8, 1);
    let images = Renderer::new(&scenes, 2).draw_all(&scenes, 0, &QUIET);
    assert_eq!(
        hash(&images),
        "bd585a2aa4a99c5ffceecd9e26c27fb17299ed84a69e53216cb79e859e914572"
    );
    let noise = Noise {
        share: 0.1,
        seed: 1,
    };
    let noisy = Renderer::new(&scenes, 2).draw_all(&scenes, 0, &noise);
    assert_eq!(
        hash(&noisy),
        "b09a1b752c8537f5f2f4223bc916e41bd2f0eced237084fab34fae1584f50890"
    );
}

#[test]
fn neither_threads_nor_batches_change_an_image() {
    let scenes = scenes(12, 5);
    let noise = Noise {
        share: 0.3,
        seed: 5,
    };
    let whole = Renderer::new(&scenes, 1).draw_all(&scenes, 0, &noise);
    let renderer = Renderer::new(&scenes, 5);
    let mut parts = renderer.draw_all(&scenes[..7], 0, &noise);
    parts.extend(renderer.draw_all(&scenes[7..], 7, &noise));
    assert!(whole == parts);
    // a pose that was not announced
    let mut alone = vec![0; BYTES];
    Renderer::new(&[], 1).draw(&scenes[3], &mut alone);
    let announced = renderer.draw_all(&scenes[3..4], 3, &QUIET);
    assert!(alone == announced);
}

#[test]
fn no_scene_comes_twice_and_a_larger_set_begins_like_a_smaller_one() {
    let all = scenes(SCENES, 3);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), SCENES as usize);
    assert_eq!(all[..100], scenes(100, 3));
    assert_ne!(all[..100], scenes(100, 4));
    let tested = all.iter().filter(|s| s.split() == Split::Test).count();
    assert_eq!(tested, SCENES as usize / 5);
}

#[test]
fn every_hue_is_learnt_and_no_tested_room_is() {
    let of = |floor_hue, wall_hue| Factors {
        floor_hue,
        wall_hue,
        ..SCENE
    };
    for hue in 0..HUES {
        let tested =
            |rooms: [Factors; 10]| rooms.iter().filter(|r| r.split() == Split::Test).count();
        let others = std::array::from_fn(|other| other as u8);
        assert_eq!(tested(others.map(|wall| of(hue, wall))), 2);
        assert_eq!(tested(others.map(|floor| of(floor, hue))), 2);
    }
}

/// Pixels of `a` that differ from those of `b`.
fn difference(a: &[u8], b: &[u8]) -> usize {
    let pairs = a.chunks(3).zip(b.chunks(3));
    pairs.filter(|(a, b)| a != b).count()
}

#[test]
fn every_factor_shows() {
    let base = draw(SCENE);
    for (name, other, least) in [
        (
            "floor",
            Factors {
                floor_hue: 1,
                ..SCENE
            },
            1000,
        ),
        (
            "wall",
            Factors {
                wall_hue: 4,
                ..SCENE
            },
            1000,
        ),
        (
            "object",
            Factors {
                object_hue: 7,
                ..SCENE
            },
            200,
        ),
        ("size", Factors { size: 5, ..SCENE }, 100),
        ("cylinder", Factors { kind: 1, ..SCENE }, 100),
        ("sphere", Factors { kind: 2, ..SCENE }, 100),
        ("capsule", Factors { kind: 3, ..SCENE }, 100),
        (
            "orientation",
            Factors {
                orientation: 8,
                ..SCENE
            },
            100,
        ),
    ] {
        let changed = difference(&base, &draw(other));
        assert!(changed >= least, "{name}: {changed} pixels");
    }
}

#[test]
fn a_larger_object_covers_more() {
    for kind in 0..4 {
        let area = |size| {
            let with = |object_hue| {
                draw(Factors {
                    kind,
                    size,
                    object_hue,
                    ..SCENE
                })
            };
            difference(&with(6), &with(7))
        };
        let areas: Vec<usize> = (0..8).map(area).collect();
        // the smallest step is some 5 % of an image's height
        assert!(
            areas.windows(2).all(|w| w[0] + 10 < w[1]),
            "{kind}: {areas:?}"
        );
        assert!(areas[7] < SIDE * SIDE / 2);
    }
}

/// Column of the corner between the walls in the top row: where the light changes.
fn corner(orientation: u8) -> usize {
    let image = draw(Factors {
        orientation,
        ..SCENE
    });
    let light = |x: usize| {
        image[3 * x..3 * x + 3]
            .iter()
            .map(|v| i32::from(*v))
            .sum::<i32>()
    };
    (1..SIDE)
        .max_by_key(|x| (light(*x) - light(x - 1)).abs())
        .unwrap()
}

#[test]
fn the_room_turns_with_the_angle_and_its_corner_stays_in_sight() {
    let corners: Vec<usize> = (0..15).map(corner).collect();
    let turns = corners.windows(2).all(|w| w[0] < w[1]) || corners.windows(2).all(|w| w[0] > w[1]);
    assert!(turns, "{corners:?}");
    assert!(corners.iter().all(|x| (4..60).contains(x)), "{corners:?}");
    assert!(corners[7].abs_diff(32) <= 1, "{corners:?}");
    let angles = [0, 7, 14].map(|orientation| {
        Factors {
            orientation,
            ..SCENE
        }
        .angle_deg()
    });
    assert_eq!(angles, [-30.0, 0.0, 30.0]);
}

#[test]
fn noise_turns_its_share_of_pixels_black_or_white() {
    let scenes = scenes(20, 9);
    let renderer = Renderer::new(&scenes, 2);
    let noise = Noise {
        share: 0.25,
        seed: 9,
    };
    let clean = renderer.draw_all(&scenes, 0, &QUIET);
    let noisy = renderer.draw_all(&scenes, 0, &noise);
    let changed: Vec<&[u8]> = clean
        .chunks(3)
        .zip(noisy.chunks(3))
        .filter(|(a, b)| a != b)
        .map(|(_, b)| b)
        .collect();
    let share = changed.len() as f64 / (20 * SIDE * SIDE) as f64;
    assert!((share - 0.25).abs() < 0.01, "{share}");
    let white = changed.iter().filter(|pixel| **pixel == [255; 3]).count();
    assert!(changed.iter().all(|p| *p == [0; 3] || *p == [255; 3]));
    assert!((white as f64 / changed.len() as f64 - 0.5).abs() < 0.02);
}

/// Runs the command: exit code, standard output, standard error.
fn shapes(out: &Path, more: &[&str]) -> (i32, String, String) {
    let mut command = cargo_bin_cmd!("cutpoint");
    command
        .args(["dataset", "shapes"])
        .args(more)
        .arg("--out")
        .arg(out);
    let output = command.output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn the_files_hold_what_was_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/set");
    let (code, stdout, stderr) = shapes(&out, &["--count", "70", "--seed", "2"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("70 images"), "{stdout}");

    let set = DataSet::open(&out).unwrap();
    assert_eq!(set.len(), 70);
    let scenes = scenes(70, 2);
    for (row, scene) in scenes.iter().enumerate() {
        let image = set.image(row).unwrap();
        assert_eq!((image.height, image.width, image.channels), (SIDE, SIDE, 3));
        assert!(image.pixels == Pixels::Bytes(draw(*scene)));
        let label = |name| set.labels().number(name, row).unwrap();
        assert_eq!(label("floor_hue"), f64::from(scene.floor_hue));
        assert_eq!(label("wall_hue"), f64::from(scene.wall_hue));
        assert_eq!(label("object_hue"), f64::from(scene.object_hue));
        assert_eq!(label("size"), f64::from(scene.size));
        assert_eq!(label("type"), f64::from(scene.kind));
        assert_eq!(label("orientation"), f64::from(scene.orientation));
        assert!((label("angle") - scene.angle_deg()).abs() < 1e-4);
        assert_eq!(
            set.labels().text("split", row).unwrap(),
            scene.split().name()
        );
    }
    let test = set.labels().rows_of("test").unwrap();
    let train = set.labels().rows_of("train").unwrap();
    assert_eq!(test.len() + train.len(), 70);

    let sheet = image::open(out.join("sample.png")).unwrap().into_rgb8();
    assert_eq!(sheet.dimensions(), (530, 530));
    let about: toml::Table = std::fs::read_to_string(out.join("dataset.toml"))
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(about["format"].as_integer(), Some(1));
    assert_eq!(about["count"].as_integer(), Some(70));
    // nothing temporary stays behind
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 4);
}

#[test]
fn a_data_set_is_only_replaced_by_force() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let bytes = || std::fs::read(out.join("images.npy")).unwrap();
    let (code, _, _) = shapes(out, &["--count", "3", "--seed", "2"]);
    assert_eq!(code, 0);
    let before = bytes();
    let (code, _, stderr) = shapes(out, &["--count", "3", "--seed", "3"]);
    assert_eq!(code, 2);
    assert!(
        stderr.contains("images.npy exists") && stderr.contains("--force"),
        "{stderr}"
    );
    assert!(bytes() == before);
    let (code, _, _) = shapes(out, &["--count", "3", "--seed", "3", "--force"]);
    assert_eq!(code, 0);
    assert!(bytes() != before);
    let (code, _, _) = shapes(out, &["--count", "3", "--seed", "2", "--force"]);
    assert_eq!(code, 0);
    assert!(bytes() == before);
}

#[test]
fn requests_without_sense_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set");
    for (arguments, words) in [
        (["--count", "0"].as_slice(), "at least one"),
        (&["--count", "480001"], "480000"),
        (&["--count", "-1"], "--count"),
        (&["--count", "5", "--noise", "1.5"], "between 0 and 1"),
        (&["--count", "5", "--noise", "NaN"], "between 0 and 1"),
        (&["--seed", "5"], "--count"),
    ] {
        let (code, stdout, stderr) = shapes(&out, arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
        assert!(!out.exists());
    }
    std::fs::write(folder.path().join("file"), "").unwrap();
    let (code, _, stderr) = shapes(&folder.path().join("file/set"), &["--count", "5"]);
    assert_eq!(code, 1, "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn json_says_how_many_images_are_for_what() {
    let folder = tempfile::tempdir().unwrap();
    let (code, stdout, _) = shapes(folder.path(), &["--count", "40", "--json"]);
    assert_eq!(code, 0);
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        json["train"].as_u64().unwrap() + json["test"].as_u64().unwrap(),
        40
    );
}
