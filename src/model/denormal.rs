//! Denormal numbers, those below 1e-38: counted as zero while ONNX Runtime computes, and by nobody
//! else.
//!
//! ONNX Runtime is told to count them as zero, and does so on its own threads; of the threads that
//! call it, it changes the one that makes the first session, for good, and no other. Rust's floating
//! point must not be changed, a thread passes its setting on to those that it starts, and what a
//! step of training gives must not depend on who takes it.

/// While it lives, denormal numbers count as zero on this thread; then all is as it was before.
pub(super) struct Flushed {
    #[cfg(target_arch = "x86_64")]
    before: u32,
}

/// Bits of the control register: results that are denormal become zero, and so do operands.
#[cfg(target_arch = "x86_64")]
const TO_ZERO: u32 = 1 << 15 | 1 << 6;

impl Flushed {
    /// From here on.
    pub(super) fn begin() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let before = control();
            set_control(before | TO_ZERO);
            Flushed { before }
        }
        #[cfg(not(target_arch = "x86_64"))]
        Flushed {}
    }
}

impl Drop for Flushed {
    fn drop(&mut self) {
        #[cfg(target_arch = "x86_64")]
        set_control(self.before);
    }
}

#[cfg(target_arch = "x86_64")]
fn control() -> u32 {
    let mut control = 0_u32;
    // SAFETY: the instruction stores the register's 32 bits where it is told to.
    unsafe {
        std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut control, options(nostack, preserves_flags));
    }
    control
}

#[cfg(target_arch = "x86_64")]
fn set_control(control: u32) {
    // SAFETY: the value is one that was read, with two bits changed that every processor of this
    // kind has. Between the two changes only ONNX Runtime computes with floating point.
    unsafe {
        std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const control, options(nostack, readonly));
    }
}
