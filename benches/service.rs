//! What becomes of the service under load, and of its memory over a million checks.
//!
//! ```console
//! $ cargo bench --bench service -- overload [--seconds 60] [--times 10] [--connections 4000]
//! $ cargo bench --bench service -- soak [--checks 1000000]
//! ```
//!
//! Both start `touchstone serve` as it is configured by default but for its cache, send requests from
//! this machine, and print a JSON object a line. `overload` measures what the service can sustain, offers
//! so many times as much from a bounded number of connections, and compares every verdict with the one
//! that the idle service gave. `soak` sends checks of ever new programs and reads the server's memory,
//! threads and descriptors after every hundredth of them.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Programs that requests are made of, in turns: right, wrong, raising, looping, printing.
const PROGRAMS: [(&str, &str); 5] = [
    (
        "def f(x):\n    return sorted(range(x), reverse=True)[:3]\n",
        "[11, 10, 9]",
    ),
    ("def f(x):\n    return x - 1\n", "12"),
    ("def f(x):\n    raise ValueError(x)\n", "12"),
    (
        "def f(x):\n    total = 0\n    for n in range(20_000):\n        total += n % x\n    return total\n",
        "109984",
    ),
    (
        "import re\n\ndef f(x):\n    print('x' * x)\n    return len(re.findall('a+', 'aab' * x))\n",
        "12",
    ),
];

/// How long the service is measured before anything is offered to it.
const CALM: Duration = Duration::from_secs(5);

fn main() {
    // Cargo's own option stands among ours.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| it != "--bench")
        .collect();
    let number = |name: &str, default: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        let value = at.and_then(|at| arguments.get(at + 1));
        value.map_or(default, |value| value.parse().expect("a number"))
    };
    match arguments.first().map(String::as_str) {
        Some("overload") => overload(
            number("--seconds", 60),
            number("--times", 10),
            number("--connections", 4000),
        ),
        Some("soak") => soak(number("--checks", 1_000_000)),
        // What `cargo bench` without a word about this one does: nothing that takes minutes.
        _ => println!("say `overload` or `soak`; see the top of benches/service.rs"),
    }
}

