//! The command's own part of who may call: keys from files and the environment, certificates, and
//! that no secret reaches the log.

use super::client::{Answer, Connection};
use super::{Server, batch, busy, touchstone};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

const KEY: &str = "ts_0123456789abcdef";
const ADMIN: &str = "ts_fedcba9876543210";
const VARIABLE: &str = "TOUCHSTONE_API_KEYS";

fn ask(server: &Server, request: &str, headers: &str, body: &str) -> Answer {
    let headers = format!("Content-Type: application/json\r\n{headers}");
    Connection::open(server.address)
        .send(request, &headers, body)
        .answer()
}

fn with_key(server: &Server, request: &str, key: &str, body: &str) -> Answer {
    let header = format!("Authorization: Bearer {key}\r\n");
    ask(server, request, &header, body)
}

fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let output = touchstone(arguments, settings).output();
    output.expect("the command runs")
}

/// That the command ends at once with this status, and says this of why.
fn refused(arguments: &[&str], settings: &[(&str, &str)], says: &[&str]) {
    let output = run(arguments, settings);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    for says in says {
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
    assert!(!said.contains("secret"), "{said}");
}

fn path(path: &Path) -> &str {
    path.to_str().expect("Unicode")
}

#[test]
fn other_addresses_than_loopback_take_keys_or_a_word() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
        refused(
            &["serve", "--listen", address],
            &[],
            &["touchstone key", VARIABLE, "--open"],
        );
    }
    let beyond = ["serve", "--listen", "0.0.0.0:0"];
    refused(&beyond, &[(VARIABLE, "a:secret")], &[VARIABLE, "16"]);
    refused(
        &beyond,
        &[(VARIABLE, "a-secret-of-20-chars")],
        &["NAME:KEY"],
    );
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys.toml");
    let with_file = [&beyond[..], &["--keys", path(&file)]].concat();
    refused(&with_file, &[], &["cannot read", "keys.toml"]);
    for (text, says) in [
        ("", "has no [[key]]"),
        ("[[key]]\nname = 'a'\nsha256 = 'the-secret'", "line 3"),
    ] {
        std::fs::write(&file, text).expect("it can be written");
        refused(&with_file, &[], &["keys.toml", says]);
    }
}

#[test]
fn a_key_that_was_made_is_let_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys.toml");
    let file = path(&file);
    let make = |arguments: &[&str]| {
        let output = run(&[&["key", "--file", file], arguments].concat(), &[]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let key = String::from_utf8(output.stdout).expect("text");
        key.trim_end().to_owned()
    };
    let (trainer, operator) = (make(&["trainer"]), make(&["operator", "--admin"]));
    assert_eq!((trainer.len(), trainer == operator), (67, false));
    let text = std::fs::read_to_string(file).expect("it is there");
    assert!(
        !text.contains(&trainer) && !text.contains(&operator),
        "{text}"
    );
    let arguments = ["key", "--file", file, "trainer"];
    refused(&arguments, &[], &["already"]);
    refused(&["key", "--file", file, "a b"], &[], &["letters"]);

    let server = Server::start(
        &["--workers", "1", "--keys", file],
        &[(VARIABLE, &format!("ci:{KEY}"))],
    );
    let request = batch([busy(0, 1)]).to_string();
    for (key, status) in [
        (&*trainer, 200),
        (&*operator, 200),
        (KEY, 200),
        (ADMIN, 401),
    ] {
        let answer = with_key(&server, "POST /v1/checks", key, &request);
        assert_eq!(answer.status, status, "{key}");
    }
    assert_eq!(server.get("/readyz").status, 200);
    let level = |key: &str| with_key(&server, "GET /admin/log-level", key, "").status;
    assert_eq!((level(&trainer), level(&operator)), (403, 200));
}

/// What commands ask servers with: `eval --server`, `train --validator`.
#[test]
fn a_client_with_a_key_and_without() {
    let keys = (VARIABLE, &*format!("ci:{KEY}"));
    let server = Server::start(&["--workers", "1"], &[keys]);
    let url = format!("http://{}", server.address);
    let client = |key| touchstone::client::Server::new(&url).with_key(key);
    let digest = client(Some(KEY)).runtime().expect("a digest");
    assert_eq!(digest.len(), 64, "{digest}");
    assert_eq!(client(Some(KEY)).judge(&[]), Ok(Vec::new()));
    for stranger in [None, Some(ADMIN)] {
        let error = client(stranger)
            .runtime()
            .expect_err("no answer")
            .to_string();
        assert!(error.contains("401") && !error.contains("ts_"), "{error}");
    }
}

