//! Who may call a server: keys out of a file and the environment, certificates out of files.

use super::Usage;
use crate::api::Tls;
use crate::config::{Config, KeyConfig};
use std::path::Path;

/// Keys as `NAME:KEY`, for where a secret is a variable. Not one of the settings: it is no setting's
/// place to hold a secret, and nothing prints it.
pub(super) const VARIABLE: &str = "TOUCHSTONE_API_KEYS";

/// The key of a command that asks servers.
const OWN: &str = "TOUCHSTONE_API_KEY";

/// The key that commands send to the servers that they ask; none where the variable is not set.
pub(super) fn own_key() -> Option<String> {
    std::env::var(OWN).ok().filter(|key| !key.is_empty())
}

/// All keys; read before the process is confined. That there are some, or that the server may do
/// without, is made sure of here.
pub(super) fn keys(config: &Config) -> anyhow::Result<Vec<KeyConfig>> {
    let mut keys = Vec::new();
    if let Some(path) = &config.access.keys {
        let file = path.display();
        let text = read(path, "the file of keys")?;
        let text = std::str::from_utf8(&text)
            .map_err(|_| Usage(format!("the file of keys {file} is not UTF-8")))?;
        let found =
            KeyConfig::parse_file(text).map_err(|error| Usage(format!("{file}: {error}")))?;
        if found.is_empty() {
            return Err(Usage(format!(
                "{file} has no [[key]]: `touchstone key NAME --file {file}` adds one"
            ))
            .into());
        }
        warn_of_readers(path);
        keys.extend(found);
    }
    if let Some(text) = std::env::var_os(VARIABLE) {
        let text = text.into_string().ok();
        let text = text.ok_or_else(|| Usage(format!("{VARIABLE} is not Unicode")))?;
        let found = KeyConfig::parse_variable(&text);
        keys.extend(found.map_err(|error| Usage(format!("{VARIABLE}: {error}")))?);
    }
    KeyConfig::check(&keys).map_err(|error| Usage(format!("keys: {error}")))?;
    let address = config.server.listen;
    if keys.is_empty() && !config.access.open && !address.ip().is_loopback() {
        return Err(Usage(format!(
            "{address} can be reached from other machines, and there are no API keys: whoever \
             reaches it could run programs. Make a key with `touchstone key NAME --file keys.toml` \
             and start with `--keys keys.toml`, or set {VARIABLE}=NAME:KEY; `--open` lets anyone in"
        ))
        .into());
    }
    Ok(keys)
}

/// The certificate, where there is to be one.
pub(super) fn tls(config: &Config) -> anyhow::Result<Option<Tls>> {
    let server = &config.server;
    let (Some(certificates), Some(key)) = (&server.tls_certificates, &server.tls_key) else {
        return Ok(None);
    };
    let texts = (
        read(certificates, "the file of certificates")?,
        read(key, "the file of the private key")?,
    );
    let tls = Tls::from_pem(&texts.0, &texts.1).map_err(|error| {
        Usage(format!(
            "{} and {}: {error}",
            certificates.display(),
            key.display()
        ))
    })?;
    warn_of_readers(key);
    Ok(Some(tls))
}

fn read(path: &Path, what: &str) -> anyhow::Result<Vec<u8>> {
    let read = std::fs::read(path);
    Ok(read.map_err(|error| Usage(format!("cannot read {what} {}: {error}", path.display())))?)
}

/// Orchestrators hand secrets out as they see fit, so this is no error.
fn warn_of_readers(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let readers = |metadata: &std::fs::Metadata| metadata.permissions().mode() & 0o004 != 0;
    if std::fs::metadata(path).as_ref().is_ok_and(readers) {
        tracing::warn!(path = %path.display(), "every user of this machine can read this secret");
    }
}
