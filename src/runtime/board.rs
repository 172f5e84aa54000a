//! The machine that measures.
