//! The halves of a split directory, ready to run.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cutpoint_core::graph::{ElementType, Tensor};
use cutpoint_onnx::directory::{CrossingRecord, Description, HalfRecord};
use cutpoint_onnx::wire::{WireError, pack, unpack};
use cutpoint_onnx::{Model, OnnxError, show};
use cutpoint_runtime::halves::pick;
use cutpoint_runtime::port::Port;
use cutpoint_runtime::session::{Session, SessionOptions, Values};
use cutpoint_runtime::values::from_message;
use cutpoint_runtime::{Environment, RunError};

use super::tensor::{SentTensor, TensorError};

/// Why halves cannot be opened or run.
#[derive(Debug, thiserror::Error)]
pub enum HalfError {
    /// The folder holds no split, or a bad model.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// A file is not the one that was described.
    #[error("{}: is not the file that split.toml describes: split again", .0.display())]
    OtherFile(PathBuf),
    /// The runtime refuses or fails.
    #[error("{half}: {error}")]
    Run {
        /// Name of the half's file.
        half: String,
        /// Why.
        error: RunError,
    },
    /// A tensor cannot be sent or taken.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// A message cannot be made or undone.
    #[error("tensor `{}`: {error}", show(tensor))]
    Wire {
        /// The tensor that crosses.
        tensor: String,
        /// Why.
        error: WireError,
    },
    /// The split has no server half.
    #[error("{}: everything runs on the edge: there is no server half to serve", .0.display())]
    NoServer(PathBuf),
}

/// A split directory whose files are those that its description names.
#[derive(Debug)]
pub struct SplitDirectory {
    folder: PathBuf,
    /// What `split.toml` says.
    pub description: Description,
    edge: Option<Model>,
    local: Option<Model>,
    server: Option<Model>,
}

impl SplitDirectory {
    /// Opens a folder that `cutpoint split` wrote.
    ///
    /// # Errors
    /// It holds no split, or other files than `split.toml` says.
    pub fn open(folder: &Path) -> Result<SplitDirectory, HalfError> {
        let description = Description::load(folder)?;
        let load = |record: &Option<HalfRecord>| match record {
            None => Ok(None),
            Some(record) => {
                let path = folder.join(&record.file);
                let model = Model::load(&path)?;
                if model.sha256() == record.sha256 {
                    Ok(Some(model))
                } else {
                    Err(HalfError::OtherFile(path))
                }
            }
        };
        Ok(SplitDirectory {
            folder: folder.to_owned(),
            edge: load(&description.edge)?,
            local: load(&description.local)?,
            server: load(&description.server)?,
            description,
        })
    }

    /// Returns a name for the server half: that of the whole model without its ending.
    pub fn model_name(&self) -> String {
        let file = &self.description.model.file;
        file.strip_suffix(".onnx").unwrap_or(file).to_owned()
    }

    /// Returns the server half's file, if there is one.
    pub(crate) fn server_bytes(&self) -> Vec<u8> {
        self.server.as_ref().map(Model::encode).unwrap_or_default()
    }

    /// Returns the hash of the server half, if there is one.
    pub fn server_sha256(&self) -> Option<&str> {
        self.server.as_ref().map(Model::sha256)
    }

    /// Builds the session of the edge half.
    ///
    /// # Errors
    /// The runtime refuses it.
    pub fn edge_half(&self, environment: &Environment) -> Result<EdgeHalf, HalfError> {
        let edge = self.edge.as_ref();
        let session = edge.map(|model| session(environment, model)).transpose()?;
        let server = self.description.server.as_ref();
        Ok(EdgeHalf {
            session,
            crossings: self.crossings()?,
            server_inputs: server.map(|half| half.inputs.clone()).unwrap_or_default(),
        })
    }

    /// Builds the session of the heads that are overlapped with transfer and server.
    ///
    /// # Errors
    /// The runtime refuses it.
    pub fn local_half(&self, environment: &Environment) -> Result<Option<LocalHalf>, HalfError> {
        let local = self.local.as_ref();
        let session = local.map(|model| session(environment, model)).transpose()?;
        Ok(session.map(LocalHalf))
    }

    /// Builds the session of the server half.
    ///
    /// # Errors
    /// There is none, or the runtime refuses it.
    pub fn server_half(&self, environment: &Environment) -> Result<ServerHalf, HalfError> {
        let none = || HalfError::NoServer(self.folder.clone());
        let model = self.server.as_ref().ok_or_else(none)?;
        let session = session(environment, model)?;
        Ok(ServerHalf {
            inputs: session.inputs(),
            outputs: session.outputs(),
            session,
            crossings: self.crossings()?,
            sha256: model.sha256().to_owned(),
        })
    }

    fn crossings(&self) -> Result<Vec<Crossing>, HalfError> {
        let records = self.description.crossings.iter();
        records.map(Crossing::of).collect()
    }
}

