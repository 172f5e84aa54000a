//! From images to a model's input, as `<model>.data.toml` says.

use std::path::Path;

use cutpoint_accuracy::dataset::{DataSet, Image, Pixels, Preprocessing};
use cutpoint_testkit::datasets::{npy, picture, put};
use ndarray::ArrayD;
use tempfile::tempdir;

fn with(keys: &str) -> Result<Preprocessing, String> {
    let text = format!("format = 1\n[input]\nname = 'image'\n{keys}");
    Preprocessing::parse(&text, Path::new("m.data.toml")).map_err(|error| error.to_string())
}

/// One row of two pixels: (0, 10, 20) and (100, 110, 120).
fn two_pixels() -> Image {
    Image {
        height: 1,
        width: 2,
        channels: 3,
        pixels: Pixels::Bytes(vec![0, 10, 20, 100, 110, 120]),
    }
}

fn tensor(keys: &str, image: &Image) -> ArrayD<f32> {
    with(keys).unwrap().tensor(image).unwrap()
}

fn values(tensor: &ArrayD<f32>) -> Vec<f32> {
    tensor.iter().copied().collect()
}

#[test]
fn pixels_are_shifted_scaled_and_put_in_order() {
    let image = two_pixels();
    let plain = tensor("", &image);
    assert_eq!(plain.shape(), [1, 3, 1, 2]);
    assert_eq!(values(&plain), [0.0, 100.0, 10.0, 110.0, 20.0, 120.0]);
    let last = tensor("layout = 'nhwc'", &image);
    assert_eq!(last.shape(), [1, 1, 2, 3]);
    assert_eq!(values(&last), [0.0, 10.0, 20.0, 100.0, 110.0, 120.0]);
    let scaled = tensor("mean = [127.5]\nstd = [127.5]", &image);
    assert_eq!(values(&scaled)[..2], [-1.0, (100.0 - 127.5) / 127.5]);
    let each = tensor("mean = [0.0, 10.0, 20.0]\nstd = [1.0, 2.0, 4.0]", &image);
    assert_eq!(values(&each), [0.0, 100.0, 0.0, 50.0, 0.0, 25.0]);
    // mean and std follow the channels of the input
    let swapped = tensor("channels = 'bgr'\nmean = [20.0, 10.0, 0.0]", &image);
    assert_eq!(values(&swapped), [0.0, 100.0, 0.0, 100.0, 0.0, 100.0]);
}

#[test]
fn channels_are_made_of_others() {
    let grey = tensor("channels = 'gray'", &two_pixels());
    assert_eq!(grey.shape(), [1, 1, 1, 2]);
    // 0.299 r + 0.587 g + 0.114 b
    assert_eq!(values(&grey), [8.0, 108.0]);
    let image = Image {
        height: 1,
        width: 2,
        channels: 1,
        pixels: Pixels::Floats(vec![0.25, 0.5]),
    };
    let colour = tensor("channels = 'rgb'", &image);
    assert_eq!(values(&colour), [0.25, 0.5, 0.25, 0.5, 0.25, 0.5]);
    assert_eq!(values(&tensor("channels = 'gray'", &image)), [0.25, 0.5]);
}

#[test]
fn images_are_resized_with_averages() {
    // stripes of one pixel: 0, 200, 0, 200, ...
    let stripes = Image {
        height: 8,
        width: 8,
        channels: 1,
        pixels: Pixels::Bytes((0..64).map(|n| if n % 2 == 0 { 0 } else { 200 }).collect()),
    };
    let smaller = tensor("channels = 'gray'\nresize = [4, 2]", &stripes);
    assert_eq!(smaller.shape(), [1, 1, 4, 2]);
    assert!(
        values(&smaller).iter().all(|v| (v - 100.0).abs() < 16.0),
        "{smaller}"
    );
    let nearest = tensor(
        "channels = 'gray'\nresize = [4, 2]\nfilter = 'nearest'",
        &stripes,
    );
    assert!(
        values(&nearest).iter().all(|v| *v == 0.0 || *v == 200.0),
        "{nearest}"
    );
    for filter in ["bicubic", "lanczos"] {
        let keys = format!("resize = [16, 24]\nfilter = '{filter}'");
        assert_eq!(tensor(&keys, &stripes).shape(), [1, 3, 16, 24]);
    }
    // a size it has already changes nothing
    let same = tensor("resize = [1, 2]", &two_pixels());
    assert_eq!(same, tensor("", &two_pixels()));
}

#[test]
fn images_that_cannot_become_inputs_are_refused() {
    let floats = |value| Image {
        height: 2,
        width: 2,
        channels: 1,
        pixels: Pixels::Floats(vec![1.0, 2.0, value, 0.0]),
    };
    let gray = with("channels = 'gray'").unwrap();
    assert!(gray.tensor(&floats(3.0)).is_ok());
    for value in [f32::NAN, f32::INFINITY] {
        let error = gray.tensor(&floats(value)).unwrap_err().to_string();
        assert!(error.contains("not finite"), "{error}");
    }
    let error = with("resize = [4, 4]")
        .unwrap()
        .tensor(&floats(1.0))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("floats") && error.contains("uint8"),
        "{error}"
    );
}

