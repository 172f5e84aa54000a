//! Real types and shapes of every tensor, by running the model once without any rewriting.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use ort::environment::Environment;

use super::RunError;
use super::session::{OptimizationLevel, Session, SessionOptions, Values, describe, random_value};
use super::trace;
use cutpoint_core::graph::nearest;
use cutpoint_core::profile::Profile;
use cutpoint_core::temporary::TemporaryFolder;
use cutpoint_onnx::{Dim, InputDecl, Model, Reading, ValueFacts};

/// Tensors exposed as outputs at once when the trace does not show them: all of them are alive at
/// the same time.
const EXPOSED_AT_ONCE: usize = 32;

/// A shape for one model input, given as `input=1x3x224x224`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputShape {
    /// Name of the input.
    pub input: String,
    /// Size of each dimension.
    pub dims: Vec<u64>,
}

impl FromStr for InputShape {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || format!("`{text}` is not a shape: write INPUT=1x3x224x224");
        let (input, dims) = text.rsplit_once('=').ok_or_else(error)?;
        let dims = dims
            .split('x')
            .filter(|_| !dims.is_empty())
            .map(|d| d.parse::<u64>().map_err(|_| error()))
            .collect::<Result<_, _>>()?;
        Ok(InputShape {
            input: input.to_owned(),
            dims,
        })
    }
}

impl fmt::Display for InputShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.dims.iter().map(u64::to_string).collect();
        write!(f, "{}={}", self.input, dims.join("x"))
    }
}

/// A model read with the types and shapes of a real run.
#[derive(Debug)]
pub struct ObservedModel {
    /// The random inputs of the run.
    pub feed: Values,
    /// Its node-level graph.
    pub reading: Reading,
}

/// Runs `model` once on random inputs, and reads it with the types and shapes that the run had.
///
/// # Errors
/// As [`random_inputs`] and [`probe`], or the model has nothing to be cut.
pub fn observe(
    environment: &Environment,
    model: &Model,
    shapes: &[InputShape],
) -> Result<ObservedModel, RunError> {
    let feed = random_inputs(environment, model, shapes)?;
    let reading = model.graph(&probe(environment, model, &feed)?)?;
    Ok(ObservedModel { feed, reading })
}

/// Returns the input shapes that a profile was measured with.
#[must_use]
pub fn shapes_of(profile: &Profile) -> Vec<InputShape> {
    let shapes = profile.model.shapes.iter();
    shapes.filter_map(|shape| shape.parse().ok()).collect()
}

/// Returns random inputs for the model, the same every time. Values are made by the runtime, which
/// must be open.
///
/// # Errors
/// Dimensions that neither the model nor `shapes` states, shapes that contradict the model, are
/// empty, given twice, or for inputs that do not exist.
pub fn random_inputs(
    _environment: &Environment,
    model: &Model,
    shapes: &[InputShape],
) -> Result<Values, RunError> {
    let declared = model.inputs();
    check_names(&declared, shapes)?;
    let wanted = |input: &InputDecl| shapes.iter().find(|s| s.input == input.name);
    let open: Vec<&InputDecl> = declared
        .iter()
        .filter(|input| wanted(input).is_none() && fixed(input).is_none())
        .collect();
    if !open.is_empty() {
        let inputs: Vec<String> = open
            .iter()
            .map(|i| format!("input `{}` is {}", i.name, show(i)))
            .collect();
        let flags: Vec<String> = open.iter().map(|input| flag(input)).collect();
        return Err(RunError::OpenShapes {
            inputs: inputs.join(", "),
            flags: flags.join(" "),
        });
    }
    declared
        .iter()
        .enumerate()
        .map(|(seed, input)| {
            let dims = match wanted(input) {
                Some(shape) => agreed(input, shape)?,
                None => fixed(input).unwrap_or_default(),
            };
            if dims.contains(&0) {
                let message = "it has no elements, so that nothing can be measured".to_owned();
                return Err(failure(&input.name, message));
            }
            let value = random_value(&input.name, input.dtype, &dims, seed as u64)?;
            Ok((input.name.clone(), value))
        })
        .collect()
}

fn failure(input: &str, message: String) -> RunError {
    RunError::Input {
        name: input.to_owned(),
        message,
    }
}

