//! What a command prints on stdout.

use anyhow::Context;
use std::io::{ErrorKind, Write, stdout};

/// Prints all of it, unless the reader has seen enough, as `head` has.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to stdout")
        }
        _ => Ok(()),
    }
}
