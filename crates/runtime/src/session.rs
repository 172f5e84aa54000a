//! Sessions of ONNX Runtime: building them, feeding them, running them.

use std::path::Path;
use std::sync::Arc;

use ort::environment::Environment;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session as OrtSession, SessionInputValue};
use ort::value::{DynValue, Tensor as OrtTensor, TensorElementType, ValueType};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

use super::RunError;
use super::clock::{ClockSample, timed};
use super::port::Port;
use cutpoint_core::graph::ElementType;

/// How far ONNX Runtime may rewrite the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptimizationLevel {
    /// Not at all: one kernel per node, under its own name.
    Disable,
    /// As deployed: fusion and layout changes.
    All,
}

/// How to build a session.
#[derive(Debug, Clone, Copy)]
pub struct SessionOptions<'a> {
    /// Graph rewriting.
    pub level: OptimizationLevel,
    /// Execution provider.
    pub provider: Provider,
    /// Where to write the runtime's own trace, as a file name prefix.
    pub trace: Option<&'a Path>,
    /// Where to write the rewritten model.
    pub dump: Option<&'a Path>,
}

impl Default for SessionOptions<'_> {
    fn default() -> Self {
        SessionOptions {
            level: OptimizationLevel::All,
            provider: Provider::Cpu,
            trace: None,
            dump: None,
        }
    }
}

/// Execution provider of ONNX Runtime; all but `cpu` need a library that was built with it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Provider {
    #[default]
    Cpu,
    Cuda,
    TensorRt,
    Xnnpack,
    OpenVino,
}

impl Provider {
    /// Every provider this program can ask for.
    pub const ALL: [Provider; 5] = [
        Provider::Cpu,
        Provider::Cuda,
        Provider::TensorRt,
        Provider::Xnnpack,
        Provider::OpenVino,
    ];

    /// Returns the name on the command line and in profiles.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Cpu => "cpu",
            Provider::Cuda => "cuda",
            Provider::TensorRt => "tensorrt",
            Provider::Xnnpack => "xnnpack",
            Provider::OpenVino => "openvino",
        }
    }

    fn dispatch(self) -> Option<ort::ep::ExecutionProviderDispatch> {
        let dispatch = match self {
            Provider::Cpu => return None,
            Provider::Cuda => ort::ep::CUDA::default().build(),
            Provider::TensorRt => ort::ep::TensorRT::default().build(),
            Provider::Xnnpack => ort::ep::XNNPACK::default().build(),
            Provider::OpenVino => ort::ep::OpenVINO::default().build(),
        };
        Some(dispatch.error_on_failure())
    }
}

impl std::str::FromStr for Provider {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Provider::ALL
            .into_iter()
            .find(|p| p.name() == text)
            .ok_or_else(|| {
                let names: Vec<_> = Provider::ALL.iter().map(|p| p.name()).collect();
                format!(
                    "`{text}` is not a provider: use one of {}",
                    names.join(", ")
                )
            })
    }
}

/// A value on its way into or out of a session; shared, because one half's output feeds the next.
pub type Value = Arc<DynValue>;

/// Named values.
pub type Values = Vec<(String, Value)>;

/// A model ready to run.
#[derive(Debug)]
pub struct Session(OrtSession);

impl Session {
    /// Builds a session from an encoded model.
    ///
    /// # Errors
    /// [`RunError::Session`] with the runtime's own message.
    pub fn new(
        environment: &Environment,
        model: &[u8],
        options: &SessionOptions<'_>,
    ) -> Result<Session, RunError> {
        build(environment, model, options)
            .map(Session)
            .map_err(|error| RunError::Session {
                message: first_line(&error.to_string()),
            })
    }

    /// Returns the names of the inputs, in order.
    pub fn input_names(&self) -> Vec<String> {
        self.0
            .inputs()
            .iter()
            .map(|i| i.name().to_owned())
            .collect()
    }

    /// Returns what the session takes.
    pub fn inputs(&self) -> Vec<Port> {
        self.0.inputs().iter().map(Port::of).collect()
    }

    /// Returns what the session gives.
    pub fn outputs(&self) -> Vec<Port> {
        self.0.outputs().iter().map(Port::of).collect()
    }

    /// Runs once and hands the outputs to `use_outputs` before they are freed.
    ///
    /// # Errors
    /// [`RunError::Run`] with the runtime's own message.
    pub fn run(&mut self, feed: &Values) -> Result<Values, RunError> {
        self.run_timed(feed).map(|(outputs, _)| outputs)
    }

