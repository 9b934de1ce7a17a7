//! How a command that could not do its work ends.

use std::process::ExitCode;

/// The user's mistake: an option, a file or what is in it. Everything else is ours.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

const WRONG_USAGE: u8 = 2;
const OUR_FAULT: u8 = 3;

/// Tells the user, and gives the exit status.
pub(super) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(if error.is::<Usage>() {
        WRONG_USAGE
    } else {
        OUR_FAULT
    })
}

/// The exit status of work that was done.
pub(super) fn done(passed: bool) -> ExitCode {
    ExitCode::from(u8::from(!passed))
}

/// The exit status where it was our fault that work was not done, and the user knows already.
pub(super) fn our_fault() -> ExitCode {
    ExitCode::from(OUR_FAULT)
}
