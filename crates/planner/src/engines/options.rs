//! What a caller says about solving.

use std::time::Duration;

use super::deadline::Deadline;

/// Which engine solves.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum EngineChoice {
    /// Every closed placement where there are few, else branch and bound, else the linear program.
    #[default]
    Auto,
    /// The linear program, and mixed-integer programs where limits or tasks need them.
    Linear,
    /// Every closed placement.
    Enumerate,
    /// Branch and bound: closed placements but those that bounds exclude.
    Branch,
    /// The linear program and every closed placement; the proof says whether they agree.
    Both,
}

impl EngineChoice {
    /// All, in the order in which they are offered.
    pub const ALL: [EngineChoice; 5] = [
        EngineChoice::Auto,
        EngineChoice::Linear,
        EngineChoice::Enumerate,
        EngineChoice::Branch,
        EngineChoice::Both,
    ];

    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            EngineChoice::Auto => "auto",
            EngineChoice::Linear => "linear",
            EngineChoice::Enumerate => "enumerate",
            EngineChoice::Branch => "branch",
            EngineChoice::Both => "both",
        }
    }
}

impl std::fmt::Display for EngineChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for EngineChoice {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = EngineChoice::ALL.into_iter();
        all.find(|engine| engine.name() == text).ok_or_else(|| {
            let [first @ .., last] = EngineChoice::ALL.map(EngineChoice::name);
            format!(
                "`{text}` is no engine; there are {} and {last}",
                first.join(", ")
            )
        })
    }
}

/// How much work solving may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Longest time for one answer: a plan with what binds it, or why there is none. Each point of a
    /// sweep is an answer.
    pub time_limit: Duration,
    /// Most closed placements to look at.
    pub most_placements: usize,
    /// What solves. Where the linear program stands alone, the first that it finds of equally good
    /// plans is taken.
    pub engine: EngineChoice,
    /// When the answer has to be there; from the time limit on, unless it is set.
    pub deadline: Deadline,
}

impl Options {
    /// The same with a deadline: the one that is set, or the time limit from now on.
    #[must_use]
    pub fn started(&self) -> Options {
        if self.deadline.is_never() {
            self.within(self.time_limit)
        } else {
            *self
        }
    }

    /// The same with a deadline so long after now, or the one that is set where that is sooner.
    #[must_use]
    pub fn within(&self, time: Duration) -> Options {
        Options {
            deadline: Deadline::after(time).or_sooner(self.deadline),
            ..*self
        }
    }
}

impl Default for Options {
    /// One minute, and 100,000 placements, which take some ten milliseconds.
    fn default() -> Self {
        Options {
            time_limit: Duration::from_secs(60),
            most_placements: 100_000,
            engine: EngineChoice::Auto,
            deadline: Deadline::NEVER,
        }
    }
}
