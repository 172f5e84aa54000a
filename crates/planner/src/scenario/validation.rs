//! From a spec to a complete, consistent scenario.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    AccuracyLimits, Deadline, Dependence, Key, KeyOf, Limits, Objective, RateModel, RateRange,
    Results, Scenario, ScenarioError, ScenarioSpec, TaskResults, U8Input, Weight,
};
use cutpoint_core::codec::Codec;
use cutpoint_core::link::{Link, PRESETS, Preset};
use cutpoint_core::quantity::Quantity;
use cutpoint_core::units::{BitRate, Delay};

/// Longer than any link needs; keeps sums of times exact.
const LONGEST_DELAY: Duration = Duration::from_secs(24 * 3600);

impl ScenarioSpec {
    /// Returns the complete scenario, at the slowest of the rates asked for, and the range of rates.
    /// A rate or delay wins over that of a preset.
    ///
    /// # Errors
    /// No link, an unknown preset, keys that contradict one another.
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
                capacities: self
                    .capacity
                    .into_iter()
                    .map(|c| (c.name, c.most))
                    .collect(),
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
            None if all.replace(at).is_some() => return Err(twice(Key::RESULTS, None)),
            None => {}
            Some(task) if single.iter().any(|(t, _)| *t == task) => {
                return Err(twice(Key::RESULTS, Some(&task)));
            }
            Some(task) => single.push((task, at)),
        }
    }
    Ok((all.unwrap_or_default(), single))
}

fn twice(key: impl Into<Key>, of: Option<&str>) -> ScenarioError {
    ScenarioError::Twice(KeyOf {
        key: key.into(),
        of: of.map(str::to_owned),
    })
}

/// Refuses limits and objectives that lack what they depend on, and what is stated twice.
fn check_needs(scenario: &Scenario) -> Result<(), ScenarioError> {
    let limits = &scenario.limits;
    let needs = |missing: bool, key: Key, value, needs| {
        if missing {
            Err(ScenarioError::Needs { key, value, needs })
        } else {
            Ok(())
        }
    };
    let no_fps = limits.fps.is_none();
    for (quantity, is_given) in [
        (Quantity::LinkShare, limits.link_share.is_some()),
        (Quantity::MaxPower, limits.max_power.is_some()),
    ] {
        let missing = no_fps && is_given;
        needs(missing, quantity.into(), None, Dependence::FrameRate)?;
    }
    let late = Objective::Lateness;
    for (key, objective) in [
        (Key::OBJECTIVE, Some(scenario.objective)),
        (Key::THEN, scenario.then),
    ] {
        let missing = objective == Some(late) && limits.deadlines.is_empty();
        needs(missing, key, Some(late), Dependence::Deadlines)?;
    }
    for (index, deadline) in limits.deadlines.iter().enumerate() {
        let same = |other: &Deadline| other.task == deadline.task;
        if limits.deadlines[..index].iter().any(same) {
            return Err(twice(Quantity::Deadline, deadline.task.as_deref()));
        }
    }
    for (index, weight) in scenario.weights.iter().enumerate() {
        let same = |other: &Weight| other.task == weight.task;
        if scenario.weights[..index].iter().any(same) {
            return Err(twice(Key::WEIGHT, Some(&weight.task)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use cutpoint_core::units::{Bytes, Share};

    fn file(text: &str) -> ScenarioSpec {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_file_reads_like_the_flags_and_flags_win() {
        let of_file = file(
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
        let (scenario, _) = flags.or(of_file).complete().unwrap();
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
