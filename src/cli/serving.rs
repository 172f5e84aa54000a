//! What a request costs on this machine, for profiles.

use cutpoint_core::codec::Codec;
use cutpoint_core::cuts::{self, Cut};
use cutpoint_core::graph::Graph;
use cutpoint_core::profile::Serving;
use cutpoint_core::task::Task;
use cutpoint_core::temporary::TemporaryFolder;
use cutpoint_deploy::halves::SplitDirectory;
use cutpoint_deploy::serving::measure_serving;
use cutpoint_onnx::directory::Split;
use cutpoint_onnx::{CutRequest, Model, cut};
use cutpoint_runtime::Environment;
use cutpoint_runtime::probe::{InputShape, observe};

use super::{Common, Kind, OrFail};

/// Measures it with the halves of one cut; a model that cannot be served is told, and has none.
pub(crate) fn measured(
    model: &Model,
    shapes: &[InputShape],
    environment: &'static Environment,
    common: &Common,
) -> Option<Serving> {
    match measure(model, shapes, environment) {
        Ok(serving) => serving,
        Err(error) => {
            common.note(format_args!(
                "what a request to a server costs was not measured: {error:#}"
            ));
            None
        }
    }
}

fn measure(
    model: &Model,
    shapes: &[InputShape],
    environment: &'static Environment,
) -> anyhow::Result<Option<Serving>> {
    let reading = observe(environment, model, shapes)?.reading;
    let graph = &reading.graph;
    let Some(found) = smallest(graph) else {
        return Ok(None);
    };
    let crossing: Vec<_> = found
        .crossing
        .iter()
        .map(|tensor| (*tensor, Codec::F32))
        .collect();
    let request = CutRequest::at(graph, &crossing, Vec::new())?;
    let split = Split {
        model,
        reading: &reading,
        request: &request,
        halves: &cut(model, &reading, &request)?,
        tasks: &Task::complete(graph, &[])?,
    };
    let folder = TemporaryFolder::new_in(&std::env::temp_dir()).or_fail(Kind::Other)?;
    split.write(folder.path(), true)?;
    let directory = SplitDirectory::open(folder.path())?;
    Ok(Some(measure_serving(&directory, environment)?))
}

/// The natural cut where the least is sent, among those with layers on either side.
fn smallest(graph: &Graph) -> Option<Cut> {
    let natural = cuts::natural(graph, &[]).into_iter();
    natural
        .filter(|cut| !cut.edge.is_empty())
        .min_by_key(|cut| {
            cut.crossing
                .iter()
                .map(|t| graph.tensor(*t).bytes.0)
                .sum::<u64>()
        })
}
