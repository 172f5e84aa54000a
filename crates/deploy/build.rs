//! Makes client and server of the Open Inference Protocol from its definition; needs no `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = "proto/open_inference.proto";
    println!("cargo::rerun-if-changed={file}");
    let definition = protox::compile([file], ["proto"])?;
    tonic_prost_build::configure()
        // tensors are shared with the network's buffers, not copied
        .bytes(".")
        .compile_fds(definition)?;
    Ok(())
}
