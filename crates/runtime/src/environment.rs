//! The one environment of ONNX Runtime that a process may have.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ort::LoadDynamicError;
use ort::environment::{Environment, GlobalThreadPoolOptions};
use ort::ep::ExecutionProvider;
use ort::logging::LogLevel;
use ort::session::builder::SessionBuilder;

use super::library::{Library, VARIABLE};

/// Why ONNX Runtime does not start.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum RuntimeError {
    /// The file is no library this machine can load.
    #[error("{path}: cannot be loaded: {reason}; {remedy}")]
    Load {
        path: PathBuf,
        reason: String,
        remedy: String,
    },
    /// The environment is open already, and there can be only one.
    #[error(
        "ONNX Runtime runs already with {open_threads} threads and {open_path}; one process \
         cannot change to {threads} threads and {path}: use another process"
    )]
    Open {
        open_path: PathBuf,
        open_threads: usize,
        path: PathBuf,
        threads: usize,
    },
    /// The runtime reports a failure.
    #[error("ONNX Runtime: {0}")]
    Runtime(String),
}

struct Open {
    path: PathBuf,
    threads: usize,
    environment: Environment,
}

static OPEN: OnceLock<Open> = OnceLock::new();
static OPENING: Mutex<()> = Mutex::new(());

/// Loads `library` and opens the environment of this process, whose sessions all share one pool of
/// `threads` threads (the caller's is one of them; they spin while they wait for work). Later calls
/// return the same environment.
///
/// The runtime's own messages are dropped, since its errors are returned; with the variable
/// `ORT_LOG` set (`error`, `warning`, `info`, `verbose`) it prints them on standard error.
///
/// Official builds from 1.29 on report their use unless the process was started with
/// `ORT_DISABLE_TELEMETRY=1`, as the `cutpoint` binary sees to for itself; this function forbids
/// what can be forbidden later.
///
/// # Errors
/// See [`RuntimeError`]; [`RuntimeError::Open`] when a later call names another library or count.
pub fn environment(
    library: &Library,
    threads: usize,
) -> Result<&'static Environment, RuntimeError> {
    let _one_at_a_time = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    let open = match OPEN.get() {
        Some(open) => open,
        None => {
            let environment = open(library, threads)?;
            OPEN.get_or_init(|| Open {
                path: library.path.clone(),
                threads,
                environment,
            })
        }
    };
    if open.threads != threads || open.path != library.path {
        return Err(RuntimeError::Open {
            open_path: open.path.clone(),
            open_threads: open.threads,
            path: library.path.clone(),
            threads,
        });
    }
    Ok(&open.environment)
}

fn open(library: &Library, threads: usize) -> Result<Environment, RuntimeError> {
    let builder = ort::init_from(&library.path).map_err(|error| load_error(library, &error))?;
    let wants_log = std::env::var_os("ORT_LOG").is_some_and(|level| !level.is_empty());
    let build = || -> ort::Result<Environment> {
        let pool = GlobalThreadPoolOptions::default()
            .with_intra_threads(threads)?
            .with_spin_control(true)?;
        let builder = builder
            .with_name("cutpoint")
            .with_telemetry(false)
            .with_global_thread_pool(pool);
        if wants_log {
            return builder.build();
        }
        let environment = builder.with_logger(Arc::new(|_, _, _, _, _| ())).build()?;
        // otherwise each message is formatted before it is dropped
        environment.set_log_level(LogLevel::Fatal);
        Ok(environment)
    };
    build().map_err(|error| RuntimeError::Runtime(error.to_string()))
}

fn load_error(library: &Library, error: &LoadDynamicError) -> RuntimeError {
    let (reason, remedy) = match error {
        LoadDynamicError::BadVersion { version_str, .. } => (
            format!("it is ONNX Runtime {version_str}"),
            format!(
                "at least 1.{}.0 is needed: name a newer one in {VARIABLE}, or unset it",
                ort::MINOR_VERSION
            ),
        ),
        LoadDynamicError::MissingApi { .. } | LoadDynamicError::InvalidVersionString => (
            "it is not ONNX Runtime".to_owned(),
            format!("name its shared library in {VARIABLE}, or unset it"),
        ),
        LoadDynamicError::Dlopen { error, .. } => (
            std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string),
            format!("name a library built for this machine in {VARIABLE}, or unset it"),
        ),
    };
    RuntimeError::Load {
        path: library.path.clone(),
        reason,
        remedy,
    }
}

macro_rules! known_providers {
    ($($name:literal: $canonical:literal,)*) => {
        /// Returns the names of the execution providers that the loaded library was built with, the
        /// one for the processor included. Being built in does not mean that its hardware is here.
        ///
        /// # Errors
        /// [`RuntimeError::Runtime`] when the library does not answer.
        pub fn providers(_loaded: &Environment) -> Result<Vec<&'static str>, RuntimeError> {
            let mut names = Vec::new();
            $({
                struct Probe;
                impl ExecutionProvider for Probe {
                    const NAME: &'static str = $canonical;
                    fn register(&self, _: &mut SessionBuilder) -> ort::Result<()> {
                        Err(ort::Error::new("this only asks whether the provider exists"))
                    }
                }
                let available = Probe::is_available()
                    .map_err(|error| RuntimeError::Runtime(error.to_string()))?;
                names.extend(available.then_some($name));
            })*
            Ok(names)
        }
    };
}

known_providers! {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "nv-tensorrt-rtx": "NvTensorRTRTXExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "onednn": "DnnlExecutionProvider",
    "xnnpack": "XnnpackExecutionProvider",
    "acl": "ACLExecutionProvider",
    "armnn": "ArmNNExecutionProvider",
    "qnn": "QNNExecutionProvider",
    "rknpu": "RknpuExecutionProvider",
    "vitisai": "VitisAIExecutionProvider",
    "cann": "CANNExecutionProvider",
    "tvm": "TvmExecutionProvider",
    "nnapi": "NnapiExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "webgpu": "WebGpuExecutionProvider",
    "azure": "AzureExecutionProvider",
}
