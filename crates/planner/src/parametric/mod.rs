//! Every optimal plan over a range of rates, delays or amounts of a limit.

mod bisection;
mod envelope;
mod map;
mod missed_breakpoints;
mod pareto;
mod stability;
mod sweep;
mod sweep_limit;
mod switching;
mod tradeoff;

pub use bisection::{Stretch, by_bisection};
pub use map::map;
pub use pareto::{ParetoFront, ParetoPoint, pareto_front};
pub use stability::stability;
pub use sweep::{sweep, sweep_models};
pub use sweep_limit::{limit_sweep_file, sweep_limit};
pub use switching::switches;
pub use tradeoff::tradeoff;
