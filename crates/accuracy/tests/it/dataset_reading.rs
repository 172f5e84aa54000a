//! Data sets read from files: every form, and one clear error for everything that can be wrong.

use std::path::Path;

use cutpoint_accuracy::dataset::{DataSet, Pixels, Preprocessing, Targets};
use cutpoint_testkit::datasets::{floats, npy, npz, picture, put, texts};
use tempfile::{TempDir, tempdir};

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|n| n as u8).collect()
}

fn pixels(set: &DataSet, row: usize) -> Pixels {
    set.image(row).unwrap().pixels
}

/// The message of opening `path`, with the folder's name cut away.
fn refusal(path: &Path, folder: &TempDir) -> String {
    let message = DataSet::open(path).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    let root = format!("{}/", folder.path().display());
    message.replace(&root, "")
}

fn assert_says(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "`{word}` is missing: {message}");
    }
}

#[test]
fn arrays_in_either_order_of_channels_give_the_same_images() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    put(root, "labels.csv", "size\n0\n1\n");
    // two images of 4 rows and 5 columns, three channels
    put(root, "images.npy", npy("|u1", &[2, 4, 5, 3], &bytes(120)));
    let last = DataSet::open(root).unwrap();
    let images = [0, 1].map(|row| last.image(row).unwrap());
    let size = (images[1].height, images[1].width, images[1].channels);
    assert_eq!(size, (4, 5, 3));
    assert_eq!(images[1].pixels, Pixels::Bytes(bytes(120)[60..].to_vec()));
    let mut first = vec![0; 120];
    for (from, value) in bytes(120).into_iter().enumerate() {
        let (image, pixel, channel) = (from / 60, from % 60 / 3, from % 3);
        first[image * 60 + channel * 20 + pixel] = value;
    }
    put(root, "images.npy", npy("|u1", &[2, 3, 4, 5], &first));
    let other = DataSet::open(root).unwrap();
    assert_eq!([0, 1].map(|row| other.image(row).unwrap()), images);
    // grey, without a dimension for channels
    put(root, "images.npy", npy("|u1", &[2, 6, 5], &bytes(60)));
    let image = DataSet::open(root).unwrap().image(1).unwrap();
    assert_eq!((image.height, image.width, image.channels), (6, 5, 1));
    // the table itself names the set too
    assert_eq!(DataSet::open(&root.join("labels.csv")).unwrap().len(), 2);
}

#[test]
fn floats_of_either_byte_order_are_read() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    put(root, "labels.csv", "size\n0\n1\n");
    let values: Vec<f32> = (0..50).map(|n| n as f32 / 8.0).collect();
    put(
        root,
        "images.npy",
        npy("<f4", &[2, 5, 5, 1], &floats(&values)),
    );
    let little = pixels(&DataSet::open(root).unwrap(), 1);
    assert_eq!(little, Pixels::Floats(values[25..].to_vec()));
    let big: Vec<u8> = values.iter().flat_map(|v| v.to_be_bytes()).collect();
    put(root, "images.npy", npy(">f4", &[2, 5, 5, 1], &big));
    assert_eq!(pixels(&DataSet::open(root).unwrap(), 1), little);
}

