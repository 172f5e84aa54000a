//! Halves over a real connection give what the whole model gives.

use std::time::{Duration, Instant};

use cutpoint_deploy::halves::HalfError;
use cutpoint_deploy::runner::{AnsweredBy, Outcome};
use cutpoint_deploy::server::Counters;

use super::splits::{Case, runtime};

fn by(frame: &cutpoint_deploy::runner::Frame) -> Option<AnsweredBy> {
    match &frame.outcome {
        Outcome::Answered { by, .. } => Some(*by),
        Outcome::Dropped { .. } => None,
    }
}

#[test]
fn every_exact_codec_gives_the_results_of_the_whole() {
    for (tensor, codec) in [
        ("getitem_33", "f32"),
        ("getitem_33", "f32+zstd"),
        ("getitem_33", "f32+deflate"),
        ("image", "f32"),
    ] {
        let case = Case::at(tensor, codec);
        let server = case.serve("127.0.0.1:0");
        let mut runner = case.runner(&server.address.to_string(), |_| ());
        let served = runner.check(&case.feed).unwrap().unwrap();
        assert_eq!(
            (served.server.as_str(), served.hash_checked),
            ("cutpoint", true)
        );
        for frame in case.run(&mut runner, 3) {
            assert_eq!(by(&frame), Some(AnsweredBy::Server), "{codec}");
            assert!(case.is_right(&frame), "{tensor} {codec}");
            assert!(frame.times.server.unwrap() > Duration::ZERO);
        }
        // the check sends one message, too
        assert_eq!(Counters::read(&server.counters().answered), 4);
    }
}

#[test]
fn lossy_codecs_give_what_the_local_copy_gives() {
    for codec in ["q8", "q8+zstd", "f16"] {
        let case = Case::at("getitem_33", codec);
        let server = case.serve("127.0.0.1:0");
        let mut runner = case.runner(&server.address.to_string(), |_| ());
        // the check compares the results of both
        runner.check(&case.feed).unwrap();
        let frames = case.run(&mut runner, 2);
        assert!(
            frames
                .iter()
                .all(|frame| by(frame) == Some(AnsweredBy::Server)),
            "{codec}"
        );
    }
}

#[test]
fn frames_overlap_in_a_pipeline_and_come_back_in_order() {
    let case = Case::at("getitem_33", "f32");
    let hold = Duration::from_millis(400);
    let server = case.serve_with(|options| options.hold = Some(hold));
    let mut runner = case.runner(&server.address.to_string(), |options| options.pipeline = 4);
    let frames = case.run(&mut runner, 8);
    let order: Vec<u64> = frames.iter().map(|frame| frame.index).collect();
    assert_eq!(order, (0..8).collect::<Vec<u64>>());
    assert!(frames.iter().all(|frame| case.is_right(frame)));
    // four were sent before the first answer: its time on the server is over before the second's
    let first = frames[0].at;
    assert!(frames[3].at - first < hold);
}

#[test]
fn a_server_takes_no_more_than_its_queue_holds() {
    let case = Case::at("getitem_33", "f32");
    let server = case.serve_with(|options| {
        options.queue = 1;
        options.hold = Some(Duration::from_millis(300));
    });
    let client = case.client(&server.address.to_string());
    let made = case
        .directory()
        .edge_half(runtime())
        .unwrap()
        .run(&case.feed)
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let calls: Vec<_> = (0..6)
        .map(|_| client.infer(&made.message, deadline))
        .collect();
    let refused = calls.into_iter().filter_map(|call| call.wait().err());
    let refused: Vec<_> = refused.collect();
    assert!(!refused.is_empty() && refused.len() < 6, "{refused:?}");
    assert!(
        refused.iter().all(|error| error.is_transient()),
        "{refused:?}"
    );
    assert_eq!(
        Counters::read(&server.counters().turned_away),
        refused.len() as u64
    );
}

#[test]
fn messages_that_do_not_fit_are_refused_with_the_reason() {
    let case = Case::at("getitem_33", "f32");
    let server = case.serve_with(|options| options.max_message = cutpoint_core::units::Bytes(8000));
    let client = case.client(&server.address.to_string());
    let made = case
        .directory()
        .edge_half(runtime())
        .unwrap()
        .run(&case.feed)
        .unwrap();
    let send = |change: &dyn Fn(&mut Vec<cutpoint_deploy::tensor::SentTensor>)| {
        let mut message = made.message.clone();
        change(&mut message);
        let deadline = Instant::now() + Duration::from_secs(20);
        client
            .infer(&message, deadline)
            .wait()
            .map(|_| ())
            .map_err(|error| {
                assert!(!error.is_transient(), "{error}");
                error.to_string()
            })
    };
    send(&|_| ()).unwrap();
    let told =
        |change: &dyn Fn(&mut Vec<cutpoint_deploy::tensor::SentTensor>)| send(change).unwrap_err();
    assert!(told(&|message| message[0].name = "other".into()).contains("no input"));
    assert!(told(&|message| message[0].shape[1] += 1).contains("takes float32 1x40x4x4"));
    assert!(
        told(&|message| message[0].bytes = vec![0; 4].into()).contains("has 2560 bytes, not 4")
    );
    assert!(told(&|message| message.clear()).contains("is missing"));
    assert!(told(&|message| message.push(message[0].clone())).contains("twice"));
    assert!(
        told(&|message| message[0].packed = Some("f32+zstd".parse().unwrap())).contains("codec")
    );
    let long = told(&|message| message[0].bytes = vec![0; 9000].into());
    assert!(long.contains("limit"), "{long}");
    // and it still serves
    send(&|_| ()).unwrap();
}

#[test]
fn changed_files_are_refused() {
    let case = Case::at("getitem_33", "f32");
    let other = Case::at("getitem_30", "f32");
    let file = |case: &Case| case.path().join("server.onnx");
    std::fs::copy(file(&other), file(&case)).unwrap();
    let error = cutpoint_deploy::halves::SplitDirectory::open(case.path()).unwrap_err();
    assert!(matches!(error, HalfError::OtherFile(_)), "{error}");
}
