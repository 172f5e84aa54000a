//! Profiles written by hand: tables from a publication, a data sheet or an educated guess.
//!
//! The keys are those of a measured profile. A person need not know most of them: what is left out
//! follows from the rest or means "nothing". A layer may state the size of its one output (`bytes`,
//! `shape`, `dtype`) and of weights of its own (`weight_bytes`) in place.

mod size;
mod values;

use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::{Spanned, Table, Value};

use super::{
    BoardInfo, CodecRecord, CutRecord, LayerRecord, MemoryModel, Method, ModelInfo, PortRecord,
    Power, Profile, Serving, TensorRecord, WeightRecord, Whole,
};
use crate::file_kind::FileKind;
use crate::syntax::{place, read_toml, toml_keys};
use crate::task::Task;
use size::{Sizes, take_size};
use values::Values;

/// Returns whether the text has the key that only a profile written by hand has.
pub(super) fn is_one(text: &str) -> bool {
    toml_keys(text).is_ok_and(|keys| keys.contains_key("source"))
}

/// Says how to write a profile by hand when one without `source` lacks something.
pub(super) fn hint(message: String) -> String {
    if message.contains("missing field") {
        format!(
            "{message}; a profile written by hand begins with `source`, saying where its figures \
         come from, and may leave out most keys"
        )
    } else {
        message
    }
}

type Entry = Spanned<Table>;

/// The file with every table as it was typed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    format: u32,
    #[serde(default = "FileKind::profile")]
    kind: FileKind,
    source: String,
    #[serde(default)]
    imported: bool,
    model: Entry,
    board: Entry,
    method: Option<Entry>,
    whole: Option<Entry>,
    memory: Option<Entry>,
    power: Option<Power>,
    serving: Option<Serving>,
    #[serde(default)]
    input: Vec<Entry>,
    #[serde(default)]
    output: Vec<Entry>,
    #[serde(default)]
    task: Vec<Task>,
    #[serde(default)]
    tensor: Vec<Entry>,
    #[serde(default)]
    weight: Vec<WeightRecord>,
    layer: Vec<Entry>,
    #[serde(default)]
    cut: Vec<CutRecord>,
    #[serde(default)]
    codec: Vec<Entry>,
}

/// Reads a profile written by hand and completes it.
pub(super) fn read(text: &str) -> Result<Profile, String> {
    let draft: Draft = read_toml(text)?;
    if draft.source.trim().is_empty() {
        return Err("`source` is empty: say where the figures come from".to_owned());
    }
    let head = |entry, what| Place { text, what, entry };
    let none = Entry::new(0..0, Table::new());
    let [method, whole, stated_memory] =
        [&draft.method, &draft.whole, &draft.memory].map(|table| table.as_ref().unwrap_or(&none));
    let memory = MemoryModel {
        base_bytes: 0,
        weight_factor: 1.0,
        activation_factor: 1.0,
    };
    let mut weights = draft.weight;
    let mut sizes = Sizes::default();
    let layers = layers(text, &draft.layer, &mut sizes, &mut weights)?;
    let tensors = rows(text, "tensor", &draft.tensor, &mut sizes, &crossable())?;
    let inputs = rows(
        text,
        "input",
        &draft.input,
        &mut sizes,
        &PortRecord::default(),
    )?;
    let outputs = rows(
        text,
        "output",
        &draft.output,
        &mut sizes,
        &PortRecord::default(),
    )?;
    let codec = CodecRecord {
        dtype: size::FLOAT.to_owned(),
        ..CodecRecord::default()
    };
    let codecs = draft.codec.iter().map(|entry| {
        let here = Place {
            text,
            what: "[[codec]]",
            entry,
        };
        here.fill(&codec, &["name", "enc_us", "dec_us"])
    });
    let mut profile = Profile {
        format: draft.format,
        kind: draft.kind,
        source: Some(draft.source),
        imported: draft.imported,
        model: head(&draft.model, "[model]").fill(&ModelInfo::default(), &["file"])?,
        board: head(&draft.board, "[board]").fill(&BoardInfo::default(), &["name"])?,
        method: head(method, "[method]").fill(&Method::default(), &[])?,
        whole: head(whole, "[whole]").fill(&Whole::default(), &[])?,
        memory: head(stated_memory, "[memory]").fill(&memory, &[])?,
        power: draft.power,
        serving: draft.serving,
        inputs: Vec::new(),
        outputs: Vec::new(),
        tasks: draft.task,
        tensors: Vec::new(),
        weights,
        layers: Vec::new(),
        cuts: draft.cut,
        codecs: codecs.collect::<Result<_, _>>()?,
    };
    Values {
        layers: &layers,
        inputs: &inputs,
        outputs: &outputs,
        sizes: &sizes,
        text,
    }
    .complete(tensors, &mut profile)?;
    profile.layers = layers.into_iter().map(|(layer, _)| layer).collect();
    if draft.whole.is_none() {
        profile.whole.median_us = profile.layers.iter().map(|layer| layer.edge_us).sum();
    }
    Ok(profile)
}

fn crossable() -> TensorRecord {
    TensorRecord {
        cuttable: true,
        ..TensorRecord::default()
    }
}

