//! The server's life, over a real socket.

use crate::fake;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use touchstone::api::{Api, ServeError, serve};
use touchstone::config::Config;
use touchstone::validator::Validator;

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), ServeError>>,
}

async fn start() -> Server {
    start_with(fake::passing(), &Config::default()).await
}

async fn start_with(validator: Validator, config: &Config) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = listener.local_addr().expect("an address");
    let api = Api::new(validator, fake::runtime(), config);
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { stopped.await.unwrap_or(()) };
    let ended = tokio::spawn(serve(listener, api, stopped));
    Server {
        address,
        stop,
        ended,
    }
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address)
        .await
        .expect("a connection")
}

const HEAD: &str =
    "POST /v1/checks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

#[tokio::test]
async fn an_idle_connection_does_not_hold_it_up() {
    let server = start().await;
    let mut client = connect(&server).await;
    client
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .expect("sent");
    let mut start = [0; 15];
    client.read_exact(&mut start).await.expect("an answer");
    assert_eq!(&start, b"HTTP/1.1 200 OK");
    server.stop.send(()).expect("a server");
    server
        .ended
        .await
        .expect("no panic")
        .expect("a whole shutdown");
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_request_that_is_still_being_sent_gets_an_answer() {
    let server = start().await;
    let mut client = connect(&server).await;
    let body = super::check(r#"{"kind": "script", "source": ""}"#);
    let (first, rest) = body.split_at(10);
    let head = format!("{HEAD}content-length: {}\r\n\r\n{first}", body.len());
    client.write_all(head.as_bytes()).await.expect("sent");
    // So that the request has arrived: a connection that never sent anything is just closed.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    server.stop.send(()).expect("a server");
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(!server.ended.is_finished());
    client.write_all(rest.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    server
        .ended
        .await
        .expect("no panic")
        .expect("a whole shutdown");
}

#[tokio::test]
async fn what_is_not_judged_in_time_is_answered_with_faults() {
    for accept in ["application/json", "application/x-ndjson"] {
        let mut config = Config::default();
        config.server.shutdown_seconds = 0;
        let validator = fake::stuck();
        let server = start_with(validator.clone(), &config).await;
        let mut client = connect(&server).await;
        let check = r#"{"kind": "script", "source": ""}"#;
        let body = super::submission(&format!(r#""checks": [{check}, {check}]"#));
        let length = body.len();
        let request = format!("{HEAD}accept: {accept}\r\ncontent-length: {length}\r\n\r\n{body}");
        client.write_all(request.as_bytes()).await.expect("sent");
        while validator.stats().queued_checks < 2 {
            tokio::task::yield_now().await;
        }
        server.stop.send(()).expect("a server");
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let fault = r#"{"id":"0","error":{"code":"shutdown","message":"#;
        assert!(answer.contains(fault), "{answer}");
        assert!(answer.contains(r#""retryable":true}}"#), "{answer}");
        let ended = server.ended.await.expect("no panic");
        assert!(matches!(ended, Err(ServeError::ShutdownTimeout(_))));
    }
}

/// A clock that goes on as soon as there is nothing else to do: nobody waits in real time.
#[tokio::test(start_paused = true)]
async fn half_a_head_holds_no_connection() {
    let server = start().await;
    for head in ["", "POST /v1/checks HT", HEAD] {
        let mut client = connect(&server).await;
        client.write_all(head.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.expect("it is closed");
        assert_eq!(answer, b"");
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_head_holds_no_shutdown() {
    // Its workers have ended: nobody waits for them in real time.
    let server = start_with(fake::closed().await, &Config::default()).await;
    let mut client = connect(&server).await;
    client.write_all(HEAD.as_bytes()).await.expect("sent");
    let before = tokio::time::Instant::now();
    server.stop.send(()).expect("a server");
    let ended = server.ended.await.expect("no panic");
    ended.expect("a whole shutdown");
    let head_timeout = Config::default().server.head_timeout();
    assert!(before.elapsed() < head_timeout * 5 / 4);
}

#[tokio::test]
async fn work_that_nobody_waits_for_ends_with_the_time_for_it() {
    let mut config = Config::default();
    config.server.shutdown_seconds = 0;
    let server = start_with(fake::full(), &config).await;
    server.stop.send(()).expect("a server");
    let ended = server.ended.await.expect("no panic");
    assert!(matches!(ended, Err(ServeError::ShutdownTimeout(_))));
}
