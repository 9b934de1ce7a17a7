//! The door between guest and host: the one host function beside the system calls.
//!
//! The interpreter's runner asks for its job once and reports once; whatever else comes through
//! the door, or in another order, ends the guest. A program can speak through the door too, but
//! all it can say is what its own run came to.
//!
//! Where a test is split there are two guests, and the door is how they speak to one another: what
//! one says is what the other's request is answered with. A candidate can only speak, never
//! report, and only in plain data.

use super::message;
use super::pages;
use super::relay::{Handover, RelayEnd, Side};
use super::state::{Handles, State, charge};
use std::future::poll_fn;
use std::task::Poll;
use wasmtime::{AsContextMut, Caller, Linker};

/// Fuel for passing the door, and for each byte that is copied; see the system calls' charges.
const CALL_FUEL: u64 = 5_000;
const BYTE_FUEL: u64 = 2;

/// Fuel for each byte of a report, which has to be read: a value's smallest node is one byte.
const REPORT_BYTE_FUEL: u64 = 50;

/// Fuel for each byte of a message from one guest to the other, which is checked and carried.
const MESSAGE_BYTE_FUEL: u64 = 10;

/// Longest report. A value that takes more is not one that anybody compares; the runner stops
/// encoding long before.
const REPORT_BYTES: usize = 64 << 20;

/// First byte of a request: give me my job.
const JOB: u8 = b'J';

/// First byte of a request: this is what became of it.
const REPORT: u8 = b'R';

/// First byte of a request of one of two guests: tell the other one, and let it speak. Where the
/// candidate says nothing in it, it asks for what the judge has said already.
const EXCHANGE: u8 = b'X';

/// First byte of a judge's request: this test cannot be split, for the reason that follows.
const UNSPLITTABLE: u8 = b'U';

/// First byte of a judge's request: the candidate said what means nothing.
const NONSENSE: u8 = b'B';

/// First byte of a request, heard only while the snapshot is prepared: make the objects at these
/// addresses immortal.
const IMMORTAL: u8 = b'I';

/// Longest reason for which a test cannot be split.
const REASON_CHARS: usize = 400;

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
    /// The way to the other guest, where there are two.
    pub relay: Option<RelayEnd>,
    /// What the other guest said before this one began, until it is asked for.
    pub told: Option<Vec<u8>>,
    /// Why the door ended the guest.
    pub shut: Option<Shut>,
}

/// Why the door ended a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// Something came that does not belong there.
    OutOfTurn,
    /// The judge found that its test cannot be split.
    Unsplittable(String),
    /// The other guest's message means nothing.
    Nonsense,
}

/// What a request comes to.
enum Heard {
    /// This is the answer.
    Answer(Vec<u8>),
    /// The other guest has the answer, and is to be told this.
    Tell(Vec<u8>),
    /// The guest ends here.
    Shut(Shut),
}

impl Door {
    /// A door with a job behind it.
    pub fn with_job(job: Vec<u8>, relay: Option<RelayEnd>) -> Self {
        Door {
            job: Some(job),
            relay,
            ..Door::default()
        }
    }

    fn hear(&mut self, request: &[u8]) -> Heard {
        let Some((&kind, said)) = request.split_first() else {
            return Heard::Shut(Shut::OutOfTurn);
        };
        let side = self.relay.as_ref().map(|relay| relay.side);
        let working = self.job.is_none() && self.report.is_none();
        match (kind, side) {
            (JOB, _) if said.is_empty() => match self.job.take() {
                Some(job) => Heard::Answer(job),
                None => Heard::Shut(Shut::OutOfTurn),
            },
            (IMMORTAL, _) if self.preparing => Heard::Answer(Vec::new()),
            // A candidate has nothing to report: what it did is the judge's to say.
            (REPORT, None | Some(Side::Judge)) if working => {
                self.report = Some(said.to_vec());
                Heard::Answer(Vec::new())
            }
            (EXCHANGE, Some(Side::Candidate)) if working => match self.told.take() {
                Some(told) if said.is_empty() => Heard::Answer(told),
                None if message::check(said).is_ok() => Heard::Tell(said.to_vec()),
                _ => Heard::Shut(Shut::OutOfTurn),
            },
            (EXCHANGE, Some(Side::Judge)) if working => Heard::Tell(said.to_vec()),
            (UNSPLITTABLE, Some(Side::Judge)) if working => {
                let reason = String::from_utf8_lossy(said);
                let reason = reason.chars().take(REASON_CHARS).collect();
                Heard::Shut(Shut::Unsplittable(reason))
            }
            (NONSENSE, Some(Side::Judge)) if working => Heard::Shut(Shut::Nonsense),
            _ => Heard::Shut(Shut::OutOfTurn),
        }
    }
}

