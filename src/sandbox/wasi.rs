//! The guest's system calls: WASI preview 1 over the [`World`].
//!
//! Owns the calling convention (pointers, structures, error numbers) and the charges. Our own
//! functions, because the clocks must follow the fuel, sleeping must not wait, and nothing of the
//! host may be reachable; numbers and names of the convention come from `wasmtime-wasi`.

mod descriptors;
mod memory;
mod paths;
mod system;

use super::state::{State, charge};
use super::world::files::Refused;
use super::world::{FUEL_PER_NS, World};
use memory::Bytes;
use wasmtime::{Caller, Linker};
use wasmtime_wasi::p1::types::Errno;

/// Fuel for entering the host: about what the crossing and a look-up take.
const CALL_FUEL: u64 = 5_000;

/// Fuel for each byte that the host copies; memory moves at about 10 bytes a nanosecond, so this
/// is on the safe side.
const BYTE_FUEL: u64 = 2;

/// Why a call did not do what was asked.
pub(super) enum Stop {
    /// The guest is told.
    Errno(Errno),
    /// The guest is ended.
    Trap(wasmtime::Error),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Stop::Errno(errno)
    }
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Stop::Errno(match refused {
            Refused::Missing => Errno::Noent,
            Refused::Exists => Errno::Exist,
            Refused::NotDirectory => Errno::Notdir,
            Refused::IsDirectory => Errno::Isdir,
            Refused::NotEmpty => Errno::Notempty,
            Refused::ReadOnly => Errno::Rofs,
            Refused::Escapes => Errno::Notcapable,
            Refused::NoSpace => Errno::Nospc,
            Refused::NameTooLong => Errno::Nametoolong,
            Refused::Invalid => Errno::Inval,
        })
    }
}

/// What a system call gives.
pub(super) type Answer = Result<(), Stop>;

/// One system call under way: the guest's memory, its world, and what the call costs.
pub(super) struct Call<'a> {
    bytes: Bytes<'a>,
    pub world: &'a mut World,
    /// Nanoseconds of guest time since the execution began.
    pub elapsed_ns: u64,
    /// Fuel that the call costs beyond entering.
    pub fuel: u64,
    pub output_full: &'a mut bool,
}

impl Call<'_> {
    /// Pays for bytes that the host moves.
    pub fn moved(&mut self, bytes: usize) {
        self.fuel = self.fuel.saturating_add(bytes as u64 * BYTE_FUEL);
    }

    /// Now, in nanoseconds since 1970.
    pub fn now_ns(&self) -> u64 {
        super::world::EPOCH_NS + self.elapsed_ns
    }
}

/// Runs a system call: charges for entering, lends it memory and world, charges what it cost.
fn enter(
    caller: &mut Caller<'_, State>,
    call: impl FnOnce(&mut Call<'_>) -> Answer,
) -> wasmtime::Result<i32> {
    charge(caller, CALL_FUEL)?;
    let used = caller.data().budget.saturating_sub(caller.get_fuel()?);
    let handles = caller.data().handles.as_ref();
    let memory = handles
        .ok_or_else(|| wasmtime::Error::msg("system call before the instance is set up"))?
        .memory;
    let (bytes, state) = memory.data_and_store_mut(&mut *caller);
    let mut context = Call {
        bytes: Bytes(bytes),
        world: &mut state.world,
        elapsed_ns: if state.clock_stands {
            0
        } else {
            used / FUEL_PER_NS
        },
        fuel: 0,
        output_full: &mut state.output_full,
    };
    let answer = call(&mut context);
    let fuel = context.fuel;
    charge(caller, fuel)?;
    match answer {
        Ok(()) => Ok(0),
        Err(Stop::Errno(errno)) => Ok(i32::from(u16::from(errno))),
        Err(Stop::Trap(error)) => Err(error),
    }
}

/// Defines system calls whose arguments are passed on as they are.
macro_rules! define {
    ($linker:expr, $($name:ident($($argument:ident: $type:ty),*) => $function:path;)*) => {$(
        $linker.func_wrap(
            "wasi_snapshot_preview1",
            stringify!($name),
            |mut caller: Caller<'_, State>, $($argument: $type),*| -> wasmtime::Result<i32> {
                enter(&mut caller, |call| $function(call, $($argument),*))
            },
        )?;
    )*};
}

