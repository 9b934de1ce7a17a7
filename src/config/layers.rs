//! Where settings come from, and which source is stronger.

use super::Config;
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::Serialize;
use std::path::Path;

/// Only variables of these sections are ours: Kubernetes sets `TOUCHSTONE_SERVICE_HOST`,
/// `TOUCHSTONE_PORT` and the like wherever a service has our name.
const VARIABLE_PREFIXES: [(&str, &str); 7] = [
    ("TOUCHSTONE_SERVER_", "server"),
    ("TOUCHSTONE_ACCESS_", "access"),
    ("TOUCHSTONE_VALIDATOR_", "validator"),
    ("TOUCHSTONE_LIMITS_", "limits"),
    ("TOUCHSTONE_LOG_", "log"),
    ("TOUCHSTONE_JUDGE0_", "judge0"),
    ("TOUCHSTONE_TELEMETRY_", "telemetry"),
];

/// A guest's address space ends here.
const GREATEST_MEMORY_BYTES: u64 = 4 << 30;

/// The sources of settings, weakest first.
#[derive(Clone, Debug)]
pub struct Layers(Figment);

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file named.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A source has an unknown key or a value of another type.
    #[error("{}", describe(.0))]
    Source(Box<figment::Error>),
    /// A value out of its range.
    #[error("{key} {problem}")]
    Value {
        /// The setting.
        key: &'static str,
        /// What it must be.
        problem: String,
    },
}

impl Default for Layers {
    fn default() -> Self {
        Layers(Figment::from(Serialized::defaults(Config::default())))
    }
}

impl Layers {
    /// Adds a TOML file.
    pub fn file(self, path: &Path) -> Result<Self, ConfigError> {
        // Opened here: the provider takes a missing file for an empty one.
        if let Err(source) = std::fs::File::open(path) {
            let path = path.display().to_string();
            return Err(ConfigError::File { path, source });
        }
        Ok(Layers(self.0.merge(Toml::file_exact(path))))
    }

    /// Adds environment variables such as `TOUCHSTONE_SERVER_LISTEN`; others are passed over.
    pub fn environment(self, variables: impl Iterator<Item = (String, String)>) -> Self {
        Layers(
            variables
                .filter_map(Variable::new)
                .fold(self.0, Figment::merge),
        )
    }

    /// Adds one setting by its dotted key, where there is a value.
    pub fn set(self, key: &'static str, value: Option<impl Serialize>) -> Self {
        match value {
            Some(value) => Layers(self.0.merge((key, value))),
            None => self,
        }
    }

    /// Settles the settings and checks every value once.
    pub fn settle(&self) -> Result<Config, ConfigError> {
        let config: Config = self
            .0
            .extract()
            .map_err(|error| ConfigError::Source(Box::new(error)))?;
        check(&config)?;
        Ok(config)
    }
}

/// The key as a file has it, what is wrong with it and who said it.
fn describe(error: &figment::Error) -> String {
    let (key, kind) = (error.path.join("."), &error.kind);
    let source = error
        .metadata
        .as_ref()
        .map(|metadata| match &metadata.source {
            Some(place) => format!(" (in {place})"),
            None => format!(" (in {})", metadata.name),
        });
    let colon = if key.is_empty() { "" } else { ": " };
    format!("{key}{colon}{kind}{}", source.unwrap_or_default())
}

/// One environment variable as a source of its own, so that an error names it.
struct Variable {
    name: String,
    key: String,
    value: String,
}

impl Variable {
    fn new((name, value): (String, String)) -> Option<Self> {
        let (prefix, section) = VARIABLE_PREFIXES
            .iter()
            .find(|(prefix, _)| name.starts_with(prefix))?;
        let field = name[prefix.len()..].to_lowercase();
        let key = format!("{section}.{field}");
        Some(Variable { name, key, value })
    }
}

impl Provider for Variable {
    fn metadata(&self) -> Metadata {
        Metadata::named(format!("environment variable {}", self.name))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let value: Value = match self.value.parse() {
            Ok(value) => value,
            Err(never) => match never {},
        };
        Serialized::default(&self.key, value).data()
    }
}

