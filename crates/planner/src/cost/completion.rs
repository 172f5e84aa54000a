//! Where and when tasks are done.

use super::parts::{LinearCost, Part};
use cutpoint_core::graph::LayerSet;

/// Where and when a task is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Completion {
    /// On the edge, before anything is sent.
    Here,
    /// On the edge, while link and server work.
    Local,
    /// On the server, where its results stay.
    There,
    /// On the server, its results sent back.
    Back,
}

/// One order of work on the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// Where each task is done.
    pub done: Vec<Completion>,
    /// Layers that run while link and server work.
    pub local: LayerSet,
}

impl Completion {
    /// The time from the input to the task's results.
    pub fn time(self) -> LinearCost {
        use Part::{BackDelay, Decode, Delay, Downlink, Edge, Encode, Local, Server, Uplink};
        match self {
            Completion::Here => LinearCost::of(&[Edge, Encode]),
            Completion::Local => LinearCost::of(&[Edge, Encode, Local]),
            Completion::There => LinearCost::of(&[Edge, Encode, Delay, Uplink, Decode, Server]),
            Completion::Back => LinearCost::of(&[
                Edge, Encode, Delay, Uplink, Decode, Server, BackDelay, Downlink,
            ]),
        }
    }
}
