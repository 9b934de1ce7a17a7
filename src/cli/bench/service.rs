//! Checks through workers and through HTTP.

use super::PROGRAM;
use super::sample::{Sample, Series};
use crate::api::{Api, serve};
use crate::config::Config;
use crate::domain::{
    Check, CheckKind, Compare, Expected, Isolation, Limits, Outcome, Submission, SubmissionResult,
};
use crate::validator::{Tenant, Validator};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

/// Submissions in a batch, as a training step might send them.
const BATCH: usize = 256;

/// Checks that a program faces, where their number is what is measured.
const CHECKS: [usize; 3] = [1, 4, 16];

/// Batches of each case; the median of so few is steady, since a batch is long.
const BATCHES: usize = 15;

pub(super) fn measure(config: &Config, runs: usize) -> anyhow::Result<Vec<Sample>> {
    let mut one = config.clone();
    one.validator.workers = 1;
    let (single, _) = crate::cli::validator(&one)?;
    let (validator, information) = crate::cli::validator(config)?;
    let server = Server::start(validator.clone(), information, config)?;
    let mut client = Client::connect(server.address)?;
    let all = config.validator.workers;
    let mut cases = [
        Series::new("service/single"),
        Series::new("service/single-http"),
        Series::new("service/batch-1-worker"),
        Series::new(format!("service/batch-{all}-workers")),
        Series::new("service/batch-http"),
    ];
    let mut shared = CHECKS.map(|checks| Series::new(format!("service/{checks}-checks-a-program")));
    for number in 0..runs {
        cases[0].extend([time(|| judge(&validator, &[number]))?]);
        cases[1].extend([time(|| client.post(&[number]))?]);
    }
    for number in 0..BATCHES {
        let batch: Vec<usize> = (0..BATCH).map(|each| number * BATCH + each).collect();
        cases[2].extend([time(|| judge(&single, &batch))?]);
        cases[3].extend([time(|| judge(&validator, &batch))?]);
        cases[4].extend([time(|| client.post(&batch))?]);
        for (case, checks) in shared.iter_mut().zip(CHECKS) {
            // As many checks in all, of programs that nobody has seen.
            let first = (number + 1) * 1_000_000 + checks * 1000;
            let programs = first..first + BATCH / checks;
            case.extend([time(|| judge_calls(&validator, programs, checks))?]);
        }
    }
    let [a, b, c, d, e] = cases;
    let batch = BATCH as f64;
    let mut samples = vec![
        a.sample(),
        b.sample(),
        c.sample_of(batch),
        d.sample_of(batch),
        e.sample_of(batch),
    ];
    samples.extend(shared.map(|case| case.sample_of(batch)));
    Ok(samples)
}

fn time(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64() * 1e6)
}

/// No two programs are the same text.
fn program(number: usize) -> String {
    format!("# {number}\n{PROGRAM}")
}

fn judge(validator: &Validator, numbers: &[usize]) -> anyhow::Result<()> {
    let submissions = numbers.iter().map(|number| submission(*number)).collect();
    let mut results = validator
        .submit(submissions, Tenant::default())
        .context("the validator takes no work")?;
    while let Some((_, result)) = results.blocking_recv() {
        ensure!(passed(&result), "a measured check did not pass: {result:?}");
    }
    Ok(())
}

/// Judges programs by so many calls each.
fn judge_calls(
    validator: &Validator,
    programs: std::ops::Range<usize>,
    checks: usize,
) -> anyhow::Result<()> {
    let call = |number: usize| {
        let kind = CheckKind::Call {
            call: format!("has_close_elements([1.0, {number}.5, 3.0], 0.25)").into(),
            expected: Expected::Value("False".into()),
        };
        Arc::new(Check {
            id: number.to_string(),
            kind,
            trusted: false,
        })
    };
    let submissions = programs.map(|number| Submission {
        checks: (0..checks).map(|check| call(check + 4)).collect(),
        ..submission(number)
    });
    let submitted = validator.submit(submissions.collect(), Tenant::default());
    let mut results = submitted.context("the validator takes no work")?;
    while let Some((_, result)) = results.blocking_recv() {
        ensure!(passed(&result), "a measured check did not pass: {result:?}");
    }
    Ok(())
}

fn passed(result: &SubmissionResult) -> bool {
    match &result.judged {
        Ok(judged) => judged.verdicts.iter().all(|v| v.outcome == Outcome::Pass),
        Err(_) => false,
    }
}

fn submission(number: usize) -> Submission {
    let kind = CheckKind::Stdio {
        stdin: "".into(),
        expected: Some("".into()),
        exit_status: None,
        files: Vec::new(),
        checker: None,
    };
    Submission {
        id: number.to_string(),
        problem: None,
        code: program(number).into(),
        reference: None,
        checks: vec![Arc::new(Check {
            id: "0".to_owned(),
            kind,
            trusted: false,
        })],
        limits: Limits::default(),
        compare: Compare::default(),
        isolation: Isolation::default(),
        stop_on_failure: false,
        seed: 0,
    }
}

/// A server on a free port of this machine, on threads of its own.
struct Server {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    fn start(
        validator: Validator,
        information: crate::domain::RuntimeInfo,
        config: &Config,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let api = Api::new(validator, information, config);
        runtime.spawn(async move { serve(listener, api, std::future::pending()).await });
        Ok(Server {
            address,
            _runtime: runtime,
        })
    }
}

/// One kept connection.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Client(BufReader::new(stream)))
    }

    fn post(&mut self, numbers: &[usize]) -> anyhow::Result<()> {
        let submissions: Vec<Value> = numbers
            .iter()
            .map(|number| {
                json!({"language": "python", "code": program(*number),
                    "checks": [{"kind": "stdio", "stdin": "", "expected": ""}]})
            })
            .collect();
        let body = json!({ "submissions": submissions }).to_string();
        let head = format!(
            "POST /v1/checks HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        let stream = self.0.get_mut();
        stream.write_all((head + &body).as_bytes())?;
        let answer: Value = serde_json::from_slice(&self.read()?)?;
        let passed = answer["results"]
            .as_array()
            .context("an answer has results")?
            .iter()
            .all(|result| result["reward"]["generator"] == 1.0);
        ensure!(passed, "a measured check did not pass");
        Ok(())
    }

    /// Reads one answer with a known length.
    fn read(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut length = None;
        loop {
            let mut line = String::new();
            ensure!(self.0.read_line(&mut line)? > 0, "the server hung up");
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(number) = line.strip_prefix("content-length:") {
                length = Some(number.trim().parse::<usize>()?);
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length.context("the answer has no length")?];
        self.0.read_exact(&mut body)?;
        Ok(body)
    }
}