/// A server of this package's, ended with it.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start() -> Server {
        let mut process = Command::new(env!("CARGO_BIN_EXE_touchstone"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
            .args(["--no-cache", "--log-level", "info"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut lines = BufReader::new(process.stderr.take().expect("a pipe")).lines();
        let url = loop {
            let line = lines
                .next()
                .expect("it says where it listens")
                .expect("text");
            let line: Value = serde_json::from_str(&line).expect("JSON");
            if let Some(address) = line["address"].as_str() {
                break format!("http://{address}");
            }
        };
        // Its log is read, or it would wait for us.
        std::thread::spawn(move || lines.for_each(drop));
        Server { process, url }
    }

    fn authority(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    async fn connect(&self) -> Sender {
        let stream = tokio::net::TcpStream::connect(self.authority()).await;
        let stream = hyper_util::rt::TokioIo::new(stream.expect("it accepts connections"));
        let (sender, connection) = hyper::client::conn::http1::handshake(stream)
            .await
            .expect("it speaks HTTP");
        tokio::task::spawn_local(connection);
        sender
    }

    /// What the kernel says of the process: resident KiB, of its own, threads, descriptors.
    fn state(&self) -> Value {
        let folder = format!("/proc/{}", self.process.id());
        let status = std::fs::read_to_string(format!("{folder}/status")).expect("it is there");
        let field = |name: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(name));
            let number = line.and_then(|line| line.split_whitespace().nth(1));
            number.and_then(|number| number.parse().ok()).unwrap_or(0)
        };
        let descriptors = std::fs::read_dir(format!("{folder}/fd")).expect("ours to read");
        json!({
            "resident_kib": field("VmRSS:"),
            "own_kib": field("RssAnon:"),
            "threads": field("Threads:"),
            "descriptors": descriptors.count(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One client's connection.
struct Client {
    agent: ureq::Agent,
    url: String,
}

impl Client {
    fn new(server: &Server) -> Client {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(120)))
            .build();
        Client {
            agent: config.into(),
            url: format!("{}/v1/checks", server.url),
        }
    }

    fn send(&self, body: &Value) -> (u16, Value) {
        let mut answer = self
            .agent
            .post(&self.url)
            .send_json(body)
            .expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.body_mut().read_json().expect("JSON"))
    }
}

/// One check of a program; `number` makes it another program than all before.
fn submission(number: u64) -> Value {
    let (code, expected) = PROGRAMS[number as usize % PROGRAMS.len()];
    json!({
        "id": number.to_string(), "language": "python", "code": format!("{code}# {number}\n"),
        "checks": [{"kind": "call", "call": "f(12)", "expected": expected}],
    })
}

/// So many programs that requests are drawn from, so that each has a verdict to compare with.
const KNOWN: u64 = 100;

fn single(number: u64) -> Value {
    json!({"submissions": [submission(number % KNOWN)]})
}

/// Sends from so many connections until the time is over. `pause` is between the beginnings of a
/// connection's requests, as far as it keeps up. Gives latencies of what was accepted, how often it was
/// turned away, other statuses, and whether all verdicts were those known.
///
/// All connections are one thread's: what thousands of threads would take of the processor is the server's.
fn offer(
    server: &Server,
    connections: u64,
    pause: Duration,
    time: Duration,
    known: &[Value],
) -> Offered {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let requests: Vec<Bytes> = (0..KNOWN)
        .map(|number| single(number).to_string().into())
        .collect();
    let offered = RefCell::new(Offered::default());
    let next = Cell::new(0);
    let begun = Instant::now();
    let connection = async |number: u64| {
        let mut due = begun + pause.mul_f64(number as f64 / connections as f64);
        // They come one after the other, as clients do.
        tokio::time::sleep_until(due.into()).await;
        let mut sender = server.connect().await;
        while begun.elapsed() < time {
            tokio::time::sleep_until(due.into()).await;
            due += pause;
            let number = (next.replace(next.get() + 1) % KNOWN) as usize;
            let sent = Instant::now();
            let (status, body) = send(&mut sender, server, requests[number].clone()).await;
            let took = sent.elapsed();
            offered
                .borrow_mut()
                .take(status, &body, took, &known[number]);
        }
    };
    let all = futures_util::future::join_all((0..connections).map(connection));
    runtime.block_on(tokio::task::LocalSet::new().run_until(all));
    let mut offered = offered.into_inner();
    offered.seconds = begun.elapsed().as_secs_f64();
    offered.accepted.sort_unstable();
    offered.refused.sort_unstable();
    offered
}

type Sender = hyper::client::conn::http1::SendRequest<Full<Bytes>>;

/// One request on a connection: the answer's status and body.
async fn send(sender: &mut Sender, server: &Server, body: Bytes) -> (u16, Bytes) {
    sender.ready().await.expect("the connection stays open");
    let request = hyper::Request::post("/v1/checks")
        .header("host", server.authority())
        .header("content-type", "application/json")
        .body(Full::new(body))
        .expect("a request");
    let answer = sender.send_request(request).await.expect("an answer");
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("a whole answer");
    (status, body.to_bytes())
}

#[derive(Default)]
struct Offered {
    accepted: Vec<Duration>,
    refused: Vec<Duration>,
    other: u64,
    differing: u64,
    seconds: f64,
}

impl Offered {
    fn take(&mut self, status: u16, body: &[u8], took: Duration, known: &Value) {
        match status {
            200 => {
                self.accepted.push(took);
                let answer: Value = serde_json::from_slice(body).expect("JSON");
                self.differing += u64::from(answer["results"][0] != *known);
            }
            429 => self.refused.push(took),
            _ => self.other += 1,
        }
    }

    fn report(&self, name: &str, server: &Server) {
        let at = |sorted: &[Duration], share: f64| {
            let at = (sorted.len() as f64 * share) as usize;
            let found = sorted.get(at.min(sorted.len().saturating_sub(1)));
            found.map(|found| (found.as_secs_f64() * 1e5).round() / 100.0)
        };
        let line = json!({
            "name": name,
            "seconds": self.seconds.round(),
            "offered_per_second": ((self.accepted.len() + self.refused.len()) as f64 / self.seconds).round(),
            "accepted_per_second": (self.accepted.len() as f64 / self.seconds).round(),
            "accepted": self.accepted.len(),
            "refused_429": self.refused.len(),
            "other_statuses": self.other,
            "differing_verdicts": self.differing,
            "accepted_ms": {"median": at(&self.accepted, 0.5), "p99": at(&self.accepted, 0.99)},
            "refused_ms": {"median": at(&self.refused, 0.5), "p99": at(&self.refused, 0.99)},
            "server": server.state(),
        });
        println!("{line}");
    }
}

fn overload(seconds: u64, times: u64, connections: u64) {
    let server = Server::start();
    let client = Client::new(&server);
    let known: Vec<Value> = (0..KNOWN)
        .map(|number| {
            let (status, mut answer) = client.send(&single(number));
            assert_eq!(status, 200, "{answer}");
            answer["results"][0].take()
        })
        .collect();
    let calm = |name: &str, connections| {
        let offered = offer(&server, connections, Duration::ZERO, CALM, &known);
        offered.report(name, &server);
        offered.accepted.len() as f64 / offered.seconds
    };
    calm("idle/before", 1);
    let sustained = calm("sustained", 8);
    let pause = Duration::from_secs_f64(connections as f64 / (sustained * times as f64));
    let time = Duration::from_secs(seconds);
    offer(&server, connections, pause, time, &known).report("overload", &server);
    calm("idle/after", 1);
    // What was taken is given back within ten seconds of the last work.
    std::thread::sleep(3 * CALM);
    println!("{}", json!({"name": "at rest", "server": server.state()}));
}

/// Checks of one request.
const BATCH: u64 = 250;

fn soak(checks: u64) {
    let server = Server::start();
    let next = AtomicU64::new(0);
    let (wrong, begun) = (AtomicU64::new(0), Instant::now());
    let step = (checks / 100).max(BATCH);
    let told = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let client = Client::new(&server);
                loop {
                    let first = next.fetch_add(BATCH, Ordering::Relaxed);
                    if first >= checks {
                        return;
                    }
                    let submissions: Vec<Value> = (first..first + BATCH).map(submission).collect();
                    let (status, answer) = client.send(&json!({ "submissions": submissions }));
                    wrong.fetch_add(mistakes(first, status, &answer), Ordering::Relaxed);
                    let mut told = told.lock().expect("nobody panicked");
                    if first / step > *told {
                        *told = first / step;
                        let seconds = begun.elapsed().as_secs_f64().round();
                        println!(
                            "{}",
                            json!({"name": "soak", "checks": first, "seconds": seconds, "server": server.state()})
                        );
                    }
                }
            });
        }
    });
    let wrong = wrong.load(Ordering::Relaxed);
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({
            "name": "soak/end", "checks": checks, "wrong": wrong, "seconds": seconds.round(),
            "per_second": (checks as f64 / seconds).round(), "server": server.state(),
        })
    );
}

/// How many verdicts are not what these programs come to.
fn mistakes(first: u64, status: u16, answer: &Value) -> u64 {
    const OUTCOMES: [&str; 5] = ["pass", "fail", "error", "pass", "pass"];
    let results = answer["results"].as_array();
    let Some(results) = results.filter(|results| status == 200 && results.len() as u64 == BATCH)
    else {
        return BATCH;
    };
    let wrong = |(at, result): &(usize, &Value)| {
        let expect = OUTCOMES[(first as usize + at) % OUTCOMES.len()];
        result["verdicts"][0]["outcome"] != expect
    };
    results.iter().enumerate().filter(wrong).count() as u64
}
