//! The other machine: measured there, or simulated from what was measured here.

mod groups;
mod spec;
mod union;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cutpoint_core::contents::read_text;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::graph::{Graph, Layer, TensorId};
use cutpoint_core::profile::{
    CodecRecord, CutRecord, MemoryModel, Profile, ProfileError, TimeSpread, UnionError,
};
use cutpoint_core::server_ref::{ServerRef, simulated_name};

pub use spec::{Roofline, Speed};

/// A machine that can run the server half.
#[derive(Debug, Clone)]
pub struct Server {
    /// Human-readable name; says "simulated" when it is.
    pub name: String,
    /// Added to every request by the serving engine, in microseconds.
    pub request_us: f64,
    /// Relative standard deviation of the simulated time; zero for that of the machine measured.
    pub jitter: f64,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Measured(Box<Profile>),
    /// Scaled from a profile; `None` is the edge's own.
    Simulated(Option<Box<Profile>>, Speed),
}

/// A server's times for the layers and tensors of one graph.
#[derive(Debug, Clone)]
pub struct ServerTimes {
    /// Per layer.
    pub layer_us: Vec<f64>,
    /// Per tensor: taking it over when it crosses.
    pub recv_us: Vec<f64>,
    /// Times of the codecs; only decoding counts.
    pub codecs: Vec<CodecRecord>,
    /// Of any split.
    pub split_us: f64,
    /// Peak memory of a half.
    pub memory: MemoryModel,
    /// Tensors that live inside what this machine runs as one: they may not cross.
    pub inside_groups: Vec<TensorId>,
    /// What a person should know about how the times were found.
    pub note: Option<String>,
}

/// What makes a server unusable.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Text like `sim:` without a usable factor.
    #[error("`{0}` is not a simulated server: write `sim:8x` for one eight times as fast")]
    BadFactor(String),
    /// The file cannot be read.
    #[error("{path}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// There is no such file.
    #[error("{path}: there is no such file: {hint}")]
    Missing {
        /// What was named.
        path: PathBuf,
        /// What may have been meant.
        hint: String,
    },
    /// The file is not the description of a simulated server.
    #[error("{path}: not a simulated server: {message}")]
    Spec {
        /// The file.
        path: PathBuf,
        /// The cause.
        message: String,
    },
    /// The profile cannot be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The profile measured something else.
    #[error(
        "the server's profile is of another model ({server}) than the edge's ({edge}): \
         measure the same file on both machines with `cutpoint profile`"
    )]
    OtherModel {
        /// File and hash of the server's model.
        server: String,
        /// File and hash of the edge's model.
        edge: String,
    },
    /// The layers of the two profiles cannot be matched.
    #[error(
        "the server's profile does not know `{0}` of the edge's profile: \
         measure both machines with the same version of cutpoint"
    )]
    Unmatched(String),
    /// Models of one set on different servers.
    #[error(
        "one set of models runs on one server, measured or simulated alike: not on {0} and {1}"
    )]
    MixedSet(String, String),
    /// The server's profiles of the models of a set cannot be taken together.
    #[error("on the server, {0}")]
    Set(#[from] UnionError),
    /// The machine that measured has no roofline.
    #[error(
        "the profile of `{0}` states no peak_gflop_s or mem_gb_s, which a roofline needs: \
         measure again with `cutpoint profile`, or use a speed-up such as `sim:8x`"
    )]
    NoRoofline(String),
}

/// Where descriptions of simulated servers are kept.
const DESCRIPTIONS: &str = "profiles/servers";

/// Says what a name that is no file's may stand for.
fn missing(path: &Path) -> ServerError {
    let name = path.to_string_lossy();
    let described = Path::new(DESCRIPTIONS).join(format!("{name}.toml"));
    let speed_up = name.strip_prefix("sim").and_then(|rest| {
        let digits = rest.trim_start_matches(['-', '_', '=', ' ']);
        let number = digits.strip_suffix('x').unwrap_or(digits);
        number
            .parse()
            .ok()
            .filter(|factor| spec::is_speedup(*factor))
    });
    let hint = match speed_up {
        Some(factor) => format!("write `{}` for a simulated server", simulated_name(factor)),
        None if described.is_file() => format!("write {}", described.display()),
        None => "name a profile, the description of a simulated server, or `sim:8x`".to_owned(),
    };
    ServerError::Missing {
        path: path.to_owned(),
        hint,
    }
}

