//! Puts the compiled code that programs really use on huge pages.
//!
//! The runtime's code is some 200 MiB, of which an ordinary program uses ten, scattered over
//! hundreds of small pages: more than a processor remembers translations for. Only where code lies
//! is changed, never what it is; where the kernel has no huge pages, everything stays as it was.

use super::pages::PAGE;
use std::ops::Range;
use wasmtime::Module;

/// What the processor translates at once where the kernel allows it (x86-64, and aarch64 with
/// pages of 4 KiB).
const HUGE: usize = 2 << 20;

/// At most so many: 32 MiB of memory. Ordinary programs touch eight of them, and one that
/// imports large libraries would go through all of the code.
const MOST_HUGE: usize = 16;

/// Moves what has been executed of a module's code to huge pages. Tells how many were made.
///
/// # Safety
/// Nothing may execute the module's code meanwhile.
#[cfg(target_os = "linux")]
pub(crate) unsafe fn gather(module: &Module) -> usize {
    let text = module.text().as_ptr_range();
    // What lies before the code in the module's image shares its first huge page.
    let start = module.image_range().start.addr();
    let Ok(touched) = touched(start.next_multiple_of(HUGE)..text.end.addr() / HUGE * HUGE) else {
        return 0;
    };
    let mut made = 0;
    for at in touched.into_iter().take(MOST_HUGE) {
        // SAFETY: the huge page lies inside the module's image, which is mapped, readable, never
        // written and, by the caller's word, idle.
        if unsafe { replace(at) }.is_err() {
            break;
        }
        made += 1;
    }
    made
}

/// Only Linux tells which pages are in use.
///
/// # Safety
/// None is needed.
#[cfg(not(target_os = "linux"))]
pub(crate) unsafe fn gather(_module: &Module) -> usize {
    0
}

/// Addresses of the huge pages between two aligned addresses of which something is mapped, in order.
#[cfg(target_os = "linux")]
fn touched(range: Range<usize>) -> std::io::Result<Vec<usize>> {
    use std::os::unix::fs::FileExt;
    const PRESENT: u64 = 1 << 63;
    let map = std::fs::File::open("/proc/self/pagemap")?;
    let mut entries = vec![0u8; HUGE / PAGE * 8];
    let mut found = Vec::new();
    for at in range.step_by(HUGE) {
        map.read_exact_at(&mut entries, (at / PAGE * 8) as u64)?;
        let present =
            |entry: &[u8]| u64::from_le_bytes(entry.try_into().unwrap_or_default()) & PRESENT != 0;
        if entries.chunks_exact(8).any(present) {
            found.push(at);
        }
    }
    Ok(found)
}

/// Puts a huge page with the same content in place of what is mapped at `at`.
///
/// # Safety
/// `at` must be aligned, and `HUGE` bytes from it mapped, readable and not in use.
#[cfg(target_os = "linux")]
unsafe fn replace(at: usize) -> rustix::io::Result<()> {
    use rustix::mm::{Advice, MapFlags, MprotectFlags, MremapFlags, ProtFlags};
    use std::ptr::{null_mut, with_exposed_provenance_mut};
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a mapping of our own, twice as large so that an aligned part is in it; what is
    // around that part is given back before anybody else could be given its addresses.
    let page = unsafe {
        let whole = rustix::mm::mmap_anonymous(null_mut(), 2 * HUGE, access, flags)?;
        let before = whole.addr().next_multiple_of(HUGE) - whole.addr();
        let page = whole.byte_add(before);
        if before > 0 {
            rustix::mm::munmap(whole, before)?;
        }
        rustix::mm::munmap(page.byte_add(HUGE), HUGE - before)?;
        page
    };
    let code = with_exposed_provenance_mut::<u8>(at);
    // SAFETY: `page` is ours, and `code` mapped and idle by the caller's word. Moving one over the
    // other is a single step, after which the same bytes are at the same address.
    unsafe {
        let moved = rustix::mm::madvise(page, HUGE, Advice::LinuxHugepage)
            .and_then(|()| {
                std::ptr::copy_nonoverlapping(code, page.cast::<u8>(), HUGE);
                rustix::mm::mprotect(page, HUGE, MprotectFlags::READ | MprotectFlags::EXEC)
            })
            .and_then(|()| {
                rustix::mm::mremap_fixed(page, HUGE, HUGE, MremapFlags::MAYMOVE, code.cast())
            });
        match moved {
            Ok(_) => Ok(()),
            Err(error) => rustix::mm::munmap(page, HUGE).and(Err(error)),
        }
    }
}
