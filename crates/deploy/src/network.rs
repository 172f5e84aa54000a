//! The threads that connections are served by.

use std::future::Future;

use tokio::runtime::{Builder, Handle, Runtime};

/// Runs connections in the background, so that they are kept alive while the caller computes.
#[derive(Debug)]
pub struct Network(Runtime);

impl Network {
    /// Starts one thread for connections.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start() -> std::io::Result<Network> {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("network")
            .enable_io()
            .enable_time()
            .build()
            .map(Network)
    }

    pub(crate) fn handle(&self) -> &Handle {
        self.0.handle()
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.block_on(future)
    }

    /// Ends all connections without waiting for what they still do.
    pub(crate) fn stop(self) {
        self.0.shutdown_background();
    }
}
