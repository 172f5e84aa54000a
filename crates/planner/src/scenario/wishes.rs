//! What was typed, in flags or in a scenario file, before it is complete.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::typed::{frames, typed, typed_all};
use super::{
    AccuracyLimits, Deadline, Floor, FrameRate, Limits, MaxDrop, Objective, Percentile, RateModel,
    RateRange, Results, Scenario, ScenarioError, Schedule, TaskResults, U8Input, Weight,
};
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::Confidence;
use cutpoint_core::link::{Link, PRESETS, Preset};
use cutpoint_core::syntax::read_toml;
use cutpoint_core::task::Task;
use cutpoint_core::units::{BitRate, Bytes, Delay, Energy, Share, Watts};

/// ScenarioSpec of one source, each optional. As a file: TOML with these keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)] // the keys are the command line's flags
pub struct ScenarioSpec {
    /// Version of the file format, 1.
    pub format: Option<u32>,
    pub link: Option<String>,
    #[serde(deserialize_with = "text", serialize_with = "typed")]
    pub rate: Option<RateRange>,
    #[serde(serialize_with = "typed")]
    pub delay: Option<Delay>,
    #[serde(serialize_with = "typed")]
    pub down_rate: Option<BitRate>,
    pub percentile: Option<Percentile>,
    #[serde(serialize_with = "typed")]
    pub rate_spread: Option<Share>,
    pub rate_trace: Option<PathBuf>,
    pub codec: Vec<Codec>,
    #[serde(deserialize_with = "texts", serialize_with = "typed_all")]
    pub input_u8: Vec<U8Input>,
    #[serde(deserialize_with = "one_or_more", serialize_with = "typed_all")]
    pub results: Vec<TaskResults>,
    #[serde(deserialize_with = "text", serialize_with = "typed")]
    pub objective: Option<Objective>,
    #[serde(deserialize_with = "text", serialize_with = "typed")]
    pub then: Option<Objective>,
    #[serde(deserialize_with = "text", serialize_with = "typed")]
    pub schedule: Option<Schedule>,
    #[serde(deserialize_with = "texts", serialize_with = "typed_all")]
    pub weight: Vec<Weight>,
    #[serde(deserialize_with = "text", serialize_with = "typed")]
    pub edge_memory: Option<Bytes>,
    #[serde(deserialize_with = "text", serialize_with = "typed")]
    pub server_memory: Option<Bytes>,
    #[serde(deserialize_with = "text", serialize_with = "typed")]
    pub max_uplink: Option<Bytes>,
    #[serde(deserialize_with = "text", serialize_with = "typed")]
    pub max_downlink: Option<Bytes>,
    #[serde(deserialize_with = "text", serialize_with = "typed")]
    pub max_message: Option<Bytes>,
    pub keep_on_edge: Vec<String>,
    pub keep_on_server: Vec<String>,
    pub raw_stays: bool,
    pub min_depth: Option<u32>,
    #[serde(deserialize_with = "texts", serialize_with = "typed_all")]
    pub deadline: Vec<Deadline>,
    #[serde(serialize_with = "frames")]
    pub fps: Option<FrameRate>,
    #[serde(serialize_with = "typed")]
    pub link_share: Option<Share>,
    #[serde(deserialize_with = "text", serialize_with = "typed")]
    pub max_energy: Option<Energy>,
    #[serde(deserialize_with = "text", serialize_with = "typed")]
    pub max_power: Option<Watts>,
    #[serde(deserialize_with = "texts", serialize_with = "typed_all")]
    pub max_drop: Vec<MaxDrop>,
    #[serde(deserialize_with = "texts", serialize_with = "typed_all")]
    pub floor: Vec<Floor>,
    pub confidence: Option<Confidence>,
    pub capacity: BTreeMap<String, u64>,
    pub local_input: Vec<String>,
    #[serde(deserialize_with = "tasks", serialize_with = "typed_all")]
    pub task: Vec<Task>,
}

/// Longer than any link needs; keeps sums of times exact.
const LONGEST_DELAY: Duration = Duration::from_secs(24 * 3600);

impl ScenarioSpec {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// [`ScenarioError::File`].
    pub fn load(path: &Path) -> Result<ScenarioSpec, ScenarioError> {
        let error = |message: String| ScenarioError::File {
            path: path.to_owned(),
            message,
        };
        let text = std::fs::read_to_string(path).map_err(|e| error(e.to_string()))?;
        let mut wishes: ScenarioSpec = read_toml(&text).map_err(error)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        wishes.rate_trace = wishes.rate_trace.map(|trace| folder.join(trace));
        match wishes.format {
            None | Some(1) => Ok(wishes),
            Some(other) => Err(error(format!(
                "format {other} is not format 1, the one this version reads"
            ))),
        }
    }

