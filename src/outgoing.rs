//! Connections that the service makes of its own accord: to hosts that its settings name, and to no
//! others.
//!
//! Owns which these are. Their addresses are looked up once, while the process may still ask for them:
//! a confined process reads no files and sends no datagrams, which looking a name up takes. From then on
//! a name is one of these or has no address, so that a name which is made to point elsewhere later
//! leads nowhere. Knows nothing of what is sent.

use crate::config::HostConfig;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use url::Url;

/// Addresses of one host that are tried, at most: what the client takes.
const ADDRESSES: usize = 16;

/// A host that has no address.
#[derive(Debug, thiserror::Error)]
#[error("the host {host} cannot be looked up: {source}")]
pub struct LookUpError {
    /// Its name.
    pub host: String,
    /// What the system said.
    pub source: std::io::Error,
}

/// Hosts that may be spoken to, by name and port, with their addresses.
#[derive(Clone, Debug, Default)]
pub struct Destinations(Arc<BTreeMap<(String, u16), Vec<SocketAddr>>>);

impl Destinations {
    /// Looks every host up.
    ///
    /// # Errors
    /// Where one has no address.
    pub fn look_up(hosts: &[HostConfig]) -> Result<Destinations, LookUpError> {
        let mut found = BTreeMap::new();
        for config in hosts {
            let host = config.host.to_string();
            for port in config.ports() {
                let addresses = match &config.host {
                    url::Host::Domain(name) => look_up(name, port)?,
                    url::Host::Ipv4(address) => vec![SocketAddr::new((*address).into(), port)],
                    url::Host::Ipv6(address) => vec![SocketAddr::new((*address).into(), port)],
                };
                found.insert((host.clone(), port), addresses);
            }
        }
        Ok(Destinations(Arc::new(found)))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is at one of these hosts, and one of its ports.
    pub fn include(&self, url: &Url) -> bool {
        let place = url.host_str().zip(url.port_or_known_default());
        place.is_some_and(|(host, port)| self.0.contains_key(&(host.to_owned(), port)))
    }

    /// The ports of all of them.
    pub fn ports(&self) -> Vec<u16> {
        let ports: BTreeSet<u16> = self.0.keys().map(|(_, port)| *port).collect();
        ports.into_iter().collect()
    }

    /// A client that reaches these hosts alone, follows no redirection, asks no proxy, and gives a
    /// request up after this time. Every status is an answer.
    pub fn client(&self, timeout: Duration) -> Agent {
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("touchstone/", env!("CARGO_PKG_VERSION")))
            .build();
        Agent::with_parts(config, DefaultConnector::default(), self.clone())
    }
}

fn look_up(name: &str, port: u16) -> Result<Vec<SocketAddr>, LookUpError> {
    let failed = |source| LookUpError {
        host: name.to_owned(),
        source,
    };
    let addresses: Vec<SocketAddr> = (name, port).to_socket_addrs().map_err(failed)?.collect();
    if addresses.is_empty() {
        return Err(failed(std::io::ErrorKind::NotFound.into()));
    }
    Ok(addresses)
}

impl Resolver for Destinations {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let usual = match uri.scheme_str() {
            Some("https") => 443,
            _ => 80,
        };
        let place = uri
            .host()
            .map(|host| (host.to_owned(), uri.port_u16().unwrap_or(usual)));
        let found = place.and_then(|place| self.0.get(&place));
        let found = found.ok_or(ureq::Error::HostNotFound)?;
        let mut addresses = self.empty();
        for address in found.iter().take(ADDRESSES) {
            addresses.push(*address);
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destinations(hosts: &[&str]) -> Destinations {
        let hosts: Vec<_> = hosts
            .iter()
            .map(|host| HostConfig::try_from((*host).to_owned()).expect("a host"))
            .collect();
        Destinations::look_up(&hosts).expect("addresses")
    }

    #[test]
    fn only_what_is_named() {
        let these = destinations(&["127.0.0.1:8080", "[::1]:81", "localhost"]);
        assert_eq!(these.ports(), [80, 81, 443, 8080]);
        for (url, expect) in [
            ("http://127.0.0.1:8080/a?b", true),
            ("https://127.0.0.1:8080/", true),
            // The same address, as browsers read it.
            ("http://0x7f.1:8080/", true),
            ("http://[::1]:81/", true),
            ("http://LOCALHOST/", true),
            ("https://localhost/", true),
            ("http://127.0.0.1/", false),
            ("http://localhost:8080/", false),
            ("http://localhost.:80/", false),
            ("http://localhost.example/", false),
            ("http://localhost@example.org/", false),
            ("http://127.0.0.1:8080@example.org/", false),
            ("http://example.org/#@localhost", false),
            ("http://example.org\\@localhost/", false),
            ("http://[::2]:81/", false),
        ] {
            let url = Url::parse(url).expect("an address");
            assert_eq!(these.include(&url), expect, "{url}");
        }
    }

    #[test]
    fn a_client_reaches_no_other() {
        let client = destinations(&["127.0.0.1:1"]).client(Duration::from_secs(5));
        for url in [
            "http://127.0.0.1:2/",
            "http://localhost:1/",
            "http://[::1]:1/",
        ] {
            let error = client.get(url).call().expect_err("no answer");
            assert!(matches!(error, ureq::Error::HostNotFound), "{url}: {error}");
        }
    }

    #[test]
    fn a_name_without_an_address() {
        let host = HostConfig::try_from("nowhere.invalid".to_owned()).expect("a host");
        let error = Destinations::look_up(&[host]).expect_err("no address");
        assert!(error.to_string().contains("nowhere.invalid"), "{error}");
    }
}
