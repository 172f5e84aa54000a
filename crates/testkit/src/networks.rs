//! Profiles of networks that do not exist, as large and as oddly named as a test wants them.

#![allow(dead_code, clippy::unwrap_used)] // each test uses its part

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use cutpoint_core::file_kind::FileKind;
use cutpoint_core::profile::{
    BoardInfo, CutRecord, FORMAT, LayerRecord, MemoryModel, Method, ModelInfo, PortRecord, Profile,
    TensorRecord, WeightRecord, Whole,
};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::ScenarioSpec;
use cutpoint_planner::server::Server;
use cutpoint_report::Style;

/// Numbers that look random and are the same everywhere.
struct Dice(u64);

impl Dice {
    /// From 0 to 1.
    fn roll(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Around zero, heavy in the middle.
    fn error(&mut self) -> f64 {
        (self.roll() + self.roll() + self.roll() - 1.5) * 0.8
    }
}

/// A chain with a skip connection in every fourth layer and two heads at the end, of `layers`
/// layers in all; `name` makes the name of each layer's output.
pub fn network(layers: usize, name: impl Fn(usize) -> String) -> Profile {
    let mut dice = Dice(7);
    let mut tensors = vec![tensor("image", &[1, 3, 64, 64])];
    let mut records: Vec<LayerRecord> = Vec::new();
    let body = if layers > 6 { layers - 4 } else { layers };
    let side = |i: usize| (64 >> (1 + 5 * i / layers.max(1)).min(5)) as u64;
    for i in 0..layers {
        let output = name(i);
        let previous = if i == 0 {
            "image".to_owned()
        } else {
            records[i - 1].outputs[0].clone()
        };
        let mut inputs = vec![previous];
        if i >= body {
            // two heads of two layers
            let from = if (i - body) % 2 == 0 { body - 1 } else { i - 1 };
            inputs = vec![records[from].outputs[0].clone()];
        } else if i % 4 == 3 {
            inputs.push(records[i - 3].outputs[0].clone());
        }
        let head = i >= body;
        let channels = 16u64 << (5 * i / layers.max(1)).min(4);
        let shape = if head {
            vec![1, 1 + i as u64 % 7 * 40]
        } else {
            vec![1, channels, side(i), side(i)]
        };
        tensors.push(tensor(&output, &shape));
        let heavy = if i % 4 == 1 { 8.0 } else { 1.0 };
        let time = (4.0 + 120.0 * dice.roll().powi(4) * heavy * 20.0 / layers as f64).max(0.4);
        records.push(LayerRecord {
            id: output.clone(),
            name: output.replace("_output_0", ""),
            op: ["Conv", "Relu", "Conv", "Add"][i % 4].to_owned(),
            members: vec![output.clone()],
            inputs,
            outputs: vec![output.clone()],
            weights: vec![format!("weight {i}")],
            flops: 1_000_000,
            uses: Default::default(),
            edge_us: time,
            server_us: time * (0.9 + 0.2 * dice.roll()),
            trace_us: time,
            mad_us: time * 0.02,
            runs: 30,
        });
    }
    let outputs: Vec<TensorRecord> = records
        .iter()
        .map(|l| l.outputs[0].clone())
        .filter(|t| !records.iter().any(|l| l.inputs.contains(t)))
        .filter_map(|t| tensors.iter().find(|x| x.name == t).cloned())
        .collect();
    let whole_us: f64 = records.iter().map(|l| l.edge_us).sum();
    let cuts = measured_cuts(&records[..body.min(layers)], whole_us, &mut dice);
    Profile {
        format: FORMAT,
        kind: FileKind::Profile,
        source: None,
        imported: false,
        model: ModelInfo {
            file: "synthetic.onnx".into(),
            sha256: "0".repeat(64),
            opset: 17,
            shapes: vec![],
        },
        board: board(),
        method: method(),
        whole: Whole {
            median_us: whole_us,
            mad_us: whole_us * 0.003,
            p90_us: whole_us * 1.02,
            p99_us: whole_us * 1.1,
            runs: 30,
        },
        memory: MemoryModel {
            base_bytes: 30_000_000,
            weight_factor: 2.5,
            activation_factor: 1.5,
        },
        power: None,
        serving: None,
        inputs: vec![port(&tensors[0])],
        outputs: outputs.iter().map(port).collect(),
        tasks: vec![],
        weights: (0..layers)
            .map(|i| WeightRecord {
                name: format!("weight {i}"),
                bytes: 10_000,
            })
            .collect(),
        tensors,
        layers: records,
        cuts,
        codecs: vec![],
    }
}

/// Halves that were measured behind every third layer.
fn measured_cuts(layers: &[LayerRecord], whole_us: f64, dice: &mut Dice) -> Vec<CutRecord> {
    let behind = |i: usize, dice: &mut Dice| {
        let edge: f64 = layers[..=i].iter().map(|l| l.edge_us).sum();
        let server = whole_us - edge;
        let worst = if i % 15 == 6 { 9.0 } else { 1.0 };
        CutRecord {
            tensors: vec![layers[i].outputs[0].clone()],
            kept: vec![],
            edge_us: edge,
            server_us: server,
            edge_mad_us: whole_us * 0.002 * dice.roll(),
            server_mad_us: whole_us * 0.003 * dice.roll(),
            rounds: 20,
            edge_repeat_us: 0.0,
            server_repeat_us: 0.0,
            edge_residual_us: whole_us * 0.004 * dice.error(),
            server_residual_us: whole_us * 0.004 * dice.error(),
            edge_loo_us: whole_us * 0.012 * worst * dice.error(),
            server_loo_us: whole_us * 0.012 * dice.error(),
        }
    };
    (0..layers.len().saturating_sub(1))
        .filter(|i| i % 3 == 0)
        .map(|i| behind(i, dice))
        .collect()
}

fn tensor(name: &str, shape: &[u64]) -> TensorRecord {
    TensorRecord {
        name: name.to_owned(),
        dtype: "float32".into(),
        shape: shape.to_vec(),
        bytes: 4 * shape.iter().product::<u64>(),
        cuttable: true,
        reason: String::new(),
        send_us: 1.0,
        recv_us: 1.0,
    }
}

fn port(tensor: &TensorRecord) -> PortRecord {
    PortRecord {
        name: tensor.name.clone(),
        dtype: tensor.dtype.clone(),
        shape: tensor.shape.clone(),
        bytes: tensor.bytes,
    }
}

fn board() -> BoardInfo {
    BoardInfo {
        name: "pi5".into(),
        server: None,
        cpu: "Cortex-A76".into(),
        cores: "4".into(),
        memory_bytes: 8_000_000_000,
        os: "Linux 6.6".into(),
        runtime: "onnxruntime 1.31.1".into(),
        provider: "cpu".into(),
        threads: 1,
        governor: "performance".into(),
        temperature_start_c: None,
        temperature_end_c: None,
        frequency_start_mhz: None,
        frequency_end_mhz: None,
        peak_gflop_s: 30.0,
        mem_gb_s: 8.0,
    }
}

fn method() -> Method {
    Method {
        warmup: 3,
        runs: 15,
        optimization: "all".into(),
        cache: "interleaved".into(),
        paced_fps: None,
        noise: 0.004,
        loo_error_median: 0.006,
        loo_error_max: 0.05,
        repeatability: 0.002,
        drift: 0.001,
        disturbed: 0.0,
        duration_s: 20.0,
        split_edge_us: 5.0,
        split_server_us: 5.0,
    }
}

/// The network between its board and `server`, at a link of `rate` and 20 ms.
pub fn problem(profile: &Profile, server: &Server, rate: &str) -> Problem {
    let spec = ScenarioSpec {
        rate: Some(rate.parse().unwrap()),
        delay: Some("20 ms".parse().unwrap()),
        ..ScenarioSpec::default()
    };
    let (scenario, _) = spec.complete().unwrap();
    Problem::new(profile, server, &scenario).unwrap()
}

/// Names as exporters and attackers write them.
pub fn ugly(i: usize) -> String {
    if i % 7 == 2 {
        format!("<script>alert({i})</script>&\"'\u{1b}[31m")
    } else {
        format!("/features/features.{i}/features.{i}.0/Conv_output_0")
    }
}

/// What must hold of every figure: valid XML, described, light and dark, small, nothing outside
/// the page, no text over other text. With `CUTPOINT_LOOK=FOLDER` the figures are kept for the eye.
pub fn check(svg: &str) {
    keep(svg);
    let document = roxmltree::Document::parse(svg).unwrap();
    let root = document.root_element();
    assert_eq!(root.attribute("role"), Some("img"));
    for tag in ["title", "desc", "style"] {
        let element = root.children().find(|node| node.has_tag_name(tag)).unwrap();
        assert!(!element.text().unwrap().is_empty(), "{tag}");
    }
    assert!(svg.contains("prefers-color-scheme:dark") && svg.contains("sans-serif"));
    assert!(svg.len() < 300_000, "{} bytes", svg.len());
    assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{svg}");
    let texts = texts(&document);
    let sides = root.attribute("viewBox").unwrap().split(' ');
    let page: Vec<f64> = sides.map(|side| side.parse().unwrap()).collect();
    for text in &texts {
        let inside = text.0[0] >= page[0]
            && text.0[1] >= page[1]
            && text.0[2] <= page[2]
            && text.0[3] <= page[3];
        assert!(inside, "outside the page: {text:?}");
    }
    for (i, a) in texts.iter().enumerate() {
        for b in &texts[..i] {
            let apart =
                a.0[0] >= b.0[2] || b.0[0] >= a.0[2] || a.0[1] >= b.0[3] || b.0[1] >= a.0[3];
            assert!(apart, "{a:?} lies over {b:?}");
        }
    }
}

fn keep(svg: &str) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    if let Some(folder) = std::env::var_os("CUTPOINT_LOOK") {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let test = std::thread::current().name().unwrap_or("figure").to_owned();
        std::fs::write(Path::new(&folder).join(format!("{test}-{number}.svg")), svg).unwrap();
    }
}

