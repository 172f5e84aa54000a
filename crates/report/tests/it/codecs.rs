//! The codec ladder.

use std::path::Path;

use cutpoint_core::codec_accuracy::{CodecAccuracy, Confidence};
use cutpoint_core::profile::Profile;
use cutpoint_report::figures::Figure;
use cutpoint_report::figures::codecs::{self, CodecsData};
use cutpoint_report::{ReportError, Style};
use cutpoint_testkit::networks::{SIZES, check, network, sized};

fn profile() -> Profile {
    network(10, |i| format!("layer{i}"))
}

/// Codecs of a tensor with their bytes and the drops of `size` and `angle`.
const LADDER: [(&str, f64, f64, f64); 5] = [
    ("f16", 8_000.0, 0.0, 0.0),
    ("q8", 4_000.0, 0.002, 0.01),
    ("q8+zstd", 2_900.0, 0.002, 0.01),
    ("q4", 2_000.0, 0.03, 0.2),
    ("q4+zstd", 1_100.0, 0.03, 0.2),
];

fn accuracy(tensor: &str, tasks: &[&str]) -> CodecAccuracy {
    let mut text = "format = 1\n[model]\nfile = \"m\"\nsha256 = \"0\"\n\
                    [data]\nsource = \"shapes\"\nsamples = 400\n"
        .to_owned();
    for task in tasks {
        let metric = if *task == "angle" { "mae" } else { "top1" };
        text += &format!("[[task]]\nname = '''{task}'''\nmetric = \"{metric}\"\nbaseline = 0.75\n");
    }
    for (codec, bytes, size, angle) in LADDER {
        text += &format!(
            "[[crossing]]\ntensor = \"{tensor}\"\ncodec = \"{codec}\"\nsamples = 400\n\
             bytes_mean = {bytes:?}\nbytes_std = 60.0\n"
        );
        for task in tasks {
            let mean = if *task == "angle" { angle } else { size };
            text += &format!(
                "[[crossing.drop]]\ntask = '''{task}'''\nmean = {mean:?}\nstd_error = 0.004\n"
            );
        }
    }
    CodecAccuracy::parse(&text, Path::new("m.accuracy.toml")).unwrap()
}

fn ladders(accuracy: &CodecAccuracy) -> Vec<CodecsData> {
    codecs::gather(&profile(), accuracy, Confidence::default(), None)
}

fn draw(data: &CodecsData) -> String {
    Figure::draw(data, &Style::default()).unwrap()
}

/// Centre and tooltip of each codec's dot, and both ends of each bar.
type Drawn = (Vec<([f64; 2], String)>, Vec<[f64; 4]>);

fn drawn(svg: &str) -> Drawn {
    let document = roxmltree::Document::parse(svg).unwrap();
    let circles = document
        .descendants()
        .filter(|node| node.has_tag_name("circle"));
    let number =
        |node: &roxmltree::Node<'_, '_>, name| node.attribute(name).unwrap().parse().unwrap();
    let dots = circles.filter(|node| node.has_children()).map(|node| {
        let tip = node.first_element_child().unwrap().text().unwrap();
        ([number(&node, "cx"), number(&node, "cy")], tip.to_owned())
    });
    let bars = document.descendants().filter(|node| {
        node.has_tag_name("polyline")
            && node.parent().and_then(|parent| parent.attribute("class")) == Some("edge-error")
    });
    let bars = bars.map(|node| {
        let points = node.attribute("points").unwrap().split([' ', ',']);
        let numbers: Vec<f64> = points.map(|number| number.parse().unwrap()).collect();
        numbers.try_into().unwrap()
    });
    (dots.collect(), bars.collect())
}

#[test]
fn each_task_has_its_panel_with_all_codecs_in_their_places() {
    let accuracy = accuracy("layer4", &["size", "angle"]);
    let data = ladders(&accuracy);
    assert_eq!(data.len(), 1);
    let svg = draw(&data[0]);
    check(&svg);
    let (dots, bars) = drawn(&svg);
    assert_eq!(dots.len(), 2 * LADDER.len());
    for task in ["size", "angle"] {
        let of = |codec: &str| {
            let start = format!("{codec} for {task}\n");
            dots.iter()
                .find(|(_, tip)| tip.starts_with(&start))
                .unwrap()
                .0
        };
        let places = LADDER.map(|(codec, ..)| of(codec));
        assert!(
            places.windows(2).all(|pair| pair[0][0] > pair[1][0]),
            "fewer bytes farther left"
        );
        assert_eq!(
            of("q8")[1],
            of("q8+zstd")[1],
            "a lossless stage loses nothing"
        );
        assert!(
            of("q4")[1] < of("q8")[1] && of("q8")[1] < of("f16")[1],
            "more drop farther up"
        );
        // drops are equally wide on either side, and 1.645 standard errors to each
        let [x, y] = of("f16");
        let bar = bars.iter().find(|bar| bar[0] == x && bar[2] == x).unwrap();
        assert!(
            (bar[1] + bar[3] - 2.0 * y).abs() < 0.2,
            "{bar:?} around {y}"
        );
        assert!(svg.contains(&format!("{task} · ")));
    }
    assert!(svg.contains("top1, points") && svg.contains("mae, share of the error"));
    assert!(svg.contains("drop 0.20 %, from −0.46 % to 0.86 %"), "{svg}");
    assert!(svg.contains("90 % confidence") && svg.contains("n = 400"));
    for (codec, ..) in LADDER {
        assert_eq!(
            svg.matches(&format!(">{codec}</text>")).count(),
            2,
            "{codec}"
        );
    }
}

