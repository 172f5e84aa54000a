//! The model that the demo uses when none is named.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use flate2::read::ZlibDecoder;

use crate::cli::{Kind, OrFail, files};

/// Two task heads on a MobileNetV3-small backbone, as in the MTL-Split paper.
const BUNDLED: &str = "models/mtlsplit_mobilenet_v3_small_64.onnx";

/// The same file as a zlib stream, made by `build.rs`.
const COMPRESSED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/demo.onnx.zlib"));

/// What its inputs and its tasks mean.
const DATA: &str = include_str!("../../../models/mtlsplit_mobilenet_v3_small_64.data.toml");

/// Returns the path of the bundled model in a checkout; elsewhere, unpacks it into `folder`.
pub(super) fn bundled(folder: &Path) -> anyhow::Result<PathBuf> {
    let here = Path::new(BUNDLED);
    if here.is_file() {
        return Ok(here.to_owned());
    }
    let path = folder.join(here.file_name().unwrap_or_default());
    let mut bytes = Vec::new();
    ZlibDecoder::new(COMPRESSED)
        .read_to_end(&mut bytes)
        .context("the bundled model cannot be unpacked")
        .or_fail(Kind::Other)?;
    files::write("--model", &path, &bytes)?;
    files::write(
        "--model",
        &path.with_extension("data.toml"),
        DATA.as_bytes(),
    )?;
    Ok(path)
}