fn session(environment: &Environment, model: &Model) -> Result<Session, HalfError> {
    Session::new(environment, &model.encode(), &SessionOptions::default())
        .map_err(failed(&model.file_name()))
}

fn failed(half: &str) -> impl FnOnce(RunError) -> HalfError {
    let half = half.to_owned();
    move |error| HalfError::Run { half, error }
}

/// A tensor that crosses.
#[derive(Debug, Clone)]
struct Crossing {
    record: CrossingRecord,
    tensor: Tensor,
}

impl Crossing {
    fn of(record: &CrossingRecord) -> Result<Crossing, HalfError> {
        let dtype: ElementType = record.dtype.parse().map_err(|problem| TensorError {
            name: record.tensor.clone(),
            problem,
        })?;
        let elements = record.shape.iter().copied().fold(1, u64::saturating_mul);
        let tensor = Tensor {
            name: record.tensor.clone(),
            dtype,
            shape: record.shape.clone(),
            bytes: dtype.bytes(elements),
            uncuttable: None,
        };
        Ok(Crossing {
            record: record.clone(),
            tensor,
        })
    }

    /// What is sent of the values of the edge half.
    fn pack(&self, values: &Values) -> Result<Vec<SentTensor>, HalfError> {
        let codec = self.record.codec;
        let sent = pick(&self.record.sent, values).map_err(failed("edge.onnx"))?;
        let tensors = sent.iter().map(|(name, value)| SentTensor::of(name, value));
        let tensors = tensors.collect::<Result<Vec<SentTensor>, TensorError>>()?;
        if codec.is_in_halves() {
            return Ok(tensors);
        }
        let parts: Vec<&[u8]> = tensors.iter().map(|tensor| &tensor.bytes[..]).collect();
        let packed = pack(codec, &self.tensor, parts.concat()).map_err(self.wire_error())?;
        Ok(vec![SentTensor {
            name: self.record.tensor.clone(),
            dtype: ElementType::UInt8,
            shape: vec![packed.len() as u64],
            bytes: packed.into(),
            packed: Some(codec),
        }])
    }

    /// The values for the server half, of what was packed.
    fn unpack(
        &self,
        sent: &SentTensor,
        ports: &[Port],
        environment: &Environment,
    ) -> Result<Values, HalfError> {
        let message = unpack(self.record.codec, &self.tensor, sent.bytes.to_vec());
        let message = message.map_err(self.wire_error())?;
        let mut rest = &message[..];
        let mut values = Vec::new();
        for name in &self.record.sent {
            let port = ports.iter().find(|port| port.name == *name);
            let shape = port.and_then(|port| Some((port.dtype, self.shape_of(port)?)));
            let (dtype, shape) = shape.ok_or_else(|| {
                sent.error(format!("the server half does not say what `{name}` is"))
            })?;
            let elements = shape.iter().copied().fold(1, u64::saturating_mul);
            let bytes = dtype.bytes(elements).0 as usize;
            let (part, behind) = rest
                .split_at_checked(bytes)
                .ok_or_else(|| sent.error(format!("too short for `{name}`")))?;
            rest = behind;
            let value = from_message(environment, dtype, &shape, part);
            values.push((name.clone(), value.map_err(failed("server.onnx"))?));
        }
        Ok(values)
    }

    /// The shape of a sent value: as the half declares it, else that of the tensor.
    fn shape_of(&self, port: &Port) -> Option<Vec<u64>> {
        let same_rank =
            || (port.shape.len() == self.tensor.shape.len()).then(|| self.tensor.shape.clone());
        port.fixed_shape().or_else(same_rank)
    }

    fn wire_error(&self) -> impl FnOnce(WireError) -> HalfError {
        let tensor = self.record.tensor.clone();
        move |error| HalfError::Wire { tensor, error }
    }
}

/// What the edge half made of a frame.
#[derive(Debug)]
pub struct EdgeResult {
    /// Outputs of the edge half, and the inputs of the frame.
    pub values: Values,
    /// What is sent.
    pub message: Vec<SentTensor>,
    /// Running the half, codecs that are part of it included.
    pub edge: Duration,
    /// Packing: image files, compression, laying out the bytes.
    pub encode: Duration,
}

/// The edge half.
#[derive(Debug)]
pub struct EdgeHalf {
    session: Option<Session>,
    crossings: Vec<Crossing>,
    server_inputs: Vec<String>,
}

