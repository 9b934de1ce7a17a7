//! Which pages of a private mapping have been written since it was made.
//!
//! A page that is present (or swapped out) in a private mapping and is neither the file's nor the
//! zero page is a copy that somebody wrote to. Linux tells without any privilege, through
//! `PAGEMAP_SCAN` (6.7 and later) or by reading `/proc/self/pagemap`; no write protection is
//! needed, so it works in containers that deny userfaultfd.

use std::ops::Range;

/// The unit in which memory is mapped, compared and copied back.
pub(crate) const PAGE: usize = 4096;

/// Page faults of the calling thread so far. A page that is written for the first time costs its
/// writer one, so where the number has not changed, neither have the written pages.
#[cfg(target_os = "linux")]
pub(crate) fn thread_faults() -> Option<i64> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is valid for the call, which fills the structure where it gives 0.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    Some(usage.ru_minflt + usage.ru_majflt)
}

/// Drops the copies that were made of these pages of a private mapping, whose contents are what is
/// mapped: they are the file's again. Tells whether they are.
#[cfg(target_os = "linux")]
pub(crate) fn map_anew(pages: &mut [u8]) -> bool {
    // SAFETY: the pages are lent to us alone, whole (the caller's are), and what is read from them
    // afterwards is what is in them now, by the caller's word.
    unsafe {
        rustix::mm::madvise(
            pages.as_mut_ptr().cast(),
            pages.len(),
            rustix::mm::Advice::LinuxDontNeed,
        )
        .is_ok()
    }
}

/// Only Linux gives the file's pages back.
#[cfg(not(target_os = "linux"))]
pub(crate) fn map_anew(_pages: &mut [u8]) -> bool {
    false
}

/// Only Linux counts for each thread.
#[cfg(not(target_os = "linux"))]
pub(crate) fn thread_faults() -> Option<i64> {
    None
}

/// Finds written pages of this process.
pub(crate) struct PageMap {
    #[cfg(target_os = "linux")]
    file: std::fs::File,
    #[cfg(target_os = "linux")]
    scan: bool,
}

#[cfg(not(target_os = "linux"))]
impl PageMap {
    /// Only Linux tells.
    pub fn open() -> Option<Self> {
        None
    }

    /// Never called: there is no map.
    pub fn written(&self, _start: usize, _end: usize) -> std::io::Result<Vec<Range<usize>>> {
        Err(std::io::Error::from(std::io::ErrorKind::Unsupported))
    }
}

#[cfg(target_os = "linux")]
impl PageMap {
    /// Opens the process's page map, if pages here are of the expected size.
    pub fn open() -> Option<Self> {
        if rustix::param::page_size() != PAGE {
            return None;
        }
        let file = std::fs::File::open("/proc/self/pagemap").ok()?;
        let scan = scan::regions(&file, 0, 0, &mut Vec::new()).is_ok();
        Some(PageMap { file, scan })
    }

    /// Address ranges of the written pages between two page-aligned addresses.
    ///
    /// # Errors
    /// Where the kernel does not answer.
    pub fn written(&self, start: usize, end: usize) -> std::io::Result<Vec<Range<usize>>> {
        let mut ranges = Vec::new();
        if self.scan {
            scan::regions(&self.file, start, end, &mut ranges)?;
        } else {
            self.read(start, end, &mut ranges)?;
        }
        Ok(ranges)
    }

    /// For kernels without the scan: eight bytes for every page.
    fn read(
        &self,
        start: usize,
        end: usize,
        ranges: &mut Vec<Range<usize>>,
    ) -> std::io::Result<()> {
        use std::os::unix::fs::FileExt;
        const PRESENT: u64 = 1 << 63;
        const SWAPPED: u64 = 1 << 62;
        const FILE: u64 = 1 << 61;
        let mut entries = vec![0u8; (end - start) / PAGE * 8];
        self.file
            .read_exact_at(&mut entries, (start / PAGE * 8) as u64)?;
        for (index, entry) in entries.chunks_exact(8).enumerate() {
            let entry = u64::from_le_bytes(entry.try_into().unwrap_or_default());
            if entry & (PRESENT | SWAPPED) == 0 || entry & FILE != 0 {
                continue;
            }
            let at = start + index * PAGE;
            match ranges.last_mut() {
                Some(last) if last.end == at => last.end = at + PAGE,
                _ => ranges.push(at..at + PAGE),
            }
        }
        Ok(())
    }
}

/// The `PAGEMAP_SCAN` request, from Linux' `include/uapi/linux/fs.h`.
#[cfg(target_os = "linux")]
mod scan {
    use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};
    use std::ffi::c_void;
    use std::fs::File;
    use std::io;
    use std::ops::Range;

    const FILE: u64 = 1 << 2;
    const PRESENT: u64 = 1 << 3;
    const SWAPPED: u64 = 1 << 4;
    const PFNZERO: u64 = 1 << 5;

    #[repr(C)]
    #[derive(Default)]
    struct Argument {
        size: u64,
        flags: u64,
        start: u64,
        end: u64,
        walk_end: u64,
        regions: u64,
        regions_length: u64,
        max_pages: u64,
        category_inverted: u64,
        category_mask: u64,
        category_anyof_mask: u64,
        return_mask: u64,
    }

    #[repr(C)]
    #[derive(Clone, Copy, Default)]
    struct Region {
        start: u64,
        end: u64,
        categories: u64,
    }

    /// Regions per call; a program leaves some hundred, and the call is repeated for more.
    const REGIONS: usize = 512;

    // SAFETY: the opcode is the one for `Argument`, whose pointer is valid for the call, and the
    // kernel writes at most `regions_length` regions to the buffer that `regions` points to.
    unsafe impl Ioctl for &mut Argument {
        type Output = usize;
        const IS_MUTATING: bool = true;

        fn opcode(&self) -> Opcode {
            opcode::read_write::<Argument>(b'f', 16)
        }

        fn as_ptr(&mut self) -> *mut c_void {
            std::ptr::from_mut::<Argument>(self).cast()
        }

        unsafe fn output_from_ptr(
            output: IoctlOutput,
            _argument: *mut c_void,
        ) -> rustix::io::Result<usize> {
            Ok(usize::try_from(output).unwrap_or(0))
        }
    }

    pub(super) fn regions(
        file: &File,
        start: usize,
        end: usize,
        ranges: &mut Vec<Range<usize>>,
    ) -> io::Result<()> {
        let mut buffer = [Region::default(); REGIONS];
        let mut argument = Argument {
            size: size_of::<Argument>() as u64,
            start: start as u64,
            end: end as u64,
            regions: buffer.as_mut_ptr() as u64,
            regions_length: REGIONS as u64,
            // Neither the file's page nor the zero page, and there at all.
            category_inverted: FILE | PFNZERO,
            category_mask: FILE | PFNZERO,
            category_anyof_mask: PRESENT | SWAPPED,
            ..Argument::default()
        };
        loop {
            // SAFETY: see the implementation above; the buffer outlives the call.
            let count = unsafe { ioctl(file, &mut argument)? };
            for region in &buffer[..count.min(REGIONS)] {
                let (start, end) = (region.start as usize, region.end as usize);
                match ranges.last_mut() {
                    Some(last) if last.end == start => last.end = end,
                    _ => ranges.push(start..end),
                }
            }
            if argument.walk_end >= argument.end {
                return Ok(());
            }
            argument.start = argument.walk_end;
        }
    }
}
