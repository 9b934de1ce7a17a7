//! The server's life, over a real socket.

use crate::fake;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use touchstone::api::{Api, ServeError, serve};
use touchstone::config::Config;

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), ServeError>>,
}

async fn start() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = listener.local_addr().expect("an address");
    let api = Api::new(fake::passing(), fake::runtime(), &Config::default());
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

const HEAD: &str = "POST /v1/checks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

#[tokio::test]
async fn an_idle_connection_does_not_hold_it_up() {
    let server = start().await;
    let mut client = connect(&server).await;
    client
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
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
