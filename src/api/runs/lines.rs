//! Which lines of a growing file belong to which iteration, without keeping the lines.
//!
//! The file is appended to by another process. A run that is resumed cuts it back to an earlier
//! iteration first, so what was read may be there no more.

use super::folder::{Identity, Opened};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io;
use std::ops::ControlFlow;

/// Read at a time; large enough that the calls do not count.
const CHUNK_BYTES: usize = 1 << 20;

/// A longer line is passed over: lines have some thousand bytes, and one is held in memory.
const LINE_BYTES: usize = 16 << 20;

/// The bytes before the known end that have to be as they were. Several lines, of which each has
/// numbers of its own.
const TAIL_BYTES: usize = 4096;

/// Consecutive lines of one iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub iteration: u64,
    pub start: u64,
    pub end: u64,
}

/// The index of one file.
#[derive(Debug, Default)]
pub(super) struct Lines {
    identity: Option<Identity>,
    /// The lines before it are known; what follows is new, or a line that is being written.
    end: u64,
    /// The bytes before `end`.
    tail: Vec<u8>,
    /// Whether `end` is within a line that is passed over.
    within: bool,
    spans: Vec<Span>,
}

/// What is understood of a line.
#[derive(Deserialize)]
struct Head {
    iteration: u64,
}

impl Lines {
    /// Takes up what was appended. Says whether the file is another than before, or was cut: then
    /// all of it was read again.
    pub(super) fn follow(&mut self, file: Option<&Opened>) -> io::Result<bool> {
        let identity = file.map(Opened::identity);
        let was_replaced = self.identity.is_some() && self.identity != identity;
        let other = was_replaced
            || match file {
                Some(file) => file.length() < self.end || !self.is_tail_of(file)?,
                None => false,
            };
        if other {
            *self = Lines::default();
        }
        self.identity = identity;
        if let Some(file) = file {
            self.extend(file)?;
        }
        Ok(other)
    }

    /// Lines of one iteration that follow one another, in the file's order.
    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Every iteration that has lines, in order.
    pub(super) fn iterations(&self) -> Vec<u64> {
        let mut iterations: Vec<u64> = self.spans.iter().map(|span| span.iteration).collect();
        iterations.sort_unstable();
        iterations.dedup();
        iterations
    }

    fn is_tail_of(&self, file: &Opened) -> io::Result<bool> {
        let start = self.end - self.tail.len() as u64;
        Ok(file.read(start, self.tail.len())? == self.tail)
    }

    fn extend(&mut self, file: &Opened) -> io::Result<()> {
        let mut unread = Vec::new();
        loop {
            let start = self.end + unread.len() as u64;
            let most = file.length().saturating_sub(start).min(CHUNK_BYTES as u64);
            let chunk = file.read(start, most as usize)?;
            if chunk.is_empty() {
                return Ok(());
            }
            unread.extend_from_slice(&chunk);
            let whole = self.take_lines(&unread);
            unread.drain(..whole);
            if unread.len() > LINE_BYTES {
                self.pass(&unread);
                self.within = true;
                unread.clear();
            }
        }
    }

    /// Takes all whole lines; how many bytes that were.
    fn take_lines(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if line.last() != Some(&b'\n') {
                break;
            }
            let start = self.end + taken as u64;
            taken += line.len();
            let is_rest = std::mem::take(&mut self.within);
            if let (false, Some((iteration, _))) = (is_rest, parse(line)) {
                let end = start + line.len() as u64;
                self.add(Span {
                    iteration,
                    start,
                    end,
                });
            }
        }
        self.pass(&bytes[..taken]);
        taken
    }

    fn add(&mut self, span: Span) {
        match self.spans.last_mut() {
            Some(last) if last.iteration == span.iteration => last.end = span.end,
            _ => self.spans.push(span),
        }
    }

    /// Moves the known end behind these bytes.
    fn pass(&mut self, bytes: &[u8]) {
        self.end += bytes.len() as u64;
        let kept = TAIL_BYTES.saturating_sub(bytes.len());
        self.tail.drain(..self.tail.len().saturating_sub(kept));
        self.tail
            .extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
    }
}

/// A line that is a JSON object with an iteration, and that iteration.
fn parse(line: &[u8]) -> Option<(u64, &str)> {
    let text = std::str::from_utf8(line).ok()?.trim();
    let head: Head = serde_json::from_str(text).ok()?;
    Some((head.iteration, text))
}

