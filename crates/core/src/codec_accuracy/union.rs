//! The accuracy of several models side by side, as of one.

use super::{
    CodecAccuracy, CrossingRecord, DataInfo, FORMAT, ModelId, RangeRecord, WholePlanRecord,
};
use crate::file_kind::FileKind;

impl CodecAccuracy {
    /// Returns the same figures under other names of tensors and layers.
    #[must_use]
    pub fn renamed(
        &self,
        tensor: impl Fn(&str) -> String,
        layer: impl Fn(&str) -> String,
    ) -> CodecAccuracy {
        let mut renamed = self.clone();
        for range in &mut renamed.ranges {
            range.tensor = tensor(&range.tensor);
        }
        for record in &mut renamed.crossings {
            record.tensor = tensor(&record.tensor);
        }
        for record in &mut renamed.whole_plans {
            record
                .tensors
                .iter_mut()
                .for_each(|name| *name = tensor(name));
            record.edge.iter_mut().for_each(|name| *name = layer(name));
        }
        renamed
    }

    /// Returns the figures of all `members` for the set of them, `model`. Tensors of one name are
    /// one tensor, an input that several members read: an encoding of it costs each member's tasks
    /// what it was measured to cost them, and takes the largest of the payloads. Where members were
    /// calibrated to different bounds of it, that encoding is left out.
    #[must_use]
    pub fn union(members: &[CodecAccuracy], model: ModelId) -> CodecAccuracy {
        let mut union = CodecAccuracy {
            format: FORMAT,
            kind: FileKind::Accuracy,
            model,
            data: data(members),
            tasks: members.iter().flat_map(|m| m.tasks.clone()).collect(),
            ranges: Vec::new(),
            crossings: Vec::new(),
            whole_plans: Vec::<WholePlanRecord>::new(),
        };
        for member in members {
            union.whole_plans.extend(member.whole_plans.iter().cloned());
            for range in &member.ranges {
                if !union.ranges.contains(range) {
                    union.ranges.push(range.clone());
                }
            }
            member.crossings.iter().for_each(|record| union.add(record));
        }
        let ranges = union.ranges.clone();
        let same =
            |one: &RangeRecord, tensor: &str, form| one.tensor == tensor && one.codec.form == form;
        let clear =
            |tensor: &str, form| ranges.iter().filter(|r| same(r, tensor, form)).count() < 2;
        union.ranges.retain(|r| clear(&r.tensor, r.codec.form));
        union.crossings.retain(|r| clear(&r.tensor, r.codec.form));
        union
    }

    fn add(&mut self, record: &CrossingRecord) {
        let known = self.crossings.iter_mut();
        let mut same = known.filter(|r| r.tensor == record.tensor && r.codec == record.codec);
        let Some(known) = same.next() else {
            self.crossings.push(record.clone());
            return;
        };
        known.samples = known.samples.min(record.samples);
        known.bytes_std = known.bytes_std.max(record.bytes_std);
        known.bytes_p95 = match (known.bytes_p95, record.bytes_p95) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        known.bytes_mean = known.bytes_mean.max(record.bytes_mean);
        known.drops.extend(record.drops.iter().cloned());
    }
}

fn data(members: &[CodecAccuracy]) -> DataInfo {
    let infos = || members.iter().map(|m| &m.data);
    let mut sources: Vec<&str> = Vec::new();
    for info in infos() {
        if !sources.contains(&info.source.as_str()) {
            sources.push(&info.source);
        }
    }
    DataInfo {
        source: sources.join("; "),
        samples: infos().map(|d| d.samples).min().unwrap_or(0),
        sha256: String::new(),
        calibration_samples: infos().map(|d| d.calibration_samples).min().unwrap_or(0),
        labelled: infos().all(|d| d.labelled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(task: &str, low: f32, bytes: f64) -> CodecAccuracy {
        let text = format!(
            "format = 1\n[model]\nfile = \"m\"\nsha256 = \"0\"\n[data]\nsource = \"s\"\nsamples = 9\n\
             [[task]]\nname = \"{task}\"\nmetric = \"top1\"\nbaseline = 0.9\n\
             [[range]]\ntensor = \"image\"\ncodec = \"q4\"\nlow = [{low:?}]\nhigh = [2.0]\n\
             [[crossing]]\ntensor = \"image\"\ncodec = \"q4+zstd\"\nbytes_mean = {bytes:?}\n\
             drop = [{{ task = \"{task}\", mean = 0.01 }}]\n\
             [[crossing]]\ntensor = \"t\"\ncodec = \"f16\"\nbytes_mean = 10.0\n\
             drop = [{{ task = \"{task}\", mean = 0.0 }}]\n"
        );
        let parsed = CodecAccuracy::parse(&text, std::path::Path::new("m.accuracy.toml")).unwrap();
        let name = |name: &str| match name {
            "image" => name.to_owned(),
            other => format!("{task}/{other}"),
        };
        parsed.renamed(name, |layer| format!("{task}/{layer}"))
    }

    fn union(members: &[CodecAccuracy]) -> CodecAccuracy {
        let model = ModelId {
            file: "a + b".into(),
            sha256: "1".into(),
        };
        CodecAccuracy::union(members, model)
    }

    #[test]
    fn a_shared_input_costs_the_tasks_of_all() {
        let set = union(&[member("size", 0.0, 100.0), member("type", 0.0, 120.0)]);
        let image = set.crossing("image", "q4+zstd".parse().unwrap()).unwrap();
        assert_eq!(image.bytes_mean, 120.0);
        let tasks: Vec<&str> = image.drops.iter().map(|d| d.task.as_str()).collect();
        assert_eq!(tasks, ["size", "type"]);
        assert_eq!(set.ranges.len(), 1);
        assert!(set.crossing("size/t", "f16".parse().unwrap()).is_some());
        assert_eq!(set.tasks.len(), 2);
    }

    #[test]
    fn a_shared_input_with_two_calibrations_is_not_encoded_so() {
        let set = union(&[member("size", 0.0, 100.0), member("type", 0.5, 120.0)]);
        assert!(set.crossing("image", "q4+zstd".parse().unwrap()).is_none());
        assert!(set.ranges.is_empty());
    }
}
