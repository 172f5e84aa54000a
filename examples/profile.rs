//! Measures a bundled model on this machine and prints its slowest layers.

// an example shows what it found
#![allow(clippy::print_stdout)]

use std::time::Duration;

use cutpoint::Model;
use cutpoint::runtime::profiler::{ProfileRequest, profile};
use cutpoint::runtime::{environment, library};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = Model::load("models/skipnet_3dec_64.onnx".as_ref())?;
    let environment = environment(&library::find_or_fetch(&mut |_| ())?, 1)?;
    let request = ProfileRequest {
        board: "here".to_owned(),
        budget: Duration::from_secs(2),
        ..ProfileRequest::default()
    };
    let mut layers = profile(environment, &model, &request, None, &mut ())?.layers;
    layers.sort_by(|a, b| b.edge_us.total_cmp(&a.edge_us));
    for layer in layers.iter().take(5) {
        println!("{:>8.1} us  {}", layer.edge_us, layer.name);
    }
    Ok(())
}
