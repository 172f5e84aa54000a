//! The halves of every natural cut, and heads overlapped with the transfer, give what the whole
//! model gives, in ONNX Runtime.

use std::time::Duration;

use cutpoint_core::codec::Codec;
use cutpoint_core::cuts::{self, Cut};
use cutpoint_core::graph::{Graph, LayerSet, TensorId};
use cutpoint_onnx::{CutRequest, Halves, Model, Reading, Scale};
use cutpoint_runtime::Environment;
use cutpoint_runtime::RunError;
use cutpoint_runtime::compare_plans::PASSES;
use cutpoint_runtime::environment;
use cutpoint_runtime::halves::Bench;
use cutpoint_runtime::library::find_or_fetch;
use cutpoint_runtime::measure::{Control, Protocol};
use cutpoint_runtime::probe::{probe, random_inputs};
use cutpoint_runtime::session::{Difference, Provider, Values};
use cutpoint_runtime::verify::{run_whole, verify};

/// Fusion reorders sums: differences up to this share of the largest value are rounding.
const ROUNDING: f64 = 1e-5;

const MODELS: [&str; 2] = [
    "models/mtlsplit_mobilenet_v3_small_64.onnx",
    "models/skipnet_3dec_64.onnx",
];

/// The bundled models, and those named in `CUTPOINT_MODELS` (separated by colons).
fn models() -> Vec<String> {
    let more = std::env::var("CUTPOINT_MODELS").unwrap_or_default();
    let more = more.split(':').filter(|path| !path.is_empty());
    MODELS.into_iter().chain(more).map(str::to_owned).collect()
}

fn runtime() -> &'static Environment {
    // fetched once into the user's cache; without a network the message says what to do
    let library = find_or_fetch(&mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
    environment(&library, 1).unwrap()
}

struct Loaded {
    model: Model,
    reading: Reading,
    feed: Values,
    expected: Values,
}

fn load(path: &str) -> Loaded {
    let model = Model::load(&cutpoint_testkit::repository().join(path)).unwrap();
    let feed = random_inputs(runtime(), &model, &[]).unwrap();
    let facts = probe(runtime(), &model, &feed).unwrap();
    let reading = model.graph(&facts).unwrap();
    let expected = run_whole(runtime(), &model, &feed).unwrap();
    Loaded {
        model,
        reading,
        feed,
        expected,
    }
}

impl Loaded {
    fn graph(&self) -> &Graph {
        &self.reading.graph
    }

    fn halves(&self, cut: &Cut, codec: Codec) -> Halves {
        let crossing: Vec<(TensorId, Codec)> = cut.crossing.iter().map(|t| (*t, codec)).collect();
        let mut request = CutRequest {
            edge: cut.edge.clone(),
            crossing,
            ..CutRequest::default()
        };
        if codec == Codec::U8 {
            for tensor in &cut.crossing {
                let scale = Scale {
                    mean: vec![0.0],
                    std: vec![1.0 / 64.0],
                };
                request.u8_scales.insert(*tensor, scale);
            }
        }
        cutpoint_onnx::cut(&self.model, &self.reading, &request).unwrap()
    }

    /// Largest difference of any output, as a share of that output's largest value.
    fn worst(&self, halves: &Halves) -> f64 {
        let checks = verify(runtime(), halves, &self.feed, &self.expected).unwrap();
        assert_eq!(checks.len(), self.expected.len());
        let share = |difference| match difference {
            Difference::None => 0.0,
            Difference::Rounding { max_abs, scale } => max_abs / scale.max(f64::MIN_POSITIVE),
            Difference::Different => f64::INFINITY,
        };
        checks
            .into_iter()
            .map(|c| share(c.difference))
            .fold(0.0, f64::max)
    }
}

#[test]
fn every_natural_cut_reproduces_the_whole() {
    for path in &models() {
        let loaded = load(path);
        let cuts = cuts::natural(loaded.graph(), &[]);
        assert!(cuts.len() > 10, "{path}: {} natural cuts", cuts.len());
        for cut in &cuts {
            let worst = loaded.worst(&loaded.halves(cut, Codec::F32));
            assert!(worst <= ROUNDING, "{path}: {:?}: {worst}", cut.crossing);
        }
    }
}

#[test]
fn cuts_of_several_tensors_and_kept_heads_reproduce_the_whole() {
    for path in &models() {
        let loaded = load(path);
        let tasks = cutpoint_core::task::Task::per_output(loaded.graph());
        let heads = cuts::private_heads(loaded.graph(), &tasks, &[]).unwrap();
        assert_eq!(heads.len(), tasks.len(), "{path}");
        let wide = cuts::behind_tensors(loaded.graph(), &[]);
        let wide = wide
            .into_iter()
            .filter(|c| c.crossing.len() > 1 && c.is_allowed(loaded.graph()));
        for cut in heads.into_iter().chain(wide.step_by(5)) {
            let worst = loaded.worst(&loaded.halves(&cut, Codec::F32));
            assert!(worst <= ROUNDING, "{path}: {:?}: {worst}", cut.crossing);
        }
    }
}