#[test]
fn the_plan_decides_which_tensor_is_shown_and_its_codec_is_marked() {
    let mut accuracy = accuracy("layer4", &["size"]);
    let more = self::accuracy("layer2", &["size"]).crossings;
    accuracy.crossings.extend(more);
    let profile = profile();
    let server = cutpoint_planner::server::Server::faster(8.0);
    let problem = cutpoint_testkit::networks::problem(&profile, &server, "20 Mbit/s");
    let options = cutpoint_planner::solve::Options::default();
    let Ok(cutpoint_planner::planning::Outcome::Plan(mut plan)) =
        cutpoint_planner::planning::best_plan(&problem, &options)
    else {
        panic!("no plan");
    };
    plan.crossing = vec![cutpoint_core::plan::Crossing {
        tensor: "layer2".into(),
        codec: "q8+zstd".parse().unwrap(),
        bytes: 2_900,
        bytes_p95: None,
        mean: vec![],
        std: vec![],
        range: None,
    }];
    let data = codecs::gather(&profile, &accuracy, Confidence::default(), Some(&plan));
    assert_eq!(
        data.iter().map(|d| d.tensor.as_str()).collect::<Vec<_>>(),
        ["layer2"]
    );
    let svg = draw(&data[0]);
    check(&svg);
    assert!(svg.contains("class=\"strong\"") && svg.contains(">q8+zstd</text>"));
    assert!(
        svg.contains("the plan&#39;s") && !draw(&ladders(&accuracy)[0]).contains("the plan&#39;s")
    );
}

#[test]
fn many_tasks_and_hostile_names_fit() {
    let names = [
        "a",
        "<b & \"c\">",
        "angle",
        "d".repeat(300).leak(),
        "e",
        "f",
        "g",
        "h",
    ];
    for count in 1..=names.len() {
        let data = &ladders(&accuracy("layer4", &names[..count]))[0];
        let svg = draw(data);
        check(&svg);
        let shown = count.min(6);
        assert_eq!(drawn(&svg).0.len(), shown * LADDER.len());
        assert_eq!(svg.contains("are not."), count > 6);
        assert_eq!(svg, draw(data));
    }
}

#[test]
fn gains_and_huge_drops_keep_the_others_readable() {
    let mut data = ladders(&accuracy("layer4", &["size"])).remove(0);
    data.tasks[0].rungs[0].drop = -0.4;
    data.tasks[0].rungs[3].drop = 900.0;
    data.tasks[0].rungs[4].bytes = 1e15;
    let svg = draw(&data);
    check(&svg);
    let (dots, _) = drawn(&svg);
    assert_eq!(dots.len(), LADDER.len());
    data.tasks[0].rungs[1].drop = f64::NAN;
    assert_eq!(drawn(&draw(&data)).0.len(), LADDER.len() - 1);
}

#[test]
fn nothing_to_show_is_said_in_words() {
    let mut none = ladders(&accuracy("layer4", &["size"])).remove(0);
    none.tasks[0].rungs.clear();
    let error = Figure::draw(&none, &Style::default()).unwrap_err();
    assert!(matches!(
        error,
        ReportError::Nothing {
            figure: "codecs",
            ..
        }
    ));
    assert!(
        error
            .to_string()
            .contains("no codec of `layer4` was measured"),
        "{error}"
    );
    // tensors that the profile does not have
    assert!(ladders(&accuracy("elsewhere", &["size"])).is_empty());
}

#[test]
fn small_and_large_pages_are_filled() {
    for tasks in [&["angle"][..], &["a", "b", "c", "d", "e", "f"]] {
        let data = ladders(&accuracy("layer4", tasks)).remove(0);
        for size in SIZES {
            check(&Figure::draw(&data, &sized(size)).unwrap());
        }
    }
}
