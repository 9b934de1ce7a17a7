//! The server's life: from a listening socket to the last answer.

use super::connections;
use super::router::{Api, router};
use crate::validator::Validator;
use axum::serve::ListenerExt;
use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Why serving ended other than by a complete shutdown.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Work or connections were left when the time for the shutdown was over. Work was answered
    /// with faults then.
    #[error("not everything was judged within {0:?} of the shutdown")]
    ShutdownTimeout(Duration),
}

/// How long clients may take to read their answers, or to finish requests that will be refused,
/// once all work is done: enough for a large answer over a slow line, and no reason to wait for a
/// client that says nothing.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// Serves until `stop` resolves, then answers what was accepted and returns.
///
/// From then on no connection is accepted, requests that are still being read get a 503, and
/// idle connections are closed. What is not judged when the time for that is over is answered with
/// a fault.
pub async fn serve(
    listener: TcpListener,
    api: Api,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    warn_of_strangers(&listener, &api);
    let shutdown_timeout = api.0.server.shutdown_timeout();
    let head_timeout = api.0.server.head_timeout();
    let validator = api.0.validator.clone();
    let callbacks = api.0.callbacks.clone();
    let all_told = async || {
        validator.shutdown().await;
        let sent = tokio::time::timeout(LAST_WORDS, callbacks.all_sent()).await;
        if sent.is_err() {
            tracing::warn!("ending without having sent every result to where it was to be sent");
        }
    };
    let tls = api.0.tls.clone();
    // Small answers must not wait for the client's acknowledgement of the ones before.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY on a connection");
        }
    });
    let (stopping, stopped) = oneshot::channel::<()>();
    let stopped = async { stopped.await.unwrap_or(()) };
    let server = connections::serve(listener, router(api), head_timeout, tls, stopped);
    let mut server = pin!(server);
    tokio::select! {
        () = stop => {}
        // Not before it is told to.
        () = &mut server => return Ok(()),
        never = give_back_memory(&validator) => match never {},
    }
    tracing::info!("shutting down: answering what was accepted");
    // The server waits for it.
    let _ = stopping.send(());
    let all_answered = async {
        all_told().await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    let mut connected = true;
    let answered = async {
        tokio::select! {
            () = &mut server => {
                connected = false;
                all_told().await;
            }
            () = all_answered => tracing::warn!("closing connections that are still open"),
        }
    };
    if tokio::time::timeout(shutdown_timeout, answered)
        .await
        .is_ok()
    {
        return Ok(());
    }
    let checks = validator.abandon();
    tracing::warn!(
        checks,
        "the time for the shutdown is over: answering with faults"
    );
    if connected {
        // Whoever does not read an answer even now gets none.
        let _ = tokio::time::timeout(LAST_WORDS, server).await;
    }
    Err(ServeError::ShutdownTimeout(shutdown_timeout))
}

/// How often memory is given back, if there was work since. Arbitrary: it takes less than a millisecond.
const TIDYING: Duration = Duration::from_secs(10);

/// Has the C library give memory back that a great many requests took at once: it keeps what lies below
/// anything that is still in use, hundreds of MiB after thousands of connections.
async fn give_back_memory(validator: &Validator) -> Infallible {
    let mut executions = 0;
    loop {
        tokio::time::sleep(TIDYING).await;
        let stats = validator.stats();
        if stats.queued_checks == 0 && stats.executions != executions {
            executions = stats.executions;
            // SAFETY: it may be called at any time, from any thread.
            #[cfg(all(target_os = "linux", target_env = "gnu"))]
            unsafe {
                libc::malloc_trim(0)
            };
        }
    }
}

fn warn_of_strangers(listener: &TcpListener, api: &Api) {
    let Ok(address) = listener.local_addr() else {
        return;
    };
    if address.ip().is_loopback() {
        return;
    }
    if !api.0.has_keys {
        tracing::warn!(
            %address,
            "listening beyond this machine without API keys: whoever reaches this address can run \
             programs here"
        );
    } else if api.0.tls.is_none() {
        tracing::warn!(
            %address,
            "listening beyond this machine without TLS: API keys can be read on the way, unless \
             something in front encrypts"
        );
    }
}
