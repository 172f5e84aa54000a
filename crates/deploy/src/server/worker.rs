//! The thread that runs the half, the queue before it, and what it counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cutpoint_runtime::Environment;
use tokio::sync::{mpsc, oneshot};

use super::ServeOptions;
use crate::halves::{HalfError, ServerHalf, sent_results};
use crate::tensor::SentTensor;

/// What a server did so far.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests that were answered.
    pub answered: AtomicU64,
    /// Requests that were refused or failed.
    pub failed: AtomicU64,
    /// Requests that found the queue full; failed ones do not count them.
    pub turned_away: AtomicU64,
    /// Requests whose client went away before they were run.
    pub abandoned: AtomicU64,
    /// Waiting for the half, in nanoseconds, of all that were answered.
    pub queue_ns: AtomicU64,
    /// Making inputs of messages, likewise.
    pub decode_ns: AtomicU64,
    /// Running the half, likewise.
    pub compute_ns: AtomicU64,
    /// Making messages of results, likewise.
    pub encode_ns: AtomicU64,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }

    /// Returns what a counter of these says.
    pub fn read(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}

/// Where the time of one request went.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RequestTimes {
    pub(super) queue: Duration,
    pub(super) decode: Duration,
    pub(super) compute: Duration,
    pub(super) encode: Duration,
}

/// What the half gave, or why it did not.
pub(super) type Outcome = Result<(Vec<SentTensor>, RequestTimes), HalfError>;

struct Job {
    message: Vec<SentTensor>,
    received: Instant,
    reply: oneshot::Sender<Outcome>,
}

/// Why a request is not even queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// As many as may wait already.
    Full,
    /// The thread has ended.
    Ended,
}

/// The way to the thread that runs the half.
#[derive(Debug)]
pub(super) struct Worker(mpsc::Sender<Job>);

impl Worker {
    pub(super) fn start(
        mut half: ServerHalf,
        environment: &'static Environment,
        options: &ServeOptions,
        counters: Arc<Counters>,
    ) -> std::io::Result<Worker> {
        let (sender, mut jobs) = mpsc::channel::<Job>(options.queue.max(1));
        let hold = options.hold;
        let serve = move || {
            while let Some(job) = jobs.blocking_recv() {
                if job.reply.is_closed() {
                    Counters::add(&counters.abandoned, 1);
                    continue;
                }
                let queue = job.received.elapsed();
                let outcome = answer(&mut half, environment, &job.message, queue);
                let rest = hold.and_then(|hold| hold.checked_sub(job.received.elapsed()));
                std::thread::sleep(rest.unwrap_or_default());
                count(&counters, &outcome);
                // a client that went away needs no answer
                let _ = job.reply.send(outcome);
            }
        };
        std::thread::Builder::new()
            .name("half".to_owned())
            .spawn(serve)?;
        Ok(Worker(sender))
    }

    /// Queues a request.
    pub(super) fn queue(
        &self,
        message: Vec<SentTensor>,
    ) -> Result<oneshot::Receiver<Outcome>, Refused> {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            message,
            received: Instant::now(),
            reply,
        };
        self.0.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refused::Full,
            mpsc::error::TrySendError::Closed(_) => Refused::Ended,
        })?;
        Ok(answer)
    }
}

fn answer(
    half: &mut ServerHalf,
    environment: &Environment,
    message: &[SentTensor],
    queue: Duration,
) -> Outcome {
    let start = Instant::now();
    let values = half.values(environment, message)?;
    let decode = start.elapsed();
    let results = half.run(&values)?;
    let compute = start.elapsed() - decode;
    let results = sent_results(&results)?;
    let times = RequestTimes {
        queue,
        decode,
        compute,
        encode: start.elapsed() - decode - compute,
    };
    Ok((results, times))
}

fn count(counters: &Counters, outcome: &Outcome) {
    let Ok((_, times)) = outcome else {
        return Counters::add(&counters.failed, 1);
    };
    Counters::add(&counters.answered, 1);
    for (counter, time) in [
        (&counters.queue_ns, times.queue),
        (&counters.decode_ns, times.decode),
        (&counters.compute_ns, times.compute),
        (&counters.encode_ns, times.encode),
    ] {
        Counters::add(counter, u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }
}
