//! The network as a graph, with the cut.

mod fold;

pub use fold::{Block, Link, MOST_BLOCKS, Network, fold};