    /// These wishes, completed by those of `file`. A list given here replaces the file's, a preset
    /// given here the file's link.
    pub fn or(self, file: ScenarioSpec) -> ScenarioSpec {
        fn list<T>(first: Vec<T>, second: Vec<T>) -> Vec<T> {
            if first.is_empty() { second } else { first }
        }
        let (rate, delay, down_rate) = match self.link {
            Some(_) => (None, None, None),
            None => (file.rate, file.delay, file.down_rate),
        };
        let (spread, trace) = match (self.rate_spread, &self.rate_trace) {
            (None, None) => (file.rate_spread, file.rate_trace),
            _ => (None, None),
        };
        ScenarioSpec {
            format: self.format.or(file.format),
            link: self.link.or(file.link),
            rate: self.rate.or(rate),
            delay: self.delay.or(delay),
            down_rate: self.down_rate.or(down_rate),
            percentile: self.percentile.or(file.percentile),
            rate_spread: self.rate_spread.or(spread),
            rate_trace: self.rate_trace.or(trace),
            codec: list(self.codec, file.codec),
            input_u8: list(self.input_u8, file.input_u8),
            results: list(self.results, file.results),
            objective: self.objective.or(file.objective),
            then: self.then.or(file.then),
            schedule: self.schedule.or(file.schedule),
            weight: list(self.weight, file.weight),
            edge_memory: self.edge_memory.or(file.edge_memory),
            server_memory: self.server_memory.or(file.server_memory),
            max_uplink: self.max_uplink.or(file.max_uplink),
            max_downlink: self.max_downlink.or(file.max_downlink),
            max_message: self.max_message.or(file.max_message),
            keep_on_edge: list(self.keep_on_edge, file.keep_on_edge),
            keep_on_server: list(self.keep_on_server, file.keep_on_server),
            raw_stays: self.raw_stays || file.raw_stays,
            min_depth: self.min_depth.or(file.min_depth),
            deadline: list(self.deadline, file.deadline),
            fps: self.fps.or(file.fps),
            link_share: self.link_share.or(file.link_share),
            max_energy: self.max_energy.or(file.max_energy),
            max_power: self.max_power.or(file.max_power),
            max_drop: list(self.max_drop, file.max_drop),
            floor: list(self.floor, file.floor),
            confidence: self.confidence.or(file.confidence),
            capacity: if self.capacity.is_empty() {
                file.capacity
            } else {
                self.capacity
            },
            local_input: list(self.local_input, file.local_input),
            task: list(self.task, file.task),
        }
    }

    /// The complete request, at the slowest of the rates wished for, and the range of rates. A rate
    /// or delay wins over that of a preset.
    ///
    /// # Errors
    /// No link, an unknown preset, wishes that contradict one another.
    pub fn complete(self) -> Result<(Scenario, RateRange), ScenarioError> {
        let known = || {
            let names: Vec<_> = PRESETS.iter().map(|p| p.name).collect();
            names.join(", ")
        };
        let preset = match &self.link {
            None => None,
            Some(name) => Some(
                Preset::find(name).ok_or_else(|| ScenarioError::UnknownPreset {
                    name: name.clone(),
                    known: known(),
                })?,
            ),
        };
        let preset_rate = preset
            .and_then(|p| BitRate::from_bit_s(p.rate_bit_s))
            .map(|rate| RateRange {
                from: rate,
                to: rate,
            });
        let asked = self.rate.or(preset_rate);
        let rate_model = RateModel::of(self.rate_spread, self.rate_trace.as_deref(), asked)?;
        let one = |rate| RateRange {
            from: rate,
            to: rate,
        };
        let rates = match (&rate_model, self.percentile) {
            (Some(model), Some(percentile)) => one(model.held_in(percentile)?),
            (Some(model), None) => asked.unwrap_or(one(model.mean())),
            (None, _) => asked.ok_or_else(|| ScenarioError::NoLink(known()))?,
        };
        let link = Link {
            rate: rates.from,
            delay: self.delay.or(preset.map(delay_of)).unwrap_or_default(),
            down_rate: self.down_rate,
        };
        if link.delay.0 > LONGEST_DELAY {
            return Err(ScenarioError::AbsurdDelay(link.delay));
        }
        let accuracy = AccuracyLimits {
            drops: self.max_drop,
            floors: self.floor,
            confidence: self.confidence.unwrap_or_default(),
            best: BTreeMap::new(),
        };
        accuracy.check()?;
        let (results, task_results) = results(self.results)?;
        let scenario = Scenario {
            link,
            percentile: self.percentile,
            rate_model,
            measured_codecs: self.codec.is_empty(),
            codecs: codecs(self.codec, &self.input_u8)?,
            u8_inputs: self.input_u8,
            results,
            task_results,
            objective: self.objective.unwrap_or_default(),
            then: self.then,
            schedule: self.schedule.unwrap_or_default(),
            weights: self.weight,
            limits: Limits {
                edge_memory: self.edge_memory,
                server_memory: self.server_memory,
                max_uplink: self.max_uplink,
                max_downlink: self.max_downlink,
                max_message: self.max_message,
                keep_on_edge: self.keep_on_edge,
                keep_on_server: self.keep_on_server,
                raw_stays: self.raw_stays,
                min_depth: self.min_depth,
                deadlines: self.deadline,
                fps: self.fps,
                link_share: self.link_share,
                max_energy: self.max_energy,
                max_power: self.max_power,
                accuracy,
                capacities: self.capacity,
            },
            local_inputs: self.local_input,
            tasks: self.task,
        };
        check_needs(&scenario)?;
        Ok((scenario, rates))
    }
}

