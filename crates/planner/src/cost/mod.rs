//! What a placement costs, in whole nanoseconds and bits.

pub(crate) mod accuracy;
pub(crate) mod parts;
pub(crate) mod placement;
pub(crate) mod tables;
pub(crate) mod time_per_bit;
