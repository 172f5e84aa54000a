//! Frames from archives of arrays.

use std::path::Path;

use cutpoint_core::graph::ElementType;
use cutpoint_deploy::frames::Frames;
use cutpoint_runtime::port::Port;
use cutpoint_runtime::values::numbers;
use ndarray::Array;
use ndarray_npy::WriteNpyExt;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::splits::runtime;

fn port(name: &str, dtype: ElementType, shape: &[u64]) -> Port {
    Port {
        name: name.to_owned(),
        dtype,
        shape: shape.iter().map(|size| Some(*size)).collect(),
    }
}

/// An archive as numpy writes it, with and without compression.
fn archive(path: &Path) {
    let mut archive = ZipWriter::new(std::fs::File::create(path).unwrap());
    let plain = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let small = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let image = Array::from_iter((0..24).map(|i| i as f32));
    let image = image.into_shape_with_order((4, 2, 3)).unwrap();
    archive.start_file("image.npy", small).unwrap();
    image.write_npy(&mut archive).unwrap();
    let id = Array::from_iter(0..4_i64)
        .into_shape_with_order((4, 1))
        .unwrap();
    archive.start_file("id.npy", plain).unwrap();
    id.write_npy(&mut archive).unwrap();
    archive.start_file("lone.npy", plain).unwrap();
    Array::from_elem((1, 5), 7_u8)
        .write_npy(&mut archive)
        .unwrap();
    archive.finish().unwrap();
}

#[test]
fn arrays_become_frames_that_go_round() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames.npz");
    archive(&path);
    let ports = [
        port("image", ElementType::Float32, &[1, 2, 3]),
        port("id", ElementType::Int64, &[1]),
    ];
    let frames = Frames::open(&path, &ports).unwrap();
    assert_eq!(frames.count(), 4);
    let numbers_of = |number: u64, input: usize| {
        numbers(&frames.frame(runtime(), number).unwrap()[input].1).unwrap()
    };
    assert_eq!(numbers_of(1, 0), [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
    assert_eq!(numbers_of(3, 1), [3.0]);
    assert_eq!(numbers_of(5, 1), [1.0]);
}

#[test]
fn arrays_that_do_not_fit_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames.npz");
    archive(&path);
    let image = port("image", ElementType::Float32, &[1, 2, 3]);
    for (ports, hint) in [
        (
            vec![port("picture", ElementType::Float32, &[1])],
            "no array `picture`; there are: ",
        ),
        (
            vec![port("image", ElementType::Float32, &[2, 4])],
            "has shape [4, 2, 3]",
        ),
        (
            vec![port("image", ElementType::UInt8, &[1, 2, 3])],
            "save it as uint8",
        ),
        (
            vec![image, port("lone", ElementType::UInt8, &[1, 5])],
            "1 frames where other inputs have 4",
        ),
    ] {
        let error = Frames::open(&path, &ports).unwrap_err().to_string();
        assert!(error.contains(hint), "{error}");
    }
    // a header that claims far more than there is
    let mut liar = ZipWriter::new(std::fs::File::create(&path).unwrap());
    liar.start_file("image.npy", SimpleFileOptions::default())
        .unwrap();
    let mut array = Vec::new();
    Array::from_elem((1, 2, 3), 0_f32)
        .write_npy(&mut array)
        .unwrap();
    let shape = array.windows(6).position(|text| text == b"(1, 2,").unwrap();
    array[shape + 1] = b'9';
    std::io::Write::write_all(&mut liar, &array).unwrap();
    liar.finish().unwrap();
    let image = port("image", ElementType::Float32, &[1, 2, 3]);
    let error = Frames::open(&path, &[image]).unwrap_err().to_string();
    assert!(error.contains("damaged"), "{error}");
    std::fs::write(&path, b"no archive").unwrap();
    let error = Frames::open(&path, &[]).unwrap_err().to_string();
    assert!(error.contains("not an archive of arrays"), "{error}");
}
