//! How much work a comparison may be.

/// Steps that one comparison may take: a few times what the largest values that a guest may send
/// need, and some seconds of a core at worst.
const MOST_STEPS: u64 = 20_000_000;

/// The work that is left; every loop of a comparison takes its share.
#[derive(Debug)]
pub(super) struct Steps(u64);

/// The values are of a size or shape that is too much work to compare.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMuchWork;

impl Steps {
    pub(super) fn new() -> Self {
        Steps(MOST_STEPS)
    }

    pub(super) fn take(&mut self, steps: usize) -> Result<(), TooMuchWork> {
        self.0 = self.0.checked_sub(steps as u64).ok_or(TooMuchWork)?;
        Ok(())
    }
}