#[test]
fn a_sample_has_the_shape_the_model_wants_or_an_error_that_names_it() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    picture(root, "a.png", 6, 4);
    picture(root, "b.png", 5, 4);
    put(root, "labels.csv", "file,size\na.png,0\nb.png,1\n");
    let set = DataSet::open(root).unwrap();
    let plain = with("").unwrap();
    assert_eq!(
        set.sample(0, &plain, &[1, 3, 4, 6]).unwrap().shape(),
        [1, 3, 4, 6]
    );
    let error = set
        .sample(1, &plain, &[1, 3, 4, 6])
        .unwrap_err()
        .to_string();
    for word in [
        "b.png (row 2 of ",
        "[1, 3, 4, 5]",
        "[1, 3, 4, 6]",
        "m.data.toml",
        "resize",
    ] {
        assert!(error.contains(word), "{word}: {error}");
    }
    let resized = with("resize = [4, 6]").unwrap();
    assert!(set.sample(1, &resized, &[1, 3, 4, 6]).is_ok());

    put(root, "set/labels.csv", "size\n0\n1\n");
    put(root, "set/images.npy", npy("|u1", &[2, 4, 6], &[9; 48]));
    let set = DataSet::open(&root.join("set")).unwrap();
    let error = set
        .sample(1, &plain, &[1, 3, 6, 4])
        .unwrap_err()
        .to_string();
    assert!(error.contains("images.npy, row 2"), "{error}");
}

#[test]
fn keys_and_values_without_sense_are_refused() {
    let task = |keys: &str| format!("[[task]]\nname = 'a'\nlabel = 'b'\n{keys}");
    for (keys, words) in [
        ("colour = 3", "unknown field `colour`"),
        ("layout = 'hwc'", "unknown variant `hwc`"),
        ("channels = 'rgba'", "unknown variant `rgba`"),
        ("resize = [0, 4]", "between 1 and 8192"),
        ("resize = [4, 0]", "between 1 and 8192"),
        ("resize = [4, 9000]", "between 1 and 8192"),
        ("resize = [4]", "line 4"),
        ("mean = [1.0, 2.0]", "mean has 2 values"),
        ("std = []", "std has 0 values"),
        ("channels = 'gray'\nstd = [1.0, 2.0, 3.0]", "it takes 1"),
        ("std = [0.0]", "positive"),
        ("mean = [nan]", "finite"),
        ("std = [inf]", "finite"),
        ("[data]\nfolder = 'x'", "unknown field `folder`"),
        ("[[task]]\nname = 'a'", "label"),
        (&task("metric = 'best'"), "unknown variant `best`"),
        (&task("metric = 'score'"), "stated by hand"),
        (&task("metric = 'top1'\nscale = 2.0"), "mae and rmse"),
        (&task("metric = 'mae'\nclasses = ['x']"), "no classes"),
        (&task("metric = 'mae'\nscale = 0.0"), "not 0"),
        (&task("metric = 'rmse'\noffset = nan"), "finite"),
        (&task("metric = 'top1'\nclasses = []"), "may not be empty"),
        (&task("metric = 'top1'\nclasses = ['x', 'x']"), "twice"),
        (&task("metric = 'top1'\ncolour = 1"), "unknown field"),
        ("[[task]]\nname = ''\nlabel = 'b'\nmetric = 'top1'", "empty"),
    ] {
        let error = with(keys).unwrap_err();
        assert!(error.starts_with("m.data.toml"), "{error}");
        assert!(error.contains(words), "{keys}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
    let twice = format!("{0}{0}", task("metric = 'top1'\n"));
    assert!(
        with(&twice)
            .unwrap_err()
            .contains("two tasks are named `a`")
    );
    let parse = |text| {
        Preprocessing::parse(text, Path::new("m"))
            .unwrap_err()
            .to_string()
    };
    assert!(parse("format = 2\n[input]\nname = 'x'").contains("format = 2"));
    assert!(parse("[input]\nname = 'x'").contains("format"));
    assert!(parse("format = 1").contains("input"));
}

#[test]
fn the_file_lies_beside_the_model() {
    let folder = tempdir().unwrap();
    let model = folder.path().join("net.v2.onnx");
    assert!(Preprocessing::beside(&model).unwrap().is_none());
    let text =
        "format = 1\n[input]\nname = 'image'\nlayout = 'nchw'\nmean = [127.5]\nstd = [127.5]\n";
    let path = put(folder.path(), "net.v2.data.toml", text);
    let found = Preprocessing::beside(&model).unwrap().unwrap();
    assert_eq!(found.path(), path);
    assert_eq!(found.input().name, "image");
    put(folder.path(), "net.v2.data.toml", "format = 1\n");
    let error = Preprocessing::beside(&model).unwrap_err().to_string();
    assert!(error.contains("net.v2.data.toml"), "{error}");
}
