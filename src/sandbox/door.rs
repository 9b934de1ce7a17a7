//! The door between guest and host: the one host function beside the system calls.
//!
//! The interpreter's runner asks for its job once and reports once; whatever else comes through
//! the door, or in another order, ends the guest. A program can speak through the door too, but
//! all it can say is what its own run came to.

use super::state::{State, charge};
use wasmtime::{Caller, Linker};

/// Fuel for passing the door, and for each byte that is copied; see the system calls' charges.
const CALL_FUEL: u64 = 5_000;
const BYTE_FUEL: u64 = 2;

/// Fuel for each byte of a report, which has to be read: a value's smallest node is one byte.
const REPORT_BYTE_FUEL: u64 = 50;

/// Longest report. A value that takes more is not one that anybody compares; the runner stops
/// encoding long before.
const REPORT_BYTES: usize = 64 << 20;

/// First byte of a request: give me my job.
const JOB: u8 = b'J';

/// First byte of a request: this is what became of it.
const REPORT: u8 = b'R';

/// First byte of a request, heard only while the snapshot is prepared: make the objects at these
/// addresses immortal.
const IMMORTAL: u8 = b'I';

/// The reference count of an immortal object in CPython's 32-bit builds (PEP 683), and the least
/// count that is taken for immortal.
const IMMORTAL_COUNT: u32 = 5 << 28;
const LEAST_IMMORTAL_COUNT: u32 = 1 << 30;

/// What passes the door in one execution.
#[derive(Default)]
pub(crate) struct Door {
    /// Whether the snapshot is being prepared.
    pub preparing: bool,
    /// The job, until the guest has fetched it.
    pub job: Option<Vec<u8>>,
    /// What the guest reported.
    pub report: Option<Vec<u8>>,
    /// Whether something came that does not belong there.
    pub out_of_turn: bool,
}

impl Door {
    /// A door with a job behind it.
    pub fn with_job(job: Vec<u8>) -> Self {
        Door {
            job: Some(job),
            ..Door::default()
        }
    }

    /// The answer to a request, none where it is out of turn.
    fn answer(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        match request.split_first()? {
            (&JOB, []) => self.job.take(),
            (&IMMORTAL, _) if self.preparing => Some(Vec::new()),
            (&REPORT, report) if self.job.is_none() && self.report.is_none() => {
                self.report = Some(report.to_vec());
                Some(Vec::new())
            }
            _ => None,
        }
    }
}

/// Defines `host.call(request, length, answer, answer_length) -> 0`.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "host",
        "call",
        |mut caller: Caller<'_, State>,
         request: u32,
         length: u32,
         answer_at: u32,
         answer_length_at: u32|
         -> wasmtime::Result<i32> {
            charge(&mut caller, CALL_FUEL + u64::from(length) * BYTE_FUEL)?;
            let handles =
                caller.data().handles.clone().ok_or_else(|| {
                    wasmtime::Error::msg("door used before the instance is set up")
                })?;
            let (memory, state) = handles.memory.data_and_store_mut(&mut caller);
            let start = request as usize;
            let end = start + length as usize;
            if state.door.preparing {
                immortalize(memory, start..end)?;
            }
            let answer = memory
                .get(start..end)
                .filter(|request| request.len() <= REPORT_BYTES)
                .and_then(|request| state.door.answer(request));
            let read = state.door.report.as_ref().map_or(0, Vec::len) as u64;
            let Some(answer) = answer else {
                state.door.out_of_turn = true;
                return Err(wasmtime::Error::msg("a message out of turn"));
            };
            let copied = answer.len() as u64 * BYTE_FUEL;
            charge(&mut caller, copied + read * REPORT_BYTE_FUEL)?;
            let size = i32::try_from(answer.len().max(1))?;
            let at = handles.host_alloc.call(&mut caller, size)?;
            if at == 0 {
                // Reported by the runner as MemoryError.
                return Ok(-2);
            }
            let memory = handles.memory.data_mut(&mut caller);
            put(memory, at as u32, &answer)?;
            put(memory, answer_at, &(at as u32).to_le_bytes())?;
            put(
                memory,
                answer_length_at,
                &(answer.len() as u32).to_le_bytes(),
            )?;
            Ok(0)
        },
    )?;
    Ok(())
}

/// An object that is immortal is not counted, so that using it writes nothing: every page that
/// programs do not write is one that need not be copied back.
fn immortalize(memory: &mut [u8], request: std::ops::Range<usize>) -> wasmtime::Result<()> {
    let request = memory.get(request).map(<[u8]>::to_vec).unwrap_or_default();
    let Some((&IMMORTAL, addresses)) = request.split_first() else {
        return Ok(());
    };
    for address in addresses.as_chunks::<4>().0 {
        let at = u32::from_le_bytes(*address) as usize;
        let count = memory
            .get_mut(at..at + 4)
            .ok_or_else(|| wasmtime::Error::msg("an object is outside the memory"))?;
        let now = u32::from_le_bytes([count[0], count[1], count[2], count[3]]);
        if now < LEAST_IMMORTAL_COUNT {
            count.copy_from_slice(&IMMORTAL_COUNT.to_le_bytes());
        }
    }
    Ok(())
}

fn put(memory: &mut [u8], at: u32, bytes: &[u8]) -> wasmtime::Result<()> {
    let at = at as usize;
    memory
        .get_mut(at..at + bytes.len())
        .ok_or(wasmtime::Trap::MemoryOutOfBounds)?
        .copy_from_slice(bytes);
    Ok(())
}