fn check(config: &Config) -> Result<(), ConfigError> {
    let positive = [
        ("server.max_body_bytes", config.server.max_body_bytes as u64),
        ("server.head_seconds", config.server.head_seconds),
        ("server.body_seconds", config.server.body_seconds),
        ("server.shutdown_seconds", config.server.shutdown_seconds),
        ("validator.workers", config.validator.workers as u64),
        (
            "validator.queue_checks",
            config.validator.queue_checks as u64,
        ),
        ("limits.time_ms", config.limits.time_ms),
        ("limits.memory_bytes", config.limits.memory_bytes),
        ("limits.output_bytes", config.limits.output_bytes),
    ];
    if let Some((key, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
        let problem = "must be greater than 0".into();
        return Err(ConfigError::Value { key, problem });
    }
    if config.limits.memory_bytes > GREATEST_MEMORY_BYTES {
        let (key, problem) = ("limits.memory_bytes", "must be at most 4 GiB".into());
        return Err(ConfigError::Value { key, problem });
    }
    if config.server.tls_certificates.is_some() != config.server.tls_key.is_some() {
        let (key, problem) = (
            "server.tls_certificates",
            "and server.tls_key go together".into(),
        );
        return Err(ConfigError::Value { key, problem });
    }
    config.access.check()?;
    config.telemetry.traces()?;
    check_level(&config.log.level)
}

fn check_level(level: &str) -> Result<(), ConfigError> {
    let filter = tracing_subscriber::EnvFilter::builder().parse(level);
    filter.map(drop).map_err(|error| ConfigError::Value {
        key: "log.level",
        problem: format!("cannot be used: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("it can be written");
        file
    }

    fn settle(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let file = file(text);
        let variables = variables
            .iter()
            .map(|(n, v)| (n.to_string(), v.to_string()));
        Layers::default()
            .file(file.path())
            .and_then(|layers| layers.environment(variables).settle())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_valid() {
        assert_eq!(Layers::default().settle().unwrap(), Config::default());
    }

    #[test]
    fn each_source_is_stronger_than_the_one_before() {
        let file = file("[validator]\nworkers = 2\nqueue_checks = 20\ncache_bytes = 200\n");
        let variables = [
            ("TOUCHSTONE_VALIDATOR_QUEUE_CHECKS", "30"),
            ("TOUCHSTONE_VALIDATOR_CACHE_BYTES", "300"),
        ];
        let config = Layers::default()
            .file(file.path())
            .unwrap()
            .environment(variables.map(|(n, v)| (n.into(), v.into())).into_iter())
            .set("validator.cache_bytes", Some(400))
            .set("validator.workers", None::<usize>)
            .settle()
            .unwrap()
            .validator;
        assert_eq!(config.workers, 2);
        assert_eq!(config.queue_checks, 30);
        assert_eq!(config.cache_bytes, 400);
    }

    #[test]
    fn unknown_keys_are_named() {
        let error = settle("[server]\nlisten_on = 'x'\n", &[]).unwrap_err();
        assert!(error.contains("listen_on"), "{error}");
        let error = settle("", &[("TOUCHSTONE_LOG_COLOUR", "red")]).unwrap_err();
        assert!(error.contains("TOUCHSTONE_LOG_COLOUR"), "{error}");
    }

    #[test]
    fn variables_of_others_are_passed_over() {
        let variables = [("TOUCHSTONE_SERVICE_HOST", "1"), ("TOUCHSTONE_PORT", "2")];
        assert_eq!(settle("", &variables), Ok(Config::default()));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for (text, key) in [
            ("[validator]\nworkers = 0", "validator.workers"),
            ("[limits]\nmemory_bytes = 8589934592", "limits.memory_bytes"),
            ("[log]\nlevel = 'a=b=c'", "log.level"),
            ("[log]\nformat = 'xml'", "format"),
            ("[server]\nlisten = 'nowhere'", "listen"),
            ("[server]\ntls_key = 'key.pem'", "tls_certificates"),
            (
                "[access]\nrequests_per_second = 0",
                "access.requests_per_second",
            ),
            (
                "[access]\nconcurrent_requests = 0",
                "access.concurrent_requests",
            ),
            (
                "[access]\nallowed_origins = ['example.org']",
                "access.allowed_origins",
            ),
        ] {
            let error = settle(text, &[]).unwrap_err();
            assert!(error.contains(key), "{text}: {error}");
        }
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let error = Layers::default()
            .file(Path::new("/nowhere.toml"))
            .unwrap_err();
        assert!(error.to_string().contains("/nowhere.toml"));
    }
}
