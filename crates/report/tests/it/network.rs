//! The drawing of the network.

use std::collections::BTreeSet;

use cutpoint_core::graph::{Graph, LayerId, LayerSet, TensorId};
use cutpoint_core::plan::{Crossing, Plan};
use cutpoint_core::profile::{LayerRecord, Profile};
use cutpoint_core::task::Task;
use cutpoint_core::units::{Bytes, format_us};
use cutpoint_planner::planning::Outcome;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::ScenarioSpec;
use cutpoint_planner::server::Server;
use cutpoint_planner::{parametric, planning, solve};
use cutpoint_report::figures::Figure;
use cutpoint_report::figures::network::{
    self, Block, Flow, MOST_BLOCKS, Network, NetworkData, Side, fold,
};
use cutpoint_report::{ReportError, Style, Theme};
use cutpoint_testkit::networks::{SIZES, check, network, sized, ugly};
use proptest::prelude::*;

fn problem(profile: &Profile) -> Problem {
    let spec = ScenarioSpec {
        rate: Some("1 Gbit/s".parse().unwrap()),
        delay: Some("1 us".parse().unwrap()),
        ..ScenarioSpec::default()
    };
    let (scenario, _) = spec.complete().unwrap();
    Problem::new(profile, &Server::faster(8.0), &scenario).unwrap()
}

/// All best plans from slow to fast links.
fn plans(profile: &Profile) -> Vec<Plan> {
    let rates = "1 Mbit/s..100 Gbit/s".parse().unwrap();
    let sweep = parametric::sweep(&problem(profile), rates, &solve::Options::default()).unwrap();
    sweep
        .segments
        .into_iter()
        .map(|segment| segment.plan)
        .collect()
}

/// The plan that keeps the first half of the layers on the edge; nobody needs to like it.
fn split(profile: &Profile) -> Plan {
    let problem = problem(profile);
    let graph = problem.graph();
    let mut edge = LayerSet::empty(graph.layers().len());
    graph
        .layer_ids()
        .take(graph.layers().len().div_ceil(2))
        .for_each(|layer| edge.insert(layer));
    let Ok(Outcome::Plan(plan)) = planning::best_plan(&problem, &solve::Options::default()) else {
        panic!("no plan");
    };
    let sample = |tensor| Crossing {
        tensor,
        codec: "q8+zstd".parse().unwrap(),
        bytes: 1234,
        bytes_p95: None,
        mean: vec![],
        std: vec![],
        range: None,
    };
    let ids = |on_edge: bool| {
        let layers = graph
            .layer_ids()
            .filter(|layer| edge.contains(*layer) == on_edge);
        layers.map(|layer| graph.layer(layer).id.clone()).collect()
    };
    let crossing = graph.crossing(&edge).into_iter();
    Plan {
        edge: ids(true),
        server: ids(false),
        crossing: crossing
            .map(|tensor| sample(graph.tensor(tensor).name.clone()))
            .collect(),
        ..plan
    }
}

fn data(profile: &Profile, plans: &[&Plan], shown: Option<&Plan>) -> NetworkData {
    let server = Server::faster(8.0);
    network::gather(&problem(profile), profile, &server, plans, shown).unwrap()
}

fn draw(data: &NetworkData) -> String {
    Figure::draw(data, &Style::default()).unwrap()
}

/// Left, top, right and bottom of each block, and its texts.
fn boxes(svg: &str) -> Vec<([f64; 4], String, Vec<String>)> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let group = |id: String| {
        document
            .descendants()
            .find(|node| node.attribute("id") == Some(&id))
    };
    (0..)
        .map_while(|number| group(format!("block-{number}")))
        .map(|group| {
            let rect = group
                .children()
                .find(|node| node.has_tag_name("rect"))
                .unwrap();
            let number = |name| rect.attribute(name).unwrap().parse::<f64>().unwrap();
            let (x, y) = (number("x"), number("y"));
            let texts = group.children().filter(|node| node.has_tag_name("text"));
            let texts = texts.map(|node| node.text().unwrap().to_owned()).collect();
            let class = group.attribute("class").unwrap().to_owned();
            (
                [x, y, x + number("width"), y + number("height")],
                class,
                texts,
            )
        })
        .collect()
}

