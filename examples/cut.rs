//! Cuts a bundled model in the middle, into an edge half and a server half.

// an example shows what it found
#![allow(clippy::print_stdout)]

use cutpoint::core::cuts::natural;
use cutpoint::runtime::{environment, library, probe};
use cutpoint::{Codec, CutRequest, Model, cut};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = Model::load("models/skipnet_3dec_64.onnx".as_ref())?;
    // ONNX Runtime is fetched once if it is missing; one run tells the shapes
    let library = library::find_or_fetch(&mut |_| ())?;
    let environment = environment(&library, 1)?;
    let inputs = probe::random_inputs(environment, &model, &[])?;
    let reading = model.graph(&probe::probe(environment, &model, &inputs)?)?;

    let cuts = natural(&reading.graph, &[]);
    let middle = cuts.get(cuts.len() / 2).ok_or("the model has no cut")?;
    let request = CutRequest {
        edge: middle.edge.clone(),
        crossing: middle.crossing.iter().map(|t| (*t, Codec::F16)).collect(),
        ..CutRequest::default()
    };
    let halves = cut(&model, &reading, &request)?;
    for (name, half) in [("edge", halves.edge), ("server", halves.server)] {
        let nodes = half.map_or(0, |model| model.node_count());
        println!("{name}: {nodes} nodes");
    }
    Ok(())
}
