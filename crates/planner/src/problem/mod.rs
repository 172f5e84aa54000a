//! A problem: a cost model, constraints, objectives and a schedule over one link.

mod baselines;
mod bundle;
pub(crate) mod sums;
pub(crate) mod swept;
pub(crate) mod varied;

pub use crate::constraints::{Counts, Knapsack, Limit, Violation};
pub use crate::cost::accuracy::Drop;
pub use crate::cost::completion::Completion;
pub use crate::cost::error::ProblemError;
pub use crate::cost::model::CostModel;
pub use crate::cost::parts::{CostParts, LinearCost, Part};
pub use crate::cost::placement::{Codecs, Cost, Rank};
pub use crate::cost::time_per_bit::TimePerBit;
pub use crate::cost::times::{Encoding, LayerTime, SplitTime, TensorTime};
pub use crate::objective::ObjectiveFunction;
pub use baselines::{NamedPlacement, baselines};
pub use bundle::Problem;
pub use varied::{sequential, with_times, with_times_by};