/// Everything at the most talkative level, and what was sent in every place where a key may stand.
#[test]
fn no_key_is_in_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys.toml");
    let output = run(&["key", "--file", path(&file), "made", "--admin"], &[]);
    let made = String::from_utf8(output.stdout).expect("text");
    let made = made.trim_end();
    let mut process = touchstone(
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--log-level",
            "trace",
            "--log-format",
            "json",
        ],
        &[
            (VARIABLE, &format!("ci:{KEY}")),
            ("TOUCHSTONE_ACCESS_KEYS", path(&file)),
        ],
    )
    .stderr(std::process::Stdio::piped())
    .spawn()
    .expect("the server starts");
    let stderr = process.stderr.take().expect("a pipe");
    let log = Arc::new(std::sync::Mutex::new(String::new()));
    let (reading, (told, address)) = (Arc::clone(&log), std::sync::mpsc::channel());
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines() {
            let line = line.expect("text");
            let read: Option<Value> = serde_json::from_str(&line).ok();
            if let Some(address) = read.as_ref().and_then(|line| line["address"].as_str()) {
                // Nobody listens after the first time.
                let _ = told.send(address.to_owned());
            }
            let mut log = reading.lock().expect("no panic");
            log.push_str(&line);
            log.push('\n');
        }
    });
    let address = address
        .recv()
        .expect("an address")
        .parse()
        .expect("an address");
    let unknown = "ts_nobodys0123456789";
    let request = batch([busy(0, 1)]).to_string();
    for key in [KEY, made, unknown] {
        for header in [
            format!("Authorization: Bearer {key}"),
            format!("Authorization: {key}"),
            format!("X-Auth-Token: {key}"),
            format!("Cookie: key={key}"),
        ] {
            for line in [
                "POST /v1/checks".to_owned(),
                "GET /admin/log-level".to_owned(),
                format!("GET /runs?key={key}"),
            ] {
                let headers = format!("Content-Type: application/json\r\n{header}\r\n");
                let connection = Connection::open(address);
                connection.send(&line, &headers, &request).answer();
            }
        }
    }
    process.kill().expect("it runs");
    process.wait().expect("a status");
    reader.join().expect("no panic");
    let log = log.lock().expect("no panic").clone();
    assert!(log.matches("/v1/checks").count() >= 12, "{log}");
    assert!(log.contains(r#""key":"ci""#), "{log}");
    for secret in [KEY, made, unknown] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[test]
fn a_certificate_from_two_files() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = (
        folder.path().join("server.pem"),
        folder.path().join("server.key"),
    );
    std::fs::write(&certificate, made.cert.pem()).expect("it can be written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("it can be written");
    let (certificate, key) = (path(&certificate), path(&key));
    for (certificate, key, says) in [
        (key, key, "holds none"),
        (certificate, certificate, "private key"),
        ("/nowhere.pem", key, "cannot read"),
    ] {
        let arguments = ["serve", "--tls-certificates", certificate, "--tls-key", key];
        refused(&arguments, &[], &[says]);
    }
    let output = run(&["serve", "--tls-key", key], &[]);
    assert_eq!(output.status.code(), Some(2));

    let server = Server::start(
        &[
            "--workers",
            "1",
            "--tls-certificates",
            certificate,
            "--tls-key",
            key,
        ],
        &[(VARIABLE, &format!("ci:{KEY}"))],
    );
    let root = Certificate::from_pem(made.cert.pem().as_bytes()).expect("PEM");
    let roots = RootCerts::Specific(Arc::new(vec![root]));
    let tls = TlsConfig::builder().root_certs(roots).build();
    let config = ureq::Agent::config_builder().tls_config(tls).build();
    let agent = ureq::Agent::new_with_config(config);
    let url = format!("https://localhost:{}", server.address.port());
    for _ in 0..2 {
        let mut answer = agent
            .post(format!("{url}/v1/checks"))
            .header("authorization", format!("Bearer {KEY}"))
            .send_json(batch([busy(0, 1)]))
            .expect("an answer");
        let document: Value = answer.body_mut().read_json().expect("JSON");
        assert_eq!(document["results"][0]["passed"], 1, "{document}");
        let sworn = answer.headers().get("strict-transport-security");
        assert!(sworn.is_some());
    }
    // Who does not know the certificate does not speak with it.
    assert!(ureq::get(format!("{url}/healthz")).call().is_err());
    // Nor does whoever speaks no TLS get an answer, or keep others from one.
    let mut plain = std::net::TcpStream::connect(server.address).expect("it listens");
    std::io::Write::write_all(&mut plain, b"GET /healthz HTTP/1.0\r\n\r\n").expect("it is read");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    let answer = agent.get(format!("{url}/healthz")).call();
    assert_eq!(answer.expect("an answer").status(), 200);
    server.terminate();
    assert_eq!(server.ended(), Some(0));
}

/// In a confined process, whose log is its own.
#[test]
fn the_level_of_the_log_while_it_runs() {
    let mut server = Server::start(&["--workers", "1"], &[]);
    let change = |server: &Server, level: &str| {
        let body = json!({"level": level}).to_string();
        ask(server, "PUT /admin/log-level", "", &body).status
    };
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(change(&server, "debug"), 200);
    assert_eq!(server.get("/healthz").status, 200);
    // The first one was not logged, so that the change comes before the one that is.
    let first = server.log_line(|line| {
        line["path"] == "/healthz" || line["message"] == "the log's level was changed"
    });
    assert_eq!(first["now"], "debug", "{first}");
    server.log_line(|line| line["path"] == "/healthz");
    assert_eq!(change(&server, "nonsense=level=x"), 422);
}

#[test]
fn figures_of_a_confined_server() {
    let server = Server::start(&["--workers", "2"], &[]);
    server.post(&batch((0..4).map(|id| busy(id % 2, 3))));
    let answer = server.get("/metrics");
    let page = String::from_utf8(answer.body).expect("text");
    let figure = |name: &str| -> f64 {
        let line = page.lines().find_map(|line| line.strip_prefix(name));
        let value = line.and_then(|rest| rest.trim().parse().ok());
        value.unwrap_or_else(|| panic!("{name}: {page}"))
    };
    assert_eq!(figure(r#"touchstone_checks_total{outcome="pass"}"#), 4.0);
    assert_eq!(figure("touchstone_executions_total"), 2.0);
    assert_eq!(figure("touchstone_cache_hits_total"), 2.0);
    // Two programs of 3 ms of guest time.
    assert!(figure("touchstone_execution_fuel_sum") > 6e7);
    assert!(figure("touchstone_execution_seconds_sum") > 0.0);
    assert_eq!(figure("touchstone_workers"), 2.0);
    assert_eq!(
        figure("touchstone_guest_memory_limit_bytes"),
        2_147_483_648.0
    );
    assert!(figure("touchstone_process_resident_memory_bytes") > 1e6);
    assert!(figure("touchstone_process_threads") > 4.0);
}
