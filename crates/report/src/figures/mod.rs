//! The figures: each a function from plain data to the text of an SVG.

pub mod boards;
pub mod codecs;
pub mod compare;
pub mod cumulative;
pub mod cuts;
pub mod halves;
pub mod layers;
pub mod limit_sweep;
pub mod map;
pub mod network;
pub mod pareto;
pub mod rate;
pub mod roofline;
pub mod timeline;
pub mod tradeoff;
