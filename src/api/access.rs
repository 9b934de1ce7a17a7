//! Who may call, and how much at a time.
//!
//! Owns the keys and their limits. A request passes here before anything else of it is read; what it
//! is then known as stands in its extensions ([`Caller`]), for handlers, the log and the figures.
//! Of a key only its SHA-256 is kept, and it is compared in constant time.

mod held;
mod key;
mod presented;

use super::error::ApiError;
use super::metrics::{Door, Metrics};
use super::page;
use super::runs::Hosts;
use crate::config::{AccessConfig, KeyConfig};
use crate::validator::Tenant;
use axum::extract::{Request, State};
use axum::http::Extensions;
use axum::http::header::HOST;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use held::Held;
use key::{Key, Place};
pub use presented::Challenge;
use std::net::SocketAddr;
use std::sync::Arc;

/// What needs no key: whether it lives, what a person sees first (with its files), and what it
/// offers.
pub(super) const FOR_ALL: [&str; 4] = ["/", "/healthz", "/readyz", "/openapi.json"];

/// What tells whether it lives, and nothing else.
pub(super) const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Whom a request is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// The key's name; empty where there are no keys.
    pub name: Arc<str>,
    /// Whether it may change how the service runs.
    pub admin: bool,
}

impl Caller {
    /// Of a request, as [`admit`] has found out.
    pub fn of(extensions: &Extensions) -> Caller {
        let nobody = || Caller {
            name: "".into(),
            admin: false,
        };
        extensions.get().cloned().unwrap_or_else(nobody)
    }

    /// Whose submissions the request's are.
    pub fn tenant(&self) -> Tenant {
        Tenant(Arc::clone(&self.name))
    }
}

/// Who may call.
#[derive(Clone, Debug)]
pub(super) struct Access(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    keys: Vec<Key>,
    metrics_need_key: bool,
    hosts: Hosts,
}

impl Access {
    /// With one or more keys, whoever calls needs one. Without, and with an address of this machine
    /// only, a request must have been meant for this machine: a page from elsewhere whose name is
    /// made to point here is refused.
    pub fn new(keys: &[KeyConfig], config: &AccessConfig, listen: SocketAddr) -> Access {
        let guarded = keys.is_empty() && !config.open && listen.ip().is_loopback();
        Access(Arc::new(Rules {
            keys: keys.iter().map(|key| Key::new(key, config)).collect(),
            metrics_need_key: config.metrics_need_key,
            hosts: if guarded { Hosts::Loopback } else { Hosts::Any },
        }))
    }

    /// Whom a request is from, and its place among those that the key may have at a time.
    fn find(&self, request: &Request) -> Result<(Caller, Option<Place>), (Caller, ApiError)> {
        let rules = &*self.0;
        let stranger = |admin| Caller {
            name: "".into(),
            admin,
        };
        let path = request.uri().path();
        if !PROBES.contains(&path) && !meant_for(request, rules.hosts) {
            return Err((stranger(false), ApiError::OtherHost));
        }
        let path = request.uri().path();
        let for_all = FOR_ALL.contains(&path)
            || path.starts_with(page::ASSETS)
            || (path == "/metrics" && !rules.metrics_need_key);
        if for_all || rules.keys.is_empty() {
            // Without keys, only who sits at this machine is its operator for certain.
            let admin = rules.keys.is_empty() && rules.hosts == Hosts::Loopback;
            return Ok((stranger(admin), None));
        }
        let challenge = presented::Challenge::at(path);
        let Some(presented) = presented::key(request.headers()) else {
            return Err((stranger(false), ApiError::NoKey(challenge)));
        };
        let Some(key) = key::find(&rules.keys, &presented) else {
            return Err((stranger(false), ApiError::UnknownKey(challenge)));
        };
        let caller = key.caller();
        match key.enter() {
            Ok(place) => Ok((caller, place)),
            Err(error) => Err((caller, error)),
        }
    }
}

/// Clients that say nothing of a host are no browsers.
fn meant_for(request: &Request, hosts: Hosts) -> bool {
    let line = request.uri().authority().map(|host| host.as_str());
    let header = request.headers().get(HOST);
    let header = header.map(|host| host.to_str().unwrap_or_default());
    [line, header]
        .into_iter()
        .flatten()
        .all(|host| hosts.include(host))
}

/// Lets a request in, or refuses it. The answer is its caller's, too.
pub(super) async fn admit(
    State((access, metrics)): State<(Access, Metrics)>,
    mut request: Request,
    next: Next,
) -> Response {
    let (caller, mut response) = match access.find(&request) {
        Ok((caller, place)) => {
            if !caller.name.is_empty() {
                metrics.at_door(&caller.name, Door::Admitted);
            }
            request.extensions_mut().insert(caller.clone());
            let response = next.run(request).await;
            // Until the answer is sent: a stream of results is work.
            (caller, Held::by(place, response))
        }
        Err((caller, error)) => {
            match &error {
                ApiError::RateLimited { .. } => metrics.at_door(&caller.name, Door::RateLimited),
                ApiError::TooManyAtOnce { .. } => {
                    metrics.at_door(&caller.name, Door::TooManyAtOnce);
                }
                _ => {}
            }
            (caller, error.into_response())
        }
    };
    response.extensions_mut().insert(caller);
    response
}
