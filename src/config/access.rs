//! Who may call the service, and how much at a time.

use super::ConfigError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::path::PathBuf;

/// A key of fewer characters can be guessed; those that `touchstone key` makes have 67.
const SHORTEST_KEY: usize = 16;

/// Who may call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessConfig {
    /// A TOML file of keys, see [`KeyConfig`]. With one or more keys, whoever calls needs one.
    pub keys: Option<PathBuf>,
    /// Whether anyone who reaches the server may call it, on whatever address it listens.
    pub open: bool,
    /// Whether `/metrics` needs a key where there are keys. Off: what scrapes is usually given
    /// none, and there are figures only.
    pub metrics_need_key: bool,
    /// Requests that each key may send a second, and at once after a pause, where its entry does
    /// not say otherwise; absent, as many as it likes: the queue is bounded and shared in turns.
    pub requests_per_second: Option<f64>,
    /// Requests that each key may have unanswered, where its entry does not say otherwise.
    pub concurrent_requests: Option<u32>,
    /// Pages of these origins (`https://example.org`) may call from a browser; none by default.
    pub allowed_origins: Vec<String>,
}

impl AccessConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let value = |key, problem: &str| {
            let problem = problem.to_owned();
            Err(ConfigError::Value { key, problem })
        };
        if self.requests_per_second.is_some_and(|rate| !is_rate(rate)) {
            return value("access.requests_per_second", "must be greater than 0");
        }
        if self.concurrent_requests == Some(0) {
            return value("access.concurrent_requests", "must be greater than 0");
        }
        let is_origin = |origin: &String| {
            let host = origin
                .strip_prefix("https://")
                .or(origin.strip_prefix("http://"));
            host.is_some_and(|host| !host.is_empty() && !host.contains(['/', ' ', ',', '*']))
        };
        if !self.allowed_origins.iter().all(is_origin) {
            let problem = "must be origins such as https://example.org, without a path";
            return value("access.allowed_origins", problem);
        }
        Ok(())
    }
}

fn is_rate(rate: f64) -> bool {
    rate.is_finite() && rate > 0.0
}

/// One caller.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// What the log, the figures and the cache call it.
    pub name: String,
    /// SHA-256 of the key, or of each of them while one takes the place of another.
    #[serde(deserialize_with = "one_or_more")]
    pub sha256: Vec<KeyDigest>,
    /// Whether it may change the log's level.
    #[serde(default)]
    pub admin: bool,
    /// Instead of `access.requests_per_second`.
    pub requests_per_second: Option<f64>,
    /// Instead of `access.concurrent_requests`.
    pub concurrent_requests: Option<u32>,
}

/// The SHA-256 of a key, which is all that is kept of it. Keys are random and long, so that a slow
/// hash would protect nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct KeyDigest(pub [u8; 32]);

impl KeyDigest {
    /// Of a key as its caller sends it.
    pub fn of(key: &[u8]) -> Self {
        KeyDigest(Sha256::digest(key).into())
    }
}

impl TryFrom<String> for KeyDigest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // What stands there may be the key itself: it is not repeated.
        let problem = "64 hexadecimal digits were expected: the key's SHA-256, not the key";
        let byte = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).ok()?;
            let is_hex = pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            u8::from_str_radix(pair, 16).ok().filter(|_| is_hex)
        };
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(KeyDigest).ok_or(problem)
    }
}

impl std::fmt::Display for KeyDigest {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// Keys that cannot be used. Says nothing of what stands where a key may.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The file is not as it should be.
    #[error("line {line}: {message}")]
    File {
        /// Where.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// A name that cannot be one.
    #[error("{0:?} is no name of a key: letters, digits, `-`, `_` and `.`, at most 64")]
    Name(String),
    /// A name that stands twice.
    #[error("the name {0:?} stands twice")]
    Twice(String),
    /// Two callers who could not be told apart.
    #[error("the key of {0:?} is another one's, too")]
    Shared(String),
    /// An entry without a key.
    #[error("{0:?} has no key")]
    None(String),
    /// A limit that lets nothing through.
    #[error("the limits of {0:?} must be greater than 0")]
    Limit(String),
    /// A part of the variable that is no name and key.
    #[error("part {0} is not NAME:KEY; parts are separated by commas or blanks")]
    Part(usize),
    /// A key that can be guessed.
    #[error(
        "the key of {0:?} has fewer than {SHORTEST_KEY} characters; `touchstone key` makes one"
    )]
    Short(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    #[serde(default)]
    key: Vec<KeyConfig>,
}