/// Corners of each link's path, without its arrow, and its class.
fn paths(svg: &str) -> Vec<(Vec<[f64; 2]>, String)> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let path = |id: String| {
        document
            .descendants()
            .find(|node| node.attribute("id") == Some(&id))
    };
    (0..)
        .map_while(|number| path(format!("link-{number}")))
        .map(|path| {
            let line = path.attribute("d").unwrap().split('M').nth(1).unwrap();
            let mut points: Vec<[f64; 2]> = Vec::new();
            for step in line.split(['H', 'L', 'C', 'Q']) {
                let numbers = step
                    .split_whitespace()
                    .map(|number| number.parse().unwrap());
                match numbers.collect::<Vec<f64>>().as_slice() {
                    [x] => points.push([*x, points.last().unwrap()[1]]),
                    [.., x, y] => points.push([*x, *y]),
                    [] => {}
                }
            }
            (points, path.attribute("class").unwrap().to_owned())
        })
        .collect()
}

/// Everything is where the data says: sides, names, times, what crosses.
fn assert_shows(svg: &str, data: &NetworkData, profile: &Profile, plan: Option<&Plan>) {
    check(svg);
    let problem = problem(profile);
    let graph = problem.graph();
    let (boxes, paths) = (boxes(svg), paths(svg));
    assert_eq!(boxes.len(), data.network.blocks.len());
    assert_eq!(paths.len(), data.network.links.len());
    for (block, (_, class, texts)) in data.network.blocks.iter().zip(&boxes) {
        let here = |id: &LayerId| plan.is_none_or(|plan| plan.edge.contains(&graph.layer(*id).id));
        let Block::Layers(layers) = block else {
            assert!(!texts[0].is_empty());
            continue;
        };
        let on_edge = here(&layers[0]);
        assert!(
            layers.iter().all(|layer| here(layer) == on_edge),
            "a cut goes through {layers:?}"
        );
        let side = match (plan, on_edge) {
            (None, _) => Side::Either,
            (_, true) => Side::Edge,
            (_, false) => Side::Server,
        };
        assert_eq!(class, side.class());
        let times = layers.iter().map(|layer| problem.model().layer(*layer));
        let ns: u64 = times
            .map(|time| {
                if on_edge {
                    time.edge_ns
                } else {
                    time.server_ns
                }
            })
            .sum();
        assert!(texts[1].ends_with(&format_us(ns as f64 / 1e3)), "{texts:?}");
    }
    for (i, (a, ..)) in boxes.iter().enumerate() {
        for (b, ..) in &boxes[..i] {
            let apart = a[0] >= b[2] || b[0] >= a[2] || a[1] >= b[3] || b[1] >= a[3];
            assert!(apart, "{a:?} lies over {b:?}");
        }
    }
    let near = |a: f64, b: f64| (a - b).abs() < 0.05;
    for (link, (path, class)) in data.network.links.iter().zip(&paths) {
        let (from, to) = (boxes[link.from].0, boxes[link.to].0);
        let (first, last) = (path[0], path[path.len() - 1]);
        assert!(near(first[0], from[2]) && near(first[1], (from[1] + from[3]) / 2.0));
        assert!(near(last[0], to[0]) && near(last[1], (to[1] + to[3]) / 2.0));
        for pair in path.windows(2) {
            let through = |frame: &[f64; 4]| {
                pair[0][0].min(pair[1][0]) < frame[2] - 0.1
                    && pair[0][0].max(pair[1][0]) > frame[0] + 0.1
                    && pair[0][1].min(pair[1][1]) < frame[3] - 0.1
                    && pair[0][1].max(pair[1][1]) > frame[1] + 0.1
            };
            assert!(
                !boxes.iter().any(|(frame, ..)| through(frame)),
                "{path:?} goes through a block"
            );
        }
        let Some(plan) = plan else { continue };
        let name = &graph.tensor(link.tensor).name;
        let to_server = data.network.blocks[link.to]
            .layers()
            .first()
            .is_some_and(|layer| plan.server.contains(&graph.layer(*layer).id));
        let sent = plan
            .crossing
            .iter()
            .any(|crossing| crossing.tensor == *name)
            && to_server;
        assert_eq!(class == Flow::Crosses.class(), sent, "{name}");
    }
    for crossing in plan.iter().flat_map(|plan| &plan.crossing) {
        let label = format!(">{} · {}</text>", Bytes(crossing.bytes), crossing.codec);
        assert!(svg.contains(&label), "{label}");
    }
}

