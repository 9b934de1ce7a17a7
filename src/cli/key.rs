//! `touchstone key`.

use super::Usage;
use super::failure::done;
use crate::config::{KeyConfig, KeyDigest};
use anyhow::Context;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Make an API key for a caller of the server.
///
/// The key is printed once and is nowhere else: the file holds its SHA-256. A server that runs
/// already reads the file when it is started again.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// What the log and the figures call the caller.
    name: String,
    /// The file of keys, which is made where it is not there.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// A caller that may change the log's level, too.
    #[arg(long)]
    admin: bool,
}

const EXAMPLES: &str = "\
Examples:
  touchstone key trainer --file keys.toml
  touchstone serve --listen 0.0.0.0:8080 --keys keys.toml
  curl -H 'Authorization: Bearer ts_…' http://server:8080/v1/runtimes

A file of keys:
  [[key]]
  name = \"trainer\"
  sha256 = \"…\"                # or a list, while one key takes the place of another
  requests_per_second = 50    # instead of access.requests_per_second
  concurrent_requests = 16    # instead of access.concurrent_requests
  admin = true                # may change the log's level";

/// 256 bits: what nobody guesses.
const RANDOM_BYTES: usize = 32;

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if !KeyConfig::is_name(&args.name) {
        let problem = "a name has letters, digits, `-`, `_` and `.`, at most 64";
        return Err(Usage(problem.to_owned()).into());
    }
    let known = known(&args.file)?;
    if known.iter().any(|key| key.name == args.name) {
        return Err(Usage(format!(
            "{} has a key named {:?} already",
            args.file.display(),
            args.name
        ))
        .into());
    }
    let key = random_key()?;
    let mut entry = format!(
        "[[key]]\nname = \"{}\"\nsha256 = \"{}\"\n",
        args.name,
        KeyDigest::of(key.as_bytes())
    );
    if args.admin {
        entry.push_str("admin = true\n");
    }
    append(&args.file, &entry)
        .map_err(|error| Usage(format!("cannot write {}: {error}", args.file.display())))?;
    println!("{key}");
    Ok(done(true))
}

/// What stands in the file; nothing where there is none.
fn known(path: &Path) -> anyhow::Result<Vec<KeyConfig>> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(|error| Usage(format!("cannot read {}: {error}", path.display())))?,
    };
    let keys = KeyConfig::parse_file(&text);
    Ok(keys.map_err(|error| Usage(format!("{}: {error}", path.display())))?)
}

fn append(path: &Path, entry: &str) -> std::io::Result<()> {
    // Its owner's alone, if it is made.
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    let blank = if file.metadata()?.len() > 0 { "\n" } else { "" };
    file.write_all(format!("{blank}{entry}").as_bytes())?;
    file.sync_all()
}

fn random_key() -> anyhow::Result<String> {
    let mut bytes = [0; RANDOM_BYTES];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("the system gives no randomness")?;
    // With a beginning that scanners for leaked secrets can be taught.
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("ts_{digits}"))
}
