//! The server's life: from a listening socket to the last answer.

use super::router::{Api, router};
use axum::serve::ListenerExt;
use std::future::IntoFuture;
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Why serving ended other than by a complete shutdown.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket failed.
    #[error("the server's socket failed: {0}")]
    Socket(#[from] io::Error),
    /// Work or connections were left when the time for the shutdown was over.
    #[error("not everything was answered within {0:?} of the shutdown")]
    ShutdownTimeout(Duration),
}

/// How long clients may take to read their answers, or to finish requests that will be refused,
/// once all work is done: enough for a large answer over a slow line, and no reason to wait for a
/// client that says nothing.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// Serves until `stop` resolves, then answers what was accepted and returns.
///
/// From then on no connection is accepted, requests that are still being read get a 503, and
/// idle connections are closed.
pub async fn serve(
    listener: TcpListener,
    api: Api,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    warn_of_strangers(&listener);
    let shutdown_timeout = api.0.server.shutdown_timeout();
    let validator = api.0.validator.clone();
    let (stopping, stopped) = oneshot::channel();
    let stop = async move {
        stop.await;
        tracing::info!("shutting down: answering what was accepted");
        // Fails only when nobody is left to wait.
        let _ = stopping.send(());
    };
    // Small answers must not wait for the client's acknowledgement of the ones before.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY on a connection");
        }
    });
    let server = axum::serve(listener, router(api)).with_graceful_shutdown(stop);
    let mut server = pin!(server.into_future());
    tokio::select! {
        ended = &mut server => return Ok(ended?),
        _ = stopped => {}
    }
    let all_answered = async {
        validator.shutdown().await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    let answered = async {
        tokio::select! {
            ended = &mut server => {
                validator.shutdown().await;
                ended
            }
            () = all_answered => {
                tracing::warn!("closing connections that are still open");
                Ok(())
            }
        }
    };
    match tokio::time::timeout(shutdown_timeout, answered).await {
        Ok(ended) => Ok(ended?),
        Err(_) => Err(ServeError::ShutdownTimeout(shutdown_timeout)),
    }
}

fn warn_of_strangers(listener: &TcpListener) {
    match listener.local_addr() {
        Ok(address) if !address.ip().is_loopback() => tracing::warn!(
            %address,
            "listening beyond this machine without authentication: whoever reaches this address \
             can run programs here"
        ),
        _ => {}
    }
}
