//! The empty handler that figures are compared with: the same body in, a constant answer as long as a real one out.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::routing::post;

use crate::exit::Failure;

/// An empty handler that serves.
pub(super) struct Baseline {
    /// Where it listens.
    pub(super) address: SocketAddr,
    runtime: tokio::runtime::Runtime,
}

impl Baseline {
    /// Starts it on the usual runtime, a thread per core. It answers with `answer`.
    pub(super) fn start(answer: Vec<u8>) -> Result<Self, Failure> {
        let cannot = |error: std::io::Error| Failure::failed("the empty handler cannot be started", &error);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(cannot)?;
        let answer = Bytes::from(answer);
        let handler = move |_body: Bytes| async move {
            (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], answer)
        };
        let router = axum::Router::new().route("/api/inventory/reservations", post(handler));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, runtime })
    }

    /// Ends it.
    pub(super) fn stop(self) {
        self.runtime.shutdown_background();
    }
}
