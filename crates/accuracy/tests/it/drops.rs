//! Accuracy really measured: the bundled network on scenes drawn here.
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use cutpoint_accuracy::dataset::{DataSet, Preprocessing, shapes};
use cutpoint_accuracy::{
    self, AccuracyError, AccuracyObserver, AccuracyProgress, AccuracyReport, AccuracyRequest,
    Evaluation, PartialAccuracy, Priority, SampleChoice, Samples, Subject, WholePlan,
};
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::{CodecAccuracy, Confidence, Metric};
use cutpoint_core::graph::LayerSet;
use cutpoint_core::task::Task;
use cutpoint_onnx::{Model, Reading};
use cutpoint_runtime::measure::Control;
use cutpoint_runtime::probe::{probe, random_inputs};
use cutpoint_runtime::{Environment, environment, library::find_or_fetch};

/// Between the stages of the network: one large, one small, one of a single head.
const TENSORS: [&str; 3] = ["image", "add_2", "relu_14"];

fn runtime() -> &'static Environment {
    // fetched once into the user's cache; without a network the message says what to do
    let library = find_or_fetch(&mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
    environment(&library, 1).unwrap()
}

fn bundled() -> PathBuf {
    cutpoint_testkit::repository().join("models/mtlsplit_mobilenet_v3_small_64.onnx")
}

/// Scenes, a fifth of them for testing.
fn scenes() -> &'static Path {
    static SCENES: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = SCENES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let request = shapes::ShapesRequest {
            count: 700,
            seed: 3,
            // hard enough that codecs cost something
            noise: 0.1,
            force: false,
            threads: 2,
        };
        shapes::write(&folder.path().join("shapes"), &request, &mut |_| true).unwrap();
        folder
    });
    folder.path()
}

struct Bench {
    model: Model,
    reading: Reading,
}

fn bench() -> Bench {
    bench_of(&bundled())
}

fn bench_of(path: &Path) -> Bench {
    let model = Model::load(path).unwrap();
    let feed = random_inputs(runtime(), &model, &[]).unwrap();
    let facts = probe(runtime(), &model, &feed).unwrap();
    let reading = model.graph(&facts).unwrap();
    Bench { model, reading }
}

fn samples(most: usize) -> Samples {
    samples_of(None, most)
}

fn samples_of(split: Option<&str>, most: usize) -> Samples {
    let preprocessing = Preprocessing::beside(&bundled()).unwrap().unwrap();
    let set = DataSet::open(&scenes().join("shapes")).unwrap();
    let choice = SampleChoice {
        split: split.map(str::to_owned),
        samples: Some(most),
        calibration: 40,
    };
    Samples::choose(set, preprocessing, &choice).unwrap()
}

impl Bench {
    fn evaluation(&self, samples: Samples, agreement: bool) -> Evaluation<'_> {
        let subject = Subject {
            environment: runtime(),
            model: &self.model,
            reading: &self.reading,
            samples,
            tasks: Task::per_output(&self.reading.graph),
            agreement,
            workers: 2,
        };
        Evaluation::open(subject, &mut |_| Control::Continue).unwrap()
    }
}

fn request(codecs: &str, exhaustive: bool) -> AccuracyRequest<'static> {
    AccuracyRequest {
        tensors: TENSORS.map(str::to_owned).to_vec(),
        codecs: codecs
            .split(',')
            .map(|codec| codec.parse().unwrap())
            .collect(),
        priority: Priority::Size,
        exhaustive,
        deadline: None,
        confidence: Confidence::default(),
        precision: 0.0,
    }
}

/// Keeps what is measured, and interrupts after so many looks.
#[derive(Default)]
struct Watch {
    kept: Option<PartialAccuracy>,
    looks: usize,
    most: Option<usize>,
    calibrated: bool,
}

impl AccuracyObserver for Watch {
    fn progress(&mut self, progress: AccuracyProgress) -> Control {
        self.calibrated |= matches!(progress, AccuracyProgress::Calibrating { .. });
        self.looks += 1;
        if self.most.is_some_and(|most| self.looks > most) {
            Control::Interrupt
        } else {
            Control::Continue
        }
    }

    fn measured(&mut self, partial: &PartialAccuracy, _last: bool) -> Result<(), AccuracyError> {
        self.kept = Some(partial.clone());
        Ok(())
    }
}

fn measured(evaluation: &Evaluation<'_>, request: &AccuracyRequest<'_>) -> AccuracyReport {
    cutpoint_accuracy::measure(evaluation, request, None, &mut Watch::default()).unwrap()
}

