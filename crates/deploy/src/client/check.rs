//! What is asked before the first frame: is it a server of this protocol, does it hold this half,
//! and does it give the same results.

use std::time::{Duration, Instant};

use cutpoint_runtime::port::Port;
use cutpoint_runtime::session::{Difference, Values, compare};
use cutpoint_runtime::{Environment, RunError};
use tonic::Code;

use super::{CallError, Cause, Client, within};
use crate::protocol::model_metadata_response::TensorMetadata;
use crate::protocol::{
    ModelConfigRequest, ModelMetadataRequest, ServerLiveRequest, ServerMetadataRequest,
};
use crate::server::{parameter, port_shape};
use crate::tensor::{SentTensor, TensorError, element_type};

/// How long each question may take; a server may load the model for the first of them.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest difference to the local result, relative to its largest number, that is rounding:
/// runtimes and processors differ in the order of sums.
const ROUNDING: f64 = 1e-3;

/// What a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// What serves, such as `triton`.
    pub server: String,
    /// Its version.
    pub version: String,
    /// Whether it says which half it holds; a self-test is all that tells otherwise.
    pub hash_checked: bool,
}

/// Why a server is not the one to call.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It does not answer as it should.
    #[error("{address}: {error}")]
    Call {
        /// The server.
        address: String,
        /// Why.
        error: CallError,
    },
    /// It answers, but the answer is not that of the half.
    #[error("{address}: model `{model}`: {problem}")]
    Other {
        /// The server.
        address: String,
        /// The model there.
        model: String,
        /// What differs, and the remedy.
        problem: String,
    },
    /// A result cannot be compared.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// The runtime fails here.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl Client {
    /// Asks whether the server holds a half with these inputs and outputs, of this hash.
    ///
    /// # Errors
    /// It does not answer, is no server of this protocol, or holds another half.
    pub fn check(
        &mut self,
        inputs: &[Port],
        outputs: &[Port],
        sha256: &str,
    ) -> Result<Served, CheckError> {
        let network = std::sync::Arc::clone(&self.network);
        network.block_on(self.ask(inputs, outputs, sha256))
    }

    /// Asks whether a server of this protocol is there.
    ///
    /// # Errors
    /// It does not answer, or speaks something else.
    pub fn live(&mut self) -> Result<(), CallError> {
        let network = std::sync::Arc::clone(&self.network);
        let question = within(
            Instant::now() + PATIENCE,
            ServerLiveRequest {},
            async |request| self.stub.server_live(request).await,
        );
        network.block_on(question).map(|_| ()).map_err(unfit)
    }

    async fn ask(
        &mut self,
        inputs: &[Port],
        outputs: &[Port],
        sha256: &str,
    ) -> Result<Served, CheckError> {
        let (address, model) = (self.options.address.to_string(), self.options.model.clone());
        let call = |error: CallError| CheckError::Call {
            address: address.clone(),
            error: unfit(error),
        };
        let deadline = || Instant::now() + PATIENCE;
        within(deadline(), ServerLiveRequest {}, async |request| {
            self.stub.server_live(request).await
        })
        .await
        .map_err(call)?;
        let server = within(deadline(), ServerMetadataRequest {}, async |request| {
            self.stub.server_metadata(request).await
        })
        .await
        .map_err(call)?;
        let question = ModelMetadataRequest {
            name: model.clone(),
            version: String::new(),
        };
        let found = within(deadline(), question, async |request| {
            self.stub.model_metadata(request).await
        })
        .await
        .map_err(call)?;
        let other = |problem: String| CheckError::Other {
            address: address.clone(),
            model: model.clone(),
            problem: format!("{problem}; start the server on the halves of this split"),
        };
        same_ports("input", inputs, &found.inputs).map_err(other)?;
        same_ports("output", outputs, &found.outputs).map_err(other)?;
        let hash_checked = self.check_hash(sha256, deadline()).await.map_err(call)?;
        Ok(Served {
            server: server.name,
            version: server.version,
            hash_checked,
        })
    }

    /// Asks which half the server holds; `false` when it does not say.
    pub(super) async fn check_hash(
        &mut self,
        expected: &str,
        deadline: Instant,
    ) -> Result<bool, CallError> {
        let question = ModelConfigRequest {
            name: self.options.model.clone(),
            version: String::new(),
        };
        let config = within(deadline, question, async |request| {
            match self.stub.model_config(request).await {
                // the question is an extension
                Err(status) if status.code() == Code::Unimplemented => {
                    Ok(tonic::Response::new(Default::default()))
                }
                answer => answer,
            }
        });
        let config = config.await?.config.unwrap_or_default();
        match config.parameters.get(parameter::SHA256) {
            None => Ok(false),
            Some(found) if found.string_value == expected => Ok(true),
            Some(found) => Err(CallError::other_half(expected, &found.string_value)),
        }
    }

    /// Sends one message and compares the answer with the local results.
    ///
    /// # Errors
    /// There is no answer, or it differs by more than rounding.
    pub fn self_test(
        &self,
        environment: &Environment,
        message: &[SentTensor],
        (outputs, sha256): (&[Port], &str),
        expected: &Values,
    ) -> Result<(), CheckError> {
        let address = self.options.address.to_string();
        let answer = self.infer(message, Instant::now() + PATIENCE).wait();
        let answer = answer.and_then(|answer| answer.checked(outputs, Some(sha256)));
        let answer = answer.map_err(|error| CheckError::Call {
            address: address.clone(),
            error,
        })?;
        let other = |problem: String| CheckError::Other {
            address: address.clone(),
            model: self.options.model.clone(),
            problem: format!("{problem}; start the server on the halves of this split"),
        };
        for (name, value) in expected {
            let shown = cutpoint_onnx::show(name);
            let result = answer.results.iter().find(|result| result.name == *name);
            let result = result.ok_or_else(|| other(format!("it gives no `{shown}`")))?;
            match compare(value, &*result.value(environment)?) {
                Difference::None => {}
                Difference::Rounding { max_abs, scale } if max_abs <= ROUNDING * scale => {}
                Difference::Rounding { max_abs, scale } => {
                    return Err(other(format!(
                        "`{shown}` differs from the local result by {max_abs:.3} where the largest \
                         number is {scale:.3}"
                    )));
                }
                Difference::Different => {
                    return Err(other(format!("`{shown}` is of another type or shape")));
                }
            }
        }
        Ok(())
    }
}

