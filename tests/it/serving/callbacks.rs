//! Results that the command sends: confined, and while it ends.

use super::{Server, touchstone};
use crate::receiver::Receiver;
use serde_json::{Value, json};

fn submit(server: &Server, url: &str, code: &str) -> Value {
    let body = json!({"source_code": code, "language_id": 71,
                      "callback_url": url});
    let connection = super::client::Connection::open(server.address);
    let headers = "Content-Type: application/json\r\n";
    let sent = connection.send("POST /submissions", headers, &body.to_string());
    sent.answer().json()
}

#[test]
fn a_confined_server_sends_results_to_whom_it_may() {
    for more in [None, Some("--no-confinement")] {
        let receiver = Receiver::content();
        let hosts = format!("[\"{}\"]", receiver.place());
        let arguments: Vec<&str> = ["--workers", "1"].into_iter().chain(more).collect();
        let server = Server::start(&arguments, &[("TOUCHSTONE_JUDGE0_CALLBACK_HOSTS", &hosts)]);
        for printed in ["MQo=", "Mgo="] {
            let number = if printed == "MQo=" { 1 } else { 2 };
            let told = submit(&server, &receiver.url("/hook"), &format!("print({number})"));
            let received = receiver.next();
            assert_eq!(received.line, "PUT /hook");
            let result: Value = serde_json::from_slice(&received.body).expect("JSON");
            assert_eq!(result["stdout"], printed, "{result}");
            assert_eq!(result["token"], told["token"]);
        }
        // Elsewhere it is refused, and the server does what it did.
        let stranger = Receiver::content();
        let told = submit(&server, &stranger.url("/hook"), "pass");
        let said = told["callback_url"][0].as_str().expect("a message");
        assert!(said.contains("judge0.callback_hosts"), "{said}");
        assert!(stranger.rest().is_empty());
        server.terminate();
        assert_eq!(server.ended(), Some(0));
    }
}

/// Encryption works in a confined process too; a certificate that no authority has signed is refused.
#[test]
fn a_receiver_has_to_show_who_it_is() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("it can be written");
        path.to_str().expect("Unicode").to_owned()
    };
    let certificate = file("server.pem", made.cert.pem());
    let key = file("server.key", made.signing_key.serialize_pem());
    let encrypted = [
        "--tls-certificates",
        certificate.as_str(),
        "--tls-key",
        key.as_str(),
    ];
    let receiver = Server::start(&encrypted, &[]);
    let place = format!("localhost:{}", receiver.address.port());
    let hosts = format!("[\"{place}\"]");
    let mut server = Server::start(
        &["--workers", "1"],
        &[("TOUCHSTONE_JUDGE0_CALLBACK_HOSTS", &hosts)],
    );
    let told = submit(&server, &format!("https://{place}/"), "pass");
    let line = server.log_line(|line| line["message"] == "a result could not be sent");
    assert_eq!(line["token"], told["token"]);
    let reason = line["reason"].as_str().expect("text");
    assert!(reason.contains("certificate"), "{reason}");
}

/// What was accepted before the signal is run and sent before the process ends.
#[test]
fn results_are_sent_before_it_ends() {
    // The first try finds nobody, so that the second one falls into the shutdown.
    let receiver = Receiver::start(|number| match number {
        0 => (0, String::new()),
        _ => (200, String::new()),
    });
    let hosts = format!("[\"{}\"]", receiver.place());
    let server = Server::start(
        &["--workers", "1"],
        &[("TOUCHSTONE_JUDGE0_CALLBACK_HOSTS", &hosts)],
    );
    submit(&server, &receiver.url("/hook"), "print(1)");
    receiver.next();
    server.terminate();
    assert_eq!(server.ended(), Some(0));
    let received = receiver.rest();
    assert_eq!(received.len(), 1, "{received:?}");
}

#[test]
fn settings_that_name_nobody_are_refused() {
    for (hosts, says) in [
        (
            "[\"nowhere.invalid\"]",
            "nowhere.invalid cannot be looked up",
        ),
        ("[\"http://a.example\"]", "neither HOST nor HOST:PORT"),
    ] {
        let setting = ("TOUCHSTONE_JUDGE0_CALLBACK_HOSTS", hosts);
        let output = touchstone(&["serve", "--listen", "127.0.0.1:0"], &[setting]).output();
        let output = output.expect("the command runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(says), "{said}");
        assert!(said.contains("callback_hosts"), "{said}");
    }
}