/// Where results are wanted, and where those of single tasks.
fn results(asked: Vec<TaskResults>) -> Result<(Results, Vec<(String, Results)>), ScenarioError> {
    let mut all = None;
    let mut single: Vec<(String, Results)> = Vec::new();
    for TaskResults { task, at } in asked {
        match task {
            None if all.replace(at).is_some() => return Err(twice("--results", None)),
            None => {}
            Some(task) if single.iter().any(|(t, _)| *t == task) => {
                return Err(twice("--results", Some(&task)));
            }
            Some(task) => single.push((task, at)),
        }
    }
    Ok((all.unwrap_or_default(), single))
}

fn twice(flag: &str, task: Option<&str>) -> ScenarioError {
    ScenarioError::Twice(match task {
        Some(task) => format!("{flag} {task}"),
        None => flag.to_owned(),
    })
}

/// Refuses limits and objectives that lack what they depend on, and what is stated twice.
fn check_needs(scenario: &Scenario) -> Result<(), ScenarioError> {
    let limits = &scenario.limits;
    let needs = |missing: bool, what, needs| {
        if missing {
            Err(ScenarioError::Needs { what, needs })
        } else {
            Ok(())
        }
    };
    let frames = "a frame rate: add --fps 30";
    let no_fps = limits.fps.is_none();
    needs(
        no_fps && limits.link_share.is_some(),
        "--link-share",
        frames,
    )?;
    needs(no_fps && limits.max_power.is_some(), "--max-power", frames)?;
    let late = |objective| objective == Some(Objective::Lateness) && limits.deadlines.is_empty();
    let deadlines = "deadlines: add --deadline TASK=30ms";
    needs(
        late(Some(scenario.objective)),
        "--objective lateness",
        deadlines,
    )?;
    needs(late(scenario.then), "--then lateness", deadlines)?;
    for (index, deadline) in limits.deadlines.iter().enumerate() {
        let same = |other: &Deadline| other.task == deadline.task;
        if limits.deadlines[..index].iter().any(same) {
            return Err(twice("--deadline", deadline.task.as_deref()));
        }
    }
    for (index, weight) in scenario.weights.iter().enumerate() {
        let same = |other: &Weight| other.task == weight.task;
        if scenario.weights[..index].iter().any(same) {
            return Err(twice("--weight", Some(&weight.task)));
        }
    }
    Ok(())
}

fn delay_of(preset: &Preset) -> Delay {
    Delay(Duration::from_micros(preset.delay_us))
}

/// The codecs asked for; without any, each tensor's own type, and `u8` for declared inputs, since
/// it loses nothing there.
fn codecs(asked: Vec<Codec>, u8_inputs: &[U8Input]) -> Result<Vec<Codec>, ScenarioError> {
    for (index, input) in u8_inputs.iter().enumerate() {
        if u8_inputs[..index]
            .iter()
            .any(|other| other.name == input.name)
        {
            return Err(ScenarioError::TwiceU8(input.name.clone()));
        }
    }
    let mut codecs = asked;
    if codecs.is_empty() {
        codecs.push(Codec::F32);
        codecs.extend((!u8_inputs.is_empty()).then_some(Codec::U8));
    }
    if let (Some(codec), []) = (codecs.iter().find(|c| c.is_image()), u8_inputs) {
        return Err(ScenarioError::NoU8Input(*codec));
    }
    codecs.sort();
    codecs.dedup();
    Ok(codecs)
}

/// Reads `NAME=OUTPUT[,OUTPUT...]`.
///
/// # Errors
/// [`ScenarioError::BadTask`].
pub fn parse_task(text: &str) -> Result<Task, ScenarioError> {
    let bad = || ScenarioError::BadTask(text.to_owned());
    let (name, outputs) = text.split_once('=').ok_or_else(bad)?;
    let outputs: Vec<String> = outputs.split(',').map(str::to_owned).collect();
    if name.is_empty() || outputs.iter().any(String::is_empty) {
        return Err(bad());
    }
    Ok(Task {
        name: name.to_owned(),
        outputs,
    })
}

