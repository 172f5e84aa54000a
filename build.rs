//! Compresses the model of `cutpoint demo`, which the program carries.

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "cli")]
    model()?;
    Ok(())
}

/// Writes the model as a zlib stream where `src/cli/demo/model.rs` includes it from.
#[cfg(feature = "cli")]
fn model() -> std::io::Result<()> {
    use std::io::Write;

    const MODEL: &str = "models/mtlsplit_mobilenet_v3_small_64.onnx";
    println!("cargo::rerun-if-changed={MODEL}");
    let folder = std::env::var_os("OUT_DIR").ok_or(std::io::ErrorKind::NotFound)?;
    let target = std::path::Path::new(&folder).join("demo.onnx.zlib");
    let file = std::fs::File::create(target)?;
    let mut stream = flate2::write::ZlibEncoder::new(file, flate2::Compression::default());
    stream.write_all(&std::fs::read(MODEL)?)?;
    stream.finish()?;
    Ok(())
}