#[test]
fn archives_hold_images_and_labels_of_every_type() {
    let folder = tempdir().unwrap();
    for compressed in [false, true] {
        let path = folder.path().join("set.npz");
        let count = 3;
        let ints: Vec<u8> = [-1_i64, 0, 7]
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect();
        let shorts: Vec<u8> = [256_u16, 1, 2]
            .iter()
            .flat_map(|n| n.to_be_bytes())
            .collect();
        let doubles: Vec<u8> = [0.5_f64, -2.0, 1e9]
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect();
        npz(
            &path,
            compressed,
            &[
                ("count", npy("<i8", &[count], &ints)),
                ("images", npy("|u1", &[count, 8, 8, 3], &bytes(576))),
                ("short", npy(">u2", &[count], &shorts)),
                ("angle", npy("<f8", &[count], &doubles)),
                ("flag", npy("|b1", &[count], &[1, 0, 1])),
                ("signed", npy("|i1", &[count], &[255, 0, 127])),
                ("split", npy("<U4", &[count], &texts(&["test", "né", ""]))),
                ("name", npy("|S2", &[count], b"ab\0\0c\0")),
                // of no use, and in nobody's way
                ("scale", npy("<f8", &[], &1.0_f64.to_le_bytes())),
                ("names", npy("<U4", &[2], &texts(&["a", "b"]))),
            ],
        );
        let set = DataSet::open(&path).unwrap();
        assert_eq!(set.len(), 3);
        assert_eq!(pixels(&set, 2), Pixels::Bytes(bytes(576)[384..].to_vec()));
        let numbers = |name| [0, 1, 2].map(|row| set.labels().number(name, row).unwrap());
        assert_eq!(numbers("count"), [-1.0, 0.0, 7.0]);
        assert_eq!(numbers("short"), [256.0, 1.0, 2.0]);
        assert_eq!(numbers("angle"), [0.5, -2.0, 1e9]);
        assert_eq!(numbers("flag"), [1.0, 0.0, 1.0]);
        assert_eq!(numbers("signed"), [-1.0, 0.0, 127.0]);
        let text = |name, row| set.labels().text(name, row).unwrap();
        assert_eq!([0, 1, 2].map(|row| text("split", row)), ["test", "né", ""]);
        assert_eq!([0, 1, 2].map(|row| text("name", row)), ["ab", "", "c"]);
        assert_eq!(set.labels().rows_of("test").unwrap(), [0]);
        let short = set.labels().column("names").unwrap_err().to_string();
        assert_says(&short, &["`names`", "2 labels for 3 images"]);
    }
}

#[test]
fn folders_of_images_have_a_table_that_names_them() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    picture(root, "a.png", 6, 4);
    picture(root, "more/b ä.png", 5, 7);
    let table = "\u{feff}file\tkind\n a.png \tfire\n./more/b ä.png\tflood\n";
    put(root, "labels.tsv", table);
    let set = DataSet::open(root).unwrap();
    assert_eq!(set.len(), 2);
    let image = set.image(1).unwrap();
    assert_eq!((image.height, image.width, image.channels), (7, 5, 3));
    let Pixels::Bytes(values) = set.image(0).unwrap().pixels else {
        panic!("floats");
    };
    assert_eq!(values[3 * (2 * 6 + 5)..][..3], [5, 2, 7]);
    assert_eq!(set.labels().text("kind", 1).unwrap(), "flood");
    // grey and JPEG files are read as red, green and blue
    image::GrayImage::from_pixel(9, 9, image::Luma([80]))
        .save(root.join("a.png"))
        .unwrap();
    assert_eq!(pixels(&set, 0), Pixels::Bytes(vec![80; 243]));
    image::GrayImage::from_pixel(9, 9, image::Luma([80]))
        .save(root.join("c.jpg"))
        .unwrap();
    std::fs::rename(root.join("c.jpg"), root.join("a.png")).unwrap();
    assert_eq!(pixels(&set, 0), Pixels::Bytes(vec![80; 243]));
}

#[test]
fn the_column_of_file_names_can_have_another_name() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    picture(root, "a.png", 2, 2);
    let table = put(root, "medic.tsv", "image_path\tsize\na.png\t1\n");
    assert_says(
        &refusal(&table, &folder),
        &["medic.tsv", "no column `file`", "[data]"],
    );
    let text = "format = 1\n[input]\nname = 'x'\n[data]\nfile = 'image_path'\n";
    let preprocessing = Preprocessing::parse(text, Path::new("m.data.toml")).unwrap();
    assert_eq!(DataSet::open_for(&table, &preprocessing).unwrap().len(), 1);
}

