//! Frames through edge, link and server, with a local copy of the server half to fall back on.
//!
//! Every frame gets exactly one outcome: an answer of the server, one of the local copy, or a reason
//! why it was dropped.

use std::cell::Cell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use cutpoint_onnx::directory::TaskRecord;
use cutpoint_runtime::Environment;
use cutpoint_runtime::port::Port;
use cutpoint_runtime::session::Values;

use super::breaker::{Breaker, BreakerOptions, Leave};
use super::client::{Answer, CallError, Cause, CheckError, Client, Pending, Served};
use super::frames::Frames;
use super::halves::{EdgeHalf, EdgeResult, HalfError, LocalHalf, ServerHalf, SplitDirectory};

/// The longest wait without a look at whether to go on.
const STEP: Duration = Duration::from_millis(50);

/// How frames are run.
#[derive(Debug, Clone, Copy)]
pub struct RunOptions {
    /// From the frame to its results; later answers are not waited for.
    pub deadline: Duration,
    /// Frames under way at once: 1 for one after the other.
    pub pipeline: usize,
    /// Whether frames that the server does not answer are answered by the local copy.
    pub fall_back: bool,
    /// When the server is given a pause.
    pub breaker: BreakerOptions,
}

/// Who answered a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsweredBy {
    /// Everything runs on the edge.
    Edge,
    /// The server.
    Server,
    /// The local copy of the server half.
    LocalCopy,
}

/// Where the time of a frame went. The parts that only a server of cutpoint tells are unknown with
/// others; `uplink` and `downlink` are right only where both clocks are the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameTimes {
    /// The edge half, codecs that are part of it included.
    pub edge: Duration,
    /// Packing the message.
    pub encode: Duration,
    /// From the request to its answer.
    pub round_trip: Option<Duration>,
    /// From sending the request to its being there.
    pub uplink: Option<Duration>,
    /// Waiting on the server for other requests.
    pub queue: Option<Duration>,
    /// Unpacking the message.
    pub decode: Option<Duration>,
    /// The server half.
    pub server: Option<Duration>,
    /// From sending the answer to its being there.
    pub downlink: Option<Duration>,
}

/// What became of a frame.
#[derive(Debug)]
pub enum Outcome {
    /// There are results.
    Answered {
        /// Who gave them.
        by: AnsweredBy,
        /// Outputs of the whole model.
        results: Values,
        /// From the frame to its results.
        latency: Duration,
    },
    /// There are none.
    Dropped {
        /// A short name for counters.
        kind: &'static str,
        /// Why.
        reason: String,
    },
}

/// One frame, done.
#[derive(Debug)]
pub struct Frame {
    /// Its number, from 0.
    pub index: u64,
    /// When it came, since the run began.
    pub at: Duration,
    /// Where its time went.
    pub times: FrameTimes,
    /// Payload of its message.
    pub message_bytes: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// Why the server did not answer, when the local copy did.
    pub failure: Option<CallError>,
}

