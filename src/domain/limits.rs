//! What a program may use, in units that mean the same on every machine.

/// What one execution may use before it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Guest time: [`Fuel::PER_MS`] fuel to the millisecond, whatever the machine and its load.
    pub time_ms: u64,
    /// What the program may add to the runtime's own memory.
    pub memory_bytes: u64,
    /// What it may write to stdout, and as much again to stderr.
    pub output_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            time_ms: 10_000,
            memory_bytes: 256 << 20,
            output_bytes: 1 << 20,
        }
    }
}

impl Limits {
    /// The guest time as fuel; `time_ms` is bounded by configuration, so this cannot overflow in
    /// practice and saturates where it would.
    pub fn fuel(&self) -> Fuel {
        Fuel(self.time_ms.saturating_mul(Fuel::PER_MS))
    }
}

/// Work done by a guest, counted by the engine: deterministic, unlike time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fuel(pub u64);

impl Fuel {
    /// About what a current server core executes in a millisecond.
    pub const PER_MS: u64 = 10_000_000;

    /// Guest time in milliseconds.
    pub fn as_ms(self) -> f64 {
        self.0 as f64 / Self::PER_MS as f64
    }
}
