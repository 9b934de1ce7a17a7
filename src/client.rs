//! The other side of the HTTP API: sends submissions to a server that runs somewhere else, and reads
//! what became of them.
//!
//! Owns one connection pool to one server. Knows nothing of retries beyond one request: whether an
//! absent server is asked again is for the caller to say, who alone knows what may wait.

mod answer;
mod request;

use crate::api::v1::wire::ChecksResponse;
use crate::domain::{Submission, SubmissionResult};
use answer::Wrong;
use std::time::Duration;

/// Submissions of one request: bounds its body, and what is asked again after a connection broke.
const SUBMISSIONS: usize = 256;
/// Verdicts of one answer take no more than this: a server writes at most 64 KiB of each value.
const ANSWER_BYTES: u64 = 1 << 30;
/// An answer that takes longer is asked for in halves: a submission alone takes a minute of guest time a
/// check at most, but a server has others to serve.
const PATIENCE: Duration = Duration::from_secs(600);
/// A server that does not take a connection in this time is not there.
const CONNECT: Duration = Duration::from_secs(10);
/// How often a submission that a passing fault struck is sent again; the fault is its result then.
const REPETITIONS: usize = 3;
/// How much of an answer that is none is shown.
const SHOWN_CHARACTERS: usize = 300;

/// Why a server has not judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// It is not there or will not work now: the same request may succeed later.
    #[error("{0}")]
    Unavailable(String),
    /// It is there, and will never take this request.
    #[error("{0}")]
    Refused(String),
}

/// A server.
#[derive(Clone)]
pub struct Server {
    agent: ureq::Agent,
    url: String,
    /// The header that says who asks; none where the server has no keys.
    key: Option<String>,
}

impl Server {
    /// A server by its address, such as `http://127.0.0.1:8080`.
    pub fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .build();
        Server {
            agent: ureq::Agent::new_with_config(config),
            url: format!("{}/v1/checks", url.trim_end_matches('/')),
            key: None,
        }
    }

    /// With an API key, where there is one; nothing that is said of the server repeats it.
    pub fn with_key(self, key: Option<&str>) -> Self {
        let key = key.map(|key| format!("Bearer {key}"));
        Server { key, ..self }
    }

    /// Where requests go.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The digest of the server's runtime, which decides verdicts.
    ///
    /// # Errors
    /// Where it has no answer.
    pub fn runtime(&self) -> Result<String, ClientError> {
        let url = self.url.replace("/v1/checks", "/v1/runtimes");
        let told = |what: &dyn std::fmt::Display| format!("{url}: {what}");
        let mut request = self.agent.get(&url);
        if let Some(key) = &self.key {
            request = request.header("authorization", key);
        }
        let mut answer = request.call().map_err(|error| match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => ClientError::Refused(told(&error)),
            error => ClientError::Unavailable(told(&error)),
        })?;
        if !answer.status().is_success() {
            return Err(ClientError::Unavailable(told(&answer.status())));
        }
        let runtimes: Runtimes = answer
            .body_mut()
            .read_json()
            .map_err(|error| ClientError::Refused(told(&error)))?;
        let digest = runtimes.runtimes.into_iter().next();
        digest
            .map(|runtime| runtime.digest)
            .ok_or_else(|| ClientError::Refused(told(&"names no runtime")))
    }

    /// Judges all submissions, in as many requests as it takes; the results are in their order.
    ///
    /// # Errors
    /// Where one of the requests has no answer: then none of the results is given.
    pub fn judge(&self, submissions: &[Submission]) -> Result<Vec<SubmissionResult>, ClientError> {
        let mut all = Vec::new();
        for part in submissions.chunks(SUBMISSIONS) {
            all.extend(self.judge_part(part)?);
        }
        for _ in 0..REPETITIONS {
            let struck: Vec<usize> = (0..all.len())
                .filter(|at| answer::will_pass(&all[*at]))
                .collect();
            if struck.is_empty() {
                break;
            }
            let again: Vec<Submission> = struck.iter().map(|at| submissions[*at].clone()).collect();
            for (at, result) in struck.into_iter().zip(self.judge_part(&again)?) {
                all[at] = result;
            }
        }
        Ok(all)
    }

    /// In one request, or in halves where that is too much for the server.
    fn judge_part(&self, part: &[Submission]) -> Result<Vec<SubmissionResult>, ClientError> {
        match self.ask(part) {
            Err(Failure::TooMuch(_)) if part.len() > 1 => {
                let (first, second) = part.split_at(part.len() / 2);
                let mut all = self.judge_part(first)?;
                all.extend(self.judge_part(second)?);
                Ok(all)
            }
            Err(Failure::TooMuch(what)) => Err(ClientError::Refused(what)),
            Err(Failure::Other(error)) => Err(error),
            Ok(results) => Ok(results),
        }
    }

    fn ask(&self, submissions: &[Submission]) -> Result<Vec<SubmissionResult>, Failure> {
        let told = |what: &dyn std::fmt::Display| format!("{}: {what}", self.url);
        let failed = |error: ureq::Error| match error {
            ureq::Error::Timeout(ureq::Timeout::Global) => Failure::TooMuch(told(&error)),
            // What is wrong with the address stays wrong.
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                Failure::Other(ClientError::Refused(told(&error)))
            }
            error => Failure::Other(ClientError::Unavailable(told(&error))),
        };
        let mut request = self.agent.post(&self.url);
        if let Some(key) = &self.key {
            request = request.header("authorization", key);
        }
        let mut answer = request
            .send_json(request::Request::of(submissions))
            .map_err(failed)?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES);
        let text = body.read_to_string().map_err(failed)?;
        if !status.is_success() {
            let start: String = text.chars().take(SHOWN_CHARACTERS).collect();
            let what = told(&format_args!("{status}: {start}"));
            // Too many requests, and what is wrong with the server, pass; what is wrong with the request
            // stays.
            let passes = status.as_u16() == 429 || status.is_server_error();
            return Err(match status.as_u16() {
                413 => Failure::TooMuch(what),
                _ if passes => Failure::Other(ClientError::Unavailable(what)),
                _ => Failure::Other(ClientError::Refused(what)),
            });
        }
        let refused =
            |what: &dyn std::fmt::Display| Failure::Other(ClientError::Refused(told(what)));
        let answer: ChecksResponse = serde_json::from_str(&text)
            .map_err(|error| refused(&format_args!("is no answer of a validator: {error}")))?;
        answer::results(answer, submissions).map_err(|wrong| match wrong {
            Wrong::Absent(what) => Failure::Other(ClientError::Unavailable(told(&what))),
            Wrong::Unfit(what) => refused(&what),
        })
    }
}

/// What is read of a server's runtimes.
#[derive(serde::Deserialize)]
struct Runtimes {
    runtimes: Vec<RuntimeDigest>,
}

#[derive(serde::Deserialize)]
struct RuntimeDigest {
    digest: String,
}

/// Why one request has no results.
enum Failure {
    /// A part of it may have.
    TooMuch(String),
    /// No part of it has.
    Other(ClientError),
}
