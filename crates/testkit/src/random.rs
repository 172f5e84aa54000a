//! Small random problems with everything that makes splitting hard, and many ties.

use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::{
    CodecAccuracy, CrossingRecord, DataInfo, Metric, ModelId, TaskAccuracy, TaskDrop,
};
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::profile::{MemoryModel, Profile};
use cutpoint_core::task::Task;
use cutpoint_core::units::{BitRate, Bytes};
use cutpoint_planner::scenario::{Results, Scenario, U8Input};

use super::{Net, codec_record};

/// A network of `layers` layers: several inputs, tensors with many readers, layers with two
/// outputs, shared weights, weights that no layer reads, several tasks, tensors that may not cross. Every third has layers and
/// tensors that are all alike, so that many placements are equally good; every fourth has chains.
pub fn network(seed: u64, layers: usize) -> Profile {
    let mut net = Net::new(seed);
    let plain = seed.is_multiple_of(3);
    let chained = seed.is_multiple_of(4);
    let size = |net: &mut Net| if plain { 100 } else { size(net) };
    let mut tensors: Vec<String> = Vec::new();
    for index in 0..net.dice.within(1, 2) {
        let elements = size(&mut net);
        tensors.push(net.input(&format!("in{index}"), elements));
    }
    let mut last = String::new();
    for index in 0..layers {
        let mut inputs: Vec<String> = Vec::new();
        for _ in 0..net.dice.within(1, 3) {
            let recent = tensors.len().min(5) as u64;
            let back = net.dice.below(recent) as usize;
            inputs.push(tensors[tensors.len() - 1 - back].clone());
        }
        if chained && net.dice.percent(50) {
            inputs = tensors.last().into_iter().cloned().collect();
        }
        if net.dice.percent(3) {
            inputs.clear();
        }
        let elements = size(&mut net);
        let most = if plain { 2 } else { 6 };
        let time = net.dice.below(most) as f64;
        let id = net.layer(&inputs, elements, time);
        net.profile.layers[index].server_us = net.dice.below(most) as f64;
        // of a chain, only what is behind its last layer is there for others
        if chained && inputs == [last.as_str()] {
            tensors.retain(|tensor| *tensor != last);
        }
        last = id.clone();
        tensors.push(id.clone());
        if net.dice.percent(15) {
            let extra = format!("{id}.extra");
            let elements = size(&mut net);
            net.input(&extra, elements);
            net.profile.inputs.pop();
            net.profile.layers[index].outputs.push(extra.clone());
            tensors.push(extra);
        }
        if net.dice.percent(60) {
            let shared = net.dice.below(4);
            let bytes = [100, 1_000, 2_000, 5_000][shared as usize];
            net.weight(&id, &format!("w{shared}"), bytes);
        }
    }
    if seed.is_multiple_of(5) {
        net.unread_weight("unread", 7_000);
    }
    finish(net)
}

fn size(net: &mut Net) -> u64 {
    let sizes = [1, 10, 100, 100, 300, 1_000, 1_500];
    sizes[net.dice.below(sizes.len() as u64) as usize]
}

fn finish(mut net: Net) -> Profile {
    let layers = net.profile.layers.clone();
    let made: Vec<String> = layers.iter().flat_map(|l| l.outputs.clone()).collect();
    for tensor in &made {
        let is_read = layers.iter().any(|l| l.inputs.contains(tensor));
        if net.dice.percent(if is_read { 10 } else { 90 }) {
            net.output(tensor);
        }
    }
    let outputs: Vec<String> = net.profile.outputs.iter().map(|o| o.name.clone()).collect();
    if outputs.len() > 1 {
        let (first, rest) = outputs.split_at(1);
        net.profile.tasks = vec![
            Task {
                name: "a".to_owned(),
                outputs: first.to_vec(),
            },
            Task {
                name: "b".to_owned(),
                outputs: rest.to_vec(),
            },
        ];
    }
    let Net { profile, dice } = &mut net;
    for tensor in &mut profile.tensors {
        tensor.send_us = dice.below(2) as f64;
        tensor.recv_us = dice.below(2) as f64;
        if dice.percent(10) {
            tensor.cuttable = false;
            tensor.reason = "of the dice".to_owned();
        }
    }
    profile.method.split_edge_us = dice.below(3) as f64;
    profile.method.split_server_us = dice.below(3) as f64;
    profile.memory = MemoryModel {
        base_bytes: 500,
        weight_factor: [1.0, 2.5][dice.below(2) as usize],
        activation_factor: [1.0, 1.5][dice.below(2) as usize],
    };
    profile.codecs = vec![
        codec_record("f16", 1.0, 0.5),
        codec_record("q8", 2.0, 1.0),
        codec_record("u8", 0.0, 0.5),
        codec_record("q4", 1.5, 0.8),
        codec_record("zstd", 0.5, 0.4),
        codec_record("variant:a", 0.0, 2.0),
    ];
    for layer in &mut net.profile.layers {
        if net.dice.percent(50) {
            let uses = net.dice.within(1, 4) as u32;
            layer.uses.insert("BRAM".to_owned(), uses);
        }
    }
    net.done()
}