fn check_names(declared: &[InputDecl], shapes: &[InputShape]) -> Result<(), RunError> {
    for (index, shape) in shapes.iter().enumerate() {
        if !declared.iter().any(|d| d.name == shape.input) {
            let near = nearest(&shape.input, declared.iter().map(|d| d.name.as_str()));
            let names: Vec<&str> = declared.iter().map(|d| d.name.as_str()).collect();
            let known = if near.is_empty() {
                names.join("`, `")
            } else {
                near.join("`, `")
            };
            let message = format!("--shape names an input that does not exist; there is `{known}`");
            return Err(failure(&shape.input, message));
        }
        if shapes[..index].iter().any(|s| s.input == shape.input) {
            return Err(failure(&shape.input, "--shape is given twice".to_owned()));
        }
    }
    Ok(())
}

/// The shape wanted, when the declared one allows it.
fn agreed(input: &InputDecl, wanted: &InputShape) -> Result<Vec<u64>, RunError> {
    let fits = |(want, have): (&u64, &Dim)| match have {
        Dim::Fixed(have) => want == have,
        _ => true,
    };
    let agree = input.dims.as_ref().is_none_or(|dims| {
        wanted.dims.len() == dims.len() && wanted.dims.iter().zip(dims).all(fits)
    });
    if agree {
        return Ok(wanted.dims.clone());
    }
    let message = format!("--shape {wanted} contradicts the model's {}", show(input));
    Err(failure(&input.name, message))
}

/// The declared shape, when nothing of it is open.
fn fixed(input: &InputDecl) -> Option<Vec<u64>> {
    let fixed = |dim: &Dim| match dim {
        Dim::Fixed(size) => Some(*size),
        _ => None,
    };
    input.dims.as_ref()?.iter().map(fixed).collect()
}

fn show(input: &InputDecl) -> String {
    let Some(dims) = &input.dims else {
        return "of any shape".to_owned();
    };
    let dims: Vec<String> = dims
        .iter()
        .map(|dim| match dim {
            Dim::Fixed(size) => size.to_string(),
            Dim::Symbol(name) => name.clone(),
            Dim::Unknown => "?".to_owned(),
        })
        .collect();
    dims.join(" x ")
}

/// A flag that fixes the shape, with the usual values for what is open: batch 1, images of 224.
/// Quoted where a shell needs that.
fn flag(input: &InputDecl) -> String {
    let image = vec![Dim::Unknown, Dim::Fixed(3), Dim::Unknown, Dim::Unknown];
    let dims: Vec<u64> = input
        .dims
        .as_ref()
        .unwrap_or(&image)
        .iter()
        .enumerate()
        .map(|(axis, dim)| match dim {
            Dim::Fixed(size) => *size,
            _ if axis == 0 => 1,
            _ => 224,
        })
        .collect();
    let shape = InputShape {
        input: input.name.clone(),
        dims,
    };
    let text = shape.to_string();
    let plain = |c: char| c.is_alphanumeric() || "_-./:=,@%+".contains(c);
    if text.chars().all(plain) {
        format!("--shape {text}")
    } else {
        format!("--shape '{}'", text.replace('\'', r"'\''"))
    }
}

/// Runs the model once and reports the type and shape of every tensor it computed.
///
/// The runtime's trace states the outputs of every kernel without keeping them alive; what it does
/// not show (outputs of functions, which the runtime expands) is exposed as model outputs instead.
///
/// # Errors
/// The runtime refuses or fails.
pub fn probe(
    environment: &Environment,
    model: &Model,
    feed: &Values,
) -> Result<ValueFacts, RunError> {
    let mut facts: ValueFacts = HashMap::new();
    note(feed, &mut facts);
    let folder = TemporaryFolder::new_in(&std::env::temp_dir()).map_err(|cause| RunError::Io {
        path: std::env::temp_dir(),
        cause,
    })?;
    let prefix = folder.path().join("probe");
    let options = SessionOptions {
        level: OptimizationLevel::Disable,
        trace: Some(&prefix),
        ..SessionOptions::default()
    };
    let mut session = Session::new(environment, &model.renamed(), &options)?;
    note(&session.run(feed)?, &mut facts);
    let kernels = trace::kernels(&session.finish_trace()?)?;
    drop(session);
    let by_node: HashMap<&str, &trace::KernelTime> =
        kernels.iter().map(|k| (k.node.as_str(), k)).collect();
    // half-precision results of kernels that compute in single precision are traced as single
    let true_types = !model.has_half_floats();
    let mut unseen = Vec::new();
    for (node, outputs) in model.node_outputs() {
        let kernel = by_node.get(node.as_str());
        let present: Vec<&String> = outputs.iter().filter(|o| !o.is_empty()).collect();
        match kernel.filter(|k| true_types && k.outputs.len() == present.len()) {
            Some(kernel) => {
                for (name, fact) in present.into_iter().zip(&kernel.outputs) {
                    facts.entry(name.clone()).or_insert_with(|| fact.clone());
                }
            }
            None => unseen.extend(
                present
                    .into_iter()
                    .filter(|o| !facts.contains_key(*o))
                    .cloned(),
            ),
        }
    }
    for names in unseen.chunks(EXPOSED_AT_ONCE) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        expose(environment, model, feed, &names, &mut facts);
    }
    Ok(facts)
}

