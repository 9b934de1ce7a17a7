//! System calls, by a seccomp filter.
//!
//! What is allowed is listed and all else is refused, so that a call which a later kernel adds is
//! refused as well. The list is what serving was seen to do once it is loaded, and what the
//! C libraries (glibc and musl) do on their own behalf in threads, memory, signals and aborts.
//!
//! Refused are thereby, among others: opening, statting, renaming or removing files by any call
//! (but for reading, where [`Settings::go_on_reading`] says so);
//! new sockets, binding and connecting; starting programs and processes; tracing and reading
//! other processes and signalling them; mounts, namespaces, users, keys, bpf, perf, userfaultfd,
//! io_uring, modules. Memory cannot be made executable, and calls of another architecture
//! end the process.
//!
//! The refusal is `EPERM`, which libraries take for an error like others; `ENOSYS` where they
//! would then try an older call.

use super::{ConfinementError, Gaps, Settings};
use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};
use std::collections::BTreeMap;

/// A call, and the ways it may be made; without a list of them, any way.
type Allowed = (c_long, Vec<SeccompRule>);

/// Allowed whatever the arguments: nothing here takes the name of something outside the process.
const ANY_WAY: &[c_long] = &[
    // Bytes through what is open already: connections, the log, the page map.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_recvfrom,
    libc::SYS_shutdown,
    libc::SYS_close,
    // New connections, and what they are.
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    // The asynchronous runtime.
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_ppoll,
    // Memory that cannot be executed: mmap and mprotect are below.
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_brk,
    // Threads; clone is below, and clone3 is taken away by `NOT_THERE`.
    libc::SYS_clone3,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    // glibc ends the process where a new thread cannot register.
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Signals to oneself: guests that trap, and the request to end.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Time, randomness, and what the process has used.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_sysinfo,
    libc::SYS_getcpu,
];

/// Older calls that newer architectures do not have.
#[cfg(target_arch = "x86_64")]
const ANY_WAY_OLDER: &[c_long] = &[libc::SYS_epoll_wait, libc::SYS_poll, libc::SYS_time];
#[cfg(not(target_arch = "x86_64"))]
const ANY_WAY_OLDER: &[c_long] = &[];

/// Answered as if the kernel did not have it: glibc then starts threads by clone, whose flags a
/// filter can see. Those of clone3 are in memory, where it cannot look.
const NOT_THERE: c_long = libc::SYS_clone3;

