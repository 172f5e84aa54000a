//! Inputs of a model, frame after frame: from an archive of arrays, or made up.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use cutpoint_core::graph::ElementType;
use cutpoint_runtime::port::Port;
use cutpoint_runtime::session::{Values, random_value};
use cutpoint_runtime::values::from_message;
use cutpoint_runtime::{Environment, RunError};
use ndarray::{Array, IxDyn};
use ndarray_npy::{ReadNpyError, ReadNpyExt, ReadableElement};
use zip::ZipArchive;

/// Arrays are held in memory; a larger one is refused.
const LARGEST: u64 = 4 << 30;
/// Different frames that are made up.
const MADE_UP: u64 = 8;

/// Why frames cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FramesError {
    /// The file is no archive of arrays that fit.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// An input cannot be made up.
    #[error("input `{}`: {problem}", cutpoint_onnx::show(input))]
    Input {
        /// The input.
        input: String,
        /// Why.
        problem: String,
    },
    /// The runtime makes no value.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Frames of a model, taken again from the start when they end.
#[derive(Debug)]
pub struct Frames {
    inputs: Vec<Input>,
    count: usize,
}

/// All frames of one input, one behind the other.
#[derive(Debug)]
struct Input {
    name: String,
    dtype: ElementType,
    /// Of one frame.
    shape: Vec<u64>,
    bytes: Vec<u8>,
}

impl Frames {
    /// Reads an archive `.npz` with an array for each input: one frame of the input's shape, or
    /// several in one more dimension in front, or along a first dimension that is 1 in the model.
    ///
    /// # Errors
    /// An array is missing, or of another type or shape.
    pub fn open(path: &Path, ports: &[Port]) -> Result<Frames, FramesError> {
        let error = |problem: String| FramesError::File {
            path: path.to_owned(),
            problem,
        };
        let file = File::open(path).map_err(|cause| error(cause.to_string()))?;
        let mut archive = ZipArchive::new(file)
            .map_err(|cause| error(format!("not an archive of arrays (.npz): {cause}")))?;
        let names: Vec<String> = archive
            .file_names()
            .filter_map(Result::ok)
            .map(|name| name.strip_suffix(".npy").unwrap_or(&name).to_owned())
            .collect();
        let mut frames = Frames {
            inputs: Vec::new(),
            count: 0,
        };
        for port in ports {
            let name = cutpoint_onnx::show(&port.name);
            if !names.contains(&port.name) {
                return Err(error(format!(
                    "no array `{name}`; there are: {}",
                    names.join(", ")
                )));
            }
            let bad = |problem: String| error(format!("array `{name}`: {problem}"));
            let (shape, bytes) = read(&mut archive, port).map_err(bad)?;
            let (count, shape) = frames_of(port, &shape).map_err(bad)?;
            if count == 0 {
                return Err(bad("holds no frame".to_owned()));
            }
            if frames.count != 0 && frames.count != count {
                return Err(bad(format!(
                    "{count} frames where other inputs have {}",
                    frames.count
                )));
            }
            frames.count = count;
            frames.inputs.push(Input {
                name: port.name.clone(),
                dtype: port.dtype,
                shape,
                bytes,
            });
        }
        Ok(frames)
    }

    /// Makes up a few frames of random numbers, the same every time.
    ///
    /// # Errors
    /// An input has no fixed shape, or a type that cannot be made up.
    pub fn made_up(environment: &Environment, ports: &[Port]) -> Result<Frames, FramesError> {
        let inputs = ports.iter().map(|port| {
            let failed = |problem: &str| FramesError::Input {
                input: port.name.clone(),
                problem: problem.to_owned(),
            };
            let open = "leaves dimensions open: give its frames in an archive of arrays (.npz)";
            let shape = port.fixed_shape().ok_or_else(|| failed(open))?;
            let mut bytes = Vec::new();
            for seed in 0..MADE_UP {
                let value = random_value(&port.name, port.dtype, &shape, seed)?;
                let message = cutpoint_runtime::values::message(&value);
                bytes.extend(message.ok_or_else(|| failed("cannot be made up"))?);
            }
            // the environment is open, as values need
            let _: &Environment = environment;
            Ok(Input {
                name: port.name.clone(),
                dtype: port.dtype,
                shape,
                bytes,
            })
        });
        Ok(Frames {
            inputs: inputs.collect::<Result<_, FramesError>>()?,
            count: MADE_UP as usize,
        })
    }

