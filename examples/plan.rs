//! Plans the split of a profiled model between its board and a server eight times as fast.

// an example shows what it found
#![allow(clippy::print_stdout)]

use cutpoint::{Link, Options, Outcome, Problem, Profile, Scenario, Server, best_plan};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let edge = Profile::load("profiles/examples/ladon.toml".as_ref())?;
    let server = Server::faster(8.0);
    let link = Link {
        rate: "20Mbit/s".parse()?,
        delay: "5ms".parse()?,
        down_rate: None,
    };
    let problem = Problem::new(&edge, &server, &Scenario::over(link))?;
    match best_plan(&problem, &Options::default())? {
        Outcome::Plan(plan) => {
            println!("on the edge: {}", plan.edge.join(", "));
            println!("on the server: {}", plan.server.join(", "));
            println!("latency: {:.1} ms", plan.latency_ms);
        }
        Outcome::NoPlan(_) => println!("no plan meets the limits"),
    }
    Ok(())
}
