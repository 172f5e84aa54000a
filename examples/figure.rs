//! Draws the latency of the best split over the rate of the link, as an SVG.

// an example shows what it found
#![allow(clippy::print_stdout)]

use cutpoint::report::figures::{Figure, rate};
use cutpoint::report::{Style, edge_origin, server_origin};
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
    let sweep = sweep(&problem, "1Mbit/s..10Gbit/s".parse()?, &Options::default())?;
    let data = rate::gather(&sweep, edge_origin(&edge), server_origin(&server))?;
    let path = std::env::temp_dir().join("cutpoint-rate.svg");
    std::fs::write(&path, data.draw(&Style::default())?)?;
    println!("{}", path.display());
    Ok(())
}
