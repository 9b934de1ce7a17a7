//! The second wall: what the process as a whole may still ask of the kernel, should a program
//! ever break out of WebAssembly.
//!
//! Owns the restrictions, which hold for all threads and forever. Knows nothing of what the
//! process does; whoever confines it says what has to go on working. Two steps, because the
//! kernel offers two means:
//!
//! 1. [`confine_access`], before the process has a second thread: landlock lets only the named
//!    folders be read, nothing be written or executed, and no TCP port be bound or connected to
//!    but those allowed. It holds for the calling thread and those that it starts, hence the
//!    order; a kernel without it is a gap that is told, not an error.
//! 2. [`confine_calls`], once everything is open, before anything of a stranger's is read: a
//!    seccomp filter allows the system calls that serving consists of and refuses the rest with
//!    `EPERM`, opening files included unless that was asked for. It holds for every thread at once,
//!    and has to be there.
//!
//! Both set `no_new_privs`. On other systems than Linux each does nothing and says so.

#[cfg(target_os = "linux")]
mod access;
#[cfg(target_os = "linux")]
mod calls;

use std::path::PathBuf;

/// What has to go on working.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Files, and folders with all below them, that may be read until [`confine_calls`]; from
    /// then on none may, unless `go_on_reading` says otherwise. One that does not exist is passed
    /// over.
    pub readable: Vec<PathBuf>,
    /// Whether files and folders may be opened for reading after [`confine_calls`] too, relative to
    /// a folder that is open. The filter cannot see which: that is landlock's part, alone.
    pub go_on_reading: bool,
    /// TCP ports, of any host, that connections may be made to. With none, no socket can be made
    /// at all. Names are not resolved: that takes files, and datagrams.
    pub allowed_connect_ports: Vec<u16>,
}

/// Why the process could not be confined.
#[derive(Debug, thiserror::Error)]
pub enum ConfinementError {
    /// Landlock would miss the threads that are there already.
    #[error("the process has {0} threads already, and all but one would not be confined")]
    Threads(usize),
    /// Landlock is there but refused our rules.
    #[error("landlock refused the rules")]
    Access(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The kernel did not take the filter.
    #[error("the kernel did not take the filter of system calls")]
    Calls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What this kernel cannot refuse, in words.
pub type Gaps = Vec<String>;

/// The first step: files and TCP ports, for this thread and all that it starts.
///
/// # Errors
/// Where other threads are there already, or the kernel has landlock and refuses it to us.
pub fn confine_access(settings: &Settings) -> Result<Gaps, ConfinementError> {
    #[cfg(target_os = "linux")]
    return access::confine(settings);
    #[cfg(not(target_os = "linux"))]
    return Ok(elsewhere(settings));
}

/// The second step: system calls, for all threads.
///
/// # Errors
/// Where the kernel does not take the filter. Threads are never left behind: it is all or none.
pub fn confine_calls(settings: &Settings) -> Result<Gaps, ConfinementError> {
    #[cfg(target_os = "linux")]
    return calls::confine(settings);
    #[cfg(not(target_os = "linux"))]
    return Ok(elsewhere(settings));
}

#[cfg(not(target_os = "linux"))]
fn elsewhere(_settings: &Settings) -> Gaps {
    vec!["only Linux confines: files, network and processes are not refused here".to_owned()]
}
