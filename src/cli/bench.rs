//! `touchstone bench`.

use std::process::ExitCode;

/// Measure checks and executions on this machine.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { json: _ } = args;
    anyhow::bail!("not built yet")
}