/// What makes a thread of this process, and no namespace.
const THREAD: u64 = libc::CLONE_THREAD as u64;
const THREAD_OR_NAMESPACE: u64 = (libc::CLONE_THREAD
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64;

/// `PAGEMAP_SCAN`, from Linux' `include/uapi/linux/fs.h`: `_IOWR('f', 16, struct pm_scan_arg)`.
const PAGEMAP_SCAN: u64 = 0xc060_6610;

/// From Linux' `include/uapi/asm-generic/ioctls.h`; their type is not the same in every C library.
const FIONBIO: u64 = 0x5421;
const FIOCLEX: u64 = 0x5451;

/// `PR_GET_AUXV`, by which the standard library finds out what the processor can do.
const PR_GET_AUXV: u64 = 0x4155_5856;

/// The bits of a socket's type that are not flags.
const SOCKET_TYPE: u64 = 0xf;

pub(super) fn confine(settings: &Settings) -> Result<Gaps, ConfinementError> {
    let Ok(target) = TargetArch::try_from(std::env::consts::ARCH) else {
        return Ok(vec![format!(
            "there is no filter of system calls for {}: network and processes are not refused",
            std::env::consts::ARCH
        )]);
    };
    let filters = absent(target).and_then(|absent| Ok([absent, allowed(settings, target)?]));
    let filters = filters.map_err(|error| ConfinementError::Calls(error.into()))?;
    // The second no longer lets a filter be added.
    for filter in &filters {
        seccompiler::apply_filter_all_threads(filter)
            .map_err(|error| ConfinementError::Calls(error.into()))?;
    }
    Ok(Gaps::new())
}

/// Where two filters refuse the same call, the one that was added last says how, so the other one
/// has to allow what this one takes away.
fn absent(target: TargetArch) -> Result<BpfProgram, BackendError> {
    SeccompFilter::new(
        BTreeMap::from([(NOT_THERE, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS as u32),
        target,
    )?
    .try_into()
}

fn allowed(settings: &Settings, target: TargetArch) -> Result<BpfProgram, BackendError> {
    let any_way = ANY_WAY.iter().chain(ANY_WAY_OLDER);
    let mut calls: BTreeMap<c_long, Vec<SeccompRule>> =
        any_way.map(|call| (*call, Vec::new())).collect();
    calls.extend(some_ways()?);
    if !settings.allowed_connect_ports.is_empty() {
        for (call, ways) in connecting()? {
            calls.entry(call).or_default().extend(ways);
        }
    }
    if settings.go_on_reading {
        calls.extend(reading()?);
    }
    SeccompFilter::new(
        calls,
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        target,
    )?
    .try_into()
}

/// Calls of which a part is needed.
fn some_ways() -> Result<Vec<Allowed>, BackendError> {
    // SAFETY: getpid has no conditions and cannot fail.
    let this_process = unsafe { libc::getpid() } as u64;
    let not_executable = || without(2, libc::PROT_EXEC as u64);
    Ok(vec![
        // Compiled code was mapped when the runtime was loaded; none is made afterwards.
        (libc::SYS_mmap, vec![rule([not_executable()?])?]),
        (libc::SYS_mprotect, vec![rule([not_executable()?])?]),
        // Poisoning is for machine tests, and reaches beyond the process.
        (
            libc::SYS_madvise,
            vec![rule([
                is_not(2, libc::MADV_HWPOISON as u64)?,
                is_not(2, libc::MADV_SOFT_OFFLINE as u64)?,
            ])?],
        ),
        (
            libc::SYS_clone,
            vec![rule([masked(0, THREAD_OR_NAMESPACE, THREAD)?])?],
        ),
        // Aborting.
        (libc::SYS_tgkill, vec![rule([is(0, this_process)?])?]),
        (
            libc::SYS_prctl,
            one_of(0, &[libc::PR_SET_NAME as u64, PR_GET_AUXV])?,
        ),
        // Not those of terminals, which can type for the user, nor those of devices.
        (
            libc::SYS_ioctl,
            one_of(1, &[PAGEMAP_SCAN, FIONBIO, FIOCLEX])?,
        ),
        // Not those that have signals sent.
        (
            libc::SYS_fcntl,
            one_of(
                1,
                &[
                    libc::F_GETFD as u64,
                    libc::F_SETFD as u64,
                    libc::F_GETFL as u64,
                    libc::F_SETFL as u64,
                    libc::F_DUPFD_CLOEXEC as u64,
                ],
            )?,
        ),
        // To the other end of a connection only; fast open would make one.
        (
            libc::SYS_sendto,
            vec![rule([null(4)?, without(3, libc::MSG_FASTOPEN as u64)?])?],
        ),
        (libc::SYS_getsockopt, one_of(1, &[libc::SOL_SOCKET as u64])?),
        (
            libc::SYS_setsockopt,
            vec![rule([
                is(1, libc::IPPROTO_TCP as u64)?,
                is(2, libc::TCP_NODELAY as u64)?,
            ])?],
        ),
    ])
}

/// TCP connections, whose ports landlock knows: no other protocol over the same kind of socket.
fn connecting() -> Result<Vec<Allowed>, BackendError> {
    let families = [libc::AF_INET, libc::AF_INET6];
    let protocols = [0, libc::IPPROTO_TCP];
    let mut sockets = Vec::new();
    for (family, protocol) in families
        .into_iter()
        .flat_map(|family| protocols.map(|protocol| (family, protocol)))
    {
        sockets.push(rule([
            is(0, family as u64)?,
            masked(1, SOCKET_TYPE, libc::SOCK_STREAM as u64)?,
            is(2, protocol as u64)?,
        ])?);
    }
    // How long to wait for the other end.
    let mut waiting = Vec::new();
    for option in [libc::SO_RCVTIMEO, libc::SO_SNDTIMEO] {
        waiting.push(rule([
            is(1, libc::SOL_SOCKET as u64)?,
            is(2, option as u64)?,
        ])?);
    }
    Ok(vec![
        (libc::SYS_socket, sockets),
        (libc::SYS_connect, Vec::new()),
        (libc::SYS_setsockopt, waiting),
    ])
}

/// Opening for reading, listing and measuring what is opened, for the view of training runs.
///
/// Which file it is stands in memory, where a filter cannot look, so that landlock has to refuse
/// all but the folders that may be read. Opening by a path alone, as libraries do, stays refused
/// here as well; `openat2`, whose flags are in memory too, is not needed.
fn reading() -> Result<Vec<Allowed>, BackendError> {
    let changing = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC;
    let read_only = rule([
        is_not(0, libc::AT_FDCWD as u64)?,
        without(2, changing as u64)?,
    ])?;
    Ok(vec![
        (libc::SYS_openat, vec![read_only]),
        (libc::SYS_getdents64, Vec::new()),
        (libc::SYS_fstat, Vec::new()),
    ])
}

/// All of these conditions at once.
fn rule<const N: usize>(conditions: [SeccompCondition; N]) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions.into())
}

/// Any of these values of an argument.
fn one_of(argument: u8, values: &[u64]) -> Result<Vec<SeccompRule>, BackendError> {
    let rules = values.iter().map(|value| rule([is(argument, *value)?]));
    rules.collect()
}

/// Arguments of four bytes, of which the kernel ignores what a caller leaves in the others.
fn four_bytes(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

fn is(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    four_bytes(argument, SeccompCmpOp::Eq, value)
}

fn is_not(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    four_bytes(argument, SeccompCmpOp::Ne, value)
}

fn masked(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition, BackendError> {
    four_bytes(argument, SeccompCmpOp::MaskedEq(mask), value)
}

fn without(argument: u8, bits: u64) -> Result<SeccompCondition, BackendError> {
    masked(argument, bits, 0)
}

fn null(argument: u8) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
}