/// Hands over the lines of these spans until told to stop. Lines that are not what the index says
/// are left out: the file was cut meanwhile, and the next request finds that.
pub(super) fn read(
    file: &Opened,
    spans: impl IntoIterator<Item = Span>,
    mut each: impl FnMut(Box<RawValue>) -> ControlFlow<()>,
) -> io::Result<()> {
    for span in spans {
        let (mut start, mut unread) = (span.start, Vec::new());
        while start < span.end {
            let most = (span.end - start).min(CHUNK_BYTES as u64);
            let chunk = file.read(start, most as usize)?;
            if chunk.is_empty() {
                break;
            }
            start += chunk.len() as u64;
            unread.extend_from_slice(&chunk);
            let mut taken = 0;
            for line in unread.split_inclusive(|byte| *byte == b'\n') {
                if line.last() != Some(&b'\n') {
                    break;
                }
                taken += line.len();
                let known = parse(line).filter(|(iteration, _)| *iteration == span.iteration);
                let value = known.and_then(|(_, text)| RawValue::from_string(text.into()).ok());
                if value.is_some_and(|value| each(value).is_break()) {
                    return Ok(());
                }
            }
            unread.drain(..taken);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::folder::Folder;
    use super::*;
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::path::PathBuf;

    struct Growing {
        folder: tempfile::TempDir,
        lines: Lines,
    }

    impl Growing {
        fn new() -> Self {
            Growing {
                folder: tempfile::tempdir().expect("a folder"),
                lines: Lines::default(),
            }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("lines")
        }

        fn append(&self, text: &str) {
            let mut options = OpenOptions::new();
            let file = options.create(true).append(true).open(self.path());
            let written = file.expect("a file").write_all(text.as_bytes());
            written.expect("it can be written");
        }

        fn open(&self) -> Option<Opened> {
            let folder = Folder::open(self.folder.path()).expect("it is there");
            folder.file("lines").expect("no error")
        }

        /// Follows, and gives all lines that are known then.
        #[track_caller]
        fn check(&mut self, other: bool, expect: &[(u64, &str)]) {
            let file = self.open();
            let was_other = self.lines.follow(file.as_ref()).expect("no error");
            let mut found = Vec::new();
            for span in self.lines.spans() {
                let file = file.as_ref().expect("lines have a file");
                read(file, [*span], |line| {
                    found.push((span.iteration, line.get().to_owned()));
                    ControlFlow::Continue(())
                })
                .expect("no error");
            }
            let found: Vec<_> = found.iter().map(|(i, line)| (*i, line.as_str())).collect();
            assert_eq!((was_other, &found[..]), (other, expect));
        }
    }

    #[test]
    fn a_file_that_grows() {
        let mut file = Growing::new();
        file.check(false, &[]);
        file.append("{\"iteration\": 0}\n{\"iteration\": 1, \"x\": [1, {}]}\n");
        let (zero, one) = (
            (0, r#"{"iteration": 0}"#),
            (1, r#"{"iteration": 1, "x": [1, {}]}"#),
        );
        file.check(false, &[zero, one]);
        file.append("{\"iteration\":");
        file.check(false, &[zero, one]);
        file.append("1}\n");
        file.check(false, &[zero, one, (1, r#"{"iteration":1}"#)]);
        assert_eq!(file.lines.spans().len(), 2);
        assert_eq!(file.lines.iterations(), [0, 1]);
        file.check(false, &[zero, one, (1, r#"{"iteration":1}"#)]);
    }

    #[test]
    fn what_is_no_line_is_left_out() {
        let mut file = Growing::new();
        file.append("\n[]\n{}\n{\"iteration\": -1}\n{\"iteration\": \"1\"}\n{\"iteration\": 1\n");
        std::fs::write(file.path(), {
            let mut bytes = std::fs::read(file.path()).expect("bytes");
            bytes.extend_from_slice(b"{\"iteration\": 1, \"x\": \"\xff\"}\n");
            bytes
        })
        .expect("it can be written");
        // Half a surrogate pair is no Unicode, but it is JSON, and models write it.
        file.append("{\"iteration\": 2, \"x\": \"\\ud800\"}\n");
        file.check(false, &[(2, r#"{"iteration": 2, "x": "\ud800"}"#)]);
    }

    #[test]
    fn a_file_that_is_cut_and_grows_again() {
        let mut file = Growing::new();
        let line = |iteration, x| format!("{{\"iteration\": {iteration}, \"x\": {x}}}\n");
        file.append(&[line(1, 1), line(2, 1), line(3, 1)].concat());
        file.lines.follow(file.open().as_ref()).expect("no error");
        // Shorter.
        std::fs::write(file.path(), line(1, 1)).expect("it can be written");
        let first = (1, r#"{"iteration": 1, "x": 1}"#);
        file.check(true, &[first]);
        // Cut, and grown to the same length and beyond before anybody looked.
        for again in [2, 23_456_789] {
            std::fs::write(file.path(), line(1, 1) + &line(2, 7)).expect("it can be written");
            file.lines.follow(file.open().as_ref()).expect("no error");
            std::fs::write(file.path(), line(1, 1) + &line(2, again)).expect("it can be written");
            let second = format!(r#"{{"iteration": 2, "x": {again}}}"#);
            file.check(true, &[first, (2, &second)]);
        }
        // Gone, and there again.
        std::fs::remove_file(file.path()).expect("it was there");
        file.check(true, &[]);
        file.append(&line(4, 4));
        file.check(false, &[(4, r#"{"iteration": 4, "x": 4}"#)]);
    }

    #[test]
    fn lines_across_chunks_and_lines_that_are_too_long() {
        let mut file = Growing::new();
        let line = |iteration: u64, length: usize| {
            format!(
                "{{\"iteration\": {iteration}, \"x\": \"{}\"}}\n",
                "y".repeat(length)
            )
        };
        let (long, too_long) = (line(1, 3 * CHUNK_BYTES), line(2, LINE_BYTES + CHUNK_BYTES));
        file.append(&long);
        file.append(&too_long[..LINE_BYTES + 5]);
        file.check(false, &[(1, long.trim())]);
        file.append(&too_long[LINE_BYTES + 5..]);
        file.append(&line(3, 1));
        file.check(false, &[(1, long.trim()), (3, line(3, 1).trim())]);
    }
}
