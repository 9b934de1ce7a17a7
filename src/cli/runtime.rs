//! `touchstone runtime`.

use std::process::ExitCode;

/// Build, describe or verify the Python that the sandboxes hold.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Build the runtime.
    Build,
    /// Say what the runtime holds.
    Info {
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Verify that the runtime is what its digest says.
    Verify,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Build | Command::Info { json: _ } | Command::Verify => {
            anyhow::bail!("not built yet")
        }
    }
}
