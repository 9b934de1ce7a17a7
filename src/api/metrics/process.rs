//! What this process takes of the machine, out of a file that stays open: a confined process opens
//! none.

use super::Figure;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// The fields of `/proc/self/stat`, counted from the state (the third), which follows the only
/// one that may hold blanks.
const THREADS: usize = 17;
const RESIDENT_PAGES: usize = 21;

/// Longer than the line ever is: 52 numbers.
const LINE_BYTES: usize = 2048;

/// This process, as the kernel tells of it.
#[derive(Debug)]
pub struct Process(File);

impl Process {
    /// Opens what it is read from; nothing on systems that have no such file. To be called before
    /// the process is confined.
    pub fn open() -> Option<Process> {
        File::open("/proc/self/stat").ok().map(Process)
    }

    pub(super) fn look(&self) -> Option<[Figure; 2]> {
        let mut line = [0; LINE_BYTES];
        let length = self.0.read_at(&mut line, 0).ok()?;
        let line = std::str::from_utf8(&line[..length]).ok()?;
        let (threads, pages) = read(line)?;
        let bytes = pages.saturating_mul(rustix::param::page_size() as u64);
        Some([
            (
                "process_resident_memory_bytes",
                "Memory of this process, what it shares with others included",
                bytes,
            ),
            ("process_threads", "Threads of this process", threads),
        ])
    }
}

fn read(line: &str) -> Option<(u64, u64)> {
    // The name stands in parentheses, and may hold some.
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse().ok();
    Some((number(THREADS)?, number(RESIDENT_PAGES)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_after_the_name() {
        let rest: Vec<String> = (3..=52).map(|field| field.to_string()).collect();
        let line = format!("1 (a b) c) {}\n", rest.join(" "));
        assert_eq!(read(&line), Some((20, 24)));
        assert_eq!(read("1 (a) S 1"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_takes_something() {
        let figures = Process::open().and_then(|process| process.look());
        let figures = figures.expect("figures");
        assert!(
            figures.iter().all(|(_, _, value)| *value > 0),
            "{figures:?}"
        );
    }
}
