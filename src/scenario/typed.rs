//! Wishes written down the way they are typed, so that reading them back gives the same wishes.

use serde::{Serialize, Serializer};

use super::{Floor, MaxDrop, RateRange, Results, U8Input, Wishes};
use crate::task::Task;
use crate::units::{BitRate, Bytes, Delay};

/// Something that a person types as one word.
pub(super) trait Typed {
    /// The word, which reads back as the same thing.
    fn typed(&self) -> String;
}

impl Typed for Bytes {
    fn typed(&self) -> String {
        Bytes::typed(*self)
    }
}

impl Typed for BitRate {
    fn typed(&self) -> String {
        BitRate::typed(*self)
    }
}

impl Typed for Delay {
    fn typed(&self) -> String {
        Delay::typed(*self)
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

impl Typed for Results {
    fn typed(&self) -> String {
        self.name().to_owned()
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

impl Wishes {
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

    /// Reads what [`Wishes::to_table`] gives.
    ///
    /// # Errors
    /// Unknown keys, or values that are no wishes.
    pub fn from_table(table: &toml::Table) -> Result<Wishes, toml::de::Error> {
        table.clone().try_into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Wishes {
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
            results = "anywhere"
            edge_memory = "64 MiB"
            max_uplink = "1234567 B"
            keep_on_edge = ["a"]
            keep_on_server = ["b", "c"]
            raw_stays = true
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
        assert_eq!(Wishes::from_table(&table).unwrap(), wishes);
        assert!(Wishes::default().to_table().unwrap().is_empty());
    }

    #[test]
    fn wishes_in_other_units_read_back_equal() {
        let wishes = read("rate = \"0.0123 Gbps\"\ndelay = \"0.5 min\"\nedge_memory = \"0.7 GiB\"");
        let text = toml::to_string(&wishes.to_table().unwrap()).unwrap();
        assert_eq!(read(&text), wishes);
    }
}
