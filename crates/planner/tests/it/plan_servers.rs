//! Servers: measured elsewhere, scaled, or described by a roofline.

use cutpoint_core::profile::{LayerRecord, Profile};
use cutpoint_planner::server::{Server, ServerError, ServerTimes};
use cutpoint_testkit::{Net, chain};

fn times(server: &Server, edge: &Profile) -> Result<ServerTimes, ServerError> {
    server.times(edge, &edge.graph().unwrap())
}

fn spec(text: &str) -> Result<Server, ServerError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.toml");
    std::fs::write(&path, text).unwrap();
    Server::read(path.to_str().unwrap())
}

const ROOFLINE: &str = "format = 1
base = \"edge profile scaled\"
peak_gflop_s = 100.0
mem_gb_s = 50.0
kernel_us = 5.0
request_us = 300.0
";

#[test]
fn a_factor_divides_every_server_time_and_adds_nothing() {
    let mut edge = chain(5, 1);
    edge.method.split_server_us = 8.0;
    let fast = times(&Server::read("sim:4x").unwrap(), &edge).unwrap();
    for (layer, us) in edge.layers.iter().zip(&fast.layer_us) {
        assert_eq!(layer.server_us / 4.0, *us);
    }
    for (tensor, us) in edge.tensors.iter().zip(&fast.recv_us) {
        assert_eq!(tensor.recv_us / 4.0, *us);
    }
    assert_eq!(fast.split_us, 2.0);
    assert_eq!(
        fast.codecs[0].dec_ns_per_byte,
        edge.codecs[0].dec_ns_per_byte / 4.0
    );
    assert_eq!(fast.codecs[0].enc_us, edge.codecs[0].enc_us);
    assert_eq!(Server::read("sim:4").unwrap().request_us, 0.0);
    assert!(Server::read("sim:4").unwrap().simulated());
    for text in [
        "sim:", "sim:0x", "sim:-2", "sim:NaN", "sim:fast", "sim:infx",
    ] {
        let error = Server::read(text).unwrap_err();
        assert!(
            matches!(error, ServerError::BadFactor(_)),
            "{text}: {error}"
        );
    }
}

#[test]
fn a_roofline_scales_by_the_tighter_ceiling_and_adds_a_kernel_start() {
    let mut net = Net::new(1);
    let input = net.input("in", 250);
    let heavy = net.layer(&[input], 250, 100.0);
    let light = net.layer(&[heavy], 250, 100.0);
    let nothing = net.layer(&[light], 0, 0.0);
    net.output(&nothing);
    let mut edge = net.done();
    // measured at 10 GFLOP/s and 5 GB/s: 1 ms of computing against 0.4 us of moving 2 kB
    edge.layers[0].flops = 10_000_000;
    edge.layers[1].flops = 0;
    edge.layers[2].inputs.clear();
    edge.layers[2].flops = 0;
    let server = spec(ROOFLINE).unwrap();
    assert!(server.simulated());
    let found = times(&server, &edge).unwrap().layer_us;
    for (found, expected) in found
        .iter()
        .zip([100.0 / 10.0 + 5.0, 100.0 / 10.0 + 5.0, 5.0])
    {
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }
    // moving limits there, computing here
    edge.layers[0].flops = 5_000;
    let found = times(&server, &edge).unwrap().layer_us[0];
    let (here, there) = (5_000.0 / 10e3, f64::max(5_000.0 / 100e3, 2_000.0 / 50e3));
    assert!((found - (100.0 * there / here + 5.0)).abs() < 1e-9);
    edge.board.mem_gb_s = 0.0;
    assert!(matches!(
        times(&server, &edge),
        Err(ServerError::NoRoofline(_))
    ));
}