impl Server {
    /// Reads what `--server` takes: `sim:8x`, the description of a simulated server, or a profile.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn read(text: &str) -> Result<Server, ServerError> {
        match ServerRef::of(text) {
            ServerRef::Simulated(factor) => {
                let number = factor.strip_suffix('x').unwrap_or(factor);
                let factor = number.parse().ok().filter(|f| spec::is_speedup(*f));
                factor
                    .map(Server::faster)
                    .ok_or_else(|| ServerError::BadFactor(text.to_owned()))
            }
            ServerRef::File(path) => Server::load(path),
        }
    }

    fn load(path: &Path) -> Result<Server, ServerError> {
        let text = read_text(path, "a profile or the description of a simulated server");
        let text = text.map_err(|cause| match cause.kind() {
            ErrorKind::NotFound => missing(path),
            _ => ServerError::Io {
                path: path.to_owned(),
                cause,
            },
        })?;
        match FileKind::of(&text) {
            Ok(Some(FileKind::Server)) => spec::parse(&text, path),
            _ => Ok(Server::measured(Profile::parse(&text, path)?)),
        }
    }

    /// A machine measured with `cutpoint profile`.
    pub fn measured(profile: Profile) -> Server {
        let board = &profile.board;
        Server {
            name: board.server.as_ref().unwrap_or(&board.name).clone(),
            request_us: profile
                .serving
                .as_ref()
                .map_or(0.0, |serving| serving.request_us),
            jitter: 0.0,
            source: Source::Measured(Box::new(profile)),
        }
    }

    /// A simulated machine, `factor` times as fast as the edge, without any overhead.
    pub fn faster(factor: f64) -> Server {
        Server {
            name: simulated_name(factor),
            request_us: 0.0,
            jitter: 0.0,
            source: Source::Simulated(None, Speed::Factor(factor)),
        }
    }

    /// The same simulated machine at another speed, as a multiple of the machine that was measured;
    /// `None` unless its speed is such a multiple.
    pub fn at_speed(&self, factor: f64) -> Option<Server> {
        match &self.source {
            Source::Simulated(base, Speed::Factor(_)) => Some(Server {
                name: if ServerRef::of(&self.name).is_simulated() {
                    simulated_name(factor)
                } else {
                    format!("{} at {factor}x", self.name)
                },
                source: Source::Simulated(base.clone(), Speed::Factor(factor)),
                ..self.clone()
            }),
            _ => None,
        }
    }

    /// Whether the times are computed rather than measured on that machine.
    pub fn simulated(&self) -> bool {
        matches!(self.source, Source::Simulated(..))
    }

    /// How many times as fast as the edge board itself the machine is; `None` unless it is simulated
    /// that way.
    pub fn speed_up(&self) -> Option<f64> {
        match &self.source {
            Source::Simulated(None, Speed::Factor(factor)) => Some(*factor),
            _ => None,
        }
    }

    /// What was measured on that machine; `None` when it is simulated.
    pub fn profile(&self) -> Option<&Profile> {
        match &self.source {
            Source::Measured(profile) => Some(profile),
            Source::Simulated(..) => None,
        }
    }

    /// The halves that were really measured on that machine.
    pub fn cuts(&self) -> &[CutRecord] {
        match &self.source {
            Source::Measured(profile) => &profile.cuts,
            Source::Simulated(..) => &[],
        }
    }

    /// The profile that the times come from, and how they are scaled.
    fn base<'a>(&'a self, edge: &'a Profile) -> (&'a Profile, Option<&'a Speed>) {
        match &self.source {
            Source::Measured(profile) => (profile, None),
            Source::Simulated(Some(profile), speed) => (profile, Some(speed)),
            Source::Simulated(None, speed) => (edge, Some(speed)),
        }
    }

    /// How the times vary: for a simulated server its jitter, if that is stated, else as those of
    /// the profile they come from. `None` when that does not say.
    pub fn spread(&self, edge: &Profile) -> Option<TimeSpread> {
        if self.jitter > 0.0 {
            Some(TimeSpread::Normal(self.jitter))
        } else {
            self.base(edge).0.whole.spread()
        }
    }

    /// The times for the layers of the edge's profile, whose graph is `graph`.
    ///
    /// # Errors
    /// Another model; layers that cannot be matched; a roofline without its basis.
    pub fn times(&self, edge: &Profile, graph: &Graph) -> Result<ServerTimes, ServerError> {
        let (base, speed) = self.base(edge);
        let own = |p: &Profile| format!("{} {:.12}", p.model.file, p.model.sha256);
        // of a table written by hand, nobody may know the model's hash
        let unknown = base.model.sha256.is_empty() || edge.model.sha256.is_empty();
        let same = base.model.sha256 == edge.model.sha256 && base.model.shapes == edge.model.shapes;
        if !same && !unknown {
            return Err(ServerError::OtherModel {
                server: own(base),
                edge: own(edge),
            });
        }
        let mut times = if std::ptr::eq(base, edge) {
            own_times(edge)
        } else {
            groups::times(base, edge, graph)?
        };
        if let Some(speed) = speed {
            speed.apply(&mut times, &base.board, graph)?;
        }
        Ok(times)
    }
}

fn own_times(profile: &Profile) -> ServerTimes {
    ServerTimes {
        layer_us: profile.layers.iter().map(|l| l.server_us).collect(),
        recv_us: profile.tensors.iter().map(|t| t.recv_us).collect(),
        codecs: profile.codecs.clone(),
        split_us: profile.method.split_server_us,
        memory: profile.memory,
        inside_groups: Vec::new(),
        note: None,
    }
}

/// Bytes a layer reads and writes, weights included.
fn moved_bytes(graph: &Graph, layer: &Layer) -> f64 {
    let tensors = layer.inputs.iter().chain(&layer.outputs);
    let tensors = tensors.map(|t| graph.tensor(*t).bytes.0 as f64);
    let weights = layer
        .weights
        .iter()
        .map(|w| graph.weights()[w.index()].bytes.0 as f64);
    tensors.chain(weights).sum()
}
