//! Finds the best split at every rate of a link, and the rates at which it changes.

// an example shows what it found
#![allow(clippy::print_stdout)]

use cutpoint::{Link, Options, Problem, Profile, Scenario, Server, sweep};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let edge = Profile::load("profiles/examples/ladon.toml".as_ref())?;
    let server = Server::faster(8.0);
    let link = Link {
        rate: "20Mbit/s".parse()?,
        delay: "5ms".parse()?,
        down_rate: None,
    };
    let problem = Problem::new(&edge, &server, &Scenario::over(link))?;
    let rates = "1Mbit/s..10Gbit/s".parse()?;
    for segment in sweep(&problem, rates, &Options::default())?.segments {
        let crossing = segment.plan.crossing.iter().map(|c| c.tensor.as_str());
        let crossing: Vec<&str> = crossing.collect();
        println!(
            "{:>6.0} to {:>6.0} Mbit/s: {crossing:?} cross",
            segment.from_bit_s as f64 / 1e6,
            segment.to_bit_s as f64 / 1e6,
        );
    }
    Ok(())
}
