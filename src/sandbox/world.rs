//! The guest's world: everything that a program can see beside its own memory.
//!
//! Owns streams, files, clock and randomness of one execution, all of it in our own memory: there
//! is no way from here to the host's files, time, environment or network. Knows nothing of the
//! engine; [`super::wasi`] translates the guest's system calls to it.

pub(crate) mod files;

use crate::domain::{File, Fuel};
use files::{Files, NodeId};
use std::sync::Arc;

/// Nanoseconds since 1970 at which every execution begins: 2026-01-01T00:00:00Z. The instant is
/// arbitrary; that it is always the same one makes programs that print dates reproducible.
pub(crate) const EPOCH_NS: u64 = 1_767_225_600_000_000_000;

/// Fuel that passes in a nanosecond of guest time.
pub(crate) const FUEL_PER_NS: u64 = Fuel::PER_MS / 1_000_000;

/// A read-only archive of modules, the same bytes for every guest.
pub(crate) type Archive = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// What every guest may import.
#[derive(Clone)]
pub(crate) struct Library {
    /// The standard library, and the packages that come with the interpreter.
    pub standard: Archive,
    /// Packages beside those.
    pub packages: Archive,
}

/// What one execution sees.
pub(crate) struct World {
    /// Directory tree.
    pub files: Files,
    /// Open descriptors by number; 0 to 2 are the streams, 3 is the root directory.
    pub descriptors: Vec<Option<Descriptor>>,
    /// What the program reads from descriptor 0.
    pub stdin: Vec<u8>,
    /// How much of `stdin` has been read.
    pub stdin_read: usize,
    /// What it wrote to descriptor 1.
    pub stdout: Vec<u8>,
    /// What it wrote to descriptor 2.
    pub stderr: Vec<u8>,
    /// Most bytes that either stream takes.
    pub output_bytes: u64,
    random: SplitMix64,
}

/// An open file.
#[derive(Clone, Debug)]
pub(crate) enum Descriptor {
    /// Descriptor 0, wherever it is.
    Stdin,
    /// Descriptor 1.
    Stdout,
    /// Descriptor 2.
    Stderr,
    /// A file with its position.
    File(OpenFile),
    /// A directory; `preopen` for the root that the guest finds at its start.
    Directory { node: NodeId, preopen: bool },
}

/// A file with its position and how it was opened.
#[derive(Clone, Debug)]
pub(crate) struct OpenFile {
    pub node: NodeId,
    pub position: u64,
    pub append: bool,
    pub readable: bool,
    pub writable: bool,
}

/// The stream is full: the output limit struck.
#[derive(Debug)]
pub(crate) struct OutputFull;

/// Most descriptors a guest may hold: as many as a usual `ulimit -n`.
const DESCRIPTORS: usize = 1024;

impl World {
    /// A world at its beginning.
    pub fn new(library: Library, seed: u64, output_bytes: u64) -> Self {
        let files = Files::new(library);
        let root = Descriptor::Directory {
            node: files::ROOT,
            preopen: true,
        };
        World {
            files,
            descriptors: vec![
                Some(Descriptor::Stdin),
                Some(Descriptor::Stdout),
                Some(Descriptor::Stderr),
                Some(root),
            ],
            stdin: Vec::new(),
            stdin_read: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
            output_bytes,
            random: SplitMix64(seed),
        }
    }

    /// Puts files into the working directory; paths were checked at the edge.
    pub fn place(&mut self, files: &[File]) {
        for file in files {
            self.files.place(&file.path, file.contents.clone());
        }
    }

    /// Those of these files in the working directory that are there now.
    pub fn fetch(&self, paths: &[String]) -> Vec<File> {
        let file = |path: &String| {
            Some(File {
                path: path.clone(),
                contents: self.files.fetch(path)?.to_vec(),
            })
        };
        paths.iter().filter_map(file).collect()
    }

    /// Opens the lowest free descriptor.
    pub fn open(&mut self, descriptor: Descriptor) -> Option<u32> {
        let free = self.descriptors.iter().position(Option::is_none);
        let number = match free {
            Some(number) => number,
            None if self.descriptors.len() < DESCRIPTORS => {
                self.descriptors.push(None);
                self.descriptors.len() - 1
            }
            None => return None,
        };
        self.descriptors[number] = Some(descriptor);
        u32::try_from(number).ok()
    }

    /// Gives back the bytes of a file that has lost its name, unless somebody still reads it.
    pub fn release(&mut self, node: NodeId) {
        let open =
            self.descriptors.iter().flatten().any(
                |descriptor| matches!(descriptor, Descriptor::File(file) if file.node == node),
            );
        if !open {
            self.files.release(node);
        }
    }

    /// The descriptor of this number.
    pub fn descriptor(&mut self, number: u32) -> Option<&mut Descriptor> {
        self.descriptors.get_mut(number as usize)?.as_mut()
    }

    /// Appends to stdout or stderr, as far as the limit allows.
    pub fn write_stream(
        &mut self,
        descriptor: &Descriptor,
        bytes: &[u8],
    ) -> Result<(), OutputFull> {
        let limit = usize::try_from(self.output_bytes).unwrap_or(usize::MAX);
        let stream = match descriptor {
            Descriptor::Stderr => &mut self.stderr,
            _ => &mut self.stdout,
        };
        let room = limit.saturating_sub(stream.len());
        stream.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            return Err(OutputFull);
        }
        Ok(())
    }

    /// Takes what is next in stdin.
    pub fn read_stdin(&mut self, into: &mut [u8]) -> usize {
        let rest = &self.stdin[self.stdin_read..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.stdin_read += count;
        count
    }

    /// Fills a buffer with seeded randomness.
    pub fn fill_random(&mut self, into: &mut [u8]) {
        for chunk in into.chunks_mut(8) {
            chunk.copy_from_slice(&self.random.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Steele, Lea and Flood's SplitMix64 (OOPSLA 2014): passes BigCrush, and any seed is a good one.
/// Not cryptographic, which would gain nothing where the seed is known to the sender.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}