/// Elements with this tag among those of a class and their descendants.
pub fn count(svg: &str, class: &str, tag: &str) -> usize {
    let document = roxmltree::Document::parse(svg).unwrap();
    let of_class = document
        .descendants()
        .filter(|node| node.attribute("class") == Some(class));
    of_class
        .map(|node| {
            node.descendants()
                .filter(|inner| inner.has_tag_name(tag))
                .count()
        })
        .sum()
}

/// A rectangle or circle of the panel: `[left, top, right, bottom]` and its tooltip.
pub fn shapes(svg: &str, class: &str) -> Vec<([f64; 4], String)> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let groups = document
        .descendants()
        .filter(|node| node.has_tag_name("g") && node.attribute("class") == Some(class));
    let shape = |node: roxmltree::Node<'_, '_>| {
        let at = |name| number(node, name);
        let frame = match node.tag_name().name() {
            "rect" => {
                let (x, y) = (at("x"), at("y"));
                [x, y, x + at("width"), y + at("height")]
            }
            "circle" => {
                let (x, y, r) = (at("cx"), at("cy"), at("r"));
                [x - r, y - r, x + r, y + r]
            }
            _ => return None,
        };
        let tip = node.first_element_child().and_then(|title| title.text());
        Some((frame, tip.unwrap_or_default().to_owned()))
    };
    groups
        .flat_map(|group| group.children().filter_map(shape).collect::<Vec<_>>())
        .collect()
}

