//! What the figure of all cuts shows.

use crate::Origin;

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct CutsData {
    /// Name of the model.
    pub model: String,
    /// Where the edge times come from.
    pub edge: Origin,
    /// Where the server times come from.
    pub server: Origin,
    /// The link, such as `10 Mbit/s, 20 ms one way`.
    pub link: String,
    /// All-server first, then the cuts in execution order, then all-edge.
    pub bars: Vec<CutBar>,
}

/// One placement.
#[derive(Debug, Clone, PartialEq)]
pub struct CutBar {
    /// What crosses, or `all on the server`.
    pub name: String,
    /// How much crosses and in which codec, such as `18.8 kB as f32`; empty when nothing does.
    pub payload: String,
    /// What kind of placement it is.
    pub kind: CutKind,
    /// Where the time goes.
    pub parts: Parts,
    /// Whether both halves were measured; otherwise their times are predicted.
    pub measured: bool,
}

/// What kind of placement a bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutKind {
    /// The raw input is sent.
    AllServer,
    /// A natural cut.
    Natural,
    /// The natural cut where all heads start.
    Backbone,
    /// Nothing is sent.
    AllEdge,
}

/// Where the time of one inference goes, in microseconds.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct Parts {
    pub edge_us: f64,
    pub encode_us: f64,
    pub uplink_us: f64,
    pub decode_us: f64,
    pub server_us: f64,
    pub downlink_us: f64,
}

/// Number of parts.
pub(super) const PARTS: usize = 6;

impl CutBar {
    /// Whether both sides work.
    pub(super) fn is_cut(&self) -> bool {
        matches!(self.kind, CutKind::Natural | CutKind::Backbone)
    }
}

impl Parts {
    /// The parts in the order in which they happen, with their class and name.
    pub(crate) fn stacked(&self) -> [(&'static str, &'static str, f64); PARTS] {
        [
            ("edge", "edge", self.edge_us),
            ("encode", "encode", self.encode_us),
            ("uplink", "link", self.uplink_us),
            ("decode", "decode", self.decode_us),
            ("server", "server", self.server_us),
            ("results", "results back", self.downlink_us),
        ]
    }

    /// Time until the end of a part, of those in [`Parts::stacked`].
    pub(super) fn up_to_us(&self, part: usize) -> f64 {
        self.stacked()[..=part].iter().map(|(.., us)| us).sum()
    }

    /// Latency of one inference.
    pub fn total_us(&self) -> f64 {
        self.stacked().iter().map(|(.., us)| us).sum()
    }
}
