//! Whether the numbers of a profile can be times.

use super::Profile;

impl Profile {
    /// Names the first number that is not a time from 0 to one day.
    pub(super) fn check_numbers(&self) -> Result<(), String> {
        let layers = self.layers.iter().flat_map(|l| {
            [
                ("edge_us", l.edge_us),
                ("server_us", l.server_us),
                ("trace_us", l.trace_us),
            ]
            .map(|(key, value)| (l.id.as_str(), key, value))
        });
        let tensors = self.tensors.iter().flat_map(|t| {
            [("send_us", t.send_us), ("recv_us", t.recv_us)]
                .map(|(key, value)| (t.name.as_str(), key, value))
        });
        let codecs = self.codecs.iter().flat_map(|c| {
            [
                ("enc_us", c.enc_us),
                ("enc_ns_per_byte", c.enc_ns_per_byte),
                ("dec_us", c.dec_us),
                ("dec_ns_per_byte", c.dec_ns_per_byte),
            ]
            .map(|(key, value)| (c.name.as_str(), key, value))
        });
        let single = [
            ("method", "split_edge_us", self.method.split_edge_us),
            ("method", "split_server_us", self.method.split_server_us),
            ("whole", "median_us", self.whole.median_us),
            ("memory", "weight_factor", self.memory.weight_factor),
            ("memory", "activation_factor", self.memory.activation_factor),
        ];
        for (entry, key, value) in layers.chain(tensors).chain(codecs).chain(single) {
            // a day is far beyond any layer, and keeps sums of nanoseconds exact
            if !(0.0..=86_400e6).contains(&value) {
                return Err(format!(
                    "`{entry}`: {key} = {value} is not a time from 0 to one day"
                ));
            }
        }
        Ok(())
    }
}
