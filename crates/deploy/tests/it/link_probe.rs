//! A link is measured as what it is.

use cutpoint_core::link::Link;
use cutpoint_deploy::link::EmulatedLink;
use cutpoint_deploy::link_probe::measure_link;

use super::splits::Case;

#[test]
fn rate_and_delay_are_found() {
    let case = Case::at("getitem_33", "f32");
    let server = case.serve_with(|options| options.name = "other".to_owned());
    let link = Link {
        rate: "8Mbit/s".parse().unwrap(),
        delay: "10ms".parse().unwrap(),
        down_rate: Some("1Gbit/s".parse().unwrap()),
    };
    let link = EmulatedLink::start(server.address, &link).unwrap();
    let found = measure_link(&mut case.client(&link.address.to_string())).unwrap();
    assert!(found.delay_ms >= 9.5 && found.n == 30, "{found:?}");
    // never faster than the link; a busy machine may make it slower, but not by so much
    assert!(
        found.rate_bit_s < 8_400_000 && found.rate_bit_s > 4_000_000,
        "{found:?}"
    );
    assert!(found.rate_bytes >= 128 << 10, "{found:?}");
}

#[test]
fn without_a_server_there_is_nothing_to_measure() {
    let case = Case::at("getitem_33", "f32");
    let error = measure_link(&mut case.client("127.0.0.1:1")).unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}