#[test]
fn the_bundled_descriptions_can_be_read_and_state_their_sources() {
    let folder = cutpoint_testkit::repository().join("profiles/servers");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let server = Server::read(path.to_str().unwrap()).unwrap();
        assert!(server.simulated() && server.request_us > 0.0);
        assert!(
            std::fs::read_to_string(&path)
                .unwrap()
                .contains("\nsource = ")
        );
        times(&server, &chain(10, 1)).unwrap();
        count += 1;
    }
    assert!(count >= 3);
}

#[test]
fn bad_descriptions_are_refused_with_the_key() {
    for (text, word) in [
        (ROOFLINE.replace("format = 1", "format = 2"), "format 2"),
        (ROOFLINE.replace("kernel_us", "kernels"), "kernels"),
        (ROOFLINE.replace("100.0", "0.0"), "out of range"),
        (ROOFLINE.replace("300.0", "-1.0"), "request_us"),
        (format!("{ROOFLINE}speedup = 3.0\n"), "either"),
        (
            "format = 1\nbase = \"edge profile scaled\"\nspeedup = 0.0\n".to_owned(),
            "speedup",
        ),
        (
            "format = 1\nbase = \"nowhere.toml\"\nspeedup = 2.0\n".to_owned(),
            "nowhere.toml",
        ),
    ] {
        let error = spec(&text).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_profile_of_another_model_is_refused() {
    let edge = chain(5, 1);
    let mut other = edge.clone();
    other.model.sha256 = "f".repeat(64);
    let error = times(&Server::measured(other), &edge).unwrap_err();
    assert!(matches!(error, ServerError::OtherModel { .. }), "{error}");
}

/// Joins layers `first` and the one after it into a group, as a runtime that fuses them reports it.
fn fuse(profile: &mut Profile, first: usize) {
    let head = profile.layers.remove(first);
    let tail: &mut LayerRecord = &mut profile.layers[first];
    let inner = head.outputs[0].clone();
    tail.members = [head.members, tail.members.clone()].concat();
    tail.inputs = head.inputs;
    tail.server_us += head.server_us;
    profile.tensors.retain(|t| t.name != inner);
}

#[test]
fn a_group_of_the_server_is_shared_out_and_never_cut() {
    let edge = chain(6, 2);
    let mut server = edge.clone();
    for layer in &mut server.layers {
        layer.server_us *= 0.5;
    }
    let whole: f64 = server.layers.iter().map(|l| l.server_us).sum();
    fuse(&mut server, 2);
    let found = times(&Server::measured(server), &edge).unwrap();
    assert!((found.layer_us.iter().sum::<f64>() - whole).abs() < 1e-6);
    // the whole network halves its time, so shares in proportion do, too
    for (layer, us) in edge.layers.iter().zip(&found.layer_us) {
        assert!((us - layer.server_us / 2.0).abs() < 1e-6);
    }
    let graph = edge.graph().unwrap();
    assert_eq!(found.inside_groups, [graph.find_tensor("t2").unwrap()]);
    assert!(found.note.unwrap().contains("as one"));
}

#[test]
fn a_group_of_the_edge_takes_the_sum_of_the_servers_layers() {
    let server = chain(6, 2);
    let mut edge = server.clone();
    fuse(&mut edge, 3);
    let found = times(&Server::measured(server.clone()), &edge).unwrap();
    let sum = server.layers[3].server_us + server.layers[4].server_us;
    assert!((found.layer_us[3] - sum).abs() < 1e-9);
    assert!(found.inside_groups.is_empty() && found.note.is_none());
}

#[test]
fn layers_that_only_one_profile_knows_are_refused() {
    let edge = chain(6, 2);
    let mut more = edge.clone();
    more.layers[3].members.push("stranger".to_owned());
    let error = times(&Server::measured(more), &edge).unwrap_err();
    assert!(error.to_string().contains("stranger"), "{error}");
    let mut fewer = edge.clone();
    fewer.layers[3].members = vec!["t2".to_owned()];
    let error = times(&Server::measured(fewer), &edge).unwrap_err();
    assert!(error.to_string().contains("t3"), "{error}");
}
