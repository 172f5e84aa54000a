//! Whether the numbers and names of a profile can be those of a measurement.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use super::Profile;
use crate::graph::ElementType;

/// A number of a profile: its table, its key, its value.
type Number<'a> = (&'a str, &'static str, f64);

/// A time in microseconds. A day is far beyond any layer, and keeps sums of nanoseconds exact.
const TIME: (RangeInclusive<f64>, &str) = (0.0..=86_400e6, "a time from 0 to one day");
/// The difference of two times.
const DIFFERENCE: (RangeInclusive<f64>, &str) =
    (-86_400e6..=86_400e6, "a time difference up to one day");
/// A share, a factor or a speed.
const AMOUNT: (RangeInclusive<f64>, &str) = (0.0..=1e9, "a number from 0 to 1e9");

impl Profile {
    /// Names the first number that cannot have been measured.
    pub(super) fn check_numbers(&self) -> Result<(), String> {
        within(self.times(), TIME)?;
        within(self.differences(), DIFFERENCE)?;
        within(self.amounts(), AMOUNT)
    }

    fn times(&self) -> impl Iterator<Item = Number<'_>> {
        let layers = self.layers.iter().flat_map(|l| {
            [
                (l.id.as_str(), "edge_us", l.edge_us),
                (l.id.as_str(), "server_us", l.server_us),
                (l.id.as_str(), "trace_us", l.trace_us),
                (l.id.as_str(), "mad_us", l.mad_us),
            ]
        });
        let tensors = self.tensors.iter().flat_map(|t| {
            [
                (t.name.as_str(), "send_us", t.send_us),
                (t.name.as_str(), "recv_us", t.recv_us),
            ]
        });
        let codecs = self.codecs.iter().flat_map(|c| {
            [
                (c.name.as_str(), "enc_us", c.enc_us),
                (c.name.as_str(), "enc_ns_per_byte", c.enc_ns_per_byte),
                (c.name.as_str(), "dec_us", c.dec_us),
                (c.name.as_str(), "dec_ns_per_byte", c.dec_ns_per_byte),
            ]
        });
        let cuts = self.cuts.iter().flat_map(|c| {
            [
                ("cut", "edge_us", c.edge_us),
                ("cut", "server_us", c.server_us),
                ("cut", "edge_mad_us", c.edge_mad_us),
                ("cut", "server_mad_us", c.server_mad_us),
            ]
        });
        let (method, whole) = (&self.method, &self.whole);
        let serving = self.serving.iter().flat_map(|serving| {
            [
                ("serving", "request_us", serving.request_us),
                ("serving", "mad_us", serving.mad_us),
            ]
        });
        let many = layers.chain(tensors).chain(codecs).chain(cuts);
        many.chain(serving).chain([
            ("method", "split_edge_us", method.split_edge_us),
            ("method", "split_server_us", method.split_server_us),
            ("whole", "median_us", whole.median_us),
            ("whole", "mad_us", whole.mad_us),
            ("whole", "p90_us", whole.p90_us),
            ("whole", "p99_us", whole.p99_us),
        ])
    }

    fn differences(&self) -> impl Iterator<Item = Number<'_>> {
        self.cuts.iter().flat_map(|c| {
            [
                ("cut", "edge_repeat_us", c.edge_repeat_us),
                ("cut", "server_repeat_us", c.server_repeat_us),
                ("cut", "edge_residual_us", c.edge_residual_us),
                ("cut", "server_residual_us", c.server_residual_us),
                ("cut", "edge_loo_us", c.edge_loo_us),
                ("cut", "server_loo_us", c.server_loo_us),
            ]
        })
    }

    fn amounts(&self) -> impl Iterator<Item = Number<'_>> {
        let (method, board, memory) = (&self.method, &self.board, &self.memory);
        [
            ("memory", "weight_factor", memory.weight_factor),
            ("memory", "activation_factor", memory.activation_factor),
            ("board", "peak_gflop_s", board.peak_gflop_s),
            ("board", "mem_gb_s", board.mem_gb_s),
            ("method", "noise", method.noise),
            ("method", "loo_error_median", method.loo_error_median),
            ("method", "loo_error_max", method.loo_error_max),
            ("method", "repeatability", method.repeatability),
            ("method", "drift", method.drift.abs()),
            ("method", "disturbed", method.disturbed),
            ("method", "duration_s", method.duration_s),
        ]
        .into_iter()
    }

    /// Names the first tensor or layer of a cut, or element type, that the tables do not have.
    pub(super) fn check_names(&self) -> Result<(), String> {
        let tensors: HashSet<&str> = self.tensors.iter().map(|t| t.name.as_str()).collect();
        let layers: HashSet<&str> = self.layers.iter().map(|l| l.id.as_str()).collect();
        for cut in &self.cuts {
            if let Some(name) = cut.tensors.iter().find(|t| !tensors.contains(t.as_str())) {
                return Err(format!(
                    "a cut names the tensor `{name}`, which is not there"
                ));
            }
            if let Some(name) = cut.kept.iter().find(|l| !layers.contains(l.as_str())) {
                return Err(format!(
                    "a cut names the layer `{name}`, which is not there"
                ));
            }
        }
        let tensors = self.tensors.iter().map(|t| (&t.name, &t.dtype));
        let ports = self.inputs.iter().chain(&self.outputs);
        for (name, dtype) in tensors.chain(ports.map(|p| (&p.name, &p.dtype))) {
            let known = dtype.parse::<ElementType>();
            known.map_err(|problem| format!("tensor `{name}`: {problem}"))?;
        }
        Ok(())
    }
}

fn within<'a>(
    numbers: impl Iterator<Item = Number<'a>>,
    (range, what): (RangeInclusive<f64>, &str),
) -> Result<(), String> {
    for (entry, key, value) in numbers {
        if !range.contains(&value) {
            return Err(format!("`{entry}`: {key} = {value:?} is not {what}"));
        }
    }
    Ok(())
}
