//! The machines that a plan uses.

/// Where a plan runs the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Nothing is sent.
    Edge,
    /// The input is sent.
    Server,
    /// Both sides work.
    Split,
}