    /// Runs once; only the run itself is timed, neither the preparation of its inputs nor the
    /// freeing of its outputs.
    ///
    /// # Errors
    /// [`RunError::Run`] with the runtime's own message.
    pub fn run_timed(&mut self, feed: &Values) -> Result<(Values, ClockSample), RunError> {
        let failed = |error: ort::Error| RunError::Run {
            message: first_line(&error.to_string()),
        };
        let inputs: Vec<(&str, SessionInputValue<'_>)> = feed
            .iter()
            .map(|(name, value)| (name.as_str(), SessionInputValue::from(value.as_ref())))
            .collect();
        let names: Vec<String> = self
            .0
            .outputs()
            .iter()
            .map(|o| o.name().to_owned())
            .collect();
        let (outputs, sample) = timed(|| self.0.run(inputs));
        let mut outputs = outputs.map_err(failed)?;
        let values = names
            .into_iter()
            .filter_map(|name| {
                let value = outputs.remove(&name)?;
                Some((name, Arc::new(value)))
            })
            .collect();
        Ok((values, sample))
    }

    /// Ends tracing and returns the trace's text.
    ///
    /// # Errors
    /// The trace cannot be read.
    pub fn finish_trace(&mut self) -> Result<String, RunError> {
        let path = self.0.end_profiling().map_err(|error| RunError::Run {
            message: first_line(&error.to_string()),
        })?;
        let text = std::fs::read_to_string(&path);
        // a temporary file that cannot be removed is not worth an error
        let _ = std::fs::remove_file(&path);
        text.map_err(|cause| RunError::Io {
            path: path.into(),
            cause,
        })
    }
}

fn build(
    environment: &Environment,
    model: &[u8],
    options: &SessionOptions<'_>,
) -> ort::Result<OrtSession> {
    let level = match options.level {
        OptimizationLevel::Disable => GraphOptimizationLevel::Disable,
        OptimizationLevel::All => GraphOptimizationLevel::All,
    };
    let mut builder = OrtSession::builder(environment)?.with_optimization_level(level)?;
    if let Some(provider) = options.provider.dispatch() {
        builder = builder.with_execution_providers([provider])?;
    }
    if let Some(path) = options.trace {
        builder = builder.with_profiling(path)?;
    }
    if let Some(path) = options.dump {
        builder = builder.with_optimized_model_path(path)?;
    }
    builder.commit_from_memory(model)
}

/// Returns what a message of the runtime says. Messages carry source places and stack traces; the
/// first line says what is wrong, after the place `/file.cc:12 type function(parameters)` it may
/// begin with.
pub(super) fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.trim().trim_end_matches('.');
    let Some(parameters) = line.starts_with('/').then(|| line.find('(')).flatten() else {
        return line.to_owned();
    };
    let mut depth = 0_usize;
    for (at, c) in line[parameters..].char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let rest = line[parameters + at + 1..].trim();
            return rest.strip_prefix("const ").unwrap_or(rest).to_owned();
        }
    }
    line.to_owned()
}

/// Returns the type and shape of a value; `None` shape for what is not a tensor.
pub fn describe(value: &DynValue) -> (ElementType, Option<Vec<u64>>) {
    match value.dtype() {
        ValueType::Tensor { ty, shape, .. } => {
            let dims = shape
                .iter()
                .map(|d| u64::try_from(*d).unwrap_or(0))
                .collect();
            (element_type(*ty), Some(dims))
        }
        _ => (ElementType::Other, None),
    }
}

pub(super) fn element_type(ty: TensorElementType) -> ElementType {
    use TensorElementType as T;
    match ty {
        T::Float32 => ElementType::Float32,
        T::Float64 => ElementType::Float64,
        T::Float16 => ElementType::Float16,
        T::Bfloat16 => ElementType::BFloat16,
        T::Int8 => ElementType::Int8,
        T::Int16 => ElementType::Int16,
        T::Int32 => ElementType::Int32,
        T::Int64 => ElementType::Int64,
        T::Uint8 => ElementType::UInt8,
        T::Uint16 => ElementType::UInt16,
        T::Uint32 => ElementType::UInt32,
        T::Uint64 => ElementType::UInt64,
        T::Bool => ElementType::Bool,
        T::String => ElementType::String,
        T::Complex64 => ElementType::Complex64,
        T::Complex128 => ElementType::Complex128,
        _ => ElementType::Other,
    }
}

