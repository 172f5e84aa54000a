//! Real types and shapes of every tensor, by running the model once without any rewriting.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use ort::environment::Environment;

use super::RunError;
use super::session::{Level, Session, SessionOptions, Values, describe, random_value};
use super::trace;
use crate::graph::nearest;
use crate::onnx::{Dim, InputDecl, Model, ValueFacts};

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

/// Random inputs for the model, the same every time. Values are made by the runtime, which must be
/// open.
///
/// # Errors
/// Dimensions that neither the model nor `shapes` states, shapes for inputs that do not exist.
pub fn random_inputs(
    _environment: &Environment,
    model: &Model,
    shapes: &[InputShape],
) -> Result<Values, RunError> {
    let declared = model.inputs();
    for shape in shapes {
        if !declared.iter().any(|d| d.name == shape.input) {
            let near = nearest(&shape.input, declared.iter().map(|d| d.name.as_str()));
            let names: Vec<&str> = declared.iter().map(|d| d.name.as_str()).collect();
            let known = if near.is_empty() {
                names.join("`, `")
            } else {
                near.join("`, `")
            };
            return Err(RunError::Input {
                name: shape.input.clone(),
                message: format!("--shape names an input that does not exist; there is `{known}`"),
            });
        }
    }
    declared
        .iter()
        .enumerate()
        .map(|(seed, input)| {
            let wanted = shapes.iter().find(|s| s.input == input.name);
            let dims = resolve(input, wanted)?;
            let value = random_value(&input.name, input.dtype, &dims, seed as u64)?;
            Ok((input.name.clone(), value))
        })
        .collect()
}

fn resolve(input: &InputDecl, wanted: Option<&InputShape>) -> Result<Vec<u64>, RunError> {
    let error = |message: String| RunError::Input {
        name: input.name.clone(),
        message,
    };
    if let Some(wanted) = wanted {
        let fits = wanted.dims.len() == input.dims.len()
            && wanted
                .dims
                .iter()
                .zip(&input.dims)
                .all(|(want, have)| match have {
                    Dim::Fixed(have) => want == have,
                    _ => true,
                });
        return if fits || input.dims.is_empty() {
            Ok(wanted.dims.clone())
        } else {
            Err(error(format!(
                "--shape {wanted} contradicts the model's {}",
                show(input)
            )))
        };
    }
    let fixed: Option<Vec<u64>> = input
        .dims
        .iter()
        .map(|d| {
            if let Dim::Fixed(size) = d {
                Some(*size)
            } else {
                None
            }
        })
        .collect();
    fixed.ok_or_else(|| {
        error(format!(
            "its shape {} is not fixed: state it with --shape {}={}",
            show(input),
            input.name,
            suggestion(input)
        ))
    })
}

fn show(input: &InputDecl) -> String {
    let dims: Vec<String> = input
        .dims
        .iter()
        .map(|dim| match dim {
            Dim::Fixed(size) => size.to_string(),
            Dim::Symbol(name) => name.clone(),
            Dim::Unknown => "?".to_owned(),
        })
        .collect();
    dims.join("x")
}

/// The declared shape with the usual values for what is open: batch 1, images of 224.
fn suggestion(input: &InputDecl) -> String {
    let dims: Vec<String> = input
        .dims
        .iter()
        .enumerate()
        .map(|(axis, dim)| match dim {
            Dim::Fixed(size) => size.to_string(),
            _ if axis == 0 => "1".to_owned(),
            _ => "224".to_owned(),
        })
        .collect();
    dims.join("x")
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
    let folder = tempfile::tempdir().map_err(|cause| RunError::Io {
        path: std::env::temp_dir(),
        cause,
    })?;
    let prefix = folder.path().join("probe");
    let options = SessionOptions {
        level: Level::Disable,
        trace: Some(&prefix),
        ..SessionOptions::default()
    };
    let mut session = Session::new(environment, &model.renamed(), &options)?;
    note(&session.run(feed)?, &mut facts);
    let kernels = trace::kernels(&session.finish_trace()?)?;
    drop(session);
    let by_node: HashMap<&str, &trace::Kernel> =
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
        level: Level::Disable,
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