/// A scenario for a network, with limits around what its placements need.
pub fn random_scenario(seed: u64, profile: &Profile) -> Scenario {
    let mut dice = super::Dice(seed ^ 0x5eed);
    let rates = ["1Mbit/s", "10Mbit/s", "100Mbit/s", "1Gbit/s"];
    let delays = ["0 ms", "1 us", "10 us"];
    let mut scenario = super::scenario(
        rates[dice.below(4) as usize],
        delays[dice.below(3) as usize],
    );
    if dice.percent(30) {
        scenario.link.down_rate = BitRate::from_bit_s(7_000_000);
    }
    scenario.results = match dice.below(5) {
        0 => Results::Server,
        1 => Results::Anywhere,
        _ => Results::Edge,
    };
    let inputs: Vec<String> = profile.inputs.iter().map(|p| p.name.clone()).collect();
    if dice.percent(25) {
        scenario.local_inputs.push(inputs[inputs.len() - 1].clone());
    }
    scenario.codecs = match dice.below(6) {
        0 => vec![Codec::F16],
        1 => vec![Codec::F32, Codec::Q8],
        2 => vec![Codec::F16, Codec::Q8],
        3 => vec![Codec::F32, Codec::F16, Codec::Q8],
        _ => vec![Codec::F32],
    };
    if dice.percent(30) {
        scenario.codecs.push(Codec::U8);
        scenario.u8_inputs.push(U8Input {
            name: inputs[0].clone(),
            mean: vec![0.0],
            std: vec![1.0],
        });
    }
    let layer = |dice: &mut super::Dice| {
        let layers = &profile.layers;
        layers[dice.below(layers.len() as u64) as usize].id.clone()
    };
    if dice.percent(20) {
        scenario.limits.keep_on_edge.push(layer(&mut dice));
    }
    if dice.percent(20) {
        scenario.limits.keep_on_server.push(layer(&mut dice));
    }
    scenario.limits.raw_stays = dice.percent(20);
    if dice.percent(50) {
        scenario.limits.edge_memory = Some(Bytes(dice.within(500, 20_000)));
    }
    if dice.percent(50) {
        scenario.limits.max_uplink = Some(Bytes(dice.within(0, 8_000)));
    }
    scenario
}

/// What encodings cost, for some of the tensors, codecs and tasks of a network.
pub fn accuracy(seed: u64, profile: &Profile) -> CodecAccuracy {
    let mut dice = super::Dice(seed ^ 0xacc);
    let names: Vec<String> = match profile.tasks.as_slice() {
        [] => profile.outputs.iter().map(|o| o.name.clone()).collect(),
        tasks => tasks.iter().map(|t| t.name.clone()).collect(),
    };
    let tasks = names.iter().enumerate().map(|(index, name)| TaskAccuracy {
        name: name.clone(),
        metric: [Metric::Top1, Metric::Mae][index % 2],
        baseline: [0.9, 2.5][index % 2],
        std_error: 0.01,
    });
    let mut accuracy = CodecAccuracy {
        format: 1,
        kind: FileKind::Accuracy,
        model: ModelId {
            file: profile.model.file.clone(),
            sha256: profile.model.sha256.clone(),
        },
        data: DataInfo {
            source: "dice".to_owned(),
            samples: 100,
            sha256: String::new(),
            calibration_samples: 0,
            labelled: true,
        },
        tasks: tasks.collect(),
        ranges: Vec::new(),
        crossings: Vec::new(),
        whole_plans: Vec::new(),
    };
    for tensor in &profile.tensors {
        let shares = [
            ("f16", 50),
            ("q8", 27),
            ("q4", 13),
            ("q4+zstd", 9),
            ("variant:a", 4),
        ];
        for (codec, percent) in shares.into_iter().chain([("f32+zstd", 80)]) {
            if dice.percent(40) {
                continue;
            }
            let mut drops = Vec::new();
            for task in &names {
                if dice.percent(85) {
                    drops.push(TaskDrop {
                        task: task.clone(),
                        mean: (dice.below(40) as f64 - 5.0) / 1e3,
                        std_error: dice.below(4) as f64 / 1e3,
                    });
                }
            }
            accuracy.crossings.push(CrossingRecord {
                tensor: tensor.name.clone(),
                codec: codec.parse().unwrap(),
                samples: 100,
                bytes_mean: (tensor.bytes * percent) as f64 / 100.0,
                bytes_std: 0.0,
                bytes_p95: None,
                drops,
            });
        }
    }
    accuracy
}