#[test]
fn single_crossings_cost_what_the_real_halves_cost() {
    let bench = bench();
    let evaluation = bench.evaluation(samples(96), false);
    let report = measured(
        &evaluation,
        &request("f32,q8,q4c,q2+zstd,q2,jpeg75,u8", true),
    );
    let found = &report.accuracy;
    let graph = &bench.reading.graph;
    for tensor in TENSORS {
        let id = graph.find_tensor(tensor).unwrap();
        let edge = graph.descendants(id).complement();
        let ids = |set: &LayerSet| -> Vec<String> {
            set.iter()
                .map(|layer| graph.layer(layer).id.clone())
                .collect()
        };
        let (edge, server) = (ids(&edge), ids(&edge.complement()));
        let records = found.crossings.iter().filter(|r| r.tensor == tensor);
        for record in records {
            let crossing = [(tensor.to_owned(), record.codec)];
            let request = WholePlan {
                edge: &edge,
                server: &server,
                crossing: &crossing,
            };
            let whole = evaluation
                .measure_whole_plan(request, found, &mut |_| Control::Continue)
                .unwrap();
            assert_eq!((whole.samples, record.samples), (96, 96));
            for (one, whole) in record.drops.iter().zip(&whole.drops) {
                assert_eq!(one.task, whole.task);
                // another fusion may round another way: one sample in 96 at most
                let apart = (one.mean - whole.mean).abs();
                assert!(apart < 1.01 / 96.0, "{tensor} {}: {apart}", record.codec);
            }
        }
    }
}

#[test]
fn sizes_and_exact_drops_are_what_they_must_be() {
    let bench = bench();
    let evaluation = bench.evaluation(samples(64), false);
    let codecs = "f32,f32+zstd,q8,q4,q4+deflate,q2c,u8,png,jpeg50,jpeg95";
    let report = measured(&evaluation, &request(codecs, false));
    let record = |tensor: &str, codec: &str| {
        let found = report.accuracy.crossing(tensor, codec.parse().unwrap());
        found.unwrap_or_else(|| panic!("{tensor} {codec}"))
    };
    let elements = 3.0 * 64.0 * 64.0;
    for (codec, bytes) in [
        ("f32", 4.0 * elements),
        ("q8", elements + 5.0),
        ("q4", elements / 2.0),
    ] {
        let record = record("image", codec);
        assert_eq!(
            (record.bytes_mean, record.bytes_std, record.bytes_p95),
            (bytes, 0.0, None)
        );
    }
    for codec in ["f32", "f32+zstd", "u8", "png"] {
        let exact = record("image", codec).drops.iter();
        assert!(
            exact
                .clone()
                .all(|drop| drop.mean == 0.0 && drop.std_error == 0.0),
            "{codec}"
        );
    }
    let (small, large) = (record("image", "jpeg50"), record("image", "jpeg95"));
    assert!(small.bytes_mean < large.bytes_mean);
    let p95 = large.bytes_p95.unwrap();
    assert!(large.bytes_std > 0.0 && p95 > large.bytes_mean && p95 < 2.0 * large.bytes_mean);
    assert_eq!(
        record("image", "q4+deflate").drops,
        record("image", "q4").drops
    );
    // images are inputs, and nothing else is an image
    assert_eq!(report.accuracy.crossing("add_2", Codec::U8), None);
    // one head's tensor costs the other task nothing, and its own something unknown
    let head = record("relu_14", "q2c");
    let exact: Vec<bool> = head
        .drops
        .iter()
        .map(|drop| drop.std_error == 0.0)
        .collect();
    assert_eq!(exact.iter().filter(|exact| **exact).count(), 1, "{head:?}");
    // bounds lie within what was sent, and every affine codec has some
    for codec in ["q4", "q2c"] {
        let range = report
            .accuracy
            .range("add_2", codec.parse().unwrap())
            .unwrap();
        range.check().unwrap();
    }
    let text = report.accuracy.to_toml().unwrap();
    let read = CodecAccuracy::parse(&text, Path::new("m.accuracy.toml")).unwrap();
    assert_eq!(read, report.accuracy);
}

#[test]
fn what_was_interrupted_goes_on() {
    let bench = bench();
    let evaluation = bench.evaluation(samples(100), false);
    let request = request("q4,q2+zstd,jpeg50", false);
    let mut watch = Watch {
        most: Some(170),
        ..Watch::default()
    };
    let stopped = cutpoint_accuracy::measure(&evaluation, &request, None, &mut watch);
    assert!(
        matches!(stopped, Err(AccuracyError::Interrupted)),
        "{stopped:?}"
    );
    let kept = watch.kept.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), kept.to_json().unwrap()).unwrap();
    let kept = PartialAccuracy::read(file.path()).unwrap();
    assert!(kept.runs() > 0 && kept.is_of(&evaluation, &request));

    let mut rest = Watch::default();
    let report =
        cutpoint_accuracy::measure(&evaluation, &request, Some(kept.clone()), &mut rest).unwrap();
    assert!(!rest.calibrated);
    let at_once = measured(&evaluation, &request);
    assert_eq!(report.accuracy, at_once.accuracy);
    assert_eq!(report.runs, at_once.runs);

    // measurements of other samples are of no use
    let other = bench.evaluation(samples(80), false);
    assert!(!kept.is_of(&other, &request));
}