/// Adds what a server of another protocol looks like to the error of the first question.
fn unfit(error: CallError) -> CallError {
    // refused connections say so themselves
    let speaks = error.kind == "broken" || error.kind == "failed" || error.message.contains("h2");
    if !speaks {
        return error;
    }
    CallError {
        cause: Cause::Permanent,
        message: format!(
            "{}; is that the gRPC port? (Triton and KServe: 8001 for gRPC, 8000 for HTTP)",
            error.message
        ),
        ..error
    }
}

fn same_ports(what: &str, own: &[Port], served: &[TensorMetadata]) -> Result<(), String> {
    for port in own {
        let name = cutpoint_onnx::show(&port.name);
        let found = served.iter().find(|tensor| tensor.name == port.name);
        let found = found.ok_or_else(|| format!("it has no {what} `{name}`"))?;
        let own = port_shape(port);
        let fits = |(own, served): (&i64, &i64)| *own < 0 || *served < 0 || own == served;
        let same = element_type(&found.datatype) == Some(port.dtype)
            && found.shape.len() == own.len()
            && own.iter().zip(&found.shape).all(fits);
        if !same {
            return Err(format!(
                "its {what} `{name}` is {} {:?} instead of {port}",
                cutpoint_onnx::show(&found.datatype),
                found.shape
            ));
        }
    }
    match served
        .iter()
        .find(|tensor| !own.iter().any(|port| port.name == tensor.name))
    {
        Some(more) if what == "input" => Err(format!(
            "it has one more input, `{}`",
            cutpoint_onnx::show(&more.name)
        )),
        _ => Ok(()),
    }
}
