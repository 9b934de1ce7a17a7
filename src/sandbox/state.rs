//! What the engine carries for one execution: its world, its door, its limits.

use super::door::Door;
use super::engine::TABLE_ELEMENTS;
use super::world::World;
use wasmtime::{AsContextMut, Caller, Memory, ResourceLimiter, Trap, TypedFunc};

/// The store's data. Fresh for every execution, but for the handles into the instance.
pub(crate) struct State {
    /// What the guest sees.
    pub world: World,
    /// What it is given and what it reports.
    pub door: Door,
    /// Fuel that the execution began with; the clock counts from it.
    pub budget: u64,
    /// Whether the clock stays at its beginning, whatever is used.
    pub clock_stands: bool,
    /// Exit status, once the guest has asked to leave.
    pub exited: Option<i32>,
    /// Whether stdout or stderr is full.
    pub output_full: bool,
    /// Bounds the memory.
    pub memory_limit: MemoryLimit,
    /// An address near the top of the stack on which the guest ran, once it has called us.
    pub stack_top: Option<usize>,
    /// Handles into the instance; empty only while it is being made.
    pub handles: Option<Handles>,
}

/// What host functions need of the instance.
#[derive(Clone)]
pub(crate) struct Handles {
    pub memory: Memory,
    pub host_alloc: TypedFunc<i32, i32>,
}

/// Refuses growth past a limit, and remembers that it did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryLimit {
    /// Bytes that every memory begins with.
    pub baseline: usize,
    /// Bytes that it may grow by, together with the other guest's, where there are two.
    pub growth: usize,
    /// Bytes by which the other guest's memory has grown.
    pub others: usize,
    /// Whether growth was refused.
    pub refused: bool,
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let most = self.baseline.saturating_add(self.growth);
        let allowed = desired.saturating_add(self.others) <= most;
        self.refused |= !allowed;
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // Asked when the table is made, too; the interpreter is linked statically, so it never
        // grows afterwards.
        Ok(desired <= TABLE_ELEMENTS)
    }
}

/// Takes fuel for work that the host does for the guest, so that guest time does not fall behind
/// wall time.
///
/// # Errors
/// The out-of-fuel trap where there is not enough left.
pub(crate) fn charge(caller: &mut Caller<'_, State>, fuel: u64) -> wasmtime::Result<()> {
    let left = caller.get_fuel()?;
    match left.checked_sub(fuel) {
        Some(rest) => caller.as_context_mut().set_fuel(rest),
        None => {
            caller.as_context_mut().set_fuel(0)?;
            Err(Trap::OutOfFuel.into())
        }
    }
}
