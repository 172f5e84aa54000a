//! A server of one server half, over the Open Inference Protocol.
//!
//! One thread runs the half, so that requests never share its time. As many more as the queue holds
//! wait, the rest is refused at once with `Unavailable`, which clients may try again.

mod answer_note;
mod service;
mod worker;

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use cutpoint_core::units::Bytes;
use cutpoint_runtime::Environment;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Server as TonicServer;
use tonic::transport::server::TcpIncoming;

use super::Network;
use super::halves::ServerHalf;
use super::protocol::grpc_inference_service_server::GrpcInferenceServiceServer;
pub use answer_note::AnswerNote;
use service::{ServedModel, Service};
pub(crate) use service::{parameter, port_shape};
pub use worker::Counters;
use worker::Worker;

/// Windows of HTTP/2: as large as messages are, so that none waits for the other side's leave.
pub(crate) const WINDOW: u32 = 1 << 24;

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Where to listen; port 0 for any that is free.
    pub listen: String,
    /// Name of the model.
    pub name: String,
    /// Requests that may wait.
    pub queue: usize,
    /// The largest message that is taken.
    pub max_message: Bytes,
    /// Answers come no earlier than this after their request: the time of a simulated server.
    pub hold: Option<Duration>,
}

/// Why a server does not start, or ends.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is none, or taken.
    #[error(
        "cannot listen on {address}: {cause}; name another address, or port 0 for any that is free"
    )]
    Listen {
        /// What was asked for.
        address: String,
        /// Why.
        cause: std::io::Error,
    },
    /// The system gives no thread, or the connection ends.
    #[error("the server failed: {0}")]
    Failed(String),
}

/// A server at work; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    network: Option<Network>,
    /// Where it listens.
    pub address: SocketAddr,
    counters: Arc<Counters>,
    stop: Option<oneshot::Sender<()>>,
    ended: Option<JoinHandle<Result<(), tonic::transport::Error>>>,
}

/// Starts to serve in the background.
///
/// # Errors
/// The address is none, or taken.
pub fn start(
    half: ServerHalf,
    environment: &'static Environment,
    options: &ServeOptions,
) -> Result<Server, ServeError> {
    let listen = |cause| ServeError::Listen {
        address: options.listen.clone(),
        cause,
    };
    let mut addresses = options.listen.to_socket_addrs().map_err(listen)?;
    let address = addresses
        .next()
        .ok_or_else(|| listen(std::io::Error::other("no such address")))?;
    let network = Network::start().map_err(|error| ServeError::Failed(error.to_string()))?;
    let listener = network
        .block_on(TcpListener::bind(address))
        .map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let counters = Arc::new(Counters::default());
    let model = ServedModel::of(&half, &options.name);
    let worker = Worker::start(half, environment, options, Arc::clone(&counters))
        .map_err(|error| ServeError::Failed(error.to_string()))?;
    let limit = usize::try_from(options.max_message.0).unwrap_or(usize::MAX);
    let service =
        GrpcInferenceServiceServer::new(Service::new(model, worker, Arc::clone(&counters)))
            .max_decoding_message_size(limit)
            .max_encoding_message_size(usize::MAX);
    let (stop, stopped) = oneshot::channel::<()>();
    // without delay: an answer is several small writes, and would wait for acknowledgements
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let serving = TonicServer::builder()
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .add_service(service)
        .serve_with_incoming_shutdown(incoming, async {
            // a dropped sender ends the server, too
            let _ = stopped.await;
        });
    let ended = network.handle().spawn(serving);
    Ok(Server {
        network: Some(network),
        address,
        counters,
        stop: Some(stop),
        ended: Some(ended),
    })
}

impl Server {
    /// Returns what was done so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Answers what waits, for at most `patience`, then ends.
    ///
    /// # Errors
    /// The server had failed.
    pub fn stop(mut self, patience: Duration) -> Result<(), ServeError> {
        drop(self.stop.take());
        let (Some(network), Some(ended)) = (self.network.take(), self.ended.take()) else {
            return Ok(());
        };
        let ended = network.block_on(async { tokio::time::timeout(patience, ended).await });
        network.stop();
        match ended {
            // connections that are still open are cut
            Err(_) | Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(ServeError::Failed(error.to_string())),
            Ok(Err(error)) => Err(ServeError::Failed(error.to_string())),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(network) = self.network.take() {
            network.stop();
        }
    }
}