/// Reads `NAME=AMOUNT`.
///
/// # Errors
/// [`ScenarioError::BadCapacity`].
pub fn parse_capacity(text: &str) -> Result<(String, u64), ScenarioError> {
    let bad = || ScenarioError::BadCapacity(text.to_owned());
    let (name, most) = text.rsplit_once('=').ok_or_else(bad)?;
    let most = most.trim().parse().map_err(|_| bad())?;
    if name.is_empty() {
        Err(bad())
    } else {
        Ok((name.to_owned(), most))
    }
}

fn read<T: std::str::FromStr<Err: std::fmt::Display>, E: serde::de::Error>(
    text: &str,
) -> Result<T, E> {
    text.parse().map_err(E::custom)
}

fn text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    read(&String::deserialize(deserializer)?).map(Some)
}

fn texts<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| read(text)).collect()
}

/// A text, or a list of texts.
fn one_or_more<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        One(String),
        More(Vec<String>),
    }
    let texts = match Texts::deserialize(deserializer)? {
        Texts::One(text) => vec![text],
        Texts::More(texts) => texts,
    };
    texts.iter().map(|text| read(text)).collect()
}

fn tasks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Task>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let task = |text: &String| parse_task(text).map_err(serde::de::Error::custom);
    texts.iter().map(task).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cutpoint_core::units::Share;

    fn file(text: &str) -> ScenarioSpec {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_file_reads_like_the_flags_and_flags_win() {
        let wishes = file(
            r#"
            rate = "40 Mbit/s"
            delay = "20 ms"
            edge_memory = "64 MiB"
            codec = ["f32", "q8"]
            input_u8 = ["x=127.5,127.5"]
            results = "anywhere"
            max_drop = ["1%", "boxes=0.5 %"]
            floor = ["boxes=0.9"]
            confidence = 0.9
            task = ["boxes=a,b"]
            capacity = { BRAM = 140 }
            "#,
        );
        let flags = ScenarioSpec {
            rate: Some("10 Mbit/s".parse().unwrap()),
            ..ScenarioSpec::default()
        };
        let (scenario, _) = flags.or(wishes).complete().unwrap();
        assert_eq!(scenario.link.rate.bit_s(), 10_000_000);
        assert_eq!(scenario.link.delay.ns(), 20_000_000);
        assert_eq!(scenario.codecs, [Codec::F32, Codec::Q8]);
        assert_eq!(scenario.limits.edge_memory, Some(Bytes(64 << 20)));
        assert_eq!(scenario.tasks[0].outputs, ["a", "b"]);
        let accuracy = &scenario.limits.accuracy;
        assert_eq!(accuracy.drop_of("boxes"), Some(Share(5_000)));
        assert_eq!(accuracy.floors[0].value, 0.9);
        assert_eq!(accuracy.confidence.share(), 0.9);
        assert_eq!(scenario.limits.capacities["BRAM"], 140);
        assert!(!scenario.measured_codecs);
    }

    #[test]
    fn a_rate_replaces_the_rate_of_a_preset_and_keeps_its_delay() {
        let flags = ScenarioSpec {
            rate: Some("10 Mbit/s".parse().unwrap()),
            ..ScenarioSpec::default()
        };
        let (scenario, _) = flags.or(file("link = \"wifi\"")).complete().unwrap();
        assert_eq!(scenario.link.rate.bit_s(), 10_000_000);
        assert_eq!(scenario.link.delay.ns(), 20_000_000);

        let flags = ScenarioSpec {
            link: Some("gbe".into()),
            ..ScenarioSpec::default()
        };
        let typed = file("rate = \"1 Mbit/s\"\ndelay = \"50 ms\"");
        let (scenario, _) = flags.or(typed).complete().unwrap();
        assert_eq!(scenario.link.rate.bit_s(), 1_000_000_000);
        assert_eq!(scenario.link.delay.ns(), 100_000);
    }

    #[test]
    fn unknown_keys_bare_numbers_and_missing_links_are_refused() {
        for text in [
            "speed = 3",
            "rate = 40",
            "rate = \"40\"",
            "codec = [\"zip\"]",
            "max_drop = [\"0.01\"]",
            "confidence = 95",
        ] {
            assert!(toml::from_str::<ScenarioSpec>(text).is_err(), "{text}");
        }
        assert!(matches!(
            ScenarioSpec::default().complete(),
            Err(ScenarioError::NoLink(_))
        ));
        let u8_alone = file("link = \"wifi\"\ncodec = [\"u8\"]");
        assert_eq!(
            u8_alone.complete().unwrap_err(),
            ScenarioError::NoU8Input(Codec::U8)
        );
    }
}