    /// Returns how many different frames there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns a frame; numbers go round.
    ///
    /// # Errors
    /// The runtime makes no value.
    pub fn frame(&self, environment: &Environment, number: u64) -> Result<Values, RunError> {
        let row = (number % self.count.max(1) as u64) as usize;
        let inputs = self.inputs.iter().map(|input| {
            let size = input.bytes.len() / self.count.max(1);
            let bytes = &input.bytes[row * size..(row + 1) * size];
            let value = from_message(environment, input.dtype, &input.shape, bytes)?;
            Ok((input.name.clone(), value))
        });
        inputs.collect()
    }
}

/// How many frames an array of this shape has, and the shape of one.
fn frames_of(port: &Port, shape: &[u64]) -> Result<(usize, Vec<u64>), String> {
    if port.takes(port.dtype, shape) {
        return Ok((1, shape.to_vec()));
    }
    if let [count, one @ ..] = shape {
        let count = usize::try_from(*count).unwrap_or(usize::MAX);
        if port.takes(port.dtype, one) {
            return Ok((count, one.to_vec()));
        }
        let single = [&[1], one].concat();
        if port.takes(port.dtype, &single) {
            return Ok((count, single));
        }
    }
    Err(format!("has shape {shape:?}, but the model takes {port}"))
}

fn read(archive: &mut ZipArchive<File>, port: &Port) -> Result<(Vec<u64>, Vec<u8>), String> {
    macro_rules! array {
        ($t:ty) => {{
            let array: Array<$t, IxDyn> = by_name(archive, port)?;
            let shape = array.shape().iter().map(|size| *size as u64).collect();
            let elements = array.iter().flat_map(|element| element.to_le_bytes());
            Ok((shape, elements.collect()))
        }};
    }
    match port.dtype {
        ElementType::Float32 => array!(f32),
        ElementType::Float64 => array!(f64),
        ElementType::Int8 => array!(i8),
        ElementType::Int16 => array!(i16),
        ElementType::Int32 => array!(i32),
        ElementType::Int64 => array!(i64),
        ElementType::UInt8 => array!(u8),
        ElementType::UInt16 => array!(u16),
        ElementType::UInt32 => array!(u32),
        ElementType::UInt64 => array!(u64),
        ElementType::Bool => {
            let array: Array<bool, IxDyn> = by_name(archive, port)?;
            let shape = array.shape().iter().map(|size| *size as u64).collect();
            Ok((shape, array.iter().map(|x| u8::from(*x)).collect()))
        }
        other => Err(format!("arrays of type {other} are not read")),
    }
}

fn by_name<T: ReadableElement>(
    archive: &mut ZipArchive<File>,
    port: &Port,
) -> Result<Array<T, IxDyn>, String> {
    let file = archive.by_name(&format!("{}.npy", port.name));
    let file = file.map_err(|error| error.to_string())?;
    // what a header claims is compared with what there is, before memory is asked for
    let mut bytes = Vec::new();
    file.take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if claimed::<T>(&bytes).is_none_or(|claimed| claimed > bytes.len()) {
        return Err(format!(
            "damaged, or larger than {} GB; save it again",
            LARGEST >> 30
        ));
    }
    let array = Array::<T, IxDyn>::read_npy(&bytes[..]);
    array.map_err(|error: ReadNpyError| {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default().to_owned();
        format!("{line}; save it as {}", port.dtype)
    })
}

/// The bytes that an array has by the shape in its header.
fn claimed<T>(bytes: &[u8]) -> Option<usize> {
    let head = &bytes[..bytes.len().min(1 << 12)];
    let text = String::from_utf8_lossy(head);
    let (_, rest) = text.split_once("'shape'")?;
    let (_, rest) = rest.split_once('(')?;
    let (dims, _) = rest.split_once(')')?;
    let dims = dims.split(',').map(str::trim).filter(|dim| !dim.is_empty());
    dims.map(|dim| dim.parse::<usize>().ok())
        .try_fold(size_of::<T>(), |product, dim| product.checked_mul(dim?))
}