/// Notes type and shape of these tensors.
fn note(values: &Values, facts: &mut ValueFacts) {
    for (name, value) in values {
        if let (kind, Some(shape)) = describe(value) {
            facts.insert(name.clone(), (kind, shape));
        }
    }
}

/// Notes type and shape of the named tensors by making them outputs. Constants and values of
/// branches not taken cannot be exposed and stay unknown; as one such name spoils the run, a run
/// that fails is tried again in halves.
fn expose(
    environment: &Environment,
    model: &Model,
    feed: &Values,
    names: &[&str],
    facts: &mut ValueFacts,
) {
    let exposed = model.with_extra_outputs(names).encode();
    let options = SessionOptions {
        level: OptimizationLevel::Disable,
        ..SessionOptions::default()
    };
    match Session::new(environment, &exposed, &options).and_then(|mut s| s.run(feed)) {
        Ok(outputs) => note(&outputs, facts),
        Err(_) if names.len() > 1 => {
            let (first, second) = names.split_at(names.len() / 2);
            expose(environment, model, feed, first, facts);
            expose(environment, model, feed, second, facts);
        }
        Err(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(name: &str, dims: Option<Vec<Dim>>) -> InputDecl {
        InputDecl {
            name: name.to_owned(),
            dtype: cutpoint_core::graph::ElementType::Float32,
            dims,
        }
    }

    #[test]
    fn the_flag_to_type_is_complete_and_survives_a_shell() {
        let dims = vec![Dim::Symbol("N".into()), Dim::Fixed(3), Dim::Unknown];
        assert_eq!(
            flag(&input("in:0", Some(dims.clone()))),
            "--shape in:0=1x3x224"
        );
        assert_eq!(
            flag(&input("my 'x'", Some(dims.clone()))),
            r"--shape 'my '\''x'\''=1x3x224'"
        );
        assert_eq!(flag(&input("x", None)), "--shape x=1x3x224x224");
        assert_eq!(show(&input("x", Some(dims))), "N x 3 x ?");
    }

    #[test]
    fn a_shape_must_agree_with_what_is_declared() {
        let wanted: InputShape = "x=4x3".parse().unwrap();
        let agrees = |dims| agreed(&input("x", dims), &wanted).is_ok();
        assert!(agrees(None));
        assert!(agrees(Some(vec![Dim::Unknown, Dim::Fixed(3)])));
        assert!(!agrees(Some(vec![Dim::Unknown, Dim::Fixed(4)])));
        assert!(!agrees(Some(vec![Dim::Unknown])));
        assert!(!agrees(Some(vec![])));
    }

    #[test]
    fn shapes_read_and_print_alike() {
        let shape: InputShape = "in:0=1x3x64".parse().unwrap();
        assert_eq!(
            (shape.input.as_str(), shape.dims.as_slice()),
            ("in:0", &[1, 3, 64][..])
        );
        assert_eq!(shape.to_string(), "in:0=1x3x64");
        assert_eq!(
            "scalar=".parse::<InputShape>().unwrap().dims,
            Vec::<u64>::new()
        );
        for bad in ["x", "x=1x", "x=-1x3", "x=axb", "x=1X3"] {
            assert!(bad.parse::<InputShape>().is_err(), "{bad}");
        }
    }
}