impl EdgeHalf {
    /// Runs the half on the inputs of a model and packs what crosses.
    ///
    /// # Errors
    /// An input is missing, the runtime fails, or a tensor cannot be sent.
    pub fn run(&mut self, feed: &Values) -> Result<EdgeResult, HalfError> {
        let start = Instant::now();
        let mut values = Values::new();
        if let Some(session) = &mut self.session {
            let inputs = pick(&session.input_names(), feed).map_err(failed("edge.onnx"))?;
            values = session.run(&inputs).map_err(failed("edge.onnx"))?;
        }
        let edge = start.elapsed();
        let start = Instant::now();
        values.extend(feed.iter().cloned());
        let mut message = Vec::new();
        for crossing in &self.crossings {
            message.extend(crossing.pack(&values)?);
        }
        // inputs that the server is said to have: here they are only on the edge
        let made = |name: &String| self.crossings.iter().any(|c| c.record.sent.contains(name));
        for name in self.server_inputs.iter().filter(|name| !made(name)) {
            for (name, value) in
                pick(std::slice::from_ref(name), feed).map_err(failed("server.onnx"))?
            {
                message.push(SentTensor::of(&name, &value)?);
            }
        }
        Ok(EdgeResult {
            values,
            message,
            edge,
            encode: start.elapsed(),
        })
    }

    /// Returns the inputs of the model, as far as this half or the message needs them.
    pub fn inputs(&self, server: Option<&ServerHalf>, local: Option<&LocalHalf>) -> Vec<Port> {
        let edge = self.session.as_ref();
        let mut inputs = edge.map(Session::inputs).unwrap_or_default();
        let made = edge.map(Session::outputs).unwrap_or_default();
        let server = server.map(|half| half.inputs.clone());
        let local = local.map(|half| half.0.inputs());
        for port in server.into_iter().chain(local).flatten() {
            let known = |ports: &[Port]| ports.iter().any(|have| have.name == port.name);
            if !known(&inputs) && !known(&made) {
                inputs.push(port);
            }
        }
        inputs
    }

    /// Returns whether anything is sent at all.
    pub fn sends(&self) -> bool {
        !self.server_inputs.is_empty()
    }
}

/// The heads that are overlapped with transfer and server.
#[derive(Debug)]
pub struct LocalHalf(Session);

impl LocalHalf {
    /// Runs the heads on what the edge half made.
    ///
    /// # Errors
    /// The runtime fails.
    pub fn run(&mut self, values: &Values) -> Result<Values, HalfError> {
        let inputs = pick(&self.0.input_names(), values).map_err(failed("local.onnx"))?;
        self.0.run(&inputs).map_err(failed("local.onnx"))
    }
}

/// The server half.
#[derive(Debug)]
pub struct ServerHalf {
    session: Session,
    /// What it takes.
    pub inputs: Vec<Port>,
    /// What it gives.
    pub outputs: Vec<Port>,
    crossings: Vec<Crossing>,
    /// Hash of its file.
    pub sha256: String,
}

impl ServerHalf {
    /// Returns the values of a message, in the order of the inputs.
    ///
    /// # Errors
    /// A tensor is missing, twice there, unknown, or of another type or shape.
    pub fn values(
        &self,
        environment: &Environment,
        message: &[SentTensor],
    ) -> Result<Values, HalfError> {
        let mut values = Values::new();
        for sent in message {
            let found = match sent.packed {
                Some(codec) => {
                    let crossing = self.crossings.iter().find(|c| c.record.tensor == sent.name);
                    let crossing =
                        crossing
                            .filter(|c| c.record.codec == codec)
                            .ok_or_else(|| {
                                sent.error(format!("does not cross this split in codec `{codec}`"))
                            })?;
                    crossing.unpack(sent, &self.inputs, environment)?
                }
                None => vec![(sent.name.clone(), self.checked(sent)?.value(environment)?)],
            };
            for (name, value) in found {
                if values.iter().any(|(have, _)| *have == name) {
                    return Err(sent.error(format!("`{name}` is sent twice")).into());
                }
                values.push((name, value));
            }
        }
        for port in &self.inputs {
            if !values.iter().any(|(name, _)| *name == port.name) {
                return Err(TensorError {
                    name: port.name.clone(),
                    problem: format!("is missing; the server half takes it as {port}"),
                }
                .into());
            }
        }
        Ok(values)
    }

    fn checked(&self, sent: &SentTensor) -> Result<SentTensor, TensorError> {
        let port = self.inputs.iter().find(|port| port.name == sent.name);
        let port = port.ok_or_else(|| sent.error("is no input of the server half".to_owned()))?;
        let fitted = sent.clone().fitted(port);
        if port.takes(fitted.dtype, &fitted.shape) {
            return Ok(fitted);
        }
        Err(sent.error(format!(
            "is {} of shape {:?}, where the server half takes {port}",
            sent.dtype, sent.shape
        )))
    }

    /// Runs the half.
    ///
    /// # Errors
    /// The runtime fails.
    pub fn run(&mut self, values: &Values) -> Result<Values, HalfError> {
        self.session.run(values).map_err(failed("server.onnx"))
    }
}

/// Returns the results of a half as they are sent.
///
/// # Errors
/// A result is of a type that is not sent.
pub fn sent_results(values: &Values) -> Result<Vec<SentTensor>, TensorError> {
    let results = values.iter();
    results
        .map(|(name, value)| SentTensor::of(name, value))
        .collect()
}