#[test]
fn names_of_files_do_not_lead_out_of_the_folder() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    picture(root, "a.png", 2, 2);
    picture(root, "set/a.png", 2, 2);
    let outside = root.join("a.png").display().to_string();
    for (name, words) in [
        ("../a.png", "leads out"),
        ("b/../../a.png", "leads out"),
        (outside.as_str(), "leads out"),
        ("b.png", "is no file"),
        (".", "is no file"),
        ("", "names no image file"),
    ] {
        let text = format!("file,size\na.png,1\n\"{name}\",2\n");
        put(root, "set/labels.csv", text);
        let message = refusal(&root.join("set"), &folder);
        assert_says(&message, &["set/labels.csv", "row 2, column `file`", words]);
    }
    put(root, "set/labels.csv", "file,size\n1,1\n2,2\n");
    assert_says(&refusal(&root.join("set"), &folder), &["`file`", "number"]);
}

#[test]
fn image_files_that_are_none_are_named_with_their_row() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    picture(root, "ok.png", 3, 3);
    let png = std::fs::read(root.join("ok.png")).unwrap();
    put(root, "cut.png", &png[..png.len() / 2]);
    put(root, "text.png", "hello");
    put(root, "empty.png", "");
    // the header of a picture of 200,000 x 200,000 pixels
    let mut huge = png.clone();
    huge[16..20].copy_from_slice(&200_000_u32.to_be_bytes());
    huge[20..24].copy_from_slice(&200_000_u32.to_be_bytes());
    let checksum = crc(&huge[12..29]);
    huge[29..33].copy_from_slice(&checksum.to_be_bytes());
    put(root, "huge.png", &huge);
    put(
        root,
        "labels.csv",
        "file\nok.png\ncut.png\ntext.png\nempty.png\nhuge.png\n",
    );
    let set = DataSet::open(root).unwrap();
    assert!(set.image(0).is_ok());
    for (row, name) in [(1, "cut"), (2, "text"), (3, "empty"), (4, "huge")] {
        let message = set.image(row).unwrap_err().to_string();
        let place = format!("{name}.png (row {} of ", row + 1);
        assert_says(
            &message,
            &[&place, "labels.csv)", "cannot be decoded", "replace"],
        );
        assert!(!message.contains('\n'), "{message}");
    }
    let beyond = set.image(5).unwrap_err().to_string();
    assert_says(&beyond, &["labels.csv", "row 6", "only 5"]);
    std::fs::remove_file(root.join("ok.png")).unwrap();
    assert_says(
        &set.image(0).unwrap_err().to_string(),
        &["ok.png", "cannot read"],
    );
}

/// The checksum of PNG.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (0_u32.wrapping_sub(crc & 1)));
        }
    }
    !crc
}

#[test]
fn damaged_and_foreign_arrays_are_refused() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    put(root, "labels.csv", "size\n0\n1\n");
    let good = npy("|u1", &[2, 4, 4, 3], &bytes(96));
    let huge = [usize::MAX / 4, 4, 4, 3];
    for (array, words) in [
        (good[..good.len() - 1].to_vec(), "cut short"),
        (good[..20].to_vec(), "cut short"),
        ([good.as_slice(), b"more"].concat(), "cut short or damaged"),
        (b"hello world".to_vec(), "not a NumPy array"),
        (Vec::new(), "not a NumPy array"),
        (npy("<f8", &[2, 4, 4, 3], &[0; 768]), "uint8 or float32"),
        (npy("|O", &[2, 4, 4, 3], &[0; 768]), "pickle"),
        (npy("|u1", &[2, 4, 4, 2], &[0; 64]), "1 or 3 channels"),
        (npy("|u1", &[2, 48], &[0; 96]), "1 or 3 channels"),
        (npy("|u1", &[2, 3, 9, 3], &[0; 162]), "may be"),
        (npy("|u1", &[2, 0, 9, 3], &[]), "empty"),
        (npy("|u1", &huge, &[]), "more bytes than can be counted"),
        (npy("|u1", &[0, usize::MAX, usize::MAX, 3], &[]), "empty"),
        (
            npy("|u1", &[3, 4, 4, 3], &[0; 144]),
            "2 rows of labels for 3 images",
        ),
    ] {
        put(root, "images.npy", array);
        assert_says(&refusal(root, &folder), &[words]);
    }
    let alone = root.join("images.npy");
    assert_says(&refusal(&alone, &folder), &["without labels", "labels.csv"]);
}

