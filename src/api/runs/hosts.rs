//! For which host a request has to be.
//!
//! A page from elsewhere cannot read what a server on this machine answers, unless its own name is
//! made to point here after it was loaded ("DNS rebinding"). Its requests still carry that name.

use super::super::error::ApiError;
use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::middleware::Next;
use axum::response::Response;

/// Names of this machine for itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The names that a server answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// Any; for a server behind something that knows its callers.
    Any,
    /// `localhost`, `127.0.0.1` and `[::1]`, with any port; for a server on loopback that anyone
    /// at this machine may read.
    Loopback,
}

impl Hosts {
    /// Whether a request for this host is for this server.
    pub(in crate::api) fn include(self, host: &str) -> bool {
        let is_port = |rest: &str| match rest.strip_prefix(':') {
            Some(port) => !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()),
            None => rest.is_empty(),
        };
        let host = host.to_ascii_lowercase();
        let mut known = LOOPBACK.iter().filter_map(|name| host.strip_prefix(name));
        self == Hosts::Any || known.any(is_port)
    }
}

pub(super) async fn check(
    State(hosts): State<Hosts>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let header = request.headers().get(HOST);
    let host = header.and_then(|host| host.to_str().ok());
    // A request line with a host of its own counts for more than the header.
    let line = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    let includes = |host| hosts.include(host);
    if hosts == Hosts::Any || (host.is_some_and(includes) && line.is_none_or(includes)) {
        return Ok(next.run(request).await);
    }
    Err(ApiError::OtherHost)
}

#[cfg(test)]
mod tests {
    use super::Hosts;

    #[test]
    fn names_of_this_machine() {
        for host in [
            "localhost",
            "LocalHost:1",
            "127.0.0.1",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:65535",
        ] {
            assert!(Hosts::Loopback.include(host), "{host}");
        }
        for host in [
            "",
            "example.org",
            "example.org:80",
            "localhost.example.org",
            "localhost:80.example.org",
            "localhost:",
            "127.0.0.1.example.org",
            "127.0.0.11",
            "[::1]x",
            "[::2]",
            "::1",
            "x@localhost",
            "localhost@example.org",
        ] {
            assert!(!Hosts::Loopback.include(host), "{host}");
            assert!(Hosts::Any.include(host), "{host}");
        }
    }
}
