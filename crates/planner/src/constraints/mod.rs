//! Limits on a plan, and those of them that are sums.

pub(crate) mod knapsack;
pub(crate) mod limit;
