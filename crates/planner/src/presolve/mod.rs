//! What the limits decide before any engine runs.

pub(crate) mod chain_dominance;
pub(crate) mod contribution;
pub(crate) mod fixing;
