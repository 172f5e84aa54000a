//! ScenarioSpec written down the way they are typed, so that reading them back gives the same wishes.

use serde::{Serialize, Serializer};

use super::{
    Deadline, Floor, FrameRate, MaxDrop, Objective, RateRange, ScenarioSpec, Schedule, TaskResults,
    U8Input, Weight,
};
use cutpoint_core::task::Task;
use cutpoint_core::units::{BitRate, Bytes, Delay, Energy, Share, Watts};

/// Something that a person types as one word.
pub(super) trait Typed {
    /// The word, which reads back as the same thing.
    fn typed(&self) -> String;
}

macro_rules! typed {
    ($($kind:ty: $typed:expr;)*) => {$(
        impl Typed for $kind {
            fn typed(&self) -> String {
                $typed(self)
            }
        }
    )*};
}
typed! {
    Bytes: |size: &Bytes| Bytes::typed(*size);
    BitRate: |rate: &BitRate| BitRate::typed(*rate);
    Delay: |delay: &Delay| Delay::typed(*delay);
    Energy: |energy: &Energy| Energy::typed(*energy);
    Watts: |power: &Watts| Watts::typed(*power);
    // these print exactly
    Share: ToString::to_string;
    Objective: ToString::to_string;
    Schedule: ToString::to_string;
    TaskResults: ToString::to_string;
    Weight: ToString::to_string;
}

impl Typed for Deadline {
    fn typed(&self) -> String {
        match &self.task {
            Some(task) => format!("{task}={}", self.most.typed()),
            None => self.most.typed(),
        }
    }
}

impl Typed for RateRange {
    fn typed(&self) -> String {
        match self.single() {
            Some(rate) => rate.typed(),
            None => format!("{}..{}", self.from.typed(), self.to.typed()),
        }
    }
}

impl Typed for U8Input {
    fn typed(&self) -> String {
        let list = |values: &[f64]| {
            let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
            texts.join(":")
        };
        format!("{}={},{}", self.name, list(&self.mean), list(&self.std))
    }
}

impl Typed for MaxDrop {
    fn typed(&self) -> String {
        match &self.task {
            Some(task) => format!("{task}={}", self.most),
            None => self.most.to_string(),
        }
    }
}

impl Typed for Floor {
    fn typed(&self) -> String {
        format!("{}={}", self.task, self.value)
    }
}

impl Typed for Task {
    fn typed(&self) -> String {
        format!("{}={}", self.name, self.outputs.join(","))
    }
}

pub(super) fn typed<S: Serializer>(wish: &Option<impl Typed>, to: S) -> Result<S::Ok, S::Error> {
    wish.as_ref().map(Typed::typed).serialize(to)
}

pub(super) fn typed_all<S: Serializer>(wishes: &[impl Typed], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(wishes.iter().map(Typed::typed))
}

/// A frame rate is a bare number.
pub(super) fn frames<S: Serializer>(fps: &Option<FrameRate>, to: S) -> Result<S::Ok, S::Error> {
    fps.map(FrameRate::fps).serialize(to)
}

impl ScenarioSpec {
    /// The keys and values of a file with these wishes; what was not wished for is left out.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn to_table(&self) -> Result<toml::Table, toml::ser::Error> {
        let mut table = toml::Table::try_from(self)?;
        table.retain(|_, value| match value {
            toml::Value::Array(list) => !list.is_empty(),
            toml::Value::Table(named) => !named.is_empty(),
            toml::Value::Boolean(wished) => *wished,
            _ => true,
        });
        Ok(table)
    }

    /// Reads what [`ScenarioSpec::to_table`] gives.
    ///
    /// # Errors
    /// Unknown keys, or values that are no wishes.
    pub fn from_table(table: &toml::Table) -> Result<ScenarioSpec, toml::de::Error> {
        table.clone().try_into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ScenarioSpec {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn wishes_read_back_as_they_were_written() {
        let every_key = r#"
            format = 1
            link = "wifi"
            rate = "1.6 Mbit/s..123456789 bit/s"
            delay = "66.7 ms"
            down_rate = "3 kbit/s"
            codec = ["f32", "q4+zstd"]
            input_u8 = ["x:0=123.7:116.3:103.5,58.4:57.1:57.4"]
            results = ["anywhere", "boxes=server"]
            objective = "energy"
            then = "edge-time"
            schedule = "overlap"
            weight = ["boxes=0.5"]
            edge_memory = "64 MiB"
            server_memory = "1 GB"
            max_uplink = "1234567 B"
            max_downlink = "3 B"
            max_message = "1 kB"
            keep_on_edge = ["a"]
            keep_on_server = ["b", "c"]
            raw_stays = true
            min_depth = 3
            deadline = ["30 ms", "boxes=1234567 ns"]
            fps = 29.97
            link_share = "12.5 %"
            max_energy = "1234567 nJ"
            max_power = "1.5 W"
            max_drop = ["1 %", "boxes=0.07 %"]
            floor = ["boxes=0.9", "depth=-0.1"]
            confidence = 0.9
            capacity = { BRAM = 140 }
            local_input = ["clock"]
            task = ["boxes=a,b"]
        "#;
        let wishes = read(every_key);
        let table = wishes.to_table().unwrap();
        // nothing is lost or renamed, and what is typed short stays short
        assert_eq!(table, every_key.parse::<toml::Table>().unwrap());
        assert_eq!(ScenarioSpec::from_table(&table).unwrap(), wishes);
        assert!(ScenarioSpec::default().to_table().unwrap().is_empty());
    }

    #[test]
    fn wishes_in_other_units_read_back_equal() {
        let wishes = read("rate = \"0.0123 Gbps\"\ndelay = \"0.5 min\"\nedge_memory = \"0.7 GiB\"");
        let text = toml::to_string(&wishes.to_table().unwrap()).unwrap();
        assert_eq!(read(&text), wishes);
    }
}
