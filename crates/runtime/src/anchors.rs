//! Anchors: the cuts to measure, most informative first.

use cutpoint_core::cuts::{self, Cut};
use cutpoint_core::graph::{Graph, GraphError, LayerSet, TensorId};
use cutpoint_core::task::Task;

/// Neighbouring anchors lie at most this share of the whole model's time apart.
const WIDEST_GAP: f64 = 0.1;
/// A cut with more crossing tensors than this says little about any of them.
const MOST_TENSORS: usize = 4;

/// Cuts to measure in order of importance. The first [`Anchors::required`] are measured whatever
/// the budget; the rest while it lasts.
#[derive(Debug, Clone)]
pub struct Anchors {
    /// The cuts, most important first.
    pub cuts: Vec<Cut>,
    /// How many of them are always measured.
    pub required: usize,
}

/// Chooses the cuts: all-server, each task's private layers, enough cuts of up to four tensors that
/// no gap is wider than a tenth of the model, then all natural cuts, those farthest from the chosen
/// ones first.
///
/// # Errors
/// A task names a tensor that does not exist.
pub fn choose(
    graph: &Graph,
    tasks: &[Task],
    local_inputs: &[TensorId],
    layer_us: &[f64],
) -> Result<Anchors, GraphError> {
    let whole: f64 = layer_us.iter().sum();
    let place = |cut: &Cut| -> f64 {
        cut.edge.iter().map(|l| layer_us[l.index()]).sum::<f64>() / whole.max(f64::MIN_POSITIVE)
    };
    let mut cuts = Vec::new();
    let all_server = Cut::of(graph, LayerSet::empty(graph.layers().len()), local_inputs);
    if all_server.is_allowed(graph) {
        cuts.push(all_server);
    }
    for cut in cuts::private_heads(graph, tasks, local_inputs)? {
        add(&mut cuts, cut);
    }
    let behind = cuts::behind_tensors(graph, local_inputs);
    let (natural, wide): (Vec<Cut>, Vec<Cut>) = behind
        .into_iter()
        .filter(|cut| cut.is_allowed(graph) && cut.crossing.len() <= MOST_TENSORS)
        .partition(Cut::is_natural);
    fill_gaps(&mut cuts, &natural, &wide, place);
    let required = cuts.len();
    let mut waiting: Vec<Cut> = natural
        .into_iter()
        .filter(|cut| !contains(&cuts, cut))
        .collect();
    while let Some(index) = loneliest(&waiting, &cuts, place) {
        cuts.push(waiting.swap_remove(index));
    }
    Ok(Anchors { cuts, required })
}

fn contains(cuts: &[Cut], cut: &Cut) -> bool {
    cuts.iter().any(|known| known.edge == cut.edge)
}

fn add(cuts: &mut Vec<Cut>, cut: Cut) {
    if !contains(cuts, &cut) {
        cuts.push(cut);
    }
}

/// Adds natural cuts, and wider ones where there are none, until no gap is too wide.
fn fill_gaps(cuts: &mut Vec<Cut>, natural: &[Cut], wide: &[Cut], place: impl Fn(&Cut) -> f64) {
    for candidates in [natural, wide] {
        loop {
            let mut places: Vec<f64> = cuts.iter().map(&place).chain([0.0, 1.0]).collect();
            places.sort_by(f64::total_cmp);
            let best = places
                .windows(2)
                .filter(|gap| gap[1] - gap[0] > WIDEST_GAP)
                .filter_map(|gap| {
                    let middle = 0.5 * (gap[0] + gap[1]);
                    let inside = candidates.iter().filter(|c| {
                        let at = place(c);
                        at > gap[0] + 1e-9 && at < gap[1] - 1e-9
                    });
                    inside.min_by(|a, b| {
                        (place(a) - middle)
                            .abs()
                            .total_cmp(&(place(b) - middle).abs())
                    })
                })
                .next()
                .cloned();
            match best {
                Some(cut) if !contains(cuts, &cut) => cuts.push(cut),
                _ => break,
            }
        }
    }
}

/// The candidate farthest from every chosen cut.
fn loneliest(waiting: &[Cut], chosen: &[Cut], place: impl Fn(&Cut) -> f64) -> Option<usize> {
    let places: Vec<f64> = chosen.iter().map(&place).collect();
    let distance = |cut: &Cut| {
        let at = place(cut);
        places
            .iter()
            .map(|p| (p - at).abs())
            .fold(f64::INFINITY, f64::min)
    };
    let scored = waiting
        .iter()
        .enumerate()
        .map(|(i, cut)| (distance(cut), i));
    // on equal distance the earlier cut, so that the order is the same every time
    scored
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
        .map(|(_, i)| i)
}
