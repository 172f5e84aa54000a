//! Measured over an emulated link: the parts are what the link and the halves make them.

use std::time::Duration;

use cutpoint_core::link::{Link, wire};
use cutpoint_core::units::Bytes;
use cutpoint_deploy::verification::{PARTS, Predicted, VerifyOptions, measure, parts};

use super::splits::{Case, runtime};

#[test]
fn uplink_and_downlink_are_those_of_the_link() {
    let case = Case::at("getitem_33", "f32");
    let server = case.serve("127.0.0.1:0");
    let link = Link {
        rate: "1Mbit/s".parse().unwrap(),
        delay: "20ms".parse().unwrap(),
        down_rate: Some("100Mbit/s".parse().unwrap()),
    };
    let options = VerifyOptions {
        link,
        requests: 10,
        pace: None,
    };
    let samples = measure(
        &case.directory(),
        runtime(),
        Some(server.address),
        &options,
        &mut |_| true,
    )
    .unwrap();
    let found = parts(&Predicted::default(), &samples);
    let names: Vec<&str> = found.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, PARTS);
    assert!(found.iter().all(|part| part.n == 10));
    let ms = |name: &str| {
        found
            .iter()
            .find(|part| part.name == name)
            .unwrap()
            .measured_ms
    };
    // the tensor has 640 floats
    // the proxy's own time, half a millisecond at most, is taken off
    let least = 19.5 + 8.0 * wire(Bytes(2560)).0 as f64 / 1e3;
    assert!(ms("uplink") >= least, "{} of {least}", ms("uplink"));
    assert!(ms("downlink") >= 19.5, "{}", ms("downlink"));
    let sum: f64 = PARTS[..6].iter().map(|name| ms(name)).sum();
    assert!(ms("total") >= sum * 0.9, "{} of {sum}", ms("total"));
}

#[test]
fn a_measurement_can_be_stopped() {
    let case = Case::at("getitem_33", "f32");
    let server = case.serve("127.0.0.1:0");
    let options = VerifyOptions {
        link: Link {
            rate: "1Gbit/s".parse().unwrap(),
            delay: "0ms".parse().unwrap(),
            down_rate: None,
        },
        requests: 1_000_000,
        pace: Some(Duration::from_millis(1)),
    };
    let stopped = measure(
        &case.directory(),
        runtime(),
        Some(server.address),
        &options,
        &mut |number| number < 3,
    );
    assert!(stopped.is_err_and(|error| error.to_string() == "interrupted"));
}