/// Where a guest's request is, and where it wants its answer.
type Request = (u32, u32, u32, u32);

/// Defines `host.call(request, length, answer, answer_length) -> 0`.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap_async(
        "host",
        "call",
        |caller: Caller<'_, State>, request: Request| Box::new(call(caller, request)),
    )?;
    Ok(())
}

async fn call(mut caller: Caller<'_, State>, request: Request) -> wasmtime::Result<i32> {
    let (request, length, answer_at, answer_length_at) = request;
    charge(&mut caller, CALL_FUEL + u64::from(length) * BYTE_FUEL)?;
    let handles = caller
        .data()
        .handles
        .clone()
        .ok_or_else(|| wasmtime::Error::msg("door used before the instance is set up"))?;
    let (memory, state) = handles.memory.data_and_store_mut(&mut caller);
    // The first request comes from the runner, close to where the guest was entered.
    state.stack_top.get_or_insert_with(pages::stack_address);
    let start = request as usize;
    let end = start + length as usize;
    if state.door.preparing {
        immortalize(memory, start..end)?;
    }
    let exchanged = memory.get(start) == Some(&EXCHANGE);
    if exchanged {
        charge(&mut caller, u64::from(length) * MESSAGE_BYTE_FUEL)?;
    }
    let (memory, state) = handles.memory.data_and_store_mut(&mut caller);
    let heard = match memory.get(start..end) {
        Some(request) if request.len() <= REPORT_BYTES => state.door.hear(request),
        _ => Heard::Shut(Shut::OutOfTurn),
    };
    let read = state.door.report.as_ref().map_or(0, Vec::len) as u64;
    charge(&mut caller, read * REPORT_BYTE_FUEL)?;
    let answer = match heard {
        Heard::Answer(answer) => answer,
        Heard::Tell(message) => {
            hand_over(&mut caller, &handles, message)?;
            resumed(&mut caller).await?
        }
        Heard::Shut(why) => {
            caller.data_mut().door.shut = Some(why);
            return Err(wasmtime::Error::msg("the door is shut"));
        }
    };
    charge(&mut caller, answer.len() as u64 * BYTE_FUEL)?;
    let size = i32::try_from(answer.len().max(1))?;
    let at = handles.host_alloc.call_async(&mut caller, size).await?;
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
}

/// Gives the turn to the other guest, and all that belongs to both.
fn hand_over(
    caller: &mut Caller<'_, State>,
    handles: &Handles,
    message: Vec<u8>,
) -> wasmtime::Result<()> {
    let fuel = caller.get_fuel()?;
    let size = handles.memory.data_size(&caller);
    let state = caller.data_mut();
    let handover = Handover {
        message,
        fuel,
        stdout: std::mem::take(&mut state.world.stdout),
        stderr: std::mem::take(&mut state.world.stderr),
        files: state.world.files.take(),
        grown: size.saturating_sub(state.memory_limit.baseline),
    };
    if let Some(relay) = &state.door.relay {
        relay.hand_over(handover);
    }
    Ok(())
}

/// Waits for the turn, and takes what comes with it.
async fn resumed(caller: &mut Caller<'_, State>) -> wasmtime::Result<Vec<u8>> {
    let relay = caller.data().door.relay.clone();
    let relay = relay.ok_or_else(|| wasmtime::Error::msg("there is no other guest"))?;
    // Nobody is woken: whoever drives the two polls the one whose turn it is.
    let handover = poll_fn(|_| match relay.take() {
        Some(handover) => Poll::Ready(handover),
        None => Poll::Pending,
    })
    .await;
    take_over(caller, handover)
}

/// Makes one's own what the other guest handed over. Tells its message.
pub(crate) fn take_over(
    mut context: impl AsContextMut<Data = State>,
    handover: Handover,
) -> wasmtime::Result<Vec<u8>> {
    let mut context = context.as_context_mut();
    context.set_fuel(handover.fuel)?;
    let state = context.data_mut();
    state.world.stdout = handover.stdout;
    state.world.stderr = handover.stderr;
    state.world.files = handover.files;
    state.memory_limit.others = handover.grown;
    Ok(handover.message)
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