/// Why frames cannot be run at all.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// A half cannot be opened or run.
    #[error(transparent)]
    Half(#[from] HalfError),
    /// The server is not the one to call.
    #[error(transparent)]
    Check(#[from] CheckError),
}

/// The halves of a split, and the way to the server.
#[derive(Debug)]
pub struct Runner {
    environment: &'static Environment,
    edge: EdgeHalf,
    local: Option<LocalHalf>,
    copy: Option<ServerHalf>,
    client: Option<Client>,
    tasks: Vec<TaskRecord>,
    outputs: Vec<Port>,
    sha256: String,
    breaker: Breaker,
    options: RunOptions,
    began: Instant,
    next: u64,
    under_way: VecDeque<UnderWay>,
}

/// A frame whose answer is awaited.
#[derive(Debug)]
struct UnderWay {
    index: u64,
    came: Instant,
    times: FrameTimes,
    made: EdgeResult,
    local: Values,
    call: Option<Pending>,
    refused: bool,
}

impl Runner {
    /// Opens the halves. Without a client every frame is answered here.
    ///
    /// # Errors
    /// The runtime refuses a half.
    pub fn new(
        directory: &SplitDirectory,
        environment: &'static Environment,
        client: Option<Client>,
        options: RunOptions,
    ) -> Result<Runner, RunnerError> {
        let copy = match directory.server_sha256() {
            Some(_) => Some(directory.server_half(environment)?),
            None => None,
        };
        Ok(Runner {
            environment,
            edge: directory.edge_half(environment)?,
            local: directory.local_half(environment)?,
            outputs: copy
                .as_ref()
                .map(|half| half.outputs.clone())
                .unwrap_or_default(),
            copy,
            client,
            tasks: directory.description.tasks.clone(),
            sha256: directory.server_sha256().unwrap_or_default().to_owned(),
            breaker: Breaker::new(options.breaker),
            options,
            began: Instant::now(),
            next: 0,
            under_way: VecDeque::new(),
        })
    }

    /// Asks the server what it is, and compares its results for one frame with the local ones.
    /// `None` when nothing is ever sent.
    ///
    /// # Errors
    /// See [`CheckError`].
    pub fn check(&mut self, feed: &Values) -> Result<Option<Served>, RunnerError> {
        let (Some(client), Some(copy)) = (&mut self.client, &mut self.copy) else {
            return Ok(None);
        };
        let served = client.check(&copy.inputs, &copy.outputs, &self.sha256)?;
        let made = self.edge.run(feed)?;
        let values = copy.values(self.environment, &made.message)?;
        let expected = copy.run(&values)?;
        let half = (copy.outputs.as_slice(), self.sha256.as_str());
        client.self_test(self.environment, &made.message, half, &expected)?;
        Ok(Some(served))
    }

    /// Returns the inputs that a frame has.
    pub fn inputs(&self) -> Vec<Port> {
        self.edge.inputs(self.copy.as_ref(), self.local.as_ref())
    }

    /// Takes so many frames, each when the one before it is taken or, with a pace, when it comes; those
    /// that come while no more can be taken are dropped. Ends early when `go_on` or `done` says so, and
    /// returns how long all of it took.
    ///
    /// # Errors
    /// A half fails here; nothing can be answered then.
    pub fn run(
        &mut self,
        frames: &Frames,
        count: u64,
        pace: Option<Duration>,
        go_on: &dyn Fn() -> bool,
        done: &mut dyn FnMut(Frame) -> bool,
    ) -> Result<Duration, RunnerError> {
        let wanted = Cell::new(true);
        let mut done = |frame| wanted.set(wanted.get() & done(frame));
        let goes_on = || wanted.get() && go_on();
        self.began = Instant::now();
        for number in 0..count {
            if let Some(pace) = pace {
                let due = self.began + pace.mul_f64(number as f64);
                if number > 0 && Instant::now() > due + pace {
                    self.skip(&mut done);
                    continue;
                }
                // in short steps, so that the end of a run is not waited for
                while goes_on() && Instant::now() < due {
                    self.wait_until(due.min(Instant::now() + STEP), &mut done)?;
                }
            }
            if !goes_on() {
                break;
            }
            let feed = frames.frame(self.environment, number);
            let feed = feed.map_err(|error| HalfError::Run {
                half: "the inputs".to_owned(),
                error,
            })?;
            self.frame(&feed, &mut done)?;
        }
        self.drain(&mut done)?;
        Ok(self.began.elapsed())
    }

    /// Takes a frame, and hands over those that are done.
    ///
    /// # Errors
    /// A half fails here; nothing can be answered then.
    pub fn frame(&mut self, feed: &Values, done: &mut dyn FnMut(Frame)) -> Result<(), RunnerError> {
        while self.under_way.len() >= self.options.pipeline.max(1) {
            self.finish_oldest(done)?;
        }
        let came = Instant::now();
        let index = self.next;
        self.next += 1;
        let made = self.edge.run(feed)?;
        let times = FrameTimes {
            edge: made.edge,
            encode: made.encode,
            ..FrameTimes::default()
        };
        let leave = match &self.client {
            Some(_) if self.edge.sends() => Some(self.breaker.ask(Instant::now())),
            _ => None,
        };
        let deadline = came + self.options.deadline;
        let call = match (leave, &self.client) {
            (Some(Leave::Send), Some(client)) => Some(client.infer(&made.message, deadline)),
            // after a failure it may be another server that answers
            (Some(Leave::Probe), Some(client)) => {
                let hash = Some(self.sha256.clone());
                Some(client.infer_checked(&made.message, deadline, hash))
            }
            _ => None,
        };
        let local = match &mut self.local {
            Some(local) => local.run(&made.values)?,
            None => Values::new(),
        };
        self.under_way.push_back(UnderWay {
            index,
            came,
            times,
            made,
            local,
            call,
            refused: leave == Some(Leave::Refuse),
        });
        if self.options.pipeline <= 1 {
            return self.finish_oldest(done);
        }
        // what is done is handed over now, not when the next frame comes
        self.wait_until(Instant::now(), done)
    }

    /// Counts a frame that came while no more could be taken.
    fn skip(&mut self, done: &mut dyn FnMut(Frame)) {
        let index = self.next;
        self.next += 1;
        done(Frame {
            index,
            at: self.began.elapsed(),
            times: FrameTimes::default(),
            message_bytes: 0,
            outcome: Outcome::Dropped {
                kind: "edge busy",
                reason: "it came before the edge was done with others".to_owned(),
            },
            failure: None,
        });
    }

    /// Waits until then, and hands over the frames that are done before.
    ///
    /// # Errors
    /// The local copy fails.
    pub fn wait_until(
        &mut self,
        then: Instant,
        done: &mut dyn FnMut(Frame),
    ) -> Result<(), RunnerError> {
        while let Some(oldest) = self.under_way.front_mut()
            && oldest
                .call
                .as_mut()
                .is_none_or(|call| call.is_there_by(then))
        {
            self.finish_oldest(done)?;
        }
        std::thread::sleep(then.saturating_duration_since(Instant::now()));
        Ok(())
    }

    /// Waits for all frames that are under way.
    ///
    /// # Errors
    /// The local copy fails.
    pub fn drain(&mut self, done: &mut dyn FnMut(Frame)) -> Result<(), RunnerError> {
        while !self.under_way.is_empty() {
            self.finish_oldest(done)?;
        }
        Ok(())
    }

    /// Returns how often the server was given a pause.
    pub fn pauses(&self) -> u64 {
        self.breaker.opened()
    }

    fn finish_oldest(&mut self, done: &mut dyn FnMut(Frame)) -> Result<(), RunnerError> {
        let Some(mut frame) = self.under_way.pop_front() else {
            return Ok(());
        };
        let answer = frame.call.take().map(|call| {
            let answer = call.wait()?;
            answer.checked(&self.outputs, Some(&self.sha256))
        });
        match &answer {
            Some(Ok(_)) => self.breaker.succeeded(),
            Some(Err(_)) => self.breaker.failed(Instant::now()),
            None => {}
        }
        let at = frame.came - self.began;
        let (index, mut times) = (frame.index, frame.times);
        let message = frame.made.message.iter();
        let message_bytes = message.map(|sent| sent.bytes.len() as u64).sum();
        let (outcome, failure) = match answer {
            Some(Ok(answer)) => {
                times.add(&answer);
                (self.answered(frame, &answer)?, None)
            }
            Some(Err(error)) => (self.without_answer(frame, Some(&error))?, Some(error)),
            None => (self.without_answer(frame, None)?, None),
        };
        done(Frame {
            index,
            at,
            times,
            message_bytes,
            outcome,
            failure,
        });
        Ok(())
    }

    fn answered(&self, frame: UnderWay, answer: &Answer) -> Result<Outcome, RunnerError> {
        let mut server = Values::new();
        for result in &answer.results {
            let value = result.value(self.environment).map_err(HalfError::from)?;
            server.push((result.name.clone(), value));
        }
        Ok(Outcome::Answered {
            by: AnsweredBy::Server,
            latency: answer.arrived - frame.came,
            results: self.results(&frame.made.values, &frame.local, &server),
        })
    }

    fn without_answer(
        &mut self,
        frame: UnderWay,
        error: Option<&CallError>,
    ) -> Result<Outcome, RunnerError> {
        let everything_here = !self.edge.sends() || self.client.is_none();
        if !everything_here && !self.options.fall_back {
            let (kind, reason) = match error {
                Some(error) => (error.kind, error.message.clone()),
                None => (
                    "paused",
                    "the server is given a pause after failures".to_owned(),
                ),
            };
            return Ok(Outcome::Dropped { kind, reason });
        }
        let mut server = Values::new();
        if let Some(copy) = self.copy.as_mut().filter(|_| self.edge.sends()) {
            let values = copy.values(self.environment, &frame.made.message)?;
            server = copy.run(&values)?;
        }
        let by = if self.edge.sends() {
            AnsweredBy::LocalCopy
        } else {
            AnsweredBy::Edge
        };
        debug_assert!(everything_here || error.is_some() || frame.refused);
        Ok(Outcome::Answered {
            by,
            latency: frame.came.elapsed(),
            results: self.results(&frame.made.values, &frame.local, &server),
        })
    }

    /// The outputs of the whole model, each from the half that delivers it.
    fn results(&self, edge: &Values, local: &Values, server: &Values) -> Values {
        let mut results = Values::new();
        for task in &self.tasks {
            for (names, values) in [
                (&task.edge, edge),
                (&task.local, local),
                (&task.server, server),
            ] {
                for name in names {
                    let found = values.iter().find(|(have, _)| have == name);
                    // an output may belong to several tasks
                    let new = !results.iter().any(|(have, _)| have == name);
                    results.extend(found.filter(|_| new).cloned());
                }
            }
        }
        results
    }
}

impl FrameTimes {
    fn add(&mut self, answer: &Answer) {
        let between = |from: u64, to: u64| Some(Duration::from_nanos(to.saturating_sub(from)));
        self.round_trip = between(answer.sent_ns, answer.arrived_ns);
        if let Some(server) = &answer.note {
            self.uplink = between(answer.sent_ns, server.received_ns);
            self.queue = Some(server.queue);
            self.decode = Some(server.decode);
            self.server = Some(server.compute);
            self.downlink = between(server.replied_ns, answer.arrived_ns);
        }
    }
}

impl CallError {
    /// Returns whether trying again could help.
    pub fn is_transient(&self) -> bool {
        self.cause == Cause::Transient
    }
}