/// Outlines of a class, with their tooltips.
pub fn outlines(svg: &str, class: &str) -> Vec<(Vec<[f64; 2]>, String)> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let groups = document
        .descendants()
        .filter(|node| node.has_tag_name("g") && node.attribute("class") == Some(class));
    let outline = |node: roxmltree::Node<'_, '_>| {
        let pairs = node.attribute("points")?.split_whitespace();
        let point = |pair: &str| {
            let (x, y) = pair.split_once(',').unwrap();
            [x.parse().unwrap(), y.parse().unwrap()]
        };
        let tip = node.first_element_child().and_then(|title| title.text());
        Some((
            pairs.map(point).collect(),
            tip.unwrap_or_default().to_owned(),
        ))
    };
    groups
        .flat_map(|group| group.children().filter_map(outline).collect::<Vec<_>>())
        .collect()
}

/// Lines of a class that stand alone: `[x1, y1, x2, y2]`.
pub fn lines(svg: &str, class: &str) -> Vec<[f64; 4]> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let lines = document
        .descendants()
        .filter(|node| node.has_tag_name("line") && node.attribute("class") == Some(class));
    lines
        .map(|node| ["x1", "y1", "x2", "y2"].map(|name| number(node, name)))
        .collect()
}

/// The texts of a class with the point they stand at.
pub fn words(svg: &str, class: &str) -> Vec<([f64; 2], String)> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let texts = document
        .descendants()
        .filter(|node| node.has_tag_name("text") && node.attribute("class") == Some(class));
    texts
        .map(|node| {
            let at = [number(node, "x"), number(node, "y")];
            (at, node.text().unwrap().to_owned())
        })
        .collect()
}

/// Sizes that a figure must look well in: a paper's column, the usual one, a slide, the least.
pub const SIZES: [(u32, u32); 4] = [(480, 320), (880, 560), (1600, 900), (400, 300)];

/// A figure of this size.
pub fn sized((width, height): (u32, u32)) -> Style {
    Style {
        width,
        height,
        ..Style::default()
    }
}

fn number(node: roxmltree::Node<'_, '_>, attribute: &str) -> f64 {
    node.attribute(attribute).unwrap().parse().unwrap()
}

/// Boxes `[left, top, right, bottom]` of all texts, as narrow as a common face draws them.
fn texts<'a>(document: &'a roxmltree::Document<'_>) -> Vec<([f64; 4], &'a str)> {
    let texts = document
        .descendants()
        .filter(|node| node.has_tag_name("text"));
    texts
        .map(|node| {
            let size = match node.attribute("class").unwrap() {
                "heading" => 16.0,
                "text" => 12.0,
                "tiny" => 9.5,
                _ => 11.0,
            };
            let text = node.text().unwrap();
            let width = text.chars().count() as f64 * size * 0.5;
            let (x, y) = (number(node, "x"), number(node, "y"));
            let start = match node.attribute("text-anchor") {
                None => 0.0,
                Some("middle") => -width / 2.0,
                Some(_) => -width,
            };
            let (above, below) = (0.7 * size, 0.1 * size);
            let frame = if node.attribute("transform").is_some() {
                [x - above, y - start - width, x + below, y - start]
            } else {
                [x + start, y - above, x + start + width, y + below]
            };
            (frame, text)
        })
        .collect()
}
