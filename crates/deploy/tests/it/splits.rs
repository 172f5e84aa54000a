//! Splits of a bundled model, made anew.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cutpoint_core::codec::Codec;
use cutpoint_core::task::Task;
use cutpoint_core::units::Bytes;
use cutpoint_deploy::Network;
use cutpoint_deploy::breaker::BreakerOptions;
use cutpoint_deploy::client::{Client, ClientOptions};
use cutpoint_deploy::halves::SplitDirectory;
use cutpoint_deploy::runner::{Frame, Outcome, RunOptions, Runner};
use cutpoint_deploy::server::{ServeOptions, Server, start};
use cutpoint_onnx::directory::Split;
use cutpoint_onnx::{CutRequest, Model, cut};
use cutpoint_runtime::library::find_or_fetch;
use cutpoint_runtime::probe::observe;
use cutpoint_runtime::session::{Difference, Values, compare};
use cutpoint_runtime::verify::run_whole;
use cutpoint_runtime::{Environment, environment};
use tempfile::TempDir;

const MODEL: &str = "models/mtlsplit_mobilenet_v3_small_64.onnx";
/// Fusion reorders sums: differences up to this share of the largest value are rounding.
const ROUNDING: f64 = 1e-5;

pub(crate) fn runtime() -> &'static Environment {
    // fetched once into the user's cache; without a network the message says what to do
    let library = find_or_fetch(&mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
    environment(&library, 1).unwrap()
}

/// A split in a folder of its own, with one frame and what the whole model makes of it.
pub(crate) struct Case {
    folder: TempDir,
    hash: String,
    pub(crate) feed: Values,
    pub(crate) expected: Values,
}

impl Case {
    /// Cut at `tensor`.
    pub(crate) fn at(tensor: &str, codec: &str) -> Case {
        let model = Model::load(&cutpoint_testkit::repository().join(MODEL)).unwrap();
        let observed = observe(runtime(), &model, &[]).unwrap();
        let graph = &observed.reading.graph;
        let codec: Codec = codec.parse().unwrap();
        let crossing = [(graph.find_tensor(tensor).unwrap(), codec)];
        let request = CutRequest::at(graph, &crossing, Vec::new()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let split = Split {
            model: &model,
            reading: &observed.reading,
            request: &request,
            halves: &cut(&model, &observed.reading, &request).unwrap(),
            tasks: &Task::complete(graph, &[]).unwrap(),
        };
        let description = split.write(folder.path(), true).unwrap();
        let expected = run_whole(runtime(), &model, &observed.feed).unwrap();
        Case {
            folder,
            hash: description.server.unwrap().sha256,
            feed: observed.feed,
            expected,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// As if the model had been trained a little longer: the same tensors, another server half.
    pub(crate) fn with_other_weights(self) -> Case {
        let path = self.path().join("server.onnx");
        let mut bytes = std::fs::read(&path).unwrap();
        // weights are most of the file, and lie in the middle of it
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let toml = self.path().join("split.toml");
        let mut description = std::fs::read_to_string(&toml).unwrap();
        let old = self.hash.clone();
        let new = Model::load(&path).unwrap().sha256().to_owned();
        assert_ne!(old, new);
        description = description.replace(&old, &new);
        std::fs::write(&toml, description).unwrap();
        self
    }

    pub(crate) fn directory(&self) -> SplitDirectory {
        SplitDirectory::open(self.folder.path()).unwrap()
    }

    pub(crate) fn serve(&self, listen: &str) -> Server {
        self.serve_with(|options| options.listen = listen.to_owned())
    }

    pub(crate) fn serve_with(&self, change: impl FnOnce(&mut ServeOptions)) -> Server {
        let directory = self.directory();
        let mut options = ServeOptions {
            listen: "127.0.0.1:0".to_owned(),
            name: directory.model_name(),
            queue: 16,
            max_message: Bytes(1 << 24),
            hold: None,
        };
        change(&mut options);
        start(
            directory.server_half(runtime()).unwrap(),
            runtime(),
            &options,
        )
        .unwrap()
    }

    pub(crate) fn client(&self, address: &str) -> Client {
        let options = ClientOptions {
            address: address.parse().unwrap(),
            model: self.directory().model_name(),
            max_message: Bytes(1 << 24),
        };
        Client::new(Arc::new(Network::start().unwrap()), options).unwrap()
    }

    pub(crate) fn runner(&self, address: &str, change: impl FnOnce(&mut RunOptions)) -> Runner {
        let mut options = RunOptions {
            deadline: Duration::from_secs(10),
            pipeline: 1,
            fall_back: true,
            breaker: BreakerOptions::default(),
        };
        change(&mut options);
        let client = Some(self.client(address));
        Runner::new(&self.directory(), runtime(), client, options).unwrap()
    }

    /// Runs frames and returns what became of them.
    pub(crate) fn run(&self, runner: &mut Runner, count: usize) -> Vec<Frame> {
        let mut frames = Vec::new();
        for _ in 0..count {
            let mut done = |frame| frames.push(frame);
            runner.frame(&self.feed, &mut done).unwrap();
        }
        runner.drain(&mut |frame| frames.push(frame)).unwrap();
        frames
    }

    /// Whether a frame was answered with the results of the whole model.
    pub(crate) fn is_right(&self, frame: &Frame) -> bool {
        let Outcome::Answered { results, .. } = &frame.outcome else {
            return false;
        };
        assert_eq!(results.len(), self.expected.len());
        self.expected.iter().all(|(name, expected)| {
            let (_, found) = results.iter().find(|(have, _)| have == name).unwrap();
            match compare(expected, found) {
                Difference::None => true,
                Difference::Rounding { max_abs, scale } => max_abs <= ROUNDING * scale,
                Difference::Different => false,
            }
        })
    }
}