#[test]
fn networks_of_any_size_are_drawn_with_and_without_a_plan() {
    for layers in [1, 2, 10, 60, 120, 500] {
        let profile = network(layers, ugly);
        let plan = split(&profile);
        for plan in [None, Some(&plan)] {
            let data = data(&profile, &[], plan);
            assert_shows(&draw(&data), &data, &profile, plan);
            let blocks = data
                .network
                .blocks
                .iter()
                .filter(|block| !block.layers().is_empty());
            assert!(blocks.count() <= MOST_BLOCKS.min(layers));
        }
    }
}

#[test]
fn one_drawing_serves_all_plans_of_a_sweep() {
    for layers in [20, 120, 500] {
        let profile = network(layers, |i| format!("/layer.{i}/Conv_output_0"));
        let plans = plans(&profile);
        let all: Vec<&Plan> = plans.iter().collect();
        assert!(all.len() > 2);
        let one = data(&profile, &all, Some(all[0]));
        for plan in &all {
            let other = data(&profile, &all, Some(plan));
            assert_eq!(other.network, one.network);
            let view = network::view(&problem(&profile), &one.network, plan).unwrap();
            assert_eq!(Some(&view), other.view.as_ref());
            assert_shows(&draw(&other), &other, &profile, Some(plan));
        }
    }
}

/// A layer that reads `inputs` and makes a tensor of its own name.
fn layer(name: &str, inputs: &[&str]) -> LayerRecord {
    let sample = network(2, |i| format!("sample{i}")).layers.remove(0);
    LayerRecord {
        id: name.to_owned(),
        name: name.to_owned(),
        members: vec![name.to_owned()],
        inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
        outputs: vec![name.to_owned()],
        ..sample
    }
}

/// A network of these layers over the input `image`; what nobody reads is an output.
fn profile_of(layers: Vec<LayerRecord>) -> Profile {
    let mut profile = network(1, |i| format!("sample{i}"));
    let sample = profile.tensors[0].clone();
    profile.tensors.truncate(1);
    profile.outputs.clear();
    for record in &layers {
        let name = record.id.clone();
        let tensor = cutpoint_core::profile::TensorRecord {
            name: name.clone(),
            ..sample.clone()
        };
        if !layers.iter().any(|other| other.inputs.contains(&name)) {
            let port = cutpoint_core::profile::PortRecord {
                name,
                ..profile.inputs[0].clone()
            };
            profile.outputs.push(port);
        }
        profile.tensors.push(tensor);
    }
    profile.layers = layers;
    profile
}

