//! What becomes of frames when server or network fail: each is answered, or counted as dropped.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use cutpoint_core::link::Link;
use cutpoint_deploy::breaker::BreakerOptions;
use cutpoint_deploy::client::CheckError;
use cutpoint_deploy::link::EmulatedLink;
use cutpoint_deploy::runner::{AnsweredBy, Frame, Outcome, RunnerError};

use super::splits::Case;

fn answered_by(frame: &Frame) -> AnsweredBy {
    match &frame.outcome {
        Outcome::Answered { by, .. } => *by,
        Outcome::Dropped { reason, .. } => panic!("dropped: {reason}"),
    }
}

/// A port at which nobody listens.
fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A server that does `answer` to whatever is sent.
fn foreign(answer: impl Fn(std::net::TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        listener
            .incoming()
            .for_each(|stream| answer(stream.unwrap()))
    });
    address
}

#[test]
fn without_a_server_the_local_copy_answers_and_the_server_is_left_alone() {
    let case = Case::at("getitem_33", "f32");
    let mut runner = case.runner(&free_port().to_string(), |options| {
        options.breaker = BreakerOptions {
            failures: 3,
            pause: Duration::from_secs(60),
            longest: Duration::from_secs(60),
        };
    });
    let frames = case.run(&mut runner, 10);
    assert!(frames.iter().all(|frame| case.is_right(frame)));
    assert!(
        frames
            .iter()
            .all(|frame| answered_by(frame) == AnsweredBy::LocalCopy)
    );
    let tried = frames
        .iter()
        .filter(|frame| frame.failure.is_some())
        .count();
    assert_eq!((tried, runner.pauses()), (3, 1));
}

#[test]
fn without_a_local_copy_frames_are_counted_as_dropped() {
    let case = Case::at("getitem_33", "f32");
    let mut runner = case.runner(&free_port().to_string(), |options| {
        options.fall_back = false
    });
    let frames = case.run(&mut runner, 5);
    let kinds: Vec<&str> = frames
        .iter()
        .map(|frame| match &frame.outcome {
            Outcome::Dropped { kind, .. } => *kind,
            Outcome::Answered { .. } => panic!("answered"),
        })
        .collect();
    assert_eq!(kinds[..3], ["unavailable"; 3]);
    assert_eq!(kinds[3..], ["paused"; 2]);
}

#[test]
fn a_server_that_comes_back_is_used_again() {
    let case = Case::at("getitem_33", "f32");
    let server = case.serve("127.0.0.1:0");
    let address = server.address.to_string();
    let mut runner = case.runner(&address, |options| {
        options.breaker = BreakerOptions {
            failures: 1,
            pause: Duration::from_millis(50),
            longest: Duration::from_millis(100),
        };
    });
    let first = case.run(&mut runner, 2);
    assert!(
        first
            .iter()
            .all(|frame| answered_by(frame) == AnsweredBy::Server)
    );
    drop(server);
    let alone = case.run(&mut runner, 4);
    assert!(
        alone
            .iter()
            .all(|frame| answered_by(frame) == AnsweredBy::LocalCopy && case.is_right(frame))
    );
    let _server = case.serve(&address);
    let started = Instant::now();
    let back = std::iter::from_fn(|| {
        std::thread::sleep(Duration::from_millis(20));
        Some(case.run(&mut runner, 1).remove(0))
    });
    let mut back = back.take_while(|_| started.elapsed() < Duration::from_secs(20));
    let frame = back
        .find(|frame| answered_by(frame) == AnsweredBy::Server)
        .unwrap();
    assert!(case.is_right(&frame));
}

#[test]
fn a_server_restarted_with_another_half_answers_nothing() {
    let (case, other) = (Case::at("getitem_33", "f32"), Case::at("getitem_33", "q8"));
    let server = case.serve("127.0.0.1:0");
    let address = server.address.to_string();
    let mut runner = case.runner(&address, |options| {
        options.breaker.failures = 1;
        options.breaker.pause = Duration::from_millis(1);
    });
    case.run(&mut runner, 1);
    drop(server);
    let _other = other.serve(&address);
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(10));
        let frame = case.run(&mut runner, 1).remove(0);
        assert_eq!(answered_by(&frame), AnsweredBy::LocalCopy);
        assert!(case.is_right(&frame));
    }
}

#[test]
fn a_cut_link_and_a_slow_server_cost_one_deadline_at_most() {
    let case = Case::at("getitem_33", "f32");
    let server = case.serve_with(|options| options.hold = Some(Duration::from_secs(5)));
    let link = Link {
        rate: "100Mbit/s".parse().unwrap(),
        delay: "1ms".parse().unwrap(),
        down_rate: None,
    };
    let link = EmulatedLink::start(server.address, &link).unwrap();
    let deadline = Duration::from_millis(300);
    let mut runner = case.runner(&link.address.to_string(), |options| {
        options.deadline = deadline
    });
    let slow = case.run(&mut runner, 1).remove(0);
    assert_eq!(slow.failure.as_ref().unwrap().kind, "late");
    assert!(case.is_right(&slow));
    link.cut();
    let cut = case.run(&mut runner, 1).remove(0);
    assert!(case.is_right(&cut) && cut.failure.is_some());
}

#[test]
fn foreign_servers_are_told_apart_before_the_first_frame() {
    let case = Case::at("getitem_33", "f32");
    let http = foreign(|mut stream| {
        let mut buffer = [0; 1024];
        let _ = stream.read(&mut buffer);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    let garbage = foreign(|mut stream| {
        let _ = stream.write_all(&[0xff; 64]);
    });
    for address in [http, garbage] {
        let mut runner = case.runner(&address.to_string(), |_| ());
        let error = runner.check(&case.feed).unwrap_err().to_string();
        assert!(error.contains("is that the gRPC port?"), "{error}");
        // and frames are answered all the same
        assert!(case.is_right(&case.run(&mut runner, 1)[0]));
    }
    let mut runner = case.runner(&free_port().to_string(), |_| ());
    let error = runner.check(&case.feed).unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
}

#[test]
fn another_half_or_model_is_refused_before_the_first_frame() {
    let case = Case::at("getitem_33", "f32");
    let problem = |other: &Case| {
        let server = other.serve("127.0.0.1:0");
        let mut runner = case.runner(&server.address.to_string(), |_| ());
        match runner.check(&case.feed).unwrap_err() {
            RunnerError::Check(error) => error,
            other => panic!("{other}"),
        }
    };
    let codec = problem(&Case::at("getitem_33", "f16"));
    assert!(matches!(codec, CheckError::Other { .. }), "{codec}");
    assert!(
        codec.to_string().contains("it has no input `getitem_33`"),
        "{codec}"
    );
    // the same tensors cross here, and only the hash tells
    let same_tensors = problem(&Case::at("getitem_33", "f32+zstd").with_other_weights());
    assert!(
        same_tensors.to_string().contains("another half"),
        "{same_tensors}"
    );
    let named = case.serve_with(|options| options.name = "else".to_owned());
    let mut runner = case.runner(&named.address.to_string(), |_| ());
    let error = runner.check(&case.feed).unwrap_err().to_string();
    assert!(
        error.contains("there is `else`") && error.contains("--model-name"),
        "{error}"
    );
}