impl KeyConfig {
    /// The keys of a file: `[[key]]` tables.
    pub fn parse_file(text: &str) -> Result<Vec<KeyConfig>, KeyError> {
        let file: KeyFile = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start).min(text.len());
            KeyError::File {
                line: text.as_bytes()[..at]
                    .iter()
                    .filter(|b| **b == b'\n')
                    .count()
                    + 1,
                message: error.message().to_owned(),
            }
        })?;
        Ok(file.key)
    }

    /// The keys of a variable: `NAME:KEY`, separated by commas or blanks. They have no limits of
    /// their own, and are no administrator's.
    pub fn parse_variable(text: &str) -> Result<Vec<KeyConfig>, KeyError> {
        let parts = text.split([',', ' ', '\n', '\t']);
        let parts = parts.filter(|part| !part.is_empty()).enumerate();
        let entry = |(number, part): (usize, &str)| {
            let (name, key) = part.split_once(':').ok_or(KeyError::Part(number + 1))?;
            if key.len() < SHORTEST_KEY {
                return Err(KeyError::Short(name.to_owned()));
            }
            Ok(KeyConfig {
                name: name.to_owned(),
                sha256: vec![KeyDigest::of(key.as_bytes())],
                admin: false,
                requests_per_second: None,
                concurrent_requests: None,
            })
        };
        parts.map(entry).collect()
    }

    /// That the keys can be told apart and let something through.
    pub fn check(keys: &[KeyConfig]) -> Result<(), KeyError> {
        let (mut names, mut digests) = (HashSet::new(), HashSet::new());
        for key in keys {
            let name = || key.name.clone();
            if !is_name(&key.name) {
                return Err(KeyError::Name(name()));
            }
            if !names.insert(&key.name) {
                return Err(KeyError::Twice(name()));
            }
            if key.sha256.is_empty() {
                return Err(KeyError::None(name()));
            }
            if !key.sha256.iter().all(|digest| digests.insert(digest)) {
                return Err(KeyError::Shared(name()));
            }
            if key.requests_per_second.is_some_and(|rate| !is_rate(rate))
                || key.concurrent_requests == Some(0)
            {
                return Err(KeyError::Limit(name()));
            }
        }
        Ok(())
    }

    /// Whether a caller may be called that: it becomes a part of log lines and labels.
    pub fn is_name(name: &str) -> bool {
        is_name(name)
    }
}

fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c);
    (1..=64).contains(&name.len()) && name.chars().all(is_part)
}

fn one_or_more<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<KeyDigest>, D::Error> {
    // Not an untagged enum: its error would not say what is wrong.
    struct Either;
    impl<'de> serde::de::Visitor<'de> for Either {
        type Value = Vec<KeyDigest>;

        fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            out.write_str("the SHA-256 of a key, or a list of them")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            let digest = KeyDigest::try_from(text.to_owned()).map_err(E::custom)?;
            Ok(vec![digest])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(
            self,
            mut list: A,
        ) -> Result<Self::Value, A::Error> {
            let mut digests = Vec::new();
            while let Some(digest) = list.next_element()? {
                digests.push(digest);
            }
            Ok(digests)
        }
    }
    from.deserialize_any(Either)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn files() {
        let text = format!(
            "[[key]]\nname = 'a'\nsha256 = '{DIGEST}'\nadmin = true\nrequests_per_second = 2\n\
             [[key]]\nname = 'b'\nsha256 = ['{}']\nconcurrent_requests = 3\n",
            "0".repeat(64)
        );
        let keys = KeyConfig::parse_file(&text).unwrap();
        KeyConfig::check(&keys).unwrap();
        assert_eq!(keys[0].sha256, [KeyDigest::of(b"test")]);
        assert_eq!(keys[0].sha256[0].to_string(), DIGEST);
        assert_eq!((keys[0].admin, keys[1].admin), (true, false));
        assert_eq!(keys[0].requests_per_second, Some(2.0));
        assert_eq!(keys[1].concurrent_requests, Some(3));
    }

    #[test]
    fn what_cannot_be_used_is_refused_and_not_repeated() {
        let entry = |rest: &str| format!("[[key]]\nname = 'a'\n{rest}");
        let twice = entry(&format!("sha256 = '{DIGEST}'\n")).repeat(2);
        for (text, expect) in [
            (entry("sha256 = 'my-secret-key'"), "line 3: 64 hexadecimal"),
            (entry("sha256 = '+f'"), "line 3: 64 hexadecimal"),
            (entry("key = 'my-secret-key'"), "line 3: unknown field"),
            (entry("sha256 = []"), "has no key"),
            (
                entry(&format!("sha256 = ['{DIGEST}', '{DIGEST}']")),
                "another one's",
            ),
            (
                entry(&format!("sha256 = '{DIGEST}'\nrequests_per_second = -1")),
                "greater than 0",
            ),
            (twice, "stands twice"),
            (
                format!("[[key]]\nname = 'a b'\nsha256 = '{DIGEST}'"),
                "no name of a key",
            ),
        ] {
            let checked = KeyConfig::parse_file(&text)
                .and_then(|keys| KeyConfig::check(&keys).map(|()| keys));
            let error = checked.unwrap_err().to_string();
            assert!(error.contains(expect), "{text}: {error}");
            assert!(!error.contains("my-secret-key"), "{error}");
        }
    }

    #[test]
    fn variables() {
        let keys = KeyConfig::parse_variable("a:0123456789abcdef, b:0123456789abcde:\n").unwrap();
        let names: Vec<_> = keys.iter().map(|key| &*key.name).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(keys[1].sha256, [KeyDigest::of(b"0123456789abcde:")]);
        assert_eq!(
            KeyConfig::parse_variable("a:0123456789abcdef,my-secret-key"),
            Err(KeyError::Part(2))
        );
        assert_eq!(
            KeyConfig::parse_variable("a:0123456789abcde"),
            Err(KeyError::Short("a".into()))
        );
    }
}
