mod common;
use common::*;
use cutpoint::problem::Problem;
use cutpoint::server::Server;
use cutpoint::solve::{Options, Outcome, solve};

#[test]
fn smoke() {
    for (name, make) in [
        ("chain", chain as fn(usize, u64) -> _),
        ("residual", residual),
        ("dense", dense),
        ("multi", multi_head),
    ] {
        for n in [50, 200] {
            let profile = make(n, 1);
            let mut s = scenario("20Mbit/s", "10ms");
            let full: u64 = profile.weights.iter().map(|w| w.bytes).sum();
            for limits in [false, true] {
                if limits {
                    s.limits.edge_memory = Some(cutpoint::units::Bytes(full * 5 / 4));
                    s.limits.max_uplink = Some(cutpoint::units::Bytes(100_000));
                    s.limits.raw_stays = true;
                    s.codecs = vec![
                        cutpoint::codec::Codec::F32,
                        cutpoint::codec::Codec::F16,
                        cutpoint::codec::Codec::Q8,
                    ];
                }
                let t = std::time::Instant::now();
                let p = Problem::new(&profile, &Server::faster(8.0), &s).unwrap();
                let built = t.elapsed();
                for most in [0, 100_000] {
                    let o = Options {
                        most_placements: most,
                        ..Default::default()
                    };
                    match solve(&p, &o).unwrap() {
                        Outcome::Plan(plan) => println!(
                            "{name} {n} {limits} {built:?} {:?} {} {} {:?} {:?}",
                            plan.solve_ms,
                            plan.latency_ms,
                            plan.proof,
                            plan.binding,
                            plan.crossing.len()
                        ),
                        Outcome::NoPlan(n) => println!("{name} {} {:?}", n.proof, n.conflict),
                    }
                }
            }
        }
    }
}
