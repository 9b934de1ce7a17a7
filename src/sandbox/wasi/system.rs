//! Clock, randomness, sleep, arguments: what a program asks the system itself.

use super::{Answer, Call};
use crate::sandbox::world::{EPOCH_NS, FUEL_PER_NS};
use wasmtime::Trap;
use wasmtime_wasi::p1::types::Errno;

/// How the interpreter believes it was started; it derives the place of its library from it.
const ARGUMENT: &[u8] = b"/usr/local/bin/python.wasm\0";

/// The whole environment.
const ENVIRONMENT: [&[u8]; 4] = [
    b"HOME=/work\0",
    b"LANG=C.UTF-8\0",
    b"PYTHONTZPATH=\0",
    b"TMPDIR=/tmp\0",
];

/// Clock numbers: wall clock, and those that count from the start.
const REALTIME: u32 = 0;
const LAST_CLOCK: u32 = 3;

/// Sizes of a subscription and an event.
const SUBSCRIPTION: u32 = 48;
const EVENT: u32 = 32;

/// Most subscriptions in one poll, as many as there can be descriptors.
const SUBSCRIPTIONS: u32 = 1024;

pub(super) fn args_get(call: &mut Call<'_>, pointers: u32, buffer: u32) -> Answer {
    call.bytes.put_u32(pointers, buffer)?;
    Ok(call.bytes.put(buffer, ARGUMENT)?)
}

pub(super) fn args_sizes_get(call: &mut Call<'_>, count: u32, size: u32) -> Answer {
    call.bytes.put_u32(count, 1)?;
    Ok(call.bytes.put_u32(size, ARGUMENT.len() as u32)?)
}

pub(super) fn environ_get(call: &mut Call<'_>, pointers: u32, buffer: u32) -> Answer {
    let mut at = buffer;
    for (index, entry) in (0u32..).zip(ENVIRONMENT) {
        call.bytes.put_u32(pointers.wrapping_add(index * 4), at)?;
        call.bytes.put(at, entry)?;
        at = at.wrapping_add(entry.len() as u32);
    }
    Ok(())
}

pub(super) fn environ_sizes_get(call: &mut Call<'_>, count: u32, size: u32) -> Answer {
    call.bytes.put_u32(count, ENVIRONMENT.len() as u32)?;
    let bytes: usize = ENVIRONMENT.iter().map(|entry| entry.len()).sum();
    Ok(call.bytes.put_u32(size, bytes as u32)?)
}

pub(super) fn clock_res_get(call: &mut Call<'_>, clock: u32, result: u32) -> Answer {
    if clock > LAST_CLOCK {
        return Err(Errno::Inval.into());
    }
    Ok(call.bytes.put_u64(result, 1)?)
}

pub(super) fn clock_time_get(
    call: &mut Call<'_>,
    clock: u32,
    _precision: u64,
    result: u32,
) -> Answer {
    let time = clock_ns(call, clock)?;
    Ok(call.bytes.put_u64(result, time)?)
}

fn clock_ns(call: &Call<'_>, clock: u32) -> Result<u64, Errno> {
    match clock {
        REALTIME => Ok(EPOCH_NS + call.elapsed_ns),
        1..=LAST_CLOCK => Ok(call.elapsed_ns),
        _ => Err(Errno::Inval),
    }
}

/// Sleeping takes guest time and no other. Descriptors are always ready: nothing here waits.
pub(super) fn poll_oneoff(
    call: &mut Call<'_>,
    subscriptions: u32,
    events: u32,
    count: u32,
    result: u32,
) -> Answer {
    if count == 0 || count > SUBSCRIPTIONS {
        return Err(Errno::Inval.into());
    }
    let mut ready: Vec<(u64, u8)> = Vec::new();
    let mut timers: Vec<(u64, u64)> = Vec::new();
    for index in 0..count {
        let at = subscriptions.wrapping_add(index * SUBSCRIPTION);
        let user = u64::from_le_bytes(call.bytes.array(at)?);
        match call.bytes.array::<1>(at.wrapping_add(8))?[0] {
            0 => timers.push((wait_ns(call, at)?, user)),
            kind @ (1 | 2) => ready.push((user, kind)),
            _ => return Err(Errno::Inval.into()),
        }
    }
    if ready.is_empty() {
        let wait = timers.iter().map(|timer| timer.0).min().unwrap_or(0);
        call.fuel = call.fuel.saturating_add(wait.saturating_mul(FUEL_PER_NS));
        let due = timers.iter().filter(|timer| timer.0 == wait);
        ready.extend(due.map(|timer| (timer.1, 0)));
    }
    for (index, (user, kind)) in (0u32..).zip(&ready) {
        let mut event = [0u8; EVENT as usize];
        event[..8].copy_from_slice(&user.to_le_bytes());
        event[10] = *kind;
        event[16..24].copy_from_slice(&u64::from(*kind != 0).to_le_bytes());
        call.bytes.put(events.wrapping_add(index * EVENT), &event)?;
    }
    Ok(call.bytes.put_u32(result, ready.len() as u32)?)
}

/// How long a clock subscription waits from now.
fn wait_ns(call: &Call<'_>, at: u32) -> Result<u64, Errno> {
    let clock = u32::from_le_bytes(call.bytes.array(at.wrapping_add(16))?);
    let timeout = u64::from_le_bytes(call.bytes.array(at.wrapping_add(24))?);
    let flags = u16::from_le_bytes(call.bytes.array(at.wrapping_add(40))?);
    let absolute = flags & 1 == 1;
    Ok(if absolute {
        timeout.saturating_sub(clock_ns(call, clock)?)
    } else {
        timeout
    })
}

pub(super) fn random_get(call: &mut Call<'_>, buffer: u32, length: u32) -> Answer {
    call.moved(length as usize);
    let into = call.bytes.slice_mut(buffer, length)?;
    call.world.fill_random(into);
    Ok(())
}

pub(super) fn sched_yield(_call: &mut Call<'_>) -> Answer {
    Ok(())
}

pub(super) fn sock_accept(_call: &mut Call<'_>, _fd: u32, _flags: u32, _result: u32) -> Answer {
    Err(Errno::Notsock.into())
}

pub(super) fn sock_recv(
    _call: &mut Call<'_>,
    _fd: u32,
    _vectors: u32,
    _count: u32,
    _flags: u32,
    _size: u32,
    _result: u32,
) -> Answer {
    Err(Errno::Notsock.into())
}

pub(super) fn sock_send(
    _call: &mut Call<'_>,
    _fd: u32,
    _vectors: u32,
    _count: u32,
    _flags: u32,
    _result: u32,
) -> Answer {
    Err(Errno::Notsock.into())
}

pub(super) fn sock_shutdown(_call: &mut Call<'_>, _fd: u32, _how: u32) -> Answer {
    Err(Errno::Notsock.into())
}

/// Ends a guest whose output is full.
pub(super) fn output_full(call: &mut Call<'_>) -> wasmtime::Error {
    *call.output_full = true;
    Trap::OutOfFuel.into()
}