/// Something typed, and where: the byte it begins at.
type Typed<T> = (T, usize);

/// A table of the file, for messages.
struct Place<'a> {
    text: &'a str,
    what: &'a str,
    entry: &'a Entry,
}

impl Place<'_> {
    fn error(&self, problem: impl Display) -> String {
        let table = self.entry.get_ref();
        let name = ["id", "name"]
            .iter()
            .find_map(|key| table.get(*key)?.as_str());
        let name = name.map_or_else(String::new, |name| format!(" `{name}`"));
        let message = format!("{}{name}: {problem}", self.what);
        at(self.text, self.entry.span().start, message)
    }

    /// The table as `T`; keys that are missing are those of `otherwise`.
    fn fill<T: Serialize + DeserializeOwned>(
        &self,
        otherwise: &T,
        required: &[&str],
    ) -> Result<T, String> {
        self.fill_table(self.entry.get_ref().clone(), otherwise, required)
    }

    fn fill_table<T: Serialize + DeserializeOwned>(
        &self,
        typed: Table,
        otherwise: &T,
        required: &[&str],
    ) -> Result<T, String> {
        let missing = required.iter().find(|key| !typed.contains_key(**key));
        let mut table = Table::try_from(otherwise).map_err(|e| self.error(e))?;
        table.extend(typed.clone());
        let filled = table.try_into().map_err(|error: toml::de::Error| {
            let message = error.to_string();
            let lines: Vec<&str> = message.lines().map(str::trim).collect();
            self.error(lines.join(" "))
        })?;
        match missing {
            Some(key) => Err(self.error(format!("missing key `{key}`"))),
            None => Ok(filled),
        }
    }
}

fn at(text: &str, byte: usize, message: impl Display) -> String {
    format!("{}: {message}", place(text, byte))
}

fn layers(
    text: &str,
    entries: &[Entry],
    sizes: &mut Sizes,
    weights: &mut Vec<WeightRecord>,
) -> Result<Vec<Typed<LayerRecord>>, String> {
    let layer = |entry: &Entry| {
        let here = Place {
            text,
            what: "[[layer]]",
            entry,
        };
        let mut typed = entry.get_ref().clone();
        let size = take_size(&mut typed).map_err(|e| here.error(e))?;
        let own_weights = typed.remove("weight_bytes");
        name_outputs(&mut typed).map_err(|e| here.error(e))?;
        let required = ["id", "inputs", "edge_us"];
        let mut layer = here.fill_table(typed, &LayerRecord::default(), &required)?;
        let named = |problem| here.error(problem);
        if let Some(size) = size {
            let [output] = layer.outputs.as_slice() else {
                let problem = "it has several outputs: give each its size in a [[tensor]]";
                return Err(named(problem.to_owned()));
            };
            sizes.state(output, size).map_err(named)?;
        }
        if let Some(value) = own_weights {
            let bytes = value.as_integer().and_then(|n| u64::try_from(n).ok());
            let bytes = bytes.ok_or_else(|| named("weight_bytes is no size".to_owned()))?;
            let name = format!("{}/weights", layer.id);
            layer.weights.push(name.clone());
            weights.push(WeightRecord { name, bytes });
        }
        if !entry.get_ref().contains_key("server_us") {
            layer.server_us = layer.edge_us;
        }
        if !entry.get_ref().contains_key("trace_us") {
            layer.trace_us = layer.edge_us;
        }
        if layer.members.is_empty() {
            layer.members.push(layer.id.clone());
        }
        Ok((layer, entry.span().start))
    };
    entries.iter().map(layer).collect()
}

/// A layer is named like its first output, and has one output of its name unless it says more.
fn name_outputs(typed: &mut Table) -> Result<(), String> {
    let first = |value: &Value| value.as_array().and_then(|a| a.first()).cloned();
    match (
        typed.get("id").cloned(),
        typed.get("outputs").and_then(first),
    ) {
        (None, Some(output)) => {
            typed.insert("id".to_owned(), output);
        }
        (Some(id), None) => {
            typed.insert("outputs".to_owned(), Value::Array(vec![id]));
        }
        (None, None) => return Err("it needs an `id`, or names of its `outputs`".to_owned()),
        (Some(_), Some(_)) => {}
    }
    Ok(())
}

/// A row with a name.
trait Named: Serialize + DeserializeOwned {
    fn name(&self) -> &str;
}

impl Named for TensorRecord {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for PortRecord {
    fn name(&self) -> &str {
        &self.name
    }
}

fn rows<T: Named>(
    text: &str,
    table: &str,
    entries: &[Entry],
    sizes: &mut Sizes,
    otherwise: &T,
) -> Result<Vec<Typed<T>>, String> {
    let row = |entry: &Entry| {
        let here = Place {
            text,
            what: &format!("[[{table}]]"),
            entry,
        };
        let mut typed = entry.get_ref().clone();
        let size = take_size(&mut typed).map_err(|e| here.error(e))?;
        let row = here.fill_table(typed, otherwise, &["name"])?;
        if let Some(size) = size {
            let stated = sizes.state(row.name(), size);
            stated.map_err(|e| here.error(e))?;
        }
        Ok((row, entry.span().start))
    };
    entries.iter().map(row).collect()
}