/// Defines every function that the interpreter imports.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    define! { linker,
        args_get(pointers: u32, buffer: u32) => system::args_get;
        args_sizes_get(count: u32, size: u32) => system::args_sizes_get;
        environ_get(pointers: u32, buffer: u32) => system::environ_get;
        environ_sizes_get(count: u32, size: u32) => system::environ_sizes_get;
        clock_res_get(clock: u32, result: u32) => system::clock_res_get;
        clock_time_get(clock: u32, precision: u64, result: u32) => system::clock_time_get;
        poll_oneoff(subscriptions: u32, events: u32, count: u32, result: u32) => system::poll_oneoff;
        random_get(buffer: u32, length: u32) => system::random_get;
        sched_yield() => system::sched_yield;
        fd_advise(fd: u32, offset: u64, length: u64, advice: u32) => descriptors::advise;
        fd_close(fd: u32) => descriptors::close;
        fd_datasync(fd: u32) => descriptors::sync;
        fd_sync(fd: u32) => descriptors::sync;
        fd_fdstat_get(fd: u32, result: u32) => descriptors::fdstat_get;
        fd_fdstat_set_flags(fd: u32, flags: u32) => descriptors::fdstat_set_flags;
        fd_filestat_get(fd: u32, result: u32) => descriptors::filestat_get;
        fd_filestat_set_size(fd: u32, size: u64) => descriptors::filestat_set_size;
        fd_filestat_set_times(fd: u32, access: u64, modification: u64, flags: u32) => descriptors::filestat_set_times;
        fd_prestat_get(fd: u32, result: u32) => descriptors::prestat_get;
        fd_prestat_dir_name(fd: u32, path: u32, length: u32) => descriptors::prestat_dir_name;
        fd_read(fd: u32, vectors: u32, count: u32, result: u32) => descriptors::read;
        fd_pread(fd: u32, vectors: u32, count: u32, offset: u64, result: u32) => descriptors::pread;
        fd_write(fd: u32, vectors: u32, count: u32, result: u32) => descriptors::write;
        fd_pwrite(fd: u32, vectors: u32, count: u32, offset: u64, result: u32) => descriptors::pwrite;
        fd_readdir(fd: u32, buffer: u32, length: u32, cookie: u64, result: u32) => descriptors::readdir;
        fd_seek(fd: u32, offset: i64, whence: u32, result: u32) => descriptors::seek;
        fd_tell(fd: u32, result: u32) => descriptors::tell;
        path_create_directory(fd: u32, path: u32, length: u32) => paths::create_directory;
        path_filestat_get(fd: u32, flags: u32, path: u32, length: u32, result: u32) => paths::filestat_get;
        path_filestat_set_times(fd: u32, flags: u32, path: u32, length: u32, access: u64, modification: u64, which: u32) => paths::filestat_set_times;
        path_link(old_fd: u32, flags: u32, old: u32, old_length: u32, new_fd: u32, new: u32, new_length: u32) => paths::link;
        path_open(fd: u32, lookup: u32, path: u32, length: u32, open: u32, rights: u64, inheriting: u64, flags: u32, result: u32) => paths::open;
        path_readlink(fd: u32, path: u32, length: u32, buffer: u32, size: u32, result: u32) => paths::readlink;
        path_remove_directory(fd: u32, path: u32, length: u32) => paths::remove_directory;
        path_rename(old_fd: u32, old: u32, old_length: u32, new_fd: u32, new: u32, new_length: u32) => paths::rename;
        path_symlink(old: u32, old_length: u32, fd: u32, new: u32, new_length: u32) => paths::symlink;
        path_unlink_file(fd: u32, path: u32, length: u32) => paths::unlink_file;
        sock_accept(fd: u32, flags: u32, result: u32) => system::sock_accept;
        sock_recv(fd: u32, vectors: u32, count: u32, flags: u32, size: u32, result: u32) => system::sock_recv;
        sock_send(fd: u32, vectors: u32, count: u32, flags: u32, result: u32) => system::sock_send;
        sock_shutdown(fd: u32, how: u32) => system::sock_shutdown;
    }
    linker.func_wrap(
        "wasi_snapshot_preview1",
        "proc_exit",
        |mut caller: Caller<'_, State>, status: i32| -> wasmtime::Result<()> {
            caller.data_mut().exited = Some(status);
            Err(wasmtime::Error::msg("the guest left"))
        },
    )?;
    Ok(())
}
