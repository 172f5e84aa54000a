//! The drawing of the network.

// helpers of tests may fail as loudly as tests
#![allow(clippy::unwrap_used)]

mod report_support;

use cutpoint::plan::Plan;
use cutpoint::profile::Profile;
use cutpoint::report::network::{self, NetworkData};
use cutpoint::report::{Style, prepare};
use cutpoint::server::Server;
use cutpoint::solve;
use report_support::{check, network, problem, ugly};

fn best(profile: &Profile, rate: &str) -> Plan {
    let problem = problem(profile, &Server::faster(8.0), rate);
    match solve::solve(&problem, &solve::Options::default()).unwrap() {
        solve::Outcome::Plan(plan) => plan,
        solve::Outcome::NoPlan(none) => panic!("{none:?}"),
    }
}

fn data(profile: &Profile, plan: Option<&Plan>) -> NetworkData {
    let server = Server::faster(8.0);
    let problem = problem(profile, &server, "20 Mbit/s");
    prepare::network(&problem, profile, &server, &[], plan).unwrap()
}

#[test]
fn look() {
    for layers in [1, 10, 60, 120, 500] {
        let profile = network(layers, ugly);
        let plan = best(&profile, "20 Mbit/s");
        for plan in [None, Some(&plan)] {
            let svg = network::figure(&data(&profile, plan), &Style::default()).unwrap();
            check(&svg);
        }
    }
}