#[test]
fn damaged_and_foreign_archives_are_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let images = || ("images", npy("|u1", &[2, 4, 4, 3], &bytes(96)));
    let write = |compressed, arrays: &[(&str, Vec<u8>)]| npz(&path, compressed, arrays);

    put(folder.path(), "set.npz", "hello");
    assert_says(&refusal(&path, &folder), &["set.npz", "not an archive"]);
    write(false, &[("size", npy("|u1", &[2], &[0, 1]))]);
    assert_says(&refusal(&path, &folder), &["no array `images`", "size"]);
    for compressed in [false, true] {
        write(
            compressed,
            &[images(), ("kind", npy("|O", &[2], b"pickle"))],
        );
        assert_says(&refusal(&path, &folder), &["array `kind`", "pickle"]);
        write(
            compressed,
            &[images(), ("kind", npy("<c8", &[2], &[0; 16]))],
        );
        assert_says(&refusal(&path, &folder), &["array `kind`", "no labels"]);
        let cut = npy("|u1", &[2, 4, 4, 3], &bytes(95));
        write(compressed, &[("images", cut)]);
        assert_says(&refusal(&path, &folder), &["array `images`", "cut short"]);
        write(compressed, &[("images", npy("|u1", &[0, 4, 4, 3], &[]))]);
        assert_says(&refusal(&path, &folder), &["empty"]);
    }
    // a flipped bit in the compressed data is noticed when it is unpacked
    write(true, &[images()]);
    let mut damaged = std::fs::read(&path).unwrap();
    damaged[170] ^= 0x10;
    std::fs::write(&path, &damaged).unwrap();
    assert_says(&refusal(&path, &folder), &["set.npz"]);
    std::fs::write(&path, &damaged[..damaged.len() / 2]).unwrap();
    assert_says(&refusal(&path, &folder), &["set.npz", "not an archive"]);
}

#[test]
fn tables_that_make_no_sense_are_refused() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    picture(root, "a.png", 2, 2);
    for (table, words) in [
        (
            b"file,size\na.png\n".as_slice(),
            ["labels.csv", "line 2"].as_slice(),
        ),
        (
            b"file,size,size\na.png,1,2\n",
            &["column 3 `size`", "twice"],
        ),
        (b"file,\na.png,1\n", &["column 2", "no name"]),
        (b"file,size\n", &["empty"]),
        (b"", &["labels.csv"]),
        (b"file,size\na.png,\xff\xfe\n", &["line 2", "UTF-8"]),
        (b"size\n1\n", &["no column `file`", "images.npy"]),
    ] {
        put(root, "labels.csv", table);
        assert_says(&refusal(root, &folder), words);
    }
    put(root, "labels.tsv", "file\na.png\n");
    assert_says(&refusal(root, &folder), &["both"]);
    std::fs::remove_file(root.join("labels.csv")).unwrap();
    std::fs::remove_file(root.join("labels.tsv")).unwrap();
    assert_says(&refusal(root, &folder), &["no labels.csv"]);
    assert_says(
        &refusal(&root.join("none"), &folder),
        &["none", "cannot read"],
    );
}

const TASKS: &str = "format = 1
[input]
name = 'image'
[[task]]
name = 'size'
label = 'size'
metric = 'top1'
[[task]]
name = 'kind'
label = 'kind'
metric = 'macro-f1'
classes = ['fire', 'flood']
[[task]]
name = 'angle'
label = 'angle'
metric = 'mae'
scale = 30.0
offset = 1.0
";

/// A set with the given labels, one image per row.
fn labelled(folder: &TempDir, header: &str, rows: &[&str]) -> DataSet {
    let root = folder.path();
    picture(root, "a.png", 2, 2);
    let rows: String = rows.iter().map(|row| format!("a.png,{row}\n")).collect();
    put(root, "labels.csv", format!("file,{header}\n{rows}"));
    DataSet::open(root).unwrap()
}

