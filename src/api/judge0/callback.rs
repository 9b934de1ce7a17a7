//! Results that are sent to whoever a submission names.
//!
//! Owns how many are under way, how often each is tried, and what counts as sent. A place is taken when
//! the submission is, so that no result is left out for want of room. Who may be named is the settings'
//! to say.

use super::result::{Fields, Telling};
use super::store::Entry;
use crate::api::error::ApiError;
use crate::outgoing::Destinations;
use crate::validator::Rejected;
use axum::http::header::CONTENT_TYPE;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use ureq::Agent;
use url::Url;

/// Of that service, for one try and for all.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);
pub(super) const TRIES: u32 = 3;

/// Before the second try, and twice as long before the third. Arbitrary: a receiver that is started
/// again takes some seconds.
const PAUSE: Duration = Duration::from_secs(1);

/// Submissions whose result is to be sent and is not yet, at most; they are kept until it is. Sixteen
/// thousand checks and more would be answered by as many that only wait for a slow receiver.
const MOST_WAITING: usize = 1024;

/// Connections at a time, each of which takes a thread while it is open. Arbitrary.
const AT_A_TIME: usize = 16;

/// A place among the submissions whose result is to be sent.
pub(super) type Place = OwnedSemaphorePermit;

/// What sends results.
#[derive(Clone)]
pub(in crate::api) struct Callbacks {
    hosts: Destinations,
    client: Agent,
    waiting: Arc<Semaphore>,
    connections: Arc<Semaphore>,
}

impl Default for Callbacks {
    fn default() -> Self {
        Callbacks::to(Destinations::default())
    }
}

impl Callbacks {
    /// To these hosts, and to no others.
    pub fn to(hosts: Destinations) -> Callbacks {
        Callbacks {
            client: hosts.client(TIMEOUT),
            hosts,
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            connections: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }

    /// Whether results may be sent at all.
    pub(super) fn are_made(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// The address that a submission names, or why its result is not sent there.
    pub(super) fn address(&self, text: &str) -> Result<Url, &'static str> {
        if !self.are_made() {
            return Err(NONE);
        }
        let mut url = Url::parse(text).map_err(|_| "is no URL")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("must be a URL of http or https");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must be a URL without user and password");
        }
        if !self.hosts.include(&url) {
            return Err(NOT_LISTED);
        }
        url.set_fragment(None);
        Ok(url)
    }

    /// A place for a result.
    pub(super) fn place(&self) -> Result<Place, ApiError> {
        let place = Arc::clone(&self.waiting).try_acquire_owned();
        Ok(place.map_err(|_| Rejected::Full { retry_after: PAUSE })?)
    }

    /// Sends what became of a submission, as that service does: the usual fields, texts in base64.
    pub(super) async fn send(self, url: Url, token: String, entry: Arc<Entry>, place: Place) {
        let telling = Telling {
            base64: true,
            fields: Fields::Usual,
        };
        let sent = match telling.tell(&token, &entry) {
            Ok(result) => self.send_text(url.clone(), result.to_string()).await,
            Err(error) => Err(error.to_string()),
        };
        let host = url.host_str();
        match sent {
            Ok(()) => tracing::debug!(token, host, "a result was sent"),
            // The rest of the address may hold a secret.
            Err(reason) => tracing::warn!(token, host, reason, "a result could not be sent"),
        }
        drop(place);
    }

    async fn send_text(&self, url: Url, text: String) -> Result<(), String> {
        let mut reason = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(PAUSE * attempt).await;
            }
            match self.try_to_send(url.clone(), text.clone()).await {
                Ok(status) if status.is_success() => return Ok(()),
                // It has understood, and does not want it.
                Ok(status) if !is_passing(status.as_u16()) => return Err(status.to_string()),
                Ok(status) => reason = status.to_string(),
                Err(error) => reason = error,
            }
        }
        Err(reason)
    }

    async fn try_to_send(&self, url: Url, text: String) -> Result<ureq::http::StatusCode, String> {
        let connection = self.connections.acquire().await;
        let connection = connection.map_err(|error| error.to_string())?;
        let client = self.client.clone();
        let send = move || {
            client
                .put(url.as_str())
                .header(CONTENT_TYPE, "application/json")
                .send(text)
        };
        let answer = tokio::task::spawn_blocking(send).await;
        drop(connection);
        let answer = answer.map_err(|error| error.to_string())?;
        answer
            .map(|answer| answer.status())
            .map_err(|error| error.to_string())
    }

    /// Resolves when no result is to be sent any more.
    pub async fn all_sent(&self) {
        // Never closed.
        let _ = self.waiting.acquire_many(MOST_WAITING as u32).await;
    }
}

/// Whether a receiver may want later what it does not want now.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

const NONE: &str = "is not allowed: this server makes no connections (judge0.callback_hosts names \
                    whom it may call); ask for the token's result";
const NOT_LISTED: &str = "names a host or a port that is not in judge0.callback_hosts";
