//! Whom the service may speak to of its own accord: hosts that results are sent to, and a collector of
//! traces.
//!
//! Owns what such a setting may say. Looks nothing up.

use super::ConfigError;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU16;
use url::{Host, Url};

/// Judge0's interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Judge0Config {
    /// Hosts that a submission's `callback_url` may name: `HOST` for the usual ports of HTTP and HTTPS,
    /// `HOST:PORT` for that port alone. Without any, results are sent nowhere.
    pub callback_hosts: Vec<HostConfig>,
}

/// Traces for OpenTelemetry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// The address of a collector that takes OTLP over HTTP, `/v1/traces` left out; none are sent where
    /// there is none.
    pub otlp_endpoint: Option<String>,
}

impl TelemetryConfig {
    /// Where spans are sent.
    pub fn traces(&self) -> Result<Option<Url>, ConfigError> {
        let Some(endpoint) = &self.otlp_endpoint else {
            return Ok(None);
        };
        let wrong = |problem: &str| ConfigError::Value {
            key: "telemetry.otlp_endpoint",
            problem: format!("{problem}, such as `http://127.0.0.1:4318`"),
        };
        let mut url = Url::parse(endpoint).map_err(|_| wrong("must be an address"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("must be an address of HTTP or HTTPS"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must be an address without user and password"));
        }
        let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(Some(url))
    }
}

/// A host, and the ports of it that may be spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostConfig {
    /// Its name in its one form, or its address.
    pub host: Host,
    /// The only port; where absent, those that HTTP and HTTPS have where none is said.
    pub port: Option<NonZeroU16>,
}

impl HostConfig {
    /// The usual ports of HTTP and HTTPS.
    pub const USUAL_PORTS: [u16; 2] = [80, 443];

    /// The one that an address names.
    pub fn of(url: &Url) -> Option<HostConfig> {
        Some(HostConfig {
            host: url.host()?.to_owned(),
            port: Some(NonZeroU16::new(url.port_or_known_default()?)?),
        })
    }

    /// All the ports.
    pub fn ports(&self) -> Vec<u16> {
        self.port
            .map_or_else(|| Self::USUAL_PORTS.into(), |port| vec![port.get()])
    }
}

impl TryFrom<String> for HostConfig {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (host, port) = match text.rsplit_once(':') {
            // The colons of an address in brackets are its own.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text.as_str(), None),
        };
        let wrong = || format!("`{text}` is neither HOST nor HOST:PORT");
        // A name may hold it; who writes it means many names.
        if text.contains('*') {
            return Err(wrong());
        }
        Ok(HostConfig {
            host: Host::parse(host).map_err(|_| wrong())?,
            port: match port {
                Some(port) => Some(port.parse().map_err(|_| wrong())?),
                None => None,
            },
        })
    }
}

impl From<HostConfig> for String {
    fn from(config: HostConfig) -> String {
        match config.port {
            Some(port) => format!("{}:{port}", config.host),
            None => config.host.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (text, expect) in [
            (
                "hooks.example.org",
                Some(("hooks.example.org", vec![80, 443])),
            ),
            (
                "Hooks.Example.org:8080",
                Some(("hooks.example.org", vec![8080])),
            ),
            ("127.0.0.1:80", Some(("127.0.0.1", vec![80]))),
            ("[::1]", Some(("[::1]", vec![80, 443]))),
            ("[::1]:8080", Some(("[::1]", vec![8080]))),
            (
                "bücher.example",
                Some(("xn--bcher-kva.example", vec![80, 443])),
            ),
            ("", None),
            (":80", None),
            ("a.example:0", None),
            ("a.example:65536", None),
            ("a.example:http", None),
            ("http://a.example", None),
            ("a.example/path", None),
            ("user@a.example", None),
            ("*.example.org", None),
            ("::1", None),
        ] {
            let host = HostConfig::try_from(text.to_owned()).ok();
            let came = host.map(|host| (host.host.to_string(), host.ports()));
            let expect = expect.map(|(host, ports)| (host.to_owned(), ports));
            assert_eq!(came, expect, "{text}");
        }
    }

    #[test]
    fn collectors() {
        for (endpoint, expect) in [
            (
                "http://127.0.0.1:4318",
                Some("http://127.0.0.1:4318/v1/traces"),
            ),
            (
                "https://otel.example/base/",
                Some("https://otel.example/base/v1/traces"),
            ),
            ("127.0.0.1:4318", None),
            ("grpc://127.0.0.1:4317", None),
            ("http://user:word@127.0.0.1:4318", None),
            ("http://", None),
        ] {
            let config = TelemetryConfig {
                otlp_endpoint: Some(endpoint.to_owned()),
            };
            let url = config.traces().ok().flatten();
            assert_eq!(url.as_ref().map(Url::as_str), expect, "{endpoint}");
        }
    }
}
