//! Several models run side by side, as one.
//!
//! The result has the cost model of any other profile, so a set of single-task networks is planned
//! exactly and under the same limits as one multi-task network:
//!
//! - Layers and tensors are named `member/name`. A model input that members have under one name,
//!   with one shape and type, is one input under its own name: it is handed over, sent and taken
//!   over once, which takes the largest of the members' times.
//! - Times add up, those of being split included: every member is a request of its own.
//! - Both halves run in one process each: its base memory counts once, weights add up, and while
//!   one member runs, the results of the others wait. Of the base memory, of the factors and of the
//!   stated powers the largest is taken, of codecs that all members know the slowest times.

use std::collections::{BTreeMap, HashSet};

use sha2::{Digest, Sha256};

use super::{
    CodecRecord, LayerRecord, Method, ModelInfo, PortRecord, Power, Profile, TensorRecord,
    WeightRecord, Whole,
};
use crate::task::Task;

/// A model of a set.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// Stands in front of the names of its layers and tensors.
    pub name: &'a str,
    /// Its times.
    pub profile: &'a Profile,
    /// All its tasks, with names that no other member's tasks have.
    pub tasks: &'a [Task],
}

/// What keeps models from being a set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnionError {
    /// A set of no models.
    #[error("there is no model")]
    Empty,
    /// The models were measured on different machines, or in different ways.
    #[error(
        "the profiles of {first} and {second} differ in their {what} ({of_first} and {of_second}): \
         models can be compared only on one board with one thread count"
    )]
    OtherBoard {
        /// File of a model.
        first: String,
        /// File of another.
        second: String,
        /// "board", "threads" or "provider".
        what: &'static str,
        /// What the first profile says.
        of_first: String,
        /// What the second says.
        of_second: String,
    },
}

/// What the names of each model become in a set.
#[derive(Debug, Clone)]
pub struct Names {
    members: Vec<MemberNames>,
}

#[derive(Debug, Clone)]
struct MemberNames {
    prefix: String,
    /// Inputs that keep their names.
    plain: HashSet<String>,
}

impl Names {
    /// Returns the names in a set; a model alone keeps its own.
    pub fn new(members: &[Member<'_>]) -> Names {
        let ports = || members.iter().flat_map(|m| &m.profile.inputs);
        let differs = |port: &PortRecord| ports().any(|o| o.name == port.name && o != port);
        let of_member = |member: &Member<'_>| {
            let plain = member.profile.inputs.iter().filter(|port| !differs(port));
            MemberNames {
                prefix: match members.len() {
                    1 => String::new(),
                    _ => format!("{}/", member.name),
                },
                plain: plain.map(|port| port.name.clone()).collect(),
            }
        };
        Names {
            members: members.iter().map(of_member).collect(),
        }
    }

    /// Returns a layer, or a weight, of the member with this position.
    pub fn layer(&self, member: usize, name: &str) -> String {
        let prefix = self.members.get(member).map_or("", |m| m.prefix.as_str());
        format!("{prefix}{name}")
    }

    /// Returns a tensor of the member with this position.
    pub fn tensor(&self, member: usize, name: &str) -> String {
        if self
            .members
            .get(member)
            .is_some_and(|m| m.plain.contains(name))
        {
            name.to_owned()
        } else {
            self.layer(member, name)
        }
    }
}

