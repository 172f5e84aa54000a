//! Wishes one of which a sweep varies.

use cutpoint_planner::scenario::{Over, Wishes};

use super::super::{Kind, OrFail};
use super::{Read, WishArgs};

impl WishArgs {
    /// As [`WishArgs::read`], with what a sweep varies at its loosest.
    pub(crate) fn read_varied(&self, over: &Over) -> anyhow::Result<Read> {
        let wishes = self.choices.merged(Wishes::default())?;
        let wishes = over.wish(wishes).or_fail(Kind::Usage)?;
        let (scenario, rates) = wishes.clone().complete().or_fail(Kind::Usage)?;
        self.read_for(scenario, rates, wishes)
    }
}
