//! The key in a request, in the ways in which clients can send one.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The header of clients of Judge0.
const JUDGE0: &str = "x-auth-token";

/// The key that a request has with it: `Authorization: Bearer KEY`; as the password of `Basic`, for
/// browsers and for clients that are given a URL and nothing else (`http://name:KEY@host`); or as
/// Judge0's clients send it.
pub(super) fn key(headers: &HeaderMap) -> Option<Vec<u8>> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return headers.get(JUDGE0).map(|key| key.as_bytes().to_vec());
    };
    let value = value.as_bytes();
    let blank = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = (&value[..blank], value[blank..].trim_ascii());
    if scheme.eq_ignore_ascii_case(b"bearer") {
        Some(rest.to_vec())
    } else if scheme.eq_ignore_ascii_case(b"basic") {
        let pair = STANDARD.decode(rest).ok()?;
        let colon = pair.iter().position(|byte| *byte == b':')?;
        Some(pair[colon + 1..].to_vec())
    } else {
        None
    }
}

/// How a client is asked for its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// A program's.
    Bearer,
    /// A browser asks a person then, who can look at runs that way.
    Basic,
}

impl Challenge {
    /// The one that suits a path.
    pub fn at(path: &str) -> Challenge {
        match path == "/runs" || path.starts_with("/runs/") {
            true => Challenge::Basic,
            false => Challenge::Bearer,
        }
    }

    /// The header; it says more where a key was sent.
    pub fn header(self, unknown: bool) -> HeaderValue {
        HeaderValue::from_static(match (self, unknown) {
            (Challenge::Bearer, false) => r#"Bearer realm="touchstone""#,
            (Challenge::Bearer, true) => r#"Bearer realm="touchstone", error="invalid_token""#,
            (Challenge::Basic, _) => r#"Basic realm="touchstone", charset="UTF-8""#,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_send_a_key() {
        for (name, value, expect) in [
            ("authorization", "Bearer the-key", Some("the-key")),
            ("authorization", "bearer  the-key ", Some("the-key")),
            // "anyone:the:key"
            (
                "authorization",
                "Basic YW55b25lOnRoZTprZXk=",
                Some("the:key"),
            ),
            ("authorization", "Basic the-key", None),
            ("authorization", "Basic YW55b25l", None),
            ("authorization", "Digest the-key", None),
            ("authorization", "the-key", None),
            ("x-auth-token", "the-key", Some("the-key")),
            ("x-api-key", "the-key", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            let key = key(&headers);
            assert_eq!(key.as_deref(), expect.map(str::as_bytes), "{name}: {value}");
        }
        assert_eq!(key(&HeaderMap::new()), None);
    }
}