impl Profile {
    /// Several models side by side, as one; see the module's own text for what adds up and how.
    ///
    /// # Errors
    /// No models, or models of different boards.
    pub fn union(members: &[Member<'_>]) -> Result<Profile, UnionError> {
        let (first, others) = members.split_first().ok_or(UnionError::Empty)?;
        for other in others {
            first.profile.check_comparable(other.profile)?;
        }
        if others.is_empty() {
            let tasks = first.tasks.to_vec();
            return Ok(Profile {
                tasks,
                ..first.profile.clone()
            });
        }
        let names = Names::new(members);
        let mut union = Profile {
            source: source(members),
            imported: imported(members),
            model: model(members),
            method: method(members),
            whole: whole(members),
            power: power(members),
            serving: None,
            codecs: codecs(members),
            inputs: Vec::new(),
            outputs: Vec::new(),
            tasks: Vec::new(),
            tensors: Vec::new(),
            weights: Vec::new(),
            layers: Vec::new(),
            // those of a set are not measured: see the members' own
            cuts: Vec::new(),
            ..first.profile.clone()
        };
        for (index, member) in members.iter().enumerate() {
            union.add(member, index, &names);
        }
        Ok(union)
    }

    /// Returns whether two models were measured on the same board in the same way.
    ///
    /// # Errors
    /// [`UnionError::OtherBoard`].
    pub fn check_comparable(&self, other: &Profile) -> Result<(), UnionError> {
        let (here, there) = (&self.board, &other.board);
        let threads = |count: usize| match count {
            // by hand, nobody may know
            0 => String::new(),
            count => count.to_string(),
        };
        let pairs = [
            ("board", here.name.clone(), there.name.clone()),
            ("threads", threads(here.threads), threads(there.threads)),
            ("provider", here.provider.clone(), there.provider.clone()),
        ];
        let differ = |(_, a, b): &(_, String, String)| a != b && !a.is_empty() && !b.is_empty();
        match pairs.into_iter().find(differ) {
            None => Ok(()),
            Some((what, of_first, of_second)) => Err(UnionError::OtherBoard {
                first: self.model.file.clone(),
                second: other.model.file.clone(),
                what,
                of_first,
                of_second,
            }),
        }
    }

    fn add(&mut self, member: &Member<'_>, index: usize, names: &Names) {
        let Member { profile, tasks, .. } = member;
        let tensor = |name: &String| names.tensor(index, name);
        let layer = |name: &String| names.layer(index, name);
        let port = |port: &PortRecord| PortRecord {
            name: tensor(&port.name),
            ..port.clone()
        };
        for input in profile.inputs.iter().map(port) {
            if !self.inputs.contains(&input) {
                self.inputs.push(input);
            }
        }
        self.outputs.extend(profile.outputs.iter().map(port));
        self.tasks.extend(tasks.iter().map(|task| Task {
            name: task.name.clone(),
            outputs: task.outputs.iter().map(tensor).collect(),
        }));
        for record in &profile.tensors {
            self.add_tensor(TensorRecord {
                name: tensor(&record.name),
                ..record.clone()
            });
        }
        self.weights
            .extend(profile.weights.iter().map(|w| WeightRecord {
                name: layer(&w.name),
                bytes: w.bytes,
            }));
        self.layers
            .extend(profile.layers.iter().map(|l| LayerRecord {
                id: layer(&l.id),
                members: l.members.iter().map(layer).collect(),
                inputs: l.inputs.iter().map(tensor).collect(),
                outputs: l.outputs.iter().map(tensor).collect(),
                weights: l.weights.iter().map(layer).collect(),
                ..l.clone()
            }));
        let (memory, more) = (&mut self.memory, profile.memory);
        memory.base_bytes = memory.base_bytes.max(more.base_bytes);
        memory.weight_factor = memory.weight_factor.max(more.weight_factor);
        memory.activation_factor = memory.activation_factor.max(more.activation_factor);
    }

    /// Adds a tensor, or merges it with the input that is there already.
    fn add_tensor(&mut self, record: TensorRecord) {
        match self.tensors.iter_mut().find(|t| t.name == record.name) {
            None => self.tensors.push(record),
            Some(known) => {
                known.send_us = known.send_us.max(record.send_us);
                known.recv_us = known.recv_us.max(record.recv_us);
                if known.cuttable && !record.cuttable {
                    known.cuttable = false;
                    known.reason = record.reason;
                }
            }
        }
    }
}

/// Whether all that was not measured was imported.
fn imported(members: &[Member<'_>]) -> bool {
    let mut sourced = members
        .iter()
        .map(|m| m.profile)
        .filter(|profile| profile.source.is_some())
        .peekable();
    sourced.peek().is_some() && sourced.all(|profile| profile.imported)
}

fn source(members: &[Member<'_>]) -> Option<String> {
    let mut sources: Vec<&str> = Vec::new();
    for source in members.iter().filter_map(|m| m.profile.source.as_deref()) {
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    (!sources.is_empty()).then(|| sources.join("; "))
}

fn model(members: &[Member<'_>]) -> ModelInfo {
    let models = || members.iter().map(|m| &m.profile.model);
    let files: Vec<&str> = models().map(|model| model.file.as_str()).collect();
    let hashes: Vec<&str> = models().map(|model| model.sha256.as_str()).collect();
    let shapes = members.iter().flat_map(|m| {
        let shapes = m.profile.model.shapes.iter();
        shapes.map(|shape| format!("{}/{shape}", m.name))
    });
    ModelInfo {
        file: files.join(" + "),
        sha256: if hashes.contains(&"") {
            String::new()
        } else {
            hex(&Sha256::digest(hashes.concat()))
        },
        opset: models().map(|model| model.opset).max().unwrap_or(0),
        shapes: shapes.collect(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Costs of being split add up; of what says how good the numbers are, the worst.
fn method(members: &[Member<'_>]) -> Method {
    let methods = || members.iter().map(|m| &m.profile.method);
    let most = |value: fn(&Method) -> f64| methods().map(value).fold(0.0, f64::max);
    let sum = |value: fn(&Method) -> f64| methods().map(value).sum();
    Method {
        runs: methods().map(|m| m.runs).min().unwrap_or(0),
        noise: most(|m| m.noise),
        loo_error_median: most(|m| m.loo_error_median),
        loo_error_max: most(|m| m.loo_error_max),
        repeatability: most(|m| m.repeatability),
        drift: most(|m| m.drift.abs()),
        disturbed: most(|m| m.disturbed),
        duration_s: sum(|m| m.duration_s),
        split_edge_us: sum(|m| m.split_edge_us),
        split_server_us: sum(|m| m.split_server_us),
        ..methods().next().cloned().unwrap_or_default()
    }
}

fn whole(members: &[Member<'_>]) -> Whole {
    let wholes = || members.iter().map(|m| &m.profile.whole);
    let sum = |value: fn(&Whole) -> f64| wholes().map(value).sum();
    Whole {
        median_us: sum(|w| w.median_us),
        mad_us: sum(|w| w.mad_us),
        p90_us: sum(|w| w.p90_us),
        p99_us: sum(|w| w.p99_us),
        runs: wholes().map(|w| w.runs).min().unwrap_or(0),
    }
}

fn power(members: &[Member<'_>]) -> Option<Power> {
    let powers = members.iter().filter_map(|m| m.profile.power);
    powers.reduce(|one, other| Power {
        compute_w: one.compute_w.max(other.compute_w),
        transmit_w: one.transmit_w.max(other.transmit_w),
        idle_w: one.idle_w.max(other.idle_w),
    })
}

/// The codecs that all members know, at their slowest.
fn codecs(members: &[Member<'_>]) -> Vec<CodecRecord> {
    let mut known: BTreeMap<(&str, &str), (usize, CodecRecord)> = BTreeMap::new();
    for record in members.iter().flat_map(|m| &m.profile.codecs) {
        let key = (record.name.as_str(), record.dtype.as_str());
        let (count, slowest) = known.entry(key).or_insert((0, record.clone()));
        *count += 1;
        slowest.enc_us = slowest.enc_us.max(record.enc_us);
        slowest.enc_ns_per_byte = slowest.enc_ns_per_byte.max(record.enc_ns_per_byte);
        slowest.dec_us = slowest.dec_us.max(record.dec_us);
        slowest.dec_ns_per_byte = slowest.dec_ns_per_byte.max(record.dec_ns_per_byte);
    }
    let by_all = known
        .into_values()
        .filter(|(count, _)| *count >= members.len());
    by_all.map(|(_, record)| record).collect()
}
