//! Connections: accepted until the server stops, each with one request after the other.

use super::tls::Tls;
use axum::Router;
use axum::serve::Listener;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;

/// Serves whoever connects until `stop` resolves; returns when the last connection is closed,
/// which idle ones are at once and others when their request is answered.
///
/// A connection on which no head of a request is complete after `head_timeout` is closed.
pub(super) async fn serve(
    mut listener: impl Listener,
    router: Router,
    head_timeout: Duration,
    tls: Option<Tls>,
    stop: impl Future<Output = ()>,
) {
    // Says to connections that the server stops, and to us when the last is gone.
    let stopping = watch::Sender::new(());
    let mut stop = pin!(stop);
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (router, stopping) = (router.clone(), stopping.subscribe());
        match tls.clone() {
            None => tokio::spawn(serve_one(stream, router, head_timeout, stopping)),
            Some(tls) => tokio::spawn(async move {
                if let Some(stream) = shake_hands(stream, tls, head_timeout).await {
                    serve_one(stream, router, head_timeout, stopping).await;
                }
            }),
        };
    }
    // Whoever connects now is refused, not left waiting.
    drop(listener);
    stopping.send_replace(());
    stopping.closed().await;
}

/// The encrypted stream; none for a client that speaks no TLS, or takes longer than for a head.
async fn shake_hands<S>(
    stream: S,
    tls: Tls,
    timeout: Duration,
) -> Option<tokio_rustls::server::TlsStream<S>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    match tokio::time::timeout(timeout, tls.0.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}

async fn serve_one<S>(
    stream: S,
    router: Router,
    head_timeout: Duration,
    mut stopping: watch::Receiver<()>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    // Without its look for HTTP/2, which has no time limit.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    let mut http1 = builder.http1();
    http1
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout);
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a connection broke off");
    }
}