#[test]
fn labels_become_targets() {
    let folder = tempdir().unwrap();
    let tasks = Preprocessing::parse(TASKS, Path::new("m.data.toml")).unwrap();
    let set = labelled(
        &folder,
        "size,kind,angle,split",
        &["0,flood,-30,train", "2,fire,0.5,test", "1,fire,30,test"],
    );
    let rows = set.labels().rows_of("test").unwrap();
    let targets = |name, rows: &[usize]| {
        tasks
            .task(name)
            .unwrap()
            .targets(set.labels(), rows, 3)
            .unwrap()
    };
    assert_eq!(targets("size", &rows), Targets::Classes(vec![2, 1]));
    assert_eq!(targets("kind", &[0, 1]), Targets::Classes(vec![1, 0]));
    assert_eq!(
        targets("angle", &[1, 0]),
        Targets::Numbers(vec![0.5, -30.0])
    );
    assert_eq!(tasks.task("angle").unwrap().in_label_unit(0.5), 16.0);
    let none = set.labels().rows_of("valid").unwrap_err().to_string();
    assert_says(&none, &["column `split`", "`valid`", "test, train"]);
    assert_says(
        &tasks.task("other").unwrap_err().to_string(),
        &["m.data.toml", "`other` has no label"],
    );
    // numbers can be named as classes too
    let by_name = TASKS
        .replace("'fire', 'flood'", "'2', '0', '1'")
        .replace("label = 'kind'", "label = 'size'");
    let by_name = Preprocessing::parse(&by_name, Path::new("m.data.toml")).unwrap();
    let targets = by_name
        .task("kind")
        .unwrap()
        .targets(set.labels(), &[0, 1, 2], 3);
    assert_eq!(targets.unwrap(), Targets::Classes(vec![1, 0, 2]));
}

#[test]
fn labels_that_are_none_are_named_by_row_and_column() {
    let folder = tempdir().unwrap();
    let tasks = Preprocessing::parse(TASKS, Path::new("m.data.toml")).unwrap();
    for (header, rows, task, words) in [
        (
            "size",
            ["0", "8"],
            "size",
            ["column `size`", "class 8", "from 0 to 7"].as_slice(),
        ),
        (
            "size",
            ["0", "-1"],
            "size",
            &["column `size`", "-1 is no class"],
        ),
        (
            "size",
            ["0", "1.5"],
            "size",
            &["column `size`", "1.5 is no class"],
        ),
        (
            "size",
            ["0", "big"],
            "size",
            &["column `size`", "holds text", "classes"],
        ),
        (
            "kind",
            ["fire", "Fire"],
            "kind",
            &["column `kind`", "`Fire`", "fire, flood"],
        ),
        ("kind", ["fire", ""], "kind", &["column `kind`", "``"]),
        (
            "angle",
            ["1.0", "nan"],
            "angle",
            &["column `angle`", "no finite number"],
        ),
        (
            "angle",
            ["1.0", "inf"],
            "angle",
            &["column `angle`", "no finite number"],
        ),
        (
            "angle",
            ["1.0", "left"],
            "angle",
            &["column `angle`", "not a number"],
        ),
    ] {
        let set = labelled(&folder, header, &rows);
        let task = tasks.task(task).unwrap();
        let error = task.targets(set.labels(), &[1], 8).unwrap_err().to_string();
        assert_says(&error, words);
        assert_says(&error, &["labels.csv", "row 2"]);
    }
    // a missing number, beside another column so that the line is not empty
    let set = labelled(&folder, "size,angle", &["1,1.0", "1,"]);
    let angle = tasks.task("angle").unwrap();
    let error = angle
        .targets(set.labels(), &[0, 1], 1)
        .unwrap_err()
        .to_string();
    assert_says(&error, &["row 2, column `angle`", "no finite number"]);
    let error = tasks.task("kind").unwrap().targets(set.labels(), &[0], 2);
    assert_says(
        &error.unwrap_err().to_string(),
        &["column `kind`", "there are: file, size, angle"],
    );
    let set = labelled(&folder, "size", &["1"]);
    let error = set.labels().rows_of("test").unwrap_err().to_string();
    assert_says(&error, &["column `split`"]);
}
