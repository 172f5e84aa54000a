//! The best plans over a range of whole steps, from solving at single ones: of the server's speed,
//! which plans are no lines in, since the times of its layers are rounded one by one; and where the
//! objective is the largest of several lines.

/// A plan, or that there is none, from one step to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch<P> {
    /// The first step.
    pub from: u64,
    /// The last step.
    pub to: u64,
    /// What `at` found at the first step.
    pub plan: Option<P>,
}

/// Points at which a range is looked at before it is halved: whatever holds for longer than the
/// stretch between two of them is found.
const POINTS: u32 = 33;

/// After so many guesses a stretch is halved.
const GUESSES: usize = 4;

/// Solves at points of a range, and halves each stretch between two of them whose plans differ,
/// down to one step. So both plans beside every switch are found by real solves; a plan that is the
/// best only between two points whose plans are the same is not.
///
/// `also` are points beside those of the range.
///
/// # Errors
/// Those of `at`.
pub fn by_bisection<P: Clone, E>(
    from: u64,
    to: u64,
    also: &[u64],
    at: impl Fn(u64) -> Result<Option<P>, E>,
    is_same: impl Fn(&P, &P) -> bool,
) -> Result<Vec<Stretch<P>>, E> {
    by_guesses(from, to, also, at, is_same, |_, _| Ok(None))
}

/// As [`by_bisection`], with a guess where, between two steps with different plans, the second
/// becomes better than the first. Stretches are halved as well, so that bad guesses cost little.
///
/// # Errors
/// Those of `at` and `guess`.
pub(crate) fn by_guesses<P: Clone, E>(
    from: u64,
    to: u64,
    also: &[u64],
    at: impl Fn(u64) -> Result<Option<P>, E>,
    is_same: impl Fn(&P, &P) -> bool,
    guess: impl Fn((u64, &P), (u64, &P)) -> Result<Option<u64>, E>,
) -> Result<Vec<Stretch<P>>, E> {
    let same = |one: &Option<P>, other: &Option<P>| match (one, other) {
        (Some(one), Some(other)) => is_same(one, other),
        (one, other) => one.is_none() && other.is_none(),
    };
    let mut stretches = vec![Stretch {
        from,
        to: from,
        plan: at(from)?,
    }];
    for point in points(from, to, also) {
        // what is still to be looked at, the nearest last
        let mut ahead = vec![(point, at(point)?)];
        let mut guesses = 0;
        while let (Some((step, plan)), Some(last)) = (ahead.pop(), stretches.last_mut()) {
            if same(&last.plan, &plan) {
                last.to = step;
            } else if step - last.to > 1 {
                let mut next = last.to + (step - last.to) / 2;
                guesses += 1;
                if let (Some(own), Some(other)) = (&last.plan, &plan)
                    && guesses % GUESSES != 0
                    && let Some(change) = guess((last.to, own), (step, other))?
                {
                    // the second is better from there on, the first up to the step before
                    let change = if change < step { change } else { step - 1 };
                    next = change.clamp(last.to + 1, step - 1);
                }
                ahead.push((step, plan));
                ahead.push((next, at(next)?));
            } else {
                stretches.push(Stretch {
                    from: step,
                    to: step,
                    plan,
                });
            }
        }
    }
    Ok(stretches)
}

/// Points of a range after its first, each by the same factor beyond the one before, and others.
fn points(from: u64, to: u64, also: &[u64]) -> Vec<u64> {
    let ratio = to as f64 / (from as f64).max(1.0);
    let last = POINTS - 1;
    let point = |index: u32| {
        let share = f64::from(index) / f64::from(last);
        ((from as f64).max(1.0) * ratio.powf(share)).round() as u64
    };
    let mut points: Vec<u64> = (1..last).map(point).chain([to]).collect();
    points.extend(also);
    points.retain(|point| (from + 1..=to).contains(point));
    points.sort_unstable();
    points.dedup();
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_that_points_tell_apart_is_found_to_the_step() {
        let plan = |step: u64| (step >= 7).then_some(step / 500);
        let found = by_bisection(
            1,
            10_000,
            &[],
            |step| Ok::<_, ()>(plan(step)),
            |a, b| a == b,
        )
        .unwrap();
        let first = &found[0];
        assert_eq!((first.from, first.to, first.plan), (1, 6, None));
        for pair in found.windows(2) {
            assert_eq!(pair[0].to + 1, pair[1].from);
            assert_ne!(pair[0].plan, pair[1].plan);
            assert_eq!(pair[0].plan, plan(pair[0].to));
            assert_eq!(pair[1].plan, plan(pair[1].from));
        }
        assert_eq!(found.last().unwrap().to, 10_000);
        assert_eq!(found.len(), 22);
        // a guess is no more than that
        for guess in [Some(0), Some(5_000), Some(u64::MAX)] {
            let at = |step| Ok::<_, ()>(plan(step));
            let guessed = by_guesses(1, 10_000, &[], at, |a, b| a == b, |_, _| Ok(guess));
            assert_eq!(guessed.unwrap(), found);
        }
        let one = by_bisection(5, 5, &[], |step| Ok::<_, ()>(plan(step)), |a, b| a == b).unwrap();
        assert_eq!(one.len(), 1);
    }
}
