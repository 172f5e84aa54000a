//! Calls of a server half on any server that speaks the Open Inference Protocol over gRPC.

mod address;
mod answer;
mod check;
mod error;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cutpoint_core::units::Bytes;
use tokio::task::JoinHandle;
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use super::Network;
use super::clock::now_ns;
use super::protocol::grpc_inference_service_client::GrpcInferenceServiceClient;
use super::protocol::infer_parameter::ParameterChoice;
use super::protocol::model_infer_request::InferInputTensor;
use super::protocol::{InferParameter, ModelInferRequest};
use super::server::{WINDOW, parameter};
use super::tensor::{SentTensor, datatype};
pub use address::{AddressError, ServerAddress};
pub use answer::Answer;
pub use check::{CheckError, Served};
pub use error::{CallError, Cause};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);
/// How often a connection with an open request is asked whether it lives. Servers in C++ take more
/// than a few such questions within seconds for an attack, and hang up.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Which model to call, and how large messages may be.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The server.
    pub address: ServerAddress,
    /// Name of the model there.
    pub model: String,
    /// The largest message that is sent or taken.
    pub max_message: Bytes,
}

/// One warm connection to a server; connects by itself, again and again when it breaks.
#[derive(Debug, Clone)]
pub struct Client {
    network: Arc<Network>,
    stub: GrpcInferenceServiceClient<Channel>,
    options: Arc<ClientOptions>,
}

impl Client {
    /// Makes a client; nothing is sent yet.
    ///
    /// # Errors
    /// The address is none.
    pub fn new(network: Arc<Network>, options: ClientOptions) -> Result<Client, AddressError> {
        let endpoint =
            Endpoint::from_shared(options.address.uri()).map_err(|error| AddressError {
                text: options.address.to_string(),
                problem: error.to_string(),
            })?;
        let endpoint = endpoint
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .tcp_nodelay(true)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW);
        // the connection belongs to the network's threads
        let channel = {
            let _guard = network.handle().enter();
            endpoint.connect_lazy()
        };
        let limit = usize::try_from(options.max_message.0).unwrap_or(usize::MAX);
        let stub = GrpcInferenceServiceClient::new(channel)
            .max_decoding_message_size(limit)
            .max_encoding_message_size(limit);
        Ok(Client {
            network,
            stub,
            options: Arc::new(options),
        })
    }

    /// Returns what it calls.
    pub fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// Sends a message and returns at once; the answer is there by `deadline`, or an error.
    pub fn infer(&self, message: &[SentTensor], deadline: Instant) -> Pending {
        self.infer_checked(message, deadline, None)
    }

    /// As [`Client::infer`], but only if the server still holds the half of this hash.
    pub fn infer_checked(
        &self,
        message: &[SentTensor],
        deadline: Instant,
        sha256: Option<String>,
    ) -> Pending {
        let request = self.request(message);
        let mut client = self.clone();
        let call = async move {
            if let Some(sha256) = sha256 {
                client.check_hash(&sha256, deadline).await?;
            }
            client.call(request, deadline).await
        };
        Pending::new(&self.network, call)
    }

    fn request(&self, message: &[SentTensor]) -> ModelInferRequest {
        ModelInferRequest {
            model_name: self.options.model.clone(),
            inputs: message.iter().map(input).collect(),
            raw_input_contents: message.iter().map(|sent| sent.bytes.clone()).collect(),
            ..ModelInferRequest::default()
        }
    }

    async fn call(
        &mut self,
        request: ModelInferRequest,
        deadline: Instant,
    ) -> Result<Answer, CallError> {
        let sent_ns = now_ns();
        let response = within(deadline, request, async |request| {
            self.stub.model_infer(request).await
        });
        let response = response.await?;
        let arrived = (Instant::now(), now_ns());
        Answer::of(response, sent_ns, arrived)
    }
}

/// Makes one call, which ends at `deadline`.
async fn within<Q, A>(
    deadline: Instant,
    message: Q,
    call: impl AsyncFnOnce(Request<Q>) -> Result<tonic::Response<A>, tonic::Status>,
) -> Result<A, CallError> {
    let left = deadline.saturating_duration_since(Instant::now());
    let mut request = Request::new(message);
    // servers need not work on what nobody waits for
    request.set_timeout(left);
    match tokio::time::timeout(left, call(request)).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(CallError::of(&status)),
        Err(_) => Err(CallError::late(left)),
    }
}

fn input(sent: &SentTensor) -> InferInputTensor {
    let codec = sent.packed.map(|codec| InferParameter {
        parameter_choice: Some(ParameterChoice::StringParam(codec.to_string())),
    });
    let codec = codec.map(|codec| (parameter::CODEC.to_owned(), codec));
    InferInputTensor {
        name: sent.name.clone(),
        datatype: datatype(sent.dtype).unwrap_or("BYTES").to_owned(),
        shape: sent.sent_shape(),
        parameters: codec.into_iter().collect::<HashMap<_, _>>(),
        contents: None,
    }
}

/// A call that is under way.
#[derive(Debug)]
pub struct Pending {
    network: Arc<Network>,
    call: JoinHandle<Result<Answer, CallError>>,
    answer: Option<Result<Answer, CallError>>,
}

impl Pending {
    fn new(
        network: &Arc<Network>,
        call: impl Future<Output = Result<Answer, CallError>> + Send + 'static,
    ) -> Pending {
        Pending {
            network: Arc::clone(network),
            call: network.handle().spawn(call),
            answer: None,
        }
    }

    /// Waits for the answer until then at most, and says whether it, or an error, is there.
    pub fn is_there_by(&mut self, then: Instant) -> bool {
        if self.answer.is_none() {
            let ends = async { tokio::time::timeout_at(then.into(), &mut self.call).await };
            self.answer = self.network.block_on(ends).ok().map(flattened);
        }
        self.answer.is_some()
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn wait(self) -> Result<Answer, CallError> {
        let Pending {
            network,
            call,
            answer,
        } = self;
        answer.unwrap_or_else(|| flattened(network.block_on(call)))
    }
}

fn flattened(
    ended: Result<Result<Answer, CallError>, tokio::task::JoinError>,
) -> Result<Answer, CallError> {
    ended.unwrap_or_else(|error| Err(CallError::lost(&error.to_string())))
}