#[test]
fn heads_beside_the_link_reproduce_the_whole() {
    for path in &models() {
        let loaded = load(path);
        let graph = loaded.graph();
        let tasks = cutpoint_core::task::Task::per_output(graph);
        let heads = cuts::private_heads(graph, &tasks, &[]).unwrap();
        for (sent, kept) in pairs(heads.len()) {
            let overlapped = heads[kept].edge.complement();
            for codec in [Codec::F32, Codec::F16] {
                let crossing = heads[sent].crossing.iter().map(|t| (*t, codec));
                let request = CutRequest {
                    edge: heads[sent].edge.clone(),
                    overlapped: overlapped.clone(),
                    crossing: crossing.collect(),
                    ..CutRequest::default()
                };
                let parts = cutpoint_onnx::cut(&loaded.model, &loaded.reading, &request).unwrap();
                let local = parts.local.as_ref().unwrap().output_names();
                assert_eq!(local, tasks[kept].outputs, "{path}");
                let worst = loaded.worst(&parts);
                let most = if codec == Codec::F32 { ROUNDING } else { 0.02 };
                assert!(worst <= most, "{path}: {sent}, {kept}: {worst}");
            }
        }
    }
}

#[test]
fn plans_are_timed_part_by_part() {
    let loaded = load(MODELS[1]);
    let graph = loaded.graph();
    let tasks = cutpoint_core::task::Task::per_output(graph);
    let heads = cuts::private_heads(graph, &tasks, &[]).unwrap();
    let crossing = |codec| heads[0].crossing.iter().map(move |t| (*t, codec)).collect();
    let layers = graph.layers().len();
    let requests = [
        CutRequest {
            edge: heads[0].edge.clone(),
            overlapped: heads[1].edge.complement(),
            crossing: crossing(Codec::Q8),
            ..CutRequest::default()
        },
        CutRequest {
            edge: heads[0].edge.clone(),
            crossing: crossing(Codec::F32),
            ..CutRequest::default()
        },
        CutRequest {
            edge: LayerSet::full(layers),
            ..CutRequest::default()
        },
    ];
    let bench = Bench {
        environment: runtime(),
        model: &loaded.model,
        reading: &loaded.reading,
        feed: &loaded.feed,
        provider: Provider::Cpu,
        protocol: Protocol {
            min_rounds: 4,
            max_rounds: 4,
            ..Protocol::default()
        },
    };
    let mut passes = Vec::new();
    let mut watch = |pass, _| {
        passes.push(pass);
        Control::Continue
    };
    let race = bench
        .time_plans(&requests, Duration::ZERO, &mut watch)
        .unwrap();
    assert_eq!(
        (passes.first(), passes.last()),
        (Some(&0), Some(&(PASSES - 1)))
    );
    let exists: Vec<_> = race
        .plans
        .iter()
        .map(|plan| [plan.edge, plan.local, plan.server].map(|part| part.is_some()))
        .collect();
    let [three, two, one] = [[true; 3], [true, false, true], [true, false, false]];
    assert_eq!(exists, [three, two, one]);
    let parts = race.plans.iter().flat_map(|p| [p.edge, p.local, p.server]);
    for part in parts.flatten().chain([race.whole]) {
        // samples that other programs disturbed may be left out
        assert!((1..=4 * PASSES).contains(&part.rounds), "{part:?}");
        assert!(part.median_us > 0.0 && part.spread_us >= 0.0);
    }
    let stop = bench.time_plans(&requests, Duration::ZERO, &mut |_, _| Control::Interrupt);
    assert!(matches!(stop, Err(RunError::Interrupted)));
}

/// All pairs of two different numbers below `most`.
fn pairs(most: usize) -> impl Iterator<Item = (usize, usize)> {
    let all = (0..most).flat_map(move |a| (0..most).map(move |b| (a, b)));
    all.filter(|(a, b)| a != b)
}

#[test]
fn all_on_one_side_works_too() {
    for path in &models() {
        let loaded = load(path);
        let layers = loaded.graph().layers().len();
        for edge in [LayerSet::full(layers), LayerSet::empty(layers)] {
            let whole_on_edge = edge.len() == layers;
            let halves = loaded.halves(&Cut::of(loaded.graph(), edge, &[]), Codec::F32);
            assert_eq!(halves.server.is_none(), whole_on_edge);
            assert_eq!(loaded.worst(&halves), 0.0, "{path}");
        }
    }
}

#[test]
fn lossy_codecs_change_the_outputs_a_little_and_not_at_all_never() {
    let loaded = load(MODELS[0]);
    let cuts = cuts::natural(loaded.graph(), &[]);
    let cut = &cuts[cuts.len() / 2];
    let f16 = loaded.worst(&loaded.halves(cut, Codec::F16));
    let q8 = loaded.worst(&loaded.halves(cut, Codec::Q8));
    assert!(f16 > 0.0 && f16 < 0.02, "f16: {f16}");
    assert!(q8 > f16 && q8 < 0.3, "q8: {q8}");
}