/// Returns a seeded random value: floats are standard normal, integers are 0 or 1 (valid indices of
/// anything), eight-bit ones span their range.
///
/// # Errors
/// A type that cannot be made up, or a size that does not fit in memory.
pub fn random_value(
    name: &str,
    dtype: ElementType,
    shape: &[u64],
    seed: u64,
) -> Result<Value, RunError> {
    let mut rng = SmallRng::seed_from_u64(seed);
    let elements = shape.iter().copied().fold(1, u64::saturating_mul);
    if elements > 1 << 33 {
        return Err(RunError::Input {
            name: name.to_owned(),
            message: format!("{elements} elements do not fit in memory: state a smaller --shape"),
        });
    }
    let count = elements as usize;
    let dims: Vec<i64> = shape.iter().map(|d| *d as i64).collect();
    macro_rules! tensor {
        ($make:expr) => {{
            let data: Vec<_> = (0..count).map(|_| $make).collect();
            OrtTensor::from_array((dims, data)).map(OrtTensor::into_dyn)
        }};
    }
    let normal = |rng: &mut SmallRng| -> f32 { StandardNormal.sample(rng) };
    let value = match dtype {
        ElementType::Float32 => tensor!(normal(&mut rng)),
        ElementType::Float64 => tensor!(f64::from(normal(&mut rng))),
        ElementType::Float16 => tensor!(half::f16::from_f32(normal(&mut rng))),
        ElementType::BFloat16 => tensor!(half::bf16::from_f32(normal(&mut rng))),
        ElementType::UInt8 => tensor!(rng.random::<u8>()),
        ElementType::Int8 => tensor!(rng.random::<i8>()),
        ElementType::Bool => tensor!(rng.random::<bool>()),
        ElementType::Int16 => tensor!(i16::from(rng.random::<bool>())),
        ElementType::UInt16 => tensor!(u16::from(rng.random::<bool>())),
        ElementType::Int32 => tensor!(i32::from(rng.random::<bool>())),
        ElementType::UInt32 => tensor!(u32::from(rng.random::<bool>())),
        ElementType::Int64 => tensor!(i64::from(rng.random::<bool>())),
        ElementType::UInt64 => tensor!(u64::from(rng.random::<bool>())),
        ElementType::String => {
            let data = vec!["a".to_owned(); count];
            OrtTensor::from_string_array((dims, data.as_slice())).map(OrtTensor::into_dyn)
        }
        other => {
            return Err(RunError::Input {
                name: name.to_owned(),
                message: format!("inputs of type {other} cannot be made up"),
            });
        }
    };
    value.map(Arc::new).map_err(|error| RunError::Input {
        name: name.to_owned(),
        message: first_line(&error.to_string()),
    })
}

/// How two results compare, element by element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Difference {
    /// The same bits.
    None,
    /// Floats that differ: largest absolute difference, and largest magnitude of the first.
    Rounding {
        /// Largest absolute difference.
        max_abs: f64,
        /// Largest magnitude among the expected values.
        scale: f64,
    },
    /// Another type, shape or non-float value.
    Different,
}

/// Compares two values bit for bit; floats that differ are measured.
pub fn compare(expected: &DynValue, actual: &DynValue) -> Difference {
    let (kind, shape) = describe(expected);
    if describe(actual) != (kind, shape) {
        return Difference::Different;
    }
    macro_rules! exact {
        ($t:ty) => {
            match (
                expected.try_extract_tensor::<$t>(),
                actual.try_extract_tensor::<$t>(),
            ) {
                (Ok((_, a)), Ok((_, b))) if a == b => Difference::None,
                _ => Difference::Different,
            }
        };
    }
    macro_rules! floats {
        ($t:ty, $wide:expr) => {
            match (
                expected.try_extract_tensor::<$t>(),
                actual.try_extract_tensor::<$t>(),
            ) {
                (Ok((_, a)), Ok((_, b))) => difference(a.iter().map($wide), b.iter().map($wide)),
                _ => Difference::Different,
            }
        };
    }
    match kind {
        ElementType::Float32 => floats!(f32, |x: &f32| f64::from(*x)),
        ElementType::Float64 => floats!(f64, |x: &f64| *x),
        ElementType::Float16 => floats!(half::f16, |x: &half::f16| x.to_f64()),
        ElementType::BFloat16 => floats!(half::bf16, |x: &half::bf16| x.to_f64()),
        ElementType::UInt8 => exact!(u8),
        ElementType::Int8 => exact!(i8),
        ElementType::UInt16 => exact!(u16),
        ElementType::Int16 => exact!(i16),
        ElementType::UInt32 => exact!(u32),
        ElementType::Int32 => exact!(i32),
        ElementType::UInt64 => exact!(u64),
        ElementType::Int64 => exact!(i64),
        ElementType::Bool => exact!(bool),
        ElementType::String => {
            match (expected.try_extract_strings(), actual.try_extract_strings()) {
                (Ok((_, a)), Ok((_, b))) if a == b => Difference::None,
                _ => Difference::Different,
            }
        }
        _ => Difference::Different,
    }
}

fn difference(
    expected: impl Iterator<Item = f64>,
    actual: impl Iterator<Item = f64>,
) -> Difference {
    let (mut max_abs, mut scale) = (0.0_f64, 0.0_f64);
    for (a, b) in expected.zip(actual) {
        if a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan()) {
            let distance = (a - b).abs();
            // an infinite or NaN distance is a real difference, not rounding
            if !distance.is_finite() {
                return Difference::Different;
            }
            max_abs = max_abs.max(distance);
        }
        if a.is_finite() {
            scale = scale.max(a.abs());
        }
    }
    if max_abs == 0.0 {
        Difference::None
    } else {
        Difference::Rounding { max_abs, scale }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_lose_their_place_in_the_runtimes_source() {
        let message = "/src/core/load.h:46 void ns::check(const map<int, (x)>&, bool) const Opset 99 (new) fails\nstack";
        assert_eq!(first_line(message), "Opset 99 (new) fails");
        assert_eq!(first_line("Type (a) differs\nmore"), "Type (a) differs");
        assert_eq!(first_line("/odd(("), "/odd((");
    }
}
