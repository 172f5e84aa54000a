//! Every optimal plan over a range of rates, delays or amounts of a limit.

mod bisection;
mod envelope;
mod map;
mod missed_breakpoints;
mod pareto;
mod stability;
mod sweep;
mod sweep_limit;
mod tradeoff;

pub use bisection::{Stretch, by_bisection};
pub use map::map;
pub use pareto::{Front, Step, front};
pub use stability::robust;
pub use sweep::{sweep, sweep_models};
pub use sweep_limit::{over_file, sweep_over};
pub use tradeoff::tradeoff;