#[test]
fn many_heads_and_nested_skips_have_room() {
    let heads = (0..60).flat_map(|i| {
        let (first, last) = (format!("head{i}/a"), format!("head{i}/b"));
        [layer(&first, &["stem"]), layer(&last, &[&first])]
    });
    let star = profile_of(
        std::iter::once(layer("stem", &["image"]))
            .chain(heads)
            .collect(),
    );

    let down = (0..12).map(|i| {
        let before = if i == 0 {
            "image".to_owned()
        } else {
            format!("down{}", i - 1)
        };
        layer(&format!("down{i}"), &[&before])
    });
    let up = (0..12).rev().map(|i| {
        let before = if i == 11 {
            "down11".to_owned()
        } else {
            format!("up{}", i + 1)
        };
        layer(&format!("up{i}"), &[&before, &format!("down{i}")])
    });
    let hourglass = profile_of(down.chain(up).collect());
    for profile in [&star, &hourglass] {
        let data = data(profile, &[], None);
        assert_shows(&draw(&data), &data, profile, None);
    }
    // the heads share blocks with one another, none with the stem
    let data = data(&star, &[], None);
    assert!(
        data.network
            .blocks
            .contains(&Block::Layers(vec![LayerId::new(0)]))
    );
}

#[test]
fn results_come_back_to_where_they_are_wanted() {
    let profile = network(30, |i| format!("layer{i}"));
    let mut plan = split(&profile);
    let data = data(&profile, &[], Some(&plan));
    let view = data.view.clone().unwrap();
    let returns = view
        .flows
        .iter()
        .filter(|flow| **flow == Flow::Returns)
        .count();
    let there = plan
        .tasks
        .iter()
        .filter(|task| task.side != cutpoint_core::plan::Side::Edge)
        .count();
    assert_eq!(returns, there);
    for (block, ready) in data.network.blocks.iter().zip(&view.ready_us) {
        let Block::Tasks(tasks) = block else { continue };
        let planned = tasks.iter().map(|task| plan.tasks[*task].latency_ms * 1e3);
        assert_eq!(*ready, planned.reduce(f64::max));
    }
    // the same plan with one result wanted on the server
    let task = plan.tasks[0].name.clone();
    plan.setting.task_results = vec![format!("{task}=server")];
    let view = network::view(&problem(&profile), &data.network, &plan).unwrap();
    let sides = data.network.blocks.iter().zip(&view.sides);
    let wanted: Vec<(Vec<usize>, Side)> = sides
        .filter_map(|(block, side)| match block {
            Block::Tasks(tasks) => Some((tasks.clone(), *side)),
            _ => None,
        })
        .collect();
    assert_eq!(wanted, [(vec![0], Side::Server), (vec![1], Side::Edge)]);
}

#[test]
fn the_same_data_gives_the_same_bytes_and_dark_has_its_own_colours() {
    let profile = network(120, ugly);
    let plan = split(&profile);
    let data = data(&profile, &[], Some(&plan));
    assert_eq!(draw(&data), draw(&data.clone()));
    let theme = |theme| {
        let style = Style {
            theme,
            ..Style::default()
        };
        Figure::draw(&data, &style).unwrap()
    };
    let (light, dark) = (theme(Theme::Light), theme(Theme::Dark));
    assert!(light.contains("#ffffff") && !dark.contains("#ffffff"));
    assert_eq!(boxes(&light), boxes(&dark));
}

#[test]
fn nothing_to_show_is_said_in_words() {
    let profile = network(10, ugly);
    let empty = NetworkData {
        network: Network {
            blocks: Vec::new(),
            links: Vec::new(),
        },
        ..data(&profile, &[], None)
    };
    let mut broken = data(&profile, &[], None);
    broken.nodes[3].edge_us = f64::NAN;
    for (data, word) in [(empty, "no layers"), (broken, "no numbers")] {
        let error = Figure::draw(&data, &Style::default()).unwrap_err();
        assert!(matches!(
            error,
            ReportError::Nothing {
                figure: "network",
                ..
            }
        ));
        assert!(error.to_string().contains(word), "{error}");
    }
    let mut plan = split(&profile);
    plan.edge = vec!["elsewhere".to_owned()];
    let server = Server::faster(8.0);
    let error =
        network::gather(&problem(&profile), &profile, &server, &[], Some(&plan)).unwrap_err();
    assert!(error.to_string().contains("another model") && error.to_string().contains("elsewhere"));
}