#[test]
fn fewer_runs_find_the_same_codecs() {
    let bench = bench();
    let evaluation = bench.evaluation(samples_of(Some("train"), 400), false);
    let codecs = "f32,f16,q8,q4,q4c,q2,q2c,jpeg50,png";
    let adaptive = measured(&evaluation, &request(codecs, false));
    let exhaustive = measured(&evaluation, &request(codecs, true));
    assert!(adaptive.complete && exhaustive.complete);
    assert_eq!(exhaustive.runs, exhaustive.exhaustive_runs);
    assert!(4 * adaptive.runs < 3 * exhaustive.runs, "{}", adaptive.runs);
    let z = Confidence::default().z();
    let best = |report: &AccuracyReport, tensor: &str, limit: f64| -> Codec {
        let records = report
            .accuracy
            .crossings
            .iter()
            .filter(|r| r.tensor == tensor);
        let within = records.filter(|r| r.drops.iter().all(|drop| drop.pessimistic(z) <= limit));
        let best = within.min_by(|a, b| a.bytes_mean.total_cmp(&b.bytes_mean));
        best.unwrap().codec
    };
    for tensor in TENSORS {
        for limit in [0.005, 0.01, 0.02, 0.05, 0.1] {
            let found = best(&adaptive, tensor, limit);
            assert_eq!(
                found,
                best(&exhaustive, tensor, limit),
                "{tensor} within {limit}"
            );
        }
    }
}

#[test]
fn without_labels_the_whole_model_is_the_reference() {
    let bench = bench();
    let evaluation = bench.evaluation(samples(64), true);
    let found = measured(&evaluation, &request("q2", false)).accuracy;
    assert!(!found.data.labelled);
    for task in &found.tasks {
        assert_eq!(
            (task.metric, task.baseline, task.std_error),
            (Metric::Top1, 1.0, 0.0)
        );
    }
    // what disagrees can only be a loss
    assert!(
        found
            .crossings
            .iter()
            .flat_map(|r| &r.drops)
            .all(|drop| drop.mean >= 0.0)
    );
}

#[test]
fn maps_and_numbers_are_compared_with_the_whole_models_own() {
    let path = bundled().with_file_name("skipnet_3dec_64.onnx");
    let bench = bench_of(&path);
    let sidecar = "format = 1\n[input]\nname = \"image\"\nmean = [0]\nstd = [255]\n\
                   [[task]]\nname = \"seg\"\nlabel = \"none\"\nmetric = \"mean-iou\"\n";
    let preprocessing = Preprocessing::parse(sidecar, &path.with_extension("data.toml")).unwrap();
    let set = DataSet::open(&scenes().join("shapes")).unwrap();
    let choice = SampleChoice {
        split: None,
        samples: Some(40),
        calibration: 20,
    };
    let samples = Samples::choose(set, preprocessing, &choice).unwrap();
    let evaluation = bench.evaluation(samples, true);
    let request = AccuracyRequest {
        tensors: vec!["image".to_owned()],
        ..request("q8c,q2", true)
    };
    let found = measured(&evaluation, &request).accuracy;
    let metrics: Vec<Metric> = found.tasks.iter().map(|task| task.metric).collect();
    assert_eq!(metrics, [Metric::MeanIou, Metric::Score, Metric::Top1]);
    let drops = |codec: &str| -> Vec<f64> {
        let record = found.crossing("image", codec.parse().unwrap()).unwrap();
        assert!(record.drops.iter().all(|drop| drop.std_error > 0.0));
        record.drops.iter().map(|drop| drop.mean).collect()
    };
    let (fine, coarse) = (drops("q8c"), drops("q2"));
    // random weights: the depth moves, whether or not a class does
    assert!(
        0.0 < fine[1] && fine[1] < coarse[1] && coarse[1] < 1.0,
        "{fine:?} {coarse:?}"
    );
    assert!(
        (0.0..=coarse[0]).contains(&fine[0]) && coarse[0] < 1.0,
        "{fine:?} {coarse:?}"
    );
}

#[test]
fn calibration_sees_nothing_that_is_evaluated() {
    let labelled = samples(50);
    let labels = labelled.set().labels();
    let split = |rows: &[usize], name: &str| {
        let all = labels.rows_of(name).unwrap();
        rows.iter().all(|row| all.contains(row))
    };
    assert_eq!((labelled.len(), labelled.calibration().len()), (50, 40));
    assert!(split(labelled.evaluated(), "test") && split(labelled.calibration(), "train"));
    // the same every time, and the first of many are those of few
    assert_eq!(samples(80).evaluated()[..50], *labelled.evaluated());

    let choose = |most: Option<usize>, split: Option<&str>| {
        let preprocessing = Preprocessing::beside(&bundled()).unwrap().unwrap();
        let set = DataSet::open(&scenes().join("shapes")).unwrap();
        let choice = SampleChoice {
            split: split.map(str::to_owned),
            samples: most,
            calibration: 10_000,
        };
        Samples::choose(set, preprocessing, &choice)
    };
    // calibrated on the split that is evaluated, when there is no other
    let train = choose(None, Some("train")).unwrap();
    assert!(train.len() > 3 * train.calibration().len() - 4);
    let both = |row: &usize| train.calibration().contains(row);
    assert!(!train.evaluated().iter().any(both));
    assert!(choose(Some(5), None).is_err());
    let error = choose(None, Some("tset")).unwrap_err().to_string();
    assert!(error.contains("tset") && error.contains("train"), "{error}");
}
