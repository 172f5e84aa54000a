//! Which sets of models do all tasks, each task once.

use std::collections::BTreeSet;

/// Every set of positions in `tasks_of` whose tasks are disjoint and together `wanted`; models
/// that do more than is wanted count for what is. `None` when there are more than `most`.
pub(super) fn covers(
    tasks_of: &[BTreeSet<&str>],
    wanted: &BTreeSet<&str>,
    most: usize,
) -> Option<Vec<Vec<usize>>> {
    let mut found = Vec::new();
    let mut open = vec![(Vec::new(), BTreeSet::new())];
    while let Some((chosen, covered)) = open.pop() {
        let Some(next) = wanted.iter().find(|task| !covered.contains(*task)) else {
            let mut chosen: Vec<usize> = chosen;
            chosen.sort_unstable();
            found.push(chosen);
            if found.len() > most {
                return None;
            }
            continue;
        };
        for (index, tasks) in tasks_of.iter().enumerate() {
            if tasks.contains(next) && tasks.is_disjoint(&covered) {
                let mut longer = chosen.clone();
                longer.push(index);
                open.push((longer, covered.union(tasks).copied().collect()));
            }
        }
    }
    found.sort_by(|a, b| a.len().cmp(&b.len()).then(a.cmp(b)));
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(models: &[&str], wanted: &str) -> Option<Vec<Vec<usize>>> {
        let set = |text: &'static str| text.split_terminator(',').collect::<BTreeSet<&str>>();
        let models: Vec<String> = models.iter().map(|m| (*m).to_owned()).collect();
        let tasks: Vec<BTreeSet<&str>> = models
            .iter()
            .map(|m| set(Box::leak(m.clone().into_boxed_str())))
            .collect();
        covers(
            &tasks,
            &set(Box::leak(wanted.to_owned().into_boxed_str())),
            5,
        )
    }

    #[test]
    fn single_models_and_exact_covers_are_found_once() {
        let models = ["a,b,c", "a", "b", "c", "b,c", "a,b"];
        assert_eq!(
            sets(&models, "a,b,c"),
            Some(vec![vec![0], vec![1, 4], vec![3, 5], vec![1, 2, 3]])
        );
        assert_eq!(sets(&["a,b", "b,c"], "a,b,c"), Some(vec![]));
        assert_eq!(sets(&["a", "b"], "a"), Some(vec![vec![0]]));
    }

    #[test]
    fn too_many_are_refused() {
        assert_eq!(sets(&["a", "a", "a", "b", "b"], "a,b"), None);
    }
}