#[test]
fn huge_and_zero_times_leave_a_whole_picture() {
    for us in [0.0, 1e-9, 1e9] {
        let name = |i: usize| {
            char::from_u32(0x4e00 + i as u32)
                .unwrap()
                .to_string()
                .repeat(40)
        };
        let mut profile = network(30, name);
        for (i, layer) in profile.layers.iter_mut().enumerate() {
            (layer.edge_us, layer.server_us) = (us * i as f64, us);
        }
        check(&draw(&data(&profile, &[], None)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn folding_keeps_layers_order_and_cuts(
        reads in proptest::collection::vec(proptest::collection::vec(0..1000usize, 1..4), 1..120),
        cuts in proptest::collection::vec(0..1000usize, 0..4),
    ) {
        let names: Vec<String> = (0..reads.len()).map(|i| format!("m/b{}/l{i}", i / 5)).collect();
        let layers = reads.iter().enumerate().map(|(i, reads)| {
            // mostly what was made just before
            let tensor = |r: &usize| match (r % (i + 2)).min(r % 4) {
                _ if i == 0 => "image",
                back => names.get(i.wrapping_sub(1 + back)).map_or("image", String::as_str),
            };
            let inputs: BTreeSet<&str> = reads.iter().map(tensor).collect();
            layer(&names[i], &inputs.into_iter().collect::<Vec<_>>())
        });
        let graph = profile_of(layers.collect()).graph().unwrap();
        let placements: Vec<LayerSet> = cuts
            .iter()
            .map(|cut| graph.ancestors(&[TensorId::new(cut % graph.tensors().len())]))
            .collect();
        let network = fold(&graph, &Task::per_output(&graph), &placements).unwrap();
        assert_folded(&graph, &network, &placements)?;
    }
}

fn assert_folded(
    graph: &Graph,
    network: &Network,
    placements: &[LayerSet],
) -> Result<(), TestCaseError> {
    let blocks: Vec<&[LayerId]> = network.blocks.iter().map(Block::layers).collect();
    let mut layers: Vec<LayerId> = blocks.concat();
    layers.sort_unstable();
    prop_assert!(layers.into_iter().eq(graph.layer_ids()), "each layer once");
    for (block, placement) in blocks
        .iter()
        .flat_map(|b| placements.iter().map(move |p| (b, p)))
    {
        let here = block
            .iter()
            .filter(|layer| placement.contains(**layer))
            .count();
        prop_assert!(
            here == 0 || here == block.len(),
            "a cut goes through a block"
        );
    }
    if placements.is_empty() {
        let full = blocks.iter().filter(|block| !block.is_empty()).count();
        prop_assert!(full <= MOST_BLOCKS);
    }
    // the links are exactly what flows between blocks, and never backwards
    let block_of = |layer: LayerId| {
        blocks
            .iter()
            .position(|block| block.contains(&layer))
            .unwrap()
    };
    let mut flows = BTreeSet::new();
    for tensor in graph.tensor_ids() {
        let maker = graph.producer(tensor).map(block_of);
        for reader in graph.consumers(tensor).iter().map(|layer| block_of(*layer)) {
            if maker != Some(reader) {
                flows.insert((tensor, maker, reader));
            }
        }
    }
    let links = network
        .links
        .iter()
        .filter(|link| !blocks[link.to].is_empty());
    let links = links.map(|link| {
        let from = (!blocks[link.from].is_empty()).then_some(link.from);
        (link.tensor, from, link.to)
    });
    prop_assert_eq!(links.collect::<BTreeSet<_>>(), flows);
    prop_assert!(network.links.iter().all(|link| link.from < link.to));
    Ok(())
}

#[test]
fn small_and_large_pages_are_filled() {
    for layers in [1, 20, 500] {
        let profile = network(layers, ugly);
        let data = data(&profile, &[], Some(&split(&profile)));
        for size in SIZES {
            check(&Figure::draw(&data, &sized(size)).unwrap());
        }
    }
}
